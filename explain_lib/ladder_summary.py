"""What a ladder says over many images: means with intervals, the ranking, and whether its differences are more than chance."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explain_lib.bootstrap import Estimate, bootstrap_means
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen
from explain_lib.imputation import FILLS, Fill
from explain_lib.layer_ladder import CENTRE, RANDOM, LadderRows, Rung, check_fill

Measure = Literal["deletion", "insertion", "road"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

LEAST_IMAGES = 30
"""With fewer images nothing is said of chance."""


@dataclass(frozen=True)
class RungSummary(Frozen):
    """One rung: means over images, each with its 95 % bootstrap interval over images.

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
        """The estimate that a ranking looks at; ROAD has its own fill."""
        place = FILLS.index(fill)
        return {"deletion": self.deletion[place], "insertion": self.insertion[place], "road": self.road}[measure]


@dataclass(frozen=True)
class Ranking(Frozen):
    """The rungs by one measure.

    order: names of all rungs, the best first; last are those without a number, and those whose maps are all flat and rank no
    pixel. best, second: names of the best layer and the next one, None where there are
    not so many layers. lead: how much better the best layer is than the next, over_centre, over_random: than those two
    baselines; means over images with intervals, paired over the same images, positive where the best layer is better. tied:
    the other layers of which nobody can tell whether they are worse than the best. opinions: by the name of each other
    method's row, how much better it is than Grad-CAM at the same layer, paired too; none if that layer has no row. images: how
    many were looked at.
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
    """The numbers of a measure, float64 (K, R). Raises InputError for an unknown measure or fill."""
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


def summarise_ladder(rows: LadderRows) -> tuple[RungSummary, ...]:
    """Every rung's means with their intervals, in the order of the rungs."""
    rungs = len(rows.rungs)
    columns = [*np.moveaxis(rows.deletion, 2, 0), *np.moveaxis(rows.insertion, 2, 0), rows.road]
    columns += [rows.flat.astype(np.float64), rows.edges, rows.centre]
    estimates = bootstrap_means(np.concatenate(columns, axis=1))
    by_rung = [estimates[place::rungs] for place in range(rungs)]
    fills = len(FILLS)
    return tuple(
        RungSummary(rung, own[:fills], own[fills : 2 * fills], *own[2 * fills :])
        for rung, own in zip(rows.rungs, by_rung, strict=True)
    )


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
    # all in one, since drawing the resamples is what takes time
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
    """Whether a mean's interval lies wholly on one side of zero, with at least 30 images."""
    return estimate.images >= LEAST_IMAGES and (estimate.low > 0 or estimate.high < 0)
