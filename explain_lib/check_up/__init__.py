"""The check-up of a network before any map.

check_up  check_up: all findings about a network
findings  Finding and CheckUp
layers    findings about grids, calls and overwritten outputs
outputs   findings about the form of outputs, and a softmax at the end
passes    findings about missing gradients, NaN and infinity
probe     Probe: two pictures forward and back
weights   findings about wrappers, weights and normalisation
"""
