"""Long work that runs in the background: start, progress, stop, and what it has found so far."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import streamlit as st

from dashboard.view.address import follow_changes
from dashboard.view.captions import plain
from dashboard.view.record import recorded_part
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_jobs
from explain_lib.base.run_context import in_this_run
from explain_lib.base.words import counted, time_words
from explain_lib.networks.explainable import ANY, class_with_region, left_out
from explain_lib.networks.model import Model
from explain_lib.networks.predictions import Verdicts, verdict_request
from explain_lib.networks.requests import HasImages, Request, Rows
from explain_lib.take_home.registry import note_rows
from explain_lib.work.jobs import Job, JobProgress, Jobs

Other = TypeVar("Other", bound=HasImages)

EVERY = 1.0
"""Seconds between two looks at a job that runs."""
EVERY_ROW = 3.0
"""The same where rows are shown that change only now and then."""
BY_ITSELF_SECONDS = 10.0
"""How long a job that started by itself continues while nobody looks at it."""

RUNNING = ("waiting", "running")


@dataclass(frozen=True)
class Example(Generic[Rows]):
    """Rows to look at before a job has found any, and what shows them."""

    rows: Rows
    show: Callable[[], None]


def show_job(
    request: Request[Rows],
    start: str,
    show_rows: Callable[[Rows, bool], None],
    *,
    what: str = "The work",
    nothing: str | Example[Rows] = "Nothing has been computed yet. The result appears here while the work goes on.",
    above: Callable[[Rows], None] | None = None,
    by_itself: bool = False,
    instead_of: Request[Other] | None = None,
) -> None:
    """Controls and progress of this request's job, and the rows that it has so far.

    start: the word on the button, before the number of images. show_rows: shows rows; it is told whether more of them are on
    their way. what: names the work where it failed. nothing: said, or shown, while there are no rows. above: shows rows, also
    those of an example, above the controls. by_itself: whether it starts without being asked to, and goes on where nobody
    looked at it for a while; once it is stopped, it waits to be asked. instead_of: another one, which is stopped where this one
    is asked for.
    """
    jobs = server_jobs()
    if by_itself:
        _start_by_itself(jobs, request)
    known = jobs.find(request)
    running, in_rows = _state(known) in RUNNING, _has_rows_by_step(known)

    # a fragment: the page around it is not drawn anew at each look, and answers meanwhile
    @st.fragment(run_every=(EVERY_ROW if in_rows else EVERY) if running else None)
    @in_this_run
    def look() -> None:
        follow_changes()
        job = jobs.find(request)
        if (_state(job) in RUNNING) != running or _has_rows_by_step(job) != in_rows:
            st.rerun()  # it was started or has ended: the page looks as often as it must from now on
        rows = None if job is None else job.rows
        first = nothing.rows if rows is None and isinstance(nothing, Example) else rows
        if above is not None and first is not None:
            above(first)
        _controls(jobs, request, job, (start, what), instead_of)
        if job is not None:
            _say_left_out(request, job)
        if rows is None:
            _show_nothing(nothing, job)
            return
        with recorded_part(request.fingerprint):
            if job is not None and job.progress.images:  # the rows of a part of a picture are none that the request has
                note_rows(request, rows)
            show_rows(rows, running)

    look()


def _say_left_out(request: Request[Rows], job: Job[Rows]) -> None:
    """How many pictures a job has left out so far, as they have no region to explain."""
    index, rows, done = class_with_region(request.model, request.explained), job.rows, job.progress.images
    if index is None or done == 0:
        return
    found = np.zeros(0, np.int64) if rows is None else rows.images
    count = left_out(request.model, request.pixels, request.images[:done], found, request.explained)
    if count:
        st.caption(left_out_words(request.model, count, index))


def _show_nothing(nothing: str | Example[Rows], job: Job[Rows] | None) -> None:
    """What there is before there are rows; where a job has ended without any, it has been said why."""
    if isinstance(nothing, Example):
        nothing.show()
    elif _state(job) != "done":
        st.caption(nothing)


def left_out_words(model: Model, count: int, index: int) -> str:
    """That so many pictures, one or more, are left out because this class is predicted nowhere in them."""
    name = "a label" if index == ANY else plain(model.classes[index])
    return f"{counted(count, 'picture')} left out, as {name} is predicted nowhere there."


def has_rows(request: Request[Rows]) -> bool:
    """Whether this request's job has found anything yet; starts nothing."""
    job = server_jobs().find(request)
    return job is not None and job.rows is not None


