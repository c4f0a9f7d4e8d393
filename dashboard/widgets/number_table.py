"""A table of numbers with their intervals, pictures, and the meaning of each row and column; it fits a phone."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard import ASSETS
from dashboard.view.record import note_picture
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import interval, number, percent, percent_interval
from explain_lib.pictures.rendering import Picture, png

_STYLE = (ASSETS / "number_table.css").read_text()
MANY = 16
"""Tables with more rows have smaller pictures."""


@dataclass(frozen=True)
class Column:
    """A column: its title, a second line under it, its meaning, and whether it is the one that ranks."""

    title: str
    under: str
    meaning: str
    ranks: bool = False


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and smaller text behind it."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its name, its group, its cells, its picture with alternative text, a badge, whether it is marked, its meaning."""

    name: str
    group: str
    cells: Sequence[Cell]
    picture: tuple[Picture, str] | None = None
    badge: str = ""
    marked: bool = False
    meaning: str = ""


def estimate_cell(estimate: Estimate) -> Cell:
    """A mean with its interval; words where no image has a value."""
    return Cell(number(estimate.mean), interval(estimate)) if estimate.images else Cell("no image")


def share_cell(estimate: Estimate) -> Cell:
    """A mean share with its interval, in percent."""
    return Cell(percent(estimate.mean), percent_interval(estimate))


def show_number_table(columns: Sequence[Column], rows: Sequence[Row], caption: str) -> None:
    """The table, with a line between groups of rows. caption: for those who hear it read."""
    head = "".join(_head(column) for column in columns)
    with_pictures = any(row.picture for row in rows)
    many = " many" if len(rows) > MANY else ""
    first = "<th></th>" * with_pictures + '<th scope="col" style="text-align: left">row</th>'
    starts = [before is not None and before.group != row.group for before, row in zip((None, *rows), rows, strict=False)]
    body = "".join(_row(row, columns, with_pictures, is_first) for row, is_first in zip(rows, starts, strict=True))
    st.html(
        f"<style>{_STYLE}</style>"
        f'<div class="number-table{many}" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<thead><tr>{first}{head}</tr></thead><tbody>{body}</tbody></table></div>"
        '<p class="number-table-hint">The table goes on to the right.</p>'
    )


def _head(column: Column) -> str:
    under = f"<br><small>{escape(column.under)}</small>" if column.under else ""
    return f'<th scope="col"><abbr title="{escape(column.meaning)}">{escape(column.title)}</abbr>{under}</th>'


def _row(row: Row, columns: Sequence[Column], with_pictures: bool, starts_group: bool) -> str:
    classes = " ".join(["part"] * starts_group + ["marked"] * row.marked)
    badge = f' <span class="badge">{escape(row.badge)}</span>' if row.badge else ""
    title = f'<abbr title="{escape(row.meaning)}">{escape(row.name)}</abbr>' if row.meaning else escape(row.name)
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
    file = png(picture)
    note_picture(alt, row.name, lambda: file, len(file))
    return f'<td><img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(file).decode()}"></td>'
