"""Every layer on offer of small networks of each family: its axes, and its map, against shapes and plain autograd."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sample_networks import noise
from torch import Tensor, nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

import explain_lib as xl
from explain_lib.cam.other_programs import third_opinion

HALF = (0.5, 0.5, 0.5)
SIDE = 32


def torchvision_vit() -> nn.Module:
    network = torchvision.models.VisionTransformer(SIDE, 8, 2, 2, 20, 40, num_classes=4)
    nn.init.normal_(network.heads.head.weight)  # 0 before training
    return network


def torchvision_swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 20, [2, 2], [2, 2], [4, 4], num_classes=4)


def torchvision_convnext() -> nn.Module:
    return ConvNeXt([CNBlockConfig(12, 20, 1), CNBlockConfig(20, None, 1)], layer_scale=0.5, num_classes=4)


def densenet() -> nn.Module:
    return torchvision.models.DenseNet(5, (2, 2), 12, num_classes=4)


def timm_registers() -> nn.Module:
    sizes = {"img_size": SIDE, "patch_size": 8, "embed_dim": 20, "depth": 2, "num_heads": 2}
    return timm.models.VisionTransformer(**sizes, num_classes=4, reg_tokens=4, no_embed_class=True)


def timm_swin() -> nn.Module:
    sizes = {"img_size": SIDE, "patch_size": 4, "embed_dim": 20, "depths": (2, 2), "num_heads": (2, 2), "window_size": 4}
    return timm.models.SwinTransformer(**sizes, num_classes=4)


def swin_config() -> "transformers.SwinConfig":
    sizes = {"image_size": SIDE, "embed_dim": 20, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4}
    return transformers.SwinConfig(**sizes, num_labels=4)


def transformers_swin() -> nn.Module:
    return transformers.SwinForImageClassification(swin_config())


def transformers_registers() -> nn.Module:
    sizes = {"hidden_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8}
    config = transformers.Dinov2WithRegistersConfig(**sizes, num_labels=4, num_register_tokens=3)
    return transformers.Dinov2WithRegistersForImageClassification(config)


class Attended(nn.Module):
    """PyTorch's own attention, which returns a tuple, over tokens without a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.attend = nn.Conv2d(3, 20, 8, 8), nn.MultiheadAttention(20, 2, batch_first=True)
        self.norm, self.fc = nn.LayerNorm(20), nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        return self.fc(self.norm(tokens + self.attend(tokens, tokens, tokens)[0]).mean(1))


