"""The rooms of the two houses: who may import whom, how many modules a folder holds, and what stays private."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_MODULES = 15
# Each house from the ground up: a part imports from those below it, never from those above.
LIBRARY = [
    "explain_lib.base",
    "explain_lib.pictures",
    "explain_lib.regions",
    "explain_lib.passes",
    "explain_lib.detectors",
    "explain_lib.networks",
    "explain_lib.loading",
    "explain_lib.check_up",
    "explain_lib.receptive_fields",
    "explain_lib.cam",
    "explain_lib.compare",
    "explain_lib.trust",
    "explain_lib.advice",
    "explain_lib.truth",
    "explain_lib.audit",
    "explain_lib.study",
    "explain_lib.work",
    "explain_lib.take_home",
    "explain_lib.commands",
    "explain_lib.__main__",
    "explain_lib",
]
DASHBOARD = [
    "dashboard",
    "dashboard.scripts",
    "dashboard.view",
    "dashboard.figures",
    "dashboard.widgets",
    "dashboard.server",
    "dashboard.topics",
    "dashboard.lesson",
    "dashboard.writing",
    "dashboard.take_home",
    "dashboard.frame",
    "dashboard.app_pages",
    "dashboard.app",
]
SOURCES = ("explain_lib", "dashboard", "benchmarks", "tests")


@cache
def modules() -> dict[str, Path]:
    """Every module of the project, by its dotted name."""
    paths = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@cache
def nodes(module: str) -> list[ast.AST]:
    return list(ast.walk(parsed(modules()[module].read_text())))


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text; asked again where another thread parses too: CPython 3.11 counts their depths together."""
    for _ in range(5):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


@cache
def imported_by(module: str) -> list[str]:
    return list(imports(nodes(module)))


def imports(source: Iterable[ast.AST]) -> Iterator[str]:
    """Each import, wherever it stands; for `from a import b` the module a.b where it exists, else a."""
    for node in source:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            yield from (both if (both := f"{name}.{alias.name}") in modules() else name for alias in node.names)


def edges(house: str) -> list[tuple[str, str]]:
    """Each import of a module of the house, and who imports it. Those for type checkers only count too."""
    return [(name, target) for name in parts_of(house) for target in imported_by(name) if within(target, house)]


def parts_of(folder: str) -> list[str]:
    return [name for name in modules() if within(name, folder)]


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def floor(name: str, house: list[str]) -> int:
    """How far up the module lies: the longest name of a part that it is in decides."""
    return house.index(max((part for part in house if within(name, part)), key=len))


def who_imports(package: str) -> list[str]:
    return [name for name in modules() if any(within(target, package) for target in imported_by(name))]


def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b as c\nfrom d.e import f\ndef g():\n    import h\n    from . import i\nif 1:\n    import j, k\n"
    assert set(imports(nodes_of(source))) == {"a.b", "d.e", "h", ".", "j", "k"}
    base = "explain_lib.base"
    assert list(imports(nodes_of(f"from {base} import errors, ExplainError"))) == [f"{base}.errors", base]


def test_no_import_is_relative() -> None:
    assert [name for name in modules() if any(target.startswith(".") for target in imported_by(name))] == []


@pytest.mark.parametrize("house", [LIBRARY, DASHBOARD], ids=["library", "dashboard"])
def test_every_module_has_its_room_and_no_import_goes_up(house: list[str]) -> None:
    root = house[0].split(".")[0]
    folders = {f"{root}.{path.name}" for path in (ROOT / root).iterdir() if any(path.glob("**/*.py"))}
    assert folders - set(house) == set()
    found = edges(root)
    assert len(found) > 100
    assert [(name, target) for name, target in found if floor(target, house) > floor(name, house)] == []


@pytest.mark.parametrize("house", ["explain_lib", "dashboard"])
@pytest.mark.parametrize("by", ["module", "folder"])
def test_no_imports_go_in_a_circle(house: str, by: str) -> None:
    named = str if by == "module" else folder_of
    graph: dict[str, set[str]] = {}
    for name, target in edges(house):
        if named(name) != named(target):
            graph.setdefault(named(name), set()).add(named(target))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def folder_of(name: str) -> str:
    """The folder that holds the module; what lies outside every room stands for itself."""
    folder = modules()[name].relative_to(ROOT).parent
    return name if len(folder.parts) == 1 else str(folder)


@pytest.mark.parametrize("package", ["streamlit", "plotly", "dashboard"])
def test_the_library_needs_no_app(package: str) -> None:
    assert [name for name in who_imports(package) if within(name, "explain_lib")] == []


def test_figures_do_not_import_streamlit() -> None:
    assert [name for name in who_imports("streamlit") if within(name, "dashboard.figures")] == []


def test_the_frame_knows_no_topic() -> None:
    imported = {name: imported_by(name) for name in parts_of("dashboard.frame")}
    assert [name for name, targets in imported.items() if any(within(target, "dashboard.topics") for target in targets)] == []


