"""The disagreement page: two sides of one's own, their maps, their difference, the metrics, and what can be taken home."""

import json
from functools import partial

import cv2
import numpy as np
import pytest
from independent_maps import (
    STUDY_LAYERS,
    captum_signed,
    enlarged,
    logit,
    package_map,
    pixels,
    plus_plus_sentence,
    predicted,
    squares,
    study_manual_map,
)
from numpy.typing import NDArray
from opened_page import (
    START,
    OpenedPage,
    alts,
    arrays,
    captions,
    chart,
    chart_alts,
    download,
    elements,
    metrics,
    open_page,
    picture,
    pixels_of,
    press,
    query,
    run_code,
    side_controls,
    unescaped,
    warnings,
)
from pytorch_grad_cam import LayerCAM
from scipy.stats import pearsonr, spearmanr
from skimage.metrics import structural_similarity
from staged import panels, values_of
from streamlit.testing.v1 import AppTest

import explain_lib as xl

open_sides = partial(open_page, "disagreement")

Map = NDArray[np.float32]


def numbers(app: AppTest) -> dict[str, float]:
    """The metrics that are defined."""
    return {name: float(value) for name, value in metrics(app).items() if value != "not defined"}


def side_query(app: AppTest) -> tuple[str, str]:
    """The two sides of the address, the defaults where it does not name them."""
    return query(app).get("a", "as in the notebook"), query(app).get("b", "as in the notebook")


@pytest.fixture(scope="module")
def notebook() -> OpenedPage:
    """The study's two programs on test image 2."""
    return open_sides(img="2")


# Section: Grad-CAM++ before a ReLU


@pytest.mark.parametrize("letter", ["a", "b"])
def test_a_side_that_is_grad_cam_plus_plus_before_a_relu_is_warned_of(letter: str) -> None:
    app = open_sides(img="5", **{letter: "manual;layers=conv2;variant=grad-cam++"})
    (said,) = set(warnings(app).splitlines())
    assert said == plus_plus_sentence([5], "conv2", None, "relu2", "image 5")


def test_the_worst_of_several_layers_is_warned_of_and_the_others_are_named() -> None:
    app = open_sides(img="5", a="manual;layers=conv1,conv2;variant=grad-cam++")
    alone = plus_plus_sentence([5], "conv1", None, "relu1", "image 5")
    assert alone.replace("conv1 has others", "conv1 has others (so has conv2)") in warnings(app).splitlines()


def test_maps_on_the_way_from_a_to_b_are_warned_of_too() -> None:
    app = open_sides(img="5", a="manual;layers=conv2", b="manual;layers=relu2;variant=grad-cam++", opinion="relu2")
    alone = plus_plus_sentence([5], "conv2", None, "relu2", "image 5")
    assert warnings(app) == alone.replace("conv2 has", "conv2, where maps on the way from a to b take it, has")


def test_the_warning_stands_also_where_the_two_maps_cannot_be_subtracted() -> None:
    app = open_sides(img="5", a="manual;layers=conv2;variant=grad-cam++;resize=none", b="manual;layers=relu2")
    assert plus_plus_sentence([5], "conv2", None, "relu2", "image 5") in warnings(app).splitlines()


@pytest.mark.parametrize("side", ["manual;layers=relu2;variant=grad-cam++", "manual;layers=conv2;variant=layercam"])
def test_after_a_relu_and_for_other_methods_nothing_is_warned_of(side: str) -> None:
    assert warnings(open_sides(img="5", a=side, b="package;layers=relu2", opinion="relu2")) == ""


# Section: the two presets


def test_the_notebooks_maps_are_those_of_the_studys_steps_and_of_the_package(notebook: OpenedPage) -> None:
    taken = arrays(notebook)
    np.testing.assert_allclose(taken["a"], study_manual_map(2), atol=1e-5)
    np.testing.assert_allclose(taken["b"], package_map(2, STUDY_LAYERS, predicted(2)), atol=1e-5)


