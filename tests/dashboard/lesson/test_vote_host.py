"""The room in the lesson's rail: who can come in, how many have voted, and what they said once the answer is open."""

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from independent_maps import captum_map
from opened_page import OpenedPage, buttons, open_page, press, texts
from staged import panels
from streamlit import config

import explain_lib as xl
from dashboard.lesson.ask import Ask
from dashboard.lesson.ballots import ROOMS, Round, Tap, Vote
from dashboard.lesson.vote_host import phone_address, short_address
from dashboard.lesson.vote_result import score_sentence
from dashboard.server.reach import network_name, shared_place
from dashboard.topics.sanity.pairs import NAMES

LESSON = """# Votes

## The horse

[Open](/layer_explorer?img=137&model=captum-tutorial&set=cifar10)

**Which animal?**

Ask: choice
- [x] horse
- <b>truck</b>

Answer: It is a horse.

## Its place

[Open](/layer_explorer?img=137&model=captum-tutorial&set=cifar10)

**Where is the map brightest?**

Ask: place

Answer: {map.place}.

## Pairs

[Open](/sanity_checks?img=13&model=captum-tutorial&layer=conv2&set=cifar10&blind=13,60)

**Which was never trained?**

Ask: choice
- A
- B

Answer: {pair.untrained}.

## Its outline

[Open](/layer_explorer?img=137&model=captum-tutorial&set=cifar10)

**Which part is the horse?**

Ask: outline

Answer: That.
"""


HOST = sha256(b"test session id").hexdigest()
"""Of a page in Streamlit's own test runner, which has no cookies."""
HORSE = {"img": "137", "model": "captum-tutorial", "set": "cifar10", "lesson": "votes"}
PAIRS = {"img": "13", "model": "captum-tutorial", "layer": "conv2", "set": "cifar10", "blind": "13,60", "lesson": "votes"}


@pytest.fixture(autouse=True)
def lesson(tmp_path: Path, start: Callable[..., None]) -> Iterator[None]:
    (tmp_path / "votes.md").write_text(LESSON)
    start("--lessons", str(tmp_path))
    before = config.get_option("server.address")
    yield
    config.set_option("server.address", before)
    ROOMS.close(HOST)


def open_stop(number: int, listening: str = "0.0.0.0", **more: str) -> OpenedPage:
    config.set_option("server.address", listening)
    page, query = ("sanity_checks", PAIRS) if number == 3 else ("layer_explorer", HORSE)
    return open_page(page, **query | {"stop": str(number)} | more)


def html(app: OpenedPage) -> str:
    return "\n".join(shown.proto.body for shown in app.get("html") if not shown.proto.body.startswith("<style>"))


def code() -> str:
    found = ROOMS.code_of(HOST)
    assert found is not None
    return found


def vote(stop: int, image: int, *votes: Vote) -> None:
    for number, one in enumerate(votes):
        ROOMS.vote(code(), f"phone {number}", (stop, image), one)


def bars(app: OpenedPage) -> list[tuple[str, str]]:
    return re.findall(r"<span>(.*?)</span><b>(\d+)</b>", html(app))


def test_a_room_is_opened_invites_counts_and_shows_what_it_said() -> None:
    app = press(open_stop(1), "Ask the room")
    address = f"http://{network_name()}:8501/vote?room={code()}"
    assert f"{network_name()}:8501/vote<b>{code()}</b>" in html(app)
    assert f'alt="QR code of {address}"' in html(app)
    assert "Your answer" not in [radio.label for radio in app.radio]  # phones have it
    vote(1, 137, 0, 1, 1)
    app.run()
    assert "<b>3</b> of 3 phones have voted" in html(app)
    assert bars(app) == []
    press(app, "Answer")
    assert bars(app) == [("✓ horse", "1"), ("&lt;b&gt;truck&lt;/b&gt;", "2")]
    assert ROOMS.see(code()).closed
    press(app, "Hide answer")
    assert bars(app) != []  # it stays closed: everybody has seen the answer
    press(app, "End the lesson")
    assert ROOMS.code_of(HOST) is None


