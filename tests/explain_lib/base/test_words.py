"""Numbers in words: the rule worked out by hand, and every sentence of the library against the numbers that it is made of."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentences.library import CASES
from sentences.said import Said

from explain_lib.base import words
from explain_lib.base.statistics import Estimate


@pytest.mark.parametrize("name", CASES)
def test_sentences_say_what_their_numbers_say(name: str) -> None:
    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(CASES[name])
    def check(said: Said) -> None:
        said.check()

    check()


# Section: worked out by hand


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50.0 %"),
        (0.673, "67.3 %"),
        (3e-9, "below 0.1 %"),
        (0.0004, "below 0.1 %"),
        (0.0006, "0.1 %"),
        (0.9994, "99.9 %"),
        (0.99996, "above 99.9 %"),
        (-0.0001, "above −0.1 %"),
        (1.0001, "below 100.1 %"),
        (float("nan"), "not defined"),
    ],
)
def test_a_share_is_0_or_100_percent_only_if_it_is(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.99996, "99.9960 %"),
        (1 - 3e-8, "99.999997 %"),
        (1 - 1e-12, "above 99.999999 %"),
        (2e-5, "0.0020 %"),
        (0.25, "25.0 %"),
        (0.0, "0 %"),
    ],
)
def test_where_there_is_room_a_share_has_more_digits(share: float, said: str) -> None:
    assert words.precise_percent(share) == said


@pytest.mark.parametrize(
    ("mean", "half", "said"),
    [
        (0.30812, 0.0104, "0.308 [0.298 … 0.319]"),
        (0.30812, 0.0997, "0.31 [0.21 … 0.41]"),
        (0.30812, 0.00213, "0.3081 [0.3060 … 0.3103]"),
        (-0.0004, 0.021, "0.000 [−0.021 … 0.021]"),
        (12.3, 4.4, "12.3 [7.9 … 16.7]"),
        (0.25, 0.0, "0.25 [0.25 … 0.25]"),
        (0.0, 0.0, "0.00 [0.00 … 0.00]"),
    ],
)
def test_a_mean_has_the_digits_that_its_interval_needs(mean: float, half: float, said: str) -> None:
    assert words.mean_words(Estimate(mean, mean - half, mean + half, 100)) == said


def test_one_image_has_no_interval_and_none_has_no_mean() -> None:
    assert words.mean_words(Estimate(0.3, 0.3, 0.3, 1)) == "0.30"
    assert words.mean_words(Estimate(*[float("nan")] * 3, 0)) == "not defined"
    assert words.share_words(Estimate(*[float("nan")] * 3, 0)) == "not defined"


def test_shares_and_their_differences_have_intervals_in_percent() -> None:
    assert words.share_words(Estimate(0.0, 0.0, 0.021, 100)) == "0 % [0 … 2.1]"
    assert words.share_words(Estimate(0.01, 0.0002, 0.021, 100)) == "1.0 % [below 0.1 … 2.1]"
    assert words.share_words(Estimate(1.0, 0.963, 1.0, 100)) == "100 % [96.3 … 100]"
    assert words.points(Estimate(0.012, 0.003, 0.021, 100)) == "+1.20 points [0.30 … 2.10]"
    assert words.points(Estimate(-0.0001, -0.011, 0.011, 100)) == "0.0 points [−1.1 … 1.1]"


@pytest.mark.parametrize(
    ("low", "high", "images", "way"),
    [(0.01, 0.03, 30, 1), (-0.03, -0.01, 30, -1), (0.01, 0.03, 29, 0), (-0.001, 0.03, 1000, 0), (0.0, 0.03, 1000, 0)],
)
def test_a_direction_needs_an_interval_beyond_zero_over_thirty_images(low: float, high: float, images: int, way: int) -> None:
    assert words.direction(Estimate((low + high) / 2, low, high, images)) == way


def test_a_difference_that_is_shown_as_zero_has_no_direction() -> None:
    assert words.direction(Estimate(1e-9, 1e-9, 1e-9, 1000)) == 0
    assert words.direction(Estimate(*[float("nan")] * 3, 0)) == 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.214, "3.21"),
        (-0.5, "−0.50"),
        (0.0123, "0.012"),
        (-0.00061, "−0.00061"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (2e-8, "2e−08"),
    ],
)
def test_small_numbers_keep_two_digits(value: float, said: str) -> None:
    assert words.fine(value, 2) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.3, "0.30"), (-12.4, "−12"), (0.00341, "0.0034"), (2.11e-8, "2.1e−08"), (0.0, "0"), (1234.0, "1234")]
)
def test_running_text_has_two_significant_digits(value: float, said: str) -> None:
    assert words.two(value) == said


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_no_number_is_minus_zero(value: float, places: int) -> None:
    assert words.number(value, places).strip("0.") != "−"
