"""The three guesses of the study, tested.

guesses   the rules, their verdicts and sentences
outlines  outline_masks: outlines by GrabCut
rows      contour and grass rows: the measurements image by image
reasons/  the reasons that the study names, tested on networks trained for it
"""
