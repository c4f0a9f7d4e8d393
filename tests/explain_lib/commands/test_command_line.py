"""python -m explain_lib: what it prints, and its exit status."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.loading import training
from explain_lib.loading.training import Recipe
from explain_lib.networks.cards import read_card

ROOT = Path(__file__).parents[3]


def test_missing_images_end_with_status_1_and_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "explain_lib", "train", "tutorial", "--data", tmp_path, "--out", tmp_path / "out"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("explain_lib: the CIFAR-10 training images are not in")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_an_unknown_recipe_ends_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "vgg", "--data", str(tmp_path)]) == 1
    there = "tutorial, tutorial-permuted, tutorial-second, watermark, resnet20, vit-tiny"
    assert capsys.readouterr().err == f"explain_lib: unknown recipe 'vgg'; there are {there}\n"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train"]])
def test_a_command_that_does_not_exist_ends_with_status_2_and_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m explain_lib" in capsys.readouterr().err


@pytest.fixture
def tiny_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe "tiny" on twenty pictures."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    few = xl.ImageSet(pixels, np.arange(20) % 10)
    monkeypatch.setattr(training, "RECIPES", {"tiny": Recipe("Tiny", "TutorialNet", 1, 0.01)})
    monkeypatch.setattr(training, "load_training_set", lambda _: few)
    monkeypatch.setattr(training, "load_cifar10", lambda: few)


@pytest.mark.usefixtures("tiny_training")
def test_a_finished_training_prints_its_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tiny", "--out", str(tmp_path / "new" / "folder")]) == 0
    accuracy = read_card(tmp_path / "new" / "folder" / "tiny.json").accuracy
    sentence = f"tiny: {100 * accuracy:.2f} % of the test images are right; written to {tmp_path / 'new' / 'folder'}\n"
    assert capsys.readouterr().out == sentence


@pytest.mark.usefixtures("tiny_training")
def test_a_folder_that_cannot_be_written_to_ends_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder should be")
    assert main(["train", "tiny", "--out", str(taken)]) == 1
    assert str(taken) in capsys.readouterr().err
