"""Activations and gradients of chosen layers, from one forward pass and a backward pass each target.

The first requested outputs become leaves of the graph, so that the backward pass ends there.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointError

from explain_lib.base.errors import NETWORK_FAILURES, ExplainError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint
from explain_lib.passes.layouts import shape_words
from explain_lib.passes.outputs import Outputs, Read
from explain_lib.passes.running import Hook, alone, first_part, note_needs_graph, run, run_hooked, starting
from explain_lib.passes.targets import AnyTarget, Target, own_sum, settled, start_gradient
from explain_lib.passes.tracing import LayerTrace

Kept = TypeVar("Kept")


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
            if _is_same(later.own, place):
                place = later.passed_on
        return place


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same elements of memory over the same axes."""
    same_axes = one.shape == other.shape and one.stride() == other.stride()
    return same_axes and one.data_ptr() == other.data_ptr()


def _check_grid(given: object, layer: LayerTrace, images: int) -> Tensor:
    """The output of a layer, of a tuple the first part, if it has the axes seen before. Raises LayerError otherwise."""
    output = first_part(given)
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
    with alone(network, gradients=True):
        ran = _run_forward(network, batch, layers, outputs)
        read = ran.read.detached()
        explained = settled(read, targets)
        try:
            found = _run_backward(ran, explained, layers)
        except _CheckpointedError:
            note_needs_graph(network)
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
    with alone(network, gradients=True):
        ran, found = _run_forward(network, batch, layers, outputs), []
        explained = settled(ran.read.detached().repeated(len(targets)), targets)
        for left, target in zip(reversed(range(len(targets))), explained, strict=True):
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
    # If a layer hands on its input, the same tensor may have gone to other modules, and what stands beside it in a tuple may
    # be made of it. These count too whatever layers are requested together: the graph begins before. The start is not a leaf,
    # since some networks write to their input.
    goes_on = any(layer.handed_on or layer.in_tuple for layer in layers)
    start = batch.detach().requires_grad_().clone() if goes_on else starting(network, batch)
    recorder, output = _record(network, start, layers)
    ran = _Forward(outputs.read(output, len(batch)), recorder.outputs(), recorder.seen_by_hooks())
    if not ran.read.start.requires_grad:
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
    return recorder, run_hooked(network, batch, {layer.module: recorder.hook_for(layer.module) for layer in layers})


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
    with alone(network, gradients=True):
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

    with alone(network, gradients=True):
        given = batch.detach().requires_grad_()
        run_hooked(network, given.clone(), {layer.module: keep})
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
    with alone(network, gradients=True):
        checkpoint()
        holder, start = _Holder(layer, channel_axes), batch.detach().requires_grad_()
        hooks = {name: holder.hook_for(name) for name in (layer.module, *channel_axes)}
        read = outputs.read(run_hooked(network, start.clone(), hooks), len(batch))
        if not read.start.requires_grad:
            raise _why_no_gradient(network, batch, [layer], outputs)
        (explained,) = settled(read.detached(), None if target is None else (target,))
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

    with alone(network, gradients=False):
        output = run_hooked(network, starting(network, batch.clone()), {layer.module: replace})
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
        raise LayerError(f"layers: {layer.name!r} is rearranged by a function that copies it, so its output cannot be changed")
    cells.copy_(change(cells.clone()))
    return copied


Scored = list[tuple[Tensor, Tensor | None]]
"""Tensors to differentiate, each with the gradient that the backward pass starts from, None for a number."""


def _scored(read: Read, targets: Sequence[AnyTarget]) -> Scored:
    """The explained numbers of all images together, for a backward pass."""
    own = own_sum(read, targets)
    scored: Scored = [] if own is None else [(own, None)]
    if own is None or any(isinstance(target, Target) for target in targets):
        scored.append((read.start, start_gradient(read, targets)))
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
    if outputs.read(run(network, batch.clone().requires_grad_()), len(batch)).start.requires_grad:
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
