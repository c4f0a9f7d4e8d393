"""A view as a file, its arrays computed anew, slides and snippets.

former_modules  those that the scripts of former versions import
json_form       Computation: a computation as JSON
notes           Recorder: the computations on a page
registry        compute_anew: computations by name
replay          replay: a file compared with its arrays computed anew
reproduce       the names that such scripts import
script          reproduce_script: the same as a Python script, reproduce.py
slide           draw_slide: a picture for a slide
snippet         a few lines of Python for the content of a page
view_content    view_content: from notes to the content of a file
view_file       ViewFile: the ZIP file, written and read
"""
