"""What speaks for a map, and for many, by all measures below.

card      belief_card: five questions to the map of one picture, each with its number
evidence  what the card asks of the network, for all layers at once
slices    SliceRequest, find_slices: groups of pictures whose maps look at the same place
"""
