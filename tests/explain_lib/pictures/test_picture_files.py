"""Picture files against pixels that were worked out by hand, or that OpenCV finds in the same file."""

import struct
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import torchvision
from numpy.typing import ArrayLike, NDArray
from picture_samples import GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, chunk, png, profile, saved, tiff
from PIL import Image, ImageCms, ImageFile

from explain_lib.base.errors import DataError, InputError
from explain_lib.pictures import files as picture_files
from explain_lib.pictures.files import FITS, MAX_BYTES, Fit, fit_picture, read_picture, read_thumbnail

Pixels = NDArray[np.uint8]
WHITE = [255, 255, 255]

NOISE = np.random.default_rng(5).integers(0, 256, (37, 53, 3), dtype=np.uint8)
SMOOTH = cv2.resize(NOISE[:6, :8], (160, 120), interpolation=cv2.INTER_CUBIC)
LOSSLESS: dict[str, dict[str, object]] = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}
EACH_KIND: dict[str, bytes] = {
    **{kind: saved(Image.fromarray(NOISE), kind, **options) for kind, options in LOSSLESS.items()},
    "TIFF, LZW": saved(Image.fromarray(NOISE), "TIFF", compression="tiff_lzw"),
    "TIFF, JPEG": saved(Image.fromarray(NOISE), "TIFF", compression="jpeg"),
    "JPEG": saved(Image.fromarray(SMOOTH), "JPEG", quality=95),
    "JPEG, progressive": saved(Image.fromarray(SMOOTH), "JPEG", progressive=True),
    "AVIF": saved(Image.fromarray(SMOOTH), "AVIF", quality=90),
    "GIF": saved(Image.fromarray(NOISE).quantize(64), "GIF"),
}


def by_opencv(content: bytes) -> Pixels:
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(found[:, :, ::-1], dtype=np.uint8)


def furthest(a: Pixels, b: Pixels) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b).max())


def grey(rows: list[list[int]]) -> Pixels:
    return np.repeat(np.array(rows, dtype=np.uint8)[:, :, None], 3, axis=2)


def greys(*values: int) -> Pixels:
    """A picture of one row."""
    return grey([[*values]])


# --- kinds of files


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_kind_without_loss_gives_the_pixels_that_were_written(kind: str) -> None:
    found = read_picture(EACH_KIND[kind])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, NOISE)


def test_a_jpeg_is_what_opencv_finds_in_it() -> None:
    for name in ("JPEG", "JPEG, progressive"):
        assert furthest(read_picture(EACH_KIND[name]), by_opencv(EACH_KIND[name])) <= 1


def test_avif_is_close_to_what_was_written() -> None:
    difference = np.abs(read_picture(EACH_KIND["AVIF"]).astype(int) - SMOOTH)
    assert difference.mean() < 3
    assert difference.max() < 30


def test_of_a_moving_gif_and_a_tiff_of_several_pages_the_first_is_read() -> None:
    red, blue = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    for kind in ("GIF", "TIFF", "WEBP", "PNG", "AVIF"):
        found = read_picture(saved(red, kind, save_all=True, append_images=[blue], duration=100))
        assert furthest(found, np.full((3, 4, 3), (255, 0, 0), np.uint8)) <= 3, kind


def test_names_and_kinds_agree() -> None:
    Image.init()
    kinds = {Image.EXTENSION[suffix] for suffix in picture_files.PICTURE_SUFFIXES}
    assert kinds == set(picture_files.FORMATS)


# --- modes, by hand


COLOURS = chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50]))
MORE_COLOURS = chunk(b"PLTE", bytes([10, 20, 30, 255, 0, 0, 7, 7, 7]))
DEEP = 0xFFFF, 0x7F00, 0x01FF, 0, 0x8000, 0x10FF
DEEP_READ = [[[255, 127, 1], [0, 128, 16]]]  # of sixteen bits the higher eight
THREE, TWO = {256: 3, 257: 1, 277: 1}, {256: 2, 257: 1, 258: (16, 16, 16), 262: 2, 277: 3}
SEE_THROUGH = bytes([255, 0, 0, 128, 0, 0, 0, 64, 9, 9, 9, 0, 1, 2, 3, 255])


