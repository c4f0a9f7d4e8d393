"""Second opinions on the disagreement page: the package's other methods, one press to compare, and what the cells add up to."""

import copy
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from independent_maps import batch, by_hand, captum_signed, logit, package_map, pixels, plus_plus_sentence, predicted, squares
from matplotlib import colormaps
from numpy.typing import NDArray
from opened_page import OpenedPage, alts, arrays, captions, metrics, open_folded, picture, query, texts, unescaped, warnings
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from scipy.stats import spearmanr
from staged import panels, values_of
from streamlit.testing.v1 import AppTest

import explain_lib as xl
from dashboard.topics.sides.second_opinions import package_warning, pair_numbers

Map = NDArray[np.float32]
METHODS = {"Grad-CAM": GradCAM, "HiResCAM": HiResCAM, "LayerCAM": LayerCAM, "Grad-CAM++": GradCAMPlusPlus}


def open_opinions(**address: str) -> OpenedPage:
    """The disagreement page with its last section unfolded by the address: a layer is picked for it."""
    return open_folded("disagreement", **{"opinion": "relu2", **address})


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_opinions(img="5", target="2")


def unfold(**address: str) -> OpenedPage:
    """The page without a picked layer, its section unfolded by hand."""
    app = open_folded("disagreement", **address)
    app.session_state["opinions"] = True
    app.run()
    assert not app.exception
    return app


def comparisons(app: AppTest) -> list[str]:
    """The methods that a button compares with Grad-CAM."""
    return [button.label for button in app.button if (button.key or "").startswith("compare-")]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def table(app: AppTest) -> dict[str, list[float]]:
    """The rows of the table of pairs."""
    (text,) = [block.value for block in app.markdown if block.value.startswith("| methods |")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name: [number(cell) for cell in cells] for name, *cells in rows}


# Section: folded


def test_the_section_is_folded_and_nothing_of_it_computed_until_it_is_asked_for() -> None:
    app = open_folded("disagreement")
    assert not comparisons(app)
    assert "opinion" not in {box.key for box in app.selectbox}
    assert "add up to" not in texts(app)


@pytest.mark.parametrize(
    "address",
    [{"opinion": "conv1"}, {"b": "package;layers=conv2;variant=hirescam"}, {"a": "manual;layers=conv2;variant=layercam"}],
    ids=["a layer is picked", "b is another method", "a is another method"],
)
def test_the_address_unfolds_it(address: dict[str, str]) -> None:
    app = open_folded("disagreement", **address)
    assert comparisons(app) == ["HiResCAM", "LayerCAM", "Grad-CAM++"]


# Section: the package's maps


def in_magma(values: Map, side: int) -> NDArray[np.uint8]:
    colours = np.rint(colormaps["magma"](np.rint(values * 255).astype(int))[..., :3] * 255).astype(np.uint8)
    return squares(colours, side)


def test_each_picture_is_the_packages_own_map_beside_the_image(opened: OpenedPage) -> None:
    image = picture(opened, "Test image 5, true class frog, 32 by 32 pixels, beside the methods' maps")
    np.testing.assert_array_equal(image, squares(pixels()[5], len(image)))
    for name, method in METHODS.items():
        right = package_map(5, ("relu2",), 2, method=method)
        row, column = np.unravel_index(int(right.argmax()), right.shape)
        shown = picture(opened, f"{name} by the package at relu2: peak at row {row}, column {column}, counted from 0")
        assert np.abs(shown.astype(int) - in_magma(right, len(shown)).astype(int)).max() <= 4


def test_without_a_picked_layer_the_methods_are_asked_at_the_last_layer_of_side_b(opened: OpenedPage) -> None:
    app = unfold(img="5", target="2")
    for name in METHODS:
        start = f"{name} by the package at relu2:"
        np.testing.assert_array_equal(picture(app, start), picture(opened, start))
    assert "Layer relu2, 10 × 10 cells" in unescaped(captions(app))


def test_the_table_has_what_scipy_and_numpy_find_for_every_two_methods(opened: OpenedPage) -> None:
    maps = {name: package_map(5, ("relu2",), 2, method=method).astype(np.float64) for name, method in METHODS.items()}
    found = table(opened)
    assert len(found) == 6
    for first, second in combinations(METHODS, 2):
        a, b = maps[first], maps[second]
        top = [set(np.argsort(-one.ravel(), kind="stable")[:205]) for one in (a, b)]
        expected = [spearmanr(a.ravel(), b.ravel())[0], np.abs(a - b).mean(), len(top[0] & top[1]) / len(top[0] | top[1])]
        # three, four and three digits are shown
        assert found[f"{first} and {second}"] == pytest.approx(expected, abs=6e-4)


