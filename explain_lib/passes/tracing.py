"""The layers of a pass: every call of every module, the axes of its output, and its place on the way to the scores."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd

from explain_lib.base.errors import InputError, NetworkError
from explain_lib.base.sheets import Sheet
from explain_lib.passes.flow import Flow, Node, trunk_of
from explain_lib.passes.forwarded import sheet_of
from explain_lib.passes.layouts import (
    Layout,
    Layouts,
    contradicts_plain,
    find_layout,
    given_layout,
    last_layout,
    plain_layout,
    sheet_layout,
)
from explain_lib.passes.outputs import main_part
from explain_lib.passes.positions import Pair, PositionReading, of_cells
from explain_lib.passes.running import Hook, alone, first_part, run_hooked, starting, with_graph_if_needed


@dataclass(frozen=True)
class LayerTrace:
    """One call of one module in a forward pass.

    name: the name of the module, followed by "#1", "#2" ... if it is called more than once. shape: that of the output without
    the batch, () if the output is no tensor with the batch first. is_conv: whether the module is a convolution.
    overwritten: whether a later in-place operation overwrites the output. handed_on: whether the output is the unchanged
    input, as for nn.Identity. layout: how the output becomes (N, C, h, w), None if it does not, or nobody can tell. tensor: a
    number that calls with the same output share. in_tuple: whether the output is the first part of a tuple. on_trunk: whether
    all paths from the picture to the scores lead through the output; reads_trunk: whether they do through the input. steers:
    whether the output only serves as a gate for others, or says where they are looked at. cells: the y and x of each cell,
    float32 (h, w), where the pass was read for them; else None.
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
    in_tuple: bool = False
    on_trunk: bool = False
    reads_trunk: bool = False
    steers: bool = False
    cells: Pair | None = field(default=None, repr=False, compare=False)

    @property
    def is_spatial(self) -> bool:
        """Whether the output is, or becomes, (N, C, h, w) with cells of its own, which Grad-CAM needs."""
        return self.layout is not None and not self.steers

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the output. Only a layer with a layout has one."""
        return self._known_layout.grid

    @property
    def slices(self) -> int:
        """The slices that the rows of the grid belong to, 1 but for volumes. Only a layer with a layout has them."""
        return self._known_layout.slices or 1

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
            def note(module: nn.Module, inputs: tuple[object, ...], given: object) -> None:
                output = first_part(given)
                version = output._version if isinstance(output, Tensor) else 0
                handed_on = any(output is one for one in inputs) and versions.get(id(output)) == version
                versions[id(output)] = version  # the id stays unique, since the call keeps the output
                nodes = (None, None) if flow is None else (flow.node(inputs[0] if inputs else None), flow.node(output))
                calls.append(_Call(name, module, output, version, handed_on, output is not given, *nodes))

            return note

        with flow or nullcontext():
            hooks = {name: hook_for(name) for name, _ in network.named_modules() if name}
            return run_hooked(network, starting(network, batch), hooks)

    with alone(network, gradients=False):
        flow: Flow | None = Flow(batch)
        try:
            output = passed(flow)
        except NetworkError:  # it may run, but not while its operations are watched, as a compiled one
            flow = None
            output = with_graph_if_needed(network, lambda: passed(None))
        ways = _Ways.of(flow, output)
        shapes = [_shape_for_each(call.output, len(batch)) for call in calls]
        sheet = sheet_of(network)
        read = sheet is None and (ways.turns or any(len(shape) == 2 for shape in shapes))
        pairs = read_positions(network, batch) if read else {}
        return tuple(_traces(calls, shapes, ways, _Layouts(layouts, pairs, ways.turns, sheet))), output


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

    look: takes the module's name, the number of its call, from 1, and the output, of a tuple the first part. Raises
    NetworkError if the network cannot run.
    """
    calls = Counter[str]()

    def hook_for(name: str) -> Hook:
        def seen(_: nn.Module, __: object, output: object) -> None:
            calls[name] += 1
            look(name, calls[name], first_part(output))

        return seen

    with alone(network, gradients=False):
        hooks = {name: hook_for(name) for name, _ in network.named_modules() if name}
        return run_hooked(network, starting(network, batch), hooks)


