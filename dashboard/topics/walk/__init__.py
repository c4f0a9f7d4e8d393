"""Grad-CAM as a walk of six steps.

Without Streamlit:
channel_sprite  the channels in one picture
walk            every number of the walk; its slide

On the page:
channel_grid   the channels as tiles or bars to click
channel_panel  one channel, and the score without it
steps          the six steps
"""
