"""The stage: all pictures and maps of a page on canvas, with one pointer for all, previews, and clicks that choose.

What is sent to the browser is the numbers themselves: the drawing, and all that the pointer reads, is made there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st

from dashboard import ASSETS
from dashboard.figures.array_message import ArrayMessage
from dashboard.figures.class_figure import ClassBar
from dashboard.figures.colours import VARIABLES
from dashboard.figures.panel import Action, Panel, number_array
from dashboard.scripts import script
from dashboard.view.address import change_view, current_view, open_page
from dashboard.view.field import Value
from dashboard.view.record import note_picture
from dashboard.view.view import PARAMETERS, View, cover_fill
from explain_lib.base.errors import InputError
from explain_lib.pictures.palettes import diverging_table, palette_table
from explain_lib.pictures.rendering import png
from explain_lib.trust.cover import cover_cells, cover_code

FADE_SECONDS = 0.6
"""How long an old map takes to fade out over a new one."""
_STAGE = st.components.v2.component(
    "stage",
    html='<div class="stage"></div>',
    css=VARIABLES + (ASSETS / "stage" / "stage.css").read_text(),
    js=script("stage"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class ClassBars:
    """The probabilities of classes beside the panels of a row; a click makes a class the target. alt: all of them in words."""

    classes: tuple[ClassBar, ...]
    alt: str
    title: str = "Class probabilities"
    help: str = ""
    caption: str = ""
    width: int = 312


@dataclass(frozen=True)
class Fact:
    """A number beside the panels of a row, or a word, under its label; caption: a line below it."""

    label: str
    value: str
    help: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """Panels side by side, then facts and bars.

    strip: whether the panels are thumbnails, of which one is chosen by a click. block: so many of the last panels are small
    multiples, in a block of their own under block_title. tally: facts side by side below the panels. links: what can be pressed
    below. chosen: whether the row is the chosen one of several.
    """

    panels: tuple[Panel, ...]
    title: str = ""
    caption: str = ""
    strip: bool = False
    block: int = 0
    block_title: str = ""
    facts: tuple[Fact, ...] = ()
    bars: tuple[ClassBars, ...] = ()
    tally: tuple[Fact, ...] = ()
    links: tuple[Action, ...] = ()
    chosen: bool = False


@dataclass(frozen=True)
class Stage:
    """The rows of a page, or of a part of it.

    key: of the component. line_after: after how many rows the line stands that reads the numbers, None for no line. slider:
    the panel under which the strength of the map can be changed. view: names what previews of classes belong to. layer,
    signed: the layer that is shown, and whether with its sign. cards: whether rows are cards, side by side where there is
    room. hint: what the line says before anything is pointed at, in place of the usual words. fits: how many of the rows, from
    the first, a presentation shows whole on the screen. fades: names what the maps are of but for the moment: from one moment
    to another of the same, the old map fades out over the new one, which is there at once. Empty for none.
    """

    rows: tuple[Row, ...]
    key: str = "stage"
    line_after: int | None = 1
    slider: str = ""
    view: str = ""
    layer: str = ""
    signed: bool = False
    cards: bool = False
    hint: str = ""
    fits: int = 1
    fades: str = ""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in their order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def say_in_address(row: int, column: int) -> None:
    """Keep a pixel that was clicked as the reader's answer."""
    change_view(said=f"{row},{column}")


def _outline_in_address(code: str) -> None:
    """Keep cells that were painted as the reader's answer; words that are no code say nothing."""
    with suppress(InputError):
        change_view(said=cover_code(cover_cells(code)) or None)


def show_stage(stage: Stage, say: Callable[[int, int], None] = say_in_address) -> None:
    """Draw the stage; each picture on it is noted, to be taken home. say: takes the pixel that a panel asks for."""

    def acted() -> None:
        _act(stage, st.session_state[stage.key]["acted"], say)

    _STAGE(data=packed(stage), key=stage.key, on_acted_change=acted)
    for panel in stage.panels:
        _note(panel)


def _act(stage: Stage, what: Mapping[str, object], say: Callable[[int, int], None]) -> None:
    """What the click asks for; one that belongs to a panel that is no longer there is nothing."""
    match what:
        case {"class": int()} | {"strength": int()} | {"cover": str(), "fill": str()}:
            change_view(**_chosen(what))
        case {"said": [int(row), int(column)]}:
            if any(_has_pixel(panel, row, column) for panel in stage.panels if panel.asks):
                say(row, column)
        case {"outline": str(code)}:
            if any(panel.paints is not None and panel.paints.marks for panel in stage.panels):
                _outline_in_address(code)
        case {"panel": str(name)}:
            _do_each(panel.action for panel in stage.panels if panel.name == name)
        case {"row": int(row), "link": int(link)}:
            _do_each(action for part in stage.rows[row : row + 1] for action in part.links[link : link + 1])


def _has_pixel(panel: Panel, row: int, column: int) -> bool:
    return panel.picture is not None and row in range(panel.picture.shape[0]) and column in range(panel.picture.shape[1])


def _do_each(actions: Iterable[Action | None]) -> None:
    for action in actions:
        if action is not None:
            _do(action)


