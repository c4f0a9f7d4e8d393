"""A lesson: its file, its stops, and the numbers in its answers."""
