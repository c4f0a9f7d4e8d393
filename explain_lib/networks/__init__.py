"""Networks with all that is needed to run and explain them, and their predictions.

cards           ModelCard
making          as_model: a Model of the caller's network
model           Model: a network with everything needed to run and explain it
predictions     Predictions, Selection, confusion_matrix, label_counts
prepared        prepare: a picture of any size as a network sees it, and its maps on the whole picture
randomisation   randomised: copies with randomised layers
requests        Request: a computation over images of a set, batch by batch
task_words      how pages speak of each task
weights         model_digest, weight_stamp, named_tensors
"""
