"""The ladder of one large picture, row by row: each row is told when it begins, and kept once it is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.identity import array_digest
from explain_lib.base.run_context import Step, keep_piece, kept_piece, tell
from explain_lib.networks.model import Model
from explain_lib.passes.targets import OneTarget, OwnTarget
from explain_lib.trust.faithfulness import PASS_PIXELS, Orders, PictureRemoval, RemovalCurves
from explain_lib.trust.rungs import (
    About,
    LadderCurves,
    LadderMaps,
    Rung,
    about_maps,
    explained_targets,
    ladder_maps,
    opinion_maps,
    orders_of,
    others_at,
    with_curves,
    with_opinions,
)
from explain_lib.trust.single_deletion import Changes, patch_changes

AT_ONCE = 64 * 64
"""The most pixels of a picture whose rungs are measured all at once; those of a larger one are measured one after another."""


def is_large(model: Model) -> bool:
    """Whether the rungs of its pictures are measured one after another."""
    return model.input_size[0] * model.input_size[1] > AT_ONCE


Shown = Callable[[LadderCurves], Frozen]


def measure_by_row(
    model: Model,
    own: NDArray[np.uint8],
    images: NDArray[np.int64],
    layers: Sequence[str] | None,
    target: OneTarget | None,
    opinions: str | None,
    *,
    first: str | None = None,
    shown: Shown = lambda found: found,
) -> LadderCurves:
    """The rows, maps and curves of one image, measured row by row; the run is told of each row and keeps it.

    Ends of stages come first, the last one before the others, then the baselines, the average, and the rest in the order of
    the network; without ends of stages the last layer is first. first: the layer whose row comes before all. shown: what the
    run is told of the rows so far.
    """
    found = ladder_maps(model, own, images, layers, target)
    removal = PictureRemoval(model, model.to_input(own), explained_targets(model, own, found, target)[0], int(images[0]))
    places = _in_turn(model, found.rungs, first)
    total = len(places) + len(others_at(model, opinions))
    changes = _changes(removal, own, Step(found.rungs[places[0]].name, 0, total))
    turns = _Turns(0, total, lambda some: None if some is None else shown(some))
    base = _rows_in_turn(removal, own, found, changes, places, turns)
    if opinions is None:
        return base
    others = opinion_maps(model, own, found, target, opinions)
    turns = _Turns(len(places), total, lambda some: shown(base if some is None else with_opinions(base, some)))
    return with_opinions(base, _rows_in_turn(removal, own, others, changes, range(len(others.rungs)), turns))


def _changes(removal: PictureRemoval, own: NDArray[np.uint8], step: Step) -> Changes:
    """What the score loses without each patch, asked once for all rows, before the first, whose step it is."""
    subject = removal.model, removal.batch, [removal.target], np.array([removal.image])
    key = "single deletion", *_subject(removal, own)
    return keep_piece(key, lambda: patch_changes(*subject, pixels=PASS_PIXELS, told=lambda _: tell(step)))


def _in_turn(model: Model, rungs: Sequence[Rung], first: str | None) -> list[int]:
    """The places of the rungs in the order in which they are measured; see measure_by_row."""
    layers = [place for place, rung in enumerate(rungs) if rung.kind == "layer"]
    ends = [place for place in layers if model.parts[rungs[place].name] == "stage end"] or layers[-1:]

    def turn(place: int) -> tuple[int, int]:
        if rungs[place].name == first:
            return 0, place
        if place in ends:
            return 1, -place
        return {"baseline": 2, "average": 3}.get(rungs[place].kind, 4), place

    return sorted(range(len(rungs)), key=turn)


@dataclass(frozen=True)
class _Turns:
    """How the rows of one part of a ladder are told: after `before` others, of `total`.

    so_far: from the rows of this part, None for none yet, to what the run is told.
    """

    before: int
    total: int
    so_far: Callable[[LadderCurves | None], Frozen | None]


def _rows_in_turn(
    removal: PictureRemoval, own: NDArray[np.uint8], found: LadderMaps, changes: Changes, places: Sequence[int], turns: _Turns
) -> LadderCurves:
    """The rows at all places of these maps, in that order, without those that are known already, which come at once."""
    images, about = np.array([removal.image]), about_maps(own, found.maps)
    orders = {place: orders_of(found.maps[0, place]) for place in places}
    keys = {place: _piece(removal, own, orders[place]) for place in places}
    known = {place: curves for place in places if isinstance(curves := kept_piece(keys[place]), RemovalCurves)}
    by_order = {keys[place]: curves for place, curves in known.items()}
    for place in [place for place in places if place not in known]:
        so_far = _some_rows(images, found, about, changes, known) if known else None
        step = Step(found.rungs[place].name, turns.before + len(known), turns.total, found=turns.so_far(so_far))
        if keys[place] not in by_order:  # maps that order the pixels alike have the same curves
            by_order[keys[place]] = keep_piece(keys[place], partial(_curves, removal, orders[place], step))
        known[place] = by_order[keys[place]]
    return _some_rows(images, found, about, changes, known)


def _curves(removal: PictureRemoval, order: Orders, step: Step) -> RemovalCurves:
    """The curves of one order, which the run is told of as they come."""
    return removal.curves(order, lambda share: tell(replace(step, share=share)))


def _piece(removal: PictureRemoval, own: NDArray[np.uint8], order: Orders) -> tuple[object, ...]:
    """The identity of the curves of one order."""
    return "removal", *_subject(removal, own), array_digest(order)


def _subject(removal: PictureRemoval, own: NDArray[np.uint8]) -> tuple[object, ...]:
    """The identity of what is asked about: the network, the picture and the target."""
    target = removal.target.mark if isinstance(removal.target, OwnTarget) else repr(removal.target)
    return removal.model.identity, array_digest(own), removal.image, target


def _some_rows(
    images: NDArray[np.int64], found: LadderMaps, about: About, changes: Changes, known: Mapping[int, RemovalCurves]
) -> LadderCurves:
    """The ladder of the rows that are known, by their places."""
    places = sorted(known)
    curves = RemovalCurves(
        *(np.concatenate([getattr(known[place], one.name) for place in places], axis=1) for one in fields(RemovalCurves))
    )
    some = replace(found, rungs=tuple(found.rungs[place] for place in places), maps=found.maps[:, places])
    known_of = About(**{one.name: getattr(about, one.name)[:, places] for one in fields(About)})
    return with_curves(images, some, known_of, curves, changes)
