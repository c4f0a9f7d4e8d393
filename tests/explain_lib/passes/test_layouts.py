"""The axes of outputs are seen from the pass: maps of tokens and of channels at the end are those of a hand-written reshape."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sample_networks import noise
from torch import Tensor, nn

import explain_lib as xl

HALF = (0.5, 0.5, 0.5)


def model_of(network: nn.Module, side: int, layout: object = None) -> xl.Model:
    names = tuple(f"class {index}" for index in range(4))
    return xl.as_model(network.eval(), classes=names, input_size=(side, side), mean=HALF, std=HALF, layout=layout)


def swin() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.SwinTransformer([4, 4], 24, [1, 1], [2, 2], [4, 4], num_classes=4)


def vit() -> nn.Module:
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4)
    nn.init.normal_(network.heads.head.weight)  # 0 before training
    return network


class Mixed(nn.Module):
    """Tokens without a class token, read by a mean; attention by hand, with its matrix as the output of a module."""

    def __init__(self, registers: int = 0, behind: int = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.norm = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8)
        self.qkv, self.key_norm, self.weights = nn.Linear(8, 24), nn.LayerNorm(4), nn.Softmax(-1)
        self.before, self.after = (nn.Parameter(torch.rand(1, count, 8)) for count in (registers, behind))
        self.position, self.block, self.head = nn.Embedding(24, 8), nn.Sequential(nn.Linear(8, 8), nn.GELU()), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        grid = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.before.expand(len(x), -1, -1), grid, self.after.expand(len(x), -1, -1)], 1)
        tokens = tokens + self.position(torch.arange(tokens.shape[1]).expand(len(x), -1))
        query, key, value = self.qkv(self.norm(tokens)).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        weights = self.weights(query @ self.key_norm(key).transpose(2, 3))
        tokens = tokens + (weights @ value).transpose(1, 2).flatten(2)
        return self.head(self.block(tokens).mean(1))


def by_hand(model: xl.Model, pixels: np.ndarray, layer: str, reshape: Callable[[Tensor], Tensor]) -> np.ndarray:
    """The signed map of class 1, from plain autograd and a reshape written by hand."""
    kept: list[Tensor] = []
    handle = model.network.get_submodule(layer).register_forward_hook(lambda _, __, output: kept.append(output))
    batch = ((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).requires_grad_()
    scores = model.network(batch)
    handle.remove()
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), kept)
    activation, gradient = reshape(kept[0]), reshape(gradient)
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1).detach().numpy()


def tokens(first: int, side: int) -> Callable[[Tensor], Tensor]:
    return lambda output: output[:, first : first + side * side].transpose(1, 2).unflatten(2, (side, side))


def last(output: Tensor) -> Tensor:
    return output.permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("build", "side", "layer", "reshape"),
    [
        (swin, 64, "features.3.0.norm2", last),
        (swin, 64, "features.1.0.mlp", last),
        (swin, 64, "norm", last),
        (vit, 32, "encoder.layers.encoder_layer_1.ln_1", tokens(1, 4)),
        (vit, 32, "encoder.layers.encoder_layer_0", tokens(1, 4)),
        (Mixed, 16, "block", tokens(0, 4)),
        (lambda: Mixed(5), 16, "block.0", tokens(5, 4)),
        (lambda: Mixed(2, 3), 16, "qkv", tokens(2, 4)),
        (lambda: Mixed(2, 3), 16, "embed", lambda output: output),
    ],
)
def test_maps_are_those_of_a_reshape_by_hand(
    build: Callable[[], nn.Module], side: int, layer: str, reshape: Callable[[Tensor], Tensor]
) -> None:
    model, pixels = model_of(build(), side), noise(2, side)
    expected = by_hand(model, pixels, layer, reshape)
    found = xl.grad_cam(model, pixels, layer, 1)[layer].signed
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_the_package_gets_the_reshape_too() -> None:
    model, pixels, layer = model_of(vit(), 32), noise(2, 32), "encoder.layers.encoder_layer_1.ln_1"
    batch = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with GradCAM(vit().eval(), [vit().encoder], reshape_transform=tokens(1, 4)) as unused:
        assert unused.reshape_transform is not None
    network = vit().eval()
    with GradCAM(network, [network.get_submodule(layer)], reshape_transform=tokens(1, 4)) as cam:
        expected = cam(batch, [ClassifierOutputTarget(1)] * 2)
    found = xl.package_grad_cam(model, pixels, layer, 1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    own = xl.heatmap(model, pixels, xl.package_settings((layer,)), 1)
    np.testing.assert_allclose(own, expected, atol=1e-5)


def test_what_has_no_grid_is_never_on_offer() -> None:
    model = model_of(Mixed(1), 16)
    assert model.spatial_layers == ("embed", "norm", "qkv", "block.0", "block.1", "block")
    with pytest.raises(xl.LayerError, match=r"'weights' gives \(N, 2, 17, 17\), and it is unknown which axes"):
        xl.grad_cam(model, noise(1, 16), "weights")


class Interrupted(Mixed):
    """A token without a place stands in the midst of the grid."""

    def forward(self, x: Tensor) -> Tensor:
        grid = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([grid[:, :8], self.before.expand(len(x), -1, -1), grid[:, 8:]], 1)
        return self.head(self.block(tokens).mean(1))


def test_tokens_that_are_interrupted_make_no_grid() -> None:
    assert model_of(Interrupted(1), 16).spatial_layers == ("embed",)


def test_no_layer_of_a_swin_is_over_the_wrong_axes() -> None:
    model = model_of(swin(), 64)
    sides = {"features.0": 16, "features.1": 16, "features.2": 8, "features.3": 8}
    for layer in model.layers:
        if layer.is_spatial and (part := layer.name[:10]) in sides:
            assert (
                layer.grid == (sides[part], sides[part]) or layer.name.startswith("features.2.") or layer.name == "features.2"
            )
    assert {"features.2", "features.3.0.norm2", "features.3.0.mlp.0"} <= set(model.spatial_layers)


def test_a_layout_can_be_given() -> None:
    side, pixels = 16, noise(2, 16)
    network = Mixed(1)
    expected = xl.grad_cam(model_of(network, side), pixels, "block", 1)["block"].signed
    for layout in ({"block": "tokens"}, {"block": tokens(1, 4)}):
        given = xl.grad_cam(model_of(network, side, layout), pixels, "block", 1)["block"].signed
        np.testing.assert_array_equal(given, expected)


def test_one_function_for_all_layers_leaves_out_those_that_it_does_not_fit() -> None:
    assert model_of(Mixed(1), 16, tokens(1, 4)).spatial_layers == model_of(Mixed(1), 16).spatial_layers


def test_a_layout_that_is_given_makes_another_model_for_the_cache() -> None:
    network = Mixed(1)
    seen, named, turned = (
        model_of(network, 16, layout).digest for layout in (None, {"block": "tokens"}, {"block": tokens(1, 4)})
    )
    assert len({seen, named, turned}) == 3


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"nowhere": "tokens"}, "there is no layer 'nowhere'"),
        ({"block": "sideways"}, "'sideways' for 'block', which gives"),
        ({"block": "channels-last"}, "a function from its output"),
        ({"block": lambda output: output}, r"returns shape \(2, 17, 8\)"),
        ({"block": lambda _: 1 / 0}, "fails on its output"),
        (3, "a int; names of layers with their layouts"),
    ],
)
def test_a_layout_that_does_not_fit_gets_a_sentence(layout: object, words: str) -> None:
    with pytest.raises(xl.InputError, match=words):
        model_of(Mixed(1), 16, layout)


def test_channels_of_tokens_can_be_silenced_and_the_class_token_stays() -> None:
    model, pixels = model_of(vit(), 32), noise(1, 32)
    layer = "encoder.layers.encoder_layer_1.ln_1"
    found = xl.channel_ablation(model, pixels[0], layer, list(range(16)), 1)

    def silence(_: nn.Module, __: object, output: Tensor) -> Tensor:
        output = output.clone()
        output[:, 1:] = 0
        return output

    handle = model.network.get_submodule(layer).register_forward_hook(silence)
    with torch.no_grad():
        expected = model.network((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    handle.remove()
    np.testing.assert_allclose(found.logits_without, expected[0], atol=1e-6)


def test_cells_of_tokens_lie_where_their_patches_lie() -> None:
    found = xl.cell_centres(model_of(vit(), 32), "encoder.layers.encoder_layer_1.ln_1")
    assert found is not None
    np.testing.assert_allclose(found[:, 0, 0], [3.5, 11.5, 19.5, 27.5])
    np.testing.assert_allclose(found[0, :, 1], [3.5, 11.5, 19.5, 27.5])


# Section: the layer to begin with, and the parts that layers play


class Offset(nn.Module):
    """A deformable convolution, fed by a convolution that says where it looks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.offset, self.dcn = (
            nn.Conv2d(3, 8, 3),
            nn.Conv2d(8, 18, 3, padding=1),
            torchvision.ops.DeformConv2d(8, 16, 3, padding=1),
        )
        self.fc = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        found = self.stem(x)
        return self.fc(self.dcn(found, self.offset(found)).relu().mean((2, 3)))


