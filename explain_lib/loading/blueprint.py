"""What can be built: a network with its usual input, and the import of a library that is not always there."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from torch import nn

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import error_words

Channels = tuple[float, ...]


@dataclass(frozen=True)
class Architecture:
    """A network that can be built, without weights, and its usual input.

    build: makes the network, with random weights, for a number of classes, or for its own number if None. any_classes:
    whether that number can be chosen. input_size: (height, width), or (slices, height, width) of volumes. mean, std: for pixels
    in [0, 1]. usual: the origin of these three, in words. classes: names for a network with as many outputs. head: the module
    that gives the outputs, where it is known; else it is the last one with weights.
    """

    name: str
    build: Callable[[int | None], nn.Module]
    any_classes: bool
    input_size: tuple[int, ...]
    mean: Channels
    std: Channels
    usual: str
    classes: tuple[str, ...] = ()
    head: str = ""


def import_library(name: str, requirement: str, model: str) -> ModuleType:
    """A library that is not always installed. requirement: for pip. model: what needs it, as the caller named it.

    Raises InputError if it is not installed, DataError if it cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != name:
            raise DataError(f"model: {model}: {name} cannot be imported ({error_words(error)}); install it anew") from error
        raise InputError(f'model: {model} needs the package {name}; after pip install "{requirement}" it is right') from error
    except Exception as error:  # a library that does not fit the others may raise anything
        raise DataError(f"model: {model}: {name} cannot be imported ({error_words(error)}); install it anew") from error
