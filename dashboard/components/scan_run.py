"""A scan that runs in the background: start, progress, stop, and what it has found so far."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components import terms
from dashboard.components.address import change_view, follow
from dashboard.components.captions import plain
from dashboard.components.scene import Scene
from dashboard.components.side import named_side
from dashboard.server_options import server_options
from dashboard.view_state import explained
from explain_lib.scan import ScanRows
from explain_lib.scan_job import ScanJob, ScanJobs, ScanProgress, shared_scan_jobs
from explain_lib.scan_request import ScanRequest
from explain_lib.targets import Targets

EVERY = 1.0
"""Seconds between two looks at a scan that runs."""

RUNNING = ("waiting", "running")


def show_scan(scene: Scene, chosen: NDArray[np.int64], show_rows: Callable[[ScanRows, bool], None]) -> None:
    """Controls and progress of the scan of these images, and the rows that it has so far.

    show_rows: shows rows; it is told whether more of them are on their way.
    """
    jobs = shared_scan_jobs(server_options().device)
    request = _request(scene, chosen)
    _options(scene)
    running = _is_running(jobs.find(request))

    # a fragment: the page around it is not drawn anew at each look, and answers meanwhile
    @st.fragment(run_every=EVERY if running else None)
    def look() -> None:
        job = jobs.find(request)
        if _is_running(job) != running:
            st.rerun()  # it was started or has ended: the page looks as often as it must from now on
        _controls(jobs, request, job)
        rows = None if job is None else job.rows
        if rows is None:
            st.caption("Nothing has been scanned yet. The result appears here while the scan runs.")
        else:
            show_rows(rows, running)

    look()


def _request(scene: Scene, chosen: NDArray[np.int64]) -> ScanRequest:
    a, b = (named_side(scene, letter) for letter in ("a", "b"))
    images = np.sort(chosen)
    return ScanRequest(scene.model, scene.images.pixels, images, a, b, _targets(scene, images), package=scene.view.check)


def _targets(scene: Scene, images: NDArray[np.int64]) -> Targets:
    """What is explained of each image: None for the predicted classes, as nothing else is chosen."""
    view = scene.view
    if (view.target, view.minus, view.evidence, view.score) == (None, None, "for", "logit"):
        return None
    return [explained(view, int(scene.predictions.predicted[image])) for image in images]


def _options(scene: Scene) -> None:
    if "manual" == scene.view.a.program == scene.view.b.program:
        return
    follow("check", scene.view.check)
    st.toggle(
        "Run the real programs too",
        key="check",
        on_change=lambda: change_view(check=st.session_state["check"]),
        help=terms.CHECK,
    )


def _is_running(job: ScanJob | None) -> bool:
    return job is not None and job.progress.state in RUNNING


def _controls(jobs: ScanJobs, request: ScanRequest, job: ScanJob | None) -> None:
    """Start, stop or go on, whichever there is to do, and how far it is."""

    def start() -> None:
        jobs.ask(request)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if job is None:
            st.button(f"Scan {len(request):,} images", type="primary", on_click=start)
            return
        progress = job.progress
        if progress.state in RUNNING:
            st.button("Stop", on_click=job.stop)
        elif progress.state != "done":
            st.button(f"Go on with {progress.total - progress.images:,} images", on_click=start)
        st.progress(progress.images / progress.total, _progress_words(progress))
    if progress.error:
        st.error(f"The scan stopped: {plain(progress.error)}.")


def _progress_words(progress: ScanProgress) -> str:
    words = f"{progress.images:,} of {progress.total:,} images · {progress.state}"
    if progress.speed is not None and progress.state == "running":
        words += f" · {progress.speed:,.0f} images a second"
    if progress.seconds_left:
        words += f" · {progress.seconds_left:,.0f} s left"
    return words
