"""The axes of a layer's output: where channels, rows and columns lie, and the same output as (N, C, h, w).

They are found from the position of every element (positions.py): the axis along which only y changes holds the rows, the one
along which only x changes the columns; where both change along one axis, it holds tokens, and those without a place, such as
class and register tokens, come before the grid or after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args
from uuid import uuid4

import torch
from torch import Tensor, nn

from explain_lib.base.errors import InputError
from explain_lib.base.sheets import Sheet
from explain_lib.passes.positions import Pair, compact

LayoutName = Literal["channels-first", "channels-last", "tokens"]
LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)
Reshape: TypeAlias = Callable[[Tensor], Tensor]
"""From an output to (N, C, h, w), by moving elements only: a reshape_transform of the package grad-cam."""
Layouts: TypeAlias = Mapping[str, LayoutName | Reshape] | Reshape | None
"""The layouts that the caller gives: by the names of layers, or one function for all that have no grid otherwise."""

SAME = 1e-2
"""Positions that differ by less, in pixels, are the same."""
APART = 0.75
"""Channels of one cell may lie apart by this share of the distance of two cells."""


@dataclass(frozen=True)
class Layout:
    """How an output becomes (N, C, h, w).

    shape: (C, h, w). order: the axes of channels, rows and columns, after tokens are split into rows and columns. tokens: their
    axis and the first of them that belongs to the grid, None if rows and columns have axes of their own. reshape: the caller's
    own function, which takes the place of both. mark: tells a layout that the caller gave from others; empty for one seen.
    slices: of a network of volumes, the slices t of an output (N, C, t, h, w), which become t * h rows; 1 for a signal's
    (N, C, l), which becomes one row; None for a network of pictures.
    """

    shape: tuple[int, int, int]
    order: tuple[int, int, int] = (1, 2, 3)
    tokens: tuple[int, int] | None = None
    reshape: Reshape | None = None
    mark: str = ""
    slices: int | None = None

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        return self.shape[1], self.shape[2]

    @property
    def is_plain(self) -> bool:
        """Whether the output is (N, C, h, w) as it stands."""
        return self.order == (1, 2, 3) and self.tokens is None and self.reshape is None and self.slices is None

    def turned(self, output: Tensor) -> Tensor:
        """An output with these axes as (N, C, h, w): a view of it, unless a function of the caller's copies."""
        if self.reshape is not None:
            return self.reshape(output)
        if self.slices is not None:
            return output.unsqueeze(2) if output.dim() == 3 else output.flatten(2, 3)
        if self.tokens is not None:
            axis, first = self.tokens
            output = output.narrow(axis, first, self.grid[0] * self.grid[1]).unflatten(axis, self.grid)
        return output if self.order == (1, 2, 3) else output.permute(0, *self.order)


def plain_layout(shape: tuple[int, ...]) -> Layout | None:
    """The layout of an output (N, C, h, w), given its shape without N; None for one with more or fewer axes."""
    return Layout((shape[0], shape[1], shape[2])) if len(shape) == 3 else None


def sheet_layout(shape: tuple[int, ...], sheet: Sheet) -> Layout | None:
    """The layout of an output (N, C, t, h, w) in a network of volumes, or (N, C, l) of signals, given its shape without N."""
    if sheet.is_volume:
        return Layout((shape[0], shape[1] * shape[2], shape[3]), slices=shape[1]) if len(shape) == 4 else None
    return Layout((shape[0], 1, shape[1]), slices=1) if len(shape) == 2 else None


def last_layout(shape: tuple[int, ...]) -> Layout | None:
    """The layout of an output (N, h, w, C), given its shape without N; None for one with more or fewer axes."""
    return Layout((shape[2], shape[0], shape[1]), (3, 1, 2)) if len(shape) == 3 else None


def find_layout(pair: Pair) -> Layout | None:
    """The layout of an output, from the y and x of each element, of the output's shape; None where they show none.

    NaN is an element without a place.
    """
    shape = pair[0].shape
    y, x = (compact(values[:1]).detach().cpu() for values in pair)
    if len(shape) == 3:
        return _token_layout(y, x, shape)
    return _grid_layout(y, x, shape) if len(shape) == 4 else None


def contradicts_plain(pair: Pair) -> bool:
    """Whether an output over four axes is surely not (N, C, h, w): y changes along a row, or x along a column."""
    y, x = (compact(values[:1]) for values in pair)
    return y.dim() == 4 and (_range(y, 3) > SAME or _range(x, 2) > SAME)


def _grid_layout(y: Tensor, x: Tensor, shape: Sequence[int]) -> Layout | None:
    """The layout where rows and columns have axes of their own. An axis of length 1 is told by what is left."""
    if not all(bool(values.isfinite().all()) for values in (y, x)):
        return None
    varying = [_axis_of(values) for values in (y, x)]
    if None in varying or (varying[0] and varying[0] == varying[1]):
        return None
    fitting = [order for order in _ORDERS if _fits(order, varying, shape)]
    if not fitting:
        return None
    channels, rows, columns = fitting[0]
    return Layout((shape[channels], shape[rows], shape[columns]), fitting[0])


_ORDERS = ((1, 2, 3), (3, 1, 2), (2, 1, 3), (1, 3, 2), (3, 2, 1), (2, 3, 1))


