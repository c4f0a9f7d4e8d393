"""What a side of a comparison does, in words."""

from collections.abc import Mapping

import explain_lib as xl
from dashboard.components.captions import plain
from explain_lib.configuration import Program

_RESIZE = {
    "cv2-linear": "enlarged bilinearly (OpenCV)",
    "torch-bilinear": "enlarged bilinearly (PyTorch)",
    "torch-bicubic": "enlarged bicubically (PyTorch)",
    "pil-bicubic": "enlarged bicubically (Pillow)",
    "nearest": "enlarged cell by cell",
    "none": "left on its own grid",
}
PROGRAMS: Mapping[Program, str] = {
    "manual": "manual Grad-CAM",
    "package": "package grad-cam",
    "torch-cam": "torch-cam",
    "captum": "Captum",
}


def side_title(letter: str, side: xl.Configuration) -> str:
    """The heading of a side's map: "a · manual Grad-CAM"."""
    variant = "" if side.settings.variant == "grad-cam" else f", {side.settings.variant}"
    return f"{letter} · {PROGRAMS[side.program]}{variant}"


def side_words(side: xl.Configuration, layers: tuple[str, ...], batch: slice) -> str:
    """Every step from the layers to the heat map, in its order."""
    settings = side.settings
    several = len(layers) > 1
    steps = [f"{settings.channel_reduction} over channels"]
    if settings.relu:
        steps.append("cut at zero")
    if settings.subtract_minimum:
        steps.append("less its minimum")
    steps += _scaling(settings, batch)
    steps.append(_RESIZE[settings.resize])
    if several:
        steps.append("then the mean over the layers")
    if settings.rescale_after_merge:
        steps.append("less the minimum and divided by the maximum once more")
    if settings.exponent != 1:
        steps.append(f"to the power {settings.exponent:g}")
    names = plain(", ".join(layers))
    return f"{'Layers' if several else 'Layer'} {names}{', each' if several else ''}: {', '.join(steps)}."


def _scaling(settings: xl.CamSettings, batch: slice) -> list[str]:
    match settings.scale_over:
        case "none":
            return ["not scaled"]
        case "image":
            return ["divided by its maximum"]
        case "batch":
            if batch.stop - batch.start == 1:
                return ["divided by the largest value of its batch, which is this image alone"]
            images = f"images {batch.start} to {batch.stop - 1}"
            return [
                "divided by the largest value that this image's weights give on any of the four images of the batch that the "
                f"notebook would have put it in ({images})"
            ]
