"""The page of known truth on a folder with masks: the object's outline, its numbers, and pictures without a mask."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from opened_page import captions, download, metrics, open_page, texts, unescaped
from PIL import Image
from staged import panels

import explain_lib as xl
from dashboard.view.picture_sets import FolderImages, server_set
from explain_lib.work.jobs import shared_jobs

FILES = ["cat/0.png", "cat/1.png", "ship/1.png", "ship/damaged.png"]
OBJECT = (slice(8, 20), slice(4, 28))


@pytest.fixture(autouse=True)
def served(tmp_path: Path, start: Callable[..., None]) -> Iterator[Path]:
    """A server with a folder of pictures; all but cat/1.png have a mask."""
    root = tmp_path / "pictures"
    mask = np.zeros((32, 32), np.uint8)
    mask[OBJECT] = 255
    for place, name in enumerate(FILES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(xl.load_cifar10().pixels[place]).save(root / name)
        if name != "cat/1.png":
            Image.fromarray(mask).save(root / "masks" / name)
    (root / FILES[3]).write_bytes(b"no picture")
    start("--device", "cpu", "--images", str(root), "--cache", str(tmp_path))
    pictures = server_set(xl.shared_cache("cpu"))
    assert isinstance(pictures, FolderImages)
    yield root
    pictures.thumbnails.close()
    shared_jobs("cpu").close()


def test_the_object_has_its_outline_and_the_map_of_its_class_its_share() -> None:
    app = open_page("known_truth", img="2", model="tutorial", known="object", placement="stretched", layer="conv2")
    chosen = panels(app)["chosen"]
    (spot,) = chosen.head["spots"]
    assert [spot[name] for name in ("down", "along", "tall", "wide")] == [14 / 32, 0.5, 12 / 32, 24 / 32]
    settings = xl.CamSettings(layers=("conv2",), scale_over="none", resize="torch-bilinear")
    values = xl.heatmap(xl.load_model("tutorial"), xl.load_cifar10().pixels[[2]], settings, 8)[0]
    np.testing.assert_allclose(chosen.values, values, atol=1e-5)
    assert metrics(app)["Of the map in the marked object"] == f"{100 * values[OBJECT].sum() / values.sum():.1f} %"


def test_a_picture_without_a_mask_is_shown_with_a_sentence() -> None:
    app = open_page("known_truth", img="1", model="tutorial", known="object")
    assert not app.error
    assert unescaped(app.info[0].value) == "Image: cat/1.png has no mask; one with a mask would be right."
    assert "picture" in panels(app)


def test_those_with_masks_are_measured_and_the_others_left_out() -> None:
    app = open_page("known_truth", img="0", model="tutorial", known="object", finds="overlap")
    assert "The brightest fifth of " in texts(app)
    assert "2 images are too few to say more." in texts(app)
    assert "as far as they have a mask" in captions(app)
    assert download(app, "Table (CSV)").decode().splitlines()[0].startswith("layer,method,images,energy,energy_low,energy_high")


def test_a_wrong_mask_is_said_by_its_name(served: Path) -> None:
    Image.fromarray(np.zeros((10, 32), np.uint8)).save(served / "masks" / "cat" / "0.png")
    app = open_page("known_truth", img="0", model="tutorial", known="object")
    assert "it is 10 x 32 and its picture 32 x 32; the same shape would be right" in unescaped(app.info[0].value)


def test_test_images_have_no_masks() -> None:
    app = open_page("known_truth", img="0", model="tutorial", known="object", set="cifar10")
    assert "there are no masks for the CIFAR-10 test images" in unescaped(app.info[0].value)
