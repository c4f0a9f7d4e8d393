"""The folder for what can be made again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.base.files import cache_folder

ROOT = Path(__file__).parents[3]
ASK = "from explain_lib.base.files import cache_folder as ask; one = ask(); print(one, one == ask(), one.is_dir())"


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


@pytest.mark.skipif(sys.platform != "linux", reason="homes are elsewhere")
def test_a_home_that_cannot_be_written_to_gives_a_temporary_folder_that_goes_with_the_process(tmp_path: Path) -> None:
    (tmp_path / "home").touch()  # not a folder, which root cannot write into either
    (tmp_path / "tmp").mkdir()
    folder, same, there = asked({"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")})
    assert folder.startswith(f"{tmp_path}/tmp/grad-cam-dashboard-")
    assert (same, there) == ("True", "True")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="homes are elsewhere")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, "home/.cache"), ({"XDG_CACHE_HOME": "relative"}, "home/.cache"), ({"XDG_CACHE_HOME": "{}/caches"}, "caches")],
)
def test_a_home_that_can_be_written_to_gets_the_folder(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    (tmp_path / "home").mkdir()
    given = {name: value.format(tmp_path) for name, value in variables.items()}
    folder = f"{tmp_path}/{expected}/grad-cam-dashboard"
    assert asked({"HOME": str(tmp_path / "home"), **given}) == [folder, "True", "True"]
