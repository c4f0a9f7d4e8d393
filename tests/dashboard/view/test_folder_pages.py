"""The dashboard on a folder of the server's own: browser, scan, ladder, and files that cannot be read."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened_page import OpenedPage, alts, captions, component_data, open_page, press, query, texts, unescaped
from PIL import Image
from scan_samples import job_threads, wait_until
from staged import thumbnails
from starlette.requests import Request

import explain_lib as xl
from dashboard.frame.picture_menu import MENU
from dashboard.server.health import ModelLoading
from dashboard.server.log import LOG
from dashboard.view.picture_sets import FolderImages, server_set
from explain_lib.work.jobs import Job, shared_jobs

SHOWN = {"cat": 0, "ship": 1, "zebra": 4}
"""Subfolders, and the test image from which on each has three."""
FILES = [f"{name}/{number}.png" for name in SHOWN for number in range(3)]
DAMAGED = "ship/damaged.png"
LISTED = sorted([*FILES, DAMAGED])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of this test's own: nothing is known of it yet."""
    root = tmp_path / "pictures"
    root.mkdir()
    images = xl.load_cifar10()
    for name, first in SHOWN.items():
        (root / name).mkdir()
        for number in range(3):
            Image.fromarray(images.pixels[first + number]).save(root / name / f"{number}.png")
    (root / DAMAGED).write_bytes(b"no picture")
    return root


@pytest.fixture(autouse=True)
def served(folder: Path, tmp_path: Path, start: Callable[..., None]) -> Iterator[None]:
    """A server with that folder, and nothing left of it afterwards."""
    start("--device", "cpu", "--images", str(folder), "--cache", str(tmp_path))
    pictures = opened_folder()
    yield
    pictures.thumbnails.close()
    shared_jobs("cpu").close()


def opened_folder() -> FolderImages:
    pictures = server_set(xl.shared_cache("cpu"))
    assert isinstance(pictures, FolderImages)
    return pictures


def place(name: str) -> int:
    return LISTED.index(name)


def finished(app: OpenedPage) -> OpenedPage:
    """The page once the work in the background is done."""
    wait_until(lambda: not job_threads())
    app.run()
    assert not app.exception
    return app


def unfolded(app: OpenedPage) -> OpenedPage:
    app.session_state[MENU] = True
    app.run()
    return app


def test_the_browser_opens_on_the_folder_and_asks_nothing() -> None:
    app = open_page("class_browser")
    assert "**10** images · **0** predicted right · **0** wrong · **10** without a prediction or a class" in texts(app)
    data = thumbnails(app)
    assert data["images"] == list(range(10))
    assert data["true"] == [name.split("/")[0] for name in LISTED]
    assert set(data["predicted"]) == {""}
    assert "The network has seen 0 of 10 images" in app.info[0].value
    assert job_threads() == []
    assert f"image 3, {LISTED[3]} · true ship · predicted" in unescaped(captions(app) + texts(app))


def test_the_network_is_asked_in_the_background_and_filters_work() -> None:
    app = open_page("class_browser")
    press(app, "Ask about 10 images")
    finished(app)
    pixels = xl.load_cifar10().pixels
    model = xl.load_model("captum-tutorial")
    places = {f"{name}/{number}.png": first + number for name, first in SHOWN.items() for number in range(3)}
    guesses = {name: int(model.predict(pixels[[place]])[0].argmax()) for name, place in places.items()}
    right = [name for name, guess in guesses.items() if model.classes[guess] == name.split("/")[0]]
    known = [name for name in guesses if name.split("/")[0] in model.classes]
    assert f"**{len(right)}** predicted right" in texts(app)
    data = thumbnails(app)
    for spot, image in enumerate(data["images"]):
        name = LISTED[image]
        if name == DAMAGED:
            assert data["predicted"][spot] == ""
        else:
            assert data["predicted"][spot] == model.classes[guesses[name]]
    counts = np.array(component_data(app, "confusion")["counts"])
    assert counts.sum() == len(known)  # neither zebras nor what cannot be read
    assert counts[3, 3] == sum(name.startswith("cat") for name in right)
    app.segmented_control(key="outcome").select("wrong").run()
    assert sorted(thumbnails(app)["images"]) == sorted(place(name) for name in known if name not in right)  # type: ignore[call-overload]
    assert len(known) == 6


def test_the_true_classes_on_offer_are_those_of_the_folder() -> None:
    app = open_page("class_browser")
    assert app.selectbox(key="true_class").options == ["any class", "cat", "ship", "zebra"]
    app.selectbox(key="true_class").select(10).run()  # the first after the network's ten
    assert thumbnails(app)["true"] == ["zebra"] * 3
    assert query(app)["class"] == "10"
    assert len(app.selectbox(key="predicted_class").options) == 11


def test_files_that_cannot_be_read_are_listed_and_the_page_goes_on() -> None:
    app = open_page("class_browser")
    wait_until(lambda: not opened_folder().thumbnails.progress.running)
    app.run()
    assert "1 file of 10 cannot be read, and is left out" in [one.label for one in app.expander]
    assert f"- {DAMAGED}: this is not a picture" in unescaped(texts(app))
    assert not app.error


def test_for_a_picture_that_cannot_be_read_the_next_one_is_shown_and_one_can_step_past_it() -> None:
    damaged = place(DAMAGED)
    app = open_page("layer_explorer", img=str(damaged))
    assert f"img={damaged}: {DAMAGED}: this is not a picture" in unescaped(app.warning[0].value)
    assert "the next picture that can be read is shown" in app.warning[0].value
    assert f"image {damaged + 1}, {LISTED[damaged + 1]}" in unescaped(captions(app))
    press(app, "Previous")
    assert not app.warning
    assert query(app)["img"] == str(damaged - 1)


