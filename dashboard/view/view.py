"""What is on screen, as one frozen value, to and from the address."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from explain_lib.base.words import few_names
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.networks.bundled import DEFAULT_MODEL
from explain_lib.networks.own import OwnModels
from explain_lib.networks.predictions import ORDERS, Order
from explain_lib.networks.randomisation import MODES, Mode
from explain_lib.networks.targets import Score
from explain_lib.pictures.files import FITS, Fit
from explain_lib.pictures.rendering import PALETTES, Palette
from explain_lib.trust.faithfulness import FILLS, Fill
from explain_lib.trust.ladder_summary import MEASURES, Measure

Evidence = Literal["for", "against"]
Modules = Literal["conv", "all"]
Drawn = Literal["notebook", "fair"]
Outcome = Literal["any", "right", "wrong"]
Texture = Literal["grid", "smooth"]
Sign = Literal["positive", "signed"]
ScaleOver = Literal["map", "strip"]
Beside = Literal["nothing", "image", "model"]
Step = Literal["forward", "gradient", "weights", "sum", "relu", "enlarge"]
ChannelOrder = Literal["number", "weight"]

CIFAR10, FOLDER = "cifar10", "folder"

NO_CLASS = "any"
SETTINGS = tuple(field.name for field in fields(xl.CamSettings))
Value = str | int | bool | tuple[str, ...] | tuple[int, ...] | xl.Configuration | None


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


def _percent(text: str) -> int:
    value = _whole(text)
    if value > 100:
        raise ValueError("above 100")
    return value


def _class_or_none(text: str) -> int | None:
    return None if text == NO_CLASS else _whole(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(_one_of(SETTINGS)(name) for name in text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted({_whole(number) for number in text.split(",")}))


def _on(text: str) -> bool:
    return _one_of(("on", "off"))(text) == "on"


def _configuration(text: str) -> xl.Configuration:
    try:
        return parse_configuration(text)
    except xl.InputError as error:
        raise ValueError(str(error)) from error


def _set(text: str) -> str:
    if text not in (CIFAR10, FOLDER) and not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("no set of pictures")
    return text


def _name(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        raise ValueError("no name")
    return text


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"not one of {', '.join(choices)}")
        return text

    return parse


@dataclass(frozen=True)
class View:
    """What is on screen. Everything but the defaults is in the address.

    image: its number. model: its name. layer: None for the model's last conv layer. target: a class, None for the
    predicted one; minus: the class of which it is contrasted, None for no contrast; evidence, score: what of it is
    explained. modules: which layers are on offer.
    drawing: how the seed gallery draws. true_class, predicted_class, outcome, low, high (percent of confidence), order,
    part, average: what the class browser shows. texture, palette, strength (percent of the map), sign, scale: how maps are
    drawn over pictures. beside, other_image, other_model: what the layer explorer shows beside. a, b: the two sides of the
    disagreement page, flicker: whether they flicker. opinion: the layer at which other methods are asked, None for those of b.
    steps: the settings that are taken from b so far, one after the other, on the way from a to b. check: whether a scan runs
    the real programs too. rejected: images whose outlines do not count. measure, fill: what ranks the layers, and what stands
    in the place of removed pixels. sample: how many test images, from 0 on, are looked at. epoch: after how many epochs a
    training is looked at, None for its end. randomised: how many layers from the last one on have forgotten what they learnt,
    mode: whether all of these or only the last of them. pictures: the set that images are of, None for the one that the server
    opens with: cifar10, folder, or the SHA-256 of a visitor's picture; fit: how that is brought to the network's size.
    step: where the walk through Grad-CAM stands. channel: the channel that is looked at, None for the one with the largest
    share of the map; without: channels that are left out of the sum; channels: the order in which they stand. lesson: the name
    of the lesson, None for none; stop: the number of its stop; hint, answer: whether these are open. present: whether all but
    the pictures is hidden, and the pictures are enlarged, for a room.
    """

    image: int = 3
    model: str = DEFAULT_MODEL
    layer: str | None = None
    target: int | None = None
    minus: int | None = None
    evidence: Evidence = "for"
    score: Score = "logit"
    modules: Modules = "conv"
    drawing: Drawn = "notebook"
    true_class: int | None = 0
    predicted_class: int | None = None
    outcome: Outcome = "any"
    low: int = 0
    high: int = 100
    order: Order = "number"
    part: int = 1
    average: bool = False
    texture: Texture = "grid"
    palette: Palette = "magma"
    strength: int = 50
    sign: Sign = "positive"
    scale: ScaleOver = "map"
    beside: Beside = "nothing"
    other_image: int = 1
    other_model: str = "tutorial"
    a: xl.Configuration = STUDY_MANUAL
    b: xl.Configuration = STUDY_PACKAGE
    flicker: bool = False
    opinion: str | None = None
    steps: tuple[str, ...] = ()
    check: bool = False
    rejected: tuple[int, ...] = ()
    measure: Measure = "deletion"
    fill: Fill = "grey"
    sample: int = 500
    randomised: int = 1
    mode: Mode = "cascading"
    epoch: int | None = None
    pictures: str | None = None
    fit: Fit = "crop"
    step: Step = "forward"
    channel: int | None = None
    without: tuple[int, ...] = ()
    channels: ChannelOrder = "number"
    lesson: str | None = None
    stop: int = 1
    hint: bool = False
    answer: bool = False
    present: bool = False

    def to_query(self) -> dict[str, str]:
        """The address's query: image and model always, the rest where it is not the default."""
        default = View()
        return {
            key: _written(getattr(self, name))
            for key, name in NAMES.items()
            if name in ALWAYS or getattr(self, name) != getattr(default, name)
        }


