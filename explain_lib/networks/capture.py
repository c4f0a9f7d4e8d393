"""Activations and gradients of chosen layers, from one forward pass and a backward pass each target. Hooks live only here.

The first requested outputs become leaves of the graph, so that the backward pass ends there.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd
from torch.utils.checkpoint import CheckpointError

from explain_lib.base.errors import NETWORK_FAILURES, ExplainError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint
from explain_lib.networks.flow import Flow, Node, trunk_of
from explain_lib.networks.forwarded import run_inside
from explain_lib.networks.layouts import Layout, Layouts, find_layout, given_layout, last_layout, plain_layout, shape_words
from explain_lib.networks.outputs import Outputs, Read, main_part
from explain_lib.networks.positions import Pair, PositionReading
from explain_lib.networks.sharing import exclusive, no_reentrant_checkpoints, nothing_stored, undisturbed
from explain_lib.networks.targets import AnyTarget, Target, own_sum, predicted_targets, score_gradient

Hook = Callable[[nn.Module, tuple[object, ...], object], Tensor | None]
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class LayerTrace:
    """One call of one module in a forward pass.

    name: the name of the module, followed by "#1", "#2" ... if it is called more than once. shape: that of the output without
    the batch, () if the output is not one tensor with the batch first. is_conv: whether the module is a convolution.
    overwritten: whether a later in-place operation overwrites the output. handed_on: whether the output is the unchanged
    input, as for nn.Identity. layout: how the output becomes (N, C, h, w), None if it does not, or nobody can tell. tensor: a
    number that calls with the same output share. on_trunk: whether all paths from the picture to the scores lead through the
    output; reads_trunk: whether they do through the input. steers: whether the output only serves as a gate for others, or
    says where they are looked at.
    """

    name: str
    module: str
    call: int
    shape: tuple[int, ...]
    is_conv: bool
    overwritten: bool
    handed_on: bool
    layout: Layout | None
    tensor: int = -1
    on_trunk: bool = False
    reads_trunk: bool = False
    steers: bool = False

    @property
    def is_spatial(self) -> bool:
        """Whether the output is, or becomes, (N, C, h, w) with cells of its own, which Grad-CAM needs."""
        return self.layout is not None and not self.steers

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the output. Only a layer with a layout has one."""
        return self._known_layout.grid

    @property
    def channels(self) -> int:
        """C of the output. Only a layer with a layout has it."""
        return self._known_layout.shape[0]

    def turned(self, output: Tensor) -> Tensor:
        """The output, or a gradient of its shape, as float32 (N, C, h, w)."""
        return self._known_layout.turned(output).to(torch.float32)

    @property
    def _known_layout(self) -> Layout:
        assert self.layout is not None  # find_layers refuses others
        return self.layout


@dataclass(frozen=True)
class LayerCapture:
    """The capture of one layer, each float32 (N, C, h, w).

    activation: the output of the layer. gradient: that of the sum of the scores of all images with respect to it.
    seen_by_hooks: the output after the pass, as a hook that does not copy it holds it; not the activation if an in-place
    operation follows. seen_gradient: that of the same sum with respect to seen_by_hooks.
    """

    activation: Tensor
    gradient: Tensor
    seen_by_hooks: Tensor
    seen_gradient: Tensor


@dataclass(frozen=True)
class Capture:
    """What was read of the output, without the graph, the explained targets, and a LayerCapture for each requested layer."""

    read: Read
    targets: tuple[AnyTarget, ...]
    layers: dict[str, LayerCapture]

    @property
    def logits(self) -> Tensor:
        """The scores, float32 (N, classes)."""
        return self.read.scores


