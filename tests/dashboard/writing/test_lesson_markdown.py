"""A stop that is written reads as the same stop again, or the form says in which field and line it would not."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.lesson.ask import Ask, Kind
from dashboard.lesson.file import Lesson, Stop, parse_lesson
from dashboard.lesson.shelf import OWN_FOLDER
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.view.view import View
from dashboard.writing.draft import (
    Checked,
    Draft,
    check_draft,
    draft_from_json,
    draft_json,
    draft_of,
    introduction_faults,
    tidied,
)
from dashboard.writing.markdown import lesson_markdown, stop_markdown

KNOWN = tuple(VOCABULARY)
AWKWARD = [
    "", " ", "## Next", "##", "### Smaller", "# Title", "Answer: no", " Answer: no", "Hint: no", "> Hint: no", ">hint",
    "> a quote", "Ask: choice", "ask: me", "**Ask**: x", "Ask: place", "- [x] one", "- two", "    code", "```", "```python",
    "~~~", "/layer_explorer?img=5", "[Open](/scan)", "https://example.org", "{map.peak_row}", "{map.pek}", "$\\frac{1}{2}$",
    "a\u2028b", "a\rb", "x  ", "\ufeff", "| a | b |", "“ü”", "a\x0bb", "\\## x", "<b>", "1. one", "***",
]  # fmt: skip
KEPT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda one: st.lists(one) | st.dictionaries(st.sampled_from([*draft_json(Draft()), "choice-1", "x"]), one),
)
LINES = st.lists(st.sampled_from(AWKWARD) | st.text(max_size=12), max_size=5).map("\n".join)
VIEW = View(image=7, model="captum-tutorial", layer="conv2")
MANY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def checked(draft: Draft, page: str = "layer_explorer", view: View = VIEW) -> Checked:
    return check_draft(draft, page, view, KNOWN, WORDED)


def read(text: str) -> Lesson:
    lesson, problems = parse_lesson(text.encode(), KNOWN, WORDED)
    assert problems == ()
    assert lesson is not None
    return lesson


def whole(**fields: str) -> Draft:
    return Draft(**{"title": "T", "question": "Q?", "hint": "H", "answer": "A."} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("file", sorted(OWN_FOLDER.glob("*.*")), ids=lambda path: path.stem)
def test_the_dashboards_own_lessons_read_the_same_once_they_are_written_anew(file: Path) -> None:
    lesson = read(file.read_text(encoding="utf-8"))
    assert len(lesson.stops) > 1
    assert read(lesson_markdown(lesson)) == lesson


@MANY
@given(st.lists(st.builds(Draft, LINES, LINES, LINES, LINES), min_size=1, max_size=3), LINES)
def test_what_the_form_lets_into_a_lesson_reads_as_the_same_lesson(drafts: list[Draft], introduction: str) -> None:
    found = [checked(draft) for draft in drafts]
    stops = tuple(one.stop for one in found if one.is_whole)
    words = "" if introduction_faults(tidied(introduction)) else tidied(introduction)
    lesson = Lesson("Mine", words, stops)
    if stops:
        assert read(lesson_markdown(lesson)) == lesson


@MANY
@given(st.text("abc äß*_-.,?1 \n>|", min_size=1))
def test_plain_words_are_kept_letter_by_letter(text: str) -> None:
    found = checked(whole(question=f"Q {text}", answer=f"A {text}"))
    assert (found.missing, found.faults) == ({}, {})
    (stop,) = read(lesson_markdown(Lesson("Mine", "", (found.stop,)))).stops
    assert (stop.question, stop.answer) == (tidied(f"Q {text}"), tidied(f"A {text}"))


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("question", "So:\nAnswer: no", "Line 2 begins with “Answer:”"),
        ("question", "## Next", "Line 1 begins with “## ”"),
        ("question", "x\n> Hint: no", "Line 2 is a quote that begins with “Hint”"),
        ("question", "Ask: choice", "Line 1 begins with “Ask:”"),
        ("question", "```\n## in code", "The code that begins in line 1 does not end"),
        ("question", "Where is {map.peak_row}?", "{map.peak_row} is in a question"),
        ("hint", "a\nHint: b", "Line 2 begins with “Hint:”"),
        ("hint", "a\n  b", "Line 2 begins with a space"),
        ("hint", "{map.pek}", "There is no {map.pek}; {map.peak}"),
        ("answer", "a\n## b", "Line 2 begins with “## ”"),
        ("answer", "Ask: place", "Line 1 begins with “Ask:”"),
        ("answer", "## b {map.pek}", "There is no {map.pek}"),
    ],
)
def test_a_line_that_the_file_would_take_for_something_else_is_said_at_its_field(field: str, text: str, words: str) -> None:
    faults = checked(whole(**{field: text})).faults
    assert set(faults) == {field}
    assert [said for said in faults[field] if said.startswith(words)]  # type: ignore[index]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("question", "### Smaller\n\n```\n## in code\n```\nLine"),
        ("question", "> a quote\n\n[Open](/scan)\n\n1. one"),
        ("hint", "## Big\n\n```\n> x\n\nAnswer: Ask: place"),
        ("hint", "Hint: no"),
        ("answer", "```\nAnswer: x\n## y\n```\n> Hint: z\nAnswer: {map.peak}"),
        ("answer", "- one\n  - two\n\n| a |\n| - |"),
    ],
)
def test_a_line_that_only_looks_like_it_is_kept(field: str, text: str) -> None:
    found = checked(whole(**{field: text}))
    assert found.is_whole, found.faults
    assert getattr(read(lesson_markdown(Lesson("Mine", "", (found.stop, found.stop)))).stops[1], field) == text


def test_spaces_in_empty_lines_are_of_no_account() -> None:
    found = checked(whole(hint="a\n  \nb", answer="a\n\t\nb"))
    assert found.is_whole, found.faults
    assert (found.stop.hint, found.stop.answer) == ("a\n\nb", "a\n\nb")


def test_what_is_not_there_yet_is_no_fault() -> None:
    found = checked(Draft(asks="choice"))
    assert found.faults == {}
    assert set(found.missing) == {"title", "question", "answer", "ask"}


@MANY
@given(
    st.lists(st.sampled_from(["A frog", "[x] A deer", "- no", "[ ]", "", "Ask: choice", "x" * 80]), max_size=8).map(tuple),
    st.lists(st.integers(0, 7), max_size=3).map(tuple),
)
def test_choices_and_what_is_right_of_them_are_kept(choices: tuple[str, ...], right: tuple[int, ...]) -> None:
    found = checked(Draft("T", "Q?", "", "A.", "choice", choices, right))
    texts = [text for text in choices if text]
    assert found.is_whole == (len(set(texts)) == len(texts) >= 2)
    assert found.stop.ask is not None
    assert [found.stop.ask.choices[place] for place in found.stop.ask.right] == [
        text for place, text in enumerate(choices) if text and place in right
    ]
    if found.is_whole:
        assert read(f"# Mine\n{stop_markdown(found.stop)}").stops == (found.stop,)


@pytest.mark.parametrize("kind", ["place", "outline"])
def test_a_place_and_an_outline_are_asked_for_at_the_layer_explorer_alone(kind: Kind) -> None:
    draft = Draft("T", "Q?", "", "A.", kind)
    assert checked(draft).stop.ask == Ask(kind)
    assert checked(draft).is_whole
    assert read(f"# Mine\n{stop_markdown(checked(draft).stop)}").stops == (checked(draft).stop,)
    assert "it only works at a stop of layer_explorer" in checked(draft, page="scan").faults["ask"][0]


def test_a_number_is_asked_for_by_its_name() -> None:
    number = Draft("T", "Q?", "", "A.", "number", truth="map.empty_share")
    assert checked(number).is_whole
    assert read(f"# Mine\n{stop_markdown(checked(number).stop)}").stops[0].ask == Ask("number", truth="map.empty_share")
    assert set(checked(Draft("T", "Q?", "", "A.", "number", truth="image.name")).faults) == {"ask"}


def test_the_stop_opens_the_view_on_screen_and_no_lesson_and_no_presentation() -> None:
    view = View(image=7, model="resnet20", lesson="grad-cam", stop=3, answer=True, said="2", present=True, pictures="cifar10")
    assert checked(whole(), "sanity_checks", view).stop.view == View(image=7, model="resnet20", pictures="cifar10")
    assert "\n[Open](/sanity_checks?img=7&model=resnet20&set=cifar10)\n" in stop_markdown(
        checked(whole(), "sanity_checks", view).stop
    )


@MANY
@given(LINES, st.sampled_from(["", *get_args(Kind)]), st.lists(st.text(max_size=9), max_size=8), st.integers(0, 2))
def test_a_draft_is_the_same_once_a_browser_has_kept_it(text: str, asks: str, choices: list[str], editing: int) -> None:
    while choices and not choices[-1]:
        choices.pop()
    draft = Draft(text[:120], text, text, text, asks, tuple(choices), (0, 5), "map.peak", editing)
    stop = Stop("T", "scan", View(), "Q?", "", "A.")
    assert draft_from_json(draft_json(draft), Lesson("Mine", "", (stop,) * 3)) == draft


@MANY
@given(KEPT)
def test_anything_that_a_browser_has_kept_makes_a_draft(found: object) -> None:
    draft = draft_from_json(found, Lesson("Mine", "", ()))
    assert draft.editing is None
    checked(draft)


def test_a_stop_of_the_lesson_opens_in_the_form_as_it_is() -> None:
    for place, stop in enumerate(read((OWN_FOLDER / "grad-cam.md").read_text(encoding="utf-8")).stops):
        found = checked(draft_of(stop, place), stop.page, stop.view)
        assert found.is_whole
        assert found.stop == stop
