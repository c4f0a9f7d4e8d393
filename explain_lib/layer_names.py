"""Names of layers as callers give them."""

from collections.abc import Iterable, Sequence

from explain_lib.errors import LayerError


def list_names(names: object) -> tuple[str, ...]:
    """One name or several as a tuple. Raises LayerError for what is neither."""
    listed = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in listed):
        raise LayerError(f"layers: {names!r}; the name of a layer, or several names, would be right")
    return listed


def few_names(names: Sequence[str], most: int = 24) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_line(name: object, most: int = 80) -> str:
    """A name from a file of somebody's, short enough for a sentence: its first characters, on one line."""
    words = " ".join(str(name)[: most + 1].split())
    return words if len(words) <= most else f"{words[:most]}…"
