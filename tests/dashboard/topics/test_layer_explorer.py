"""The layer explorer: targets, layers, drawings, two panels side by side, and what can be taken home."""

import json
import re
from collections.abc import Mapping
from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from independent_maps import (
    Score,
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
    squares,
)
from numpy.typing import NDArray
from opened_page import (
    START,
    OpenedPage,
    act,
    alts,
    arrays,
    captions,
    download,
    open_page,
    picture,
    pixels_of,
    query,
    run_snippet,
    texts,
)
from staged import panels, stages

open_explorer = partial(open_page, "layer_explorer")


def strip(app: OpenedPage) -> list[str]:
    """The layers on offer, in order."""
    return [name.removeprefix("layer-") for name in panels(app) if name.startswith("layer-") and not name.endswith("-beside")]


def main_overlay(app: OpenedPage) -> NDArray[np.uint8]:
    return picture(app, "Overlay: Grad-CAM of layer")


# Section: layer and target


def test_the_explorer_follows_its_address() -> None:
    app = open_explorer(img="5", layer="relu1", target="2")
    assert "image 5 · true frog" in captions(app)
    assert "explained: bird, logit · layer relu1, 28 × 28" in captions(app)
    assert strip(app) == ["conv1", "relu1", "conv2"]  # relu1 while it is chosen
    np.testing.assert_allclose(panels(app)["map"].values, captum_map(5, "relu1", logit(2)), rtol=1e-4, atol=1e-7)


def test_at_first_it_is_the_last_conv_layer_and_others_are_chosen_by_button_or_in_the_list() -> None:
    app = open_explorer()
    assert "explained: ship (the predicted class), logit · layer conv2, 10 × 10" in captions(app)
    np.testing.assert_allclose(panels(app)["map"].values, captum_map(3, "conv2"), rtol=1e-4, atol=1e-7)
    act(app, panel="layer-conv1")
    assert "layer conv1, 28 × 28" in captions(app)
    assert query(app)["layer"] == "conv1"
    assert app.selectbox(key="layer").options == ["conv1 · 28 × 28", "conv2 · 10 × 10"]
    app.selectbox(key="layer").select("conv2").run()
    assert query(app)["layer"] == "conv2"
    app.segmented_control(key="modules").select("all").run()
    names = ["conv1", "relu1", "pool1", "conv2", "relu2", "pool2"]
    assert strip(app) == names
    assert query(app)["modules"] == "all"


def test_list_and_bars_give_each_classes_probability_and_another_is_explained() -> None:
    app = open_explorer(img="5")
    shares = [f"{share * 100:.1f} %" for share in probabilities("captum-tutorial")[5]]
    names = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    options = [f"{name} · {share}" for name, share in zip(names, shares, strict=True)]
    assert app.selectbox(key="target").options == [f"{options[predicted(5)]} · predicted", *options]
    app.selectbox(key="target").select(3).run()
    assert "explained: cat, logit" in captions(app)
    assert query(app)["target"] == "3"
    app.selectbox(key="minus").select(4).run()
    (bars,) = [stage.bars[0]["classes"] for stage in stages(app) if stage.bars]
    np.testing.assert_allclose([bar["share"] for bar in bars], probabilities("captum-tutorial")[5], atol=1e-6)
    assert [bar["text"] for bar in bars] == shares
    assert [bar["role"] for bar in bars] == ["other"] * 3 + ["target", "minus"] + ["other"] * 5
    assert [bar["words"] for bar in bars[3:5]] == ["explained", "contrasted"]
    assert bars[6]["words"] == "true, predicted"
    act(app, class_=1)
    assert query(app)["target"] == "1"


# Section: contrast, evidence, score


def share(index: int) -> Score:
    return lambda logits: logits.softmax(1)[:, index]


def contrast(one: Score, other: Score) -> Score:
    return lambda logits: one(logits) - other(logits)


def against(score: Score) -> Score:
    return lambda logits: -score(logits)


SCORES: dict[str, tuple[dict[str, str], Score, str]] = {
    "contrast of the predicted class": (
        {"minus": "0"},
        contrast(logit(8), logit(0)),
        "ship (the predicted class) rather than plane, logit",
    ),
    "all at once": (
        {"target": "0", "minus": "8", "evidence": "against", "score": "probability"},
        against(contrast(share(0), share(8))),
        "evidence against plane rather than ship, probability",
    ),
    "contrast with itself": ({"target": "8", "minus": "8"}, logit(8), "ship, logit (a contrast with ship itself is left out)"),
}


