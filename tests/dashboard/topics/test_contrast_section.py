"""Why this class and not that one: the layer explorer's section on contrasts, on what speaks against, and on the score."""

import re
from functools import partial

import cv2
import numpy as np
import pytest
from independent_maps import (
    Score,
    assert_same_colours,
    captum_signed,
    drawn,
    in_red_and_blue,
    labels,
    logit,
    pixels,
    predicted,
    probabilities,
)
from numpy.typing import NDArray
from opened_page import START, OpenedPage, alts, captions, open_page, picture, press, query
from scipy.stats import pearsonr, spearmanr
from staged import panels

import explain_lib as xl

open_explorer = partial(open_page, "layer_explorer")

NAMES = xl.CLASSES


def share(index: int) -> Score:
    return lambda logits: logits.softmax(1)[:, index]


def ranked(image: int, name: str = "captum-tutorial") -> NDArray[np.int64]:
    return np.argsort(-probabilities(name)[image], kind="stable")


def words_of(number: float) -> str:
    return f"{number * 100:.1f} %"


def sentence(app: OpenedPage, start: str) -> str:
    (found,) = [text.value for text in app.markdown if text.value.startswith(start)]
    return str(found)


# Section: which classes


def test_without_a_contrast_the_likeliest_other_class_stands_beside_and_is_a_press_away() -> None:
    app, (a, b, *_) = open_explorer(img="5"), ranked(5)
    share_a, share_b = (words_of(probabilities("captum-tutorial")[5, index]) for index in (a, b))
    assert f"A: {NAMES[a]}, {share_a} · B: {NAMES[b]}, {share_b}, the likeliest other class · logit · layer conv2" in captions(
        app
    )
    press(app, f"Contrast with {NAMES[b]}")
    assert query(app) == START | {"img": "5", "minus": str(b)}
    explained = captum_signed(5, "conv2", lambda logits: logits[:, a] - logits[:, b]).clip(min=0)
    np.testing.assert_allclose(panels(app)["map"].values, explained, atol=1e-4 * explained.max(), rtol=0)
    assert f"B: {NAMES[b]}, {share_b} · logit" in captions(app)
    assert f"Contrast with {NAMES[b]}" not in {button.label for button in app.button}
    press(app, f"Explain {NAMES[a]} alone")
    assert "minus" not in query(app)


def test_another_contrast_stays_and_the_likeliest_is_still_on_offer() -> None:
    a, b, c = ranked(5)[:3]
    app = open_explorer(img="5", minus=str(c))
    assert f"A: {NAMES[a]}" in captions(app)
    assert f"B: {NAMES[c]}" in captions(app)
    press(app, f"Contrast with {NAMES[b]}")
    assert query(app)["minus"] == str(b)


def test_of_a_chosen_target_the_likeliest_other_class_is_the_predicted_one() -> None:
    app, a = open_explorer(img="5", target="0"), predicted(5)
    assert a != 0
    assert "A: plane" in captions(app)
    assert f"B: {NAMES[a]}, {words_of(probabilities('captum-tutorial')[5, a])}, the likeliest other class" in captions(app)


def test_a_contrast_with_the_class_itself_is_that_with_the_likeliest_other() -> None:
    a, b = ranked(5)[:2]
    app = open_explorer(img="5", target=str(a), minus=str(a))
    assert f"B: {NAMES[b]}" in captions(app)
    assert f"Contrast with {NAMES[b]}" in {button.label for button in app.button}


def test_score_and_evidence_change_with_one_press() -> None:
    app = press(open_explorer(img="5"), "Explain the probability")
    assert query(app)["score"] == "probability"
    press(app, "Evidence against")
    assert query(app)["evidence"] == "against"
    press(app, "Explain the logit")
    press(app, "Evidence for")
    assert query(app) == START | {"img": "5"}


# Section: maps


@pytest.mark.parametrize(
    ("name", "layer", "score"),
    [
        ("tutorial", "relu1", "probability"),
        ("captum-tutorial", "conv1", "logit"),
        ("resnet20", "layer3.2.conv2", "probability"),
    ],
)
def test_the_maps_are_captums_on_one_scale(name: str, layer: str, score: str) -> None:
    a, b = ranked(8, name)[:2]
    one, other = (logit(a), logit(b)) if score == "logit" else (share(a), share(b))
    app = open_explorer(img="8", model=name, layer=layer, score=score)
    first, second = captum_signed(8, layer, one, name), captum_signed(8, layer, other, name)
    between = captum_signed(8, layer, lambda logits: one(logits) - other(logits), name)
    reach = max(float(np.abs(cells).max()) for cells in (first, second, between))
    against = -((-first).clip(min=0))  # blue, as what is below zero in the other maps
    sent = panels(app)
    expected = {"map(A)": first, "map(B)": second, "map(A − B)": between, "Against A": against}
    for key, (title, cells) in zip(("a", "b", "between", "against"), expected.items(), strict=True):
        panel = sent[f"contrast-{key}"]
        assert (panel.head["title"], panel.drawing.signed) == (title, True)
        assert panel.head["top"] == pytest.approx(reach, rel=1e-3)
        np.testing.assert_allclose(panel.values, cells, atol=1e-4 * reach, rtol=0)
        shown = picture(app, title)
        in_colours = cv2.resize(in_red_and_blue(cells, reach), shown.shape[:2], interpolation=cv2.INTER_NEAREST_EXACT)
        assert_same_colours(shown, in_colours)
    listed = alts(app)
    for start in ("map(A), red", "map(B), red", "map(A − B), red", "Against A, blue"):
        assert len([alt for alt in listed if alt.startswith(start)]) == 1
    assert all(listed)
    assert f"One scale for all four: −{reach:.3g} blue, 0 white, {reach:.3g} red, in units of the {score}." in captions(app)
    assert sent["contrast-between"].head["caption"] == f"red: for {NAMES[a]} rather than {NAMES[b]}, blue: the reverse"
    words = sentence(app, "**map(A − B) is map(A) − map(B)** to ")
    deviation = re.search(r"to (\d\.\de−\d+|0) \((\d\.\de−\d+|0) of the scale\)", words)
    assert deviation is not None
    assert float(deviation[1].replace("−", "-")) < 1e-6
    assert float(deviation[2].replace("−", "-")) <= 1e-6


