"""The graph of a network: its modules in the order of the pass, what each reads, and the operations that join paths."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from explain_lib.passes.operations import Operator, Watching, flat, is_tensor, operator_name
from explain_lib.passes.running import Hook, alone, first_part, run_hooked, starting
from explain_lib.passes.stages import is_normalisation
from explain_lib.passes.tracing import LayerTrace


@dataclass(frozen=True)
class GraphNode:
    """A step of the pass: the picture, a call of a module that calls no other, or an operation that joins paths.

    kind: "input", the class of the module ("Conv2d"), or the operation ("add", "cat"). names: the layers whose output is that
    of the step, up to operations that join nothing; the first is the module's own. shape: of the output without the
    batch. sources: the numbers of the nodes that it reads, each once. is_module: whether it is a call of a module. completes:
    whether that only normalises, or is an activation function.
    """

    kind: str
    names: tuple[str, ...]
    shape: tuple[int, ...]
    sources: tuple[int, ...]
    is_module: bool = False
    completes: bool = False


@dataclass(frozen=True)
class GraphBlock:
    """A call of a module that calls others: the nodes from `first` to before `end` ran within it."""

    name: str
    first: int
    end: int


@dataclass(frozen=True)
class NetworkGraph:
    """The nodes of a pass, numbered from 0 in its order; 0 is the picture. blocks: inner ones before those around them."""

    nodes: tuple[GraphNode, ...]
    blocks: tuple[GraphBlock, ...]

    @property
    def joins(self) -> tuple[int, ...]:
        """The numbers of the operations that join paths, as the addition of a shortcut does."""
        return tuple(number for number, node in enumerate(self.nodes) if node.sources and not node.is_module)


def read_graph(network: nn.Module, batch: Tensor, layers: Sequence[LayerTrace]) -> NetworkGraph:
    """The graph of a network, from one pass without gradients.

    batch: float32 (N, channels, H, W). layers: as traced. Raises NetworkError if the network cannot run while its operations
    are watched.
    """
    reading, calls = _Reading(batch), iter(layers)

    def hook_for(_: str) -> Hook:
        def note(module: nn.Module, inputs: tuple[object, ...], given: object) -> None:
            reading.close(next(calls), module, inputs, first_part(given))

        return note

    with alone(network, gradients=False), reading:
        run_hooked(network, starting(network, batch), {name: hook_for(name) for name, _ in network.named_modules() if name})
    return reading.graph()


class _Reading(Watching):
    """Notes which step each tensor comes from; an operation on tensors of several steps joins their paths."""

    def __init__(self, batch: Tensor) -> None:
        super().__init__()
        self._nodes = [GraphNode("input", (), tuple(batch.shape[1:]), ())]
        self._names: dict[int, list[str]] = {}
        self._blocks: list[GraphBlock] = []
        self._steps = WeakIdKeyDictionary()
        self._written: dict[int, tuple[int, int]] = {}
        self._first: dict[str, int] = {}
        self._time = 0
        self._steps[batch] = 0, 0

    def __torch_dispatch__(
        self, func: Operator, types: Sequence[type], args: tuple[object, ...] = (), kwargs: dict[str, object] | None = None
    ) -> object:
        given = kwargs or {}
        sources = self._sources((*args, *given.values()))
        result = func(*args, **given)
        made = [value for value in flat((result,)) if is_tensor(value)]
        aliases = [one.alias_info for one in func._schema.arguments if one.alias_info is not None]
        if sources and made:
            step = sources[0] if len(sources) == 1 else self._add(operator_name(func).rstrip("_"), made[0], sources)
            self._set(made, step, writes=any(alias.is_write for alias in aliases), aliased=bool(aliases))
        elif not aliases:
            for value in made:  # the memory of a tensor that is gone
                self._written.pop(_storage(value), None)
        return result

    def close(self, layer: LayerTrace, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        """Note that a module has given its output."""
        first = self._first.pop(layer.module, None)
        if not is_tensor(output):
            return
        sources = self._sources((output,))
        if layer.handed_on or first is not None:
            if first is not None:
                self._blocks.append(GraphBlock(layer.name, first, len(self._nodes)))
            for step in sources:
                self._names.setdefault(step, []).append(layer.name)
            self._begin(layer.module, first)
            return
        step = self._add(type(module).__name__, output, self._sources(inputs) or sources, module)
        self._names[step] = [layer.name]
        self._set([output], step, writes=any(output is one for one in inputs), aliased=True)
        self._begin(layer.module, step)

    def _begin(self, module: str, step: int | None) -> None:
        """The modules around one have begun with this step, at the latest."""
        parts = module.split(".")
        for count in range(1, len(parts)) if step is not None else ():
            self._first.setdefault(".".join(parts[:count]), step or 0)

    def graph(self) -> NetworkGraph:
        """What was read, without steps that nothing named or read came from, such as those within a module."""
        read = {source for node in self._nodes for source in node.sources}
        kept = [number for number, node in enumerate(self._nodes) if node.is_module or number in read or number in self._names]
        place = {number: new for new, number in enumerate(kept)}
        nodes = tuple(
            GraphNode(
                node.kind,
                tuple(self._names.get(number, ())),
                node.shape,
                tuple(place[one] for one in node.sources if one in place),
                node.is_module,
                node.completes,
            )
            for number, node in ((number, self._nodes[number]) for number in kept)
        )
        blocks = tuple(
            GraphBlock(one.name, min(inside), max(inside) + 1)
            for one in self._blocks
            if (inside := [place[number] for number in range(one.first, one.end) if number in place])
        )
        return NetworkGraph(nodes, blocks)

    def _sources(self, values: Iterable[object]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(step for value in flat(values) if is_tensor(value) for step in self._step(value)))

    def _step(self, value: Tensor) -> tuple[int, ...]:
        """The step that wrote a tensor last, by itself or through another view of its memory, if it comes from the picture."""
        own = self._steps.get(value)
        return () if own is None else (max(own, self._written.get(_storage(value), own))[1],)

    def _add(self, kind: str, output: Tensor, sources: tuple[int, ...], module: nn.Module | None = None) -> int:
        completes = module is not None and _completes(module)
        self._nodes.append(GraphNode(kind, (), tuple(output.shape[1:]), sources, module is not None, completes))
        return len(self._nodes) - 1

    def _set(self, made: Iterable[Tensor], step: int, *, writes: bool, aliased: bool) -> None:
        self._time += 1
        for value in made:
            self._steps[value] = self._time, step
            if writes:
                self._written[_storage(value)] = self._time, step
            elif not aliased:
                self._written.pop(_storage(value), None)


def _completes(module: nn.Module) -> bool:
    activation = type(module).__module__ == nn.ReLU.__module__ and not isinstance(module, nn.MultiheadAttention)
    return activation or is_normalisation(module)


def _storage(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()
