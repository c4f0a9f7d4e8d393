"""What a ladder says: means, rankings and sentences from rows written by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import explain_lib as xl
from explain_lib.base.words import mean_words
from explain_lib.trust.ladder import AVERAGE, BASELINES, LadderRows, Rung
from explain_lib.trust.ladder_summary import (
    beside_centre,
    beside_centre_sentence,
    fill_sentence,
    measured,
    opinions_sentence,
    rank_ladder,
    ranking_sentence,
    summarise_ladder,
)
from explain_lib.trust.measures import FILLS, MEASURES

RUNGS = (
    Rung("first", "layer", (4, 4)),
    Rung("second", "layer", (2, 2)),
    Rung(AVERAGE, "average", None),
    *(Rung(name, "baseline", None) for name in BASELINES),
)


def rows_of(
    deletion: NDArray[np.float64], flat: NDArray[np.bool_] | None = None, rungs: tuple[Rung, ...] = RUNGS
) -> LadderRows:
    """Rows with this deletion (K, R) under grey; blur turns it round, noisy linear is half of it; insertion is 1 less that, and
    single deletion 0.5 less that.
    """
    count = len(deletion)
    each = np.stack([deletion, 1 - deletion, deletion / 2], axis=2)
    none = np.zeros(count, np.int64)
    flat = np.zeros(deletion.shape, bool) if flat is None else flat
    correlations = np.where(flat, np.nan, 0.25)
    return LadderRows(np.arange(count), none, none, rungs, each, 1 - each, 0.5 - each, correlations, -correlations, flat)


def spread(means: tuple[float, ...], count: int = 100, width: float = 0.02) -> NDArray[np.float64]:
    """Columns of these means, whose values differ by as much from image to image, and in each column in another order."""
    steps = np.linspace(-width, width, count)
    draw = np.random.default_rng(0)
    return np.stack([mean + draw.permutation(steps) for mean in means], axis=1)


def said_of(rows: LadderRows) -> str:
    """The sentence on deletion with mid grey."""
    return ranking_sentence(rank_ladder(rows, "deletion", "grey"), summarise_ladder(rows))


LEADING = "Deletion with mid grey, Grad-CAM stretched over the picture:"
"""Measure, method and placement."""
CLEAR = (0.2, 0.3, 0.25, 0.4, 0.1, 0.35)


def test_rows_without_baselines_are_ranked_and_compared_with_none() -> None:
    rows = rows_of(spread(CLEAR)[:, [1, 0]], rungs=RUNGS[1::-1])
    ranking = rank_ladder(rows, "deletion", "grey")
    assert ranking.order == ("first", "second")
    assert (ranking.over_centre, ranking.over_random) == (None, None)
    assert said_of(rows).startswith(f"{LEADING} of 2 layers first has the best mean, 0.20")
    assert "random" not in said_of(rows).lower()
    partly = rows_of(spread(CLEAR)[:, [1, 0, 3]], rungs=(*RUNGS[1::-1], RUNGS[3]))
    over = rank_ladder(partly, "deletion", "grey").over_random
    assert over is not None
    assert over.mean == pytest.approx(0.2)


def test_means_and_shares_are_those_of_the_rows() -> None:
    flat = np.zeros((100, 6), bool)
    flat[:25, 1] = True
    first, second, *_ = summarise_ladder(rows_of(spread(CLEAR), flat))
    assert [one.mean for one in first.deletion] == pytest.approx([0.2, 0.8, 0.1])
    assert [one.mean for one in first.insertion] == pytest.approx([0.8, 0.2, 0.9])
    assert first.road.mean == pytest.approx((0.9 - 0.1) / 2)
    assert [one.mean for one in first.single_deletion] == pytest.approx([0.3, -0.3, 0.4])
    assert second.flat.mean == 0.25
    assert (second.edges.images, second.edges.mean, second.centre.mean) == (75, 0.25, -0.25)
    error = 0.02 / np.sqrt(3) / 10  # of the mean of 100 numbers spread evenly over +-0.02
    assert first.deletion[0].high - first.deletion[0].mean == pytest.approx(1.96 * error, rel=0.15)


def test_every_measure_ranks_in_its_own_direction() -> None:
    rows = rows_of(spread(CLEAR))
    names = [rung.name for rung in RUNGS]
    rising = [names[place] for place in np.argsort(CLEAR)]
    assert list(rank_ladder(rows, "deletion", "grey").order) == rising
    assert list(rank_ladder(rows, "deletion", "blur").order) == rising[::-1]
    assert list(rank_ladder(rows, "insertion", "grey").order) == rising
    assert list(rank_ladder(rows, "road", "grey").order) == rising
    assert list(rank_ladder(rows, "single-deletion", "grey").order) == rising
    assert list(rank_ladder(rows, "single-deletion", "blur").order) == rising[::-1]
    np.testing.assert_allclose(measured(rows, "road", "grey").mean(0), [0.5 - value / 2 for value in CLEAR])


def test_a_clear_winner_is_said_to_be_one_and_to_lose_to_the_centre() -> None:
    rows = rows_of(spread(CLEAR))
    ranking = rank_ladder(rows, "deletion", "grey")
    assert (ranking.best, ranking.second, ranking.tied) == ("first", "second", ())
    assert ranking.lead is not None
    assert ranking.lead.mean == pytest.approx(0.1)
    sentence = said_of(rows)
    assert sentence.startswith(f"{LEADING} of 2 layers first has the best mean, 0.2000 [")
    assert "ahead of second (0.300) by 0.1000 [" in sentence
    assert "paired over 100 images: more than chance." in sentence
    assert (
        "No layer beats “centre first” (0.100), a baseline that never looks at the network: first is behind it by 0.1000 ["
        in sentence
    )
    assert "Random order gets 0.400: first is better by 0.2000 [" in sentence


def test_rows_are_compared_with_the_centre_by_every_measure_and_their_intervals_hold_together() -> None:
    """By deletion the centre is best; by single deletion, whose rows are written by hand, one other row is ahead of it."""
    rungs = (*RUNGS, Rung("HiResCAM at second, where it looks", "placed", (2, 2)))
    rows = rows_of(np.concatenate([spread(CLEAR), spread((0.15,))], axis=1), rungs=rungs)
    single = np.stack([spread((0.1, 0.1, 0.1, 0.0, 0.2, 0.1, 0.25))] * 3, axis=2)
    rows = replace(rows, single_deletion=single)
    found = beside_centre(rows)
    assert [one.rung.name for one in found] == ["first", "second", AVERAGE, "HiResCAM at second, where it looks"]
    assert [one.mean for one in found[3].leads] == pytest.approx([-0.05, -0.05, -0.025, 0.05])
    alone = stats.norm.ppf(0.975) * (single[:, 6, 0] - single[:, 4, 0]).std(ddof=1) / 10
    assert found[3].leads[3].high - found[3].leads[3].mean > 1.1 * alone
    assert beside_centre_sentence(found, "grey") == (
        "Of 4 rows by any method and placement, these are ahead of “centre first” by more than chance, with mid grey: "
        "by deletion none; by insertion none; by ROAD none; by single deletion HiResCAM at second, where it looks, by "
        f"{mean_words(found[3].leads[3])}."
    )
    assert beside_centre_sentence(beside_centre(rows_of(spread(CLEAR))), "grey") == (
        "Of 3 rows by any method and placement, none is ahead of “centre first” by more than chance, with mid grey and by any "
        "measure."
    )
    assert beside_centre_sentence(beside_centre(rows_of(spread(CLEAR, count=20))), "grey") == ""
    assert beside_centre(rows_of(spread(CLEAR)[:, :3], rungs=RUNGS[:3])) == ()


def test_a_placed_row_is_compared_with_grad_cam_at_its_layer() -> None:
    rungs = (*RUNGS, Rung("HiResCAM at second, where it looks", "placed", (2, 2)))
    ranking = rank_ladder(rows_of(np.concatenate([spread(CLEAR), spread((0.15,))], axis=1), rungs=rungs))
    ((name, gap),) = ranking.opinions
    assert (name, gap.mean) == ("HiResCAM at second, where it looks", pytest.approx(0.15))
    assert opinions_sentence(ranking).startswith(
        "At second, beside Grad-CAM stretched, on the same images: HiResCAM with each cell where it looks is better by 0.1500 ["
    ), opinions_sentence(ranking)


def test_the_lead_is_paired_over_images() -> None:
    """Images differ by far more than the layers, but in each of them the first layer is ahead by 0.01."""
    hard = np.random.default_rng(1).uniform(0, 0.9, 100)
    deletion = np.stack([hard, hard + 0.01, hard, hard, hard + 0.02, hard], axis=1)
    ranking = rank_ladder(rows_of(deletion), "deletion", "grey")
    assert ranking.lead is not None
    assert (ranking.lead.low, ranking.lead.high) == pytest.approx((0.01, 0.01))
    assert ranking.tied == ()


def many(layers: int) -> tuple[Rung, ...]:
    """So many layers, and the baselines."""
    return (
        *(Rung(f"layer{place}", "layer", (2, 2)) for place in range(layers)),
        *(Rung(name, "baseline", None) for name in BASELINES),
    )


def test_chance_makes_no_best_of_many_in_more_than_one_in_twenty_samples() -> None:
    """Twelve layers that are as good as every baseline; ordinary intervals call their best better in 10 of these samples."""
    chance, samples = np.random.default_rng(0), 40
    said = [said_of(rows_of(chance.normal(0.5, 0.1, (60, 15)), rungs=many(12))) for _ in range(samples)]
    assert sum("beats “centre first”" in one and "No layer" not in one for one in said) <= 0.05 * samples
    assert sum(" is better by " in one for one in said) <= 0.05 * samples
    assert sum("images: more than chance" in one for one in said) <= 0.05 * samples


def test_a_true_winner_among_many_is_found() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, (200, 15))
    values[:, 7] -= 0.06
    rows = rows_of(values, rungs=many(12))
    assert (rank_ladder(rows).best, rank_ladder(rows).tied) == ("layer7", ())
    assert "paired over 200 images: more than chance" in said_of(rows)
    assert "No layer beats" not in said_of(rows)
    assert "beats “centre first”" in said_of(rows)


def test_the_best_of_many_has_wider_intervals_than_the_same_layer_alone() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.1, (100, 15))
    values[:, 3] -= 0.1
    ranking = rank_ladder(rows_of(values, rungs=many(12)))
    alone = rank_ladder(rows_of(values[:, [3, *range(12, 15)]], rungs=many(1)))
    assert (ranking.best, alone.best) == ("layer3", "layer0")
    sidak, normal = stats.norm.ppf((1 + 0.95 ** (1 / 12)) / 2), stats.norm.ppf(0.975)
    for many_wide, wide in ((ranking.value, alone.value), (ranking.over_random, alone.over_random)):
        assert many_wide is not None
        assert wide is not None
        assert many_wide.mean == pytest.approx(wide.mean)
        ratio = (many_wide.high - many_wide.low) / (wide.high - wide.low)
        assert 1.1 < ratio <= 1.05 * sidak / normal  # those over one baseline are correlated, and need less
    assert (alone.lead, alone.second, alone.tied) == (None, None, ())


def test_the_lead_is_over_whichever_other_layer_is_the_best_of_them() -> None:
    """The third layer is behind by more than the second, but so unsteady that it may be the best; then the lead may be none."""
    deletion = spread((0.2, 0.21, 0.25, 0.4, 0.1, 0.35))
    deletion[:, 1] = deletion[:, 0] + 0.01
    unsteady = np.concatenate([deletion, np.random.default_rng(0).normal(0.23, 0.3, (100, 1))], axis=1)
    rungs = (*RUNGS, Rung("unsteady", "layer", (2, 2)))
    ranking = rank_ladder(rows_of(unsteady, rungs=rungs))
    assert (ranking.best, ranking.second, ranking.tied) == ("first", "second", ("unsteady",))
    assert ranking.lead is not None
    assert ranking.lead.mean == pytest.approx(0.01)
    assert ranking.lead.low < 0 < ranking.lead.high


def test_other_methods_are_as_many_statements_at_once() -> None:
    """Three methods that do no better than Grad-CAM; ordinary intervals say so of one of them in 7 of these samples."""
    names = ("A at layer0", "B at layer0", "C at layer0")
    rungs = (*many(1), *(Rung(name, "opinion", (2, 2)) for name in names))
    chance, samples = np.random.default_rng(3), 60
    rankings = [rank_ladder(rows_of(chance.normal(0.5, 0.1, (60, 7)), rungs=rungs)) for _ in range(samples)]
    assert [name for name, _ in rankings[0].opinions] == list(names)
    said = [opinions_sentence(ranking) for ranking in rankings]
    assert sum("better by" in one or "worse by" in one for one in said) <= 0.05 * samples


def test_layers_that_chance_may_have_ranked_are_said_to_be_tied() -> None:
    rows = rows_of(spread((0.2, 0.2001, 0.25, 0.2, 0.3, 0.35)))
    ranking = rank_ladder(rows, "deletion", "grey")
    assert ranking.tied == ("second",)
    sentence = said_of(rows)
    assert "first has the best mean, 0.2000 [" in sentence
    assert "], but cannot be told apart from second (0.200): the difference is 0.0001 [" in sentence
    assert "], paired over 100 images. first beats “centre first” (0.300)" in sentence
    assert "“centre first” (0.300), a baseline that never looks at the network, by 0.1000 [" in sentence
    assert "Random order gets 0.200: first cannot be told apart from it." in sentence


def test_ahead_of_the_centre_by_chance_is_not_beating_it() -> None:
    rows = rows_of(spread((0.2, 0.3, 0.25, 0.4, 0.2001, 0.35)))
    sentence = said_of(rows)
    assert (
        "first cannot be told apart from “centre first” (0.200), a baseline that never looks at the network: its lead is "
        "0.0001 [" in sentence
    )


def test_few_images_say_nothing_about_chance() -> None:
    rows = rows_of(spread((0.2, 0.3, 0.25, 0.4, 0.5, 0.35), count=3))
    sentence = said_of(rows)
    assert "followed by second (0.300); 3 images are too few to compare the two." in sentence
    assert (
        "For comparison: “centre first” (0.500), a baseline that never looks at the network; 3 images are too few" in sentence
    )
    assert "Random order gets 0.400." in sentence
    one = rows_of(np.array([CLEAR]))
    sentence = said_of(one)
    assert "of 2 layers first has the best number, 0.20, followed by second (0.30); one image is too few" in sentence
    assert "[" not in sentence


def test_without_a_finite_map_no_layer_is_best() -> None:
    deletion = spread(CLEAR)
    deletion[:, :2] = np.nan
    rows = rows_of(deletion)
    ranking = rank_ladder(rows, "deletion", "grey")
    assert (ranking.best, ranking.lead, ranking.over_centre) == (None, None, None)
    assert ranking.order[-2:] == ("first", "second")
    assert said_of(rows) == "No layer ranks pixels: every map is the same everywhere, or not finite."


def test_a_layer_whose_maps_are_all_flat_is_never_the_best_and_comes_last() -> None:
    flat = np.zeros((100, 6), bool)
    flat[:, 0] = True  # the first layer, which has the best numbers
    ranking = rank_ladder(rows_of(spread(CLEAR), flat), "deletion", "grey")
    assert (ranking.best, ranking.second, ranking.order[-1]) == ("second", None, "first")
    flat[0, 0] = False
    assert rank_ladder(rows_of(spread(CLEAR), flat), "deletion", "grey").best == "first"
    flat[:, :2] = True
    none = rows_of(spread(CLEAR), flat)
    assert said_of(none).startswith("No layer ranks pixels")


def test_that_the_fill_decides_is_said() -> None:
    rows = rows_of(spread(CLEAR))
    sentence = fill_sentence({fill: rank_ladder(rows, "deletion", fill) for fill in FILLS})
    assert sentence == (
        "By deletion the best mean belongs to first with mid grey, second with the blurred picture and first with noisy linear "
        "imputation: the best layer depends on the fill. Of 6 rows, random order has rank 6 with mid grey, rank 1 with the "
        "blurred picture and rank 6 with noisy linear imputation."
    )


def fills_said(best: dict[str, tuple[float, float]], count: int = 100) -> str:
    """What is said of the fills if the two layers have these deletions with each."""
    rows = rows_of(spread(CLEAR, count))
    deletion = rows.deletion.copy()
    for place, fill in enumerate(FILLS):
        deletion[:, :2, place] = spread(best[fill], count)
    changed = replace(rows, deletion=deletion)
    return fill_sentence({fill: rank_ladder(changed, "deletion", fill) for fill in FILLS})


def test_what_chance_may_have_changed_is_not_ascribed_to_the_fill() -> None:
    by_chance = {"grey": (0.2, 0.3), "blur": (0.2001, 0.2), "noisy-linear": (0.2, 0.3)}
    assert fills_said(by_chance).startswith(
        "By deletion the best mean belongs to first with mid grey, second with the blurred picture and first with noisy linear "
        "imputation; that may be chance, since with every fill first has it or cannot be told apart from the layer that has. "
        "Of 6 "
    )
    clear = {"grey": (0.2, 0.3), "blur": (0.3, 0.2), "noisy-linear": (0.2, 0.3)}
    assert fills_said(clear).count(": the best layer depends on the fill. Of 6") == 1
    assert "; 5 images are too few to tell whether the fill decides this. Of 6 rows," in fills_said(clear, 5)


def test_without_a_best_layer_only_the_place_of_random_order_is_said() -> None:
    deletion = spread(CLEAR)
    deletion[:, :2] = np.nan
    rows = rows_of(deletion)
    assert fill_sentence({fill: rank_ladder(rows, "deletion", fill) for fill in FILLS}).startswith("Of 6 rows, random order")


def test_an_unknown_fill_or_measure_is_named() -> None:
    rows = rows_of(spread(CLEAR))
    with pytest.raises(xl.InputError, match="fill: 'pink'; one of " + ", ".join(FILLS)):
        rank_ladder(rows, "deletion", "pink")  # type: ignore[arg-type]  # what a caller may well write
    with pytest.raises(xl.InputError, match="measure: 'accuracy'; one of " + ", ".join(MEASURES)):
        rank_ladder(rows, "accuracy", "grey")  # type: ignore[arg-type]  # what a caller may well write
