"""The parts that layers play: ends of stages, outputs of blocks, normalisations; and the layers to begin with."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal

from torch import nn

from explain_lib.passes.tracing import LayerTrace

Part = Literal["stage end", "block output", "normalisation", "inner"]
"""What a layer is to the network. inner: a branch, or a step within a block."""


COARSEST = 40
"""Rows of the picture for one of a grid, at most: the usual networks have 32."""


def layer_parts(network: nn.Module, layers: Sequence[LayerTrace]) -> dict[str, Part]:
    """The part of each layer with a grid, by its name.

    All paths from the picture to the scores lead through the ends of stages and the outputs of blocks. A stage ends where the
    grid changes next, or where grids of more than one cell end; a block is a module with children. Of several names for one
    output, the last counts, that of the outermost module; the others are inner ones.
    """
    modules = dict(network.named_modules())
    found: dict[str, Part] = {layer.name: "inner" for layer in layers if layer.is_spatial}
    for layer in layers:
        if layer.is_spatial and is_normalisation(modules[layer.module]) and (layer.on_trunk or layer.reads_trunk):
            found[layer.name] = "normalisation"
    trunk = _outermost(layers)
    for layer in trunk:
        if has_children(modules[layer.module]):
            found[layer.name] = "block output"
    found |= dict.fromkeys((layer.name for layer in _stage_ends(trunk, modules)), "stage end")
    return found


def _outermost(layers: Sequence[LayerTrace]) -> list[LayerTrace]:
    """The layers on the trunk, of one output each the last name; a module that hands on its input names nothing."""
    named = {layer.tensor: layer for layer in layers if layer.is_spatial and layer.on_trunk and not layer.handed_on}
    return [layer for layer in layers if named.get(layer.tensor) is layer]


def _stage_ends(trunk: Sequence[LayerTrace], modules: Mapping[str, nn.Module]) -> Iterator[LayerTrace]:
    for grid, same in groupby(trunk, lambda layer: layer.grid):
        stage = [layer for layer in same if _computes(modules[layer.module]) and not _crosses(trunk, layer, modules)]
        if stage and grid != (1, 1):
            yield _blocks_last(stage, modules)[-1]


def _computes(module: nn.Module) -> bool:
    """Whether a module has parameters, or is an activation function; others pool, permute or hand on."""
    return next(module.parameters(), None) is not None or type(module).__module__ == nn.ReLU.__module__


def _crosses(trunk: Sequence[LayerTrace], layer: LayerTrace, modules: Mapping[str, nn.Module]) -> bool:
    """Whether a layer lies within a block that begins on its grid and ends on another: the stage ended before the block.

    A sequence of blocks is not one itself: each of those within it may end a stage.
    """
    is_block = has_children(modules[layer.module])
    for block in trunk:
        if is_block and type(modules[block.module]) is nn.Sequential:
            continue
        if layer.module.startswith(f"{block.module}.") and block.grid != layer.grid:
            first = next(place for place, one in enumerate(trunk) if one.module.startswith(f"{block.module}."))
            if first > 0 and trunk[first - 1].grid == layer.grid:
                return True
    return False


def best_layers(network: nn.Module, layers: Sequence[LayerTrace]) -> list[LayerTrace]:
    """The layers to begin with, the best first: from the end of the network, outputs on the trunk with more than one cell.

    A normalisation that reads the trunk counts, too: where the scores are read from a class token alone, the last one is the
    last layer whose patches are read. Modules without parameters only hand on what others made.
    """
    modules = dict(network.named_modules())
    names = {layer.name for layer in _outermost(layers)}
    found = [
        layer
        for layer in layers
        if layer.is_spatial
        and layer.grid != (1, 1)
        and next(modules[layer.module].parameters(), None) is not None
        and (layer.name in names or (layer.reads_trunk and not layer.on_trunk and is_normalisation(modules[layer.module])))
    ]
    return _blocks_last(found, modules)[::-1]


def deepest_layers(network: nn.Module, layers: Sequence[LayerTrace], classes: int, height: int) -> list[LayerTrace]:
    """The layers to begin with in a network that segments, the best first: the end of its coarsest grid.

    Paths that skip that grid leave it off the trunk, though it sees most of the picture. The last convolutions with an output
    channel for each of the classes, and what comes after them, are the scores already. A grid of less than a row for every 40
    of the picture's is that of a branch that pools. height: of the picture, in pixels.
    """
    modules = dict(network.named_modules())
    convs = [layer for layer in layers if layer.is_conv and layer.is_spatial]
    scoring = next((place for place, layer in enumerate(reversed(convs)) if layer.channels != classes), 0)
    before = layers[: layers.index(convs[-scoring])] if scoring else layers
    found = [
        layer
        for layer in before
        if layer.is_spatial and _computes(modules[layer.module]) and layer.grid != (1, 1) and layer.grid[0] * COARSEST >= height
    ]
    least = min((layer.grid[0] * layer.grid[1] for layer in found), default=0)
    return [layer for layer in reversed(found) if layer.grid[0] * layer.grid[1] == least]


def _blocks_last(layers: list[LayerTrace], modules: Mapping[str, nn.Module]) -> list[LayerTrace]:
    """The layers, where a normalisation at the end of the trunk stands before the block that it normalises."""
    if len(layers) > 1 and all(layer.on_trunk and layer.grid == layers[-1].grid for layer in layers[-2:]):
        norm, block = layers[-1], layers[-2]
        if is_normalisation(modules[norm.module]) and has_children(modules[block.module]):
            return [*layers[:-2], norm, block]
    return layers


def is_normalisation(module: nn.Module) -> bool:
    """Whether a module normalises; other libraries have classes of their own, with Norm in their names."""
    return not has_children(module) and "norm" in type(module).__name__.lower()


def has_children(module: nn.Module) -> bool:
    """Whether a module is made of others."""
    return next(module.children(), None) is not None
