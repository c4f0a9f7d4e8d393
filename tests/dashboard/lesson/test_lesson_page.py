"""Lessons on the screen: every stop of the dashboard's own, the bar, the page, and lessons of a teacher's own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from independent_maps import captum_map, labels, logit, pixels, predicted, probabilities
from opened_page import OpenedPage, buttons, open_page, press, query, send_steps, texts, unescaped, warnings
from scipy.stats import spearmanr, t
from staged import panels, stages

import explain_lib as xl
from dashboard.lesson import bar
from dashboard.lesson.file import Lesson, parse_lesson, stop_view
from dashboard.lesson.shelf import OWN_FOLDER
from dashboard.lesson.vocabulary import VOCABULARY
from dashboard.view.server_options import server_cache
from dashboard.view.this_view import CARRIED_VIEW
from explain_lib.networks.randomisation import randomised

FILE = OWN_FOLDER / "grad-cam.md"
COUNT = 15
HORSE, CAR, CONTOURS = 2, 5, 8
"""The stops about the horse, the car that is taken for a deer, and contours."""


def own_lesson() -> Lesson:
    lesson, problems = parse_lesson(FILE.read_bytes(), tuple(VOCABULARY))
    assert problems == ()
    assert lesson is not None
    return lesson


def open_stop(number: int, **more: str) -> OpenedPage:
    stop = own_lesson().stops[number - 1]
    address = stop_view("grad-cam", stop, number, present=False).to_query() | more
    return open_page(stop.page, **{f"{key}_" if key == "class" else key: text for key, text in address.items()})


def opened_paragraph(app: OpenedPage, label: str) -> str | None:
    """The hint or the answer in the bar; None while it is closed."""
    found = [text.value for text in app.markdown if text.value.startswith(f"**{label}:**")]
    return unescaped(found[0]) if found else None


@pytest.fixture
def folder(tmp_path: Path, start: Callable[..., None]) -> Path:
    """A folder of lessons that the server is started with."""
    start("--lessons", str(tmp_path))
    return tmp_path


# Section: the dashboard's own lesson


def test_the_lesson_has_its_stops_each_with_a_hint() -> None:
    lesson = own_lesson()
    assert len(lesson.stops) == COUNT
    assert all(stop.hint for stop in lesson.stops)
    assert len({stop.page for stop in lesson.stops}) >= 6


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_every_stop_opens_its_page_without_a_warning_and_its_answer_is_computed(number: int) -> None:
    stop = own_lesson().stops[number - 1]
    app = open_stop(number)
    assert not app.warning
    assert not app.error
    assert f"**Stop {number} of {COUNT} · {stop.title}**" in texts(app)
    assert stop.question in texts(app)
    assert (opened_paragraph(app, "Hint"), opened_paragraph(app, "Answer")) == (None, None)
    assert "Back to this stop's view" not in buttons(app)
    press(app, "Hint")
    press(app, "Answer")
    assert not app.warning
    for label in ("Hint", "Answer"):
        words = opened_paragraph(app, label)
        assert words is not None
        assert "{" not in words
        assert "—" not in words
        assert "Not available" not in words
    assert query(app)["hint"] == query(app)["answer"] == "on"


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("The middle of the picture", "by single deletion HiResCAM at conv2, where it looks, by 0.0"),
        ("A network that knows nothing", "Over 8 random starts the mean correlation with the trained network's map is "),
    ],
)
def test_a_stop_says_more_than_one_measure_and_one_draw_do(title: str, words: str) -> None:
    (number,) = [place for place, stop in enumerate(own_lesson().stops, 1) if stop.title == title]
    app = open_stop(number, answer="on")
    assert words in (opened_paragraph(app, "Answer") or "")


def test_the_effects_that_the_lesson_speaks_of_are_there() -> None:
    """The car lies at the lower right; the map of deer is strongest left of it, that of car on it."""
    deer, car = (captum_map(796, "layer3.2.conv2", logit(index), "resnet20") for index in (4, 1))
    assert deer.argmax() % 8 <= 3
    assert car.argmax() // 8 >= 4
    assert car.argmax() % 8 >= 5
    assert car[3:, 5:].sum() > 2 * car[:, :4].sum()


def test_the_maps_of_networks_that_know_nothing_have_nothing_of_the_original() -> None:
    """The stop's picture: over eight random starts the correlation is near 0, with an interval that holds it."""
    (stop,) = [stop for stop in own_lesson().stops if stop.title == "A network that knows nothing"]
    image, now = stop.view.image, captum_map(stop.view.image, "conv2")
    batch = torch.tensor(pixels()[image][None]).permute(0, 3, 1, 2) / 255 * 2 - 1
    found = []
    for seed in range(8):
        other = randomised(xl.load_model("captum-tutorial"), stop.view.randomised, "cascading", seed=seed).network
        then = LayerGradCam(other, other.get_submodule("conv2")).attribute(batch, predicted(image))[0, 0]
        found.append(spearmanr(now.ravel(), then.detach().numpy().clip(min=0).ravel()).statistic)
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(8)
    assert abs(mean) < 0.05
    assert abs(mean) < t.ppf(0.975, 7) * error < 0.25
    assert probabilities("captum-tutorial")[image].max() > 0.99
    assert predicted(image) == labels()[image]


