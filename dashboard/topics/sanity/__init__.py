"""Sanity checks: networks that have forgotten, and the twin.

Without Streamlit:
check   the maps of the picked image, depth by depth, and from random starts; its slide
figure  the correlations, step by step
pairs   which of a blind pair was never trained
part    what of a picture and its map is drawn: of a volume a slice
words   random starts in words

On the page:
blind   pairs of maps without names, until the answer is open
image   the picked image at the chosen depth, and at all
sample  the checks over many images
twin    the twin that learnt labels in random order, and a second network that learnt the right ones
"""
