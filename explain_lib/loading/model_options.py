"""The options that name a model: on a command line, and for several of them a TOML file with a table each."""

import argparse
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import few_names, one_line
from explain_lib.loading.bundled import REGISTRY
from explain_lib.loading.hf_folders import PREFIX as FOLDER
from explain_lib.loading.own import NO_FILE, Described, OwnModelOptions, read_class_names
from explain_lib.networks.making import checked_channels, checked_size
from explain_lib.passes.layouts import LAYOUTS, LayoutName
from explain_lib.passes.outputs import Output
from explain_lib.passes.tasks import TASKS, Task

Value = TypeVar("Value")

BESIDE_MODEL = ("weights", "classes", "input_size", "mean", "std", "output", "task", "unit", "layout")
"""The options that say more of the model that --model names."""
MODEL_HELP = "resnet18 or another of torchvision, efficientnet-lite0, timm:NAME, hf:FOLDER, package:factory, or a table"
_KEYS = ("model", *BESIDE_MODEL)
_NAME = re.compile(r"[\w .-]{1,60}")


def add_model_options(parser: argparse.ArgumentParser, model: str) -> None:
    """Add --model and what may stand beside it. model: a word of help on what --model names."""
    parser.add_argument("--model", metavar="NAME", help=model)
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help=".pt or .safetensors, DEFAULT for what torchvision or timm publish, or random for none",
    )
    parser.add_argument("--classes", type=Path, metavar="FILE", help="one name per line; default: class 0, class 1, ...")
    parser.add_argument(
        "--input-size",
        type=int,
        nargs="+",
        metavar="N",
        help=("one side in pixels, or height and width; of a volume slices, height and width, of a signal its samples"),
    )
    parser.add_argument(
        "--mean", type=float, nargs="+", metavar="X", help="one number for each channel (R G B), for pixels from 0 to 1"
    )
    parser.add_argument(
        "--std", type=float, nargs="+", metavar="X", help="one number for each channel (R G B), for pixels from 0 to 1"
    )
    parser.add_argument("--output", metavar="NAME", help="the part of its output with the scores, by name or place")
    parser.add_argument(
        "--task", choices=TASKS, help="the meaning of its scores; default: from what is known about it, or from their number"
    )
    parser.add_argument("--unit", metavar="TEXT", help="unit of the numbers of --task regression, such as years")
    parser.add_argument(
        "--layout", nargs="+", metavar="LAYER=AXES", help=f"for layers whose axes are not recognised: {', '.join(LAYOUTS)}"
    )
    parser.add_argument("--models", type=Path, metavar="FILE", help="several models, each a table of a TOML file")


def named_models(options: argparse.Namespace) -> tuple[OwnModelOptions, ...]:
    """The models that are not bundled among those of a command line, the one that --model names first.

    Raises InputError and DataError, naming option or table, for what cannot be read.
    """
    listed = () if options.models is None else read_models(options.models)
    if options.model is None:
        _refuse_beside(options, "belongs to a model; --model NAME before it would be right")
        return listed
    known = next((one for one in listed if one.name == options.model), None)
    if known is None and options.model in REGISTRY:
        _refuse_beside(options, f"does not belong to {options.model}, which is bundled; another --model would be right")
        return listed
    chosen = _with_options(known or OwnModelOptions(options.model), options)
    return (chosen, *(one for one in listed if one is not known))


