"""From raw maps to a heat map: each setting by hand on the constant network, each resize against another program."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sample_networks import model_of, plain
from scipy import ndimage

import explain_lib as xl
from explain_lib.cam.postprocess import PostProcess, place_maps, rescale, resize_maps
from explain_lib.passes.capture import LayerCapture
from explain_lib.receptive_fields.centres import CellCentres, stretched_centres

# Of the first constant picture, class 0: the sum of alpha_k A_k is [[2, .6], [0, -1]]; of class 1: [[-1, -.3], [0, .5]].
# Of the second picture, class 0: [[0, 0], [0, .8]]; class 1: [[0, 0], [0, -.4]]. Gradients for class 0 are
# [[1, 2], [3, 2]] on R and -1 on G, with R = [[1, .4], [.2, 0]] and G = [[0, .2], [.4, 1]].
CLOSE = {"atol": 2e-6, "rtol": 2e-6}


def first_map(model: xl.Model, pixels: np.ndarray, targets: Any = 0, **settings: Any) -> np.ndarray:
    return xl.heatmap(model, pixels, xl.CamSettings(resize="none", **settings), targets)[0]


BY_HAND: dict[str, tuple[dict[str, Any], list[list[float]]]] = {
    "divided by its own maximum": ({}, [[1, 0.3], [0, 0]]),
    "raw": ({"scale_over": "none"}, [[2, 0.6], [0, 0]]),
    "without ReLU": ({"scale_over": "none", "relu": False}, [[2, 0.6], [0, -1]]),
    "half the sum of two channels": ({"scale_over": "none", "channel_reduction": "mean"}, [[1, 0.3], [0, 0]]),
    # [[2, .6], [0, -1]] + 1 = [[3, 1.6], [1, 0]], by 3
    "less the minimum, then by the maximum": ({"relu": False, "subtract_minimum": True}, [[1, 1.6 / 3], [1 / 3, 0]]),
    "less the minimum": ({"relu": False, "subtract_minimum": True, "scale_over": "none"}, [[3, 1.6], [1, 0]]),
    "by the maximum and epsilon": ({"epsilon": 0.5}, [[0.8, 0.24], [0, 0]]),
    "squared": ({"exponent": 2.0}, [[1, 0.09], [0, 0]]),
    "cubed, the sign kept": ({"exponent": 3.0, "relu": False, "scale_over": "none"}, [[8, 0.216], [0, -1]]),
    "its root, the sign kept": ({"exponent": 0.5, "relu": False, "scale_over": "none"}, [[2**0.5, 0.6**0.5], [0, -1]]),
    "squared with its sign": ({"exponent": 2.0, "relu": False, "scale_over": "none"}, [[4, 0.36], [0, 1]]),
}


@pytest.mark.parametrize(("settings", "right"), BY_HAND.values(), ids=BY_HAND)
def test_a_map_under_each_setting_is_the_one_worked_out_by_hand(
    settings: dict[str, Any], right: list[list[float]], constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    assert_allclose(first_map(constant_model, constant_pixels, **settings), right, **CLOSE)


# Class 0's weights give maps that peak at 2 and .8: both are divided by 2. Class 1's peak on both images at .5, of its own
# weights for each image. Without ReLU class 0's span -1 to 2 over the batch: the second map is ([[0, 0], [0, .8]] + 1) / 3.
OVER_BATCH: list[tuple[dict[str, Any], Any, list[Any]]] = [
    ({}, 0, [[[1, 0.3], [0, 0]], [[0, 0], [0, 0.4]]]),
    ({}, [1, 0], [[[0, 0], [0, 1]], [[0, 0], [0, 0.4]]]),
    ({"relu": False, "subtract_minimum": True}, 0, [[[1, 1.6 / 3], [1 / 3, 0]], [[1 / 3, 1 / 3], [1 / 3, 0.6]]]),
]


@pytest.mark.parametrize(("settings", "targets", "right"), OVER_BATCH)
def test_scale_over_batch_takes_minimum_and_maximum_over_the_batch(
    settings: dict[str, Any], targets: Any, right: list[Any], constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    chosen = xl.CamSettings(resize="none", scale_over="batch", **settings)
    assert_allclose(xl.heatmap(constant_model, constant_pixels, chosen, targets), right, **CLOSE)


@pytest.mark.parametrize("scale_over", ["image", "batch"])
@pytest.mark.parametrize("subtract_minimum", [True, False])
def test_a_map_that_is_zero_everywhere_stays_zero(
    scale_over: Any, subtract_minimum: bool, constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    settings = xl.CamSettings(resize="none", scale_over=scale_over, subtract_minimum=subtract_minimum, rescale_after_merge=True)
    found = xl.heatmap(constant_model, constant_pixels[1:], settings, 1)
    assert_array_equal(found, np.zeros((1, 2, 2), np.float32))


# hirescam: gradient times activation, R: [[1, .8], [.6, 0]], G: -[[0, .2], [.4, 1]].
# layercam: the same without the negative gradients of G.
# grad-cam++: R sums to 1.6, so alpha = g^2 / (2 g^2 + 1.6 g^3): 1/3.6, 4/20.8, 9/61.2, 4/20.8; times g and summed:
#   .277778 + .384615 + .441176 + .384615 = 1.488185. G has no positive gradient: 0. The map is 1.488185 R.
VARIANTS = [
    ("grad-cam", [[2, 0.6], [0, -1]]),
    ("hirescam", [[1, 0.6], [0.2, -1]]),
    ("layercam", [[1, 0.8], [0.6, 0]]),
    ("grad-cam++", [[1.488185, 0.595274], [0.297637, 0]]),
]


@pytest.mark.parametrize(("variant", "right"), VARIANTS)
def test_each_variant_is_the_one_worked_out_by_hand(
    variant: Any, right: list[list[float]], constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    found = first_map(constant_model, constant_pixels, variant=variant, relu=False, scale_over="none")
    assert_allclose(found, right, **CLOSE)


def test_the_last_conv_layer_is_meant_by_default(tutorial: xl.Model, study: np.ndarray) -> None:
    default, named = xl.CamSettings(scale_over="none"), xl.CamSettings(("conv2",), scale_over="none")
    assert_array_equal(xl.heatmap(tutorial, study, default), xl.heatmap(tutorial, study, named))


def half_pixel_bilinear(one: np.ndarray, size: int) -> np.ndarray:
    """Linear interpolation at the centres of the pixels, the border continued: by SciPy."""
    centres = (np.arange(size) + 0.5) * one.shape[0] / size - 0.5
    return ndimage.map_coordinates(one, np.meshgrid(centres, centres, indexing="ij"), order=1, mode="nearest")


@pytest.fixture
def grids() -> np.ndarray:
    return np.random.default_rng(0).random((3, 10, 10), dtype=np.float32)


@pytest.mark.parametrize("method", ["cv2-linear", "torch-bilinear"])
def test_linear_resizing_interpolates_between_pixel_centres(method: Any, grids: np.ndarray) -> None:
    right = [half_pixel_bilinear(one, 32) for one in grids]
    assert_allclose(resize_maps(grids, (32, 32), method), right, atol=2e-6)


def test_bicubic_resizing_is_cv2s(grids: np.ndarray) -> None:
    right = [cv2.resize(one, (32, 32), interpolation=cv2.INTER_CUBIC) for one in grids]
    assert_allclose(resize_maps(grids, (32, 32), "torch-bicubic"), right, atol=2e-6)


@pytest.mark.parametrize("size", [(32, 32), (20, 48), (7, 5)])
def test_pillows_bicubic_resizing_is_pillows(size: tuple[int, int], grids: np.ndarray) -> None:
    height, width = size
    signed = grids - np.float32(0.5)
    right = [Image.fromarray(one, mode="F").resize((width, height), Image.Resampling.BICUBIC) for one in signed]
    assert_array_equal(resize_maps(signed, size, "pil-bicubic"), np.stack([np.asarray(one) for one in right]))


def test_the_two_bicubic_curves_are_not_the_same(grids: np.ndarray) -> None:
    ours, theirs = (resize_maps(grids, (32, 32), method) for method in ("pil-bicubic", "torch-bicubic"))
    assert 0.02 < np.abs(ours - theirs).max() < 0.5


def test_nearest_resizing_repeats_pixels(grids: np.ndarray) -> None:
    rows = np.arange(32) * 10 // 32
    assert_array_equal(resize_maps(grids, (32, 32), "nearest"), grids[:, rows][:, :, rows])


@pytest.mark.parametrize("method", ["cv2-linear", "torch-bilinear", "torch-bicubic", "pil-bicubic", "nearest"])
def test_resizing_keeps_height_and_width_apart(method: Any, grids: np.ndarray) -> None:
    upright = resize_maps(grids[:, :5], (16, 40), method)
    lying = resize_maps(np.ascontiguousarray(grids[:, :5].swapaxes(1, 2)), (40, 16), method)
    assert upright.shape == (3, 16, 40)
    assert_allclose(upright, lying.swapaxes(1, 2), atol=2e-6)


def test_no_resizing_leaves_the_grid(tutorial: xl.Model, study: np.ndarray) -> None:
    raw = xl.grad_cam(tutorial, study, "conv2")["conv2"].map
    found = xl.heatmap(tutorial, study, xl.CamSettings(("conv2",), scale_over="none", resize="none"))
    assert_allclose(found, raw, atol=1e-6)


def unweighted(activation: torch.Tensor) -> LayerCapture:
    """A layer whose map is its activation, since every gradient is 1."""
    ones = torch.ones_like(activation)
    return LayerCapture(activation, ones, activation, ones)


def merge(maps: list[list[list[float]]], **settings: Any) -> np.ndarray:
    """The merged map of layers whose maps (one picture, one channel, weight 1) are these."""
    names = tuple(f"layer{k}" for k in range(len(maps)))
    values = [torch.tensor(one, dtype=torch.float32)[None, None] for one in maps]
    layers = {name: unweighted(one) for name, one in zip(names, values, strict=True)}
    chosen = xl.CamSettings(names, **{"scale_over": "none", "resize": "none", **settings})
    merged = PostProcess(model_of(plain()), layers).heatmaps(chosen).numpy()[0]
    for name, one in zip(names, maps, strict=True):
        assert_array_equal(layers[name].activation[0, 0], np.float32(one))  # not written to
    return merged


def test_layers_are_merged_by_the_mean() -> None:
    assert_allclose(merge([[[1, 0.5]], [[0, 0.25]], [[0.5, 0]]]), [[0.5, 0.25]])


def test_a_merged_map_is_rescaled_from_its_minimum_to_its_maximum() -> None:
    found = merge([[[1.0, 0.5, 0.2]], [[0.6, 0.5, 0.2]]], rescale_after_merge=True)  # means .8, .5, .2
    assert_allclose(found, [[1, 0.5, 0]], **CLOSE)


def test_rescaling_adds_epsilon_to_the_divisor() -> None:
    assert_allclose(rescale(torch.tensor([[[3.0, 2, 1]]]), 2.0), [[[0.5, 0.25, 0]]], **CLOSE)


def test_a_constant_merged_map_is_rescaled_to_zero() -> None:
    assert_array_equal(merge([[[0.7, 0.7], [0.7, 0.7]]], rescale_after_merge=True), np.zeros((2, 2)))


def test_rescaling_looks_at_each_image_by_itself() -> None:
    assert_array_equal(rescale(torch.tensor([[[1.0, 0]], [[8, 4]]]), 0.0), [[[1, 0]], [[1, 0]]])


def test_a_power_is_taken_after_the_rescaling() -> None:
    assert_allclose(merge([[[3.0, 2, 1]]], rescale_after_merge=True, exponent=2.0), [[1, 0.25, 0]], **CLOSE)


@pytest.mark.parametrize("method", ["cv2-linear", "torch-bilinear", "torch-bicubic", "pil-bicubic", "nearest"])
def test_a_map_that_is_the_same_everywhere_stays_so_when_it_is_resized(tutorial: xl.Model, method: Any) -> None:
    value = torch.full((1, 1, 3, 3), 0.7853981)
    layers = {"layer": unweighted(value)}
    settings = xl.CamSettings(("layer",), scale_over="none", resize=method)
    found = PostProcess(tutorial, layers).heatmaps(settings).numpy()
    assert_array_equal(found, np.full((1, 32, 32), np.float32(0.7853981)))
    rescaled = PostProcess(tutorial, layers).heatmaps(replace(settings, rescale_after_merge=True)).numpy()
    assert_array_equal(rescaled, np.zeros((1, 32, 32)))


@pytest.mark.parametrize("name", ["inplace_overwrites", "inplace_gradient"])
def test_settings_about_in_place_operations_are_idle_where_nothing_is_overwritten(name: Any) -> None:
    kept = unweighted(torch.rand(1, 2, 3, 3))
    overwritten = [replace(kept, seen_by_hooks=kept.activation.relu() + 1), replace(kept, seen_gradient=kept.gradient * 2)]
    overwritten[1] = replace(overwritten[1], seen_by_hooks=kept.activation.clone())  # only the gradient is another
    sides = xl.CamSettings(("layer",)), xl.CamSettings(("layer",), inplace_overwrites=True, inplace_gradient=True)
    found = [PostProcess(model_of(plain()), {"layer": layer}).is_idle(name, sides) for layer in (kept, *overwritten)]
    assert found == [True, False, False]


def test_unlike_grids_cannot_be_merged_without_resizing(tutorial: xl.Model, study: np.ndarray) -> None:
    settings = xl.CamSettings(("conv1", "conv2"), resize="none")
    with pytest.raises(xl.InputError, match=r"resize: 'none' leaves grids of 28 x 28 and 10 x 10.*another resize"):
        xl.heatmap(tutorial, study, settings)


def test_a_one_by_one_layer_gives_a_constant_map(random_model: Any, images: xl.ImageSet) -> None:
    network = random_model("resnet18").network
    small = xl.as_model(network, classes=tuple("0123456789"), input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    found = xl.heatmap(small, images.pixels[:4], xl.CamSettings(("layer4",), relu=False))
    assert [xl.map_state(one) for one in found] == [xl.MapState.CONSTANT] * 4


PROGRAMS = {
    "cv2-linear": lambda one, height, width: cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR),
    "torch-bilinear": lambda one, height, width: by_torch(one, height, width, "bilinear"),
    "torch-bicubic": lambda one, height, width: by_torch(one, height, width, "bicubic"),
    "pil-bicubic": lambda one, height, width: np.asarray(
        Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC)
    ),
    "nearest": lambda one, height, width: by_torch(one, height, width, "nearest"),
}


def by_torch(one: np.ndarray, height: int, width: int, mode: str) -> np.ndarray:
    options = {} if mode == "nearest" else {"align_corners": False}
    return torch.nn.functional.interpolate(torch.from_numpy(one)[None, None], (height, width), mode=mode, **options)[
        0, 0
    ].numpy()


@pytest.mark.parametrize("method", PROGRAMS)
def test_cells_in_the_middle_of_their_shares_are_enlarged_as_by_the_program_that_stretches(method: Any) -> None:
    maps, size = np.random.default_rng(0).standard_normal((2, 5, 4), np.float32), (20, 36)
    rows, columns = (line.astype(np.float32) for line in stretched_centres((5, 4), size))
    found = place_maps(maps, size, method, CellCentres(rows, columns, size, "read"))
    right = np.stack([PROGRAMS[method](one, *size) for one in maps])
    inside = (slice(None), slice(2, -2), slice(4, -4))  # beyond the outermost centres cubic ones go on, and here the cell holds
    assert_allclose(found[inside], right[inside], **CLOSE)
