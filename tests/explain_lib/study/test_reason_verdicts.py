"""Changes between networks of different settings, with intervals by hand and by brute force, and the verdicts on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

import explain_lib as xl
from explain_lib.base.statistics import Estimate
from explain_lib.study.reasons.contrast import Change, change_along, line_weights
from explain_lib.study.reasons.rows import ReasonRows, read_rows, write_rows
from explain_lib.study.reasons.rules import CLASSES_RULE, DEPTH_RULE, RESOLUTION_RULE, RULES
from explain_lib.study.reasons.training import Checkpoint, TrainingCard
from explain_lib.study.reasons.verdicts import judge_change_along, judge_reason

DEPTHS = DEPTH_RULE.settings


# Section: the line


def test_a_straight_line_is_found_with_its_whole_fall() -> None:
    means = 0.5 - 0.1 * np.log2(DEPTHS)
    assert line_weights(DEPTHS) @ means == pytest.approx(0.1 * np.log2(10))  # from 2 to 20 layers
    assert line_weights(DEPTHS) @ np.ones(5) == pytest.approx(0)


def test_the_line_is_that_of_least_squares() -> None:
    means = np.array([0.3, 0.1, 0.25, 0.05, 0.0])
    slope, intercept = np.polyfit(np.log2(DEPTHS), means, 1)
    ends = slope * np.log2([2, 20]) + intercept
    assert line_weights(DEPTHS) @ means == pytest.approx(ends[0] - ends[1])


def test_three_settings_at_equal_steps_are_judged_by_the_outer_two() -> None:
    np.testing.assert_allclose(line_weights((8, 16, 32)), [1, 0, -1], atol=1e-12)


@pytest.mark.parametrize("settings", [(4,), (4, 4), (0, 2), (2, 4, 2)])
def test_settings_without_a_line_get_a_sentence(settings: tuple[int, ...]) -> None:
    with pytest.raises(xl.InputError, match=r"^settings: "):
        line_weights(settings)


# Section: intervals


def networks(*means: float, pictures: int = 400, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Values (n, K) of networks with these means."""
    drawn = np.random.default_rng(seed).normal(0, noise or 1, (len(means), pictures))
    drawn = (drawn - drawn.mean(1, keepdims=True)) * (noise > 0)
    return np.array(means)[:, None] + drawn


def test_without_picture_noise_the_interval_is_welchs() -> None:
    first, last = np.array([0.30, 0.34, 0.26, 0.32, 0.28]), np.array([0.10, 0.13, 0.07])
    found = change_along((2, 20), [networks(*first), networks(*last)])
    # by hand: the variances of the means are 0.001 / 5 and 0.0009 / 3
    parts = np.array([0.001 / 5, 0.0009 / 3])
    freedom = parts.sum() ** 2 / (parts[0] ** 2 / 4 + parts[1] ** 2 / 2)
    half = t.ppf(0.975, freedom) * np.sqrt(parts.sum())
    assert found.estimate.mean == pytest.approx(0.2)
    np.testing.assert_allclose(found.parts, [*parts, 0], atol=1e-12)
    assert found.half_width == pytest.approx(half, rel=0.05)  # 2,000 resamples
    assert found.networks.tolist() == [5, 3]
    np.testing.assert_allclose(found.means, [0.3, 0.1])


def test_pictures_that_all_networks_find_hard_widen_the_interval() -> None:
    hard = np.random.default_rng(1).normal(0, 0.5, 400)
    first, last = networks(0.3, 0.3, 0.3) + hard, networks(0.1, 0.1, 0.1) - hard
    found = change_along((2, 20), [first, last])
    error = (2 * hard).std(ddof=1) / np.sqrt(400)
    assert found.half_width == pytest.approx(t.ppf(0.975, 399) * error, rel=0.05)
    # what is equal in both ends cancels
    assert change_along((2, 20), [first, networks(0.1, 0.1, 0.1) + hard]).half_width == pytest.approx(0, abs=1e-9)


def test_intervals_hold_the_true_change_in_95_of_100_samples() -> None:
    generator, held = np.random.default_rng(5), 0
    for _ in range(200):
        pictures = generator.normal(0, 0.3, (3, 1, 60))
        values = [
            mean + generator.normal(0, 0.04, (4, 1)) + one + generator.normal(0, 0.2, (4, 60))
            for mean, one in zip((0.3, 0.2, 0.1), pictures, strict=True)
        ]
        estimate = change_along((8, 16, 32), values).estimate
        held += estimate.low <= 0.2 <= estimate.high
    assert 182 <= held <= 200  # of a share of 0.95, 190 and four standard errors of two


