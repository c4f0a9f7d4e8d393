"""The layer to hook, on the ladder's page: the advice, its code, the choice of layers, and the work on request."""

from pathlib import Path

import numpy as np
import pytest
from independent_maps import captum_map, logit, predicted
from opened_page import buttons, captions, metrics, open_page, press, query, run_code, run_until, texts, unescaped, warnings

import explain_lib as xl

LADDER = Path(__file__).parents[4] / "checkpoints" / "captum-tutorial.ladder.npz"


def leads() -> dict[str, float]:
    """How much better conv2 is than conv1 over the first 500 images, by hand from the bundled file."""
    with np.load(LADDER) as file:
        conv1, conv2 = (file["names"].tolist().index(name) for name in ("conv1", "conv2"))
        single, insertion, deletion = (file[name][:500] for name in ("single_deletion", "insertion", "deletion"))
    road = (insertion[..., 2] - deletion[..., 2]) / 2
    by = {"single deletion": np.nan_to_num(single[..., 0]), "insertion": insertion[..., 0], "ROAD": road}
    return {name: float((values[:, conv2] - values[:, conv1]).mean()) for name, values in by.items()}


def test_the_page_says_which_layer_each_measure_prefers_where_they_disagree() -> None:
    app = open_page("layer_ladder")
    said, found = unescaped(texts(app)), leads()
    assert "The measures disagree: of 2 layers, over 500 images, none is near the best by all three" in said
    assert f"by single deletion conv2, ahead of conv1 by {found['single deletion']:.3f} [" in said
    assert f"by insertion conv1, ahead of conv2 by {-found['insertion']:.3f} [" in said
    assert f"by ROAD conv1, ahead of conv2 by {-found['ROAD']:.3f} [" in said
    assert metrics(app)["Layer to hook"] == "measures disagree"


@pytest.mark.parametrize("place", range(4), ids=["explain_lib", "grad-cam", "torch-cam", "Captum"])
def test_the_code_of_each_program_makes_the_map_of_the_picked_picture(place: int) -> None:
    app = open_page("layer_ladder", img="18")
    assert len(app.code) == 4
    names, _ = run_code(app.code[place].value)
    right = captum_map(18, "conv2", logit(predicted(18)))
    model = names["model"]
    assert isinstance(model, xl.Model)
    model.network.zero_grad()  # the package leaves gradients on the parameters
    np.testing.assert_allclose(np.asarray(names["values"]), right, rtol=0, atol=1e-6 * right.max())


def test_layers_are_chosen_for_both_ladders_and_the_advice() -> None:
    app = open_page("layer_ladder", sample="24")
    app.multiselect(key="layers").set_value(["relu2", "relu1"]).run()
    assert query(app)["layers"] == "relu1,relu2"
    assert "2 layers (relu1, relu2) on 24 images: the network has to see 3,024 pictures." in unescaped(captions(app))
    press(app, "Advise on 24 images")
    run_until(app, lambda: "24 images are too few to name the layer to hook" in texts(app))
    assert "Of 2 layers, on these 24 pictures" in texts(app)
    assert "Layer to hook" not in metrics(app)
    assert len(app.code) == 4
    assert "Measure 24 images" in buttons(app)


def test_an_estimate_stands_there_before_the_work_begins() -> None:
    app = open_page("layer_ladder", sample="31", layers="conv1,relu1")
    run_until(app, lambda: "That takes about" in captions(app))
    assert "Advise on 31 images" in buttons(app)


def test_layers_that_the_network_lacks_are_named() -> None:
    app = open_page("layer_ladder", layers="conv1,conv9")
    assert "layers=conv1,conv9: the layers with a grid are conv1, relu1, pool1, conv2, relu2, pool2." in warnings(app)
    assert app.multiselect(key="layers").value == []
