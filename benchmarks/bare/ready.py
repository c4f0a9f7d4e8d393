"""What the bare pages show, made before it is asked for."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

VARIABLE = "BARE_PAGES"
"""The environment variable with the path of the inventory."""

Item = dict[str, Any]


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
    return str(next(item["words"] for item in face if item["kind"] == "title"))


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
    if item["kind"] == "chart":
        return item | {"figure": _figure(item, number if item["changes"] else 0)}
    if item["kind"] == "picture":
        return item | {"bytes": _bytes(f"{item['file']}-{number}" if item["changes"] else item["file"])}
    if item["kind"] == "grid":
        return item | {"bytes": _bytes(item["file"])}
    return item


@cache
def _bytes(name: str) -> bytes:
    return (_file().parent / name).read_bytes()


def _figure(item: Item, number: int) -> go.Figure:
    random = np.random.default_rng(number)
    if item["type"] == "heatmap":
        trace = go.Heatmap(z=random.random((item["rows"], item["columns"]), np.float32))
    else:
        names = [f"class {row}" for row in range(item["rows"])]
        trace = go.Bar(x=random.random(item["rows"], np.float32), y=names, orientation="h")
    figure = go.Figure(trace)
    figure.update_layout(width=item["width"], height=item["height"], margin={"l": 24, "r": 24, "t": 0, "b": 40})
    if item["type"] == "heatmap":
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
    return figure
