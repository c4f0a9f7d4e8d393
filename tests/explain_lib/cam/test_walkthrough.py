"""Every number on the way to a Grad-CAM map: on paper, and beside plain autograd with hooks of the test's own."""

from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from plain_torch import network_input
from sample_networks import Models, Repeated, model_of, noise, seeded
from torch import Tensor, nn

import explain_lib as xl

CLOSE = {"atol": 1e-6, "rtol": 1e-6}
CASES = [
    ("captum-tutorial", "conv1"),
    ("captum-tutorial", "relu1"),
    ("captum-tutorial", "conv2"),
    ("resnet20", "conv1"),
    ("resnet20", "layer2.1.conv1"),
    ("resnet20", "layer3.2.conv2"),
    ("resnet18", "layer3.0.conv2"),
    ("vgg11", "features.3"),  # an in-place ReLU follows
]
Scored = Callable[[Tensor], Tensor]
TARGETS: dict[str, tuple[xl.Target, Scored]] = {
    "a class": (xl.Target(6), lambda y: y[6]),
    "a contrast": (xl.Target(6, minus=2), lambda y: y[6] - y[2]),
    "evidence against": (xl.Target(3, sign=-1), lambda y: -y[3]),
    "a probability": (xl.Target(5, score="probability"), lambda y: y.softmax(0)[5]),
}


