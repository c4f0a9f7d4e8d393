"""The class browser: filters, orders, thumbnails, the picked image, the mean map, the confusion matrix."""

import re
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pytest
from independent_maps import assert_same_colours, captum_map, drawn, labels, logit, pixels, predicted, probabilities, squares
from numpy.typing import NDArray
from opened_page import START, act, alts, captions, component_data, open_page, picture, press, query, texts
from staged import thumbnails, values_of
from streamlit.testing.v1 import AppTest

open_browser = partial(open_page, "class_browser")

NAMES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHARES = probabilities("captum-tutorial")
GUESSES, SURENESS = SHARES.argmax(1), SHARES.max(1)
MARGINS = SURENESS - np.sort(SHARES, axis=1)[:, -2]


def shown(app: AppTest) -> list[int]:
    return thumbnails(app)["images"]


def assert_counts(app: AppTest, chosen: NDArray[np.int64]) -> None:
    right = int((labels() == GUESSES)[chosen].sum())
    exactly = {0: "0 %", len(chosen): "100 %"}
    share = f" ({exactly.get(right, f'{right / max(1, len(chosen)) * 100:.1f} %')})" if len(chosen) else ""
    words = f"**{len(chosen):,}** images · **{right:,}** predicted right{share} · **{len(chosen) - right:,}** wrong"
    assert words in [text.value for text in app.markdown]


# Section: filters


def test_a_class_has_a_thousand_images() -> None:
    app = open_browser(class_="6")
    # 69.1 % is the accuracy on frogs, counted from the network's own predictions by another program
    assert "**1,000** images · **691** predicted right (69.1 %) · **309** wrong" in texts(app)
    assert shown(app) == list(np.flatnonzero(labels() == 6))


SELECTIONS = {
    "predicted only": ({"class_": "any", "predicted": "5", "low": "90"}, (GUESSES == 5) & (SURENESS >= 0.9)),
    "right": ({"class_": "2", "outcome": "right"}, (labels() == 2) & (GUESSES == 2)),
    "wrong": ({"class_": "2", "outcome": "wrong"}, (labels() == 2) & (GUESSES != 2)),
    "a range": ({"class_": "2", "low": "35", "high": "45"}, (labels() == 2) & (SURENESS >= 0.35) & (SURENESS <= 0.45)),
    "an upper end": ({"class_": "any", "high": "24"}, SURENESS <= 0.24),
}


@pytest.mark.parametrize(("filters", "expected"), SELECTIONS.values(), ids=SELECTIONS)
def test_a_selection_shows_and_counts_the_images_that_numpy_finds(
    filters: Mapping[str, str], expected: NDArray[np.bool_]
) -> None:
    chosen = np.flatnonzero(expected)
    assert 0 < len(chosen) <= 1000
    app = open_browser(**filters)
    assert shown(app) == list(chosen)
    assert_counts(app, chosen)


def test_the_filters_are_kept_in_the_address_and_each_begins_with_the_first_part() -> None:
    app, expected = open_browser(), dict(START)
    changes: tuple[tuple[Callable[[], object], dict[str, str]], ...] = (
        (lambda: app.selectbox(key="true_class").select(6), {"class": "6"}),
        (lambda: app.selectbox(key="predicted_class").select(3), {"predicted": "3"}),
        (lambda: app.segmented_control(key="outcome").select("wrong"), {"outcome": "wrong"}),
        (lambda: app.segmented_control(key="confidence-preset").select((90, 100)), {"low": "90"}),
        (lambda: app.slider(key="confidence").set_range(20, 70), {"low": "20", "high": "70"}),
        (lambda: app.selectbox(key="order").select("widest-margin"), {"order": "widest-margin"}),
    )
    for change, said in changes:
        app.query_params["part"] = "2"
        app.run()
        change()
        app.run()
        expected |= said
        assert query(app) == expected
    chosen = (labels() == 6) & (GUESSES == 3) & (SURENESS >= 0.2) & (SURENESS <= 0.7)
    assert sorted(shown(app)) == list(np.flatnonzero(chosen))
    app.selectbox(key="true_class").select(-1).run()
    assert query(app)["class"] == "any"


# Section: orders

KEYS = {"most-confident": -SURENESS, "least-confident": SURENESS, "widest-margin": -MARGINS, "narrowest-margin": MARGINS}


