"""The package grad-cam, called through explain_lib and called directly, and the manual maps under its settings."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import VARIANTS, in_place_off, package_maps
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sample_networks import DeadEnd, Gated, Headed, Models, Repeated, model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl

CLASSES = [3, 0, 7]


def outputs(classes: list[int]) -> list[ClassifierOutputTarget]:
    return [ClassifierOutputTarget(index) for index in classes]


LAYERS = [
    ("resnet18", ["layer4"]),
    ("resnet18", ["layer1.0.bn2", "layer2.1.conv1", "layer3.0.downsample.0", "layer4.1.bn2"]),
    ("squeezenet1_1", ["features.12.expand3x3"]),
    ("squeezenet1_1", ["features.0", "features.4.squeeze", "features.7.expand1x1", "features.7.expand3x3"]),
    ("mobilenet_v2", ["features.2.conv.0.0", "features.7.conv.0.1", "features.18"]),
    ("shufflenet_v2_x0_5", ["stage2.0.branch1.2", "stage2.0.branch2.0", "stage4", "conv5"]),
    ("googlenet", ["inception3a.branch1", "inception3a.branch2.1.bn", "inception3a.branch3.0.conv", "inception4e"]),
    ("vgg11", ["features.0", "features.3", "features.8", "features.18"]),
]
IDS = [f"{name}, {len(layers)} layers" for name, layers in LAYERS]


@pytest.mark.parametrize(("name", "layers"), LAYERS, ids=IDS)
def test_package_maps_and_manual_maps_under_its_settings_are_the_packages_own(
    name: str, layers: list[str], random_model: Models, random_pixels: np.ndarray
) -> None:
    model = random_model(name)
    right = package_maps(model, random_pixels, layers, outputs(CLASSES))
    assert right.max() > 0.9
    assert_allclose(xl.package_grad_cam(model, random_pixels, layers, CLASSES), right, atol=2e-5)
    assert_allclose(xl.heatmap(model, random_pixels, xl.package_settings(tuple(layers)), CLASSES), right, atol=2e-5)


VARIED = [("resnet18", ["layer2.0.bn2", "layer3"]), ("vgg11", ["features.3", "features.6"])]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("name", "layers"), VARIED, ids=["resnet18", "vgg11"])
def test_each_variant_is_the_packages(
    name: str, layers: list[str], variant: Any, random_model: Models, random_pixels: np.ndarray
) -> None:
    model = random_model(name)
    right = package_maps(model, random_pixels, layers, outputs(CLASSES), variant)
    assert right.max() > 0.9
    assert_allclose(xl.package_grad_cam(model, random_pixels, layers, CLASSES, variant=variant), right, atol=2e-5)
    assert_allclose(xl.heatmap(model, random_pixels, xl.package_settings(tuple(layers), variant), CLASSES), right, atol=2e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_is_the_packages_on_a_trained_network(variant: Any, tutorial: xl.Model, images: xl.ImageSet) -> None:
    # After ReLUs: before them grad-cam++ divides by differences that rounding decides, in the package as here.
    pixels, layers = images.pixels[40:60], ["relu1", "pool1", "relu2"]
    right = package_maps(tutorial, pixels, layers, None, variant)
    assert_allclose(xl.heatmap(tutorial, pixels, xl.package_settings(tuple(layers), variant)), right, atol=2e-6)


@pytest.mark.parametrize("layer", ["layer2.0.shortcut", "layer3.1.conv2", "layer3.1.shortcut"])
def test_the_last_digits_are_the_packages_where_a_map_is_the_rest_of_large_sums(layer: str, images: xl.ImageSet) -> None:
    model, pixels = xl.load_model("resnet20"), images.pixels[:100]
    right = package_maps(model, pixels, [layer])
    assert_allclose(xl.heatmap(model, pixels, xl.package_settings((layer,))), right, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 17])
def test_batch_sizes_agree_with_the_package(count: int, tutorial: xl.Model, images: xl.ImageSet) -> None:
    pixels, layers = images.pixels[100 : 100 + count], ["relu1", "conv2"]
    right = package_maps(tutorial, pixels, layers)
    assert_allclose(xl.package_grad_cam(tutorial, pixels, layers), right, atol=2e-6)
    assert_allclose(xl.heatmap(tutorial, pixels, xl.package_settings(tuple(layers))), right, atol=2e-6)


def contrast(logits: Tensor) -> Tensor:
    return -(logits.softmax(0)[5] - logits.softmax(0)[2])


def test_targets_of_both_scores_mix_in_one_batch(tutorial: xl.Model, study: np.ndarray) -> None:
    mixed = [1, xl.Target(5, minus=2, sign=-1, score="probability"), 8, xl.Target(0, sign=-1)]
    right = package_maps(tutorial, study, ["relu2"], [lambda y: y[1], contrast, lambda y: y[8], lambda y: -y[0]])
    assert_allclose(xl.package_grad_cam(tutorial, study, "relu2", mixed), right, atol=5e-6)
    assert_allclose(xl.heatmap(tutorial, study, xl.package_settings(("relu2",)), mixed), right, atol=5e-6)


def test_package_settings_without_layers_explain_the_last_conv_layer(tutorial: xl.Model, study: np.ndarray) -> None:
    right = package_maps(tutorial, study, ["conv2"])
    assert_allclose(xl.heatmap(tutorial, study, xl.package_settings(None)), right, atol=2e-6)


def test_layers_may_be_asked_in_any_order(tutorial: xl.Model, study: np.ndarray) -> None:
    right = package_maps(tutorial, study, ["conv1", "relu2"])
    assert_allclose(xl.package_grad_cam(tutorial, study, ["relu2", "conv1"]), right, atol=2e-6)
    assert_allclose(xl.heatmap(tutorial, study, xl.package_settings(("relu2", "conv1"))), right, atol=2e-6)


OVERWRITTEN = [("vgg11", "features.3"), ("squeezenet1_1", "features.6.squeeze"), ("squeezenet1_1", "features.9.expand1x1")]


@pytest.mark.parametrize(("name", "layer"), OVERWRITTEN)
def test_before_an_in_place_relu_the_package_is_wrong_its_settings_say_so_and_the_manual_map_is_right(
    name: str, layer: str, random_model: Models, random_pixels: np.ndarray
) -> None:
    model = random_model(name)
    wrong = package_maps(model, random_pixels, [layer], outputs(CLASSES))
    right = package_maps(in_place_off(model), random_pixels, [layer], outputs(CLASSES))
    assert np.abs(wrong - right).max() > 0.05
    assert_allclose(xl.heatmap(model, random_pixels, xl.package_settings((layer,)), CLASSES), wrong, atol=2e-5)
    honest = xl.CamSettings((layer,), subtract_minimum=True, epsilon=1e-7, rescale_after_merge=True)
    assert_allclose(xl.heatmap(model, random_pixels, honest, CLASSES), right, atol=2e-5)


def test_two_names_for_one_overwritten_output_are_both_seen_overwritten() -> None:
    """An Identity hands on the convolution's own output, which the in-place ReLU then writes over for both."""
    model, pixels = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.Identity(), nn.ReLU(inplace=True)))), noise(3)
    layers = ["body.0", "body.1"]
    right = package_maps(model, pixels, layers, outputs([0, 1, 1]))
    assert_allclose(xl.heatmap(model, pixels, xl.package_settings(tuple(layers)), [0, 1, 1]), right, atol=2e-6)


