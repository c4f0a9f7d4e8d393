"""The command `scan`: what it writes, what it says on the way, and how it goes on after a kill or Ctrl-C."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scan_samples import Counted, wait_until

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.commands import scan as scan_command
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest, ScanRows
from explain_lib.work.scan_files import part_path, scan_to_file

ROOT = Path(__file__).parents[3]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "explain_lib", "scan", *arguments]


def stopped_in_the_middle(path: Path, sign: signal.Signals, *arguments: str) -> tuple[subprocess.Popen[str], str, int]:
    """Run the command until two batches are done, then send the signal: the process, its stderr, and the batches on disk."""
    process = subprocess.Popen(command("--out", str(path), *arguments), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    part = part_path(path)
    wait_until(lambda: part.exists() and part.read_bytes().count(b"\n") >= 3, seconds=40)
    os.kill(process.pid, sign)
    stderr = process.communicate(timeout=30)[1]
    return process, stderr, part.read_bytes().count(b"\n") - 1


def test_a_scan_that_was_killed_goes_on_and_ends_with_the_same_file(
    tutorial: xl.Model, images: xl.ImageSet, tmp_path: Path
) -> None:
    process, _, batches = stopped_in_the_middle(tmp_path / "scan.csv", signal.SIGKILL, "--images", "0-3999")
    assert process.returncode == -signal.SIGKILL
    assert 2 <= batches < 20
    asked, counted = ScanRequest(tutorial, images.pixels, np.arange(4000), STUDY_MANUAL, STUDY_PACKAGE), Counted()
    first_lines = part_path(tmp_path / "scan.csv").read_bytes().splitlines(keepends=True)[: batches + 1]
    scan_to_file(asked, images.labels, tmp_path / "scan.csv", compute=counted)
    assert counted.computed == list(range(batches * SCAN_BATCH, 4000, SCAN_BATCH))
    part_path(tmp_path / "again.csv").write_bytes(b"".join(first_lines[:1]))
    scan_to_file(asked, images.labels, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "scan.csv").read_bytes()


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "scan.parquet"
    process, stderr, batches = stopped_in_the_middle(path, signal.SIGINT)
    said = f"explain_lib: stopped; what is done is in {part_path(path)}, and the same command goes on from there\n"
    assert (process.returncode, stderr) == (130, said)
    assert not path.exists()
    assert batches >= 2


def test_the_command_writes_what_it_is_asked_for(
    tutorial: xl.Model, images: xl.ImageSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.csv"
    a, b = "manual;layers=conv2;scale_over=batch", "package;layers=conv1"
    options = ["--a", a, "--b", b, "--images", "0-99", "--class", "8", "--target", "ship", "--package"]
    assert main(["scan", "--out", str(path), *options]) == 0
    frame = pd.read_csv(path)
    ships = np.flatnonzero(images.labels[:100] == 8)
    assert_array_equal(frame["image"], ships)
    assert set(frame["true_class"]) == {"ship"}
    sides = [parse_configuration(text).settings for text in (a, b)]
    for image in ships[:3]:
        batch = images.pixels[image - image % 4 :][:4]
        maps = [xl.heatmap(tutorial, batch, side, 8)[image % 4].astype(np.float64) for side in sides]
        assert frame.set_index("image").loc[image, "mae"] == pytest.approx(np.abs(maps[1] - maps[0]).mean(), abs=1e-6)
    assert (frame["residual"] < 1e-5).all()
    assert_allclose(frame.filter(like="cause_").sum(axis=1), frame["mae"], atol=1e-6)
    told = capsys.readouterr()
    mean = f"{frame['mae'].mean():.3f}"
    assert told.out == f"{len(ships)} images scanned; the maps differ by {mean} on average; written to {path}\n"
    assert told.err == ""  # no bar where there is no terminal


def test_the_command_explains_the_study_unless_told_otherwise(tmp_path: Path) -> None:
    assert main(["scan", "--out", str(tmp_path / "scan.parquet"), "--images", "0-3", "--no-causes"]) == 0
    frame = pd.read_parquet(tmp_path / "scan.parquet")
    assert list(frame.columns) == ["image", "true_class", "predicted_class", "right", "state", "mae"]
    assert frame["mae"].round(3).tolist() == [0.105, 0.105, 0.180, 0.128]


def test_the_command_says_what_an_earlier_run_did(
    tutorial: xl.Model, images: xl.ImageSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.csv"
    asked = ScanRequest(tutorial, images.pixels, np.arange(250), STUDY_MANUAL, STUDY_PACKAGE, causes=False)
    with pytest.raises(KeyboardInterrupt):
        scan_to_file(asked, images.labels, path, compute=Counted(1))
    assert main(["scan", "--out", str(path), "--images", "0-249", "--no-causes"]) == 0
    assert capsys.readouterr().out.startswith("250 images scanned, 200 of them in an earlier run; the maps differ by 0.1")


def test_ctrl_c_before_the_first_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scan_command, "scan_on_cluster", lambda asked, **_: Counted(0)(asked))
    assert main(["scan", "--out", str(tmp_path / "scan.csv"), "--images", "0-3", "--scheduler", "tcp://nowhere:1"]) == 130
    assert capsys.readouterr().err == "explain_lib: stopped; nothing was done yet\n"


def test_what_libraries_log_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("distributed")

    def noisy(asked: ScanRequest, **_: object) -> Iterator[ScanRows]:
        log.critical("a traceback")
        return asked.rows()

    monkeypatch.setattr(scan_command, "scan_on_cluster", noisy)
    assert main(["scan", "--out", str(tmp_path / "scan.csv"), "--images", "0-3", "--scheduler", "tcp://nowhere:1"]) == 0
    log.critical("afterwards")
    assert [record.message for record in caplog.records if record.name == "distributed"] == ["afterwards"]


WRONG = [
    (["--images", "5-2"], "images: '5-2'; all, or numbers"),
    (["--class", "frogs"], "class: there is no class 'frogs'; a number from 0 to 9"),
    (["--images", "0", "--class", "ship"], "class: none of the images is a ship"),
    (["--target", "10"], "target: there is no class '10'"),
    (["--a", "automatic"], "program: 'automatic'"),
    (["--b", "manual;layers=conv9", "--images", "0"], "layers: unknown layer 'conv9'"),
    (["--model", "vgg"], "model: unknown model 'vgg'; a bundled one (captum-tutorial, tutorial,"),
    (["--model", "resnet20", "--weights", "a.pt"], "option: --weights does not belong to resnet20, which is bundled"),
    (["--weights", "a.pt"], "option: --weights belongs to a model; --model NAME before it would be right"),
    (["--images", "nowhere"], "images: 'nowhere' is not a folder; a folder of pictures would be right"),
    (["--images", "0-3", "5"], "images: 0-3 5; a folder, a selection such as 0-99,200, or both would be right"),
    (["--device", "tpu"], "device: 'tpu' is no device"),
    (["--out", "scan.xlsx"], "out: scan.xlsx; a file that ends in .csv or .parquet would be right"),
    (["--scheduler", "nowhere", "--images", "0"], "scheduler: 'nowhere' is not reached: "),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_wrong_option_is_said_in_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "--out", str(tmp_path / "scan.csv"), *arguments]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(f"explain_lib: {said}")
    assert (len(told.err.splitlines()), told.out, list(tmp_path.iterdir())) == (1, "", [])
