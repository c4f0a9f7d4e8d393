"""The command `truth`: the finders that it prints, its sentences, and what it refuses."""

import pytest

from explain_lib.__main__ import main
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.truth.secret import SecretRequest


def test_the_command_prints_each_finder_and_its_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["truth", "--model", "watermark", "--images", "0-44", "--layers", "conv1"]) == 0
    head, *finders, turned, sentence = capsys.readouterr().out.splitlines()
    assert head.startswith("energy; pointing; rank; overlap; sparseness; complexity: ")
    names = ["Grad-CAM", "HiResCAM", "LayerCAM", "Grad-CAM++", "random", "centre"]
    assert [line.split()[0] for line in finders] == names
    assert turned.startswith("Of 42 pictures of other classes, the mark alone turns ")
    assert sentence.startswith("HiResCAM at conv1 has the largest share of its map in the mark, ")


def test_mosaics_are_made_of_the_pictures_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--known", "quarter", "--images", "0-39", "--layers", "layer3.2.conv2", "--measure", "pointing"]
    assert main(["truth", "--model", "resnet20", *options, "--placement", "stretched"]) == 0
    *_, centre, sentence = capsys.readouterr().out.splitlines()
    assert centre.split()[:4] == ["centre", "blob", "25", "%"]
    assert "hits the asked quarter most often" in sentence
    assert main(["truth", "--model", "tutorial", *options[:4]]) == 1
    assert "model: it takes no picture of 64 x 64 pixels" in capsys.readouterr().err


def test_mosaics_with_quarters_apart_are_asked_of_any_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["truth", "--model", "tutorial", "--known", "apart", "--images", "0-199", "--layers", "conv2"]) == 0
    _, grad_cam, hirescam, *_, sentence = capsys.readouterr().out.splitlines()
    assert grad_cam.split()[:3] == ["Grad-CAM", "at", "conv2"]
    assert float(grad_cam.split()[3]) < 90
    assert hirescam.split()[:5] == ["HiResCAM", "at", "conv2", "100", "%"]
    assert sentence.endswith("No other quarter can influence the score, so a right map has 100 % there.")


def test_masks_need_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["truth", "--known", "object"]) == 1
    assert "images: the test images have no masks" in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = SecretRequest.rows

    def broken_off(self: SecretRequest) -> object:
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(SecretRequest, "rows", broken_off)
    assert main(["truth", "--model", "watermark", "--images", "0-99"]) == INTERRUPTED
    assert "stopped after 64 of 89 images" in capsys.readouterr().err
