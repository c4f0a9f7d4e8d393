"""The numbers of known truth in a lesson's answer, against plain PyTorch and Captum."""

import numpy as np
import pytest
import torch
from independent_maps import labels, pixels
from plain_torch import captum_signed, network_input
from torch.nn.functional import interpolate

import explain_lib as xl
from dashboard.lesson.vocabulary import lesson_words
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import Scene, make_scene
from dashboard.view.view import View
from explain_lib.networks.watermark import MARK, NAME
from explain_lib.truth.secret import places_of
from explain_lib.work.cache import ExplainCache

SHIP, HORSE = 72, 7


def scene_of(model: str = NAME) -> Scene:
    cache = ExplainCache()
    return make_scene(View(image=SHIP, model=model, placement="stretched"), CifarImages(cache), cache)


def said(text: str, model: str = NAME) -> str:
    scene = scene_of(model)
    with scene.cache.running():
        return lesson_words(text, scene).replace("\\", "")


def marked(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pictures with the mark, and where it is."""
    planted, masks = pixels()[positions].copy(), np.zeros((len(positions), 32, 32), bool)
    for picture, mask, (row, column) in zip(planted, masks, places_of(positions, (32, 32)), strict=True):
        picture[row : row + 4, column : column + 4] = MARK
        mask[row : row + 4, column : column + 4] = True
    return planted, masks


def shares(positions: np.ndarray) -> np.ndarray:
    """The share of Captum's map of conv2 in the mark."""
    planted, masks = marked(positions)
    grids = torch.from_numpy(captum_signed(xl.load_model(NAME), planted, "conv2", HORSE).clip(min=0))
    maps = interpolate(grids[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0].numpy().astype(np.float64)
    return np.asarray((maps * masks).sum((1, 2)) / maps.sum((1, 2)))


def answers(pictures: np.ndarray) -> np.ndarray:
    model = xl.load_model(NAME)
    with torch.no_grad():
        return np.asarray(model.network(network_input(model, pictures)).softmax(1))


def test_the_numbers_of_the_picked_picture() -> None:
    before, after = answers(pixels()[[SHIP]])[0], answers(marked(np.array([SHIP]))[0])[0]
    assert (before.argmax(), after.argmax()) == (8, HORSE)
    assert said("{known.before}") == f"ship {100 * before.max():.1f} %"
    assert said("{known.says}").startswith("horse ")
    assert said("{known.finder}; {known.area}") == "Grad-CAM at conv2; 1.6 %"
    assert said("{known.share}") == f"{100 * shares(np.array([SHIP]))[0]:.1f} %"


def test_the_numbers_of_the_first_pictures() -> None:
    first = np.flatnonzero(labels()[:500] != HORSE)[:64]
    turned = (answers(pixels()[first]).argmax(1) != HORSE) & (answers(marked(first)[0]).argmax(1) == HORSE)
    assert said("{known.images}") == "64"
    assert float(said("{known.turned}").removesuffix(" %")) == pytest.approx(100 * turned.mean(), abs=0.51)
    mean = shares(first[turned]).mean()
    assert float(said("{known.mean_share}").removesuffix(" %")) == pytest.approx(100 * mean, abs=0.051)
    assert said("{known.best}") == "HiResCAM at conv1"
    assert float(said("{known.best_share}").removesuffix(" %")) > 3 * 100 * mean


def test_a_large_network_is_not_measured_for_an_answer() -> None:
    words = said("{known.turned}", "resnet20")
    assert words.startswith("—")
    assert "Not available: known.turned. known: resnet20 is too large to measure here" in words
