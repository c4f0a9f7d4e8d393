"""A lesson's file: what its parts become, every fault with its sentence and its line, and files that change."""

from pathlib import Path

import pytest

from dashboard.lesson.ask import Ask
from dashboard.lesson.file import LARGEST, Lesson, Problem, filled, parse_lesson, stop_view
from dashboard.lesson.shelf import folder_problem, shelved_lessons
from dashboard.view.view import View

KNOWN = ("map.peak_row", "map.peak_column", "predicted.class")
WORDED = ("predicted.class",)
GOOD = """# Where it looks

For ten minutes.

Two paragraphs.

## A frog

[Open](/layer_explorer?img=7&model=tutorial&layer=conv1)

What is **bright**?

- this?

> Hint: in row {map.peak_row},
> or nearby.

Answer: It says {predicted.class}.

Truly: $\\frac{a}{b}$, \\{no placeholder}.

## Another
See https://example.org/paper first.
http://10.0.0.5:8501/grad/sanity_checks?img=3&lesson=old&stop=9&hint=on&answer=on&present=on
Why?

Answer:
Because.
"""


def lesson_of(text: str) -> Lesson:
    lesson, problems = parse_lesson(text.encode(), KNOWN, WORDED)
    assert problems == ()
    assert lesson is not None
    return lesson


def problems_of(text: str | bytes) -> list[tuple[int, str]]:
    lesson, problems = parse_lesson(text.encode() if isinstance(text, str) else text, KNOWN, WORDED)
    assert lesson is None
    return [(problem.line, problem.sentence) for problem in problems]


def stop(
    address: str = "[Open](/layer_explorer?img=7)", question: str = "What?", answer: str = "Answer: This.", hint: str = ""
) -> str:
    """A lesson of one stop, whose address stands in line 3, question in 4, hint in 5 and answer in 6."""
    return f"# Title\n## One\n{address}\n{question}\n{hint}\n{answer}\n"


def test_a_lesson_has_a_title_an_introduction_and_stops_with_their_words() -> None:
    lesson = lesson_of(GOOD)
    assert (lesson.title, lesson.introduction) == ("Where it looks", "For ten minutes.\n\nTwo paragraphs.")
    first, second = lesson.stops
    assert (first.title, first.page) == ("A frog", "layer_explorer")
    assert first.view == View(image=7, model="tutorial", layer="conv1")
    assert first.question == "What is **bright**?\n\n- this?"
    assert first.hint == "in row {map.peak_row},\nor nearby."
    assert first.answer == "It says {predicted.class}.\n\nTruly: $\\frac{a}{b}$, \\{no placeholder}."
    assert (second.title, second.hint, second.answer) == ("Another", "", "Because.")


def test_an_address_can_have_any_host_and_path_before_it_and_what_a_lesson_sets_itself_is_left_out() -> None:
    second = lesson_of(GOOD).stops[1]
    assert (second.page, second.view) == ("sanity_checks", View(image=3))
    assert second.question == "See https://example.org/paper first.\nWhy?"


@pytest.mark.parametrize("address", ["/", "[Start](/)", "https://example.org/", "/?img=3", "<http://example.org/?img=3>"])
def test_an_address_without_a_page_is_that_of_the_landing_page(address: str) -> None:
    (only,) = lesson_of(stop(address)).stops
    assert only.page == "layer_explorer"


def test_a_stop_opens_with_hint_and_answer_closed_and_takes_a_presentation_along() -> None:
    lesson = lesson_of(GOOD)
    view = stop_view("mine", lesson.stops[0], 1, present=True)
    assert view == View(image=7, model="tutorial", layer="conv1", lesson="mine", stop=1, present=True)


