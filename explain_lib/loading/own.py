"""Models that are not bundled: an architecture with weights from a file, usual values for the rest, and a store of them."""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from cachetools import LRUCache
from torch import nn

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import DataError, ExplainError, InputError, NetworkError
from explain_lib.base.words import one_line
from explain_lib.loading.architectures import ARCHITECTURES, call_factory, find_architecture, published_network
from explain_lib.loading.blueprint import Architecture, Channels
from explain_lib.loading.building import build_network
from explain_lib.loading.bundled import NetworkSize, size_of
from explain_lib.loading.hf_folders import PREFIX as FOLDER
from explain_lib.loading.hf_folders import folder_network
from explain_lib.loading.timm_networks import PREFIX as TIMM
from explain_lib.loading.weight_files import read_weights
from explain_lib.networks.making import as_model, checked_channels, checked_size
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

    classes: a name for each output. input_size: (height, width). mean, std: for each channel, R, G, B or others, in [0, 1].
    output, task, layout, unit: as for as_model, the layout as pairs of a layer's name and its layout's.
    """

    classes: tuple[str, ...] | None = None
    input_size: tuple[int, int] | None = None
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
        publisher = "timm" if self.architecture.startswith(TIMM) else "torchvision"
        return f"published by {publisher} for {self.architecture}" if self.file == DEFAULT_WEIGHTS else self.file

    @property
    def python(self) -> str:
        """The Python call that loads it, given the file."""
        arguments = [repr(self.architecture), *([] if self.file is None else [repr(self.file)])]
        if self.complete:
            return f"xl.load_own_model({', '.join(arguments)})"
        arguments += [f"{name}={getattr(self.model, name)}" for name in ("input_size", "mean", "std")]
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
    input_size: tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    output: Output | None = None,
    task: Task | None = None,
    unit: str = "",
    device: str | None = "cpu",
) -> Model:
    """A model from a file with weights; a network with a known name needs no code.

    architecture: TutorialNet, ResNet20, a classification network of torchvision (resnet18), timm:NAME, hf:FOLDER (a local
    folder that save_pretrained of transformers wrote), or package.module:factory, a function of the caller's, imported from
    the working directory. weights: a .pt or .safetensors file, a state dict or a training checkpoint with one in it, read
    without running anything in it; DEFAULT for the weights that torchvision or timm publish, downloaded once; random for none;
    None for those of the folder, and for a factory whose network has its weights already. classes, input_size, mean, std: as
    for as_model; None for the usual values of the architecture, and for the names class 0, class 1, ... output, task, unit:
    as for as_model.

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
        return _make_own(architecture, network, given, DEFAULT_WEIGHTS, device, categories)
    if options.weights == RANDOM_WEIGHTS:
        network = _random_network(architecture, given)
        return _make_own(architecture, network, given, RANDOM_WEIGHTS, device, said=_RANDOM)
    if options.weights is None:
        return _with_own_weights(architecture, given, device)
    source = f"weights: {options.weights}"
    built = build_network(architecture, read_weights(_content(options.weights), source), source)
    return _make_own(architecture, built.network, given, Path(options.weights).name, device, said=built.said)


_RANDOM = "The weights are random: maps of this network show nothing that it has learnt."


def _random_network(architecture: Architecture, given: Described) -> nn.Module:
    with own_random_numbers() as numbers:
        numbers.manual_seed(RANDOM_SEED)
        return architecture.build(len(given.classes) if architecture.any_classes and given.classes else None)


def _with_own_weights(architecture: Architecture, given: Described, device: str) -> OwnModel:
    """The model of a folder, or of a factory, which need no file."""
    name = architecture.name
    if name.startswith(FOLDER):
        network, said = folder_network(name)
        return _make_own(architecture, network, given, None, device, said=said)
    if name.startswith(TIMM) or ":" not in name:
        publisher = "timm's" if name.startswith(TIMM) else "torchvision's"
        raise InputError(
            f"weights: none are given for {name}; a file, DEFAULT for {publisher}, or random for none at all, would be right"
        )
    made = call_factory(name)
    if isinstance(made, Model):
        return _brought(made, name, given, device)
    return _make_own(architecture, made, given, None, device)


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
            f"{name} has no layer whose output is (N, C, h, w), so there is no map of it; a network with one would be right"
        )
    return model


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"weights: {path} cannot be read ({why}); a file with weights, or DEFAULT, would be right") from error


