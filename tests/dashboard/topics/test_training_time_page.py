"""Training in time: every moment opens, the address says which, it plays one class to the end, and its maps are Captum's."""

import re
import time
from functools import partial
from itertools import product
from types import SimpleNamespace
from urllib.parse import parse_qsl

import numpy as np
import pytest
from independent_maps import (
    CHECKPOINTS,
    assert_same_colours,
    captum_map,
    captum_signed,
    drawn,
    drawn_signed,
    labels,
    logit,
    pixels,
    predicted,
    probabilities,
)
from opened_page import OpenedPage, alts, captions, chart, chart_alts, metrics, open_page, picture, press, query, texts
from playwright.sync_api import Page, expect
from running_app import address, settle
from scipy.stats import spearmanr
from staged import panels, stages
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.WidgetStates_pb2 import WidgetState
from visitor import visiting

import explain_lib as xl
from dashboard.topics.training import player
from explain_lib.cam.drawing import draw_map

open_training = partial(open_page, "training_time")

MODELS = {0: "tutorial-epoch-0", 1: "tutorial-epoch-1", 2: "tutorial-epoch-2", 5: "tutorial-epoch-5", 60: "tutorial"}


EVENLY = {"opacity": "even", "contour": "off", "strength": "50", "placement": "stretched"}
"""Maps are mixed with their pictures half and half everywhere, as the check by another program has them."""


def accuracy(name: str) -> float:
    return float((np.load(CHECKPOINTS / f"{name}.logits.npy").argmax(1) == labels()).mean())


def words_of(share: float) -> str:
    return f"{share * 100:.1f} %"


# Section: each moment


@pytest.mark.parametrize(("epoch", "image"), [(0, 3), (5, 8), (60, 3)])
def test_a_moment_shows_its_accuracy_its_prediction_and_the_map_of_the_final_class(epoch: int, image: int) -> None:
    app, name = open_training(img=str(image), epoch=str(epoch), scale="map", **EVENLY), MODELS[epoch]
    assert not app.warning
    guess, end = predicted(image, name), predicted(image, "tutorial")
    shown = metrics(app)
    assert shown["Test accuracy"] == words_of(accuracy(name))
    assert shown["Prediction"] == xl.CLASSES[guess]
    assert f"with {words_of(probabilities(name)[image, guess])}; true is {xl.CLASSES[labels()[image]]}" in captions(app)
    assert f"Explained throughout: {xl.CLASSES[end]}" in captions(app)
    assert "Layer conv2: 10 × 10 cells" in captions(app)
    (bars,) = stages(app)[0].bars
    np.testing.assert_allclose([one["share"] for one in bars["classes"]], probabilities(name)[image], atol=1e-6)
    assert [one["name"] for one in bars["classes"] if one["role"] == "target"] == [xl.CLASSES[end]]
    expected = captum_map(image, "conv2", logit(end), name)
    np.testing.assert_allclose(panels(app)["map"].values, expected, rtol=1e-3, atol=1e-5 * expected.max())
    overlay = picture(app, f"Overlay: Grad-CAM of layer conv2 on image {image} after {epoch} epochs")
    assert_same_colours(overlay, drawn(pixels()[image], expected, len(overlay)))
    correlation = spearmanr(expected.ravel(), captum_map(image, "conv2", name="tutorial").ravel()).statistic
    assert shown["Correlation with final map"] == f"{round(correlation, 2) or 0.0:.2f}".replace("-", "−")


def test_another_layer_and_the_sign_are_explained_at_every_moment() -> None:
    app = open_training(img="5", epoch="2", layer="relu1", sign="signed", target="3", scale="map", **EVENLY)
    for epoch, name in MODELS.items():
        signed = captum_signed(5, "relu1", logit(3), name)
        small = picture(app, f"Overlay: epoch {epoch}, ")
        assert_same_colours(small, drawn_signed(pixels()[5], signed, len(small)))
    signed = captum_signed(5, "relu1", logit(3), "tutorial-epoch-2")
    np.testing.assert_allclose(panels(app)["map"].values, signed, atol=1e-4 * np.abs(signed).max())
    final = captum_signed(5, "relu1", logit(3), "tutorial")
    correlation = spearmanr(signed.ravel(), final.ravel()).statistic
    assert metrics(app)["Correlation with final map"] == f"{correlation:.2f}".replace("-", "−")