@dataclass(frozen=True)
class Parameter:
    """How a field of the view is written in the address: its key, its parser, and what would be right if that raises."""

    key: str
    parse: Callable[[str], Value]
    right: str


def _words(key: str, choices: tuple[str, ...]) -> Parameter:
    """A field that has one of a few words."""
    return Parameter(key, _one_of(choices), f"one of {', '.join(choices)}")


_CLASS = "the number of a class, or any,"
_SHARE = "a whole number of percent, 0 to 100,"
_SIDE = "a configuration such as manual;layers=conv2 or package;layers=conv1,conv2"

PARAMETERS: Mapping[str, Parameter] = {
    "image": Parameter("img", _whole, "the number of a test image"),
    "model": Parameter("model", str, "the name of a model"),
    "layer": Parameter("layer", str, "the name of a layer"),
    "target": Parameter("target", _class_or_none, _CLASS),
    "minus": Parameter("minus", _whole, "the number of a class"),
    "evidence": _words("evidence", get_args(Evidence)),
    "score": _words("score", get_args(Score)),
    "modules": _words("modules", get_args(Modules)),
    "drawing": _words("drawing", get_args(Drawn)),
    "true_class": Parameter("class", _class_or_none, _CLASS),
    "predicted_class": Parameter("predicted", _class_or_none, _CLASS),
    "outcome": _words("outcome", get_args(Outcome)),
    "low": Parameter("low", _percent, _SHARE),
    "high": Parameter("high", _percent, _SHARE),
    "order": _words("order", ORDERS),
    "part": Parameter("part", _from_one, "the number of a part, from 1,"),
    "average": Parameter("average", _on, "on or off"),
    "texture": _words("texture", get_args(Texture)),
    "palette": _words("palette", PALETTES),
    "strength": Parameter("strength", _percent, _SHARE),
    "sign": _words("sign", get_args(Sign)),
    "scale": _words("scale", get_args(ScaleOver)),
    "beside": _words("beside", get_args(Beside)),
    "other_image": Parameter("img2", _whole, "the number of a test image"),
    "other_model": Parameter("model2", str, "the name of a model"),
    "a": Parameter("a", _configuration, _SIDE),
    "b": Parameter("b", _configuration, _SIDE),
    "flicker": Parameter("flicker", _on, "on or off"),
    "opinion": Parameter("opinion", str, "the name of a layer"),
    "steps": Parameter("steps", _names, "names of settings, with commas between,"),
    "check": Parameter("check", _on, "on or off"),
    "rejected": Parameter("rejected", _numbers, "numbers of test images, with commas between,"),
    "measure": _words("measure", MEASURES),
    "fill": _words("fill", FILLS),
    "sample": Parameter("sample", _from_one, "a number of images, from 1,"),
    "randomised": Parameter("randomised", _whole, "a number of layers, from the last one,"),
    "mode": _words("mode", MODES),
    "epoch": Parameter("epoch", _whole, "a number of epochs, from 0,"),
    "pictures": Parameter("set", _set, "cifar10, folder, or the SHA-256 of an uploaded picture,"),
    "fit": _words("fit", FITS),
    "step": _words("step", get_args(Step)),
    "channel": Parameter("channel", _whole, "the number of a channel, from 0,"),
    "without": Parameter("without", _numbers, "numbers of channels, with commas between,"),
    "channels": _words("channels", get_args(ChannelOrder)),
    "lesson": Parameter("lesson", _name, "the name of a lesson, of letters, digits and hyphens,"),
    "stop": Parameter("stop", _from_one, "the number of a stop, from 1,"),
    "hint": Parameter("hint", _on, "on or off"),
    "answer": Parameter("answer", _on, "on or off"),
    "present": Parameter("present", _on, "on or off"),
}
"""Every field of View in the address."""

assert set(PARAMETERS) == {part.name for part in fields(View)}
NAMES = {parameter.key: name for name, parameter in PARAMETERS.items()}
"""The field of View that each key in the address stands for."""

ALWAYS = ("image", "model")


def _written(value: Value) -> str:
    match value:
        case None:
            return NO_CLASS
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case xl.Configuration():
            return value.to_text()
        case _:
            return str(value)


