"""Manual Grad-CAM on any layer, for any class.

Without Streamlit:
contrast_words  two classes contrasted, in words
panels          a picture explained, or two beside each other; their files

On the page:
class_previews  the maps of all classes, sent once the page is idle
contrast        why this class and not that one
sections        controls, the panels, the strip of all layers
"""