# Section: all moments side by side


@pytest.fixture(scope="module")
def fifth() -> OpenedPage:
    return open_training(img="0", epoch="5", scale="map", **EVENLY)


def test_the_strip_has_each_moment_with_its_map_words_and_correlation(fifth: OpenedPage) -> None:
    final, end = captum_map(0, "conv2", name="tutorial"), logit(predicted(0, "tutorial"))
    sent = panels(fifth)
    for epoch, name in MODELS.items():
        guess = predicted(0, name)
        mark = "✓" if guess == labels()[0] else "✗"
        share = words_of(probabilities(name)[0, guess])
        correlation = spearmanr(captum_map(0, "conv2", end, name).ravel(), final.ravel()).statistic
        assert sent[f"epoch-{epoch}"].head["caption"].splitlines() == [
            f"{xl.CLASSES[guess]}, {share} {mark}",
            f"correlation {correlation:.2f}".replace("-", "−"),
            f"{words_of(accuracy(name))} of all right",
        ]
        small = picture(fifth, f"Overlay: epoch {epoch}, {xl.CLASSES[guess]}")
        assert_same_colours(small, drawn(pixels()[0], captum_map(0, "conv2", end, name), len(small)))
    assert row_titles(fifth) == ["All moments side by side · explained: cat, predicted at the end"]


def row_titles(app: OpenedPage) -> list[str]:
    return [row["title"] for row in stages(app)[0].head["rows"] if row["title"]]


def test_all_epochs_have_one_scale_and_each_its_own_by_choice() -> None:
    app = open_training(img="5", epoch="2", **EVENLY)
    end = logit(predicted(5, "tutorial"))
    maps = {epoch: captum_map(5, "conv2", end, name) for epoch, name in MODELS.items()}
    reach = max(float(one.max()) for one in maps.values())
    assert panels(app)["map"].head["top"] == pytest.approx(reach, rel=1e-4)
    for epoch, cells in maps.items():
        small = picture(app, f"Overlay: epoch {epoch}, ")
        assert_same_colours(small, drawn(pixels()[5], cells, len(small), reach=reach))
    assert "colours end at the maximum of all epochs shown" in captions(app)
    app.segmented_control(key="scale_switch").select("map").run()
    assert query(app)["scale"] == "map"
    assert panels(app)["map"].head["top"] == pytest.approx(float(maps[2].max()), rel=1e-4)
    assert "colours end at its own maximum" in captions(app)


def test_the_moment_that_is_shown_is_marked_and_the_others_can_be_picked() -> None:
    thumbnails = {name: panel.head for name, panel in panels(open_training(epoch="2")).items() if name.startswith("epoch-")}
    assert list(thumbnails) == [f"epoch-{epoch}" for epoch in MODELS]
    assert [name for name, head in thumbnails.items() if head["chosen"]] == ["epoch-2"]
    assert all(head["picks"] for head in thumbnails.values())


def test_in_a_browser_an_epoch_is_previewed_while_it_is_pointed_at_and_a_click_shows_it(page: Page, root: str) -> None:
    page.goto(f"{root}/training_time?img=0&epoch=2")
    first = page.locator('[data-picture="epoch-1"]')
    expect(first).to_be_visible(timeout=60_000)
    settle(page)
    titles = page.locator("figcaption.preview")
    first.hover()
    expect(titles).to_have_text(["Overlay · preview: epoch 1?", "The map itself · preview: epoch 1?"])
    assert address(page)["epoch"] == "2"
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true", timeout=60_000)
    assert address(page)["epoch"] == "1"
    expect(page.get_by_test_id("stSlider")).to_contain_text("1")


