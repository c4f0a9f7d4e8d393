"""Slices of a set: groups of pictures whose maps look at the same place.

Without Streamlit:
chosen    the pictures that the view asks for, some of them marked; their request

On the page:
sections  the slices as strips of pictures with their maps, and the controls
"""
