"""What a transformer's own attention says of its tokens: attention rollout, and LeGrad by torch-cam, if that is installed.

Attention is seen where the network calls PyTorch's scaled_dot_product_attention, as torchvision, timm and transformers do by
default; networks that multiply it out themselves, and those with windows, have none of this.
"""

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from explain_lib.base.errors import InputError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.cam.other_programs import LIBRARIES, how_to_install
from explain_lib.cam.package_grad_cam import addressable_layers, foreign_pass
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.running import alone, run_hooked, starting
from explain_lib.passes.targets import AnyTarget, Targets, explained_number, predicted_targets
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images

if TYPE_CHECKING:
    from torchvision.models import VisionTransformer

ROLLOUT, LEGRAD = "Attention rollout", "LeGrad (torch-cam)"


_MULTI_HEAD: Callable[..., object] = functional.multi_head_attention_forward
_SCALED: Callable[..., object] = functional.scaled_dot_product_attention


class _Attention(TorchFunctionMode):
    """Keeps the matrices of each attention inside, after their softmax, averaged over heads: float32 (N, queries, keys)."""

    def __init__(self) -> None:
        super().__init__()
        self.matrices: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        named = dict(kwargs or {})
        if func is _MULTI_HEAD:  # of nn.MultiheadAttention; inside it no call is seen
            asked = {**named, "need_weights": True, "average_attn_weights": False}
            output, weights = cast("tuple[Tensor, Tensor]", func(*args, **asked))
            averaged = weights.mean(1)
            self.matrices.append(averaged)
            returned = averaged if named.get("average_attn_weights", True) else weights
            return output, returned if named.get("need_weights", True) else None
        if func is _SCALED:
            self.matrices.append(_weights(func, dict(zip(_ARGUMENTS, args, strict=False)) | named).mean(1))
        return func(*args, **named)


_ARGUMENTS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
"""Those that scaled_dot_product_attention takes by their places."""


def _weights(attend: Callable[..., object], named: Mapping[str, object]) -> Tensor:
    """The weights that an attention gives its values, (N, heads, queries, keys): what it makes of the identity."""
    value = cast("Tensor", named["value"])
    ones = torch.eye(value.shape[-2], dtype=value.dtype, device=value.device).expand(*value.shape[:-2], -1, -1)
    return cast("Tensor", attend(**{**named, "value": ones}))


def attention_rollout(model: Model, pixels: Images, layer: str) -> NDArray[np.float32]:
    """How much of each cell of the picture the attention hands on to the token that is read: float32 (N, h, w), 0 or above.

    Abnar and Zuidema 2020 (arXiv 2005.00928, section 3): each attention, averaged over its heads, is mixed half and half with
    the identity, for what passes it by; their product over the blocks is the flow. The map is the row of the first token
    before those of the grid, the class token; without one, the mean over all rows. Blocks up to the attention that reads the
    layer count. The map is the same for every class, since no gradient is in it. With a class token its cells and those of the
    other tokens before the grid sum to 1.

    pixels: uint8 (N, H, W, C), or a normalised tensor. Raises LayerError for a layer without tokens in a grid, or of a network
    whose attention cannot be seen, and what grad_cam raises.
    """
    (found,) = check_model(model).find_layers((layer,))
    model.check_images(pixels)
    model.check_network()
    kept, read = _Attention(), list[int]()

    def count(_: nn.Module, __: object, ___: object) -> None:
        read.append(len(kept.matrices))

    batch = model.to_input(pixels)
    with alone(model.network, gradients=True), enough_memory(f"pixels: the attention of {len(batch)} pictures"), kept:
        run_hooked(model.network, starting(model.network, batch.requires_grad_()), {found.module: count})
    return _rolled(kept.matrices[: read[found.call - 1] + 1], found).cpu().numpy()


def has_attention(model: Model, layer: str) -> bool:
    """Whether attention_rollout has a map of the layer; the first call for a layer runs the network on a black picture."""
    known = _seen.setdefault(model.network, {})
    if layer not in known:
        try:
            attention_rollout(model, model.black(), layer)
        except LayerError:
            known[layer] = False
        else:
            known[layer] = True
    return known[layer]


_seen: "weakref.WeakKeyDictionary[nn.Module, dict[str, bool]]" = weakref.WeakKeyDictionary()


