"""The bundled vision transformer, on every page: its layers, its map, and the rows that only a transformer has."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from opened_page import PAGES, errors, open_folded, open_page
from plain_torch import network_input
from staged import panels

import explain_lib as xl

MODEL, LAYER = "vit-tiny", "encoder.layers.encoder_layer_3"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
def test_every_page_stands_with_it(page: str) -> None:
    app = open_folded(page, model=MODEL)
    assert not app.exception
    assert errors(app) == ""


def test_its_layers_are_the_patches_the_blocks_and_the_last_that_reads_patches() -> None:
    names = xl.load_model(MODEL).main_layers
    assert names[2:4] == ("conv_proj", "encoder.layers.encoder_layer_0")
    assert names[-3:] == ("encoder.layers.encoder_layer_5.ln_1", "encoder.layers", "encoder")
    assert len(names) == 11


def test_the_map_of_a_block_is_that_of_plain_autograd() -> None:
    model, kept = xl.load_model(MODEL), []
    pixels = xl.load_cifar10().pixels[[13]]
    hook = model.network.get_submodule(LAYER).register_forward_hook(lambda *of: kept.append(of[2]))
    scores = model.network(network_input(model, pixels))[0]
    hook.remove()
    (gradient,) = torch.autograd.grad(scores.max(), kept[0])
    patches, weights = kept[0][0, 1:], gradient[0, 1:].mean(0)  # the first token is that of the class
    right = (patches @ weights).relu().reshape(8, 8).detach().numpy()
    values = panels(open_page("layer_explorer", model=MODEL, layer=LAYER, img="13"))["map"].values
    assert values is not None
    assert_allclose(values, right, atol=1e-6 * right.max(), rtol=1e-5)


def test_after_the_last_block_no_patch_counts() -> None:
    layers = ("encoder.layers", "encoder")
    cams = xl.grad_cam(xl.load_model(MODEL), xl.load_cifar10().pixels[:4], layers)
    assert not any(np.any(cams[layer].signed) for layer in layers)


def test_the_ladder_has_attention_rollout_and_legrad() -> None:
    names = {panel.head["title"] for panel in panels(open_page("layer_ladder", model=MODEL, img="13")).values()}
    assert any(name.startswith("Attention rollout") for name in names)
    assert any(name.startswith("LeGrad") for name in names)
