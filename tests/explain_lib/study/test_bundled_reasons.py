"""The bundled rows of the study's reasons, beside another program: Captum, SciPy and NumPy on the same untrained networks.

Weights are not bundled, but a seed gives the untrained network, whose rows were measured in the same way as all others. What
the rows say is computed again from the files alone.
"""

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from independent_maps import pixels
from plain_torch import captum_signed, network_input
from scipy import ndimage
from scipy.stats import rankdata
from torch.nn import functional

import explain_lib as xl
from explain_lib.study.outlines import find_outlines
from explain_lib.study.reasons.measures import find_subjects
from explain_lib.study.reasons.plan import REASONS, Reason, planned
from explain_lib.study.reasons.rows import BUNDLED, read_rows
from explain_lib.study.reasons.rules import LATE_LAYERS
from explain_lib.study.reasons.training import START, load_stage
from explain_lib.study.reasons.verdicts import judge_reason

NEAR = 0.005
PICTURES = 100


def arrays(reason: str) -> dict[str, np.ndarray]:
    with np.load(BUNDLED / f"{reason}.npz", allow_pickle=False) as file:
        return dict(file)


def logits_of(model: xl.Model, shown: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(deepcopy(model.network).eval()(network_input(model, shown)))


def enlarged(cells: np.ndarray) -> np.ndarray:
    positive = torch.tensor(np.maximum(cells, 0))[:, None]
    return functional.interpolate(positive, (32, 32), mode="bilinear", align_corners=False)[:, 0].numpy()


def sobel(shown: np.ndarray) -> np.ndarray:
    grey = shown.mean(3, dtype=np.float64)
    return np.stack([np.hypot(ndimage.sobel(one, 0, mode="mirror"), ndimage.sobel(one, 1, mode="mirror")) for one in grey])


def correlations(maps: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Spearman's, picture by picture; NaN for a constant map."""
    ranks = [
        np.stack([rankdata(one) for one in values]) for values in (maps.reshape(len(maps), -1), edges.reshape(len(edges), -1))
    ]
    centred = [one - one.mean(1, keepdims=True) for one in ranks]
    with np.errstate(invalid="ignore"):
        return np.asarray((centred[0] * centred[1]).sum(1) / np.sqrt((centred[0] ** 2).sum(1) * (centred[1] ** 2).sum(1)))


@pytest.mark.parametrize("reason", ["depth", "resolution"])
def test_correlations_of_untrained_networks_are_found_again(reason: Reason) -> None:
    kept = arrays(reason)
    stage = kept["stages"].tolist().index(START)
    for place in (0, len(kept["settings"]) - 1):
        one = planned(reason, int(kept["settings"][place]), int(kept["seeds"][place]))
        model, shown = load_stage(one, Path(), START), one.shown(pixels()[: PICTURES + 1])
        predicted = logits_of(model, shown).argmax(1).tolist()
        edges = sobel(shown)
        for column, layer in enumerate(LATE_LAYERS):
            maps = enlarged(captum_signed(model, shown, layer, predicted))
            found = kept["values"][stage, place, :PICTURES, column].astype(float)
            control = kept["controls"][stage, place, :PICTURES, column].astype(float)
            own, other = correlations(maps[:-1], edges[:-1]), correlations(maps[:-1], edges[1:])
            np.testing.assert_array_equal(np.isnan(found), np.isnan(own))
            assert np.nanmean(found) == pytest.approx(np.nanmean(own), abs=NEAR)
            assert np.nanmean(control) == pytest.approx(np.nanmean(other), abs=NEAR)


def test_backgrounds_of_untrained_networks_are_found_again() -> None:
    kept, subjects = arrays("classes"), find_subjects(xl.load_cifar10())
    stage, columns = kept["stages"].tolist().index(START), kept["columns"].tolist()
    one = planned("classes", int(kept["settings"][0]), int(kept["seeds"][0]))
    model, count = load_stage(one, Path(), START), len(subjects.frogs)
    frog = one.classes.index("frog")
    masks, shown = subjects.masks[:count], subjects.pixels[:count]
    maps = enlarged(captum_signed(model, shown, "relu2", frog))
    for name, beside in (("values", masks), ("controls", np.roll(masks, -1, axis=0))):
        with np.errstate(invalid="ignore"):
            beyond = (maps * ~beside).sum((1, 2)) / maps.sum((1, 2)) - (~beside).mean((1, 2))
        found = kept[name][stage, 0, :, columns.index("relu2")].astype(float)
        assert np.nanmean(found) == pytest.approx(np.nanmean(beyond), abs=NEAR)
    covered = np.where(subjects.masks[..., None], np.uint8(255), subjects.pixels)
    logits, told = logits_of(model, covered), []
    for place, name in enumerate(one.classes):
        if place != frog:
            score = logits[:, frog] - logits[:, place]
            others = score[subjects.labels == xl.CLASSES.index(name)]
            told.append([((mine > others).mean() + (mine >= others).mean()) / 2 for mine in score[:count]])
    found = kept["values"][stage, 0, :, columns.index("white")].astype(float)
    assert found.mean() == pytest.approx(np.mean(told), abs=NEAR)


@pytest.mark.parametrize("reason", REASONS)
def test_each_change_is_that_of_a_line_through_the_files_own_means(reason: Reason) -> None:
    kept, found = arrays(reason), judge_reason(read_rows(BUNDLED, reason))
    ends = np.log2([REASONS[reason].settings[0], REASONS[reason].settings[-1]])
    for one in (*found.findings, *found.beside):
        at = kept["stages"].tolist().index(one.stage), kept["columns"].tolist().index(one.column)
        numbers = kept["values"][at[0], :, :, at[1]].astype(float) - kept["controls"][at[0], :, :, at[1]]
        some = ~np.isnan(numbers).all(1)
        settings, means = kept["settings"][some], np.nanmean(numbers[some], axis=1)
        each = np.unique(settings)
        assert one.change.networks.tolist() == [(settings == setting).sum() for setting in REASONS[reason].settings]
        if len(each) == len(REASONS[reason].settings):
            line = np.polyval(np.polyfit(np.log2(each), [means[settings == setting].mean() for setting in each], 1), ends)
            assert one.change.estimate.mean == pytest.approx(line[0] - line[1], abs=NEAR)


@pytest.mark.parametrize("reason", REASONS)
def test_the_cards_name_every_network_its_seed_and_the_digests_of_its_weights(reason: Reason) -> None:
    kept, card = arrays(reason), json.loads((BUNDLED / f"{reason}.json").read_text())
    assert card["command"].startswith("python -m explain_lib guesses")
    assert card["rule written"] == "2026-11-29"
    assert [one["seed"] for one in card["networks"]] == kept["seeds"].tolist()
    for one in card["networks"]:
        assert {"end"} <= {taken["stage"] for taken in one["checkpoints"]}
        assert all(len(taken["digest"]) == 64 for taken in one["checkpoints"])


def test_pictures_without_a_usable_outline_have_no_numbers_beside() -> None:
    kept, usable = arrays("depth"), find_outlines(pixels()[:1000]).usable
    beside = kept["values"][..., kept["columns"].tolist().index("cost of a shuffled outline")]
    end = kept["stages"].tolist().index("end")
    assert np.isnan(beside[end][:, ~usable]).all()
    assert not np.isnan(beside[end][:, usable]).any()