def test_values_that_are_missing_do_not_count() -> None:
    first, last = networks(0.3, 0.5, 0.4, noise=0.1), networks(0.1, 0.2, 0.15, noise=0.1)
    first[0, :10], last[:, 390:] = np.nan, np.nan
    lost = np.concatenate([first, np.full((1, 400), np.nan)])
    found = change_along((2, 20), [lost, last])
    assert found.networks.tolist() == [3, 3]
    assert found.estimate.images == 390
    right = np.mean([np.nanmean(one) for one in first]) - np.mean([np.nanmean(one) for one in last])
    assert found.estimate.mean == pytest.approx(right)


def test_one_network_of_a_setting_has_no_interval() -> None:
    found = change_along((2, 20), [networks(0.3), networks(0.1, 0.2)])
    assert found.estimate.mean == pytest.approx(0.15)
    assert np.isnan([found.estimate.low, found.estimate.high, found.half_width]).all()
    assert judge_change_along(found, 0.1) == "can't tell"
    assert found.networks_needed(0.05) is None


def test_values_that_do_not_fit_get_a_sentence() -> None:
    for values in ([networks(0.1)], [networks(0.1), networks(0.1, pictures=3)]):
        with pytest.raises(xl.InputError, match=r"^values: "):
            change_along((2, 20), values)


def test_the_number_of_networks_that_are_needed_gives_such_an_interval() -> None:
    # two networks 0.1 apart: a variance of 0.005 at each end
    found = change_along((2, 20), [networks(0.35, 0.25), networks(0.05, 0.15)])
    needed = found.networks_needed(0.05)
    assert needed is not None

    def half(count: int) -> float:
        return float(t.ppf(0.975, 2 * count - 2) * np.sqrt(2 * 0.005 / count))

    assert half(needed) <= 0.05 < half(needed - 1)


def test_no_number_of_networks_makes_up_for_too_few_pictures() -> None:
    hard = np.random.default_rng(1).normal(0, 0.5, 50)
    found = change_along((2, 20), [networks(0.3, 0.31, pictures=50) + hard, networks(0.1, 0.11, pictures=50) - hard])
    assert found.networks_needed(0.05) is None


# Section: verdicts


def a_change(low: float, high: float, least: int = 5) -> Change:
    return Change(Estimate((low + high) / 2, low, high, 400), np.zeros(2), np.array([least, 5]), np.array([1e-4, 1e-4, 1e-5]))


@pytest.mark.parametrize(
    ("low", "high", "least", "verdict"),
    [
        (0.101, 0.15, 5, "supported"),
        (0.1, 0.15, 5, "can't tell"),
        (0.05, 0.099, 5, "not supported"),
        (-0.3, -0.25, 5, "not supported"),  # a change in the other direction is none that the guess predicts
        (0.08, 0.12, 5, "can't tell"),
        (0.11, 0.209, 5, "supported"),
        (0.11, 0.211, 5, "can't tell"),  # wider than half of the threshold to either side
        (0.101, 0.15, 3, "supported"),
        (0.101, 0.15, 2, "can't tell"),
        (np.nan, np.nan, 5, "can't tell"),
    ],
)
def test_the_verdict_follows_from_interval_width_and_networks(low: float, high: float, least: int, verdict: str) -> None:
    assert judge_change_along(a_change(low, high, least), 0.1) == verdict


def planted(shifts: dict[tuple[str, str], float], spread: float = 0.01) -> ReasonRows:
    """Rows of the rule on resolution: three networks of each side whose means are that far apart, and spread by so much."""
    stages, columns = ("start", "at-45", "end"), ("conv2", "relu2")
    settings = np.repeat([8, 16, 32], 3)
    values = np.zeros((3, 9, 50, 2), np.float32)
    for at, stage in enumerate(stages):
        for column_at, column in enumerate(columns):
            means = shifts.get((stage, column), 0.0) * (settings == 8) + np.tile([-spread, 0, spread], 3)
            values[at, :, :, column_at] = 0.5 + means[:, None]
    cards = tuple(
        TrainingCard(f"network {at}", 4, int(side), xl.CLASSES, at % 3, 1, "c", (0.5,), (Checkpoint("end", 1, 0.5, "d"),))
        for at, side in enumerate(settings)
    )
    accuracy = np.full((3, 9), 0.5, np.float32)
    half = np.full_like(values, 0.25)
    return ReasonRows("resolution", stages, columns, settings, np.tile(np.arange(3), 3), accuracy, values, half, cards)


