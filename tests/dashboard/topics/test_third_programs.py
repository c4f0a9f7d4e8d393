"""The disagreement page with torch-cam, Captum and Ultralytics as sides, and without them."""

import sys
from functools import partial

import numpy as np
import pytest
from opened_page import OpenedPage, arrays, captions, open_page, query, run_snippet, side_controls
from staged import panels, values_of

import explain_lib as xl
from explain_lib.cam.other_programs import third_opinion
from explain_lib.cam.settings import captum_settings, torch_cam_settings
from explain_lib.take_home.snippet import Explained, comparison_snippet

open_sides = partial(open_page, "disagreement")


@pytest.fixture(scope="module")
def both() -> OpenedPage:
    return open_sides(img="5", a="torch-cam;layers=conv2", b="captum;layers=relu2")


def test_both_programs_maps_are_shown_under_their_names(both: OpenedPage) -> None:
    model, pixels = xl.load_model("captum-tutorial"), xl.load_cifar10().pixels[5:6]
    a, b = third_opinion("torch-cam", model, pixels, "conv2")[0], third_opinion("captum", model, pixels, "relu2")[0]
    np.testing.assert_allclose(values_of(both, "map-a"), a, atol=1e-6)
    np.testing.assert_allclose(values_of(both, "map-b"), b, atol=1e-6)
    np.testing.assert_allclose(arrays(both)["difference"], b - a, atol=1e-6)
    assert [panels(both)[name].head["title"] for name in ("map-a", "map-b")] == ["a · torch-cam", "b · Captum"]


def test_every_step_of_both_is_in_words(both: OpenedPage) -> None:
    words = captions(both)
    assert "minus its minimum, divided by its maximum, enlarged bicubically (Pillow), to the power 2." in words
    assert "Layer relu2: sum over channels, not scaled, enlarged cell by cell." in words
    assert "torch-cam fixes everything except the layer" in words
    assert "Captum fixes everything except the layer" in words


def test_the_steps_of_ultralytics_and_where_it_differs_on_a_detector_are_in_words() -> None:
    app = open_sides(img="5", a="ultralytics;layers=conv2", b="manual;layers=conv2;variant=layercam")
    model, pixels = xl.load_model("captum-tutorial"), xl.load_cifar10().pixels[5:6]
    np.testing.assert_allclose(values_of(app, "map-a"), third_opinion("ultralytics", model, pixels, "conv2")[0], atol=1e-6)
    assert panels(app)["map-a"].head["title"] == "a · Ultralytics, layercam"
    words = captions(app)
    assert "Layer conv2: sum over channels, cut at zero, enlarged bilinearly (PyTorch), divided by its maximum." in words
    assert "the maximum over the three layers before the head" in words
    assert "the scaling of the map" in " ".join(one.value for one in app.markdown)


def test_all_but_program_and_layer_is_fixed(both: OpenedPage) -> None:
    for letter, layer in (("a", "conv2"), ("b", "relu2")):
        found = side_controls(both, letter)
        assert {name for name, widget in found.items() if not widget.disabled} == {"program", "layer"}
        assert found["layer"].value == layer
    assert (both.selectbox(key="a.resize").value, both.number_input(key="a.exponent").value) == ("pil-bicubic", 2.0)
    assert (both.selectbox(key="b.scale_over").value, both.toggle(key="b.relu").value) == ("none", False)


def test_the_layer_is_a_single_choice_that_can_be_left_to_the_page() -> None:
    app = open_sides(img="5", a="torch-cam;layers=conv2")
    app.selectbox(key="a.layer").select("conv1").run()
    assert query(app)["a"] == "torch-cam;layers=conv1"
    app.selectbox(key="a.layer").set_value(None).run()
    assert query(app)["a"] == "torch-cam"


def test_a_program_of_one_layer_takes_over_the_last_of_several_and_hands_its_settings_on() -> None:
    app = open_sides(img="5", a="package;layers=conv1,relu1;variant=layercam")
    app.segmented_control(key="a.program").select("captum").run()
    assert query(app)["a"] == "captum;layers=relu1"
    app.segmented_control(key="a.program").select("torch-cam").run()
    assert query(app)["a"] == "torch-cam;layers=relu1"
    app.segmented_control(key="a.program").select("manual").run()
    assert query(app)["a"] == (
        "manual;layers=relu1;inplace_overwrites=true;inplace_gradient=true;subtract_minimum=true;epsilon=1e-08;"
        "resize=pil-bicubic;exponent=2.0"
    )


def test_what_is_installed_is_on_offer() -> None:
    app = open_sides(img="5")
    offered = ["by hand", "grad-cam", "torch-cam", "Captum", "Ultralytics"]
    assert app.segmented_control(key="a.program").options == offered
    assert "can be compared too" not in captions(app)


def test_what_is_not_installed_is_left_out_and_the_page_says_how_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchcam", None)
    app = open_sides(img="5")
    assert app.segmented_control(key="a.program").options == ["by hand", "grad-cam", "Captum", "Ultralytics"]
    assert "torch-cam can be compared too, once it is installed: `pip install 'torchcam>=0.5,<0.6'`" in captions(app)


def test_an_address_of_a_program_that_is_not_installed_gives_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    app = open_sides(img="4321", a="captum;layers=conv1", b="manual")
    (error,) = app.error
    assert "captum is not installed in a version that fits" in error.value
    assert app.segmented_control(key="a.program").value == "captum"
    app.segmented_control(key="a.program").select("manual").run()
    assert not app.error


def test_several_layers_in_the_address_are_ignored_and_said() -> None:
    app = open_sides(img="5", a="torch-cam;layers=conv1,conv2")
    assert "one layer would be right, since torch-cam merges by the maximum" in app.warning[0].value.replace("\\", "")


def test_the_python_of_both_sides_computes_their_maps(both: OpenedPage) -> None:
    made, shown = run_snippet(both), arrays(both)
    np.testing.assert_array_equal(made["map_a"], shown["a"])
    np.testing.assert_array_equal(made["map_b"], shown["b"])


def test_the_python_names_the_programs() -> None:
    sides = xl.Configuration("torch-cam", torch_cam_settings(("conv2",))), xl.Configuration("captum", captum_settings(None))
    explained = Explained("model", "", 3, xl.Target(0), "words")
    code = comparison_snippet(explained, *sides, slice(3, 4), "the image alone", causes=True)
    assert "a = xl.Configuration(\"torch-cam\", xl.torch_cam_settings(('conv2',)))" in code
    assert 'b = xl.Configuration("captum", xl.captum_settings(None))' in code
