"""The three guesses of the study, tested.

guesses   the rules, their verdicts and sentences
outlines  outline_masks: outlines by GrabCut
rows      contour and grass rows: the measurements image by image
"""