def words_of(options: argparse.Namespace, name: str) -> tuple[str, ...]:
    """The words of a command line that name one of its models."""
    words = [] if options.models is None else ["--models", str(options.models)]
    words += ["--model", name]
    if name == options.model:
        for option in BESIDE_MODEL:
            value = getattr(options, option)
            if value is not None:
                words += [f"--{option.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return tuple(words)


def _refuse_beside(options: argparse.Namespace, why: str) -> None:
    for name in BESIDE_MODEL:
        if getattr(options, name) is not None:
            raise InputError(f"option: --{name.replace('_', '-')} {why}")


def _with_options(model: OwnModelOptions, options: argparse.Namespace) -> OwnModelOptions:
    """The model, with what the command line says of it in place of what a table does."""
    given, size = model.described, options.input_size
    described = replace(
        given,
        classes=given.classes if options.classes is None else read_class_names(options.classes),
        input_size=given.input_size if size is None else checked_size(tuple(size)),
        mean=given.mean if options.mean is None else checked_channels("--mean", options.mean),
        std=given.std if options.std is None else checked_channels("--std", options.std),
        output=given.output if options.output is None else _place_or_name(options.output),
        task=options.task or given.task,
        unit=given.unit if options.unit is None else options.unit,
        layout=given.layout if options.layout is None else tuple(map(_layer_layout, options.layout)),
    )
    return replace(model, weights=model.weights if options.weights is None else options.weights, described=described)


def _place_or_name(text: str) -> Output:
    return int(text) if text.removeprefix("-").isdecimal() else text


def _layer_layout(text: str) -> tuple[str, LayoutName]:
    """A layer and its layout, of "blocks.11=tokens". Raises InputError for anything else."""
    layer, _, name = text.rpartition("=")
    found = next((one for one in LAYOUTS if one == name), None)
    if not layer or found is None:
        raise InputError(f"layout: {one_line(text)}; a layer and one of {', '.join(LAYOUTS)}, as blocks.11=tokens, {_RIGHT}")
    return layer, found


# Section: a file with several


def read_models(path: Path) -> tuple[OwnModelOptions, ...]:
    """The models of a TOML file, in its order; names of files in it are relative to its folder.

    Raises DataError for a file that cannot be read, and InputError, with table and key, for what is wrong in it.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise DataError(f"models: {path} cannot be read ({error.strerror}); a TOML file {_RIGHT}") from error
    except ValueError as error:  # a TOMLDecodeError is one, and text that is not UTF-8 raises another
        raise DataError(f"models: {path} is no TOML ({one_line(error)}); a table a model, as [flowers], {_RIGHT}") from error
    if not tables:
        raise DataError(f"models: {path} is empty; a table a model, as [flowers], {_RIGHT}")
    return tuple(_Table(path, name, table).model() for name, table in tables.items())


_RIGHT = "would be right"


class _Table:
    """A table of the file, whose mistakes are said with its name and the key."""

    def __init__(self, path: Path, name: str, values: object) -> None:
        self.path, self.name = path, name
        self.values: Mapping[str, object] = values if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            raise InputError(f"models: {path}: {one_line(name)} is in no table; a table a model, as [flowers], {_RIGHT}")
        if not _NAME.fullmatch(name) or name in REGISTRY:
            why = "is the name of a bundled model" if name in REGISTRY else "has more than letters, digits, spaces and - _ ."
            raise InputError(f"models: {path}: [{one_line(name)}] {why}; another name {_RIGHT}")

    def model(self) -> OwnModelOptions:
        unknown = next((key for key in self.values if key not in _KEYS), None)
        if unknown is not None:
            raise self.wrong(unknown, f"there is no such key; {few_names(_KEYS)} {_RIGHT}")
        if "model" not in self.values:
            raise self.wrong("model", f'it is missing; a network by its name, as model = "resnet18", {_RIGHT}')
        architecture, weights = self.needed("model", self.architecture), self.read("weights", self.weights)
        return OwnModelOptions(architecture, weights, self.described(), self.name)

    def described(self) -> Described:
        return Described(
            classes=self.read("classes", self.classes),
            input_size=self.read("input_size", self.size),
            mean=self.read("mean", self.channels),
            std=self.read("std", self.channels),
            output=self.read("output", self.output),
            task=self.read("task", self.task),
            unit=self.read("unit", self.text) or "",
            layout=self.read("layout", self.layout),
        )

    def read(self, key: str, form: Callable[[object], Value]) -> Value | None:
        return self.needed(key, form) if key in self.values else None

    def needed(self, key: str, form: Callable[[object], Value]) -> Value:
        try:
            return form(self.values[key])
        except (InputError, DataError) as error:
            raise self.wrong(key, str(error)) from error

    def wrong(self, key: str, why: str) -> InputError:
        return InputError(f"models: {self.path}: [{self.name}] {one_line(key)}: {why}")

    def text(self, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise InputError(f"{one_line(value)!r}; a text in quotes {_RIGHT}")
        return value

    def beside(self, name: str) -> str:
        """The path of a file or folder that is named relative to this file."""
        return str(self.path.parent / name)

    def architecture(self, value: object) -> str:
        name = self.text(value)
        return FOLDER + self.beside(name.removeprefix(FOLDER)) if name.startswith(FOLDER) else name

    def weights(self, value: object) -> str:
        name = self.text(value)
        return name if name in NO_FILE else self.beside(name)

    def classes(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            return read_class_names(Path(self.beside(value)))
        if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
            raise InputError(f"{one_line(value)}; a list of names, or a file with a name a line, {_RIGHT}")
        return tuple(value)

    def size(self, value: object) -> tuple[int, ...]:
        return checked_size((value,) if isinstance(value, int) else value)

    def channels(self, value: object) -> tuple[float, ...]:
        if not isinstance(value, list):
            raise InputError(f"{one_line(value)}; a list of numbers, one a channel, {_RIGHT}")
        return checked_channels("channels", value)

    def output(self, value: object) -> Output:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return self.text(value)

    def layout(self, value: object) -> tuple[tuple[str, LayoutName], ...]:
        if not isinstance(value, dict):
            raise InputError(f"{one_line(value)}; layers with their layouts, as {{'blocks.11' = 'tokens'}}, {_RIGHT}")
        return tuple(_layer_layout(f"{layer}={name}") for layer, name in value.items())

    def task(self, value: object) -> Task:
        found = next((task for task in TASKS if task == value), None)
        if found is None:
            raise InputError(f"{one_line(value)!r}; one of {', '.join(TASKS)} {_RIGHT}")
        return found
