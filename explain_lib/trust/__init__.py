"""Whether a map deserves belief: faithfulness, the ladder of layers, and sanity checks."""
