"""Training on a few small pictures: resumed after a kill it ends with the same weights, and the card tells the truth."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import explain_lib as xl
from explain_lib.loading import training
from explain_lib.loading.architectures import TutorialNet
from explain_lib.loading.bundled import CheckpointSpec, load_checkpoint
from explain_lib.loading.training import (
    RECIPES,
    Recipe,
    Trainer,
    augment,
    distillation,
    learning_rate,
    load_training_set,
    train,
)
from explain_lib.networks.cards import ModelCard, file_digest, read_card

EPOCHS = 3
HALF = (0.5, 0.5, 0.5)
TINY = Recipe("Tiny", "TutorialNet", EPOCHS, 0.05, batch_size=32, crop=2, snapshots=(0, 2), seed=5)


def fake_images(count: int, seed: int) -> xl.ImageSet:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    pixels = generator.integers(0, 128, (count, 32, 32, 3)) + 12 * labels[:, None, None, None]
    return xl.ImageSet(pixels.astype(np.uint8), labels.astype(np.int64))


TRAINING, TEST = fake_images(160, 0), fake_images(40, 1)


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "load_cifar10", lambda: TEST)


def trainer(folder: Path, recipe: Recipe = TINY) -> Trainer:
    return Trainer("tiny", TRAINING, folder, recipe, "the command")


def weights(folder: Path, name: str = "tiny") -> dict[str, torch.Tensor]:
    return torch.load(folder / f"{name}.pt", weights_only=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    """A training that nothing interrupted, and its card."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "load_cifar10", lambda: TEST)
        return folder, trainer(folder).run()


class Killed(BaseException):
    """Stands for a kill: nothing in the library may catch it."""