def read_query(query: Mapping[str, str], start: View | None = None) -> tuple[View, tuple[str, ...]]:
    """The view of an address, and a sentence for each part of it that means nothing and was ignored.

    start: what stands for the parts that the address does not have, None for View().
    """
    values: dict[str, Value] = {}
    ignored = []
    for key, text in query.items():
        name = NAMES.get(key)
        if name is None:
            ignored.append(f"{key}={text}: there is no such setting.")
            continue
        try:
            values[name] = PARAMETERS[name].parse(text)
        except ValueError as error:
            why = f" ({error})" if name in ("a", "b") else ""
            ignored.append(f"{key}={text}: {PARAMETERS[name].right} would be right{why}.")
    view = change(start or View(), values)
    if view.low > view.high:
        ignored.append(f"low={view.low}, high={view.high}: a low that is not above the high would be right.")
        view = replace(view, low=0, high=100)
    return view, tuple(ignored)


def change(view: View, values: Mapping[str, Value]) -> View:
    """The view with some fields replaced."""
    return replace(view, **values)  # type: ignore[arg-type]  # each value went through its field's own parser


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
        gone = (
            "that upload is no longer kept; upload the file again" if own.names_own(chosen) else f"there are {', '.join(known)}"
        )
        notes.append(f"{PARAMETERS[name].key}={chosen}: {gone}.")
        view = change(view, {name: getattr(start, name), "layer": None if name == "model" else view.layer})
    return view, tuple(notes)


def opening_view(own: OwnModels) -> View:
    """The view that the dashboard opens with: the server's own model, if it has one."""
    return View(model=(*own.names, DEFAULT_MODEL)[0])


def fit_view(
    view: View, model: xl.Model, labels: NDArray[np.int64], classes: tuple[str, ...] | None = None
) -> tuple[View, tuple[str, ...]]:
    """The view with only what this model and this set of images have, and a sentence for each part that was replaced.

    labels: int64 (N,), the true classes. classes: their names, the model's first; None for the model's. What the view has by
    default is replaced without a word.
    """
    images, default, notes = len(labels), _possible_default(labels), []
    view = change(view, {name: getattr(default, name) for name in FITTED if getattr(view, name) == getattr(View(), name)})
    changes: dict[str, Value] = {}
    for name in ("image", "other_image"):
        if getattr(view, name) >= images:
            changes[name] = getattr(default, name)
            notes.append(f"{PARAMETERS[name].key}={getattr(view, name)}: the images are 0 to {images - 1:,}.")
    if view.sample > images:
        changes["sample"] = default.sample
        notes.append(f"sample={view.sample}: there are {images:,} images.")
    for name in ("target", "minus", "true_class", "predicted_class"):
        index, count = getattr(view, name), len(classes if name == "true_class" and classes else model.classes)
        if index is not None and index >= count:
            changes[name] = getattr(default, name)
            notes.append(f"{PARAMETERS[name].key}={index}: the classes are 0 to {count - 1}.")
    for name in ("layer", "opinion"):
        layer = getattr(view, name)
        if layer is not None and layer not in model.spatial_layers:
            changes[name] = None
            notes.append(f"{name}={layer}: the layers with a grid are {few_names(model.spatial_layers, 12)}.")
    return _fit_channels(change(view, changes), model, notes), tuple(notes)


def _fit_channels(view: View, model: xl.Model, notes: list[str]) -> View:
    """The view with only those channels that its layer has; adds a sentence to the notes for each part that was replaced."""
    layer = chosen_layer(view, model)
    count = next(trace.shape[0] for trace in model.layers if trace.name == layer)
    if view.channel is not None and view.channel >= count:
        notes.append(f"channel={view.channel}: the channels of {layer} are 0 to {count - 1}.")
        view = replace(view, channel=None)
    kept = tuple(channel for channel in view.without if channel < count)
    if kept != view.without:
        notes.append(f"without={_written(view.without)}: the channels of {layer} are 0 to {count - 1}.")
    return replace(view, without=kept)


FITTED = ("image", "other_image", "sample", "true_class")


def _possible_default(labels: NDArray[np.int64]) -> View:
    """The default view as far as the set has it."""
    default, last = View(), len(labels) - 1
    return replace(
        default,
        image=min(default.image, last),
        other_image=min(default.other_image, last),
        sample=min(default.sample, len(labels)),
        true_class=default.true_class if (labels == default.true_class).any() else None,
    )


def chosen_layer(view: View, model: xl.Model) -> str:
    """The layer of the view, the usual one where it names none or one that this model lacks."""
    return view.layer if view.layer in model.spatial_layers else usual_layer(model)


def usual_layer(model: xl.Model) -> str:
    """The last conv layer; of a network without any, the last layer with a grid."""
    return (model.conv_layers or model.spatial_layers)[-1]


def chosen_drawing(view: View) -> xl.Drawing:
    """The drawing that the view names."""
    return xl.Drawing(view.palette, view.strength / 100, view.texture == "smooth", view.sign == "signed")


def explained(view: View, predicted: int) -> xl.Target:
    """What a map explains for an image of this predicted class; a contrast of a class with itself is none."""
    index = predicted if view.target is None else view.target
    minus = None if view.minus == index else view.minus
    return xl.Target(index, minus, 1 if view.evidence == "for" else -1, view.score)