def test_on_one_shared_layer_only_the_packages_second_scaling_is_left() -> None:
    app = open_sides(img="1", layer="relu2")
    app.segmented_control(key="setup").select("shared").run()
    once = enlarged(captum_signed(1, "relu2", logit(predicted(1))).clip(min=0))
    again = (once - once.min()) / (once.max() - once.min())
    found = numbers(app)
    assert found["Mean |b − a|"] == pytest.approx(np.abs(again - once).mean(), abs=6e-5)
    assert found["Largest |b − a|"] == pytest.approx(np.abs(again - once).max(), abs=6e-5)
    assert found["Pearson"] == pytest.approx(1, abs=6e-5)
    assert side_query(app) == ("manual", "package")


def test_the_presets_are_a_click_away_from_any_sides() -> None:
    app = open_sides(a="manual;relu=false", b="manual;layers=conv1")
    assert app.segmented_control(key="setup").value == "own"
    assert app.segmented_control(key="setup").options[-1] == "as set up below"
    app.segmented_control(key="setup").select("notebook").run()
    assert query(app) == START
    assert app.segmented_control(key="setup").value == "notebook"


def test_the_pages_layer_is_that_of_a_side_that_leaves_it_open() -> None:
    assert open_sides().selectbox(key="layer").value is None  # both sides name their own
    app = open_sides(a="manual", b="package;layers=conv1")
    app.selectbox(key="layer").select("pool1").run()
    assert query(app)["layer"] == "pool1"
    assert "Layer pool1: sum over channels" in captions(app)


def test_the_batch_is_named_where_the_map_depends_on_it() -> None:
    assert "the notebook's batch of four (images 16 to 19)" in captions(open_sides(img="18"))
    assert "the notebook's batch of four" not in captions(open_sides(img="18", a="manual", b="package"))


# Section: a manual side under any settings, beside what Captum and NumPy make of the same settings


def signed(layer: str, image: int = 5, target: int = 2) -> Map:
    return captum_signed(image, layer, logit(target))


def large(cells: Map) -> Map:
    return cv2.resize(cells, (32, 32), interpolation=cv2.INTER_LINEAR)


def by_maximum(cells: Map) -> Map:
    return cells / np.abs(cells).max()


def test_a_manual_side_of_the_address_is_what_captum_gives_after_the_same_steps() -> None:
    app = open_sides(img="5", target="2", a="manual;layers=conv2;relu=false;subtract_minimum=true", b="manual;layers=conv1")
    assert not app.warning
    taken, cells = arrays(app), signed("conv2")
    expected = large(by_maximum(cells - cells.min()))
    np.testing.assert_allclose(taken["a"], expected, atol=1e-4, rtol=0)
    np.testing.assert_array_equal(values_of(app, "map-a"), taken["a"])
    np.testing.assert_allclose(taken["difference"], enlarged(signed("conv1").clip(min=0)) - expected, atol=1e-4, rtol=0)


# Section: a side that is the package


def test_either_side_can_be_the_package() -> None:
    app = open_sides(img="5", target="2", a="package;layers=conv1,conv2", b="package;layers=relu2;variant=layercam")
    taken = arrays(app)
    np.testing.assert_allclose(taken["a"], package_map(5, ("conv1", "conv2"), 2), atol=1e-5)
    np.testing.assert_allclose(taken["b"], package_map(5, ("relu2",), 2, method=LayerCAM), atol=1e-5)


def test_a_contrast_is_explained_on_both_sides() -> None:
    app = open_sides(img="5", target="6", minus="2", a="manual;layers=conv2", b="package;layers=conv2")
    cells = captum_signed(5, "conv2", lambda logits: logits[:, 6] - logits[:, 2]).clip(min=0)
    once = enlarged(cells)
    taken = arrays(app)
    np.testing.assert_allclose(taken["a"], once, atol=1e-4)
    np.testing.assert_allclose(taken["b"], (once - once.min()) / (once.max() - once.min()), atol=1e-4)
    assert "rather than bird" in captions(app)


