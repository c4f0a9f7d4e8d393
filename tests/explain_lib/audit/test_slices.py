"""Slices: planted groups are found, ranked and described; their numbers are those of plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from torch import nn

import explain_lib as xl
from explain_lib.audit.slices import SliceRequest, SliceRows, find_slices
from explain_lib.networks.model import Model

CORNER, WIDE = 40, 60
"""How many planted maps lie in a corner, and how many are spread over the grid."""


def planted(seed: int = 0) -> SliceRows:
    """Maps of 6 x 6 cells: every one of the first 40 lies in two cells of a corner, the others are spread; all sum to 1."""
    generator = np.random.default_rng(seed)
    maps = np.zeros((CORNER + WIDE, 6, 6))
    maps[:CORNER, 5, :2] = generator.uniform(1, 2, (CORNER, 2))
    maps[CORNER:] = generator.uniform(1, 2, (WIDE, 6, 6))
    maps /= maps.sum((1, 2), keepdims=True)
    images = np.arange(1000, 1000 + len(maps))
    predicted = np.where(np.arange(len(maps)) < CORNER, 7, 3)
    return SliceRows(images, maps.astype(np.float32), predicted, predicted)


def test_a_planted_group_is_found_and_ranks_first() -> None:
    found = find_slices(planted())
    assert [len(one.images) for one in found.slices] == [CORNER, WIDE]
    assert sorted(found.slices[0].images.tolist()) == list(range(1000, 1000 + CORNER))
    assert found.agreement == 1
    assert [found.place_of(image) for image in (1000, 1000 + CORNER, 5)] == [0, 1, None]


def test_bits_are_those_of_the_mean_map() -> None:
    rows = planted()
    for one in find_slices(rows).slices:
        cells = [float(value) for value in rows.maps[one.images - 1000].astype(np.float64).mean(0).flat]
        entropy = -sum(cell * np.log2(cell) for cell in cells if cell > 0)
        assert_allclose(one.bits, np.log2(36) - entropy, rtol=1e-6)


def test_two_cells_of_thirty_six_alike_are_more_than_four_bits() -> None:
    rows = planted()
    maps = rows.maps.copy()
    maps[:CORNER, 5, :2] = 0.5
    assert_allclose(find_slices(replace(rows, maps=maps)).slices[0].bits, np.log2(36 / 2))


def test_examples_come_by_their_distance_to_the_mean_map() -> None:
    rows = planted()
    for one in find_slices(rows).slices:
        maps = rows.maps[one.images - 1000].astype(np.float64)
        distances = [float(np.sqrt(((each - maps.mean(0)) ** 2).sum())) for each in maps]
        assert distances == sorted(distances)


def silhouettes(flat: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rousseeuw 1987: (b - a) / max(a, b), by two loops."""
    found = []
    for here, group in enumerate(groups):
        means = {}
        for other in np.unique(groups):
            members = [place for place in np.flatnonzero(groups == other) if place != here]
            means[other] = np.mean([np.linalg.norm(flat[here] - flat[place]) for place in members])
        own = means.pop(group)
        nearest = min(means.values())
        found.append((nearest - own) / max(nearest, own))
    return np.array(found)


def test_silhouettes_are_rousseeuws() -> None:
    rows = planted()
    found = find_slices(rows, count=3)
    flat = rows.maps.reshape(len(rows), -1).astype(np.float64)
    groups = np.array([found.place_of(int(image)) for image in rows.images])
    expected = silhouettes(flat, groups)
    assert_allclose(found.silhouette, expected.mean(), rtol=1e-9)
    for place, one in enumerate(found.slices):
        assert_allclose(one.silhouette, expected[groups == place].mean(), rtol=1e-9)


def test_the_number_of_slices_is_the_one_with_the_largest_silhouette() -> None:
    rows = planted()
    widths = {count: find_slices(rows, count=count).silhouette for count in range(2, 9)}
    assert len(find_slices(rows).slices) == max(widths, key=widths.__getitem__) == 2


def test_accuracy_counts_pictures_with_a_label() -> None:
    rows = planted()
    labels = rows.predicted.copy()
    labels[:10] = 5  # wrong
    labels[10:20] = -1  # unknown
    corner, wide = (one.right for one in find_slices(rows, labels).slices)
    assert corner is not None
    assert wide is not None
    assert (corner.mean, corner.images) == (20 / 30, 30)
    assert (wide.mean, wide.images) == (1, WIDE)
    assert [one.right for one in find_slices(rows).slices] == [None, None]