TOPICS = sorted(name for name in modules() if name.startswith("dashboard.topics.") and name.count(".") == 2)


def listed_modules(topic: str, heading: str) -> list[str]:
    """The modules that the map of a topic names under a heading."""
    _, _, below = (ast.get_docstring(ast.parse(modules()[topic].read_text())) or "").partition(f"{heading}:\n")
    return [f"{topic}.{line.split()[0]}" for line in below.partition("\n\n")[0].splitlines()]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_map_of_a_topic_names_each_of_its_modules_once(topic: str) -> None:
    named = [*listed_modules(topic, "Without Streamlit"), *listed_modules(topic, "On the page")]
    assert sorted(named) == [name for name in parts_of(topic) if name != topic]


def test_what_topics_compute_and_say_loads_no_streamlit() -> None:
    without = [name for topic in TOPICS for name in listed_modules(topic, "Without Streamlit")]
    assert len(without) > 10
    numbers = [name for name in parts_of("dashboard.lesson") if "numbers" in name]
    assert len(numbers) == 4
    assert "streamlit" not in loaded_by(f"import {', '.join(without + numbers)}")


def test_the_landing_page_loads_no_ladder_no_guess_no_sanity_check_and_no_lesson() -> None:
    page = (ROOT / "dashboard" / "app.py").as_posix()
    loaded = loaded_by(f"from streamlit.testing.v1 import AppTest; AppTest({page!r}, default_timeout=60).run()")
    assert "dashboard.topics.explorer.sections" in loaded
    light = {f"explain_lib.trust{name}" for name in ("", ".measures", ".cover", ".cover_effect", ".fills")}
    heavy = {"explain_lib.trust", "explain_lib.study", "dashboard.lesson", *TOPICS} - {"dashboard.topics.explorer"}
    assert {name for name in loaded for part in heavy if within(name, part)} - light == set()
    assert sum(within(name, "dashboard") for name in loaded) < 66


def loaded_by(code: str) -> set[str]:
    """All modules that a fresh process has loaded once it has run the code."""
    code = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_but_the_dashboard_and_its_tests_imports_it() -> None:
    others = [name for name in who_imports("dashboard") if not within(name, "dashboard") and not within(name, "tests")]
    assert others == []


def test_hooks_are_registered_in_one_module_only() -> None:
    with_hooks = [name for name in modules() if any(is_hook_registration(node) for node in nodes(name))]
    assert [name for name in with_hooks if not within(name, "tests")] == ["explain_lib.passes.running"]


def is_hook_registration(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr.startswith("register_") and node.attr.endswith("_hook")


@pytest.mark.parametrize("house", ["explain_lib", "dashboard", "tests"])
def test_no_folder_holds_too_many_modules(house: str) -> None:
    folders = [str(modules()[name].parent.relative_to(ROOT)) for name in parts_of(house)]
    assert {folder for folder in folders if folders.count(folder) > MOST_MODULES} == set()


# Section: private names


PYTORCHS = {"_version"}
"""Names that are PyTorch's own as well: how often a tensor was written to."""


def is_private(name: str) -> bool:
    return name.startswith("_") and name.strip("_") != "" and not name.startswith("__")


def defined(source: Iterable[ast.AST]) -> Iterator[str]:
    for node in source:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def reached_for(source: Iterable[ast.AST]) -> Iterator[str]:
    """Names that are taken from something other than the object itself, or given as text: `a._b`, `import _b`, "a._b"."""
    for node in source:
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "super()"):
            yield node.attr
        elif isinstance(node, ast.Call):
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            yield from (text.rpartition(".")[2] for text in texts if isinstance(text, str))


def test_names_that_are_reached_for_are_found() -> None:
    source = "from a import _b\nc._d()\nself._e = 1\nsetattr(f, '_g', 1)\npatch('h.i._j')\nclass K:\n    def _l(self): ...\n"
    assert {name for name in reached_for(nodes_of(source)) if is_private(name)} == {"_b", "_d", "_g", "_j"}
    assert {name for name in defined(nodes_of(source)) if is_private(name)} == {"_e", "_l"}


def test_no_test_reaches_for_a_private_name() -> None:
    ours = [name for name in modules() if not within(name, "tests")]
    private = {name for module in ours for name in defined(nodes(module)) if is_private(name)} - PYTORCHS
    assert len(private) > 500
    found = {f"{module}: {name}" for module in parts_of("tests") for name in reached_for(nodes(module)) if name in private}
    assert found == set()


# Section: slow packages


SLOW = {
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
    "ultralytics",
    "timm",
    "transformers",
}


def test_importing_the_library_imports_no_slow_package() -> None:
    loaded = {name.split(".")[0] for name in loaded_by("import explain_lib")}
    assert "explain_lib" in loaded
    assert loaded & SLOW == set()
