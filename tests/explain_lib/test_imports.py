"""Who may import whom: the app imports the library, never the other way round, and pages do not wait for slow packages."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = {"tests", ".git", ".venv", "venv", "node_modules", "__pycache__"}


def imported_packages(source: str) -> set[str]:
    """The first part of each imported name, wherever in the source the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add("." if node.level else str(node.module).split(".")[0])
    return found


def sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if not SKIPPED & set(path.relative_to(ROOT).parts)]


def culprits(paths: Iterable[Path], forbidden: set[str]) -> dict[str, set[str]]:
    found = {str(path.relative_to(ROOT)): forbidden & imported_packages(path.read_text()) for path in paths}
    return {path: packages for path, packages in found.items() if packages}


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b as c\nfrom d.e import f\ndef g():\n    import h\n    from . import i\nif 1:\n    import j, k\n"
    assert imported_packages(source) == {"a", "d", "h", ".", "j", "k"}


def test_the_library_imports_no_app_framework_and_not_the_app() -> None:
    paths = sources(ROOT / "explain_lib")
    assert len(paths) > 15
    assert culprits(paths, {"streamlit", "plotly", "dashboard"}) == {}


def test_nothing_outside_the_app_imports_it() -> None:
    paths = [path for path in sources(ROOT) if path.relative_to(ROOT).parts[0] != "dashboard"]
    assert culprits(paths, {"dashboard"}) == {}


def test_figures_do_not_import_streamlit() -> None:
    assert culprits(sources(ROOT / "dashboard" / "figures"), {"streamlit"}) == {}


def test_hooks_are_registered_in_one_module_only() -> None:
    with_hooks = [path.name for path in sources(ROOT / "explain_lib") if "_hook(" in path.read_text()]
    assert with_hooks == ["capture.py"]


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages that a fresh process holds after importing the library."""
    code = "import sys, explain_lib; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


SLOW = [
    "pytorch_grad_cam",
    "matplotlib",
    "sklearn",
    "scipy",
    "skimage",
    "torchvision",
    "streamlit",
    "plotly",
    "torchcam",
    "captum",
]


@pytest.mark.parametrize("package", SLOW)
def test_importing_the_library_does_not_import(package: str, loaded: set[str]) -> None:
    assert "explain_lib" in loaded
    assert package not in loaded
