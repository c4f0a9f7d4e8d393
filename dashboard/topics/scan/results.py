"""The results of a scan, and of its example: numbers and charts, images that are furthest apart, causes, the rows as a file."""

from functools import partial
from math import isnan

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.panel import Action, Panel
from dashboard.figures.waterfall_figure import waterfall_figure, waterfall_words
from dashboard.topics.scan.figure import class_figure, class_words, spread_figure, spread_words
from dashboard.topics.scan.run import targets_of
from dashboard.topics.sides.cause_words import setting_words, total_causes, total_causes_sentence
from dashboard.topics.sides.plus_plus import first_few, plus_plus_warning, show_plus_plus
from dashboard.topics.sides.side import named_side, possible_scene
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.presentation import enlarged
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.words import counted, fine
from explain_lib.compare.scan import ScanRows
from explain_lib.compare.scan_summary import ScanSummary, scan_table, summarise_scan, to_csv, to_parquet
from explain_lib.networks.task_words import classes_judged

SIDE = 96
SHOWN = 10
FURTHEST = "Furthest apart"
SHOWN_SHARE = 5e-5
"""Smaller shares would stand as 0.0000 beside their bars; the sum has them all."""


def show_charts(scene: Scene, rows: ScanRows) -> None:
    """How far apart the images are, one by one and by class."""
    summary = _summary(scene, rows)
    if summary.finite == 0:
        return
    spread, classes = st.columns(2, gap="medium")
    with spread:
        st.markdown("**How far apart, image by image**")
        show_chart(spread_figure(rows.mae[rows.finite]), key="scan-spread", alt=spread_words(summary))
    with classes:
        st.markdown("**By true class, and by right or wrong**" if classes_judged(scene.model) else "**By true class**")
        names = scene.images.classes
        show_chart(class_figure(summary, names), key="scan-classes", alt=class_words(summary, names))


def _summary(scene: Scene, rows: ScanRows) -> ScanSummary:
    known = classes_judged(scene.model)
    return summarise_scan(rows, scene.images.labels, scene.images.classes, known=known, listed=SHOWN)


def show_example(scene: Scene, rows: ScanRows, total: int) -> None:
    """Numbers of the first of `total` images, and those of them that are furthest apart."""
    which = f"the first {len(rows):,} of these {counted(total)}" if len(rows) < total else f"these {counted(total)}"
    st.markdown(f"**Example: {which}.**")
    summary = _show_summary(scene, rows)
    if summary is not None:
        _images(scene, FURTHEST, rows, summary.worst)


def show_results(scene: Scene, rows: ScanRows, more: bool) -> None:
    """Numbers and causes; and if no more rows are on their way, images and files."""
    summary = _show_summary(scene, rows)
    if summary is None:
        return
    if more:  # pictures that change every second could not be clicked
        st.caption("The images that are furthest apart, and the files, appear when the scan stops.")
        return
    _images(scene, FURTHEST, rows, summary.worst)
    _images(scene, "Typical: nearest to the median", rows, summary.typical)
    _files(scene, rows)


def _show_summary(scene: Scene, rows: ScanRows) -> ScanSummary | None:
    """Numbers and causes; None where no image has two finite maps."""
    summary = _summary(scene, rows)
    broken = rows.images[~rows.finite]
    if len(broken):  # they are rows of the file, and count for nothing else
        some = ", ".join(f"{image:,}" for image in broken[:10])
        st.warning(f"{counted(len(broken))} gave a map that is not finite; the file marks them: {some}.")
    if summary.finite == 0:
        return None
    _numbers(summary, judged=classes_judged(scene.model) > 0)
    _warn_of_plus_plus(scene, rows)
    _causes(summary)
    return summary


def _numbers(summary: ScanSummary, *, judged: bool) -> None:
    low, _, median, _, high = summary.quantiles
    cards = {
        "Images": (f"{summary.finite:,}", "with two finite maps"),
        "Mean": (fine(summary.mean, 4), "of the images' gaps"),
        "Median": (fine(median, 4), "half are below"),
        "5 %": (fine(low, 4), "are below"),
        "95 %": (fine(high, 4), "are below"),
    }
    if judged:
        cards |= {
            "Right": (_number(summary.right_mean), "mean of these"),
            "Wrong": (_number(summary.wrong_mean), "mean of these"),
        }
    with st.grid(min_column_width=enlarged(168), gap="xsmall"):
        for title, (value, words) in cards.items():
            with st.container(border=True, gap="xxsmall"):
                st.metric(title, value)
                st.caption(words)


def _warn_of_plus_plus(scene: Scene, rows: ScanRows) -> None:
    """Where a side is Grad-CAM++ at a layer that is not right for it, measured on the first images."""
    possible, (few, where) = possible_scene(scene), first_few(scene.model, rows.images)
    sides = [named_side(possible, letter).settings for letter in ("a", "b")]
    show_plus_plus(
        plus_plus_warning(scene.model, scene.images.pixels[few], targets_of(scene, few), sides, where, on_the_way=True)
    )


def _number(value: float) -> str:
    return "no image" if isnan(value) else fine(value, 4)


def _causes(summary: ScanSummary) -> None:
    if not summary.settings or np.isnan(summary.shares).any():
        return
    st.markdown("**Why, on average**")
    st.markdown(total_causes_sentence(summary))
    shown = [(setting_words(name), share) for name, share in total_causes(summary) if abs(share) >= SHOWN_SHARE]
    show_chart(waterfall_figure(shown, summary.mean), key="scan-causes", alt=waterfall_words(shown, summary.mean))


def _images(scene: Scene, title: str, rows: ScanRows, images: NDArray[np.int64]) -> None:
    """Pictures with their mean differences, each a click from its comparison."""
    mae = dict(zip(rows.images.tolist(), rows.mae.tolist(), strict=True))
    part = title.partition(":")[0].replace(" ", "-").lower()
    panels = tuple(
        Panel(
            f"{part}-{image}", f"{scene.words(image)}, {scene.true_class(image) or 'without a class'}", SIDE,
            title=f"image {image}", caption=fine(mae[image], 4), picture=scene.shown(np.asarray(scene.images.pixels[image])),
            place=f"{scene.picture_set.address}-{image}",
            action=Action("opens the comparison of its two maps", {"image": image, "steps": ()}, "disagreement"),
        )
        for image in images.tolist()
    )  # fmt: skip
    hint = "Below each picture is the mean difference of its two maps. Click to open the comparison."
    show_stage(Stage((Row(panels, title),), key=f"stage-{part}", hint=hint))


def _files(scene: Scene, rows: ScanRows) -> None:
    known, classes = classes_judged(scene.model), scene.images.classes
    table = partial(scan_table, rows, scene.images.labels, classes, known=known, package=scene.view.check)
    name = f"scan-{scene.view.model}-{len(rows)}-images"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Take home", width="content")
        st.download_button("Rows (CSV)", lambda: to_csv(table()), f"{name}.csv", "text/csv", on_click="ignore", key="scan-csv")
        file, form = f"{name}.parquet", "application/vnd.apache.parquet"
        st.download_button("Rows (Parquet)", lambda: to_parquet(table()), file, form, on_click="ignore", key="scan-parquet")
