"""The choice of a layer by three measures, over pictures that all candidates were measured on.

A candidate is behind by a measure if its paired difference from the best mean lies below zero, with its whole interval. The
intervals are those of multiple comparisons with the best (Hsu, Multiple Comparisons, 1996, chapter 4), each measure at the
level 1 - 0.05 / 3: in 95 % of samples the layer that is best in truth by a measure is not called behind by it, for all three
measures at once. It is perhaps behind if that holds of an interval of this one difference alone, at the level PERHAPS.

The pick is the only candidate that is behind by no measure. If there are several, they are tied. If there is none, the measures
disagree; so they do if some are behind, and each of the others is perhaps behind by one of them. Without that last part a layer
would be named because a measure has not spoken against it yet: of random halves of test pictures, the second then often does
(`python -m benchmarks.held_out`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import LEAST_IMAGES, LEVEL, Estimate, comparisons_with_best, simultaneous_means
from explain_lib.networks.requests import ImageRows
from explain_lib.trust.measures import Measure

ADVICE_MEASURES: tuple[Measure, ...] = ("single-deletion", "insertion", "road")
"""The measures that advise, in the order of the numbers; higher is better by all of them. The fill of the first two is grey."""
CHANCE_IS_ZERO: tuple[Measure, ...] = ("single-deletion", "road")
"""Those of them by which an order by chance has 0."""
PERHAPS = 0.8
"""The level of the interval by which a candidate is perhaps behind: at 0.9, 87 to 89 % of some splits were confirmed."""
LOOKS = (8, 16, 32, 64, 128, 256)
"""After so many pictures, candidates may drop out."""
DROP_LEVEL = 0.99
"""Of the intervals that let a candidate drop out, for the three measures together."""


@dataclass(frozen=True)
class AdviceRows(ImageRows):
    """The numbers of L candidates on K images.

    images: int64 (K,), positions in the set. layers: their names. values: float64 (K, L, 3), by ADVICE_MEASURES, higher is
    better: Spearman's correlation in [-1, 1], 0 for a map that is the same everywhere; the mean probability (or other
    explained number) of insertion; ROAD in [-0.5, 0.5]. NaN for a candidate that had dropped out, and for a map that is not
    finite. measured: bool (K, L), whether the candidate was measured on the image.
    """

    images: NDArray[np.int64]
    layers: tuple[str, ...]
    values: NDArray[np.float64]
    measured: NDArray[np.bool_]


@dataclass(frozen=True)
class ByMeasure(Frozen):
    """The candidates by one measure.

    leader: the name of that with the best mean, of those that did not drop out. means: of each candidate, in the order of the
    layers, over the images that it was measured on; their intervals hold together. gaps: how much better the leader is than
    each candidate that did not drop out, paired over images, by name; 0 for the leader itself. among_best: the names of the
    leader and of those that are not behind it by more than chance. near_best: those of them that are not perhaps behind either.
    """

    measure: Measure
    leader: str
    means: tuple[Estimate, ...]
    gaps: tuple[tuple[str, Estimate], ...]
    among_best: tuple[str, ...]
    near_best: tuple[str, ...]


@dataclass(frozen=True)
class Dropped(Frozen):
    """A candidate that dropped out: the three measures put it behind their leaders after so many images."""

    layer: str
    images: int


@dataclass(frozen=True)
class Advice(Frozen):
    """The layer to hook, as far as the images tell.

    pick: the only candidate that no measure puts behind another by more than chance; None if there is none, or several. tied:
    these several, first those that are not even perhaps behind, then by their mean rank over the measures; of fewer than 30
    images, which tell nothing of others, all that did not drop out. Both are empty if the measures disagree. by_measure: the
    candidates by each of ADVICE_MEASURES; empty if no candidate ranks pixels. dropped: those that dropped out early. layers:
    all candidates. above_chance: whether pick, or the first of the tied, is above chance by single deletion or ROAD; False
    where there is neither, and for few images. images: how many there are.
    """

    pick: str | None
    tied: tuple[str, ...]
    by_measure: tuple[ByMeasure, ...]
    dropped: tuple[Dropped, ...]
    layers: tuple[str, ...]
    above_chance: bool
    images: int

    @property
    def first(self) -> str | None:
        """The pick, or the first of those that are tied; where the measures disagree, the leader by single deletion."""
        if self.pick is not None or self.tied:
            return self.pick or self.tied[0]
        return self.by_measure[0].leader if self.by_measure else None

    @property
    def measures_disagree(self) -> bool:
        """Whether every candidate is behind, or perhaps behind, by one measure or another."""
        return bool(self.by_measure) and self.pick is None and not self.tied


@remembered()
def choose_layer(rows: AdviceRows) -> Advice:
    """The advice of rows over one image or more."""
    images, dropped = len(rows), _dropped(rows)
    gone = {one.layer for one in dropped}
    ranked = [place for place, name in enumerate(rows.layers) if name not in gone and not np.isnan(rows.values[:, place]).all()]
    if not ranked:
        return Advice(None, (), (), dropped, rows.layers, False, images)
    by_measure = tuple(_by_measure(rows, ranked, which) for which in range(len(ADVICE_MEASURES)))
    agreed = [name for name in _best_first(rows, ranked) if all(name in one.among_best for one in by_measure)]
    near = [name for name in agreed if all(name in one.near_best for one in by_measure)]
    if not near and len(agreed) < len(ranked):
        agreed = []
    agreed.sort(key=lambda name: name not in near)
    single = len(agreed) == 1 and (images >= LEAST_IMAGES or len(rows.layers) == 1)
    first = rows.layers.index(agreed[0]) if agreed else None
    above = first is not None and _is_above_chance(by_measure, first)
    pick, tied = (agreed[0], ()) if single else (None, tuple(agreed))
    return Advice(pick, tied, by_measure, dropped, rows.layers, above, images)


def _by_measure(rows: AdviceRows, ranked: Sequence[int], which: int) -> ByMeasure:
    names, own = [rows.layers[place] for place in ranked], rows.values[:, ranked, which]
    lead = int(np.argmax(np.nan_to_num(_means(own), nan=-np.inf)))
    gaps = comparisons_with_best(own, lead, 1 - (1 - LEVEL) / len(ADVICE_MEASURES))
    (means,) = simultaneous_means(rows.values[:, :, which])
    among = tuple(name for name, gap in zip(names, gaps, strict=True) if not gap.excludes_zero)
    near = tuple(name for place, name in enumerate(names) if name in among and not _perhaps_behind(own[:, [lead, place]]))
    return ByMeasure(ADVICE_MEASURES[which], names[lead], means, tuple(zip(names, gaps, strict=True)), among, near)


def _perhaps_behind(pair: NDArray[np.float64]) -> bool:
    """Whether the second of two columns (K, 2) is perhaps behind the first."""
    return bool(comparisons_with_best(pair, 0, PERHAPS)[1].low > 0)


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means of the columns of (K, m), NaN without a value."""
    counts = (~np.isnan(values)).sum(0)
    return np.asarray(np.divide(np.nansum(values, 0), counts, out=np.full(values.shape[1], np.nan), where=counts > 0))


