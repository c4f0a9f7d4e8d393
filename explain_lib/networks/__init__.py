"""Networks, their layers and their predictions.

capture         capture, trace: activations and gradients; the only module with hooks
cards           ModelCard
forwarded       Forwarded: a network that is run by a function of the caller's
model           Model, as_model: a network with everything needed to run and explain it
outputs         Outputs: how scores are found in what a network returns
predictions     Predictions, Selection, confusion_matrix, label_counts
prepared        prepare: a picture of any size as a network sees it, and its maps on the whole picture
randomisation   randomised: copies with randomised layers
requests        Request: a computation over images of a set, batch by batch
sharing         exclusive, undisturbed: one thread at a time, everything restored
targets         Target, OwnTarget: the explained score
task_words      how pages speak of each task
tasks           Task: softmax, sigmoid, binary, regression; probabilities
"""
