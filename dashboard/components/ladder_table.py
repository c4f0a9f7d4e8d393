"""A layer ladder as a table: a row a layer in the order of the forward pass, then the rows that it is measured against."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from explain_lib.layer_ladder import AVERAGE, CENTRE, EDGES, RANDOM, Kind
from explain_lib.rendering import Picture, png

STYLE = (Path(__file__).parents[1] / "assets" / "ladder.css").read_text()

MEANINGS = {
    AVERAGE: "The mean of the layers' maps, each divided by its own maximum: what tools show that merge layers",
    RANDOM: "Pixels in an order by chance: what a map must beat to say anything",
    CENTRE: "Pixels by their distance to the middle of the picture, the nearest first: it looks at no picture and no network",
    EDGES: "Pixels by the strength of the picture's edges (Sobel): it looks at the picture and asks no network",
}
"""What the rows are that are no layers."""
MANY = 16
"""Tables with more rows have smaller pictures."""


@dataclass(frozen=True)
class Column:
    """A column: its title, a second line under it, what it means, and whether it is the one that ranks."""

    title: str
    under: str
    meaning: str
    ranks: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and smaller behind it."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its name, what kind it is, its cells, its picture with alternative text, a badge, and whether it is marked."""

    name: str
    kind: Kind
    cells: Sequence[Cell]
    picture: tuple[Picture, str] | None = None
    badge: str = ""
    marked: bool = False


def show_ladder_table(columns: Sequence[Column], rows: Sequence[Row], caption: str) -> None:
    """The table; where the kind of row changes there is a line. caption: what it is, for those who hear it read."""
    head = "".join(_head(column) for column in columns)
    with_pictures = any(row.picture for row in rows)
    many = " many" if len(rows) > MANY else ""
    first = "<th></th>" * with_pictures + '<th scope="col" style="text-align: left">row</th>'
    body = "".join(_row(row, columns, with_pictures, place) for row, place in zip(rows, _parts(rows), strict=True))
    st.html(
        f'<style>{STYLE}</style><div class="ladder{many}" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<thead><tr>{first}{head}</tr></thead><tbody>{body}</tbody></table></div>"
        '<p class="ladder-hint">The table goes on to the right.</p>'
    )


def _parts(rows: Sequence[Row]) -> list[bool]:
    """Whether a new kind of row starts there."""
    return [place > 0 and rows[place - 1].kind != row.kind for place, row in enumerate(rows)]


def _head(column: Column) -> str:
    under = f"<br><small>{escape(column.under)}</small>" if column.under else ""
    return f'<th scope="col"><abbr title="{escape(column.meaning)}">{escape(column.title)}</abbr>{under}</th>'


def _row(row: Row, columns: Sequence[Column], with_pictures: bool, starts: bool) -> str:
    classes = " ".join(name for name, is_so in (("part", starts), ("marked", row.marked)) if is_so)
    badge = f' <span class="badge">{escape(row.badge)}</span>' if row.badge else ""
    said = MEANINGS.get(row.name)
    title = f'<abbr title="{escape(said)}">{escape(row.name)}</abbr>' if said else escape(row.name)
    name = f'<th scope="row">{title}{badge}</th>'
    cells = "".join(_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True))
    return f'<tr class="{classes}">{_picture(row) if with_pictures else ""}{name}{cells}</tr>'


def _cell(cell: Cell, column: Column) -> str:
    small = f" <small>{escape(cell.small)}</small>" if cell.small else ""
    return f'<td class="{"ranks" if column.ranks else ""}">{escape(cell.text)}{small}</td>'


def _picture(row: Row) -> str:
    if row.picture is None:
        return "<td></td>"
    picture, alt = row.picture
    return f'<td><img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(png(picture)).decode()}"></td>'
