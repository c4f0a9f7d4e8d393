"""Models that are not bundled: an architecture with weights from a file, and usual values for the rest."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import nn

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import DataError, InputError, NetworkError
from explain_lib.base.sheets import size_words
from explain_lib.loading.architectures import ARCHITECTURES, call_factory, find_architecture, published_network, publisher_of
from explain_lib.loading.blueprint import Architecture, Channels
from explain_lib.loading.building import build_network
from explain_lib.loading.bundled import NetworkSize, size_of
from explain_lib.loading.hf_folders import PREFIX as FOLDER
from explain_lib.loading.hf_folders import folder_network
from explain_lib.loading.timm_networks import PREFIX as TIMM
from explain_lib.loading.weight_files import read_weights
from explain_lib.networks.making import as_model, checked_channels, convolves_no_pictures
from explain_lib.networks.model import Model
from explain_lib.networks.task_words import TASK_WORDS, plural_of
from explain_lib.networks.weights import named_tensors
from explain_lib.passes.layouts import LayoutName
from explain_lib.passes.outputs import Output
from explain_lib.passes.sharing import own_random_numbers
from explain_lib.passes.tasks import GIVEN, Task

DEFAULT_WEIGHTS, RANDOM_WEIGHTS = "DEFAULT", "random"
NO_FILE = (DEFAULT_WEIGHTS, RANDOM_WEIGHTS)
"""What stands for weights and names no file."""
RANDOM_SEED = 0
"""Random weights are the same at each start, so that an address shows the same map again."""


@dataclass(frozen=True)
class Described:
    """The description of a network, besides its weights; None leaves a value to the architecture.

    classes: a name for each output. input_size: (height, width), one number for both or for the samples of a signal, or
    (slices, height, width) of a volume. mean, std: for each channel, R, G, B or others, in [0, 1].
    output, task, layout, unit: as for as_model, the layout as pairs of a layer's name and its layout's.
    """

    classes: tuple[str, ...] | None = None
    input_size: tuple[int, ...] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    output: Output | None = None
    task: Task | None = None
    layout: tuple[tuple[str, LayoutName], ...] | None = None
    unit: str = ""


@dataclass(frozen=True)
class OwnModelOptions:
    """A model to load.

    weights: a file; DEFAULT for those that torchvision or timm publish; random for none; None for those of a factory or folder.
    title: its name, None for that of the architecture.
    """

    architecture: str
    weights: str | None = None
    described: Described = Described()
    title: str | None = None

    @property
    def name(self) -> str:
        """The name in menus and addresses."""
        return self.title or self.architecture


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A model that is not bundled.

    file: the name of the file with its weights; DEFAULT, random and None as in OwnModelOptions. assumed: sentences on the
    values that were not given, and on what of the file was chosen, left out or converted; may be empty. complete: whether a
    factory made the Model with all of them.
    """

    name: str
    model: Model
    architecture: str
    file: str | None
    assumed: str
    complete: bool = False

    @property
    def weights(self) -> str:
        """The origin of the weights, in words."""
        if self.file is None:
            return "of the folder" if self.architecture.startswith(FOLDER) else "as the factory made them"
        if self.file == RANDOM_WEIGHTS:
            return "RANDOM"
        if self.file == DEFAULT_WEIGHTS:
            return f"published by {publisher_of(self.architecture)} for {self.architecture}"
        return self.file

    @property
    def python(self) -> str:
        """The Python call that loads it, given the file."""
        arguments = [repr(self.architecture), *([] if self.file is None else [repr(self.file)])]
        if self.complete:
            return f"xl.load_own_model({', '.join(arguments)})"
        arguments += [f"input_size={self.model.given_size}", f"mean={self.model.mean}", f"std={self.model.std}"]
        arguments += [f"output={self.model.outputs.chosen!r}"] if isinstance(self.model.outputs.chosen, str | int) else []
        arguments += [f"task={self.model.task!r}"] if self.model.task_source == GIVEN else []
        arguments += [f"unit={self.model.unit!r}"] if self.model.unit else []
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
    input_size: tuple[int, ...] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    output: Output | None = None,
    task: Task | None = None,
    unit: str = "",
    device: str | None = "cpu",
) -> Model:
    """A model from a file with weights; a network with a known name needs no code.

    architecture: TutorialNet, ResNet20, ViTTiny, a classification network of torchvision (resnet18), efficientnet-lite0,
    timm:NAME, hf:FOLDER (a local folder that save_pretrained of transformers wrote), or package.module:factory, a function of
    the caller's, imported from the working directory. weights: a .pt or .safetensors file, a state dict or a training
    checkpoint with one in it, read without running anything in it; DEFAULT for published weights, downloaded once or from
    their package; random for none; None for those of the folder, and for a factory whose network has its weights already.
    classes, input_size, mean, std: as for as_model; None for the usual values of the architecture, and for the names class 0,
    class 1, ... output, task, unit: as for as_model.

    Raises InputError for an argument of the wrong form, DataError for a file or a factory that does not give the network,
    and NetworkError as as_model does.
    """
    given = Described(
        None if classes is None else tuple(classes),
        input_size,
        None if mean is None else checked_channels("mean", mean),
        None if std is None else checked_channels("std", std),
        output,
        task,
        unit=unit,
    )
    options = OwnModelOptions(architecture, None if weights is None else str(weights), given)
    return load_own(options, str(choose_device(device))).model


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in a text file in UTF-8, one per line. Raises DataError if it cannot be read or holds none."""
    try:
        names = class_names(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise DataError(f"classes: {path} cannot be read ({why}); a text file with a name a line would be right") from error
    if not names:
        raise DataError(f"classes: {path} is empty; a text file with a name a line would be right")
    return names


def class_names(text: str) -> tuple[str, ...]:
    """The lines of a text that are not blank, stripped."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def load_own(options: OwnModelOptions, device: str) -> OwnModel:
    """The model that the options name, with the assumptions about it. Raises what load_own_model raises."""
    return replace(_load(options, device), name=options.name)


