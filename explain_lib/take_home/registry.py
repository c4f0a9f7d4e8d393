"""The registry of computations that can be repeated from a name and arguments."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from explain_lib.audit.card import belief_card
from explain_lib.audit.slices import slices_of
from explain_lib.base.errors import DataError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import current_run, note
from explain_lib.cam.average_map import average_map
from explain_lib.cam.completeness import completeness
from explain_lib.cam.configuration import configured_heatmap
from explain_lib.cam.contrast import contrasts
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.cam.other_programs import third_opinion
from explain_lib.cam.package_grad_cam import package_grad_cam
from explain_lib.cam.postprocess import heatmap
from explain_lib.cam.walkthrough import channel_ablation, walkthrough
from explain_lib.compare.decomposition import decompose, decomposition_steps
from explain_lib.compare.scan import ScanRequest
from explain_lib.networks.predictions import VerdictRequest, predict, verdict_request
from explain_lib.networks.requests import Request, Rows
from explain_lib.pictures.dataset import load_cifar10
from explain_lib.pictures.selection import seen_images
from explain_lib.pictures.sets import Pixels, batch_size_of, next_readable, subset
from explain_lib.study.grass_rows import grass_rows
from explain_lib.study.rows import contour_rows, outline_rows
from explain_lib.trust.cover_effect import cover_effect
from explain_lib.trust.ladder import CurvesRequest, LadderRequest, LadderRows, ladder_curves
from explain_lib.trust.sanity import SanityRequest, random_starts, sanity_maps
from explain_lib.truth.mosaics import MosaicRequest, mosaic_maps
from explain_lib.truth.own_places import OwnPlacesRequest, object_maps
from explain_lib.truth.secret import SecretRequest, marked_pictures
from explain_lib.work.cache import ExplainCache
from explain_lib.work.ladder_files import kept_ladder

Progress = Callable[[int, int], None]
"""Called with the number of images done, and of all images."""

RECORDED: Mapping[str, Callable[..., object]] = {
    function.__name__: function
    for function in (
        predict,
        grad_cam,
        contrasts,
        package_grad_cam,
        completeness,
        walkthrough,
        channel_ablation,
        cover_effect,
        heatmap,
        configured_heatmap,
        third_opinion,
        decompose,
        decomposition_steps,
        ladder_curves,
        sanity_maps,
        random_starts,
        marked_pictures,
        mosaic_maps,
        object_maps,
        belief_card,
        slices_of,
        average_map,
    )
}
"""The functions that pages call, and are noted; these, and no others, may be called for a note that comes from a file."""


class _Asked(Protocol):
    def all_rows(self, progress: Progress) -> object: ...


JOBS: Mapping[str, Callable[..., _Asked]] = {
    "scan": ScanRequest,
    "ladder": LadderRequest,
    "sanity": SanityRequest,
    "secret": SecretRequest,
    "mosaics": MosaicRequest,
    "objects": OwnPlacesRequest,
    "verdicts": verdict_request,
}
"""The computations in the background, by name; their arguments are the fields of the request."""

_NAMES = {
    ScanRequest: "scan",
    LadderRequest: "ladder",
    SanityRequest: "sanity",
    SecretRequest: "secret",
    MosaicRequest: "mosaics",
    OwnPlacesRequest: "objects",
    VerdictRequest: "verdicts",
}

PASSES: Mapping[str, Callable[..., object]] = {
    function.__name__: function for function in (contour_rows, outline_rows, grass_rows, kept_ladder)
}
"""The measurements of the guesses on the test images, and bundled ladders, by name."""


def job_arguments(request: Request[Rows], rows: Rows) -> dict[str, object]:
    """The fields of a request, cut after the last image with rows, so that the batches stay the same."""
    last = rows.images[-1]
    if isinstance(request, VerdictRequest):
        return {"model": request.model, "pixels": subset(request.pixels, np.arange(int(last) + 1))}
    done = request.take(slice(int(np.flatnonzero(request.images == last)[0]) + 1))
    return {field.name: getattr(done, field.name) for field in fields(done)}


def note_kept_ladder(request: LadderRequest, rows: LadderRows) -> None:
    """Note the rows of a ladder from a bundled file, if there is a recorder."""
    if current_run().recorder is not None:
        note("kept_ladder", job_arguments(request, rows), rows)


def note_rows(request: Request[Rows], rows: Rows) -> None:
    """Note the rows of a job so far, if there is a recorder, so that they can be computed anew."""
    if current_run().recorder is None:
        return
    if isinstance(request, CurvesRequest):
        given = {field.name: getattr(request, field.name) for field in fields(request) if field.name != "first"}
        arguments = {"image" if name == "images" else name: value for name, value in given.items()}
        note("ladder_curves", arguments | {"image": int(request.images[0])}, cast(Frozen, rows))
        return
    name = _NAMES.get(type(request))
    if name is not None:
        note(name, job_arguments(request, rows), cast(Frozen, rows))


def compute_anew(name: str, arguments: Mapping[str, object], cache: ExplainCache, progress: Progress) -> object:
    """The result of a computation, by the function of that name; long ones call progress.

    Raises DataError for an unknown name or for wrong arguments, and what the function raises.
    """
    try:
        with cache.running():
            if name in RECORDED:
                return RECORDED[name](**arguments)
            if name in JOBS:
                return JOBS[name](**arguments).all_rows(progress)
            if name == kept_ladder.__name__:
                build: Callable[..., LadderRequest] = LadderRequest
                return kept_ladder(build(**arguments), progress=progress)
            if name in PASSES:
                labels = {"labels": load_cifar10().labels} if name == grass_rows.__name__ else {}
                return PASSES[name](**arguments, **labels, progress=progress)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise DataError(f"{name}: these are no arguments for it ({error})") from error
    raise DataError(f"{name}: there is no such computation; one of {', '.join([*RECORDED, *PASSES, *JOBS])} would be right")


def seen_positions(name: str, arguments: Mapping[str, object]) -> NDArray[np.int64] | None:
    """The pictures of its set that a computation needs, int64 (K,), None for all of them."""
    images, pixels = arguments.get("images", arguments.get("image")), cast(Pixels, arguments.get("pixels"))
    if images is None or not isinstance(images, int | np.ndarray | Iterable):
        return None
    chosen = np.atleast_1d(np.asarray(images, dtype=np.int64))
    if name == "sanity":
        return np.concatenate([chosen, next_readable(pixels, chosen)])
    if name == "mosaics":
        return np.unique(np.asarray(arguments["quarters"], dtype=np.int64))
    if name == "scan":
        return seen_images(chosen, len(pixels), batch_size_of(pixels))
    return chosen