@pytest.mark.parametrize(("address", "score", "words"), SCORES.values(), ids=SCORES)
def test_a_score_is_explained_as_captum_explains_it(address: Mapping[str, str], score: Score, words: str) -> None:
    app = open_explorer(layer="relu1", **address)
    assert f"explained: {words} · layer relu1" in captions(app)
    signed = captum_signed(3, "relu1", score)
    taken = arrays(app)
    scale = np.abs(signed).max()
    np.testing.assert_allclose(taken["signed"], signed, atol=1e-4 * scale, rtol=0)
    np.testing.assert_allclose(taken["map"], signed.clip(min=0), atol=1e-4 * scale, rtol=0)
    np.testing.assert_allclose(panels(app)["map"].values, signed.clip(min=0), atol=1e-4 * scale, rtol=0)


def test_contrast_evidence_and_score_are_in_the_address() -> None:
    app = open_explorer()
    app.selectbox(key="minus").select(0).run()
    app.segmented_control(key="evidence").select("against").run()
    app.segmented_control(key="score").select("probability").run()
    assert query(app) == START | {"minus": "0", "evidence": "against", "score": "probability"}
    app.selectbox(key="minus").select(-1).run()
    assert "minus" not in query(app)


# Section: how maps are drawn


EVENLY = {"opacity": "even", "contour": "off", "strength": "50", "placement": "stretched"}
"""The drawing that an overlay's pixels are worked out for by hand: half picture, half map."""


def top(app: OpenedPage, name: str = "map") -> float:
    """The value of the last colour of a panel."""
    found: float = panels(app)[name].head["top"]
    return found


def test_the_overlay_is_half_picture_and_half_map_in_its_own_cells_on_its_own_scale_in_the_chosen_palette() -> None:
    app, other = open_explorer(img="5", **EVENLY), open_explorer(img="5", palette="viridis", **EVENLY)
    shown = main_overlay(app)
    assert_same_colours(shown, drawn(pixels()[5], captum_map(5, "conv2"), len(shown)))
    assert top(app) == pytest.approx(captum_map(5, "conv2").max(), rel=1e-4)
    small = picture(app, "Overlay: layer conv1, 28 × 28")
    assert_same_colours(small, drawn(pixels()[5], captum_map(5, "conv1"), len(small)))
    assert_same_colours(main_overlay(other), drawn(pixels()[5], captum_map(5, "conv2"), len(shown), "viridis"))
    assert (panels(app)["map"].drawing.palette, panels(other)["map"].drawing.palette) == ("magma", "viridis")


def test_by_default_the_picture_stays_where_the_map_is_zero_and_a_line_runs_at_half_its_maximum() -> None:
    app = open_explorer(img="5", placement="stretched")
    shown, values = main_overlay(app), captum_map(5, "conv2")
    ground, cells = squares(pixels()[5], len(shown)), ((np.arange(len(shown)) + 0.5) / len(shown) * 10).astype(int)
    large = values[cells[:, None], cells]
    line = (shown == 255).all(2) | (shown == 0).all(2)
    assert (shown == ground).all(2)[(large == 0) & ~line].all()
    white = (shown == 255).all(2) & ~(ground == 255).all(2)
    assert large[white].min() >= values.max() / 2
    assert white.sum() > 200
    assert "up to 70 % opaque where the map is high; white line: half the maximum" in captions(app)
    plain = open_explorer(img="5", **EVENLY)
    assert "50 % opaque everywhere; colours end at its own maximum." in captions(plain)


def test_cells_lie_where_they_look_unless_they_are_to_be_stretched() -> None:
    app = open_explorer(img="5", opacity="even", contour="off", strength="50")
    shown, looks = main_overlay(app), 6.5 + 2 * np.arange(10)
    places = (np.arange(len(shown)) + 0.5) * 32 / len(shown) - 0.5
    nearest = np.abs(places[:, None] - looks - 1e-9).argmin(1)  # halfway, the one after
    large = captum_map(5, "conv2")[nearest][:, nearest]
    expected = drawn(pixels()[5], large, len(shown))
    ends = [int(np.flatnonzero(places >= 5.5)[0]), int(np.flatnonzero(places <= 25.5)[-1])]  # half a cell beyond the outermost
    for row, column in ((ends, slice(*ends)), (slice(*ends), ends)):
        dashes = shown[row, column].reshape(-1, 3)
        assert set(map(tuple, dashes.tolist())) == {(0, 0, 0), (255, 255, 255)}
        expected[row, column] = shown[row, column]
    expected[ends[1], ends[1]] = shown[ends[1], ends[1]]
    assert_same_colours(shown, expected)
    assert (
        "Cells are drawn where they look; stretching would shift them by up to 5.4 px. No cell is centred outside"
        in captions(app)
    )
    app.segmented_control(key="placement_switch").select("stretched").run()
    assert "Stretched over the picture, up to 5.4 px from where the cells look." in captions(app)
    assert query(app)["placement"] == "stretched"
    assert panels(app)["overlay"].rows is None


