"""Sixty phones on a real server: each is a session of its own over WebSocket, and the host sees what all of them voted."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from running_app import free_port, served, streamlit_command

from benchmarks.session import Address, Session

PHONES = 60
PATIENCE = 60.0
LESSON = """# Votes

## The horse

[Open](/layer_explorer?img=137&model=captum-tutorial&set=cifar10)

**Which animal?**

Ask: choice
- [x] horse
- truck
- deer

Answer: A {predicted.class}.

## Where

[Open](/layer_explorer?img=137&model=captum-tutorial&set=cifar10)

No question for phones here.

Answer: {map.place}.
"""
HOST = Address("layer_explorer", "img=137&model=captum-tutorial&set=cifar10&lesson=votes")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("lessons")
    (folder / "votes.md").write_text(LESSON)
    port = free_port()
    with served([*streamlit_command(), "--", "--lessons", str(folder)], port):
        yield port


def said(session: Session) -> str:
    """All text of a tab, its style apart."""
    parts = [shown.element for shown in session.elements() if not shown.element.html.body.startswith("<style>")]
    return "\n".join(part.html.body or part.markdown.body or part.heading.body for part in parts)


def code_of(host: Session) -> str:
    (code,) = set(re.findall(r"vote-address.*<b>(\w{4})</b>", said(host)))
    return str(code)


def look_until(session: Session, words: str) -> None:
    """Look on until the page says so; it is drawn anew every other second."""
    end = time.monotonic() + PATIENCE
    while words not in said(session):
        assert time.monotonic() < end, (words, said(session))
        session.look_on(0.5)


def test_sixty_phones_vote_and_the_host_sees_sixty(port: int) -> None:
    with ExitStack() as tabs, ThreadPoolExecutor(PHONES) as threads:
        host, phones = tabs.enter_context(Session(port)), [tabs.enter_context(Session(port)) for _ in range(PHONES)]
        host.open(HOST)
        host.press("vote-open")
        code = code_of(host)
        list(threads.map(lambda phone: phone.open(Address("vote", f"room={code}")), phones))
        answers = [("horse", "truck", "deer")[place % 3] for place in range(PHONES)]
        list(threads.map(lambda phone, answer: phone.press_words(answer), phones, answers))
        phones[1].press_words("horse")  # another thought; it said truck
        assert {"Your vote: horse" in said(phones[1]), "Your vote: deer" in said(phones[2])} == {True}
        look_until(host, "<b>60</b> of 60 phones have voted")
        assert "vote-bars" not in said(host)
        host.press("lesson-answer-1")
        assert re.findall(r"<span>(.*?)</span><b>(\d+)</b>", said(host)) == [("✓ horse", "21"), ("truck", "19"), ("deer", "20")]
        list(threads.map(lambda phone: look_until(phone, "The answer is on the screen"), phones))
        assert sum("That is right" in said(phone) for phone in phones) == 21
        host.press("lesson-next-1")
        list(threads.map(lambda phone: look_until(phone, "Look at the screen"), phones))
        host.press("lesson-end")
        look_until(phones[0], "This room is closed.")


def test_a_browser_is_known_again_after_a_reload_and_votes_once(port: int) -> None:
    cookies = [{"Cookie": f"_streamlit_xsrf=2|00000000|{place:032x}|1700000000"} for place in (1, 2)]
    with ExitStack() as tabs:
        first = tabs.enter_context(Session(port, cookies[0]))
        first.open(HOST)
        first.press("vote-open")
        code = code_of(first)
        for _ in range(2):  # the same phone, loaded anew
            phone = tabs.enter_context(Session(port, cookies[1]))
            phone.open(Address("vote", f"room={code}"))
            phone.press_words("truck")
        host = tabs.enter_context(Session(port, cookies[0]))
        host.open(HOST)
        assert code_of(host) == code
        assert "<b>1</b> of 1 phone has voted<" in said(host)
        stranger = tabs.enter_context(Session(port, cookies[1]))
        stranger.open(Address(HOST.page, f"{HOST.query}&answer=on"))
        assert "vote-bars" not in said(stranger)
        phone.look_on(2.5)
        assert "Your vote: truck" in said(phone)
        host.press("vote-close")
        look_until(phone, "This room is closed.")
