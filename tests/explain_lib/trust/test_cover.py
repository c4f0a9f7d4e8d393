"""Parts of a picture covered: the code of the cells, the pixels, and the numbers against plain torch."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from own_networks import transformer
from sample_networks import model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.settings import Placement

ALL = "_" * 42 + "8"


def cells_at(*places: tuple[int, int]) -> NDArray[np.bool_]:
    cells = np.zeros((16, 16), np.bool_)
    for place in places:
        cells[place] = True
    return cells


# Section: the code


@pytest.mark.parametrize(
    ("places", "code"),
    [
        ([], ""),
        ([(0, 0)], "g"),
        ([(0, 5)], "B"),
        ([(0, 6), (0, 11)], "Ah"),
        ([(1, 2), (1, 3)], "AAAw"),
        ([(15, 15)], "A" * 42 + "E"),
    ],
)
def test_a_letter_is_six_cells_row_by_row(places: list[tuple[int, int]], code: str) -> None:
    assert xl.cover_code(cells_at(*places)) == code
    assert_array_equal(xl.cover_cells(code), cells_at(*places))


def test_any_cells_come_back_and_no_code_is_longer_than_43_letters() -> None:
    assert xl.cover_code(np.ones((16, 16), np.bool_)) == ALL
    for seed in range(20):
        cells = np.random.default_rng(seed).random((16, 16)) < 0.5
        assert_array_equal(xl.cover_cells(xl.cover_code(cells)), cells)


@pytest.mark.parametrize("code", ["A=", "é", "A" * 44, "A" * 42 + "B", "g g"])
def test_a_text_that_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(xl.InputError, match=r"cover: .*; at most 43 letters, digits, - and _"):
        xl.cover_cells(code)


# Section: pixels


@pytest.mark.parametrize(("height", "width", "channels"), [(32, 32, 3), (224, 224, 3), (48, 20, 1), (40, 40, 5)])
def test_covered_pixels_are_mid_grey_and_all_others_stay(height: int, width: int, channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    covered = xl.cover_picture(picture, xl.cover_code(cells_at((1, 2), (15, 15))))
    right = picture.copy()
    for y in range(height):
        for x in range(width):
            if (y * 16 // height, x * 16 // width) in ((1, 2), (15, 15)):
                right[y, x] = 128
    assert_array_equal(covered, right)
    assert_array_equal(xl.cover_picture(picture, ""), picture)


def test_blurred_cells_hold_the_blurred_picture() -> None:
    picture = noise(1, 32)[0]
    covered = xl.cover_picture(picture, "g", "blur")
    blurred = cv2.GaussianBlur(picture.astype(np.float64), (11, 11), 5.0)
    assert np.abs(covered[:2, :2] - blurred[:2, :2]).max() <= 0.51
    assert_array_equal(covered[2:], picture[2:])


def test_another_picture_or_fill_is_refused() -> None:
    with pytest.raises(xl.InputError, match="picture: a picture uint8"):
        xl.cover_picture(noise(1)[0].astype(np.float32), "g")  # type: ignore[arg-type]  # what somebody may give
    with pytest.raises(xl.InputError, match="fill: 'pink'; one of grey, blur would be right"):
        xl.cover_picture(noise(1)[0], "g", "pink")  # type: ignore[arg-type]  # the same


# Section: numbers


def by_hand(
    model: xl.Model, layer: str, picture: NDArray[np.uint8], score: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Activation and gradient of a layer, (C, h, w), by autograd alone."""
    held = []

    def hold(_: nn.Module, __: object, output: Tensor) -> None:
        output.retain_grad()
        held.append(output)

    handle = model.network.get_submodule(layer).register_forward_hook(hold)
    score(model.network(model.to_input(picture[None]).requires_grad_())).backward()
    handle.remove()
    assert held[0].grad is not None
    gradient = held[0].grad[0].clone()
    model.network.zero_grad(set_to_none=True)
    return [held[0].detach()[0], gradient]


class Halved(nn.Module):
    """Cells of 2 x 2 pixels, so that a cell of the map is a cell of the cover, then scores that are not linear in them."""

    def __init__(self, scores: int) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 2, stride=2), nn.Linear(4 * 16 * 16, scores)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).relu().flatten(1) ** 2)


def halved(scores: int) -> xl.Model:
    return model_of(seeded(lambda: Halved(scores)), max(2, scores), 32)