def test_what_is_explained_above_does_not_change_what_the_section_contrasts() -> None:
    plain, changed = (
        open_explorer(img="8", layer="conv1"),
        open_explorer(img="8", layer="conv1", evidence="against", sign="signed"),
    )
    for title in ("map(A)", "map(B)", "map(A − B)", "Against A"):
        np.testing.assert_array_equal(picture(plain, title), picture(changed, title))


# Section: sentences


def test_a_sure_networks_maps_add_up_too() -> None:
    image = int(np.abs(probabilities("tutorial").max(1) - 0.99999).argmin())
    words = sentence(open_explorer(img=str(image), model="tutorial", score="probability"), "**map(A − B) is")
    share = re.search(r"\((\S+) of the scale\)", words)
    assert share is not None
    assert float(share[1].replace("−", "-")) < 1e-6


@pytest.mark.parametrize(
    ("name", "image", "ending"), [("tutorial", 0, "much of the map of"), ("resnet20", 5, "they show different things")]
)
def test_how_far_the_two_classes_share_their_evidence_is_said(name: str, image: int, ending: str) -> None:
    a, b = ranked(image, name)[:2]
    layer = xl.load_model(name).conv_layers[-1]
    one, other = (captum_signed(image, layer, logit(index), name).ravel() for index in (a, b))
    correlation = f"{spearmanr(one, other).statistic:.2f}".replace("-", "−")
    words = sentence(open_explorer(img=str(image), model=name), "**map(A − B) is")
    assert f"map(A) and map(B) have a rank correlation of {correlation}: {ending}" in words


@pytest.mark.parametrize("image", [0, 8])
def test_logit_and_probability_are_compared_in_numbers(image: int) -> None:
    a = predicted(image, "tutorial")
    by_logit, by_share = (
        captum_signed(image, "conv2", number, "tutorial").clip(min=0).astype(float) for number in (logit(a), share(a))
    )
    app = open_explorer(img=str(image), model="tutorial", opacity="even", contour="off", strength="50", placement="stretched")
    for score, cells in (("logit", by_logit), ("probability", by_share)):
        shown = picture(app, f"Overlay: map of the {score} of {NAMES[a]}")
        assert_same_colours(shown, drawn(pixels()[image], cells, len(shown)))  # each on its own scale
    far = np.abs(by_share / by_share.max() - by_logit / by_logit.max()).max()
    words = sentence(app, "**Logit or probability?")
    found = re.search(r"rank correlation (−?[\d.]+), Pearson (−?[\d.]+), up to (\d+) % of the colour scale apart", words)
    assert found is not None
    rank, value, colours = (float(number.replace("−", "-")) for number in found.groups())
    assert rank == pytest.approx(spearmanr(by_logit.ravel(), by_share.ravel()).statistic, abs=0.01)
    assert value == pytest.approx(pearsonr(by_logit.ravel(), by_share.ravel()).statistic, abs=0.01)
    assert colours == pytest.approx(far * 100, abs=1)
    assert "The two maps differ**" in words
    assert f"With p = {words_of(probabilities('tutorial')[image, a])}" in words
    assert f"is {by_share.max() / by_logit.max():.2g}" in words
    assert " times as large" in words


def test_a_map_without_evidence_is_said_and_not_painted() -> None:
    app = open_explorer(img="49", target="2", layer="relu1")
    assert labels()[49] != 2
    assert not captum_signed(49, "relu1", logit(2)).clip(min=0).any()
    assert not captum_signed(49, "relu1", share(2)).clip(min=0).any()
    words = sentence(app, "**Logit or probability?")
    assert "The maps of both are zero everywhere: at relu1 nothing speaks for bird." in words
    assert [alt for alt in alts(app) if alt.startswith("The picture alone, the map is zero: map of the logit of bird")]


def test_of_two_side_by_side_the_first_is_contrasted() -> None:
    app = open_explorer(img="5", beside="model", model2="resnet20")
    assert [caption.value for caption in app.caption if "captum-tutorial · image 5 · A: " in caption.value]
    assert len([header for header in app.header if header.value == "Why this class and not that one?"]) == 1
    assert len([alt for alt in alts(app) if alt.startswith("map(A − B), red")]) == 1
