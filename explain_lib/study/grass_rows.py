"""The measurements behind the guess on grass, frog by frog: maps beside outlines, and pictures covered and pasted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.run_context import remembered
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.requests import ImageRows, Progress
from explain_lib.passes.tasks import values_of
from explain_lib.pictures.dataset import CLASSES
from explain_lib.pictures.pixels import check_positions
from explain_lib.study.covers import COVERS, Cover, covered, equal_parts
from explain_lib.study.outlines import find_outlines, outline_masks
from explain_lib.study.rows import SplitRequest, guess_layers, hooked_layer, placed_maps
from explain_lib.study.rules import GREEN_HUES, GREEN_SATURATION, GREEN_VALUE

FROG = CLASSES.index("frog")
ANIMALS = tuple(CLASSES.index(name) for name in ("bird", "cat", "deer", "dog", "horse"))
"""The classes of other animals."""
ANIMAL_PICTURES = 1000
"""The other animals are among the first so many test images of these classes."""
_MAINLY = 0.5

Pixels = NDArray[np.uint8]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class GrassRows(ImageRows):
    """Maps and probabilities of the class, one row per frog, K of them; L layers, and Q covers, those of COVERS.

    images: int64 (K,), positions in the set. green: bool (K,), whether the frog's background is mainly green. area: float64
    (K,), the background's share of the picture. layers: names; hooked: that of the verdict. share, other_share: float64 (K, L),
    the share of the map's sum outside the frog's outline, less that share of the area, and the same with another frog's
    outline; NaN for a map that is zero everywhere or not finite. The rest are probabilities of the class, float64. whole: (K,),
    in the picture as it is. frog_covered, background_covered: (K, Q), with parts of equal area covered. own_background,
    other_background: (K, Q), in the frog's picture and in another animal's, the objects of both covered in both. frog_on_green,
    frog_elsewhere, animal_on_green, animal_elsewhere: (K, Q), of the frog and of another animal, pasted onto backgrounds.
    """

    images: NDArray[np.int64]
    green: NDArray[np.bool_]
    area: NDArray[np.float64]
    layers: tuple[str, ...]
    hooked: str
    share: NDArray[np.float64]
    other_share: NDArray[np.float64]
    whole: NDArray[np.float64]
    frog_covered: NDArray[np.float64]
    background_covered: NDArray[np.float64]
    own_background: NDArray[np.float64]
    other_background: NDArray[np.float64]
    frog_on_green: NDArray[np.float64]
    frog_elsewhere: NDArray[np.float64]
    animal_on_green: NDArray[np.float64]
    animal_elsewhere: NDArray[np.float64]

    @property
    def where(self) -> NDArray[np.float64]:
        """The background's share of the map beyond its area, less the same with another frog's outline: float64 (K, L)."""
        return self.share - self.other_share

    @property
    def preference(self) -> NDArray[np.float64]:
        """The probability with the frog covered minus that with as much of the background covered: float64 (K, Q)."""
        return self.frog_covered - self.background_covered

    @property
    def on_green(self) -> NDArray[np.float64]:
        """What green backgrounds add to pasted frogs, then to pasted other animals: float64 (2, K, Q)."""
        return np.stack([self.frog_on_green - self.frog_elsewhere, self.animal_on_green - self.animal_elsewhere])

    @property
    def use(self) -> NDArray[np.float64]:
        """The probability with a frog's background alone minus that with another animal's, covers alike: float64 (K, Q)."""
        return self.own_background - self.other_background


@dataclass(frozen=True)
class Casts:
    """Who stands beside each of K frogs: positions in the set, int64 (K,) each.

    others: the frogs whose outlines are the controls. animals: other animals. green, elsewhere: pictures of still other
    animals, whose backgrounds are mainly green, and are not.
    """

    others: NDArray[np.int64]
    animals: NDArray[np.int64]
    green: NDArray[np.int64]
    elsewhere: NDArray[np.int64]


def is_green(pixels: Pixels, masks: Masks) -> NDArray[np.bool_]:
    """Whether the background, outside the objects bool (N, H, W), is mainly green in pictures uint8 (N, H, W, 3): bool (N,).

    Green: hues of 70 to 170 degrees; see GREEN_HUES. Mainly: over half of the background's pixels.
    """
    found = np.zeros(len(pixels), bool)
    for place, (picture, mask) in enumerate(zip(pixels, masks, strict=True)):
        hue, saturation, value = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[~mask].T.astype(int).reshape(3, -1)
        within = (hue >= GREEN_HUES[0]) & (hue <= GREEN_HUES[1])
        green = within & (saturation >= GREEN_SATURATION) & (value >= GREEN_VALUE)
        found[place] = len(green) > 0 and green.mean() > _MAINLY
    return found


def cast_frogs(pixels: Pixels, labels: NDArray[np.int64], frogs: NDArray[np.int64]) -> Casts:
    """Who stands beside frogs with usable outlines, at least two: the next frog, and in turn the first other animals of the
    set.

    Raises InputError if the set has no other animals with usable outlines, before green and before other backgrounds.
    """
    candidates = np.flatnonzero(np.isin(labels, ANIMALS))[:ANIMAL_PICTURES]
    animals = candidates
    if len(candidates):
        animals = candidates[find_outlines(pixels[candidates]).usable]
    green = is_green(pixels[animals], outline_masks(pixels[animals])) if len(animals) else np.zeros(0, bool)
    if green.sum() < 2 or (~green).sum() < 2:
        raise InputError(
            f"pixels: {green.sum()} other animals before green and {(~green).sum()} before other backgrounds, with usable "
            "outlines; at least two of each would be right"
        )
    stand = np.resize(animals, len(frogs))
    return Casts(np.roll(frogs, -1), stand, _in_turn(animals[green], stand), _in_turn(animals[~green], stand))


def _in_turn(candidates: NDArray[np.int64], stand: NDArray[np.int64]) -> NDArray[np.int64]:
    """The candidates in turn, never the picture that stands there: an animal pasted onto its own background is no change."""
    turns = np.resize(np.arange(len(candidates)), len(stand))
    return np.asarray(np.where(candidates[turns] == stand, candidates[(turns + 1) % len(candidates)], candidates[turns]))


def find_frogs(
    labels: NDArray[np.int64], images: Sequence[int] | NDArray[np.int64], true_class: int = FROG
) -> NDArray[np.int64]:
    """The images of that class, int64 (K,), in their order; K may be 0. Raises InputError for other positions."""
    chosen = check_positions(images, len(labels))
    return np.asarray(chosen[labels[chosen] == true_class])


@dataclass(frozen=True, eq=False)
class GrassRequest(SplitRequest[GrassRows]):
    """Maps and pictures of K frogs of a set in memory, covered and pasted along outlines.

    others, animals, green, elsewhere: those of Casts. true_class: the class of the frogs, which is explained. Map: ReLU,
    enlarged bilinearly with each cell where it looks. The other errors are those of grad_cam.
    """

    others: NDArray[np.int64]
    animals: NDArray[np.int64]
    green: NDArray[np.int64]
    elsewhere: NDArray[np.int64]
    true_class: int = FROG

    per_image: ClassVar[tuple[str, ...]] = ("images", "others", "animals", "green", "elsewhere")

    @property
    def asked(self) -> tuple[object, ...]:
        beside = (self.others, self.animals, self.green, self.elsewhere)
        return "grass", self.true_class, *(np.asarray(one).tolist() for one in beside)

    def compute(self) -> GrassRows:
        model, layers, own = self.model, guess_layers(self.model), self.pixels[self.images]
        captured = capture_layers(model, own, layers, self.true_class)
        process = PostProcess(model, captured.layers)
        maps = [placed_maps(process, layer) for layer in layers]
        masks, others = (outline_masks(self.pixels[which]) for which in (self.images, self.others))
        share, other_share = (np.stack([_beyond(one, which) for one in maps], axis=1) for which in (masks, others))
        asked = [self._asked(own, masks, cover) for cover in COVERS]
        by_cover = {name: np.stack([one[name] for one in asked], axis=1) for name in asked[0]}
        whole = self._probability(own)
        green, area = is_green(own, masks), 1 - masks.mean((1, 2))
        return GrassRows(self.images, green, area, layers, hooked_layer(model), share, other_share, whole, **by_cover)

    def _asked(self, own: Pixels, masks: Masks, cover: Cover) -> dict[str, NDArray[np.float64]]:
        """The probabilities with one cover, by the rows' fields."""
        animals, green, elsewhere = (self.pixels[which] for which in (self.animals, self.green, self.elsewhere))
        of_animals, of_green, of_elsewhere = map(outline_masks, (animals, green, elsewhere))
        frog, background = equal_parts(masks)
        both = masks | of_animals
        on_green, on_other = covered(green, of_green, cover), covered(elsewhere, of_elsewhere, cover)
        shown = {
            "frog_covered": covered(own, frog, cover),
            "background_covered": covered(own, background, cover),
            "own_background": covered(own, both, cover),
            "other_background": covered(animals, both, cover),
            "frog_on_green": _pasted(own, masks, on_green),
            "frog_elsewhere": _pasted(own, masks, on_other),
            "animal_on_green": _pasted(animals, of_animals, on_green),
            "animal_elsewhere": _pasted(animals, of_animals, on_other),
        }
        return {name: self._probability(pictures) for name, pictures in shown.items()}

    def _probability(self, pictures: Pixels) -> NDArray[np.float64]:
        return np.asarray(values_of(self.model.predict(pictures), self.model.task)[:, self.true_class], np.float64)


