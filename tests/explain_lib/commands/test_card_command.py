"""The command `card`: five lines a picture, the numbers in its files, and what it refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.commands import card as card_command
from explain_lib.commands.interruption import INTERRUPTED

QUESTIONS = (
    "Better than the middle?",
    "Depends on the weights?",
    "Depends on the class?",
    "Adds up to the score?",
    "In its place?",
)
NUMBERS = ("cells_sum", "score", "away", "cell")


def test_each_picture_has_its_five_lines(capsys: pytest.CaptureFixture[str], images: xl.ImageSet) -> None:
    assert main(["card", "--model", "tutorial", "--images", "3,8", "--layer", "conv2", "--target", "ship"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    model = xl.load_model("tutorial")
    for at, image in ((0, 3), (6, 8)):
        assert lines[at] == f"{image}, asked for ship, layer conv2"
        assert all(line.startswith(f"  {asked}") for line, asked in zip(lines[at + 1 : at + 6], QUESTIONS, strict=True))
        sums = xl.grad_cam(model, images.pixels[[image]], "conv2", model.classes.index("ship"))
        assert f"The cells add up to {sums['conv2'].signed.sum():.1f} of a score of ".replace("-", "−") in lines[at + 4]
        assert "against it  Cells are drawn up to 5.4 px from where they look" in lines[at + 5]


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_file_has_a_row_a_picture_with_all_digits(ending: str, tmp_path: Path, images: xl.ImageSet) -> None:
    file = tmp_path / f"cards.{ending}"
    asked = ["--placement", "receptive-field", "--out", str(file)]
    assert main(["card", "--model", "tutorial", "--images", "1,2", "--layer", "conv2", *asked]) == 0
    text = file.read_text()
    rows = json.loads(text) if ending == "json" else list(csv.DictReader(text.splitlines()))
    cams = xl.grad_cam(xl.load_model("tutorial"), images.pixels[[1, 2]], "conv2")
    for place, row in enumerate(rows):
        named = [str(place + 1), "conv2", images.classes[int(cams.logits[place].argmax())]]
        assert [row["picture"], row["layer"], row["explained"]] == named
        second = images.classes[int(np.argsort(-cams.logits[place])[1])]
        assert (row["other"], row["verdict_place"]) == (second, "yes")
        right = [float(cams["conv2"].signed[place].sum()), float(cams.logits[place].max()), 0, 3.2]
        assert_allclose([float(row[name]) for name in NUMBERS], right, rtol=1e-5)
    assert len(rows) == 2


def test_what_is_not_known_is_empty(tmp_path: Path, images: xl.ImageSet) -> None:
    assert not xl.grad_cam(xl.load_model(), images.pixels[[53]], "pool1")["pool1"].map.any()
    assert main(["card", "--images", "53", "--layer", "pool1", "--out", str(tmp_path / "one.json")]) == 0
    (row,) = json.loads((tmp_path / "one.json").read_text())
    assert [row[name] for name in ("foretells", "learnt", "alike")] == [None] * 3
    assert row["verdict_beats-centre"] == "unknown"
    assert main(["card", "--images", "53", "--layer", "pool1", "--out", str(tmp_path / "one.csv")]) == 0
    (row,) = csv.DictReader((tmp_path / "one.csv").read_text().splitlines())
    assert row["foretells"] == ""


def test_a_folder_is_named_by_its_files_and_what_cannot_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], images: xl.ImageSet
) -> None:
    from PIL import Image

    Image.fromarray(images.pixels[5]).save(tmp_path / "frog.png")
    (tmp_path / "no.png").write_text("no picture")
    assert main(["card", "--images", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("frog.png, asked for ")
    assert "left out, since they cannot be read: no.png" in said.err


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--layer", "fc1"], "fc1"),
        (["--out", "cards.txt"], "out: cards.txt; a file that ends in .csv or .json would be right"),
        (["--target", "tractor"], "target: "),
    ],
)
def test_a_wrong_option_ends_with_its_sentence(wrong: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", *wrong]) == 1
    assert sentence in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original, made = card_command.belief_card, []

    def broken_off(*arguments: object) -> object:
        if made:
            raise KeyboardInterrupt
        made.append(original(*arguments))
        return made[0]

    monkeypatch.setattr(card_command, "belief_card", broken_off)
    assert main(["card", "--images", "0-4"]) == INTERRUPTED
    assert "stopped after 1 of 5 images" in capsys.readouterr().err