def transparent(*colour: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(colour)}H", *colour))


def see_through_gif() -> bytes:
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    palette.putpalette([1, 2, 3, 40, 50, 60])
    return saved(palette, "GIF", transparency=0)


BY_HAND: dict[str, tuple[bytes, ArrayLike]] = {
    "1 bit": (png([b"\xa0"], 3, 1, GREY), greys(255, 0, 255)),
    "2 bits": (png([b"\x1b"], 4, 2, GREY), greys(0, 85, 170, 255)),
    "4 bits": (png([b"\x0f\x80"], 3, 4, GREY), greys(0, 255, 136)),
    "8 bits": (png([b"\x00\x80\xff"], 3, 8, GREY), greys(0, 128, 255)),
    "16 bits": (png([struct.pack(">4H", 0, 0x00FF, 0x8001, 0xFFFF)], 4, 16, GREY), greys(0, 1, 128, 255)),
    "16 bits, colours": (png([struct.pack(">6H", *DEEP)], 2, 16, RGB), DEEP_READ),
    "16 bits, alpha": (png([struct.pack(">4H", 0x4000, 0xFFFF, 0x4000, 0)], 2, 16, GREY_ALPHA), greys(64, 255)),
    "TIFF, 16 bits": (tiff(struct.pack("<3H", 0, 0x80FF, 0xFFFF), {**THREE, 258: 16, 262: 1}), greys(0, 128, 255)),
    "TIFF, 16 bits, >": (tiff(struct.pack(">3H", 0, 0x80FF, 0xFFFF), {**THREE, 258: 16, 262: 1}, ">"), greys(0, 128, 255)),
    # Pillow knows no such file in the other order.
    "TIFF, 16 bits, from white": (tiff(struct.pack("<3H", 0, 0x80FF, 0xFFFF), {**THREE, 258: 16, 262: 0}), greys(255, 127, 0)),
    "TIFF, 16 bits, colours": (tiff(struct.pack("<6H", *DEEP), TWO), DEEP_READ),
    "TIFF, 16 bits, colours, >": (tiff(struct.pack(">6H", *DEEP), TWO, ">"), DEEP_READ),
    "TIFF, 12 bits": (
        tiff(b"\xff\xf8\x00", {256: 2, 257: 1, 258: 12, 262: 1, 277: 1}),
        greys(255, 0),
    ),  # 0xFFF, 0x800: its whole range
    "TIFF, 8 bits, from white": (tiff(bytes([0, 200, 255]), {**THREE, 258: 8, 262: 0}), greys(255, 55, 0)),
    "palette, 1 bit": (png([b"\x40"], 2, 1, PALETTE, COLOURS), [[[10, 20, 30], [200, 100, 50]]]),
    "palette, 8 bits": (png([b"\0\1"], 2, 8, PALETTE, COLOURS), [[[10, 20, 30], [200, 100, 50]]]),
    # On white a quarter of black is 191, a half of red (255, 127, 127); alpha 64 is 64/255 of the colour.
    "alpha": (png([SEE_THROUGH], 4, 8, RGB_ALPHA), [[[255, 127, 127], [191, 191, 191], WHITE, [1, 2, 3]]]),
    "grey, alpha": (png([bytes([0, 64, 9, 0])], 2, 8, GREY_ALPHA), greys(191, 255)),
    "transparent palette": (
        png([b"\0\1\2"], 3, 8, PALETTE, MORE_COLOURS, chunk(b"tRNS", bytes([0, 128]))),
        [[WHITE, [255, 127, 127], [7, 7, 7]]],
    ),
    "transparent colour": (png([bytes([4, 5, 6, 4, 5, 7])], 2, 8, RGB, transparent(4, 5, 6)), [[WHITE, [4, 5, 7]]]),
    "transparent colour, 16 bits": (
        png([struct.pack(">6H", 0x8000, 0x4001, 0xFFFF, 0, 0, 0)], 2, 16, RGB, transparent(0x8000, 0x4001, 0xFFFF)),
        [[WHITE, [0, 0, 0]]],
    ),
    "transparent grey, 1 bit": (png([b"\x40"], 2, 1, GREY, transparent(1)), greys(0, 255)),  # 0, then the transparent 1
    "transparent grey, 2 bits": (png([b"\x1b"], 4, 2, GREY, transparent(1)), greys(0, 255, 170, 255)),
    "transparent grey, 4 bits": (png([b"\x0f\x80"], 3, 4, GREY, transparent(8)), greys(0, 255, 255)),
    "transparent grey, 8 bits": (png([b"\x00\x80\x81"], 3, 8, GREY, transparent(128)), greys(0, 255, 129)),
    "transparent grey, 16 bits": (
        png([struct.pack(">3H", 0x1234, 0x1235, 0x1200)], 3, 16, GREY, transparent(0x1234)),
        greys(255, 255, 0),  # of the two that are opaque, the range
    ),
    "transparent GIF": (see_through_gif(), [[WHITE, [40, 50, 60]]]),
}


