"""The page of the guesses: verdicts, sentences, charts, examples, and frogs whose outlines can be rejected."""

import re
import time
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
from plain_torch import network_input
from playwright.sync_api import Page, expect
from running_app import address, free_port, served, streamlit_command
from scipy import ndimage
from scipy.stats import spearmanr
from staged import panels
from torch.nn import functional

import explain_lib as xl
from explain_lib.study.outlines import find_outlines, outline_masks
from explain_lib.study.reasons.rows import BUNDLED, read_rows
from explain_lib.study.reasons.rules import CLASSES_RULE, DEPTH_RULE, RESOLUTION_RULE
from explain_lib.study.reasons.verdicts import judge_reason
from explain_lib.study.rules import CONTOUR, GRASS

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
    assert [header.value[0] for header in opened.header] == ["1", "2", "3", "4", "5"]
    titles = [re.sub(r"^\d · ", "", header.value) for header in opened.header]
    cards = re.findall(r"\*\*\d · ([^*]+)\*\*", texts(opened))
    assert cards == titles
    assert verdicts(opened)[0] == "not supported"
    assert set(verdicts(opened)) <= {"supported", "not supported", "can't tell"}
    words = unescaped(texts(opened))
    for guess in (CONTOUR, DEPTH_RULE, RESOLUTION_RULE, GRASS, CLASSES_RULE):
        assert f"*“{guess.quote}”*" in words  # the study's own words
        assert guess.rule in words
        assert guess.known in words
        assert f"**What would change our mind** · {guess.mind}" in words
    assert [one.label for one in opened.expander].count("The rule of 29 November 2026, and what was known") == 5
    counts = captions(opened)
    assert re.search(
        r"7\d\d images with a usable outline count, of test images 0 to 999; planes and ships: 1,\d+ images", counts
    )
    assert re.search(r"8\d\d frogs count; \d+ stand before mainly green; left out: \d+ without a usable outline", counts)
    assert not opened.error


def test_a_reason_has_the_verdict_and_the_number_of_networks_of_its_bundled_rows(opened: OpenedPage) -> None:
    for place, reason in ((1, "depth"), (2, "resolution"), (4, "classes")):
        found = judge_reason(read_rows(BUNDLED, reason))  # type: ignore[arg-type]  # a literal
        assert verdicts(opened)[place] == found.verdict
        assert found.sentence in unescaped(texts(opened))
        trace = chart(opened, f"{reason}-changes")
        changes = [one.change.estimate.mean for one in found.findings]
        np.testing.assert_allclose(np.array(trace["x"], float), changes, atol=1e-9)


def test_networks_stand_as_dots_over_their_settings(opened: OpenedPage) -> None:
    with np.load(BUNDLED / "depth.npz") as file:
        settings, end, relu2 = file["settings"], file["stages"].tolist().index("end"), file["columns"].tolist().index("relu2")
        values = (file["values"].astype(float) - file["controls"])[end, :, :, relu2]
    trace = chart(opened, "depth-networks")
    drawn = sorted(zip(np.array(trace["x"], float), np.array(trace["y"], float), strict=True))
    expected = sorted(zip(settings.astype(float), np.nanmean(values, axis=1), strict=True))
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_the_edges_that_were_measured_beforehand_stand_below(opened: OpenedPage) -> None:
    words = unescaped(captions(opened))
    assert "Correlation of relu2's maps with their own edges 0.023, with another picture's 0.024" in words
    assert "in the average of five layers (0.080) come from relu1 (0.115) and pool1 (0.124)." in words


def test_the_chart_of_edges_has_a_dot_a_layer_with_its_interval(opened: OpenedPage) -> None:
    trace = chart(opened, "contour-edges")
    np.testing.assert_allclose(np.array(trace["x"], float), [0.098, 0.115, 0.124, 0.012, 0.023, 0.080], atol=6e-4)
    bars = trace["error_x"]
    assert isinstance(bars, dict)
    for name in ("array", "arrayminus"):  # 1.96 standard errors of 1,000 correlations with a deviation of about 0.2
        assert all(0.008 < length < 0.02 for length in bars[name])
    alt = chart_alt(opened, "contour-edges")
    assert "conv1, its own edges 0.098" in alt
    assert "relu2, another picture's 0.024" in alt


def test_use_and_grass_have_verdicts_of_their_own(opened: OpenedPage) -> None:
    words = unescaped(texts(opened))
    for part in ("planes and ships", "uses the background", "grass by itself"):
        assert f"**{part}**" in words
    for key, rows in (("grass-preference", 5), ("grass-use", 5), ("grass-green", 5), ("contour-where", 2), ("contour-use", 2)):
        assert len(np.array(chart(opened, key)["x"])) == rows


# Section: examples


