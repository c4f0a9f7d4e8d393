"""The folder for what can be made again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.base.files import cache_folder

ROOT = Path(__file__).parents[3]
ASK = """
import json, os, sys
from explain_lib.base.files import cache_folder as ask
for variables in json.loads(sys.argv[1]):
    if os.fork() == 0:
        os.environ.update(variables)
        one = ask()
        print(one, one == ask(), one.is_dir(), flush=True)
        sys.exit()
    os.wait()
"""


def asked(*several: dict[str, str]) -> list[list[str]]:
    """What a process of its own says under each environment: the folder, whether it stays the same, whether it is there."""
    environment = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "HOME", "TMPDIR")}
    command = [sys.executable, "-c", ASK, json.dumps(several)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def test_a_chosen_folder_is_made_and_is_the_folder_itself(tmp_path: Path) -> None:
    assert cache_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_chosen_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(xl.InputError, match=r"^cache: '.*file/in': Not a directory; a writable folder would be right$"):
        cache_folder(tmp_path / "file" / "in")


@pytest.mark.skipif(sys.platform != "linux", reason="homes are elsewhere")
def test_the_folder_is_in_the_home_or_else_a_temporary_one_that_goes_with_the_process(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    (tmp_path / "no-home").touch()  # not a folder, which root cannot write into either
    (tmp_path / "tmp").mkdir()
    *found, temporary = asked(
        home,
        home | {"XDG_CACHE_HOME": "relative"},
        home | {"XDG_CACHE_HOME": f"{tmp_path}/caches"},
        {"HOME": str(tmp_path / "no-home"), "TMPDIR": str(tmp_path / "tmp")},
    )
    places = ("home/.cache", "home/.cache", "caches")
    assert found == [[f"{tmp_path}/{place}/grad-cam-dashboard", "True", "True"] for place in places]
    assert temporary[0].startswith(f"{tmp_path}/tmp/grad-cam-dashboard-")
    assert temporary[1:] == ["True", "True"]
    assert list((tmp_path / "tmp").iterdir()) == []