def test_frozen_parameters_do_not_stop_the_package(study: np.ndarray) -> None:
    model = xl.load_model()
    right = package_maps(model, study, ["conv2"])
    frozen = xl.load_model()
    frozen.network.requires_grad_(False)
    found = xl.package_grad_cam(frozen, study, "conv2")
    frozen.network.requires_grad_(True)
    assert_allclose(found, right, atol=2e-6)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("build", [plain, Gated], ids=["plain", "picture used again"])
def test_the_callers_gradient_mode_changes_nothing(mode: Callable[[], Any], build: Callable[[], nn.Module]) -> None:
    model, pixels = model_of(seeded(build)), noise(2)
    layer = model.conv_layers[-1]
    outside = xl.package_grad_cam(model, pixels, layer)
    with mode():
        inside = xl.package_grad_cam(model, pixels, layer)
    assert_array_equal(inside, outside)


def test_a_network_that_starts_in_place_is_explained() -> None:
    model, pixels = model_of(seeded(lambda: Headed(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3)))), noise(2)
    right = package_maps(model, pixels, ["body.1"], outputs([0, 1]))
    assert_allclose(xl.package_grad_cam(model, pixels, "body.1", [0, 1]), right, atol=2e-6)


def test_gradients_from_before_stay_as_they_were(study: np.ndarray, ledger: Any) -> None:
    model = xl.load_model()
    for parameter in model.network.parameters():
        parameter.grad = torch.ones_like(parameter)
    ledger.expect(model.network)
    xl.package_grad_cam(model, study, ["conv1", "conv2"])
    assert all(bool((parameter.grad == 1).all()) for parameter in model.network.parameters())


def test_calls_of_one_module_cannot_be_told_apart() -> None:
    model = model_of(Repeated())
    with pytest.raises(xl.LayerError, match=r"layers: the package cannot tell the calls of 'relu' apart"):
        xl.package_grad_cam(model, noise(1), "relu#1")


@pytest.mark.parametrize("layers", ["unused", ["conv", "unused"]])
def test_a_layer_without_influence_is_refused_as_by_grad_cam(layers: Any) -> None:
    with pytest.raises(xl.LayerError, match=r"layers: 'unused' does not influence the output"):
        xl.package_grad_cam(model_of(DeadEnd()), noise(1), layers)


def test_an_unknown_variant_lists_the_known_ones(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match=r"variant: 'scorecam'; one of grad-cam, hirescam, layercam, grad-cam\+\+"):
        xl.package_grad_cam(tutorial, study, "conv2", variant="scorecam")  # type: ignore[arg-type]  # the mistake tested


class Weightless(nn.Module):
    """A network of fixed filters: buffers, no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.register_buffer("mix", torch.tensor([[1.0, -1, 0], [0, 1, 2]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x).mean((2, 3)) @ self.mix.T


def test_a_network_without_parameters_gets_a_sentence() -> None:
    with pytest.raises(xl.NetworkError, match="parameter"):
        xl.package_grad_cam(model_of(Weightless()), noise(1), "act")
