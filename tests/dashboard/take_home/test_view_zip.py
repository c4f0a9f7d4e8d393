"""The view of every page as one ZIP file: what is in it, and that it can be computed anew."""

import json
import runpy
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
import torch
from independent_maps import assert_same_colours, by_hand, captum_map, captum_signed, drawn, logit, pixels, predicted
from opened_page import PAGES, OpenedPage, download, metrics, open_page, picture, pixels_of, press
from PIL import Image
from scan_samples import wait_until
from staged import panels

import explain_lib as xl
from dashboard.view import record as view_record
from dashboard.view.record import ShownPicture, ViewRecord
from explain_lib import __main__ as command_line
from explain_lib.loading.own import Described
from explain_lib.take_home.view_file import packed
from explain_lib.work.cache import shared_cache
from explain_lib.work.jobs import Job

ROOT = Path(__file__).parents[3]
QUICK = {"layer_ladder": ["--only", "ladder_curves", "grad_cam"], "guesses": ["--only", "heatmap", "grad_cam"]}
"""Where a whole replay takes long, what is computed anew here."""


def taken(app: OpenedPage, folder: Path) -> Path:
    path = folder / "view.zip"
    path.write_bytes(download(app, "Everything (ZIP)"))
    return path


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def arrays_in(path: Path) -> dict[str, np.ndarray]:
    with np.load(BytesIO(parts(path)["maps.npz"]), allow_pickle=False) as file:
        return dict(file)


def settings_in(path: Path) -> dict[str, object]:
    settings: dict[str, object] = json.loads(parts(path)["settings.json"])
    return settings


@pytest.mark.parametrize("page", PAGES)
def test_the_view_of_every_page_is_computed_anew_bit_for_bit(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = taken(open_page(page, img="16", model="captum-tutorial"), tmp_path)
    files = parts(path)
    assert {"README.txt", "address.txt", "settings.json", "maps.npz", "reproduce.py", "slide.png", "slide.svg"} <= set(files)
    assert b"img=16&model=captum-tutorial" in files["address.txt"]
    settings = settings_in(path)
    assert settings["page"] == page
    assert settings["notes"] == []
    assert set(settings["arrays"]) == set(arrays_in(path))
    assert command_line.main(["replay", str(path), *QUICK.get(page, [])]) == 0
    said = capsys.readouterr().out
    assert "are identical, bit for bit." in said
    assert "fault" not in said
    with Image.open(BytesIO(files["slide.png"])) as slide:
        assert slide.size == (1920, 1080)
        assert "image 16" in slide.text["Description"].lower()
    drawing = ElementTree.fromstring(files["slide.svg"])
    assert drawing.get("width") == "1920"
    assert "image 16" in str(drawing.findtext("{http://www.w3.org/2000/svg}desc")).lower()


def test_the_explorers_file_holds_captums_map_and_the_pictures_of_the_page(tmp_path: Path) -> None:
    app = open_page("layer_explorer", img="5", model="captum-tutorial", layer="conv2", target="6")
    path = taken(app, tmp_path)
    expected = captum_signed(5, "conv2", logit(6))
    found = arrays_in(path)
    np.testing.assert_allclose(found["grad_cam.conv2.signed"][0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found["grad_cam.conv2.map"], found["grad_cam.conv2.signed"].clip(min=0))
    files = parts(path)
    (name,) = [name for name in files if "overlay-grad-cam-of-layer-conv2" in name]
    np.testing.assert_array_equal(pixels_of(files[name]), pixels_of(download(app, "Picture (PNG)")))
    assert files["page/maps.npz"] == download(app, "Maps (.npz)")


@pytest.fixture(scope="module")
def two_sides() -> OpenedPage:
    return open_page("disagreement", img="2", model="captum-tutorial")


@pytest.fixture(scope="module")
def explorer() -> OpenedPage:
    return open_page("layer_explorer", img="7", model="captum-tutorial")


def test_the_same_view_gives_the_same_bytes(two_sides: OpenedPage) -> None:
    again = open_page("disagreement", img="2", model="captum-tutorial")
    assert download(again, "Everything (ZIP)") == download(two_sides, "Everything (ZIP)")


def reproduced(folder: Path) -> subprocess.CompletedProcess[str]:
    """The file's Python, run in the folder that holds explain_lib, with nothing on PYTHONPATH."""
    command = [sys.executable, str(folder / "reproduce.py")]
    return subprocess.run(command, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False)


def test_the_python_in_the_file_runs_by_itself_and_finds_a_changed_number(
    two_sides: OpenedPage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, unpacked = taken(two_sides, tmp_path), tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unpacked)
    done, arrays = reproduced(unpacked), arrays_in(path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == len(arrays)
    assert all(line.endswith(", identical") for line in lines)
    changed = next(key for key, array in arrays.items() if array.dtype == np.float32 and array.size > 1)
    arrays[changed] = arrays[changed] + np.float32(0.5)
    np.savez(unpacked / "maps.npz", **arrays)  # type: ignore[arg-type]  # its stubs take the arrays for its options
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(unpacked / "reproduce.py"), run_name="__main__")
    assert ended.value.code == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines() if line.endswith("NOT identical")] == [
        changed
    ]


TRUTH = {
    "mosaic_maps": ("known_truth", {"img": "1", "model": "resnet20", "known": "quarter", "layer": "layer3.2.conv2"}),
    "slices_of": ("slices", {"img": "7", "model": "watermark", "class_": "7", "method": "hirescam", "sample": "100"}),
    "belief_card": ("layer_explorer", {"img": "5", "model": "tutorial", "card": "on"}),
}
"""A computation, and a view that makes it."""


@pytest.mark.parametrize("name", TRUTH)
def test_what_speaks_for_maps_is_computed_anew_by_the_command_and_by_the_python_of_the_file(name: str, tmp_path: Path) -> None:
    page, address = TRUTH[name]
    path, unpacked = taken(open_page(page, **address), tmp_path), tmp_path / "unpacked"
    assert settings_in(path)["notes"] == []
    assert any(key.startswith(f"{name}.") for key in arrays_in(path))
    assert command_line.main(["replay", str(path)]) == 0
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unpacked)
    done = reproduced(unpacked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}." in done.stdout