EVERYWHERE = {(stage, column): 0.2 for stage in ("at-45", "end") for column in ("conv2", "relu2")}


def test_a_change_that_is_planted_everywhere_is_supported() -> None:
    found = judge_reason(planted(EVERYWHERE))
    assert found.verdict == "supported"
    assert [one.change.estimate.mean for one in found.findings] == pytest.approx([0.2] * 4, abs=1e-6)
    np.testing.assert_allclose(found.findings[0].change.means, [0.45, 0.25, 0.25], atol=1e-6)
    assert [one.verdict for one in found.untrained] == ["not supported"] * 2  # and does not count


def test_no_change_is_not_supported_whatever_the_untrained_networks_do() -> None:
    assert judge_reason(planted({("start", "conv2"): 0.2, ("start", "relu2"): 0.2})).verdict == "not supported"


@pytest.mark.parametrize("place", [("at-45", "conv2"), ("end", "relu2")])
def test_one_layer_or_stage_that_differs_leaves_it_open(place: tuple[str, str]) -> None:
    assert judge_reason(planted(EVERYWHERE | {place: 0.0})).verdict == "can't tell"


def test_numbers_beside_do_not_count_and_have_thresholds_of_their_own() -> None:
    rows = planted(EVERYWHERE)
    names = ("density along the outline", "cost of a shuffled outline")
    values = np.concatenate(
        [rows.values, 0.25 + 0.06 * (rows.settings == 8)[None, :, None, None] * np.ones((3, 1, 50, 2))], axis=3
    )
    controls = np.concatenate([rows.controls, np.full((3, 9, 50, 2), 0.25)], axis=3)
    found = judge_reason(replace(rows, columns=(*rows.columns, *names), values=values, controls=controls))
    assert (found.verdict, len(found.findings)) == ("supported", 4)
    assert [(one.column, one.verdict) for one in found.beside] == [(names[0], "not supported"), (names[1], "supported")]
    assert "inside changes by 0.060 " in found.beside_sentence
    assert judge_reason(rows).beside_sentence == ""


def test_networks_that_differ_much_leave_it_open_and_more_of_them_would_tell() -> None:
    found = judge_reason(planted(EVERYWHERE, spread=0.04))
    assert found.verdict == "can't tell"
    # by hand: at each end a variance of 0.04 ** 2 of the networks, and half of the threshold is 0.05
    halves = {count: t.ppf(0.975, 2 * count - 2) * np.sqrt(2 * 0.04**2 / count) for count in range(2, 40)}
    assert found.needed == next(count for count, half in halves.items() if half <= 0.05)


def test_rules_say_their_day_their_threshold_and_what_would_change_our_mind() -> None:
    for rule, words in (
        (DEPTH_RULE, "more than 0.1"),
        (RESOLUTION_RULE, "more than 0.1"),
        (CLASSES_RULE, "five percentage points"),
    ):
        assert words in rule.rule
        assert "can't tell" in rule.rule
        assert rule.written.isoformat() == "2026-11-29"
        assert "Known on that day" in rule.known
        assert len(rule.mind) > 50
    assert [rule.threshold for rule in RULES] == [0.1, 0.1, 0.05]


# Section: files


def test_rows_come_back_from_their_file_as_half_precision_keeps_them(tmp_path: Path) -> None:
    rows = planted(EVERYWHERE)
    write_rows(rows, tmp_path, "the command")
    found = read_rows(tmp_path, "resolution")
    assert (found.stages, found.columns, found.networks) == (rows.stages, rows.columns, rows.networks)
    np.testing.assert_allclose(found.values, rows.values, rtol=5e-4)
    np.testing.assert_array_equal(found.settings, rows.settings)
    assert judge_reason(found).verdict == "supported"


def test_rows_of_another_file_than_the_cards_are_refused(tmp_path: Path) -> None:
    path = write_rows(planted(EVERYWHERE), tmp_path, "the command")
    card = path.with_suffix(".json").read_text()
    write_rows(replace(planted({})), tmp_path, "the command")
    path.with_suffix(".json").write_text(card)
    with pytest.raises(xl.DataError, match=r"resolution.npz is not the file that its card names"):
        read_rows(tmp_path, "resolution")
    path.unlink()
    with pytest.raises(xl.DataError, match=r"resolution.npz and its card cannot be read"):
        read_rows(tmp_path, "resolution")
