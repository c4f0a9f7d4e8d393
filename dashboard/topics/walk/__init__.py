"""Grad-CAM as a walk of six steps."""
