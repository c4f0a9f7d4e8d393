"""Options of the server, behind `--` on the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import open_page

import explain_lib as xl
from dashboard.view.server_options import ServerOptions, parse_options, server_options


def test_without_options_the_library_chooses_the_device() -> None:
    assert parse_options([]) == ServerOptions(device=None)


@pytest.mark.parametrize("arguments", [["--device", "cuda:1"], ["--device=cuda:1"]])
def test_a_device_can_be_chosen(arguments: list[str]) -> None:
    assert parse_options(arguments) == ServerOptions(device="cuda:1")


def test_the_folder_for_caches_and_what_is_slow_can_be_chosen() -> None:
    assert (parse_options([]).cache, parse_options([]).slow) == (None, 2)
    options = parse_options(["--cache", "a/b", "--slow", "0.5"])
    assert (options.cache, options.slow) == (Path("a/b"), 0.5)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--gpu"], "unrecognized arguments: --gpu"),
        (["fast"], "fast"),
        (["--device"], "expected one argument"),
        (["--slow", "-1"], "argument --slow: '-1' is not a number of seconds, such as 2 or 0.5"),
        (["--slow", "nan"], "'nan' is not a number of seconds"),
        (["--slow", "soon"], "'soon' is not a number of seconds"),
    ],
)
def test_an_option_that_does_not_exist_is_a_sentence_that_says_what_would_be_right(arguments: list[str], what: str) -> None:
    with pytest.raises(xl.InputError) as caught:
        parse_options(arguments)
    sentence = str(caught.value)
    assert what in sentence
    assert "; usage: streamlit run dashboard/app.py -- [--device DEVICE] [" in sentence
    assert sentence.endswith(" would be right")
    assert "\n" not in sentence


def test_the_options_of_the_dashboards_own_command_line_are_read(start: Callable[..., None]) -> None:
    start("--device", "cpu")
    assert server_options() == ServerOptions(device="cpu")


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("program", ["/usr/bin/pytest", "-c", "other_app.py"])
def test_options_of_another_program_are_not_read(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "argv", [program, "--device", "tpu", "--what-else"])
    assert server_options() == ServerOptions()


@pytest.mark.parametrize(
    ("options", "what"), [(["--gpu"], "server option: unrecognized arguments: --gpu"), (["--device", "tpu9"], "tpu9")]
)
def test_a_wrong_option_is_said_on_the_page(start: Callable[..., None], options: list[str], what: str) -> None:
    start(*options)
    app = open_page("layer_explorer")
    assert what in app.error[0].value