# Section: the widgets of a side

FIXED = set(xl.CamSettings().as_dict()) - {"layers", "variant"}


def test_every_setting_has_a_widget_on_either_side_and_what_the_package_fixes_cannot_be_changed(notebook: OpenedPage) -> None:
    manual, package = side_controls(notebook, "a"), side_controls(notebook, "b")
    assert set(manual) == set(package) == {"program", "layers", "variant"} | FIXED
    assert not [name for name, widget in manual.items() if widget.disabled]
    assert {name for name, widget in package.items() if widget.disabled} == FIXED
    assert {name: package[name].value for name in FIXED} == {
        name: value for name, value in xl.package_settings(STUDY_LAYERS).as_dict().items() if name in FIXED
    }
    assert "The package fixes everything except layers and variant" in captions(notebook)


def test_each_change_of_a_setting_is_in_the_address_and_on_the_page() -> None:
    app = open_sides(a="manual", b="package")
    app.multiselect(key="a.layers").select("conv1").run()
    assert side_query(app)[0] == "manual;layers=conv1"
    app.selectbox(key="a.variant").select("hirescam").run()
    app.selectbox(key="a.channel_reduction").select("mean").run()
    app.toggle(key="a.relu").set_value(False).run()
    app.selectbox(key="a.scale_over").select("none").run()
    app.number_input(key="a.epsilon").set_value(0.25).run()
    app.selectbox(key="a.resize").select("nearest").run()
    app.number_input(key="a.exponent").set_value(2.0).run()
    app.multiselect(key="b.layers").select("conv1").run()
    app.selectbox(key="b.variant").select("layercam").run()
    assert side_query(app) == (
        "manual;layers=conv1;variant=hirescam;channel_reduction=mean;relu=false;scale_over=none;epsilon=0.25;"
        "resize=nearest;exponent=2.0",
        "package;layers=conv1;variant=layercam",
    )
    app.number_input(key="a.epsilon").set_value(None).run()  # emptied, it keeps the setting
    assert "epsilon=0.25;" in side_query(app)[0]
    assert "Layer conv1: mean over channels, not scaled, enlarged cell by cell, to the power 2." in captions(app)
    app.toggle(key="a.subtract_minimum").set_value(True).run()
    app.toggle(key="a.rescale_after_merge").set_value(True).run()
    app.toggle(key="a.inplace_overwrites").set_value(True).run()
    assert side_query(app)[0] == (
        "manual;layers=conv1;variant=hirescam;inplace_overwrites=true;channel_reduction=mean;relu=false;scale_over=none;"
        "subtract_minimum=true;epsilon=0.25;resize=nearest;rescale_after_merge=true;exponent=2.0"
    )


def test_a_side_without_layers_follows_the_pages_layer() -> None:
    app = open_sides(a="manual;layers=conv1", b="package")
    app.multiselect(key="a.layers").unselect("conv1").run()
    assert side_query(app)[0] == "manual"
    assert captions(app).count("Layer conv2: ") == 2


def test_the_package_takes_over_layers_and_variant_and_the_manual_program_all_its_settings() -> None:
    app = open_sides(a="manual;layers=conv1,conv2;variant=layercam;relu=false;exponent=2.0")
    app.segmented_control(key="a.program").select("package").run()
    assert side_query(app)[0] == "package;layers=conv1,conv2;variant=layercam"
    assert app.toggle(key="a.relu").disabled
    app.segmented_control(key="a.program").select("manual").run()
    assert side_query(app)[0] == (
        "manual;layers=conv1,conv2;variant=layercam;inplace_overwrites=true;subtract_minimum=true;epsilon=1e-07;"
        "rescale_after_merge=true"
    )
    assert not app.toggle(key="a.relu").disabled
    np.testing.assert_allclose(arrays(app)["a"], package_map(3, ("conv1", "conv2"), predicted(3), method=LayerCAM), atol=1e-5)


