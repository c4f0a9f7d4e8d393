"""Activations and gradients of chosen layers, from one forward pass and a backward pass each target. Hooks live only here.

The first requested outputs become leaves of the graph, so that the backward pass ends there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from explain_lib.base.errors import ExplainError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint
from explain_lib.networks.outputs import Outputs, Read
from explain_lib.networks.sharing import exclusive, undisturbed
from explain_lib.networks.targets import AnyTarget, Target, own_sum, predicted_targets, score_gradient

Hook = Callable[[nn.Module, tuple[object, ...], object], Tensor | None]
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class LayerTrace:
    """One call of one module in a forward pass.

    name: the name of the module, followed by "#1", "#2" ... if it is called more than once. shape: that of the output without
    the batch, () if the output is not one tensor with the batch first. is_conv: whether the module is a convolution.
    overwritten: whether a later in-place operation overwrites the output. handed_on: whether the output is the unchanged
    input, as for nn.Identity.
    """

    name: str
    module: str
    call: int
    shape: tuple[int, ...]
    is_conv: bool
    overwritten: bool
    handed_on: bool

    @property
    def is_spatial(self) -> bool:
        """Whether the output is (N, C, h, w), which Grad-CAM needs."""
        return len(self.shape) == 3

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the output."""
        return self.shape[1], self.shape[2]


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


NETWORK_FAILURES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""The exceptions expected from a network, which is the caller's code, on a batch that it cannot process."""


def trace(network: nn.Module, batch: Tensor) -> tuple[tuple[LayerTrace, ...], object]:
    """Run the network once; returns the calls of its modules, in the order in which they finished, and its output.

    batch: float32 (N, 3, H, W). Raises NetworkError if the network cannot run on it.
    """
    calls: list[_Call] = []
    versions = {id(batch): batch._version}

    def hook_for(name: str) -> Hook:
        def note(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            version = output._version if isinstance(output, Tensor) else 0
            handed_on = any(output is given for given in inputs) and versions.get(id(output)) == version
            versions[id(output)] = version  # the id stays unique, since the call keeps the output
            calls.append(_Call(name, module, output, version, handed_on))

        return note

    with _alone(network, gradients=False):
        output = _run_hooked(network, batch, {name: hook_for(name) for name, _ in network.named_modules() if name})
    return tuple(_traces(calls, len(batch))), output


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
        return _run_hooked(network, batch, {name: hook_for(name) for name, _ in network.named_modules() if name})


@dataclass(frozen=True)
class _Call:
    """The output of a module, its version (the count of writes to it) at that time, and whether it is the unchanged input."""

    name: str
    module: nn.Module
    output: object
    version: int
    handed_on: bool


def _traces(calls: list[_Call], images: int) -> Iterator[LayerTrace]:
    totals, seen = Counter(call.name for call in calls), Counter[str]()
    for call in calls:
        seen[call.name] += 1
        yield LayerTrace(
            name=f"{call.name}#{seen[call.name]}" if totals[call.name] > 1 else call.name,
            module=call.name,
            call=seen[call.name],
            shape=_shape_for_each(call.output, images),
            is_conv=isinstance(call.module, _ConvNd),
            overwritten=isinstance(call.output, Tensor) and call.output._version != call.version,
            handed_on=call.handed_on,
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
    with exclusive(network), undisturbed(network), torch.inference_mode(False), torch.set_grad_enabled(gradients):
        yield


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
    """The output of a layer if it is (N, C, h, w). Raises LayerError otherwise."""
    if not isinstance(output, Tensor) or output.dim() != 4 or len(output) != images:
        raise LayerError(f"layers: {layer.name!r} gave no (N, C, h, w) this time; name another layer")
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
        return Capture(read, explained, _run_backward(ran, explained, layers))


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
    start = batch.detach().requires_grad_().clone() if handed_on else batch
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
        layer.name: LayerCapture(own.detach(), gradient, place.detach(), seen_gradient)
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
    names = [layer.name for layer in layers]
    activations = {name: own.detach() for name, own in zip(names, outputs, strict=True)}
    return Reached(output, activations, dict(zip(names, found, strict=True)))


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
            found.append(_check_grid(output, layer, len(batch)).clone())  # later operations may write to it

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
    return Held(read.detached(), explained, holder.own.detach(), gradient, tuple(shifts), start.detach(), past)


def run_changed(network: nn.Module, batch: Tensor, layer: LayerTrace, change: Callable[[Tensor], Tensor]) -> object:
    """The output of the network after changing the output (N, C, h, w) of one layer.

    change: returns the new output, and leaves the old one, which other code may hold. Raises LayerError if the pass does not
    reach the layer, or its output is not (N, C, h, w), and errors as run does.
    """
    calls = Counter[str]()

    def replace(_: nn.Module, __: object, output: object) -> Tensor | None:
        calls[layer.module] += 1
        return change(_check_grid(output, layer, len(batch))) if calls[layer.module] == layer.call else None

    with _alone(network, gradients=False):
        output = _run_hooked(network, batch.clone(), {layer.module: replace})
    if calls[layer.module] < layer.call:
        raise _not_reached(layer)
    return output


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
    with enough_memory(f"network: a backward pass over a batch of {len(by[0])}, to {len(by)} places,"):
        return torch.autograd.grad(outputs, by, starts, retain_graph=again, allow_unused=True)


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
