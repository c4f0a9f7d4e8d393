"""A training in time: one picture, seen by the networks of its epochs.

Without Streamlit:
course  the moments, and their maps of the picture
figure  accuracy by epoch

On the page:
player    the slider over the epochs, which plays
sections  one moment, all moments, the chart
"""