@pytest.mark.parametrize(("content", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_the_pixels_of_each_mode_are_those_worked_out_by_hand(content: bytes, expected: ArrayLike) -> None:
    np.testing.assert_array_equal(read_picture(content), expected)


def test_webp_and_avif_that_show_through() -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    for kind, options in (("WEBP", {"lossless": True}), ("AVIF", {"quality": 100, "subsampling": "4:4:4"})):
        assert furthest(read_picture(saved(picture, kind, **options)), np.full((8, 8, 3), (255, 127, 127), np.uint8)) <= 2


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_is_subtracted_from_white(kind: str) -> None:
    """(255 - C)(255 - K) / 255: 100 % cyan is (0, 255, 255), half black on it (0, 127, 127). Adobe's JPEG is inverted."""
    ink = {
        (255, 0, 0, 0): (0, 255, 255),
        (255, 0, 0, 128): (0, 127, 127),
        (0, 51, 102, 0): (255, 204, 153),
        (0, 0, 0, 0): WHITE,
    }
    for given, expected in ink.items():
        options = {"quality": 100} if kind == "JPEG" else {}
        content = saved(Image.new("CMYK", (16, 16), given), kind, **options)
        assert (b"Adobe" in content) == (kind == "JPEG")
        assert furthest(read_picture(content), np.full((16, 16, 3), expected, np.uint8)) <= 1


def test_an_adobe_cmyk_jpeg_is_what_opencv_finds_in_it() -> None:
    content = saved(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG", quality=95)
    assert furthest(read_picture(content), by_opencv(content)) <= 2


def test_a_tiff_in_ycbcr() -> None:
    """Y = 81, Cb = 90, Cr = 240 is (238, 14, 14) by JFIF's equations: 81 + 1.402 * 112, 81 - 0.344 * -38 - 0.714 * 112, ..."""
    content = saved(Image.new("YCbCr", (4, 4), (81, 90, 240)), "TIFF")
    assert furthest(read_picture(content), np.full((4, 4, 3), (238, 14, 14), np.uint8)) <= 1


@pytest.mark.parametrize(
    ("mode", "words"), [("I", "32-bit or signed whole numbers"), ("F", "floating-point numbers"), ("LAB", "CIELAB colours")]
)
def test_numbers_without_a_known_range_are_refused(mode: str, words: str) -> None:
    content = saved(Image.new(mode, (3, 3)), "TIFF")
    with pytest.raises(InputError, match=f"picture: it holds {words}, .*8 or 16 bits"):
        read_picture(content)


# --- colour profiles

DISPLAY_P3 = np.array([[0.5151, 0.2412, -0.0011], [0.2919, 0.6922, 0.0419], [0.1572, 0.0666, 0.7841]])
SRGB = np.array([[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]])
ADOBE_RGB = np.array([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]])
"""XYZ of red, green and blue under D50, as their ICC profiles give them."""


def in_srgb(colour: ArrayLike, colourants: NDArray[np.float64], gamma: float) -> NDArray[np.float64]:
    light = (np.asarray(colour) / 255) ** gamma @ colourants @ np.linalg.inv(SRGB)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.clip(light, 0, 1) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_a_phones_picture_in_display_p3_comes_in_srgb(kind: str) -> None:
    colour, gamma = (200, 120, 70), 563 / 256
    expected = in_srgb(colour, DISPLAY_P3, gamma)
    assert np.abs(expected - colour).max() > 5
    options = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}.get(kind, {"quality": 100, "subsampling": "4:4:4"})
    content = saved(Image.new("RGB", (16, 16), colour), kind, icc_profile=profile(b"RGB ", DISPLAY_P3, gamma), **options)
    found = read_picture(content)
    assert np.abs(found - expected).max() <= 2.5
    assert np.abs(read_thumbnail(content, 8) - expected).max() <= 2.5


def test_the_usual_profiles_of_adobe_rgb_and_of_srgb() -> None:
    """Two photographs of scikit-image hold them. That of sRGB moves some colours by one step if it is followed."""
    photographs = Path(skimage.data.__file__).parent
    content = (photographs / "rocket.jpg").read_bytes()
    expected = in_srgb(by_opencv(content), ADOBE_RGB, 563 / 256)
    assert np.abs(by_opencv(content) - expected).max() > 20
    assert np.abs(read_picture(content) - np.clip(expected, 0, 255)).max() <= 2.5
    usual = Image.open(photographs / "astronaut.png").info["icc_profile"]
    colours = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 256, 3))
    colours[:, :, 1] = np.arange(256)
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(colours), "PNG", icc_profile=usual)), colours)


