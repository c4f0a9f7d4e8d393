"""Every sentence of the pages against the numbers that it is made of, and no place where numbers become words unseen."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentences import library, pages, sides
from sentences.said import Said

from explain_lib.base import words

ROOT = Path(__file__).parents[2]
PAGES = {**pages.CASES, **sides.CASES}
RULE = "explain_lib/base/words.py"
FORMATS = {
    "number", "short", "fine", "two", "percent", "precise_percent", "correlation_words", "mean_number", "mean_alone",
    "mean_words", "mean_percent", "interval", "percent_interval", "share_words", "points", "direction",
}  # fmt: skip
"""What makes words of a number, or says which way it goes."""


@pytest.mark.parametrize("name", PAGES)
def test_sentences_say_what_their_numbers_say(name: str) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(PAGES[name])
    def check(said: Said) -> None:
        said.check()

    check()


# Section: nothing is forgotten


ONE_NUMBER = {
    "dashboard/figures/asked_place.py": "rows and columns of marks",
    "dashboard/lesson/check_numbers.py": "placeholders: each is one number of a scene",
    "dashboard/lesson/map_numbers.py": "placeholders: each is one number of a scene",
    "dashboard/topics/explorer/boxes.py": "the score of one box",
    "dashboard/topics/known_truth/image.py": "the share of one map, and of its place",
    "explain_lib/commands/truth.py": "rows of a table in a terminal",
    "explain_lib/truth/mosaics.py": "the least confidence, in an error",
    "explain_lib/commands/guesses.py": "rows of a table in a terminal",
    "explain_lib/commands/layers.py": "rows of a table in a terminal",
    "explain_lib/commands/sanity.py": "rows of a table in a terminal",
    "explain_lib/commands/scan.py": "the mean difference of a finished scan",
    "explain_lib/commands/train.py": "the accuracy of a finished training",
    "explain_lib/take_home/slide.py": "the ends of a bar of colours",
    "dashboard/view/slide.py": "the range of the map on a slide",
    "dashboard/widgets/drawing_controls.py": "how far stretching shifts a cell",
    "dashboard/widgets/pickers.py": "accuracies and probabilities in lists",
    "dashboard/widgets/selection.py": "the share that is right of a selection",
    "dashboard/topics/browser/sections.py": "confidences under thumbnails, the range of a mean map",
    "dashboard/topics/explorer/contrast.py": "probabilities of two classes, ranges of maps",
    "dashboard/topics/explorer/sheet_contrast.py": "ranges of maps",
    "dashboard/topics/explorer/regions.py": "shares of one picture",
    "dashboard/topics/gallery/rows.py": "the mean difference of two maps",
    "dashboard/topics/gallery/sections.py": "the mean difference of two maps",
    "dashboard/topics/guesses/by_network.py": "means of networks in words for a chart",
    "dashboard/topics/guesses/examples.py": "shares and correlations under pictures",
    "dashboard/topics/guesses/frogs.py": "the overlap of outlines with drawn ones",
    "dashboard/topics/ladder/advice.py": "cells of a table",
    "dashboard/topics/ladder/image.py": "cells of a table, shares under pictures",
    "dashboard/topics/ladder/patches.py": "the range of the losses under their picture",
    "dashboard/topics/sanity/blind.py": "the correlation of a pair",
    "dashboard/topics/sanity/check.py": "the prediction at a step",
    "dashboard/topics/sanity/image.py": "the correlation at a step",
    "dashboard/topics/sanity/twin.py": "the accuracies of a twin",
    "dashboard/topics/scan/results.py": "numbers on cards",
    "dashboard/topics/sides/causes.py": "the share of a cause under its map, a residual",
    "dashboard/topics/sides/comparison.py": "metrics on cards",
    "dashboard/topics/sides/completeness.py": "parts of a sum on cards",
    "dashboard/topics/sides/drawing_causes.py": "the share of numbers that are cut",
    "dashboard/topics/sides/pair.py": "the mean difference in the title of a slide",
    "dashboard/topics/sides/side.py": "the power that a map is raised to",
    "dashboard/topics/sides/stepper.py": "mean differences under maps",
    "dashboard/topics/slices/sections.py": "the share of marked pictures",
    "dashboard/topics/training/sections.py": "accuracies and correlations under pictures",
    "dashboard/topics/walk/channel_grid.py": "the ends of a scale",
    "dashboard/topics/walk/panels.py": "the ranges of maps",
    "dashboard/topics/walk/steps.py": "numbers under channels, formulas",
}
"""Modules with single numbers beside their names, which no case has: their words are the rule's, and compare nothing."""
COMPARING = ("direction", "interval", "mean_words", "share_words", "points")
"""A module that uses one of these compares, and needs cases; tables in terminals apart."""


