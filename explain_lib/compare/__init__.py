"""Two maps compared: their difference, its causes, and both over many images."""
