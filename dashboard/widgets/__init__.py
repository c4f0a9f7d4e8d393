"""Pieces that several pages use; each follows the address, and what is chosen in it is written there.

awaited           what a page does not wait for
charts            a Plotly chart with its alternative text
drawing_controls  how maps are drawn over pictures
explained         a picture, its map over it, the map, and the probabilities
image_grid        a grid of thumbnails, one of which is picked
job_run           long work: start, progress, stop
number_table      numbers with their intervals
page_links        links to the other pages
pickers           choice, number_picker; the model, the image, the layer, the target
presentation      what changes for a room
selection         the filters of images
stage             pictures and maps on canvas, with one pointer for all
steps             the images and the layers, by arrow keys
thumbnail_sprite  many thumbnails in one file
"""