def test_a_swap_exchanges_the_sides_and_turns_the_difference_around() -> None:
    app = open_sides(img="5", a="manual;layers=conv1", b="package;layers=relu2")
    before = arrays(app)
    press(app, "Swap a and b")
    assert side_query(app) == ("package;layers=relu2", "manual;layers=conv1")
    after = arrays(app)
    np.testing.assert_array_equal(after["a"], before["b"])
    np.testing.assert_array_equal(after["difference"], -before["difference"])


# Section: what cannot be compared


def test_maps_of_two_sizes_are_shown_and_the_page_says_why_they_are_not_subtracted() -> None:
    app = open_sides(img="5", target="2", a="manual;layers=conv2;resize=none", b="manual;layers=conv2")
    assert "a has 10 × 10 cells and b 32 × 32, so they cannot be subtracted." in app.info[0].value
    assert not app.metric
    cells = signed("conv2").clip(min=0)
    np.testing.assert_allclose(values_of(app, "map-a"), cells / cells.max(), atol=1e-5)
    assert values_of(app, "map-b").shape == (32, 32)
    assert "a: Layer conv2: sum over channels" in captions(app)


def test_two_maps_on_one_grid_are_compared_on_it() -> None:
    app = open_sides(img="5", target="2", a="manual;layers=conv2;resize=none", b="manual;layers=relu2;resize=none")
    assert not app.info
    a, b = (by_maximum(signed(layer).clip(min=0)) for layer in ("conv2", "relu2"))
    assert numbers(app)["Mean |b − a|"] == pytest.approx(np.abs(b - a).mean(), abs=6e-5)
    assert metrics(app)["SSIM"] == "not defined"  # a window of 11 does not fit


def test_layers_of_unlike_grids_without_enlarging_are_a_sentence_and_the_controls_stay() -> None:
    app = open_sides(a="manual;layers=conv1,conv2;resize=none")
    assert "'none' leaves grids of 28 x 28 and 10 x 10" in app.error[0].value
    app.selectbox(key="a.resize").select("nearest").run()
    assert not app.error
    assert len(app.metric) == 7


def test_equal_sides_agree_and_their_difference_is_said_to_be_zero() -> None:
    app = open_sides(a="manual;layers=conv2", b="manual;layers=conv2")
    found = numbers(app)
    assert [found[name] for name in METRIC_NAMES] == [0, 0, 0, 1, 1, 1, 1]
    badges = {name: panel.head["badge"] for name, panel in panels(app).items() if panel.head["badge"]}
    assert badges == dict.fromkeys(("map-signed", "map-size"), "Zero everywhere: the two maps are the same.")
    assert any("configured alike. Their maps agree in every digit: no pixel differs." in text.value for text in app.markdown)
    assert not [shown for shown in elements(app, "plotly_chart") if shown.proto.id.endswith("-waterfall")]


def test_a_zero_map_is_said_and_what_is_not_defined_is_no_number() -> None:
    app = open_sides(img="49", target="2", layer="relu1", a="manual", b="manual;layers=conv1")
    assert not captum_signed(49, "relu1", logit(2)).clip(min=0).any()
    assert "in this layer the weighted sum is nowhere above zero" in panels(app)["map-a"].head["badge"]
    found = metrics(app)
    assert (found["Pearson"], found["Spearman"]) == ("not defined", "not defined")
    other = enlarged(captum_signed(49, "conv1", logit(2)).clip(min=0))
    assert float(found["Mean |b − a|"]) == pytest.approx(other.mean(), abs=6e-5)
    settings = json.loads(download(app, "Settings (JSON)"))
    assert (settings["comparison"]["pearson"], settings["comparison"]["mae"]) == (None, pytest.approx(other.mean(), abs=1e-5))


@pytest.fixture(scope="module")
def stand_in() -> OpenedPage:
    """The study's two programs on a network without the layers that they name."""
    return open_sides(model="resnet20")


