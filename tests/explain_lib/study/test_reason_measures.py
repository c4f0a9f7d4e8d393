"""What is measured for the reasons of the study, beside SciPy, PyTorch and NumPy; and the whole work, killed and resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.stats import spearmanr
from torch.nn import functional

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.loading import training as trainer_module
from explain_lib.study.outlines import Outlines, find_outlines
from explain_lib.study.reasons import measures, work
from explain_lib.study.reasons.measures import (
    WAYS,
    Subjects,
    find_subjects,
    measure_backgrounds,
    measure_contours,
    measure_outlines,
    object_covered,
)
from explain_lib.study.reasons.plan import Planned
from explain_lib.study.reasons.rows import read_rows
from explain_lib.study.reasons.training import START, load_stage
from explain_lib.study.reasons.work import ReasonWork
from explain_lib.study.rows import outline_rows

LAYERS = ("conv2", "relu2", "pool2")


@pytest.fixture(scope="module")
def coarse_one() -> Planned:
    return Planned(side=8, seed=1)


def an_untrained(one: Planned) -> xl.Model:
    return load_stage(one, Path(), START)


def enlarged(cells: np.ndarray) -> np.ndarray:
    return functional.interpolate(torch.tensor(cells)[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0].numpy()


def edges_by_scipy(picture: np.ndarray) -> np.ndarray:
    grey = picture.mean(2, dtype=np.float64)
    return np.hypot(ndimage.sobel(grey, 0, mode="mirror"), ndimage.sobel(grey, 1, mode="mirror"))


# Section: contours


def test_each_correlation_is_scipys(images: xl.ImageSet) -> None:
    pictures, one = xl.ImageSet(images.pixels[:4], images.labels[:4]), Planned(side=16, seed=1)
    model = an_untrained(one)
    found = measure_contours(model, one, pictures)
    seen = one.shown(pictures.pixels)
    kinds = (seen, Planned(side=8).shown(pictures.pixels))
    cams = xl.grad_cam(model, seen, LAYERS)
    for column, layer in enumerate(LAYERS):
        maps = enlarged(cams[layer].map)
        for kind, shown in enumerate(kinds):
            edges = [edges_by_scipy(picture).ravel() for picture in shown]
            for values, shift in ((found.own, 0), (found.other, 1)):
                right = [spearmanr(maps[k].ravel(), edges[(k + shift) % 4]).statistic for k in range(4)]
                np.testing.assert_allclose(values[:, column, kind], right, atol=5e-4)


def test_the_control_of_a_later_batch_is_its_own_next_picture(images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, one = xl.ImageSet(images.pixels[:5], images.labels[:5]), Planned(conv_layers=2)
    whole = measure_contours(an_untrained(one), one, pictures)
    monkeypatch.setattr(measures, "GUESS_BATCH", 2)
    parts = measure_contours(an_untrained(one), one, pictures)
    np.testing.assert_allclose(parts.other, whole.other, atol=1e-3)
    np.testing.assert_allclose(parts.own, whole.own, atol=1e-3)


# Section: outlines


def test_the_numbers_beside_are_those_of_the_guess_on_contours(images: xl.ImageSet) -> None:
    pictures, model = xl.ImageSet(images.pixels[:30], images.labels[:30]), an_untrained(Planned(seed=1))
    found = measure_outlines(model, pictures)
    outlines = find_outlines(pictures.pixels)
    usable = np.flatnonzero(outlines.usable)
    assert np.isnan(found[:, ~outlines.usable]).all()
    cells = xl.grad_cam(model, pictures.pixels[usable], "relu2")["relu2"].map
    share = np.stack([np.interp(np.arange(32), 2 * np.arange(16) + 0.5, one) for one in np.eye(16)], axis=1)  # by hand
    maps = share @ cells @ share.T
    for row, masks in enumerate((outlines.masks[usable], np.roll(outlines.masks[usable], -1, axis=0))):
        square = np.ones((3, 3), bool)
        insides = np.stack([ndimage.binary_erosion(one, square, border_value=1) for one in masks])
        bands = np.stack([ndimage.binary_dilation(one, square) for one in masks]) & ~insides
        along, inside = ((maps * part).sum((1, 2)) / maps.sum((1, 2)) / part.mean((1, 2)) for part in (bands, insides))
        np.testing.assert_allclose(found[row, usable, 0], along - inside, atol=1e-4)
    rows = outline_rows(model, pictures.pixels, range(30))
    np.testing.assert_allclose(found[0, usable, 1] - found[1, usable, 1], rows.use, atol=1e-6)


# Section: backgrounds


def boxes(*ends: tuple[int, int, int, int]) -> np.ndarray:
    masks = np.zeros((len(ends), 32, 32), bool)
    for mask, (top, bottom, left, right) in zip(masks, ends, strict=True):
        mask[top:bottom, left:right] = True
    return masks


@pytest.fixture(scope="module")
def subjects(images: xl.ImageSet) -> Subjects:
    """Three frogs and four pictures of two other classes, with made-up outlines."""
    frogs = np.flatnonzero(images.labels == 6)[:3]
    others = np.concatenate([np.flatnonzero(images.labels == label)[:2] for label in (0, 5)])
    chosen = np.concatenate([frogs, others])
    masks = boxes(*((4 + k, 20, 6, 18 + k) for k in range(7)))
    return Subjects(frogs, others, images.pixels[chosen], masks, images.labels[chosen])


def test_the_share_beyond_the_area_is_what_numpy_counts(subjects: Subjects) -> None:
    model = an_untrained(Planned(conv_layers=2, seed=2))
    found = measure_backgrounds(model, subjects)
    cams = xl.grad_cam(model, subjects.pixels[:3], LAYERS, 6)
    for column, layer in enumerate(LAYERS):
        maps = enlarged(cams[layer].map)
        for values, shift in ((found.beyond, 0), (found.control, 1)):
            masks = [subjects.masks[(k + shift) % 3] for k in range(3)]
            with np.errstate(invalid="ignore"):  # a map that is zero everywhere has no share
                right = [(maps[k] * ~masks[k]).sum() / maps[k].sum() - (~masks[k]).mean() for k in range(3)]
            np.testing.assert_allclose(values[:, column], right, atol=1e-5)


def test_what_a_background_tells_is_counted_pair_by_pair(subjects: Subjects) -> None:
    model = an_untrained(Planned(conv_layers=2, seed=2))
    found = measure_backgrounds(model, subjects)
    for column, cover in enumerate(WAYS):
        logits = model.predict(object_covered(subjects.pixels, subjects.masks, cover))
        for frog in range(3):
            shares = []
            for label, places in ((0, (3, 4)), (5, (5, 6))):
                own = logits[frog, 6] - logits[frog, label]
                shares.append(np.mean([own > logits[place, 6] - logits[place, label] for place in places]))
            assert found.told[frog, column] == pytest.approx(np.mean(shares))


def test_a_network_that_sees_nothing_tells_by_chance(subjects: Subjects, monkeypatch: pytest.MonkeyPatch) -> None:
    model = an_untrained(Planned(conv_layers=2, seed=2))
    monkeypatch.setattr(type(model), "predict", lambda _, pixels: np.zeros((len(pixels), 10), np.float32))
    assert (measure_backgrounds(model, subjects).told == 0.5).all()


def test_covers_leave_the_background_as_it_is_and_a_box_hides_the_shape() -> None:
    pixels = np.random.default_rng(0).integers(1, 120, (2, 32, 32, 3), dtype=np.uint8)
    masks = boxes((2, 6, 3, 5), (0, 32, 8, 9))
    masks[0, 10, 20] = True
    right = masks.copy()
    right[0, 2:11, 3:21] = True
    for cover, value in {"grey": 128, "white": 255, "black": 0, "grey box": 128}.items():
        found, places = object_covered(pixels, masks, cover), right if cover == "grey box" else masks
        assert (found[places] == value).all()
        np.testing.assert_array_equal(found[~places], pixels[~places])


def test_subjects_are_all_frogs_with_an_outline_and_some_of_each_other_class(
    images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "COMPARED", 3)
    few = xl.ImageSet(images.pixels[:240], images.labels[:240])
    found = find_subjects(few)
    assert (few.labels[found.frogs] == 6).all()
    assert np.bincount(found.labels[len(found.frogs) :], minlength=10).tolist() == [3] * 6 + [0] + [3] * 3
    shares = found.masks.mean((1, 2))
    assert (shares > 0.08).all()
    assert (shares < 0.85).all()
    np.testing.assert_array_equal(found.pixels, few.pixels[np.concatenate([found.frogs, found.others])])


# Section: the work as a whole


@pytest.fixture
def small_work(images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of an epoch on few pictures, measured on few."""
    few = xl.ImageSet(images.pixels[:300], images.labels[:300])
    where = "explain_lib.study.reasons."
    monkeypatch.setattr(where + "plan.HELD_OUT", 100)
    monkeypatch.setattr(where + "plan.EPOCHS", 1)
    monkeypatch.setattr(where + "plan.MATCHED", {"depth": 0.0, "resolution": 0.0})
    monkeypatch.setattr(work, "MATCHED", {"depth": 0.0, "resolution": 0.0})
    monkeypatch.setattr(work, "IMAGES", 40)
    monkeypatch.setattr(measures, "COMPARED", 3)
    monkeypatch.setattr(trainer_module, "load_training_set", lambda _: few)
    monkeypatch.setattr("explain_lib.pictures.dataset.load_cifar10", lambda: few)


