"""A network with the weights of a file: those of its names, wherever in the file they are, and what is said of the rest."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from explain_lib.base.errors import DataError
from explain_lib.base.words import error_words, few_names, one_line
from explain_lib.loading.architectures import TRAINING_ONLY, find_architecture
from explain_lib.loading.blueprint import Architecture
from explain_lib.loading.weight_files import Held, WeightFile
from explain_lib.passes.operations import Operator, Watching, is_tensor, operator_name
from explain_lib.passes.sharing import own_random_numbers

Shape = tuple[tuple[int, ...], torch.dtype]

_WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
"""What PyTorch's own wrappers put into names, at any depth."""
_COUNTS = "num_batches_tracked"
"""How often a batch normalisation was trained; older files have none, and no map depends on it."""
_AVERAGED = re.compile(r"(^|[._])(ema|swa|averaged)($|[._])")


@dataclass(frozen=True)
class Built:
    """A network with its weights, and sentences on what was chosen, left out or converted, empty if nothing was."""

    network: nn.Module
    said: str


def build_network(architecture: Architecture, file: WeightFile, source: str) -> Built:
    """The network with the weights of a file, and as many outputs as the file has.

    The weights may be inside a training checkpoint and have a common prefix; where several sets of weights fit, an average over
    the training (EMA) is taken, else the first, which is said. source: the name of the file in messages.

    Raises DataError if a weight is missing or has another shape, and for weights of another, larger architecture; this is
    checked before the network is built, except for a factory.
    """
    shapes = _Shapes(architecture)
    usual = shapes.of(None)
    places = _places(file.held, usual)
    if not places.complete:
        raise DataError(_misfit(architecture, places, usual, source))
    fits = [fit for prefix in places.complete if (fit := _fit(shapes, file.held, places, prefix)).wrong is None]
    if not fits:
        wrong = _fit(shapes, file.held, places, places.complete[0]).wrong
        raise DataError(f"{source}: {wrong}")
    chosen = min(fits, key=lambda fit: not _AVERAGED.search(fit.prefix))  # the first of equals
    used = {at for fit in fits for at in fit.names.values()}
    surplus = _surplus(file.held, chosen, used, architecture)
    alien = [name for name in surplus if _is_of_another(name, usual)]
    if alien:
        raise DataError(_no_weights_of(architecture, source, f"{_few(alien)} not of it"))
    network = _filled(architecture, chosen, file, source)
    others = [fit.prefix for fit in fits if fit is not chosen]
    said = (_choice(chosen.prefix, others), _left_out(surplus, architecture), _converted(chosen, file.held), chosen.resized)
    return Built(network, " ".join(filter(None, said)))


# Section: what an architecture needs


