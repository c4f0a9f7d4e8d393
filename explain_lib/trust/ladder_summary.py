"""The summary of a ladder over many images: means with intervals, the ranking, its significance, and sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import (
    LEAST_IMAGES,
    Estimate,
    bootstrap_means,
    comparisons_with_best,
    image_shares,
    simultaneous_means,
)
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
    of the best layer and the next one, None if there are too few layers. value: the best layer's mean. lead: how much better
    the best layer is than the next; over_centre, over_random: than those two baselines, None where they have no row yet; paired
    means over images, positive if the best layer is better. tied: the other layers that may be the best as well: they are not
    worse than this one by more than chance. opinions: for each row of another method, its name and how much better it is than
    Grad-CAM at the same layer, paired too; empty if that layer has no row. images: how many there are.

    Intervals allow for the choice of the best by the same images, and are wider than those of a layer that was named
    beforehand. Those of value, over_centre and over_random hold together with those of all layers that could have been the
    best; those of opinions with one another; that of lead is of the lead over whichever other layer is the best of them in
    truth. The best in truth is this one or a tied one in 95 % of samples.
    """

    measure: Measure
    fill: Fill
    order: tuple[str, ...]
    best: str | None
    second: str | None
    value: Estimate | None
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
    own = measured(rows, measure, fill)
    better = -own if measure == "deletion" else own
    order, layers = _placed(rows, better)
    names = [rung.name for rung in rows.rungs]
    opinions = [place for place, rung in enumerate(rows.rungs) if rung.asked_at in names]
    asked = [names.index(rung.asked_at) for rung in rows.rungs if rung.asked_at in names]
    baselines = [baseline for baseline in (CENTRE, RANDOM) if baseline in names]  # one may be still to come
    over = [better[:, layers] - better[:, [names.index(baseline)]] for baseline in baselines]
    # in one call, since drawing the resamples takes the time
    differences = better[:, opinions] - better[:, asked]
    over_asked, values, *means = simultaneous_means(differences, own[:, layers], *over)
    leads = {baseline: by_layer[0] for baseline, by_layer in zip(baselines, means, strict=True)} if layers else {}
    gaps = comparisons_with_best(better[:, layers], 0)[1:] if layers else ()
    return Ranking(
        measure,
        fill,
        tuple(names[place] for place in order),
        names[layers[0]] if layers else None,
        names[layers[1]] if gaps else None,
        values[0] if layers else None,
        _lead_over_all(gaps) if gaps else None,
        leads.get(CENTRE),
        leads.get(RANDOM),
        tuple(names[place] for place, gap in zip(layers[1:], gaps, strict=True) if not gap.excludes_zero),
        tuple((names[place], estimate) for place, estimate in zip(opinions, over_asked, strict=True)),
        len(rows),
    )


