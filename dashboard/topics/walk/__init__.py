"""Grad-CAM as a walk: the network, then six steps.

Without Streamlit:
channel_sprite  the channels in one picture
network_drawing the network as SVG
walk            every number of the walk; its slide
walk_words      what the steps say of their numbers

On the page:
channel_grid   the channels as tiles or bars to click
channel_panel  one channel in numbers, and the score without it
network_map    the drawing of the network, to click
panels         the pictures of each step
steps          the network, and the six steps
"""
