"""The stage of a page as the browser gets it: its panels, with the numbers that they draw."""

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

import explain_lib as xl
from explain_lib.cam.drawing import draw_map
from explain_lib.pictures.palettes import PALETTES, palette_table
from explain_lib.pictures.rendering import enlarge


@dataclass(frozen=True)
class SentPanel:
    """One panel.

    head: what was sent of it besides its arrays. table: the colours of its map. turn: the map shown in turn. rows, columns:
    where its cells look.
    """

    head: dict[str, Any]
    picture: NDArray[np.uint8] | None
    values: NDArray[np.float32] | None
    table: NDArray[np.uint8]
    turn: NDArray[np.float32] | None
    rows: NDArray[np.float32] | None
    columns: NDArray[np.float32] | None

    @property
    def centres(self) -> NDArray[np.float32] | None:
        """Where each cell is drawn, float32 (h, w, 2); None where the map is stretched."""
        if self.rows is None or self.columns is None:
            return None
        return np.stack(np.meshgrid(self.rows, self.columns, indexing="ij"), 2)

    @property
    def drawing(self) -> xl.Drawing:
        """How its map is drawn."""
        sent = self.head["drawing"]
        palette = next((name for name in PALETTES if np.array_equal(palette_table(name), self.table)), "magma")
        names = ("strength", "smooth", "signed", "follows", "contour", "border")
        options = (sent[name] for name in names)
        return xl.Drawing(palette, *options)

    @property
    def drawn(self) -> NDArray[np.uint8]:
        """The pixels of its canvas, by the library."""
        height, width = self.head["size"]
        if self.picture is None:
            assert self.values is not None
            return draw_map(self.values, self.drawing, width, self.head["top"])
        if not self.head["painted"]:
            return enlarge(self.picture, height, width)
        assert self.values is not None
        return xl.draw_overlay(self.picture, self.values, self.drawing, width, self.head["top"], self.centres)


@dataclass(frozen=True)
class SentStage:
    """One stage: what was sent of it besides its panels, and the panels."""

    head: dict[str, Any]
    panels: list[SentPanel]

    @property
    def bars(self) -> list[dict[str, Any]]:
        """The class probabilities beside its rows."""
        return [bars for row in self.head["rows"] for bars in row["bars"]]


def stages(app: AppTest) -> list[SentStage]:
    """All stages of a page, in order."""
    sent = (shown.proto for shown in app.get("bidi_component"))
    return [_unpacked(one.bytes) for one in sent if one.component_name == "stage"]


def answered(app: AppTest) -> SentStage:
    """What answers the browser while it paints over a picture."""
    (sent,) = [shown.proto.bytes for shown in app.get("bidi_component") if shown.proto.component_name == "cover"]
    return _unpacked(sent)


def panels(app: AppTest) -> dict[str, SentPanel]:
    """All panels of a page by their names, of which each has its own."""
    every = [panel for stage in stages(app) for panel in stage.panels]
    found = {panel.head["name"]: panel for panel in every}
    assert len(found) == len(every), [panel.head["name"] for panel in every]
    return found


def values_of(app: AppTest, name: str) -> NDArray[np.float32]:
    """The map of the panel of that name."""
    values = panels(app)[name].values
    assert values is not None
    return values


def class_bars(app: AppTest) -> list[dict[str, Any]]:
    """The class probabilities of a page that shows them once, a bar a class."""
    (bars,) = [bars for stage in stages(app) for bars in stage.bars]
    classes: list[dict[str, Any]] = bars["classes"]
    return classes


def thumbnails(app: AppTest) -> dict[str, list[Any]]:
    """What stands under the thumbnails of the class browser: numbers, names of classes ("" for none), confidence."""
    (sent,) = [shown.proto.bytes for shown in app.get("bidi_component") if shown.proto.component_name == "image_grid"]
    head, arrays = _message(sent)
    names = ("images", "true", "predicted", "confidence")
    images, true, predicted, confidence = (arrays[head[name]].tolist() for name in names)
    return {
        "images": images,
        "true": [head["true_names"][one] if one >= 0 else "" for one in true],
        "predicted": [head["predicted_names"][one] if one >= 0 else "" for one in predicted],
        "confidence": [head["confidence_words"][place] for place in confidence],
    }


def _message(message: bytes) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """The head of a message, and its arrays."""
    (length,) = struct.unpack("<I", message[:4])
    head, body = json.loads(message[4 : 4 + length]), message[4 + length :]
    kinds = {"f4": np.dtype(np.float32), "i4": np.dtype(np.int32), "u1": np.dtype(np.uint8)}
    return head, [
        np.frombuffer(body, kinds[one["kind"]], int(np.prod(one["shape"])), one["offset"]).reshape(one["shape"])
        for one in head["arrays"]
    ]


def _unpacked(message: bytes) -> SentStage:
    head, arrays = _message(message)

    def array(number: int | None) -> Any:
        return None if number is None else arrays[number]

    def panel(one: dict[str, Any]) -> SentPanel:
        shown = array(one["picture"]), array(one["values"]), arrays[one["drawing"]["table"]]
        return SentPanel(one, *shown, array(one["turn"]), array(one["rows"]), array(one["columns"]))

    return SentStage(head, [panel(one) for row in head.get("rows", ()) for one in row["panels"]])
