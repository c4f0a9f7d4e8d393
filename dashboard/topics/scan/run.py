"""The scan of the page's two sides over chosen images, run in the background."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.topics.scan.example import example_request, example_rows
from dashboard.topics.sides.side import named_side
from dashboard.view import terms
from dashboard.view.address import bound
from dashboard.view.record import recorded_part
from dashboard.view.scene import Scene
from dashboard.view.view import explained
from dashboard.widgets.job_run import Example, ask_about_all, awaits_rows, show_job
from dashboard.widgets.pickers import PLAIN
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.passes.targets import Targets
from explain_lib.take_home.registry import note_rows

NOTHING = "Nothing has been scanned yet. The result appears here while the scan runs."


def show_scan(
    scene: Scene,
    chosen: NDArray[np.int64],
    show_charts: Callable[[ScanRows], None],
    show_rows: Callable[[ScanRows, bool], None],
    show_example: Callable[[ScanRows, int], None],
) -> None:
    """Controls and progress of the scan of these images, and the rows that it has so far; an example before there are any.

    show_charts: shows rows above the controls. show_rows: shows the rest of them; it is told whether more are on their way.
    show_example: shows the rest of the rows of the first images; it is told how many there are in all.
    """
    if scene.view.target is None and _is_asked(scene) and (scene.predictions.predicted[chosen] < 0).any():
        st.info("Contrast, evidence and score need the predicted class, which is not yet known for all these images.")
        ask_about_all(scene)
        return
    request = _request(scene, chosen)
    show_job(request, "Scan", show_rows, what="The scan", nothing=_example(request, show_example), above=show_charts)
    if not "manual" == scene.view.a.program == scene.view.b.program:
        st.toggle("Run the real programs, too", **bound("check", scene.view.check), help=terms.CHECK)


def _example(request: ScanRequest, show_example: Callable[[ScanRows, int], None]) -> Example[ScanRows] | str:
    """The example of a scan; a sentence where there is none, or where the scan itself has ended without rows."""
    first = example_request(request) if awaits_rows(request) else None
    rows = None if first is None else example_rows(first)
    if first is None or rows is None:
        return NOTHING

    def show() -> None:
        with recorded_part(request.fingerprint):
            note_rows(first, rows)
            show_example(rows, len(request))

    return Example(rows, show)


def _request(scene: Scene, chosen: NDArray[np.int64]) -> ScanRequest:
    a, b = (named_side(scene, letter) for letter in ("a", "b"))
    images = np.sort(chosen)
    return ScanRequest(scene.model, scene.images.pixels, images, a, b, targets_of(scene, images), package=scene.view.check)


def targets_of(scene: Scene, images: NDArray[np.int64]) -> Targets:
    """The target of each image: None for the logits of the predicted classes."""
    view = scene.view
    if view.target is None and not _is_asked(scene):
        return None
    return [explained(view, int(scene.predictions.predicted[image])) for image in images]


def _is_asked(scene: Scene) -> bool:
    """Whether more is explained than a class's logit."""
    return (scene.view.minus, scene.view.evidence, scene.view.score) != PLAIN