def test_in_another_process_the_numbers_are_the_same(explorer: OpenedPage, tmp_path: Path) -> None:
    path = taken(explorer, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "explain_lib", "replay", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-2].endswith("are identical, bit for bit.")
    assert "all are unchanged" in done.stdout.splitlines()[-1]


def test_a_picture_exchanged_in_the_file_is_found(
    explorer: OpenedPage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = taken(explorer, tmp_path)
    files = parts(path)
    path.write_bytes(packed(files | {"page/picture.png": files["slide.png"]}))
    assert command_line.main(["replay", str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("page/picture.png ")


def test_the_file_says_whose_arrays_it_holds(explorer: OpenedPage, tmp_path: Path) -> None:
    path = taken(open_page("training_time", img="3", model="captum-tutorial"), tmp_path)
    settings, readme = settings_in(path), parts(path)["README.txt"].decode()
    assert settings["model"] == "captum-tutorial"
    assert settings["models_of_the_arrays"] == list(settings["models"])  # type: ignore[call-overload]  # a JSON object
    assert "captum-tutorial" not in settings["models"]  # type: ignore[operator]  # see above
    assert "The arrays are of tutorial-epoch-0, " in readme
    assert b"The arrays are of" not in parts(taken(explorer, tmp_path))["README.txt"]


# Section: pictures of visitors


@pytest.mark.parametrize("page", ["layer_explorer", "layer_ladder"])
def test_a_visitors_picture_is_in_the_file_as_the_network_saw_it(page: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    digest = shared_cache().own_pictures.keep(file.getvalue())
    app = open_page(page, set=digest, model="captum-tutorial")
    path = taken(app, tmp_path)
    with np.load(BytesIO(parts(path)["pictures.npz"])) as stored:
        held = list(stored.values())
    expected = xl.fit_picture(noise, (32, 32), "crop")
    assert any(np.array_equal(one, expected) for pictures in held for one in pictures)
    assert command_line.main(["replay", str(path), *QUICK.get(page, [])]) == 0


def test_of_a_network_that_a_visitor_sent_the_file_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(xl.load_model("tutorial").network.state_dict(), weights)
    described = Described(mean=(0.4, 0.4, 0.4), std=(0.3, 0.3, 0.3))
    name = shared_cache().own_models.add("TutorialNet", "weights.pt", weights.read_bytes(), described)
    path = taken(open_page("layer_explorer", img="3", model=name), tmp_path)
    assert settings_in(path)["notes"] == []
    assert command_line.main(["replay", str(path)]) == 1
    assert "its weights are not in the file" in capsys.readouterr().out
    assert command_line.main(["replay", str(path), "--model", "TutorialNet", "--weights", str(weights)]) == 0


# Section: work in the background


def test_rows_that_a_job_has_found_are_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], jobs: list[Job[Any]]
) -> None:
    app = open_page("scan", img="3", model="captum-tutorial", class_="6", low="97")
    (label,) = [button.label for button in app.button if button.label.startswith("Scan ")]
    press(app, label)
    (job,) = jobs
    wait_until(lambda: job.progress.state == "done")
    app.run()
    path = taken(app, tmp_path)
    found = arrays_in(path)
    assert {"scan.images", "scan.mae", "scan.shares", "scan.predicted"} <= set(found)
    assert found["scan.images"].tolist() == job.rows.images.tolist()
    assert command_line.main(["replay", str(path)]) == 0
    assert "scan.shares" in capsys.readouterr().out


def test_a_part_that_is_drawn_again_is_noted_once() -> None:
    record = ViewRecord()
    for number in range(50):
        with record.part("job"):
            record.recorder.note("scan", {"images": np.arange(number + 1)})
            record.add(ShownPicture("map", "", lambda: b"", view_record.MAX_BYTES // 2))
    assert len(record.pictures) == len(record.recorder.notes) == 1
    assert record.left_out == record.recorder.left_out == 0


def test_what_a_session_holds_is_bounded() -> None:
    record = ViewRecord()
    for number in range(1000):
        record.add(ShownPicture(str(number), "", lambda: b"", 2**20))
        record.recorder.note("predict", {"pixels": np.zeros((1, 300, 300, 3), np.uint8)})
    assert len(record.pictures) == 16
    assert len(record.recorder.notes) * 270_000 <= 8 * 2**20
    assert record.left_out == 1000 - 16
    assert record.recorder.left_out == 1000 - len(record.recorder.notes)


# Section: the slide


def test_on_the_disagreement_page_the_slide_is_of_both_sides(two_sides: OpenedPage) -> None:
    with Image.open(BytesIO(download(two_sides, "Slide (PNG)"))) as slide:
        assert "apart on average" in slide.text["Description"]


def slide_words(app: OpenedPage) -> str:
    """What the slide of a page shows, in words: the description in its SVG."""
    root = ElementTree.fromstring(download(app, "Slide (SVG)"))
    return str(root.findtext("{http://www.w3.org/2000/svg}desc"))


def slide_pixels(app: OpenedPage, panel: int, cells: int) -> np.ndarray:
    """The colours at the middle of each cell of one of three panels, 560 pixels wide."""
    middles = ((np.arange(cells) + 0.5) * 560 / cells).astype(int)
    slide = pixels_of(download(app, "Slide (PNG)"))
    return slide[190 + middles][:, 60 + panel * 620 + middles]


def test_on_the_sanity_page_the_slide_shows_what_forgot_and_the_correlation(tmp_path: Path) -> None:
    half = {"img": "3", "model": "captum-tutorial", "opacity": "even", "contour": "off", "strength": "50"}
    app = open_page("sanity_checks", randomised="3", **half)
    shown = metrics(app)
    mean, says = shown["Mean correlation with its map"], panels(app)["start-1"].head["caption"].splitlines()[1]
    words = slide_words(app)
    assert words.startswith(f"3 layers randomised: mean rank correlation over 8 random starts {mean} [")
    assert f"Randomised: fc3, fc2, fc1. The network then says {says}, before ship" in words
    before, after = slide_pixels(app, 1, 32), slide_pixels(app, 2, 32)
    cells = np.abs(np.arange(32)[:, None] - (6.5 + 2 * np.arange(10))).argmin(1)  # that look nearest to each pixel
    assert_same_colours(before, drawn(pixels()[3], captum_map(3, "conv2")[cells][:, cells], 32))
    arrays = arrays_in(taken(app, tmp_path))
    found = arrays["sanity_maps.maps"][0, 3]
    np.testing.assert_array_equal(arrays["random_starts.maps"][0], found)
    assert_same_colours(after, drawn(pixels()[3], found[cells][:, cells], 32))
    untouched = open_page("sanity_checks", randomised="0", **half)
    assert slide_words(untouched).startswith("The map before any layer is randomised.")
    np.testing.assert_array_equal(slide_pixels(untouched, 2, 32), before)


def test_of_one_layer_that_forgot_alone_the_slide_gives_the_name() -> None:
    app = open_page("sanity_checks", img="3", model="captum-tutorial", randomised="2", mode="independent")
    assert slide_words(app).startswith("fc2 alone randomised: ")


def test_with_channels_off_the_slide_is_the_sum_of_the_others() -> None:
    app = open_page("how_it_works", img="3", model="captum-tutorial", layer="conv2", without="2,9")
    words = slide_words(app)
    assert "2 of 16 channels off" in words
    assert "The sum without channels 2, 9, not Grad-CAM's map" in words
    contributions = by_hand(3, "conv2", logit(predicted(3))).contributions
    expected = np.delete(contributions, (2, 9), axis=0).sum(0).clip(min=0)
    magma = matplotlib.colormaps["magma"](np.rint(expected / expected.max() * 255).astype(int))[..., :3] * 255
    assert_same_colours(slide_pixels(app, 1, 10), np.rint(magma).astype(np.uint8))
    whole = slide_words(open_page("how_it_works", img="3", model="captum-tutorial", layer="conv2"))
    assert whole.startswith("Where captum-tutorial looks for “ship”.")


def test_where_few_channels_are_on_the_slide_names_these() -> None:
    off = ",".join(str(channel) for channel in range(16) if channel != 5)
    app = open_page("how_it_works", img="3", model="captum-tutorial", layer="conv2", without=off)
    assert "The sum of channel 5 alone, not Grad-CAM's map" in slide_words(app)


@pytest.mark.parametrize("image", ["3", "16"])
def test_in_the_gallery_the_slide_is_the_picked_row(image: str) -> None:
    app = open_page("seed_gallery", img=image, model="captum-tutorial", drawing="notebook")
    name = "plane" if image == "3" else "picked"
    columns = {1: ("the manual map on its own grid", 10), 2: ("the manual map over", 32), 3: ("the package's map over", 32)}
    slide = pixels_of(download(app, "Slide (PNG)"))
    side, top = 405, 190 + (560 - 405) // 2
    for panel, (what, cells) in columns.items():
        shown = picture(app, f"{name}: {what}")
        here, there = (((np.arange(cells) + 0.5) * size / cells).astype(int) for size in (side, len(shown)))
        assert_same_colours(slide[top + here][:, 60 + panel * (side + 60) + here], shown[there][:, there])


def test_nothing_is_made_before_a_button_at_the_foot_of_a_page_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise AssertionError("made before it was asked for")

    monkeypatch.setattr("dashboard.take_home.view_zip.view_zip", fail)
    monkeypatch.setattr("explain_lib.take_home.slide.draw_slide", fail)
    labels = [button.label for button in open_page("disagreement").download_button]
    assert {"Everything (ZIP)", "Slide (PNG)", "Slide (SVG)"} <= set(labels)
