"""A training in time."""
