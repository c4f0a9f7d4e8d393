"""Work of a process over many images.

cache         ExplainCache, shared_cache
cluster       scan_on_cluster: a scan on a Dask cluster
jobs          Jobs: requests in the background
later         Later, shared_later: what pages do not wait for
ladder_files  write_ladder, read_ladder, bundled_ladder
scan_files    scan_to_file: a scan that resumes after a kill
"""
