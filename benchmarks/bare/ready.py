"""What the bare pages show, made before it is asked for."""

import base64
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from benchmarks.bare.items import Item, leaves

VARIABLE = "BARE_PAGES"
"""The environment variable with the path of the inventory."""


@cache
def _inventory() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_file().read_text())
    return content


def _file() -> Path:
    return Path(os.environ[VARIABLE])


def page_names() -> list[str]:
    """The pages of the inventory, in its order."""
    return list(_inventory()["pages"])


def page_title(name: str) -> str:
    """What the page's title says."""
    face: list[Item] = _inventory()["pages"][name][0]
    return str(next(item["words"] for item in leaves(face) if item["kind"] == "title"))


def is_linked(name: str) -> bool:
    """Whether the navigation leads to it: only to the first page of a title."""
    titles = [page_title(other) for other in page_names()]
    return titles.index(page_title(name)) == page_names().index(name)


@cache
def variants(name: str) -> list[list[Item]]:
    """The page in all its variants: each a list of items, the pictures as bytes, the charts as figures."""
    faces, count = _inventory()["pages"][name], _inventory()["variants"]
    if len(faces) == 1:
        return [[_ready(item, 0) for item in faces[0]]]
    return [[_ready(item, number) for item in faces[number % len(faces)]] for number in range(count)]


def _ready(item: Item, number: int) -> Item:
    if "items" in item:
        return item | {"items": [_ready(inner, number) for inner in item["items"]]}
    if item["kind"] == "chart":
        return item | {"figure": _figure(item, number if item["changes"] else 0)}
    if item["kind"] == "picture":
        return item | {"bytes": _bytes(f"{item['file']}-{number}" if item["changes"] else item["file"])}
    if item["kind"] == "grid":
        return {"kind": "grid", "content": _grid_content(item)}
    return item


def _grid_content(item: Item) -> str:
    """All that the thumbnails need, as one text: Streamlit would go through a thousand entries at each run."""
    return json.dumps(item | {"file": base64.b64encode(_bytes(item["file"])).decode()})


@cache
def _bytes(name: str) -> bytes:
    return (_file().parent / name).read_bytes()


def _figure(item: Item, number: int) -> go.Figure:
    random = np.random.default_rng(number)
    figure = go.Figure([_trace(one, random) for one in item["traces"]])
    figure.update_layout(width=item["width"], height=item["height"], margin={"l": 24, "r": 24, "t": 0, "b": 40})
    if any(one["type"] == "heatmap" for one in item["traces"]):
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
    return figure


def _trace(one: dict[str, Any], random: np.random.Generator) -> BaseTraceType:
    rows, columns = one["rows"], one["columns"]
    match one["type"]:
        case "heatmap":
            return go.Heatmap(z=random.random((rows, columns), np.float32))
        case "bar":
            return go.Bar(x=random.random(rows, np.float32), y=[f"class {row}" for row in range(rows)], orientation="h")
        case _:
            across, down = random.random((2, rows), np.float32)
            return go.Scatter(x=across, y=down, mode="markers")
