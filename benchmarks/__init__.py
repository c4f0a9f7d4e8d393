"""Measurements of what Grad-CAM costs; `make bench` runs them."""