def trace(network: nn.Module, batch: Tensor, layouts: Layouts = None) -> tuple[tuple[LayerTrace, ...], object]:
    """Run the network; returns the calls of its modules, in the order in which they finished, and its output.

    batch: float32 (N, channels, H, W). layouts: those that the caller gives. Runs a second time, one picture, where an
    operation moves axes or a module gives tokens. Raises NetworkError if the network cannot run on the batch, InputError for
    layouts that do not fit.
    """
    calls: list[_Call] = []
    versions = {id(batch): batch._version}

    def passed(flow: Flow | None) -> object:
        calls.clear()

        def hook_for(name: str) -> Hook:
            def note(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
                version = output._version if isinstance(output, Tensor) else 0
                handed_on = any(output is given for given in inputs) and versions.get(id(output)) == version
                versions[id(output)] = version  # the id stays unique, since the call keeps the output
                nodes = (None, None) if flow is None else (flow.node(inputs[0] if inputs else None), flow.node(output))
                calls.append(_Call(name, module, output, version, handed_on, *nodes))

            return note

        with flow or nullcontext():
            hooks = {name: hook_for(name) for name, _ in network.named_modules() if name}
            return _run_hooked(network, _starting(network, batch), hooks)

    with _alone(network, gradients=False):
        flow: Flow | None = Flow(batch)
        try:
            output = passed(flow)
        except NetworkError:  # it may run, but not while its operations are watched, as a compiled one
            flow = None
            output = _with_graph_if_needed(network, lambda: passed(None))
        ways = _Ways.of(flow, output)
        shapes = [_shape_for_each(call.output, len(batch)) for call in calls]
        pairs = read_positions(network, batch) if ways.turns or any(len(shape) == 2 for shape in shapes) else {}
        return tuple(_traces(calls, shapes, ways, _Layouts(layouts, pairs, ways.turns))), output


def _with_graph_if_needed(network: nn.Module, passed: Callable[[], object]) -> object:
    """What a pass returns; where it fails without the graph, as one that hooks a tensor does, it is run with it ever after."""
    try:
        return passed()
    except NetworkError:
        if network in _needing_graph:
            raise
        _needing_graph.add(network)
    try:
        with torch.enable_grad():
            return passed()
    except NetworkError:
        _needing_graph.discard(network)
        raise


def read_positions(network: nn.Module, batch: Tensor) -> dict[tuple[str, int], Pair]:
    """The positions of the elements of each output of one picture, by module and number of its call; empty if it cannot run."""
    one = batch[:1].clone()
    reading, found = PositionReading(one), dict[tuple[str, int], Pair]()

    def look(name: str, call: int, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() in (3, 4) and len(output) == 1 and output in reading.pairs:
            found[name, call] = reading.pairs[output]

    try:
        with reading:
            watch(network, one, look)
    except NetworkError:  # it may take more than one picture, or none while it is watched
        return {}
    return found


def watch(network: nn.Module, batch: Tensor, look: Callable[[str, int, object], None]) -> object:
    """Run the network once, without gradients, and hand every output of a module to `look`; returns that of the network.

    look: takes the module's name, the number of its call, from 1, and the output. Raises NetworkError if the network cannot
    run.
    """
    calls = Counter[str]()

    def hook_for(name: str) -> Hook:
        def seen(_: nn.Module, __: object, output: object) -> None:
            calls[name] += 1
            look(name, calls[name], output)

        return seen

    with _alone(network, gradients=False):
        hooks = {name: hook_for(name) for name, _ in network.named_modules() if name}
        return _run_hooked(network, _starting(network, batch), hooks)


@dataclass(frozen=True)
class _Call:
    """The output of a module, its version (the count of writes to it) at that time, and whether it is the unchanged input.

    source, node: the first input and the output in the flow of the pass, None where they do not come from the picture.
    """

    name: str
    module: nn.Module
    output: object
    version: int
    handed_on: bool
    source: Node | None
    node: Node | None


@dataclass(frozen=True)
class _Ways:
    """The ways of a pass. trunk: the tensors on all of them. steering: those that only steer. turns: whether axes moved."""

    trunk: set[Node]
    steering: set[Node]
    turns: bool

    @classmethod
    def of(cls, flow: Flow | None, output: object) -> "_Ways":
        if flow is None:
            return cls(set(), set(), turns=False)
        return cls(trunk_of(flow.node(main_part(output))), flow.steering, flow.turns)


@dataclass(frozen=True)
class _Layouts:
    """What is known of the layouts: those given, positions of elements, and whether an operation moved axes."""

    given: Layouts
    pairs: dict[tuple[str, int], Pair]
    turns: bool

    def of(self, name: str, call: int, made: _Call, shape: tuple[int, ...]) -> Layout | None:
        if isinstance(self.given, Mapping):
            own = self.given.get(name, self.given.get(made.name))
            if own is not None and isinstance(made.output, Tensor):
                return given_layout(name, own, shape, made.output)
        found = self._found((made.name, call), made.module, shape)
        if found is None and callable(self.given) and len(shape) in (2, 3) and isinstance(made.output, Tensor):
            return given_layout(name, self.given, shape, made.output)
        return found

    def _found(self, key: tuple[str, int], module: nn.Module, shape: tuple[int, ...]) -> Layout | None:
        pair = self.pairs.get(key)
        found = None if pair is None else find_layout(pair)
        if found is not None:
            return found
        if isinstance(module, _CHANNELS_FIRST) or not self.turns:
            return plain_layout(shape)
        placed = pair is not None and bool(pair[0].isfinite().any())  # its positions are known, and make no grid
        return last_layout(shape) if _normalises_last(module, shape) and not placed else None


_CHANNELS_FIRST = (
    _ConvNd,
    _BatchNorm,
    _MaxPoolNd,
    _AvgPoolNd,
    _AdaptiveAvgPoolNd,
    _AdaptiveMaxPoolNd,
    nn.GroupNorm,
    nn.Upsample,
)
"""Modules whose output is (N, C, h, w) if it has four axes."""


def _normalises_last(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a layer normalisation over the last axis of (N, h, w, C) gives away that the channels are there."""
    return (
        isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1 and shape[-1:] == tuple(module.normalized_shape)
    )


def _traces(calls: list[_Call], shapes: list[tuple[int, ...]], ways: _Ways, layouts: _Layouts) -> Iterator[LayerTrace]:
    totals, seen = Counter(call.name for call in calls), Counter[str]()
    tensors: dict[int, int] = {}
    for call, shape in zip(calls, shapes, strict=True):
        seen[call.name] += 1
        name = f"{call.name}#{seen[call.name]}" if totals[call.name] > 1 else call.name
        yield LayerTrace(
            name=name,
            module=call.name,
            call=seen[call.name],
            shape=shape,
            is_conv=isinstance(call.module, _ConvNd),
            overwritten=isinstance(call.output, Tensor) and call.output._version != call.version,
            handed_on=call.handed_on,
            layout=layouts.of(name, seen[call.name], call, shape),
            tensor=tensors.setdefault(id(call.node or call.output), len(tensors)),
            on_trunk=call.node in ways.trunk,
            reads_trunk=call.source in ways.trunk,
            steers=call.node in ways.steering,
        )


def _shape_for_each(output: object, images: int) -> tuple[int, ...]:
    """The shape of an output for each image, () if it is not one tensor with the images first."""
    if isinstance(output, Tensor) and output.dim() > 0 and len(output) == images:
        return tuple(output.shape[1:])
    return ()


def run(network: nn.Module, batch: Tensor) -> object:
    """The output of the network.

    Raises TooLargeError if there is not enough memory, and NetworkError in place of other exceptions of the network.
    """
    try:
        with enough_memory(f"network: a forward pass over a batch of shape {tuple(batch.shape)}"):
            return network(batch)
    except ExplainError:
        raise
    except NETWORK_FAILURES as error:
        raise NetworkError(
            f"the network cannot run on a batch of shape {tuple(batch.shape)}: {type(error).__name__}: {error}"
        ) from error


@contextmanager
def _alone(network: nn.Module, *, gradients: bool) -> Iterator[None]:
    """Exclude other threads from the network and set evaluation mode inside, with gradients of activations or without."""
    gradients = gradients or network in _needing_graph
    stored = nothing_stored(network, *run_inside(network)) if gradients else nullcontext()
    plain = torch.inference_mode(False)
    with exclusive(network), undisturbed(network), stored, no_reentrant_checkpoints(), plain, torch.set_grad_enabled(gradients):
        yield


_needing_graph: "weakref.WeakSet[nn.Module]" = weakref.WeakSet()
"""Networks that run only where the picture asks for a gradient: they hook a tensor in forward, or checkpoint activations."""


def needs_graph_like(network: nn.Module, other: nn.Module) -> None:
    """Note that a copy of a network, the other, runs as the network does."""
    if network in _needing_graph:
        _needing_graph.add(other)


def run_alone(network: nn.Module, batch: Tensor) -> object:
    """The output of the network, without its graph: run does it, with other threads excluded, in evaluation mode."""
    with _alone(network, gradients=False):
        output = run(network, _starting(network, batch))
    return output.detach() if isinstance(output, Tensor) else output


def _starting(network: nn.Module, batch: Tensor) -> Tensor:
    """The batch; one that asks for a gradient where the network needs that. It is no leaf: some networks write to it."""
    return batch.detach().requires_grad_().clone() if network in _needing_graph else batch


def _run_hooked(network: nn.Module, batch: Tensor, hooks: Mapping[str, Hook]) -> object:
    """The output of the network, run with hooks at the modules of these names."""
    with ExitStack() as hooked:
        for name, hook in hooks.items():
            hooked.enter_context(network.get_submodule(name).register_forward_hook(hook))
        return run(network, batch)


@dataclass(frozen=True)
class _Kept:
    """An output as it left its module, the tensor passed on to the network, and the version of the output."""

    own: Tensor
    passed_on: Tensor
    version: int


class _Recorder:
    """Keeps the outputs of the requested layers during one forward pass over `images` images."""

    def __init__(self, layers: Sequence[LayerTrace], images: int) -> None:
        self.layers = {(layer.module, layer.call): layer for layer in layers}
        self.images = images
        self.calls: Counter[str] = Counter()
        self.kept: dict[str, _Kept] = {}

    def hook_for(self, name: str) -> Hook:
        def keep(_: nn.Module, __: object, output: object) -> Tensor | None:
            self.calls[name] += 1
            layer = self.layers.get((name, self.calls[name]))
            return None if layer is None else self._keep(layer, output)

        return keep

    def _keep(self, layer: LayerTrace, given: object) -> Tensor:
        output = _check_grid(given, layer, self.images)
        own = output if output.requires_grad else output.detach().requires_grad_()
        passed_on = own.clone() if layer.overwritten else own
        self.kept[layer.name] = _Kept(own, passed_on, own._version)
        return passed_on

    def outputs(self) -> list[Tensor]:
        for layer in self.layers.values():
            if layer.name not in self.kept:
                raise _not_reached(layer)
            kept = self.kept[layer.name]
            if kept.own._version != kept.version:
                raise NetworkError(
                    f"network: the output of {layer.name!r} was overwritten; the network changed since as_model: call it again"
                )
        return [self.kept[layer.name].own for layer in self.layers.values()]

    def seen_by_hooks(self) -> list[Tensor]:
        """Each output as a hook without a copy would hold it; a copy passed on to a later layer counts as the same place."""
        return [self._place(layer.name) for layer in self.layers.values()]

    def _place(self, name: str) -> Tensor:
        place = self.kept[name].passed_on
        for later in list(self.kept.values())[list(self.kept).index(name) + 1 :]:
            if later.own.data_ptr() == place.data_ptr():
                place = later.passed_on
        return place


def _check_grid(output: object, layer: LayerTrace, images: int) -> Tensor:
    """The output of a layer if it has the axes that were seen before. Raises LayerError otherwise."""
    plain = layer.layout is None or layer.layout.is_plain
    if (
        not isinstance(output, Tensor)
        or len(output) != images
        or (output.dim() != 4 if plain else output.shape[1:] != layer.shape)
    ):
        gave = "(N, C, h, w)" if plain else shape_words(layer.shape)
        raise LayerError(f"layers: {layer.name!r} gave no {gave} this time; name another layer")
    return output


def _not_reached(layer: LayerTrace) -> LayerError:
    return LayerError(f"layers: the forward pass did not reach {layer.name!r}; name another layer")


def capture(
    network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace], *, targets: tuple[AnyTarget, ...] | None, outputs: Outputs
) -> Capture:
    """Activations and gradients at the layers: one forward pass, one backward pass that ends at the earliest of them.

    batch: float32 (N, 3, H, W). targets: one per image, None for the predicted classes. outputs: how scores are read.
    Once the network's lock is held, the run may end the capture; see checkpoint. Raises LayerError for a layer that the pass
    does not reach or that does not influence the score, TargetError for a function that makes no number of the output,
    NetworkError for a network that cannot run or whose output has no scores, TooLargeError if there is not enough memory.
    """
    with _alone(network, gradients=True):
        ran = _run_forward(network, batch, layers, outputs)
        read = ran.read.detached()
        explained = predicted_targets(read.scores, read.task) if targets is None else targets
        try:
            found = _run_backward(ran, explained, layers)
        except _CheckpointedError:
            _needing_graph.add(network)
            found = _run_backward(_run_forward(network, batch, layers, outputs), explained, layers)
        return Capture(read, explained, found)


def capture_each(
    network: nn.Module,
    batch: Tensor,
    layers: Sequence[LayerTrace],
    targets: Sequence[AnyTarget],
    keep: Callable[[LayerCapture], Kept],
    *,
    outputs: Outputs,
) -> tuple[Tensor, list[list[Kept]]]:
    """The logits (1, classes), and what is to be kept of each layer, target by target: one forward pass, a backward pass each.

    batch: float32 (1, 3, H, W). targets: at least one. keep: takes from the capture of a layer what is kept of it; the rest is
    freed before the next backward pass, so that memory does not grow with the gradients of all targets. The run may end the
    capture before the forward pass and between backward passes. Errors as in capture.
    """
    with _alone(network, gradients=True):
        ran, found = _run_forward(network, batch, layers, outputs), []
        for left, target in zip(reversed(range(len(targets))), targets, strict=True):
            captured = _run_backward(ran, (target,), layers, again=left > 0)
            found.append([keep(captured[layer.name]) for layer in layers])
            del captured
            if left:
                checkpoint()
    return ran.read.scores.detach(), found


@dataclass(frozen=True)
class _Forward:
    """A forward pass with its graph: what was read, and each layer's output, its own and as a hook sees it."""

    read: Read
    outputs: list[Tensor]
    seen: list[Tensor]


def _run_forward(network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace], outputs: Outputs) -> _Forward:
    """The forward pass of a capture."""
    checkpoint()
    # If a layer hands on its input, the same tensor may have gone to other modules, which count too whatever layers are
    # requested together: the graph begins before. The start is not a leaf, since some networks write to their input.
    handed_on = any(layer.handed_on for layer in layers)
    start = batch.detach().requires_grad_().clone() if handed_on else _starting(network, batch)
    recorder, output = _record(network, start, layers)
    ran = _Forward(outputs.read(output, len(batch)), recorder.outputs(), recorder.seen_by_hooks())
    if not ran.read.scores.requires_grad:
        raise _why_no_gradient(network, batch, layers, outputs)
    return ran


def _run_backward(
    ran: _Forward, targets: Sequence[AnyTarget], layers: Sequence[LayerTrace], *, again: bool = False
) -> dict[str, LayerCapture]:
    """One backward pass. again: whether another one follows, which needs the graph."""
    gradients = _gradients(ran, targets, layers, again=again)
    return {
        layer.name: LayerCapture(*map(layer.turned, (own.detach(), gradient, place.detach(), seen_gradient)))
        for layer, own, place, (gradient, seen_gradient) in zip(layers, ran.outputs, ran.seen, gradients, strict=True)
    }


def _record(network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace]) -> tuple[_Recorder, object]:
    """One forward pass: the outputs kept at the layers, and the output of the network."""
    recorder = _Recorder(layers, len(batch))
    return recorder, _run_hooked(network, batch, {layer.module: recorder.hook_for(layer.module) for layer in layers})


@dataclass(frozen=True)
class Reached:
    """A pass, and how far its gradient came back.

    output: that of the network. activations: float32 (N, C, h, w) of each requested layer. gradients: of the score with
    respect to each of them; None for a layer without a gradient.
    """

    output: object
    activations: dict[str, Tensor]
    gradients: dict[str, Tensor | None]


def reach(network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace], score: Callable[[object], Tensor | None]) -> Reached:
    """How far the gradient of a score comes back: like capture, but a layer without a gradient is not an error.

    batch: float32 (N, 3, H, W). score: the number to differentiate, computed from the output of the network, or None.
    """
    with _alone(network, gradients=True):
        recorder, output = _record(network, batch.detach().requires_grad_().clone(), layers)
        outputs, explained = recorder.outputs(), score(output)
        found: Sequence[Tensor | None] = [None] * len(outputs)
        if outputs and explained is not None and explained.requires_grad:
            found = _differentiate([(explained, None)], outputs)
    activations = {layer.name: layer.turned(own.detach()) for layer, own in zip(layers, outputs, strict=True)}
    gradients = {layer.name: None if one is None else layer.turned(one) for layer, one in zip(layers, found, strict=True)}
    return Reached(output, activations, gradients)


