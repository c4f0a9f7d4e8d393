"""Class activation maps: Grad-CAM by hand, by the package and by other programs, and everything on the way to a heat map."""
