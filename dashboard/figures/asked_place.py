"""A place or an outline that a lesson asks for: the map is covered until the answer is open, which then marks the pictures."""

from contextvars import ContextVar
from dataclasses import dataclass, replace

from dashboard.figures.panel import Painting, Panel, Spot
from dashboard.view.view import View
from explain_lib.base.words import short
from explain_lib.trust.cover import SIDE, cover_cells

Pixel = tuple[float, float]
"""Row and column in pixels of the picture, 0 in the middle of the first one."""
FINEST = 32
"""The arrow keys go over a picture in so many steps at most."""

ASKING = "Where will it be brightest?"
HOW = "Click the place, or move there with the arrow keys and press Enter."
READ = "Point at the picture to read row and column."
COVERED = "Covered until the answer is open."
PAINTING = "Paint your answer"
HOW_TO_PAINT = "By keys: the arrows move, Space paints or erases."


@dataclass(frozen=True)
class AskedPlace:
    """The brightest place of the map on screen, asked for.

    said: what the reader has answered, if anything. brightest: the computed place, None where the map has none, and while the
    answer is closed. is_open: whether the answer is. votes: what a room has answered, once the answer is open.
    """

    said: Pixel | None
    brightest: Pixel | None
    is_open: bool
    votes: tuple[Pixel, ...] = ()


@dataclass(frozen=True)
class AskedOutline:
    """A region of the picture on screen, asked for.

    said: the code of the cells that the reader has painted, empty for none; see explain_lib.trust.cover. is_open: whether the
    answer is.
    """

    said: str
    is_open: bool


_ASKED: ContextVar[AskedPlace | AskedOutline | None] = ContextVar("asked_on_picture", default=None)


def ask_on_picture(asked: AskedPlace | AskedOutline | None) -> None:
    """Let the page that is being drawn ask for a place, an outline or nothing; every run with a lesson does one of these."""
    _ASKED.set(asked)


def asked_on_picture(view: View) -> AskedPlace | AskedOutline | None:
    """What the page asks for on its picture, None for nothing. view: without a lesson it asks for nothing."""
    return _ASKED.get() if view.lesson is not None else None


# Section: the panels


def asking(panel: Panel, asked: AskedPlace) -> Panel:
    """A panel of the picture alone, whose click is the answer."""
    assert panel.picture is not None  # it asks for a place in it
    height, width = panel.picture.shape[:2]
    grid = min(height, FINEST), min(width, FINEST)
    with_place = with_spots(replace(panel, title=ASKING, label=panel.title, caption=HOW, action=None, grid=grid), asked)
    return replace(with_place, asks="Says where the map will be brightest")


def veiled(panel: Panel, size: tuple[int, int], said: str = COVERED) -> Panel:
    """A panel of a map without it, of the same height. size: the picture's height and width. said: below it."""
    alt = f"{panel.title}: {COVERED}"
    return replace(
        panel,
        picture=None,
        values=None,
        centres=None,
        bar=False,
        previews=False,
        shows="",
        action=None,
        grid=size,
        veil=said,
        alt=alt,
    )


def with_spots(panel: Panel, asked: AskedPlace, size: tuple[int, int] | None = None) -> Panel:
    """A panel with the places that are known by now, as marks and in words. size: the picture's, for a panel without one."""
    height, width = size or (panel.picture.shape[:2] if panel.picture is not None else (1, 1))
    named = (("said", "you", asked.said), ("brightest", "brightest", asked.brightest))
    places = [(kind, words, place) for kind, words, place in named if place is not None]
    spots = tuple(Spot((y + 0.5) / height, (x + 0.5) / width, kind, words) for kind, words, (y, x) in places)
    spots += tuple(Spot((y + 0.5) / height, (x + 0.5) / width, "vote", "") for y, x in asked.votes)
    voted = f"; {len(asked.votes)} votes as dots" if asked.votes else ""
    said = "".join(f"; {words}: row {short(y)}, column {short(x)}" for _, words, (y, x) in places)
    return replace(panel, spots=spots, alt=f"{panel.alt}{said}{voted}")


# Section: an outline


def outlining(panel: Panel, asked: AskedOutline, key: str) -> Panel:
    """A panel of the picture alone, painted over as the answer. key: of the picture."""
    assert panel.picture is not None  # it is painted over
    painting = Painting(f"outline {key}", asked.said, "grey", panel.picture, marks=True)
    return replace(
        panel,
        title=PAINTING,
        label=panel.title,
        caption=HOW_TO_PAINT,
        action=None,
        paints=painting,
        alt=_with_cells(panel, asked),
    )


def with_outline(panel: Panel, asked: AskedOutline) -> Panel:
    """A panel with the reader's outline over it, also in words."""
    return replace(panel, outline=asked.said, alt=_with_cells(panel, asked))


def _with_cells(panel: Panel, asked: AskedOutline) -> str:
    cells = int(cover_cells(asked.said).sum())
    return f"{panel.alt}; your outline: {cells} of {SIDE * SIDE} cells" if cells else panel.alt