def _best_first(rows: AdviceRows, ranked: Sequence[int]) -> list[str]:
    """The names at these places, by their mean rank over the measures; of equal ones the later layer."""
    means = np.stack([_means(rows.values[:, ranked, which]) for which in range(len(ADVICE_MEASURES))])
    ranks = (means[:, :, None] < means[:, None, :]).sum(2).mean(0)
    order = sorted(range(len(ranked)), key=lambda one: (ranks[one], -ranked[one]))
    return [rows.layers[ranked[one]] for one in order]


def _is_above_chance(by_measure: Sequence[ByMeasure], place: int) -> bool:
    means = [one.means[place] for one in by_measure if one.measure in CHANCE_IS_ZERO]
    return any(mean.excludes_zero and mean.mean > 0 for mean in means)


# Section: early ends


def still_in(rows: AdviceRows, layers: Sequence[str]) -> tuple[str, ...]:
    """Those of the layers that go on after these images, where candidates may drop out; see LOOKS.

    A candidate drops out if each of the three measures puts it behind its leader: by intervals as for the choice, which hold
    in 99 % of samples for the three measures together, and so are wider. At one look, a layer that is best in truth by a
    measure drops out in at most 1 % of samples, as far as the intervals of few images hold what they say.
    """
    places = [rows.layers.index(name) for name in layers]
    if len(places) < 2:
        return tuple(layers)
    behind = [_behind(rows.values[:, places, which]) for which in range(len(ADVICE_MEASURES))]
    gone = np.logical_and.reduce(behind)
    return tuple(name for name, out in zip(layers, gone.tolist(), strict=True) if not out)


def _behind(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns of (K, m) are behind that with the best mean."""
    means = _means(values)
    if np.isnan(means).any():
        return np.isnan(means)
    gaps = comparisons_with_best(values, int(np.argmax(means)), 1 - (1 - DROP_LEVEL) / len(ADVICE_MEASURES))
    return np.array([gap.low > 0 for gap in gaps])


def _dropped(rows: AdviceRows) -> tuple[Dropped, ...]:
    """The candidates that were not measured on the last images."""
    counts = rows.measured.sum(0).tolist()
    out = [(count, name) for count, name, last in zip(counts, rows.layers, rows.measured[-1].tolist(), strict=True) if not last]
    return tuple(Dropped(name, count) for count, name in sorted(out, key=lambda one: one[0]))
