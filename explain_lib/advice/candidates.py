"""The layers that come into question where nobody named any."""

from collections.abc import Sequence

from explain_lib.networks.model import Model
from explain_lib.passes.stages import has_children


def candidates(model: Model, layers: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of the layers themselves, as find_layers checks them; for None the ends of stages, in the order of the pass.

    Where two stages or more end in blocks, these ends alone, without a stem such as the first ReLU of a ResNet; and the usual
    layer, which is another where the last stage ends in a head. Where the grid never changes, as in most transformers, there is
    one end or none: then all main layers are.
    """
    if layers is not None:
        return tuple(layer.name for layer in model.find_layers(layers))
    module_of, modules = {layer.name: layer.module for layer in model.layers}, dict(model.network.named_modules())
    ends = [name for name in model.explained_layers if model.parts.get(name) == "stage end"]
    blocks = {name for name in ends if has_children(modules[module_of[name]])}
    if len(blocks) > 1:
        usual = model.default_layer if model.card is None else ""
        return tuple(name for name in model.spatial_layers if name in blocks or name == usual)
    return tuple(ends) if len(ends) > 1 else model.main_layers


def in_turn(model: Model, layers: Sequence[str]) -> tuple[str, ...]:
    """The layers in the order in which they are measured: ends of stages first, and of those the last one."""
    ends = [name for name in layers if model.parts.get(name) == "stage end"]
    return *reversed(ends), *(name for name in layers if name not in ends)
