"""The Streamlit dashboard over explain_lib."""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
"""Styles and scripts, one file a component."""


def script(*names: str) -> str:
    """Scripts of the assets one behind the other, without indentation and lines of comment: a page is sent all that it uses."""
    lines = (line.strip() for name in names for line in (ASSETS / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