@dataclass(frozen=True)
class _Call:
    """The output of a module, its version (the count of writes to it) at that time, and whether it is the unchanged input.

    in_tuple: whether it is the first part of a tuple. source, node: the first input and the output in the flow of
    the pass, None where they do not come from the picture.
    """

    name: str
    module: nn.Module
    output: object
    version: int
    handed_on: bool
    in_tuple: bool
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
    """What is known of the layouts: those given, positions of elements, whether an operation moved axes, and the sheet."""

    given: Layouts
    pairs: dict[tuple[str, int], Pair]
    turns: bool
    sheet: Sheet | None

    def of(self, name: str, call: int, made: _Call, shape: tuple[int, ...]) -> Layout | None:
        if self.sheet is not None:
            first = isinstance(made.module, _CHANNELS_FIRST) or not self.turns
            return sheet_layout(shape, self.sheet) if first and made.node is not None else None
        if isinstance(self.given, Mapping):
            own = self.given.get(name, self.given.get(made.name))
            if own is not None and isinstance(made.output, Tensor):
                return given_layout(name, own, shape, made.output)
        key = made.name, call
        found = self._found(key, made.module, shape)
        of_picture = made.node is not None or not self.pairs  # a position that is learnt belongs to none
        if found is None and callable(self.given) and of_picture and not self._placed(key) and isinstance(made.output, Tensor):
            with suppress(InputError):  # one function for all: what it does not fit has no grid
                return given_layout(name, self.given, shape, made.output)
        return found

    def cells(self, made: _Call, call: int, layout: Layout | None) -> Pair | None:
        """The positions of the cells; None where they were not read, or the caller's own function would have to turn them."""
        pair = self.pairs.get((made.name, call))
        if pair is None or layout is None or layout.reshape is not None:
            return None
        return of_cells((layout.turned(pair[0]), layout.turned(pair[1])))

    def _placed(self, key: tuple[str, int]) -> bool:
        """Whether positions of the output are known; where they make no grid, nothing does."""
        pair = self.pairs.get(key)
        return pair is not None and bool(pair[0].isfinite().any())

    def _found(self, key: tuple[str, int], module: nn.Module, shape: tuple[int, ...]) -> Layout | None:
        pair = self.pairs.get(key)
        found = None if pair is None else find_layout(pair)
        if found is not None:
            return found
        if isinstance(module, _CHANNELS_FIRST) or not self.turns:
            return None if pair is not None and contradicts_plain(pair) else plain_layout(shape)
        return last_layout(shape) if _normalises_last(module, shape) and not self._placed(key) else None


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
        layout = layouts.of(name, seen[call.name], call, shape)
        yield LayerTrace(
            name=name,
            module=call.name,
            call=seen[call.name],
            shape=shape,
            is_conv=isinstance(call.module, _ConvNd),
            overwritten=isinstance(call.output, Tensor) and call.output._version != call.version,
            handed_on=call.handed_on,
            layout=layout,
            tensor=tensors.setdefault(id(call.node or call.output), len(tensors)),
            in_tuple=call.in_tuple,
            on_trunk=call.node in ways.trunk,
            reads_trunk=call.source in ways.trunk,
            steers=call.node in ways.steering,
            cells=layouts.cells(call, seen[call.name], layout),
        )


def _shape_for_each(output: object, images: int) -> tuple[int, ...]:
    """The shape of an output for each image, () if it is no tensor with the images first."""
    if isinstance(output, Tensor) and output.dim() > 0 and len(output) == images:
        return tuple(output.shape[1:])
    return ()
