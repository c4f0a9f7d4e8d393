"""Pictures of one channel and of many, from pictures, arrays and files."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from picture_samples import saved
from PIL import Image
from torchvision.transforms.functional import rgb_to_grayscale

from explain_lib.base.errors import ExplainError, InputError
from explain_lib.pictures.bands import bands_window, preview_picture, preview_thumbnail, read_bands
from explain_lib.pictures.channels import channel_words, grey, in_channels, shown
from explain_lib.pictures.files import fit_picture, read_picture
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.intake import Intake

RANDOM = np.random.default_rng(3)
COLOURS = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)
BANDS = RANDOM.integers(0, 256, (20, 30, 13), dtype=np.uint8)


def npy(array: NDArray[np.generic]) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: NDArray[np.generic]) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # NumPy's stub takes the names for options
    return file.getvalue()


def tif(array: NDArray[np.generic], planes: str) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, array, photometric="minisblack", planarconfig=planes)
    return file.getvalue()


def pages(array: NDArray[np.generic]) -> bytes:
    _, file = cv2.imencodemulti(".tif", list(np.moveaxis(array, 2, 0).copy()))
    return file.tobytes()


# --- grey


def test_grey_is_that_of_pillow_to_the_bit_and_of_torchvision() -> None:
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(-1, 52, 3).astype(np.uint8)
    np.testing.assert_array_equal(grey(every)[:, :, 0], np.asarray(Image.fromarray(every).convert("L")))
    theirs = rgb_to_grayscale(torch.from_numpy(every).permute(2, 0, 1))[0].numpy()
    assert np.abs(grey(every)[:, :, 0].astype(int) - theirs).max() <= 1  # it cuts, where Pillow rounds


def test_a_grey_file_stays_as_it_is() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(read_bands(saved(Image.fromarray(values), "PNG"), 1)[:, :, 0], values)


# --- files of many channels


@pytest.mark.parametrize(
    "content",
    [
        npy(BANDS),
        npy(BANDS.transpose(2, 0, 1)),
        npz(picture=BANDS),
        tif(BANDS, "contig"),
        tif(BANDS.transpose(2, 0, 1), "separate"),
        pages(BANDS),
    ],
    ids=["npy", "npy, channels first", "npz", "TIFF", "TIFF, in planes", "TIFF of 13 pages"],
)
def test_thirteen_channels_come_from_every_kind_of_file(content: bytes) -> None:
    np.testing.assert_array_equal(read_bands(content, 13), BANDS)
    assert bands_window(content, 13) is None
    assert preview_thumbnail(content, 8).shape == (8, 8, 3)


def test_four_channels_are_rgb_and_alpha_as_they_are() -> None:
    four = RANDOM.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    np.testing.assert_array_equal(read_bands(saved(Image.fromarray(four), "PNG"), 4), four)


def test_an_array_of_grey_serves_networks_of_one_and_of_three_channels() -> None:
    values = RANDOM.integers(0, 256, (9, 7), dtype=np.uint8)
    np.testing.assert_array_equal(read_bands(npy(values), 1)[:, :, 0], values)
    np.testing.assert_array_equal(read_bands(npy(values), 3), np.repeat(values[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(read_bands(npy(COLOURS), 1), grey(COLOURS))


@pytest.mark.parametrize(
    ("content", "channels", "words"),
    [
        (saved(Image.fromarray(COLOURS), "PNG"), 13, "three channels at most, or four; a TIFF, .npy or .npz with 13"),
        (saved(Image.fromarray(COLOURS), "PNG"), 4, "no fourth channel; RGB with transparency would be right"),
        (npy(BANDS), 3, "it has 13 channels; 3 would be right"),
        (npy(BANDS), 12, "it has 13 channels; 12 would be right"),
        (npy(np.zeros((2, 3, 4, 5), np.uint8)), 3, "an array of shape .2, 3, 4, 5. and uint8; numbers of shape"),
        (npy(np.array(["a"])), 3, "numbers of shape"),
        (npy(np.full((4, 4, 3), np.nan)), 3, "it contains NaN or infinity"),
        (npz(a=BANDS, b=BANDS), 13, "the file holds 2 arrays; one would be right"),
        (npy(BANDS)[:-9], 13, "the array is damaged"),
        (npy(np.array([None])), 3, "holds objects"),
        (npz(a=BANDS)[:60], 13, "the array is damaged"),
        (tif(BANDS, "contig")[:200], 13, "the file is damaged, cut short"),
        (b"", 13, "the file is empty"),
    ],
)
def test_other_files_get_a_sentence(content: bytes, channels: int, words: str) -> None:
    with pytest.raises(ExplainError, match=f"^picture: .*{words}"):
        read_bands(content, channels)


def test_an_array_that_unpacks_to_very_much_is_refused_before() -> None:
    with pytest.raises(InputError, match="unpacks to more than 160 MB"):
        read_bands(npz(a=np.zeros((200, 1000, 1000), np.uint8)), 200)


# --- windows


def test_greys_of_twelve_bits_are_shown_from_their_first_to_their_last_percent() -> None:
    """1,000 numbers from 0 to 3,996: ten are below 40, ten above 3,956; between them 255 steps of 15.4."""
    values = (np.arange(1000, dtype=np.uint16) * 4).reshape(25, 40)
    content = saved(Image.fromarray(values), "PNG")
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    assert (low, high) == (36, 3960)
    expected = np.clip(np.round((values.astype(float) - low) / (high - low) * 255), 0, 255)
    np.testing.assert_allclose(read_picture(content)[:, :, 0], expected, atol=0.5)
    assert bands_window(content, 1) == (36, 3960)
    np.testing.assert_array_equal(read_picture(content, (0, 65535))[:, :, 0].max(), 16)  # 3,996 of 65,535, by 255


def test_a_picture_that_is_nearly_all_one_grey_keeps_the_others() -> None:
    values = np.zeros((20, 20), np.uint16)
    values[0, :2] = 700, 1400
    assert read_picture(saved(Image.fromarray(values), "PNG"))[0, :3, 0].tolist() == [128, 255, 0]


def test_fractions_count_from_0_to_1_and_other_numbers_in_their_own_range() -> None:
    fractions = np.array([[0.0, 0.2], [0.4, 0.6]], np.float32)
    assert read_bands(npy(fractions), 1)[:, :, 0].tolist() == [[0, 51], [102, 153]]
    assert read_bands(npy(fractions * 10), 1)[:, :, 0].tolist() == [[0, 85], [170, 255]]
    assert read_bands(npy(fractions * 10), 1, (0, 10))[:, :, 0].tolist() == [[0, 51], [102, 153]]


# --- fitting and showing


@pytest.mark.parametrize("fit", ["crop", "inner", "pad", "stretch"])
def test_every_channel_is_fitted_as_red_green_and_blue_are(fit: str) -> None:
    found = fit_picture(np.concatenate([COLOURS, COLOURS], axis=2), (12, 12), fit)  # type: ignore[arg-type]  # one of them
    expected = fit_picture(COLOURS, (12, 12), fit)  # type: ignore[arg-type]  # one of them
    np.testing.assert_array_equal(found, np.concatenate([expected, expected], axis=2))


def test_what_is_shown_of_channels() -> None:
    assert shown(COLOURS) is COLOURS
    np.testing.assert_array_equal(shown(COLOURS[:, :, :1]), np.repeat(COLOURS[:, :, :1], 3, axis=2))
    np.testing.assert_array_equal(shown(BANDS), BANDS[:, :, :3])
    np.testing.assert_array_equal(shown(BANDS, (12, 0, 5)), BANDS[:, :, [12, 0, 5]])
    assert channel_words(3) == ""
    assert channel_words(13) == "channels 0, 1, 2 of 13 shown as red, green, blue"
    with pytest.raises(InputError, match=r"bands: \(0, 1\); one or three channels, from 0 to 12"):
        shown(BANDS, (0, 1))
    np.testing.assert_array_equal(preview_picture(npy(BANDS)), BANDS[:, :, :3])


def test_colours_for_other_channels_are_grey_or_in_turn() -> None:
    np.testing.assert_array_equal(in_channels(COLOURS, 1), grey(COLOURS))
    np.testing.assert_array_equal(in_channels(COLOURS, 5), COLOURS[:, :, [0, 1, 2, 0, 1]])


def test_a_file_that_one_network_cannot_see_is_not_lost_for_others(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BANDS)
    folder = ImageFolder(tmp_path)
    with pytest.raises(ExplainError, match=r"a\.npy: it has 13 channels; 3 would be right"):
        folder.pixels((20, 30))[0]
    assert folder.unreadable == {}
    np.testing.assert_array_equal(folder.pixels(Intake((20, 30), 13))[0], BANDS)
