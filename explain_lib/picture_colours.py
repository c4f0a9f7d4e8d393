"""A picture as Pillow has opened it, of whatever mode, in 8-bit sRGB.

What a file holds besides RGB is turned into it as a browser does: transparency lies on white, an embedded ICC profile counts.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from explain_lib.errors import InputError

_PROFILE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The mode whose numbers an ICC profile describes, by the profile's own name for its colour space."""
_REFUSED = {"I": "32-bit or signed whole numbers", "F": "floating-point numbers", "LAB": "CIELAB colours"}
_PNG_STEPS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}
"""What a number of a PNG's tRNS chunk is multiplied by, in the packed modes that Pillow unpacks to another range."""


def check_mode(image: Image.Image) -> None:
    """Raise InputError for a picture, not yet decoded, whose numbers have no known range on a screen."""
    if image.mode in _REFUSED:
        raise InputError(
            f"picture: it holds {_REFUSED[image.mode]}, which have no known range; 8 or 16 bits a channel would be right"
        )


def srgb(image: ImageFile) -> Image.Image:
    """The picture decoded, mode RGB in sRGB, of the same size.

    16-bit numbers keep their higher 8 bits. Greyscale, palette, 1-bit and CMYK pictures are converted. An ICC profile is
    followed, unless it is damaged, is of another kind of colours than the picture, or changes no colour by more than one step
    of 255, as sRGB's own does. Without one the numbers are taken for sRGB, those of CMYK for R = (1 - C)(1 - K). What shows
    through is white. Colour spaces that are named otherwise (AVIF's nclx, PNG's gAMA and cHRM) are not followed.
    """
    _scale_transparency(image)
    image.load()
    plain = _eight_bit(image) if image.mode.startswith("I;16") else _unpacked(image)
    profile = image.info.get("icc_profile")
    opaque, alpha = _split_alpha(plain)
    coloured = _follow(opaque, profile) if profile else opaque
    rgb = coloured.convert("RGB")
    return rgb if alpha is None else _on_white(rgb, alpha)


def _scale_transparency(image: ImageFile) -> None:
    """Bring a PNG's transparent colour, which the file gives in its own depth, to the range of the decoded numbers."""
    colour, packing = image.info.get("transparency"), image.tile[0].args if image.tile else None
    if colour is None or isinstance(colour, bytes) or packing not in _PNG_STEPS:
        return
    step = _PNG_STEPS[packing]
    image.info["transparency"] = (
        tuple(int(part * step) for part in colour) if isinstance(colour, tuple) else min(int(colour * step), 255)
    )


def _eight_bit(image: ImageFile) -> Image.Image:
    """A 16-bit grey picture in 8 bits, mode L, or LA if one of its greys is transparent."""
    values: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
    bits, zero_is_white = 16, False
    if isinstance(image, TiffImageFile):  # Pillow leaves 12-bit numbers, and those that count from white, as they are
        bits = int(image.tag_v2[BITSPERSAMPLE][0])
        zero_is_white = image.tag_v2[PHOTOMETRIC_INTERPRETATION] == 0
    grey = (values >> (bits - 8)).astype(np.uint8)
    plain = Image.fromarray(255 - grey if zero_is_white else grey)
    if "transparency" in image.info:
        plain.putalpha(Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8)))
    return plain


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


def _on_white(image: Image.Image, alpha: Image.Image) -> Image.Image:
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=alpha)
    return canvas


def _follow(image: Image.Image, content: bytes) -> Image.Image:
    """The picture in sRGB by its profile; as it is if that cannot be followed, or is that of sRGB."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(content))
        mode = _PROFILE_MODES.get(profile.profile.xcolor_space)
        if mode != image.mode:
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
