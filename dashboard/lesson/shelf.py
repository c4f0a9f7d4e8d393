"""The lessons on offer, the dashboard's and those of a folder that the server is given, and what this server lacks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import explain_lib as xl
from dashboard.lesson.file import LARGEST, Lesson, Problem, parse_lesson
from dashboard.view.fitting import fit_models, fit_view
from dashboard.view.picture_sets import OwnPicture, chosen_set, server_set
from dashboard.view.view import View, lesson_name

OWN_FOLDER = Path(__file__).parents[1] / "lessons"
BROWSER_LESSON = "this-browser"
"""How an address calls the lesson that a browser keeps; also the key of its ShelvedLesson in the session's state."""
MOST_FILES = 100
"""As many files of a folder are looked at, in the order of their names."""


@dataclass(frozen=True)
class ShelvedLesson:
    """A lesson's file: the lesson, None if something is wrong in it, and what that is.

    name: how an address calls it, the file's name without its ending.
    """

    name: str
    path: Path
    lesson: Lesson | None
    problems: tuple[Problem, ...]


def shelved_lessons(folder: Path | None, known: Sequence[str], worded: Sequence[str] = ()) -> tuple[ShelvedLesson, ...]:
    """The lessons of the folder, then the dashboard's, but for those in whose place the folder has one of the same name.

    Files are read anew when they have changed. known: the names of the placeholders that there are. worded: those of them whose
    values are no numbers.
    """
    found: dict[str, ShelvedLesson] = {}
    for path in [*(() if folder is None else _files(folder)), *_files(OWN_FOLDER)]:
        if path.stem not in found:
            found[path.stem] = _read(path, tuple(known), tuple(worded))
    return tuple(found.values())


def folder_problem(folder: Path | None) -> str | None:
    """The reason why a folder has no lesson, without a full stop; None where it has one, and for no folder."""
    if folder is None:
        return None
    try:
        return None if any(folder.iterdir()) and _files(folder) else f"{folder.name} has no file that ends in .md"
    except OSError as error:
        return f"{folder.name} cannot be read ({error.strerror})"


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.md"))[:MOST_FILES]
    except OSError:  # folder_problem says it
        return []


def _read(path: Path, known: tuple[str, ...], worded: tuple[str, ...]) -> ShelvedLesson:
    try:
        lesson_name(path.stem)
        if path.stem == BROWSER_LESSON:
            return _faulty(path, f"the name {path.name} is that of the lesson in a browser; another name would be right")
        status = path.stat()
        return _parsed(path, status.st_mtime_ns, status.st_size, known, worded)
    except ValueError:
        return _faulty(path, f"the file is called {path.name}; letters, digits, hyphens and .md would be right")
    except OSError as error:
        return _faulty(path, f"the file cannot be read ({error.strerror}); let the server read it")


@lru_cache(maxsize=MOST_FILES)
def _parsed(path: Path, changed: int, size: int, known: tuple[str, ...], worded: tuple[str, ...]) -> ShelvedLesson:
    """The lesson of a file as it was at that time, with that size."""
    del changed, size  # of the key alone
    with path.open("rb") as file:
        lesson, problems = parse_lesson(file.read(LARGEST + 1), known, worded)
    return ShelvedLesson(path.stem, path, lesson, problems)


def _faulty(path: Path, sentence: str) -> ShelvedLesson:
    return ShelvedLesson(path.stem, path, None, (Problem(1, sentence),))


# Section: whether the stops of a lesson can be opened as their addresses say


def stop_notes(lesson: Lesson, cache: xl.ExplainCache) -> tuple[str, ...]:
    """A sentence for each part of a stop's address that this server does not have: "Stop 2: layer=conv9: the layers …"."""
    return tuple(
        f"Stop {number}: {note}" for number, stop in enumerate(lesson.stops, 1) for note in _view_notes(stop.view, cache)
    )


def _view_notes(view: View, cache: xl.ExplainCache) -> tuple[str, ...]:
    """The sentences that the page would show above a view."""
    view, no_model = fit_models(view, cache.own_models)
    try:
        chosen, no_set = chosen_set(view, cache)
        model = cache.model(view.model)
        images = (server_set(cache) if isinstance(chosen, OwnPicture) else chosen).pictures(model)
    except xl.ExplainError as error:
        return (*no_model, f"{error}.")
    _, no_part = fit_view(view, model, images)
    return (*no_model, *no_set, *no_part)
