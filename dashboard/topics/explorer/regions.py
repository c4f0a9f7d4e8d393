"""The classes that a network which segments predicts, place by place: the picture in their colours, where a click chooses."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.panel import Action, Panel, Spot
from dashboard.view.address import change_view
from dashboard.view.captions import picture_words
from dashboard.view.scene import Scene
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row
from explain_lib.base.words import few_names, percent
from explain_lib.networks.predictions import predicted_places
from explain_lib.pictures.rendering import Picture, overlay

_COLOURS = np.array(
    [(86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178)], np.uint8
)
"""Of classes, in turn: those of Okabe and Ito, which most people tell apart."""
STRENGTH = 0.6
NAMED = 6
"""So many classes have their name on the picture, those that cover most."""
FINEST = 32
"""The arrow keys go over a picture in so many steps at most."""
TITLE = "What it predicts, place by place"
_HOW = (
    "White line: what is explained. Click a place to explain the class there at that pixel alone; by keys, the arrows move and "
    "Enter chooses. To explain a region of your own, paint it on the picture above."
)


def regions_row(scene: Scene, side: int) -> Row:
    """The predicted classes in colours, and the ways to another region. side: of the picture."""
    classes = predicted_classes(scene)
    mask = explained_places(scene, classes)
    shares = [(int(index), float((classes == index).mean())) for index in np.unique(classes)]
    shares.sort(key=lambda one: -one[1])
    names = scene.model.classes
    said = few_names([f"{'none' if index < 0 else names[index]} {percent(share)}" for index, share in shares], NAMED)
    height, width = classes.shape
    panel = Panel(
        "regions", f"{picture_words(scene, scene.view.image)}, in the colours of the classes that are predicted: {said}", side,
        title=TITLE, label="Predicted classes", caption=f"{said}. {_HOW}", picture=_drawn(scene.picture, classes, mask),
        place=place_of(scene), grid=(min(height, FINEST), min(width, FINEST)), asks="Explains the class at this place",
        spots=(*(_name(classes == index, names[index]) for index, _ in shares[:NAMED] if index >= 0), *_pixel(scene)),
    )  # fmt: skip
    return Row((panel,), links=tuple(_ways(scene)))


def predicted_classes(scene: Scene) -> NDArray[np.int32]:
    """The class that is predicted at each pixel of the picked image as it is seen, int32 (H, W); -1 where no label is."""
    found = predicted_places(scene.model, scene.seen[None]).classes[0]
    height, width = scene.model.input_size
    rows, columns = (np.arange(size) * own // size for size, own in zip((height, width), found.shape, strict=True))
    return np.asarray(found[np.ix_(rows, columns)])


def explained_places(scene: Scene, classes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The pixels of the picked image that are explained, bool (H, W)."""
    region = scene.target.region
    if region is None and scene.model.task == "sigmoid-segmentation":  # several labels can be at one place
        region = predicted_places(scene.model, scene.seen[None]).region(0, scene.target.index)
    return region.on(scene.model.input_size) if isinstance(region, xl.Region) else np.asarray(classes == scene.target.index)


def choose_place(scene: Scene) -> Callable[[int, int], None]:
    """What a click on the predicted classes does: the class at that pixel is explained there."""

    def choose(row: int, column: int) -> None:
        index = int(predicted_classes(scene)[row, column])
        change_view(target=scene.target.index if index < 0 else index, region=f"{row},{column}")

    return choose


def _ways(scene: Scene) -> list[Action]:
    """What else can be explained of the same class: its whole region, or what is painted on the picture."""
    name, ways = scene.model.classes[scene.target.index], []
    if scene.is_covered:
        ways.append(Action("Explain the painted cells instead of covering them", {"region": scene.view.cover, "cover": None}))
    if scene.region is not None and name in _predicted_names(scene):
        ways.append(Action(f"Explain {name} wherever it is predicted", {"region": None}))
    return ways


def _predicted_names(scene: Scene) -> set[str]:
    return {scene.model.classes[index] for index in np.flatnonzero(scene.whole.probabilities).tolist()}


def _drawn(picture: Picture, classes: NDArray[np.int32], mask: NDArray[np.bool_]) -> Picture:
    """The picture in the colours of classes (H, W), with a white line along the inside of a mask."""
    drawn = overlay(picture, _COLOURS[classes % len(_COLOURS)], STRENGTH)
    drawn[classes < 0] = picture[classes < 0]
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    drawn[mask & (inner == 0)] = 255
    return drawn


def _name(mask: NDArray[np.bool_], name: str) -> Spot:
    """The name of a class where its region is widest."""
    padded = np.pad(mask, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Spot((int(row) + 0.5) / mask.shape[0], (int(column) + 0.5) / mask.shape[1], "region", name)


def _pixel(scene: Scene) -> list[Spot]:
    """The pixel that is explained, if it is one."""
    region = scene.region
    if region is None or region.kind != "pixel":
        return []
    (row, column), (height, width) = np.argwhere(region.mask)[0].tolist(), region.size
    return [Spot((row + 0.5) / height, (column + 0.5) / width, "said", "explained")]
