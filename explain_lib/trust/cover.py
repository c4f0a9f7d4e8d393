"""A picture with parts covered: the cells of a fixed grid, the short code that an address has of them, and the fills.

Pixels are covered before the network's normalisation, in the numbers of the picture, so that what is shown is what the network
gets.
"""

from string import ascii_lowercase, ascii_uppercase, digits
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import read_only
from explain_lib.trust.fills import blur_fill

CoverFill = Literal["grey", "blur"]
COVER_FILLS: tuple[CoverFill, ...] = get_args(CoverFill)
Cells = NDArray[np.bool_]
"""Which cells are covered, bool (16, 16): 2 x 2 pixels each of a picture of 32, 14 x 14 of one of 224."""

SIDE = 16
GREY = 128
"""Mid grey among whole numbers from 0 to 255; that of the measures is 127.5."""

_LETTERS = ascii_uppercase + ascii_lowercase + digits + "-_"
_BITS = 6
LONGEST_CODE = -(-SIDE * SIDE // _BITS)


def cover_code(cells: Cells) -> str:
    """Cells bool (16, 16) as a code of at most 43 letters.

    Row by row, six cells are a letter of base64url, the first its highest bit. What is behind the last covered cell is left
    out; no covered cell is the empty code.
    """
    bits = np.zeros(LONGEST_CODE * _BITS, np.int64)
    bits[: SIDE * SIDE] = cells.ravel()
    values = bits.reshape(-1, _BITS) @ (1 << np.arange(_BITS - 1, -1, -1))
    return "".join(_LETTERS[value] for value in values.tolist()).rstrip(_LETTERS[0])


def cover_cells(code: str) -> Cells:
    """The cells of a code, bool (16, 16). Raises InputError for a text that is none."""
    values = np.array([_LETTERS.find(letter) for letter in code], np.int64)
    bits = (values[:, None] >> np.arange(_BITS - 1, -1, -1) & 1).ravel()
    if len(code) > LONGEST_CODE or (values < 0).any() or bits[SIDE * SIDE :].any():
        raise InputError(
            f"cover: {code[:LONGEST_CODE]!r}; at most {LONGEST_CODE} letters, digits, - and _, six cells of {SIDE} x {SIDE} "
            "each, would be right"
        )
    cells = np.zeros(SIDE * SIDE, np.bool_)
    cells[: len(bits)] = bits[: SIDE * SIDE] == 1
    return read_only(cells.reshape(SIDE, SIDE))


def covered_pixels(size: tuple[int, int], cells: Cells) -> NDArray[np.bool_]:
    """Which pixels of a picture of that size (H, W) are covered, bool (H, W): pixel y is of row floor(16 y / H)."""
    rows, columns = (np.arange(pixels) * SIDE // pixels for pixels in size)
    return np.asarray(cells[np.ix_(rows, columns)])


def cover_picture(picture: NDArray[np.uint8], cover: str, fill: CoverFill = "grey") -> NDArray[np.uint8]:
    """A picture uint8 (H, W, C) with some of its 16 x 16 cells covered, of the same shape.

    cover: the code of the cells, see cover_code. fill: "grey" for 128 of 255 in every channel, or "blur" for the whole picture
    blurred by a Gaussian of 11 x 11 pixels and deviation 5, as in the measures of faithfulness, to whole numbers. Raises
    InputError for another picture, code or fill.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or 0 in picture.shape:
        raise InputError("picture: a picture uint8 (H, W, C) would be right")
    if fill not in COVER_FILLS:
        raise InputError(f"fill: {fill!r}; one of {', '.join(COVER_FILLS)} would be right")
    hidden = covered_pixels((picture.shape[0], picture.shape[1]), cover_cells(cover))
    if not hidden.any():
        return read_only(picture)
    return read_only(np.where(hidden[..., None], np.uint8(GREY) if fill == "grey" else _blurred(picture), picture))


def _blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    batch = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32))
    blurred = blur_fill(batch)[0].numpy().transpose(1, 2, 0)
    return np.asarray(np.rint(blurred).clip(0, 255), np.uint8)
