"""The command `advise`: its sentence, its table, its code, and what is left of it when it is stopped."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.advice.measuring import AdviceRequest
from explain_lib.commands.interruption import INTERRUPTED


def run(code: str) -> dict[str, Any]:
    """The names that the code sets; what the package leaves on the network's parameters is taken away."""
    names: dict[str, Any] = {}
    exec(compile(code, "snippet", "exec"), names)
    names["model"].network.zero_grad()
    return names


def test_the_command_names_the_layer_and_prints_code_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--model", "tutorial", "--images", "0-31"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("explain_lib: 2 layers on 32 pictures: relu1, relu2; at most about ")
    table, code = printed.out.split("\n\n# ", 1)
    head, first, second, sentence = table.splitlines()
    assert head.split() == ["single", "deletion", "insertion", "ROAD"]
    assert (first.split()[0], second.split()[0]) == ("relu1", "relu2")
    advice = xl.advise(xl.load_model("tutorial"), xl.load_cifar10().pixels, range(32))
    assert sentence.startswith("Hook relu1: of 2 layers, over 32 images") == (advice.pick == "relu1")
    assert advice.first is not None
    names = run("# " + code)  # all four, one after the other: the last is Captum's
    right = xl.grad_cam(xl.load_model("tutorial"), xl.load_cifar10().pixels[:1], advice.first)[advice.first].map[0]
    np.testing.assert_allclose(names["values"], right, rtol=0, atol=1e-6 * right.max())


def test_pictures_of_a_folder_are_advised_on_and_named_in_the_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in range(3):
        own = np.random.default_rng(place).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(own).save(tmp_path / f"{place}.png")
    asked = ("advise", "--model", "tutorial", "--layers", "conv1", "conv2", "--images")
    assert main([*asked, str(tmp_path), "--sample", "2"]) == 0
    printed = capsys.readouterr()
    assert "2 layers on 2 pictures: conv1, conv2" in printed.err
    assert "2 images are too few to name the layer to hook" in printed.out.replace("\n", " ")
    assert f"xl.ImageFolder(Path({str(tmp_path)!r}))" in printed.out
    assert run(printed.out[printed.out.index("\n\n# ") :])["values"].shape == (28, 28)


def test_every_asks_for_all_main_layers_and_not_beside_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--model", "tutorial", "--images", "0", "--every"]) == 0
    assert "2 layers on 1 picture: conv1, conv2" in capsys.readouterr().err
    assert main(["advise", "--images", "0", "--every", "--layers", "conv1"]) == 1
    assert capsys.readouterr().err == "explain_lib: every: it does not go with --layers; one of the two would be right\n"


def test_ctrl_c_leaves_the_advice_so_far(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    compute, done = AdviceRequest.compute, list[int]()

    def once(request: AdviceRequest) -> object:
        done.append(len(request))
        if len(done) == 2:
            signal.raise_signal(signal.SIGINT)
        return compute(request)

    monkeypatch.setattr(AdviceRequest, "compute", once)
    assert main(["advise", "--model", "tutorial", "--images", "0-39"]) == INTERRUPTED
    printed = capsys.readouterr()
    assert "stopped after 8 of 40 images" in printed.err
    assert "on these 8 pictures" in printed.out
