"""Words for what a picture shows."""

import re

from dashboard.components.scene import Scene


def plain(text: str) -> str:
    """The text with everything escaped that Markdown would make something of."""
    return re.sub(r"([\\`*_\[\]#|$<>~]|:(?=\S))", r"\\\1", text)


def percent(share: float) -> str:
    """0.673 as "67.3 %"."""
    return f"{share * 100:.1f} %"


def image_caption(scene: Scene, image: int) -> str:
    """Image number, true class, predicted class with its probability."""
    model, predictions = scene.model, scene.predictions
    true, predicted = scene.images.labels[image], predictions.predicted[image]
    mark = "right" if true == predicted else "wrong"
    sure = percent(float(predictions.confidence[image]))
    return f"image {image} · true {model.classes[true]} · predicted {model.classes[predicted]} {sure} ({mark})"


def target_caption(scene: Scene) -> str:
    """What is explained: the class and its score."""
    view = scene.view
    if view.target is None:
        return f"{scene.model.classes[scene.predictions.predicted[view.image]]} (the predicted class), logit"
    return f"{scene.model.classes[view.target]}, logit"


def grid_caption(grid: tuple[int, int]) -> str:
    """(10, 10) as "10 × 10"."""
    return f"{grid[0]} × {grid[1]}"
