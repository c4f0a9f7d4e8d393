"""A view as a file: its computations as JSON, computed anew and compared bit for bit; slides."""
