"""The guesses of the study, tested.

rules            the guesses in the study's words, and the rules that they are judged by, with their dates
guesses          contours and grass judged: verdicts and sentences
rows             the measurements on contours, image by image
grass_rows       those on grass, frog by frog
outlines         outline_masks: the object in a picture
outline_density  a map along an outline and inside
covers           parts of pictures covered or shuffled
reasons/         the reasons that the study names, tested on networks trained for it
"""