def _placed(rows: LadderRows, better: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """All rungs, the best first, and the layers among them that can be the best. better: higher is better, (K, R)."""
    counts = (~np.isnan(better)).sum(0)
    ranks = (counts > 0) & ~rows.flat.all(0)
    means = np.divide(np.nansum(better, 0), counts, out=np.full(len(counts), -np.inf), where=ranks)
    order = np.argsort(-means, kind="stable").tolist()
    return order, [place for place in order if rows.rungs[place].kind == "layer" and ranks[place]]


def _lead_over_all(gaps: Sequence[Estimate]) -> Estimate:
    """The lead over the next, the first of the gaps, with an interval for that over whichever other layer is best in truth."""
    known = [gap for gap in gaps if gap.images] or gaps
    return replace(gaps[0], low=min(gap.low for gap in known), high=min(gap.high for gap in known))


# Section: sentences


def ranking_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """Sentences on the best layer: its lead, whether that is more than chance, and the comparison with the baselines."""
    values = _values(ranking, summary)
    layers = sum(one.rung.kind == "layer" for one in summary)
    if ranking.best is None or ranking.value is None:
        return "No layer ranks pixels: every map is the same everywhere, or not finite."
    how = measure_words(ranking.measure, ranking.fill)
    how = how[0].upper() + how[1:]
    found = "number" if ranking.images == 1 else "mean"
    first = (
        f"the only layer, {ranking.best}, has" if layers == 1 else f"of {layers} layers {ranking.best} has the best {found},"
    )
    words = f"{how}: {first} {mean_words(ranking.value, ranking.images)}{_lead(ranking, ranking.best, values)}."
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
        return f", followed by {following}; {few_images(lead.images)} to compare the two"
    by, paired = mean_words(lead), f"paired over {lead.images:,} images"
    others = [name for name in ranking.tied if name != second]
    too = f". {best} cannot be told apart from {listed(others)} either" if others else ""
    match direction(lead):
        case 1:
            return f", ahead of {following} by {by}, {paired}: more than chance{too.removesuffix(' either')}"
        case -1:
            return f", but behind {following} by {mean_words(lead.negated)}, {paired}{too.removesuffix(' either')}"
        case _ if lead.low == lead.high == 0:
            return f", and so does {second}: the two are the same on every image{too}"
    return f", but cannot be told apart from {following}: the difference is {by}, {paired}{too}"


def centre_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """A sentence on whether the best layer beats the order by distance from the centre; empty if no layer ranks pixels."""
    values = _values(ranking, summary)
    return "" if ranking.over_centre is None else _against_centre(ranking, ranking.over_centre, values[CENTRE])


def _against_centre(ranking: Ranking, gap: Estimate, centre: Estimate) -> str:
    baseline = f"“{CENTRE}” ({mean_alone(centre)}), a baseline that never looks at the network"
    if gap.images < LEAST_IMAGES:
        return f"For comparison: {baseline}; {few_images(gap.images)} to compare the two."
    match direction(gap):
        case 1:
            return f"{ranking.best} beats {baseline}, by {mean_words(gap)}."
        case -1:
            return f"No layer beats {baseline}: {ranking.best} is behind it by {mean_words(gap.negated)}."
    return f"{ranking.best} cannot be told apart from {baseline}: its lead is {mean_words(gap)}."


def _against_random(ranking: Ranking, gap: Estimate, chance: Estimate) -> str:
    baseline = f"Random order gets {mean_alone(chance)}"
    if gap.images < LEAST_IMAGES:
        return f"{baseline}."
    return f"{baseline}: {ranking.best} {_better_or_worse(gap) or 'cannot be told apart from it'}."


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
    return _better_or_worse(gap) or f"cannot be told apart from it ({mean_words(gap, sign=True)})"


def fill_sentence(rankings: Mapping[Fill, Ranking]) -> str:
    """Sentences on the effect of the fill. rankings: by one measure, one for each fill."""
    places = {fill: ranking.order.index(RANDOM) + 1 for fill, ranking in rankings.items()}
    chance = listed([f"rank {places[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
    return f"{_best_by_fill(rankings)}Of {len(rankings['grey'].order)} rows, random order has {chance}."


def _best_by_fill(rankings: Mapping[Fill, Ranking]) -> str:
    best, grey = {fill: ranking.best for fill, ranking in rankings.items()}, rankings["grey"]
    if None in best.values():
        return ""
    if len(set(best.values())) == 1:
        return f"By {grey.measure} {grey.best} has the best mean, whatever replaces the removed pixels. "
    each = f"By {grey.measure} the best mean belongs to {listed([f'{best[fill]} with {FILL_WORDS[fill]}' for fill in FILLS])}"
    if grey.images < LEAST_IMAGES:
        return f"{each}; {few_images(grey.images)} to tell whether the fill decides this. "
    always = set.intersection(*({ranking.best, *ranking.tied} for ranking in rankings.values()))
    if not always:
        return f"{each}: the best layer depends on the fill. "
    one = next(name for name in grey.order if name in always)
    return f"{each}; that may be chance, since with every fill {one} has it or cannot be told apart from the layer that has. "