def test_a_contrast_is_what_the_methods_explain_too() -> None:
    app = open_opinions(img="5", target="6", minus="2", evidence="against")
    network = copy.deepcopy(xl.load_model("captum-tutorial").network)
    with LayerCAM(network, [network.relu2]) as cam:
        right = cam(batch("captum-tutorial", slice(5, 6)), [lambda logits: logits[2] - logits[6]])[0]
    shown = picture(app, "LayerCAM by the package")
    assert np.abs(shown.astype(int) - in_magma(right, len(shown)).astype(int)).max() <= 4


def test_a_layer_is_picked_and_is_in_the_address() -> None:
    app = open_opinions(img="5", target="2")
    app.selectbox(key="opinion").select("conv1").run()
    assert query(app)["opinion"] == "conv1"
    assert "HiResCAM by the package at conv1" in "\n".join(alts(app))
    app.selectbox(key="opinion").select("").run()
    assert "opinion" not in query(app)


def test_a_layer_that_the_model_lacks_is_ignored_and_said() -> None:
    app = open_opinions(opinion="conv9")
    assert "opinion=conv9: the layers with a grid are conv1" in unescaped(app.warning[0].value)


def test_grad_cam_plus_plus_before_a_relu_is_warned_of_and_after_it_is_not(opened: OpenedPage) -> None:
    app = open_opinions(img="5", target="2", opinion="conv2")
    assert warnings(app) == plus_plus_sentence([5], "conv2", 2, "relu2", "image 5")
    assert warnings(opened) == ""


# Section: one press to compare


def test_one_press_puts_grad_cam_and_the_method_on_the_two_sides() -> None:
    variant, name = "grad-cam++", "Grad-CAM++"
    app = open_opinions(img="5", target="2")
    app.button(key=f"compare-{variant}").click().run()
    assert not app.exception
    assert (query(app)["a"], query(app)["b"]) == ("package;layers=relu2", f"package;layers=relu2;variant={variant}")
    taken = arrays(app)
    np.testing.assert_allclose(taken["a"], package_map(5, ("relu2",), 2), atol=1e-5)
    np.testing.assert_allclose(taken["b"], package_map(5, ("relu2",), 2, method=METHODS[name]), atol=1e-5)
    np.testing.assert_array_equal(values_of(app, "map-b"), taken["b"])
    assert {key for key in taken if key.startswith("cause_")} == {"cause_variant"}
    shown = metrics(app)
    spearman, mean, overlap = table(app)[f"Grad-CAM and {name}"]
    expected = (float(shown["Spearman"]), float(shown["Mean |b − a|"]), float(shown["IoU, top 20 %"]))
    assert (spearman, mean, overlap) == pytest.approx(expected, abs=6e-4)


# Section: the sum of the cells


def biases_after(image: int, index: int) -> float:
    """What the last layers' biases add to a logit of the tutorial network, from `backward` on a copy."""
    network = copy.deepcopy(xl.load_model("captum-tutorial").network)
    network(batch("captum-tutorial", slice(image, image + 1)))[0, index].backward()
    later = [getattr(network, name).bias for name in ("fc1", "fc2", "fc3")]
    return float(sum((bias.detach() @ bias.grad) for bias in later))


def test_the_numbers_are_those_of_a_hook_and_of_captum(opened: OpenedPage) -> None:
    right = by_hand(5, "relu2", logit(2))
    hirescam = (right.activation * right.gradient).sum(0)
    grad_cam = captum_signed(5, "relu2", logit(2))
    shown = metrics(opened)
    assert number(shown["HiResCAM's cells"]) == pytest.approx(hirescam.sum(), abs=6e-4)
    assert number(shown["+ biases after the layer"]) == pytest.approx(biases_after(5, 2), abs=6e-4)
    assert number(shown["= logit"]) == pytest.approx(right.score, abs=6e-4)
    assert number(shown["Grad-CAM's cells"]) == pytest.approx(grad_cam.sum(), abs=6e-4)
    assert "+ past the layer" not in shown
    np.testing.assert_allclose(values_of(opened, "sum-hirescam"), hirescam, atol=1e-5)
    np.testing.assert_allclose(values_of(opened, "sum-grad-cam"), grad_cam, atol=1e-5)
    np.testing.assert_allclose(values_of(opened, "sum-averaged"), grad_cam - hirescam, atol=1e-5)
    turned = int((np.sign(grad_cam) * np.sign(hirescam) < 0).sum())
    assert turned > 1
    assert f"Of 100 cells, {turned} turned their sign." in captions(opened)
    assert f"in {turned} % of the cells it turned the sign" in texts(opened)


