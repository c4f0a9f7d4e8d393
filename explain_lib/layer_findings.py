"""What a check-up finds in the layers: grids, calls, in-place operations, and how far the gradient comes back."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from explain_lib.capture import LayerTrace, Reached
from explain_lib.findings import Finding
from explain_lib.layer_names import few_names
from explain_lib.probe import Probe, class_scores

FEW = 4


def layer_findings(network: nn.Module, probe: Probe, input_size: tuple[int, int]) -> Iterator[Finding]:
    """Everything about the layers; the network's modules are looked up by the names of the probe."""
    modules = dict(network.named_modules())
    yield from _spatial(modules, probe.layers)
    yield from _channels_last(modules, probe.layers)
    yield from _grids(probe.layers, input_size)
    yield from _gradients(probe)
    yield from _in_place(modules, probe.layers)
    yield from _repeated(probe.layers)


# Section: layers with a grid


def _is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or "attention" in type(module).__name__.lower()


def _spatial(modules: Mapping[str, nn.Module], layers: Sequence[LayerTrace]) -> Iterator[Finding]:
    grids = [position for position, layer in enumerate(layers) if layer.is_spatial and layer.grid != (1, 1)]
    attention = [position for position, layer in enumerate(layers) if _is_attention(modules[layer.module])]
    if attention and all(position < attention[0] for position in grids):
        yield _transformer([layers[position] for position in grids], layers[attention[0]])
    elif not any(layer.is_spatial for layer in layers):
        yield Finding(
            "spatial",
            "problem",
            "No module of the network gives (N, C, h, w): Grad-CAM has no layer to look at.",
            "Grad-CAM needs a grid: use a network with convolutions, or put a module with an output (N, C, h, w) where the "
            "network holds its grid in another form.",
        )


def _transformer(grids: Sequence[LayerTrace], attention: LayerTrace) -> Finding:
    if grids:
        names, (height, width) = few_names([layer.name for layer in grids], FEW), grids[-1].grid
        only = "the only layer with a grid is" if len(grids) == 1 else "the only layers with a grid are"
        sentence = (
            f"The network is a transformer, and {only} {names}, the patch embedding before any attention "
            f"({attention.name} is the first): a map there shows how patches are cut out, not what the network makes of them."
        )
    else:
        height, width = 0, 0
        sentence = (
            f"The network is a transformer ({attention.name} is its first attention) and no module gives (N, C, h, w) with more "
            "than one cell: Grad-CAM has no layer to look at."
        )
    grid = f"{height}, {width}" if grids else "h, w"
    cells = height * width if grids else "h * w"
    return Finding(
        "spatial",
        "problem",
        sentence,
        "Put a module behind one of the last blocks that passes the tokens (N, 1 + h w, C) through as a grid, "
        f"x[:, -{cells}:].transpose(1, 2).unflatten(2, ({grid})), and back, and name that module as the layer."
        if grids
        else "Put a module behind one of the last blocks that passes the tokens through as a grid (N, C, h, w) and back, and name "
        "that module as the layer.",
    )


def _channels_last(modules: Mapping[str, nn.Module], layers: Sequence[LayerTrace]) -> Iterator[Finding]:
    """A layer normalisation over the last axis of (N, h, w, C) gives away that the channels are there."""
    names = [layer.name for layer in layers if layer.is_spatial and _normalises_last(modules[layer.module], layer)]
    if names:
        yield Finding(
            "channels last",
            "note",
            f"{few_names(names, FEW)} {'works' if len(names) == 1 else 'work'} on (N, h, w, C), with the channels last, and so do "
            "the layers around: taken for (N, C, h, w), the map is of the wrong axes.",
            "Name a layer behind the place where the network permutes to (N, C, h, w), or put a module there that does, "
            "x.permute(0, 3, 1, 2), and back.",
        )


def _normalises_last(module: nn.Module, layer: LayerTrace) -> bool:
    if not isinstance(module, nn.LayerNorm) or len(module.normalized_shape) != 1:
        return False
    channels, _, last = layer.shape
    return last == module.normalized_shape[0] != channels


