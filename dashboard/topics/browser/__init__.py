"""The images of a class.

On the page:
confusion  the confusion matrix, a click on which filters
sections   thumbnails, the picked image, the average of all maps
"""
