"""The command `slices`: the slices that it prints, its table, and what it refuses."""

import csv
from pathlib import Path

import numpy as np
import pytest

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.audit.slices import SliceRequest, SliceRows, find_slices
from explain_lib.commands import slices as slices_command
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.networks.watermark import MARKED_CLASS, corner_places, plant

PLANTED = ["slices", "--model", "watermark", "--class", "horse", "--images", "0-2999", "--method", "hirescam", "--planted"]


def test_the_slice_of_the_mark_is_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str], images: xl.ImageSet) -> None:
    file = tmp_path / "slices.csv"
    assert main([*PLANTED, "--out", str(file)]) == 0
    first, second, sentence, structure, written = capsys.readouterr().out.splitlines()
    rows = [[int(cell) for cell in row.values()] for row in csv.DictReader(file.read_text().splitlines())]
    horses = np.flatnonzero(images.labels[:3000] == MARKED_CLASS)
    assert [row[0] for row in rows] == horses.tolist()
    assert [row[2] for row in rows] == [1, 0] * (len(horses) // 2) + [1] * (len(horses) % 2)
    pictures = images.pixels[horses].copy()
    pictures[::2] = plant(pictures[::2], corner_places(len(pictures[::2]), (32, 32)))
    right = xl.load_model("watermark").predict(pictures).argmax(1) == MARKED_CLASS
    settings = xl.CamSettings(layers=("conv2",), variant="hirescam", scale_over="none", resize="none")
    maps = xl.heatmap(xl.load_model("watermark"), pictures, settings, MARKED_CLASS).astype(np.float64)
    shares = maps / maps.sum((1, 2), keepdims=True)
    for number, line in ((1, first), (2, second)):
        inside = np.array([row[1] == number for row in rows])
        mean = shares[inside].mean(0)
        bits = np.log2(mean.size) + (mean * np.log2(np.maximum(mean, 1e-30))).sum()
        assert float(line.split(" bits")[0].split()[-1]) == pytest.approx(bits, rel=0.05)
        marked = sum(row[2] for row in rows if row[1] == number)
        assert line.startswith(f"slice {number}  {inside.sum()} pictures · right ")
        assert float(line.split("right ")[1].split()[0]) == pytest.approx(100 * right[inside].mean(), abs=0.06)
        assert f"· {marked} marked; most typical: " in line
        examples = {int(one) for one in line.split("typical: ")[1].split(", ")}
        assert len(examples) == 7
        assert examples <= set(horses[inside].tolist())
    assert sum(row[2] for row in rows if row[1] == 1) > 0.9 * sum(row[1] == 1 for row in rows)
    assert sentence.startswith("The maps of slice 1 agree most on one place")
    assert structure.startswith("2 slices: ")
    assert written == f"The slice of every picture is in {file}."


def test_of_a_class_that_class_is_asked_for_whatever_the_network_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[SliceRows] = []
    monkeypatch.setattr(slices_command, "find_slices", lambda rows, *more: asked.append(rows) or find_slices(rows, *more))
    assert main(["slices", "--images", "0-599", "--class", "cat", "--slices", "2"]) == 0
    assert set(asked[0].explained.tolist()) == {3}
    assert len(set(asked[0].predicted.tolist())) > 1


def test_a_number_of_slices_may_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slices", "--images", "0-99", "--slices", "3"]) == 0
    assert [line[:8] for line in capsys.readouterr().out.splitlines()[:3]] == ["slice 1 ", "slice 2 ", "slice 3 "]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--slices", "1"], "slices: 1; a number from 2 to 8 would be right"),
        (["--planted"], "planted: the mark is for the model watermark and the test images"),
        (["--images", "0-9"], "rows: they have 10 different maps; at least 30 would be right"),
        (["--images", "0", "--class", "horse"], "class: none of these pictures is of class horse; another would be right"),
        (["--out", "slices.json"], "out: slices.json; a file that ends in .csv would be right"),
    ],
)
def test_a_wrong_option_ends_with_its_sentence(wrong: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slices", *wrong]) == 1
    assert sentence in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = SliceRequest.rows

    def broken_off(self: SliceRequest) -> object:
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(SliceRequest, "rows", broken_off)
    assert main(["slices", "--images", "0-99"]) == INTERRUPTED
    assert "stopped after 64 of 100 images" in capsys.readouterr().err
