"""Picture files from outside: read or refused, converted to 8-bit sRGB, and fitted to the input size of a network.

Pictures are uint8 (H, W, 3), RGB; read_bands in the module bands reads files of other numbers of channels. One file is decoded
at a time, so that many readers at once need the memory of one.
"""

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageSequence, UnidentifiedImageError
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TILELENGTH, TILEWIDTH, TiffImageFile

from explain_lib.base import files
from explain_lib.base.errors import DataError, InputError
from explain_lib.base.memory import enough_memory
from explain_lib.pictures.rendering import Picture, open_picture

MAX_PIXELS = 20_000_000
"""The most pixels of a picture, checked in the header of the file before anything is decoded."""
MAX_BYTES = 20 * 2**20
"""The most bytes of a file."""

Fit = Literal["crop", "inner", "pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
INNER = 256 / 224
"""How much larger than the size a picture is made before its middle is cut out, as torchvision's presets do it at 224."""

Window = tuple[float, float]
"""The numbers of a file of more than 8 bits that become black and white; what lies outside is cut."""

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff")
_RIGHT = "a JPEG, PNG, WebP, AVIF, GIF or TIFF file would be right"
_REFUSED = {"I": "32-bit or signed whole numbers", "F": "floating-point numbers", "LAB": "CIELAB colours"}
"""Numbers without a known range on a screen, by Pillow's mode."""
_MEGAPIXELS = f"at most {MAX_PIXELS // 1_000_000} megapixels would be right"

UNREADABLE = (*files.UNREADABLE, SyntaxError, AssertionError, ArithmeticError, zlib.error)
"""The exceptions of Pillow for a file that is damaged or cut short."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The inverse of each EXIF orientation. ImageOps.exif_transpose also rewrites the EXIF data, and fails if they are odd."""

_decoding = threading.Lock()


def read_picture(content: bytes, window: Window | None = None) -> Picture:
    """The first picture in a JPEG, PNG, WebP, AVIF, GIF or TIFF file, uint8 (H, W, 3), RGB in sRGB, upright.

    The EXIF orientation is followed if it can be read. For transparency, CMYK and profiles see srgb. window: for greys of 12 or
    16 bits, in the numbers of the file; None for their own range, see own_window.

    Raises InputError for an empty file, another kind of file, one of more than MAX_BYTES or MAX_PIXELS, and numbers without a
    known range (32 bits, floating point, CIELAB); DataError for a file that is damaged or cut short; TooLargeError if there
    is not enough memory.
    """
    with one_at_a_time():
        return np.array(_decode(content, None, window), dtype=np.uint8)


def grey_window(content: bytes) -> Window | None:
    """The own window of a file of 12-bit or 16-bit greys, see own_window; None for other files. Raises as read_picture does."""
    with one_at_a_time(), _readable(content) as image:
        if not image.mode.startswith("I;16"):
            return None
        image.load()
        return own_window(*_deep_greys(image))


def read_thumbnail(content: bytes, side: int) -> Picture:
    """The middle square of a picture, resized to uint8 (side, side, 3); quick for a JPEG, which is decoded at a reduced size.

    Raises as read_picture does.
    """
    with one_at_a_time():
        return _fitted(_decode(content, 2 * side, None), (side, side), "crop")


def fit_picture(picture: Picture, size: tuple[int, int], fit: Fit = "crop") -> Picture:
    """A picture of any size as a network of input size (height, width) sees it: uint8 (height, width, C).

    crop: the picture fills the size, and its middle is kept. inner: as crop, of a picture made 8/7 as large, for 224 pixels
    Resize(256) and CenterCrop(224). pad: all of it, between black bars. stretch: all of it, without its proportions. Resized
    bilinearly with antialiasing, as by torchvision's Resize on PIL images; for a square, crop is Resize(side) and
    CenterCrop(side). A picture of that size is returned unchanged, but by inner.

    Raises InputError for anything but a picture uint8 (H, W, C), a size and a fit.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3:
        raise InputError("picture: not a picture; a NumPy array, uint8 of shape (H, W, 3), would be right")
    if picture.size == 0 or min(size) < 1:
        raise InputError(f"size: from {picture.shape[:2]} to {size}; at least one pixel on each side would be right")
    if fit not in FITS:
        raise InputError(f"fit: {fit!r}; one of {', '.join(FITS)} would be right")
    if picture.shape[:2] == tuple(size) and fit != "inner":
        return picture
    if picture.shape[2] == 3:
        return _fitted(Image.fromarray(picture), size, fit)
    bands = [Image.fromarray(np.ascontiguousarray(picture[:, :, band])) for band in range(picture.shape[2])]
    return np.stack([_fitted(band, size, fit) for band in bands], axis=2)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock, and refuse truncated pictures meanwhile: other code in this process may have allowed them."""
    with _decoding, enough_memory("picture: decoding it", "a smaller picture would be right"):
        allowed, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = allowed


def _decode(content: bytes, at_least: int | None, window: Window | None) -> Image.Image:
    """The picture in mode RGB, upright. at_least: how many pixels on the shorter side are enough, None for all."""
    with _readable(content) as image:
        if image.mode in _REFUSED:
            found = f"{_REFUSED[image.mode]}, which have no known range"
            raise InputError(f"picture: it holds {found}; 8 or 16 bits a channel would be right")
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        return _upright(srgb(image, window), image)


def read_alpha(content: bytes) -> Picture:
    """The picture in a file with transparency, uint8 (H, W, 4), RGB and alpha as they are, upright.

    Raises InputError for a file without transparency, and as read_picture does.
    """
    with one_at_a_time(), _readable(content) as image:
        if not image.has_transparency_data:
            raise InputError("picture: it has no fourth channel; RGB with transparency would be right")
        _scale_transparency(image)
        return np.array(_upright(image.convert("RGBA"), image), dtype=np.uint8)


def read_mask(content: bytes) -> NDArray[np.bool_]:
    """Which pixels of a mask are not zero in any channel but transparency, bool (H, W), upright; of a palette, its indices.

    Raises InputError for a JPEG, and as read_picture does.
    """
    with one_at_a_time(), _readable(content) as image:
        if image.format in ("JPEG", "MPO"):
            raise InputError("picture: a JPEG, which changes zeros to other numbers; a PNG would be right")
        values = np.array(_upright(image, image))
        colours = [place for place, band in enumerate(image.getbands()) if band not in ("A", "a")]
    return np.asarray((values if values.ndim == 2 else values[..., colours].any(-1)) != 0)


def read_pages(content: bytes) -> list[NDArray[np.generic]]:
    """The pages of a TIFF file, each (H, W) of its own dtype; empty for other files. Raises as read_picture does."""
    with one_at_a_time(), _readable(content) as image:
        if not isinstance(image, TiffImageFile) or image.n_frames * image.width * image.height > MAX_PIXELS:
            return []
        return [np.array(page) for page in ImageSequence.Iterator(image)]


def read_frames(content: bytes) -> NDArray[np.uint8]:
    """The pictures of an animation, uint8 (frames, H, W, 3), RGB; one of a still picture. Raises as read_picture does.

    InputError also for one of more than MAX_PIXELS in all frames together.
    """
    with one_at_a_time(), _readable(content) as image:
        count = getattr(image, "n_frames", 1)
        if count * image.width * image.height > MAX_PIXELS:
            raise InputError(f"picture: it has {count} frames of {image.width} x {image.height} pixels; {_MEGAPIXELS} in all")
        frames = [np.array(frame.convert("RGB"), dtype=np.uint8) for frame in ImageSequence.Iterator(image)]
    return np.stack(frames)


def is_picture(content: bytes) -> bool:
    """Whether a file begins as a picture does."""
    Image.preinit()
    return any(_begins_as(name, content[:16]) for name in FORMATS)


def check_content(content: bytes) -> None:
    """Raise InputError for an empty file, and for one of more than MAX_BYTES."""
    if not content:
        raise InputError(f"picture: the file is empty; {_RIGHT}")
    if len(content) > MAX_BYTES:
        raise InputError(f"picture: the file has {len(content) / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB would be right")


@contextmanager
def _readable(content: bytes) -> Iterator[ImageFile.ImageFile]:
    """The file, opened and of a size that is taken; what goes wrong inside is said of the file."""
    check_content(content)
    try:
        with _open(content) as image:
            _check_extent(image)
            yield image
    except UNREADABLE as error:
        if "MAX_TEXT" in str(error):  # Pillow's limits for compressed text and profiles in a PNG
            raise InputError(
                "picture: its text or its colour profile unpacks to more than 1 MB; the picture without them would be right"
            ) from error
        raise DataError("picture: the file is damaged, cut short or without a pixel; a whole one would be right") from error


def _upright(decoded: Image.Image, file: ImageFile.ImageFile) -> Image.Image:
    """The picture turned as its EXIF data ask; unchanged if they cannot be read, since the pixels can."""
    try:
        turn = _UPRIGHT.get(file.getexif().get(ExifTags.Base.Orientation, 1))
    except UNREADABLE:
        return decoded
    return decoded if turn is None else decoded.transpose(turn)


def _open(content: bytes) -> ImageFile.ImageFile:
    """The file with its header read, nothing decoded."""
    Image.preinit()
    try:
        return open_picture(BytesIO(content), FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"picture: it has too many pixels; {_MEGAPIXELS}") from error
    except UnidentifiedImageError:
        if any(_begins_as(name, content[:16]) for name in FORMATS):
            raise
        raise InputError(f"picture: this is not a picture, or of a kind that cannot be read here; {_RIGHT}") from None


def _begins_as(name: str, start: bytes) -> bool:
    accept = Image.OPEN[name][1] if name in Image.OPEN else None
    return accept is not None and accept(start) is True


def _check_extent(image: ImageFile.ImageFile) -> None:
    """Refuse more than MAX_PIXELS, also in a tile or strip of a TIFF that is larger than the picture."""
    extents = [image.size]
    if isinstance(image, TiffImageFile):
        tags = image.tag_v2
        extents.append((int(tags.get(TILEWIDTH, 0)), int(tags.get(TILELENGTH, 0))))
    if any(width * height > MAX_PIXELS for width, height in extents):
        raise InputError(f"picture: it has {image.width} x {image.height} pixels; {_MEGAPIXELS}")


def _fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Picture:
    if fit == "stretch":
        return _resized(image, size)
    if fit == "inner":
        return _cropped(image, _scaled(image, (round(size[0] * INNER), round(size[1] * INNER)), fit), size)
    scaled = _scaled(image, size, fit)
    return _cropped(image, scaled, size) if fit == "crop" else _padded(_resized(image, scaled), size)


def _scaled(image: Image.Image, size: tuple[int, int], fit: Fit) -> tuple[int, int]:
    """Height and width of the picture in proportion: within the size to pad it, else so that it fills it."""
    height, width = size
    by_width = height * image.width >= width * image.height if fit == "pad" else height * image.width < width * image.height
    if by_width:  # in proportion, the other side rounded down as torchvision does
        height = max(1, width * image.height // image.width)
    else:
        width = max(1, height * image.width // image.height)
    return height, width


def _resized(image: Image.Image, size: tuple[int, int]) -> Picture:
    return np.array(image.resize((size[1], size[0]), Image.Resampling.BILINEAR), dtype=np.uint8)


def _cropped(image: Image.Image, scaled: tuple[int, int], size: tuple[int, int]) -> Picture:
    """The middle of the picture as scaled, without making the rest: of a long strip that would be any number of pixels."""
    (height, width), (tall, wide) = size, scaled
    top, left = round((tall - height) / 2), round((wide - width) / 2)
    down, across = image.height / tall, image.width / wide
    box = (left * across, top * down, (left + width) * across, (top + height) * down)
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR, box=box), dtype=np.uint8)


def _padded(picture: Picture, size: tuple[int, int]) -> Picture:
    tall, wide = picture.shape[:2]
    top, left = (size[0] - tall) // 2, (size[1] - wide) // 2
    canvas = np.zeros((*size, *picture.shape[2:]), dtype=np.uint8)
    canvas[top : top + tall, left : left + wide] = picture
    return canvas


# Section: conversion to 8-bit sRGB

_PROFILE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The mode of the pictures that an ICC profile describes, by the name of its colour space."""
_PNG_STEPS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}
"""The factor for the numbers of a PNG's tRNS chunk, in the packed modes that Pillow unpacks to another range."""


def srgb(image: ImageFile.ImageFile, window: Window | None = None) -> Image.Image:
    """The picture decoded, mode RGB in sRGB, of the same size.

    16-bit colours keep their higher 8 bits, greys of 12 or 16 bits those within the window. Greyscale, palette, 1-bit and CMYK
    pictures are converted. An ICC profile is followed unless it is damaged, belongs to another colour space than the picture,
    or changes no colour by more than one step of 255, as that of sRGB itself does. Without one the numbers count as sRGB, those
    of CMYK as R = (1 - C)(1 - K). Transparent pixels become white. Colour spaces named in other ways (nclx in AVIF, gAMA and
    cHRM in PNG) are ignored.
    """
    _scale_transparency(image)
    image.load()
    plain = _eight_bit(image, window) if image.mode.startswith("I;16") else _unpacked(image)
    profile = image.info.get("icc_profile")
    opaque, alpha = _split_alpha(plain)
    coloured = _follow(opaque, profile) if profile else opaque
    rgb = coloured.convert("RGB")
    if alpha is None:
        return rgb
    canvas = Image.new("RGB", rgb.size, "white")
    canvas.paste(rgb, mask=alpha)
    return canvas


def _scale_transparency(image: ImageFile.ImageFile) -> None:
    """Scale the transparent colour of a PNG from the depth of the file to the range of the decoded numbers."""
    colour, packing = image.info.get("transparency"), image.tile[0].args if image.tile else None
    if colour is None or isinstance(colour, bytes) or packing not in _PNG_STEPS:
        return
    step = _PNG_STEPS[packing]
    image.info["transparency"] = (
        tuple(int(part * step) for part in colour) if isinstance(colour, tuple) else min(int(colour * step), 255)
    )


def _eight_bit(image: Image.Image, window: Window | None) -> Image.Image:
    """A 16-bit grey picture in 8 bits, mode L, or LA if one of its greys is transparent."""
    values, opaque = _deep_greys(image)
    grey = windowed(values, window or own_window(values, opaque))
    if isinstance(image, TiffImageFile) and image.tag_v2[PHOTOMETRIC_INTERPRETATION] == 0:  # it counts from white
        grey = 255 - grey
    plain = Image.fromarray(grey)
    if opaque is not None:
        plain.putalpha(Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8)))
    return plain