def test_every_picture_and_chart_has_words(fifth: OpenedPage) -> None:
    assert all(alts(fifth))
    charts = chart_alts(fifth)
    assert len(charts) == 1
    assert stages(fifth)[0].bars[0]["alt"].startswith("Probability of each class after 5 epochs; ")
    assert all(charts)
    shares = ", ".join([words_of(accuracy("tutorial-epoch-5")) + " right", words_of(probabilities("tutorial-epoch-5")[0, 3])])
    assert any(f"epoch 5: {shares} cat" in alt for alt in charts)


# Section: numbers and sentences


def test_the_sentence_compares_the_moment_with_the_end(fifth: OpenedPage) -> None:
    final, now = (captum_map(0, "conv2", name=name) for name in ("tutorial", "tutorial-epoch-5"))
    correlation = spearmanr(now.ravel(), final.ravel()).statistic
    start, here, end = (accuracy(name) for name in ("tutorial-epoch-0", "tutorial-epoch-5", "tutorial"))
    sentence = (
        f"After 5 epochs of 60 the map's correlation with the final one is {correlation:.2f}, while the network gets "
        f"{words_of(here)} of all test images right: {(here - start) / (end - start) * 100:.0f} % of the way from "
        f"{words_of(start)} at the start to {words_of(end)} at the end. Both maps explain cat."
    )
    assert sentence in texts(fifth)


def test_the_page_opens_at_the_end_with_the_accuracies_and_names_the_most_similar_earlier_map() -> None:
    app = open_training(img="0")
    assert app.select_slider(key="epoch").value == 60
    assert "epoch" not in query(app)
    assert app.select_slider(key="epoch").options == ["0", "1", "2", "5", "60"]
    trace = chart(app, "training")
    assert trace["x"] == [str(epoch) for epoch in MODELS]
    np.testing.assert_allclose(trace["y"], [accuracy(name) for name in MODELS.values()])
    final, end = captum_map(0, "conv2", name="tutorial"), logit(predicted(0, "tutorial"))
    found = {
        epoch: spearmanr(captum_map(0, "conv2", end, name).ravel(), final.ravel()).statistic
        for epoch, name in MODELS.items()
        if epoch != 60
    }
    best = max(found, key=found.__getitem__)
    words = f"that of epoch {best} is most like the final one: correlation {found[best]:.2f}."
    assert words in texts(app)


def test_a_map_without_evidence_is_said_and_has_no_correlation() -> None:
    image, target = next(place for place in product(range(60), range(10)) if _is_zero(*place))
    app = open_training(img=str(image), target=str(target), epoch="1", layer="pool2")
    assert metrics(app)["Correlation with final map"] == "not defined"
    badge = "Zero everywhere: in this layer the weighted sum is nowhere above zero."
    assert [panels(app)[name].head["badge"] for name in ("overlay", "map", "epoch-1")] == [badge] * 3


def _is_zero(image: int, target: int) -> bool:
    return not captum_map(image, "pool2", logit(target), "tutorial-epoch-1").any()


# Section: one class at every moment


def test_the_class_that_the_final_network_predicts_is_explained_at_every_epoch() -> None:
    app = open_training(img="3", epoch="2")
    shares = probabilities("tutorial-epoch-2")[3]
    assert app.selectbox(key="target").options[:2] == [
        f"plane · {words_of(shares[0])} · predicted at the end",
        f"plane · {words_of(shares[0])}",
    ]
    assert "Both maps explain plane." in texts(app)
    assert metrics(app)["Prediction"] == "ship"
    app.selectbox(key="target").select(8).run()
    assert query(app)["target"] == "8"
    assert row_titles(app) == ["All moments side by side · explained: ship, chosen"]
    expected = captum_map(3, "conv2", logit(8), "tutorial-epoch-2")
    np.testing.assert_allclose(panels(app)["map"].values, expected, rtol=1e-3, atol=1e-5 * expected.max())