def test_the_three_maps_share_one_diverging_scale_and_say_their_cells(opened: OpenedPage) -> None:
    sent = [panels(opened)[name] for name in ("sum-hirescam", "sum-grad-cam", "sum-averaged")]
    reach = max(float(np.abs(panel.values).max()) for panel in sent)
    assert [(panel.head["top"], panel.drawing.signed, panel.head["bar"]) for panel in sent] == [(reach, True, True)] * 3
    assert len({panel.head["place"] for panel in (*sent, panels(opened)["map-a"])}) == 1  # the pointer links all of them
    words = [panel.head["alt"] for panel in sent]
    assert [text.split(":")[0] for text in words] == ["HiResCAM, signed", "Grad-CAM, signed", "Grad-CAM − HiResCAM"]
    assert all("10 by 10 cells" in text for text in words)


def test_what_a_shortcut_carries_is_a_number_of_its_own() -> None:
    app = open_opinions(model="resnet20", opinion="layer2.1.conv1", a="manual", b="package", img="5")
    shown = metrics(app)
    parts = sum(number(shown[name]) for name in ("HiResCAM's cells", "+ biases after the layer", "+ past the layer"))
    (logits,) = xl.load_model("resnet20").predict(pixels()[5:6])
    assert parts == pytest.approx(float(logits[predicted(5, "resnet20")]), abs=2e-3)
    assert number(shown["= logit"]) == pytest.approx(float(logits.max()), abs=6e-4)


def test_at_resnet20s_last_stage_the_page_says_that_the_maps_are_one() -> None:
    app = open_opinions(model="resnet20", opinion="layer3.2.relu2", a="manual", b="package", img="5")
    assert "Grad-CAM's map is HiResCAM's, cell by cell." in texts(app)
    assert metrics(app)["HiResCAM's cells"] == metrics(app)["Grad-CAM's cells"]


def test_a_probability_is_no_sum_and_the_page_says_so() -> None:
    app = open_opinions(score="probability", img="5")
    assert "A probability is not a sum of cells" in "\n".join(info.value for info in app.info)
    assert "HiResCAM's cells" not in metrics(app)
    assert comparisons(app) == ["HiResCAM", "LayerCAM", "Grad-CAM++"]


def test_a_layer_that_hands_on_its_input_has_no_sum_and_the_page_says_so() -> None:
    app = open_opinions(model="resnet20", opinion="layer1.0.shortcut", a="manual", b="package")
    assert "layer1.0.shortcut only passes its input on" in unescaped("\n".join(info.value for info in app.info))


def test_the_section_is_there_where_the_sides_cannot_be_subtracted() -> None:
    app = open_opinions(a="manual;layers=conv2;resize=none", b="manual;layers=conv2")
    assert "cannot be subtracted" in app.info[0].value
    assert "HiResCAM's cells" in metrics(app)


# Section: where the package is not to be believed


def test_the_package_is_said_to_be_wrong_where_an_in_place_operation_follows(random_model: Callable[[str], xl.Model]) -> None:
    model = random_model("vgg11")
    assert "features.0: an in-place operation overwrites the output" in (package_warning(model, "features.0") or "")
    assert package_warning(model, "features.1") is None


def test_the_package_is_said_to_be_unable_to_tell_calls_apart(random_model: Callable[[str], xl.Model]) -> None:
    model = random_model("resnet18")
    assert "layer1.0.relu#1: this module is called more than once" in (package_warning(model, "layer1.0.relu#1") or "")
    assert package_warning(model, "layer1.0.conv1") is None


def test_numbers_that_are_not_defined_are_words() -> None:
    varied, flat, broken = (np.array([[a, b]], np.float32) for a, b in ((0, 1), (0, 0), (0, np.nan)))
    assert pair_numbers(varied, flat)[0] == "not defined"
    assert pair_numbers(varied, broken) == ("not finite",) * 3
    assert pair_numbers(varied, varied) == ("1.000", "0.0000", "1.000")
