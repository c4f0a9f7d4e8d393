"""The rows of a scan: how the differences are spread over the images, and their means by class."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.colours import CHOSEN, NEUTRAL
from explain_lib.compare.scan_summary import ScanSummary

BINS = 40


def spread_figure(mae: NDArray[np.float64], height: int = 260) -> go.Figure:
    """How many images have which mean absolute difference; the median is marked."""
    counts, edges = np.histogram(mae, bins=BINS, range=(0, float(mae.max()) or 1.0))
    median = float(np.median(mae))
    bars = {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "width": edges[1] - edges[0],
        "marker": {"color": NEUTRAL},
        "customdata": np.stack([edges[:-1], edges[1:]], axis=-1),
        "hovertemplate": "%{customdata[0]:.4f} to %{customdata[1]:.4f}: %{y} images<extra></extra>",
    }
    layout = {
        "height": height,
        "margin": {"l": 0, "r": 8, "t": 24, "b": 0},
        "bargap": 0,
        "dragmode": False,
        "xaxis": {"title": {"text": "mean |b − a| of an image"}, "automargin": True},
        "yaxis": {"title": {"text": "images"}, "automargin": True},
        "shapes": [
            {
                "type": "line",
                "x0": median,
                "x1": median,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": CHOSEN, "width": 2},
            }
        ],
        "annotations": [
            {"x": median, "y": 1, "yref": "paper", "yanchor": "bottom", "text": f"median {median:.4f}", "showarrow": False}
        ],
    }
    return go.Figure([bars], layout)


def spread_words(summary: ScanSummary) -> str:
    """Alternative text of the spread."""
    low, _, median, _, high = summary.quantiles
    spread = f"median {median:.4f}, 5 % to 95 % {low:.4f} to {high:.4f}"
    return f"Histogram of the mean difference of {summary.finite:,} images: {spread}"


def class_figure(summary: ScanSummary, classes: Sequence[str], height: int = 320) -> go.Figure:
    """The mean over each true class, over right and over wrong predictions; a bar each, those without images left out."""
    names, means, counts = _groups(summary, classes)
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": means,
        "y": names,
        "marker": {"color": [NEUTRAL if name in classes else CHOSEN for name in names]},
        "text": [f"{mean:.4f}" for mean in means],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": counts,
        "hovertemplate": "%{y}: %{text}, %{customdata} images<extra></extra>",
    }
    layout = {
        "height": height,
        "margin": {"l": 0, "r": 48, "t": 4, "b": 0},
        "dragmode": False,
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"title": {"text": "mean |b − a|"}, "rangemode": "tozero", "automargin": True},
    }
    return go.Figure([bars], layout)


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
    return "Mean difference: " + ", ".join(f"{name} {mean:.4f}" for name, mean in zip(names, means, strict=True))