def test_blank_maps_are_left_out_and_named() -> None:
    rows = planted()
    maps = rows.maps.copy()
    maps[[3, 70]] = 0
    found = find_slices(replace(rows, maps=maps))
    assert_array_equal(found.blank, [1003, 1070])
    assert sum(len(one.images) for one in found.slices) == CORNER + WIDE - 2


def test_a_slice_of_a_few_pictures_comes_last_however_narrow() -> None:
    rows = planted()
    maps = rows.maps.copy()
    maps[:CORNER] = rows.maps[CORNER : 2 * CORNER]
    maps[:5] = 0
    maps[:5, 0, 0] = 1
    found = find_slices(replace(rows, maps=maps), count=2)
    assert [len(one.images) for one in found.slices] == [CORNER + WIDE - 5, 5]
    assert found.slices[1].bits > found.slices[0].bits


def test_halves_of_noise_do_not_agree() -> None:
    generator = np.random.default_rng(1)
    maps = generator.uniform(0, 1, (300, 6, 6)).astype(np.float32)
    maps /= maps.sum((1, 2), keepdims=True)
    nothing = np.zeros(300, dtype=np.int64)
    found = find_slices(SliceRows(np.arange(300), maps, nothing, nothing), count=4)
    assert found.agreement < 0.5
    assert found.silhouette < 0.25


@pytest.mark.parametrize(
    ("labels", "count", "words"),
    [
        (np.zeros(3, dtype=np.int64), None, "labels: there are 3, and 100 images; as many would be right"),
        (None, 9, "count: 9; a whole number from 2 to 8, or None, would be right"),
        (None, 1, "count: 1; a whole number from 2 to 8, or None, would be right"),
    ],
)
def test_wrong_arguments_are_named(labels: NDArray[np.int64] | None, count: int | None, words: str) -> None:
    with pytest.raises(xl.InputError, match=words):
        find_slices(planted(), labels, count)


def test_too_few_different_maps_are_refused() -> None:
    rows = planted()
    same = np.broadcast_to(rows.maps[:1], rows.maps.shape)
    with pytest.raises(xl.InputError, match="they have 1 different maps; at least 30 would be right"):
        find_slices(replace(rows, maps=same))


@pytest.mark.parametrize("target", [None, 3])
def test_rows_are_shares_of_grad_cams_maps(tutorial: Model, images: xl.ImageSet, target: int | None) -> None:
    chosen = np.array([5, 0, 9])
    rows = SliceRequest(tutorial, images.pixels, chosen, "conv2", target).all_rows()
    cams = xl.grad_cam(tutorial, images.pixels[chosen], "conv2", target)
    for row, one in zip(rows.maps, cams["conv2"].map, strict=True):
        assert_allclose(row, one / one.sum(), rtol=1e-5, atol=1e-8)
    assert_array_equal(rows.images, chosen)
    assert_array_equal(rows.predicted, cams.logits.argmax(1))
    assert_array_equal(rows.explained, cams.logits.argmax(1) if target is None else [3, 3, 3])


def test_another_method_is_a_setting(tutorial: Model, images: xl.ImageSet) -> None:
    chosen = np.arange(4)
    rows = SliceRequest(tutorial, images.pixels, chosen, "conv2", variant="hirescam").all_rows()
    settings = xl.CamSettings(layers=("conv2",), variant="hirescam", scale_over="none", resize="none")
    maps = xl.heatmap(tutorial, images.pixels[chosen], settings)
    assert_allclose(rows.maps, maps / maps.sum((1, 2), keepdims=True), rtol=1e-5, atol=1e-8)


def test_a_large_grid_is_averaged_to_twenty_eight_cells_a_side() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 2))
    model = xl.as_model(network, classes=("a", "b"), input_size=(56, 56), mean=(0.5,) * 3, std=(0.5,) * 3)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 56, 56, 3), dtype=np.uint8)
    rows = SliceRequest(model, pixels, np.arange(2), "0").all_rows()
    means = xl.grad_cam(model, pixels, "0")["0"].map.reshape(2, 28, 2, 28, 2).mean((2, 4))
    assert_allclose(rows.maps, means / means.sum((1, 2), keepdims=True), rtol=1e-4, atol=1e-8)