def _rolled(matrices: Sequence[Tensor], layer: LayerTrace) -> Tensor:
    """The rollout of attention matrices (N, tokens, tokens), as the grid of the layer: (N, h, w)."""
    before, cells = _tokens_of(layer)
    tokens = before + cells
    if not matrices or any(one.shape[1:] != (tokens, tokens) for one in matrices):
        raise LayerError(
            f"layers: {layer.name!r} has no attention over all of its tokens before it that can be seen; a layer of a plain "
            "transformer, which calls PyTorch's scaled_dot_product_attention, would be right"
        )
    identity = torch.eye(tokens, device=matrices[0].device)
    flow = identity.expand(len(matrices[0]), -1, -1)
    for one in matrices:
        flow = (one.detach() + identity) / 2 @ flow
    rows = flow[:, 0] if before else flow.mean(1)
    return rows[:, before:].reshape(-1, *layer.grid)


def _tokens_of(layer: LayerTrace) -> tuple[int, int]:
    """How many tokens come before those of the grid, and how many these are."""
    if layer.layout is None or layer.layout.tokens is None:
        raise LayerError(f"layers: {layer.name!r} has no tokens in a grid; a layer of a transformer would be right")
    return layer.layout.tokens[1], layer.grid[0] * layer.grid[1]


# Section: LeGrad


def has_legrad(model: Model) -> bool:
    """Whether torch-cam is installed and knows the network: a VisionTransformer of torchvision."""
    if "torchvision" not in sys.modules or not LIBRARIES["torch-cam"].is_installed:
        return False  # whoever made one has imported it
    from torchvision.models import VisionTransformer

    return isinstance(model.network, VisionTransformer)


def legrad(model: Model, pixels: Images, layer: str, targets: Targets = None) -> NDArray[np.float32]:
    """torch-cam's LeGrad (arXiv 2404.03214) over the blocks up to the attention that reads a layer: float32 (N, h, w), >= 0.

    For each block the gradient of the explained number with respect to the attention's weights, where the number is made of
    the mean of the tokens that leave the block by the network's own last normalisation and head; cut at zero, the mean over
    heads and queries, of the cells; then the mean over blocks. Arguments and errors are those of package_grad_cam, with a
    single layer; InputError also if torch-cam is not installed, NetworkError for anything but torchvision's VisionTransformer.
    """
    if not LIBRARIES["torch-cam"].is_installed:
        raise InputError(f"program: torch-cam is not installed in a version that fits; {how_to_install('torch-cam')} brings it")
    if not has_legrad(model):
        raise NetworkError("network: torch-cam's LeGrad takes a VisionTransformer of torchvision alone; one would be right")
    found = addressable_layers(model, layer, "torch-cam")
    before, _ = _tokens_of(found[0])
    what = f"LeGrad of {len(model.check_images(pixels))} pictures"
    with foreign_pass("torch-cam", what, model, found, pixels, targets) as (batch, explained):
        maps = _run_legrad(model, _blocks(model, found[0]), batch, explained, (before, found[0].grid))
    return np.asarray(maps.detach().cpu().numpy(), dtype=np.float32)


def _blocks(model: Model, layer: LayerTrace) -> list[nn.Module]:
    """The blocks of a VisionTransformer up to the one whose attention reads the layer."""
    names = [one.name for one in model.layers]
    blocks = list(cast("VisionTransformer", model.network).encoder.layers)
    modules = dict(model.network.named_modules())
    earlier = sum(isinstance(modules[one.module], nn.MultiheadAttention) for one in model.layers[: names.index(layer.name) + 1])
    return blocks[: earlier + 1]


def _run_legrad(
    model: Model,
    blocks: list[nn.Module],
    batch: Tensor,
    targets: tuple[AnyTarget, ...] | None,
    tokens: tuple[int, tuple[int, int]],
) -> Tensor:
    """Its maps, not normalised, (N, h, w). tokens: how many come before those of the grid, and (h, w)."""
    from torchcam.methods import LeGrad

    network, prefix = cast("VisionTransformer", model.network), tokens[0]
    explained = predicted_targets(model.run_input(batch), model.task) if targets is None else targets

    def numbers(given: Tensor) -> Tensor:
        read = model.outputs.read(network.heads(network.encoder.ln(given.mean(dim=1))), len(given))
        return torch.stack([explained_number(target, read, image) for image, target in enumerate(explained)])[:, None]

    with LeGrad(network, list(blocks), score_projection=numbers, prefix_tokens=prefix, grid_shape=tokens[1]) as extractor:
        network(batch)
        (maps,) = extractor.compute_cams(0, normalized=False)
    return maps
