"""One picture for a slide: its size, what stands where, sharp cells, and maps with nothing to paint."""

import base64
import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import explain_lib as xl
from explain_lib.take_home.slide import Panel, Slide, draw_slide, map_panel, overlay_panel

CELLS = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
PICTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)
SVG = "{http://www.w3.org/2000/svg}"


def slide_of(*panels: Panel, title: str = "A title", caption: tuple[str, ...] = ("A line.",)) -> Slide:
    return Slide(title, panels, caption, "What it shows")


def pixels_of(slide: Slide) -> NDArray[np.uint8]:
    with Image.open(BytesIO(draw_slide(slide, "png"))) as opened:
        return np.asarray(opened.convert("RGB"))


def three(values: NDArray[np.float32], drawing: xl.Drawing | None = None) -> Slide:
    chosen = drawing or xl.Drawing()
    return slide_of(
        Panel("Picture", PICTURE), map_panel("Map", values, chosen), overlay_panel("Overlay", PICTURE, values, chosen)
    )


def test_it_is_1920_by_1080_on_white() -> None:
    pixels = pixels_of(three(CELLS))
    assert pixels.shape == (1080, 1920, 3)
    assert (pixels[:, :50] == 255).all()
    assert (pixels[-20:] == 255).all()


def test_cells_are_sharp_squares_in_the_palettes_colours() -> None:
    pixels = pixels_of(three(CELLS))
    magma = {0.0: (0, 0, 4), 1.0: (252, 253, 191)}  # the ends of matplotlib's palette
    map_left, top = 60 + 560 + 60, 190
    inside = pixels[top + 4 : top + 276, map_left + 4 : map_left + 276].reshape(-1, 3)
    assert len(np.unique(inside, axis=0)) == 1
    assert np.abs(inside[0].astype(int) - magma[0.0]).max() <= 4
    last = pixels[top + 284 : top + 556, map_left + 284 : map_left + 556].reshape(-1, 3)
    assert len(np.unique(last, axis=0)) == 1
    assert np.abs(last[0].astype(int) - magma[1.0]).max() <= 4


def test_the_picture_is_enlarged_by_repeating_its_pixels() -> None:
    pixels = pixels_of(three(CELLS))[190 + 1 : 190 + 559, 60 + 1 : 60 + 559]
    centres = ((np.arange(32) + 0.5) * 560 / 32 - 1).astype(int)
    np.testing.assert_array_equal(pixels[centres][:, centres], PICTURE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 3), np.float32), "zero"),
        (np.full((3, 3), 0.5, np.float32), "the same"),
        (np.array([[0.1, np.nan]], np.float32), "not finite"),
    ],
)
def test_a_map_with_nothing_to_paint_says_so_and_is_not_painted(values: NDArray[np.float32], words: str) -> None:
    panel = map_panel("Map", values, xl.Drawing())
    assert isinstance(panel.picture, str)
    assert words in panel.picture
    assert panel.bar is None
    pixels = pixels_of(three(values))
    grey = pixels[195:745, 685:1235]
    assert (grey.max(-1) == grey.min(-1)).all()
    np.testing.assert_array_equal(pixels[195:745, 65:615], pixels[195:745, 1305:1855])


def test_a_signed_map_is_white_at_zero_and_its_bar_is_symmetric() -> None:
    drawing = xl.Drawing(signed=True)
    panel = map_panel("Map", np.array([[-1.0, 0.0, 3.0]], np.float32), drawing)
    assert panel.bar is not None
    assert (panel.bar.low, panel.bar.high) == (-3.0, 3.0)
    assert isinstance(panel.picture, np.ndarray)
    assert panel.picture[0, 1].tolist() == [247, 247, 247]


def test_a_given_reach_ends_the_colours() -> None:
    panel = map_panel("Map", CELLS, xl.Drawing(), reach=2.0)
    assert panel.bar is not None
    assert panel.bar.high == 2.0
    assert isinstance(panel.picture, np.ndarray)
    np.testing.assert_array_equal(panel.picture[1, 1], map_panel("Map", CELLS, xl.Drawing()).picture[1, 0])  # type: ignore[index]


def test_the_svg_holds_title_description_and_the_same_pictures() -> None:
    slide = three(CELLS)
    content = draw_slide(slide, "svg")
    root = ElementTree.fromstring(content)
    assert (root.get("width"), root.get("height"), root.get("role")) == ("1920", "1080", "img")
    assert root.findtext(f"{SVG}title") == "A title"
    assert root.findtext(f"{SVG}desc") == "What it shows"
    found = [base64.b64decode(part) for part in re.findall(r"base64,([^\"]+)", content.decode())]
    sizes = [Image.open(BytesIO(one)).size for one in found]
    assert sizes.count((560, 560)) == 3


def test_the_same_slide_gives_the_same_bytes() -> None:
    assert draw_slide(three(CELLS), "svg") == draw_slide(three(CELLS), "svg")
    assert draw_slide(three(CELLS), "png") == draw_slide(three(CELLS), "png")


def test_what_would_be_a_formula_or_a_tag_is_text() -> None:
    slide = slide_of(Panel("<b>$x^2$</b>", PICTURE), title="$\\frac$ & <script>", caption=("$_", "100 % of $5"))
    root = ElementTree.fromstring(draw_slide(slide, "svg"))
    assert root.findtext(f"{SVG}title") == "$\\frac$ & <script>"
    assert draw_slide(slide, "png")


def test_long_words_stay_on_the_slide() -> None:
    slide = slide_of(
        Panel("n" * 90, PICTURE), Panel("m", PICTURE), title="Wide MMM " * 14, caption=("words of a caption " * 20,)
    )
    pixels = pixels_of(slide)
    assert (pixels[:, -60:] == 255).all()
    assert (pixels[-20:] == 255).all()


def test_four_panels_fit_beside_each_other() -> None:
    pixels = pixels_of(slide_of(*[map_panel(name, CELLS, xl.Drawing()) for name in "abcd"]))
    assert (pixels[:, :60] == 255).all()
    assert (pixels[:, -58:] == 255).all()