def cell_gradients(network: nn.Module, batch: Tensor, layer: LayerTrace, cells: Sequence[tuple[int, int]]) -> Tensor:
    """The gradient, with respect to each picture, of the activations squared and summed over channels in one cell of a layer.

    batch: float32 (N, channels, H, W), a picture for each of the N cells (row, column). Returns float32 of that shape, 0 where
    the cell does not depend on the picture. Raises LayerError for a layer that the pass does not reach, NetworkError for a
    network that cannot run.
    """
    found: list[Tensor] = []
    calls = Counter[str]()

    def keep(_: nn.Module, __: object, output: object) -> None:
        calls[layer.module] += 1
        if calls[layer.module] == layer.call:
            found.append(layer.turned(_check_grid(output, layer, len(batch)).clone()))  # later operations may write to it

    with _alone(network, gradients=True):
        given = batch.detach().requires_grad_()
        _run_hooked(network, given.clone(), {layer.module: keep})
        if not found:
            raise _not_reached(layer)
        places = torch.arange(len(batch)), slice(None), [row for row, _ in cells], [column for _, column in cells]
        score = found[0][places].square().sum()
        if not score.requires_grad:
            return torch.zeros_like(batch)
        (gradient,) = _differentiate([(score, None)], [given])
    return torch.zeros_like(batch) if gradient is None else gradient


