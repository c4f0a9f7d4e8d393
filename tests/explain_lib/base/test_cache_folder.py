"""The folder for what can be made again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.base.cache_folder import cache_folder, platform_caches

ROOT = Path(__file__).parents[3]
ASK = "from explain_lib.base.cache_folder import cache_folder as ask; one = ask(); print(one, one == ask(), one.is_dir())"


def asked(variables: dict[str, str]) -> list[str]:
    """What a process of its own says: the folder, whether it stays the same, whether it is there."""
    environment = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "HOME", "TMPDIR")}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_chosen_folder_is_made_and_is_the_folder_itself(tmp_path: Path) -> None:
    assert cache_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_chosen_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        xl.InputError, match=r"^cache: '.*file/in': Not a directory; a folder that can be written to would be right$"
    ):
        cache_folder(tmp_path / "file" / "in")


@pytest.mark.skipif(sys.platform != "linux", reason="the variable is Linux's")
@pytest.mark.parametrize(
    ("given", "expected"),
    [("{}/caches", "{}/caches"), ("caches", "{}/home/.cache"), ("", "{}/home/.cache"), (None, "{}/home/.cache")],
)
def test_without_a_choice_it_is_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if given is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", given.format(tmp_path))
    assert platform_caches() == Path(expected.format(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="homes are elsewhere")
def test_a_home_that_cannot_be_written_to_gives_a_temporary_folder_that_goes_with_the_process(tmp_path: Path) -> None:
    (tmp_path / "home").touch()  # not a folder, which root cannot write into either
    (tmp_path / "tmp").mkdir()
    folder, same, there = asked({"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")})
    assert folder.startswith(f"{tmp_path}/tmp/grad-cam-dashboard-")
    assert (same, there) == ("True", "True")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="homes are elsewhere")
def test_a_home_that_can_be_written_to_gets_the_folder(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert asked({"HOME": str(tmp_path / "home")}) == [f"{tmp_path}/home/.cache/grad-cam-dashboard", "True", "True"]
