"""A model that is not bundled: an architecture with weights from a file, and what is taken as usual where nothing is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from explain_lib.architectures import Architecture, build_network, count_outputs, find_architecture, published_network
from explain_lib.capture import trace
from explain_lib.devices import choose_device
from explain_lib.digest import named_tensors
from explain_lib.errors import DataError, InputError, NetworkError
from explain_lib.model import Model, as_model, checked_channels, checked_size
from explain_lib.models import NetworkSize, size_of
from explain_lib.pixels import to_input
from explain_lib.weight_files import read_weights

DEFAULT_WEIGHTS = "DEFAULT"


@dataclass(frozen=True)
class Described:
    """What is said of a network besides its weights; None for what is left to the architecture.

    classes: a name for each output. input_size: (height, width). mean, std: for R, G, B in [0, 1].
    """

    classes: tuple[str, ...] | None = None
    input_size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True)
class OwnModelOptions:
    """A model that is to be loaded. weights: a file; DEFAULT for those of torchvision; None for those that a factory gives."""

    architecture: str
    weights: str | None = None
    described: Described = Described()


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A model that is not bundled. file: the name of that with its weights; DEFAULT for torchvision's, None for a factory's.

    assumed: a sentence on what was not said and is taken as usual, empty where nothing is.
    """

    name: str
    model: Model
    architecture: str
    file: str | None
    assumed: str

    @property
    def weights(self) -> str:
        """Where the weights are from."""
        if self.file is None:
            return "as the factory made them"
        return f"published by torchvision for {self.architecture}" if self.file == DEFAULT_WEIGHTS else self.file

    @property
    def python(self) -> str:
        """The call that loads it, where the file is at hand."""
        arguments = [repr(self.architecture), *([] if self.file is None else [repr(self.file)])]
        arguments += [f"{name}={getattr(self.model, name)}" for name in ("input_size", "mean", "std")]
        return f"xl.load_own_model({', '.join(arguments)})"

    @property
    def size(self) -> NetworkSize:
        """Depth and size of the network."""
        return size_of(self.model.network)

    @property
    def nbytes(self) -> int:
        """Bytes of weights and buffers."""
        return sum(tensor.nbytes for _, tensor in named_tensors(self.model.network))


def load_own_model(
    architecture: str,
    weights: str | Path | None = None,
    *,
    classes: Sequence[str] | None = None,
    input_size: tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    device: str | None = "cpu",
) -> Model:
    """A model from a file with weights, without a line of code for a network that has a name.

    architecture: TutorialNet, ResNet20, a classification network of torchvision (resnet18), or package.module:factory: a
    function of the caller's own, imported from the working directory. weights: a state dict in a .pt or .safetensors file,
    which is read without running anything in it; DEFAULT for those that torchvision publishes, downloaded once; None for a
    factory whose network has its weights already. classes, input_size, mean, std: as for as_model; None for what is usual
    for the architecture, and for class 0, class 1, ...

    Raises InputError for an argument of the wrong form, DataError for a file or a factory that does not give the network,
    NetworkError as as_model does.
    """
    given = Described(_names(classes), input_size, _numbers("mean", mean), _numbers("std", std))
    options = OwnModelOptions(architecture, None if weights is None else str(weights), given)
    return load_own(options, str(choose_device(device))).model


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in a text file in UTF-8, one a line. Raises DataError if it cannot be read or holds none."""
    try:
        names = class_names(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise DataError(f"classes: {path} cannot be read ({why}); a text file with a name a line would be right") from error
    if not names:
        raise DataError(f"classes: {path} is empty; a text file with a name a line would be right")
    return names


def class_names(text: str) -> tuple[str, ...]:
    """The lines of a text that hold something, without spaces around."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _names(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if classes is None else tuple(classes)


def _numbers(argument: str, values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else checked_channels(argument, values)


def load_own(options: OwnModelOptions, device: str) -> OwnModel:
    """The model that the options name, with what was assumed of it. Raises what load_own_model raises."""
    architecture, given = find_architecture(options.architecture), options.described
    if options.weights == DEFAULT_WEIGHTS:
        network, categories = published_network(architecture.name)
        return make_own(architecture, network, given, DEFAULT_WEIGHTS, device, categories)
    if options.weights is None:
        if ":" not in architecture.name:
            raise InputError(
                f"weights: none are given for {architecture.name}; a file, or DEFAULT for torchvision's, would be right"
            )
        return make_own(architecture, architecture.build(None), given, None, device)
    source = f"weights: {options.weights}"
    network = build_network(architecture, read_weights(_content(options.weights), source), source)
    return make_own(architecture, network, given, Path(options.weights).name, device)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"weights: {path} cannot be read ({why}); a file with weights, or DEFAULT, would be right") from error


def make_own(
    architecture: Architecture,
    network: nn.Module,
    given: Described,
    file: str | None,
    device: str,
    categories: tuple[str, ...] = (),
) -> OwnModel:
    """The model of a network that has its weights. file: what OwnModel has; categories: names that came with the weights.

    Raises what load_own_model raises.
    """
    name = architecture.name
    network.to(device).eval()
    size = given.input_size or architecture.input_size
    mean, std = given.mean or architecture.mean, given.std or architecture.std
    black = to_input(np.zeros((1, *checked_size(size), 3), np.uint8), mean, std, choose_device(device))
    try:
        outputs = count_outputs(trace(network, black)[1])
    except NetworkError as error:
        hint = "" if given.input_size else f" at {size_words(size)}, which was taken since no input size is given"
        raise NetworkError(f"{name}{hint}: {error}") from error
    classes = given.classes or _class_names(outputs, categories, architecture.classes)
    if len(classes) != outputs:
        raise InputError(f"classes: {len(classes):,} names; {name} has {outputs:,} outputs, and a name for each would be right")
    model = as_model(network, classes=classes, input_size=size, mean=mean, std=std)
    if not model.spatial_layers:
        raise NetworkError(
            f"{name} has no layer whose output is (N, C, h, w), so there is no map of it; a network with one would be right"
        )
    return OwnModel(name, model, name, file, _assumed(given, architecture, model, bool(categories)))


def _class_names(outputs: int, *known: tuple[str, ...]) -> tuple[str, ...]:
    numbered = tuple(f"class {number}" for number in range(outputs))
    return next((names for names in known if len(names) == outputs), numbered)


def _assumed(given: Described, architecture: Architecture, model: Model, published: bool) -> str:
    """What was not said and is taken as usual, in words."""
    said = {"input size": given.input_size, "mean": given.mean, "std": given.std}
    missing = [name for name, value in said.items() if value is None]
    sentences = [f"Not given, and taken {architecture.usual}: {', '.join(missing)}."] if missing else []
    if given.classes is None and not published:
        named = "those of CIFAR-10" if model.classes == architecture.classes else "numbers"
        sentences.append(f"Names of classes are not given: {named} are shown.")
    return " ".join(sentences)


def size_words(size: tuple[int, int]) -> str:
    """(32, 24) as "32 × 24"."""
    return f"{size[0]} × {size[1]}"
