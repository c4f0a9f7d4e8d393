"""The models of a server that are not bundled: its own, and those whose weights visitors have sent."""

import hashlib
import re
import threading
from dataclasses import astuple, replace

from cachetools import LRUCache

from explain_lib.architectures import build_network, find_architecture
from explain_lib.devices import choose_device
from explain_lib.errors import DataError, ExplainError, InputError
from explain_lib.layer_names import one_line
from explain_lib.model import checked_channels, checked_size
from explain_lib.networks import ARCHITECTURES
from explain_lib.own_model import Described, OwnModel, OwnModelOptions, load_own, make_own, size_words
from explain_lib.weight_files import read_weights

MEBIBYTE = 2**20
UPLOAD_BYTES = 120 * MEBIBYTE
"""The largest file that a visitor may send; .streamlit/config.toml lets as much pass."""
KEPT_BYTES = 1024 * MEBIBYTE
"""What the visitors' networks may have together; the least recently used goes first."""
UPLOAD_SIDE = 512
UPLOAD_CLASSES = 1_000
NAME_DIGITS = 16
NAME_LENGTH = 60
_HARMLESS_NAME = re.compile(rf"[\w .,'()&/+-]{{1,{NAME_LENGTH}}}")
"""What others may be shown of a visitor's words: nothing that a page would take for a link, a picture or a formula."""

UPLOAD_ARCHITECTURES = (
    *ARCHITECTURES,
    "resnet18", "resnet34", "resnet50", "resnext50_32x4d", "densenet121", "densenet169", "densenet201",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2",
    "convnext_tiny", "regnet_x_400mf", "regnet_y_400mf", "shufflenet_v2_x1_0", "squeezenet1_0", "squeezenet1_1", "mnasnet1_0",
    "swin_t",
)  # fmt: skip
"""What a visitor may send weights for on any server: those whose weights stay below the limit with 1,000 classes."""


class OwnModels:
    """A server's own model, and those that its visitors have sent; shared by all threads.

    The server's own is loaded when it is first asked for and stays; the visitors' are kept while there is room for them.
    """

    def __init__(self, device: str | None = "cpu", max_bytes: int = KEPT_BYTES) -> None:
        """device: where the networks run. max_bytes: what the visitors' networks may have together."""
        self._device = str(choose_device(device))
        self._options: OwnModelOptions | None = None
        self._own: OwnModel | None = None
        self._sent: LRUCache[str, OwnModel] = LRUCache(max_bytes, getsizeof=lambda kept: kept.nbytes)
        self._loading, self._reading, self._keeping = threading.Lock(), threading.Lock(), threading.Lock()

    def offer(self, options: OwnModelOptions | None) -> None:
        """Offer a model as the server's own, in place of an earlier one, None for none; it is loaded when it is asked for."""
        if options == self._options:  # nobody waits for a model that is being loaded, to learn that nothing changes
            return
        with self._loading:
            self._options, self._own = options, None

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the server's own model, if there is one."""
        options = self._options
        return () if options is None else (options.architecture,)

    @property
    def architectures(self) -> tuple[str, ...]:
        """What a visitor may send weights for: the server's own architecture first."""
        return tuple(dict.fromkeys((*self.names, *UPLOAD_ARCHITECTURES)))

    def holds(self, name: str) -> bool:
        """Whether a model of that name is the server's own or is kept."""
        with self._keeping:
            return name in self.names or name in self._sent

    def names_own(self, name: str) -> bool:
        """Whether a name is that of the server's own model, or of one that a visitor may have sent, kept or not."""
        architecture, _, digits = name.rpartition("@")
        return name in self.names or (architecture in self.architectures and len(digits) == NAME_DIGITS)

    def known(self, name: str) -> OwnModel | None:
        """The model of that name as far as it is loaded; loads nothing."""
        with self._keeping:
            return self._own if name in self.names else self._sent.get(name)

    def usual(self, architecture: str) -> Described:
        """Input size, mean and std to begin with for that architecture, and names of classes where they are known.

        Raises what find_architecture raises.
        """
        built, options = find_architecture(architecture), self._options
        said = options.described if options is not None and architecture == options.architecture else Described()
        return Described(said.classes, said.input_size or built.input_size, said.mean or built.mean, said.std or built.std)

    def find(self, name: str) -> OwnModel:
        """The model of that name. Raises InputError if it is not kept, and what load_own_model raises for the server's own."""
        if name in self.names:
            return self._find_own()
        with self._keeping:
            found = self._sent.get(name)
        if found is None:
            raise InputError(f"model: {name}: that upload is no longer kept; upload the file again")
        return found

    def _find_own(self) -> OwnModel:
        with self._loading:
            if self._options is None:
                raise InputError("model: this server has no model of its own any more; another one would be right")
            if self._own is None:
                self._own = load_own(self._options, self._device)
            return self._own

    def add(self, architecture: str, file: str, content: bytes, described: Described) -> str:
        """Keep a network whose weights a visitor has sent, and return its name, the same for the same file and description.

        architecture: one of `architectures`. file: the file's name, for messages. Nothing in the file is run, and one file is
        read at a time, so that what reading takes stays bounded by a few times the largest file.
        Raises InputError, DataError or NetworkError, with a sentence for each thing that may be wrong with the file.
        """
        _check_described(described)
        if architecture not in self.architectures:
            raise InputError(f"architecture: {architecture!r}; one of {', '.join(self.architectures)} would be right")
        if len(content) > UPLOAD_BYTES:
            raise DataError(
                f"{file}: it has {len(content) / MEBIBYTE:.0f} MiB; at most {UPLOAD_BYTES // MEBIBYTE} would be right"
            )
        name = f"{architecture}@{_identity(architecture, content, described)}"
        with self._reading:
            if not self.holds(name):
                self._keep(replace(self._read(architecture, file, content, described), name=name))
        return name

    def _read(self, architecture: str, file: str, content: bytes, described: Described) -> OwnModel:
        built = find_architecture(architecture)
        network = build_network(built, read_weights(content, file), file)
        try:
            own = make_own(built, network, described, file, self._device)
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


def _identity(architecture: str, content: bytes, described: Described) -> str:
    """Hex digits of the SHA-256 over the file and all that belongs to the model besides."""
    digest = hashlib.sha256(repr((architecture, astuple(described))).encode())
    digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:NAME_DIGITS]


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
