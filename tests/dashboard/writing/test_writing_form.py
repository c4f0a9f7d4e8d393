"""The form of a stop, its list and its lesson on the pages, in Streamlit's own test runner."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import (
    OpenedPage,
    buttons,
    component_data,
    elements,
    errors,
    open_page,
    press,
    query,
    texts,
    unescaped,
    warnings,
)
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.lesson import bar
from dashboard.lesson.file import Lesson, parse_lesson
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.view.server_options import server_cache
from dashboard.view.view import View
from dashboard.writing import kept
from dashboard.writing.kept import KEY, read_lesson
from dashboard.writing.markdown import lesson_markdown

MAKE, ADD = "Make this a stop", "Add to your lesson"
FROG = {"img": "7", "model": "captum-tutorial", "layer": "conv2"}
STOP = "## Kept\n\n[Open](/layer_explorer?img=5&model=captum-tutorial)\n\nWho?\n\nAnswer: A {image.true_class}."


def opened(page: str = "layer_explorer", **address: str) -> OpenedPage:
    app = open_page(page, **(FROG | address))
    return make(app)


def make(app: OpenedPage) -> OpenedPage:
    press(app, MAKE)
    assert not app.exception
    return app


def write(app: OpenedPage, **fields: str) -> OpenedPage:
    for name, text in fields.items():
        found = [field for field in (*app.text_input, *app.text_area) if field.key == f"write-{name}"]
        found[0].set_value(text)
    app.run()
    assert not app.exception
    return app


def sends(app: OpenedPage, **what: object) -> OpenedPage:
    """What the browser sends of what it keeps."""
    (sent,) = [shown.proto for shown in elements(app, "bidi_component") if shown.proto.component_name == KEY]
    app.send(WidgetState(id=sent.id, json_value=json.dumps({"kept": {"failed": "", "lesson": None, "draft": None, **what}})))
    assert not app.exception
    return app


def kept_now(app: OpenedPage) -> tuple[Lesson, dict[str, object]]:
    """The lesson and the draft that the browser is told to keep."""
    lesson, draft = json.loads(str(component_data(app, KEY)["kept"]))
    read, notes = read_lesson(json.dumps(lesson))
    assert notes == ()
    return read, draft


def lesson_file(app: OpenedPage) -> Lesson:
    (button,) = [button for button in app.download_button if button.label == "Download the lesson"]
    file = app.files.read_file(Path(button.proto.url).name)
    assert file is not None
    lesson, problems = parse_lesson(file.content, tuple(VOCABULARY), WORDED)
    assert problems == ()
    assert lesson is not None
    return lesson


def in_browser(*stops: str, title: str = "Mine") -> str:
    return json.dumps({"title": title, "introduction": "", "stops": list(stops)})


# Section: the form


def test_a_stop_is_shown_as_learners_will_see_it_added_and_downloaded_with_the_view_on_screen() -> None:
    app = sends(opened(), opens=True)
    write(app, title="A frog?", question="What is it?", hint="Look {map.place}.")
    write(app, answer="A {predicted.class}, row {map.peak_row}.")
    shown = unescaped(texts(app))
    assert "**Stop 1 of 1 · A frog?**\nWhat is it?\n**Hint:** Look at the left.\n**Answer:** A frog, row 6." in shown
    press(app, ADD)
    assert [one.value for one in app.success] == ["“A frog?” is stop 1 of your lesson, kept in this browser."]
    lesson = lesson_file(app)
    (stop,) = lesson.stops
    assert (stop.page, stop.view) == ("layer_explorer", View(image=7, model="captum-tutorial", layer="conv2"))
    assert (stop.title, stop.question, stop.hint) == ("A frog?", "What is it?", "Look {map.place}.")
    assert stop.answer == "A {predicted.class}, row {map.peak_row}."
    assert kept_now(app)[0] == lesson
    assert [field.value for field in app.text_area if field.key in ("write-question", "write-answer")] == ["", ""]


def test_the_preview_is_drawn_by_what_draws_the_rail(monkeypatch: pytest.MonkeyPatch) -> None:
    real = bar.lesson_words
    monkeypatch.setattr(bar, "lesson_words", lambda text, scene: f"seen: {real(text, scene)}")
    app = write(opened(), answer="A {image.true_class}.")
    assert "seen: **Answer:** A frog." in texts(app)


def test_every_fault_stands_beside_its_field_and_what_is_typed_stays() -> None:
    app = write(opened(), title="T", question="Where is {map.peak}?", answer="## Next\n{map.pek}")
    assert errors(app).splitlines() == [
        "{map.peak} is in a question; numbers in braces work only in a hint or an answer.",
        "Line 1 begins with “## ”, which begins the next stop in the file; “### ” would be right.",
        "There is no {map.pek}; {map.peak} or {map.place} or {map.peak_row} would be right.",
    ]
    press(app, ADD)
    assert "The stop is not in your lesson yet: see what the fields above say." in errors(app)
    assert "Download the lesson" not in [button.label for button in app.download_button]
    assert [field.value for field in app.text_area if field.key == "write-answer"] == ["## Next\n{map.pek}"]


def test_what_is_missing_is_said_once_somebody_has_tried_to_add_the_stop() -> None:
    app = opened()
    assert errors(app) == ""
    press(app, ADD)
    assert "The stop has no title yet.\nThe stop has no question yet.\nThe stop has no answer yet." in errors(app)


def test_a_placeholder_is_found_by_its_meaning_and_put_at_the_end_of_the_answer() -> None:
    app = write(opened(), answer="Row")
    assert sum(label.startswith("`{") for label in buttons(app)) == len(VOCABULARY)
    (search,) = [field for field in app.text_input if field.key == "placeholder-search"]
    search.set_value("strongest cell row").run()
    (label,) = [label for label in buttons(app) if label.startswith("`{")]
    assert label == "`{map.peak_row}` · the row of the strongest cell, counted from 0"
    press(app, label)
    assert [field.value for field in app.text_area if field.key == "write-answer"] == ["Row {map.peak_row}"]
    assert "**Answer:** Row 6" in texts(app)
    (values,) = [toggle for toggle in app.toggle if toggle.key == "placeholder-values"]
    values.set_value(True).run()
    assert "`{map.peak_row}` · **6** · the row of the strongest cell, counted from 0" in buttons(app)


def test_no_number_that_takes_time_is_computed_before_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    for name, number in VOCABULARY.items():
        if not name.startswith(("image.", "model.", "predicted.", "target.")):
            monkeypatch.setitem(
                VOCABULARY,
                name,
                type(number)(number.meaning, lambda _, name=name: computed.append(name) or "1", number.unit),  # type: ignore[index]
            )
    app = opened()
    assert computed == []
    write(app, answer="{map.peak_row}")
    assert computed == ["map.peak_row"]


@pytest.mark.parametrize(
    ("asks", "computed"),
    [("place", "Computed: brightest square"), ("outline", "No outline was painted."), ("number", "Computed: 48 %.")],
)
def test_what_learners_commit_to_is_shown_beside_the_computed_one(asks: str, computed: str) -> None:
    app = write(opened(), title="T", question="Q?", answer="A.")
    (radio,) = [radio for radio in app.radio if radio.key == "write-asks"]
    radio.set_value(asks).run()
    assert computed in texts(app)
    press(app, ADD)
    (stop,) = kept_now(app)[0].stops
    assert stop.ask is not None
    assert stop.ask.kind == asks


def test_choices_have_a_field_more_than_there_are() -> None:
    app = opened()
    (radio,) = [radio for radio in app.radio if radio.key == "write-asks"]
    radio.set_value("choice").run()
    write(app, **{"choice-1": "A frog", "choice-2": "A deer"})
    assert [field.key for field in app.text_input if "choice" in (field.key or "")] == [f"write-choice-{n}" for n in (1, 2, 3)]
    (right,) = [box for box in app.checkbox if box.key == "write-right-2"]
    right.check().run()
    assert "**Right: “A deer”.**" in texts(app)
    write(app, title="T", question="Q?", answer="A.")
    press(app, ADD)
    (stop,) = kept_now(app)[0].stops
    assert stop.ask is not None
    assert (stop.ask.choices, stop.ask.right) == (("A frog", "A deer"), (1,))


def test_a_place_and_an_outline_are_offered_at_the_layer_explorer_alone() -> None:
    (radio,) = [radio for radio in opened("class_browser").radio if radio.key == "write-asks"]
    assert radio.options == ["Nothing", "A choice", "A number"]


def test_what_was_typed_is_there_on_another_page() -> None:
    app = write(opened(), question="Half a")
    app.switch_page("app_pages/seed_gallery.py").run()
    assert not app.exception
    assert [field.value for field in app.text_area if field.key == "write-question"] == ["Half a"]


def test_what_a_browser_has_kept_of_a_stop_comes_back_into_the_form() -> None:
    app = sends(opened(), draft=json.dumps({"title": "Mine", "question": "Half a"}), opens=True)
    assert [field.value for field in (*app.text_input, *app.text_area) if field.key in ("write-title", "write-question")] == [
        "Mine", "Half a",
    ]  # fmt: skip
    assert kept_now(app)[1]["question"] == "Half a"


def test_another_tab_changes_the_lesson_and_not_what_is_typed_here() -> None:
    app = write(sends(opened(), opens=True), question="Mine")
    sends(app, lesson=in_browser(STOP), draft=json.dumps({"question": "Other"}))
    assert [field.value for field in app.text_area if field.key == "write-question"] == ["Mine"]
    assert [stop.title for stop in kept_now(app)[0].stops] == ["Kept"]


def test_nothing_is_written_into_the_browser_before_it_has_told_what_it_keeps() -> None:
    app = write(opened(), title="T", question="Q?", answer="A.")
    assert component_data(app, KEY)["stamp"] is None
    press(app, ADD)
    sends(app, lesson=in_browser(STOP), opens=True)
    assert component_data(app, KEY)["stamp"] is not None
    assert [stop.title for stop in kept_now(app)[0].stops] == ["Kept", "T"]


def test_the_form_is_not_offered_before_a_class_nor_on_the_page_of_lessons() -> None:
    assert MAKE in buttons(open_page("layer_explorer", **FROG, lesson="grad-cam", stop="2"))
    assert MAKE not in buttons(open_page("layer_explorer", **FROG, lesson="grad-cam", stop="2", present="on"))
    assert MAKE in buttons(open_page("layer_explorer", **FROG, present="on"))
    assert MAKE not in buttons(open_page("lesson"))


def test_pictures_that_another_server_does_not_have_are_said(start: Callable[..., None], tmp_path: Path) -> None:
    assert [one.value for one in opened().info] == []
    Image.new("RGB", (40, 40), "red").save(tmp_path / "a.png")
    digest = server_cache().own_pictures.keep((tmp_path / "a.png").read_bytes())
    app = opened(set=digest)
    assert [one.value for one in app.info] == [
        "The picture is your own: only this server has it, until it starts anew. Elsewhere it will be missing."
    ]
    start("--images", str(tmp_path))
    app = make(open_page("layer_explorer", model="captum-tutorial", img="0"))
    assert [one.value for one in app.info] == [
        "The picture is from this server's folder: the stop needs a server with the same folder."
    ]


# Section: the lesson


def lesson_page(*stops: str) -> OpenedPage:
    return sends(open_page("lesson"), lesson=in_browser(*stops), opens=True)


def titles(app: OpenedPage) -> list[str]:
    return [stop.title for stop in kept_now(app)[0].stops]


def click(app: OpenedPage, key: str) -> None:
    (button,) = [button for button in app.button if button.key == key]
    button.click().run()
    assert not app.exception


def test_stops_are_moved_deleted_and_brought_back() -> None:
    app = lesson_page(*(STOP.replace("Kept", title) for title in "ABC"))
    click(app, "lesson-down-0")
    assert titles(app) == ["B", "A", "C"]
    click(app, "lesson-up-2")
    assert titles(app) == ["B", "C", "A"]
    click(app, "lesson-delete-1")
    assert titles(app) == ["B", "A"]
    press(app, "Undo: delete “C”")
    assert titles(app) == ["B", "C", "A"]
    assert [button.disabled for button in app.button if button.key in ("lesson-up-0", "lesson-down-2")] == [True, True]


def test_a_stop_is_changed_at_its_own_view_or_at_another() -> None:
    app = lesson_page(STOP.replace("Kept", "First"), STOP)
    click(app, "lesson-edit-1")
    assert query(app) == {"img": "5", "model": "captum-tutorial"}
    assert [field.value for field in app.text_area if field.key == "write-question"] == ["Who?"]
    kept = in_browser(STOP.replace("Kept", "First"), STOP)
    app = sends(opened(img="5", layer="conv1"), lesson=kept, draft=json.dumps(kept_now(app)[1]), opens=True)
    write(app, question="Who is it?")
    assert "**Stop 2 of 2 · Kept**\nWho is it?" in texts(app)
    press(app, "Save stop 2")
    stops = kept_now(app)[0].stops
    assert [(stop.title, stop.question) for stop in stops] == [("First", "Who?"), ("Kept", "Who is it?")]
    assert stops[1].view == View(image=5, model="captum-tutorial", layer="conv1")


def test_what_was_being_written_comes_back_after_a_stop_was_changed() -> None:
    app = write(sends(opened(), lesson=in_browser(STOP), opens=True), question="Half a")
    click(app, "lesson-edit-0")
    assert [field.value for field in app.text_area if field.key == "write-question"] == ["Who?"]
    press(app, "Leave it as it was")
    assert [field.value for field in app.text_area if field.key == "write-question"] == ["Half a"]


def test_the_lesson_has_a_title_and_an_introduction_that_its_file_can_keep() -> None:
    app = lesson_page(STOP)
    (title,) = [field for field in app.text_input if field.key == "lesson-head-title"]
    assert title.value == "Mine"
    title.set_value("  Frogs ").run()
    (introduction,) = [field for field in app.text_area if field.key == "lesson-head-introduction"]
    introduction.set_value("Ten minutes.").run()
    lesson = lesson_file(app)
    assert (lesson.title, lesson.introduction) == ("Frogs", "Ten minutes.")
    (introduction,) = [field for field in app.text_area if field.key == "lesson-head-introduction"]
    introduction.set_value("# Two\n## Three").run()
    assert "Line 1 begins with “# ”" in errors(app)
    assert "Line 2 begins with “## ”" in errors(app)
    assert lesson_file(app).introduction == "Ten minutes."


def test_a_lessons_file_is_taken_with_all_its_stops_and_the_one_before_comes_back() -> None:
    app = lesson_page(STOP)
    example = (Path(bar.__file__).parents[1] / "lessons" / "example.txt").read_bytes()
    app.file_uploader[0].upload("frogs.md", example, "text/markdown").run()
    assert not app.exception
    assert lesson_file(app) == parse_lesson(example, tuple(VOCABULARY), WORDED)[0]
    press(app, "Undo: “Frogs” in place of “Mine”")
    assert titles(app) == ["Kept"]


def test_a_file_that_is_no_lesson_is_refused_with_its_lines() -> None:
    app = lesson_page(STOP)
    app.file_uploader[0].upload("bad.md", b"# T\n## S\nWho?\nAnswer: {map.pek}\n", "text/markdown").run()
    assert "bad.md was not taken. Line 2: stop “S” has no address;" in errors(app)
    assert "Line 4: there is no {map.pek};" in errors(app)
    assert titles(app) == ["Kept"]


def test_the_lesson_is_held_in_this_browser_also_after_the_page_is_loaded_anew() -> None:
    app = lesson_page(STOP)
    assert "its address opens it here only" in "\n".join(one.value for one in app.caption)
    press(app, "Start your lesson · 1 stop")
    held = {"img": "5", "model": "captum-tutorial", "lesson": "this-browser", "present": "on"}
    assert query(app) == held
    assert "**Stop 1 of 1 · Kept**" in texts(app)
    press(app, "Answer")
    assert "**Answer:** A frog." in texts(app)
    anew = open_page("layer_explorer", **held)
    assert not anew.warning
    assert "is being read" in "\n".join(one.value for one in anew.caption)
    sends(anew, lesson=in_browser(STOP), opens=True)
    assert "**Stop 1 of 1 · Kept**" in texts(anew)


def test_a_browser_without_a_lesson_has_none_to_hold() -> None:
    app = sends(open_page("layer_explorer", **FROG, lesson="this-browser"), opens=True)
    assert "lesson=this-browser: there is no such lesson; the lessons here are grad-cam." in warnings(app)


# Section: what a browser has kept


def test_a_damaged_stop_is_said_and_the_rest_is_there() -> None:
    app = lesson_page(STOP, STOP.replace("{image.true_class}", "{image.tru}"), STOP.replace("Kept", "Last"))
    assert "- Stop 2 of the lesson in this browser cannot be used: there is no {image.tru};" in warnings(app)
    assert titles(app) == ["Kept", "Last"]
    (button,) = [button for button in app.download_button if button.label == "Download all that was kept"]
    file = app.files.read_file(Path(button.proto.url).name)
    assert file is not None
    assert len(json.loads(file.content)["stops"]) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"stops": {}}', '{"title": "x"}', "[" * 100_000])
def test_a_damaged_lesson_is_said(text: str) -> None:
    lesson, notes = read_lesson(text)
    assert lesson.stops == ()
    assert notes == ("What this browser kept of your lesson is damaged and cannot be read.",)


@pytest.mark.parametrize("stop", [None, 7, "", "x", f"{STOP}\n{STOP}", "# T", {"a": 1}])
def test_anything_in_place_of_a_stop_is_left_out(stop: object) -> None:
    lesson, notes = read_lesson(json.dumps({"title": 3, "introduction": [], "stops": [stop, STOP]}))
    assert (lesson.title, [one.title for one in lesson.stops]) == ("My lesson", ["Kept"])
    (note,) = notes
    assert note.startswith("Stop 1 of the lesson in this browser cannot be used: ")


def test_a_full_lesson_takes_no_more_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    app = write(sends(opened(), lesson=in_browser(*[STOP] * 60), opens=True), title="T", question="Q?", answer="A.")
    press(app, ADD)
    assert "Your lesson is full: it has 60 stops. Download it, then delete some." in errors(app)
    assert len(kept_now(app)[0].stops) == 60
    assert [field.value for field in app.text_area if field.key == "write-answer"] == ["A."]
    click(app, "lesson-delete-0")
    size = len(lesson_markdown(kept_now(app)[0]).encode())
    monkeypatch.setattr(kept, "MOST_BYTES", size + 10)
    press(app, ADD)
    assert f"at most {size + 10:,} would be right. Download it, then delete a stop." in errors(app)
    monkeypatch.setattr(kept, "MOST_BYTES", size + 1000)
    press(app, ADD)
    assert titles(app)[-1] == "T"


def test_a_browser_that_keeps_nothing_is_said() -> None:
    app = sends(opened(), failed="QuotaExceededError", opens=True)
    assert "This browser keeps nothing (QuotaExceededError): download your lesson before you leave the page." in warnings(app)
