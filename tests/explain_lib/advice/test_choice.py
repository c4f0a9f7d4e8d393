"""The choice of a layer: its intervals beside the textbook's, who is picked, tied or dropped, and what is said of it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from explain_lib.advice.choice import AdviceRows, choose_layer, still_in
from explain_lib.advice.words import advice_lines, advice_sentence, dropped_sentence

MEASURES = ("single-deletion", "insertion", "road")


def rows_of(values: NDArray[np.float64], *names: str) -> AdviceRows:
    return AdviceRows(np.arange(len(values)), names, values, np.ones(values.shape[:2], bool))


def made(means: list[list[float]], images: int, seed: int = 0, spread: float = 0.1) -> NDArray[np.float64]:
    """Values (images, layers, 3) with exactly these means, layer by layer: a part of each image's own, and noise."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, spread, (images, len(means), 3))
    own = chance.normal(0, 0.3, (images, 1, 3))
    return np.array(means) + noise - noise.mean(0) + own - own.mean(0)


def test_the_layer_that_leads_by_each_measure_is_picked() -> None:
    advice = choose_layer(rows_of(made([[0.1, 0.3, 0.0], [0.4, 0.5, 0.2], [0.2, 0.3, 0.1]], 40), "a", "b", "c"))
    assert (advice.pick, advice.tied, advice.measures_disagree) == ("b", (), False)
    assert [(one.measure, one.leader, one.among_best) for one in advice.by_measure] == [(one, "b", ("b",)) for one in MEASURES]
    assert advice_sentence(advice).startswith(
        "Hook b: of 3 layers, over 40 images, it alone is behind by no measure (by single"
    )
    assert [line.split()[0] for line in advice_lines(advice)[1:]] == ["a", "b", "c"]
    assert advice_lines(advice)[2].endswith("hook this")


def test_a_gap_is_a_paired_mean_with_students_interval_at_a_third_of_the_risk() -> None:
    """Of two candidates no choice has to be allowed for: the interval is Student's, at 1 - 0.05 / 3."""
    values = made([[0.1, 0.3, 0.0], [0.2, 0.3, 0.1]], 60)
    gap = dict(choose_layer(rows_of(values, "a", "b")).by_measure[0].gaps)["a"]
    paired = values[:, 1, 0] - values[:, 0, 0]
    half = stats.t.isf(0.05 / 3 / 2, 59) * paired.std(ddof=1) / 60**0.5
    assert gap.mean == pytest.approx(paired.mean(), rel=1e-9)
    assert (gap.low, gap.high) == pytest.approx((paired.mean() - half, paired.mean() + half), abs=0.06 * half)


def test_one_measure_decides_where_the_others_tell_nothing() -> None:
    values = made([[0.2, 0.3, 0.3], [0.2, 0.3, 0.1]], 50)
    advice = choose_layer(rows_of(values, "a", "b"))
    assert advice.pick == "a"
    assert "by ROAD a, ahead of b by 0.200" in advice_sentence(advice)
    assert "single deletion and insertion tell none of them apart" in advice_sentence(advice)


def test_layers_that_nothing_tells_apart_are_tied_the_best_first() -> None:
    advice = choose_layer(rows_of(made([[0.20, 0.30, 0.10], [0.201, 0.301, 0.101]], 50), "a", "b"))
    assert (advice.pick, advice.tied, advice.first) == (None, ("b", "a"), "b")
    assert advice_sentence(advice).startswith(
        "b and a are tied: of 2 layers, over 50 images, no measure puts any of them behind"
    )


def test_measures_that_prefer_different_layers_are_said_to_disagree() -> None:
    advice = choose_layer(rows_of(made([[0.4, 0.3, 0.1], [0.2, 0.3, 0.3]], 50), "a", "b"))
    assert (advice.pick, advice.tied, advice.measures_disagree) == (None, (), True)
    said = advice_sentence(advice)
    assert said.startswith("The measures disagree: of 2 layers, over 50 images, none is near the best by all three")
    assert "by single deletion a, ahead of b by 0.200" in said
    assert "by ROAD b, ahead of a by 0.200" in said


def test_a_layer_that_another_measure_perhaps_puts_behind_is_not_picked() -> None:
    """b is behind by ROAD; a is behind by single deletion by 1.7 standard errors: more than 1.3, less than the 2.5 it takes."""
    images = 50
    values = made([[0.2, 0.3, 0.3], [0.2, 0.3, 0.1]], images)
    apart = values[:, 1, 0] - values[:, 0, 0]
    error = apart.std(ddof=1) / images**0.5
    values[:, 1, 0] += 1.7 * error
    advice = choose_layer(rows_of(values, "a", "b"))
    assert advice.by_measure[0].among_best == ("a", "b")
    assert advice.by_measure[0].near_best == ("b",)
    assert advice.measures_disagree
    values[:, 1, 0] -= 0.9 * error
    assert choose_layer(rows_of(values, "a", "b")).pick == "a"


