"""What slices say, in sentences."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain_lib.audit.slices import Slice, Slices
from explain_lib.base.files import csv_text
from explain_lib.base.statistics import LEAST_IMAGES
from explain_lib.base.words import counted, share_words, two

CLEAR, WEAK = 0.5, 0.25
"""The silhouettes that part clear groups from weak ones, and weak ones from none: see Slices."""


def slices_sentence(found: Slices) -> str:
    """The narrowest slice beside the others, as far as their intervals tell them apart."""
    first, count = found.slices[0], sum(len(one.images) for one in found.slices)
    said = f"The maps of slice 1 agree most on one place: {counted(len(first.images), 'picture')} of {count:,}"
    return f"{said}, {two(first.bits)} bits.{_accuracies(found)}"


def _accuracies(found: Slices) -> str:
    """How often slice 1 is right, and whether that is more or less than in every other slice, beyond all intervals."""
    first = found.slices[0].right
    if first is None or first.images == 0:
        return ""
    said = f" Right in slice 1: {share_words(first)}"
    others = [one.right for one in found.slices[1:] if one.right is not None]
    if any(one.images < LEAST_IMAGES for one in (first, *others)):
        return f"{said}."
    if all(one.high < first.low for one in others):
        return f"{said}. That is more than in any other slice."
    if all(one.low > first.high for one in others):
        return f"{said}. That is less than in any other slice."
    return f"{said}."


def structure_sentence(found: Slices) -> str:
    """Whether there are groups at all."""
    count = counted(len(found.slices), "slice")
    clear = "clear" if found.silhouette > CLEAR else "weak" if found.silhouette > WEAK else "hardly any"
    return (
        f"{count}: {clear} groups (silhouette {two(found.silhouette)}). How far two halves of the "
        f"pictures give the same slices: {two(found.agreement)}, where 1 is the same and 0 is chance (adjusted Rand index)."
    )


def slice_caption(one: Slice) -> str:
    """A slice in a line: its size, its accuracy and how narrow it is."""
    right = "" if one.right is None else f" · right {share_words(one.right)}"
    return f"{counted(len(one.images), 'picture')}{right} · {two(one.bits)} bits"


def slices_csv(found: Slices, marked: NDArray[np.bool_], names: Sequence[str] | None = None) -> str:
    """A line a picture: its number, its slice from 1, 0 for a blank map, and whether it carries the mark.

    marked: bool (N,), the pictures of the set with the mark. names: stand in place of the numbers.
    """
    places = {image: place for place, one in enumerate(found.slices, 1) for image in one.images.tolist()}
    places |= dict.fromkeys(found.blank.tolist(), 0)
    rows = ([image if names is None else names[image], place, int(marked[image])] for image, place in sorted(places.items()))
    return csv_text(["image", "slice", "marked"], rows)
