"""The layer ladder: beside a plain NumPy deletion and insertion, the package's imputation, and published figures."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from torch.nn import functional

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.imputation import FILLS, impute_linearly
from explain_lib.ladder_summary import rank_ladder
from explain_lib.layer_ladder import CENTRE, LadderRows, join_ladder_rows, ladder_batch, layer_ladder

FIVE = ("conv1", "relu1", "pool1", "conv2", "relu2")


def probability(model: xl.Model, batch: torch.Tensor, chosen: int) -> float:
    with torch.no_grad():
        return float(model.network(batch[None]).softmax(1)[0, chosen])


def test_deletion_and_insertion_are_those_of_a_plain_loop(tutorial: xl.Model, images: xl.ImageSet) -> None:
    image = 7
    rows = ladder_batch(tutorial, images.pixels, np.array([image]), FIVE)
    cams = xl.grad_cam(tutorial, images.pixels[[image]], FIVE)
    chosen = int(cams.logits[0].argmax())
    picture = torch.from_numpy((images.pixels[image].transpose(2, 0, 1) / 255 - 0.5) / 0.5).float()
    for column, layer in enumerate(FIVE):
        large = functional.interpolate(torch.tensor(cams[layer].map)[None], (32, 32), mode="bilinear", align_corners=False)
        order = np.argsort(-large.numpy().ravel(), kind="stable")
        deletion, insertion = [], []
        for step in range(17):
            places = np.zeros(1024, bool)
            places[order[: 64 * step]] = True
            mask = torch.from_numpy(places.reshape(32, 32))
            deletion.append(probability(tutorial, torch.where(mask, 0.0, picture), chosen))
            insertion.append(probability(tutorial, torch.where(mask, picture, 0.0), chosen))
        assert rows.deletion[0, column, 0] == pytest.approx(np.mean(deletion), abs=1e-5)
        assert rows.insertion[0, column, 0] == pytest.approx(np.mean(insertion), abs=1e-5)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_imputed_pixels_are_the_packages_without_noise(share: float) -> None:
    draw = np.random.default_rng(0)
    picture, missing = draw.random((3, 12, 9), dtype=np.float32), draw.random((12, 9)) < share
    known = torch.from_numpy((~missing).astype(np.float32))
    right = NoisyLinearImputer(noise=0)(torch.from_numpy(picture), known).numpy()
    np.testing.assert_allclose(impute_linearly(picture, missing), right, atol=1e-6)


@pytest.fixture(scope="module")
def hundred(tutorial: xl.Model, images: xl.ImageSet) -> LadderRows:
    return join_ladder_rows(list(layer_ladder(tutorial, images.pixels, range(100), FIVE)))


def test_the_centre_beats_every_layer(hundred: LadderRows) -> None:
    found = rank_ladder(hundred, "deletion", "grey")
    assert found.over_centre is not None
    assert found.over_centre.high < 0
    assert found.order[0] == CENTRE
    assert set(found.order) >= set(FIVE)


def test_an_unknown_fill_or_measure_is_named(hundred: LadderRows) -> None:
    with pytest.raises(xl.InputError, match="fill: 'pink'; one of " + ", ".join(FILLS)):
        rank_ladder(hundred, "deletion", "pink")  # type: ignore[arg-type]  # what a caller may well write


def test_the_command_ranks_the_layers_and_names_a_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "--images", "0-1", "--layers", "conv1", "relu2"]) == 0
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 7  # two layers, their average, three baselines, the sentence
    assert "2 images say nothing about chance" in printed
    assert main(["layers", "--layers", "conv9"]) == 1
    assert "unknown layer 'conv9'" in capsys.readouterr().err
