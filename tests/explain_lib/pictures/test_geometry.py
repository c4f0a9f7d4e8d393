"""Where a network looks in a picture, and the way of maps back onto it."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet50_Weights
from torchvision.transforms import CenterCrop, Compose, Normalize, Pad, Resize, ToTensor, functional, v2

from explain_lib.base.errors import InputError
from explain_lib.pictures.files import FITS, fit_picture
from explain_lib.pictures.geometry import Box, fitted_box
from explain_lib.pictures.intake import PictureTransform, normalisation_of

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CORNERS = [[0, 0], [90, 0], [90, 60], [0, 60]]
VALUES = [ToTensor(), Normalize(MEAN, STD)]


def of(*parts: object) -> PictureTransform:
    return PictureTransform(Compose([*parts, *VALUES]), MEAN, STD)


# 600 x 400 to a shorter side of 32 is 48 x 32, 12.5 pixels each: the middle 24 x 24 leave out 12 rows and 4 columns.
MIDDLE = Box(12 * 12.5, 4 * 12.5, 36 * 12.5, 28 * 12.5, (600, 400))
BY_HAND = {
    "resize, crop": (of(Resize(32), CenterCrop(24)), (600, 400), MIDDLE),
    "sizes as lists": (of(Resize([32]), CenterCrop([24])), (600, 400), MIDDLE),
    "squash": (of(Resize((24, 24))), (600, 400), Box(0, 0, 600, 400, (600, 400))),
    "letterbox": (of(Pad((100, 0)), Resize((24, 24))), (600, 400), Box(0, -100, 600, 500, (600, 400))),
    "crop larger than the picture": (of(CenterCrop(50)), (40, 30), Box(-5, -10, 45, 40, (40, 30))),
    "largest side": (of(Resize(20, max_size=24), CenterCrop((24, 16))), (600, 400), Box(0, 0, 600, 400, (600, 400))),
}


@pytest.mark.parametrize(("transform", "picture", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_the_box_of_torchvisions_parts_is_that_worked_out_by_hand(
    transform: PictureTransform, picture: tuple[int, int], expected: Box
) -> None:
    found = transform.box(picture)
    assert found is not None
    np.testing.assert_allclose(edges(found), edges(expected), atol=1e-9)


def edges(box: Box) -> tuple[float, float, float, float]:
    return box.top, box.left, box.bottom, box.right


@pytest.mark.parametrize(("transform", "picture", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_that_of_any_function_is_measured(transform: PictureTransform, picture: tuple[int, int], expected: Box) -> None:
    """The same transforms, hidden in a function."""
    hidden = PictureTransform(partial(transform.function), MEAN, STD)
    found = hidden.box(picture)
    assert found is not None
    np.testing.assert_allclose(edges(found), edges(expected), atol=max(1.0, max(picture) / 500))


@pytest.mark.parametrize(
    "bend",
    [
        functional.hflip,
        functional.vflip,
        lambda shown: shown.rotate(20),
        lambda shown: functional.affine(shown, 0, [0, 0], 1, [8.0]),
        lambda shown: shown.transpose(Image.Transpose.TRANSPOSE),
        lambda shown: functional.perspective(
            shown, [[0, 0], [90, 0], [90, 60], [0, 60]], [[0, 0], [90, 20], [90, 50], [0, 60]]
        ),
        lambda _: Image.new("RGB", (8, 8)),
    ],
    ids=["mirrored", "upside down", "turned", "sheared", "transposed", "bent", "nothing of it"],
)
def test_what_moves_pixels_in_another_way_cannot_be_told(bend: object) -> None:
    assert of(v2.Lambda(bend), Resize((24, 24))).box((60, 90)) is None


def test_version_2_and_the_presets_of_torchvision_are_read() -> None:
    new = v2.Compose(
        [v2.ToImage(), v2.Resize(32, antialias=True), v2.CenterCrop(24), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]
    )
    assert PictureTransform(new, MEAN, STD).box((600, 400)) == MIDDLE
    preset = ResNet50_Weights.IMAGENET1K_V1.transforms()
    assert normalisation_of(preset) == (MEAN, STD)
    assert PictureTransform(preset, MEAN, STD).box((256, 512)) == Box(16, 144, 240, 368, (256, 512))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("picture", [(300, 200), (200, 300), (40, 90), (64, 64)])
def test_the_box_of_a_fit_holds_what_the_fit_shows(fit: str, picture: tuple[int, int]) -> None:
    """A ramp of grey, fitted, tells where each of its pixels comes from."""
    box = fitted_box(picture, (48, 48), fit)  # type: ignore[arg-type]  # one of them
    for axis, (low, high) in enumerate(((box.top, box.bottom), (box.left, box.right))):
        line = (np.arange(picture[axis]) + 0.5) * 200 / picture[axis] + 50
        ramp = (
            np.repeat(np.broadcast_to(np.expand_dims(line, 1 - axis), picture)[:, :, None], 3, axis=2).round().astype(np.uint8)
        )
        seen = fit_picture(ramp, (48, 48), fit)[:, :, 0]  # type: ignore[arg-type]  # one of them
        along = seen.max(1 - axis).astype(float)
        places = (np.arange(48) + 0.5) / 48 * (high - low) + low
        inside = (places > 3) & (places < picture[axis] - 3)
        np.testing.assert_allclose(along[inside], places[inside] * 200 / picture[axis] + 50, atol=1.6)


def test_a_map_comes_back_where_the_network_looked_and_nowhere_else() -> None:
    """Of 8 x 12 pixels the middle 4 x 4 are seen, by a map of 2 x 2 cells: its middles are 2 pixels apart."""
    box = Box(2, 4, 6, 8, (8, 12))
    found = box.on_whole(np.array([[0, 4], [8, 12]], np.float32))
    seen = np.zeros((8, 12), bool)
    seen[2:6, 4:8] = True
    np.testing.assert_array_equal(box.seen, seen)
    np.testing.assert_array_equal(np.isfinite(found), seen)
    down, across = np.array([0, 2, 6, 8]), np.array([0, 1, 3, 4])  # 0.5, 1.5, 2.5 and 3.5 of 4, between middles at 1 and 3
    np.testing.assert_allclose(found[2:6, 4:8], down[:, None] + across, atol=1e-6)


def test_a_padded_map_comes_back_without_its_bars() -> None:
    found = Box(-2, 0, 6, 8, (4, 8)).on_whole(np.arange(64, dtype=np.float32).reshape(8, 8))
    np.testing.assert_allclose(found, np.arange(64).reshape(8, 8)[2:6], atol=1e-5)


def test_what_is_no_map_is_refused() -> None:
    with pytest.raises(InputError, match="values: not a map"):
        MIDDLE.on_whole(np.zeros((1, 2, 2), np.float32))