def test_the_code_is_shown_large_at_first_and_on_demand() -> None:
    app = press(open_stop(1), "Ask the room")
    assert html(app).count("vote-qr") == 2
    assert html(app.run()).count("vote-qr") == 1
    assert html(press(app, "Larger code")).count("vote-qr") == 2


def test_a_server_for_this_computer_alone_says_what_to_change() -> None:
    app = press(open_stop(1, listening="127.0.0.1"), "Ask the room")
    assert "--server.address 0.0.0.0" in app.info[0].value
    assert "vote-qr" not in html(app)
    assert f"localhost:8501/vote<b>{code()}</b>" in html(app)  # this computer can vote
    assert "Larger code" not in buttons(app)


def test_phones_get_the_pair_of_maps_without_their_names_until_the_answer_is_open() -> None:
    app = press(open_stop(3), "Ask the room")
    poll = ROOMS.see(code()).poll
    assert poll is not None
    on_screen = [panels(app)[name] for name in NAMES]
    assert [panel.title for panel in poll.maps] == [panel.head["title"] for panel in on_screen] == ["A", "B"]
    for sent, drawn in zip(poll.maps, on_screen, strict=True):
        assert np.array_equal(sent.drawn(), drawn.drawn)
    press(app, "Answer")
    poll = ROOMS.see(code()).poll
    assert poll is not None
    assert sorted(panel.title.partition(": ")[2] for panel in poll.maps) == ["never trained", "trained"]


def test_phones_get_the_brightest_place_with_the_answer_and_not_before() -> None:
    app = press(open_stop(2), "Ask the room")
    poll = ROOMS.see(code()).poll
    assert poll is not None
    assert poll.found is None
    press(app, "Answer")
    poll = ROOMS.see(code()).poll
    assert poll is not None
    assert poll.found is not None
    row, column = np.unravel_index(captum_map(137, "conv2").argmax(), (10, 10))
    assert poll.found.cell == (row, column)


def test_the_page_of_lessons_says_beforehand_that_no_phone_can_come_in() -> None:
    captions = {}
    for listening in ("127.0.0.1", "0.0.0.0"):
        config.set_option("server.address", listening)
        captions[listening] = [caption.value for caption in open_page("lesson").caption if "--server.address" in caption.value]
    assert len(captions["127.0.0.1"]) == 2  # the lesson of this test, and the dashboard's own, both ask phones
    assert captions["0.0.0.0"] == []


def test_nothing_is_drawn_of_a_choice_without_a_vote_and_the_count_says_who_has_voted() -> None:
    app = press(open_stop(1), "Ask the room")
    assert "No phone has come in yet." in html(app)
    ROOMS.enter(code(), "phone 0")
    ROOMS.enter(code(), "phone 1")
    vote(1, 137, 0)
    assert "<b>1</b> of 2 phones has voted" in html(app.run())
    press(app, "Answer")
    assert re.findall(r"<b>(\d)</b><i (.*?)></i>", html(app)) == [("1", 'style="width: 100.0%"'), ("0", 'class="empty"')]


def test_a_stop_without_a_question_for_phones_asks_nothing_and_phones_wait() -> None:
    press(open_stop(1), "Ask the room")
    app = open_page("layer_explorer", **HORSE | {"stop": "1", "img": "138"})
    assert ROOMS.see(code()).poll is not None
    app = open_page("layer_explorer", **HORSE | {"lesson": "grad-cam", "stop": "6"})
    assert "vote-qr" not in html(app)
    assert ROOMS.see(code()).poll is None
    press(app, "End the lesson")
    assert "Ask the room" not in buttons(open_page("layer_explorer", **HORSE | {"lesson": "grad-cam", "stop": "6"}))


