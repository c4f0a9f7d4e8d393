"""Two sides over many images."""
