"""The command `layers`: what it prints, and the table that it writes."""

import csv
import signal
from pathlib import Path

import numpy as np
import pytest

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.trust.faithfulness import impute_linearly
from explain_lib.trust.ladder import LadderRequest, join_ladder_rows, layer_ladder
from explain_lib.trust.measures import FILLS

ASKED = ("layers", "--layers", "conv1", "relu2")


def test_the_command_ranks_the_layers_beside_the_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--images", "0-1"]) == 0
    head, *rows, sentence = capsys.readouterr().out.splitlines()
    assert head.startswith("deletion with mid grey, lower is better")
    assert len(rows) == 6  # two layers, their average, three baselines
    assert "2 images are too few to compare" in sentence
    means = [float(row[20:].split()[0]) for row in rows]
    assert means == sorted(means)


def test_the_command_ranks_by_single_deletion_and_says_what_else_beats_the_centre(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("layers", "--layers", "conv2", "--opinions", "conv2", "--images", "0-39", "--measure", "single-deletion")
    assert main([*asked]) == 0
    head, *rows, sentence = capsys.readouterr().out.splitlines()
    assert head.startswith("single deletion with mid grey, higher is better")
    values = [float(row[36:].split()[0].replace("−", "-")) for row in rows]
    assert values == sorted(values, reverse=True)
    assert sentence.startswith("Single deletion with mid grey, Grad-CAM stretched over the picture: the only layer, conv2, has")
    assert "Of 7 rows by any method and placement," in sentence


def test_every_image_of_a_file_has_a_line_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.csv"
    assert main([*ASKED, "--images", "4-5", "--opinions", "relu2", "--target", "frog", "--out", str(path)]) == 0
    assert f"Every image's numbers are in {path}." in capsys.readouterr().out
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert len(lines) == 2 * 11
    assert {line["explained"] for line in lines} == {"frog"}
    assert [line["row"] for line in lines[:3]] == ["conv1", "relu2", "all layers averaged"]
    right = join_ladder_rows(
        list(layer_ladder(xl.load_model(), xl.load_cifar10().pixels, [4, 5], ("conv1", "relu2"), 6, "relu2"))
    )
    for place, fill in enumerate(FILLS):
        found = np.array([float(line[f"deletion_{fill}"]) for line in lines]).reshape(2, 11)
        np.testing.assert_allclose(found, right.deletion[..., place], atol=1e-6)
        single = np.array([float(line[f"single_deletion_{fill}"] or "nan") for line in lines]).reshape(2, 11)
        np.testing.assert_allclose(single, right.single_deletion[..., place], atol=1e-6)
    assert (lines[0]["grid"], lines[2]["grid"]) == ("28 x 28", "")


def test_what_is_wrong_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        (("--layers", "conv9"), "unknown layer 'conv9'"),
        (("--out", "rows.txt"), "out: rows.txt; a file that ends in .csv, .parquet or .npz would be right"),
        (("--target", "cow"), "target: there is no class 'cow'"),
        (("--images", "9-3"), "images: '9-3'"),
    ):
        assert main(["layers", *arguments]) == 1
        assert sentence in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = LadderRequest.rows

    def broken_off(self: LadderRequest) -> object:
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(LadderRequest, "rows", broken_off)
    assert main([*ASKED, "--images", "0-99"]) == INTERRUPTED
    captured = capsys.readouterr()
    assert "stopped after 21 of 100 images" in captured.err
    assert "21 images are too few to compare" in captured.out


def test_interrupted_within_a_large_picture_it_prints_the_rows_that_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = 0

    def imputed(*given: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += 1
        if asked == 14 * 2 + 1:  # 14 a row: within the third one
            signal.raise_signal(signal.SIGINT)
        return impute_linearly(*given)

    monkeypatch.setattr("explain_lib.trust.faithfulness.impute_linearly", imputed)
    named = ("--model", "own_networks:make", "--input-size", "66", "--images", "0-1")
    assert main(["layers", *named, "--layers", "0", "2", "--target", "1"]) == INTERRUPTED
    captured = capsys.readouterr()
    assert "stopped after 0 of 2 images, and 2 of 6 rows of the first" in captured.err
    _, *rows, sentence = captured.out.splitlines()
    assert len(rows) == 2
    # the last layer, then random order
    assert sentence.startswith("Deletion with mid grey, Grad-CAM stretched over the picture: the only layer, 2, has")