def test_taps_are_dots_over_the_map_and_their_distance_is_said() -> None:
    app = press(open_stop(2), "Ask the room")
    peak_row, peak_column = map(int, divmod(captum_map(137, "conv2").argmax(), 10))
    y, x = xl.cell_centres(xl.load_model("captum-tutorial"), "conv2")[peak_row, peak_column]
    hit, miss = Tap(float(x + 0.5) / 32, float(y + 0.5) / 32), Tap(0.01, 0.99)
    vote(2, 137, hit, miss, hit)
    assert panels(app.run())["picture"].head["spots"] == []
    press(app, "Answer")
    spots = [(spot["along"], spot["down"]) for spot in panels(app)["overlay"].head["spots"] if spot["kind"] == "vote"]
    assert spots == [pytest.approx((tap.x, tap.y)) for tap in (hit, miss, hit)]
    assert "**2 of 3 taps hit the brightest square.** Half of all taps are within 0 squares of it." in texts(app)
    assert panels(app)["overlay"].head["alt"].endswith("3 votes as dots")


def test_pairs_have_no_names_until_the_answer_is_open_and_then_a_score() -> None:
    app = press(open_stop(3), "Ask the room")
    assert {panels(app)[name].head["title"] for name in "AB"} == {"A", "B"}
    said = str([panels(app)[name].head["alt"] for name in "AB"])
    assert "trained" not in said
    assert "random" not in said
    maps = {name: panels(app)[name].values for name in "AB"}
    trained = captum_map(13, "conv2")
    alike = [name for name, values in maps.items() if np.allclose(values, trained / trained.max(), atol=1e-5)]
    assert len(alike) == 1
    untrained = {"A": 1, "B": 0}[alike[0]]
    vote(3, 13, untrained, untrained, 1 - untrained)
    app = open_stop(3, img="60")
    vote(3, 60, 0, 0, 1, 1)
    press(app, "Answer")
    assert sum("never trained" in panels(app)[name].head["title"] for name in "AB") == 1
    assert "The room's score: 1 of 2 pictures. 4 of 7 votes are right; guessing would get about 4." in html(app)
    app = open_stop(3, answer="on")
    assert panels(app)["AB"[untrained]].head["title"].endswith("never trained")
    assert bars(app)[untrained] == (f"✓ {'AB'[untrained]}", "2")
    assert f"**Answer:** {'AB'[untrained]}." in texts(app)


def test_the_address_of_phones_lies_beside_the_pages_below_any_path() -> None:
    for url, address in (
        ("https://cam.example.org/room/sanity_checks?img=3", "https://cam.example.org/room/vote?room=K7QF"),
        ("http://192.0.2.9:8501/", "http://192.0.2.9:8501/vote?room=K7QF"),
    ):
        assert phone_address(shared_place(url, "127.0.0.1"), "K7QF") == address
    assert short_address(address) == "192.0.2.9:8501/vote"


def test_there_is_a_score_only_where_what_is_right_is_known_of_two_pictures() -> None:
    known, open_ended = Ask("choice", ("A", "B"), (0,)), Ask("choice", ("A", "B"))
    assert score_sentence({1: Round(known, (0,)), 2: Round(known, ())}) == ""
    assert score_sentence({1: Round(open_ended, (0,)), 2: Round(open_ended, (1,))}) == ""
    said = score_sentence({1: Round(known, (0,)), 2: Round(known, (1, 1, 1))})
    assert said == "The room's score: 1 of 2 pictures. 1 of 4 votes is right; guessing would get about 2."


def test_a_phone_is_told_which_of_the_blind_pictures_is_on_the_screen() -> None:
    press(open_stop(3), "Ask the room")
    seen = ROOMS.see(code()).poll
    assert seen is not None
    assert seen.question.startswith("**Picture 1 of 2.** ")
    open_stop(3, img="60")
    seen = ROOMS.see(code()).poll
    assert seen is not None
    assert seen.question.startswith("**Picture 2 of 2.** ")


def test_a_room_does_not_vote_on_an_outline_which_is_painted_on_the_screen() -> None:
    assert "Ask the room" not in buttons(open_stop(4))
    press(open_stop(1), "Ask the room")
    app = open_stop(4)
    assert "vote" not in html(app)
    assert ROOMS.see(code()).poll is None
    assert panels(app)["picture"].head["paints"]["marks"]
