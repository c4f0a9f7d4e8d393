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
from explain_lib.cam.settings import Placement
from explain_lib.networks.predictions import predict
from explain_lib.truth.finders import BASELINES, Finder
from explain_lib.truth.mosaics import MosaicRequest, Mosaics, make_mosaics, mosaic_maps, mosaic_model

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
    few = replace(mosaics, images=mosaics.images[:3], classes=mosaics.classes[:3])
    return few.request(small, pixels(), (LAST, "layer1.0.conv1"), "stretched", apart=False)


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
        grids = torch.from_numpy(captum_signed(mosaic_model(request_of.model), mosaics.pixels[:3], LAST, asked).clip(min=0))
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
    with pytest.raises(xl.InputError, match=r"classes: shape .*; \(3, 4\) numbers from 0 to 9 would be right"):
        replace(request_of, classes=classes)


def test_quarters_that_do_not_fit_are_refused(request_of: MosaicRequest) -> None:
    with pytest.raises(xl.InputError, match=r"quarters: shape .*; \(3, 4\) numbers from 0 to 9999 would be right"):
        replace(request_of, quarters=request_of.quarters + 10_000)
    with pytest.raises(xl.InputError, match="images: they are not the first of the quarters"):
        replace(request_of, quarters=request_of.quarters[:, ::-1].copy())


# Section: quarters apart


def cells_of(model: xl.Model, layer: str, pictures: NDArray[np.uint8], index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Activations of four pictures at a layer, (4, C, h, w), and the gradient of the logit of the first one, by plain hooks."""
    kept: list[torch.Tensor] = []
    handle = model.network.get_submodule(layer).register_forward_hook(lambda *call: kept.append(call[2]))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model.mean, model.std))
    try:
        logits = model.network((torch.from_numpy(pictures / 255).permute(0, 3, 1, 2).float() - mean) / std)
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, index], kept[0])
    return kept[0].detach(), gradient


@pytest.mark.parametrize(("name", "layer"), [("resnet20", LAST), ("resnet20", "layer1.0.conv1"), ("tutorial", "conv2")])
def test_of_quarters_apart_the_maps_are_those_of_plain_passes(mosaics: Mosaics, name: str, layer: str) -> None:
    model, quarters = xl.load_model(name), pixels()[mosaics.images[0]]
    for quarter in range(4):
        found = mosaic_maps(model, quarters, mosaics.classes[0], quarter, np.array([7]), (layer,), "stretched", apart=True)
        order = [quarter, *(place for place in range(4) if place != quarter)]
        activations, gradient = cells_of(model, layer, quarters[order], int(mosaics.classes[0, quarter]))
        assert not gradient[1:].any()
        side = model.find_layers(layer)[0].grid[0]
        right = {
            # the mean gradient over the whole grid of the mosaic, three quarters of which have none
            "grad-cam": [(gradient[0].mean((1, 2)) / 4 @ one.flatten(1)).view(side, side).relu() for one in activations],
            "hirescam": [(gradient[at] * one).sum(0).relu() for at, one in enumerate(activations)],
            "layercam": [(gradient[at].relu() * one).sum(0).relu() for at, one in enumerate(activations)],
        }
        for method, cells in right.items():
            whole = found.map_of(Finder(layer, method))[0]  # type: ignore[arg-type]  # one of the methods
            for place, cell in zip(order, cells, strict=True):
                top, left = place // 2 * 32, place % 2 * 32
                enlarged = interpolate(cell[None, None], (32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()
                np.testing.assert_allclose(
                    whole[top : top + 32, left : left + 32], enlarged, 2e-3, 1e-4 * float(whole.max()), err_msg=method
                )


@pytest.mark.parametrize("placement", ["stretched", "receptive-field"])
def test_of_quarters_apart_all_of_a_map_by_cell_is_inside_and_of_grad_cam_not(mosaics: Mosaics, placement: Placement) -> None:
    few = replace(mosaics, images=mosaics.images[:3], classes=mosaics.classes[:3])
    for name, layers in (("resnet20", ("layer1.0.conv1", LAST)), ("captum-tutorial", ("conv1", "conv2"))):
        found = few.request(xl.load_model(name), pixels(), layers, placement, apart=True).all_rows()
        energy = {finder: found.values[:, place, 0] for place, finder in enumerate(found.finders)}
        for layer in layers:
            np.testing.assert_array_equal(energy[Finder(layer, "hirescam")], 1)
            np.testing.assert_array_equal(energy[Finder(layer, "layercam")], 1)
            assert (energy[Finder(layer, "grad-cam")] < 0.99).all()
        for baseline in BASELINES:
            np.testing.assert_allclose(energy[baseline], 0.25, atol=1e-7)


def test_the_logits_of_quarters_apart_are_those_of_the_picture_alone(small: xl.Model, mosaics: Mosaics) -> None:
    quarters = pixels()[mosaics.images[:2].ravel()]
    found = mosaic_maps(small, quarters, mosaics.classes[:2].ravel(), 2, np.array([0, 1]), (LAST,), apart=True)
    np.testing.assert_allclose(found.logits, small.predict(pixels()[mosaics.images[:2, 2]]), atol=1e-4)


def test_apart_is_another_request(request_of: MosaicRequest) -> None:
    assert replace(request_of, apart=True).fingerprint != request_of.fingerprint
