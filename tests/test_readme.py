"""The README's commands, run as it gives them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from running_app import ROOT, make_command

from dashboard.frame.keyboard import EVERYWHERE, IN_A_LESSON
from dashboard.pages import PAGES

README = (ROOT / "README.md").read_text()


def readme_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_readme_gives_the_two_commands() -> None:
    assert {"make run", "make test", "streamlit run dashboard/app.py"} <= set(readme_commands())


def test_make_test_runs_this_suite() -> None:
    planned = subprocess.run([*make_command("test"), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{sys.prefix}/bin/python -m pytest" in planned.stdout.splitlines()


def test_the_readmes_python_example_prints_what_it_says() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=True)
    said = [line.split("# ", 1)[1] for line in example.splitlines() if line.startswith("print(")]
    assert done.stdout.splitlines() == said


@pytest.mark.parametrize("name", ["README.md", "requirements.txt", "Makefile", "explain_lib", "dashboard", "checkpoints"])
def test_what_the_readme_promises_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_every_page_has_its_picture_in_the_tour() -> None:
    shown = re.findall(r"!\[[^\]]{20,}\]\((\S+)\)", README)  # each with words of some length for those who do not see it
    assert len(shown) == README.count("![")
    assert all((ROOT / path).is_file() for path in shown)
    pages = {"eight_pictures" if name == "seed_gallery" else name for name in PAGES}  # that page's title and address differ
    assert pages <= {Path(path).stem for path in shown}


def test_the_keys_of_the_readme_are_those_that_a_question_mark_lists() -> None:
    for keys, words in (*EVERYWHERE, *IN_A_LESSON):
        if keys != "?":
            assert f"| {keys} | {words} |" in README


def test_an_old_python_is_refused_with_a_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import sys; sys.version_info = (3, 10); exec(sys.argv[1])" "$2"\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "run", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()
