"""The command `sanity`: the steps that it prints, its sentence, and how far it says that it came."""

import pytest

from explain_lib.__main__ import main
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.trust.sanity import SanityRequest


def test_the_command_prints_each_step_and_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sanity", "--model", "tutorial", "--images", "0-39"]) == 0
    _, *steps, sentence = capsys.readouterr().out.splitlines()
    assert [step.split()[0] for step in steps] == ["fc3", "fc2", "fc1", "conv2", "conv1"]
    assert sentence.startswith("The maps of conv2")
    assert main(["sanity", "--model", "tutorial", "--twin", "--layer", "conv1", "--images", "0-39"]) == 0
    assert "At conv1 the twin's maps" in capsys.readouterr().out
    assert main(["sanity", "--twin"]) == 1
    assert "twin: captum-tutorial has none" in capsys.readouterr().err


def test_interrupted_it_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = SanityRequest.rows

    def broken_off(self: SanityRequest) -> object:
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(SanityRequest, "rows", broken_off)
    assert main(["sanity", "--images", "0-99"]) == INTERRUPTED
    assert "stopped after 64 of 100 images" in capsys.readouterr().err