class _Shapes:
    """Shape and dtype of every weight of an architecture, in the order of the network, by the number of its outputs."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        own = ":" in architecture.name and not architecture.any_classes  # the caller's code may need real tensors
        self._made = shapes_of(architecture.build(None)) if own else None

    def of(self, classes: int | None) -> Mapping[str, Shape]:
        return self._made if self._made is not None else _known_shapes(self.architecture.name, classes)

    @property
    def head(self) -> str:
        """The name of the weight of the last layer, whose rows are the outputs."""
        if self.architecture.head:
            return f"{self.architecture.head}.weight"
        return next((name for name in reversed(list(self.of(None))) if name.endswith(".weight")), "")


@lru_cache(maxsize=128)
def _known_shapes(name: str, classes: int | None) -> Mapping[str, Shape]:
    architecture = find_architecture(name)
    try:
        with torch.device("meta"):  # takes no memory for the weights
            return MappingProxyType(shapes_of(architecture.build(classes)))
    except (NotImplementedError, RuntimeError):  # some networks read their weights while they are built
        with own_random_numbers():
            return MappingProxyType(shapes_of(architecture.build(classes)))


def shapes_of(network: nn.Module) -> dict[str, Shape]:
    """Shape and dtype of every weight and buffer that a state dict has, in the order of the network."""
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in network.state_dict().items()}


# Section: where a file has it


@dataclass(frozen=True)
class _Places:
    """The parts of names that stand before those of a network.

    complete: those under which nothing is missing, in the order of the file. nearest: the one with the fewest missing. missing:
    these names. names: the file's names by those without wrappers. before: the beginning that only the network's names have.
    """

    complete: tuple[str, ...]
    nearest: str
    missing: tuple[str, ...]
    names: Mapping[str, str]
    before: str


def _places(held: Mapping[str, Held], shapes: Mapping[str, Shape]) -> _Places:
    names: dict[str, str] = {}
    for name in held:
        names.setdefault(_unwrapped(name, shapes), name)
    found = _places_of(names, list(shapes), "")
    first = next(iter(shapes), "").partition(".")[0] + "."
    if found.complete or not all(name.startswith(first) for name in shapes):
        return found
    inner = _places_of(names, [name.removeprefix(first) for name in shapes], first)
    return inner if inner.complete else found


def _unwrapped(name: str, shapes: Iterable[str]) -> str:
    for wrapper in _WRAPPERS:
        if wrapper in name and not any(wrapper in own for own in shapes):
            name = name.replace(wrapper, "")
    return name


def _places_of(names: Mapping[str, str], wanted: Sequence[str], before: str) -> _Places:
    needed = {name for name in wanted if not name.endswith(_COUNTS)} or set(wanted)
    counts: Counter[str] = Counter()
    for name in names:
        for start in (0, *(place.end() for place in re.finditer(r"\.", name))):
            if name[start:] in needed:
                counts[name[:start]] += 1
    complete = tuple(prefix for prefix, count in counts.items() if count == len(needed))
    nearest = max(counts, key=counts.__getitem__, default="")
    missing = tuple(name for name in wanted if name in needed and nearest + name not in names)
    return _Places(complete, nearest, missing, names, before)


@dataclass(frozen=True)
class _Fit:
    """The weights of a network in a file.

    names: those of the file by the network's. classes: the number of outputs to build the network with, None for the usual one.
    wrong: what does not fit, in words, None if all does. resized: a sentence on a last layer that is to be made anew.
    """

    prefix: str
    names: Mapping[str, str]
    shapes: Mapping[str, Shape]
    classes: int | None
    wrong: str | None
    resized: str = ""
    head: str = ""


def _fit(shapes: _Shapes, held: Mapping[str, Held], places: _Places, prefix: str) -> _Fit:
    """How the weights under a prefix fit; the last layer may have another number of outputs."""

    def name_of(name: str) -> str | None:
        return places.names.get(prefix + name.removeprefix(places.before))

    head, usual = shapes.head, shapes.of(None)
    at = name_of(head)
    rows = held[at].shape[0] if at is not None and len(held[at].shape) > 1 else None
    differs = rows is not None and (head not in usual or rows != usual[head][0][0])
    classes = rows if differs and rows and shapes.architecture.any_classes else None
    needed = shapes.of(classes)
    names = {name: at for name in needed if (at := name_of(name)) is not None}
    resized = ""
    if differs and rows and classes is None and _is_same_but_rows(held[names[head]].shape, needed[head][0]):
        resized = f"The last layer, {head.removesuffix('.weight')}, has {rows:,} outputs, as the file has."
        needed = {**needed, **_with_rows(needed, head, rows)}
    wrong = _first_wrong(needed, names, held, shapes.architecture)
    return _Fit(prefix, names, needed, classes, wrong, resized, head)


def _is_same_but_rows(found: tuple[int, ...], right: tuple[int, ...]) -> bool:
    return len(found) > 1 and found[1:] == right[1:]


def _with_rows(shapes: Mapping[str, Shape], head: str, rows: int) -> dict[str, Shape]:
    """The shapes of the last layer's weight and bias with another number of outputs."""
    own = {head, head.removesuffix("weight") + "bias"} & set(shapes)
    return {name: ((rows, *shapes[name][0][1:]), shapes[name][1]) for name in own}


def _first_wrong(
    needed: Mapping[str, Shape], names: Mapping[str, str], held: Mapping[str, Held], architecture: Architecture
) -> str | None:
    for name, at in names.items():
        (right, dtype), found = needed[name], held[at]
        if found.dtype != dtype and (found.dtype.is_floating_point, found.dtype.is_complex) != (
            dtype.is_floating_point,
            dtype.is_complex,
        ):
            return f"{one_line(at)} is {_dtype(found.dtype)}; {_dtype(dtype)} would be right"
        if found.shape != right:
            return f"{one_line(at)} has the shape {found.shape}; {right} would be right for {architecture.name}"
    missing = [name for name in needed if name not in names and not name.endswith(_COUNTS)]
    return f"{few_names(missing, 3)} missing; another file would be right" if missing else None


# Section: the network


def _filled(architecture: Architecture, fit: _Fit, file: WeightFile, source: str) -> nn.Module:
    own = ":" in architecture.name and not architecture.any_classes  # the caller's code may need its random numbers
    with own_random_numbers(), nullcontext() if own else _NothingDrawn():
        network = architecture.build(fit.classes)
    if fit.resized:
        _resize(network, fit.head.removesuffix(".weight"), fit.shapes[fit.head][0][0], source)
    read = file.take(fit.names.values())
    state = network.state_dict()  # carries the versions of its modules
    state.update({name: read[at].to(fit.shapes[name][1]) for name, at in fit.names.items()})
    try:
        network.load_state_dict(state)
    except (RuntimeError, ValueError) as error:  # a module may check its weights itself
        raise DataError(f"{source}: {architecture.name} does not take these weights ({error_words(error)})") from error
    return network


