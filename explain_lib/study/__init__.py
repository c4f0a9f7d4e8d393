"""The three guesses of the study that this grew from, and what they are judged by."""
