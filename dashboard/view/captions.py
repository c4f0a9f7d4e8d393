"""Words for what a picture shows."""

import re
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from dashboard.view.scene import Scene
from dashboard.view.view import explained_box
from explain_lib.base.words import few_names, listed, percent
from explain_lib.networks.model import Model
from explain_lib.networks.task_words import score_word, value_words
from explain_lib.passes.stages import Part
from explain_lib.passes.tasks import PRESENT, is_by_place, segments
from explain_lib.pictures.bands import window_ends
from explain_lib.pictures.channels import channel_words
from explain_lib.regions.boxes import Box
from explain_lib.regions.region import Region

FEW = 4
"""So many labels or numbers are named; of more, how many there are."""


def plain(text: str) -> str:
    """The text with everything escaped that Markdown would make something of."""
    return re.sub(r"([\\`*_\[\]#|$<>~]|:(?=\S))", r"\\\1", text)


def bare(markdown: str) -> str:
    """The text that `plain` escaped, for places that know no Markdown."""
    return re.sub(r"\\(\W)", r"\1", markdown)


def picture_words(scene: Scene, image: int) -> str:
    """Alternative text of a picture: which one it is, what it is of, and its size."""
    height, width = np.asarray(scene.images.pixels[image]).shape[:2]
    true = scene.true_class(image)
    covered = ", parts of it covered" if scene.is_covered and image == scene.view.image else ""
    return f"{scene.words(image)}{'' if true is None else f', true class {true}'}, {height} by {width} pixels{covered}"


def image_caption(scene: Scene, image: int) -> str:
    """What image_words says, as Markdown."""
    return plain(image_words(scene, image))


def made_words(scene: Scene, image: int) -> str:
    """What of an image is shown where that is not all: its channels, and the window of its numbers; empty for 8-bit RGB."""
    parts = [channel_words(scene.model.channels, scene.bands)]
    window = scene.picture_set.window(image, scene.model)
    if window is not None:
        low, high = window_ends(window)
        chosen = "" if scene.view.window else ", its own range,"
        parts.append(f"numbers {low} to {high}{chosen} shown from black to white")
    return " · ".join(filter(None, parts))


def image_words(scene: Scene, image: int) -> str:
    """Image number, true class, predicted class with its probability; of other tasks what the network says.

    And what of it is shown, if that is not all.
    """
    covered = "parts covered" if scene.is_covered and image == scene.view.image else ""
    return " · ".join(filter(None, (covered, _predicted_words(scene, image), made_words(scene, image))))


def _predicted_words(scene: Scene, image: int) -> str:
    said, true, label = scene.said(image), scene.true_class(image), int(scene.images.labels[image])
    name = scene.picture_set.words(image).removeprefix("test ")
    words = f"{name} · {'' if true is None else f'true {true} · '}"
    if scene.model.task in ("sigmoid", "regression") or is_by_place(scene.model.task):
        return f"{words}{says_words(scene.model, said.probabilities)}"
    words += f"predicted {scene.model.classes[said.predicted]} {percent(said.confidence)}"
    if not 0 <= label < len(scene.model.classes):  # not known, or nothing that the network can say
        return words
    return f"{words} {outcome_mark(label == said.predicted)}"


def outcome_mark(is_right: bool) -> str:
    """A check mark for a right prediction, a cross for a wrong one."""
    return "✓" if is_right else "✗"


def says_words(model: Model, values: NDArray[np.float32]) -> str:
    """What a network of labels or numbers says: the labels above 50 %, the strongest first, or its numbers; of a network that
    segments the classes that it predicts anywhere, that which covers most first; of one that detects those with a box above.

    values: float32 (classes,), the probabilities, the shares or the numbers.
    """
    if model.task == "regression":
        pairs = zip(model.classes, values, strict=True)
        numbers = [f"{name} {value_words(float(value), model.task, unit=model.unit)}" for name, value in pairs]
        return few_names(numbers, FEW)
    order = np.argsort(-values, kind="stable")
    named = [f"{model.classes[k]} {percent(float(values[k]))}" for k in order.tolist()]
    if segments(model.task):
        return few_names(named[: int((values > 0).sum())], FEW)
    count = int((values > PRESENT).sum())
    if model.task == "detection":
        return few_names(named[:count], FEW) if count else f"nothing above {percent(PRESENT, 0)}, best: {named[0]}"
    return f"labels {few_names(named[:count], FEW)}" if count else f"none of its labels, strongest: {named[0]}"


