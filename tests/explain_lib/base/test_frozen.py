"""Results cannot be changed by their readers, nor after a round trip through pickle."""

import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import explain_lib as xl
from explain_lib.base.frozen import Frozen, read_only


@dataclass(frozen=True)
class Pair(Frozen):
    left: np.ndarray
    right: np.ndarray
    note: str = ""


def results(model: xl.Model, pixels: np.ndarray) -> list[tuple[str, np.ndarray]]:
    cams = xl.grad_cam(model, pixels)
    comparison = xl.compare(*xl.heatmap(model, pixels[:2], xl.PAPER))
    return [
        ("logits", cams.logits),
        ("weights", cams["conv1"].weights),
        ("signed", cams["conv2"].signed),
        ("map", cams["conv2"].map),
        ("difference", comparison.difference),
        ("unpickled map", pickle.loads(pickle.dumps(cams))["conv2"].map),
        ("unpickled difference", pickle.loads(pickle.dumps(comparison)).difference),
    ]


def test_no_array_of_a_result_can_be_written_to(tutorial: xl.Model, study: np.ndarray) -> None:
    for name, array in results(tutorial, study):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        assert not array.flags.writeable, name


def test_a_pickled_result_comes_back_equal(tutorial: xl.Model, study: np.ndarray) -> None:
    cams = xl.grad_cam(tutorial, study, ["pool1", "conv2"], xl.Target(3, minus=5))
    back = pickle.loads(pickle.dumps(cams))
    assert (back.names, back.targets) == (("pool1", "conv2"), (xl.Target(3, minus=5),) * 4)
    assert_array_equal(back["pool1"].signed, cams["pool1"].signed)
    assert_array_equal(back.logits, cams.logits)


def test_fields_of_a_result_cannot_be_replaced(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(FrozenInstanceError):
        xl.grad_cam(tutorial, study).logits = np.zeros(1)  # type: ignore[misc]  # the mistake that is tested


def test_images_cannot_be_written_to(images: xl.ImageSet) -> None:
    with pytest.raises(ValueError, match="read-only"):
        images.pixels[0, 0, 0, 0] = 0


def test_an_array_that_its_maker_can_still_write_to_is_copied() -> None:
    array = np.zeros(3)
    pair = Pair(array, array[1:])
    array[:] = 7
    assert (pair.left.tolist(), pair.right.tolist()) == ([0, 0, 0], [0, 0])


def test_a_read_only_view_of_a_writeable_array_is_copied() -> None:
    array = np.zeros(3)
    view = array[:2]
    view.flags.writeable = False
    kept = read_only(view)
    array[:] = 7
    assert kept.tolist() == [0, 0]


def test_a_read_only_view_of_foreign_memory_is_copied() -> None:
    memory = bytearray(b"\0\0\0")
    view = np.frombuffer(memory, np.uint8)
    view.flags.writeable = False
    kept = read_only(view)
    memory[0] = 7
    assert kept.tolist() == [0, 0, 0]


def test_an_array_that_nobody_can_write_to_is_kept_as_it_is() -> None:
    array = np.zeros(3)
    array.flags.writeable = False
    assert read_only(array) is array
    assert read_only(array[1:]).base is array


def test_nbytes_counts_every_array() -> None:
    assert Pair(np.zeros(3), np.zeros((2, 2), np.float32), "text").nbytes == 3 * 8 + 4 * 4


def test_nbytes_counts_nested_results(tutorial: xl.Model, study: np.ndarray) -> None:
    # logits 4 x 10; conv2: weights 4 x 16, signed and map 4 x 10 x 10; all of 4 bytes
    assert xl.grad_cam(tutorial, study, "conv2").nbytes == 4 * (40 + 64 + 2 * 400)
