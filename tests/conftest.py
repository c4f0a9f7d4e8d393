"""Fixtures that all tests may use, and a check that no test leaves anything behind on a network."""

import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torchvision.models.vgg import cfgs, make_layers
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import explain_lib as xl
from explain_lib.loading import bundled as models
from explain_lib.networks import making as model_module
from explain_lib.networks.model import Model
from explain_lib.work import ladder_files as ladder_file

# Section: which tests one of several processes runs

IN_BROWSER = {"browser", "root"}
"""The fixtures of tests in a browser, which share a server: "in_a_browser" in the name of the test or its file says so."""


class ByFile(LoadScopeScheduling):
    """The tests of a file stay together, and what its fixtures compute is computed once; tests in a browser do too.

    Two browsers at once would leave a page on two cores later than its tests wait for it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if "in_a_browser" in nodeid else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser take longest, and begin first."""
    for item in items:
        if IN_BROWSER & set(getattr(item, "fixturenames", ())) and "in_a_browser" not in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: it uses a browser, so in_a_browser would be right in its name")
    items.sort(key=lambda item: "in_a_browser" not in item.nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """The order of the work for `-n 2 --dist loadscope`."""
    return ByFile(config, log)


# Section: networks are left as they were


HOOKS = tuple(name for name in vars(nn.Module()) if name.endswith("_hooks") or "_hooks_" in name)
GLOBAL_HOOKS = tuple(name for name in vars(torch_module) if name.startswith("_global_") and name.endswith("_hooks"))


@dataclass(frozen=True)
class ModuleState:
    training: bool
    hooks: tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class TensorState:
    requires_grad: bool
    gradient: Tensor | None
    gradient_values: Tensor | None
    values: tuple[int, int]
    hooks: tuple[object, ...]


def state_of_module(module: nn.Module) -> ModuleState:
    own = vars(module)
    return ModuleState(module.training, tuple((kind, hook) for kind in HOOKS if own[kind] for hook in own[kind].values()))


def state_of_tensor(tensor: Tensor) -> TensorState:
    gradient = tensor.grad
    values = tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version
    hooks = tuple((tensor._backward_hooks or {}).values())
    return TensorState(tensor.requires_grad, gradient, None if gradient is None else gradient.clone(), values, hooks)


@dataclass(frozen=True)
class NetworkState:
    modules: dict[str, ModuleState]
    tensors: dict[str, TensorState]


def tensors_of(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, module in network.named_modules():
        own = vars(module)
        for kind in ("_parameters", "_buffers"):
            yield from ((f"{name}.{last}" if name else last, one) for last, one in own[kind].items() if one is not None)


def state_of_network(network: nn.Module) -> NetworkState:
    modules = {name: state_of_module(module) for name, module in network.named_modules()}
    return NetworkState(modules, {name: state_of_tensor(tensor) for name, tensor in tensors_of(network)})


class Ledger:
    """How networks were when a test first met them. `complaints` tells what is different now, `expect` starts afresh."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: weakref.WeakKeyDictionary[nn.Module, NetworkState] = weakref.WeakKeyDictionary()
        self.networks: list[nn.Module] = []  # keeps them alive, so that a network dropped by its test is checked too
        self._global_hooks = self._global_state()

    def begin(self) -> None:
        """A test begins; what the last ones left in order is as it was."""
        with self._lock:
            self.networks = list(self._states)
            self._global_hooks = self._global_state()

    def end(self) -> list[str]:
        """The complaints about the test that has ended, none of which comes again."""
        found = self.complaints()
        for network in self.networks if found else ():
            self.expect(network)
        with self._lock:
            self.networks = []
        return found

    def watch(self, network: nn.Module) -> None:
        with self._lock:
            if network not in self._states:
                self._take(network)

    def expect(self, network: nn.Module) -> None:
        """What the test itself changed in the network is no leftover."""
        with self._lock:
            self._take(network)

    def complaints(self) -> list[str]:
        found = [] if self._global_state() == self._global_hooks else ["a global hook or the gradient mode"]
        for network in self.networks:
            found += [f"{type(network).__name__}: {text}" for text in self._different(network)]
        return found

    def _take(self, network: nn.Module) -> None:
        if not any(one is network for one in self.networks):
            self.networks.append(network)
        self._states[network] = state_of_network(network)

    def _different(self, network: nn.Module) -> Iterator[str]:
        state = self._states[network]
        for name, module in network.named_modules():
            before, now = state.modules.get(name), state_of_module(module)
            if before != now:
                yield f"module {name!r}: training mode or hooks were {before}, are {now}"
        for name, tensor in tensors_of(network):
            if name in state.tensors:
                yield from self._tensor_differences(name, state.tensors[name], tensor)

    def _tensor_differences(self, name: str, before: TensorState, tensor: Tensor) -> Iterator[str]:
        now = state_of_tensor(tensor)
        if before.requires_grad != now.requires_grad:
            yield f"{name}: requires_grad was {before.requires_grad}"
        if before.gradient is not now.gradient:
            yield f"{name}: the gradient is another object"
        elif before.gradient_values is not None and not torch.equal(before.gradient_values, now.gradient):
            yield f"{name}: the gradient's values changed"
        if before.values != now.values:
            yield f"{name}: the values were written to"
        if before.hooks != now.hooks:
            yield f"{name}: hooks on the tensor"

    @staticmethod
    def _global_state() -> tuple[object, ...]:
        hooks = tuple(tuple(getattr(torch_module, name).items()) for name in GLOBAL_HOOKS)
        return hooks, torch.is_grad_enabled(), torch.is_inference_mode_enabled()


# The networks here are small: threads of one operation only wait for each other, and for other programs.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def every_network_noted() -> Iterator[Ledger]:
    """From now on each network that becomes a Model is known here, before as_model has touched it."""
    original, first_run, kept = Model.__init__, model_module.trace, Ledger()

    def noting(self: Model, network: nn.Module, *arguments: object, **named: object) -> None:
        kept.watch(network)
        original(self, network, *arguments, **named)

    def noting_first_run(network: nn.Module, *arguments: object) -> object:
        kept.watch(network)
        return first_run(network, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "__init__", noting)
        patch.setattr(model_module, "trace", noting_first_run)
        yield kept


@pytest.fixture(autouse=True)
def ledger(every_network_noted: Ledger) -> Iterator[Ledger]:
    """Fails the test if a network that it used is left with a hook, a mode, a gradient or a weight that it did not have."""
    every_network_noted.begin()
    yield every_network_noted
    for thread in threading.enumerate():
        if thread.name == "later":  # it freezes the network that it runs
            thread.join(60)
    complaints = every_network_noted.end()
    assert not complaints, "left behind: " + "; ".join(complaints)


@pytest.fixture(scope="session")
def images() -> xl.ImageSet:
    return xl.load_cifar10()


@pytest.fixture(scope="session")
def study(images: xl.ImageSet) -> np.ndarray:
    """Test images 0 to 3, the study's first batch."""
    return images.pixels[:4]


@pytest.fixture(scope="session")
def tutorial() -> xl.Model:
    """Captum's published network."""
    return xl.load_model("captum-tutorial")


class ConstantNet(nn.Module):
    """Two channels, R and G, on a grid of 2 x 2, then one linear layer: every map can be worked out on paper.

    Logit 0 weighs R by [[1, 2], [3, 2]] (mean 2) and G by -1 everywhere (mean -1); logit 1 weighs R by -1 everywhere
    and G by [[1, 1], [1, -1]] (mean 0.5). So alpha is (2, -1) for class 0 and (-1, 0.5) for class 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1, bias=False)
        self.fc = nn.Linear(8, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:, :, None, None])
            self.fc.weight.copy_(torch.tensor([[1.0, 2, 3, 2, -1, -1, -1, -1], [-1, -1, -1, -1, 1, 1, 1, -1]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).flatten(1))


@pytest.fixture
def constant_model() -> xl.Model:
    return xl.as_model(ConstantNet(), classes=("zero", "one"), input_size=(2, 2), mean=(0, 0, 0), std=(1, 1, 1))


@pytest.fixture(scope="session")
def constant_pixels() -> np.ndarray:
    """Two pictures. First: R = [[1, .4], [.2, 0]], G = [[0, .2], [.4, 1]]. Second: R = [[0, 0], [0, .4]], G = 0. In 1/255."""
    first = np.zeros((2, 2, 3), np.uint8)
    first[..., 0], first[..., 1] = [[255, 102], [51, 0]], [[0, 51], [102, 255]]
    second = np.zeros((2, 2, 3), np.uint8)
    second[1, 1, 0] = 102
    return np.stack([first, second])


class VggFeatures(nn.Module):
    """torchvision's VGG-11 with a small head in place of its 120 million weights; each conv is followed by an in-place ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.features = make_layers(cfgs["A"], batch_norm=False)
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def _untrained(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == "vgg11":
        network: nn.Module = VggFeatures()
    else:
        extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        network = torchvision.models.get_model(name, weights=None, num_classes=10, **extra)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as after a training, not the identity
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network


@cache
def _random_model(name: str) -> xl.Model:
    means = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    return xl.as_model(_untrained(name), classes=tuple("0123456789"), input_size=(64, 64), **means)


# Asked for its effect: the networks made here are to be noted.
@pytest.fixture(scope="session")
def random_model(every_network_noted: Ledger) -> Callable[[str], xl.Model]:  # noqa: ARG001
    """A torchvision architecture with random weights, by its name; the same object each time."""
    return _random_model


@pytest.fixture(scope="session")
def random_pixels() -> np.ndarray:
    """Three pictures of 64 x 64 noise, smoothed a little so that layers have something to find."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    return noise.repeat(4, 1).repeat(4, 2)


@pytest.fixture
def copied_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the bundled files of all models, in place of their folder; what was read before is forgotten."""
    for path in models.CHECKPOINTS.iterdir():
        shutil.copy(path, tmp_path)
    specs = {name: replace(spec, folder=tmp_path) for name, spec in models.REGISTRY.items()}
    monkeypatch.setattr(models, "REGISTRY", MappingProxyType(specs))
    monkeypatch.setattr(ladder_file, "CHECKPOINTS", tmp_path)
    _forget_checkpoints()
    yield tmp_path
    _forget_checkpoints()


def _forget_checkpoints() -> None:
    models.network_size.cache_clear()
    xl.shared_cache().entries.clear()
