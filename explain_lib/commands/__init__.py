"""The commands of python -m explain_lib, one per module, each with add_options and run.

card, check_up, layers, lesson, replay, sanity, scan,
slices, train, truth                                   the commands of these names
interruption                                           Ctrl-C, deferred to the end of a batch
subject                                                the model and the pictures that a command is about
"""
