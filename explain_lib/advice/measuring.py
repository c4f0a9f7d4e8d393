"""The three numbers of every candidate, picture by picture: single deletion and insertion with mid grey, and ROAD.

They are the layer ladder's own numbers. All candidates share one pass forward and back for their maps, and what the score
loses without each patch; a candidate costs 29 pictures through the network besides, where a row of the ladder costs 74.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from explain_lib.advice.candidates import candidates, in_turn
from explain_lib.advice.choice import ADVICE_MEASURES, LOOKS, AdviceRows, still_in
from explain_lib.base.errors import InputError
from explain_lib.base.identity import array_digest
from explain_lib.base.run_context import Step, checkpoint, keep_piece, tell
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.networks.model import Model
from explain_lib.networks.requests import Request, take_rows
from explain_lib.passes.targets import OneTarget, OwnTarget
from explain_lib.trust.by_row import is_large
from explain_lib.trust.faithfulness import ASKED_BY_TWO, PASS_PIXELS, Orders, PictureRemoval
from explain_lib.trust.ladder import LadderRows
from explain_lib.trust.measures import FILLS
from explain_lib.trust.rungs import marked_target, orders_of
from explain_lib.trust.single_deletion import SIDE, Changes, patch_changes, single_deletion

ENDS = 3
"""The picture and its fills, asked once a picture."""
ASKED_FOR_ALL = 1 + SIDE * SIDE + ENDS
"""Pictures through the network for each picture, however many candidates there are."""
ASKED_PER_CANDIDATE = ASKED_BY_TWO
"""The same for each candidate."""
_GREY = FILLS.index("grey")


@dataclass(frozen=True, eq=False)
class AdviceRequest(Request[AdviceRows]):
    """The numbers of some layers on K images of a set; candidates that drop out are measured no further, see still_in.

    layers: names, or None for the ends of stages, replaced by their names. target: what is explained of every image, None for
    the predicted class. earlier: images of the same request that come before these; they decide who is still in. Raises what
    grad_cam raises.
    """

    layers: tuple[str, ...] | None = None
    target: OneTarget | None = None
    earlier: NDArray[np.int64] | None = None
    going: tuple[str, ...] | None = None
    """Of the layers, those that are measured; None for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle(layers=candidates(self.model, self.layers))
        self._settle(target=marked_target(self.model, self.target))
        if not self.layers:
            raise InputError("layers: the network has none whose output has a grid; another network would be right")

    @property
    def explained(self) -> OneTarget | None:
        return self.target

    @property
    def batch_size(self) -> int:
        return 1 if is_large(self.model) else LOOKS[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All candidates, in the order given."""
        return self.layers or ()

    @property
    def asked(self) -> tuple[object, ...]:
        return "advice", self.names, self.target, self.going or self.names

    @property
    def pictures(self) -> int:
        """How many pictures go through the network if nobody drops out."""
        return len(self) * (ASKED_FOR_ALL + len(self.names) * ASKED_PER_CANDIDATE)

    def rest(self, done: int) -> Self:
        """The same request after the first `done` images, which decide as before who is still in."""
        before = self.images[:done] if self.earlier is None else np.concatenate([self.earlier, self.images[:done]])
        return replace(self, images=self.images[done:], earlier=before if len(before) else None)

    def rows(self) -> Iterator[AdviceRows]:
        """The rows, batch by batch; candidates drop out after the numbers of images in LOOKS."""
        whole = self
        if self.earlier is not None:
            whole = replace(self, images=np.concatenate([self.earlier, self.images]), earlier=None)
        own, parts, going = set(self.images.tolist()), list[AdviceRows](), self.names
        for batch in whole.batches():
            checkpoint()
            found = replace(batch, going=going).at_once()
            before = sum(map(len, parts))
            parts.append(found)
            if any(before < look <= before + len(found) for look in LOOKS):
                going = still_in(self.join(parts), going)
            kept = np.flatnonzero([image in own for image in found.images.tolist()])
            if len(kept):
                yield found if len(kept) == len(found) else take_rows(found, kept)

    def compute(self) -> AdviceRows:
        going = self.going or self.names
        parts = [self._measured(place, going) for place in range(len(self))]
        return self.join(parts)

    def _measured(self, place: int, going: Sequence[str]) -> AdviceRows:
        """The row of one image."""
        images = self.images[place : place + 1]
        values = picture_values(self.model, self.pixels[images], images, going, self.target)
        own = np.full((1, len(self.names), len(ADVICE_MEASURES)), np.nan)
        columns = [self.names.index(name) for name in going]
        own[0, columns] = values
        measured = np.zeros((1, len(self.names)), np.bool_)
        measured[0, columns] = True
        return AdviceRows(images, self.names, own, measured)


def picture_values(
    model: Model, own: NDArray[np.uint8], images: NDArray[np.int64], layers: Sequence[str], target: OneTarget | None
) -> NDArray[np.float64]:
    """The numbers of some layers on one picture, by ADVICE_MEASURES: float64 (L, 3); the run is told of each layer.

    own: the picture, uint8 (1, H, W, C). images: its position in its set, int64 (1,).
    """
    captured = capture_layers(model, own, layers, target)
    process = PostProcess(model, captured.layers)
    maps = np.stack([enlarged_maps(process, name) for name in layers], axis=1)
    removal = PictureRemoval(model, model.to_input(own), captured.targets[0], int(images[0]))
    turn = in_turn(model, layers)
    subject = _subject(removal, own)
    step = partial(Step, total=len(turn))
    changes = keep_piece(("single deletion in grey", *subject), lambda: _changes(removal, step(turn[0], 0)))
    values = np.full((len(layers), len(ADVICE_MEASURES)), np.nan)
    finite = np.isfinite(maps[0]).all((1, 2))
    single = np.nan_to_num(single_deletion(maps, changes)[0, :, 0])
    orders, known = orders_of(maps[0]), dict[str, NDArray[np.float64]]()
    for done, name in enumerate(turn):
        place = layers.index(name)
        key = array_digest(orders[place])
        if key not in known:  # maps that order the pixels alike have the same numbers
            curves = partial(_insertion_and_road, removal, orders[place], step(name, done))
            known[key] = keep_piece(("insertion and ROAD", *subject, key), curves)
        if finite[place]:
            values[place] = single[place], *known[key]
    return values


def _changes(removal: PictureRemoval, step: Step) -> Changes:
    """What the score loses without each patch, with mid grey: (1, 1, p, q)."""
    subject = removal.model, removal.batch, [removal.target], np.array([removal.image])
    return patch_changes(*subject, fills=("grey",), pixels=PASS_PIXELS, told=lambda _: tell(step))


def _insertion_and_road(removal: PictureRemoval, order: Orders, step: Step) -> NDArray[np.float64]:
    return removal.insertion_and_road(order, lambda share: tell(replace(step, share=share)))


def _subject(removal: PictureRemoval, own: NDArray[np.uint8]) -> tuple[object, ...]:
    """The identity of what is asked about: the network, the picture and the target."""
    target = removal.target.mark if isinstance(removal.target, OwnTarget) else repr(removal.target)
    return removal.model.identity, array_digest(own), removal.image, target


def rows_of_ladder(ladder: LadderRows, layers: Sequence[str]) -> AdviceRows:
    """The same numbers from a ladder that has them: those of its rows that are among these layers."""
    places = [place for place, rung in enumerate(ladder.rungs) if rung.kind == "layer" and rung.name in layers]
    single = ladder.single_deletion[:, places, _GREY]
    insertion, road = ladder.insertion[:, places, _GREY], ladder.road[:, places]
    single = np.where(np.isnan(single) & ~np.isnan(insertion), 0, single)
    names = tuple(ladder.rungs[place].name for place in places)
    values = np.stack([single, insertion, road], axis=2)
    return AdviceRows(ladder.images, names, values, np.ones(values.shape[:2], np.bool_))


# Section: an estimate


def estimated_seconds(request: AdviceRequest) -> float:
    """How long a request may take on this machine as it is now, if nobody drops out, by the fastest of three passes."""
    model = request.model
    height, width = model.input_size
    batch = model.black(max(1, PASS_PIXELS // (height * width)))
    times = []
    for _ in range(3):  # the first is slow, as memory is new
        start = perf_counter()
        model.run_input(batch)
        times.append(perf_counter() - start)
    return max(1.0, request.pictures * min(times) / len(batch) * BESIDE_PASSES)


BESIDE_PASSES = 1.3
"""Beside its passes a measurement fills holes, takes ranks and has a backward pass."""
