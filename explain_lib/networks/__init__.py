"""Networks, their layers and their predictions.

architectures   find_architecture, build_network: networks by name
bundled         load_model, list_models: the bundled checkpoints
capture         capture, trace: activations and gradients; the only module with hooks
cards           ModelCard
model           Model, as_model: a network with everything needed to run and explain it
own             load_own_model, OwnModels: models that are not bundled
pickle_outline  the tensors declared in a pickle, without unpickling it
predictions     Predictions, Selection, confusion_matrix, softmax
randomisation   randomised: copies with randomised layers
requests        Request: a computation over images of a set, batch by batch
sharing         exclusive, undisturbed: one thread at a time, everything restored
targets         Target: the explained score
training        train: the recipes of the bundled checkpoints
weight_files    read_weights: .pt and .safetensors from outside
"""
