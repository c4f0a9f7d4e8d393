"""Selections of images and classes, parsed from text, and the batches around selected images."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.pictures.pixels import check_positions


def parse_images(text: str, count: int) -> NDArray[np.int64]:
    """The positions, int64 (K,), in a text: "all", or numbers and ranges that include both ends: "0-999", "7,3,20-29".

    count: pictures in the set. Raises InputError, saying which part is wrong, for any other text.
    """
    if text == "all":
        return np.arange(count)
    ranges = [_parse_range(part.strip(), count) for part in text.split(",")]
    return check_positions(np.concatenate([np.asarray(one, dtype=np.int64) for one in ranges]), count)


def _parse_range(part: str, count: int) -> Iterable[int]:
    first, dash, last = part.partition("-")
    ends = (first, last) if dash else (first, first)
    if not all(end.isascii() and end.isdigit() for end in ends) or not int(ends[0]) <= int(ends[1]) < count:
        raise InputError(f"images: {part!r}; all, or numbers and ranges from 0 to {count - 1} such as 0-99,200, would be right")
    return range(int(ends[0]), int(ends[1]) + 1)


def spread_images(sample: int, count: int) -> NDArray[np.int64]:
    """So many positions, int64 (K,), from all over a set of `count` pictures; all of a smaller set."""
    taken = min(sample, count)
    return np.arange(taken) * count // taken


def seen_images(images: NDArray[np.int64], count: int, batch: int) -> NDArray[np.int64]:
    """The positions, int64, of all pictures that a comparison of these images needs.

    count: pictures in the set. batch: how many pictures are run together for a setting that depends on the batch of an
    image, 1 if no setting does; each batch then occurs once, in the order of the set.
    """
    if batch == 1:
        return images
    starts = np.unique(images - images % batch)
    together = (starts[:, None] + np.arange(batch)).ravel()
    return together[together < count]


def parse_class(text: str, classes: tuple[str, ...], argument: str) -> int:
    """The position of a class, from its number or its name. Raises InputError, naming the argument, for another text."""
    names = {**{str(place): place for place in range(len(classes))}, **{name: place for place, name in enumerate(classes)}}
    if text not in names:
        right = f"a number from 0 to {len(classes) - 1}, or one of {', '.join(classes)}, would be right"
        raise InputError(f"{argument}: there is no class {text!r}; {right}")
    return names[text]
