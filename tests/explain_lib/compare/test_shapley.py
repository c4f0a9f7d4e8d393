"""Shapley values against the average over all orders, written out, and against their axioms."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import explain_lib as xl
from explain_lib.compare.decomposition import MOST_PLAYERS, shapley_matrix


def over_all_orders(values: np.ndarray, players: int) -> np.ndarray:
    """What each player adds when it joins, on average over all orders in which they can join."""
    gains = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            gains[player] += values[coalition | 1 << player] - values[coalition]
            coalition |= 1 << player
    return gains / len(orders)


@pytest.mark.parametrize("players", range(1, 7))
def test_the_matrix_gives_the_average_over_all_orders(players: int) -> None:
    values = np.random.default_rng(players).normal(size=2**players)
    assert_allclose(shapley_matrix(players) @ values, over_all_orders(values, players), atol=1e-12)


def test_two_players_by_hand() -> None:
    # alone they bring 1 and 3, together 10: (1 + 10 - 3) / 2 and (3 + 10 - 1) / 2
    assert_allclose(shapley_matrix(2) @ [0, 1, 3, 10], [4, 6])


@pytest.mark.parametrize("players", [1, 5, MOST_PLAYERS])
def test_all_that_there_is_is_shared_out(players: int) -> None:
    values = np.random.default_rng(0).normal(size=2**players)
    assert (shapley_matrix(players) @ values).sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_nobody_to_share_with() -> None:
    assert_array_equal(shapley_matrix(0), np.zeros((0, 1)))


def test_too_many_players_are_refused() -> None:
    with pytest.raises(xl.InputError, match="players: 14; 0 to 13 would be right"):
        shapley_matrix(14)
