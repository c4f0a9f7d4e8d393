"""Whatever a network is made of, every public function gives the right map or a sentence, and leaves the network as it was."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
import torch
from module_kinds import KINDS, Built, random_network
from sample_networks import noise
from torch import Tensor, nn

import explain_lib as xl

SIDE = 16
HALF = (0.5, 0.5, 0.5)


def model_of(network: nn.Module) -> xl.Model | None:
    """The network as a model; None where it is refused in a sentence."""
    try:
        return xl.as_model(network.eval(), classes=("a", "b", "c"), input_size=(SIDE, SIDE), mean=HALF, std=HALF)
    except xl.ExplainError:
        return None


def by_autograd(network: nn.Module, pixels: np.ndarray, layer: str) -> np.ndarray | None:
    """The signed map of class 1 at a module that gives (N, C, h, w), by plain autograd; None without a gradient."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # before a later module writes to it

    handle = network.get_submodule(layer).register_forward_hook(keep)
    batch = ((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).requires_grad_()
    try:
        scores = network(batch)
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), kept[:1], allow_unused=True)
    if gradient is None:
        return None
    return (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).detach().float().numpy()


def check_map(model: xl.Model, pixels: np.ndarray, layer: str) -> None:
    """The map of a layer is that of plain autograd, as far as that can be had without help."""
    trace = next(one for one in model.layers if one.name == layer)
    try:
        found = xl.grad_cam(model, pixels, layer, 1)[layer].signed
    except xl.ExplainError:
        return
    if trace.layout is not None and trace.layout.is_plain and trace.name == trace.module:
        expected = by_autograd(model.network, pixels, layer)
        if expected is not None and np.isfinite(expected).all():
            np.testing.assert_allclose(found, expected, atol=2e-5 * max(1e-6, np.abs(expected).max()), rtol=0)


def ask(ask_for: Callable[[], object]) -> None:
    """Ask for something that may be refused in a sentence, and in no other way."""
    with suppress(xl.ExplainError):
        ask_for()


UNEQUAL = ("dropout always", "checkpointed again", "autocast")
"""Kinds for which plain autograd gives something else: another draw each time, no gradient at all, rounded numbers."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_module_is_explained_or_refused(kind: str) -> None:
    torch.manual_seed(0)
    model, pixels = model_of(Built([KINDS[kind](), nn.Tanh()])), noise(2, SIDE)
    if kind in ("broken", "not finite"):
        assert model is None
        return
    assert model is not None
    assert model.default_layer in model.spatial_layers
    if kind not in UNEQUAL:
        for layer in model.spatial_layers:
            check_map(model, pixels, layer)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(30))
def test_nothing_but_a_sentence_comes_from_any_public_function(seed: int) -> None:
    names, network = random_network(seed)
    ask(lambda: xl.check_up(network, input_size=(SIDE, SIDE), classes=3, mean=HALF, std=HALF))
    model, pixels = model_of(network), noise(2, SIDE)
    if model is None:
        return
    layer = model.default_layer
    if not any(name in names for name in UNEQUAL):
        check_map(model, pixels, layer)
    ask(lambda: xl.grad_cam(model, pixels))
    ask(lambda: xl.class_maps(model, pixels[0], layer))
    ask(lambda: xl.heatmap(model, pixels, xl.NOTEBOOK_MANUAL))
    ask(lambda: xl.heatmap(model, pixels, xl.CamSettings(layers=(layer,), placement="receptive-field")))
    ask(lambda: xl.package_grad_cam(model, pixels, layer))
    ask(lambda: xl.walkthrough(model, pixels[0]))
    ask(lambda: xl.channel_ablation(model, pixels[0], layer, 0))
    ask(lambda: xl.completeness(model, pixels[0], layer))
    ask(lambda: xl.contrast(model, pixels[0], layer, 0, 1))
    ask(lambda: xl.cell_centres(model, layer))
    ask(lambda: xl.decompose(model, pixels, 0, xl.CamSettings(layers=(layer,)), xl.package_settings((layer,))))