def test_the_switch_and_the_menu_are_one() -> None:
    app = open_explorer()
    app.segmented_control(key="placement").select("stretched").run()
    assert app.segmented_control(key="placement_switch").value == "stretched"
    assert query(app)["placement"] == "stretched"


@pytest.mark.parametrize("page", ["layer_explorer", "class_browser", "sanity_checks", "training_time", "how_it_works"])
def test_on_every_page_cells_lie_where_they_look(page: str) -> None:
    for placement, rows in (("receptive-field", 6.5 + 2 * np.arange(10)), ("stretched", None)):
        app = open_page(page, img="5", placement=placement, **{"class": "6"})
        grids = [one for one in panels(app).values() if one.values is not None and one.values.shape == (10, 10)]
        assert grids
        for one in grids:
            np.testing.assert_array_equal(one.rows, rows)


def test_where_nobody_can_tell_where_cells_look_the_map_is_stretched_and_that_is_said() -> None:
    with mock.patch("dashboard.view.scene.locate_cells", return_value=None):
        app = open_explorer(img="5")
    assert "It is unknown where these cells look: the map is stretched over the picture." in captions(app)
    assert panels(app)["overlay"].rows is None


def test_a_signed_map_keeps_what_lies_below_zero_around_a_white_middle() -> None:
    app = open_explorer(img="5", sign="signed", palette="jet", **EVENLY)
    signed = captum_signed(5, "conv2", logit(predicted(5)))
    assert signed.min() < 0
    np.testing.assert_allclose(panels(app)["map"].values, signed, rtol=1e-4, atol=1e-6)
    assert top(app) == pytest.approx(np.abs(signed).max(), rel=1e-5)
    assert panels(app)["map"].drawing.signed
    shown = main_overlay(app)
    assert_same_colours(shown, drawn_signed(pixels()[5], signed, len(shown)))
    assert app.selectbox(key="palette").disabled


