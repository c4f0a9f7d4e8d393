"""Files that cannot be written: a sentence, no half file, and what was there before is as it was."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from full_disk import make_full, room_for
from PIL import Image
from sample_networks import noise
from scan_samples import assert_same_rows, request, small_model, wait_until

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.base.files import write_tensors, write_whole
from explain_lib.compare.scan import SCAN_BATCH
from explain_lib.loading import training
from explain_lib.loading.bundled import load_card
from explain_lib.loading.training import RECIPES, Trainer
from explain_lib.networks.cards import write_card
from explain_lib.networks.requests import join_rows
from explain_lib.pictures import files as picture_files
from explain_lib.pictures.dataset import ImageSet
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.thumbnails import Thumbnails
from explain_lib.trust.ladder import LadderRequest, join_ladder_rows
from explain_lib.work.ladder_files import read_ladder, write_ladder
from explain_lib.work.scan_files import scan_to_file

LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
TOO_LARGE = "File too large"


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


def state() -> dict[str, torch.Tensor]:
    return {"weight": torch.zeros(20_000)}


WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda path: write_whole(path, bytes(20_000)),
    "tensors": lambda path: write_tensors(state(), path),
    "card": lambda path: write_card(replace(load_card("tutorial"), source="x" * 20_000), path),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("before", [None, b"the old one"], ids=["new", "there already"])
def test_a_file_is_written_whole_or_not_at_all(kind: str, before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    if before is not None:
        path.write_bytes(before)
    with (
        room_for(4096),
        pytest.raises(xl.DataError, match=r"^.*/file\.pt cannot be written \(.*\); name another .*, or make room$"),
    ):
        WRITERS[kind](path)
    assert [found.read_bytes() for found in tmp_path.iterdir()] == ([] if before is None else [before])
    WRITERS[kind](path)
    assert path.stat().st_size > 10_000
    assert len(list(tmp_path.iterdir())) == 1


@LINUX
def test_a_disk_that_is_full_is_said_as_such(tmp_path: Path) -> None:
    make_full(tmp_path / "file.csv.new.part")
    with pytest.raises(xl.DataError, match=r"file\.csv cannot be written \(.*No space left on device\)"):
        write_whole(tmp_path / "file.csv", b"a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("room", [0, 40, 200])  # nothing, half of the first line, half of a batch
def test_a_scan_whose_first_batch_finds_no_room(room: int, model: xl.Model, tmp_path: Path) -> None:
    asked, path, labels = request(model, 4, causes=False), tmp_path / "scan.csv", np.zeros(4, np.int64)
    said = rf"scan\.csv\.part cannot be written to \(.*{TOO_LARGE}\); name another file, or make room$"
    with room_for(room), pytest.raises(xl.DataError, match=said):
        scan_to_file(asked, labels, path)
    assert not path.exists()
    assert_same_rows(scan_to_file(asked, labels, path), join_rows(list(asked.rows())))


def test_a_scan_on_a_full_disk_goes_on_once_there_is_room(model: xl.Model, tmp_path: Path) -> None:
    """What was on disk by then is not computed again, and the file is the same as without the fault."""
    asked, path, labels = request(model, 4 * SCAN_BATCH), tmp_path / "scan.csv", np.zeros(4 * SCAN_BATCH, np.int64)
    scan_to_file(asked, labels, tmp_path / "right.csv")
    told: list[int] = []
    with room_for(50_000), pytest.raises(xl.DataError, match=rf"scan\.csv\.part cannot be written to \(.*{TOO_LARGE}\)"):
        scan_to_file(asked, labels, path, progress=told.append)
    assert 0 < told[-1] < len(asked)
    assert not path.exists()
    again: list[int] = []
    rows = scan_to_file(asked, labels, path, progress=again.append)
    assert again[0] == told[-1]
    assert path.read_bytes() == (tmp_path / "right.csv").read_bytes()
    assert_same_rows(rows, join_rows(list(asked.rows())))
    assert sorted(found.name for found in tmp_path.iterdir()) == ["right.csv", "scan.csv"]


def test_a_scans_table_that_finds_no_room_keeps_the_batches(model: xl.Model, tmp_path: Path) -> None:
    asked, path, labels = request(model, SCAN_BATCH), tmp_path / "scan.parquet", np.zeros(SCAN_BATCH, np.int64)
    make_full(tmp_path / "scan.parquet.new.part")
    with pytest.raises(xl.DataError, match=r"scan\.parquet cannot be written \(.*No space left"):
        scan_to_file(asked, labels, path)
    assert [found.name for found in tmp_path.iterdir()] == ["scan.parquet.part"]

    def compute(_: Any) -> Any:
        raise AssertionError("all batches are there")

    assert len(scan_to_file(asked, labels, path, compute=compute)) == SCAN_BATCH


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".npz"])
def test_a_ladder_on_a_full_disk(ending: str, model: xl.Model, tmp_path: Path) -> None:
    asked = LadderRequest(model, request(model, 3).pixels, np.arange(3))
    rows, path = join_ladder_rows(list(asked.rows())), tmp_path / f"rows{ending}"
    with room_for(500), pytest.raises(xl.DataError, match=rf"rows{ending} cannot be written \(.*{TOO_LARGE}"):
        write_ladder(rows, asked, path)
    assert not list(tmp_path.iterdir())
    write_ladder(rows, asked, path)
    assert ending != ".npz" or len(read_ladder(path)[0]) == 3


def made(folder: ImageFolder, kept: Path) -> Thumbnails:
    thumbnails = Thumbnails(folder, kept)
    thumbnails.start()
    wait_until(lambda: not thumbnails.progress.running)
    return thumbnails


def folder_of_three(path: Path) -> ImageFolder:
    path.mkdir()
    for number in range(3):
        Image.fromarray(noise(1, side=100, seed=number)[0]).save(path / f"{number}.png")
    return ImageFolder(path)


def test_thumbnails_on_a_full_disk_are_kept_in_memory(tmp_path: Path) -> None:
    """That they are not kept for another time is said; then they are made anew, once there is room."""
    folder = folder_of_three(tmp_path / "pictures")
    with room_for(4096):
        thumbnails = made(folder, tmp_path)
    assert thumbnails.progress.done == 3
    assert re.search(r"thumbnails-.*\.sqlite cannot be used \(.*\); make room, or delete it", str(thumbnails.progress.problem))
    again = made(folder, tmp_path)
    assert (again.progress.done, again.progress.problem) == (3, None)
    for one, other in zip(thumbnails.find(range(3)), again.find(range(3)), strict=True):
        assert one is not None
        np.testing.assert_array_equal(one, other)


def test_a_picture_that_memory_is_lacking_for_does_not_end_the_other_thumbnails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    srgb = picture_files.srgb

    def lacking(image: Any, window: Any) -> Any:
        calls.append(None)
        return np.empty(2**60, np.uint8) if len(calls) == 2 else srgb(image, window)

    monkeypatch.setattr(picture_files, "srgb", lacking)
    thumbnails = made(folder_of_three(tmp_path / "pictures"), tmp_path)
    assert [one is None for one in thumbnails.find(range(3))] == [False, True, False]
    (why,) = thumbnails.folder.unreadable.values()
    assert why == "decoding it needs more memory than is available (1.00 EiB in one piece); a smaller picture would be right"


RECIPE = replace(RECIPES["tutorial"], epochs=2, snapshots=(0, 1), batch_size=40)


def pictures(count: int, seed: int) -> ImageSet:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return ImageSet(pixels, generator.integers(0, 10, count))


def test_a_training_on_a_full_disk_leaves_no_half_file_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever file the room ends: what is left is whole, and the same weights come out in the end."""
    monkeypatch.setattr(training, "load_cifar10", lambda: pictures(60, 1))
    Trainer("tiny", pictures(80, 0), tmp_path / "right", RECIPE, "test").run()
    files = {path.name: path.read_bytes() for path in (tmp_path / "right").iterdir()}
    assert len({len(content) for content in files.values()}) > 2
    folder = tmp_path / "full"
    for room in (500, 2_000, 60_000):  # a card, test logits, weights; the state to resume from is larger than weights
        with room_for(room), pytest.raises(xl.DataError, match=r"cannot be written .*or make room$"):
            Trainer("tiny", pictures(80, 0), folder, RECIPE, "test").run()
        for path in folder.iterdir():
            assert path.name in files or path.name == "tiny.resume.pt", path
            assert path.read_bytes() == files[path.name]
    Trainer("tiny", pictures(80, 0), folder, RECIPE, "test").run()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_the_command_says_it_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with room_for(100):
        assert main(["scan", "--images", "0-3", "--no-causes", "--out", str(tmp_path / "scan.csv")]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"explain_lib: {tmp_path}/scan.csv.part cannot be written to (")
    assert told.count("\n") == 1
