"""The layer ladder: beside a plain NumPy deletion and insertion, the package's imputation, and published figures."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_torch import network_input
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from sample_networks import Models
from scan_samples import Overflowing
from scipy import ndimage
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl
from explain_lib.networks.requests import take_rows
from explain_lib.trust.faithfulness import blur_fill, impute_linearly
from explain_lib.trust.ladder import LadderRequest, LadderRows, join_ladder_rows, ladder_curves, layer_ladder

FIVE = ("conv1", "relu1", "pool1", "conv2", "relu2")
# The same network on the same pixels, in batches of another length.
CLOSE = 1e-5


def probability(network: nn.Module, picture: Tensor, chosen: int) -> float:
    with torch.no_grad():
        return float(network(picture[None]).softmax(1)[0, chosen])


def plain_loop(model: xl.Model, pixels: NDArray[np.uint8], order: NDArray[np.int64], chosen: int) -> tuple[float, float]:
    """Deletion and insertion of one picture with mid grey, by the book: one pass through the network for each point."""
    network = deepcopy(model.network).eval()
    picture = network_input(model, pixels[None])[0]
    mean, std = (torch.tensor(values)[:, None, None] for values in (model.mean, model.std))
    grey = ((0.5 - mean) / std).expand_as(picture)
    deletion, insertion = [], []
    for step in range(17):
        places = np.zeros(order.size, bool)
        places[order[: order.size * step // 16]] = True
        mask = torch.from_numpy(places.reshape(model.input_size))
        deletion.append(probability(network, torch.where(mask, grey, picture), chosen))
        insertion.append(probability(network, torch.where(mask, picture, grey), chosen))
    return float(np.mean(deletion)), float(np.mean(insertion))


def ladder_batch(model: xl.Model, pixels: NDArray[np.uint8], images: NDArray[np.int64], *asked: Any) -> LadderRows:
    return LadderRequest(model, pixels, images, *asked).at_once()


def assert_like_the_loop(
    model: xl.Model, pixels: NDArray[np.uint8], image: int, layers: tuple[str, ...], *opinion: str
) -> LadderRows:
    """The maps are Grad-CAM's, enlarged, and the curves those of the loop, which takes the pixels in the order of these maps.

    The order is not found once more: where a small grid is enlarged many pixels are alike, and rounding would order them.
    """
    found = ladder_curves(model, pixels, image, layers, None, *opinion)
    cams = xl.grad_cam(model, pixels[[image]], layers)
    chosen = int(cams.logits[0].argmax())
    for place, layer in enumerate(layers):
        large = functional.interpolate(torch.tensor(cams[layer].map)[None], model.input_size, mode="bilinear")[0, 0]
        drawn = found.maps.maps[0, place]
        np.testing.assert_allclose(drawn, large, atol=1e-5 * float(large.max()))
        deletion, insertion = plain_loop(model, pixels[image], np.argsort(-drawn.ravel(), kind="stable"), chosen)
        assert found.rows.rungs[place].name == layer
        assert found.rows.deletion[0, place, 0] == pytest.approx(deletion, abs=CLOSE)
        assert found.rows.insertion[0, place, 0] == pytest.approx(insertion, abs=CLOSE)
    return found.rows


def test_deletion_and_insertion_are_those_of_a_plain_loop(tutorial: xl.Model, images: xl.ImageSet) -> None:
    assert_like_the_loop(tutorial, images.pixels, 7, FIVE)


def test_without_layers_named_every_conv_layer_has_a_rung(images: xl.ImageSet) -> None:
    model = xl.load_model("resnet20")
    rows = ladder_batch(model, images.pixels, np.array([2]))
    assert [rung.name for rung in rows.rungs if rung.kind == "layer"] == list(model.conv_layers)


def test_so_they_are_for_a_torchvision_network_with_random_weights(
    random_model: Models, random_pixels: NDArray[np.uint8]
) -> None:
    layers = ("conv1", "layer4.1.conv2")
    rows = assert_like_the_loop(random_model("resnet18"), random_pixels, 1, layers, "layer3.0.conv1")
    opinions = [rung for rung in rows.rungs if rung.kind == "opinion"]
    assert [rung.name for rung in opinions] == [f"{name} at layer3.0.conv1" for name in ("HiResCAM", "LayerCAM", "Grad-CAM++")]
    assert {rung.grid for rung in opinions} == {(4, 4)}
    assert [rung.grid for rung in rows.rungs if rung.kind == "layer"] == [(32, 32), (2, 2)]


def test_road_is_what_the_package_calls_road_combined(
    tutorial: xl.Model, images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without noise, which each program draws for itself, and with maps of which no two pixels are alike."""
    monkeypatch.setattr("explain_lib.trust.faithfulness.NOISE", 0.0)
    monkeypatch.setattr("pytorch_grad_cam.metrics.road.torch.randn_like", torch.zeros_like)
    shown = np.array([3, 9])
    both = [ladder_curves(tutorial, images.pixels, int(image), ("conv2",)) for image in shown]
    found, maps = join_ladder_rows([one.rows for one in both]), np.concatenate([one.maps.maps for one in both])
    batch = network_input(tutorial, images.pixels[shown])
    targets = [ClassifierOutputSoftmaxTarget(index) for index in found.explained.tolist()]
    package = ROADCombined(percentiles=[12.5, 25, 37.5, 50, 62.5, 75, 87.5])
    for place, rung in enumerate(found.rungs):
        order = np.argsort(np.argsort(-maps[:, place].reshape(2, -1), axis=1, kind="stable"), axis=1, kind="stable")
        distinct = np.float32(1 - (order + 0.5) / 1024).reshape(2, 32, 32)
        right = package(batch, distinct, targets, tutorial.network)
        np.testing.assert_allclose(found.road[:, place], right, atol=2e-5, err_msg=rung.name)


