"""The position of every cell, read from the operations of a network while it runs once.

Beside each tensor of the pass stand two others of its shape: y and x of the middle of what each element sees, in pixels of the
input. An operation that moves elements moves these too; a window takes the mean of its taps; where an element sees several
places that do not agree, or an operation is not known here, the position is NaN. Beyond the border positions go on as inside,
so that padding moves no cell (the arithmetic of receptive fields: distill.pub/2019/computing-receptive-fields, equation 3).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from explain_lib.base.errors import NETWORK_FAILURES
from explain_lib.passes.operations import Operator, Watching, flat, is_tensor, operator_name

Pair: TypeAlias = tuple[Tensor, Tensor]
"""Tensors of y and x, each of the shape of the tensor that they stand beside."""
Spans: TypeAlias = list[list[int]]
"""For each element along an axis, the elements before the operation that it sees; some may lie beyond the border."""

SAME = 1e-3
"""Positions that differ by less, in pixels, are the same."""
BRANCH_SHARE = 0.5
"""Branches may lie apart by this share of the distance of two cells; their cells then lie in the middle."""

MERGED_SHARE = 0.99
"""The elements of one cell may lie apart by this share: those of a patch, or of patches that are merged, lie within it."""

_MAKES = {"zeros", "ones", "full", "empty", "new_zeros", "new_empty", "new_ones", "zeros_like", "empty_like", "ones_like"}
_MOVES = {
    "cat", "stack", "flip", "roll", "index", "index_select", "repeat", "_unsafe_view", "clone", "pixel_shuffle",
    "pixel_unshuffle", "channel_shuffle", "view_copy", "rot90", "_to_copy", "unsafe_split", "unsafe_chunk", "im2col",
}  # fmt: skip


class PositionReading(Watching):
    """Keeps the positions of the elements of every tensor that comes from the input: `pairs`, while the tensor lives."""

    def __init__(self, batch: Tensor) -> None:
        """batch: float32 (N, channels, H, W), the input of the pass."""
        super().__init__()
        self.pairs = WeakIdKeyDictionary()
        self._fresh: set[int] = set()
        height, width = batch.shape[-2:]
        rows = torch.arange(height, dtype=torch.float32, device=batch.device)[:, None].expand(batch.shape)
        columns = torch.arange(width, dtype=torch.float32, device=batch.device).expand(batch.shape)
        self.pairs[batch] = rows, columns

    def __torch_dispatch__(
        self, func: Operator, types: Sequence[type], args: tuple[object, ...] = (), kwargs: dict[str, object] | None = None
    ) -> object:
        given = kwargs or {}
        result = func(*args, **given)
        results = [one for one in flat((result,)) if is_tensor(one)]
        if operator_name(func) in _MAKES:
            self._note_fresh(results)
        elif any(self._knows(value) for value in flat(args)):
            try:
                self._follow(func, args, given, results)
            except NETWORK_FAILURES:  # an operation of a form not met before: its places are not known
                self._forget(results)
        return result

    def _knows(self, value: object) -> TypeGuard[Tensor]:
        return is_tensor(value) and value in self.pairs

    def _note_fresh(self, results: list[Tensor]) -> None:
        """A new tensor may be written part by part, from places that are known."""
        for one in results:
            y, x = (torch.full(one.shape, torch.nan, device=one.device) for _ in range(2))
            self.pairs[one] = y, x
            self._fresh |= {y.untyped_storage().data_ptr(), x.untyped_storage().data_ptr()}

    def _forget(self, results: list[Tensor]) -> None:
        for one in results:
            self.pairs.pop(one, None)

    def _follow(self, func: Operator, args: tuple[object, ...], kwargs: dict[str, object], results: list[Tensor]) -> None:
        """Set the positions of the results."""
        aliases = [one.alias_info for one in func._schema.arguments if one.alias_info is not None]
        if operator_name(func) in _MOVES or (aliases and not any(alias.is_write for alias in aliases)):
            moved = ([one for one in flat((func(*self._beside(args, axis), **kwargs),)) if is_tensor(one)] for axis in (0, 1))
            for one, y, x in zip(results, *moved, strict=True):
                self._set(one, (y, x))
            return
        known = [self.pairs[value] if self._knows(value) else None for value in flat(args) if is_tensor(value)]
        pair = _after(_Operation(func, args, kwargs, tuple(known), results[0])) if results else None
        self._forget(results[1:] if pair else results)
        if pair is not None:
            self._set(results[0], pair)

    def _set(self, tensor: Tensor, pair: Pair) -> None:
        held = self.pairs.get(tensor)
        if held is not None and {one.untyped_storage().data_ptr() for one in held} <= self._fresh:
            for old, new in zip(held, pair, strict=True):  # a part that is written: the whole is seen to change
                old.copy_(new)
        else:
            self.pairs[tensor] = pair

    def _beside(self, args: tuple[object, ...], axis: int) -> tuple[object, ...]:
        """The arguments with positions in the place of tensors; a tensor of indices stays."""

        def one(value: object) -> object:
            if isinstance(value, list | tuple):
                return [one(part) for part in value]
            if self._knows(value):
                return self.pairs[value][axis]
            if is_tensor(value) and value.is_floating_point():
                return torch.full_like(value, torch.nan, dtype=torch.float32)
            return value

        return tuple(map(one, args))


def _ints(values: object) -> list[int]:
    return [int(value) for value in values] if isinstance(values, list | tuple) else []


# Section: operations that compute


@dataclass(frozen=True)
class _Operation:
    """An operation that was carried out. pairs: of each tensor among its arguments, None without one. result: its first."""

    func: Operator
    args: tuple[object, ...]
    kwargs: dict[str, object]
    pairs: tuple[Pair | None, ...]
    result: Tensor

    @property
    def known(self) -> list[Pair]:
        """The pairs that there are, at least one."""
        return [pair for pair in self.pairs if pair is not None]

    def numbers(self, place: int, usual: list[int]) -> list[int]:
        """An argument of whole numbers, one for both axes or one each."""
        return (_ints(self.args[place]) if len(self.args) > place else []) or usual


def _after(done: _Operation) -> Pair | None:
    """The positions after an operation; None where they are not known."""
    rule = _RULES.get(operator_name(done.func))
    if rule is None and torch.Tag.pointwise in done.func.tags:
        rule = _combined
    if rule is None and operator_name(done.func).endswith("_") and len(done.known) == 1:
        rule = _unchanged
    pair = None if rule is None else rule(done)
    if pair is None or any(one.shape != done.result.shape for one in pair):
        return None
    return pair


def _unchanged(done: _Operation) -> Pair:
    return done.known[0]


def _copied(done: _Operation) -> Pair | None:
    """What is written over has the positions of what is written."""
    source, shape = done.pairs[-1], done.result.shape
    return None if source is None else (source[0].expand(shape), source[1].expand(shape))


def _combined(done: _Operation) -> Pair:
    """Elements of several tensors: where both have a position and disagree by too much there is none.

    One without a position, such as a gate from a pooled picture or what attention adds, leaves the other's.
    """
    shape, (first, *others) = done.result.shape, done.known
    if all(one is first for one in others):
        return first[0].expand(shape), first[1].expand(shape)
    y, x = (_one_of([pair[place].expand(shape) for pair in done.known], axis) for place, axis in enumerate((-2, -1)))
    return y, x


def _one_of(tensors: list[Tensor], axis: int) -> Tensor:
    first = min(tensors, key=lambda one: compact(one).numel())
    if all(_alike(one, first) for one in tensors if one is not first):
        return first
    return _middle(torch.stack(tensors), 0, axis).squeeze(0)


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape are equal, where NaN equals NaN."""
    one, other = compact(one), compact(other)
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def compact(values: Tensor) -> Tensor:
    """The values with length 1 along each axis along which they were only expanded; most positions are, along channels."""
    for axis, stride in enumerate(values.stride()):
        if stride == 0:
            values = values.narrow(axis, 0, 1)
    return values