def test_the_example_of_contours_is_the_picked_image_split_along_its_outline() -> None:
    app = open_guesses(img="8")
    sent = panels(app)
    mask = outline_masks(pixels()[[8]])[0]
    band = ndimage.binary_dilation(mask, np.ones((3, 3))) & ~ndimage.binary_erosion(mask, np.ones((3, 3)), border_value=1)
    cells = captum_map(8, "relu2")
    share = np.stack([np.interp(np.arange(32), 2 * np.arange(10) + 6.5, one) for one in np.eye(10)], axis=1)
    placed = share @ cells @ share.T
    along, inside = (placed[part].sum() / placed.sum() / part.mean() for part in (band, mask & ~band))
    np.testing.assert_allclose(sent["contour-map"].values, cells, atol=1e-5 * cells.max())
    assert sent["contour-map"].head["caption"] == f"density {along:.2f} along, {inside:.2f} inside"
    whole = probabilities("captum-tutorial")[8]
    said = f"{xl.load_model('captum-tutorial').classes[whole.argmax()]} {whole.max() * 100:.1f} %"
    assert sent["contour-outline"].head["caption"] == said
    small = picture(app, "Test image 8, the pixels along its outline shuffled")[2::4, 2::4]
    np.testing.assert_array_equal(small[~band], pixels()[8][~band])
    assert (small[band] != pixels()[8][band]).any()


def test_a_picture_without_a_usable_outline_says_that_it_does_not_count() -> None:
    unusable = int(np.flatnonzero(~find_outlines(pixels()[:40]).usable)[0])
    app = open_guesses(img=str(unusable))
    assert "Its outline depends on where GrabCut starts, so this picture does not count." in captions(app)
    assert "contour-outline-shuffled" in panels(app)
    assert not app.error


def test_the_example_of_edges_has_the_picked_images_correlations() -> None:
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
    assert {"picture", "edges", "map-relu2", "map-average of five", "contour-outline"} <= own_place
    assert "edges-beside" not in own_place  # the other picture has a pointer of its own
    for words in ("Test image 8, true class", "Edges of test image 8; peak", "Edges of test image 9, for comparison; peak"):
        assert any(alt.startswith(words) for alt in alts(app))


def test_the_example_of_grass_is_the_picked_frog_or_the_first(opened: OpenedPage) -> None:
    assert any(alt.startswith("Test image 4 with its outline") for alt in alts(opened))
    app = open_guesses(img="29")
    sent, mask = panels(app), outline_masks(pixels()[[29]])[0]
    covered = picture(app, "Test image 29, its frog mid grey")[2::4, 2::4]
    kept = (covered == pixels()[29]).all(2)
    np.testing.assert_array_equal(covered[~kept], 128)
    assert (mask | kept).all()  # nothing of the background is covered
    around = picture(app, "Test image 29, as much of its background mid grey")[2::4, 2::4]
    assert (around == 128).all(2).sum() == pytest.approx((covered == 128).all(2).sum(), abs=3)
    for title, shown in (("grass-frog-covered", covered), ("grass-background-covered", around)):
        said = probability(shown)
        assert sent[title].head["caption"] == f"frog {said * 100:.1f} %"
    cells = captum_map(29, "relu2", logit(6))
    np.testing.assert_allclose(sent["grass-map"].values, cells, atol=1e-5 * cells.max())


def probability(shown: np.ndarray) -> float:
    """Of frog, by captum-tutorial."""
    model = xl.load_model("captum-tutorial")
    with torch.no_grad():
        return float(model.network(network_input(model, shown[None])).double().softmax(1)[0, 6])


def test_every_picture_and_chart_has_alternative_text(opened: OpenedPage) -> None:
    assert len(alts(opened)) == 16
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
    first, second = FROGS[find_outlines(pixels()[FROGS[:44]]).usable.nonzero()[0][:2]].tolist()
    app = open_guesses(rejected=f"{first},{second},8")
    assert re.search(rf"{int(counted) - 2} frogs count; \d+ stand before mainly green; left out: 2 rejected, ", captions(app))
    assert f"Rejected: {first}, {second}. Not frogs, so they count with contours alone: 8." in captions(app)
    rejected = component_data(app, "outline_grid")["rejected"]
    assert rejected == [image in (first, second) for image in FROGS[:44]]
    before, after = (np.array(chart(one, "grass-preference")["x"], float)[0] for one in (opened, app))
    assert before != after
    press(app, "Undo all")
    assert "rejected" not in query(app)
    assert f"{counted} frogs count" in captions(app)


def test_with_all_frogs_rejected_one_cannot_tell() -> None:
    app = open_guesses(rejected=",".join(map(str, FROGS)))
    assert verdicts(app)[3] == "can't tell"
    assert "No frog is left to count." in texts(app)
    assert not app.error


# Section: other models


WAITING = "This network takes a minute or two. The page can be used meanwhile."


def test_a_larger_network_is_judged_behind_the_page() -> None:
    app = open_guesses(model="resnet20")
    assert captions(app).count(WAITING) == 2  # contours, and grass
    assert "resnet20 lacks the five layers that the study hooked" in texts(app)
    assert predicted(3, "resnet20") == 0
    assert "image 3 · true plane · predicted plane" in captions(app)
    deadline = time.monotonic() + 300
    while captions(app).count(WAITING) == 2:
        assert time.monotonic() < deadline
        time.sleep(3)
        app = open_guesses(model="resnet20")
    assert len(np.array(chart(app, "contour-edges")["x"])) == 19
    assert "Correlation of layer3.2.conv2's maps with their own edges" in unescaped(captions(app))
    assert "The map of layer3.2.conv2 has a density of" in unescaped(texts(app))
    assert not any("average of five" in alt for alt in alts(app))


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
