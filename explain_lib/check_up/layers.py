"""Findings about layers: their grids, repeated calls, and outputs overwritten in place."""

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from explain_lib.base.words import few_names
from explain_lib.check_up.findings import FEW, Finding, note, problem, subject
from explain_lib.passes.tracing import LayerTrace

NO_INPLACE = "for module in network.modules(): if hasattr(module, 'inplace'): module.inplace = False"

Modules = Mapping[str, nn.Module]
Layers = Sequence[LayerTrace]


def layer_findings(network: nn.Module, layers: Layers, input_size: tuple[int, int]) -> Iterator[Finding]:
    """All findings about layers, given every call of every module on pictures of that size, (height, width)."""
    modules = dict(network.named_modules())
    yield from _no_grid(modules, layers)
    yield from _one_cell(modules, layers, input_size)
    yield from _in_place(modules, layers)
    yield from _repeated(layers)


# Section: grids


def _has_cells(layer: LayerTrace) -> bool:
    return layer.is_spatial and layer.grid != (1, 1)


def _is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or "attention" in type(module).__name__.lower()


def _no_grid(modules: Modules, layers: Layers) -> Iterator[Finding]:
    attention = next((place for place, layer in enumerate(layers) if _is_attention(modules[layer.module])), None)
    if attention is not None and not any(_has_cells(layer) for layer in layers[attention:]):
        yield _transformer([layer for layer in layers[:attention] if _has_cells(layer)], layers[attention].name)
    elif not any(_has_cells(layer) or (layer.is_conv and layer.is_spatial) for layer in layers):
        yield problem(
            "spatial",
            "No module of the network gives (N, C, h, w) with more than one cell: Grad-CAM has no layer to look at.",
            "Use a network with convolutions; or, if it keeps its grid in another form, insert a module that passes the grid "
            "on as (N, C, h, w), and name that module.",
        )


def _transformer(grids: Layers, attention: str) -> Finding:
    """grids: the layers with a grid, none of which comes after the first attention."""
    layout = "Say which axes are the grid: as_model(..., layout={NAME: 'tokens'}), or a function to (N, C, h, w)."
    if not grids:
        return problem(
            "spatial",
            f"The network is a transformer ({attention} is its first attention), and it is unknown for every module where its "
            f"cells are: Grad-CAM has no layer to look at.",
            layout,
        )
    names = few_names([layer.name for layer in grids], FEW)
    finding = note if sum(layer.is_conv for layer in grids) > 1 else problem
    return finding(
        "spatial",
        f"All layers whose cells can be placed ({names}) come before the first attention, {attention}: a map shows the input "
        f"of the attention, not its result.",
        layout,
    )


def _one_cell(modules: Modules, layers: Layers, input_size: tuple[int, int]) -> Iterator[Finding]:
    """Convolutions whose grid is one cell; pooling to one cell is the usual end of a network, and not a finding."""
    convs = [layer for layer in layers if layer.is_conv and layer.is_spatial]
    single = [layer.name for layer in convs if layer.grid == (1, 1)]
    if not single:
        return
    size = f"{input_size[0]} x {input_size[1]}"
    what = (
        f"At {size} pixels the grid of {few_names(single, FEW)} is 1 x 1: a map there is one number, the same for every "
        f"pixel, and cannot show where."
    )
    last = convs[-1]
    if last.grid == (1, 1) and modules[last.module].kernel_size == (1, 1) and any(map(_has_cells, layers)):
        yield note("grid", f"{what} It classifies values that were pooled before.", _larger_grid(layers, size))
    elif last.grid == (1, 1):
        yield problem("grid", f"{what} The last conv layer is among them.", _larger_grid(layers, size))
    else:
        height, width = last.grid
        yield note("grid", what, f"Name another layer; the last conv layer, {last.name}, has {height} x {width} cells.")


def _larger_grid(layers: Layers, size: str) -> str:
    larger = next((layer for layer in reversed(layers) if _has_cells(layer) and not layer.handed_on), None)
    if larger is None:
        return f"Give the network pictures larger than {size}."
    height, width = larger.grid
    return (
        f"Name an earlier layer: {larger.name}, {height} x {width}, is the last with more than one cell. Or give the network "
        f"pictures larger than {size}."
    )


# Section: calls


def _in_place(modules: Modules, layers: Layers) -> Iterator[Finding]:
    overwritten = [place for place, layer in enumerate(layers) if layer.overwritten and layer.is_spatial]
    if not overwritten:
        return
    listed = [place for place in overwritten if layers[place].is_conv] or overwritten
    names = [layers[place].name for place in listed]
    writer, others = _writer(modules, layers, listed[0]), len(overwritten) - len(listed)
    by = f", the first by {writer}" if writer and len(listed) > 1 else f" by {writer}" if writer else ""
    also = f", and so {'is' if others == 1 else 'are'} {others} of other modules" if others else ""
    yield note(
        "in-place",
        f"What {subject(names, 'gives')} is overwritten in place{by}{also}. Maps made here copy it first and are right; the "
        f"package grad-cam and torch-cam explain the overwritten values.",
        f"Nothing, for maps made here. For other programs: {NO_INPLACE}."
        if writer
        else "Nothing, for maps made here. For other programs: in forward, use y = x.relu() instead of x.relu_(), and x = x + "
        "y instead of x += y.",
    )


def _writer(modules: Modules, layers: Layers, place: int) -> str | None:
    """The module that ran next, if it writes in place."""
    name = layers[place + 1].module if place + 1 < len(layers) else ""
    return name if name and getattr(modules[name], "inplace", False) is True else None


def _repeated(layers: Layers) -> Iterator[Finding]:
    calls: dict[str, list[str]] = {}
    for layer in layers:
        calls.setdefault(layer.module, []).append(layer.name)
    repeated = [module for module, names in calls.items() if len(names) > 1]
    if not repeated:
        return
    first = calls[repeated[0]]
    of = "its calls are" if len(repeated) == 1 else f"those of {repeated[0]} are"
    yield note(
        "repeated",
        f"{subject(repeated, 'is')} called more than once in a forward pass: {of} named {few_names(first, FEW)}.",
        f"Name the call, as in layers={first[-1]!r}. Other programs cannot tell the calls apart: for them, give each use a "
        "module of its own.",
    )