@pytest.mark.usefixtures("small_work")
def test_the_command_writes_rows_of_every_network_and_their_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guesses", "--only", "resolution", "classes", "--seeds", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "1 of 10: 4-layers-8-pixels-10-classes-seed-0\n" in printed
    assert "The pictures are too small: can't tell\n" in printed  # two networks of each are too few
    rows = read_rows(tmp_path, "resolution")
    assert rows.values.shape == (3, 6, 40, 6)
    assert rows.settings.tolist() == [8, 16, 32] * 2
    assert [card.seed for card in rows.networks] == [0, 0, 0, 1, 1, 1]
    assert np.isfinite(rows.values[1:]).mean() > 0.9
    assert read_rows(tmp_path, "classes").columns == (*LAYERS, *WAYS)


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.usefixtures("small_work")
def test_a_killed_command_goes_on_and_writes_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["guesses", "--only", "classes", "--seeds", "1", "--out"]
    main([*arguments, str(tmp_path / "whole")])
    original, calls = work.measure_backgrounds, [0]

    def dying(model: xl.Model, subjects: Subjects) -> measures.Backgrounds:
        calls[0] += 1
        if calls[0] == 4:
            raise Killed
        return original(model, subjects)

    monkeypatch.setattr(work, "measure_backgrounds", dying)
    with pytest.raises(Killed):
        main([*arguments, str(tmp_path / "killed")])
    main([*arguments, str(tmp_path / "killed")])
    assert calls[0] == 1 + 6  # the three networks, untrained and at the end, and the one that was killed
    assert (tmp_path / "killed" / "classes.npz").read_bytes() == (tmp_path / "whole" / "classes.npz").read_bytes()


