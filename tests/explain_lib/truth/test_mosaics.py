"""Mosaics of four pictures: what is in them, Captum's maps beside ours, and baselines at a quarter."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from independent_maps import labels, pixels, probabilities
from numpy.typing import NDArray
from plain_torch import captum_signed
from torch.nn.functional import interpolate

import explain_lib as xl
from explain_lib.networks.predictions import predict
from explain_lib.truth.finders import BASELINES, Finder
from explain_lib.truth.mosaics import MosaicRequest, Mosaics, make_mosaics, mosaic_model

AMONG = np.arange(40, 140)
LAST = "layer3.2.conv2"


@pytest.fixture(scope="module")
def small() -> xl.Model:
    return xl.load_model("resnet20")


@pytest.fixture(scope="module")
def mosaics(small: xl.Model) -> Mosaics:
    return make_mosaics(pixels(), labels(), AMONG, predict(small, pixels()[AMONG]), 12)


@pytest.fixture(scope="module")
def request_of(small: xl.Model, mosaics: Mosaics) -> MosaicRequest:
    size = slice(0, 3)
    return MosaicRequest(
        mosaic_model(small), mosaics.pixels, np.arange(3), mosaics.classes[size], (LAST, "layer1.0.conv1"), "stretched"
    )


def test_a_mosaic_has_four_classes_that_the_network_knows(mosaics: Mosaics) -> None:
    assert len(mosaics.images) == 12
    assert len(set(mosaics.images.ravel().tolist())) == 48
    assert set(mosaics.images.ravel().tolist()) <= set(AMONG.tolist())
    assert (mosaics.classes == labels()[mosaics.images]).all()
    assert all(len(set(one)) == 4 for one in mosaics.classes.tolist())
    sure = probabilities("resnet20")[mosaics.images]
    assert (sure.argmax(-1) == mosaics.classes).all()
    assert sure.max(-1).min() >= 0.99 - 1e-5


def test_the_pictures_lie_row_by_row(mosaics: Mosaics) -> None:
    for mosaic, (first, second, third, fourth) in zip(mosaics.pixels, mosaics.images, strict=True):
        assert (mosaic[:32, :32] == pixels()[first]).all()
        assert (mosaic[:32, 32:] == pixels()[second]).all()
        assert (mosaic[32:, :32] == pixels()[third]).all()
        assert (mosaic[32:, 32:] == pixels()[fourth]).all()


def test_the_network_of_mosaics_is_the_same_at_twice_the_size(small: xl.Model) -> None:
    big = mosaic_model(small)
    assert (big.input_size, big.mean, big.std, big.classes) == ((64, 64), small.mean, small.std, small.classes)
    assert big.network is small.network
    assert big.conv_layers == small.conv_layers


def test_the_energy_is_that_of_captums_maps(request_of: MosaicRequest, mosaics: Mosaics) -> None:
    found = request_of.all_rows()
    energies, hits = [], []
    for quarter, (rows, columns) in enumerate(
        [(slice(32), slice(32)), (slice(32), slice(32, 64)), (slice(32, 64), slice(32)), (slice(32, 64), slice(32, 64))]
    ):
        asked = mosaics.classes[:3, quarter].tolist()
        grids = torch.from_numpy(captum_signed(request_of.model, mosaics.pixels[:3], LAST, asked).clip(min=0))
        maps = interpolate(grids[:, None], (64, 64), mode="bilinear", align_corners=False)[:, 0].numpy().astype(np.float64)
        energies.append(maps[:, rows, columns].sum((1, 2)) / maps.sum((1, 2)))
        hits.append(maps[:, rows, columns].max((1, 2)) == maps.max((1, 2)))
    values = found.values[:, found.finders.index(Finder(LAST, "grad-cam"))]
    np.testing.assert_allclose(values, np.stack([np.mean(energies, 0), np.mean(hits, 0)], axis=1), atol=1e-4)
    assert np.mean(energies) > 0.5


def test_a_map_that_does_not_depend_on_the_question_gets_exactly_a_quarter(request_of: MosaicRequest) -> None:
    found = request_of.all_rows()
    for baseline in BASELINES:
        np.testing.assert_allclose(found.values[:, found.finders.index(baseline)], 0.25, atol=1e-7)
    assert found.area.tolist() == [0.25] * 3


def test_parts_of_a_request_keep_their_classes(request_of: MosaicRequest) -> None:
    whole, part = request_of.all_rows(), request_of.take(slice(2, 3)).all_rows()
    np.testing.assert_allclose(part.values, whole.values[2:], atol=1e-3)
    assert request_of.fingerprint != replace(request_of, classes=request_of.classes[:, ::-1].copy()).fingerprint


def test_a_network_with_a_fixed_grid_is_refused() -> None:
    with pytest.raises(xl.InputError, match=r"takes no picture of 64 x 64 pixels, .* such as resnet20, would be right"):
        mosaic_model(xl.load_model("tutorial"))


def test_too_few_classes_are_refused(small: xl.Model) -> None:
    frogs = np.flatnonzero(labels()[:200] == 6)
    with pytest.raises(xl.InputError, match=r"images: .*four classes; more or other images would be right"):
        make_mosaics(pixels(), labels(), frogs, predict(small, pixels()[frogs]), 5)


@pytest.mark.parametrize("classes", [np.zeros((3, 3), int), np.full((3, 4), 10), np.full((3, 4), -1)])
def test_classes_that_do_not_fit_are_refused(request_of: MosaicRequest, classes: NDArray[np.int64]) -> None:
    with pytest.raises(xl.InputError, match=r"classes: shape .*; \(3, 4\) places of the model's classes would be right"):
        replace(request_of, classes=classes)
