"""The measures of known places against Quantus, against published formulae worked by hand, and at chance."""

from collections.abc import Callable

import numpy as np
import pytest
import quantus
from numpy.typing import NDArray

import explain_lib as xl
from explain_lib.truth.localisation import complexity, energy_inside, pointing_hits, rank_accuracy, sparseness, top_overlap

Maps = NDArray[np.float32]


@pytest.fixture(scope="module")
def maps() -> Maps:
    """Maps of different numbers above zero."""
    return np.random.default_rng(3).gamma(0.6, size=(24, 9, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def masks(maps: Maps) -> NDArray[np.bool_]:
    """Rectangles of different sizes; in every second map the highest pixel is inside."""
    generator, found = np.random.default_rng(4), np.zeros(maps.shape, bool)
    for place, (mask, one) in enumerate(zip(found, maps, strict=True)):
        row, column = np.unravel_index(one.argmax(), one.shape) if place % 2 else generator.integers(0, 8, 2)
        mask[row : row + generator.integers(1, 5), column : column + generator.integers(1, 5)] = True
    return found


def by_quantus(name: str, maps: Maps, masks: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """What Quantus makes of the maps; none of these metrics asks the network, so there is none."""
    metric = getattr(quantus, name)(disable_warnings=True, normalise=False, abs=name in ("Sparseness", "Complexity"))
    pictures, classes = np.zeros((len(maps), 1, *maps.shape[1:])), np.zeros(len(maps), int)
    places = None if masks is None else masks[:, None].astype(int)
    found = metric(model=None, x_batch=pictures, y_batch=classes, a_batch=maps[:, None].astype(np.float64), s_batch=places)
    return np.asarray(found, dtype=np.float64)


PAIRS = [("PointingGame", pointing_hits), ("RelevanceMassAccuracy", energy_inside), ("RelevanceRankAccuracy", rank_accuracy)]


@pytest.mark.parametrize(("name", "ours"), PAIRS)
def test_places_are_found_as_quantus_finds_them(
    name: str, ours: Callable[..., NDArray[np.float64]], maps: Maps, masks: NDArray[np.bool_]
) -> None:
    found = ours(maps, masks)
    assert 0 < found.mean() < 1
    np.testing.assert_allclose(found, by_quantus(name, maps, masks), atol=1e-6)


@pytest.mark.parametrize(("name", "ours"), [("Sparseness", sparseness), ("Complexity", complexity)])
def test_sparseness_and_complexity_are_those_of_quantus(
    name: str, ours: Callable[..., NDArray[np.float64]], maps: Maps
) -> None:
    np.testing.assert_allclose(ours(maps), by_quantus(name, maps), atol=1e-5)


# Section: by hand

SMALL = np.array([[[4, 0, 1], [0, 3, 0]]], np.float32)
LEFT = np.array([[[True, False, False], [True, False, False]]])


def test_small_maps_have_the_numbers_of_the_formulae() -> None:
    assert energy_inside(SMALL, LEFT) == [4 / 8]
    assert pointing_hits(SMALL, LEFT) == [1]
    assert rank_accuracy(SMALL, LEFT) == [1 / 2]  # of the two highest, 4 and 3, one is inside
    assert top_overlap(SMALL, LEFT) == [1 / 2]  # a fifth of six pixels is one, inside a mask of two
    # sorted 0 0 0 1 3 4: sum of (2 i - 7) x over 6 * 8
    assert sparseness(SMALL) == pytest.approx([(1 * 1 + 3 * 3 + 5 * 4) / 48])
    shares = np.array([4, 1, 3]) / 8
    assert complexity(SMALL) == pytest.approx([-(shares * np.log(shares)).sum()])


def test_the_ends_of_sparseness_and_complexity() -> None:
    even, single = np.ones((1, 4, 5), np.float32), np.zeros((1, 4, 5), np.float32)
    single[0, 2, 2] = 7
    assert [*sparseness(even), *sparseness(single)] == pytest.approx([0, 1 - 1 / 20])
    assert [*complexity(even), *complexity(single)] == pytest.approx([np.log(20), 0])


def test_of_equal_pixels_the_first_counts() -> None:
    tied = np.array([[[0, 5, 5], [5, 0, 0]]], np.float32)
    first, second = np.zeros((2, 1, 2, 3), bool)
    first[0, 0, 1] = second[0, 0, 2] = True
    assert [*pointing_hits(tied, first), *pointing_hits(tied, second)] == [1, 0]
    assert [*rank_accuracy(tied, first), *rank_accuracy(tied, second)] == [1, 0]


def test_a_map_that_shows_nothing_finds_nothing() -> None:
    none, even = np.zeros_like(SMALL), np.ones_like(SMALL)
    assert [*energy_inside(none, LEFT), *pointing_hits(none, LEFT), *pointing_hits(even, LEFT)] == [0, 0, 0]
    assert energy_inside(even, LEFT) == [2 / 6]
    assert np.isnan([*sparseness(none), *complexity(none)]).all()


def test_what_is_below_zero_does_not_count() -> None:
    assert energy_inside(SMALL - 2, LEFT) == [2 / 3]


def test_a_map_that_is_not_finite_and_an_empty_mask_have_no_number() -> None:
    broken = SMALL.copy()
    broken[0, 0, 1] = np.nan
    for measure in (energy_inside, pointing_hits, rank_accuracy, top_overlap):
        assert np.isnan([*measure(broken, LEFT), *measure(SMALL, np.zeros_like(LEFT))]).all()
    assert np.isnan([*sparseness(broken), *complexity(broken)]).all()


def test_the_overlap_is_that_of_the_house() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.random((2, 10, 10)).astype(np.float32)
    top = np.zeros(100, bool)
    top[np.argsort(-other.ravel(), kind="stable")[:20]] = True
    assert top_overlap(one[None], top.reshape(1, 10, 10)) == pytest.approx([xl.compare(one, other).iou])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((SMALL[0], LEFT), "maps: float32 of shape (2, 3); floating-point maps (N, H, W) would be right"),
        ((SMALL, LEFT[0]), "masks: bool of shape (2, 3); a boolean array of shape (1, 2, 3), that of the maps, would be right"),
        ((SMALL, SMALL), "masks: float32 of shape (1, 2, 3); a boolean array of shape (1, 2, 3), that of the maps"),
    ],
)
def test_other_arrays_are_refused(arguments: tuple[NDArray[np.generic], NDArray[np.generic]], why: str) -> None:
    with pytest.raises(xl.InputError) as caught:
        energy_inside(*arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(why)