def _middle(values: Tensor, over: int, axis: int) -> Tensor:
    """The mean over a dimension, which stays with length 1, of those with a position; NaN where they lie too far apart.

    axis: along which cells lie.
    """
    present = values.isfinite()
    mean = torch.where(present, values, 0).sum(over, keepdim=True) / present.sum(over, keepdim=True)  # 0 / 0 is NaN
    spread = torch.where(present, (values - mean).abs(), 0).amax(over, keepdim=True)
    return torch.where(2 * spread <= _allowed(mean, axis), mean, torch.nan)


def _allowed(positions: Tensor, axis: int) -> float:
    """How far branches may lie apart."""
    steps = positions.diff(dim=axis).abs()
    some = steps[steps.isfinite()]
    return max(SAME, BRANCH_SHARE * float(some.median())) if len(some) else SAME


def _agreed(values: Tensor, axis: int) -> Tensor:
    """The position of the elements along a dimension, which stays with length 1; NaN where they lie too far apart.

    They may lie apart by less than the distance of two cells, as the pixels of a patch do.
    """
    if values.stride(axis) == 0 or values.shape[axis] == 1:
        return values.narrow(axis, 0, 1)
    present = values.isfinite()
    low = torch.where(present, values, torch.inf).amin(axis, keepdim=True)
    high = torch.where(present, values, -torch.inf).amax(axis, keepdim=True)
    middle = torch.where(low <= high, (low + high) / 2, torch.nan)
    if bool(((high - low).abs() <= SAME).all()):
        return middle
    steps = middle.diff(dim=-2 if axis % values.dim() == values.dim() - 1 else -1).abs()
    some = steps[steps.isfinite() & (steps > SAME)]
    allowed = max(SAME, MERGED_SHARE * float(some.median())) if len(some) else SAME
    return torch.where((high - low).abs() <= allowed, middle, torch.nan)