def functions_with(module: Path, names: set[str]) -> Iterator[tuple[int, str]]:
    """First line and name of each function of a module that calls one of these, or hands it on."""
    tree = ast.parse(module.read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "explain_lib.base.words"
        for alias in node.names
        if alias.name in names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            own = [part for statement in node.body for part in _without_inner(statement)]
            if any(isinstance(part, ast.Name) and part.id in imported for part in own):
                yield node.lineno, node.name


def _without_inner(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef):
            yield from _without_inner(child)


def modules() -> Iterator[Path]:
    for house in ("explain_lib", "dashboard"):
        yield from sorted((ROOT / house).rglob("*.py"))


def named(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def ran() -> set[tuple[str, str]]:
    """The file and the name of every function that runs while the cases are drawn."""
    found: set[CodeType] = set()

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    def draw(one: st.SearchStrategy[Said]) -> None:
        """A case by itself: all cases in one example would be more than Hypothesis allows it."""

        @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
        @given(one)
        def drawn(_: Said) -> None:
            pass

        drawn()

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        for cases in (library.CASES, PAGES):
            for one in cases.values():
                draw(one)
    finally:
        sys.setprofile(before)
    return {(code.co_filename, code.co_name) for code in found}


def test_every_function_that_makes_words_of_numbers_has_a_case(ran: set[tuple[str, str]]) -> None:
    every = [(module, name) for module in modules() for _, name in functions_with(module, FORMATS) if named(module) != RULE]
    assert len(every) > 80
    missing = [f"{named(module)}: {name}" for module, name in every if (str(module), name) not in ran]
    assert [one for one in missing if one.partition(":")[0] not in ONE_NUMBER] == []
    assert all(getattr(words, name) for name in FORMATS)
    assert set(ONE_NUMBER) - {one.partition(":")[0] for one in missing} == set()


def test_modules_without_cases_compare_nothing() -> None:
    comparing = [module for module in modules() if any(functions_with(module, set(COMPARING)))]
    without = [named(module) for module in comparing if named(module) in ONE_NUMBER]
    assert without == [f"explain_lib/commands/{name}.py" for name in ("guesses", "layers", "sanity", "truth")]


UNITS = {
    "explain_lib/base/memory.py": "mebibytes",
    "dashboard/frame/model_menu.py": "numbers in a field, as they were typed",
    "explain_lib/check_up/weights.py": "Python code of a remedy",
    "explain_lib/commands/lesson.py": "mebibytes",
    "explain_lib/loading/model_store.py": "mebibytes",
    "explain_lib/loading/training.py": "the progress of a training",
    "explain_lib/pictures/files.py": "megabytes",
    "explain_lib/study/reasons/training.py": "the accuracy in the name of a stage",
    "explain_lib/take_home/json_form.py": "mebibytes",
    "explain_lib/take_home/slide.py": "points of a drawing",
    "explain_lib/take_home/view_file.py": "mebibytes",
    "explain_lib/work/cluster.py": "seconds",
    "dashboard/widgets/job_run.py": "seconds, and images a second",
    "dashboard/widgets/pickers.py": "thousands and millions of weights",
}
"""Modules that write numbers without the rule: sizes, times, code."""


def formatted_numbers(module: Path) -> list[int]:
    """The lines in which a module formats a floating-point number by itself."""
    specs = [
        node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FormattedValue) and node.format_spec
    ]
    return [node.lineno for node in specs if ast.unparse(node.format_spec).rstrip("'\"")[-1:] in "eEfFgG%" and node.format_spec]


def test_numbers_become_words_in_one_place() -> None:
    found = {named(module): lines for module in modules() if (lines := formatted_numbers(module))}
    assert set(found) - {RULE} == set(UNITS) | set(THRESHOLDS)


THRESHOLDS = {
    "dashboard/topics/sanity/sample.py": "the bound of a verdict",
    "dashboard/topics/guesses/sections.py": "thresholds of rules",
    "dashboard/topics/sides/comparison.py": "the value for equal maps",
    "explain_lib/study/guesses.py": "thresholds of rules",
    "explain_lib/study/reasons/verdicts.py": "thresholds of rules",
    "explain_lib/trust/sanity_summary.py": "half",
}
"""Modules that write numbers which are fixed in the code."""