class _NothingDrawn(Watching):
    """A new network's weights are 0 in the place of random numbers, which take longer than those of the file to read."""

    def __torch_dispatch__(
        self, func: Operator, types: Sequence[type], args: tuple[object, ...] = (), kwargs: dict[str, object] | None = None
    ) -> object:
        if operator_name(func) in ("uniform_", "normal_") and is_tensor(args[0]):
            return args[0].zero_()
        return func(*args, **(kwargs or {}))


def _resize(network: nn.Module, name: str, rows: int, source: str) -> None:
    """Give the last layer another number of outputs, with weights that are to be overwritten."""
    layer = network.get_submodule(name)
    if not isinstance(layer, nn.Linear | _ConvNd) or (isinstance(layer, _ConvNd) and layer.groups != 1):
        raise DataError(
            f"{source}: the last layer, {name}, has {rows:,} outputs; as many as the network has would be right for a "
            f"{type(layer).__name__}"
        )
    layer.weight = nn.Parameter(layer.weight.new_zeros(rows, *layer.weight.shape[1:]))
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.new_zeros(rows))
    if isinstance(layer, nn.Linear):
        layer.out_features = rows
    else:
        layer.out_channels = rows


# Section: sentences


def _surplus(held: Mapping[str, Held], fit: _Fit, used: Collection[str], architecture: Architecture) -> list[str]:
    """The names in the same dictionaries as the weights that no set of weights has, without what stands before the weights."""
    around = {at[: held[at].place] for at in fit.names.values()}
    beside = [(name, held[name].place) for name in held if name not in used and name[: held[name].place] in around]
    bare = [_bare(_unwrapped(name, ()), fit.prefix, place) for name, place in beside]
    only_training = TRAINING_ONLY.get(architecture.name, ())
    return [name for name in bare if not name.startswith(only_training)] if only_training else bare


def _bare(name: str, prefix: str, place: int) -> str:
    """A name without what stands before the weights, or else without what leads to its dictionary."""
    return name.removeprefix(prefix) if name.startswith(prefix) else name[place:]


def _is_of_another(name: str, shapes: Mapping[str, Shape]) -> bool:
    """Whether a name beside the weights belongs to a larger network of the same kind: it lies in a module of this one, or is
    called like one but for a number.
    """
    tops = {own.partition(".")[0] for own in shapes}
    top = name.partition(".")[0]
    return top in tops or re.sub(r"\d+", "0", top) in {re.sub(r"\d+", "0", own) for own in tops}


def _misfit(architecture: Architecture, places: _Places, usual: Mapping[str, Shape], source: str) -> str:
    here = (name.removeprefix(places.nearest) for name in places.names if name.startswith(places.nearest))
    surplus = [name for name in here if name not in usual]
    said = [f"{_few(places.missing)} missing", f"{_few(surplus)} not of it" if surplus else ""]
    return _no_weights_of(architecture, source, ", ".join(filter(None, said)))


def _no_weights_of(architecture: Architecture, source: str, why: str) -> str:
    right = "another architecture, or another file, would be right"
    return f"{source}: these are not the weights of {architecture.name}: {why}; {right}"


def _few(names: Sequence[str]) -> str:
    return few_names([one_line(name) for name in names], 3)


def _choice(prefix: str, others: Sequence[str]) -> str:
    if not others:
        return ""
    average = ", an average over the training (EMA)," if _AVERAGED.search(prefix) else ""
    return (
        f"Several sets of weights in the file fit: {_place(prefix)}{average} was taken, {', '.join(map(_place, others))} not."
    )


def _place(prefix: str) -> str:
    return f"“{one_line(prefix.removesuffix('.'))}”" if prefix else "the one without a prefix"


def _left_out(surplus: Sequence[str], architecture: Architecture) -> str:
    return f"Left out, because {architecture.name} has no such weights: {_few(surplus)}." if surplus else ""


def _converted(fit: _Fit, held: Mapping[str, Held]) -> str:
    found = (held[at].dtype for name, at in fit.names.items() if held[at].dtype != fit.shapes[name][1])
    kinds = sorted({_dtype(dtype) for dtype in found if dtype.is_floating_point})
    return f"Converted to float32: weights in {' and '.join(kinds)}." if kinds else ""


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
