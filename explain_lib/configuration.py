"""One side of a comparison: which program makes the map, and under which settings; also as one line of text."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from explain_lib.errors import InputError, LayerError
from explain_lib.maps import Map
from explain_lib.model import Model, check_model
from explain_lib.package_cam import package_grad_cam
from explain_lib.postprocess import heatmap, layer_names
from explain_lib.settings import (
    NOTEBOOK_MANUAL,
    NOTEBOOK_PACKAGE,
    CamSettings,
    check_settings,
    differing,
    package_settings,
)
from explain_lib.targets import Targets

Program = Literal["manual", "package"]
PLAIN = CamSettings()
PROGRAMS: tuple[Program, ...] = get_args(Program)
PACKAGE_CHOICES = ("layers", "variant")
"""The settings that the package grad-cam leaves to its caller."""

_TRUTH = {"true": True, "false": False}
_SEPARATORS = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%,;"})


@dataclass(frozen=True)
class Configuration:
    """A program and its settings.

    program: manual, the implementation by hand, or package, the package grad-cam, which fixes all settings but `layers` and
    `variant`. settings: with layers None for the model's last conv layer. Raises InputError for another program, and for a
    package under settings that it does not have.
    """

    program: Program = "manual"
    settings: CamSettings = PLAIN

    def __post_init__(self) -> None:
        if self.program not in PROGRAMS:
            raise InputError(f"program: {self.program!r}; one of {', '.join(PROGRAMS)} would be right")
        check_settings(self.settings)
        if self.program == "package":
            fixed = package_settings(self.settings.layers, self.settings.variant)
            wrong = differing(self.settings, fixed)
            if wrong:
                raise InputError(f"settings: the package fixes {', '.join(wrong)}; package_settings(...) would be right")

    def to_text(self) -> str:
        """The program and the settings that are not its defaults: "manual;layers=conv1,conv2;relu=false".

        Commas, semicolons and percent signs in the name of a layer are written as in a URL: %2C, %3B, %25.
        """
        default = _defaults(self.program)
        parts = [f"{name}={_written(getattr(self.settings, name))}" for name in differing(self.settings, default)]
        return ";".join((self.program, *parts))


def parse_configuration(text: str) -> Configuration:
    """The configuration of a text that `to_text` wrote. Raises InputError, saying which part is wrong, for any other."""
    program, *parts = text.split(";")
    if program not in PROGRAMS:
        raise InputError(f"program: {program!r}; one of {', '.join(PROGRAMS)} would be right")
    chosen: Program = "package" if program == "package" else "manual"
    values: dict[str, object] = {}
    for name, value in map(_parse_setting, parts):
        if name in values:
            raise InputError(f"{name}: it is there twice; once would be right")
        values[name] = value
    default = _defaults(chosen)
    kept = {field.name: getattr(default, field.name) for field in fields(CamSettings)}
    return Configuration(chosen, CamSettings(**{**kept, **values}))


def _defaults(program: Program) -> CamSettings:
    return package_settings(None) if program == "package" else PLAIN


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


def configured_heatmap(
    model: Model,
    pixels: NDArray[np.uint8],
    configuration: Configuration,
    targets: Targets = None,
    *,
    between: Callable[[], None] | None = None,
) -> Map:
    """The heat maps of a configuration, float32 (N, H, W), from the package itself where it is the package's.

    Arguments and errors are those of heatmap and package_grad_cam.
    """
    settings = configuration.settings
    if configuration.program == "manual":
        return heatmap(model, pixels, settings, targets, between=between)
    layers = layer_names(check_model(model), settings)
    return package_grad_cam(model, pixels, layers, targets, variant=settings.variant, between=between)