def _pasted(pictures: Pixels, masks: Masks, grounds: Pixels) -> Pixels:
    return np.where(masks[..., None], pictures, grounds)


def _beyond(maps: NDArray[np.float32], masks: Masks) -> NDArray[np.float64]:
    return np.asarray(share_outside(maps, masks) - (1 - masks.mean((1, 2))))


def share_outside(maps: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of the sum of each map (N, H, W) outside the outline: (N,); NaN if the sum is 0 or not finite."""
    total = maps.sum((1, 2), dtype=np.float64)
    outside = np.where(masks, np.float32(0), maps).sum((1, 2), dtype=np.float64)
    some = np.isfinite(total) & (total > 0)
    return np.asarray(np.divide(outside, total, out=np.full(len(maps), np.nan), where=some))


@remembered(parts=True)
def grass_rows(
    model: Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Sequence[int] | NDArray[np.int64],
    *,
    true_class: int = FROG,
    progress: Progress = None,
) -> GrassRows:
    """Maps and pictures of the frogs that have a usable outline, covered and pasted; see GrassRequest.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. labels: int64 (N,). images: positions in the set;
    those of the true class count, at least two. progress: called with frogs done and frogs in all, at the start and
    after each batch of 200. Raises InputError for other labels, if there are fewer frogs, and as cast_frogs does.
    """
    return grass_request(model, pixels, labels, images, true_class).all_rows(progress)


def grass_request(
    model: Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Sequence[int] | NDArray[np.int64],
    true_class: int = FROG,
) -> GrassRequest:
    """What grass_rows asks, of all frogs with a usable outline among the images. Arguments and errors as there."""
    check_model(model).check_pixels(pixels)
    if labels.shape != (len(pixels),):
        raise InputError(f"labels: the shape is {labels.shape}; ({len(pixels)},), one for each picture, would be right")
    frogs = find_frogs(labels, images, true_class)
    if len(frogs):
        frogs = frogs[find_outlines(pixels[frogs]).usable]
    if len(frogs) < 2:
        raise InputError(f"images: {len(frogs)} of class {true_class} with a usable outline; at least two would be right")
    cast = cast_frogs(pixels, labels, frogs)
    return GrassRequest(model, pixels, frogs, cast.others, cast.animals, cast.green, cast.elsewhere, true_class)
