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
from explain_lib.base.words import counted, direction, few_images, listed, mean_alone, mean_words
from explain_lib.trust.ladder import CENTRE, RANDOM, LadderRows, Rung
from explain_lib.trust.measures import FILL_WORDS, FILLS, MEASURE_WORDS, MEASURES, Fill, Measure, check_fill, measure_words
from explain_lib.trust.rungs import LOOKS

LADDER_MAPS = "Grad-CAM stretched over the picture"
"""The method and the placement of the layers' maps."""


@dataclass(frozen=True)
class RungSummary(Frozen):
    """One rung: means and shares over images, each with its 95 % interval.

    deletion, insertion, single_deletion: one for each fill of FILLS. road: see LadderRows. flat: the share of the images whose
    map is zero or constant, in [0, 1]. single_deletion, edges, centre: Spearman correlations, over the images whose map is not
    flat.
    """

    rung: Rung
    deletion: tuple[Estimate, ...]
    insertion: tuple[Estimate, ...]
    single_deletion: tuple[Estimate, ...]
    road: Estimate
    flat: Estimate
    edges: Estimate
    centre: Estimate

    def value(self, measure: Measure, fill: Fill) -> Estimate:
        """The estimate of a measure; ROAD has its own fill."""
        if measure == "road":
            return self.road
        every = {"deletion": self.deletion, "insertion": self.insertion, "single-deletion": self.single_deletion}
        return every[measure][FILLS.index(fill)]


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
        case "single-deletion":
            return np.asarray(rows.single_deletion[..., place])
        case _:
            raise InputError(f"measure: {measure!r}; one of {', '.join(MEASURES)} would be right")


def _higher_is_better(rows: LadderRows, measure: Measure, fill: Fill) -> NDArray[np.float64]:
    """The values of a measure, negated where lower is better."""
    values = measured(rows, measure, fill)
    return -values if measure == "deletion" else values


@remembered()
def summarise_ladder(rows: LadderRows) -> tuple[RungSummary, ...]:
    """The means of every rung with their intervals, in the order of the rungs."""
    rungs, fills = len(rows.rungs), len(FILLS)
    by_fill = [np.moveaxis(values, 2, 0) for values in (rows.deletion, rows.insertion, rows.single_deletion)]
    columns = [*np.concatenate(by_fill), rows.road, rows.edges, rows.centre]
    estimates = bootstrap_means(np.concatenate(columns, axis=1))
    by_rung = [estimates[place::rungs] for place in range(rungs)]
    return tuple(
        RungSummary(rung, own[:fills], own[fills : 2 * fills], own[2 * fills : 3 * fills], own[-3], flat, own[-2], own[-1])
        for rung, own, flat in zip(rows.rungs, by_rung, image_shares(rows.flat), strict=True)
    )


@remembered()
def rank_ladder(rows: LadderRows, measure: Measure = "deletion", fill: Fill = "grey") -> Ranking:
    """Rank the rungs, and compare the best layer with the others and with the baselines.

    Raises InputError for an unknown measure or fill.
    """
    own, better = measured(rows, measure, fill), _higher_is_better(rows, measure, fill)
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


@dataclass(frozen=True)
class BesideCentre(Frozen):
    """One row that looks at the network, beside the order by distance from the centre.

    leads: how much better the row is by each of MEASURES, paired means over images, positive if the row is better. Intervals
    of all rows and measures of a ladder hold together.
    """

    rung: Rung
    leads: tuple[Estimate, ...]


@remembered()
def beside_centre(rows: LadderRows, fill: Fill = "grey") -> tuple[BesideCentre, ...]:
    """Every row that looks at the network and ranks pixels, in the order of the rows, beside the centre by every measure.

    Empty for rows without the centre. Raises InputError for an unknown fill.
    """
    names, flat = [rung.name for rung in rows.rungs], np.asarray(rows.flat.all(0))
    places = [place for place, rung in enumerate(rows.rungs) if rung.kind != "baseline" and not flat[place]]
    if CENTRE not in names or not places:
        return ()
    better = [_higher_is_better(rows, measure, fill) for measure in MEASURES]
    leads = np.concatenate([values[:, places] - values[:, [names.index(CENTRE)]] for values in better], axis=1)
    (found,) = simultaneous_means(leads)
    return tuple(BesideCentre(rows.rungs[place], found[one :: len(places)]) for one, place in enumerate(places))


# Section: sentences


def ranking_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """Sentences on the best layer: its lead, whether that is more than chance, and the comparison with the baselines."""
    values = _values(ranking, summary)
    layers = sum(one.rung.kind == "layer" for one in summary)
    if ranking.best is None or ranking.value is None:
        return "No layer ranks pixels: every map is the same everywhere, or not finite."
    how = measure_words(ranking.measure, ranking.fill)
    how = f"{how[0].upper()}{how[1:]}, {LADDER_MAPS}"
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
    layer = ranking.opinions[0][0].partition(" at ")[2].removesuffix(LOOKS)
    words = [f"{_method(name)} {_against(gap)}" for name, gap in ranking.opinions]
    return f"At {layer}, beside Grad-CAM stretched, on the same images: {listed(words)}."


def _method(name: str) -> str:
    """The method of a row at a layer, and that its cells are placed, if they are."""
    method = name.partition(" at ")[0]
    return f"{method} with each cell where it looks" if name.endswith(LOOKS) else method


def _against(gap: Estimate) -> str:
    return _better_or_worse(gap) or f"cannot be told apart from it ({mean_words(gap, sign=True)})"


def beside_centre_sentence(found: Sequence[BesideCentre], fill: Fill) -> str:
    """Which rows beat the centre by each measure, and by how much the first of them; empty for few images."""
    if not found or max(lead.images for one in found for lead in one.leads) < LEAST_IMAGES:
        return ""
    rows, fill_words = counted(len(found), "row"), FILL_WORDS[fill]
    if not any(direction(lead) > 0 for one in found for lead in one.leads):
        how = f"by more than chance, with {fill_words} and by any measure"
        return f"Of {rows} by any method and placement, none is ahead of “{CENTRE}” {how}."
    by = "; ".join(_ahead_by(found, place) for place in range(len(MEASURES)))
    return f"Of {rows} by any method and placement, these are ahead of “{CENTRE}” by more than chance, with {fill_words}: {by}."


def _ahead_by(found: Sequence[BesideCentre], place: int) -> str:
    """The rows that beat the centre by the measure at that place."""
    measure = f"by {MEASURE_WORDS[MEASURES[place]]}"
    ahead = [one for one in found if direction(one.leads[place]) > 0]
    if not ahead:
        return f"{measure} none"
    first = max(ahead, key=lambda one: one.leads[place].mean)
    lead = f"{first.rung.name}, by {mean_words(first.leads[place])}"
    return f"{measure} {lead}" if len(ahead) == 1 else f"{measure} {len(ahead)}, first {lead}"


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
        return f"By {MEASURE_WORDS[grey.measure]} {grey.best} has the best mean, whatever replaces the removed pixels. "
    owners = listed([f"{best[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
    each = f"By {MEASURE_WORDS[grey.measure]} the best mean belongs to {owners}"
    if grey.images < LEAST_IMAGES:
        return f"{each}; {few_images(grey.images)} to tell whether the fill decides this. "
    always = set.intersection(*({ranking.best, *ranking.tied} for ranking in rankings.values()))
    if not always:
        return f"{each}: the best layer depends on the fill. "
    one = next(name for name in grey.order if name in always)
    return f"{each}; that may be chance, since with every fill {one} has it or cannot be told apart from the layer that has. "