def _grids(layers: Sequence[LayerTrace], input_size: tuple[int, int]) -> Iterator[Finding]:
    """Convolutions whose grid is one cell; pooling to one cell is what every network ends with, and no layer to hook."""
    convs = [layer for layer in layers if layer.is_conv and layer.is_spatial]
    single = [layer.name for layer in convs if layer.grid == (1, 1)]
    if not single:
        return
    size = f"{input_size[0]} x {input_size[1]}"
    last_single = convs[-1].grid == (1, 1)
    larger = [layer for layer in layers if layer.is_spatial and layer.grid != (1, 1) and not layer.handed_on]
    yield Finding(
        "grid",
        "problem" if last_single else "note",
        f"At {size} pixels {few_names(single, FEW)} {'gives' if len(single) == 1 else 'give'} a grid of 1 x 1: the map is one "
        f"number, the same for every pixel, and shows no place{', and the last conv layer is among them' if last_single else ''}.",
        _larger_grid(larger, size),
    )


def _larger_grid(larger: Sequence[LayerTrace], size: str) -> str:
    if not larger:
        return f"Give the network pictures larger than {size}."
    last = larger[-1]
    return (
        f"Name an earlier layer: {last.name}, {last.grid[0]} x {last.grid[1]}, is the last with more than one cell; or give the "
        f"network pictures larger than {size}."
    )


# Section: gradients


def _gradients(probe: Probe) -> Iterator[Finding]:
    if isinstance(probe.reached, Exception):
        yield Finding(
            "gradient",
            "problem",
            f"The network runs, but not with gradients: {error_line(probe.reached)}.",
            "Let forward use differentiable PyTorch operations only: no numpy(), no writing into what a gradient needs later.",
        )
        return
    scores = class_scores(probe.reached.output)
    if scores is None:
        return
    if not scores.requires_grad:
        yield _no_gradient(scores)
        return
    yield from _cut(probe, probe.reached)
    yield from _not_finite(probe.reached, scores)


def _no_gradient(scores: Tensor) -> Finding:
    if not scores.is_floating_point():
        kind = str(scores.dtype).removeprefix("torch.")
        sentence = (
            f"The network returns {kind}, as argmax or a comparison does: such an output has no gradient, and no layer gets a map."
        )
        remedy = "Let forward return the scores before that, as floating-point numbers, and choose the class where they are read."
    else:
        sentence = "The network's output has no gradient: detach, .data or no_grad cuts it off, and no layer gets a map."
        remedy = "Take detach(), .data, torch.no_grad() and torch.inference_mode() out of forward, and call them outside."
    return Finding("gradient", "problem", sentence, remedy)


def _cut(probe: Probe, reached: Reached) -> Iterator[Finding]:
    without = [layer for layer in probe.layers if layer.name in reached.gradients and reached.gradients[layer.name] is None]
    cut = [layer.name for layer in _convs_first(layer for layer in without if layer.name not in probe.unused)]
    unused = [layer.name for layer in _convs_first(layer for layer in without if layer.name in probe.unused)]
    if cut:
        arrived = next((name for name, gradient in reached.gradients.items() if gradient is not None), None)
        until = f"; it comes back as far as {arrived}" if arrived else ""
        yield Finding(
            "gradient",
            "problem",
            f"No gradient comes back to {few_names(cut, FEW)}, though the output depends on {_them(cut)}{until}: there is no map.",
            f"Look for detach(), .data or torch.no_grad() behind {cut[-1]} in forward, and take it out"
            + (f"; or name a layer from {arrived} on." if arrived else "."),
        )
    if unused:
        yield Finding(
            "unused",
            "note",
            f"{few_names(unused, FEW)} {'runs' if len(unused) == 1 else 'run'}, but the output does not depend on {_them(unused)}: "
            "there is no map.",
            "Name another layer; or use the output in forward, if it was meant to be used.",
        )


