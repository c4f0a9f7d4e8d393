"""Outlines of the object in the middle of a picture, by GrabCut (Rother, Kolmogorov and Blake 2004) from several starts.

Held beside 100 outlines that were drawn by hand, ten of each class (data/drawn_outlines.png): see tests and README.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE, write_whole
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import checkpoint, remembered
from explain_lib.pictures.dataset import FOLDER
from explain_lib.pictures.pixels import check_pictures

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

TIMES = 4
"""How often pixels are repeated first. GrabCut's fixed cost of a long outline suits larger pictures: on 32 x 32 pixels it
leaves three outlines in four empty."""
LEAST_SHARE, MOST_SHARE = 0.08, 0.85
"""An outline with a smaller or larger share of the picture is degenerate: the given square in the middle is 6 % of it, and
everything within the edge 88 %."""
LEAST_AGREEMENT = 0.8
"""Of the outline with those from other starts: below that, one start is as good a guess as another."""
BUNDLED = FOLDER / "test_outlines.npz"
"""The outlines of the CIFAR-10 test images, found once."""
_NO_RECTANGLE = (0, 0, 1, 1)  # GrabCut requires one although the labels say everything


@dataclass(frozen=True)
class Start:
    """What GrabCut is told beforehand: shares of the sides, of 32 pixels.

    margin: what is left free around the part that is probably object. middle: the side of the part that surely is. round:
    whether these parts are ellipses. lab: whether colours are told apart in CIE L*a*b*. passes: of GrabCut.
    """

    margin: int
    middle: int
    round: bool = False
    lab: bool = False
    passes: int = 1


STARTS = (Start(3, 8, passes=3), Start(1, 12, round=True), Start(3, 8, lab=True), Start(5, 10), Start(2, 14, True, True))
"""The first gives the outline, the others tell how far it depends on the start."""


@dataclass(frozen=True)
class Outlines(Frozen):
    """The object in the middle of each of N pictures.

    masks: bool (N, H, W), True on the object. agreement: float32 (N,) in [0, 1], the mean intersection over union of the
    outline with those from other starts.
    """

    masks: NDArray[np.bool_]
    agreement: NDArray[np.float32]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether the outline is neither almost empty nor almost everything, and much the same from every start: bool (N,)."""
        shares = self.masks.mean((1, 2))
        whole = (shares >= LEAST_SHARE) & (shares <= MOST_SHARE)
        return np.asarray(whole & (self.agreement >= LEAST_AGREEMENT))


@remembered()
def find_outlines(pixels: Picture) -> Outlines:
    """The object in the middle of each picture uint8 (N, H, W, 3).

    OpenCV's GrabCut on the picture with each pixel repeated 4 x 4 times, three passes. It is told that the outermost pixels
    are background, that the middle quarter of either side (8 x 8 of 32 x 32 pixels) is object, and that the rest of a centred
    rectangle, which leaves 3 of 32 pixels free on each side, probably is. The pieces of the result that touch the middle count.
    Then again from four other starts; see STARTS. The same picture gives the same outline. About 170 ms for a picture of
    32 x 32; those of the CIFAR-10 test images are bundled.

    Raises InputError for other pixels, and for pictures of less than 8 x 8; DataError if the bundled file is damaged.
    """
    check_pictures(pixels, 8, rgb=True)
    masks, agreement = np.zeros(pixels.shape[:3], dtype=bool), np.zeros(len(pixels), np.float32)
    known = _bundled() if pixels.shape[1:3] == (32, 32) else {}
    for place, picture in enumerate(pixels):
        found = known.get(_key(picture)) or _found(picture)
        masks[place] = np.unpackbits(found[0])[: picture[..., 0].size].reshape(masks.shape[1:])
        agreement[place] = found[1]
    return Outlines(masks, agreement)


def outline_masks(pixels: Picture) -> NDArray[np.bool_]:
    """The masks of find_outlines, usable or not: bool (N, H, W)."""
    return find_outlines(pixels).masks