class Unfolded(nn.Module):
    """A convolution over (N, C, pixels of a patch, patches), as in MobileViT's second version, which is no grid."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mix, self.proj, self.fc = (
            nn.Conv2d(3, 20, 4, 4),
            nn.Conv2d(20, 20, 1),
            nn.Conv2d(20, 20, 1),
            nn.Linear(20, 4),
        )

    def forward(self, x: Tensor) -> Tensor:
        cells = self.stem(x).unflatten(3, (4, 2)).unflatten(2, (4, 2))  # (N, C, h, 2, w, 2)
        mixed = self.mix(cells.permute(0, 1, 3, 5, 2, 4).flatten(4).flatten(2, 3)).tanh()
        back = mixed.unflatten(3, (4, 4)).unflatten(2, (2, 2)).permute(0, 1, 4, 2, 5, 3).flatten(4).flatten(2, 3)
        return self.fc(self.proj(back).mean((2, 3)))


BUILT: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "torchvision's ViT": (torchvision_vit, 1),
    "torchvision's Swin": (torchvision_swin, 0),
    "torchvision's ConvNeXt": (torchvision_convnext, 0),
    "torchvision's DenseNet": (densenet, 0),
    "timm's ViT with registers": (timm_registers, 5),
    "timm's Swin": (timm_swin, 0),
    "transformers' Swin": (transformers_swin, 0),
    "transformers' DINOv2 with registers": (transformers_registers, 4),
    "PyTorch's attention": (Attended, 0),
    "convolutions over unfolded patches": (Unfolded, 0),
}
"""Networks, and how many tokens stand before the grid."""


def model_of(build: Callable[[], nn.Module]) -> xl.Model:
    torch.manual_seed(0)
    return xl.as_model(build().eval(), input_size=(SIDE, SIDE), mean=HALF, std=HALF)


def turned_by_hand(output: Tensor, before: int) -> Tensor:
    """(N, C, h, w) of an output, by its shape alone: grids are square, and no count of channels is a side of one."""
    if output.dim() == 4:
        _, first, second, third = output.shape
        assert (first == second) != (second == third) or first == second == third == 1
        return output if second == third else output.permute(0, 3, 1, 2)
    side = int((output.shape[1] - before) ** 0.5)
    if side * side + before != output.shape[1]:  # as it leaves the patch embedding
        before, side = 0, int(output.shape[1] ** 0.5)
    assert side * side + before == output.shape[1]
    return output[:, before:].transpose(1, 2).unflatten(2, (side, side))


def maps_by_hand(model: xl.Model, batch: Tensor, before: int) -> dict[str, tuple[np.ndarray, float]]:
    """The signed map of class 1 at every layer on offer, from plain autograd, and the most that its terms add up to."""
    asked = {(layer.module, layer.call): layer.name for layer in model.layers if layer.is_spatial}
    kept, calls = dict[str, Tensor](), Counter[str]()

    def keep(module: str, output: object) -> object:
        calls[module] += 1
        name = asked.get((module, calls[module]))
        first = output[0] if isinstance(output, tuple) else output
        if name is None or not isinstance(first, Tensor):
            return None
        kept[name] = first
        passed_on = first.clone()  # later operations may write to it
        return (passed_on, *output[1:]) if isinstance(output, tuple) else passed_on

    def hook_at(module: str) -> torch.utils.hooks.RemovableHandle:
        return model.network.get_submodule(module).register_forward_hook(lambda _, __, output: keep(module, output))

    handles = [hook_at(module) for module in {module for module, _ in asked}]
    output = model.network(batch.clone().requires_grad_().clone())
    for handle in handles:
        handle.remove()
    scores = output if isinstance(output, Tensor) else output.logits
    gradients = torch.autograd.grad(scores[:, 1].sum(), list(kept.values()))
    both = {name: (kept[name], gradient) for name, gradient in zip(kept, gradients, strict=True)}
    turned = {name: [turned_by_hand(one, before) for one in pair] for name, pair in both.items()}
    terms = {name: (of.mean((2, 3), keepdim=True) * own).detach() for name, (own, of) in turned.items()}
    return {name: (one.sum(1).numpy(), float(one.abs().sum(1).max())) for name, one in terms.items()}


@pytest.mark.parametrize("kind", BUILT)
def test_every_layer_on_offer_has_the_map_of_plain_autograd(kind: str) -> None:
    build, before = BUILT[kind]
    model, pixels = model_of(build), noise(2, SIDE)
    expected = maps_by_hand(model, model.to_input(pixels), before)
    found = xl.grad_cam(model, pixels, model.spatial_layers, 1)
    assert set(found) == set(expected)
    for name, (signed, most) in expected.items():
        assert found[name].signed.shape == signed.shape, name
        np.testing.assert_allclose(found[name].signed, signed, rtol=0, atol=1e-6 * most + 1e-12, err_msg=name)


def test_a_convolution_over_axes_that_are_no_grid_is_no_layer() -> None:
    assert model_of(Unfolded).spatial_layers == ("stem", "proj")


@pytest.mark.parametrize(
    ("build", "layers"),
    [
        (transformers_swin, ("swin.embeddings", "swin.encoder.layers.0.blocks.1", "swin.encoder.layers.1")),
        (Attended, ("attend",)),
        (torchvision_vit, ("encoder.layers.encoder_layer_1.self_attention",)),
    ],
)
def test_the_first_part_of_a_tuple_is_a_layer(build: Callable[[], nn.Module], layers: tuple[str, ...]) -> None:
    assert set(layers) <= set(model_of(build).spatial_layers)


def test_a_swin_of_transformers_begins_with_its_last_stage() -> None:
    assert model_of(transformers_swin).default_layer == "swin.encoder.layers.1"


def test_the_first_block_after_the_patches_ends_a_stage_too() -> None:
    model = model_of(timm_swin)
    assert [name for name, part in model.parts.items() if part == "stage end"] == ["layers.0", "layers"]


# Section: tuples, and several names for one memory


class Beside(nn.Module):
    """A block that returns its cells, and something made of them, which the scores depend on too."""

    def __init__(self, form: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.conv, self.form = nn.Conv2d(3, 4, 3), form

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        cells = self.conv(x)
        return self.form(cells, cells.square())


class Pair(NamedTuple):
    cells: Tensor
    squared: Tensor


def as_tuple(*parts: Tensor) -> tuple[Tensor, ...]:
    return parts


class ReadsBoth(nn.Module):
    def __init__(self, form: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.block, self.fc = Beside(form), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        cells, squared = self.block(x)
        return self.fc(cells.mean((2, 3))) + squared.mean((2, 3))


@pytest.mark.parametrize("form", [as_tuple, Pair])
def test_what_stands_beside_the_cells_counts_where_it_is_made_of_them(form: Callable[..., tuple[Tensor, ...]]) -> None:
    model, pixels = model_of(lambda: ReadsBoth(form)), noise(1, SIDE)
    cells = model.network.get_submodule("block.conv")(model.to_input(pixels)).detach()
    weight = model.network.get_parameter("fc.weight")[1].detach()
    by_cell = (weight[:, None, None] + 2 * torch.eye(4)[1][:, None, None] * cells[0]) / cells[0, 0].numel()
    expected = (by_cell.mean((1, 2))[:, None, None] * cells[0]).sum(0).numpy()
    for name in ("block", "block.conv"):
        found = xl.grad_cam(model, pixels, name, 1)[name].signed[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


class FirstOf(nn.Module):
    """The wrapper that users of the package write by hand."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, *given: object, **named: object) -> object:
        return self.block(*given, **named)[0]


