"""A reader's answer to a stop's question, as the address has it, and the words that set it beside the computed one."""

import re
from dataclasses import dataclass

from dashboard.lesson.ask import Ask
from dashboard.lesson.map_numbers import Brightest
from dashboard.view.captions import plain
from explain_lib.base.errors import InputError
from explain_lib.base.words import listed, number, percent, proper_minus, short, two
from explain_lib.trust.cover import cover_cells
from explain_lib.trust.region import MapByCell

Pixel = tuple[int, int]
_PLACE = re.compile(r"(\d+),(\d+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_VALUE = re.compile(r"(?P<bound>above |below )?(?P<value>[−+-]?[\d,]*\.?\d+(e[−+-]\d+)?)(?P<unit> %)?")


# Section: the answer as the address has it


def said_fault(ask: Ask, said: str, size: tuple[int, int]) -> str:
    """The reason why a text is no answer to what is asked, empty where it is one. size: of the picture, (H, W)."""
    if ask.kind == "choice":
        count = len(ask.choices)
        return "" if said_choice(ask, said) is not None else f"the choices of this stop are 1 to {count}"
    if ask.kind == "place":
        place = said_place(said)
        if place is None:
            return "this stop asks for a place; a row and a column such as 12,20 would be right"
        inside = place[0] < size[0] and place[1] < size[1]
        return "" if inside else f"the rows of the picture are 0 to {size[0] - 1}, its columns 0 to {size[1] - 1}"
    if ask.kind == "outline":
        return "" if said_outline(said) else "this stop asks for an outline; the code of one or more cells would be right"
    return "" if _NUMBER.fullmatch(said) else "this stop asks for a number; one such as 0.5 would be right"


def said_choice(ask: Ask, said: str | None) -> int | None:
    """The choice that a reader has made, counted from 0; None for none."""
    choices = [str(place) for place in range(1, len(ask.choices) + 1)]
    return choices.index(said) if said in choices else None


def said_place(said: str | None) -> Pixel | None:
    """The row and the column that a reader has chosen; None for none."""
    found = _PLACE.fullmatch(said or "")
    return (int(found[1]), int(found[2])) if found else None


def said_outline(said: str | None) -> str:
    """The code of the cells that a reader has painted; empty for none."""
    try:
        return (said or "") if cover_cells(said or "").any() else ""
    except InputError:
        return ""


# Section: beside the computed answer; Markdown


def choice_words(ask: Ask, said: str | None) -> str:
    """The choice that was made, and the right one where the lesson has one."""
    right = listed([f"“{plain(ask.choices[place])}”" for place in ask.right]) if ask.right else ""
    chosen = said_choice(ask, said)
    if chosen is None:
        return f"**Right: {right}.**" if right else ""
    words = f"You said “{plain(ask.choices[chosen])}”."
    if chosen in ask.right:
        return f"**✓ {words}** That is right."
    return f"**{words}** Right: {right}." if right else f"**{words}**"


@dataclass(frozen=True)
class Computed:
    """A computed number: as it is shown, its words, and its unit, empty for none."""

    value: float
    words: str
    unit: str


def number_words(said: str | None, computed: str) -> str:
    """The number that a reader has said, the computed one, and how far apart they are. computed: as a placeholder has it."""
    found = read_computed(computed)
    if found is None:
        return (
            f"**Computed: {plain(computed)}.**"
            if said is None
            else f"**You said {proper_minus(said)}. Computed: {plain(computed)}.**"
        )
    if said is None:
        return f"**Computed: {found.words}.**"
    own = float(said)
    words = f"**You said {proper_minus(said)}{found.unit}. Computed: {found.words}.**"
    if two(own) == two(found.value):
        return f"✓ {words} That is right."
    off, point = own - found.value, "point" if found.unit else ""
    return f"{words} You were {_size(abs(off), point)} too {'high' if off > 0 else 'low'}."


def read_computed(computed: str) -> Computed | None:
    """A number in words, with two significant digits; None for words that are no number."""
    match = _VALUE.fullmatch(computed)
    if match is None:
        return None
    value, unit = float(match["value"].replace(",", "").replace("−", "-")), match["unit"] or ""
    if match["bound"]:
        return Computed(value, computed, unit)
    shown = two(value)
    return Computed(float(shown.replace("−", "-")), f"{shown}{unit}", unit)


def _size(value: float, what: str) -> str:
    """How far apart two answers are, with two significant digits, of a unit or of none: "12 pixels", "0.30"."""
    shown = short(value, 2) if value < 100 else number(value, 0)
    return f"{shown} {what}{'' if shown == '1' else 's'}" if what else shown


def place_words(said: Pixel | None, found: Brightest) -> str:
    """The place that a reader has clicked, the brightest one, and how far apart they are."""
    y, x = found.pixel
    there = f"brightest square around pixel row {short(y)}, column {short(x)}"
    if said is None:
        return f"**Computed: {there}.**"
    words = f"**You said pixel row {said[0]}, column {said[1]}. Computed: {there}.**"
    if found.is_hit_by(said):
        return f"✓ {words} You hit it."
    pixels, cells = found.distance(said)
    return f"{words} They are {_size(pixels, 'pixel')} apart, or {_size(cells, 'square')} of the map."


def outline_words(said: str, found: MapByCell) -> str:
    """The share of the map inside a painted region, beside chance, and the overlap. said: the code of its cells, or empty."""
    if not said:
        return "**No outline was painted.**"
    beside = found.beside(cover_cells(said))
    inside, area, iou = (percent(share, 0) for share in (beside.inside, beside.area, beside.iou))
    return (
        f"**{inside} of the map lies inside your outline, where chance would put {area}, its share of the picture; it overlaps "
        f"the map's brightest fifth by {iou} (IoU).**"
    )
