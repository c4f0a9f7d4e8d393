"""The moments of a training: their cards, what their networks get right, and their maps of one picture."""

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from plain_torch import captum_signed
from scipy.stats import spearmanr
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.training_time import (
    MapsInTime,
    Moment,
    correlations_with_last,
    maps_in_time,
    training_moments,
    watched_trainings,
)

CHECKPOINTS = Path(__file__).parents[3] / "checkpoints"
EPOCHS = (0, 1, 2, 5, 60)
NAMES = ("tutorial-epoch-0", "tutorial-epoch-1", "tutorial-epoch-2", "tutorial-epoch-5", "tutorial")


@cache
def network(name: str) -> nn.Module:
    return copy.deepcopy(xl.load_model(name).network)


def batch(pixels: NDArray[np.uint8]) -> Tensor:
    """The network's input, by hand: all of these networks take pixels from -1 to 1."""
    return torch.tensor(pixels).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.fixture(scope="module")
def moments() -> tuple[Moment, ...]:
    return training_moments("tutorial")


# Section: which moments there are


def test_the_moments_of_the_training_are_in_order_and_end_with_the_model(moments: tuple[Moment, ...]) -> None:
    assert tuple(moment.epoch for moment in moments) == EPOCHS
    assert tuple(moment.model for moment in moments) == NAMES


def test_each_moment_says_what_its_card_says(moments: tuple[Moment, ...]) -> None:
    for moment in moments:
        card = json.loads((CHECKPOINTS / f"{moment.model}.json").read_text())
        assert (moment.epoch, moment.accuracy) == (card["epochs"], card["accuracy"])


@pytest.mark.parametrize("name", NAMES)
def test_the_accuracy_is_the_count_of_what_the_network_gets_right(name: str, images: xl.ImageSet) -> None:
    (moment,) = [moment for moment in training_moments("tutorial") if moment.model == name]
    with torch.no_grad():
        logits = torch.cat([network(name)(part) for part in batch(images.pixels).split(1000)])
    right = int((logits.argmax(1).numpy() == images.labels).sum())
    assert moment.accuracy == right / 10_000
    bundled = np.load(CHECKPOINTS / f"{name}.logits.npy")
    assert int((bundled.argmax(1) == images.labels).sum()) == right


def test_neither_the_twin_on_permuted_labels_nor_another_training_belongs_to_it() -> None:
    assert [(moment.epoch, moment.model) for moment in training_moments("tutorial-permuted")] == [(60, "tutorial-permuted")]
    assert [(moment.epoch, moment.model) for moment in training_moments("resnet20")] == [(24, "resnet20")]


def test_a_step_of_a_training_is_the_end_of_what_led_to_it() -> None:
    assert tuple(moment.epoch for moment in training_moments("tutorial-epoch-2")) == (0, 1, 2)


def test_a_model_of_unknown_training_has_no_moments() -> None:
    assert training_moments("captum-tutorial") == ()


def test_only_a_model_with_earlier_moments_is_watched() -> None:
    assert watched_trainings() == ("tutorial",)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(xl.InputError, match="unknown model 'vgg'"):
        training_moments("vgg")


# Section: maps of one picture


def networks_of(moments: tuple[Moment, ...]) -> list[xl.Model]:
    return [xl.load_model(one.model) for one in moments]


def assert_maps_are_captums(found: MapsInTime, pixels: NDArray[np.uint8], layer: str) -> None:
    for place, name in enumerate(NAMES):
        expected = captum_signed(xl.load_model(name), pixels, layer, found.targets[place].index)[0]
        assert_allclose(found.signed[place], expected, atol=1e-5 * np.abs(expected).max(), rtol=0)
        assert_allclose(found.map[place], expected.clip(min=0), atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_each_map_is_captums_for_the_class_that_its_network_predicts(
    moments: tuple[Moment, ...], study: NDArray[np.uint8], layer: str
) -> None:
    found = maps_in_time(networks_of(moments), study[:1], layer, [None] * 5)
    with torch.no_grad():
        logits = np.concatenate([network(name)(batch(study[:1])).numpy() for name in NAMES])
    assert_allclose(found.logits, logits, atol=1e-5)
    assert [target.index for target in found.targets] == logits.argmax(1).tolist()
    assert len({target.index for target in found.targets}) > 1
    assert_maps_are_captums(found, study[:1], layer)


def test_each_map_is_captums_for_the_class_that_was_asked(moments: tuple[Moment, ...], study: NDArray[np.uint8]) -> None:
    found = maps_in_time(networks_of(moments), study[2:3], "pool1", [8, 7, 6, 5, 4])
    assert [target.index for target in found.targets] == [8, 7, 6, 5, 4]
    assert_maps_are_captums(found, study[2:3], "pool1")


@pytest.mark.parametrize(("count", "targets"), [(5, 4), (5, 6), (0, 0)])
def test_a_target_a_moment_is_right(moments: tuple[Moment, ...], study: NDArray[np.uint8], count: int, targets: int) -> None:
    with pytest.raises(xl.InputError, match=f"targets: {targets} of them for {count} moments; one a moment"):
        maps_in_time(networks_of(moments)[:count], study[:1], "conv2", [None] * targets)


def test_one_picture_is_right(moments: tuple[Moment, ...], study: NDArray[np.uint8]) -> None:
    with pytest.raises(xl.InputError, match="pixels: 4 pictures; one, as a batch of one"):
        maps_in_time(networks_of(moments), study, "conv2", [None] * 5)


# Section: correlation with the end


def test_the_correlation_is_scipys_with_the_last_map() -> None:
    maps = np.random.default_rng(1).normal(size=(4, 6, 7)).astype(np.float32).clip(min=0)
    expected = [spearmanr(one.ravel(), maps[-1].ravel()).statistic for one in maps]
    assert_allclose(correlations_with_last(maps), expected, atol=1e-12)
    assert expected[-1] == pytest.approx(1)


def test_a_map_that_is_the_same_everywhere_has_no_correlation() -> None:
    maps = np.random.default_rng(2).normal(size=(3, 4, 4)).astype(np.float32)
    maps[1] = 0
    assert np.isnan(correlations_with_last(maps)).tolist() == [False, True, False]
    assert np.isnan(correlations_with_last(maps[[0, 1]])).all()
