"""Maps where the right place is known.

finders       Finder: a method at a layer, or a baseline; the maps of all finders, and how well they find places
localisation  the measures: energy inside, pointing game, rank accuracy, overlap, sparseness, complexity
mosaics       MosaicRequest: four pictures in one, together or apart, and the quarter of the asked class
own_places    places of the caller's own pictures, from a folder of masks or a list of boxes, and their request
secret        SecretRequest: a network that was taught to watch for a planted mark
summary       summarise_truth, and sentences
"""