def the_same_box(pixels: np.ndarray) -> Outlines:
    return Outlines(np.tile(boxes((8, 24, 8, 24)), (len(pixels), 1, 1)), np.ones(len(pixels), np.float32))


@pytest.mark.usefixtures("small_work")
def test_other_outlines_are_measured_without_training_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["guesses", "--only", "classes", "--seeds", "1", "--out", str(tmp_path)]
    main(arguments)
    before = read_rows(tmp_path, "classes").values
    monkeypatch.setattr(measures, "find_outlines", the_same_box)
    monkeypatch.setattr(trainer_module, "augment", lambda *_: pytest.fail("it trains"))
    main(arguments)
    after = read_rows(tmp_path, "classes").values
    assert before.shape != after.shape or not np.array_equal(before, after, equal_nan=True)


@pytest.mark.usefixtures("small_work")
def test_the_command_finds_the_bundled_outlines_anew(
    tmp_path: Path, images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = xl.ImageSet(images.pixels[:3], images.labels[:3])
    monkeypatch.setattr("explain_lib.pictures.dataset.load_cifar10", lambda: few)
    assert main(["guesses", "--outlines", "--out", str(tmp_path / "new")]) == 0
    with np.load(tmp_path / "new" / "test_outlines.npz") as file:
        np.testing.assert_allclose(file["agreement"], find_outlines(few.pixels).agreement)


def test_a_number_of_seeds_that_is_not_allowed_gets_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guesses", "--seeds", "0"]) == 1
    assert "seeds: 0; 1 to 50 would be right" in capsys.readouterr().err


@pytest.mark.usefixtures("small_work")
def test_ctrl_c_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer_module, "augment", stop)
    assert main(["guesses", "--seeds", "1", "--out", str(tmp_path)]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_rows_of_no_network_are_none(tmp_path: Path, images: xl.ImageSet) -> None:
    assert ReasonWork(tmp_path, images, images, "").rows("depth") is None