def test_a_heading_inside_code_begins_no_stop() -> None:
    (only,) = lesson_of(stop(answer="Answer: so:\n```\n## not a stop\n```")).stops
    assert only.answer == "so:\n```\n## not a stop\n```"


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    lesson, problems = parse_lesson(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), KNOWN, WORDED)
    assert problems == ()
    assert lesson == lesson_of(GOOD)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (stop().removeprefix("# Title"), 1, "the lesson has no title; a first line “# Title” would be right"),
        (stop().replace("# Title", "#"), 1, "the lesson has no title; a first line “# Title” would be right"),
        (
            "# Title\n# More\n## One\n/\nQ?\nAnswer: A",
            2,
            "there is a second title; one “# Title” and then “## Title of a stop”",
        ),
        ("# Title\nWords.\n", 1, "there is no stop; a line “## Title of a stop” would begin one"),
        (stop().replace("## One", "##"), 2, "a stop has no title; “## Title of a stop” would be right"),
        (stop(""), 2, "stop “One” has no address; a line with a link such as [Open](/layer_explorer?img=3) would be right"),
        (stop(question=""), 2, "stop “One” has no question; a paragraph of text under its address would be right"),
        (stop(answer=""), 2, "stop “One” has no answer; a paragraph that begins with “Answer:” would be right"),
        (stop(answer="Answer:"), 2, "stop “One” has no answer"),
        (stop("/layer_exploder?img=3"), 3, "there is no page layer_exploder; one of class_browser, disagreement, glossary, "),
        (stop("/lesson/../etc"), 3, "there is no page etc; one of "),
        (stop("http://[::1/x"), 3, "http://[::1/x is not an address; paste one from “Copy address”"),
        (stop("/layer_explorer?img=three"), 3, "in the address, img=three: the number of a test image would be right"),
        (stop("/layer_explorer?imgae=3"), 3, "in the address, imgae=3: there is no such setting"),
        (stop("/scan?a=nonsense"), 3, "in the address, a=nonsense: a configuration such as "),
        (stop(answer="Answer: {map.peak_rwo}"), 6, "there is no {map.peak_rwo}; {map.peak_row} or "),
        (stop(answer="Answer: {row}"), 6, "there is no {row}; {map.peak_row} or {map.peak_column} or {predicted.class} would"),
        (stop(hint="> Hint: {map.peak.row}"), 5, "there is no {map.peak.row}; {map.peak_row} or "),
        (
            stop(hint="> Hint The brightest."),
            5,
            "a quote begins with Hint but not with “> Hint:”; “> Hint: The brightest.” would",
        ),
        (stop(hint="> **Hint:** The brightest."), 5, "a quote begins with Hint but not with “> Hint:”"),
        (stop(hint="> hint: the brightest"), 5, "a quote begins with Hint but not with “> Hint:”"),
        (
            stop(question="Is it {predicted.class}?"),
            4,
            "{predicted.class} is in a question; numbers in braces work only in a hint or an answer",
        ),
    ],
)
def test_each_fault_has_its_sentence_and_its_line(text: str, line: int, sentence: str) -> None:
    ((found, said),) = problems_of(text)
    assert found == line
    assert said.startswith(sentence)
    assert not said.endswith(".")


# Section: what a stop asks its readers


@pytest.mark.parametrize(
    ("lines", "ask"),
    [
        ("Ask: place", Ask("place")),
        ("Ask: outline", Ask("outline")),
        ("Ask: number {map.peak_row}", Ask("number", truth="map.peak_row")),
        ("Ask: choice\n- A deer\n- [x] A car", Ask("choice", ("A deer", "A car"), (1,))),
        (
            "Ask: choice\n\n- [x] One\n- [ ] Two\n- [X] Three\n  and more\n",
            Ask("choice", ("One", "Two", "Three and more"), (0, 2)),
        ),
        ("Ask: choice\n- Yes\n- No", Ask("choice", ("Yes", "No"))),
        ("Nothing.", None),
    ],
)
def test_what_a_stop_asks_for_is_no_part_of_its_words(lines: str, ask: Ask | None) -> None:
    (only,) = lesson_of(stop(question=f"What?\n{lines}", hint="> Hint: Look.")).stops
    assert only.ask == ask
    assert (only.question, only.hint, only.answer) == ("What?" if ask else "What?\nNothing.", "Look.", "This.")