def of_cells(pair: Pair) -> Pair:
    """One position for all channels: from (1, C, h, w) to (h, w); NaN where channels lie too far apart."""
    y, x = _planes(pair)
    return y[0, 0], x[0, 0]


def _plane(values: Tensor, axis: int) -> Tensor:
    """One position for all channels: (N, C, h, w) to (N, 1, h, w)."""
    return values[:, :1] if values.stride(1) == 0 else _middle(values, 1, axis)


def _reduced(done: _Operation) -> Pair | None:
    """A sum or mean over channels keeps the position; one over places has none."""
    if len(done.args) < 2 or not isinstance(done.args[1], list | tuple):
        return None
    axes, (y, x) = _ints(done.args[1]), done.known[0]
    for axis in axes:
        y, x = _agreed(y, axis), _agreed(x, axis)
    kept = done.result.dim() == y.dim()
    return (y, x) if kept else (y.squeeze(tuple(axes)), x.squeeze(tuple(axes)))


def _multiplied(done: _Operation) -> Pair | None:
    """A product with a matrix that is no picture: each row, or column, keeps its place if it has only one."""
    left, right = done.pairs[-2:]
    if left is None and right is None:
        return None
    # of two that have places, as the queries and keys of attention, each row belongs to the left one's
    axis, (y, x) = (-1, left) if left is not None else (-2, done.known[-1])
    shape = done.result.shape
    return _agreed(y, axis).expand(shape), _agreed(x, axis).expand(shape)


def _attended(done: _Operation) -> Pair | None:
    """Attention: it sees every place, and each row belongs to the query's."""
    query, shape = done.pairs[0], done.result.shape
    if query is None:
        return None
    y, x = (_agreed(one, -1).expand(shape) for one in query)
    return y, x


def _convolved(done: _Operation) -> Pair | None:
    """A convolution, or a transposed one: each cell lies in the middle of its kernel's taps."""
    weight, transposed = done.args[1], bool(done.args[6])
    if not is_tensor(weight) or weight.dim() != 4 or done.result.dim() != 4:
        return None
    spans = []
    for axis in (0, 1):
        stride, padding, dilation = (_of_axis(done.numbers(place, [0]), axis) for place in (3, 4, 5))
        spread = _sources if transposed else _taps
        spans.append(spread(done.result.shape[2 + axis], weight.shape[2 + axis], stride, padding, dilation))
    return _windowed(done, spans)


def _of_axis(values: list[int], axis: int) -> int:
    return values[axis % len(values)]


