"""Faults while the dashboard runs: whom they concern reads a sentence, everybody else goes on."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_page import OpenedPage, alts, buttons, captions, ended, open_page, press, unescaped

import explain_lib as xl
from dashboard.view.server_options import server_cache
from dashboard.widgets.pickers import bundled_words
from explain_lib.base.memo import Memo
from explain_lib.compare.scan import ScanRequest
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.passes import capture
from explain_lib.pictures.dataset import FOLDER
from explain_lib.work.jobs import BROKE_OFF, shared_jobs

DEFAULT, OTHER = "captum-tutorial", "resnet20"
ABSURD = 2**60


@pytest.fixture(autouse=True)
def no_job_left_behind() -> Iterator[None]:
    yield
    shared_jobs("cpu").close()


@pytest.fixture(autouse=True)
def no_words_from_before() -> Iterator[None]:
    bundled_words.cache_clear()
    yield
    bundled_words.cache_clear()


def errors(app: OpenedPage) -> list[str]:
    assert not app.exception
    return [unescaped(error.value) for error in app.error]


def assert_works(app: OpenedPage) -> None:
    assert errors(app) == []
    assert alts(app)


# --- checkpoints


@pytest.mark.parametrize(
    ("page", "ending"),
    [("seed_gallery", ".pt"), ("class_browser", ".logits.npy"), ("layer_explorer", ".json"), ("layer_explorer", ".pt")],
)
def test_a_damaged_checkpoint_is_said_where_it_is_needed_and_other_pages_work(
    page: str, ending: str, copied_checkpoints: Path
) -> None:
    (copied_checkpoints / f"{OTHER}{ending}").write_bytes(b"damaged")
    (said,) = errors(open_page(page, model=OTHER))
    assert said.startswith("This view cannot be shown: ")
    assert f"{OTHER}{ending}" in said
    app = open_page(page)
    assert_works(app)
    if ending == ".json":
        (model_list,) = [box for box in app.selectbox if box.label == "Model"]
        assert f"{OTHER} · its card cannot be read" in model_list.options


def test_who_has_the_model_goes_on_when_its_files_are_deleted(copied_checkpoints: Path) -> None:
    app = open_page("layer_explorer", model=OTHER)
    assert_works(app)
    for path in copied_checkpoints.glob(f"{OTHER}*"):
        path.unlink()
    assert_works(app.run())
    assert_works(open_page("layer_explorer", model=OTHER, img="77"))
    server_cache().entries.clear()  # as if others had needed the room
    (said,) = errors(app.run())
    assert f"{OTHER}.json cannot be read" in said
    assert_works(open_page("layer_explorer"))
    for path in CHECKPOINTS.glob(f"{OTHER}*"):
        shutil.copy(path, copied_checkpoints)
    assert_works(app.run())


def test_a_damaged_ladder_is_said_and_the_rest_of_its_page_works(copied_checkpoints: Path) -> None:
    (copied_checkpoints / f"{DEFAULT}.ladder.npz").write_bytes(b"damaged")
    app = open_page("layer_ladder")
    assert_works(app)
    (warning,) = [unescaped(one.value) for one in app.warning]
    assert f"{DEFAULT}.ladder.npz is no ladder that can be read" in warning
    assert warning.endswith("You can measure them here.")
    assert [label for label in buttons(app) if label.startswith("Measure")]
    other = open_page("layer_ladder", model="tutorial")
    assert_works(other)
    assert not other.warning
    assert "These numbers come with the dashboard" in captions(other)


# --- the mosaic


def test_a_mosaic_that_is_damaged_at_the_start_is_said_on_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cifar10_test.webp").write_bytes((FOLDER / "cifar10_test.webp").read_bytes()[:50_000])
    shutil.copy(FOLDER / "cifar10_test_labels.npy", tmp_path)
    monkeypatch.setattr(xl.ExplainCache, "images", lambda _: xl.load_cifar10(tmp_path))
    for page in ("seed_gallery", "scan"):
        (said,) = errors(open_page(page))
        assert "the mosaic of the test images" in said
        assert "restore it from the repository" in said
    shutil.copy(FOLDER / "cifar10_test.webp", tmp_path)
    assert_works(open_page("seed_gallery"))


# --- no room


@pytest.mark.parametrize("page", ["class_browser", "disagreement"])
def test_pages_work_while_the_cache_has_no_room(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Memo(2_000)
    monkeypatch.setattr(server_cache(), "entries", full)
    for image in ("3", "4"):
        assert_works(open_page(page, img=image))
    assert full.stats.bytes <= 2_000


def exhausted(*_: object, **__: object) -> object:
    return torch.empty(ABSURD, dtype=torch.uint8)


def test_memory_that_runs_out_in_a_map_is_said_and_everybody_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_works(open_page("layer_explorer"))
    with monkeypatch.context() as patch:
        patch.setattr(capture.torch.autograd, "grad", exhausted)
        app = open_page("layer_explorer", img="41")
        (said,) = errors(app)
        assert said.startswith("This view cannot be shown: network: a backward pass over a batch of 1, to")
        assert "needs more memory than is available (1,073,741,824.0 GiB in one piece); fewer pictures or layers at a" in said
        assert errors(open_page("scan")) == []  # leaves its example out
        assert_works(open_page("layer_explorer"))  # whose maps are kept
    assert_works(app.run())
    assert_works(open_page("layer_explorer", img="42"))


# --- work in the background


def fails_by_a_fault(*_: object, **__: object) -> object:
    raise ZeroDivisionError("a fault of the program")


def fails_for_want_of_memory(*_: object, **__: object) -> object:
    return np.empty(ABSURD, np.uint8)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("fails", "words"),
    [(fails_by_a_fault, BROKE_OFF), (fails_for_want_of_memory, "needs more memory than is available (1.00 EiB in one piece)")],
)
def test_a_scan_that_ends_by_a_fault_says_so_and_can_go_on(
    fails: Callable[..., object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_cache().entries.clear()
    query = {"class_": "5", "predicted": "7", "low": str(41 + len(words) % 8)}  # no other test has scanned these
    app = open_page("scan", **query)
    (start,) = [label for label in buttons(app) if label.startswith("Scan ")]
    server_cache().entries.clear()  # of the example's rows
    with monkeypatch.context() as patch:
        patch.setattr(ScanRequest, "compute", fails)
        (said,) = errors(ended(press(app, start)))
        assert words in said
        assert_works(open_page("layer_explorer"))
        (seen_by_another,) = errors(open_page("scan", **query))
        assert seen_by_another == said
    (go_on,) = [label for label in buttons(app) if label.startswith("Go on with ")]
    assert errors(ended(press(app, go_on))) == []
    assert app.get("plotly_chart")