@pytest.mark.parametrize("order", KEYS)
def test_an_order_is_that_of_the_softmax_in_numpy(order: str) -> None:
    images = shown(open_browser(class_="4", order=order))
    assert sorted(images) == list(np.flatnonzero(labels() == 4))
    steps = np.diff(KEYS[order][images])
    assert steps.min() > -1e-6  # numbers that float32 cannot tell apart stand in the order of their images
    assert steps.max() > 0


# Section: no image at all

NOTHING = {"class_": "6", "predicted": "6", "outcome": "wrong", "low": "20", "high": "50"}


def test_a_selection_without_images_names_every_condition_and_what_there_is_without_each() -> None:
    app = open_browser(**NOTHING)
    assert (
        "No image meets all of these conditions: true class frog, predicted class frog, predicted wrong, "
        "confidence 20 to 50 %." in app.info[0].value
    )
    assert_counts(app, np.arange(0))
    frogs, called_frogs, wrong = labels() == 6, GUESSES == 6, labels() != GUESSES
    middling = (SURENESS >= 0.2) & (SURENESS <= 0.5)
    assert ways_out(app) == {
        "true class frog": (called_frogs & wrong & middling).sum(),
        "predicted class frog": (frogs & wrong & middling).sum(),
        "predicted wrong": (frogs & called_frogs & middling).sum(),
        "confidence 20 to 50 %": 0,
    }
    (useless,) = [button for button in app.button if button.label == "Without “confidence 20 to 50 %”: 0 images"]
    assert useless.disabled
    promised = ways_out(app)["predicted class frog"]
    press(app, f"Without “predicted class frog”: {promised:,} images")
    assert not app.info
    assert len(shown(app)) == promised
    assert query(app) == START | {"class": "6", "outcome": "wrong", "low": "20", "high": "50"}


def ways_out(app: AppTest) -> dict[str, int]:
    """The images that each button promises."""
    found = [re.fullmatch(r"Without “(.*)”: ([\d,]+) images", button.label) for button in app.button]
    return {match[1]: int(match[2].replace(",", "")) for match in found if match}


# Section: parts


def test_a_part_that_does_not_exist_is_said() -> None:
    app = open_browser(class_="any", part="99")
    assert "This selection has no part 99; this is the last one." in captions(app)
    assert "Images 9,001 to 10,000 of 10,000" in captions(app)


def test_an_image_of_another_part_is_a_click_away() -> None:
    app = press(open_browser(class_="any", img="9001"), "Show part 10, where this image is")
    assert "Images 9,001 to 10,000 of 10,000" in captions(app)
    assert shown(app) == list(range(9_000, 10_000))


# Section: thumbnails


def test_a_thumbnail_has_its_true_and_its_predicted_class_with_the_confidence() -> None:
    data = thumbnails(open_browser(class_="any", order="least-confident"))
    images = data["images"]
    assert data["true"] == [NAMES[labels()[image]] for image in images]
    assert len(set(data["true"])) > 2
    assert data["predicted"] == [NAMES[GUESSES[image]] for image in images]
    said = [float(words.removesuffix(" %").split()[-1]) for words in data["confidence"]]
    np.testing.assert_allclose(said, SURENESS[images] * 100, atol=1)
    rounded = ~np.array([" " in words.removesuffix(" %") for words in data["confidence"]])
    np.testing.assert_allclose(np.array(said)[rounded], SURENESS[images][rounded] * 100, atol=0.51)


# Section: the picked image

EVENLY = {"opacity": "even", "contour": "off", "strength": "50", "placement": "stretched"}


def test_a_click_on_the_picked_image_opens_it_in_the_layer_explorer() -> None:
    app = act(open_browser(class_="6", img="5"), panel="overlay")
    assert app.title[0].value == "Layer explorer"
    assert query(app) == START | {"class": "6", "img": "5"}


def test_the_picked_image_is_shown_with_its_map_and_links_that_keep_it() -> None:
    app = open_browser(class_="6", img="5", **EVENLY)
    original = picture(app, "Test image 5, true class frog, 32 by 32 pixels, picked")
    np.testing.assert_array_equal(original, squares(pixels()[5], len(original)))
    shown_overlay = picture(app, "Overlay: Grad-CAM of layer conv2 on image 5")
    assert_same_colours(shown_overlay, drawn(pixels()[5], captum_map(5, "conv2"), len(shown_overlay)))
    np.testing.assert_allclose(values_of(app, "overlay"), captum_map(5, "conv2"), rtol=1e-4, atol=1e-7)
    assert f"image 5 · true frog · predicted {NAMES[predicted(5)]}" in captions(app)
    assert {link.label for link in app.page_link} == {"Layer explorer", "Disagreement"}
    assert all("img=5" in link.proto.query_string for link in app.page_link)