def killed_at(step: str, call: int, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """From now on the process dies in that call of a step of the training, before or after it has done its work.

    step: "augment", of each batch, or "write_tensors", of which only those to the resume file count.
    """
    original: Callable[..., Any] = getattr(training, step)
    calls: list[None] = []

    def dying(*arguments: Any) -> Any:
        if step == "augment" or arguments[1].name.endswith(".resume.pt"):
            calls.append(None)
        dies = len(calls) == call
        if dies and not after:
            raise Killed
        value = original(*arguments)
        if dies:
            raise Killed
        return value

    monkeypatch.setattr(training, step, dying)


KILLS = [
    ("augment", 3, False),  # in the first epoch
    ("write_tensors", 1, True),  # after the first epoch
    ("write_tensors", 2, False),  # after the second epoch, which is therefore lost
    ("augment", 12, False),  # in the third epoch; there are five batches in each
    ("write_tensors", 3, True),  # after the last epoch, before the checkpoint is written
]


@pytest.mark.parametrize(("step", "call", "after"), KILLS)
def test_a_killed_and_resumed_training_ends_with_the_same_weights(
    step: str, call: int, after: bool, finished: tuple[Path, ModelCard], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at(step, call, patch, after)
        with pytest.raises(Killed):
            trainer(tmp_path).run()
    torch.manual_seed(1234)  # a new process has another state of the global generator
    card = trainer(tmp_path).run()
    right = weights(finished[0])
    for name, found in weights(tmp_path).items():
        assert torch.equal(found, right[name]), name
    assert card == finished[1]


def test_a_resumed_training_does_not_repeat_whole_epochs(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at("write_tensors", 2, patch, after=True)
        with pytest.raises(Killed):
            trainer(tmp_path).run()
    resumed = trainer(tmp_path)
    resumed.resume()
    assert resumed.epoch == 2


def test_training_leaves_no_resume_file(finished: tuple[Path, ModelCard]) -> None:
    names = sorted(path.name for path in finished[0].iterdir())
    stems = ("tiny", "tiny-epoch-0", "tiny-epoch-2")
    assert names == sorted(f"{stem}{end}" for stem in stems for end in (".pt", ".json", ".logits.npy"))


def test_a_damaged_resume_file_gets_a_sentence(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    job.resume_file.write_bytes(b"not a training")
    with pytest.raises(xl.DataError, match=r"tiny.resume.pt"):
        job.run()


def test_training_learns_the_brightness_of_the_classes(tmp_path: Path) -> None:
    longer = trainer(tmp_path, replace(TINY, epochs=25, snapshots=(), flip=False, crop=0)).run()
    assert longer.train_accuracy is not None
    assert longer.train_accuracy > 0.3  # ten classes: chance is 0.1


def test_the_first_snapshot_is_the_initialisation(finished: tuple[Path, ModelCard]) -> None:
    torch.manual_seed(TINY.seed)
    right = TutorialNet().state_dict()
    for name, found in weights(finished[0], "tiny-epoch-0").items():
        assert torch.equal(found, right[name]), name


def test_the_card_says_how_the_checkpoint_was_made(finished: tuple[Path, ModelCard]) -> None:
    folder, card = finished
    assert (card.name, card.title, card.architecture, card.classes) == ("tiny", "Tiny", "TutorialNet", xl.CLASSES)
    assert (card.epochs, card.seed, card.command, card.input_size) == (EPOCHS, 5, "the command", (32, 32))
    assert (card.mean, card.std) == (HALF, HALF)
    assert card.digest == file_digest(folder / "tiny.pt")
    assert card.logits_digest == file_digest(folder / "tiny.logits.npy")
    assert read_card(folder / "tiny.json") == card


def test_the_cards_accuracies_are_those_of_the_written_checkpoint(finished: tuple[Path, ModelCard]) -> None:
    folder, card = finished
    logits = load_checkpoint(CheckpointSpec("tiny", folder)).predict(TEST.pixels)
    assert_array_equal(np.load(folder / "tiny.logits.npy"), logits)
    right = logits.argmax(1) == TEST.labels
    assert card.accuracy == right.sum() / 40
    assert card.class_accuracy == tuple(right[TEST.labels == index].sum() / 4 for index in range(10))


def test_a_snapshots_card_says_after_which_epoch(finished: tuple[Path, ModelCard]) -> None:
    start, later = (read_card(finished[0] / f"tiny-epoch-{epoch}.json") for epoch in (0, 2))
    assert (start.title, start.epochs, start.train_accuracy) == ("Tiny, after 0 of 3 epochs", 0, None)
    assert (later.title, later.epochs) == ("Tiny, after 2 of 3 epochs", 2)


def test_permuted_labels_keep_their_frequencies_and_lose_their_pictures(tmp_path: Path) -> None:
    job = trainer(tmp_path, replace(TINY, permute_labels=True))
    assert torch.bincount(job.labels).tolist() == [16] * 10
    assert (job.labels.numpy() == TRAINING.labels).mean() < 0.4  # by chance 0.1
    assert trainer(tmp_path, replace(TINY, permute_labels=True)).labels.tolist() == job.labels.tolist()


def test_labels_are_not_permuted_unless_asked(tmp_path: Path) -> None:
    assert_array_equal(trainer(tmp_path).labels, TRAINING.labels)


def possible_views(picture: np.ndarray, crop: int, flip: bool) -> list[bytes]:
    """Every crop of the zero-padded picture, plain and mirrored, in NumPy: (3, H, W)."""
    padded = np.pad(picture, ((0, 0), (crop, crop), (crop, crop)))
    side = picture.shape[1]
    places = [(top, left) for top in range(2 * crop + 1) for left in range(2 * crop + 1)]
    crops = [padded[:, top : top + side, left : left + side] for top, left in places]
    mirrored = [view[:, :, ::-1] for view in crops] if flip else []
    return [view.tobytes() for view in crops + mirrored]


@pytest.mark.parametrize(("crop", "flip", "count"), [(0, False, 1), (0, True, 2), (2, False, 25), (2, True, 50)])
def test_augmented_pictures_are_crops_and_mirror_images_all_of_which_occur(crop: int, flip: bool, count: int) -> None:
    picture = np.random.default_rng(0).integers(1, 256, (3, 8, 8), dtype=np.uint8)
    batch = torch.from_numpy(picture).repeat(1000, 1, 1, 1)
    recipe = replace(TINY, crop=crop, flip=flip)
    found = [view.tobytes() for view in augment(batch, recipe, torch.Generator().manual_seed(0)).numpy()]
    views = possible_views(picture, crop, flip)
    assert len(set(views)) == count
    assert set(found) == set(views)


def test_augmentation_keeps_each_picture_at_its_place_and_the_originals_as_they_are() -> None:
    pictures = np.random.default_rng(1).integers(1, 256, (20, 3, 8, 8), dtype=np.uint8)
    batch = torch.from_numpy(pictures.copy())
    found = augment(batch, TINY, torch.Generator().manual_seed(3)).numpy()
    for one, original in zip(found, pictures, strict=True):
        assert one.tobytes() in possible_views(original, 2, flip=True)
    assert_array_equal(batch, pictures)


def test_distillation_is_the_divergence_at_the_temperature_times_its_square() -> None:
    own, taught = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 0.0]]), np.array([[2.0, 2.0, -4.0], [0.0, 1.0, 5.0]])
    p, q = (np.exp(one / 4) / np.exp(one / 4).sum(1, keepdims=True) for one in (taught, own))
    right = 16 * (p * np.log(p / q)).sum(1).mean()
    found = distillation(torch.from_numpy(own), torch.from_numpy(taught)).item()
    assert found == pytest.approx(right, rel=1e-12)


def test_a_teacher_pulls_towards_its_own_answers(tmp_path: Path) -> None:
    teacher = xl.load_model("tutorial").predict(TRAINING.pixels)
    recipe = replace(TINY, epochs=12, peak_rate=1e-3, snapshots=(), flip=False, crop=0, optimiser="adamw")
    apart = []
    for name in (None, "tutorial"):
        trainer(tmp_path / str(name), replace(recipe, teacher=name)).run()
        learnt = load_checkpoint(CheckpointSpec("tiny", tmp_path / str(name))).predict(TRAINING.pixels)
        apart.append(float(np.abs(learnt - teacher).mean()))
    assert apart[1] < 0.9 * apart[0]


@pytest.mark.parametrize(("progress", "right"), [(0, 0), (0.075, 0.2), (0.15, 0.4), (0.575, 0.2), (1, 0)])
def test_learning_rate_rises_and_falls_in_straight_lines(progress: float, right: float) -> None:
    assert learning_rate(progress, 0.4) == pytest.approx(right, abs=1e-12)


def test_an_unknown_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        xl.InputError,
        match=r"unknown recipe 'vgg'; there are tutorial, tutorial-permuted, tutorial-second, watermark, resnet20, vit-tiny",
    ):
        train("vgg", None, tmp_path, "")


def test_every_bundled_training_has_a_recipe() -> None:
    assert all(name in RECIPES for name in xl.list_models() if name != "captum-tutorial")


def test_missing_training_images_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"training images are not in .* and cannot be fetched .*connect to the internet"):
        load_training_set(tmp_path)


def test_a_file_that_is_no_archive_of_images_gets_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "train.npz"
    np.savez(file, images=TRAINING.pixels, labels=TRAINING.labels)
    cut_short = file.read_bytes()[:1000]
    np.savez(file, pictures=np.zeros(3))
    for content in (b"not an archive", cut_short, file.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(xl.DataError, match=r"train.npz"):
            load_training_set(tmp_path)


def test_other_training_images_are_refused_by_their_digest(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", images=TRAINING.pixels, labels=TRAINING.labels.astype(np.uint8))
    with pytest.raises(xl.DataError, match=r"the CIFAR-10 train images in .* are damaged: .* f912919b.* would be right"):
        load_training_set(tmp_path)
