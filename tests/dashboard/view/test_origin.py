"""Links to what is the server's own: they name its weights and files, and say what differs where they are opened."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from opened_page import errors, open_folded, press, query, unescaped, warnings
from PIL import Image

from dashboard.view.server_options import server_cache

MAKE = "own_networks:make"
"""In tests/support."""
OWN = ("--model", MAKE, "--input-size", "16")
Start = Callable[..., None]


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    folder = tmp_path / "garden"
    folder.mkdir()
    for place in range(4):
        Image.fromarray(np.full((16, 16, 3), 40 * place, np.uint8)).save(folder / f"{place}.png")
    return folder


def stepped(**address: str) -> dict[str, str]:
    """The address after one step to another image."""
    app = open_folded("layer_explorer", **address)
    assert errors(app) == ""
    return query(press(app, "Next"))


def test_an_address_names_the_weights_of_an_own_network_and_opens_without_a_word(start: Start) -> None:
    start(*OWN)
    address = stepped(img="3")
    assert address["weights"] == server_cache().model(MAKE).digest[:12]
    assert "files" not in address
    assert warnings(open_folded("layer_explorer", **address)) == ""


def test_other_weights_than_the_addresses_are_said_in_a_sentence(start: Start) -> None:
    start(*OWN)
    address = stepped(img="3")
    start("--model", MAKE, "--input-size", "18")
    app = open_folded("layer_explorer", **address)
    assert errors(app) == ""
    assert (
        f"weights={address['weights']}: the address was made with {MAKE} with other weights or another input than on this "
        f"server, so maps differ."
    ) in unescaped(warnings(app))
    assert query(press(app, "Next"))["weights"] == server_cache().model(MAKE).digest[:12]
    assert warnings(app) == ""


def test_both_models_side_by_side_are_named(start: Start) -> None:
    start(*OWN)
    address = stepped(img="3", model="tutorial", beside="model", model2=MAKE)
    assert address["weights2"] == server_cache().model(MAKE).digest[:12]
    assert "weights" not in address
    app = open_folded("layer_explorer", **{**address, "weights2": "0" * 12})
    assert f"weights2={'0' * 12}: the address was made with {MAKE} with other weights or another input" in unescaped(
        warnings(app)
    )


def test_an_address_names_the_files_of_the_folder_and_says_what_became_of_them(start: Start, garden: Path) -> None:
    start("--images", str(garden))
    address = stepped(img="2")
    assert address["files"].startswith("4-")
    assert warnings(open_folded("layer_explorer", **address)) == ""
    (garden / "0.png").write_bytes((garden / "3.png").read_bytes() + b" ")
    moved = garden.rename(garden.with_name("moved"))
    start("--images", str(moved))
    words = unescaped(warnings(open_folded("layer_explorer", **address)))
    assert f"files={address['files']}: the address was made with other files than the 4 in the folder here" in words
    (moved / "0.png").unlink()
    (moved / "1.png").rename(moved / "a.png")
    start("--cache", str(moved.parent / "cache"), "--images", str(moved))
    words = unescaped(warnings(open_folded("layer_explorer", **address)))
    assert "the address was made with 4 files, and the folder here has 3: a number can mean another picture." in words
    start()
    words = unescaped(warnings(open_folded("layer_explorer", **address)))
    assert "the address was made with a folder of pictures that is not open here." in words


def test_a_copy_of_a_folder_is_the_same_folder(start: Start, garden: Path) -> None:
    start("--images", str(garden))
    address = stepped(img="2")
    start("--images", str(garden.rename(garden.with_name("copied"))))
    assert warnings(open_folded("layer_explorer", **address)) == ""


def test_addresses_of_what_is_bundled_stay_short_and_older_ones_keep_working(start: Start) -> None:
    assert set(stepped(img="3", model="captum-tutorial")) == {"img", "model"}
    start(*OWN)
    assert warnings(open_folded("layer_explorer", img="3", model=MAKE)) == ""
    assert warnings(open_folded("layer_explorer", img="3", model="tutorial", weights="0" * 12)) == ""
