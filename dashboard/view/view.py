"""The view: all that is chosen on screen, as one frozen value, to and from the address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import explain_lib as xl
from dashboard.view.field import (
    ANY,
    Spelling,
    Value,
    declared,
    one_of,
    parameter_of,
    spelled,
    whole,
    whole_or_any,
    wholes,
    words,
)
from explain_lib.base.sheets import Sheet
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.cam.settings import VARIANTS, Placement, Variant
from explain_lib.loading.bundled import DEFAULT_MODEL
from explain_lib.networks.predictions import ORDERS, Order
from explain_lib.networks.randomisation import DRAWS, MODES, MOST_DRAWS, MOST_SEED, SEED, Mode
from explain_lib.passes.targets import Score
from explain_lib.passes.tasks import TASKS, Task, segments
from explain_lib.pictures.files import FITS, Fit
from explain_lib.pictures.palettes import PALETTES, Palette
from explain_lib.trust.cover import LONGEST_CODE, CoverFill, cover_cells, cover_code
from explain_lib.trust.cover import SIDE as GRID_SIDE
from explain_lib.trust.measures import FILLS, MEASURES, Fill, Measure

Evidence = Literal["for", "against"]
Modules = Literal["conv", "all"]
Drawn = Literal["notebook", "fair"]
Outcome = Literal["any", "right", "wrong"]
Texture = Literal["grid", "smooth"]
Opacity = Literal["map", "even"]
Sign = Literal["positive", "signed"]
ScaleOver = Literal["map", "strip"]
Beside = Literal["nothing", "image", "model", "layer"]
Known = Literal["mark", "quarter", "apart", "object"]
Finds = Literal["energy", "pointing", "overlap"]
Step = Literal["network", "forward", "gradient", "weights", "sum", "relu", "enlarge"]
ChannelOrder = Literal["number", "weight"]

CIFAR10, FOLDER = "cifar10", "folder"
BY_NAME = ("target", "minus", "other_target", "true_class", "predicted_class", "image", "other_image")
"""The fields that are classes: an address may have their names."""
SETTINGS = tuple(field.name for field in fields(xl.CamSettings))


def _settings(text: str) -> tuple[str, ...]:
    return tuple(map(one_of(SETTINGS), text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ValueError("a name is empty, or there twice")
    return names


def _configuration(text: str) -> xl.Configuration:
    try:
        return parse_configuration(text)
    except xl.InputError as error:
        raise ValueError(str(error)) from error


def _picture_set(text: str) -> str:
    if text not in (CIFAR10, FOLDER) and not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("no set of pictures")
    return text


def _window(text: str) -> tuple[int, ...]:
    low, high = map(int, text.split(","))
    if low >= high:
        raise ValueError("no window")
    return low, high


def _said(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,5},[0-9]{1,5}", text) and _cover(text) is None:
        raise ValueError("neither a number, nor a place, nor cells")
    return text


BOX = "box:"
"""The start of a region that is a box of a network that detects."""


def _region(text: str) -> str | None:
    if re.fullmatch(r"[0-9]{1,5},[0-9]{1,5}", text) or re.fullmatch(f"{BOX}[0-9]{{1,6}}", text):
        return text
    return _cover(text)


def _bands(text: str) -> tuple[int, ...]:
    chosen = tuple(map(whole(), text.split(",")))
    if len(chosen) not in (1, 3):
        raise ValueError("neither one nor three")
    return chosen


def _cover(text: str) -> str | None:
    try:
        return cover_code(cover_cells(text)) or None
    except xl.InputError as error:
        raise ValueError(str(error)) from error


def lesson_name(text: str) -> str:
    """The name of a lesson. Raises ValueError for a text that cannot be one."""
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        raise ValueError("no name")
    return text


_IMAGE = Spelling(whole(), "the number of a test image")
_MODEL = Spelling(str, "the name of a model")
_LAYER = Spelling(str, "the name of a layer")
_CLASS = Spelling(whole_or_any, "the number of a class, or any,")
_GROUPS = Spelling(whole(2), "a number of slices, from 2,")
_DRAWS = Spelling(whole(1, MOST_DRAWS), f"a number of draws, from 1 to {MOST_DRAWS},")
_SEED = Spelling(whole(0, MOST_SEED), f"the number of a draw, from 0 to {MOST_SEED},")
_SHARE = Spelling(whole(0, 100), "a whole number of percent, 0 to 100,")
_SIDE = Spelling(_configuration, "a configuration such as manual;layers=conv2 or package;layers=conv1,conv2", says_why=True)
_CHANNELS = ("channel", "without")
_OF_A_MODEL = (*_CHANNELS, "task", "plus", "region", "layers", "slice")
_PART = ("part",)
_OF_A_PICTURE = ("cover", "said", "region")
_SAID = ("said",)
"""An answer is about one picture, as one network sees it."""
_SLICE = Spelling(whole(), "the number of a slice, from 0,")
_SWITCH = Spelling(lambda text: one_of(("on", "off"))(text) == "on", "on or off")


@dataclass(frozen=True)
class View:
    """All that is chosen on screen. Everything but the defaults is in the address, in the order of the fields."""

    image: int = declared(_IMAGE, 3, "the number of the image", key="img", always=True, resets=_OF_A_PICTURE)
    model: str = declared(_MODEL, DEFAULT_MODEL, "the name of the model", always=True, resets=(*_OF_A_MODEL, *_SAID))
    layer: str | None = declared(_LAYER, None, "the layer that is explained; None: the model's last conv one", resets=_CHANNELS)
    target: int | None = declared(_CLASS, None, "the class that is explained; None: the predicted one")
    minus: int | None = declared(Spelling(whole(), "the number of a class"), None, "the class it is contrasted with, if any")
    evidence: Evidence = declared(words(get_args(Evidence)), "for", "whether evidence for or against the class is explained")
    score: Score = declared(words(get_args(Score)), "logit", "which score of the class is explained")
    modules: Modules = declared(words(get_args(Modules)), "conv", "which layers are on offer")
    drawing: Drawn = declared(words(get_args(Drawn)), "fair", "how the page of eight pictures draws")
    true_class: int | None = declared(_CLASS, 0, "images of this class; None: of any", key="class", resets=_PART)
    predicted_class: int | None = declared(
        _CLASS, None, "images predicted as this class; None: as any", key="predicted", resets=_PART
    )
    outcome: Outcome = declared(words(get_args(Outcome)), "any", "images that are predicted right, or wrong", resets=_PART)
    low: int = declared(_SHARE, 0, "images with at least this confidence, in percent", resets=_PART)
    high: int = declared(_SHARE, 100, "images with at most this confidence, in percent", resets=_PART)
    order: Order = declared(words(ORDERS), "number", "the order of the images", resets=_PART)
    part: int = declared(Spelling(whole(1), "the number of a part, from 1,"), 1, "which part of many images is shown")
    average: bool = declared(_SWITCH, False, "whether the average map of the images is shown")
    texture: Texture = declared(words(get_args(Texture)), "grid", "whether a map over a picture is smooth")
    palette: Palette = declared(words(PALETTES), "magma", "the colours of a map over a picture")
    strength: int = declared(_SHARE, 70, "the share of the map where it lies over a picture, in percent")
    opacity: Opacity = declared(
        words(get_args(Opacity)), "map", "whether that share goes with the map or is the same everywhere"
    )
    contour: bool = declared(_SWITCH, True, "whether a line is drawn over a picture at half the map's maximum")
    sign: Sign = declared(words(get_args(Sign)), "positive", "whether a map over a picture shows what is below zero")
    scale: ScaleOver | None = declared(
        words(get_args(ScaleOver)),
        None,
        "whether each map has a colour scale of its own; None: it has, but the maps of a training have one in common",
    )
    placement: Placement = declared(
        words(get_args(Placement)), "receptive-field", "whether the cells of a map lie where they look, or are stretched"
    )
    beside: Beside = declared(words(get_args(Beside)), "nothing", "what the layer explorer compares with")
    other_image: int = declared(_IMAGE, 1, "the image that is compared with", key="img2")
    other_model: str = declared(_MODEL, "tutorial", "the model that is compared with", key="model2")
    other_layer: str | None = declared(
        _LAYER, None, "the layer that is compared with; None: the one before among those on offer", key="layer2"
    )
    a: xl.Configuration = declared(_SIDE, STUDY_MANUAL, "the first side of the disagreement page")
    b: xl.Configuration = declared(_SIDE, STUDY_PACKAGE, "the second side of the disagreement page")
    flicker: bool = declared(_SWITCH, False, "whether the two sides flicker")
    opinion: str | None = declared(_LAYER, None, "the layer at which other methods are asked; None: the last one of b")
    steps: tuple[str, ...] = declared(
        Spelling(_settings, "names of settings, with commas between,"),
        (),
        "the settings taken from b so far, one after the other, on the way from a to b",
    )
    check: bool = declared(_SWITCH, False, "whether a scan runs the real programs too")
    rejected: tuple[int, ...] = declared(
        Spelling(wholes, "numbers of test images, with commas between,"), (), "images whose outlines do not count"
    )
    measure: Measure = declared(words(MEASURES), "deletion", "what ranks the layers")
    fill: Fill = declared(words(FILLS), "grey", "what stands in the place of removed pixels")
    sample: int = declared(
        Spelling(whole(1), "a number of images, from 1,"), 500, "how many images are looked at, of test images the first"
    )
    randomised: int = declared(
        Spelling(whole(), "a number of layers, from the last one,"),
        1,
        "how many layers, from the last one on, have forgotten what they learnt",
    )
    mode: Mode = declared(words(MODES), "cascading", "whether all of these layers have forgotten, or only the foremost")
    epoch: int | None = declared(
        Spelling(whole(), "a number of epochs, from 0,"),
        None,
        "after how many epochs a training is looked at; None: at its end",
    )
    pictures: str | None = declared(
        Spelling(_picture_set, "cifar10, folder, or the SHA-256 of an uploaded picture,"),
        None,
        "the set that images are of; None: the one that the server opens with",
        key="set",
        resets=_OF_A_PICTURE,
    )
    fit: Fit = declared(words(FITS), "crop", "how an uploaded picture is brought to the network's size")
    step: Step = declared(words(get_args(Step)), "forward", "where the walk through Grad-CAM stands")
    channel: int | None = declared(
        Spelling(whole(), "the number of a channel, from 0,"),
        None,
        "the channel that is looked at; None: the one with the largest share of the map",
    )
    without: tuple[int, ...] = declared(
        Spelling(wholes, "numbers of channels, with commas between,"), (), "channels that are left out of the sum"
    )
    channels: ChannelOrder = declared(
        words(get_args(ChannelOrder)), "weight", "the order of the channels: the largest weight first, above zero or below"
    )
    lesson: str | None = declared(
        Spelling(lesson_name, "the name of a lesson, of letters, digits and hyphens,"), None, "the lesson that is held, if any"
    )
    stop: int = declared(Spelling(whole(1), "the number of a stop, from 1,"), 1, "the stop of the lesson")
    hint: bool = declared(_SWITCH, False, "whether the stop's hint is open")
    answer: bool = declared(_SWITCH, False, "whether the stop's answer is open")
    said: str | None = declared(
        Spelling(_said, "the number of a choice, a row and a column such as 12,20, a number, or the code of an outline,"),
        None,
        "what a reader answers to the stop's question, if anything",
    )
    present: bool = declared(_SWITCH, False, "whether only the pictures are shown, as large as the screen")
    plus: tuple[int, ...] = declared(
        Spelling(wholes, "numbers of labels, with commas between,"), (), "further labels that are explained together with it"
    )
    task: Task | None = declared(
        words(TASKS),
        None,
        "what the network's scores mean; None: as it was decided when it was loaded",
        resets=("plus", "region"),
    )
    window: tuple[int, ...] = declared(
        Spelling(_window, "two whole numbers, the lower one first, with a comma between,"),
        (),
        "the numbers of a file of more than 8 bits that become black and white; none: each picture's own range",
    )
    bands: tuple[int, ...] = declared(
        Spelling(_bands, "three numbers of channels, from 0, or one, with commas between,"),
        (),
        "the channels that are shown as red, green and blue, of a network with other channels than these; none: the first",
    )

    other_target: int | None = declared(
        Spelling(whole(), "the number of a class"), None, "the class that a training compares with, if any", key="target2"
    )
    whole: bool = declared(_SWITCH, False, "whether the map is also shown on the whole picture")
    blind: tuple[int, ...] = declared(
        Spelling(wholes, "numbers of images, with commas between,"),
        (),
        "images of which a trained and an untrained network's maps are shown without their names",
    )
    cover: str | None = declared(
        Spelling(_cover, f"at most {LONGEST_CODE} letters, digits, - and _, six cells of {GRID_SIDE} x {GRID_SIDE} each,"),
        None,
        "the cells of the image that are covered in the layer explorer, by their code; None for none",
    )
    ended: str | None = declared(
        Spelling(lesson_name, "the name of a lesson, of letters, digits and hyphens,"),
        None,
        "the lesson that has just come to its end, if any",
    )
    known: Known = declared(
        words(get_args(Known)),
        "mark",
        "which place is known: a planted mark, the quarter of a mosaic, of which the others may be apart, or the marked object "
        "of an own picture",
    )
    method: Variant = declared(words(VARIANTS), "grad-cam", "the method whose maps must find that place")
    finds: Finds = declared(words(get_args(Finds)), "energy", "what says how well they find it")
    draws: int = declared(_DRAWS, DRAWS, "how many draws of random weights many images are checked with")
    seed: int = declared(_SEED, SEED, "the first of these draws")
    planted: bool = declared(
        _SWITCH, True, "whether half of the horses carry the mark, where slices are of a network that knows it"
    )
    groups: int | None = declared(_GROUPS, None, "how many slices there are; None: the best number")
    card: bool = declared(_SWITCH, False, "whether the layer explorer shows what speaks for the map")
    region: str | None = declared(
        Spelling(_region, "a row and a column such as 12,20, the code of cells, or a box such as box:17,"),
        None,
        "where a class is explained: a pixel or cells of a network that segments, None: where it is predicted; a box of a "
        "network that detects, None: the best one of the class",
    )
    layers: tuple[str, ...] = declared(
        Spelling(_names, "names of layers, each once, with commas between,"),
        (),
        "the layers that the ladder compares; none: those on offer",
    )
    slice: int | None = declared(_SLICE, None, "the slice of a volume that is shown; None: the middle one")

    def to_query(self) -> dict[str, str]:
        """The address's query: image and model always, the rest where it is not the default."""
        default = View()
        return {
            parameter.key: spelled(getattr(self, name))
            for name, parameter in PARAMETERS.items()
            if parameter.always or getattr(self, name) != getattr(default, name)
        }

    def side(self, letter: str) -> xl.Configuration:
        """Side "a" or "b" of the disagreement page."""
        return {"a": self.a, "b": self.b}[letter]

    def without_lesson(self) -> "View":
        """The same view while no lesson is held."""
        return replace(self, lesson=None, stop=1, hint=False, answer=False, said=None)


