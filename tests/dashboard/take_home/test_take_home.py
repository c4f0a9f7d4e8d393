"""What a person takes home, as functions: files and Python."""

import io
import json
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import pytest
from independent_maps import captum_signed, drawn, logit, package_map, pixels, predicted, study_manual_map
from numpy.typing import NDArray
from opened_page import run_code

import explain_lib as xl
from dashboard.view.page_files import PageFiles
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import make_scene
from dashboard.view.view import View
from explain_lib.take_home.snippet import DrawnMap, Explained, comparison_snippet, maps_snippet

# Section: files


def files_of(view: View, arrays: Mapping[str, NDArray[np.float32] | NDArray[np.uint8]], **details: object) -> PageFiles:
    cache = xl.shared_cache()
    scene = make_scene(view, CifarImages(cache), cache)
    return PageFiles(scene, "name", picture=bytes, arrays=arrays, details=details, snippet=str)


def test_arrays_are_kept_with_their_names_types_and_numbers() -> None:
    given = {"map": np.array([[0, 0.1], [1e-30, 7]], np.float32), "picture": np.arange(12, dtype=np.uint8).reshape(2, 2, 3)}
    with np.load(io.BytesIO(files_of(View(), given).arrays_file()), allow_pickle=False) as file:
        assert set(file) == set(given)
        for name, values in given.items():
            np.testing.assert_array_equal(file[name], values)
            assert file[name].dtype == values.dtype


def test_settings_hold_address_model_target_details_and_versions() -> None:
    view, model = View(image=17, model="tutorial", target=4, minus=2), xl.load_model("tutorial")
    content = json.loads(files_of(view, {}, layer="conv1", grid=(28, 28)).settings_file())
    assert content == {
        "address": {"img": "17", "model": "tutorial", "target": "4", "minus": "2"},
        "model": {"name": "tutorial", "digest": model.digest, "mean": list(model.mean), "std": list(model.std)},
        "image": 17,
        "target": {"index": 4, "minus": 2, "sign": 1, "score": "logit", "class": "deer"},
        "layer": "conv1",
        "grid": [28, 28],
        "versions": {name: version(name) for name in ("torch", "numpy", "grad-cam", "opencv-python-headless", "streamlit")},
    }


# Section: Python

PIXELS = "pixels = xl.load_cifar10().pixels\n"


def explained(image: int, target: xl.Target, words: str = "words") -> Explained:
    return Explained('xl.load_model("captum-tutorial")', PIXELS, image, target, words)


def test_the_explorers_python_computes_captums_map_and_draws_it() -> None:
    drawing = xl.Drawing("viridis", 0.8)
    cells = captum_signed(5, "conv2", logit(6)).clip(min=0)
    shown = DrawnMap(explained(5, xl.Target(6)), "conv2", (10, 10), drawing, float(cells.max()), "frog")
    code = maps_snippet([shown], 320)
    names, _ = run_code(code)
    np.testing.assert_allclose(names["values"], cells, rtol=1e-4, atol=1e-6)
    expected = drawn(pixels()[5], cells, 320, "viridis", 0.8)
    assert np.abs(names["picture"].astype(int) - expected).max() <= 4


def test_the_explorers_python_keeps_a_contrast_against_in_probability_and_the_sign() -> None:
    target = xl.Target(6, minus=2, sign=-1, score="probability")
    shown = DrawnMap(explained(5, target), "conv1", (28, 28), xl.Drawing(signed=True), 1.0, "frog")
    names, _ = run_code(maps_snippet([shown], 64))
    expected = captum_signed(5, "conv1", lambda logits: logits.softmax(1)[:, 2] - logits.softmax(1)[:, 6])
    np.testing.assert_allclose(names["values"], expected, atol=1e-4 * np.abs(expected).max())


def test_defaults_are_left_out_of_the_python() -> None:
    shown = DrawnMap(explained(3, xl.Target(8), "ship, logit"), "conv2", (10, 10), xl.Drawing(), 0.5, "ship")
    code = maps_snippet([shown], 352)
    assert "target = xl.Target(index=8)  # ship, logit\n" in code
    assert "drawing = xl.Drawing()\n" in code
    assert "image 3" not in code
    assert "pixels[3 : 3 + 1]" in code


def test_the_python_of_two_sides_prints_the_mean_difference_of_the_studys_two_programs() -> None:
    sides, batch = (View().a, View().b), slice(16, 20)
    code = comparison_snippet(
        explained(18, xl.Target(predicted(18))), *sides, batch, "the notebook's batch of four", causes=True
    )
    names, printed = run_code(code)
    package = package_map(18, ("conv1", "relu1", "pool1", "conv2", "relu2"), predicted(18))
    assert float(printed.splitlines()[0]) == pytest.approx(np.abs(package - study_manual_map(18)).mean(), abs=6e-5)
    np.testing.assert_allclose(names["map_b"], package, atol=1e-5)


def test_any_text_in_the_name_of_a_layer_is_quoted() -> None:
    side = xl.Configuration("manual", xl.CamSettings(layers=('a"b', "c'd")))
    code = comparison_snippet(explained(3, xl.Target(0)), side, side, slice(3, 4), "the image alone", causes=True)
    made = next(line for line in code.splitlines() if line.startswith("a = "))
    names: dict[str, object] = {"xl": xl}
    exec(made, names)
    assert names["a"] == side
