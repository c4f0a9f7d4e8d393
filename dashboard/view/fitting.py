"""A view fitted to what the server has: models, images, classes, layers, channels. A sentence says what was replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.field import Value, spelled
from dashboard.view.picture_sets import Pictures
from dashboard.view.view import BOX, PARAMETERS, View, change, chosen_layer
from explain_lib.base.words import few_names, one_line
from explain_lib.loading.bundled import DEFAULT_MODEL
from explain_lib.loading.model_store import OwnModels
from explain_lib.networks.task_words import TASK_WORDS, plural_of
from explain_lib.passes.tasks import Task, segments

NEAREST = 3
"""At most so many names are said to come near an unknown one."""
OF_A_SET = ("image", "other_image", "sample", "true_class")
"""The fields whose default a set of pictures may lack."""


def opening_view(own: OwnModels) -> View:
    """The view that the dashboard opens with: the server's own model, if it has one."""
    return View(model=(*own.names, DEFAULT_MODEL)[0])


def fit_models(view: View, own: OwnModels) -> tuple[View, tuple[str, ...]]:
    """The view with models that exist, and a sentence for each that it had named and that does not.

    own: the models that are not bundled; the server's own stands in for a missing one, if there is one.
    """
    notes, start = [], opening_view(own)
    known = (*own.names, *xl.list_models())
    for name in ("model", "other_model"):
        chosen = getattr(view, name)
        if chosen in known or own.holds(chosen):
            continue
        uploaded = own.names_own(chosen)
        gone = "that upload is no longer kept; upload the file again" if uploaded else f"there are {', '.join(known)}"
        notes.append(_note(name, chosen, gone))
        view = change(view, {name: getattr(start, name), "layer": None if name == "model" else view.layer})
    return view, tuple(notes)


def fit_names(view: View, named: Mapping[str, str], model: xl.Model, images: Pictures) -> tuple[View, tuple[str, ...]]:
    """The view with the classes and pictures that an address gives by name, and a sentence for each name that none has.

    named: the names, by the field of the view. A true class is one of the set's, the others are the model's. A picture is
    named by its file, with the folders above it or without.
    """
    notes = []
    for field, name in named.items():
        if field in ("image", "other_image"):
            place = _file_of(name, images.files)
            if place is None:
                notes.append(f"{PARAMETERS[field].key}={one_line(name)}: {_no_file(name, images.files)}.")
            else:
                view = change(view, {field: place})
            continue
        classes = images.classes if field == "true_class" else model.classes
        found = _class_of(name, classes)
        if found is None:
            notes.append(f"{PARAMETERS[field].key}={one_line(name)}: {_no_class(name, classes)}.")
        else:
            view = change(view, {field: found})
    return view, tuple(notes)


def _file_of(name: str, files: Sequence[str]) -> int | None:
    """The picture of that file; without folders, the first with that name."""
    plain = [file.casefold() for file in files]
    wanted = name.casefold()
    short = [file.rpartition("/")[2] for file in plain]
    return next((names.index(one) for names, one in ((files, name), (plain, wanted), (short, wanted)) if one in names), None)


def _no_file(name: str, files: Sequence[str]) -> str:
    if not files:
        return f"{PARAMETERS['image'].spelling.right} would be right"
    near = get_close_matches(name, files, NEAREST, 0.4) or files[:NEAREST]
    return f"there is no picture of that name; similar names: {', '.join(near)}"


def _class_of(name: str, classes: Sequence[str]) -> int | None:
    """The first class that is spelled like that; if there is none, the first that differs in case or in its spaces."""
    if name in classes:
        return classes.index(name)
    plainly = [_plainly(one) for one in classes]
    return plainly.index(_plainly(name)) if _plainly(name) in plainly else None


def _plainly(name: str) -> str:
    """A name without case; underscores and several spaces count as one space, as addresses are written by hand."""
    return " ".join(name.casefold().replace("_", " ").split())


def _no_class(name: str, classes: Sequence[str]) -> str:
    by_plain = {_plainly(one): one for one in reversed(classes)}
    near = [by_plain[one] for one in get_close_matches(_plainly(name), by_plain, NEAREST)]
    if near:
        return f"there is no class of that name; similar names: {', '.join(near)}"
    return f"there is no class of that name; there are {few_names(classes, 12)}"


def fit_task(view: View, model: xl.Model) -> tuple[View, tuple[str, ...]]:
    """The view with a task that fits the model, and with what the task has; a sentence for each part that was replaced."""
    notes, fitting = [], model.outputs.tasks
    if view.task is not None and view.task not in fitting:
        notes.append(_note("task", view.task, f"for this network one of {', '.join(fitting)} would be right"))
        view = replace(view, task=None)
    task = view.task or model.task
    if task == "regression" and view.score == "probability":
        notes.append(_note("score", view.score, "a regression has no probabilities"))
        view = replace(view, score="logit")
    count = 0 if task != "sigmoid" else len(model.classes)
    if any(index >= count for index in view.plus):
        has = f"the labels are 0 to {count - 1}" if count else "only labels can be explained together"
        notes.append(_note("plus", view.plus, has))
        view = replace(view, plus=tuple(index for index in view.plus if index < count))
    why = "" if view.region is None else _why_no_region(view.region, task, model.input_size)
    if why:
        notes.append(_note("region", view.region, why))
        view = replace(view, region=None)
    return view, tuple(notes)