def rows_so_far(request: Request[Rows]) -> Rows | None:
    """What this request's job has found, None before that; starts nothing."""
    job = server_jobs().find(request)
    return None if job is None else job.rows


def is_done(request: Request[Rows]) -> bool:
    """Whether this request's job has found all; starts nothing."""
    return _state(server_jobs().find(request)) == "done"


def awaits_rows(request: Request[Rows]) -> bool:
    """Whether this request's job has yet to find something: it was not asked for, or waits, or has just begun."""
    job = server_jobs().find(request)
    return job is None or (job.rows is None and _state(job) in RUNNING)


def say_so_far(images: int, more: bool) -> None:
    """That the rows shown are of so many images, while more are on their way."""
    if more:
        st.caption(f"So far, over {counted(images)}; more are coming.")


def _start_by_itself(jobs: Jobs, request: Request[Rows]) -> None:
    job = jobs.find(request)
    if job is None or job.was_left:
        jobs.ask(request, BY_ITSELF_SECONDS)


def _has_rows_by_step(job: Job[Rows] | None) -> bool:
    """Whether a job has found something of a batch that takes long."""
    return job is not None and job.progress.step is not None and job.rows is not None


def _state(job: Job[Rows] | None) -> str | None:
    return None if job is None else job.progress.state


def _controls(
    jobs: Jobs, request: Request[Rows], job: Job[Rows] | None, words: tuple[str, str], instead_of: Request[Other] | None
) -> None:
    """A button to start, to stop or to go on, and the progress. words: on the button, and for the work."""
    start, what = words

    def ask() -> None:
        other = None if instead_of is None else jobs.find(instead_of)
        if other is not None:
            other.stop()
        jobs.ask(request)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if job is None:
            st.button(f"{start} {counted(len(request))}", type="primary", on_click=ask)
            return
        progress = job.progress
        if progress.state in RUNNING:
            st.button("Stop", on_click=job.stop)
        elif progress.state != "done":
            st.button(_go_on_words(progress), on_click=ask)
        st.progress(progress.share, _progress_words(progress))
    if progress.error:
        st.error(f"{what} stopped: {plain(progress.error)}.")


def _go_on_words(progress: JobProgress) -> str:
    step = progress.step
    if step is not None and progress.total == 1:
        return f"Go on with {step.total - step.done} rows"
    return f"Go on with {counted(progress.total - progress.images)}"


def _progress_words(progress: JobProgress) -> str:
    """How far it is: of one picture in steps the step, otherwise the images too."""
    step, words = progress.step, []
    if step is None or progress.total > 1:
        words.append(f"{progress.images:,} of {counted(progress.total)} · {progress.state}")
    elif progress.state != "running":
        words.append(progress.state)
    if step is not None:
        which = "this picture" if progress.total == 1 else "the next picture"
        words.append(f"{step.name}: {step.done} of {step.total} rows of {which}")
    if progress.speed and progress.state == "running" and progress.total > 1:
        words.append(_speed_words(progress.speed))
    if progress.seconds_left:
        words.append(f"{time_words(progress.seconds_left)} left")
    return " · ".join(words)


def _speed_words(speed: float) -> str:
    """12.3 as "12 images a second", 0.01 as "100 s an image"."""
    if speed < 0.1:
        return f"{time_words(1 / speed)} an image"
    return f"{speed:,.{0 if speed >= 10 else 1}f} images a second"


# Section: the predictions for all images of a set


def ask_about_all(scene: Scene) -> bool:
    """Controls and progress of the work that asks the network about every image, until it is done. Whether it is."""
    said = scene.predictions
    if not isinstance(said, Verdicts) or said.asked.all():
        return True
    request = verdict_request(scene.model, scene.images.pixels)
    if _state(server_jobs().find(request)) == "done":  # what is missing cannot be read
        return True
    asked = int(said.asked.sum())
    st.info(f"The network has seen {asked:,} of {len(said.asked):,} images. Filters by prediction leave the others out.")
    show_job(request, "Ask about", lambda *_: None, what="The work", nothing="Until then, filters by true class work.")
    return False
