"""The study's eight pictures."""
