"""An outline that a lesson asks for: it is painted on the picture while the map is covered, then it lies over both."""

from dataclasses import dataclass, replace

from dashboard.figures.panel import Painting, Panel
from explain_lib.trust.cover import SIDE, cover_cells

ASKING = "Paint your answer"
HOW = "By keys: the arrows move, Space paints or erases."


@dataclass(frozen=True)
class AskedOutline:
    """A region of the picture on screen, asked for.

    said: the code of the cells that the reader has painted, empty for none; see explain_lib.trust.cover. is_open: whether the
    answer is.
    """

    said: str
    is_open: bool


def outlining(panel: Panel, asked: AskedOutline, key: str) -> Panel:
    """A panel of the picture alone, painted over as the answer. key: of the picture."""
    assert panel.picture is not None  # it is painted over
    painting = Painting(f"outline {key}", asked.said, "grey", panel.picture, marks=True)
    return replace(panel, title=ASKING, label=panel.title, caption=HOW, action=None, paints=painting, alt=_alt(panel, asked))


def with_outline(panel: Panel, asked: AskedOutline) -> Panel:
    """A panel with the reader's outline over it, also in words."""
    return replace(panel, outline=asked.said, alt=_alt(panel, asked))


def _alt(panel: Panel, asked: AskedOutline) -> str:
    cells = int(cover_cells(asked.said).sum())
    return f"{panel.alt}; your outline: {cells} of {SIDE * SIDE} cells" if cells else panel.alt
