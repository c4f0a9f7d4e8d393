"""python -m explain_lib lesson: the file it writes, and what it says of lessons that are not right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from explain_lib.__main__ import main

ROOT = Path(__file__).parents[3]
STOP = "## A ship\n\n[Open](/layer_explorer?img=72&model={model})\n\nWhere?\n\nAnswer: In row {{map.peak_row}}.\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "ships.md"
    path.write_text(text, encoding="utf-8")
    return path


def ships(*models: str) -> str:
    return "# Ships\n\nTwo of them.\n\n" + "\n".join(STOP.format(model=model) for model in models)


def test_two_runs_write_the_same_bytes_and_tell_of_each_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson, first, second = written(tmp_path, ships("tutorial", "captum-tutorial")), tmp_path / "a.html", tmp_path / "b.html"
    assert main(["lesson", str(lesson), "--out", str(first)]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == ["Stop 1 of 2: A ship", "Stop 2 of 2: A ship"]
    assert told.out.startswith(f"{first}: 0.")
    assert main(["lesson", str(lesson), "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html", "ships.md"]


def refused(capsys: pytest.CaptureFixture[str], lesson: Path | str, out: Path) -> str:
    before = out.read_bytes() if out.is_file() else None
    assert main(["lesson", str(lesson), "--out", str(out)]) == 1
    assert (out.read_bytes() if out.is_file() else None) == before
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_a_lesson_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "whales.md", tmp_path / "a.html")
    assert said.startswith("explain_lib: lesson: whales.md cannot be read (No such file or directory); ")
    assert "grad-cam.md" in said
    assert refused(capsys, tmp_path, tmp_path / "a.html").startswith(f"explain_lib: lesson: {tmp_path} cannot be read (Is a")


def test_every_fault_of_a_lesson_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = "## One\n\n[Open](/nowhere)\n\nWhere?\n\nAnswer: {map.nothing}\n\n"
    text = f"# Ships\n\n{first}## Two\n\n[Open](/layer_explorer)\n\nWhere?\n"
    said = refused(capsys, written(tmp_path, text), tmp_path / "a.html").splitlines()
    assert said[0].endswith("ships.md cannot be used as it is")
    assert [line.split(":")[0] for line in said[1:]] == ["  line 5", "  line 9", "  line 11"]


def test_a_network_that_is_not_there_is_named_with_its_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, written(tmp_path, ships("tutorial", "vgg99")), tmp_path / "a.html")
    assert "not all of it opens as it is written\n  Stop 2: model=vgg99: there are captum-tutorial, " in said


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson, out = written(tmp_path, ships("tutorial")), tmp_path / "a.html"
    out.write_bytes(b"old")
    (tmp_path / "a.html.new.part").mkdir()  # where the new file would be written first
    assert "a.html cannot be written" in refused(capsys, lesson, out)
    assert "a file that ends in .html would be right" in refused(capsys, lesson, tmp_path / "a.pdf")
    assert "there is no folder" in refused(capsys, lesson, tmp_path / "none" / "a.html")


def test_without_the_dashboard_a_sentence_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "explain_lib").symlink_to(ROOT / "explain_lib")
    command = [sys.executable, "-m", "explain_lib", "lesson", "grad-cam.md", "--out", "a.html"]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("explain_lib: lesson: lessons are part of the dashboard, and dashboard is not here; ")
    assert len(done.stderr.splitlines()) == 1
