"""The layer ladder, on one picture and over many."""