def test_a_scale_in_common_ends_at_the_largest_value_of_all_layers() -> None:
    app = open_explorer(img="5", scale="strip", modules="all", **EVENLY)
    maps = {name: captum_map(5, name) for name in ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")}
    reach = max(float(one.max()) for one in maps.values())
    assert reach > 1.5 * maps["conv2"].max()
    assert top(app) == pytest.approx(reach, rel=1e-4)
    shown = main_overlay(app)
    assert_same_colours(shown, drawn(pixels()[5], maps["conv2"], len(shown), reach=reach))
    small = picture(app, "Overlay: layer conv1, 28 × 28")
    assert_same_colours(small, drawn(pixels()[5], maps["conv1"], len(small), reach=reach))


def test_how_maps_are_drawn_is_in_the_address_and_in_words() -> None:
    app = open_explorer()
    app.selectbox(key="palette").select("cividis").run()
    act(app, strength=85)
    app.segmented_control(key="texture").select("smooth").run()
    app.segmented_control(key="scale").select("strip").run()
    app.segmented_control(key="opacity").select("even").run()
    app.toggle(key="contour").set_value(False).run()
    words = "Cividis, 85 % opaque everywhere, smoothed bilinearly; colours end at the maximum of all layers shown."
    assert words in captions(app)
    app.segmented_control(key="sign").select("signed").run()
    drawing = {"palette": "cividis", "strength": "85", "opacity": "even", "contour": "off", "texture": "smooth"}
    assert query(app) == START | drawing | {"scale": "strip", "sign": "signed"}


# Section: maps with nothing to paint


def test_a_map_without_evidence_is_said_and_not_painted() -> None:
    app = open_explorer(img="49", target="2", layer="relu1", modules="all")
    assert not captum_map(49, "relu1", logit(2)).any()
    assert "in this layer the weighted sum is nowhere above zero" in texts(app)
    shown = picture(app, "The picture alone, the map is zero: Grad-CAM of layer relu1 on image 49")
    np.testing.assert_array_equal(shown, squares(pixels()[49], len(shown)))
    np.testing.assert_array_equal(pixels_of(download(app, "Picture (PNG)")), shown)


def test_a_map_that_is_the_same_everywhere_is_said_and_not_painted() -> None:
    app = open_explorer(model="resnet20", modules="all", img="5", layer="pool")
    assert "The same everywhere: the map does not distinguish any place." in texts(app)
    shown = picture(app, "The picture alone, the map is constant: Grad-CAM of layer pool on image 5")
    np.testing.assert_array_equal(shown, squares(pixels()[5], len(shown)))
    assert [alt for alt in alts(app) if "constant: layer pool" in alt]


# Section: side by side


def test_another_image_stands_beside_under_the_same_settings() -> None:
    app = open_explorer(img="5", beside="image", img2="8", layer="relu2", target="2", **EVENLY)
    assert "image 5 · true frog" in captions(app)
    assert "image 8 · true cat" in captions(app)
    for image in (5, 8):
        verdict = "✓" if predicted(image) == labels()[image] else "✗"
        assert re.search(rf"image {image} · true \w+ · predicted \w+ [\d.]+ % {verdict}", captions(app))
    for name, image in {"map": 5, "map-beside": 8}.items():
        np.testing.assert_allclose(panels(app)[name].values, captum_map(image, "relu2", logit(2)), rtol=1e-4, atol=1e-7)
    left, right = (picture(app, f"Overlay: Grad-CAM of layer relu2 on image {image}") for image in (5, 8))
    assert_same_colours(left, drawn(pixels()[5], captum_map(5, "relu2", logit(2)), len(left)))
    assert_same_colours(right, drawn(pixels()[8], captum_map(8, "relu2", logit(2)), len(right)))


def test_two_images_explain_each_its_own_predicted_class_and_may_share_their_colours() -> None:
    app = open_explorer(img="8", beside="image", img2="5", scale="strip")
    assert captions(app).count("(the predicted class)") == 2
    np.testing.assert_allclose(panels(app)["map-beside"].values, captum_map(5, "conv2"), rtol=1e-4, atol=1e-7)
    reach = max(float(captum_map(image, name).max()) for image in (5, 8) for name in ("conv1", "conv2"))
    assert [top(app, name) for name in ("map", "map-beside")] == pytest.approx([reach, reach], rel=1e-4)


def test_another_model_stands_beside_and_a_layer_that_it_lacks_is_said() -> None:
    app = open_explorer(img="5", beside="model", model2="resnet20", layer="pool1")
    assert "resnet20 has no layer pool1: layer3.2.conv2 is shown." in captions(app)
    assert "resnet20 · image 5" in captions(app)
    np.testing.assert_allclose(panels(app)["map"].values, captum_map(5, "pool1"), rtol=1e-4, atol=1e-7)
    expected = captum_map(5, "layer3.2.conv2", name="resnet20")
    np.testing.assert_allclose(panels(app)["map-beside"].values, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_another_layer_stands_beside_under_one_strip() -> None:
    app = open_explorer(img="5", layer="conv2", beside="layer")
    assert app.selectbox(key="other_layer").value == "conv1"
    np.testing.assert_allclose(panels(app)["map"].values, captum_map(5, "conv2"), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(panels(app)["map-beside"].values, captum_map(5, "conv1"), rtol=1e-4, atol=1e-7)
    app.selectbox(key="other_layer").select("relu1").run()
    assert query(app)["layer2"] == "relu1"
    np.testing.assert_allclose(panels(app)["map-beside"].values, captum_map(5, "relu1"), rtol=1e-4, atol=1e-7)
    assert [name for name in panels(app) if name.startswith("layer-")] == ["layer-conv1", "layer-conv2"]


def test_a_layer_that_both_models_have_is_shown_of_both() -> None:
    app = open_explorer(img="5", beside="model", model2="tutorial", layer="relu1")
    assert "has no layer" not in captions(app)
    np.testing.assert_allclose(panels(app)["map-beside"].values, captum_map(5, "relu1", name="tutorial"), rtol=1e-4, atol=1e-6)


def test_the_choices_for_the_other_panel_are_in_the_address() -> None:
    app = open_explorer()
    app.segmented_control(key="beside").select("image").run()
    app.number_input(key="other_image").set_value(8).run()
    assert query(app) == START | {"beside": "image", "img2": "8"}
    app.number_input(key="other_image").set_value(123_456).run()
    assert query(app)["img2"] == "9999"
    app.segmented_control(key="beside").select("model").run()
    app.selectbox(key="other_model").select("resnet20").run()
    assert query(app)["model2"] == "resnet20"
    assert "resnet20 · image 3" in captions(app)


# Section: downloads and the snippet

VIEWS: dict[str, dict[str, str]] = {
    "as it opens": {},
    "everything changed": {
        "img": "5",
        "model": "tutorial",
        "layer": "pool1",
        "target": "6",
        "minus": "2",
        "evidence": "against",
        "score": "probability",
        "texture": "smooth",
        "palette": "viridis",
        "strength": "75",
    },
    "signed": {"img": "8", "sign": "signed", "layer": "conv1"},
    "one scale": {"img": "5", "scale": "strip", "modules": "all"},
    "resnet20": {"model": "resnet20", "img": "17", "layer": "layer2.0.conv1"},
}
BESIDE = {"beside": "image", "img2": "5", "scale": "strip", "sign": "signed"}


@pytest.fixture(scope="module", params=VIEWS.values(), ids=VIEWS)
def view(request: pytest.FixtureRequest) -> OpenedPage:
    return open_explorer(**request.param)


def test_the_downloaded_picture_is_the_overlay_that_is_shown(view: OpenedPage) -> None:
    np.testing.assert_array_equal(pixels_of(download(view, "Picture (PNG)")), main_overlay(view))


def test_the_downloaded_maps_are_those_on_the_page(view: OpenedPage) -> None:
    taken, address = arrays(view), START | query(view)
    assert set(taken) == {"map", "signed", "weights", "logits", "picture"}
    shown = panels(view)["map"].values
    np.testing.assert_array_equal(taken["signed" if address.get("sign") == "signed" else "map"], shown)
    np.testing.assert_array_equal(taken["picture"], pixels()[int(address["img"])])
    np.testing.assert_array_equal(taken["map"], taken["signed"].clip(min=0))
    shares = torch.tensor(taken["logits"]).softmax(0).numpy()
    np.testing.assert_allclose(shares, probabilities(address["model"])[int(address["img"])], atol=1e-5)
    assert {str(taken[name].dtype) for name in ("map", "signed", "weights", "logits")} == {"float32"}


def test_the_python_on_the_page_computes_the_downloaded_map_and_draws_the_downloaded_picture(view: OpenedPage) -> None:
    made, taken = run_snippet(view), arrays(view)
    name = "signed" if query(view).get("sign") == "signed" else "map"
    np.testing.assert_array_equal(made["values"], taken[name])
    np.testing.assert_array_equal(made["picture"], pixels_of(download(view, "Picture (PNG)")))
    imports = [line for line in view.code[0].value.splitlines() if "import" in line and not line.startswith("#")]
    assert imports == ["import explain_lib as xl"]


def test_of_two_sides_both_are_taken_home() -> None:
    app = open_explorer(**BESIDE)
    taken, made = arrays(app), run_snippet(app)
    names = ("map", "signed", "weights", "logits", "picture")
    assert set(taken) == {*names, *(f"beside_{name}" for name in names)}
    np.testing.assert_array_equal(taken["signed"], panels(app)["map"].values)
    np.testing.assert_array_equal(taken["beside_signed"], panels(app)["map-beside"].values)
    np.testing.assert_array_equal(made["values"], taken["beside_signed"])
    both = pixels_of(download(app, "Picture (PNG)"))
    np.testing.assert_array_equal(both[:, both.shape[1] // 2 :], made["picture"])
    settings = json.loads(download(app, "Settings (JSON)"))
    assert (settings["image"], settings["beside"]["image"]) == (3, 5)
    assert settings["beside"]["reach"] == settings["reach"]


def test_the_downloaded_settings_hold_what_is_shown_and_all_files_are_named_for_it() -> None:
    app = open_explorer(
        img="5", model="tutorial", layer="relu1", target="6", minus="2", evidence="against", score="probability"
    )
    settings = json.loads(download(app, "Settings (JSON)"))
    assert settings["address"] == query(app)
    assert settings["target"] == {"index": 6, "minus": 2, "sign": -1, "score": "probability", "class": "frog"}
    assert (settings["layer"], settings["grid"]) == ("relu1", [28, 28])
    assert settings["reach"] == pytest.approx(float(arrays(app)["map"].max()))
    names = {entry["filename"] for entry in app.files._deferred_callables.values()}
    ends = (".png", ".npz", ".json", ".zip", "-slide.png", "-slide.svg")
    assert names == {f"image5-tutorial-relu1-against-frog-minus-bird-probability{end}" for end in ends}
