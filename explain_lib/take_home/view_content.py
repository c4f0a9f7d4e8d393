"""The content of a view file from the notes of a view: computations as JSON, their arrays, and notes on missing ones."""

import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from explain_lib.base.errors import ExplainError, InputError
from explain_lib.networks.model import Model
from explain_lib.pictures.sets import LazyPixels
from explain_lib.take_home.json_form import Computation, PictureDepot, written
from explain_lib.take_home.notes import Note, SetPositions
from explain_lib.take_home.registry import compute_anew, seen_positions
from explain_lib.take_home.view_file import Array, named_arrays
from explain_lib.work.cache import ExplainCache

ARRAY_BYTES = 192 * 2**20
"""The limit for all arrays of a view."""


@dataclass
class ViewContent:
    """The content of a view file.

    computations: those that can be repeated. arrays: their results, by key. depot: pictures that are not test images. models:
    those used, by name. notes: sentences on missing computations.
    """

    computations: list[Computation] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    depot: PictureDepot = field(default_factory=PictureDepot)
    models: dict[str, Model] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def view_content(notes: Sequence[Note], cache: ExplainCache, name_of: Callable[[Model], str]) -> ViewContent:
    """The computations of the notes with their arrays, from the cache or computed anew, with the same bits."""
    content, count = ViewContent(), Counter[str]()

    def named(model: Model) -> str:
        name = name_of(model)
        content.models[name] = model
        return name

    for note in notes:
        key = f"{note.name}-{count[note.name] + 1}" if count[note.name] else note.name
        try:
            if _add(content, Computation(key, note.name, _arguments(note, named, content.depot)), note, cache):
                count[note.name] += 1
        except ExplainError as error:
            content.notes.append(f"{note.name} is not in the file and cannot be computed from it: {error}.")
    return content


def _arguments(note: Note, name_of: Callable[[Model], str], depot: PictureDepot) -> dict[str, object]:
    lazy = isinstance(note.arguments.get("pixels"), LazyPixels)
    seen = seen_positions(note.name, note.arguments) if lazy else None
    return {name: written(value, name_of, depot, seen) for name, value in note.arguments.items()}


def _add(content: ViewContent, one: Computation, note: Note, cache: ExplainCache) -> bool:
    """Add a computation and its arrays, unless the same is there already."""
    if any((other.name, other.arguments) == (one.name, one.arguments) for other in content.computations):
        return False
    given = {name: _given(value) for name, value in note.arguments.items()}
    arrays = named_arrays(one.key, note.rows or compute_anew(note.name, given, cache, lambda *_: None))
    room = ARRAY_BYTES - sum(array.nbytes for array in content.arrays.values())
    if sum(array.nbytes for array in arrays.values()) > room:
        raise InputError("its arrays are too large")
    content.computations.append(one)
    content.arrays |= arrays
    return True


def _given(value: object) -> object:
    """An argument as it was before it was noted."""
    if isinstance(value, weakref.ref):
        return value()
    return value.take() if isinstance(value, SetPositions) else value