def test_a_model_without_the_studys_layers_is_compared_on_a_shared_layer(stand_in: OpenedPage) -> None:
    assert (
        "The study's calls name layers that resnet20 does not have (relu2, pool1, conv2): "
        "both programs use one shared layer instead, layer3.2.conv2."
    ) in unescaped(captions(stand_in))
    assert "Layer layer3.2.conv2: sum over channels" in captions(stand_in)
    taken = arrays(stand_in)
    expected = package_map(3, ("layer3.2.conv2",), predicted(3, "resnet20"), name="resnet20")
    np.testing.assert_allclose(taken["b"], expected, atol=1e-4)


def test_what_stands_in_for_the_studys_sides_is_shown_as_chosen_and_stays_out_of_the_address(stand_in: OpenedPage) -> None:
    assert not stand_in.info
    assert stand_in.segmented_control(key="setup").value == "shared"
    assert query(stand_in) == {"model": "resnet20"}


def test_a_setting_is_changed_of_the_sides_that_are_shown() -> None:
    app = open_sides(model="resnet20")
    side_controls(app, "a")["relu"].set_value(False).run()
    assert side_query(app) == ("manual;relu=false", "package")
    assert "resnet20 lacks" not in captions(app)


def test_a_step_to_another_layer_starts_from_the_sides_that_are_shown() -> None:
    app = open_sides(model="resnet20")
    press(app, "Layer before")
    assert side_query(app) == ("manual;layers=layer3.2.relu1", "package;layers=layer3.2.relu1")


OWN_SIDES = {
    "a side that names the layer": (
        "manual;relu=false;layers=conv9",
        "package",
        "The two sides name a layer that resnet20 does not have (conv9): both are of layer3.2.conv2, the layer chosen here.",
    ),
    "a side that names others too": (
        "manual;layers=layer1.0.conv1",
        "package;layers=conv9,layer1.0.conv1",
        "The two sides name a layer that resnet20 does not have (conv9): they use the other layers that they name.",
    ),
    "one side of several layers": (
        "manual;layers=layer1.0.conv1",
        "package;layers=conv8,conv9",
        "The two sides name layers that resnet20 does not have (conv8, conv9): side b is of layer3.2.conv2, the layer chosen "
        "here.",
    ),
}


@pytest.mark.parametrize(("a", "b", "sentence"), OWN_SIDES.values(), ids=OWN_SIDES.keys())
def test_sides_of_ones_own_lose_only_the_layers_that_the_model_lacks(a: str, b: str, sentence: str) -> None:
    app = open_sides(model="resnet20", a=a, b=b)
    assert sentence in unescaped(captions(app))
    assert side_controls(app, "a")["relu"].value is ("relu=false" not in a)
    assert side_query(app) == (a, b)


# Section: metrics, histogram, flicker, pointer

METRIC_NAMES = ("Mean |b − a|", "RMS of b − a", "Largest |b − a|", "Pearson", "Spearman", "SSIM", "IoU, top 20 %")
WAYS = (*["lower is closer, 0 equal"] * 3, *["higher is closer, 1 equal"] * 4)


def test_every_metric_says_which_way_is_better(notebook: OpenedPage) -> None:
    assert tuple(metric.label for metric in notebook.metric) == METRIC_NAMES
    said = [caption.value.rsplit("\n", 1)[-1].strip() for caption in notebook.caption if " is closer, " in caption.value]
    assert tuple(said) == WAYS
    helps = [metric.proto.help for metric in notebook.metric]
    assert all(way.capitalize() in text for way, text in zip(WAYS, helps, strict=True))


def test_every_metric_is_what_other_programs_find(notebook: OpenedPage) -> None:
    a = study_manual_map(2).astype(np.float64)
    b = package_map(2, STUDY_LAYERS, predicted(2)).astype(np.float64)
    brightest = [set(np.argsort(-one.ravel(), kind="stable")[:205]) for one in (a, b)]
    expected = {
        "Mean |b − a|": np.abs(b - a).mean(),
        "RMS of b − a": np.sqrt(((b - a) ** 2).mean()),
        "Largest |b − a|": np.abs(b - a).max(),
        "Pearson": pearsonr(a.ravel(), b.ravel())[0],
        "Spearman": spearmanr(a.ravel(), b.ravel())[0],
        "SSIM": structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
        "IoU, top 20 %": len(brightest[0] & brightest[1]) / len(brightest[0] | brightest[1]),
    }
    assert numbers(notebook) == pytest.approx(expected, abs=1e-4)


