"""Intervals that hold together, beside plain loops, the textbooks' quantiles, and simulated samples."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

import explain_lib as xl
from explain_lib.base.statistics import bootstrap_means, comparisons_with_best, simultaneous_means


def plain_quantile(columns: list[np.ndarray], resamples: int = 4000) -> float:
    """In 95 % of resamples no mean is further off, in standard errors: from definitions, one column and resample at a time."""
    chance = np.random.default_rng(77)
    images = len(columns[0])
    largest = []
    for _ in range(resamples):
        drawn = chance.choice(images, images)
        most = 0.0
        for column in columns:
            own, again = column[~np.isnan(column)], column[drawn][~np.isnan(column[drawn])]
            most = max(most, abs(again.mean() - own.mean()) / (own.std() / len(own) ** 0.5))
        largest.append(most)
    return float(np.quantile(largest, 0.95))


def plain_half(column: np.ndarray, quantile: float) -> float:
    """Half the width of an interval, with Student's t of the same tail."""
    own = column[~np.isnan(column)]
    return float(stats.t.isf(stats.norm.sf(quantile), len(own) - 1) * own.std(ddof=1) / len(own) ** 0.5)


@pytest.fixture(scope="module")
def alike() -> np.ndarray:
    """40 images, 4 columns that are alike, skewed and of different spreads; one of them has 12 values fewer."""
    chance = np.random.default_rng(3)
    values = chance.exponential(1, (40, 1)) + chance.exponential(1, (40, 4)) * np.array([0.2, 1, 2, 0.5])
    values[5:17, 2] = np.nan
    return values


def test_the_intervals_of_a_family_are_those_of_a_plain_loop(alike: np.ndarray) -> None:
    first, alone = simultaneous_means(alike, alike[:, :1])
    quantile = plain_quantile(list(alike.T))
    halves = [plain_half(column, quantile) for column in alike.T]
    for column, half, found in zip(alike.T, halves, first, strict=True):
        assert found.images == np.count_nonzero(~np.isnan(column))
        assert found.mean == pytest.approx(np.nanmean(column), rel=1e-12)
        assert (found.high - found.mean, found.mean - found.low) == pytest.approx((half, half), rel=0.03)
    half = plain_half(alike[:, 0], plain_quantile([alike[:, 0]]))
    assert alone[0].high - alone[0].mean == pytest.approx(half, rel=0.03)
    assert half < 0.85 * halves[0]  # families do not mix: alone the column needs less


def test_comparisons_with_the_best_are_those_of_a_plain_loop(alike: np.ndarray) -> None:
    """Whichever column is the best in truth, its comparisons hold together: the largest of the four quantiles counts."""
    every = {0, 1, 2, 3}
    apart = {place: [alike[:, place] - alike[:, other] for other in every - {place}] for place in every}
    quantile = max(plain_quantile(gaps) for gaps in apart.values())
    for place in every:
        leads = comparisons_with_best(alike, place)
        assert (leads[place].mean, leads[place].low, leads[place].high) == (0, 0, 0)
        for other, gap in zip(every - {place}, apart[place], strict=True):
            lead, half = leads[other], plain_half(gap, quantile)
            assert lead.images == (28 if 2 in (place, other) else 40)
            assert lead.mean == pytest.approx(np.nanmean(gap), rel=1e-9)
            assert (lead.high - lead.mean, lead.mean - lead.low) == pytest.approx((half, half), rel=0.03)


def test_of_many_independent_normal_values_they_are_the_textbooks() -> None:
    """Šidák's quantile for single means, Dunnett's for comparisons with one; 50 columns make two blocks of pairs."""
    values = np.random.default_rng(1).normal(0, 1, (600, 50))
    error = values.std(0, ddof=1) / 600**0.5
    (found,) = simultaneous_means(values)
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / 50)) / 2)
    assert [one.high - one.mean for one in found] == pytest.approx(sidak * error, rel=0.03)
    dunnett = np.quantile(dunnett_deviations(49), 0.95)
    for other, lead in enumerate(comparisons_with_best(values, 0)[1:], 1):
        apart = (values[:, 0] - values[:, other]).std(ddof=1) / 600**0.5
        assert lead.high - lead.mean == pytest.approx(dunnett * apart, rel=0.04)


def dunnett_deviations(others: int) -> np.ndarray:
    """The largest of as many differences from one normal value, in standard deviations of a difference: many draws."""
    chance = np.random.default_rng(2)
    return np.abs(chance.normal(size=(50_000, others)) - chance.normal(size=(50_000, 1))).max(1) / 2**0.5


def test_whichever_column_is_the_best_in_truth_its_comparisons_count() -> None:
    """Each column is half as wide as the one before: only the last one's comparisons are independent, and need the most."""
    values = np.random.default_rng(6).normal(0, 1, (600, 50)) * 0.5 ** np.arange(50)
    lead = comparisons_with_best(values, 1)[0]
    apart = (values[:, 1] - values[:, 0]).std(ddof=1) / 600**0.5
    assert lead.high - lead.mean == pytest.approx(stats.norm.ppf((1 + 0.95 ** (1 / 49)) / 2) * apart, rel=0.04)


def test_six_images_have_the_intervals_of_a_plain_loop() -> None:
    values = np.random.default_rng(7).random((6, 2))
    quantile = plain_quantile(list(values.T))
    for column, found in zip(values.T, simultaneous_means(values)[0], strict=True):
        assert found.high - found.mean == pytest.approx(plain_half(column, quantile), rel=0.05)


