"""The stages of a file, packed together: each array, panel and group of bars is there once, however many stages have it."""

import json
from collections.abc import Mapping
from dataclasses import replace

from dashboard.figures.array_message import Array, ArrayMessage
from dashboard.figures.panel import Panel
from dashboard.widgets.stage import Row, Stage, stage_head


class Store:
    """Parts of JSON by their numbers, and the arrays that they name by theirs."""

    def __init__(self) -> None:
        self._arrays = ArrayMessage()
        self._parts: list[object] = []
        self._known: dict[str, int] = {}

    def part(self, value: object) -> int:
        """The number of a part."""
        key = json.dumps(value, sort_keys=True)
        if key not in self._known:
            self._known[key] = len(self._parts)
            self._parts.append(value)
        return self._known[key]

    def array(self, array: Array) -> int:
        """The number of an array."""
        number = self._arrays.add(array)
        assert number is not None  # it is none for none alone
        return number

    def stage(self, stage: Stage) -> int:
        """The number of a stage: its head, with numbers in the place of its rows, and of their panels and bars."""
        head = stage_head(replace(stage, rows=tuple(map(_at_rest, stage.rows))), self._arrays)
        rows = head["rows"]
        assert isinstance(rows, list)
        return self.part(head | {"rows": [self.part(self._row(row)) for row in rows]})

    def _row(self, row: Mapping[str, object]) -> dict[str, object]:
        panels, bars = row["panels"], row["bars"]
        assert isinstance(panels, list)
        assert isinstance(bars, list)
        return {**row, "panels": list(map(self.part, panels)), "bars": list(map(self.part, bars))}

    def packed(self, head: Mapping[str, object]) -> bytes:
        """All of it as one message, with the parts under "parts"."""
        return self._arrays.packed({**head, "parts": self._parts})


def _at_rest(row: Row) -> Row:
    """A row without what needs a server: other pages, links, and parts that are covered. What is painted as an answer stays."""
    return replace(row, panels=tuple(map(_panel_at_rest, row.panels)), links=())


def _panel_at_rest(panel: Panel) -> Panel:
    leaves = panel.action is not None and panel.action.page
    marks = panel.paints is not None and panel.paints.marks
    return replace(panel, action=None if leaves else panel.action, paints=panel.paints if marks else None)