def test_the_blurred_picture_is_scipys() -> None:
    draw = np.random.default_rng(0).random((1, 3, 14, 12), dtype=np.float32)
    places = np.arange(-5, 6)
    kernel = np.exp(-(places**2) / (2 * 5.0**2))
    right = ndimage.correlate1d(draw, kernel / kernel.sum(), axis=2, mode="mirror")
    right = ndimage.correlate1d(right, kernel / kernel.sum(), axis=3, mode="mirror")
    np.testing.assert_allclose(blur_fill(torch.from_numpy(draw)).numpy(), right, atol=1e-6)


def test_correlations_are_scipys_and_the_centre_is_a_blob(tutorial: xl.Model, images: xl.ImageSet) -> None:
    rows = ladder_batch(tutorial, images.pixels, np.array([11]), ("pool1",))
    cams = xl.grad_cam(tutorial, images.pixels[[11]], "pool1")
    large = functional.interpolate(torch.tensor(cams["pool1"].map)[None], (32, 32), mode="bilinear")[0, 0].numpy()
    row, column = np.mgrid[:32, :32]
    blob = np.exp(-((row - 15.5) ** 2 + (column - 15.5) ** 2) / 50)
    grey = images.pixels[11].mean(2)
    edges = np.hypot(ndimage.sobel(grey, 0, mode="mirror"), ndimage.sobel(grey, 1, mode="mirror"))
    assert rows.centre[0, 0] == pytest.approx(spearmanr(large.ravel(), blob.ravel()).statistic, abs=1e-6)
    assert rows.edges[0, 0] == pytest.approx(spearmanr(large.ravel(), edges.ravel()).statistic, abs=2e-4)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_imputed_pixels_are_the_packages_without_noise(share: float) -> None:
    draw = np.random.default_rng(0)
    picture, missing = draw.random((3, 12, 9), dtype=np.float32), draw.random((12, 9)) < share
    known = torch.from_numpy((~missing).astype(np.float32))
    right = NoisyLinearImputer(noise=0)(torch.from_numpy(picture), known).numpy()
    np.testing.assert_allclose(impute_linearly(picture, missing), right, atol=1e-6)


def test_a_zero_map_is_flat_and_removes_pixels_row_by_row(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    rows = ladder_batch(constant_model, constant_pixels, np.array([0, 1]), ("conv",), 1)  # signed: all below zero but G's last
    assert rows.flat[:, 0].tolist() == [False, True]
    assert np.isnan([rows.edges[1, 0], rows.centre[1, 0]]).all()
    assert np.isfinite(rows.deletion).all()


def test_a_map_that_is_not_finite_has_no_numbers() -> None:
    torch.manual_seed(0)
    network = Overflowing()
    with torch.no_grad():
        network.fc.weight.abs_()  # so that the map is above zero
    model = xl.as_model(network, classes=("a", "b"), input_size=(8, 8), mean=(0, 0, 0), std=(1, 1, 1))
    pixels = np.random.default_rng(0).integers(0, 200, (2, 8, 8, 3), dtype=np.uint8)
    pixels[1] = 255
    rows = ladder_batch(model, pixels, np.array([0, 1]), ("relu",))
    assert np.isfinite(rows.deletion[0, 0]).all()
    assert np.isnan([*rows.deletion[1, 0], *rows.insertion[1, 0], rows.road[1, 0], rows.edges[1, 0]]).all()


def test_rows_do_not_depend_on_how_they_are_batched_and_nothing_is_left_behind(tutorial: xl.Model, images: xl.ImageSet) -> None:
    digest = tutorial.digest
    whole = join_ladder_rows(list(layer_ladder(tutorial, images.pixels, range(16), ("conv2",))))
    alone = ladder_batch(tutorial, images.pixels, np.array([15]), ("conv2",))
    np.testing.assert_allclose(whole.deletion[15], alone.deletion[0], atol=1e-4)
    np.testing.assert_array_equal(take_rows(whole, slice(3)).images, [0, 1, 2])
    assert xl.load_model("captum-tutorial").digest == digest == tutorial.digest


def test_wrong_layers_and_images_are_named(tutorial: xl.Model, images: xl.ImageSet) -> None:
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        list(layer_ladder(tutorial, images.pixels, [0], "conv9"))
    with pytest.raises(xl.InputError, match="images: positions from 0 to 9999"):
        list(layer_ladder(tutorial, images.pixels, [10000]))
    with pytest.raises(xl.InputError, match="rows of one ladder"):
        join_ladder_rows([])
