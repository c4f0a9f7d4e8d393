"""Grad-CAM as a walk of six steps.

Without Streamlit:
channel_sprite  the channels in one picture
walk            every number of the walk; its slide
walk_words      what the steps say of their numbers

On the page:
channel_grid   the channels as tiles or bars to click
channel_panel  one channel in numbers, and the score without it
panels         the pictures of each step
steps          the six steps
"""
