"""What can be taken home from every page."""
