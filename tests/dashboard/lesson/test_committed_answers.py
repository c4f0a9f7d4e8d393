"""Answers that a reader commits to before the computed one is opened: kept in the address, and set beside it."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from independent_maps import captum_map, logit
from numpy.typing import NDArray
from opened_page import OpenedPage, act, alts, buttons, open_page, press, query, send_steps, texts, unescaped, warnings
from staged import panels

from dashboard.lesson.ask import Ask
from dashboard.lesson.said import choice_words, number_words
from dashboard.lesson.vocabulary import VOCABULARY
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import make_scene
from dashboard.view.view import View
from explain_lib.work.cache import ExplainCache

HORSE = "/layer_explorer?img=137&model=resnet20&set=cifar10"
LESSON = f"""# Mine

## A choice
[Open]({HORSE})
What is it?
Ask: choice
- A *cow*
- [x] A horse
- A truck
Answer: It is {{image.true_class}}.

## A number
[Open]({HORSE})
How many squares are at zero?
Ask: number {{map.empty_share}}
Answer: It is so.

## A place
[Open]({HORSE})
Where?
Ask: place
Answer: There.

## An outline
[Open]({HORSE})
Which part of it is the horse?
Ask: outline
Answer: That.

## Nothing
[Open]({HORSE})
Well?
Answer: Well.
"""
CHOICE, NUMBER, PLACE, OUTLINE, NOTHING = "1", "2", "3", "4", "5"
HALF = "_" * 21 + "w"
"""The code of the upper half: 8 rows of 16 cells, six a letter."""
FLAT = 53
"""An image of whose map at pool1 of captum-tutorial every cell is at zero."""


@pytest.fixture(autouse=True)
def lesson(tmp_path: Path, start: Callable[..., None]) -> None:
    """A server with that lesson."""
    (tmp_path / "mine.md").write_text(LESSON)
    start("--lessons", str(tmp_path))


def at(stop: str, **more: str) -> OpenedPage:
    return open_page("layer_explorer", img="137", model="resnet20", set="cifar10", lesson="mine", stop=stop, **more)


def words(app: OpenedPage) -> str:
    return unescaped(texts(app))


# Section: a choice


def test_a_choice_is_kept_and_set_beside_what_is_right() -> None:
    app = at(CHOICE)
    (radio,) = app.radio
    assert [unescaped(option) for option in radio.options] == ["A *cow*", "A horse", "A truck"]
    assert radio.value is None
    radio.set_value(2).run()
    assert query(app)["said"] == "3"
    again = at(CHOICE, said="3")
    assert again.radio[0].value == 2
    assert "You said" not in words(again)
    press(again, "Answer")
    assert not again.radio
    assert "**You said “A truck”.** Right: “A horse”." in words(again)
    press(again, "Hide answer")
    again.radio[0].set_value(1).run()
    press(again, "Answer")
    assert "**✓ You said “A horse”.** That is right." in words(again)


def test_what_is_right_is_not_said_of_another_view() -> None:
    app = at(CHOICE, said="3", answer="on", target="9")
    assert "**You said “A truck”.**" in words(app)
    assert "Right:" not in words(app)


def test_an_answer_can_be_opened_without_a_choice() -> None:
    assert "**Right: “A horse”.**" in words(at(CHOICE, answer="on"))


@pytest.mark.parametrize(
    ("right", "said", "expected"),
    [
        ((), "1", "**You said “A”.**"),
        ((), None, ""),
        ((0, 1), "3", "**You said “C”.** Right: “A” and “B”."),
        ((0, 1), "2", "**✓ You said “B”.** That is right."),
    ],
)
def test_none_or_several_choices_can_be_right(right: tuple[int, ...], said: str | None, expected: str) -> None:
    assert choice_words(Ask("choice", ("A", "B", "C"), right), said) == expected


# Section: a number


def test_a_number_is_kept_and_set_beside_the_computed_one() -> None:
    assert (captum_map(137, "layer3.2.conv2", logit(7), "resnet20") <= 0).sum() == 30  # of 64: 46.9 %
    app = at(NUMBER)
    (field,) = app.number_input
    assert (field.label, field.value) == ("Your number, in %", None)
    field.set_value(40.5).run()
    assert query(app)["said"] == "40.5"
    assert at(NUMBER, said="40.5").number_input[0].value == 40.5
    assert "Computed" not in words(app)
    press(app, "Answer")
    assert not app.number_input
    assert "**You said 40.5 %. Computed: 47 %.** You were 6.5 points too low." in words(app)


@pytest.mark.parametrize(
    ("said", "computed", "expected"),
    [
        ("60", "41.9 %", "**You said 60 %. Computed: 42 %.** You were 18 points too high."),
        ("41", "41.9 %", "**You said 41 %. Computed: 42 %.** You were 1 point too low."),
        ("42.2", "41.9 %", "✓ **You said 42.2 %. Computed: 42 %.** That is right."),
        ("0.6", "−0.23", "**You said 0.6. Computed: −0.23.** You were 0.83 too high."),
        ("-0.5", "−0.23", "**You said −0.5. Computed: −0.23.** You were 0.27 too low."),
        ("0", "0", "✓ **You said 0. Computed: 0.** That is right."),
        ("600", "1,000", "**You said 600. Computed: 1000.** You were 400 too low."),
        ("90", "above 99.9 %", "**You said 90 %. Computed: above 99.9 %.** You were 9.9 points too low."),
        (None, "41.9 %", "**Computed: 42 %.**"),
        ("3", "not defined", "**You said 3. Computed: not defined.**"),
    ],
)
def test_how_far_a_number_is_off(said: str | None, computed: str, expected: str) -> None:
    assert number_words(said, computed) == expected


@cache
def own_cache() -> ExplainCache:
    return ExplainCache()


@pytest.mark.parametrize("name", [name for name in VOCABULARY if not name.startswith(("ladder", "contour"))])
def test_a_placeholder_is_a_number_in_its_unit_or_words(name: str) -> None:
    """In words, or a size such as 10 × 10, nobody can say how far off a number is."""
    with own_cache().running():
        said = VOCABULARY[name].of(make_scene(View(image=0), CifarImages(own_cache()), own_cache()))
    number = re.fullmatch(r"(?:above |below )?−?[\d,]+(?:\.\d+)?(?:e[−+]\d+)?( %)?", said)
    unit = VOCABULARY[name].unit
    assert (None if number is None else (number[1] or "").strip()) == unit


# Section: a place


def test_the_map_is_covered_until_the_answer_is_open() -> None:
    app = at(PLACE)
    shown = panels(app)
    assert shown.pop("picture").picture is not None
    assert len(shown) == 2 + 19  # and every layer of ResNet-20
    for name, panel in shown.items():
        assert panel.values is None
        assert panel.picture is None
        assert panel.head["badge"] == ("Covered until the answer is open." if name in ("overlay", "map") else "")
    assert not any("peak" in alt for alt in alts(app))
    assert panels(app)["picture"].head["title"] == "Where will it be brightest?"
    assert "Why this class and not that one?" not in [header.value for header in app.header]
    press(app, "Answer")
    assert panels(app)["map"].values is not None
    assert len(panels(app)) > 20
    assert "Why this class and not that one?" in [header.value for header in app.header]


def test_a_place_is_kept_and_set_beside_the_brightest_one() -> None:
    brightest = captum_map(137, "layer3.2.conv2", logit(7), "resnet20").argmax()
    assert divmod(int(brightest), 8) == (3, 2)  # cells of 4 pixels, the first in the middle of pixel 0
    app = at(PLACE)
    act(app, said=[18, 16])
    assert query(app)["said"] == "18,16"
    app = at(PLACE, said="18,16")
    marks = [(spot["kind"], spot["down"], spot["along"]) for spot in panels(app)["picture"].head["spots"]]
    assert marks == [("said", 18.5 / 32, 16.5 / 32)]
    press(app, "Answer")
    assert (
        "**You said pixel row 18, column 16. Computed: brightest square around pixel row 12, column 8.** They are 10 pixels "
        "apart, or 2.5 squares of the map."
    ) in words(app)
    for name in ("picture", "overlay", "map"):
        marks = [(spot["kind"], spot["down"], spot["along"]) for spot in panels(app)[name].head["spots"]]
        assert marks == [("said", 18.5 / 32, 16.5 / 32), ("brightest", 12.5 / 32, 8.5 / 32)]
    assert panels(app)["layer-conv1"].head["spots"] == []


def test_a_place_in_the_brightest_square_is_a_hit() -> None:
    assert "column 8.** You hit it." in words(at(PLACE, said="13,9", answer="on"))
    assert "You hit it." not in words(at(PLACE, said="14,8", answer="on"))  # halfway to the next one, which is drawn from there


def test_a_stretched_map_is_brightest_where_it_is_drawn() -> None:
    told = words(at(PLACE, said="13,25", answer="on", placement="stretched"))
    assert "around pixel row 13.5, column 9.5.** They are 16 pixels apart, or 3.9 squares of the map." in told


def test_the_brightest_place_is_shown_without_an_answer() -> None:
    app = at(PLACE, answer="on")
    assert "**Computed: brightest square around pixel row 12, column 8.**" in words(app)
    assert [spot["kind"] for spot in panels(app)["map"].head["spots"]] == ["brightest"]


@pytest.mark.parametrize("sent", [[32, 0], [0, 32], [-1, 0], [0.5, 0], [1], "1,1"])
def test_a_click_beside_the_picture_says_nothing(sent: object) -> None:
    app = at(PLACE)
    act(app, said=sent)
    assert "said" not in query(app)


def test_once_the_answer_is_open_a_click_says_nothing() -> None:
    app = at(PLACE, said="1,2", answer="on")
    act(app, said=[3, 4])
    assert query(app)["said"] == "1,2"


def test_without_the_lesson_nothing_is_covered() -> None:
    app = at(PLACE, said="1,2")
    press(app, "End the lesson")
    assert "said" not in query(app)
    assert panels(app)["map"].values is not None
    assert panels(app)["picture"].head["spots"] == []


# Section: an outline


def test_the_map_is_covered_while_an_outline_is_painted() -> None:
    shown = panels(at(OUTLINE))
    picture = shown.pop("picture").head
    assert (picture["title"], picture["asks"]) == ("Paint your answer", "")
    assert (picture["paints"]["marks"], picture["paints"]["code"]) == (True, "")
    assert len(shown) == 2 + 19
    assert all(panel.values is None and panel.picture is None for panel in shown.values())


def test_an_outline_is_kept_and_set_beside_the_map_with_chance() -> None:
    app = at(OUTLINE)
    act(app, outline=HALF)
    assert query(app)["said"] == HALF
    app = at(OUTLINE, said=HALF)
    assert panels(app)["picture"].head["paints"]["code"] == HALF
    assert "lies inside" not in words(app)
    press(app, "Answer")
    large = enlarged(captum_map(137, "layer3.2.conv2", logit(7), "resnet20"), step=4)
    inside = large[:16].sum() / large.sum()
    top = np.argsort(-large.ravel(), kind="stable")[:205]
    both = int((top < 16 * 32).sum())
    assert (
        f"**{100 * inside:.0f} % of the map lies inside your outline, where chance would put 50 %, its share of the picture; "
        f"it overlaps the map's brightest fifth by {100 * both / (512 + 205 - both):.0f} % (IoU).**"
    ) in words(app)
    drawn = {name: panel.head["outline"] for name, panel in panels(app).items() if panel.head["outline"]}
    assert drawn == {"picture": HALF, "overlay": HALF}
    assert "your outline: 128 of 256 cells" in panels(app)["overlay"].head["alt"]


def enlarged(cells: NDArray[np.float32], step: int) -> NDArray[np.float64]:
    """A map whose cells look at pixels 0, step, 2 step, ... of 32, between them linear, beyond them that of the last cell."""
    line, pixels = step * np.arange(len(cells)), np.arange(32)
    across = np.stack([np.interp(pixels, line, row) for row in cells])
    return np.stack([np.interp(pixels, line, column) for column in across.T], 1)


def test_an_answer_without_an_outline_says_so() -> None:
    app = at(OUTLINE, answer="on")
    assert "**No outline was painted.**" in words(app)
    assert panels(app)["map"].values is not None


def test_an_outline_that_is_cleared_is_no_answer() -> None:
    app = at(OUTLINE, said=HALF)
    act(app, outline="")
    assert "said" not in query(app)


@pytest.mark.parametrize("sent", ["?", "_" * 44, 3, None])
def test_what_is_no_outline_says_nothing(sent: object) -> None:
    app = at(OUTLINE)
    act(app, outline=sent)
    assert "said" not in query(app)


def test_no_outline_is_taken_where_none_is_asked_for() -> None:
    app = at(OUTLINE, said=HALF, answer="on")
    act(app, outline="_")
    assert query(app)["said"] == HALF
    app = at(PLACE)
    act(app, outline="_")
    assert "said" not in query(app)


def test_where_the_map_is_zero_an_outline_has_nothing_beside_it() -> None:
    seen = {"img": str(FLAT), "layer": "pool1", "modules": "all", "set": "cifar10"}
    app = open_page("layer_explorer", **seen, lesson="mine", stop=OUTLINE, answer="on", said=HALF)
    assert "Not available: layer: its map is zero; one with a strongest cell would be right." in words(app)
    assert panels(app)["picture"].head["outline"] == HALF


# Section: what an answer belongs to


def test_another_picture_asks_anew() -> None:
    app = send_steps(at(CHOICE, said="2"), place=138, image=138)
    assert query(app)["img"] == "138"
    assert "said" not in query(app)


def test_another_network_asks_anew() -> None:
    app = at(NUMBER, said="2")
    app.selectbox(key="model").set_value("tutorial").run()
    assert query(app)["model"] == "tutorial"
    assert "said" not in query(app)


def test_another_layer_keeps_the_answer_and_computes_anew() -> None:
    app = at(NUMBER, said="40", answer="on")
    send_steps(app, layer="conv1")
    assert query(app)["said"] == "40"
    share = np.mean(captum_map(137, "conv1", logit(7), "resnet20") <= 0)
    assert f"Computed: {100 * share:.0f} %.**" in words(app)


def test_the_next_stop_has_no_answer_yet() -> None:
    app = at(CHOICE, said="2")
    press(app, "Next stop")
    assert query(app)["stop"] == NUMBER
    assert "said" not in query(app)


@pytest.mark.parametrize(
    ("stop", "said", "why"),
    [
        (CHOICE, "4", "the choices of this stop are 1 to 3"),
        (CHOICE, "0", "the choices of this stop are 1 to 3"),
        (CHOICE, "1.0", "the choices of this stop are 1 to 3"),
        (NUMBER, "1,2", "this stop asks for a number; one such as 0.5 would be right"),
        (NUMBER, "_", "this stop asks for a number; one such as 0.5 would be right"),
        (OUTLINE, "1,2", "this stop asks for an outline; the code of one or more cells would be right"),
        (PLACE, "3", "this stop asks for a place; a row and a column such as 12,20 would be right"),
        (PLACE, "32,0", "the rows of the picture are 0 to 31, its columns 0 to 31"),
        (NOTHING, "1", "this stop takes no answer"),
    ],
)
def test_an_answer_to_something_else_is_ignored_and_said(stop: str, said: str, why: str) -> None:
    app = at(stop, said=said, answer="on")
    assert warnings(app) == f"Ignored in the address: said={said}: {why}."
    assert "You said" not in words(app)
    assert "said" not in query(press(app, "Hide answer"))
    assert "Answer" in buttons(app)


def test_where_no_place_is_brightest_that_is_said() -> None:
    assert captum_map(FLAT, "pool1").max() == 0
    seen = {"img": str(FLAT), "layer": "pool1", "modules": "all", "set": "cifar10"}
    app = open_page("layer_explorer", **seen, lesson="mine", stop=PLACE, answer="on", said="1,2")
    assert "Not available: layer: its map is zero; one with a strongest cell would be right." in words(app)
    assert [spot["kind"] for spot in panels(app)["picture"].head["spots"]] == ["said"]