def _chosen(what: Mapping[str, object]) -> Mapping[str, Value]:
    match what:
        case {"class": int(index)}:
            return {"target": index}
        case {"strength": int(strength)}:
            return {"strength": strength}
        case {"cover": str(code), "fill": str(fill)}:
            return painted(current_view(), code, fill)
    return {}


def painted(view: View, code: str, fill: str) -> Mapping[str, Value]:
    """The changes of a view that covering cells makes, from the browser's words; none for words that mean nothing."""
    try:
        changes: dict[str, Value] = {"cover": PARAMETERS["cover"].spelling.parse(code)}
        return changes if fill == cover_fill(view) else changes | {"fill": PARAMETERS["fill"].spelling.parse(fill)}
    except ValueError:
        return {}


def _do(action: Action) -> None:
    if action.page:
        open_page(action.page, action.changes)
    else:
        change_view(**action.changes)


def _note(panel: Panel) -> None:
    if panel.is_painted or panel.picture is not None:
        held = sum(part.nbytes for part in (panel.picture, panel.values) if part is not None)
        note_picture(panel.alt, panel.caption or panel.title, lambda: _file(panel), held)


def _file(panel: Panel) -> bytes:
    drawn = panel.drawn()
    assert drawn is not None  # only panels with something to draw are noted
    return png(drawn)


# Section: the message to the browser


def packed(stage: Stage, answers: int = 0) -> bytes:
    """The stage as the browser reads it. answers: the number of the browser's question that it answers, 0 for none."""
    arrays = ArrayMessage()
    return arrays.packed(stage_head(stage, arrays) | {"answers": answers})


def stage_head(stage: Stage, arrays: ArrayMessage) -> dict[str, object]:
    """The JSON of a stage that asks and answers nothing; its numbers go into the arrays, and stand there by their places."""
    rows = [_row(row, stage, arrays) for row in stage.rows]
    return {
        "rows": rows,
        "line_after": None if stage.line_after is None else min(stage.line_after, len(rows)),
        "strength": _strength(stage.panels),
        "key": stage.view,
        "layer": stage.layer,
        "signed": stage.signed,
        "cards": stage.cards,
        "hint": stage.hint,
        "fits": stage.fits,
        "fades": stage.fades,
        "fade_ms": round(1000 * FADE_SECONDS),
        "answers": 0,
    }


def _strength(panels: Sequence[Panel]) -> int:
    return next(
        (round(panel.drawing.strength * 100) for panel in panels if panel.picture is not None and panel.values is not None), 0
    )


def _row(row: Row, stage: Stage, arrays: ArrayMessage) -> dict[str, object]:
    chosen = next((panel.name for panel in row.panels if panel.chosen), None)
    return {
        "panels": [_panel(panel, stage, arrays, tab=not row.strip or panel.name == chosen) for panel in row.panels],
        "title": row.title,
        "caption": row.caption,
        "strip": row.strip,
        "block": row.block,
        "block_title": row.block_title,
        "picks": row.strip and any(panel.action for panel in row.panels),
        "facts": list(map(vars, row.facts)),
        "bars": list(map(_bars, row.bars)),
        "tally": list(map(vars, row.tally)),
        "links": [action.words for action in row.links],
        "chosen": row.chosen,
    }


def _panel(panel: Panel, stage: Stage, arrays: ArrayMessage, *, tab: bool) -> dict[str, object]:
    table = diverging_table() if panel.drawing.signed else palette_table(panel.drawing.palette)
    drawing = {name: getattr(panel.drawing, name) for name in ("strength", "smooth", "signed", "follows", "contour", "border")}
    return {
        "name": panel.name,
        "label": panel.label or panel.title or panel.name,
        "alt": panel.alt,
        "width": panel.width,
        "size": panel.size,
        "title": panel.title,
        "caption": panel.caption,
        "help": panel.help,
        "picture": arrays.add(panel.picture),
        "values": arrays.add(number_array(panel.values)),
        "rows": None if panel.centres is None else arrays.add(panel.centres.rows),
        "columns": None if panel.centres is None else arrays.add(panel.centres.columns),
        "ground": None if panel.centres is None else panel.centres.size,
        "turn": arrays.add(number_array(panel.turn)),
        "turn_title": panel.turn_title,
        "painted": panel.is_painted,
        "top": panel.top if np.isfinite(panel.top) else 0.0,
        "common": panel.reach is not None,
        "drawing": drawing | {"table": arrays.add(table)},
        "place": panel.place,
        "grid": panel.grid,
        "badge": panel.badge,
        "bar": panel.bar and panel.is_painted,
        "slider": panel.name == stage.slider,
        "action": None if panel.action is None else panel.action.words,
        "picks": panel.steps or (panel.action is not None and not panel.action.page and bool(panel.shows)),
        "chosen": panel.chosen,
        "previews": panel.previews,
        "shows": panel.shows,
        "paints": None if panel.paints is None else vars(panel.paints) | {"whole": arrays.add(panel.paints.whole)},
        "tab": 0 if tab else -1,
        "spots": list(map(vars, panel.spots)),
        "asks": panel.asks,
        "veiled": panel.veil is not None,
        "outline": panel.outline,
    }


def _bars(bars: ClassBars) -> dict[str, object]:
    shown = {name: getattr(bars, name) for name in ("alt", "title", "help", "caption", "width")}
    return shown | {"classes": [vars(one) for one in bars.classes]}
