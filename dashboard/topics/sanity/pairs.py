"""Blind pairs: two maps of a picture, of a network that was trained and of one that was not, under the names A and B."""

from hashlib import sha256

NAMES = ("A", "B")


def untrained_place(image: int) -> int:
    """Which of the two is that of the network that was never trained, 0 or 1: by chance, the same at each visit."""
    return sha256(f"pair {image}".encode()).digest()[0] % 2
