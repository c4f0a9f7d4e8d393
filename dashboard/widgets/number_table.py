"""A table of numbers with their intervals, and the meaning of each row and column; a list on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard import ASSETS
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import interval, mean_number, mean_percent, percent_interval

_STYLE = (ASSETS / "number_table.css").read_text()


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
    """A row: its name, its group, its cells, a badge, whether it is marked, its meaning."""

    name: str
    group: str
    cells: Sequence[Cell]
    badge: str = ""
    marked: bool = False
    meaning: str = ""


def estimate_cell(estimate: Estimate) -> Cell:
    """A mean with its interval; words where no image has a value."""
    return Cell(mean_number(estimate), interval(estimate)) if estimate.images else Cell("no image")


def share_cell(estimate: Estimate) -> Cell:
    """A mean share with its interval, in percent."""
    return Cell(mean_percent(estimate), percent_interval(estimate)) if estimate.images else Cell("no image")


def show_number_table(columns: Sequence[Column], rows: Sequence[Row], caption: str) -> None:
    """The table, with a line between groups of rows. caption: for those who hear it read."""
    head = "".join(_head(column) for column in columns)
    first = '<th scope="col" style="text-align: left">row</th>'
    starts = [before is not None and before.group != row.group for before, row in zip((None, *rows), rows, strict=False)]
    body = "".join(_row(row, columns, is_first) for row, is_first in zip(rows, starts, strict=True))
    st.html(
        f"<style>{_STYLE}</style>"
        f'<div class="number-table" tabindex="0" role="region" aria-label="{escape(caption)}"><table role="table">'
        f"<thead><tr>{first}{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(column: Column) -> str:
    under = f"<br><small>{escape(column.under)}</small>" if column.under else ""
    return f'<th scope="col"><abbr title="{escape(column.meaning)}">{escape(column.title)}</abbr>{under}</th>'


def _row(row: Row, columns: Sequence[Column], starts_group: bool) -> str:
    classes = " ".join(["part"] * starts_group + ["marked"] * row.marked)
    badge = f' <span class="badge">{escape(row.badge)}</span>' if row.badge else ""
    title = f'<abbr title="{escape(row.meaning)}">{escape(row.name)}</abbr>' if row.meaning else escape(row.name)
    name = f'<th scope="row" role="rowheader">{title}{badge}</th>'
    cells = "".join(_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True))
    return f'<tr class="{classes}" role="row">{name}{cells}</tr>'


def _cell(cell: Cell, column: Column) -> str:
    small = f" <small>{escape(cell.small)}</small>" if cell.small else ""
    ranks = "ranks" if column.ranks else ""
    return f'<td class="{ranks}" role="cell" data-column="{escape(column.title)}"><span>{escape(cell.text)}{small}</span></td>'
