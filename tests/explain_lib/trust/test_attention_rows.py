"""Attention rollout and LeGrad: beside plain loops and torch-cam itself, and as rows of the ladder."""

from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from torch import Tensor, nn
from torchcam.methods import LeGrad
from torchvision.models import VisionTransformer
from transformers import ViTConfig, ViTForImageClassification

import explain_lib as xl
from explain_lib.cam.attention import has_attention
from explain_lib.trust.ladder import layer_ladder

HALF = (0.5, 0.5, 0.5)
LN = "encoder.layers.encoder_layer_{}.ln_1"
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def model_of(network: nn.Module) -> xl.Model:
    return xl.as_model(network.eval(), input_size=(32, 32), mean=HALF, std=HALF)


@pytest.fixture(scope="module")
def vit() -> xl.Model:
    """Random weights, large enough that attention is not the same everywhere."""
    torch.manual_seed(0)
    network = VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=4)
    with torch.no_grad():
        for block in network.encoder.layers:
            block.self_attention.in_proj_weight.mul_(4)
        network.heads.head.weight.normal_()
    return model_of(network)


def batch() -> Tensor:
    return (torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5


def multiplied(matrices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Abnar and Zuidema's product, token by token: the share of each token in the first, (N, tokens)."""
    flow = np.stack([np.eye(matrices[0].shape[1])] * len(matrices[0]))
    for weights in matrices:
        flow = np.stack([(one / 2 + np.eye(len(one)) / 2) @ before for one, before in zip(weights, flow, strict=True)])
    return flow[:, 0]


def torchvisions(network: VisionTransformer) -> list[NDArray[np.float64]]:
    """The attention of each block, from its own module asked for its weights."""
    kept: list[NDArray[np.float64]] = []
    tokens = network._process_input(batch())
    tokens = torch.cat([network.class_token.expand(len(tokens), -1, -1), tokens], 1) + network.encoder.pos_embedding
    with torch.no_grad():
        for block in network.encoder.layers:
            read = block.ln_1(tokens)
            kept.append(block.self_attention(read, read, read)[1].double().numpy())
            tokens = block(tokens)
    return kept


@pytest.mark.parametrize("block", range(3))
def test_the_rollout_of_torchvisions_network_is_the_product_of_its_attention(block: int, vit: xl.Model) -> None:
    right = multiplied(torchvisions(vit.network)[: block + 1])  # type: ignore[arg-type]
    found = xl.attention_rollout(vit, PIXELS, LN.format(block))
    assert_allclose(found.reshape(3, 16), right[:, 1:], atol=2e-6)
    assert found.std() > 1e-3


def test_the_rollout_of_transformers_network_is_the_product_of_its_attention() -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    network = ViTForImageClassification(ViTConfig(**sizes, image_size=32, patch_size=8, initializer_range=0.5)).eval()
    network.set_attn_implementation("eager")
    with torch.no_grad():
        given = network(batch(), output_attentions=True).attentions
    network.set_attn_implementation("sdpa")
    model = model_of(network)
    found = xl.attention_rollout(model, PIXELS, model.default_layer)
    assert_allclose(found.reshape(3, 16), multiplied([one.mean(1).double().numpy() for one in given])[:, 1:], atol=1e-6)


def test_without_a_class_token_the_rows_of_all_tokens_are_averaged() -> None:
    torch.manual_seed(0)
    network = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, num_classes=4, depth=1, class_token=False, global_pool="avg"
    )
    model, kept = model_of(network), list[Tensor]()
    attention = model.network.get_submodule("blocks.0.attn")
    attention.fused_attn = False  # type: ignore[assignment]
    hook = attention.get_submodule("attn_drop").register_forward_hook(lambda _, __, output: kept.append(output.mean(1)))
    with torch.no_grad():
        model.network(batch())
    hook.remove()
    attention.fused_attn = True  # type: ignore[assignment]
    right = ((kept[0] + torch.eye(16)) / 2).mean(1).numpy()
    assert_allclose(xl.attention_rollout(model, PIXELS, "blocks.0.norm1").reshape(3, 16), right, atol=1e-6)


@pytest.mark.parametrize("block", [0, 2])
def test_legrad_is_torch_cams_own(block: int, vit: xl.Model) -> None:
    network: Any = vit.network
    with LeGrad(network, list(network.encoder.layers)[: block + 1]) as extractor:
        network(batch())
        (right,) = extractor.compute_cams([1, 2, 3], normalized=False)
    found = xl.legrad(vit, PIXELS, LN.format(block), [1, 2, 3])
    assert right.max() > 0
    assert_allclose(found, right.detach().numpy(), atol=1e-6 * float(right.max()))


def test_legrad_of_a_contrast_is_that_of_the_difference(vit: xl.Model) -> None:
    network: Any = vit.network
    with LeGrad(
        network,
        list(network.encoder.layers),
        score_projection=lambda tokens: (
            network.heads(network.encoder.ln(tokens.mean(1))) @ torch.tensor([[1.0], [0], [-1], [0]])
        ),
    ) as extractor:
        network(batch())
        (right,) = extractor.compute_cams(0, normalized=False)
    found = xl.legrad(vit, PIXELS, LN.format(2), xl.Target(0, minus=2))
    assert_allclose(found, right.detach().numpy(), atol=1e-6 * float(right.max()))


def test_a_layer_without_tokens_is_refused(tutorial: xl.Model) -> None:
    with pytest.raises(xl.LayerError, match="'conv2' has no tokens in a grid; a layer of a transformer would be right"):
        xl.attention_rollout(tutorial, PIXELS, "conv2")
    assert not has_attention(tutorial, "conv2")


def test_legrad_of_another_network_is_refused(tutorial: xl.Model) -> None:
    with pytest.raises(xl.NetworkError, match="torch-cam's LeGrad takes a VisionTransformer of torchvision alone"):
        xl.legrad(tutorial, PIXELS, "conv2")


def test_the_ladder_of_a_transformer_has_both_as_rows(vit: xl.Model) -> None:
    layer = LN.format(2)
    (part,) = list(layer_ladder(vit, PIXELS, range(3), (layer,), opinions=layer))
    names = [rung.name for rung in part.rungs if rung.kind == "opinion"]
    methods = ("HiResCAM", "LayerCAM", "Grad-CAM++", "Attention rollout", "LeGrad (torch-cam)")
    assert names == [f"{method} at {layer}" for method in methods]
    rollout = part.rungs.index(next(rung for rung in part.rungs if rung.name.startswith("Attention")))
    assert np.isfinite(part.single_deletion[:, rollout]).all()
    alone = xl.attention_rollout(vit, PIXELS, layer)
    assert_array_equal(part.flat[:, rollout], alone.min((1, 2)) == alone.max((1, 2)))