@dataclass(frozen=True)
class Shift:
    """One call of a module to whose output an offset could be added.

    module: its name. later: whether the call came after that of the held layer. gradient: float32 (C,), of the score with
    respect to an offset of each channel of the output, the same in all cells; 0 without a gradient.
    """

    module: str
    later: bool
    gradient: Tensor


@dataclass(frozen=True)
class Held:
    """The gradients of the score of one image while the output of a layer is held constant.

    read: what was read of the output. target: the explained target. activation, gradient: float32 (1, C, h, w) of the layer.
    shifts: the calls of the requested modules, in their order. batch, batch_gradient: float32 (1, 3, H, W), the input and
    the gradient of the score with respect to it, bypassing the layer: 0 if all paths lead through the layer.
    """

    read: Read
    target: AnyTarget
    activation: Tensor
    gradient: Tensor
    shifts: tuple[Shift, ...]
    batch: Tensor
    batch_gradient: Tensor


class _Holder:
    """Cuts the graph at one layer, and adds a zero to every output of the requested modules."""

    def __init__(self, layer: LayerTrace, channel_axes: dict[str, int]) -> None:
        self.layer, self.channel_axes = layer, channel_axes
        self.calls: Counter[str] = Counter()
        self.own: Tensor | None = None
        self.zeros: list[tuple[str, bool, Tensor]] = []

    def hook_for(self, name: str) -> Hook:
        def pass_on(_: nn.Module, __: object, output: object) -> Tensor | None:
            self.calls[name] += 1
            if (name, self.calls[name]) == (self.layer.module, self.layer.call):
                return self._cut(output)
            return self._shift(name, output) if name in self.channel_axes and isinstance(output, Tensor) else None

        return pass_on

    def _cut(self, output: object) -> Tensor:
        self.own = _check_grid(output, self.layer, 1).detach().clone().requires_grad_()
        return self.own.clone()  # later operations may write to it

    def _shift(self, name: str, output: Tensor) -> Tensor:
        axis = self.channel_axes[name]
        zero = torch.zeros(output.shape[axis], device=output.device, requires_grad=True)
        self.zeros.append((name, self.own is not None, zero))
        return output + zero.view([-1] + [1] * (output.dim() - 1 - axis % output.dim()))


