"""The images of a class."""