def test_two_classes_stand_side_by_side_at_every_epoch_on_one_scale() -> None:
    app = open_training(img="3", epoch="2")
    app.selectbox(key="other_target").select(8).run()
    assert query(app)["target2"] == "8"
    sent = panels(app)
    maps = {
        (kind, epoch): captum_map(3, "conv2", logit(index), name)
        for kind, index in (("epoch", 0), ("other-epoch", 8))
        for epoch, name in MODELS.items()
    }
    reach = max(float(one.max()) for one in maps.values())
    for (kind, epoch), values in maps.items():
        panel = sent[f"{kind}-{epoch}"]
        np.testing.assert_allclose(panel.values, values, rtol=1e-3, atol=1e-5 * reach)
        assert panel.head["top"] == pytest.approx(reach, rel=1e-4)
        index = 0 if kind == "epoch" else 8
        assert panel.head["caption"] == f"{xl.CLASSES[index]} {words_of(probabilities(MODELS[epoch])[3, index])}"
    assert [sent[name].head["title"] for name in ("overlay", "other")] == ["plane", "ship"]
    np.testing.assert_allclose(sent["other"].values, maps["other-epoch", 2], rtol=1e-3, atol=1e-5 * reach)
    assert row_titles(app) == ["plane at every epoch", "ship at every epoch"]
    both = [spearmanr(maps["epoch", one].ravel(), maps["other-epoch", one].ravel()).statistic for one in (2, 60)]
    then, end = (f"{round(value, 2) or 0.0:.2f}".replace("-", "−") for value in both)
    assert metrics(app)["plane with ship"] == then
    assert f"have a correlation of {then} with each other after 2 epochs, and of {end} at the end" in texts(app)


def test_a_class_is_not_compared_with_itself() -> None:
    assert "other" not in panels(open_training(img="3", target2="0"))


# Section: the address


def test_the_slider_is_in_the_address_and_the_address_moves_the_slider() -> None:
    app = open_training(img="5")
    app.select_slider(key="epoch").set_value(1).run()
    assert query(app) == {"img": "5", "model": "captum-tutorial", "epoch": "1"}
    again = open_training(**query(app))
    assert again.select_slider(key="epoch").value == 1
    np.testing.assert_array_equal(panels(again)["map"].values, panels(app)["map"].values)


def test_an_epoch_without_a_checkpoint_is_said_and_the_last_is_shown() -> None:
    app = open_training(epoch="7")
    assert app.warning[0].value == "Ignored in the address: epoch=7: there are 0, 1, 2, 5, 60; the last of them is shown."
    assert app.select_slider(key="epoch").value == 60


@pytest.mark.parametrize("model", ["tutorial", "resnet20"])
def test_which_network_is_shown_is_said_before_its_first_picture(model: str) -> None:
    app = open_training(model=model)
    (said,) = [place for place, one in enumerate(app.main) if one.type == "markdown" and one.value.startswith("**tutorial**")]
    components = [(one.proto.component_name, place) for place, one in enumerate(app.main) if one.type == "bidi_component"]
    assert said < min(place for name, place in components if name == "stage")


def test_it_is_the_same_training_whatever_model_is_chosen() -> None:
    app = open_training(img="5", epoch="2", model="resnet20")
    assert (
        "**tutorial**, a separate training: 60 epochs, of which 5 moments were kept. Of resnet20 only the trained network is "
        "available."
    ) in texts(app)
    expected = captum_map(5, "conv2", name="tutorial-epoch-2")
    np.testing.assert_allclose(panels(app)["map"].values, expected, rtol=1e-3, atol=1e-5 * expected.max())
    assert app.selectbox(key="model").value == "resnet20"


def test_a_layer_that_the_chosen_model_lacks_can_be_chosen_and_is_the_watched_trainings() -> None:
    app = open_training(model="resnet20", epoch="1")
    app.selectbox(key="layer").select("pool1").run()
    assert not app.warning
    assert query(app) == {"img": "3", "model": "tutorial", "layer": "pool1", "epoch": "1"}
    assert "only the trained network" not in captions(app)
    app = open_training(epoch="1")
    app.selectbox(key="layer").select("pool1").run()
    assert query(app)["model"] == "captum-tutorial"


