"""Picture files of any number of channels: RGB with transparency, TIFF of several pages or bands, arrays of NumPy.

Volumes are animations, TIFF of several pages, and arrays; signals are arrays and tables.

Numbers of more than 8 bits are brought to 8 by a window, the same for all channels; see own_window.
"""

import re
import zipfile
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, InputError
from explain_lib.pictures.channels import grey, shown
from explain_lib.pictures.files import (
    MAX_BYTES,
    MAX_PIXELS,
    UNREADABLE,
    Window,
    check_content,
    fit_picture,
    grey_window,
    is_picture,
    one_at_a_time,
    own_window,
    read_alpha,
    read_frames,
    read_pages,
    read_picture,
    read_thumbnail,
    windowed,
)
from explain_lib.pictures.rendering import Picture

ARRAY_SUFFIXES = (".npy", ".npz")
UNPACKED = 8
"""How much larger than the largest file the arrays in a packed one may be."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RIGHT = "(H, W), (H, W, channels) or (channels, H, W) would be right"

Values = NDArray[np.generic]


def read_bands(content: bytes, channels: int, window: Window | None = None) -> Picture:
    """The picture in a file for a network of so many channels, uint8 (H, W, channels), upright.

    RGB for three, its grey for one; more come from files that hold them: RGB with transparency, TIFF with as many pages or
    bands, .npy and .npz with one array (H, W, channels) or (channels, H, W). window: for numbers of more than 8 bits, None for
    their own range, which is 0 to 1 for fractions that lie in it.

    Raises InputError for a file of another number of channels, and otherwise as read_picture does.
    """
    values = _values(content, channels)
    if values is not None:
        return _eight_bit(values, window)
    if channels == 4:
        return read_alpha(content)
    picture = read_picture(content, window)
    return picture if channels == 3 else grey(picture)


def bands_window(content: bytes, channels: int) -> Window | None:
    """The window that read_bands takes by itself; None for a file of 8 bits. Raises as read_bands does."""
    values = _values(content, channels)
    if values is None:
        return None if channels == 4 else grey_window(content)
    return None if values.dtype == np.uint8 else _range_of(values)


def window_ends(window: Window) -> tuple[str, str]:
    """The ends of a window in words, as "12" and "3,960", or "0.25"."""
    low, high = (f"{int(end):,}" if end == int(end) else str(round(end, 4)) for end in window)
    return low, high


def preview_picture(content: bytes) -> Picture:
    """What can be shown of a file, whatever its channels: RGB uint8 (H, W, 3). Raises as read_picture does."""
    if not _is_array(content) and not _has_many_bands(content):
        return read_picture(content) if is_picture(content) or not _holds_table(content) else _drawn(_signal(content))
    read = _array(content) if _is_array(content) else _tiff(content)
    if read.ndim == 1:
        return _drawn(_signal(content))
    if read.ndim == 4:  # a volume, of which the middle slice is shown
        read = read[len(read) // 2]
    return shown(_eight_bit(_checked(read), None))


def preview_thumbnail(content: bytes, side: int) -> Picture:
    """The middle square of preview_picture, uint8 (side, side, 3); quick for a JPEG."""
    if _is_array(content) or content.startswith(_TIFF) or not is_picture(content):
        return fit_picture(preview_picture(content), (side, side))
    return read_thumbnail(content, side)


def _values(content: bytes, channels: int) -> Values | None:
    """The numbers (H, W, channels) in an array or in a TIFF of several channels; None for other pictures."""
    check_content(content)
    if _is_array(content):
        return _arranged(_array(content), channels)
    if channels in (1, 3):
        return None
    if not content.startswith(_TIFF):
        if channels == 4:
            return None
        raise InputError(
            f"picture: it has three channels at most, or four; a TIFF, .npy or .npz with {channels} would be right"
        )
    return _arranged(_tiff(content), channels)


def _is_array(content: bytes) -> bool:
    return content.startswith((b"\x93NUMPY", b"PK\x03\x04"))


def _array(content: bytes) -> Values:
    try:
        with one_at_a_time():
            if content.startswith(b"PK"):
                return _packed(content)
            return np.asarray(np.load(BytesIO(content), allow_pickle=False))
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        raise DataError("picture: the array is damaged or holds objects; numbers written by np.save would be right") from error


def _packed(content: bytes) -> Values:
    with zipfile.ZipFile(BytesIO(content)) as held:
        if sum(one.file_size for one in held.infolist()) > UNPACKED * MAX_BYTES:
            raise InputError(f"picture: the file unpacks to more than {UNPACKED * MAX_BYTES // 2**20} MB; less would be right")
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        if len(arrays.files) != 1:
            raise InputError(f"picture: the file holds {len(arrays.files)} arrays; one would be right")
        return np.asarray(arrays[arrays.files[0]])


def _has_many_bands(content: bytes) -> bool:
    """Whether a TIFF has pages of more than four bands, which Pillow does not decode."""
    if not content.startswith(_TIFF):
        return False
    import tifffile  # rarely needed

    try:
        with tifffile.TiffFile(BytesIO(content)) as file:
            return bool(file.pages.first.samplesperpixel > 4)
    except (*UNREADABLE, tifffile.TiffFileError):
        return False  # read_picture says what is wrong


def _tiff(content: bytes) -> Values:
    """The pages of a TIFF as (pages, H, W), or its bands as they are laid out."""
    import tifffile  # rarely needed

    try:
        with one_at_a_time(), tifffile.TiffFile(BytesIO(content)) as file:
            if any(series.nbytes > UNPACKED * MAX_BYTES for series in file.series):
                raise InputError(f"picture: it unpacks to more than {UNPACKED * MAX_BYTES // 2**20} MB; less would be right")
            return np.asarray(file.asarray())
    except (*UNREADABLE, tifffile.TiffFileError) as error:
        pages = [] if _has_many_bands(content) else read_pages(content)  # Pillow unpacks what tifffile alone does not
        if len(pages) > 1 and len({page.shape for page in pages}) == 1 and pages[0].ndim == 2:
            return np.stack(pages)
        raise DataError(
            "picture: the TIFF is damaged, or has a compression that cannot be read here; one without compression would be "
            "right"
        ) from error


def _arranged(values: Values, channels: int) -> Values:
    """Numbers as (H, W, channels). RGB of one byte each becomes grey for one channel, and one channel is repeated for three."""
    checked = _checked(values)
    found = checked.shape[2]
    if found == channels:
        return checked
    if values.ndim == 3 and values.shape[0] == channels:  # few rows were taken for channels, or the other way round
        return np.ascontiguousarray(np.moveaxis(values, 0, 2))
    if values.ndim == 3 and values.shape[2] == channels:
        return np.ascontiguousarray(values)
    if (found, channels) == (1, 3):
        return np.repeat(checked, 3, axis=2)
    if (found, channels) == (3, 1) and checked.dtype == np.uint8:
        return grey(checked.astype(np.uint8))
    raise InputError(f"picture: it has {found} channel{'' if found == 1 else 's'}; {channels} would be right")


def _checked(values: Values) -> Values:
    """Numbers as (H, W, channels): the channels are the shorter of the first and the last axis."""
    if values.ndim not in (2, 3) or values.size == 0 or values.dtype.kind not in "buif":
        raise InputError(f"picture: an array of shape {values.shape} and {values.dtype}; numbers of shape {_RIGHT}")
    if values.shape[-2] * values.shape[-1] > MAX_PIXELS * 4 or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise InputError("picture: it contains NaN or infinity, or too many numbers; fewer, and finite ones, would be right")
    if values.dtype.kind == "b":
        values = values.astype(np.uint8) * np.uint8(255)
    if values.ndim == 2:
        return values[:, :, None]
    return values if values.shape[2] <= values.shape[0] else np.ascontiguousarray(np.moveaxis(values, 0, 2))


def _eight_bit(values: Values, window: Window | None) -> Picture:
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    return windowed(values, window or _range_of(values))


def _range_of(values: Values) -> Window:
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return own_window(values)


# Section: volumes and signals

TABLE_SUFFIXES = (".csv",)
_VOLUME = (
    "an animated GIF, a TIFF of several pages, or an .npy of shape (slices, H, W) or (slices, H, W, channels), would be right"
)
_SIGNAL = "an .npy of shape (samples,) or (samples, channels), or a .csv with a line a sample, would be right"


def read_volume(content: bytes, channels: int, slices: int, window: Window | None = None) -> Picture:
    """The volume in a file for a network of so many channels, uint8 (slices, H, W, channels), of the file's height and width.

    Of more slices in the file as many are taken, evenly over all; of fewer some are repeated; a still picture is every slice.
    Colours become grey for one channel, grey is repeated for three. window: as for read_bands, one for all slices.

    Raises InputError for another kind of file, and otherwise as read_bands does.
    """
    found = _volume(content)
    if found is None:
        return np.repeat(read_bands(content, channels, window)[None], slices, axis=0)
    values = found if found.ndim == 4 else found[..., None]
    chosen = values[((np.arange(slices) + 0.5) * len(values) / slices).astype(int)]
    eight = _eight_bit(chosen, window or (None if values.dtype == np.uint8 else _range_of(values)))
    count = eight.shape[3]
    if count == channels:
        return eight
    if (count, channels) == (1, 3):
        return np.repeat(eight, 3, axis=3)
    if (count, channels) == (3, 1):
        return grey(eight)
    raise InputError(f"picture: its slices have {count} channel{'' if count == 1 else 's'}; {channels} would be right")


def read_signal(content: bytes, channels: int, samples: int, window: Window | None = None) -> Picture:
    """The signal in a file, uint8 (1, samples, channels): its numbers in 256 steps between the ends of a window.

    Of another length it is resampled linearly, from the first sample to the last. window: None for all of the file's own range,
    0 to 1 for fractions that lie in it; whole numbers of 8 bits stay as they are.

    Raises InputError for another kind of file or another number of channels, DataError for a damaged one.
    """
    values = _signal(content)
    if values.shape[1] != channels:
        many = "channel" if values.shape[1] == 1 else "channels"
        raise InputError(f"picture: the signal has {values.shape[1]:,} {many}; {channels} would be right")
    if window is None:
        window = (0.0, 255.0) if values.dtype == np.uint8 else _span_of(values)
    if len(values) != samples:
        places = np.linspace(0, len(values) - 1, samples)
        values = np.stack([np.interp(places, np.arange(len(values)), line) for line in values.T], axis=1)
    return _eight_bit(values, window)[None]


def _volume(content: bytes) -> Values | None:
    """The slices in a file, (slices, H, W) or (slices, H, W, channels); None for a still picture."""
    check_content(content)
    if _is_array(content):
        values = _array(content)
        if values.ndim not in (3, 4) or values.size == 0 or values.dtype.kind not in "buif":
            raise InputError(f"picture: an array of shape {values.shape} and {values.dtype}; {_VOLUME}")
        values = values.astype(np.uint8) * np.uint8(255) if values.dtype.kind == "b" else values
        return _finite(values)
    if content.startswith(_TIFF):
        values = _tiff(content)
        return _finite(values) if values.ndim == 4 or (values.ndim == 3 and values.shape[2] > 4) else None
    frames = read_frames(content)
    return frames if len(frames) > 1 else None


def _signal(content: bytes) -> Values:
    """The numbers in a file, (samples, channels)."""
    check_content(content)
    if _is_array(content):
        values = _array(content)
    elif content.startswith(_TIFF) or is_picture(content):
        raise InputError(f"picture: a picture, and this network takes signals; {_SIGNAL}")
    else:
        values = _table(content)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "buif" or values.size > MAX_PIXELS:
        raise InputError(f"picture: an array of shape {values.shape} and {values.dtype}; {_SIGNAL}")
    return _finite(values if values.dtype == np.uint8 else values.astype(np.float64))


def _span_of(values: Values) -> Window:
    """The whole range of a signal, whose peaks count; 0 to 1 for fractions that lie in it."""
    low, high = float(values.min()), float(values.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high if high > low else low + 1)


def _table(content: bytes) -> Values:
    """The numbers of a table with commas, semicolons, tabs or spaces between; a first line of names is left out."""
    try:
        lines = [_cells_of(line) for line in content.decode("utf-8-sig").splitlines() if line.strip()]
        first = lines[0] if lines and all(map(_is_number, lines[0])) else None
        return np.array(lines if first else lines[1:], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"picture: this is no table of numbers with as many in each line; {_SIGNAL}") from error


def _holds_table(content: bytes) -> bool:
    """Whether a file begins with a line of numbers, or has one below a line of names."""
    check_content(content)
    lines = content[:4096].removeprefix(b"\xef\xbb\xbf").decode("latin-1").splitlines()[:2]
    return any(all(map(_is_number, _cells_of(line))) for line in lines)


def _cells_of(line: str) -> list[str]:
    return re.split(r"[,;\t ]+", line.strip())


def _drawn(values: Values) -> Picture:
    """A signal (samples, channels) as white lines on black, in a picture of no more than 160 columns."""
    columns = min(160, len(values))
    picture = np.zeros((96, columns, 3), np.uint8)
    parts = np.array_split(values, columns)
    low, high = float(values.min()), float(values.max())
    for column, part in enumerate(parts):
        ends = ((high - np.array([part.min(), part.max()])) / (high - low or 1) * 95).round().astype(int)
        picture[ends[1] : ends[0] + 1, column] = 255
    return picture


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _finite(values: Values) -> Values:
    if values.size > UNPACKED * MAX_BYTES or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise InputError("picture: it contains NaN or infinity, or too many numbers; fewer, and finite ones, would be right")
    return values
