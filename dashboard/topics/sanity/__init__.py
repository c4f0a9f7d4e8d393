"""Sanity checks: networks that have forgotten, and the twin.

Without Streamlit:
check   the maps of the picked image, depth by depth, and from random starts; its slide
figure  the correlations, step by step
words   random starts in words

On the page:
image   the picked image at the chosen depth, and at all
sample  the checks over many images
twin    the twin that learnt labels in random order
"""