# Section: the bar


def test_next_and_back_go_through_the_stops() -> None:
    lesson = own_lesson()
    app = open_stop(1, hint="on", answer="on", present="on")
    for label, number in (("Next stop", 2), ("Next stop", 3), ("Previous stop", 2)):
        press(app, label)
        stop = lesson.stops[number - 1]
        app.switch_page(
            f"app_pages/{stop.page}.py"
        ).run()  # a browser stays on the page that a run has opened; AppTest does not
        assert f"**Stop {number} of {COUNT} · {stop.title}**" in texts(app)
        assert query(app) == stop_view("grad-cam", stop, number, present=True).to_query()
        assert (opened_paragraph(app, "Hint"), opened_paragraph(app, "Answer")) == (None, None)


def test_there_is_nothing_before_the_first_stop() -> None:
    disabled = {button.label: button.disabled for button in open_stop(1).button}
    assert (disabled["Previous stop"], disabled["Next stop"]) == (True, False)


def test_the_last_stop_ends_the_lesson_with_a_last_word_on_its_page() -> None:
    app = open_stop(COUNT, hint="on", answer="on", present="on")
    assert "Next stop" not in buttons(app)
    press(app, "Finish")
    app.switch_page("app_pages/lesson.py").run()
    assert query(app) == own_lesson().stops[-1].view.to_query() | {"ended": "grad-cam"}
    (said,) = [header.value for header in app.header if header.value.startswith("That was the lesson")]
    assert said == "That was the lesson: Where does a network look?"
    assert f"{COUNT} Your turn" in texts(app)
    assert {"Start again", "Back to the last stop", "Write your own"} <= set(buttons(app))
    press(app, "Write your own")
    assert "A lesson is one Markdown file" in texts(app)
    app.query_params.clear()  # as the navigation opens a page
    app.switch_page("app_pages/layer_explorer.py").run()
    assert current_ended(app) is None


def current_ended(app: OpenedPage) -> object:
    return app.session_state[CARRIED_VIEW].ended


def test_no_key_starts_a_lesson_anew_at_once_and_one_goes_back_to_its_last_stop() -> None:
    keys = {button.label: button.proto.shortcut for button in open_page("lesson", ended="grad-cam").button}
    assert keys[f"Start · {COUNT} stops"] == keys["Start again"] == ""
    assert keys["Back to the last stop"].lower() == "pageup"
    keys = {button.label: button.proto.shortcut for button in open_page("lesson").button}
    assert keys[f"Start · {COUNT} stops"].lower() == "pagedown"
    assert "Back to the last stop" not in keys


def test_the_end_leaves_the_view_without_the_lesson() -> None:
    app = open_stop(CAR, hint="on", answer="on")
    press(app, "End the lesson")
    assert query(app) == own_lesson().stops[CAR - 1].view.to_query()
    assert f"Stop {CAR}" not in texts(app)


def test_an_answer_follows_what_is_on_screen() -> None:
    app = press(open_stop(CAR, answer="on", hint="on"), "Hide hint")
    assert opened_paragraph(app, "Hint") is None
    assert "The picture shows a car; the network says deer" in (opened_paragraph(app, "Answer") or "")
    assert "Back to this stop's view" not in buttons(app)
    send_steps(app, typed=137)
    assert "The picture shows a horse; the network says horse" in (opened_paragraph(app, "Answer") or "")
    press(app, "Hide answer")
    assert opened_paragraph(app, "Answer") is None
    press(app, "Back to this stop's view")
    assert query(app) == stop_view("grad-cam", own_lesson().stops[CAR - 1], CAR, present=False).to_query()


def test_another_page_keeps_the_bar_and_offers_the_way_back() -> None:
    stop = own_lesson().stops[CAR - 1]
    app = open_page("sanity_checks", **stop_view("grad-cam", stop, CAR, present=False).to_query())
    assert stop.question in texts(app)
    assert "Back to this stop's view" in buttons(app)
    press(app, "Back to this stop's view")
    assert "overlay" in panels(app)