def test_the_picked_images_map_follows_layer_target_palette_and_strength() -> None:
    app = open_browser(class_="6", img="5", layer="relu1", target="2", palette="viridis", **EVENLY | {"strength": "80"})
    shown_overlay = picture(app, "Overlay: Grad-CAM of layer relu1 on image 5")
    cells = captum_map(5, "relu1", logit(2))
    assert_same_colours(shown_overlay, drawn(pixels()[5], cells, len(shown_overlay), "viridis", 0.8))
    np.testing.assert_allclose(values_of(app, "overlay"), cells, rtol=1e-4, atol=1e-7)


def test_an_image_that_is_not_shown_says_so() -> None:
    assert "This image is not among those shown." in captions(open_browser(class_="6", img="6"))


# Section: the mean map

FEW = {"class_": "3", "predicted": "0", "outcome": "wrong", "high": "45"}
FEW_IMAGES = np.flatnonzero((labels() == 3) & (GUESSES == 0) & (SURENESS <= 0.45))


def mean_of(maps: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    return np.mean([one / one.max() if one.max() > 0 else one for one in maps], axis=0, dtype=np.float64)


def test_the_mean_map_on_request_is_that_of_captums_maps_each_by_its_own_maximum_at_any_layer() -> None:
    assert 5 < len(FEW_IMAGES) < 60
    app = open_browser(**FEW, **EVENLY)
    assert not any(alt.startswith("The mean of") for alt in alts(app))
    (toggle,) = [toggle for toggle in app.toggle if toggle.key == "average"]
    assert toggle.label == f"Average map of these {len(FEW_IMAGES)} images"
    toggle.set_value(True).run()
    assert query(app)["average"] == "on"
    mean = mean_of([captum_map(int(image), "conv2") for image in FEW_IMAGES])
    average = np.rint(pixels()[FEW_IMAGES].mean(0)).astype(np.uint8)
    original = picture(app, f"The mean of {len(FEW_IMAGES)} pictures")
    np.testing.assert_array_equal(original, squares(average, len(original)))
    overlaid = picture(app, f"Overlay: The mean map of {len(FEW_IMAGES)} images at layer conv2")
    assert_same_colours(overlaid, drawn(average, mean, len(overlaid)))
    np.testing.assert_allclose(values_of(app, "mean-map"), mean, atol=1e-4)
    words = captions(app)
    assert "Explained: each image's predicted class." in words
    assert f"The mean ranges from {mean.min():.3f} to {mean.max():.3f}." in words
    app.selectbox(key="layer").select("conv1").run()
    assert query(app)["layer"] == "conv1"
    mean = mean_of([captum_map(int(image), "conv1") for image in FEW_IMAGES])
    np.testing.assert_allclose(values_of(app, "mean-map"), mean, atol=1e-4)


def test_the_mean_map_of_a_target_counts_the_maps_that_are_zero() -> None:
    app = open_browser(average="on", layer="relu1", target="2", class_="6", predicted="6", low="40", high="41")
    frogs = np.flatnonzero((labels() == 6) & (GUESSES == 6) & (SURENESS >= 0.4) & (SURENESS <= 0.41))
    maps = [captum_map(int(image), "relu1", logit(2)) for image in frogs]
    zero = sum(one.max() == 0 for one in maps)
    assert 0 < zero < len(frogs)
    mean = mean_of(maps)
    words = captions(app)
    assert "Explained: bird, logit." in words
    assert f"Zero everywhere and counted as zero: {zero} maps." in words
    assert f"The mean ranges from {mean.min():.3f} to {mean.max():.3f}." in words


# Section: the confusion matrix


def test_the_confusion_matrix_counts_all_test_images() -> None:
    sent = component_data(open_browser(class_="any", outcome="wrong"), "confusion")
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels(), GUESSES), 1)
    assert sent["counts"] == counts.tolist()
    assert sent["true"] is sent["predicted"] is None
    assert sent["words"].endswith(f"on 10,000 images: {(labels() == GUESSES).sum():,} of them on the diagonal")


def test_the_confusion_matrix_knows_the_chosen_classes() -> None:
    sent = component_data(open_browser(class_="3", predicted="5"), "confusion")
    assert (sent["true"], sent["predicted"]) == (3, 5)
