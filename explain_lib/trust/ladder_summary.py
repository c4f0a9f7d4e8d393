"""The summary of a ladder over many images: means with intervals, the ranking, its significance, and sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import LEAST_IMAGES, Estimate, bootstrap_means, image_shares
from explain_lib.base.words import direction, few_images, listed, mean_alone, mean_words
from explain_lib.trust.ladder import CENTRE, RANDOM, LadderRows, Rung
from explain_lib.trust.measures import FILL_WORDS, FILLS, MEASURES, Fill, Measure, check_fill, measure_words


@dataclass(frozen=True)
class RungSummary(Frozen):
    """One rung: means and shares over images, each with its 95 % interval.

    deletion, insertion: one for each fill of FILLS. road: see LadderRows. flat: the share of the images whose map is zero or
    constant, in [0, 1]. edges, centre: Spearman correlations, over the images whose map is not flat.
    """

    rung: Rung
    deletion: tuple[Estimate, ...]
    insertion: tuple[Estimate, ...]
    road: Estimate
    flat: Estimate
    edges: Estimate
    centre: Estimate

    def value(self, measure: Measure, fill: Fill) -> Estimate:
        """The estimate of a measure; ROAD has its own fill."""
        place = FILLS.index(fill)
        return {"deletion": self.deletion[place], "insertion": self.insertion[place], "road": self.road}[measure]


@dataclass(frozen=True)
class Ranking(Frozen):
    """The rungs ranked by one measure.

    order: names of all rungs, the best first; those without a number, or with only flat maps, come last. best, second: names
    of the best layer and the next one, None if there are too few layers. lead: how much better the best layer is than the
    next; over_centre, over_random: than those two baselines; paired means over images with intervals, positive if the best
    layer is better. tied: the other layers that are not worse than the best by more than chance. opinions: for each row of
    another method, its name and how much better it is than Grad-CAM at the same layer, paired too; empty if that layer has no
    row. images: how many there are.
    """

    measure: Measure
    fill: Fill
    order: tuple[str, ...]
    best: str | None
    second: str | None
    lead: Estimate | None
    over_centre: Estimate | None
    over_random: Estimate | None
    tied: tuple[str, ...]
    opinions: tuple[tuple[str, Estimate], ...]
    images: int


def measured(rows: LadderRows, measure: Measure, fill: Fill) -> NDArray[np.float64]:
    """The values of a measure, float64 (K, R). Raises InputError for an unknown measure or fill."""
    place = FILLS.index(check_fill(fill))
    match measure:
        case "deletion":
            return np.asarray(rows.deletion[..., place])
        case "insertion":
            return np.asarray(rows.insertion[..., place])
        case "road":
            return rows.road
        case _:
            raise InputError(f"measure: {measure!r}; one of {', '.join(MEASURES)} would be right")


@remembered()
def summarise_ladder(rows: LadderRows) -> tuple[RungSummary, ...]:
    """The means of every rung with their intervals, in the order of the rungs."""
    rungs = len(rows.rungs)
    columns = [*np.moveaxis(rows.deletion, 2, 0), *np.moveaxis(rows.insertion, 2, 0), rows.road]
    columns += [rows.edges, rows.centre]
    estimates = bootstrap_means(np.concatenate(columns, axis=1))
    by_rung = [estimates[place::rungs] for place in range(rungs)]
    fills = len(FILLS)
    return tuple(
        RungSummary(rung, own[:fills], own[fills : 2 * fills], own[2 * fills], flat, *own[2 * fills + 1 :])
        for rung, own, flat in zip(rows.rungs, by_rung, image_shares(rows.flat), strict=True)
    )


@remembered()
def rank_ladder(rows: LadderRows, measure: Measure = "deletion", fill: Fill = "grey") -> Ranking:
    """Rank the rungs, and compare the best layer with the others and with the baselines.

    Raises InputError for an unknown measure or fill.
    """
    better = measured(rows, measure, fill) * (-1 if measure == "deletion" else 1)
    counts = (~np.isnan(better)).sum(0)
    ranks = (counts > 0) & ~rows.flat.all(0)
    means = np.divide(np.nansum(better, 0), counts, out=np.full(len(counts), -np.inf), where=ranks)
    order = np.argsort(-means, kind="stable")
    names = [rung.name for rung in rows.rungs]
    layers = [place for place in order.tolist() if rows.rungs[place].kind == "layer" and ranks[place]]

    opinions = [place for place, rung in enumerate(rows.rungs) if rung.asked_at in names]
    asked = [names.index(rung.asked_at) for rung in rows.rungs if rung.asked_at in names]
    over_asked = bootstrap_means(better[:, opinions] - better[:, asked])
    # in one call, since drawing the resamples takes the time
    over_all = bootstrap_means(better[:, layers[:1]] - better) if layers else ()
    gaps = {other: over_all[other] for other in layers[1:]}
    return Ranking(
        measure,
        fill,
        tuple(names[place] for place in order.tolist()),
        names[layers[0]] if layers else None,
        names[layers[1]] if gaps else None,
        gaps[layers[1]] if gaps else None,
        over_all[names.index(CENTRE)] if layers else None,
        over_all[names.index(RANDOM)] if layers else None,
        tuple(names[other] for other, estimate in gaps.items() if not is_more_than_chance(estimate)),
        tuple((names[place], estimate) for place, estimate in zip(opinions, over_asked, strict=True)),
        len(rows),
    )


def is_more_than_chance(estimate: Estimate) -> bool:
    """Whether the interval of a mean lies wholly on one side of zero, with at least 30 images."""
    return estimate.images >= LEAST_IMAGES and (estimate.low > 0 or estimate.high < 0)


# Section: sentences


def ranking_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """Sentences on the best layer: its lead, whether that is more than chance, and the comparison with the baselines."""
    values = _values(ranking, summary)
    layers = sum(one.rung.kind == "layer" for one in summary)
    if ranking.best is None:
        return "No layer ranks pixels: every map is the same everywhere, or not finite."
    how = measure_words(ranking.measure, ranking.fill)
    how = how[0].upper() + how[1:]
    found = "number" if ranking.images == 1 else "mean"
    first = (
        f"the only layer, {ranking.best}, has" if layers == 1 else f"of {layers} layers {ranking.best} has the best {found},"
    )
    words = f"{how}: {first} {mean_words(values[ranking.best], ranking.images)}{_lead(ranking, ranking.best, values)}."
    if ranking.over_centre is None or ranking.over_random is None:
        return words
    centre = _against_centre(ranking, ranking.over_centre, values[CENTRE])
    return f"{words} {centre} {_against_random(ranking, ranking.over_random, values[RANDOM])}"


def _values(ranking: Ranking, summary: tuple[RungSummary, ...]) -> Mapping[str, Estimate]:
    return {one.rung.name: one.value(ranking.measure, ranking.fill) for one in summary}


def _lead(ranking: Ranking, best: str, values: Mapping[str, Estimate]) -> str:
    """The best layer beside the next one."""
    lead, second = ranking.lead, ranking.second
    if lead is None or second is None:
        return ""
    following = f"{second} ({mean_alone(values[second])})"
    if lead.images < LEAST_IMAGES:
        return f", and next comes {following}; {few_images(lead.images)} to compare the two"
    by, paired = mean_words(lead), f"paired over {lead.images:,} images"
    others = [name for name in ranking.tied if name != second]
    too = f". {best} cannot be told from {listed(others)} either" if others else ""
    match direction(lead):
        case 1:
            return f", ahead of {following} by {by}, {paired}: more than chance{too.removesuffix(' either')}"
        case -1:
            return f", but behind {following} by {mean_words(lead.negated)}, {paired}{too.removesuffix(' either')}"
        case _ if lead.low == lead.high == 0:
            return f", and so has {second}: the two are the same on every image{too}"
    return f", but cannot be told from {following}: the difference is {by}, {paired}{too}"


def centre_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """A sentence on whether the best layer beats the order by distance from the centre; empty if no layer ranks pixels."""
    values = _values(ranking, summary)
    return "" if ranking.over_centre is None else _against_centre(ranking, ranking.over_centre, values[CENTRE])


def _against_centre(ranking: Ranking, gap: Estimate, centre: Estimate) -> str:
    baseline = f"“{CENTRE}” ({mean_alone(centre)}), which asks no network"
    if gap.images < LEAST_IMAGES:
        return f"Beside it stands {baseline}; {few_images(gap.images)} to compare the two."
    match direction(gap):
        case 1:
            return f"{ranking.best} beats {baseline}, by {mean_words(gap)}."
        case -1:
            return f"No layer beats {baseline}: {ranking.best} is behind it by {mean_words(gap.negated)}."
    return f"{ranking.best} cannot be told from {baseline}: its lead is {mean_words(gap)}."


def _against_random(ranking: Ranking, gap: Estimate, chance: Estimate) -> str:
    baseline = f"Random order gets {mean_alone(chance)}"
    if gap.images < LEAST_IMAGES:
        return f"{baseline}."
    return f"{baseline}: {ranking.best} {_better_or_worse(gap) or 'cannot be told from it'}."


def _better_or_worse(gap: Estimate) -> str:
    """Which is better and by how much; empty where that is no more than chance."""
    match direction(gap):
        case 1:
            return f"is better by {mean_words(gap)}"
        case -1:
            return f"is worse by {mean_words(gap.negated)}"
    return ""


def opinions_sentence(ranking: Ranking) -> str:
    """A sentence on other methods beside Grad-CAM at the same layer; empty without rows of them, or for few images."""
    if not ranking.opinions or ranking.images < LEAST_IMAGES:
        return ""
    layer = ranking.opinions[0][0].partition(" at ")[2]
    words = [f"{name.partition(' at ')[0]} {_against(gap)}" for name, gap in ranking.opinions]
    return f"At {layer}, beside Grad-CAM on the same images: {listed(words)}."


def _against(gap: Estimate) -> str:
    return _better_or_worse(gap) or f"cannot be told from it ({mean_words(gap, sign=True)})"


def fill_sentence(rankings: Mapping[Fill, Ranking]) -> str:
    """Sentences on the effect of the fill. rankings: by one measure, one for each fill."""
    places = {fill: ranking.order.index(RANDOM) + 1 for fill, ranking in rankings.items()}
    total, measure = len(rankings["grey"].order), rankings["grey"].measure
    chance = listed([f"place {places[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
    best = {fill: ranking.best or "no layer" for fill, ranking in rankings.items()}
    if len(set(best.values())) == 1:
        first = f"By {measure} {best['grey']} has the best mean whatever stands in the place of removed pixels"
    else:
        each = listed([f"{best[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
        first = f"By {measure} the fill decides which layer has the best mean: {each}"
    return f"{first}. Of {total} rows, random order has {chance}."