class Excited(nn.Module):
    """Squeeze and excitation at the end, and a classifier of 1 x 1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.gate = nn.Conv2d(3, 8, 3), torchvision.ops.SqueezeExcitation(8, 4)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gate(self.stem(x)))


@pytest.mark.parametrize(
    ("build", "side", "layer"),
    [
        (swin, 64, "features"),
        (vit, 32, "encoder.layers.encoder_layer_1.ln_1"),
        (Mixed, 16, "block"),
        (Offset, 16, "dcn"),
        (Excited, 16, "gate"),
        (lambda: torchvision.models.densenet121(num_classes=4), 64, "features"),
        (lambda: torchvision.models.googlenet(num_classes=4, init_weights=False), 64, "inception5b"),
        (lambda: torchvision.models.resnet18(num_classes=4), 64, "layer4"),
    ],
)
def test_the_default_is_the_last_output_that_all_paths_lead_through(
    build: Callable[[], nn.Module], side: int, layer: str
) -> None:
    assert model_of(build(), side).default_layer == layer


def test_gates_and_offsets_are_no_layers() -> None:
    assert model_of(Offset(), 16).spatial_layers == ("stem", "dcn")
    model = model_of(Excited(), 16)
    assert [name for name in model.spatial_layers if name.startswith("gate")] == ["gate"]
    with pytest.raises(xl.LayerError, match="a gate or a position for other layers"):
        xl.grad_cam(model, noise(1), "gate.fc1")


def test_stage_ends_and_blocks_are_named_as_such() -> None:
    model = model_of(torchvision.models.resnet18(num_classes=4), 64)
    ends = [name for name, part in model.parts.items() if part == "stage end"]
    assert ends == ["relu", "layer1", "layer2", "layer3", "layer4"]
    assert model.parts["layer3.0"] == "block output"
    assert model.parts["layer3.1.conv2"] == "inner"
    norms = [name for name, part in model_of(vit(), 32).parts.items() if part == "normalisation"]
    assert "encoder.layers.encoder_layer_1.ln_1" in norms
