"""Files of volumes and signals: animations, pages, arrays and tables, and what a still picture stands for."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image

import explain_lib as xl
from explain_lib.base.sheets import Sheet
from explain_lib.pictures.bands import preview_picture, read_signal, read_volume
from explain_lib.pictures.intake import Intake

GREYS = np.arange(5, dtype=np.uint8) * 50


def slices(height: int = 6, width: int = 8) -> NDArray[np.uint8]:
    """Five slices, each of one grey."""
    return np.broadcast_to(GREYS[:, None, None], (5, height, width)).copy()


def array_file(values: NDArray[np.generic]) -> bytes:
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def gif() -> bytes:
    file, frames = BytesIO(), [Image.fromarray(one) for one in slices()]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return file.getvalue()


def pages() -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, slices(), photometric="minisblack")
    return file.getvalue()


FILES = {
    "an animated GIF": gif(),
    "a TIFF of five pages": pages(),
    "an array": array_file(slices()),
    "an array of one channel": array_file(slices()[..., None]),
    "an array of colours": array_file(np.repeat(slices()[..., None], 3, axis=3)),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("channels", [1, 3])
def test_slices_are_read_in_their_order(content: bytes, channels: int) -> None:
    found = read_volume(content, channels, 5)
    assert found.shape == (5, 6, 8, channels)
    assert_array_equal(found, np.broadcast_to(GREYS[:, None, None, None], found.shape))


def test_more_slices_are_taken_evenly_and_fewer_repeated() -> None:
    """The middles of three equal parts of five are 0.83, 2.5 and 4.17; of ten they are 0.25, 0.75, 1.25 and so on."""
    assert read_volume(FILES["an array"], 1, 3)[:, 0, 0, 0].tolist() == [0, 100, 200]
    assert read_volume(FILES["an array"], 1, 10)[:, 0, 0, 0].tolist() == np.repeat(GREYS, 2).tolist()


def test_one_window_holds_for_all_slices() -> None:
    deep = array_file(slices().astype(np.float32) * 10 - 500)
    assert read_volume(deep, 1, 5, (-500.0, 1500.0))[:, 0, 0, 0].tolist() == [0, 64, 128, 191, 255]


def test_slices_are_fitted_one_by_one() -> None:
    intake = Intake((5 * 4, 4), 1, sheet=Sheet((5, 4, 4)))
    sheet = intake.read(FILES["an array"])
    assert_array_equal(sheet[:, 0, 0], GREYS.repeat(4))


def test_a_still_picture_is_every_slice_or_the_means_of_its_columns() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(6, 8, 1).repeat(3, 2)
    sheet = Intake((2 * 6, 8), sheet=Sheet((2, 6, 8))).from_rgb(picture)
    assert_array_equal(sheet, np.concatenate([picture, picture]))
    signal = Intake((1, 8), 1, sheet=Sheet((8,))).from_rgb(picture)
    assert_array_equal(signal[0, :, 0], picture[..., 0].mean(0))


SIGNALS = {
    "an array": array_file(np.array([0, 0.5, 1.0, 0.25])),
    "an array with its channel": array_file(np.array([[0], [0.5], [1.0], [0.25]])),
    "a table": b"0\n0.5\n1\n0.25\n",
    "a table with a name": b"\xef\xbb\xbfvolts\r\n0\r\n0.5\r\n1\r\n0.25\r\n",
}


@pytest.mark.parametrize("content", SIGNALS.values(), ids=SIGNALS)
def test_a_signal_is_read_from_arrays_and_tables(content: bytes) -> None:
    assert read_signal(content, 1, 4)[0, :, 0].tolist() == [0, 128, 255, 64]


def test_a_signal_of_another_length_is_resampled_linearly() -> None:
    """Halfway between 0.5 and 1 lies 0.75, of 255 steps 191."""
    assert read_signal(SIGNALS["a table"], 1, 7)[0, :, 0].tolist() == [0, 64, 128, 191, 255, 159, 64]


def test_all_of_the_range_counts_but_8_bits_stay_as_they_are() -> None:
    peak = np.zeros(1000)
    peak[7] = 5
    assert read_signal(array_file(peak - 5), 1, 1000)[0, 5:9, 0].tolist() == [0, 0, 255, 0]
    assert read_signal(array_file(np.array([10, 20, 30], np.uint8)), 1, 3)[0, :, 0].tolist() == [10, 20, 30]
    assert read_signal(array_file(np.array([10, 20, 30], np.uint8)), 1, 5)[0, :, 0].tolist() == [10, 15, 20, 25, 30]


def test_a_table_of_several_columns_is_of_several_channels() -> None:
    found = read_signal(b"a,b\n0,100\n50,200\n", 2, 2, (0, 200))
    assert found[0].tolist() == [[0, 128], [64, 255]]


WRONG: dict[str, tuple[bytes, str]] = {
    "a picture": (gif(), "a picture, and this network takes signals"),
    "other channels": (b"1,2\n3,4\n", "the signal has 2 channels; 1 would be right"),
    "words": (b"one\ntwo\n", "no table of numbers"),
    "ragged": (b"1,2\n3\n", "no table of numbers"),
    "not finite": (b"1\nnan\n", "NaN or infinity"),
    "a volume": (FILES["an array"], r"\(5, 6, 8\)"),
}


@pytest.mark.parametrize(("content", "why"), WRONG.values(), ids=WRONG)
def test_what_is_no_signal_is_refused_in_a_sentence(content: bytes, why: str) -> None:
    with pytest.raises(xl.InputError, match=why):
        read_signal(content, 1, 4)


@pytest.mark.parametrize(
    ("values", "why"),
    [(np.zeros((2, 3)), r"\(2, 3\)"), (np.full((2, 3, 4), np.inf), "infinity"), (np.zeros((2, 3, 4, 5)), "have 5 channels; 1")],
)
def test_what_is_no_volume_is_refused_in_a_sentence(values: NDArray[np.float64], why: str) -> None:
    with pytest.raises(xl.InputError, match=why):
        read_volume(array_file(values), 1, 2)


@pytest.mark.parametrize(
    "content", [*FILES.values(), *SIGNALS.values()], ids=[*FILES, *(f"signal: {name}" for name in SIGNALS)]
)
def test_every_file_can_be_shown_small(content: bytes) -> None:
    shown = preview_picture(content)
    assert (shown.dtype, shown.ndim, shown.shape[2]) == (np.uint8, 3, 3)


def test_tables_in_a_folder_are_signals_unless_they_lie_beside_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(SIGNALS["a table"])
    assert xl.ImageFolder(tmp_path).files == ("a.csv",)
    Image.fromarray(slices()[0]).save(tmp_path / "b.png")
    assert xl.ImageFolder(tmp_path).files == ("b.png",)