def test_the_histogram_counts_every_pixel_once(notebook: OpenedPage) -> None:
    trace = chart(notebook, "histogram")
    assert np.sum(trace["y"]) == 1024
    difference = package_map(2, STUDY_LAYERS, predicted(2)) - study_manual_map(2)
    middle = len(trace["y"]) // 2
    edge = trace["customdata"][middle]
    assert edge[0] == pytest.approx(-edge[1])
    within = int((np.abs(difference) < edge[1]).sum())
    assert abs(trace["y"][middle] - within) <= 2  # a pixel on the edge may fall on either side
    assert abs(np.sum(trace["y"][middle + 1 :]) - int((difference > edge[1]).sum())) <= 2


def test_under_the_pointer_stand_both_maps_and_their_difference(notebook: OpenedPage) -> None:
    taken, sent = arrays(notebook), panels(notebook)
    labels = {"map-a": "a", "map-b": "b", "map-signed": "b − a", "map-size": "|b − a|"}
    assert {name: sent[name].head["label"] for name in labels} == labels
    assert len({sent[name].head["place"] for name in ("picture", *labels)}) == 1
    for name, key in {"a": "map-a", "b": "map-b", "difference": "map-signed"}.items():
        np.testing.assert_array_equal(sent[key].values, taken[name])
    np.testing.assert_array_equal(sent["map-size"].values, np.abs(taken["difference"]))


def test_both_maps_share_one_scale_and_the_difference_is_symmetric(notebook: OpenedPage) -> None:
    sent = panels(notebook)
    assert [(sent[key].head["top"], sent[key].drawing.signed) for key in ("map-a", "map-b")] == [(1, False), (1, False)]
    largest = float(np.abs(arrays(notebook)["difference"]).max())
    assert [(sent[key].head["top"], sent[key].drawing.signed) for key in ("map-signed", "map-size")] == [
        (pytest.approx(largest), True),
        (pytest.approx(largest), False),
    ]
    assert all(sent[key].head["bar"] for key in ("map-a", "map-b", "map-signed", "map-size"))


def test_maps_that_go_below_zero_share_a_symmetric_scale() -> None:
    app = open_sides(img="5", a="manual;layers=conv2;relu=false;scale_over=none", b="manual;layers=conv2;scale_over=none")
    values = large(signed("conv2", target=predicted(5)))
    reach = np.abs(values).max()
    assert values.min() < 0
    for key in ("map-a", "map-b"):
        sent = panels(app)[key]
        assert sent.drawing.signed
        assert sent.head["top"] == pytest.approx(reach, rel=1e-4)


def test_flicker_shows_both_maps_in_one_place_on_request() -> None:
    app = open_sides(img="2")
    assert "flicker" not in panels(app)
    app.toggle(key="flicker").set_value(True).run()
    assert query(app)["flicker"] == "on"
    shown, taken = panels(app)["flicker"], arrays(app)
    assert (shown.head["title"], shown.head["turn_title"]) == ("a · manual Grad-CAM", "b · package grad-cam")
    assert shown.head["alt"] == "a · manual Grad-CAM and b · package grad-cam in turn"
    np.testing.assert_array_equal(shown.values, taken["a"])
    np.testing.assert_array_equal(shown.turn, taken["b"])


def test_the_picture_on_the_page_has_the_pixels_of_the_data_set(notebook: OpenedPage) -> None:
    shown = picture(notebook, "Test image 2")
    np.testing.assert_array_equal(shown, squares(pixels()[2], len(shown)))


# Section: downloads and the snippet

