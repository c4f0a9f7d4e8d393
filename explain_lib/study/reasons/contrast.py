"""How much a measure changes between networks of different settings, with an interval about other networks and pictures.

The networks of each setting and the pictures are resampled apart from each other (the pigeonhole bootstrap, Owen 2007, "The
pigeonhole bootstrap", Annals of Applied Statistics 1, page 386). As networks are few, the standard error is corrected for their
number, and Student's t has the freedom of a sum of variances (Satterthwaite 1946, Biometrics Bulletin 2, page 110).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import LEVEL, RESAMPLES, SEED, Estimate

MOST_NETWORKS = 1000
"""Of one setting: no more are said to be needed."""
_AT_ONCE = 100  # resamples at a time


@dataclass(frozen=True)
class Change(Frozen):
    """A change of a measure between the ends of a line through the means of several settings.

    estimate: how much higher the line is at the first setting than at the last. means: float64 (S,), of the settings.
    networks: int64 (S,), how many of each have values. parts: float64 (S + 1,), the variances of the change that are due to the
    networks of each setting, and last to the pictures; NaN for a setting with one network.
    """

    estimate: Estimate
    means: NDArray[np.float64]
    networks: NDArray[np.int64]
    parts: NDArray[np.float64]

    @property
    def half_width(self) -> float:
        """Of the 95 % interval; NaN without one."""
        return (self.estimate.high - self.estimate.low) / 2

    def networks_needed(self, half_width: float) -> int | None:
        """How many networks of each setting would give an interval as narrow, with these pictures and variances.

        None if not even MOST_NETWORKS would, or the variances are not known.
        """
        if np.isnan(self.parts).any() or not half_width > 0:
            return None
        each = self.parts * np.append(self.networks, 1)
        for count in range(2, MOST_NETWORKS + 1):
            parts = each / np.append(np.full(len(self.networks), count), 1)
            freedom = np.append(np.full(len(self.networks), count - 1), max(1, self.estimate.images - 1))
            if _reach(parts, freedom) <= half_width:
                return count
        return None


def line_weights(settings: Sequence[int]) -> NDArray[np.float64]:
    """The factor of each setting's mean in the change along the least-squares line over the logarithm of the settings, from the
    last of them to the first: float64 (S,), of sum 0. Raises InputError for fewer than two different settings above 0.
    """
    if len(set(settings)) < 2 or len(set(settings)) < len(settings) or min(settings) <= 0:
        raise InputError(f"settings: {tuple(settings)}; at least two, all different and above 0, would be right")
    line = np.log2(np.array(settings, dtype=np.float64))
    off = line - line.mean()
    return np.asarray(off / (off**2).sum() * (line[0] - line[-1]))


def change_along(settings: Sequence[int], values: Sequence[NDArray[np.floating]]) -> Change:
    """The change of a measure from the last setting to the first.

    values: for each setting floating-point (n, K), n networks of it and the same K pictures for all; NaN where there is no
    value. A network without any value does not count. The interval is NaN where a setting has fewer than two networks.
    Raises InputError for values that do not fit the settings, or one another.
    """
    weights = line_weights(settings)
    if len(values) != len(settings) or len({one.shape[1] for one in values if one.ndim == 2}) != 1:
        raise InputError("values: for each setting, networks x pictures, of the same pictures, would be right")
    groups = [np.asarray(one, dtype=np.float64)[~np.isnan(one).all(1)] for one in values]
    counts = np.array([len(one) for one in groups])
    means = np.array([np.nanmean(one, axis=1).mean() if len(one) else nan for one in groups])
    change, images = float(weights @ means), _images(groups)
    parts = np.append([_spread(one, weight) for one, weight in zip(groups, weights, strict=True)], _of_images(groups, weights))
    if counts.min() < 2 or images < 2:
        return Change(Estimate(change, nan, nan, images), means, counts, parts)
    freedom = np.append(counts - 1, images - 1)
    shrunk = float((parts * freedom / (freedom + 1)).sum())
    if shrunk == 0:  # equal values
        return Change(Estimate(change, change, change, images), means, counts, parts)
    error = _resampled_error(groups, weights) * sqrt(float(parts.sum()) / shrunk)
    half = error * _reach(parts, freedom) / sqrt(float(parts.sum()))
    return Change(Estimate(change, change - half, change + half, images), means, counts, parts)


def _images(groups: Sequence[NDArray[np.float64]]) -> int:
    """How many pictures have a value in every setting."""
    return int(np.all([~np.isnan(one).all(0) for one in groups], axis=0).sum())


def _spread(group: NDArray[np.float64], weight: float) -> float:
    """The part of the variance that is due to the networks of one setting."""
    return float(weight**2 * np.nanmean(group, axis=1).var(ddof=1) / len(group)) if len(group) > 1 else nan


def _of_images(groups: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]) -> float:
    """The part of the variance that is due to the pictures."""
    every = np.all([~np.isnan(one).all(0) for one in groups], axis=0)
    if every.sum() < 2:
        return nan
    changes = sum(weight * np.nanmean(one[:, every], axis=0) for one, weight in zip(groups, weights, strict=True))
    return float(np.var(changes, ddof=1) / every.sum())


def _reach(parts: NDArray[np.float64], freedom: NDArray[np.int64]) -> float:
    """Half of the interval's width for variances with these degrees of freedom."""
    from scipy.special import stdtrit  # a tenth of a second to import

    total = float(parts.sum())
    if total == 0:
        return 0.0
    worth = total**2 / float((parts**2 / freedom).sum())
    return sqrt(total) * float(stdtrit(worth, (1 + LEVEL) / 2))


def _resampled_error(groups: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]) -> float:
    """The standard deviation of the change over resamples of networks and pictures."""
    generator, pictures = np.random.default_rng(SEED), groups[0].shape[1]
    present = [(~np.isnan(one)).astype(np.float64) for one in groups]
    centred = [np.nan_to_num(one - np.nanmean(one)) for one in groups]
    found = []
    for start in range(0, RESAMPLES, _AT_ONCE):
        size = min(_AT_ONCE, RESAMPLES - start)
        often = generator.multinomial(pictures, np.full(pictures, 1 / pictures), size).astype(np.float64)
        change = np.zeros(size)
        for one, there, weight in zip(centred, present, weights, strict=True):
            counts = often @ there.T
            means = np.divide(often @ one.T, counts, out=np.full(counts.shape, nan), where=counts > 0)
            drawn = generator.multinomial(len(one), np.full(len(one), 1 / len(one)), size)
            change += weight * np.nansum(drawn * means, axis=1) / (drawn * ~np.isnan(means)).sum(1)
        found.append(change)
    return float(np.nanstd(np.concatenate(found)))