def _load(options: OwnModelOptions, device: str) -> OwnModel:
    architecture, given = find_architecture(options.architecture), options.described
    if options.weights == DEFAULT_WEIGHTS:
        network, categories = published_network(architecture.name)
        return make_own(architecture, network, given, DEFAULT_WEIGHTS, device, categories)
    if options.weights == RANDOM_WEIGHTS:
        network = _random_network(architecture, given)
        return make_own(architecture, network, given, RANDOM_WEIGHTS, device, said=_RANDOM)
    if options.weights is None:
        return _with_own_weights(architecture, given, device)
    source = f"weights: {options.weights}"
    built = build_network(architecture, read_weights(_content(options.weights), source), source)
    return make_own(architecture, built.network, given, Path(options.weights).name, device, said=built.said)


_RANDOM = "The weights are random: this network has learnt nothing that its maps could show."


def _random_network(architecture: Architecture, given: Described) -> nn.Module:
    with own_random_numbers() as numbers:
        numbers.manual_seed(RANDOM_SEED)
        return architecture.build(len(given.classes) if architecture.any_classes and given.classes else None)


def _with_own_weights(architecture: Architecture, given: Described, device: str) -> OwnModel:
    """The model of a folder, or of a factory, which need no file."""
    name = architecture.name
    if name.startswith(FOLDER):
        network, said = folder_network(name)
        return make_own(architecture, network, given, None, device, said=said)
    if name.startswith(TIMM) or ":" not in name:
        raise InputError(
            f"weights: none are given for {name}; a file, DEFAULT for {publisher_of(name)}'s, or random for untrained weights "
            "would be right"
        )
    made = call_factory(name)
    if isinstance(made, Model):
        return _brought(made, name, given, device)
    return make_own(architecture, made, given, None, device)


def _brought(model: Model, name: str, given: Described, device: str) -> OwnModel:
    """The Model that a factory made by as_model, which knows all that belongs to it."""
    if given != Described():
        raise InputError(
            f"model: {name}() gives a Model, which brings classes, input size, mean, std, output and task; none would be right"
        )
    model.network.to(device)
    return OwnModel(name, _with_layers(model, name), name, None, "", complete=True)


