"""Parts of a picture that a number is taken over, where a network gives a score for each place.

boxes    Box: a candidate of a detector; Candidates: all of some pictures, with their scores
region   Region: drawn, one pixel, or predicted; Predicted: one that is found in the network's output
"""