def test_a_message_with_the_address_before_does_not_undo_the_way_back_to_a_stops_view() -> None:
    app = press(open_stop(CAR), "Next")
    elsewhere = query(app)
    press(app, "Back to this stop's view")
    app.query_params = elsewhere  # as a browser asks that has not got the new address yet
    app.run()
    assert query(app) == stop_view("grad-cam", own_lesson().stops[CAR - 1], CAR, present=False).to_query()


def test_a_message_from_the_page_before_does_not_undo_the_next_stop() -> None:
    app = open_stop(HORSE)
    before = query(app)
    press(app, "Next stop")
    assert f"**Stop {HORSE + 1} of {COUNT} · {own_lesson().stops[HORSE].title}**" in texts(app)
    app.query_params = before  # as a browser asks that has not got the new page yet
    app.run()
    assert f"**Stop {HORSE + 1} of {COUNT} · {own_lesson().stops[HORSE].title}**" in texts(app)
    assert query(app) == stop_view("grad-cam", own_lesson().stops[HORSE], HORSE + 1, present=False).to_query()


def test_the_stop_before_opens_again_at_once() -> None:
    app = press(open_stop(HORSE), "Next stop")
    app.switch_page("app_pages/how_it_works.py")  # where a browser is by now
    press(app, "Previous stop")
    assert query(app) == stop_view("grad-cam", own_lesson().stops[HORSE - 1], HORSE, present=False).to_query()


def test_naming_the_layer_that_is_shown_anyway_is_no_other_view() -> None:
    app = open_stop(HORSE, layer="layer3.2.conv2")
    assert "Back to this stop's view" not in buttons(app)


def test_numbers_that_a_page_computes_last_are_in_the_answer_once_it_stands() -> None:
    server_cache().entries.clear()
    app = open_stop(CONTOURS, answer="on")
    words = opened_paragraph(app, "Answer") or ""
    assert "verdict is “not supported”" in " ".join(words.split())
    assert "Not available" not in words


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"lesson": "none"}, "lesson=none: there is no such lesson; the lessons here are grad-cam."),
        ({"lesson": "../x"}, "lesson=../x: the name of a lesson, of letters, digits and hyphens, would be right."),
        ({"lesson": "grad-cam", "stop": "0"}, "stop=0: the number of a stop, from 1, would be right."),
    ],
)
def test_a_lesson_or_a_stop_that_does_not_exist_is_said_and_ignored(address: dict[str, str], sentence: str) -> None:
    app = open_page("layer_explorer", img="3", model="captum-tutorial", **address)
    assert warnings(app) == f"Ignored in the address: {sentence}"
    assert not app.error


def test_a_stop_beyond_the_end_is_said_and_the_first_is_shown() -> None:
    app = open_page("layer_explorer", img="3", model="captum-tutorial", lesson="grad-cam", stop="16", answer="on")
    assert warnings(app) == "Ignored in the address: stop=16: the stops of this lesson are 1 to 15; the first one is shown."
    assert f"**Stop 1 of {COUNT}" in texts(app)
    assert opened_paragraph(app, "Answer") is None


def test_behind_a_closed_bar_no_number_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = bar.lesson_words
    monkeypatch.setattr(bar, "lesson_words", lambda text, scene: computed.append(text) or real(text, scene))
    app = open_stop(2)
    assert computed == []
    press(app, "Answer")
    assert {text.removeprefix("**Answer:** ") for text in computed} == {own_lesson().stops[1].answer}


# Section: the page


def test_the_page_lists_the_lesson_with_its_stops_and_starts_it() -> None:
    app = open_page("lesson", present="on")
    lesson = own_lesson()
    assert lesson.title in [one.value for one in app.header]
    captions = [panel.head["caption"] for panel in panels(app).values()]
    assert captions == [f"{number} · {stop.title}" for number, stop in enumerate(lesson.stops, 1)]
    assert not app.warning
    press(app, f"Start · {COUNT} stops")
    assert query(app) == stop_view("grad-cam", lesson.stops[0], 1, present=True).to_query()
    assert lesson.stops[0].question in texts(app)


def test_how_to_write_one_is_folded_with_an_example_that_can_be_used() -> None:
    app = open_page("lesson")
    assert "map.peak_row" not in texts(app)
    app.session_state["lesson-format"] = True
    app.run()
    assert all(f"`{{{name}}}`" in texts(app) for name in VOCABULARY)
    lesson, problems = parse_lesson(download_of(app, "Download this example"), tuple(VOCABULARY))
    assert problems == ()
    assert lesson is not None
    assert download_of(app, "Download the dashboard's own lesson") == FILE.read_bytes()
    (code,) = app.code
    assert code.value.startswith(f"# {lesson.title}")