class FirstIsCells(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block, self.tail, self.fc = Beside(as_tuple), nn.Conv2d(4, 4, 3), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        given = self.block(x)
        return self.fc(self.tail(given[0] if isinstance(given, tuple) else given).relu().mean((2, 3)))


def test_the_package_sees_the_first_part_of_a_tuple_too() -> None:
    model, pixels = model_of(FirstIsCells), noise(2, SIDE)
    torch.manual_seed(0)
    network = FirstIsCells().eval()
    network.block = FirstOf(network.block)
    with GradCAM(network, [network.block]) as cam:
        expected = cam(model.to_input(pixels), [ClassifierOutputTarget(1)] * 2)
    np.testing.assert_allclose(xl.package_grad_cam(model, pixels, "block", 1), expected, atol=1e-6)
    own = xl.heatmap(model, pixels, xl.package_settings(("block",)), 1)
    np.testing.assert_allclose(own, expected, atol=1e-5)
    with pytest.raises(xl.LayerError, match="'block' gives no"):
        third_opinion("captum", model, pixels, "block", 1)


def test_channels_of_the_first_part_can_be_silenced() -> None:
    model, pixels = model_of(FirstIsCells), noise(1, SIDE)
    found = xl.channel_ablation(model, pixels[0], "block", [0, 1, 2, 3], 1)
    network = model.network
    with torch.no_grad():
        silent = torch.zeros(1, 4, SIDE - 2, SIDE - 2)
        expected = network.get_submodule("fc")(network.get_submodule("tail")(silent).relu().mean((2, 3)))
    np.testing.assert_allclose(found.logits_without, expected[0], atol=1e-6)


class OneMemory(nn.Module):
    """The same tokens twice: as they are, and over rows and columns."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.tokens, self.cells = nn.Conv2d(3, 20, 8, 8), nn.Linear(20, 20), nn.Unflatten(1, (4, 4))
        self.fc = nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.cells(self.tokens(self.embed(x).flatten(2).transpose(1, 2))).tanh().mean((1, 2)))


def test_layers_over_other_axes_of_one_memory_are_explained_together() -> None:
    model, pixels = model_of(OneMemory), noise(2, SIDE)
    found = xl.grad_cam(model, pixels, ["tokens", "cells"], 1)
    alone = xl.grad_cam(model, pixels, "cells", 1)["cells"].signed
    for name in ("tokens", "cells"):
        np.testing.assert_array_equal(found[name].signed, alone)