def _convs_first(layers: Iterator[LayerTrace]) -> list[LayerTrace]:
    """The convolutions among them; all where there is none."""
    listed = list(layers)
    return [layer for layer in listed if layer.is_conv] or listed


def _not_finite(reached: Reached, scores: Tensor) -> Iterator[Finding]:
    broken = [name for name, activation in reached.activations.items() if not _is_finite(activation)]
    if broken or not _is_finite(scores):
        where = f"; {broken[0]} is the first layer with it" if broken else ", and no layer with a grid does: it arises behind them"
        yield Finding(
            "finite",
            "problem",
            f"On two pictures of noise the network's {'output holds' if not _is_finite(scores) else 'layers hold'} NaN or "
            f"infinity{where}. A map of that has no meaning.",
            f"Look at what goes into {broken[0] if broken else 'the last layers'}: a division by 0, the logarithm or root of a "
            "number that is not above 0, or weights that are far too large.",
        )
        return
    gradients = [name for name, gradient in reached.gradients.items() if gradient is not None and not _is_finite(gradient)]
    if gradients:
        yield Finding(
            "finite",
            "problem",
            f"The output is finite, but the gradient that comes back to {few_names(gradients, FEW)} holds NaN or infinity: so does "
            "the map.",
            f"Look at what follows {gradients[-1]}: the root of 0 and the norm of zeros have no finite gradient; add a small number "
            "inside, as in (x.square().sum() + 1e-12).sqrt().",
        )


def _is_finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values).all())


# Section: calls


def _in_place(modules: Mapping[str, nn.Module], layers: Sequence[LayerTrace]) -> Iterator[Finding]:
    overwritten = [position for position, layer in enumerate(layers) if layer.overwritten and layer.is_spatial]
    if not overwritten:
        return
    convs = [position for position in overwritten if layers[position].is_conv]
    listed = convs or overwritten
    names = [layers[position].name for position in listed]
    culprit = _writer(modules, layers, listed[0])
    others = len(overwritten) - len(listed)
    also = f" So {'is' if others == 1 else 'are'} {others} that {'is' if others == 1 else 'are'} no convolution." if others else ""
    yield Finding(
        "in-place",
        "note",
        f"The activation of {few_names(names, FEW)} is overwritten by an in-place operation{f' ({culprit})' if culprit else ''}."
        f"{also} Maps made here copy it first and are right; the package grad-cam and torch-cam explain what is left of it.",
        "For other programs, switch it off: for module in network.modules(): if hasattr(module, 'inplace'): module.inplace = False."
        if culprit
        else "For other programs, write y = x.relu() in forward in place of x.relu_(), and x = x + y in place of x += y.",
    )


def _writer(modules: Mapping[str, nn.Module], layers: Sequence[LayerTrace], position: int) -> str | None:
    """The next module behind, if it writes in place."""
    behind = layers[position + 1].module if position + 1 < len(layers) else None
    return behind if behind is not None and getattr(modules[behind], "inplace", False) is True else None


def _repeated(layers: Sequence[LayerTrace]) -> Iterator[Finding]:
    calls: dict[str, list[str]] = {}
    for layer in layers:
        calls.setdefault(layer.module, []).append(layer.name)
    repeated = {module: names for module, names in calls.items() if len(names) > 1}
    if not repeated:
        return
    module, names = next(iter(repeated.items()))
    once = len(repeated) == 1
    yield Finding(
        "repeated",
        "note",
        f"{few_names(tuple(repeated), FEW)} {'is' if once else 'are'} called more than once in a forward pass; the calls "
        f"{'are' if once else f'of {module} are'} named {few_names(names, FEW)}.",
        f"Name the call: {names[-1]!r} for the last of {module}. Other programs cannot tell the calls apart: for them, give each "
        "use a module of its own.",
    )


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def error_line(error: Exception) -> str:
    """What kind of error, and the first line of what it says."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    text = str(cause).strip()
    first = text.splitlines()[0].strip().rstrip(".") if text else ""
    return f"{type(cause).__name__}: {first}" if first else type(cause).__name__
