"""The bundled checkpoints: their registry, and loading them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import DataError, InputError, NetworkError
from explain_lib.base.files import read_tensors
from explain_lib.loading.architectures import ARCHITECTURES
from explain_lib.networks.cards import ModelCard, file_digest, read_card
from explain_lib.networks.making import as_model
from explain_lib.networks.model import Model
from explain_lib.passes.sharing import own_random_numbers

CPU = torch.device("cpu")
CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


@dataclass(frozen=True)
class CheckpointSpec:
    """A bundled checkpoint: its name, and the folder that holds NAME.pt, NAME.json and NAME.logits.npy.

    listed: whether it is offered as a model; intermediate checkpoints of a training, twins and second networks are not, but
    load by their names. twin: the checkpoint of the same network, trained in the same way on labels in random order. second:
    that of the same network, trained in the same way from another seed.
    """

    name: str
    folder: Path = CHECKPOINTS
    listed: bool = True
    twin: str | None = None
    second: str | None = None

    @property
    def checkpoint_file(self) -> Path:
        return self.folder / f"{self.name}.pt"

    @property
    def card_file(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def logits_file(self) -> Path:
        return self.folder / f"{self.name}.logits.npy"


DEFAULT_MODEL = "captum-tutorial"
_SPECS = (
    CheckpointSpec(DEFAULT_MODEL),
    CheckpointSpec("tutorial", twin="tutorial-permuted", second="tutorial-second"),
    CheckpointSpec("resnet20"),
    CheckpointSpec("vit-tiny"),
    CheckpointSpec("watermark"),
    *(CheckpointSpec(f"tutorial-epoch-{epoch}", listed=False) for epoch in (0, 1, 2, 5)),
    CheckpointSpec("tutorial-permuted", listed=False),
    CheckpointSpec("tutorial-second", listed=False),
)
REGISTRY: Mapping[str, CheckpointSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""The bundled checkpoints by name, the default first."""


def list_models() -> tuple[str, ...]:
    """Names of the bundled models, the default first, without intermediate checkpoints, twins and second networks."""
    return tuple(spec.name for spec in REGISTRY.values() if spec.listed)


def find_checkpoint(name: str) -> CheckpointSpec:
    """The spec of a bundled checkpoint. Raises InputError, listing the names, for an unknown one."""
    if not isinstance(name, str) or name not in REGISTRY:
        raise InputError(f"name: unknown model {name!r}; there are {', '.join(REGISTRY)}")
    return REGISTRY[name]


def load_card(name: str) -> ModelCard:
    """The card of a bundled model. Raises InputError for an unknown name, DataError for a damaged card."""
    return read_card(find_checkpoint(name).card_file)


def find_twin(name: str) -> str | None:
    """The name of the twin of a bundled model, trained on labels in random order; None if it has none.

    Raises InputError for an unknown name.
    """
    return find_checkpoint(name).twin


def find_second(name: str) -> str | None:
    """The name of the network that was trained as a bundled model was, from another seed; None if there is none.

    Raises InputError for an unknown name.
    """
    return find_checkpoint(name).second


@dataclass(frozen=True)
class NetworkSize:
    """The depth of a network in convolutions, and how many numbers it has learnt."""

    conv_layers: int
    parameters: int


@lru_cache(maxsize=64)
def network_size(name: str) -> NetworkSize:
    """Depth and size of a bundled model, from its architecture alone, without reading the weights.

    Raises InputError for an unknown name, DataError for a damaged card.
    """
    with torch.device("meta"):
        return size_of(_build(load_card(name)))


def size_of(network: nn.Module) -> NetworkSize:
    """Depth and size of a network."""
    convs = sum(isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) for module in network.modules())
    return NetworkSize(convs, sum(parameter.numel() for parameter in network.parameters()))


def load_model(name: str = DEFAULT_MODEL, device: str | None = "cpu") -> Model:
    """A bundled model, loaded anew, on the CPU or another device; None for a GPU if there is one.

    Raises InputError for an unknown name or device, and DataError if the checkpoint or its card is missing or damaged, or if
    the checkpoint does not match the digest on its card.
    """
    return load_checkpoint(find_checkpoint(name), choose_device(device))


def load_checkpoint(spec: CheckpointSpec, device: torch.device = CPU) -> Model:
    """The model of a checkpoint, its file checked against the digest on its card before anything in it is read.

    Raises DataError if a file is missing, damaged, or does not match the card.
    """
    card = read_card(spec.card_file)
    _check_file(spec.checkpoint_file, card.digest)
    with own_random_numbers():  # a new network draws random weights, which are overwritten
        network = _build(card)
    _load_weights(network, spec.checkpoint_file, card)
    network.to(device)
    try:
        return as_model(network, classes=card.classes, input_size=card.input_size, mean=card.mean, std=card.std, card=card)
    except (InputError, NetworkError) as error:
        raise DataError(f"the card {spec.card_file} does not fit its checkpoint: {error}") from error


def _load_weights(network: nn.Module, path: Path, card: ModelCard) -> None:
    try:
        state = read_tensors(path)
        if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
            raise DataError(f"it holds a {type(state).__name__}; tensors by name would be right")
        network.load_state_dict(state)
    except (DataError, RuntimeError) as error:
        raise DataError(f"{path} does not hold the weights of {card.architecture}: {error}") from error
    network.eval()


def _build(card: ModelCard) -> nn.Module:
    if card.architecture not in ARCHITECTURES:
        raise DataError(
            f"the card of {card.name} names the architecture {card.architecture!r}; there are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[card.architecture]()


def _check_file(path: Path, digest: str) -> None:
    found = file_digest(path)
    if found != digest:
        raise DataError(f"{path} is damaged: its SHA-256 is {found}, its card says {digest}; restore it from the repository")


def load_test_logits(name: str) -> NDArray[np.float32]:
    """Logits float32 (10000, classes) of a bundled model for the CIFAR-10 test images, as bundled beside the checkpoint.

    Raises InputError for an unknown name, DataError if the file is missing or does not match the digest on the card.
    """
    spec = find_checkpoint(name)
    _check_file(spec.logits_file, load_card(name).logits_digest)
    logits: NDArray[np.float32] = np.load(spec.logits_file, allow_pickle=False)
    return logits