def _make_own(
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
    size = given.input_size or architecture.input_size
    mean, std = _normalisation(given, architecture, network)
    layout = None if given.layout is None else dict(given.layout)
    described = partial(as_model, network, input_size=size, mean=mean, std=std, unit=given.unit)
    make = partial(described, output=given.output, task=given.task, layout=layout)
    try:
        model = make(classes=given.classes)
    except NetworkError as error:
        if given.classes is not None:
            _check_count(given.classes, make, name)
        hint = "" if given.input_size else f" at {size_words(size)}, which was taken since no input size is given"
        raise NetworkError(f"{name}{hint}: {error}") from error
    if given.classes is None:
        named = next((names for names in (categories, architecture.classes) if len(names) == model.outputs.scores), None)
        model = model if named is None else model.with_classes(named)
    assumed = _assumed(given, architecture, model, bool(categories))
    return OwnModel(name, _with_layers(model, name), name, file, " ".join(filter(None, (assumed, said))))


def _normalisation(given: Described, architecture: Architecture, network: nn.Module) -> tuple[Channels, Channels]:
    """Mean and std as given or usual, for as many channels as are given, or as the first convolution of a factory's takes."""
    count = len(given.mean or given.std or architecture.mean)
    factory = ":" in architecture.name and not architecture.name.startswith((TIMM, FOLDER))
    if factory and given.mean is None and given.std is None:
        first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
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
    sentences = [f"Not given, and taken {architecture.usual}: {', '.join(missing)}."] if missing else []
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


def size_words(size: tuple[int, int]) -> str:
    """(32, 24) as "32 × 24"."""
    return f"{size[0]} × {size[1]}"


# Section: the store of a server, with its own model and uploaded ones

MEBIBYTE = 2**20
UPLOAD_BYTES = 120 * MEBIBYTE
"""The largest upload; .streamlit/config.toml has the same limit."""
KEPT_BYTES = 1024 * MEBIBYTE
"""The limit for all uploaded networks together; the least recently used goes first."""
OWN_BYTES = 4096 * MEBIBYTE
"""The limit for the server's own networks together; one that is larger is kept alone."""
UPLOAD_SIDE = 512
UPLOAD_CLASSES = 1_000
NAME_DIGITS = 16
NAME_LENGTH = 60
_HARMLESS_NAME = re.compile(rf"[\w .,'()&/+-]{{1,{NAME_LENGTH}}}")
"""Class names that may be shown to others: without anything that a page takes for a link, a picture or a formula."""

UPLOAD_ARCHITECTURES = (
    *ARCHITECTURES,
    "resnet18", "resnet34", "resnet50", "resnext50_32x4d", "densenet121", "densenet169", "densenet201",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2",
    "convnext_tiny", "regnet_x_400mf", "regnet_y_400mf", "shufflenet_v2_x1_0", "squeezenet1_0", "squeezenet1_1", "mnasnet1_0",
    "swin_t",
)  # fmt: skip
"""The architectures that take uploaded weights on any server: below the limit with 1,000 classes."""


class OwnModels:
    """The own models of a server and the uploaded ones, shared by all threads.

    The server's own models are loaded on first use, and kept while there is room, the newest one in any case; uploaded models
    are kept while there is room.
    """

    def __init__(self, device: str | None = "cpu", max_bytes: int = KEPT_BYTES, own_bytes: int = OWN_BYTES) -> None:
        """device: where the networks run. max_bytes, own_bytes: the limits for all uploaded networks, and for all own ones."""
        self._device = str(choose_device(device))
        self._options: Mapping[str, OwnModelOptions] = MappingProxyType({})
        self._own: OrderedDict[str, OwnModel] = OrderedDict()
        self._own_bytes = own_bytes
        self._sent: LRUCache[str, OwnModel] = LRUCache(max_bytes, getsizeof=lambda kept: kept.nbytes)
        self._loading, self._reading, self._keeping = threading.Lock(), threading.Lock(), threading.Lock()

    def offer(self, *options: OwnModelOptions) -> None:
        """Set the server's own models, the one that it opens with first; each is loaded on first use."""
        if options == tuple(self._options.values()):  # do not wait for a model that is being loaded if nothing changes
            return
        with self._loading:
            self._options = MappingProxyType({one.name: one for one in options})
            with self._keeping:
                self._own.clear()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the server's own models."""
        return tuple(self._options)

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that take uploaded weights, the server's own first."""
        return tuple(dict.fromkeys((*(one.architecture for one in self._options.values()), *UPLOAD_ARCHITECTURES)))

    def holds(self, name: str) -> bool:
        """Whether a model of that name is the server's own or is kept."""
        with self._keeping:
            return name in self.names or name in self._sent

    def names_own(self, name: str) -> bool:
        """Whether a name is that of one of the server's own models, or has the form of an uploaded one, kept or not."""
        architecture, _, digits = name.rpartition("@")
        return name in self.names or (architecture in self.architectures and len(digits) == NAME_DIGITS)

    def known(self, name: str) -> OwnModel | None:
        """The model of that name if it is loaded, else None; loads nothing."""
        with self._keeping:
            return self._own.get(name) if name in self.names else self._sent.get(name)

    def usual(self, architecture: str) -> Described:
        """The usual input size, mean and std of an architecture, and the names of its classes if they are known.

        Raises what find_architecture raises.
        """
        built = find_architecture(architecture)
        own = (one.described for one in self._options.values() if one.architecture == architecture)
        said = next(own, Described())
        return Described(said.classes, said.input_size or built.input_size, said.mean or built.mean, said.std or built.std)

    def find(self, name: str) -> OwnModel:
        """The model of that name. Raises InputError if it is not kept, and what load_own_model raises for the server's own."""
        if name not in self.names:
            found = self.known(name)
            if found is None:
                raise InputError(f"model: {name}: that upload is no longer kept; upload the file again")
            return found
        with self._loading:
            options = self._options.get(name)
            if options is None:
                raise InputError(f"model: this server has no {name} any more; another model would be right")
            found = self.known(name)
            if found is None:
                found = load_own(options, self._device)
            self._keep_own(found)
            return found

    def _keep_own(self, own: OwnModel) -> None:
        """Keep a model as the newest, and let go of the oldest beyond the limit."""
        with self._keeping:
            self._own[own.name] = own
            self._own.move_to_end(own.name)
            while len(self._own) > 1 and sum(one.nbytes for one in self._own.values()) > self._own_bytes:
                self._own.popitem(last=False)

    def add(self, architecture: str, file: str, content: bytes, described: Described) -> str:
        """Keep a network with uploaded weights, and return its name, the same for the same file and description.

        architecture: one of `architectures`. file: the name of the file, for messages. Nothing in the file is run, and one
        file is read at a time, which bounds the memory by a few times the largest file.

        Raises InputError, DataError or NetworkError, with a sentence for each thing that may be wrong with the file.
        """
        _check_described(described)
        if architecture not in self.architectures:
            raise InputError(f"architecture: {architecture!r}; one of {', '.join(self.architectures)} would be right")
        if len(content) > UPLOAD_BYTES:
            raise DataError(
                f"{file}: it has {len(content) / MEBIBYTE:.0f} MiB; at most {UPLOAD_BYTES // MEBIBYTE} would be right"
            )
        said = astuple(replace(described, output=None, task=None))[:4]
        read = () if (described.output, described.task) == (None, None) else (described.output, described.task)
        digest = hashlib.sha256(repr((architecture, said, *read)).encode())
        digest.update(hashlib.sha256(content).digest())
        name = f"{architecture}@{digest.hexdigest()[:NAME_DIGITS]}"
        with self._reading:
            if not self.holds(name):
                self._keep(replace(self._read(architecture, file, content, described), name=name))
        return name

    def _read(self, architecture: str, file: str, content: bytes, described: Described) -> OwnModel:
        built = find_architecture(architecture)
        network = build_network(built, read_weights(content, file), file)
        try:
            own = _make_own(built, network.network, described, file, self._device, said=network.said)
        except ExplainError as error:
            raise type(error)(f"{file}: {str(error).removeprefix('network: ')}") from error
        if len(own.model.classes) > UPLOAD_CLASSES:
            raise DataError(f"{file}: it has {len(own.model.classes):,} classes; at most {UPLOAD_CLASSES:,} would be right")
        return own

    def _keep(self, own: OwnModel) -> None:
        with self._keeping:
            if own.nbytes > self._sent.maxsize:
                raise DataError(f"{own.file}: the network has {own.nbytes / MEBIBYTE:.0f} MiB, more than is kept")
            self._sent[own.name] = own


def _check_described(described: Described) -> None:
    if described.input_size is not None and max(checked_size(described.input_size)) > UPLOAD_SIDE:
        raise InputError(f"input size: {size_words(described.input_size)}; at most {UPLOAD_SIDE} a side would be right")
    for argument in ("mean", "std"):
        values = getattr(described, argument)
        if values is not None:
            checked_channels(argument, values)
    for name in described.classes or ():
        if not _HARMLESS_NAME.fullmatch(name) or "www." in name.lower():
            raise InputError(
                f"class names: {one_line(name)!r}; letters, digits, spaces and - _ . , ' ( ) & / +, at most {NAME_LENGTH} of "
                "them, would be right"
            )