def hold(
    network: nn.Module,
    batch: Tensor,
    layer: LayerTrace,
    channel_axes: dict[str, int],
    *,
    target: AnyTarget | None,
    outputs: Outputs,
) -> Held:
    """One forward and one backward pass in which the output of a layer is a constant.

    batch: float32 (1, 3, H, W). channel_axes: names of modules whose outputs get an offset, and the axis of its channels.
    target, outputs, errors: as in capture.
    """
    with _alone(network, gradients=True):
        checkpoint()
        holder, start = _Holder(layer, channel_axes), batch.detach().requires_grad_()
        hooks = {name: holder.hook_for(name) for name in (layer.module, *channel_axes)}
        read = outputs.read(_run_hooked(network, start.clone(), hooks), len(batch))
        if not read.scores.requires_grad:
            raise _why_no_gradient(network, batch, [layer], outputs)
        (explained,) = predicted_targets(read.scores.detach(), read.task) if target is None else (target,)
        return _held(holder, start, read, explained)


def _held(holder: _Holder, start: Tensor, read: Read, explained: AnyTarget) -> Held:
    if holder.own is None:
        raise _not_reached(holder.layer)
    asked = [holder.own, start, *(zero for _, _, zero in holder.zeros)]
    found = _differentiate(_scored(read, (explained,)), asked)
    if found[0] is None:
        raise _no_influence([holder.layer.name])
    gradient, past, *by_zero = (torch.zeros_like(of) if one is None else one for of, one in zip(asked, found, strict=True))
    shifts = (Shift(name, later, one) for (name, later, _), one in zip(holder.zeros, by_zero, strict=True))
    own, gradient = holder.layer.turned(holder.own.detach()), holder.layer.turned(gradient)
    return Held(read.detached(), explained, own, gradient, tuple(shifts), start.detach(), past)


