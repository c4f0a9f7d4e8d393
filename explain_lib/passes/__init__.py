"""One pass of a network, forward and back.

capture    capture, hold, reach: activations and gradients of chosen layers
flow       Flow: the tensors that all paths from the picture to the scores lead through
forwarded  Forwarded: a network that is run by a function of the caller's
layouts    Layout: an output over any axes as (N, C, h, w)
operations Watching: PyTorch's operations while a network runs
outputs    Outputs: how scores are found in what a network returns
positions  PositionReading: the place of every element, from the operations of a pass
running    run, alone, run_hooked: the only module with hooks
sharing    exclusive, undisturbed: one thread at a time, everything restored
stages     layer_parts, best_layers: ends of stages, blocks, normalisations
targets    Target, OwnTarget: the explained score
tasks      Task: softmax, sigmoid, binary, regression, segmentation, detection; probabilities
tracing    trace: every call of every module, as LayerTrace
"""
