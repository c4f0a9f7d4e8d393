"""Pictures: the bundled test images, sets in memory and on disk, files of strangers, thumbnails, palettes."""