PARAMETERS = {field.name: parameter_of(field) for field in fields(View)}
"""Every field of View in the address, under the field's name."""
NAMES = {parameter.key: name for name, parameter in PARAMETERS.items()}
"""The field of View that each key in the address stands for."""
View.__doc__ = f"{View.__doc__}\n\n" + "\n".join(f"{name}: {parameter.about}." for name, parameter in PARAMETERS.items())


def read_query(query: Mapping[str, str], start: View | None = None) -> tuple[View, tuple[str, ...]]:
    """The view of an address, and a sentence for each part of it that means nothing and was ignored.

    start: what stands for the parts that the address does not have, None for View().
    """
    values: dict[str, Value] = {}
    ignored = []
    for key, text in query.items():
        if key not in NAMES:
            ignored.append(f"{key}={text}: there is no such setting.")
            continue
        spelling = PARAMETERS[NAMES[key]].spelling
        try:
            values[NAMES[key]] = spelling.parse(text)
        except ValueError as error:
            why = f" ({error})" if spelling.says_why else ""
            ignored.append(f"{key}={text}: {spelling.right} would be right{why}.")
    view = change(start or View(), values)
    if view.low > view.high:
        ignored.append(f"low={view.low}, high={view.high}: low must not be above high.")
        view = replace(view, low=0, high=100)
    return view, tuple(ignored)


