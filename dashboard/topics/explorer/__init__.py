"""Manual Grad-CAM on any layer, for any class.

Without Streamlit:
contrast_words  two classes contrasted, in words
cover_words     parts covered, in words and numbers
panels          a picture explained, or two beside each other; their files
signal_figure   a signal over the strip of its map, and the maps of all layers along it

On the page:
boxes           the boxes that a detector predicts, and the one that is explained
card            what speaks for the map, and what against it
class_previews  the maps of all classes, sent once the page is idle
contrast        why this class and not that one
cover           the picture painted over, followed while the pointer moves
regions         the classes that a network which segments predicts, place by place
sections        controls, the panels, the strip of all layers
sheet_contrast  the maps of a contrast, at a slice of a volume or along a signal
sheets          a volume slice by slice, a signal under its curve; their files
"""
