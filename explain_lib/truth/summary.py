"""The summary of how well finders find known places: means with intervals over images, the best finder, and sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import (
    LEAST_IMAGES,
    Estimate,
    bootstrap_mean,
    bootstrap_means,
    comparisons_with_best,
    image_shares,
    simultaneous_means,
)
from explain_lib.base.words import counted, direction, few_images, percent, points, share_words
from explain_lib.truth.finders import BASELINES, CENTRE, Finder, TruthRows
from explain_lib.truth.localisation import TruthMeasure

Place = Literal["mark", "quarter", "apart", "object"]
PLACE_WORDS: Final[Mapping[Place, str]] = {
    "mark": "the mark",
    "quarter": "the asked quarter",
    "apart": "the asked quarter",
    "object": "the marked object",
}
"""The places that are known, as they are called in sentences: of a secret, of mosaics, whose quarters may be apart, and of the
caller's own masks.
"""


MOSAICS: Final[tuple[Place, ...]] = ("quarter", "apart")


@dataclass(frozen=True)
class FinderSummary(Frozen):
    """One finder: the mean of each measure over images, in the order of the rows, and the share of flat maps, in [0, 1]."""

    finder: Finder
    values: tuple[Estimate, ...]
    flat: Estimate


@dataclass(frozen=True)
class TruthSummary(Frozen):
    """All finders in their order.

    asked: how many images there are. counted: the share of them that count, whose means these are. chance: the mean share of
    the picture that the known place covers, in [0, 1]: the energy and the hits of a map that knows nothing.
    """

    measures: tuple[TruthMeasure, ...]
    finders: tuple[FinderSummary, ...]
    asked: int
    counted: Estimate
    chance: float

    def value(self, finder: Finder, measure: TruthMeasure) -> Estimate:
        """The mean of a measure for a finder."""
        place = self.measures.index(measure)
        return next(one.values[place] for one in self.finders if one.finder == finder)


@dataclass(frozen=True)
class FinderRanking(Frozen):
    """The finders by one measure that finds places, best first.

    order: all of them. best, second: the first two that are no baselines; second is None where there is one alone. value: the
    mean of the best, with an interval that allows for its having been picked. lead: how much higher it is than the second's,
    paired, with an interval for the same. chosen: the one that is asked about. over_centre: how much higher its mean is than
    that of the centre blob, paired. images: how many count.
    """

    measure: TruthMeasure
    order: tuple[Finder, ...]
    best: Finder
    value: Estimate
    second: Finder | None
    lead: Estimate | None
    chosen: Finder
    chosen_value: Estimate
    over_centre: Estimate
    images: int


def summarise_truth(rows: TruthRows) -> TruthSummary:
    """Means over the images of the rows that count."""
    values, flat = rows.values[rows.counts], rows.flat[rows.counts]
    finders, measures = len(rows.finders), len(rows.measures)
    means = bootstrap_means(values.reshape(len(values), finders * measures))
    table = [list(means[place * measures : (place + 1) * measures]) for place in range(finders)]
    for place, measure in enumerate(rows.measures):
        for row, estimates in enumerate(table):
            estimates[place] = _share(values[:, row, place]) if measure == "pointing" else estimates[place]
    every = zip(rows.finders, table, image_shares(flat), strict=True)
    chance = float(rows.area[rows.counts].mean()) if rows.counts.any() else float("nan")
    (share,) = image_shares(rows.counts[:, None])
    found = tuple(FinderSummary(finder, tuple(estimates), even) for finder, estimates, even in every)
    return TruthSummary(rows.measures, found, len(rows), share, chance)


def _share(values: NDArray[np.float64]) -> Estimate:
    """The mean of hits, with Wilson's interval where each image is one hit or none."""
    known = values[~np.isnan(values)]
    if np.isin(known, (0, 1)).all():
        return image_shares((known == 1)[:, None])[0]
    return bootstrap_mean(values)