def _taps(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Spans:
    return [[place * stride - padding + tap * dilation for tap in range(kernel)] for place in range(size)]


def _sources(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Spans:
    """The elements that reach each one through a transposed convolution."""
    found = []
    for place in range(size):
        reached = [place + padding - tap * dilation for tap in range(kernel)]
        found.append([start // stride for start in reached if start % stride == 0])
    return found


def _pooled(done: _Operation) -> Pair | None:
    """A window of pooling lies in the middle of its taps; those that ceil_mode puts beyond the padding do not count."""
    if done.result.dim() != 4:
        return None
    kernel = done.numbers(1, [1])
    stride, padding = done.numbers(2, kernel), done.numbers(3, [0])
    dilation = done.numbers(4, [1]) if operator_name(done.func).startswith("max_pool2d") else [1]
    spans = []
    for axis in (0, 1):
        cells = done.known[0][0].shape[2 + axis]
        of_axis = [_of_axis(values, axis) for values in (kernel, stride, padding, dilation)]
        taps = _taps(done.result.shape[2 + axis], *of_axis)
        spans.append([[tap for tap in span if tap < cells + of_axis[2]] for span in taps])
    return _windowed(done, spans)


def _pooled_to_size(done: _Operation) -> Pair | None:
    """Adaptive pooling; the whole picture is no place."""
    sizes = done.result.shape[-2:]
    if done.result.dim() != 4 or tuple(sizes) == (1, 1):
        return None
    return _windowed(done, [_shares(*both) for both in zip(done.known[0][0].shape[-2:], sizes, strict=True)])


def _shares(cells: int, size: int) -> Spans:
    """The windows of adaptive pooling."""
    return [list(range(place * cells // size, -(-(place + 1) * cells // size))) for place in range(size)]


def _windowed(done: _Operation, spans: Sequence[Spans]) -> Pair:
    y, x = (_means(_means(one, spans[0], 2), spans[1], 3) for one in _planes(done.known[0]))
    channels = done.result.shape[1]
    return y.expand(-1, channels, -1, -1), x.expand(-1, channels, -1, -1)


def _planes(pair: Pair) -> Iterator[Tensor]:
    yield from (_plane(values, axis) for values, axis in zip(pair, (-2, -1), strict=True))


def _means(values: Tensor, spans: Spans, axis: int) -> Tensor:
    """The mean position of the elements of each span along an axis; NaN for an empty one."""
    places = [place for span in spans for place in span] or [0]
    before = max(0, -min(places))
    extended = _extended(values, axis, before, max(0, max(places) - values.shape[axis] + 1))
    nowhere = torch.full_like(values.narrow(axis, 0, 1), torch.nan)

    def mean(span: list[int]) -> Tensor:
        return extended.index_select(axis, torch.tensor(span, device=values.device) + before).mean(axis, keepdim=True)

    return torch.cat([mean(span) if span else nowhere for span in spans], axis)


def _extended(values: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Positions that go on beyond both ends as they do there."""
    if before <= 0 and after <= 0:
        return values
    size = values.shape[axis]
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, size - 1, 1)
    ahead = values.narrow(axis, 1, 1) - first if size > 1 else torch.zeros_like(first)
    behind = last - values.narrow(axis, size - 2, 1) if size > 1 else torch.zeros_like(last)
    parts = [first + ahead * step for step in range(-before, 0)] + [values]
    return torch.cat([*parts, *(last + behind * step for step in range(1, after + 1))], axis)


def _padded(done: _Operation) -> Pair:
    """Padding on the left and right, then above and below; a negative one crops."""
    y, x = (_with_padding(values, _ints(done.args[1])) for values in done.known[0])
    return y, x


def _with_padding(values: Tensor, padding: list[int]) -> Tensor:
    for place, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True)):
        axis = values.dim() - 1 - place
        kept = values.shape[axis] + min(0, before) + min(0, after)
        cropped = values.narrow(axis, max(0, -before), kept)
        values = _extended(cropped, axis, max(0, before), max(0, after))
    return values


def _enlarged(done: _Operation) -> Pair | None:
    """Positions are enlarged as the values are."""
    y, x = (done.func(one.contiguous(), *done.args[1:], **done.kwargs) for one in _planes(done.known[0]))
    if not (is_tensor(y) and is_tensor(x)):
        return None
    return y.expand(-1, done.result.shape[1], -1, -1), x.expand(-1, done.result.shape[1], -1, -1)


def _each(rule: Callable[[_Operation], Pair | None], *names: str) -> dict[str, Callable[[_Operation], Pair | None]]:
    return dict.fromkeys(names, rule)


_NORMALISES = ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
_RULES: dict[str, Callable[[_Operation], Pair | None]] = {
    **_each(_unchanged, *_NORMALISES, "native_layer_norm", "native_group_norm", "native_dropout", "_softmax", "_log_softmax"),
    **_each(_unchanged, "_prelu_kernel", "rrelu_with_noise", "cumsum"),
    **_each(_copied, "copy_"),
    **_each(_convolved, "convolution"),
    **_each(_pooled, "max_pool2d_with_indices", "avg_pool2d"),
    **_each(_pooled_to_size, "_adaptive_avg_pool2d", "adaptive_max_pool2d"),
    **_each(_enlarged, "upsample_nearest2d", "_upsample_nearest_exact2d", "upsample_bilinear2d", "upsample_bicubic2d"),
    **_each(_padded, "constant_pad_nd", "reflection_pad2d", "replication_pad2d"),
    **_each(_reduced, "mean", "sum", "amax", "amin", "var", "std", "logsumexp"),
    **_each(_multiplied, "mm", "addmm", "bmm", "baddbmm"),
    **_each(_attended, "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
    **_each(_attended, "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
    **_each(_attended, "_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
}
"""What operations that compute do to positions; others that work element by element combine them."""