def target_caption(scene: Scene) -> str:
    """The target in words: the class, those explained with it, the one that it is contrasted with, and the score."""
    target, classes, task = scene.class_target, scene.model.classes, scene.model.task
    name = classes[target.index]
    if scene.view.target is None and task != "regression":
        first = "the strongest label" if task == "sigmoid" else "the predicted class"
        first = scene.task_words.predicted if is_by_place(task) else first
        usual = f" ({first}{' of the whole picture' if scene.is_covered else ''})"
        name += usual if scene.final is None else " (predicted at the end)"
    name = listed([name, *(classes[index] for index in target.plus)])
    if target.minus is not None:
        name += f" rather than {classes[target.minus]}"
    words = f"{name}, {score_word(target.score, task)}{region_words(scene)}"
    if target.sign == -1:
        words = f"what lowers {words}" if task == "regression" else f"evidence against {words}"
    if scene.view.minus is not None and target.minus is None:
        words += f" (a contrast with {classes[scene.view.minus]} itself is left out)"
    return words


def region_words(scene: Scene) -> str:
    """Where a class is explained, as the end of a part of a sentence; empty for a task without regions."""
    if scene.model.task == "detection":
        return _box_words(scene)
    if not segments(scene.model.task):
        return ""
    if scene.region is None:
        return f" over its predicted region{', that of the whole picture' if scene.is_covered else ''}"
    return f" {place_words(scene.region)}"


def _box_words(scene: Scene) -> str:
    box = scene.target.region
    assert isinstance(box, Box)  # a detector's targets are settled
    which = "its best box" if explained_box(scene.view, scene.model) is None else f"box {box.number:,}"
    return f" of {which}{' of the whole picture' if scene.is_covered else ''}, {corner_words(box, scene.model.input_size)}"


def corner_words(box: Box, size: tuple[int, int]) -> str:
    """Where a box lies in a picture of that size (H, W): "rows 10 to 64, columns 32 to 96"."""
    top, left, bottom, right = (round(share * side) for share, side in zip(box.corners, (*size, *size), strict=True))
    return f"rows {top} to {bottom}, columns {left} to {right}"


def place_words(region: Region) -> str:
    """A pixel or a painted region, as the end of a part of a sentence."""
    if region.kind == "pixel":
        row, column = divmod(region.runs[0], region.size[1])
        return f"at row {row}, column {column}"
    return f"over a painted region, {percent(region.share)} of the picture"


def score_words(scene: Scene) -> str:
    """What is explained besides a class's logit, as short as it can be said; empty for nothing."""
    target, task = scene.target, scene.model.task
    parts = [f"with {listed([scene.model.classes[index] for index in target.plus])}"] if target.plus else []
    parts += [f"rather than {scene.model.classes[target.minus]}"] if target.minus is not None else []
    parts += ["what lowers it" if task == "regression" else "evidence against"] if target.sign == -1 else []
    parts += [target.score] if target.score != "logit" else []
    return plain(" · ".join(parts))


def scene_caption(scene: Scene, explained: str | None = None) -> str:
    """The model, the picked image, and what is explained; explained: None for the target of the view."""
    picked = image_caption(scene, scene.view.image)
    return f"{scene.view.model} · {picked} · explained: {explained or target_caption(scene)}"


def layer_words(model: Model) -> dict[str, str]:
    """Each layer with a grid, in words, ends of stages first: "layer4 · 7 × 7 · stage end"."""
    layers = {layer.name: layer for layer in model.layers if layer.is_spatial}
    ordered = sorted(layers, key=lambda name: _PARTS.index(model.parts[name]))
    return {name: f"{name} · {cells_caption(model, name)}{_PART_WORDS[model.parts[name]]}" for name in ordered}


_PARTS: tuple[Part, ...] = get_args(Part)
_PART_WORDS: dict[Part, str] = {part: "" if part == "inner" else f" · {part}" for part in _PARTS}


NARROW = 15
"""So many letters fit over a thumbnail."""


def short_layer(name: str) -> str:
    """The name of a layer over a thumbnail: of a long one its end, which tells it from its neighbours."""
    return name if len(name) <= NARROW else f"…{name[-NARROW + 1 :]}"


def cells_caption(model: Model, layer: str) -> str:
    """The grid of a layer: "10 × 10", of a volume with its slices first, "4 × 10 × 10", of a signal "10"."""
    (found,) = model.find_layers(layer)
    if model.sheet is None:
        return grid_caption(found.grid)
    rows, columns = found.grid
    return f"{found.slices} × {rows // found.slices} × {columns}" if model.sheet.is_volume else f"{columns:,}"


def grid_caption(grid: tuple[int, int]) -> str:
    """(10, 10) as "10 × 10"."""
    return f"{grid[0]} × {grid[1]}"


def target_name(scene: Scene) -> str:
    """The target as part of a file's name: "ship", "ship-minus-plane", "against-ship-probability"."""
    target, classes = scene.target, scene.model.classes
    parts = ["against"] if target.sign == -1 else []
    parts.append("-and-".join(classes[index] for index in target.raised))
    if target.minus is not None:
        parts += ["minus", classes[target.minus]]
    if target.score == "probability":
        parts.append("probability")
    if scene.region is not None:
        parts.append(f"at-{scene.view.region}".replace(",", "-") if scene.region.kind == "pixel" else "in-region")
    return "-".join(parts)