def _why_no_region(region: str, task: Task, size: tuple[int, int]) -> str:
    """Why a network has not this region; empty where it has."""
    if task == "detection":
        return "" if region.startswith(BOX) else "of a network that detects a box, such as box:17, would be right"
    if not segments(task):
        return "only a network that segments or detects explains a class over a region"
    if region.startswith(BOX):
        return "only a network that detects has boxes"
    places = [int(part) for part in region.split(",")] if "," in region else [0, 0]
    inside = all(place < side for place, side in zip(places, size, strict=True))
    return "" if inside else f"rows are 0 to {size[0] - 1} and columns 0 to {size[1] - 1}"


def fit_view(view: View, model: xl.Model, images: Pictures) -> tuple[View, tuple[str, ...]]:
    """The view with only what this model and this set of images have, and a sentence for each part that was replaced.

    What the view has by default is replaced without a word.
    """
    default = _possible_default(images.labels)
    view = change(view, {name: getattr(default, name) for name in OF_A_SET if getattr(view, name) == getattr(View(), name)})
    lacking = _lacking(view, model, images)
    notes = [_note(name, getattr(view, name), why) for name, why in lacking.items()]
    view = change(view, {name: getattr(default, name) for name in lacking})
    view, channels = _fit_channels(view, model)
    view, slices = _fit_slice(view, model)
    return view, (*notes, *channels, *slices)


def _lacking(view: View, model: xl.Model, images: Pictures) -> dict[str, str]:
    """Each field that names an image, a class or a layer that is not there, and those that are there, in words."""
    count = len(images.labels)
    pictures = (count, f"the images are 0 to {count - 1:,}")
    several = plural_of(TASK_WORDS[model.task].a_class)
    classes = (len(model.classes), f"the {several} are 0 to {len(model.classes) - 1}")
    true = (len(images.classes), f"the classes are 0 to {len(images.classes) - 1}")
    first_missing = {
        "image": pictures,
        "other_image": pictures,
        "sample": (count + 1, f"there are {count:,} images"),
        "target": classes,
        "minus": classes,
        "other_target": classes,
        "true_class": true,
        "predicted_class": classes,
    }
    chosen = {name: getattr(view, name) for name in first_missing}
    lacking = {name: why for name, (end, why) in first_missing.items() if chosen[name] is not None and chosen[name] >= end}
    layers = f"the layers with a grid are {few_names(model.spatial_layers, 12)}"
    if not set(view.layers) <= set(model.spatial_layers):
        lacking["layers"] = layers
    return lacking | {
        name: layers for name in ("layer", "other_layer", "opinion") if getattr(view, name) not in (None, *model.spatial_layers)
    }


def _fit_channels(view: View, model: xl.Model) -> tuple[View, list[str]]:
    """The view with only those channels that its layer has, and a sentence for each part that was replaced."""
    layer = chosen_layer(view, model)
    count = next(trace.channels for trace in model.layers if trace.name == layer)
    fitted = replace(
        view,
        channel=None if view.channel is None or view.channel >= count else view.channel,
        without=tuple(channel for channel in view.without if channel < count),
    )
    replaced = [name for name in ("channel", "without") if getattr(fitted, name) != getattr(view, name)]
    return fitted, [_note(name, getattr(view, name), f"the channels of {layer} are 0 to {count - 1}") for name in replaced]


def _fit_slice(view: View, model: xl.Model) -> tuple[View, list[str]]:
    """The view with a slice that the network's volumes have, and a sentence if it was replaced."""
    count = model.sheet.slices if model.sheet is not None and model.sheet.is_volume else 0
    if view.slice is None or view.slice < count:
        return view, []
    why = f"the slices are 0 to {count - 1}" if count else "only a network of volumes has slices"
    return replace(view, slice=None), [_note("slice", view.slice, why)]


def _note(name: str, value: Value, why: str) -> str:
    return f"{PARAMETERS[name].key}={spelled(value)}: {why}."


def _possible_default(labels: NDArray[np.int64]) -> View:
    """The default view as far as a set with these classes has it."""
    default, last = View(), len(labels) - 1
    return replace(
        default,
        image=min(default.image, last),
        other_image=min(default.other_image, last),
        sample=min(default.sample, len(labels)),
        true_class=default.true_class if (labels == default.true_class).any() else None,
    )
