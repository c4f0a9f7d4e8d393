"""Configurations: a program that makes maps, with its settings; also as one line of text."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal, assert_never, get_args
from urllib.parse import unquote

from explain_lib.base.errors import InputError, LayerError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded
from explain_lib.cam.other_programs import LIBRARIES, third_opinion
from explain_lib.cam.package_grad_cam import package_grad_cam
from explain_lib.cam.postprocess import heatmap, layer_names
from explain_lib.cam.settings import (
    NOTEBOOK_MANUAL,
    NOTEBOOK_PACKAGE,
    CamSettings,
    captum_settings,
    check_settings,
    differing,
    package_settings,
    torch_cam_settings,
    ultralytics_settings,
)
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.targets import Targets
from explain_lib.pictures.pixels import Images

Program = Literal["manual", "package", "torch-cam", "captum", "ultralytics"]
PLAIN = CamSettings()
PROGRAMS: tuple[Program, ...] = get_args(Program)
FREE_SETTINGS: Mapping[Program, tuple[str, ...]] = MappingProxyType(
    {
        "manual": tuple(field.name for field in fields(CamSettings)),
        "package": ("layers", "variant"),
        "torch-cam": ("layers",),
        "captum": ("layers",),
        "ultralytics": ("layers",),
    }
)

"""The settings that each program leaves open."""

SEVERAL_LAYERS: tuple[Program, ...] = ("manual", "package")
"""The programs that merge layers by their mean; the others take one."""

_TRUTH = {"true": True, "false": False}
_SEPARATORS = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%,;"})


@dataclass(frozen=True)
class Configuration:
    """A program and its settings.

    program: manual, the implementation by hand; package, the package grad-cam, which fixes all settings but `layers` and
    `variant`; torch-cam, captum or ultralytics, which take one layer, fix the rest, and need to be installed only to make a
    map.
    settings: with layers None for model.default_layer. Raises InputError for another program, and for settings that
    the program does not have.
    """

    program: Program = "manual"
    settings: CamSettings = PLAIN

    def __post_init__(self) -> None:
        if self.program not in PROGRAMS:
            raise InputError(f"program: {self.program!r}; one of {', '.join(PROGRAMS)} would be right")
        check_settings(self.settings)
        wrong = differing(self.settings, fixed_settings(self.program, self.settings))
        if wrong:
            who, preset = _WORDS[self.program]
            raise InputError(f"settings: {who} fixes {', '.join(wrong)}; {preset}(...) would be right")

    def to_text(self) -> str:
        """The program and the settings that differ from its defaults: "manual;layers=conv1,conv2;relu=false".

        Commas, semicolons and percent signs in the names of layers are written as in a URL: %2C, %3B, %25.
        """
        default = fixed_settings(self.program, PLAIN)
        parts = [f"{name}={_written(getattr(self.settings, name))}" for name in differing(self.settings, default)]
        return ";".join((self.program, *parts))


def parse_configuration(text: str) -> Configuration:
    """The configuration from a text of `to_text`. Raises InputError, naming the wrong part, for any other text."""
    program, *parts = text.split(";")
    if program not in PROGRAMS:
        raise InputError(f"program: {program!r}; one of {', '.join(PROGRAMS)} would be right")
    values: dict[str, object] = {}
    for name, value in map(_parse_setting, parts):
        if name in values:
            raise InputError(f"{name}: it is there twice; once would be right")
        values[name] = value
    default = fixed_settings(program, PLAIN)
    kept = {field.name: getattr(default, field.name) for field in fields(CamSettings)}
    return Configuration(program, CamSettings(**{**kept, **values}))


_WORDS = {
    "package": ("the package", package_settings.__name__),
    "torch-cam": ("torch-cam", torch_cam_settings.__name__),
    "captum": ("Captum", captum_settings.__name__),
    "ultralytics": ("Ultralytics", ultralytics_settings.__name__),
}


def fixed_settings(program: Program, settings: CamSettings) -> CamSettings:
    """The settings of a program, with those that it leaves open taken from `settings`.

    Raises LayerError for several layers where the program takes one.
    """
    match program:
        case "manual":
            return settings
        case "package":
            return package_settings(settings.layers, settings.variant)
        case "torch-cam":
            return torch_cam_settings(settings.layers)
        case "captum":
            return captum_settings(settings.layers)
        case "ultralytics":
            return ultralytics_settings(settings.layers)
        case _:
            assert_never(program)


def program_of(settings: CamSettings) -> Program:
    """The program that fixes these settings; manual if none does."""
    one_layer = settings.layers is None or len(settings.layers) == 1
    others = [name for name in PROGRAMS if name != "manual" and (one_layer or name in SEVERAL_LAYERS)]
    return next((name for name in others if settings == fixed_settings(name, settings)), "manual")


def is_installed(program: Program) -> bool:
    """Whether a program is available; torch-cam, Captum and Ultralytics do not come with this library."""
    library = LIBRARIES.get(program)
    return library is None or library.is_installed


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(name.translate(_SEPARATORS) for name in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse_setting(part: str) -> tuple[str, object]:
    name, _, text = part.partition("=")
    types = {field.name: type(getattr(PLAIN, field.name)) for field in fields(CamSettings)}
    if name not in types:
        raise InputError(f"{name}: there is no such setting; one of {', '.join(types)} would be right")
    if name == "layers":
        return name, _layers(text)
    if types[name] is bool:
        return name, _TRUTH.get(text, text)
    return name, _number(text) if types[name] is float else text


def _layers(text: str) -> tuple[str, ...]:
    names = tuple(unquote(name) for name in text.split(","))
    if not all(names):
        raise LayerError(f"layers: {text!r}; names of layers, with commas between, would be right")
    return names


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


STUDY_MANUAL = Configuration("manual", NOTEBOOK_MANUAL)
"""The study's manual Grad-CAM."""

STUDY_PACKAGE = Configuration("package", NOTEBOOK_PACKAGE)
"""The study's call of the package."""


@recorded
def configured_heatmap(model: Model, pixels: Images, configuration: Configuration, targets: Targets = None) -> Map:
    """The heat maps of a configuration, float32 (N, H, W), from its program itself.

    Arguments and errors are those of heatmap, package_grad_cam and third_opinion.
    """
    program, settings = configuration.program, configuration.settings
    if program == "manual":
        return heatmap(model, pixels, settings, targets)
    layers = layer_names(check_model(model), settings)
    if program == "package":
        return package_grad_cam(model, pixels, layers, targets, variant=settings.variant)
    return third_opinion(program, model, pixels, layers[0], targets)
