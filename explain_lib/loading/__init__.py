"""Networks by name, from files and from other libraries.

architectures       find_architecture: networks by name
blueprint           Architecture: what can be built, and its usual input
building            build_network: a network with the weights of a file
bundled             load_model, list_models: the bundled checkpoints
efficientnet_lite0  a network of photographs, with the weights of its package
hf_folders          folder_network: image classifiers of transformers in a local folder
model_options       named_models: the options that name a model, and files with several
model_store         OwnModels: the models of a server, its own and uploaded ones
older_weight_files  files of torch.save before PyTorch 1.6
own                 load_own_model: models that are not bundled
pickle_outline      the tensors declared in a pickle, without unpickling it
timm_networks       timm_architecture: networks of timm by name
training            train: the recipes of the bundled checkpoints
weight_files        read_weights: .pt and .safetensors from outside
"""
