"""The command `sanity`: the steps that it prints, its sentence, and how far it says that it came."""

import re

import numpy as np
import pytest
from scipy.stats import spearmanr

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.trust.sanity import SanityRequest


def _numbers(line: str) -> list[float]:
    """The numbers with decimals in a line of the table: correlation, its interval, what is more than chance, its interval."""
    return [float(found.replace("−", "-")) for found in re.findall(r"[+−]?\d\.\d+", line)]


def test_the_command_prints_each_step_and_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sanity", "--model", "tutorial", "--images", "0-39", "--draws", "3", "--seed", "10"]) == 0
    _, *steps, sentence = capsys.readouterr().out.splitlines()
    assert [step.split()[0] for step in steps] == ["fc3", "fc2", "fc1", "conv2", "conv1"]
    assert sentence.startswith("The maps of conv2")
    assert "over 3 draws of random weights" in sentence
    model, pixels = xl.load_model("tutorial"), xl.load_cifar10().pixels
    rows = SanityRequest(model, pixels, np.arange(40), "conv2", seed=10, draws=3).all_rows()
    printed = float(steps[-1].split()[1].replace("−", "-"))
    assert printed == pytest.approx(np.nanmean(rows.correlations[:, :, -1]), abs=0.0006)
    gap = np.nanmean(rows.correlations[:, :, -1] - rows.beside[:, :, -1])
    assert _numbers(steps[-1])[3] == pytest.approx(gap, abs=0.0006)
    assert main(["sanity", "--model", "tutorial", "--twin", "--layer", "conv1", "--images", "0-39"]) == 0
    _, twin, second, sentence = capsys.readouterr().out.splitlines()
    assert (twin[:21], second[:26]) == ("labels in random order"[:21], "right labels, another seed")
    assert sentence.startswith("At conv1 the maps of tutorial have a correlation of")
    for line, name in ((twin, "tutorial-permuted"), (second, "tutorial-second")):
        targets = model.predict(pixels[:40]).argmax(1).tolist()
        own, other = (xl.grad_cam(one, pixels[:40], "conv1", targets)["conv1"].map for one in (model, xl.load_model(name)))
        correlations = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(own, other, strict=True)]
        assert _numbers(line)[0] == pytest.approx(np.nanmean(correlations), abs=0.0006)
    assert main(["sanity", "--draws", "0"]) == 1
    assert "draws: 0; a whole number from 1 to 100 would be right" in capsys.readouterr().err
    assert main(["sanity", "--twin"]) == 1
    assert "twin: captum-tutorial has none" in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = SanityRequest.rows

    def broken_off(self: SanityRequest) -> object:
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(SanityRequest, "rows", broken_off)
    assert main(["sanity", "--images", "0-99", "--draws", "1"]) == INTERRUPTED
    assert "stopped after 64 of 100 images" in capsys.readouterr().err
