"""Two maps compared.

comparison     compare: the difference of two maps, and metrics
decomposition  decompose: the share of each setting in a difference, as Shapley values
scan           ScanRequest: two configurations compared over many images
scan_summary   summarise_scan, scan_table, to_csv, to_parquet
"""
