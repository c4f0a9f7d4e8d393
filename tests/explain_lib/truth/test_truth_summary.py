"""Summaries of known places: means by hand, the best finder and its lead, and sentences."""

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from explain_lib.base.statistics import bootstrap_mean, image_shares
from explain_lib.truth.finders import BASELINES, Finder, TruthRows, finders_of
from explain_lib.truth.summary import rank_finders, summarise_truth, truth_sentence, turned_sentence

FINDERS = finders_of(("conv",))
GRAD, HIRES = FINDERS[0], FINDERS[1]


def rows_of(energy: NDArray[np.float64], hits: NDArray[np.float64], counts: NDArray[np.bool_] | None = None) -> TruthRows:
    """The rows of images with these numbers of six finders, (K, 6) each."""
    images = np.arange(len(energy))
    kept = np.ones(len(images), bool) if counts is None else counts
    area, flat = np.full(len(images), 1 / 64), np.zeros(energy.shape, bool)
    return TruthRows(images, ("energy", "pointing"), FINDERS, kept, area, np.stack([energy, hits], axis=2), flat)


@pytest.fixture(scope="module")
def rows() -> TruthRows:
    """HiResCAM ahead of all; the last ten of fifty images do not count."""
    generator = np.random.default_rng(0)
    energy = generator.uniform(0, 0.1, (50, 6)) + np.array([0.1, 0.5, 0.3, 0.05, 0, 0.02])
    hits = (generator.random((50, 6)) < np.array([0.2, 1.1, 1.1, 0.1, 0.02, 0.03])).astype(float)
    energy[40:] = 0.9
    return rows_of(energy, hits, np.arange(50) < 40)


def test_only_images_that_count_are_in_the_means(rows: TruthRows) -> None:
    summary = summarise_truth(rows)
    assert (summary.asked, summary.counted) == (50, image_shares(rows.counts[:, None])[0])
    for place, finder in enumerate(FINDERS):
        assert astuple(summary.value(finder, "energy")) == pytest.approx(astuple(bootstrap_mean(rows.values[:40, place, 0])))
        assert summary.value(finder, "pointing") == image_shares(rows.values[:40, [place], 1] == 1)[0]
    assert summary.chance == 1 / 64


def test_the_best_is_ahead_of_the_second_where_its_lead_says_so(rows: TruthRows) -> None:
    summary = summarise_truth(rows)
    by_energy = rank_finders(rows, summary, "energy", GRAD)
    assert [one.name for one in by_energy.order] == [
        "HiResCAM at conv", "LayerCAM at conv", "Grad-CAM at conv", "Grad-CAM++ at conv", "centre blob", "random map",
    ]  # fmt: skip
    assert by_energy.lead is not None
    assert by_energy.lead.mean == pytest.approx((rows.values[:40, 1, 0] - rows.values[:40, 2, 0]).mean())
    assert (
        by_energy.value.high - by_energy.value.low >= summary.value(HIRES, "energy").high - summary.value(HIRES, "energy").low
    )
    said = truth_sentence(summary, by_energy, "mark")
    assert said.startswith("HiResCAM at conv has the largest share of its map in the mark, ")
    assert "It is ahead of LayerCAM at conv by " in said
    assert "Grad-CAM at conv gets " in said
    assert ", ahead of the centre blob by " in said
    assert said.endswith("The mark covers 1.6 % of the picture; a map that knows nothing gets as much.")
    by_hits = rank_finders(rows, summary, "pointing", BASELINES[0])
    assert by_hits.value.mean == 1
    assert by_hits.value.low < 0.95  # equal numbers leave room all the same
    assert "LayerCAM at conv cannot be told apart from it. random map gets " in truth_sentence(summary, by_hits, "mark")


def test_of_few_images_no_direction_is_said(rows: TruthRows) -> None:
    few = rows_of(rows.values[:9, :, 0], rows.values[:9, :, 1])
    said = truth_sentence(summarise_truth(few), rank_finders(few, summarise_truth(few), "energy", GRAD), "object")
    assert "9 images are too few to say more." in said
    assert "ahead" not in said


def test_without_an_image_that_counts_nothing_is_said(rows: TruthRows) -> None:
    none = rows_of(rows.values[:9, :, 0], rows.values[:9, :, 1], np.zeros(9, bool))
    summary = summarise_truth(none)
    said = truth_sentence(summary, rank_finders(none, summary, "energy", Finder("conv", "layercam")), "mark")
    assert said == "No picture counts, so nothing can be said about any map."
    assert turned_sentence(summary, "horse").startswith("Of 9 pictures of other classes, the mark alone turns 0 % [")
