"""Exact Shapley values of few players (Shapley 1953, "A Value for n-Person Games")."""

from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from explain_lib.errors import InputError
from explain_lib.frozen import read_only

MOST_PLAYERS = 12


@lru_cache(maxsize=MOST_PLAYERS + 1)
def shapley_matrix(players: int) -> NDArray[np.float64]:
    """Float64 (n, 2^n): times the values of all coalitions, it gives each player's Shapley value.

    Coalition k holds player i if bit i of k is set. Row i has |S|! (n - |S| - 1)! / n! at each S with i, and less the same at
    S without i, where |S| counts the others. Raises InputError for more than 12 players.
    """
    if not 0 <= players <= MOST_PLAYERS:
        raise InputError(f"players: {players}; 0 to {MOST_PLAYERS} would be right")
    coalitions = np.arange(2**players)
    members = coalitions[None, :] >> np.arange(players)[:, None] & 1
    others = members.sum(0) - members
    orders = factorial(players)
    shares = np.array([factorial(size) * factorial(players - size - 1) / orders for size in range(players)])
    return read_only(np.where(members, 1.0, -1.0) * shares[others]) if players else read_only(np.zeros((0, 1)))