def _with_layers(model: Model, name: str) -> Model:
    if not model.spatial_layers:
        raise NetworkError(
            f"{name} has no layer with an output (N, C, h, w), so it has no map; a network with such a layer would be right"
        )
    return model


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
    said: str = "",
) -> OwnModel:
    """The model of a network that has its weights.

    file: as in OwnModel. categories: names that came with the weights. said: sentences on how the file was read.
    """
    name = architecture.name
    network.to(device).eval()
    size = _input_size(given, architecture, network)
    mean, std = _normalisation(given, architecture, network)
    layout = None if given.layout is None else dict(given.layout)
    described = partial(as_model, network, input_size=size, mean=mean, std=std, unit=given.unit)
    make = partial(described, output=given.output, task=given.task, layout=layout)
    try:
        model = make(classes=given.classes)
    except NetworkError as error:
        if given.classes is not None:
            _check_count(given.classes, make, name)
        hint = "" if given.input_size else f" at {size_words(size)}, the size taken because no input size is given"
        raise NetworkError(f"{name}{hint}: {error}") from error
    if given.classes is None:
        named = next((names for names in (categories, architecture.classes) if len(names) == model.outputs.scores), None)
        model = model if named is None else model.with_classes(named)
    assumed = _assumed(given, architecture, model, bool(categories))
    return OwnModel(name, _with_layers(model, name), name, file, " ".join(filter(None, (assumed, said))))


SLICES, SIDE_OF_SLICES, SAMPLES = 16, 112, 1024
"""The input of a factory's network of volumes, that of torchvision's for videos, and of signals, where none is given."""


def _input_size(given: Described, architecture: Architecture, network: nn.Module) -> tuple[int, ...]:
    """The input size as given or usual; of a factory's network that of the kind of its first convolution."""
    kind = convolves_no_pictures(network)
    if given.input_size is not None:
        return given.input_size * 2 if len(given.input_size) == 1 and kind != "Conv1d" else given.input_size
    if kind is None or not _is_factory(architecture):
        return architecture.input_size
    return (SAMPLES,) if kind == "Conv1d" else (SLICES, SIDE_OF_SLICES, SIDE_OF_SLICES)


def _is_factory(architecture: Architecture) -> bool:
    return ":" in architecture.name and not architecture.name.startswith((TIMM, FOLDER))


def _normalisation(given: Described, architecture: Architecture, network: nn.Module) -> tuple[Channels, Channels]:
    """Mean and std as given or usual, for as many channels as are given, or as the first convolution of a factory's takes."""
    count = len(given.mean or given.std or architecture.mean)
    if _is_factory(architecture) and given.mean is None and given.std is None:
        kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
        first = next((module for module in network.modules() if isinstance(module, kinds)), None)
        count = count if first is None else first.in_channels or count  # 0 before a lazy one has run
    usual = (architecture.mean, architecture.std) if len(architecture.mean) == count else ((0.0,) * count, (1.0,) * count)
    return given.mean or usual[0], given.std or usual[1]


def _check_count(classes: tuple[str, ...], make: Callable[..., Model], name: str) -> None:
    """Raise InputError if the network is refused because there are more or fewer names than outputs."""
    with suppress(NetworkError):
        outputs = make(classes=None).outputs.scores
        if len(classes) != outputs:
            raise InputError(
                f"classes: {len(classes):,} names; {name} has {outputs:,} outputs, and a name for each would be right"
            )


def _assumed(given: Described, architecture: Architecture, model: Model, published: bool) -> str:
    """Sentences on the values that were not given."""
    said = {"input size": given.input_size, "mean": given.mean, "std": given.std}
    missing = [name for name, value in said.items() if value is None]
    sentences = [f"Not given, so taken {architecture.usual}: {', '.join(missing)}."] if missing else []
    if given.classes is None and not published:
        sentences += _assumed_names(architecture, model)
    return " ".join(sentences)


def _assumed_names(architecture: Architecture, model: Model) -> list[str]:
    if model.classes != architecture.classes:
        shown = "negative and positive" if model.task == "binary" else "numbers"
        return [f"Names of {plural_of(TASK_WORDS[model.task].a_class)} are not given: {shown} are shown."]
    if architecture.name in ARCHITECTURES:
        return ["Names of classes are not given: those of CIFAR-10 are shown."]
    return []