def test_a_palette_and_what_shows_through_are_in_the_profiles_colours_too() -> None:
    known = profile(b"RGB ", DISPLAY_P3, 563 / 256)
    expected = in_srgb((200, 120, 70), DISPLAY_P3, 563 / 256)
    palette = Image.new("P", (2, 2))
    palette.putpalette([200, 120, 70])
    assert np.abs(read_picture(saved(palette, "PNG", icc_profile=known)) - expected).max() <= 1.5
    through = Image.new("RGBA", (2, 2), (200, 120, 70, 51))
    assert np.abs(read_picture(saved(through, "PNG", icc_profile=known)) - (0.2 * expected + 0.8 * 255)).max() <= 1.5


def test_a_grey_profile() -> None:
    """Linear light: 0.5 of it is 188 in sRGB."""
    content = saved(Image.new("L", (2, 2), 128), "PNG", icc_profile=profile(b"GRAY", None, 1.0))
    assert np.abs(read_picture(content).astype(int) - 188).max() <= 1


@pytest.mark.parametrize("given", ["of sRGB", "damaged", "of grey, in an RGB picture"])
def test_a_profile_that_says_nothing_new_changes_no_pixel(given: str) -> None:
    profiles = {
        "of sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "damaged": profile(b"RGB ", DISPLAY_P3, 2.2)[:200],
        "of grey, in an RGB picture": profile(b"GRAY", None, 1.0),
    }
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(NOISE), "PNG", icc_profile=profiles[given])), NOISE)


# --- orientation

STORED = [[1, 2, 3], [4, 5, 6]]
UPRIGHT = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}


def orientation(turned: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = turned
    return exif


@pytest.mark.parametrize("turned", UPRIGHT)
def test_exifs_orientation_is_followed(turned: int) -> None:
    stored = Image.fromarray(grey(STORED) * 40)
    expected = grey(UPRIGHT[turned]) * 40
    for kind, options in LOSSLESS.items():
        found = read_picture(saved(stored, kind, exif=orientation(turned), **options))
        np.testing.assert_array_equal(found, expected, err_msg=kind)
    avif = read_picture(saved(stored, "AVIF", exif=orientation(turned), quality=100, subsampling="4:4:4"))
    assert furthest(avif, expected) <= 2
    blocks = stored.resize((48, 32), Image.Resampling.NEAREST)
    jpeg = saved(blocks, "JPEG", exif=orientation(turned), quality=100)
    assert furthest(read_picture(jpeg), by_opencv(jpeg)) <= 1
    assert furthest(read_picture(jpeg)[8::16, 8::16], expected) <= 2


def test_a_thumbnail_is_upright() -> None:
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:32] = 255  # white above; the right half is white once it is turned
    found = read_thumbnail(saved(Image.fromarray(halves), "JPEG", exif=orientation(6)), 16)
    assert found[:, :7].max() < 20
    assert found[:, 9:].min() > 235


