"""Two maps of one picture: both sides, their difference, and its causes."""