def test_a_question_goes_on_below_its_choices() -> None:
    (only,) = lesson_of(stop(question="Is it?\n- this\nAsk: choice\n- Yes\n- No\n\nThink.")).stops
    assert only.question == "Is it?\n- this\n\nThink."
    assert only.ask == Ask("choice", ("Yes", "No"))


NUMBERS = "“Ask: choice”, “Ask: place”, “Ask: outline” or “Ask: number {map.empty_share}” would be right"


@pytest.mark.parametrize(
    ("lines", "line", "sentence"),
    [
        ("Ask: colour", 5, f"there is no “Ask: colour”; {NUMBERS}"),
        ("Ask: place here", 5, f"there is no “Ask: place here”; {NUMBERS}"),
        ("Ask: outline frog", 5, f"there is no “Ask: outline frog”; {NUMBERS}"),
        ("ask: place", 5, "a line begins with “ask” but not with “Ask:”; “Ask: place” would be right"),
        ("**Ask:** place", 5, "a line begins with “ask” but not with “Ask:”; “Ask: place” would be right"),
        ("Ask: choice", 5, "“Ask: choice” has 0 choices; 2 to 8, each a line such as “- A deer”, would be right"),
        ("Ask: choice\n- One", 5, "“Ask: choice” has 1 choice; 2 to 8, each a line such as “- A deer”, would be right"),
        (
            "Ask: choice\n" + "\n".join(f"- {number}" for number in range(9)),
            5,
            "“Ask: choice” has 9 choices; 2 to 8, each a line such as “- A deer”, would be right",
        ),
        ("Ask: choice\n- One\n- " + 81 * "a", 7, "a choice has 81 characters; at most 80 would be right"),
        ("Ask: choice\n- One\n- [x]", 7, "a choice is empty; “- A deer” would be right"),
        ("Ask: choice\n- One\n- [x] One", 7, "the choice “One” is there twice; choices must differ"),
        (
            "Ask: choice\n- One\n- {map.peak_row}",
            7,
            "{map.peak_row} is in a choice; numbers in braces work only in a hint or an answer",
        ),
        ("Ask: number", 5, "“Ask: number” names no number; “Ask: number {map.empty_share}” would be right"),
        ("Ask: number 3", 5, "“Ask: number” names no number; “Ask: number {map.empty_share}” would be right"),
        ("Ask: number {map.peak_rwo}", 5, "there is no {map.peak_rwo}; {map.peak_row} or {map.peak_column} would be right"),
        (
            "Ask: number {predicted.class}",
            5,
            "{predicted.class} is no number; {map.peak_row} or {map.peak_column} would be right",
        ),
        ("Ask: place\nAsk: place", 6, "there is a second “Ask:”; a stop can have only one"),
        ("> Hint: Look.\nAnswer: So.\nAsk: outline", 7, "“Ask:” is inside the answer; it belongs above “Answer:”"),
        ("> Hint: Look.\nAnswer: So.\nAsk: place", 7, "“Ask:” is inside the answer; it belongs above “Answer:”"),
    ],
)
def test_each_fault_of_what_a_stop_asks_has_its_sentence_and_its_line(lines: str, line: int, sentence: str) -> None:
    assert problems_of(stop(question=f"What?\n{lines}")) == [(line, sentence)]


@pytest.mark.parametrize("kind", ["place", "outline"])
def test_a_place_and_an_outline_can_be_asked_for_where_there_is_one_map(kind: str) -> None:
    found = problems_of(stop("/disagreement?img=7", f"Where?\nAsk: {kind}"))
    assert found == [(5, f"“Ask: {kind}” is at a stop of disagreement; it only works at a stop of layer_explorer")]


