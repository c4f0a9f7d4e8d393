"""Sanity checks: networks that have forgotten, and the twin."""