def test_odd_exif_data_does_not_make_a_picture_unreadable() -> None:
    whole = EACH_KIND["PNG"]
    odd = whole[:33] + chunk(b"eXIf", b"not a directory of tags") + whole[33:]
    np.testing.assert_array_equal(read_picture(odd), NOISE)


# --- what is refused


@pytest.mark.parametrize(
    "content",
    [
        b"hello, this is a text",
        b"\0" * 100,
        b"%PDF-1.4 and so on",
        saved(Image.fromarray(NOISE), "BMP"),
        saved(Image.fromarray(NOISE), "PPM"),
        saved(Image.fromarray(NOISE), "JPEG2000"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 10, 10, 8, 3) + bytes(20),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ],
    ids=["text", "zeros", "PDF", "BMP", "PPM", "JPEG 2000", "EPS", "PSD", "HEIC"],
)
def test_other_kinds_of_files_are_refused(content: bytes) -> None:
    with pytest.raises(
        InputError, match="not a picture, or of a kind that cannot be read here; a JPEG, PNG, WebP, AVIF, GIF or TIFF"
    ):
        read_picture(content)


def test_an_empty_file_and_one_too_large() -> None:
    with pytest.raises(InputError, match="picture: the file is empty; a JPEG"):
        read_picture(b"")
    with pytest.raises(InputError, match=r"picture: the file has 20\.5 MB; at most 20 MB would be right"):
        read_picture(EACH_KIND["JPEG"].ljust(MAX_BYTES + 2**19, b"\0"))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of each oddity that it passes over