# Section: playing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The player's clock, which a test sets."""
    now = [1000.0]
    monkeypatch.setattr(player, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def step(app: OpenedPage, clock: list[float], seconds: float) -> str:
    """The epoch in the address once so much time has passed and the page was looked at."""
    clock[0] += seconds
    app.run()
    assert not app.exception
    return query(app)["epoch"]


def is_playing(app: OpenedPage) -> bool:
    return app.button(key="play").label == "Pause"


def play(**address: str) -> OpenedPage:
    return press(open_training(**address), "Play")


def test_it_plays_from_the_start_and_stops_at_the_end(clock: list[float]) -> None:
    app = play(img="0")
    assert (query(app)["epoch"], is_playing(app)) == ("0", True)
    assert [step(app, clock, 1.85) for _ in range(3)] == ["1", "2", "5"]
    assert is_playing(app)
    assert panels(app)["epoch-5"].head["chosen"]
    assert step(app, clock, 1.85) == "60"
    assert not is_playing(app)
    assert step(app, clock, 5) == "60"


def test_it_plays_on_from_the_moment_that_is_shown(clock: list[float]) -> None:
    app = play(epoch="2")
    assert query(app)["epoch"] == "2"
    assert [step(app, clock, 1.85) for _ in range(2)] == ["5", "60"]


def test_a_moment_stays_for_its_time_however_often_the_page_is_drawn(clock: list[float]) -> None:
    app = play(epoch="0")
    assert [step(app, clock, 0.5) for _ in range(3)] == ["0", "0", "0"]
    assert step(app, clock, 0.4) == "1"


def test_pause_stops_it_at_once(clock: list[float]) -> None:
    app = play(epoch="0")
    step(app, clock, 1.85)
    clock[0] += 2  # the next step is overdue
    app.button(key="play").click().run()
    assert (query(app)["epoch"], is_playing(app)) == ("1", False)
    assert step(app, clock, 2) == "1"


def test_a_move_of_the_slider_stops_it(clock: list[float]) -> None:
    app = play(epoch="0")
    app.select_slider(key="epoch").set_value(2).run()
    assert (query(app)["epoch"], is_playing(app)) == ("2", False)
    assert step(app, clock, 2) == "2"


def test_another_image_is_played_on(clock: list[float]) -> None:
    app = play(img="5", epoch="0")
    press(app, "Next")
    assert is_playing(app)
    assert step(app, clock, 1.85) == "1"
    assert query(app)["img"] == "6"


def test_it_has_stopped_when_one_comes_back_from_another_page(clock: list[float]) -> None:
    app = play(epoch="0")
    for page in ("class_browser", "training_time"):
        app.query_params.clear()  # as the navigation opens a page
        clock[0] += 0.3  # the next step is not due yet
        app.switch_page(f"app_pages/{page}.py").run()
    assert app.select_slider(key="epoch").value == 0
    assert not is_playing(app)


def test_it_plays_on_where_the_slider_in_a_browser_lags_behind(root: str) -> None:
    with visiting(int(root.rpartition(":")[2])) as visitor:
        visitor.open("training_time", "img=0&epoch=0")
        (slider,) = [one.slider.id for one in visitor.elements("slider") if one.slider.id.endswith("-epoch")]
        visitor.press("Play")
        lagging = WidgetState(id=slider, string_array_value=StringArray(data=["0"]))
        seen = ["0"]
        deadline = time.monotonic() + 60
        while seen[-1] != "2" and time.monotonic() < deadline:
            epoch = dict(parse_qsl(visitor.tick(lagging).query))["epoch"]
            seen += [epoch] * (epoch != seen[-1])
            time.sleep(0.3)
    assert seen == ["0", "1", "2"]


def test_in_a_browser_it_plays_by_itself_pauses_and_the_address_follows(page: Page, root: str) -> None:
    page.goto(f"{root}/training_time?img=0")
    expect(page.get_by_role("button", name="Play").first).to_be_visible(timeout=60_000)
    settle(page)
    button = page.locator(".st-key-play button").first
    button.click()
    seen = _epochs_until(page, "60")
    assert [epoch for epoch, _ in seen] == ["0", "1", "2", "5", "60"]
    gaps = np.diff([moment for _, moment in seen])
    assert gaps.min() > 0.6  # each moment stays long enough to be looked at
    assert np.median(gaps) < 10
    expect(button).to_have_text(re.compile("Play"))
    button.click()
    _epochs_until(page, "1")
    expect(button).to_have_text(re.compile("Pause"))
    button.click()
    expect(button).to_have_text(re.compile("Play"))
    stopped = address(page)["epoch"]
    page.wait_for_timeout(2000)
    assert address(page)["epoch"] == stopped
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


# What the page shows at each moment: the epoch, the last colour's value, the explained class, and whether old maps fade out.
WATCHED = """() => {
  const one = (where) => document.querySelector(where);
  return [new URL(location).searchParams.get("epoch"), one(".colour-bar .ends :last-child")?.textContent,
    one(".class-bar.target .name")?.firstChild.textContent, Boolean(one(".stage .ghost"))];
}"""
PAINTED = """() => {
  const canvas = document.querySelector('[data-picture="map"] canvas');
  return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def test_in_a_browser_the_class_and_the_scale_stay_and_maps_fade_into_computed_ones(page: Page, root: str) -> None:
    page.goto(f"{root}/training_time?img=3")
    expect(page.get_by_role("button", name="Play").first).to_be_visible(timeout=60_000)
    settle(page)
    page.locator(".st-key-play button").first.click()
    seen, deadline = [], time.monotonic() + 120
    while time.monotonic() < deadline and not (len({one[0] for one in seen}) == 5 and seen[-1][0] == "60" and not seen[-1][3]):
        seen.append(page.evaluate(WATCHED))
        page.wait_for_timeout(40)
    assert len({top for _, top, _, _ in seen}) == 1
    assert len({name for _, _, name, _ in seen}) == 1
    assert any(fades for *_, fades in seen)
    settle(page)
    assert page.locator(".ghost").count() == 0
    values = captum_map(3, "conv2", logit(0), "tutorial")
    canvas = np.array(page.evaluate(PAINTED), np.uint8).reshape(-1, 4)[:, :3]
    side = round(len(canvas) ** 0.5)
    reach = max(float(captum_map(3, "conv2", logit(0), name).max()) for name in MODELS.values())
    assert_same_colours(canvas.reshape(side, side, 3), draw_map(values, xl.Drawing(), side, reach))


def test_in_a_browser_who_wants_no_motion_sees_no_fading(page: Page, root: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{root}/training_time?img=3&epoch=2")
    expect(page.locator('[data-picture="epoch-2"]')).to_be_visible(timeout=60_000)
    settle(page)
    page.evaluate("""() => {
      window.ghosts = 0;
      new MutationObserver((all) => {
        for (const one of all) for (const node of one.addedNodes) if (node.className === "ghost") window.ghosts++;
      }).observe(document.body, { subtree: true, childList: true });
    }""")
    for motion, key, epoch, ghosts in (("reduce", "ArrowRight", "5", 0), ("no-preference", "ArrowLeft", "2", 2)):
        page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]  # one of those that there are
        page.locator('.st-key-epoch input, .st-key-epoch [role="slider"]').first.press(key)
        expect(page.locator(f'[data-picture="epoch-{epoch}"]')).to_have_attribute("aria-pressed", "true", timeout=60_000)
        settle(page)
        assert page.evaluate("window.ghosts") == ghosts


def _epochs_until(page: Page, last: str) -> list[tuple[str, float]]:
    """Each epoch that the address shows, with the second in which it first did."""
    seen: list[tuple[str, float]] = []
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        epoch = address(page).get("epoch")
        if epoch is not None and (not seen or seen[-1][0] != epoch) and not (epoch == last and not seen):
            seen.append((epoch, time.monotonic()))
        if seen and epoch == last:
            return seen
        page.wait_for_timeout(30)
    raise AssertionError(f"the address stopped at {seen}")