def take_names(query: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """A query without the classes and pictures that it gives by name, and these names by the fields of the view.

    Their numbers are known once the model and the set of pictures are; see fit_names.
    """
    named = {NAMES[key]: text for key, text in query.items() if NAMES.get(key) in BY_NAME and _is_name(text)}
    return {key: text for key, text in query.items() if NAMES.get(key) not in named}, named


def _is_name(text: str) -> bool:
    return text != ANY and any(map(str.isalpha, text))


def change(view: View, values: Mapping[str, Value]) -> View:
    """The view with some fields replaced."""
    return replace(view, **values)  # type: ignore[arg-type]  # each value went through its field's own parser


# Section: a view's meaning for a model


def chosen_layer(view: View, model: xl.Model) -> str:
    """The layer of the view, the usual one where it names none or one that this model lacks."""
    return view.layer if view.layer in model.spatial_layers else model.default_layer


def chosen_slice(view: View, sheet: Sheet) -> int:
    """The slice of the view; the middle one where it names none."""
    return sheet.slices // 2 if view.slice is None else min(view.slice, sheet.slices - 1)


def chosen_drawing(view: View) -> xl.Drawing:
    """The drawing that the view names."""
    smooth, signed, follows = view.texture == "smooth", view.sign == "signed", view.opacity == "map"
    return xl.Drawing(view.palette, view.strength / 100, smooth, signed, follows, view.contour)


def cover_fill(view: View) -> CoverFill:
    """The fill of covered cells: that of the view, or mid grey where it names one that only ROAD has."""
    return "blur" if view.fill == "blur" else "grey"


def explained(view: View, predicted: int) -> xl.Target:
    """The target of a map for an image of this predicted class; a contrast of a class with itself is none."""
    index = predicted if view.target is None else view.target
    minus = None if view.minus == index else view.minus
    plus = tuple(other for other in view.plus if other not in (index, minus))
    return xl.Target(index, minus, 1 if view.evidence == "for" else -1, view.score, plus)


def explained_region(view: View, model: xl.Model) -> xl.Region | None:
    """The pixel or the cells over which the view explains a class; None for where it is predicted, and for other tasks."""
    if view.region is None or not segments(model.task) or view.region.startswith(BOX):
        return None
    row, _, column = view.region.partition(",")
    if column:
        return xl.pixel_region(model.input_size, int(row), int(column))
    return xl.region_of(cover_cells(view.region))


def explained_box(view: View, model: xl.Model) -> int | None:
    """The number of the box in which the view explains a class; None for the best one of the class, and for other tasks."""
    if view.region is None or model.task != "detection" or not view.region.startswith(BOX):
        return None
    return int(view.region.removeprefix(BOX))


def tasked(model: xl.Model, view: View) -> xl.Model:
    """The model under the task that the view names, if it fits the model."""
    fits = view.task is not None and view.task in model.outputs.tasks
    return model.with_task(view.task) if view.task is not None and fits else model
