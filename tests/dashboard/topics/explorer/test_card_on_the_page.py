"""The belief card on the layer explorer: of a small network at once, of a large one once it is made."""

from functools import partial

import numpy as np
import pytest
from independent_maps import pixels
from opened_page import OpenedPage, open_page, query, run_until, texts

import explain_lib as xl

open_explorer = partial(open_page, "layer_explorer")
QUESTIONS = (
    "Better than the middle?",
    "Depends on the weights?",
    "Depends on the class?",
    "Adds up to the score?",
    "In its place?",
)


def answers(app: OpenedPage) -> list[str]:
    """The answers of the card, in its order, without the marks before them."""
    return [text.value for text in app.markdown if text.value.startswith("**") and "?**" in text.value]


def marks(app: OpenedPage) -> list[str]:
    return [text.value for text in app.markdown if any(mark in text.value for mark in ("✓ for it", "✗ against it", "? open"))]


def test_the_card_is_opened_and_kept_in_the_address() -> None:
    app = open_explorer(img="0")
    assert answers(app) == []
    app.toggle(key="card").set_value(True).run()
    assert query(app)["card"] == "on"
    assert [text.split("**")[1] for text in answers(app)] == list(QUESTIONS)


def test_its_numbers_are_those_of_the_map_on_screen() -> None:
    app = open_explorer(img="5", card="on", layer="conv2", placement="stretched")
    _, _, other, sums, place = answers(app)
    model = xl.load_model()
    logits = model.predict(pixels()[5][None])[0]
    assert f"The next class, {model.classes[int(np.argsort(-logits)[1])]}, " in other
    signed = xl.grad_cam(model, pixels()[5][None], "conv2")["conv2"].signed.sum()
    assert f"The cells add up to {signed:.1f} of a score of {logits.max():.1f}" in sums
    assert "up to 5.4 px from where they look" in place
    app.segmented_control(key="placement").set_value("receptive-field").run()
    assert "Every cell is drawn where it looks." in answers(app)[4]


def test_each_answer_has_its_mark() -> None:
    app = open_explorer(img="0", card="on", layer="conv2", placement="receptive-field")
    assert len(marks(app)) == 5
    assert "✗ against it" in marks(app)[3]  # the cells add up to -0.79 of a score of 2.0
    assert "✓ for it" in marks(app)[4]


@pytest.mark.parametrize("stop", ["answer", "hint"])
def test_a_covered_question_of_a_lesson_shows_no_card_before_its_answer(stop: str) -> None:
    opened = {"answer": "on"} if stop == "answer" else {"hint": "on"}
    app = open_page("layer_explorer", img="29", card="on", lesson="grad-cam", stop="2", **opened)
    assert bool(answers(app)) is (stop == "answer")


def test_of_a_large_network_the_card_comes_by_itself() -> None:
    app = open_explorer(img="0", model="resnet20", card="on")
    if not answers(app):
        assert "The map is being judged: 80 passes of the network." in texts(app)
    run_until(app, lambda: len(answers(app)) == 5)


def test_once_it_is_there_the_card_of_another_layer_is_there_at_once() -> None:
    first = open_explorer(img="0", model="resnet20", card="on", layer="layer3.2.conv2")
    run_until(first, lambda: len(answers(first)) == 5)
    other = open_explorer(img="0", model="resnet20", card="on", layer="layer2.0.conv1")
    assert len(answers(other)) == 5
    assert answers(other) != answers(first)
