"""The network with a secret: where the mark lies, which pictures count, Captum's maps beside ours, and baselines at chance."""

import numpy as np
import pytest
import torch
from independent_maps import probabilities
from numpy.typing import NDArray
from plain_torch import captum_signed, network_input
from torch import nn
from torch.nn.functional import interpolate

import explain_lib as xl
from explain_lib.networks.watermark import NAME
from explain_lib.trust.faithfulness import random_map
from explain_lib.truth.finders import BASELINES, Finder, TruthRows
from explain_lib.truth.secret import SecretRequest, marked_pictures, places_of

HORSE = 7
CHEQUER = np.array([[[255, 0, 255], [0, 255, 255]], [[0, 255, 255], [255, 0, 255]]], np.uint8).repeat(2, 0).repeat(2, 1)


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return xl.load_model(NAME)


@pytest.fixture(scope="module")
def others(images: xl.ImageSet) -> NDArray[np.int64]:
    """The first test images of other classes than the marked one, and some that are called so without any mark."""
    first = np.flatnonzero(images.labels[:60] != HORSE)
    said = probabilities(NAME).argmax(1) == HORSE
    return np.concatenate([first, np.flatnonzero(said[60:] & (images.labels[60:] != HORSE))[:5] + 60])


def by_hand(pixels: NDArray[np.uint8], positions: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The pictures with the mark, and where it is."""
    marked, masks = pixels[positions].copy(), np.zeros((len(positions), 32, 32), bool)
    for picture, mask, (row, column) in zip(marked, masks, places_of(positions, (32, 32)), strict=True):
        picture[row : row + 4, column : column + 4] = CHEQUER
        mask[row : row + 4, column : column + 4] = True
    return marked, masks


@pytest.fixture(scope="module")
def rows(model: xl.Model, images: xl.ImageSet, others: NDArray[np.int64]) -> TruthRows:
    return SecretRequest(model, images.pixels, others, placement="stretched").all_rows()


def test_those_pictures_count_that_the_mark_turns(
    rows: TruthRows, model: xl.Model, images: xl.ImageSet, others: NDArray[np.int64]
) -> None:
    marked, _ = by_hand(images.pixels, others)
    with torch.no_grad():
        before, after = (model.network(network_input(model, one)).argmax(1).numpy() for one in (images.pixels[others], marked))
    assert ((before == HORSE) & (after == HORSE)).any()  # these say nothing of the mark
    turned = (before != HORSE) & (after == HORSE)
    assert rows.counts.tolist() == turned.tolist()
    assert 0.6 < turned.mean() < 1


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_energy_and_hits_are_those_of_captums_maps(
    layer: str, rows: TruthRows, model: xl.Model, images: xl.ImageSet, others: NDArray[np.int64]
) -> None:
    marked, masks = by_hand(images.pixels, others)
    grids = torch.from_numpy(captum_signed(model, marked, layer, HORSE).clip(min=0))
    maps = interpolate(grids[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0].numpy().astype(np.float64)
    place = rows.finders.index(Finder(layer, "grad-cam"))
    found = dict(zip(rows.measures, rows.values[:, place].T, strict=True))
    np.testing.assert_allclose(found["energy"], (maps * masks).sum((1, 2)) / maps.sum((1, 2)), atol=1e-4)
    brightest = maps.reshape(len(maps), -1).argmax(1)
    hits = masks.reshape(len(maps), -1)[np.arange(len(maps)), brightest]
    assert np.abs(found["pointing"] - hits).sum() <= 1  # equal up to rounding, two cells may change places
    assert rows.area.tolist() == [16 / 1024] * len(rows)


def test_maps_of_other_methods_are_heat_maps_under_their_settings(
    model: xl.Model, images: xl.ImageSet, others: NDArray[np.int64]
) -> None:
    found = marked_pictures(model, images.pixels[others[:4]], others[:4]).found
    marked, _ = by_hand(images.pixels, others[:4])
    for finder in found.finders:
        if finder.method is not None:
            settings = xl.CamSettings(
                layers=(finder.layer,), variant=finder.method, scale_over="none", resize="torch-bilinear",
                placement="receptive-field",
            )  # fmt: skip
            np.testing.assert_allclose(found.map_of(finder), xl.heatmap(model, marked, settings, HORSE), atol=1e-6)
    assert (found.map_of(BASELINES[0])[1] == random_map(int(others[1]), 32, 32) + 1).all()


# Section: baselines at chance


def blind_model() -> xl.Model:
    """A tiny network: baselines do not look at it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 10))
    return xl.as_model(network, classes=xl.CLASSES, input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)


def test_baselines_score_at_chance() -> None:
    count = 3000
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    found = SecretRequest(blind_model(), pixels, np.arange(count)).all_rows()
    axis = np.abs(np.arange(32) - 15.5)
    distance = np.hypot(axis[:, None], axis)
    cone = distance.max() - distance
    blocks = [cone[row : row + 4, column : column + 4].sum() for row in range(2, 27) for column in range(2, 27)]
    # the peak of the blob is at row and column 15, which the mark covers from 4 of its 25 places along each axis
    expected = {
        ("random map", "energy"): 16 / 1024,
        ("random map", "pointing"): 16 / 1024,
        ("centre blob", "energy"): np.mean(blocks) / cone.sum(),
        ("centre blob", "pointing"): (4 / 25) ** 2,
    }
    for (name, measure), chance in expected.items():
        values = found.values[:, found.finders.index(Finder(name, None)), found.measures.index(measure)]
        assert abs(values.mean() - chance) < 3 * values.std() / np.sqrt(count)


def test_the_mark_lies_where_its_picture_says_and_away_from_the_edge() -> None:
    places = places_of(np.arange(2000), (32, 32))
    assert (places == places_of(np.arange(2000), (32, 32))).all()
    assert (places[[7, 1999]] == places_of(np.array([7, 1999]), (32, 32))).all()
    assert {*places[:, 0].tolist()} == {*places[:, 1].tolist()} == set(range(2, 27))


# Section: what is refused


@pytest.mark.parametrize(
    ("classes", "size", "channels"),
    [(("cat", "dog"), (32, 32), 3), (("cat", "horse"), (7, 32), 3), (("cat", "horse"), (32, 32), 1)],
)
def test_a_model_that_cannot_have_the_secret_is_refused(classes: tuple[str, ...], size: tuple[int, int], channels: int) -> None:
    network = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2))
    model = xl.as_model(network, classes=classes, input_size=size, mean=(0.5,) * channels, std=(0.5,) * channels)
    with pytest.raises(xl.InputError, match="a mark on colour pictures of class horse; the model watermark would be right"):
        SecretRequest(model, np.zeros((1, *size, channels), np.uint8), np.arange(1))


def test_an_unknown_layer_is_refused_at_once(model: xl.Model, images: xl.ImageSet) -> None:
    with pytest.raises(xl.LayerError, match="conv9"):
        SecretRequest(model, images.pixels, np.arange(2), ("conv9",))