def _fits(order: tuple[int, int, int], varying: Sequence[int | None], shape: Sequence[int]) -> bool:
    return all(one == axis or (one == 0 and shape[axis] == 1) for axis, one in zip(order[1:], varying, strict=True))


def _axis_of(values: Tensor) -> int | None:
    """The axis along which positions change; 0 where they are the same everywhere, None where they change along several.

    Channels may lie apart by less than the distance of two cells, as after a merging of patches.
    """
    reach = {axis: _range(values, axis) for axis in (1, 2, 3)}
    first, second, _ = sorted(reach, key=reach.__getitem__, reverse=True)
    if reach[first] <= SAME:
        return 0
    step = reach[first] / (values.shape[first] - 1)
    return first if reach[second] <= max(SAME, APART * step) else None


def _range(values: Tensor, axis: int) -> float:
    """How far positions reach along an axis."""
    return float((values.amax(axis) - values.amin(axis)).max()) if values.shape[axis] > 1 else 0.0


def _token_layout(y: Tensor, x: Tensor, shape: Sequence[int]) -> Layout | None:
    """The layout where both change along one axis: a whole grid of tokens, row by row."""
    for axis, other in ((1, 2), (2, 1)):
        lines = [_line(values, other)[0].expand(shape[axis]) for values in (y, x)]
        placed = torch.isfinite(lines[0]) & torch.isfinite(lines[1])
        grid = _raster(*(line[placed] for line in lines)) if bool(placed.any()) else None
        if grid is None:
            continue
        first, last = (int(end) for end in (placed.nonzero()[0], placed.nonzero()[-1]))
        if last - first + 1 != grid[0] * grid[1]:
            return None  # a token without a place lies in the midst of the grid
        return Layout((shape[other], *grid), (3, 1, 2) if axis == 1 else (1, 2, 3), (axis, first))
    return None


def _line(values: Tensor, other: int) -> Tensor:
    """The position of each token, (1, T); NaN where its channels differ or have none."""
    low, high = values.amin(other), values.amax(other)
    return torch.where(high - low <= SAME, low, torch.nan)


def _raster(y: Tensor, x: Tensor) -> tuple[int, int] | None:
    """(h, w) of tokens that lie row by row, from left to right; None for any other order, and for a single token."""
    turns = ((y[1:] - y[:-1]).abs() > SAME).nonzero().flatten()
    width = int(turns[0]) + 1 if len(turns) else len(y)
    if len(y) < 2 or len(y) % width:
        return None
    rows, columns = y.view(-1, width), x.view(-1, width)
    rising = bool((rows[1:, 0] - rows[:-1, 0] > SAME).all() and (columns[0, 1:] - columns[0, :-1] > SAME).all())
    whole = bool(((rows - rows[:, :1]).abs() <= SAME).all() and ((columns - columns[:1]).abs() <= SAME).all())
    return (len(y) // width, width) if rising and whole else None


# Section: layouts that the caller gives


def checked_layouts(given: Layouts, network: nn.Module) -> Layouts:
    """The layouts themselves. Raises InputError for anything else, and for a layer that the network does not have."""
    if given is None or callable(given):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"layout: a {type(given).__name__}; names of layers with their layouts, or a function, would be right")
    modules = dict(network.named_modules())
    for name in given:
        if str(name).partition("#")[0] not in modules:
            raise InputError(f"layout: there is no layer {name!r}; a name from network.named_modules() would be right")
    return given


def given_layout(name: str, given: LayoutName | Reshape, shape: tuple[int, ...], output: Tensor) -> Layout:
    """The layout that the caller gives for a layer, checked against its output (N, ...); shape: without N.

    Raises InputError for a layout that does not fit, and for tokens that make no square.
    """
    if callable(given):
        return _own_layout(name, given, output)
    if given == "tokens" and len(shape) == 2:
        tokens, channels = shape
        side = int(tokens**0.5)
        return Layout((channels, side, side), (3, 1, 2), (1, tokens - side * side), mark=given)
    found = {"channels-first": plain_layout, "channels-last": last_layout}.get(given)
    layout = None if found is None else found(shape)
    if layout is None:
        right = "a function from its output to (N, C, h, w)" if given in LAYOUTS else f"one of {_NAMES}, or a function"
        raise InputError(f"layout: {given!r} for {name!r}, which gives {shape_words(shape)}; {right} would be right")
    return replace(layout, mark=given)


_NAMES = ", ".join(LAYOUTS)


def _own_layout(name: str, reshape: Reshape, output: Tensor) -> Layout:
    try:
        turned = reshape(output)
    except Exception as error:  # the caller's code may raise anything
        raise InputError(
            f"layout: the function for {name!r} fails on its output of shape {tuple(output.shape)} "
            f"({type(error).__name__}: {error}); one that returns (N, C, h, w) would be right"
        ) from error
    if not isinstance(turned, Tensor) or turned.dim() != 4 or len(turned) != len(output):
        found = f"shape {tuple(turned.shape)}" if isinstance(turned, Tensor) else f"a {type(turned).__name__}"
        raise InputError(f"layout: the function for {name!r} returns {found}; (N, C, h, w) would be right")
    _, channels, height, width = turned.shape
    return Layout((channels, height, width), reshape=reshape, mark=uuid4().hex)


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape without N in words: "(N, 197, 768)"."""
    return f"(N, {', '.join(map(str, shape))})" if shape else "something that is not one tensor (N, ...)"
