"""What is on screen: one frozen value, the address that spells it, and the scene that it names.

address         addressed_scene; bound, change_view: how a widget follows the address and writes it
captions        the words under a picture
field           declared: one declaration for a field of the view
fitting         fit_view, fit_models: a view without what is not there
origin          what an address says of the server's own weights and files
page_files      PageFiles: what a page has to take home besides what every page has
picture_sets    PictureSet: the test images, the server's folder, a visitor's picture
record          the pictures and computations of a page, noted while it is drawn
scene           Scene: the model, the pictures and the predictions that a page draws from
server_options  the options of the command line, and the cache that they choose
slide           the slide of a view
terms           the meaning of words, for tooltips
this_view       the query of the view on screen, without PyTorch
view            View: every field of what is on screen; read_query
"""