def _deep_greys(image: Image.Image) -> tuple[NDArray[np.uint16], NDArray[np.bool_] | None]:
    """The numbers of a 16-bit grey picture, and where they are opaque, if one of them is transparent."""
    values: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
    return values, values != image.info["transparency"] if "transparency" in image.info else None


def own_window(values: NDArray[np.generic], among: NDArray[np.bool_] | None = None) -> Window:
    """The window of a picture's own range: from the number that 1 % are below to the one that 1 % are above.

    If these are the same, the smallest and the largest. among: where the numbers count.
    """
    counted = (values if among is None or not among.any() else values[among]).astype(np.float32)
    low, high = np.percentile(counted, 1, method="lower"), np.percentile(counted, 99, method="higher")
    return (float(low), float(high)) if low < high else (float(counted.min()), float(counted.max()))


def windowed(values: NDArray[np.generic], window: Window) -> Picture:
    """Numbers of any range as uint8, in proportion: the low end of the window is 0, the high one 255; outside, they are cut.

    Of a picture with a single number, that is white, or black if it is 0.
    """
    low, high = window
    if low == high:
        return np.asarray(np.where(values.astype(np.float32) > min(low, 0), np.uint8(255), np.uint8(0)))
    shares = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return np.asarray(np.rint(np.clip(shares, 0, 255)), dtype=np.uint8)


def _unpacked(image: Image.Image) -> Image.Image:
    """Palettes looked up, and transparency, however it is given, as an alpha channel: L, LA, RGB, RGBA or CMYK."""
    if image.has_transparency_data:
        return image.convert("LA" if image.mode == "LA" else "RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode not in ("LA", "RGBA"):
        return image, None
    return image.convert("L" if image.mode == "LA" else "RGB"), image.getchannel("A")


def _follow(image: Image.Image, content: bytes) -> Image.Image:
    """The picture converted from its profile to sRGB; unchanged if the profile cannot be followed, or is that of sRGB."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(content))
        if _PROFILE_MODES.get(profile.profile.xcolor_space) != image.mode:
            return image
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return image  # as browsers do
    if image.mode == "RGB" and _changes_nothing(transform):
        return image
    return ImageCms.applyTransform(image, transform) or image


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform moves none of 9 x 9 x 9 colours by more than one step, which rounding alone may do."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
    moved = ImageCms.applyTransform(Image.fromarray(lattice), transform)
    return bool(np.abs(np.asarray(moved).astype(int) - lattice).max() <= 1)
