"""Figures: what is drawn is what was computed."""

import numpy as np
import pytest

from dashboard.figures.class_figure import class_bars, shown_words
from dashboard.figures.scale import diverging, sequential
from dashboard.topics.sides.figure import histogram_figure

A = np.array([[0.0, 0.25], [0.5, 1.0]], dtype=np.float32)
B = np.array([[0.1, 0.25], [0.2, 1.0]], dtype=np.float32)


# Section: scales


def test_a_signed_scale_has_white_at_zero_and_as_much_room_on_either_side() -> None:
    scale = diverging(0.3)
    assert (scale.low, scale.high, scale.words) == (-0.3, 0.3, "−0.3 to 0.3")
    assert scale.colours[2] == (0.5, "#f7f7f7")
    assert scale.drawing.signed


def test_a_palette_begins_dark_and_ends_bright() -> None:
    first, last = (sequential(0, 1, "magma").colours[place] for place in (0, -1))
    assert (first[0], last[0]) == (0, 1)
    assert first[1] == "rgb(0,0,4)"  # matplotlib: (0.001, 0.000, 0.014)
    assert last[1] == "rgb(252,253,191)"  # matplotlib: (0.987, 0.991, 0.750)


# Section: the histogram of differences


def test_a_histogram_counts_every_pixel_and_is_symmetric_around_zero() -> None:
    difference = np.array([[0.0, 0.0, 0.001, -0.4], [0.1, 0.1, 0.2, 0.4]], dtype=np.float32)
    (bars,) = histogram_figure(difference).data
    assert sum(bars.y) == 8
    assert len(bars.y) % 2 == 1
    middle = len(bars.y) // 2
    assert bars.x[middle] == pytest.approx(0, abs=1e-9)
    assert bars.y[middle] == 3
    assert (bars.y[0], bars.y[-1]) == (1, 1)
    assert bars.customdata[0][0] == pytest.approx(-0.4)
    assert bars.customdata[-1][1] == pytest.approx(0.4)


def test_a_histogram_has_one_colour_below_zero_and_another_above() -> None:
    (bars,) = histogram_figure(B - A).data
    colours = list(bars.marker.color)
    middle = len(colours) // 2
    assert len(set(colours[:middle])) == len(set(colours[middle + 1 :])) == 1
    assert len({colours[0], colours[middle], colours[-1]}) == 3


def test_a_histogram_of_equal_maps_has_everything_in_the_middle() -> None:
    (bars,) = histogram_figure(np.zeros((4, 4), np.float32)).data
    assert bars.y[len(bars.y) // 2] == 16


# Section: class probabilities

SHARES = np.array([0.25, 0.6, 0.15], dtype=np.float32)


def test_each_class_has_a_bar_with_its_probability_and_what_it_is_besides() -> None:
    bars = class_bars(("cat", "dog", "frog"), SHARES, target=1, true=0)
    assert [(bar.index, bar.name, bar.words, bar.role, bar.text) for bar in bars] == [
        (0, "cat", "true", "other", "25.0 %"),
        (1, "dog", "explained, predicted", "target", "60.0 %"),
        (2, "frog", "", "other", "15.0 %"),
    ]
    np.testing.assert_array_equal([bar.share for bar in bars], SHARES)


def test_the_contrasted_class_has_a_role_and_a_word_of_its_own() -> None:
    bars = class_bars(("cat", "dog", "frog"), SHARES, target=1, true=0, minus=2)
    assert [(bar.words, bar.role) for bar in bars][1:] == [("explained, predicted", "target"), ("contrasted", "minus")]


def test_of_many_classes_the_ten_likeliest_and_the_marked_ones_have_bars_the_likeliest_first() -> None:
    shares = np.arange(100, dtype=np.float32)[::-1] / 4950  # class 0 is the likeliest
    names = tuple(f"class {number}" for number in range(100))
    bars = class_bars(names, shares, target=42, true=99, minus=3)
    assert [bar.name for bar in bars] == [*names[:10], "class 42", "class 99"]
    assert [bars[place].words for place in (3, -2, -1)] == ["contrasted", "explained", "true"]
    np.testing.assert_array_equal([bar.share for bar in bars], shares[[*range(10), 42, 99]])
    assert shown_words(names) == "The 10 likeliest of 100 classes, and those with a word."
    assert shown_words(names, "sigmoid") == "The 10 likeliest of 100 labels, and those with a word."
    assert shown_words(names, "regression") == "The 10 largest of 100 outputs, and those with a word."
    assert shown_words(names[:12]) == ""


def test_two_classes_of_one_name_have_a_bar_each() -> None:
    bars = class_bars(("crane", "dog", "crane"), SHARES, target=1, true=1)
    assert [bar.name for bar in bars] == ["crane (0)", "dog", "crane (2)"]