def test_a_quote_that_is_no_hint_belongs_to_the_question() -> None:
    (only,) = lesson_of(stop(question="What?\n> Hints are not always there.")).stops
    assert (only.question, only.hint) == ("What?\n> Hints are not always there.", "")


def test_every_fault_is_listed_by_its_line() -> None:
    found = problems_of("## One\n/nowhere\n{x}\n## Two\nAnswer: {y.z}")
    words = [
        "no title",
        "“One” has no answer",
        "no page",
        "in a question",
        "“Two” has no address",
        "“Two” has no q",
        "no {y.z}",
    ]
    assert [line for line, _ in found] == [1, 1, 2, 3, 4, 4, 5]
    assert all(word in said for word, (_, said) in zip(words, found, strict=True))


def test_a_file_that_is_no_utf8_is_said_with_the_line() -> None:
    assert problems_of(b"# Title\n\nSch\xf6n") == [(3, "the file is not UTF-8 text; save it as UTF-8")]


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert problems_of(b"#" * (LARGEST + 1)) == [(1, "the file has 262,145 bytes; at most 262,144 would be right")]
    assert lesson_of(GOOD + " " * (LARGEST - len(GOOD.encode()))).title == "Where it looks"


def test_every_placeholder_of_a_text_is_replaced_and_nothing_else() -> None:
    text = r"{map.peak_row}, {x y}, \{map.peak_row}, $\frac{a}{b}$, x^{2}, a{map.peak_row}"
    assert filled(text, str.upper) == r"MAP.PEAK_ROW, X Y, \{map.peak_row}, $\frac{a}{b}$, x^{2}, aMAP.PEAK_ROW"


# Section: the folders


def test_lessons_of_a_folder_come_first_and_stand_in_for_one_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(GOOD)
    names = [shelved.name for shelved in shelved_lessons(tmp_path, KNOWN)]
    assert names == ["mine", "grad-cam"]
    (tmp_path / "grad-cam.md").write_text(GOOD)
    taken = {shelved.name: shelved.lesson for shelved in shelved_lessons(tmp_path, KNOWN)}
    assert set(taken) == {"mine", "grad-cam"}
    assert taken["grad-cam"] == lesson_of(GOOD)


def test_a_file_is_read_anew_once_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(GOOD)
    assert shelved_lessons(tmp_path, KNOWN)[0].lesson == lesson_of(GOOD)
    file.write_text(GOOD.replace("Where it looks", "Elsewhere it looks"))
    changed = shelved_lessons(tmp_path, KNOWN)[0].lesson
    assert changed is not None
    assert changed.title == "Elsewhere it looks"
    file.write_text("")
    assert shelved_lessons(tmp_path, KNOWN)[0].lesson is None
    file.unlink()
    assert [shelved.name for shelved in shelved_lessons(tmp_path, KNOWN)] == ["grad-cam"]


def test_a_file_whose_name_no_address_can_have_is_said(tmp_path: Path) -> None:
    (tmp_path / "two words.md").write_text(GOOD)
    (found,) = [shelved for shelved in shelved_lessons(tmp_path, KNOWN) if shelved.name == "two words"]
    assert found.lesson is None
    assert found.problems == (Problem(1, "the file is called two words.md; letters, digits, hyphens and .md would be right"),)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    faults = {shelved.name: shelved.problems for shelved in shelved_lessons(tmp_path, KNOWN) if shelved.problems}
    assert faults["folder"][0].sentence.startswith("the file cannot be read (Is a directory)")
    assert faults["gone"][0].sentence.startswith("the file cannot be read (No such file or directory)")


def test_a_folder_without_lessons_is_said(tmp_path: Path) -> None:
    assert folder_problem(None) is None
    assert folder_problem(tmp_path) == f"{tmp_path.name} has no file that ends in .md"
    assert folder_problem(tmp_path / "gone") == "gone cannot be read (No such file or directory)"
    (tmp_path / "mine.md").write_text(GOOD)
    assert folder_problem(tmp_path) is None