OWN = {
    "img": "18",
    "model": "tutorial",
    "target": "6",
    "minus": "2",
    "score": "probability",
    "a": "manual;layers=conv1,relu2;relu=false;scale_over=batch;exponent=2.0",
    "b": "package;layers=pool1;variant=layercam",
}


@pytest.fixture(scope="module")
def own() -> OpenedPage:
    return open_sides(**OWN)


@pytest.fixture(params=["notebook", "own"])
def pair(request: pytest.FixtureRequest) -> OpenedPage:
    opened: OpenedPage = request.getfixturevalue(request.param)
    return opened


def test_the_python_on_the_page_prints_the_mean_difference_of_the_page(pair: OpenedPage) -> None:
    made, printed = run_code(pair.code[0].value)
    mean, *causes = printed.splitlines()
    assert mean == pair.metric[0].value
    assert sum(float(line.split(": ")[1]) for line in causes) == pytest.approx(float(mean), abs=1e-3)
    taken = arrays(pair)
    for name, letter in {"map_a": "a", "map_b": "b"}.items():
        np.testing.assert_allclose(made[name], taken[letter], atol=1e-6)


def test_the_downloaded_maps_are_those_on_the_page(pair: OpenedPage) -> None:
    taken = arrays(pair)
    causes = {name for name in taken if name.startswith("cause_")}
    assert set(taken) - causes == {"a", "b", "difference", "picture"}
    np.testing.assert_allclose(sum(taken[name] for name in causes), taken["difference"], atol=2e-6)
    for name, key in {"a": "map-a", "b": "map-b", "difference": "map-signed"}.items():
        np.testing.assert_array_equal(taken[name], values_of(pair, key))
        assert taken[name].dtype == np.float32
    np.testing.assert_array_equal(taken["difference"], taken["b"] - taken["a"])
    np.testing.assert_array_equal(taken["picture"], pixels()[int(query(pair)["img"])])


def test_the_downloaded_picture_has_both_maps_side_by_side(notebook: OpenedPage) -> None:
    both, taken = pixels_of(download(notebook, "Picture (PNG)")), arrays(notebook)
    height, width = both.shape[:2]
    assert width == 2 * height
    for half, name in ((both[:, :height], "a"), (both[:, height:], "b")):
        brightness = cv2.resize(half, (32, 32), interpolation=cv2.INTER_NEAREST_EXACT).astype(int).sum(2)
        assert spearmanr(brightness.ravel(), np.rint(taken[name] * 255).ravel())[0] > 0.99  # in magma larger is brighter


def test_the_downloaded_settings_hold_both_sides_with_every_setting(own: OpenedPage) -> None:
    settings = json.loads(download(own, "Settings (JSON)"))
    assert settings["address"] == query(own)
    assert settings["target"] == {"index": 6, "minus": 2, "sign": 1, "score": "probability", "class": "frog"}
    assert settings["a"] == {
        "program": "manual",
        **xl.CamSettings(layers=("conv1", "relu2"), relu=False, scale_over="batch", exponent=2.0).as_dict(),
        "layers": ["conv1", "relu2"],
    }
    assert (settings["b"]["program"], settings["b"]["layers"]) == ("package", ["pool1"])
    assert settings["b"]["rescale_after_merge"] is True
    assert sum(settings["causes"].values()) == pytest.approx(settings["comparison"]["mae"], abs=1e-6)
    assert tuple(settings["comparison"]) == ("mae", "rmse", "max_abs", "pearson", "spearman", "ssim", "iou")
    assert list(settings["comparison"].values()) == pytest.approx(list(numbers(own).values()), abs=6e-5)


def test_every_map_and_chart_has_words_for_those_who_do_not_see_it(notebook: OpenedPage) -> None:
    words = [*alts(notebook), *chart_alts(notebook)]
    assert len(words) >= 10
    assert all(words)
    peak = np.unravel_index(int(study_manual_map(2).argmax()), (32, 32))
    assert f"peak at row {peak[0]}, column {peak[1]}, counted from 0" in panels(notebook)["map-a"].head["alt"]
