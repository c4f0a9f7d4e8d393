"""Networks by name, from files and from other libraries.

architectures   find_architecture: networks by name
building        build_network: a network with the weights of a file
bundled         load_model, list_models: the bundled checkpoints
own             load_own_model, OwnModels: models that are not bundled
pickle_outline  the tensors declared in a pickle, without unpickling it
training        train: the recipes of the bundled checkpoints
weight_files    read_weights: .pt and .safetensors from outside
"""
