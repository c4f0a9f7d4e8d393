"""The rows of a scan: how the differences are spread over the images, and their means by class."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.chart_parts import chart, histogram, note_at, upright
from dashboard.figures.colours import CHOSEN, NEUTRAL
from explain_lib.base.words import counted, fine
from explain_lib.compare.scan_summary import ScanSummary

BINS = 40


def spread_figure(mae: NDArray[np.float64]) -> go.Figure:
    """The number of images by their mean absolute difference; the median is marked."""
    median = float(np.median(mae))
    words = "%{customdata[0]:.4f} to %{customdata[1]:.4f}: %{y} images"
    return chart(
        [histogram(mae, BINS, 0.0, float(mae.max()) or 1.0, NEUTRAL, words)],
        {
            "bargap": 0,
            "xaxis": {"title": {"text": "mean |b − a| of an image"}, "automargin": True},
            "yaxis": {"title": {"text": "images"}, "automargin": True},
            "shapes": [upright("line", median, median, color=CHOSEN, width=2)],
            "annotations": [note_at(median, f"median {fine(median, 4)}", "bottom")],
        },
        height=260,
        top=24,
        right=8,
    )


def spread_words(summary: ScanSummary) -> str:
    """Alternative text of the spread."""
    low, _, median, _, high = summary.quantiles
    spread = f"median {fine(median, 4)}, 5 % to 95 % {fine(low, 4)} to {fine(high, 4)}"
    return f"Histogram of the mean difference of {counted(summary.finite)}: {spread}"


def class_figure(summary: ScanSummary, classes: Sequence[str]) -> go.Figure:
    """The mean over each true class, over right and over wrong predictions; a bar each, those without images left out."""
    names, means, counts = _groups(summary, classes)
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": means,
        "y": names,
        "marker": {"color": [NEUTRAL if name in classes else CHOSEN for name in names]},
        "text": [fine(mean, 4) for mean in means],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": counts,
        "hovertemplate": "%{y}: %{text}, %{customdata} images<extra></extra>",
    }
    layout = {
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"title": {"text": "mean |b − a|"}, "rangemode": "tozero", "automargin": True},
    }
    return chart([bars], layout, height=320, top=4, right=48)


def _groups(summary: ScanSummary, classes: Sequence[str]) -> tuple[list[str], list[float], list[int]]:
    every = [
        *zip(classes, summary.class_means.tolist(), summary.class_images.tolist(), strict=True),
        ("predicted right", summary.right_mean, summary.right_images),
        ("predicted wrong", summary.wrong_mean, summary.wrong_images),
    ]
    there = [group for group in every if not isnan(group[1])]
    return [name for name, _, _ in there], [mean for _, mean, _ in there], [count for _, _, count in there]


def class_words(summary: ScanSummary, classes: Sequence[str]) -> str:
    """Alternative text of the means by class."""
    names, means, _ = _groups(summary, classes)
    return "Mean difference: " + ", ".join(f"{name} {fine(mean, 4)}" for name, mean in zip(names, means, strict=True))
