"""Maps where the right place is known: a planted mark, the quarter of a mosaic, the marked object of an own picture.

Without Streamlit:
chosen  what is known of the picked picture: the place, the maps of all finders, what the network says
figure  every method at every layer beside the baselines, as dots
many    the request over many pictures, its command, its table as CSV
words   sentences about the picked picture, and the names of the measures

On the page:
image   the picked picture with the map and the outline of the place, and strips of all finders
sample  the measures over many pictures
"""