def rank_finders(rows: TruthRows, summary: TruthSummary, measure: TruthMeasure, chosen: Finder) -> FinderRanking:
    """The finders of the rows by a measure that finds places. summary: that of the rows. chosen: one of the finders."""
    values = rows.values[rows.counts][:, :, rows.measures.index(measure)]
    means = {finder: summary.value(finder, measure) for finder in rows.finders}
    order = sorted(rows.finders, key=lambda finder: -np.nan_to_num(means[finder].mean, nan=-1.0))
    methods = [finder for finder in rows.finders if not finder.is_baseline]
    columns = values[:, : len(methods)]
    first, *others = [finder for finder in order if finder in methods]
    (among,) = simultaneous_means(columns)
    leads = comparisons_with_best(columns, methods.index(first))
    second = others[0] if others else None
    lead = None if second is None else leads[methods.index(second)]
    value = _wider(among[methods.index(first)], means[first])
    at, centre = rows.finders.index(chosen), rows.finders.index(BASELINES[1])
    gap = bootstrap_mean(values[:, at] - values[:, centre])
    images = len(values)
    return FinderRanking(measure, tuple(order), first, value, second, lead, chosen, means[chosen], gap, images)


def _wider(one: Estimate, other: Estimate) -> Estimate:
    """The mean of both, with an interval that holds both of theirs, within what a share can be."""
    low, high = max(0.0, min(one.low, other.low)), min(1.0, max(one.high, other.high))
    return Estimate(one.mean, low, high, one.images)


# Section: sentences

APART: Final = "No other quarter can influence the score, so a right map has 100 % there."
"""What is known of mosaics whose quarters are apart."""

_BEST: Final[Mapping[TruthMeasure, str]] = {
    "energy": "{name} has the largest share of its map in {place}, {value}",
    "pointing": "The brightest pixel of {name} hits {place} most often, in {value} of the pictures",
    "rank": "The brightest pixels of {name} cover the largest share of {place}, {value}",
    "overlap": "The brightest fifth of {name} overlaps most with {place}, by {value}",
}
"""Measures that find places; each of these sentences is about the best finder."""
FINDING: Final[tuple[TruthMeasure, ...]] = tuple(_BEST)


def truth_sentence(summary: TruthSummary, ranking: FinderRanking, place: Place) -> str:
    """Sentences on the best finder, on the chosen one, and on chance."""
    if ranking.images == 0:
        return "No picture counts, so nothing can be said about any map."
    said = _best_sentence(ranking, place)
    if ranking.chosen != ranking.best:
        said = f"{said} {_chosen_sentence(ranking)}"
    if ranking.measure == "overlap":  # its chance depends on more than the area
        return said
    right = f" {APART}" if place == "apart" else ""
    return f"{said} {_chance_sentence(summary, place)}{right}"


def _best_sentence(ranking: FinderRanking, place: Place) -> str:
    words = _BEST[ranking.measure].format(name=ranking.best.name, place=PLACE_WORDS[place], value=share_words(ranking.value))
    if ranking.images < LEAST_IMAGES:
        return f"{words}; {few_images(ranking.images)} to say more."
    if ranking.lead is None or ranking.second is None:
        return f"{words}."
    if direction(ranking.lead) > 0:
        return f"{words}. It is ahead of {ranking.second.name} by {points(ranking.lead).removeprefix('+')}."
    return f"{words}. {ranking.second.name} cannot be told apart from it."


def _chosen_sentence(ranking: FinderRanking) -> str:
    words = f"{ranking.chosen.name} gets {share_words(ranking.chosen_value)}"
    way, gap = direction(ranking.over_centre), ranking.over_centre
    if ranking.images < LEAST_IMAGES or ranking.chosen.is_baseline:
        return f"{words}."
    if way == 0:
        return f"{words}, which cannot be told apart from the {CENTRE}."
    if way > 0:
        return f"{words}, ahead of the {CENTRE} by {points(gap).removeprefix('+')}."
    return f"{words}, behind the {CENTRE} by {points(gap.negated).removeprefix('+')}."


def _chance_sentence(summary: TruthSummary, place: Place) -> str:
    where = PLACE_WORDS[place]
    return (
        f"{where[0].upper()}{where[1:]} covers {percent(summary.chance)} of the picture; a map that knows nothing gets as much."
    )


def turned_sentence(summary: TruthSummary, name: str) -> str:
    """How often the mark alone turns the answer into the marked class. name: of that class."""
    share, pictures = share_words(summary.counted), counted(summary.asked, "picture")
    return f"Of {pictures} of other classes, the mark alone turns {share} into class {name}."
