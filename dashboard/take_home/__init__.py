"""The files that can be taken home from every page.

buttons   the row of buttons at the foot of a page, and the Python that reproduces the view
view_zip  everything in one ZIP file

lesson_file/ has a lesson as one HTML file.
"""