def test_fewer_than_thirty_pictures_pick_nothing() -> None:
    advice = choose_layer(rows_of(made([[0.1, 0.3, 0.0], [0.4, 0.5, 0.2]], 29), "a", "b"))
    assert (advice.pick, set(advice.tied), advice.first) == (None, {"a", "b"}, "b")
    said = "Of 2 layers, on these 29 pictures, b has the best number by all three measures. 29 images are too few"
    assert advice_sentence(advice).startswith(said)
    gone = made([[0.1, 0.3, 0.0], [0.4, 0.5, 0.2]], 16)
    gone[8:, 0] = np.nan
    stopped = AdviceRows(np.arange(16), ("a", "b"), gone, ~np.isnan(gone[:, :, 0]))
    assert (choose_layer(stopped).pick, choose_layer(stopped).tied) == (None, ("b",))
    one = choose_layer(rows_of(np.array([[[0.1, 0.3, 0.2], [0.4, 0.2, 0.1]]]), "a", "b"))
    assert "the best number belongs to b by single deletion, a by insertion and a by ROAD" in advice_sentence(one)


ABOVE = "b beats chance, which has 0, by ROAD (0.200 "


@pytest.mark.parametrize(("road", "said"), [(0.2, ABOVE), (0.0, "But b does not beat chance")])
def test_the_pick_is_set_beside_chance(road: float, said: str) -> None:
    """b wins by insertion in both cases; its single deletion is 0."""
    advice = choose_layer(rows_of(made([[0.0, 0.1, road], [0.0, 0.5, road]], 60), "a", "b"))
    assert advice.pick == "b"
    assert advice.above_chance == (road > 0)
    assert said in advice_sentence(advice)


def test_a_map_that_is_not_finite_has_no_say() -> None:
    values = made([[0.1, 0.3, 0.0], [0.4, 0.5, 0.2], [0.2, 0.3, 0.1]], 40)
    values[:, 1] = np.nan
    advice = choose_layer(rows_of(values, "a", "b", "c"))
    assert advice.pick == "c"
    assert "b  " in advice_lines(advice)[2]
    assert advice_lines(advice)[2].endswith("no map that ranks pixels")
    values[:] = np.nan
    assert advice_sentence(choose_layer(rows_of(values, "a", "b", "c"))) == "No layer ranks pixels: no map is finite."


# Section: candidates that drop out


def test_a_candidate_drops_out_only_if_all_three_measures_put_it_far_behind() -> None:
    values = made([[0.8, 0.8, 0.4], [0.1, 0.1, 0.0], [0.1, 0.1, 0.4], [0.8, 0.8, 0.4]], 8, spread=0.05)
    assert still_in(rows_of(values, "a", "b", "c", "d"), ("a", "b", "c", "d")) == ("a", "c", "d")
    assert still_in(rows_of(values, "a", "b", "c", "d"), ("c", "b")) == ("c", "b")


def test_chance_rarely_drops_a_candidate_that_is_as_good() -> None:
    """Of 300 samples of 8 pictures and 4 equal candidates, at most 1 % lose one: all three measures would have to err."""
    lost = 0
    chance = np.random.default_rng(5)
    for _ in range(300):
        values = chance.exponential(1, (8, 4, 3)) + chance.normal(0, 1, (8, 1, 3))
        lost += still_in(rows_of(values, *"abcd"), tuple("abcd")) != tuple("abcd")
    assert lost <= 3


def test_one_that_dropped_out_is_named_with_its_pictures_and_is_never_the_best() -> None:
    values = made([[0.4, 0.5, 0.2], [0.1, 0.3, 0.0], [0.3, 0.4, 0.1]], 40)
    values[16:, 1] = np.nan
    rows = AdviceRows(np.arange(40), ("a", "b", "c"), values, ~np.isnan(values[:, :, 0]))
    advice = choose_layer(rows)
    assert advice.pick == "a"
    assert [(one.layer, one.images) for one in advice.dropped] == [("b", 16)]
    assert advice.by_measure[0].means[1].images == 16
    assert dropped_sentence(advice) == "Behind by all three measures, and measured no further: b after 16 pictures."
    assert advice_lines(advice)[2].endswith("dropped after 16 pictures")