@pytest.mark.parametrize("name", EACH_KIND)
def test_a_file_cut_short_is_refused_or_whole(name: str) -> None:
    """Never partly grey: at every length it is refused, unless only what follows the pixels is missing."""
    content = EACH_KIND[name]
    whole = read_picture(content)
    length, refused = len(content), 0
    cuts = {*range(1, 200, 23), *range(200, length - 60, max(1, length // 20)), *range(length - 60, length, 7)}
    for cut in cuts:
        try:
            np.testing.assert_array_equal(read_picture(content[:cut]), whole)
        except (DataError, InputError):
            refused += 1
    assert refused > len(cuts) * 0.8


def test_a_file_cut_short_is_refused_whatever_another_program_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for name in ("JPEG", "PNG", "TIFF"):
        with pytest.raises(DataError, match="damaged, cut short or without a pixel; a whole one would be right"):
            read_picture(EACH_KIND[name][: len(EACH_KIND[name]) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_picture_without_a_pixel_is_refused() -> None:
    for content in (png([b""], 0, 8, RGB), png([], 4, 8, RGB), tiff(b"", {256: 0, 257: 0, 258: 8, 262: 1, 277: 1})):
        with pytest.raises(DataError, match="without a pixel"):
            read_picture(content)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_altered_bytes_never_raise_anything_else() -> None:
    generator = np.random.default_rng(3)
    kinds = list(EACH_KIND.values())
    for _ in range(1500):
        content = bytearray(kinds[generator.integers(len(kinds))])
        for place in generator.integers(0, min(len(content), generator.choice([60, 300, 10**6])), 3):
            content[place] = generator.integers(256)
        with suppress(DataError, InputError):
            assert read_picture(bytes(content)).ndim == 3


# --- too much


def huge(kind: str) -> bytes:
    """A small file that claims to have 50,000 x 50,000 pixels; WebP, which cannot, 16,384 x 16,384; AVIF 12,000 x 12,000."""
    small = Image.new("RGB", (64, 64))
    match kind:
        case "PNG":
            return png([b""], 50_000, 8, RGB, height=50_000)
        case "TIFF":
            return tiff(b"\0" * 64, {256: 50_000, 257: 50_000, 258: (8, 8, 8), 262: 2, 277: 3})
        case "GIF":
            return saved(small, "GIF").replace(struct.pack("<HH", 64, 64), struct.pack("<HH", 50_000, 50_000))
        case "JPEG":
            return saved(small, "JPEG").replace(struct.pack(">HH", 64, 64), struct.pack(">HH", 50_000, 50_000))
        case "WEBP":
            frame = saved(small, "WEBP", lossless=True)[12:]
            body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + 2 * struct.pack("<I", 16_383)[:3] + frame
            return b"RIFF" + struct.pack("<I", len(body)) + body
        case _:
            sides = struct.pack(">II", 64, 64), struct.pack(">II", 12_000, 12_000)
            return saved(small, "AVIF").replace(*sides)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("read", [read_picture, lambda content: read_thumbnail(content, 64)], ids=["picture", "thumbnail"])
def test_too_many_pixels_are_refused_before_anything_is_decoded(
    kind: str, read: Callable[[bytes], Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(kind) or load(self))
    content = huge(kind)
    assert len(content) < 5_000
    before = reset_peak_memory()
    with pytest.raises(InputError, match=r"pixels; at most 20 megapixels would be right"):
        read(content)
    assert decoded == []
    assert peak_memory() - before < 40_000_000


def reset_peak_memory() -> int:
    """Let the peak start from now; bytes in use now. 0 where the system has no such thing."""
    clear = Path("/proc/self/clear_refs")
    if not clear.exists():
        return 0
    clear.write_text("5")
    return peak_memory()


def peak_memory() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def test_the_limit_is_20_million_pixels_and_no_fewer() -> None:
    just = png([bytes(20_000 // 8)] * 1_000, 20_000, 1, GREY)
    assert read_picture(just).shape == (1_000, 20_000, 3)
    with pytest.raises(InputError, match=r"it has 20000 x 1001 pixels; at most 20 megapixels"):
        read_picture(png([bytes(20_000 // 8)] * 1_001, 20_000, 1, GREY))


def test_a_tile_larger_than_the_picture_is_refused() -> None:
    tags = {256: 8, 257: 8, 258: 8, 262: 1, 277: 1, 259: 8, 322: 40_000, 323: 40_000, 324: 8, 325: 20}
    with pytest.raises(InputError, match="at most 20 megapixels"):
        read_picture(tiff(zlib.compress(bytes(64)), tags))


@pytest.mark.parametrize(("name", "behind"), [(b"zTXt", False), (b"zTXt", True), (b"iCCP", False)])
def test_compressed_texts_and_profiles_do_not_unpack_without_end(name: bytes, behind: bool) -> None:
    bomb = chunk(name, b"k\0\0" + zlib.compress(bytes(200_000_000), 9))
    assert len(bomb) < 400_000
    row = [bytes(3)]
    content = png(row, 1, 8, RGB, after=bomb) if behind else png(row, 1, 8, RGB, bomb)
    before = reset_peak_memory()
    with pytest.raises(InputError, match="its text or its colour profile unpacks to more than 1 MB"):
        read_picture(content)
    assert peak_memory() - before < 40_000_000


def test_one_file_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, srgb = threading.Lock(), picture_files.srgb

    def watched(image: ImageFile.ImageFile, window: Any) -> Image.Image:
        assert alone.acquire(blocking=False)
        found = srgb(image, window)
        alone.release()
        return found

    monkeypatch.setattr(picture_files, "srgb", watched)
    content = saved(Image.fromarray(cv2.resize(NOISE, (1600, 1200))), "PNG")
    reads = [lambda: read_picture(content), lambda: read_thumbnail(content, 64)] * 4
    with ThreadPoolExecutor(8) as pool:
        assert all(found.ndim == 3 for found in pool.map(lambda read: read(), reads))


# --- thumbnails


def test_a_thumbnail_is_the_middle_square_reduced() -> None:
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = (200, 100, 50)
    found = read_thumbnail(saved(Image.fromarray(picture), "PNG"), 10)
    np.testing.assert_array_equal(found[:, 1:9], np.full((10, 8, 3), (200, 100, 50), np.uint8))


def test_a_jpegs_thumbnail_is_decoded_reduced_and_looks_the_same() -> None:
    large = cv2.resize(SMOOTH, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    content = saved(Image.fromarray(large), "JPEG", quality=95)
    sizes: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        srgb = picture_files.srgb
        patch.setattr(picture_files, "srgb", lambda image, _: sizes.append(image.size) or srgb(image))
        found = read_thumbnail(content, 60)
    assert sizes == [(200, 150)]  # an eighth; the shorter side has at least twice 60
    middle = Image.fromarray(large[:, 200:1400]).resize((60, 60), Image.Resampling.BILINEAR)
    assert np.abs(found.astype(int) - np.asarray(middle)).mean() < 1


# --- fitting


def test_a_picture_of_that_size_comes_back_as_it_is() -> None:
    for fit in set(FITS) - {"inner"}:
        assert fit_picture(NOISE, (37, 53), fit) is NOISE


@pytest.mark.parametrize("shape", [(37, 53), (53, 37), (224, 300), (500, 333), (600, 600), (5, 7), (1, 1)])
@pytest.mark.parametrize("side", [32, 224])
def test_crop_is_torchvisions_resize_and_center_crop(shape: tuple[int, int], side: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    resize, crop = torchvision.transforms.Resize(side, antialias=True), torchvision.transforms.CenterCrop(side)
    expected = crop(resize(Image.fromarray(picture)))
    assert furthest(fit_picture(picture, (side, side)), np.asarray(expected)) <= 1


@pytest.mark.parametrize("size", [(32, 32), (30, 80), (224, 160)])
def test_stretch_is_torchvisions_resize(size: tuple[int, int]) -> None:
    expected = torchvision.transforms.Resize(size, antialias=True)(Image.fromarray(SMOOTH))
    np.testing.assert_array_equal(fit_picture(SMOOTH, size, "stretch"), np.asarray(expected))


def test_crop_keeps_the_middle_and_pad_keeps_all() -> None:
    """60 x 20 in three squares: red, green, blue. Cropped to a square only green is left; padded to 60 x 60 there are bars."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 20, axis=1), 20, axis=0)
    np.testing.assert_array_equal(fit_picture(picture, (20, 20), "crop"), np.full((20, 20, 3), (0, 255, 0), np.uint8))
    bars = np.zeros((60, 60, 3), np.uint8)
    bars[20:40] = picture
    np.testing.assert_array_equal(fit_picture(picture, (60, 60), "pad"), bars)
    np.testing.assert_array_equal(fit_picture(picture.swapaxes(0, 1).copy(), (60, 60), "pad"), bars.swapaxes(0, 1))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 400_000), (400_000, 1), (3, 5), (1000, 2)])
@pytest.mark.parametrize("size", [(32, 32), (48, 224), (224, 48)])
def test_every_shape_fits_every_size(fit: Fit, shape: tuple[int, int], size: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 200, np.uint8)
    found = fit_picture(picture, size, fit)
    assert found.shape == (*size, 3)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= {0, 200}
    assert fit == "pad" or (found == 200).all()


@pytest.mark.parametrize(
    ("picture", "size", "fit", "words"),
    [
        (NOISE.astype(np.float32), (32, 32), "crop", "picture: not a picture; a NumPy array, uint8 of shape"),
        (NOISE[:, :, 0], (32, 32), "crop", "picture: not a picture"),
        (NOISE[:0], (32, 32), "crop", "size: from .* at least one pixel"),
        (NOISE, (0, 32), "crop", "size: from .* at least one pixel"),
        (NOISE, (32, 32), "squeeze", "fit: 'squeeze'; one of crop, inner, pad, stretch would be right"),
    ],
)
def test_what_cannot_be_fitted_is_said(picture: Pixels, size: tuple[int, int], fit: Fit, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_picture(picture, size, fit)


def test_another_open_in_the_place_of_pils_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultralytics' own installs a package where a file is no picture."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the other one was asked")

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(InputError, match="not a picture"):
        read_picture(b"this is not a picture")
