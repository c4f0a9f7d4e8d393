"""The page of the three guesses: verdicts, sentences, charts, examples, and frogs whose outlines can be rejected."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from independent_maps import captum_map, labels, logit, pixels, predicted, probabilities
from opened_page import (
    OpenedPage,
    alts,
    captions,
    chart,
    chart_alts,
    component_data,
    elements,
    open_page,
    picture,
    press,
    query,
    texts,
    unescaped,
)
from playwright.sync_api import Page, expect
from running_app import address, free_port, served, streamlit_command
from scipy import ndimage
from scipy.stats import spearmanr
from staged import panels
from torch.nn import functional

open_guesses = partial(open_page, "guesses")

FROGS = np.flatnonzero(labels() == 6)


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_guesses()


def verdicts(app: OpenedPage) -> list[str]:
    return re.findall(r":\w+-badge\[([^\]]+)\]", texts(app))


def chart_alt(app: OpenedPage, key: str) -> str:
    (alt,) = [shown.proto.alt for shown in elements(app, "plotly_chart") if shown.proto.id.endswith(f"-{key}")]
    return str(alt)


# Section: verdicts


def test_each_guess_has_its_verdict_its_rule_and_its_count(opened: OpenedPage) -> None:
    assert verdicts(opened) == 2 * ["not supported", "can't tell", "not supported"]  # on the cards, and with their sentences
    assert [header.value[0] for header in opened.header] == ["1", "2", "3"]
    words = texts(opened)
    for rule in ("is above 0.1, a small", "Larger pictures cannot be tried", "is above five percentage points"):
        assert rule in words
    counts = captions(opened)
    assert "1,000 images count, of test images 0 to 999" in counts
    assert re.search(r"9\d\d frogs count; left out: \d+ without a usable outline", counts)
    assert not opened.error


def test_the_first_sentence_has_the_numbers_measured_beforehand(opened: OpenedPage) -> None:
    words = unescaped(texts(opened))
    said = "The picture's own contours and another picture's cannot be told apart by the maps of relu2: correlation 0.023"
    assert said in words
    assert "in the average of five layers (0.080) come from relu1 (0.115) and pool1 (0.124)." in words


def test_the_chart_of_contours_has_a_dot_a_layer_with_its_interval(opened: OpenedPage) -> None:
    trace = chart(opened, "contour-edges")
    np.testing.assert_allclose(np.array(trace["x"], float), [0.098, 0.115, 0.124, 0.012, 0.023, 0.080], atol=6e-4)
    bars = trace["error_x"]
    assert isinstance(bars, dict)
    for name in ("array", "arrayminus"):  # 1.96 standard errors of 1,000 correlations with a deviation of about 0.2
        assert all(0.008 < length < 0.02 for length in bars[name])
    alt = chart_alt(opened, "contour-edges")
    assert "conv1, its own edges 0.098" in alt
    assert "relu2, another picture's 0.024" in alt


def test_the_chart_of_depth_has_the_shares_that_the_bundled_logits_give(opened: OpenedPage) -> None:
    shares = [
        (probabilities(name)[:1000].argmax(1) == labels()[:1000]).mean() for name in ("captum-tutorial", "tutorial", "resnet20")
    ]
    np.testing.assert_allclose(np.array(chart(opened, "depth-right")["x"], float), shares, atol=1e-9)
    assert f"resnet20, with 19 conv layers, gets {shares[2] * 100:.1f} % of the same small pictures right" in texts(opened)


def test_the_whole_picture_has_the_probability_that_the_bundled_logits_give(opened: OpenedPage) -> None:
    mean = np.array(chart(opened, "grass-need")["x"], float)[0]
    assert mean == pytest.approx(probabilities("captum-tutorial")[FROGS, 6].mean(), abs=0.004)  # of 991 of the 1,000


# Section: examples


def test_the_example_of_contours_has_the_picked_images_correlations() -> None:
    app = open_guesses(img="8")
    cells, grey = captum_map(8, "relu2"), pixels()[[8, 9]].mean(3)
    large = functional.interpolate(torch.tensor(cells)[None, None], (32, 32), mode="bilinear")[0, 0].numpy()
    edges = [np.hypot(ndimage.sobel(one, 0, mode="mirror"), ndimage.sobel(one, 1, mode="mirror")) for one in grey]
    own, other = (f"{spearmanr(large.ravel(), edge.ravel()).statistic:.2f}".replace("-", "−") for edge in edges)
    sent = panels(app)
    assert sent["map-relu2"].head["caption"] == f"map: correlation {own} ({other})"
    np.testing.assert_allclose(sent["map-relu2"].values, large / large.max(), atol=1e-4)
    for name, edge in zip(("edges", "edges-beside"), edges, strict=True):
        assert np.corrcoef(sent[name].values.ravel(), edge.ravel())[0, 1] == pytest.approx(1)
        assert sent[name].head["bar"]
    own_place = {name for name, panel in sent.items() if panel.head["place"] == sent["picture"].head["place"]}
    assert own_place == {"picture", "edges", "map-relu2", "map-average of five"}  # the other picture has a pointer of its own
    for words in ("Test image 8, true class", "Edges of test image 8; peak", "Edges of test image 9, for comparison; peak"):
        assert any(alt.startswith(words) for alt in alts(app))


def test_the_example_of_grass_is_the_picked_frog_or_the_first(opened: OpenedPage) -> None:
    assert any(alt.startswith("Test image 4 with its outline") for alt in alts(opened))
    app = open_guesses(img="29")
    assert any(alt.startswith("Test image 29 with its outline") for alt in alts(app))
    small = picture(app, "Test image 29, its background mid grey")[2::4, 2::4]
    kept = (small != 128).any(2)
    assert 0.1 < kept.mean() < 0.7
    np.testing.assert_array_equal(small[kept], pixels()[29][kept])
    other = picture(app, "Test image 29, its frog mid grey")[2::4, 2::4]
    np.testing.assert_array_equal(other[~kept], pixels()[29][~kept])
    whole = probabilities("captum-tutorial")[29, 6]
    sent = panels(app)
    assert sent["Outline"].head["caption"] == f"frog {whole * 100:.1f} %"
    assert "outside the outline" in sent["frog-map"].head["caption"]
    cells = captum_map(29, "relu2", logit(6))
    np.testing.assert_allclose(sent["frog-map"].values, cells, atol=1e-5 * cells.max())
    np.testing.assert_array_equal(sent["frog-map"].picture, sent["Outline"].picture)


def test_every_picture_and_chart_has_alternative_text(opened: OpenedPage) -> None:
    assert len(alts(opened)) == 9
    assert all(alts(opened))
    assert all(chart_alts(opened))


# Section: frogs


def test_the_first_frogs_are_shown_and_the_address_names_other_parts(opened: OpenedPage) -> None:
    assert component_data(opened, "outline_grid")["images"] == FROGS[:44].tolist()
    last = component_data(open_guesses(part="99"), "outline_grid")["images"]
    assert last == FROGS[-len(last) :].tolist()  # type: ignore[arg-type]  # a list of numbers, read from JSON
    assert component_data(open_guesses(part="3"), "outline_grid")["images"] == FROGS[88:132].tolist()


def test_rejected_frogs_do_not_count_and_can_be_taken_back(opened: OpenedPage) -> None:
    (counted,) = re.findall(r"(\d+) frogs count", captions(opened))
    app = open_guesses(rejected="4,7,8")
    assert f"{int(counted) - 2} frogs count; left out: 2 rejected, " in captions(app)
    assert "Rejected: 4, 7. Not frogs, so without effect: 8." in captions(app)
    rejected = component_data(app, "outline_grid")["rejected"]
    assert rejected == [image in (4, 7) for image in FROGS[:44]]
    before, after = (np.array(chart(one, "grass-need")["x"], float)[0] for one in (opened, app))
    assert before != after
    press(app, "Undo all")
    assert "rejected" not in query(app)
    assert f"{counted} frogs count" in captions(app)


def test_with_all_frogs_rejected_one_cannot_tell() -> None:
    app = open_guesses(rejected=",".join(map(str, FROGS)))
    assert verdicts(app)[2] == "can't tell"
    assert "No frog is left to count." in texts(app)
    assert not app.error


# Section: other models


def test_a_model_without_the_studys_layers_is_looked_at_in_its_conv_layers() -> None:
    app = open_guesses(model="resnet20")
    assert "resnet20 lacks the five layers that the study hooked" in texts(app)
    assert len(np.array(chart(app, "contour-edges")["x"])) == 19
    assert "The maps of layer3.2.conv2 follow" in unescaped(texts(app))
    assert verdicts(app)[1:3] == ["can't tell", "not supported"]
    assert not any("average of five" in alt for alt in alts(app))
    assert predicted(3, "resnet20") == 0
    assert "image 3 · true plane · predicted plane" in captions(app)


# Section: in a browser


def test_in_a_browser_the_frogs_stand_before_the_verdicts_and_a_click_rejects_one(page: Page) -> None:
    with served(streamlit_command(), free_port()) as root:
        page.goto(f"{root}/guesses")
        frogs = page.locator(".outline-grid button")
        expect(frogs).to_have_count(44, timeout=60_000)
        assert "frogs count" not in page.locator("body").inner_text()  # the outlines of all frogs take seconds
        for place, rejected in ((1, "5"), (2, "5,7")):  # while the verdicts are worked out
            frogs.nth(place).click()
            expect(page.get_by_text(f"Rejected: {rejected.replace(',', ', ')}.")).to_be_visible(timeout=60_000)
            assert address(page)["rejected"] == rejected
            expect(frogs.nth(place)).to_have_attribute("aria-pressed", "true")
        frogs.nth(1).press("Enter")  # the keyboard takes it back
        expect(page.get_by_text("Rejected: 7.")).to_be_visible(timeout=60_000)
        assert address(page)["rejected"] == "7"
        expect(frogs.nth(1)).to_have_attribute("aria-pressed", "false")
