"""Trainings for the reasons of the study: the family, the plan, and a killed training that ends with the same weights."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import explain_lib as xl
from explain_lib.loading import training as trainer_module
from explain_lib.study.reasons import training
from explain_lib.study.reasons.family import DEPTHS, FamilyNet, family_architecture
from explain_lib.study.reasons.plan import Planned, coarse_pictures, plan, planned, split
from explain_lib.study.reasons.training import (
    END,
    START,
    TrainingCard,
    finished,
    load_stage,
    stage_at,
    train_planned,
    weights_file,
)

COMMAND = "the command"


def bright_images(count: int, seed: int, classes: int = 10) -> xl.ImageSet:
    """Pictures whose brightness tells their class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    pixels = generator.integers(0, 30, (count, 32, 32, 3)) + 22 * labels[:, None, None, None]
    return xl.ImageSet(pixels.astype(np.uint8), labels.astype(np.int64))


PICTURES = bright_images(240, 0)
ONE = Planned(conv_layers=4, seed=3)


def make_small(patch: pytest.MonkeyPatch) -> None:
    where = "explain_lib.study.reasons.plan."
    for name, value in {"HELD_OUT": 80, "EPOCHS": 3, "MATCHED": {"depth": 0.15, "resolution": 0.05}}.items():
        patch.setattr(where + name, value)


@pytest.fixture(autouse=True)
def small_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


# Section: the family


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_has_so_many_conv_layers_and_the_same_late_layers(depth: int) -> None:
    network = family_architecture(depth).build(None)
    model = xl.as_model(network, classes=xl.CLASSES, input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    assert len(model.conv_layers) == depth
    cams = xl.grad_cam(model, np.zeros((1, 32, 32, 3), np.uint8), ["conv2", "relu2", "pool2"], 0)
    assert [cams[layer].grid for layer in cams] == [(16, 16), (16, 16), (8, 8)]
    assert [cams[layer].weights.shape[1] for layer in cams] == [64, 64, 64]


def test_depth_is_all_that_the_family_differs_in() -> None:
    shapes = [{name: tuple(values.shape) for name, values in FamilyNet(depth, 10).state_dict().items()} for depth in (2, 8)]
    assert {name: shape for name, shape in shapes[1].items() if not name.startswith("blocks.")} == shapes[0]


@pytest.mark.parametrize("depth", [0, 3, -2])
def test_a_depth_that_the_family_lacks_gets_a_sentence(depth: int) -> None:
    with pytest.raises(xl.InputError, match=r"^conv_layers: .* an even number from 2 on"):
        family_architecture(depth)


# Section: the plan


def test_every_setting_gets_its_first_seed_before_any_gets_its_second() -> None:
    every = plan(seeds=3)
    assert [one.seed for one in every] == sorted(one.seed for one in every)
    # 5 depths, 2 sides and 2 numbers of classes besides those of the network with 4 layers, 32 pixels and 10 classes
    assert len(every) == len(set(every)) == 3 * 9
    assert [one.conv_layers for one in every[:5]] == [2, 4, 8, 14, 20]


def test_the_network_that_the_rules_share_is_trained_once() -> None:
    assert planned("depth", 4, 1) == planned("resolution", 32, 1) == planned("classes", 10, 1)
    assert len({one.name for one in plan()}) == len(plan())


def test_frog_is_always_among_the_classes_and_a_seed_draws_the_others() -> None:
    drawn = {planned("classes", 2, seed).classes for seed in range(20)}
    assert all("frog" in classes and len(classes) == 2 for classes in drawn)
    assert len(drawn) > 4
    assert set(planned("classes", 2, 7).classes) < set(planned("classes", 5, 7).classes)
    assert planned("classes", 10, 7).classes == xl.CLASSES


def test_fewer_classes_are_trained_for_as_many_steps() -> None:
    steps = [planned("classes", count, 0).recipe.epochs * count for count in (2, 5, 10)]
    assert len(set(steps)) == 1


def test_labels_are_those_of_the_classes_that_are_kept() -> None:
    one = Planned(count=5, seed=2)
    kept = one.kept(PICTURES)
    names = [PICTURES.classes[label] for label in PICTURES.labels]
    assert [one.classes[label] for label in kept.labels] == [name for name in names if name in one.classes]
    assert_array_equal(kept.pixels, PICTURES.pixels[[name in one.classes for name in names]])


def test_coarse_pictures_are_means_over_squares_enlarged_again() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    found = coarse_pictures(pixels, 8)
    means = np.rint(pixels.reshape(3, 8, 4, 8, 4, 3).mean((2, 4))).astype(np.uint8)
    right = torch.nn.functional.interpolate(torch.tensor(means).permute(0, 3, 1, 2).float(), (32, 32), mode="bilinear")
    np.testing.assert_allclose(found, right.permute(0, 2, 3, 1), atol=1.01)
    assert coarse_pictures(pixels, 32) is pixels


def test_held_out_pictures_are_not_learnt_from() -> None:
    learnt, held = split(PICTURES)
    assert_array_equal(np.concatenate([learnt.pixels, held.pixels]), PICTURES.pixels)
    assert len(held.labels) == 80


# Section: a training


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingCard]:
    """A training that nothing interrupted, and its card."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        return folder, train_planned(ONE, PICTURES, folder, COMMAND)


def held_out_share(folder: Path, stage: str) -> float:
    """The share of the held-out pictures that the kept weights get right, by the library's own prediction."""
    _, held = split(PICTURES)
    return float((load_stage(ONE, folder, stage).predict(held.pixels).argmax(1) == held.labels).mean())