def _found(picture: Picture) -> tuple[NDArray[np.uint8], float]:
    """The outline of a picture, as bits, and its agreement with those from other starts."""
    checkpoint()
    first, *others = (_outline(picture, start) for start in STARTS)
    return np.packbits(first), float(np.mean([intersection_over_union(first, other) for other in others]))


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Of two masks of the same shape, in [0, 1]; 1 for two that are empty."""
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else 1.0


def _outline(picture: Picture, start: Start) -> Mask:
    beforehand = _beforehand(start, *picture.shape[:2])
    labels, shown = _repeat(beforehand), cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) if start.lab else picture
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))  # GrabCut's colour models, which it fills
    cv2.setRNGSeed(0)
    cv2.grabCut(
        _repeat(np.asarray(shown, np.uint8)), labels, _NO_RECTANGLE, background, foreground, start.passes, cv2.GC_INIT_WITH_MASK
    )
    height, width = picture.shape[:2]
    objects = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).reshape(height, TIMES, width, TIMES).mean((1, 3)) >= 0.5
    _, pieces = cv2.connectedComponents(objects.astype(np.uint8), connectivity=4)
    middle = np.unique(pieces[_beforehand(STARTS[0], height, width) == cv2.GC_FGD])
    return np.isin(pieces, middle[middle > 0])


@cache
def _beforehand(start: Start, height: int, width: int) -> NDArray[np.uint8]:
    """The labels of the pixels that GrabCut starts from, (H, W)."""
    told = np.full((height, width), cv2.GC_PR_BGD, dtype=np.uint8)
    for free, word in ((start.margin, cv2.GC_PR_FGD), (16 - start.middle / 2, cv2.GC_FGD)):
        told[_centred(free / 32, height, width, start.round)] = word
    told[[0, -1]] = told[:, [0, -1]] = cv2.GC_BGD
    return told


def _centred(free: float, height: int, width: int, is_round: bool) -> Mask:
    """A rectangle, or the ellipse in it, that leaves so large a share of the sides free at either end."""
    down, across = (np.abs((np.arange(side) + 0.5) / side - 0.5) / (0.5 - free) for side in (height, width))
    if is_round:
        return np.asarray(down[:, None] ** 2 + across**2 <= 1)
    return np.asarray((down[:, None] <= 1) & (across <= 1))


def _repeat(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return values.repeat(TIMES, 0).repeat(TIMES, 1)


# Section: the bundled outlines


def _key(picture: Picture) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(picture).tobytes(), digest_size=8).digest()


@cache
def _bundled() -> dict[bytes, tuple[NDArray[np.uint8], float]]:
    """The outline, as bits, and the agreement of each test image, by its key."""
    try:
        with np.load(BUNDLED, allow_pickle=False) as file:
            keys, bits, agreement = file["keys"], file["bits"], file["agreement"]
        return {key.tobytes(): (mask, float(one)) for key, mask, one in zip(keys, bits, agreement, strict=True)}
    except (*UNREADABLE, BadZipFile) as error:
        raise DataError(f"{BUNDLED.name} cannot be read ({error}); restore it") from error


def write_outlines(pixels: Picture, path: Path) -> None:
    """Find the outlines of pictures uint8 (N, 32, 32, 3) anew, whatever is bundled, and write them as BUNDLED has them.

    Shows its progress. Raises DataError if the file cannot be written.
    """
    found = [_found(picture) for picture in tqdm(pixels, desc="outlines", unit="picture")]
    keys = np.array([np.frombuffer(_key(picture), np.uint8) for picture in pixels])
    file = BytesIO()
    bits, agreement = np.array([bits for bits, _ in found]), np.array([one for _, one in found], np.float32)
    np.savez_compressed(file, allow_pickle=False, keys=keys, bits=bits, agreement=agreement)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path.parent} cannot be made ({error}); name another folder") from error
    write_whole(path, file.getvalue())