def download_of(app: OpenedPage, label: str) -> bytes:
    (button,) = [button for button in app.download_button if button.label == label]
    file = app.files.read_file(Path(button.proto.url).name)
    assert file is not None
    return file.content


# Section: lessons of a teacher's own


def test_a_lesson_of_a_folder_stands_first_and_is_read_anew_after_an_edit(folder: Path) -> None:
    file = folder / "mine.md"
    file.write_text("# Mine\n## Only\n/layer_explorer?img=5\nWho is it?\nAnswer: A {image.true_class}.\n")
    app = open_page("lesson")
    assert app.header[0].value == "Mine"
    press(app, "Start · 1 stop")
    press(app, "Answer")
    assert opened_paragraph(app, "Answer") == "**Answer:** A frog."
    file.write_text(file.read_text().replace("Who is it?", "What is it, really?"))
    app.run()
    assert "What is it, really?" in texts(app)


def test_a_broken_lesson_is_said_with_its_lines_and_breaks_no_page(folder: Path) -> None:
    (folder / "mine.md").write_text("# Mine\n## Only\n/layer_explorer?img=x\nWho?\nAnswer: {map.pek}\n")
    app = open_page("lesson")
    assert "mine.md cannot be used yet:" in warnings(app)
    assert "- Line 3: in the address, img=x: the number of a test image would be right." in warnings(app)
    assert "- Line 5: there is no {map.pek}; {map.peak}" in warnings(app)
    assert "Start · 1 stop" not in buttons(app)
    app = open_page("layer_explorer", img="3", model="captum-tutorial", lesson="mine")
    assert not app.error
    assert "lesson=mine: mine.md has a fault in line 3: in the address, img=x" in warnings(app)
    assert [bars["title"] for bars in stages(app)[0].bars] == ["Class probabilities"]


def test_words_of_a_lesson_are_markdown_without_html(folder: Path) -> None:
    (folder / "mine.md").write_text("# Mine\n## Only\n/layer_explorer?img=5\n<b>Who?</b>\nAnswer: <script>x</script>\n")
    app = open_page("layer_explorer", lesson="mine", answer="on")
    shown = [text for text in app.markdown if "Who?" in text.value or "script" in text.value]
    assert len(shown) == 2
    assert not any(text.proto.allow_html for text in shown)


def test_a_stop_that_names_what_the_server_does_not_have_is_said_and_the_lesson_can_be_held(folder: Path) -> None:
    stops = {
        "Good": "/layer_explorer?img=9999&model=resnet20&layer=layer3.2.conv2&target=9&set=cifar10",
        "Model": "/layer_explorer?img=3&model=vgg",
        "Layer": "/layer_explorer?img=3&model=captum-tutorial&layer=conv9",
        "Image": "/layer_explorer?img=10000&model=captum-tutorial",
        "Class": "/layer_explorer?img=3&model=captum-tutorial&target=10",
        "Other": "/layer_explorer?img=3&model=captum-tutorial&model2=vgg&set=folder",
    }
    (folder / "mine.md").write_text(
        "# Mine\n" + "".join(f"## {title}\n{address}\nWho?\nAnswer: It.\n" for title, address in stops.items())
    )
    app = open_page("lesson")
    assert not app.error
    (said,) = [unescaped(one.value) for one in app.warning]
    assert said.splitlines() == [
        "mine.md works, but some of its stops do not open as written:",
        "- Stop 2: model=vgg: there are captum-tutorial, tutorial, resnet20, vit-tiny, watermark.",
        "- Stop 3: layer=conv9: the layers with a grid are conv1, relu1, pool1, conv2, relu2, pool2.",
        "- Stop 4: img=10000: the images are 0 to 9,999.",
        "- Stop 5: target=10: the classes are 0 to 9.",
        "- Stop 6: model2=vgg: there are captum-tutorial, tutorial, resnet20, vit-tiny, watermark.",
        "- Stop 6: set=folder: this server has no folder of pictures.",
    ]
    assert "Start · 6 stops" in buttons(app)


@pytest.mark.usefixtures("folder")
def test_a_folder_without_a_lesson_is_said() -> None:
    app = open_page("lesson")
    assert "has no file that ends in .md" in warnings(app)
    assert f"Start · {COUNT} stops" in buttons(app)
