"""Ladders in files, and the bundled ones: beside published figures, and computed anew for a few images."""

from pathlib import Path

import numpy as np
import pytest
from sample_networks import noise

import explain_lib as xl
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.trust.ladder import CENTRE, RANDOM, LadderRequest, LadderRows
from explain_lib.work.ladder_files import BUNDLED, bundled_ladder, read_ladder, write_ladder

ALL = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")
ASKED = {
    "captum-tutorial": ("captum-tutorial", None, "conv2", 1000),
    "captum-tutorial-all-layers": ("captum-tutorial", ALL, "conv2", 1000),
    "tutorial": ("tutorial", None, "conv2", 1000),
    "tutorial-all-layers": ("tutorial", ALL, "conv2", 1000),
    "watermark": ("watermark", None, "conv2", 1000),
    "resnet20": ("resnet20", None, "layer3.2.conv2", 500),
    "vit-tiny": ("vit-tiny", xl.load_model("vit-tiny").main_layers, "encoder.layers.encoder_layer_5.ln_1", 500),
}
"""Of each file: model, layers, layer of the other methods, images."""

MEASURED = {
    "conv1": (0.331, 0.392),
    "relu1": (0.321, 0.402),
    "pool1": (0.304, 0.393),
    "conv2": (0.308, 0.367),
    "relu2": (0.300, 0.381),
    CENTRE: (0.242, 0.411),
}
"""Deletion and insertion with mid grey, means over images 0 to 999, measured by another program."""


def request(name: str, images: int | None = None) -> LadderRequest:
    model, layers, opinions, count = ASKED[name]
    pixels = xl.load_cifar10().pixels
    return LadderRequest(xl.load_model(model), pixels, np.arange(images or count), layers, None, opinions)


def rows_of(name: str) -> LadderRows:
    rows = bundled_ladder(request(name))
    assert rows is not None
    return rows


def test_each_file_answers_its_request() -> None:
    assert {path.name.removesuffix(BUNDLED[1:]) for path in CHECKPOINTS.glob(BUNDLED)} == set(ASKED)
    for name, (*_, count) in ASKED.items():
        assert len(rows_of(name)) == count


@pytest.mark.parametrize("row", MEASURED)
def test_deletion_and_insertion_are_those_measured_elsewhere(row: str) -> None:
    rows = rows_of("captum-tutorial-all-layers")
    place = [rung.name for rung in rows.rungs].index(row)
    deletion, insertion = MEASURED[row]
    assert rows.deletion[:, place, 0].mean() == pytest.approx(deletion, abs=0.005)
    assert rows.insertion[:, place, 0].mean() == pytest.approx(insertion, abs=0.005)


def test_so_is_random_order_within_its_own_chance() -> None:
    rows = rows_of("captum-tutorial")
    place = [rung.name for rung in rows.rungs].index(RANDOM)
    assert rows.deletion[:, place, 0].mean() == pytest.approx(0.315, abs=0.01)
    assert rows.insertion[:, place, 0].mean() == pytest.approx(0.317, abs=0.01)


@pytest.mark.parametrize("name", ASKED)
def test_a_few_images_computed_anew_have_the_same_numbers(name: str) -> None:
    asked, rows = request(name), rows_of(name)
    image = len(rows) - 2
    found = asked.take(np.array([image])).at_once()
    assert found.rungs == rows.rungs
    # in another batch some pixels of nearly equal value change places in the order: of 16 x 3 passes one may differ a little
    for values in ("deletion", "insertion", "single_deletion", "edges", "centre"):
        np.testing.assert_allclose(getattr(rows, values)[image], getattr(found, values)[0], atol=2e-3, err_msg=values)
    assert rows.predicted[image] == found.predicted[0]


def test_fewer_images_are_the_first_of_them_and_other_requests_have_no_answer() -> None:
    few = bundled_ladder(request("captum-tutorial", 40))
    assert few is not None
    np.testing.assert_array_equal(few.deletion, rows_of("captum-tutorial").deletion[:40])
    asked = request("captum-tutorial", 3)
    for other in (
        LadderRequest(asked.model, asked.pixels, np.array([1, 0]), asked.layers, None, "conv2"),
        LadderRequest(asked.model, asked.pixels, np.arange(3), ("conv1",), None, "conv2"),
        LadderRequest(asked.model, asked.pixels, np.arange(3), asked.layers, 4, "conv2"),
        LadderRequest(asked.model, asked.pixels, np.arange(3), asked.layers, None, None),
        LadderRequest(xl.load_model("tutorial-epoch-5"), asked.pixels, np.arange(3), None, None, "conv2"),
        LadderRequest(asked.model, noise(5, side=32), np.arange(3), asked.layers, None, "conv2"),
        LadderRequest(asked.model, noise(2000, side=32), np.arange(3), asked.layers, None, "conv2"),
    ):
        assert bundled_ladder(other) is None


def test_a_ladder_is_read_as_it_was_written(tmp_path: Path) -> None:
    request = LadderRequest(xl.load_model(), xl.load_cifar10().pixels, np.array([3]), ("conv1",), None, "conv1")
    (rows,) = request.rows()
    write_ladder(rows, request, tmp_path / "one.npz")
    found, fingerprint = read_ladder(tmp_path / "one.npz")
    assert (found.rungs, fingerprint) == (rows.rungs, request.fingerprint)
    for name in ("images", "predicted", "explained", "flat", "deletion", "insertion", "single_deletion", "edges", "centre"):
        np.testing.assert_allclose(getattr(found, name), getattr(rows, name), atol=1e-7)


def test_another_file_is_no_ladder(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "other.npz", images=np.zeros(1))
    for name in ("text.npz", "other.npz", "missing.npz"):
        with pytest.raises(xl.DataError, match=f"{name} is no ladder that can be read"):
            read_ladder(tmp_path / name)
