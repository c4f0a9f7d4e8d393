"""python -m explain_lib check-up: what it prints, and its exit status."""

import pytest
from ailing_networks import Ailing, SoftmaxModule
from sample_networks import Repeated, model_of, seeded
from torch import nn

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.commands import check_up as check_up_command
from explain_lib.commands.subject import NamedModel


def use(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    named = NamedModel("mine", model_of(network), bundled=False, python="")
    monkeypatch.setattr(check_up_command, "find_model", lambda _: named)


@pytest.mark.parametrize("name", [name for name in xl.list_models() if name != "vit-tiny"])
def test_a_bundled_model_ends_with_status_0_and_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-up", name]) == 0
    assert capsys.readouterr().out == f"{name}: Nothing stands in the way of a map.\n"


def test_the_bundled_transformer_ends_with_status_0_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-up", "vit-tiny"]) == 0
    assert capsys.readouterr().out.startswith("vit-tiny: Nothing stands in the way of a map; there are 2 notes.\n")


def test_a_problem_ends_with_status_1_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(SoftmaxModule(nn.Softmax(1)), monkeypatch)
    assert main(["check-up", "mine"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["mine: 1 problem stands in the way of a map.", "", "PROBLEM: softmax"]
    assert "What to do: Take it out, network.set_submodule('squash', nn.Identity())" in " ".join(lines)
    assert max(map(len, lines)) <= 100


def test_notes_alone_end_with_status_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(seeded(Repeated), monkeypatch)
    assert main(["check-up", "mine"]) == 0
    assert "NOTE: repeated\n  relu is called more than once" in capsys.readouterr().out
    use(Ailing(), monkeypatch)
    assert main(["check-up", "mine"]) == 0


def test_an_unknown_model_ends_with_status_1_and_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-up", "vgg"]) == 1
    assert capsys.readouterr().err.startswith("explain_lib: model: unknown model 'vgg'; a bundled one (captum-tutorial,")
