"""The belief card of the map on screen: five questions, five answers with their numbers. Loaded once it is asked for."""

from typing import Final, Literal

import streamlit as st

import explain_lib as xl
from dashboard.topics.explorer.panels import Explained
from dashboard.view.captions import plain
from dashboard.view.server_options import server_later
from dashboard.widgets.awaited import await_work
from explain_lib.audit.card import PASSES, BeliefCard, Verdict, belief_card
from explain_lib.audit.card_words import QUESTIONS, CardLine, card_lines, undecided_words
from explain_lib.audit.evidence import is_gathered
from explain_lib.cam.grad_cam import FEW_NUMBERS, passed_numbers
from explain_lib.work.later import Work

Colour = Literal["green", "red", "gray"]
MARKS: Final[dict[Verdict, tuple[str, Colour]]] = {
    "yes": ("✓ for it", "green"),
    "no": ("✗ against it", "red"),
    "unclear": ("? open", "gray"),
    "unknown": ("– not known", "gray"),
}
WAITING = "The map is being judged: {} passes of the network. The answers appear here."
SCOPE = (
    "Five separate answers on this picture alone, and no score: an untrained network can have as many ✓ as a good one. They "
    "ask whether the map fits its network, not whether the network is right. For that, look at other pictures, and cover what "
    "the map marks (“Cover it”)."
)


def show_card(explained: Explained) -> None:
    """The card of one map; of a large network it comes once it is made."""
    with st.container(border=True, key="belief-card"):
        found = _look(explained)
        if isinstance(found, str):
            st.markdown(found)
            return
        st.caption(SCOPE)
        scene = explained.scene
        undecided = undecided_words(scene.probabilities.tolist()) if scene.model.task == "softmax" else ""
        if undecided:
            st.markdown(undecided)
        for line in card_lines(found, scene.model.classes):
            _show(line)


def _show(line: CardLine) -> None:
    words, colour = MARKS[line.verdict]
    with st.container(key=f"belief-{line.question}"):
        mark, answer = st.columns((1, 8), gap="small", vertical_alignment="center")  # a row of a container wraps long answers
        mark.badge(words, color=colour)
        answer.markdown(f"**{QUESTIONS[line.question]}** {plain(line.words)}")


def _look(explained: Explained) -> BeliefCard | str:
    """The card, or the sentence on why it is not there."""
    work = _work(explained)
    try:
        found = work.compute() if _is_quick(explained) else server_later().look(work)
    except xl.ExplainError as error:
        return f"This map cannot be judged: {plain(str(error))}."
    if found is None:
        await_work(work)
        return WAITING.format(PASSES)
    return found


def _work(explained: Explained) -> Work[BeliefCard]:
    scene, layer = explained.scene, explained.layer
    asked = (scene.model, scene.seen, layer, scene.target, scene.view.placement)
    model = scene.model
    key = ("belief_card", model.identity, model.task, scene.seen.tobytes(), layer, scene.target, scene.view.placement)
    return Work(key, lambda: belief_card(*asked))


def _is_quick(explained: Explained) -> bool:
    """Whether all passes take a moment, or were made for another layer, so that the page can wait for the card."""
    scene, model = explained.scene, explained.scene.model
    small = PASSES * passed_numbers(model) <= FEW_NUMBERS * len(model.classes)
    return small or is_gathered(model, scene.seen, explained.layer, scene.target)
