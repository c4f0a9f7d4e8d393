"""Pictures, uint8 of any number of channels, and sets of them.

bands       read_bands: files of any number of channels
channels    grey from colours, and which channels are shown
dataset     load_cifar10, ImageSet, CLASSES: the bundled test images
files       read_picture, read_thumbnail, fit_picture: picture files from outside
folder      ImageFolder: a folder of pictures as a set
geometry    Box: where a network looks in a picture, and maps back onto it
intake      Intake, PictureTransform: how a picture becomes what a network takes
palettes    PALETTES, colour: the colours of maps
pixels      checks of pixels and positions; to_input, the input of a network
rendering   overlays, the study's drawings, PNG and WebP
selection   parse_images, parse_class, seen_images: selections as text
sets        Pixels: sets in memory or lazy, their subsets and digests
store       PictureStore: uploaded pictures in memory; previews
thumbnails  Thumbnails of a folder, made in the background
"""
