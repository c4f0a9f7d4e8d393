"""The study's notebook on the published checkpoint: its two maps, figures measured beforehand, and its procedure redone."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from plain_torch import network_input
from pytorch_grad_cam import GradCAM
from torch import Tensor
from torch.nn import functional

import explain_lib as xl


@pytest.fixture(scope="module")
def manual(tutorial: xl.Model, study: np.ndarray) -> np.ndarray:
    return xl.heatmap(tutorial, study, xl.NOTEBOOK_MANUAL)


@pytest.fixture(scope="module")
def package(tutorial: xl.Model, study: np.ndarray) -> np.ndarray:
    return xl.heatmap(tutorial, study, xl.NOTEBOOK_PACKAGE)


def relu2_and_logits(weights: dict[str, Tensor], pixels: np.ndarray) -> tuple[Tensor, Tensor]:
    """The tutorial network written out, without any module of the library."""
    x = (torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    x = functional.max_pool2d(functional.conv2d(x, weights["conv1.weight"], weights["conv1.bias"]).relu(), 2)
    relu2 = functional.conv2d(x, weights["conv2.weight"], weights["conv2.bias"]).relu().requires_grad_()
    x = functional.max_pool2d(relu2, 2).flatten(1)
    for name in ("fc1", "fc2"):
        x = functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"]).relu()
    return relu2, functional.linear(x, weights["fc3.weight"], weights["fc3.bias"])


def notebook_manual(weights: dict[str, Tensor], pixels: np.ndarray, index: int) -> np.ndarray:
    """One image's weights on all four images, channel mean, ReLU, by the maximum over all four maps; then cv2's resize."""
    relu2, logits = relu2_and_logits(weights, pixels)
    gradient = torch.autograd.grad(logits[index, logits[index].argmax()], relu2)[0][index].numpy()
    alpha = gradient.mean((1, 2))
    maps = np.maximum((relu2.detach().numpy() * alpha[None, :, None, None]).mean(1), 0)
    return cv2.resize(maps[index] / maps.max(), (32, 32))


@pytest.mark.parametrize("start", [0, 2024])
@pytest.mark.parametrize("index", range(4))
def test_notebook_manual_is_the_notebooks_procedure(start: int, index: int, tutorial: xl.Model, images: xl.ImageSet) -> None:
    pixels = images.pixels[start : start + 4]
    weights = {name: tensor.detach().clone() for name, tensor in tutorial.network.state_dict().items()}
    right = notebook_manual(weights, pixels, index)
    assert right.max() > 0
    assert_allclose(xl.heatmap(tutorial, pixels, xl.NOTEBOOK_MANUAL)[index], right, atol=1e-6)


def test_notebook_package_is_the_package_on_the_five_modules_of_the_sequential(package: np.ndarray, study: np.ndarray) -> None:
    network = xl.load_model().network
    modules = torch.nn.Sequential(network.conv1, network.relu1, network.pool1, network.conv2, network.relu2)
    batch = network_input(xl.load_model(), study)
    trained = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    cam = GradCAM(model=network, target_layers=modules)
    right = cam(input_tensor=batch, targets=None)
    cam.activations_and_grads.release()
    network.zero_grad()
    assert all(trained.values())
    assert_allclose(package, right, atol=1e-6)


def test_notebook_package_is_package_grad_cam_within_a_few_units_of_rounding(
    package: np.ndarray, tutorial: xl.Model, study: np.ndarray
) -> None:
    right = xl.package_grad_cam(tutorial, study, ["conv1", "relu1", "pool1", "conv2", "relu2"])
    assert np.abs(package - right).max() < 3e-7


def test_the_two_maps_differ_by_the_published_mean_absolute_differences(manual: np.ndarray, package: np.ndarray) -> None:
    found = [xl.compare(a, b).mae for a, b in zip(manual, package, strict=True)]
    assert_allclose(found, [0.105, 0.105, 0.180, 0.128], atol=0.0005)


def test_the_largest_difference_is_the_published_one(manual: np.ndarray, package: np.ndarray) -> None:
    assert max(xl.compare(a, b).max_abs for a, b in zip(manual, package, strict=True)) == pytest.approx(0.87, abs=0.005)


def test_image_0_changes_in_a_batch_of_eight(manual: np.ndarray, tutorial: xl.Model, images: xl.ImageSet) -> None:
    eight = xl.heatmap(tutorial, images.pixels[:8], xl.NOTEBOOK_MANUAL)
    assert np.abs(eight[0] - manual[0]).max() == pytest.approx(0.29, abs=0.005)


def test_image_2_changes_when_it_is_alone(manual: np.ndarray, tutorial: xl.Model, images: xl.ImageSet) -> None:
    alone = xl.heatmap(tutorial, images.pixels[2:3], xl.NOTEBOOK_MANUAL)
    assert np.abs(alone[0] - manual[2]).max() == pytest.approx(0.44, abs=0.005)


@dataclass(frozen=True)
class WholeSet:
    """Over the 10,000 test images: predicted classes, whether the map at pool1 is zero everywhere, raw peaks at relu2."""

    predicted: np.ndarray
    zero_at_pool1: np.ndarray
    peaks_at_relu2: np.ndarray


@pytest.fixture(scope="module")
def whole_set(tutorial: xl.Model, images: xl.ImageSet) -> WholeSet:
    predicted, zero, peaks = [], [], []
    for start in range(0, 10_000, 500):
        cams = xl.grad_cam(tutorial, images.pixels[start : start + 500], ["pool1", "relu2"])
        predicted.append(cams.logits.argmax(1))
        zero.append([xl.map_state(one) is xl.MapState.ZERO for one in cams["pool1"].map])
        peaks.append(cams["relu2"].map.max((1, 2)))
    return WholeSet(np.concatenate(predicted), np.concatenate(zero), np.concatenate(peaks))


def test_the_published_network_is_right_on_5907_test_images(whole_set: WholeSet, images: xl.ImageSet) -> None:
    assert int((whole_set.predicted == images.labels).sum()) == 5907


def test_exactly_143_maps_at_pool1_are_zero_everywhere(whole_set: WholeSet) -> None:
    assert int(whole_set.zero_at_pool1.sum()) == 143


def test_raw_peaks_at_relu2_span_the_published_percentiles(whole_set: WholeSet) -> None:
    assert_allclose(np.percentile(whole_set.peaks_at_relu2, [1, 99]), [0.011, 0.189], atol=0.0005)