def by_autograd(model: xl.Model, picture: NDArray[np.uint8], layer: str, scored: Scored) -> tuple[Tensor, Tensor, Tensor]:
    """Activation, gradient (C, h, w) and the score, with a hook on the module; a copy goes on, which may be written over."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()

    handle = model.network.get_submodule(layer).register_forward_hook(keep)
    try:
        score = scored(model.network(network_input(model, picture[None]))[0])
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    return kept[0].detach()[0], gradient[0], score.detach()


@pytest.fixture(scope="module")
def find(
    images: xl.ImageSet, random_model: Models, random_pixels: NDArray[np.uint8]
) -> Callable[[str], tuple[xl.Model, NDArray[np.uint8]]]:
    """A model in evaluation mode, by its name, and a picture of its size."""

    def found(name: str) -> tuple[xl.Model, NDArray[np.uint8]]:
        if name in xl.list_models():
            return xl.load_model(name), images.pixels[11]
        return random_model(name), random_pixels[0]

    return found


@pytest.mark.parametrize(("name", "layer", "kind"), [(*case, kind) for case, kind in zip(CASES, cycle(TARGETS), strict=False)])
def test_every_number_is_that_of_plain_autograd(name: str, layer: str, kind: str, find: Callable, ledger: object) -> None:
    model, picture = find(name)
    target, scored = TARGETS[kind]
    found = xl.walkthrough(model, picture, layer, target)
    model.network.eval()
    activation, gradient, score = by_autograd(model, picture, layer, scored)
    ledger.expect(model.network)  # the mode is of the test's own making
    assert (found.layer, found.target) == (layer, target)
    assert found.score == pytest.approx(float(score), abs=1e-6, rel=1e-6)
    assert_allclose(found.activation, activation, **CLOSE)
    assert_allclose(found.gradient, gradient, **CLOSE)
    assert_allclose(found.weights, [float(one.mean()) for one in gradient], **CLOSE)
    signed = sum(one.mean() * values for one, values in zip(gradient, activation, strict=True))
    assert_allclose(found.signed, signed, **CLOSE)
    assert_allclose(found.map, signed.clamp(min=0), **CLOSE)


@pytest.mark.parametrize(("name", "layer"), CASES)
def test_the_map_is_that_of_grad_cam_to_the_last_bit(name: str, layer: str, find: Callable) -> None:
    model, picture = find(name)
    cam = xl.grad_cam(model, picture[None], layer)[layer]
    found = xl.walkthrough(model, picture, layer)
    for part in ("weights", "signed", "map"):
        assert_array_equal(getattr(found, part), getattr(cam, part)[0])
    assert_array_equal(found.signed_without(()), cam.signed[0])


# Section: on paper. The constant network, R = [[1, .4], [.2, 0]] and G = [[0, .2], [.4, 1]]; alpha = (2, -1).


def test_shares_and_promises_on_paper(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    found = xl.walkthrough(constant_model, constant_pixels[0], target=0)
    # signed [[2, .6], [0, -1]]: the cells above zero are the upper two, and sum to 2.6; R adds 2.8 to them, G -0.2.
    assert_allclose(found.contributions, [[[2, 0.8], [0.4, 0]], [[0, -0.2], [-0.4, -1]]], **CLOSE)
    assert_allclose(found.shares, [2.8 / 2.6, -0.2 / 2.6], **CLOSE)
    assert_allclose(found.promised, [3.2, -1.6], **CLOSE)
    assert_allclose(found.promised_by_cell, [1 + 0.8 + 0.6, -1.6], **CLOSE)
    assert (found.leading, found.grid) == (0, (2, 2))
    assert found.score == pytest.approx(0.8, abs=1e-6)


def test_a_sum_without_channels_on_paper(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    found = xl.walkthrough(constant_model, constant_pixels[0], target=0)
    assert_allclose(found.signed_without([1]), [[2, 0.8], [0.4, 0]], **CLOSE)
    assert_allclose(found.signed_without([0]), [[0, -0.2], [-0.4, -1]], **CLOSE)
    assert_array_equal(found.signed_without([1, 0, 1]), np.zeros((2, 2)))
    assert_allclose(found.map_without([1]), [[2, 0.8], [0.4, 0]], **CLOSE)
    assert_array_equal(found.map_without([0]), np.zeros((2, 2)))


def test_of_a_map_that_is_zero_everywhere_nobody_has_a_share(
    constant_model: xl.Model, constant_pixels: NDArray[np.uint8]
) -> None:
    found = xl.walkthrough(constant_model, constant_pixels[1], target=1)
    assert not found.map.any()
    assert_array_equal(found.shares, [0, 0])


def test_shares_sum_to_one_and_are_those_of_a_loop(images: xl.ImageSet, tutorial: xl.Model) -> None:
    for image in range(5):
        found = xl.walkthrough(tutorial, images.pixels[image], "conv2")
        above = [(row, column) for row, column in np.ndindex(10, 10) if found.map[row, column] > 0]
        total = sum(float(found.map[cell]) for cell in above)
        for k in range(16):
            inside = sum(float(found.weights[k]) * float(found.activation[k][cell]) for cell in above)
            assert found.shares[k] == pytest.approx(inside / total, abs=1e-6)
        assert found.shares.sum() == pytest.approx(1, abs=1e-6)
        assert found.leading == int(np.argmax(found.shares))


# Section: odd layers and bad input


def test_a_module_that_is_called_twice_is_asked_by_its_call() -> None:
    model = model_of(seeded(Repeated))
    found = xl.walkthrough(model, noise(1)[0], "relu#1", 0)
    assert found.layer == "relu#1"
    assert_array_equal(found.map, xl.grad_cam(model, noise(1), "relu#1", 0)["relu#1"].map[0])


def test_the_last_conv_layer_and_the_predicted_class_are_the_defaults(images: xl.ImageSet, tutorial: xl.Model) -> None:
    found = xl.walkthrough(tutorial, images.pixels[3])
    assert (found.layer, found.target) == ("conv2", xl.Target(int(tutorial.predict(images.pixels[3:4]).argmax())))


def test_bad_input_gets_a_sentence(images: xl.ImageSet, tutorial: xl.Model) -> None:
    with pytest.raises(xl.InputError, match=r"picture: the shape is \(1, 32, 32, 3\); one picture"):
        xl.walkthrough(tutorial, images.pixels[:1])
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        xl.walkthrough(tutorial, images.pixels[0], "conv9")
    found = xl.walkthrough(tutorial, images.pixels[0])
    for wrong in (16, -1, 1.5, True):
        with pytest.raises(xl.InputError, match="whole numbers from 0 to 15 would be right"):
            found.signed_without([wrong])
