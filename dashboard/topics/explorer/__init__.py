"""Manual Grad-CAM on any layer, for any class."""
