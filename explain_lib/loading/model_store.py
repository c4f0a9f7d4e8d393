"""The models of a server: its own and the uploaded ones, within limits of memory."""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import astuple, replace
from types import MappingProxyType

from cachetools import LRUCache

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import DataError, ExplainError, InputError
from explain_lib.base.sheets import size_words
from explain_lib.base.words import one_line
from explain_lib.loading.architectures import ARCHITECTURES, find_architecture
from explain_lib.loading.building import build_network
from explain_lib.loading.own import Described, OwnModel, OwnModelOptions, load_own, make_own
from explain_lib.loading.weight_files import read_weights
from explain_lib.networks.making import checked_channels, checked_size

MEBIBYTE = 2**20
UPLOAD_BYTES = 120 * MEBIBYTE
"""The largest upload; .streamlit/config.toml has the same limit."""
KEPT_BYTES = 1024 * MEBIBYTE
"""The limit for all uploaded networks together; the least recently used goes first."""
OWN_BYTES = 4096 * MEBIBYTE
"""The limit for the server's own networks together; one that is larger is kept alone."""
UPLOAD_SIDE, UPLOAD_SAMPLES = 512, 100_000
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
        _check_described(described, signals=":" in architecture)
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
            own = make_own(built, network.network, described, file, self._device, said=network.said)
        except ExplainError as error:
            raise type(error)(f"{file}: {str(error).removeprefix('network: ')}") from error
        if len(own.model.classes) > UPLOAD_CLASSES:
            raise DataError(f"{file}: it has {len(own.model.classes):,} classes; at most {UPLOAD_CLASSES:,} would be right")
        return own

    def _keep(self, own: OwnModel) -> None:
        with self._keeping:
            if own.nbytes > self._sent.maxsize:
                raise DataError(f"{own.file}: the network has {own.nbytes / MEBIBYTE:.0f} MiB, more than this server keeps")
            self._sent[own.name] = own


def _check_described(described: Described, *, signals: bool) -> None:
    """Raise InputError for what nobody may send. signals: whether one number can be the samples of a signal."""
    size = described.input_size
    if size is not None and max(checked_size(size)) > (UPLOAD_SAMPLES if signals and len(size) == 1 else UPLOAD_SIDE):
        most = f"{UPLOAD_SAMPLES:,} samples" if signals and len(size) == 1 else f"{UPLOAD_SIDE} a side"
        given = size * 2 if len(size) == 1 and not signals else size
        raise InputError(f"input size: {size_words(given)}; at most {most} would be right")
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
