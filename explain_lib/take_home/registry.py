"""What can be computed anew from a name and arguments, and how."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import cast

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.frozen import Frozen
from explain_lib.pictures.dataset import load_cifar10
from explain_lib.pictures.selection import seen_images
from explain_lib.pictures.sets import Pixels, batch_size_of, next_readable, subset
from explain_lib.study.rows import contour_rows, grass_rows
from explain_lib.work.cache import ExplainCache
from explain_lib.work.jobs import Request, Rows
from explain_lib.work.recording import RECORDED, active_recorder, note_computation
from explain_lib.work.requests import CurvesRequest, LadderRequest, SanityRequest, ScanRequest, VerdictRequest, kept_ladder

Progress = Callable[[int, int], None]
"""Told how many images are done, and of how many."""

JOBS: Mapping[str, type] = {
    "scan": ScanRequest,
    "ladder": LadderRequest,
    "sanity": SanityRequest,
    "verdicts": VerdictRequest,
}
"""What is computed in the background, by name: its arguments are the fields of its request."""

PASSES: Mapping[str, Callable[..., object]] = {
    "contour_rows": contour_rows,
    "kept_ladder": lambda progress, **given: kept_ladder(LadderRequest(**given), progress=progress),
    "grass_rows": lambda **given: grass_rows(labels=load_cifar10().labels, **given),
}
"""What the guesses are judged from, and the ladders that are bundled."""


def job_name(request: object) -> str | None:
    """The name under which a request can be computed anew, None if it cannot."""
    return next((name for name, kind in JOBS.items() if type(request) is kind), None)


def job_arguments(request: object, rows: Frozen) -> dict[str, object]:
    """The fields of a request, cut after the last image of which there are rows: the batches stay the same."""
    arguments = {field.name: getattr(request, field.name) for field in fields(cast(type, type(request)))}
    done: NDArray[np.int64] = rows.images  # type: ignore[attr-defined]  # every job's rows have them
    if isinstance(request, VerdictRequest):
        return {"model": request.model, "pixels": subset(request.pixels, np.arange(int(done[-1]) + 1))}
    stop = int(np.flatnonzero(request.images == done[-1])[0]) + 1  # type: ignore[attr-defined]  # see above
    arguments["images"] = arguments["images"][:stop]
    if isinstance(arguments.get("targets"), tuple):
        arguments["targets"] = arguments["targets"][:stop]
    return arguments


def note_kept_ladder(request: LadderRequest, rows: Frozen) -> None:
    """Note the rows of a ladder that come from a bundled file, where there is a recorder."""
    if active_recorder() is not None:
        note_computation("kept_ladder", job_arguments(request, rows), rows)


def note_rows(request: object, rows: object) -> None:
    """Note what a job has found so far, where there is a recorder; it can be computed anew."""
    if active_recorder() is None:
        return
    if isinstance(request, CurvesRequest):
        asked = request.ladder
        given = (asked.model, asked.pixels, int(asked.images[0]), asked.layers, asked.target, asked.opinions)
        names = ("model", "pixels", "image", "layers", "target", "opinions")
        note_computation("ladder_curves", dict(zip(names, given, strict=True)), cast(Frozen, rows))
        return
    name = job_name(request)
    if name is not None:
        note_computation(name, job_arguments(request, cast(Frozen, rows)), cast(Frozen, rows))


def compute_anew(name: str, arguments: Mapping[str, object], cache: ExplainCache, progress: Progress) -> object:
    """The result of a computation, by the function of that name; progress is called where it takes long.

    Raises DataError for a name that stands for nothing, or arguments that it does not have, and what the function raises.
    """
    try:
        if name in RECORDED:
            return RECORDED[name](cache, **arguments)
        if name in PASSES:
            return PASSES[name](**arguments, progress=progress)
        if name in JOBS:
            return _all_rows(JOBS[name](**arguments), cache, progress)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise DataError(f"{name}: these are no arguments for it ({error})") from error
    raise DataError(f"{name}: there is no such computation; one of {', '.join(known_names())} would be right")


def known_names() -> tuple[str, ...]:
    """Everything that can be computed anew."""
    return (*RECORDED, *PASSES, *JOBS)


def _all_rows(request: Request[Rows], cache: ExplainCache, progress: Progress) -> object:
    parts: list[Rows] = []
    progress(0, len(request))
    for rows in request.cached_rows(cache, lambda: None):
        parts.append(rows)
        progress(sum(len(part.images) for part in parts), len(request))
    return request.join(parts)


def seen_positions(name: str, arguments: Mapping[str, object]) -> NDArray[np.int64] | None:
    """Which pictures of its set a computation looks at, int64 (K,), None for all of them."""
    images, pixels = arguments.get("images", arguments.get("image")), cast(Pixels, arguments.get("pixels"))
    if images is None or not isinstance(images, int | np.ndarray | Iterable):
        return None
    chosen = np.atleast_1d(np.asarray(images, dtype=np.int64))
    if name == "sanity":
        return np.concatenate([chosen, next_readable(pixels, chosen)])
    if name == "scan":
        return seen_images(chosen, len(pixels), batch_size_of(pixels))
    return chosen
