"""What the sanity checks say over many images: means with intervals, each over the same images."""

from dataclasses import dataclass

import numpy as np

from explain_lib.bootstrap import Estimate, bootstrap_mean, bootstrap_means
from explain_lib.frozen import Frozen
from explain_lib.sanity_checks import SanityRows


@dataclass(frozen=True)
class StepSummary(Frozen):
    """One step: means over images, each with its 95 % bootstrap interval.

    correlation: Spearman of the maps with the model's own, over the images in which neither is the same everywhere. kept:
    the share whose prediction is the model's own, flat: the share whose map is zero or constant, both in [0, 1].
    """

    name: str
    correlation: Estimate
    kept: Estimate
    flat: Estimate


@dataclass(frozen=True)
class SanitySummary(Frozen):
    """All steps in their order, and what maps of two different pictures have in common.

    left: how much more the last step's map has in common with the model's own than two pictures' maps have, paired over the
    same images.
    """

    steps: tuple[StepSummary, ...]
    unrelated: Estimate
    left: Estimate
    images: int


def summarise_sanity(rows: SanityRows) -> SanitySummary:
    """Means over the images of the rows."""
    count = len(rows.steps)
    columns = [rows.correlations, rows.kept.astype(np.float64), rows.flat.astype(np.float64), rows.unrelated[:, None]]
    estimates = bootstrap_means(np.concatenate(columns, axis=1))
    steps = tuple(
        StepSummary(name, estimates[place], estimates[count + place], estimates[2 * count + place])
        for place, name in enumerate(rows.steps)
    )
    left = bootstrap_mean(rows.correlations[:, -1] - rows.unrelated)
    return SanitySummary(steps, estimates[-1], left, len(rows))