def test_checkpoints_are_taken_where_the_accuracy_is_first_reached_and_at_the_end(whole: tuple[Path, TrainingCard]) -> None:
    folder, card = whole
    assert (len(card.held_out), card.epochs, card.seed, card.command) == (3, 3, 3, COMMAND)
    for matched in (0.05, 0.15):
        reached = [epoch for epoch, share in enumerate(card.held_out, 1) if share >= matched]
        taken = [one for one in card.checkpoints if one.stage == stage_at(matched)]
        assert [one.epochs for one in taken] == reached[:1]
        assert [one.accuracy for one in taken] == [card.held_out[epoch - 1] for epoch in reached[:1]]
    assert (card.checkpoints[-1].stage, card.checkpoints[-1].epochs) == (END, 3)
    assert len(card.checkpoints) > 1
    for one in card.checkpoints:
        assert held_out_share(folder, one.stage) == pytest.approx(one.accuracy)


def test_the_untrained_network_is_the_one_that_was_trained(tmp_path: Path) -> None:
    right = trainer_module.Trainer("one", PICTURES, tmp_path, ONE.recipe, "", family_architecture(4)).network.state_dict()
    for name, found in load_stage(ONE, tmp_path, START).network.state_dict().items():
        assert torch.equal(found, right[name]), name


class Killed(BaseException):
    """Stands for a kill: nothing in the library may catch it."""


STEPS = {
    "batch": (trainer_module, "augment"),
    "progress": (training, "write_whole"),
    "resume file": (trainer_module, "write_tensors"),
    "weights": (training, "write_tensors"),
}


def killed_at(step: str, call: int, patch: pytest.MonkeyPatch, after: bool) -> None:
    """From now on the process dies in that call of a step, before or after it has done its work."""
    module, name = STEPS[step]
    original: Callable[..., Any] = getattr(module, name)
    calls: list[None] = []

    def dying(*arguments: Any) -> Any:
        calls.append(None)
        if len(calls) == call and not after:
            raise Killed
        value = original(*arguments)
        if len(calls) == call:
            raise Killed
        return value

    patch.setattr(module, name, dying)


KILLS = [
    ("batch", 2, False),  # three batches an epoch: in the first
    ("weights", 1, True),  # at matched accuracy, before the progress knows of it
    ("progress", 1, True),  # before the first epoch counts as done
    ("resume file", 1, True),
    ("progress", 2, False),
    ("resume file", 2, False),
    ("batch", 8, False),
    ("resume file", 3, True),  # before the last weights are written
    ("progress", 4, False),  # the last weights, but no card
    ("progress", 4, True),  # the card, and the progress too
]


@pytest.mark.parametrize(("step", "call", "after"), KILLS)
def test_a_killed_and_resumed_training_ends_with_the_same_weights_and_card(
    step: str, call: int, after: bool, whole: tuple[Path, TrainingCard], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at(step, call, patch, after)
        with pytest.raises(Killed):
            train_planned(ONE, PICTURES, tmp_path, COMMAND)
    torch.manual_seed(1234)  # a new process has another state of the global generator
    assert train_planned(ONE, PICTURES, tmp_path, COMMAND) == whole[1]
    assert finished(ONE, tmp_path) == whole[1]


def test_whole_epochs_are_not_repeated(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at("resume file", 2, patch, after=True)
        with pytest.raises(Killed):
            train_planned(ONE, PICTURES, tmp_path, COMMAND)
        killed_at("batch", 4, patch, after=False)  # one epoch has three batches
        train_planned(ONE, PICTURES, tmp_path, COMMAND)


def test_a_training_that_is_over_is_not_repeated(whole: tuple[Path, TrainingCard]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at("batch", 1, patch, after=False)
        assert train_planned(ONE, PICTURES, whole[0], COMMAND) == whole[1]


def test_other_weights_than_the_cards_are_refused(whole: tuple[Path, TrainingCard], tmp_path: Path) -> None:
    shutil.copytree(whole[0], tmp_path / "copy")
    weights = weights_file(tmp_path / "copy", ONE, END)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(xl.DataError, match=rf"{weights.name} is not the file that {ONE.name}.json names"):
        finished(ONE, tmp_path / "copy")


def test_a_damaged_card_gets_a_sentence(tmp_path: Path) -> None:
    for content in ("no card", "{}", "[]"):
        (tmp_path / f"{ONE.name}.json").write_text(content)
        with pytest.raises(xl.DataError, match=rf"{ONE.name}.json is damaged"):
            finished(ONE, tmp_path)


def test_a_network_of_two_classes_learns_them(tmp_path: Path) -> None:
    one = replace(ONE, count=2)
    card = train_planned(one, PICTURES, tmp_path, COMMAND)
    assert (card.stages, len(card.held_out), len(card.classes)) == ((END,), 15, 2)
    assert card.held_out[-1] > 0.8
    assert load_stage(one, tmp_path, END).classes == card.classes
