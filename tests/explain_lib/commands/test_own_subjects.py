"""The commands on networks and pictures of the caller's own."""

import argparse
from pathlib import Path

import numpy as np
import own_networks
import pandas as pd
import pytest
import torch
from PIL import Image

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.commands.subject import Subject, add_subject_options, find_subject
from explain_lib.trust.ladder import join_ladder_rows, layer_ladder

MAKE = "own_networks:make"
"""In tests/support: two conv layers, "0" and "2", and five classes."""
NAMES = ("tulip", "rose", "daisy", "lily", "iris")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a folder of pictures, weights, and names of classes."""
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(7)
    for place, name in enumerate(("daisy", "daisy", "rose", "weed")):
        folder = tmp_path / "garden" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / f"{place}.png")
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    weights = {f"model.{name}": 2 * tensor for name, tensor in own_networks.make().state_dict().items()}
    torch.save({"state_dict": {**weights, "loss_fn.weight": torch.ones(5)}}, tmp_path / "net.ckpt")
    return tmp_path


OWN = ("--model", MAKE, "--weights", "net.ckpt", "--classes", "names.txt", "--input-size", "16")


@pytest.fixture
def model(here: Path) -> xl.Model:
    return xl.load_own_model(MAKE, here / "net.ckpt", classes=NAMES, input_size=(16, 16))


def test_layers_are_ranked_on_the_callers_network_and_pictures(
    here: Path, model: xl.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["layers", *OWN, "--images", "garden", "0-2", "--target", "daisy", "--out", "rows.csv"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith(
        "explain_lib: Not given, so taken as usual where nothing is known: mean, std. Left out, because "
    )
    assert f"{MAKE} has no such weights: loss_fn.weight." in said.err
    found = pd.read_csv(here / "rows.csv")
    right = join_ladder_rows(list(layer_ladder(model, xl.ImageFolder(here / "garden").pixels((16, 16)), range(3), None, 2)))
    np.testing.assert_allclose(found["deletion_grey"].to_numpy().reshape(3, -1), right.deletion[..., 0], atol=1e-6)
    assert set(found["explained"]) == {"daisy"}


def test_a_scan_compares_on_the_layer_that_there_is_and_knows_the_folders_classes(here: Path, model: xl.Model) -> None:
    assert main(["scan", *OWN, "--images", "garden", "--out", "scan.csv"]) == 0
    found = pd.read_csv(here / "scan.csv").set_index("image")
    assert found["true_class"].tolist() == ["daisy", "daisy", "rose", "weed"]
    pixels = np.asarray(xl.ImageFolder(here / "garden").pixels((16, 16))[:])
    for image in range(4):
        alone = pixels[image : image + 1]
        a = xl.heatmap(model, alone, xl.CamSettings(layers=("2",)))[0].astype(np.float64)
        b = xl.package_grad_cam(model, alone, ["2"])[0].astype(np.float64)
        assert found.loc[image, "mae"] == pytest.approx(np.abs(b - a).mean(), abs=1e-5)
    assert main(["scan", *OWN, "--images", "garden", "--class", "weed", "--out", "weeds.csv"]) == 0
    assert pd.read_csv(here / "weeds.csv")["image"].tolist() == [3]


@pytest.mark.usefixtures("here")
def test_sanity_checks_and_check_up_take_the_callers_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sanity", *OWN, "--images", "garden"]) == 0
    assert "4 images are too few" in capsys.readouterr().out
    assert main(["sanity", *OWN, "--images", "garden", "--twin"]) == 1
    assert f"twin: {MAKE} has none; a model that has one would be right: tutorial" in capsys.readouterr().err
    assert main(["check-up", *OWN]) in (0, 1)
    assert capsys.readouterr().out.startswith(f"{MAKE}: ")
    assert main(["check-up", "tutorial", "--model", MAKE]) == 1
    assert "model: tutorial and --model own_networks:make; one of them would be right" in capsys.readouterr().err


def test_the_test_images_are_brought_to_the_networks_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "--model", MAKE, "--input-size", "12", "--images", "0-1", "--layers", "2"]) == 0
    assert "2 images are too few" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_pictures_that_cannot_be_read_are_left_out_and_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "garden" / "daisy" / "broken.png").write_text("no picture")
    assert main(["layers", *OWN, "--images", "garden"]) == 0
    assert "explain_lib: left out, since they cannot be read: daisy/broken.png (" in capsys.readouterr().err
    for picture in (here / "garden").rglob("*.png"):
        picture.write_text("no picture")
    for command in ("layers", "sanity", "scan"):
        assert main([command, *OWN, "--images", "garden", *(["--out", "x.csv"] if command == "scan" else [])]) == 1
        assert "images: none of them can be read; others would be right" in capsys.readouterr().err


def subject(*arguments: str, samples: int = 0) -> Subject:
    parser = argparse.ArgumentParser()
    add_subject_options(parser, "0-9", samples=samples)
    return find_subject(parser.parse_args(arguments), "0-9")


@pytest.mark.usefixtures("here")
def test_of_a_folder_a_sample_is_from_all_over_it_and_numbers_are_what_they_say() -> None:
    assert subject(*OWN, "--images", "garden", "--sample", "2", samples=500).images.tolist() == [0, 2]
    assert subject(*OWN, "--images", "garden", samples=500).images.tolist() == [0, 1, 2, 3]
    assert subject(*OWN, "--images", "garden").images.tolist() == [0, 1, 2, 3]
    with pytest.raises(xl.InputError, match="sample: 0; a number from 1 would be right"):
        subject(*OWN, "--images", "garden", "--sample", "0", samples=500)
    assert subject(*OWN, "--images", "3,1", "garden").images.tolist() == [3, 1]
    assert subject("--images", "4-5").images.tolist() == [4, 5]
    assert subject().images.tolist() == list(range(10))
    assert subject().named.name == "captum-tutorial"


def test_a_table_of_a_file_is_a_model_and_the_first_is_the_usual_one(here: Path) -> None:
    (here / "nets").mkdir()
    (here / "nets" / "nets.toml").write_text(
        f'[garden]\nmodel = "{MAKE}"\nweights = "../net.ckpt"\ninput_size = 16\nclasses = "../names.txt"\n'
        f'[plain]\nmodel = "{MAKE}"\ninput_size = [12, 14]\nmean = [0.5, 0.5, 0.5]\n'
    )
    first = subject("--models", "nets/nets.toml").named
    assert (first.name, first.model.classes, first.model.input_size) == ("garden", NAMES, (16, 16))
    other = subject("--models", "nets/nets.toml", "--model", "plain", "--mean", "0.1", "0.2", "0.3").named
    assert (other.name, other.model.input_size, other.model.mean) == ("plain", (12, 14), (0.1, 0.2, 0.3))
    assert subject("--models", "nets/nets.toml", "--model", "tutorial").named.bundled
