"""The bundled test images, and what is said of damaged ones."""

import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explain_lib as xl
from explain_lib.pictures.dataset import FOLDER, load_cifar10, study_batch

MOSAIC, LABELS = "cifar10_test.webp", "cifar10_test_labels.npy"


def test_pixels_and_labels_are_those_of_cifar10(images: xl.ImageSet) -> None:
    digest = hashlib.sha256(images.pixels.tobytes() + images.labels.astype(np.uint8).tobytes()).hexdigest()
    assert digest == "8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa"


def test_pictures_and_classes_have_the_order_of_the_dataset_itself(images: xl.ImageSet) -> None:
    assert (images.pixels.shape, images.pixels.dtype) == ((10_000, 32, 32, 3), np.uint8)
    assert (images.labels.shape, images.labels.dtype) == ((10_000,), np.int64)
    assert images.labels[:8].tolist() == [3, 8, 8, 0, 6, 6, 1, 6]
    # the first bytes of CIFAR-10's test_batch: 158 in the red plane, 112 in the green, 49 in the blue
    assert images.pixels[0, 0, 0].tolist() == [158, 112, 49]


def test_classes_are_named_as_in_the_tutorial(images: xl.ImageSet) -> None:
    names = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    assert images.classes == xl.CLASSES == names


@pytest.mark.parametrize(("index", "right"), [(0, (0, 4)), (3, (0, 4)), (4, (4, 8)), (9_999, (9_996, 10_000))])
def test_study_batch_is_the_four_in_which_the_notebook_saw_the_picture(index: int, right: tuple[int, int]) -> None:
    assert study_batch(index) == slice(*right)


@pytest.fixture(scope="module")
def mosaic() -> bytes:
    return (FOLDER / MOSAIC).read_bytes()


@pytest.fixture(scope="module")
def labels() -> bytes:
    return (FOLDER / LABELS).read_bytes()


def folder_with(folder: Path, mosaic: bytes | None, labels: bytes | None) -> Path:
    for name, content in ((MOSAIC, mosaic), (LABELS, labels)):
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "png")
    return buffer.getvalue()


UNREADABLE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "text": lambda _: b"not a picture",
    "cut short": lambda content: content[: len(content) // 2],
}


def webp_that_claims(side: int, content: bytes) -> bytes:
    """A WebP file whose canvas has so many pixels a side."""
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + 2 * struct.pack("<I", side - 1)[:3] + content[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_mosaic_that_is_missing_or_damaged_anywhere_is_said(mosaic: bytes, labels: bytes, tmp_path: Path) -> None:
    some = {
        "missing": None,
        "empty": b"",
        "cut in the header": mosaic[:20],
        "cut short": mosaic[:100_000],
        "altered at the start": mosaic[:30] + b"\xff" * 8 + mosaic[38:],
        "altered in the middle": mosaic[: len(mosaic) // 2] + b"\0" * 64 + mosaic[len(mosaic) // 2 + 64 :],
        "larger than any": webp_that_claims(16_384, mosaic),
        "another file": b"GIF89a" + bytes(100),
    }
    sentence = r"the mosaic of the test images, .*webp, cannot be read .*restore it|images in .* are damaged"
    for what, damaged in some.items():
        with pytest.raises(xl.DataError, match=sentence) as said:
            load_cifar10(folder_with(tmp_path, damaged, labels))
        assert "\n" not in str(said.value), what


def test_a_mosaic_of_another_size_is_refused_with_its_shape(labels: bytes, tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"has the shape \(64, 32, 3\); \(3200, 3200, 3\) would be right"):
        load_cifar10(folder_with(tmp_path, picture(32, 64), labels))


def test_other_pictures_are_refused_by_their_digest(labels: bytes, tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"the CIFAR-10 test images in .* are damaged: their SHA-256 is .* 8193b3"):
        load_cifar10(folder_with(tmp_path, picture(3200, 3200), labels))


def array_file(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


BAD_LABELS: dict[str, Callable[[bytes], bytes | None]] = {
    **UNREADABLE,
    "objects": lambda _: array_file(np.array([{}], dtype=object)),
    "words": lambda _: array_file(np.array(["cat", "ship"])),
}


@pytest.mark.parametrize("damage", BAD_LABELS.values(), ids=BAD_LABELS.keys())
def test_unreadable_labels_are_named(damage: Callable[[bytes], bytes | None], labels: bytes, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, picture(3200, 3200), damage(labels))
    with pytest.raises(xl.DataError, match=r"the labels of the test images, .*npy"):
        load_cifar10(folder)


def test_swapped_labels_are_refused_by_their_digest(mosaic: bytes, images: xl.ImageSet, tmp_path: Path) -> None:
    swapped = images.labels.astype(np.uint8)
    swapped[[0, 1]] = swapped[[1, 0]]
    with pytest.raises(xl.DataError, match=r"the CIFAR-10 test images in .* are damaged"):
        load_cifar10(folder_with(tmp_path, mosaic, array_file(swapped)))