@pytest.mark.parametrize("placement", ["stretched", "receptive-field"])
def test_the_promise_is_what_the_map_has_in_the_covered_cells(placement: Placement) -> None:
    model, picture = halved(3), noise(1, 32)[0]
    cells = np.random.default_rng(1).random((16, 16)) < 0.3
    found = xl.cover_effect(model, picture, xl.cover_code(cells), "grey", "conv", 1, placement)
    activation, gradient = by_hand(model, "conv", picture, lambda scores: scores[0, 1])
    signed = (gradient.mean((1, 2))[:, None, None] * activation).sum(0).numpy()
    assert_array_equal(found.under, cells)
    assert_allclose(found.promised, -signed[cells].sum(), rtol=1e-4)
    assert_allclose(found.promised_by_cell, -(gradient * activation).sum(0).numpy()[cells].sum(), rtol=1e-4)
    assert_allclose(found.share, signed[cells].clip(0).sum() / signed.clip(0).sum(), rtol=1e-4)
    grey = np.where(np.kron(cells, np.ones((2, 2)))[..., None] == 1, 128, picture).astype(np.uint8)
    assert_array_equal(found.picture, grey)
    with torch.no_grad():
        whole, covered = (float(model.network(model.to_input(one[None]))[0, 1]) for one in (picture, grey))
    assert_allclose([found.score_whole, found.score, found.change], [whole, covered, covered - whole], rtol=1e-5)


def test_a_cell_that_looks_further_in_has_the_pixels_that_are_nearest_to_it(tutorial: xl.Model) -> None:
    top = np.zeros((16, 16), np.bool_)
    top[:4] = True  # the pixels of rows 0 to 7; conv2's cells look at rows 6.5, 8.5, ... 24.5
    placed = xl.cover_effect(tutorial, noise(1, 32)[0], xl.cover_code(top), layer="conv2")
    assert_array_equal(placed.under, np.repeat(np.eye(10)[:1], 10, 0).T)
    stretched = xl.cover_effect(tutorial, noise(1, 32)[0], xl.cover_code(top), layer="conv2", placement="stretched")
    # ten rows over 32 pixels: the first is 0 to 2, the second 3 to 5, the third 6 to 9
    assert_allclose(stretched.under[:, 0], [1, 1, 0.5, *[0] * 7])


def test_one_logit_and_its_evidence_against_the_class() -> None:
    network = seeded(lambda: Halved(1))
    model = xl.as_model(network, classes=("other", "cat"), input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    picture = noise(1, 32)[0]
    grey = np.full_like(picture, 128)
    with torch.no_grad():
        whole, covered = (float(network(model.to_input(one[None]))[0, 0]) for one in (picture, grey))
    found = xl.cover_effect(model, picture, ALL, layer="conv", target=xl.Target(1))
    against = xl.cover_effect(model, picture, ALL, layer="conv", target=xl.Target(1, sign=-1))
    assert_allclose([found.score_whole, found.score], [whole, covered], rtol=1e-4)
    assert_allclose([against.change, against.promised], [-found.change, -found.promised], rtol=1e-4)
    assert found.share == pytest.approx(1)


def test_tokens_have_a_map_under_the_cover_too() -> None:
    model = xl.as_model(transformer(), input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    picture, layer = noise(1, 32)[0], "encoder.layers.encoder_layer_1.ln_1"
    left = np.zeros((16, 16), np.bool_)
    left[:, :8] = True
    found = xl.cover_effect(model, picture, xl.cover_code(left), layer=layer, target=2, placement="stretched")
    activation, gradient = by_hand(model, layer, picture, lambda scores: scores[0, 2])  # (1 + 16 tokens, 16 channels)
    signed = (activation[1:] @ gradient[1:].mean(0)).reshape(4, 4).numpy()
    assert_array_equal(found.under, [[1, 1, 0, 0]] * 4)
    assert_allclose(found.promised, -signed[:, :2].sum(), rtol=1e-3)
    with torch.no_grad():
        covered = float(model.network(model.to_input(found.picture[None]))[0, 2])
    assert_allclose(found.score, covered, rtol=1e-4)


def test_another_picture_layer_or_class_is_refused() -> None:
    model = model_of(seeded(plain))
    for arguments, error, words in (
        ((noise(1, 9)[0], "g"), xl.InputError, "picture"),
        ((noise(1)[0], "g", "grey", "conv9"), xl.LayerError, "unknown layer 'conv9'"),
        ((noise(1)[0], "g", "grey", None, 7), xl.TargetError, "7"),
        ((noise(1)[0], "=="), xl.InputError, "cover"),
    ):
        with pytest.raises(error, match=words):
            xl.cover_effect(model, *arguments)  # type: ignore[arg-type]  # what somebody may give
