"""Both sides over many images.

Without Streamlit:
example  the first few images, with which the page opens
figure   the spread of the differences, and their means by class

On the page:
results  numbers, charts, images and files
run      controls and progress
"""
