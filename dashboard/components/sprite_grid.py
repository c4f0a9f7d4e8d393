"""The scripts of grids over one picture: what all of them share, and what is a grid's own."""

from pathlib import Path

_ASSETS = Path(__file__).parents[1] / "assets"


def grid_script(name: str) -> str:
    """The script of the grid of that name in the assets."""
    return (_ASSETS / "sprite_grid.js").read_text() + (_ASSETS / f"{name}.js").read_text()