def test_a_scan_of_the_folder_has_a_row_for_each_picture_that_can_be_read(jobs: list[Job[Any]]) -> None:
    app = open_page("scan", a="manual", b="package")
    press(app, "Scan 10 images")
    finished(app)
    (job,) = jobs
    assert job.progress.state == "done"
    assert job.rows.images.tolist() == [place(name) for name in LISTED if name != DAMAGED]
    pixels = xl.load_cifar10().pixels
    model = xl.load_model("captum-tutorial")
    sides = [
        xl.configured_heatmap(model, pixels[[0]], xl.Configuration("manual", xl.CamSettings(layers=("conv2",))))[0],
        xl.configured_heatmap(model, pixels[[0]], xl.Configuration("package", xl.package_settings(("conv2",))))[0],
    ]
    assert job.rows.mae[place("cat/0.png")] == pytest.approx(xl.compare(*sides).mae, abs=1e-6)


def test_the_ladder_samples_the_folder(jobs: list[Job[Any]]) -> None:
    app = open_page("layer_ladder", sample="5")
    assert f"5 images from all over the folder “{Path(sys.argv[4]).name}”" in unescaped(captions(app))
    press(app, "Measure 5 images")
    finished(app)
    (job,) = jobs
    wanted = [0, 2, 4, 6, 8]
    assert job.request.images.tolist() == wanted
    assert job.rows.images.tolist() == [image for image in wanted if image != place(DAMAGED)]


def test_no_sample_is_larger_than_the_folder() -> None:
    assert open_page("layer_ladder").segmented_control(key="sample").options == [str(len(LISTED))]


@pytest.mark.parametrize("page", ["seed_gallery", "how_it_works", "sanity_checks", "training_time", "disagreement"])
def test_every_page_opens_on_the_folder_without_a_word_too_many(page: str) -> None:
    app = open_page(page, img="0")
    assert not app.error
    assert not app.warning


def test_the_test_images_are_one_press_away_and_so_is_the_folder() -> None:
    app = unfolded(open_page("layer_explorer"))
    press(app, "Look at the CIFAR-10 test images")
    assert not app.session_state[MENU]  # what was chosen would be behind the menu
    assert query(app)["set"] == "cifar10"
    assert "image 3 · true plane" in captions(app)
    press(unfolded(app), f"Look at the folder “{Path(sys.argv[4]).name}”")
    assert "set" not in query(app)
    assert f"image 3, {LISTED[3]}" in unescaped(captions(app))


def test_the_guesses_stay_with_the_test_images() -> None:
    app = open_page("guesses", img="5")
    assert not app.error
    assert "Test image 5, true class frog, 32 by 32 pixels" in alts(app)


def test_a_folder_that_is_not_there_is_said_on_the_page(start: Callable[..., None]) -> None:
    start("--images", "/no/such/folder")
    app = open_page("layer_explorer")
    assert "'/no/such/folder' is not a folder; a folder of pictures would be right" in unescaped(app.error[0].value)
    assert "the server's log has the same sentence" in captions(app)
    assert not app.button


def test_without_a_folder_the_address_of_one_is_said(start: Callable[..., None]) -> None:
    start()
    app = open_page("layer_explorer", set="folder")
    assert "set=folder: this server has no folder of pictures." in unescaped(app.warning[0].value)


def test_the_health_address_and_the_log_say_that_the_folder_is_not_there(
    start: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    start("--images", "/no/such/folder", "--cache", str(tmp_path))
    monkeypatch.setattr(LOG, "propagate", True)
    loading = ModelLoading()
    for _ in range(2):  # whoever asks again finds the same, and the log says it once
        loading.start().join()
        answer = loading.answer(Request({"type": "http"}))
        said = json.loads(bytes(answer.body))
        assert (answer.status_code, said["status"], said["loaded"]) == (503, "failed", False)
        assert "'/no/such/folder' is not a folder" in str(said["reason"])
    (line,) = [record for record in caplog.records if record.getMessage() == "start failed"]
    assert (line.levelname, line.fields) == ("ERROR", {"error": said["reason"]})  # type: ignore[attr-defined]  # given with it


def test_the_dashboards_own_lesson_is_about_the_test_images_also_here() -> None:
    opened = {"img": "29", "model": "resnet20", "set": "cifar10", "lesson": "grad-cam", "stop": "2", "answer": "on"}
    app = open_page("layer_explorer", **opened)
    assert not app.warning
    assert "The network says frog with above 99.9 %." in unescaped(texts(app))
    assert "Back to this stop's view" not in [button.label for button in app.button]


# Section: pictures by their files' names


@pytest.mark.parametrize("name", ["ship/1.png", "SHIP/1.PNG", "2.png"])
def test_an_address_may_name_a_picture_by_its_file(name: str) -> None:
    app = open_page("class_browser", img=name)
    wanted = next(file for file in LISTED if file.casefold().endswith(name.casefold()))
    assert f"image {place(wanted)}, {wanted} · true {wanted.split('/')[0]}" in unescaped(captions(app) + texts(app))


def test_a_file_that_is_not_there_is_said_with_the_nearest() -> None:
    app = open_page("class_browser", img="ship/11.png")
    assert "img=ship/11.png: there is no picture of that name; similar names: ship/1.png" in unescaped(app.warning[0].value)


def test_a_picture_is_picked_by_its_files_name() -> None:
    app = open_page("layer_explorer", img="0")
    app.session_state["settings"] = True
    app.run()
    app.selectbox(key="file").select("zebra/2.png").run()
    assert query(app)["img"] == str(place("zebra/2.png"))
