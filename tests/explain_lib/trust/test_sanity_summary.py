"""Summaries of sanity checks by hand, verdicts, and sentences."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from explain_lib.base.statistics import Estimate
from explain_lib.base.words import interval
from explain_lib.trust.sanity import SanityRows
from explain_lib.trust.sanity_summary import (
    TwinSummary,
    sanity_sentence,
    summarise_sanity,
    summarise_twin,
    twin_sentence,
    verdict_of,
)

STEPS = ("fc", "conv2", "conv1")


def rows_of(
    means: tuple[float, ...], chance: float = 0.02, count: int = 100, draws: int = 10, flat: int = 0, of_draws: float = 0.02
) -> SanityRows:
    """Correlations of these means, with a part of the image within +-0.05 and one of the draw within +-of_draws, every sum of
    both once; the first `flat` images have no map at the last step.
    """
    spread, along = np.linspace(-0.05, 0.05, count), np.linspace(-of_draws, of_draws, draws) if draws > 1 else np.zeros(1)

    def table(mean: float, place: int) -> NDArray[np.float64]:
        mixed = np.random.default_rng(place)
        return mean + mixed.permutation(spread)[:, None] + mixed.permutation(along)[None]

    correlations = np.stack([table(mean, place) for place, mean in enumerate(means)], 2)
    beside = np.full(correlations.shape, chance)
    is_flat = np.zeros(correlations.shape, bool)
    is_flat[:flat, :, -1] = True
    correlations[is_flat] = np.nan
    kept = np.zeros(correlations.shape, bool)
    kept[: count // 4] = True
    none = np.zeros(count, np.int64)
    seeds = tuple(range(draws))
    return SanityRows(
        STEPS[: len(means)], seeds, np.arange(count), none, correlations, beside, kept, is_flat, np.zeros(count, bool)
    )


def test_means_and_shares_are_those_of_the_rows() -> None:
    rows = rows_of((0.8, 0.4, 0.1), 0.05)
    summary = summarise_sanity(rows)
    assert [step.correlation.mean for step in summary.steps] == pytest.approx([0.8, 0.4, 0.1])
    assert [step.kept.mean for step in summary.steps] == pytest.approx([0.25] * 3)
    assert [step.beside.mean for step in summary.steps] == pytest.approx([0.05] * 3)
    assert [step.gap.mean for step in summary.steps] == pytest.approx([0.75, 0.35, 0.05])
    assert (summary.images, summary.draws) == (100, 10)
    by_image, by_draw = (rows.correlations[:, :, 0].mean(axis).std(ddof=1) for axis in (1, 0))
    half = np.hypot(stats.t.ppf(0.975, 99) * by_image / 10, stats.t.ppf(0.975, 9) * by_draw / 10**0.5)
    assert summary.steps[0].correlation.high - 0.8 == pytest.approx(half, rel=0.05)


def of(low: float, high: float, images: int = 100) -> Estimate:
    return Estimate((low + high) / 2, low, high, images)


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (of(-0.05, 0.09), "chance"),
        (of(0.02, 0.09), "chance"),
        (of(0.02, 0.11), "undecided"),
        (of(-0.12, 0.05), "undecided"),
        (of(0.11, 0.3), "above"),
        (of(-0.3, -0.11), "below"),
        (of(-0.05, 0.05, images=29), "undecided"),
        (of(0.2, 0.3, images=0), "undecided"),
    ],
)
def test_a_verdict_takes_the_whole_interval_on_one_side_of_the_bound(gap: Estimate, verdict: str) -> None:
    assert verdict_of(gap) == verdict


def test_one_draw_decides_nothing() -> None:
    summary = summarise_sanity(rows_of((0.8, 0.4, 0.02), draws=1))
    assert [summary.verdict(step) for step in summary.steps] == ["undecided"] * 3
    assert "One draw of random weights decides nothing" in sanity_sentence(summary, "conv2", "cascading")


def test_two_blocks_of_draws_do_not_contradict_each_other() -> None:
    """Of a truth of 0.1, the bound itself, where the two verdicts are likeliest to meet; by images alone they do so often."""
    chance, found = np.random.default_rng(3), []
    for _ in range(200):
        values = 0.1 + 0.05 * chance.normal(size=(1, 10, 1)) + 0.1 * chance.normal(size=(40, 10, 1))
        rows = rows_of((0.0,), 0.0, count=40)
        summary = summarise_sanity(
            SanityRows(
                STEPS[:1], rows.seeds, rows.images, rows.explained, values, rows.beside, rows.kept, rows.flat, rows.blank
            )
        )
        found.append(summary.verdict(summary.steps[0]))
    decided = [verdict for verdict in found if verdict != "undecided"]
    assert len(decided) / len(found) < 0.05  # two contradict each other in fewer than one of 1,600 pairs


SAYS = {
    "no more": (0.05, 0.03, "within ±0.1: no more alike than chance", "What they show", "What the maps show depends on"),
    "a little": (0.07, 0.02, "within ±0.1: no more alike than chance", "above chance", "What the maps show depends on"),
    "some": (0.3, 0.05, "above 0.1: more alike than chance", "hardly", "comes from the picture and the architecture"),
    "nearly all": (
        0.8,
        0.05,
        "above 0.1: more alike than chance",
        "comes from",
        "hardly depend on what the network has learnt",
    ),
    "in common": (0.3, 0.3, "within ±0.1", "What the maps", "; the part that all pictures have in common does not."),
    "open": (0.13, 0.02, "undecided, more images or draws are needed", "alike than", "neither within ±0.1 nor beyond"),
    "less": (0.0, 0.5, "below −0.1: less alike than chance", "more alike", "depends on what the network has learnt"),
}


@pytest.mark.parametrize(("mean", "chance", "says", "never", "verdict"), SAYS.values(), ids=SAYS)
def test_what_is_left_at_the_end_of_the_cascade_is_judged(
    mean: float, chance: float, says: str, never: str, verdict: str
) -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, mean), chance)), "conv2", "cascading")
    assert says in sentence
    assert verdict in sentence
    assert never not in sentence
    assert "over 10 draws of random weights" in sentence


def test_the_step_at_which_half_is_lost_is_named() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1))), "conv2", "cascading")
    assert sentence.startswith("The maps of conv2 keep less than half of their order (a correlation below 0.5) from conv2 on.")
    sentence = sanity_sentence(summarise_sanity(rows_of((0.4, 0.6, 0.1))), "conv2", "cascading")
    assert "(a correlation below 0.5) from conv1 on." in sentence
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.7, 0.6))), "conv2", "cascading")
    assert sentence.startswith("With every layer randomised, their correlation with the original maps is 0.600 [")


def test_of_single_layers_the_one_that_matters_most_is_named() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.1, 0.6))), "conv2", "independent")
    assert (
        "conv2 randomised alone leaves the maps of conv2 the lowest mean correlation of all single layers, 0.100 [" in sentence
    )
    assert "fc the highest, 0.800 [" in sentence


def test_the_intervals_of_picked_layers_allow_for_the_choice() -> None:
    summary = summarise_sanity(rows_of((0.8, 0.1, 0.6)))
    for step in summary.steps:
        assert step.among.mean == pytest.approx(step.correlation.mean)
        ratio = (step.among.high - step.among.low) / (step.correlation.high - step.correlation.low)
        assert 1.05 < ratio < 1.6
    sentence = sanity_sentence(summary, "conv2", "independent")
    for step in summary.steps[:2]:
        assert interval(step.among) in sentence
        assert interval(step.correlation) not in sentence


def test_maps_that_do_not_count_are_counted() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1), flat=20)), "conv2", "cascading")
    assert sentence.endswith("20.0 % of the maps are then the same everywhere and do not count.")
    none = rows_of((0.8, 0.4, 0.1), flat=100)
    assert "all are the same everywhere" in sanity_sentence(summarise_sanity(none), "conv2", "cascading")
    assert "No map of conv2 can be compared" in sanity_sentence(
        summarise_sanity(rows_of((0.1,), flat=100)), "conv2", "cascading"
    )


def test_few_images_say_nothing_about_chance() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1), count=8)), "conv2", "cascading")
    assert sentence.endswith("8 images are too few to compare them.")


# Section: the twin and the second network


def twins(twin: float, second: float) -> TwinSummary:
    return summarise_twin(rows_of((twin, second), draws=1))


TWINS = {
    "apart": (0.05, 0.3, "two networks that learnt the right labels are more alike than a network and its twin"),
    "alike": (0.05, 0.05, "another seed changes the maps as much as wrong labels do"),
    "less": (0.3, 0.05, "with the right labels two networks are less alike"),
}


@pytest.mark.parametrize(("twin", "second", "verdict"), TWINS.values(), ids=TWINS)
def test_the_twin_is_judged_beside_the_second_network(twin: float, second: float, verdict: str) -> None:
    sentence = twin_sentence(twins(twin, second), "conv2", "tutorial")
    assert f"have a correlation of {twin:.4f} [" in sentence
    assert f"of {second:.4f} [" in sentence
    assert verdict in sentence


def test_the_difference_of_the_two_is_paired_over_images() -> None:
    rows = rows_of((0.1, 0.3), draws=1)
    found = summarise_twin(rows).gain
    differences = rows.correlations[:, 0, 1] - rows.correlations[:, 0, 0]
    assert found.mean == pytest.approx(differences.mean())
    half = 1.96 * differences.std(ddof=1) / 10
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