def run_changed(network: nn.Module, batch: Tensor, layer: LayerTrace, change: Callable[[Tensor], Tensor]) -> object:
    """The output of the network after changing the output (N, C, h, w) of one layer.

    change: returns the new output, and leaves the old one, which other code may hold. Raises LayerError if the pass does not
    reach the layer, or its output is not (N, C, h, w), and errors as run does.
    """
    calls = Counter[str]()

    def replace(_: nn.Module, __: object, output: object) -> Tensor | None:
        calls[layer.module] += 1
        return _changed(_check_grid(output, layer, len(batch)), layer, change) if calls[layer.module] == layer.call else None

    with _alone(network, gradients=False):
        output = _run_hooked(network, _starting(network, batch.clone()), {layer.module: replace})
    if calls[layer.module] < layer.call:
        raise _not_reached(layer)
    return output


def _changed(output: Tensor, layer: LayerTrace, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The output with its cells changed; elements outside the grid, such as a class token, stay."""
    if layer.layout is None or layer.layout.is_plain:
        return change(output)
    copied = output.clone()
    cells = layer.layout.turned(copied)
    if cells.untyped_storage().data_ptr() != copied.untyped_storage().data_ptr():
        raise LayerError(f"layers: {layer.name!r} is turned by a function that copies it, so its output cannot be changed")
    cells.copy_(change(cells.clone()))
    return copied


Scored = list[tuple[Tensor, Tensor | None]]
"""Tensors to differentiate, each with the gradient that the backward pass starts from, None for a number."""


def _scored(read: Read, targets: Sequence[AnyTarget]) -> Scored:
    """The explained numbers of all images together, for a backward pass."""
    own = own_sum(read, targets)
    scored: Scored = [] if own is None else [(own, None)]
    if own is None or any(isinstance(target, Target) for target in targets):
        scored.append((read.scores, score_gradient(read.scores.detach(), targets, read.task)))
    return scored


def _differentiate(scored: Scored, by: Sequence[Tensor], *, again: bool = False) -> tuple[Tensor | None, ...]:
    """The gradient with respect to each tensor, None without one. again: whether the graph stays for another pass."""
    outputs, starts = [output for output, _ in scored], [start for _, start in scored]
    try:
        with enough_memory(f"network: a backward pass over a batch of {len(by[0])}, to {len(by)} places,"):
            return torch.autograd.grad(outputs, by, starts, retain_graph=again, allow_unused=True)
    except CheckpointError as error:
        raise _CheckpointedError("network: no gradient can be taken through its activation checkpoints") from error
    except ExplainError:
        raise
    except NETWORK_FAILURES as error:
        raise NetworkError(f"network: its backward pass fails: {type(error).__name__}: {error}") from error


class _CheckpointedError(NetworkError):
    """The layers of a capture lie within an activation checkpoint, and the graph began behind its start."""


def _why_no_gradient(
    network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace], outputs: Outputs
) -> LayerError | NetworkError:
    """The error: either the layers do not influence the output, or the network cuts its gradient."""
    if outputs.read(run(network, batch.clone().requires_grad_()), len(batch)).scores.requires_grad:
        return _no_influence([layer.name for layer in layers])
    return NetworkError("network: its output has no gradient; let its forward pass run without no_grad or detach")


def _no_influence(names: Sequence[str]) -> LayerError:
    """The error for layers on which the output does not depend."""
    return LayerError(
        f"layers: {' or '.join(map(repr, names))} does not influence the output, so it has no gradient; name another"
    )


def _gradients(
    ran: _Forward, targets: Sequence[AnyTarget], layers: Sequence[LayerTrace], *, again: bool
) -> list[tuple[Tensor, Tensor]]:
    """The gradients with respect to the output of each layer, and to the output as a hook sees it."""
    outputs, seen = ran.outputs, ran.seen
    others = [place for own, place in zip(outputs, seen, strict=True) if place is not own and place.requires_grad]
    found = _differentiate(_scored(ran.read, targets), [*outputs, *others], again=again)
    by_place = {id(place): gradient for place, gradient in zip(others, found[len(outputs) :], strict=True)}
    pairs = []
    for layer, place, gradient in zip(layers, seen, found[: len(outputs)], strict=True):
        if gradient is None:
            raise _no_influence([layer.name])
        seen_gradient = by_place.get(id(place), gradient)
        pairs.append((gradient, torch.zeros_like(gradient) if seen_gradient is None else seen_gradient))
    return pairs
