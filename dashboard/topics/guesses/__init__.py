"""The study's three guesses."""
