"""The paths of a pass from the picture to the scores: which tensors all of them lead through, and which only steer others.

A tensor lies on the trunk if every path from the picture to the scores leads through it: it dominates the scores, in the terms
of flow graphs. Dominators are kept as the operations run (Cooper, Harvey and Kennedy 2001, "A Simple, Fast Dominance
Algorithm": each tensor's nearest one is the nearest common ancestor of those of its operands).
"""

from collections.abc import Iterable, Sequence

from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from explain_lib.passes.operations import Operator, Watching, flat, is_tensor, operator_name

_TURNS = {"permute", "transpose", "im2col", "as_strided", "unfold", "permute_copy", "transpose_copy"}
"""Operations after which channels may lie along another axis."""
_STEERED = {"deform_conv2d": (2, 3), "grid_sampler_2d": (1,), "grid_sampler": (1,)}
"""The arguments that say where the first one is looked at."""


class Node:
    """A tensor of the pass at one time. above: the nearest tensor that all paths to it lead through; None for the input."""

    __slots__ = ("above", "depth")

    def __init__(self, above: "Node | None") -> None:
        self.above = above
        self.depth: int = 0 if above is None else above.depth + 1


class Flow(Watching):
    """Follows what comes from the input, operation by operation.

    turns: whether an operation moved axes. steering: the tensors that were only used as gates, factors that are the same in all
    cells or all channels, or as the places at which others are looked at.
    """

    def __init__(self, batch: Tensor) -> None:
        """batch: the input of the pass."""
        super().__init__()
        self.turns = False
        self.steering: set[Node] = set()
        self._nodes = WeakIdKeyDictionary()
        self._written: dict[int, Node] = {}
        self._nodes[batch] = Node(None)

    def node(self, value: object) -> Node | None:
        """The node of a tensor as it now is; None for anything that does not come from the input."""
        if not is_tensor(value):
            return None
        own, written = self._nodes.get(value), self._written.get(_storage(value)) if self._written else None
        return own if written is None else written if own is None else _common([own, written])

    def __torch_dispatch__(
        self, func: Operator, types: Sequence[type], args: tuple[object, ...] = (), kwargs: dict[str, object] | None = None
    ) -> object:
        given = kwargs or {}
        operands = [node for value in flat((*args, *given.values())) if (node := self.node(value)) is not None]
        result = func(*args, **given)
        if operands or self._written:
            self._note(func, args, operands, result)
        return result

    def _note(self, func: Operator, args: tuple[object, ...], operands: list[Node], result: object) -> None:
        aliases = [one.alias_info for one in func._schema.arguments if one.alias_info is not None]
        results = [value for value in flat((result,)) if is_tensor(value)]
        if not operands:
            for value in results if not aliases else ():
                self._written.pop(_storage(value), None)  # the memory of a tensor that is gone
            return
        name = operator_name(func)
        self.turns |= name in _TURNS
        self._note_steering(name, args)
        made = Node(_common(operands))
        for value in results:
            if any(alias.is_write for alias in aliases):
                self._written[_storage(value)] = made
            elif not aliases:
                self._written.pop(_storage(value), None)
            self._nodes[value] = made

    def _note_steering(self, name: str, args: tuple[object, ...]) -> None:
        places = _STEERED.get(name, ())
        if places:
            self._steer(args[0], [args[place] for place in places if place < len(args)])
        elif name in ("mul", "mul_") and len(args) == 2:
            for gate, gated in (args, args[::-1]):
                if is_tensor(gate) and is_tensor(gated) and _spreads(gate, gated):
                    self._steer(gated, [gate])

    def _steer(self, gated: object, gates: list[object]) -> None:
        """Note what leads to a gate alone: the tensors above it, up to one that leads to what is gated, too."""
        data = self.node(gated)
        for given in gates:
            node = self.node(given)
            shared = None if data is None or node is None else _common([data, node])
            while node is not None and shared is not None and node is not shared:
                self.steering.add(node)
                node = node.above


def trunk_of(scores: Node | None) -> set[Node]:
    """The tensors that all paths to the scores lead through; empty for None."""
    found: set[Node] = set()
    while scores is not None:
        found.add(scores)
        scores = scores.above
    return found


def _common(nodes: Iterable[Node]) -> Node:
    """The nearest common ancestor."""
    found, *others = nodes
    for other in others:
        met = other
        while found is not met:
            if found.depth >= met.depth and found.above is not None:
                found = found.above
            elif met.above is not None:
                met = met.above
    return found


def _spreads(gate: Tensor, gated: Tensor) -> bool:
    """Whether a factor is the same in all cells of (N, C, h, w), or of a volume's (N, C, t, h, w), or in all its channels."""
    if gate.dim() not in (4, 5) or gated.dim() != gate.dim():
        return False
    cells, channels = gated.shape[2:].numel(), gated.shape[1]
    return (gate.shape[2:].numel() == 1 < cells) or (gate.shape[1] == 1 < channels and gate.shape[2:] == gated.shape[2:])


def _storage(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()
