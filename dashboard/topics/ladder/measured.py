"""The layer ladder of a view: its request, and numbers and words of its results."""

from contextlib import suppress

import numpy as np

from dashboard.view.scene import Scene, sample_scene
from explain_lib.advice.choice import AdviceRows
from explain_lib.advice.measuring import AdviceRequest, rows_of_ladder
from explain_lib.base.errors import DataError
from explain_lib.passes.tasks import segments
from explain_lib.trust.by_row import is_large
from explain_lib.trust.ladder import CurvesRequest, LadderCurves, LadderRequest, LadderRows
from explain_lib.trust.measures import FILLS, Fill, measure_words
from explain_lib.work.ladder_files import bundled_ladder


def asked_layer(layer: str) -> str | None:
    """The layer itself, where the package can be asked for its other methods: None for one that is called several times."""
    return None if "#" in layer else layer


def ladder_layers(scene: Scene) -> tuple[str, ...]:
    """The layers of the ladders: those that the view chooses, or those on offer."""
    return scene.view.layers or scene.offered_layers


def image_layers(scene: Scene) -> tuple[str, ...]:
    """The same for the picked image, where the layer that is shown has a row in any case."""
    chosen = {*ladder_layers(scene), scene.layer}
    return tuple(name for name in scene.model.spatial_layers if name in chosen)


def curves_request(scene: Scene, opinions: str | None = None) -> CurvesRequest:
    """The ladder of the picked image, the row of the shown layer first."""
    image = np.array([scene.view.image])
    return CurvesRequest(scene.model, scene.images.pixels, image, image_layers(scene), scene.asked, opinions, first=scene.layer)


def sample_request(scene: Scene) -> LadderRequest:
    """The ladder that the view asks for, on its sample of the set."""
    layers, view = ladder_layers(scene), scene.view
    around, images = sample_scene(scene)
    asked_at = asked_layer(scene.model.default_layer)
    return LadderRequest(scene.model, around.images.pixels, images, layers, view.target, asked_at)


def left_over(found: LadderCurves, place: int, fill: Fill, step: int) -> float:
    """The probability of the explained class with k/16 of the pixels removed."""
    if fill == "noisy-linear":
        return float(found.curves.morf[0, place, step // 2 - 1])
    return float(found.curves.deletion[0, place, FILLS.index(fill), step])


# Section: the advice


ADVISED = 32
"""So many large pictures the advice looks at, at most."""


def advice_request(scene: Scene) -> AdviceRequest:
    """The advice that the view asks for: the chosen layers or the usual candidates, on its sample of the set."""
    around, images = sample_scene(scene)
    if is_large(scene.model) and len(images) > ADVISED:
        images = images[:: len(images) // ADVISED][:ADVISED]
    return AdviceRequest(scene.model, around.images.pixels, images, scene.view.layers or None, scene.view.target)


def advice_rows(scene: Scene, so_far: LadderRows | None) -> AdviceRows | None:
    """The numbers of the advice from the ladder over many pictures, where that is known.

    so_far: what its job has found.
    """
    request = sample_request(scene)
    with suppress(DataError):
        found = bundled_ladder(request) or so_far
        if found is not None and len(found.rungs) == request.rungs:
            return rows_of_ladder(found, request.layers or ())
    return None


# Section: words


def explained_words(scene: Scene) -> str:
    """The class that is explained of each picture of a sample."""
    target = scene.view.target
    if scene.model.task == "regression":
        return f"the output {scene.model.classes[target or 0]}"
    if target is None:
        by_place = f"the {scene.task_words.a_class} that covers most of it, where it is predicted"
        usual = {"sigmoid": "its strongest label", "segmentation": by_place, "sigmoid-segmentation": by_place}
        usual["detection"] = "its best box"
        return usual.get(scene.model.task, "the class that is predicted for it")
    name = scene.model.classes[target]
    if segments(scene.model.task):
        which = f"the {scene.task_words.a_class} {name}, where it is predicted"
        return f"{which}; pictures in which it is predicted nowhere are left out"
    if scene.model.task == "detection":
        return f"the best box of the class {name}, however low its score"
    nothing = f"most of them do not show a {name}, so there is little to remove"
    return f"the {scene.task_words.a_class} {name}, whatever it shows: {nothing}"


def curve_title(scene: Scene) -> str:
    """The measure and its fill, as the title of its curves."""
    words = measure_words(scene.view.measure, scene.view.fill)
    return words[0].upper() + words[1:]


def curve_caption(scene: Scene, found: LadderCurves) -> str:
    """The meaning of the picked image's curves, and which are good."""
    name, value = scene.model.classes[int(found.rows.explained[0])], scene.task_words.measured
    if scene.view.measure == "road":
        return (
            f"The {value} of {name} with the most important pixels gone first, from an eighth to seven eighths. ROAD is half "
            f"the mean distance to the curve above it, where the least important are gone first."
        )
    good = "rises" if scene.view.measure == "insertion" else "falls"
    mean = "the number in the table is the mean over the points"
    return f"The {value} of {name}; {mean}. A curve that {good} early is good."


def patches_caption(scene: Scene, found: LadderCurves) -> str:
    """The meaning of the picked image's losses patch by patch, and which maps are good."""
    name = scene.model.classes[int(found.rows.explained[0])]
    said = f"the output {name}" if scene.model.task == "regression" else f"the {scene.task_words.logit} of {name}"
    return (
        f"Each dot is a patch: what {said} loses when it alone is replaced. The number in the table is Spearman's correlation "
        f"of the map with these losses, over {found.changes[0, 0].size} patches. If the map is right about what matters, the "
        f"dots fall from left to right."
    )


def ladder_command(scene: Scene, request: LadderRequest) -> str | None:
    """The command that measures the same from a terminal; None where it does not have the model."""
    view = scene.view
    words = [] if request.layers == scene.model.conv_layers else ["--layers", *(request.layers or ())]
    words += ["--opinions", request.opinions] if request.opinions else []
    words += ["--target", str(view.target)] if view.target is not None else []
    return scene.command("layers", len(request), *words, "--measure", view.measure, "--fill", view.fill)