def test_one_column_has_about_the_ordinary_interval() -> None:
    values = np.random.default_rng(5).normal(2, 1, (300, 2))
    ((alone,),) = simultaneous_means(values[:, :1])
    ordinary = bootstrap_means(values[:, :1])[0]
    assert (alone.mean, alone.images) == (ordinary.mean, ordinary.images)
    width = ordinary.high - ordinary.low
    assert (alone.low, alone.high) == pytest.approx((ordinary.low, ordinary.high), abs=0.05 * width)
    _, lead = comparisons_with_best(values, 0)
    ordinary = bootstrap_means(values[:, :1] - values[:, 1:])[0]
    width = ordinary.high - ordinary.low
    assert (lead.low, lead.high) == pytest.approx((ordinary.low, ordinary.high), abs=0.05 * width)


def test_thirty_images_have_students_t_in_place_of_the_normal() -> None:
    values = np.random.default_rng(8).normal(0, 1, (30, 1))
    ((found,),) = simultaneous_means(values)
    low, high = stats.ttest_1samp(values[:, 0], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02 * (high - low))


def test_equal_columns_have_no_lead_and_widen_no_other() -> None:
    values = np.random.default_rng(4).integers(0, 1024, (80, 3)) / 1024  # sums of them are exact
    ordinary = comparisons_with_best(values, 1)
    doubled = np.concatenate([values, values[:, 1:2], values[:, 1:2] + 0.25], axis=1)
    leads = comparisons_with_best(doubled, 1)
    assert (leads[3].mean, leads[3].low, leads[3].high) == (0, 0, 0)
    assert (leads[4].mean, leads[4].low, leads[4].high) == (-0.25, -0.25, -0.25)
    assert leads[0].low == pytest.approx(ordinary[0].low, rel=1e-9)


def test_equal_values_have_an_interval_of_no_width_and_widen_no_other() -> None:
    values = np.random.default_rng(4).random((80, 2))
    (alone,), (beside,) = simultaneous_means(values), simultaneous_means(np.insert(values, 1, 0.1, axis=1))
    assert (beside[1].mean, beside[1].low, beside[1].high) == pytest.approx((0.1, 0.1, 0.1))
    assert (beside[0], beside[2]) == alone


def test_a_column_without_values_has_no_mean_and_widens_no_other() -> None:
    values = np.random.default_rng(4).random((80, 2))
    (alone,), (beside,) = simultaneous_means(values), simultaneous_means(np.insert(values, 1, np.nan, axis=1))
    assert np.isnan([beside[1].mean, beside[1].low, beside[1].high]).all()
    assert beside[1].images == 0
    assert [one.high for one in (beside[0], beside[2])] == pytest.approx([one.high for one in alone], rel=1e-9)
    leads = comparisons_with_best(np.insert(values, 1, np.nan, axis=1), 0)
    assert (leads[1].images, leads[2].images) == (0, 80)


def test_one_image_has_an_interval_of_no_width_and_no_image_none() -> None:
    one = np.array([[0.25, 0.75]])
    for found, mean in zip((*simultaneous_means(one)[0], *comparisons_with_best(one, 0)), (0.25, 0.75, 0, -0.5), strict=True):
        assert (found.mean, found.low, found.high, found.images) == (mean, mean, mean, 1)
    for found in (*simultaneous_means(one[:0])[0], *comparisons_with_best(one[:0], 1)):
        assert np.isnan([found.mean, found.low, found.high]).all()
        assert found.images == 0


def test_no_column_and_no_family_have_no_interval() -> None:
    assert simultaneous_means() == ()
    assert simultaneous_means(np.zeros((3, 0)), np.zeros((3, 1)))[0] == ()


def test_all_of_nine_intervals_hold_at_once_as_often_as_they_say_while_ordinary_ones_do_not() -> None:
    chance, samples = np.random.default_rng(0), 400
    drawn = [chance.normal(0, 1, (30, 9)) for _ in range(samples)]
    together = [all(one.low <= 0 <= one.high for one in found) for found in simultaneous_means(*drawn)]
    assert 0.92 <= np.mean(together) <= 0.98
    ordinary = bootstrap_means(np.concatenate(drawn, axis=1))
    held = [all(one.low <= 0 <= one.high for one in ordinary[place : place + 9]) for place in range(0, 9 * samples, 9)]
    assert np.mean(held) < 0.7


def test_memory_is_bounded_however_many_pairs() -> None:
    values = np.random.default_rng(0).random((200, 150))
    tracemalloc.start()
    comparisons_with_best(values, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120e6  # the deviations of all 11,175 pairs at once would be 180 MB, several times


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((3, 2), np.int64), np.array([[1, np.inf]]), [[1.0]], None])
def test_other_values_are_refused(values: object) -> None:
    with pytest.raises(xl.InputError, match=r"^families: .*would be right"):
        simultaneous_means(values)  # type: ignore[arg-type]
    with pytest.raises(xl.InputError, match=r"^values: .*would be right"):
        comparisons_with_best(values, 0)  # type: ignore[arg-type]


def test_unlike_families_and_places_without_a_column_are_refused() -> None:
    with pytest.raises(xl.InputError, match=r"^families: they have 3, 2 rows; one for each image would be right"):
        simultaneous_means(np.zeros((3, 1)), np.zeros((2, 1)))
    for place in (-1, 2):
        with pytest.raises(xl.InputError, match=r"^best: .*one of 2 columns"):
            comparisons_with_best(np.zeros((3, 2)), place)
