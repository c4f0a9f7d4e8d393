"""What is on screen, as one frozen value, to and from the address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import explain_lib as xl

DEFAULT_MODEL = "captum-tutorial"
Modules = Literal["conv", "all"]
Drawing = Literal["notebook", "fair"]
Outcome = Literal["any", "right", "wrong"]
Setup = Literal["notebook", "shared"]
Texture = Literal["grid", "smooth"]


@dataclass(frozen=True)
class View:
    """What is on screen. Everything but the defaults is in the address.

    image: a test image. layer: None for the model's last conv layer. target: a class, None for the predicted one.
    modules: which layers are on offer. drawing: how the seed gallery draws. true_class, predicted_class, outcome, part:
    what the class browser shows, None for any class. setup: what the disagreement page compares. texture: whether the
    overlay shows the map's own grid or a bilinear enlargement.
    """

    image: int = 3
    model: str = DEFAULT_MODEL
    layer: str | None = None
    target: int | None = None
    modules: Modules = "conv"
    drawing: Drawing = "notebook"
    true_class: int | None = 0
    predicted_class: int | None = None
    outcome: Outcome = "any"
    part: int = 1
    setup: Setup = "notebook"
    texture: Texture = "grid"

    def to_query(self) -> dict[str, str]:
        """The address's query: image and model always, the rest where it is not the default."""
        default = View()
        return {
            key: _written(getattr(self, name))
            for key, name in NAMES.items()
            if name in ALWAYS or getattr(self, name) != getattr(default, name)
        }


NAMES = {
    "img": "image",
    "model": "model",
    "layer": "layer",
    "target": "target",
    "modules": "modules",
    "drawing": "drawing",
    "class": "true_class",
    "predicted": "predicted_class",
    "outcome": "outcome",
    "part": "part",
    "setup": "setup",
    "texture": "texture",
}
"""The key in the address of each field of View."""

ALWAYS = ("image", "model")
NO_CLASS = "any"


def _written(value: str | int | None) -> str:
    return NO_CLASS if value is None else str(value)


def _whole(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("below 0")
    return value


def _from_one(text: str) -> int:
    value = _whole(text)
    if value == 0:
        raise ValueError("below 1")
    return value


def _class_or_none(text: str) -> int | None:
    return None if text == NO_CLASS else _whole(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"not one of {', '.join(choices)}")
        return text

    return parse


_PARSERS: dict[str, tuple[Callable[[str], str | int | None], str]] = {
    "image": (_whole, "the number of a test image"),
    "model": (str, "the name of a model"),
    "layer": (str, "the name of a layer"),
    "target": (_class_or_none, "the number of a class"),
    "modules": (_one_of(*get_args(Modules)), "conv or all"),
    "drawing": (_one_of(*get_args(Drawing)), "notebook or fair"),
    "true_class": (_class_or_none, "the number of a class, or any"),
    "predicted_class": (_class_or_none, "the number of a class, or any"),
    "outcome": (_one_of(*get_args(Outcome)), "any, right or wrong"),
    "part": (_from_one, "the number of a part, from 1,"),
    "setup": (_one_of(*get_args(Setup)), "notebook or shared"),
    "texture": (_one_of(*get_args(Texture)), "grid or smooth"),
}
assert set(_PARSERS) == {field.name for field in fields(View)} == set(NAMES.values())


def read_query(query: Mapping[str, str]) -> tuple[View, tuple[str, ...]]:
    """The view of an address, and a sentence for each part of it that means nothing and was ignored."""
    values: dict[str, str | int | None] = {}
    ignored = []
    for key, text in query.items():
        name = NAMES.get(key)
        if name is None:
            ignored.append(f"{key}={text}: there is no such setting.")
            continue
        parse, right = _PARSERS[name]
        try:
            values[name] = parse(text)
        except ValueError:
            ignored.append(f"{key}={text}: {right} would be right.")
    return change(View(), values), tuple(ignored)


def change(view: View, values: Mapping[str, str | int | None]) -> View:
    """The view with some fields replaced."""
    return replace(view, **values)  # type: ignore[arg-type]  # each value went through its field's own parser


def fit_model(view: View) -> tuple[View, tuple[str, ...]]:
    """The view with a model that exists, and a sentence if it had named another."""
    if view.model in xl.list_models():
        return view, ()
    note = f"model={view.model}: there are {', '.join(xl.list_models())}."
    return replace(view, model=DEFAULT_MODEL, layer=None), (note,)


def fit_view(view: View, model: xl.Model, images: int) -> tuple[View, tuple[str, ...]]:
    """The view with only what this model and this many images have, and a sentence for each part that was replaced."""
    default, notes = View(), []
    changes: dict[str, str | int | None] = {}
    classes = len(model.classes)
    if view.image >= images:
        changes["image"] = default.image
        notes.append(f"img={view.image}: the images are 0 to {images - 1:,}.")
    for name in ("target", "true_class", "predicted_class"):
        index = getattr(view, name)
        if index is not None and index >= classes:
            changes[name] = getattr(default, name)
            key = next(key for key, field in NAMES.items() if field == name)
            notes.append(f"{key}={index}: the classes are 0 to {classes - 1}.")
    if view.layer is not None and view.layer not in model.spatial_layers:
        changes["layer"] = None
        notes.append(f"layer={view.layer}: the layers with a grid are {', '.join(model.spatial_layers[:12])}.")
    return change(view, changes), tuple(notes)


def chosen_layer(view: View, model: xl.Model) -> str:
    """The layer of the view, the last conv layer where it names none."""
    return view.layer or model.conv_layers[-1]
