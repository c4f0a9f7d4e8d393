"""The base of every other room: no networks, no pictures.

ahead        made_ahead: values that are made in another thread while those before them are used
devices      the device and the CPU threads of PyTorch
errors       ExplainError and its subclasses, the only exceptions that callers meet
files        write_whole, read_tensors, write_tensors, cache_folder
frozen       Frozen, the base of results: read-only arrays
identity     identity_of: values as keys
maps         Map, MapState, map_state, check_map
memo         Memo: results by key, each computed once
memory       enough_memory: TooLargeError in place of failed allocations
run_context  Run: cancelling, remembering and recording computations
sheets       Sheet: a volume or a signal as a picture
statistics   Estimate, bootstrap means and differences, intervals for the best of many, rank correlations
words        numbers, percent, intervals, lists and errors in words
"""
