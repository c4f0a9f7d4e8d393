"""Contrasts of two classes: sums of signed maps, what speaks against, logit or probability, beside PyTorch's own autograd."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from plain_torch import network_input
from sample_networks import Models
from scipy.stats import pearsonr, spearmanr
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.contrast import VISIBLE, Contrast, contrast, contrasts, runner_up

Map = NDArray[np.float32]
NETWORKS = ("captum-tutorial", "resnet20", "resnet18")
BATCH_OF = {"logit": lambda logits: logits, "probability": lambda logits: logits.softmax(1)}


@pytest.fixture(scope="module")
def subjects(
    random_model: Models, images: xl.ImageSet, random_pixels: NDArray[np.uint8]
) -> dict[str, tuple[xl.Model, NDArray[np.uint8]]]:
    """Each network with three pictures of its size; resnet18 is torchvision's, with random weights."""
    bundled = {name: (xl.load_model(name), images.pixels[[0, 3, 5]]) for name in NETWORKS[:2]}
    return bundled | {"resnet18": (random_model("resnet18"), random_pixels)}


def independent_maps(
    model: xl.Model, pixels: NDArray[np.uint8], layer: str, scores: Callable[[Tensor], Sequence[Tensor]]
) -> tuple[NDArray[np.float64], Map]:
    """Signed Grad-CAMs (scores, h, w) of one picture by a hook and one autograd.grad a score, and the logits (classes,)."""
    network, kept = copy.deepcopy(model.network).eval(), []
    network.get_submodule(layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    logits = network(network_input(model, pixels))
    maps = []
    for score in scores(logits):
        (gradient,) = torch.autograd.grad(score, kept[0], retain_graph=True)
        maps.append((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].detach().numpy())
    return np.array(maps, dtype=np.float64), logits[0].detach().numpy()


def two_likeliest(model: xl.Model, pixels: NDArray[np.uint8]) -> tuple[int, int]:
    first, second = np.argsort(-model.predict(pixels)[0], kind="stable")[:2]
    return int(first), int(second)


# Section: the map of a difference


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_map_of_a_difference_is_the_difference_of_the_maps(
    name: str, score: str, subjects: dict[str, tuple[xl.Model, NDArray[np.uint8]]]
) -> None:
    model, pictures = subjects[name]
    for picture in pictures[:, None]:
        a, b = two_likeliest(model, picture)
        for layer in model.conv_layers:
            found = contrast(model, picture, layer, a, b, score)
            exact = found.signed_a.astype(np.float64) - found.signed_b.astype(np.float64)
            assert np.abs(found.signed_contrast - exact).max() < 1e-6
            assert found.deviation == np.abs(found.signed_contrast - exact).max()
        scale = max(np.abs(one).max() for one in (found.signed_a, found.signed_b, found.signed_contrast))
        assert found.reach == scale
        assert score == "probability" or found.deviation / scale < 1e-6  # at the last conv layer


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_map_is_that_of_pytorchs_own_autograd(
    name: str, score: str, subjects: dict[str, tuple[xl.Model, NDArray[np.uint8]]]
) -> None:
    model, pictures = subjects[name]
    picture, layer = pictures[:1], model.conv_layers[-1]
    a, b = two_likeliest(model, picture)

    def scores(logits: Tensor) -> Sequence[Tensor]:
        y, p = BATCH_OF[score](logits)[0], logits.softmax(1)[0]
        return y[a], y[b], y[a] - y[b], logits[0, a], p[a]

    (own, other, difference, by_logit, by_probability), logits = independent_maps(model, picture, layer, scores)
    found = contrast(model, picture, layer, a, b, score)
    scale = max(np.abs(own).max(), np.abs(other).max())
    assert_allclose(found.signed_a, own, atol=2e-5 * scale, rtol=0)
    assert_allclose(found.signed_b, other, atol=2e-5 * scale, rtol=0)
    assert_allclose(found.signed_contrast, difference, atol=2e-5 * scale, rtol=0)
    assert_allclose(found.signed_contrast, own - other, atol=2e-5 * scale, rtol=0)
    assert_allclose(found.against, (-own).clip(min=0), atol=2e-5 * scale, rtol=0)
    for values, expected in ((found.by_logit, by_logit), (found.by_probability, by_probability)):
        assert_allclose(values, expected.clip(min=0), atol=2e-5 * np.abs(expected).max(), rtol=0)
    assert_allclose(found.probabilities, torch.tensor(logits).softmax(0).numpy(), atol=1e-5)
    assert (found.layer, found.a, found.b, found.score) == (layer, a, b, score)


def test_maps_on_paper(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    """Channel weights are (2, -1) for class 0 and (-1, 0.5) for class 1, on R and G."""
    red, green = np.array([[1, 0.4], [0.2, 0]]), np.array([[0, 0.2], [0.4, 1]])
    found = contrast(constant_model, constant_pixels[:1], "conv", 0, 1)
    assert_allclose(found.signed_a, 2 * red - green, atol=1e-6)
    assert_allclose(found.signed_b, green / 2 - red, atol=1e-6)
    assert_allclose(found.signed_contrast, 3 * red - 1.5 * green, atol=1e-6)
    assert_allclose(found.against, [[0, 0], [0, 1]], atol=1e-6)
    assert_allclose(found.by_logit, [[2, 0.6], [0, 0]], atol=1e-6)
    assert found.reach == pytest.approx(3)
    assert found.alike == pytest.approx(-1)  # one is -2 times the other


def test_five_copies_go_through_the_network_at_once(
    study: NDArray[np.uint8], tutorial: xl.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def explain(model: xl.Model, pixels: NDArray[np.uint8], layer: str, targets: Sequence[xl.Target]) -> xl.GradCams:
        calls.append((len(pixels), layer, tuple(targets)))
        assert (pixels == study[:1]).all()
        return xl.grad_cam(model, pixels, layer, targets)

    monkeypatch.setattr("explain_lib.cam.contrast.grad_cam", explain)
    contrast(tutorial, study[:1], "conv2", 3, 5, "probability")
    others = ({}, {"index": 5}, {"minus": 5}, {"sign": -1})
    targets = [xl.Target(**{"index": 3, "score": "probability", **one}) for one in others]
    assert calls == [(5, "conv2", (*targets, xl.Target(3, score="logit")))]


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_at_all_layers_at_once_maps_are_those_of_pytorchs_own_autograd(
    score: str, subjects: dict[str, tuple[xl.Model, NDArray[np.uint8]]]
) -> None:
    model, pictures = subjects["resnet20"]
    picture, layers = pictures[:1], model.conv_layers[::6]
    a, b = two_likeliest(model, picture)

    def scores(logits: Tensor) -> Sequence[Tensor]:
        y, p = BATCH_OF[score](logits)[0], logits.softmax(1)[0]
        return y[a], y[b], y[a] - y[b], logits[0, a], p[a]

    found = contrasts(model, picture, layers, a, b, score)
    assert found.names == tuple(layers)
    for layer in layers:
        (own, other, difference, by_logit, by_probability), logits = independent_maps(model, picture, layer, scores)
        one, scale = found[layer], max(np.abs(own).max(), np.abs(other).max())
        for values, expected in ((one.signed_a, own), (one.signed_b, other), (one.signed_contrast, difference)):
            assert_allclose(values, expected, atol=2e-5 * scale, rtol=0)
        assert_allclose(one.against, (-own).clip(min=0), atol=2e-5 * scale, rtol=0)
        for values, expected in ((one.by_logit, by_logit), (one.by_probability, by_probability)):
            assert_allclose(values, expected.clip(min=0), atol=2e-5 * np.abs(expected).max(), rtol=0)
        assert_allclose(one.probabilities, torch.tensor(logits).softmax(0).numpy(), atol=1e-5)
        assert (one.layer, one.a, one.b, one.score) == (layer, a, b, score)


def test_at_all_layers_the_network_is_run_forward_once_over_one_picture(tutorial: xl.Model, study: NDArray[np.uint8]) -> None:
    batches: list[int] = []
    hook = tutorial.network.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    contrasts(tutorial, study[:1], None, 3, 5)
    hook.remove()
    assert batches == [1]


# Section: logit or probability


def test_the_probabilitys_map_is_a_contrast_with_all_classes_weighed_by_their_probability(
    tutorial: xl.Model, study: NDArray[np.uint8]
) -> None:
    maps, logits = independent_maps(tutorial, study[3:], "conv2", lambda logits: list(logits[0]))
    shares = np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum()
    for a, b in ((8, 0), (0, 8), (6, 1)):
        expected = shares[a] * (maps[a] - (shares[:, None, None] * maps).sum(0))
        found = contrast(tutorial, study[3:], "conv2", a, b, "probability")
        assert_allclose(found.signed_a, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)
        assert_allclose(found.by_probability, expected.clip(min=0), atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("image", [0, 2])
def test_the_two_scores_are_compared_as_scipy_compares_their_maps(
    image: int, tutorial: xl.Model, study: NDArray[np.uint8]
) -> None:
    a, b = two_likeliest(tutorial, study[image : image + 1])
    found = contrast(tutorial, study[image : image + 1], "conv2", a, b)
    maps, _ = independent_maps(
        tutorial, study[image : image + 1], "conv2", lambda logits: (logits[0, a], logits.softmax(1)[0, a])
    )
    one, other = maps.clip(min=0)
    difference = found.by_score
    assert difference.spearman == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic, abs=1e-3)
    assert difference.pearson == pytest.approx(pearsonr(one.ravel(), other.ravel()).statistic, abs=1e-4)
    assert difference.ratio == pytest.approx(other.max() / one.max(), rel=1e-4)
    assert difference.largest == pytest.approx(np.abs(other / other.max() - one / one.max()).max(), abs=1e-4)
    assert difference.visible


def test_the_comparison_does_not_depend_on_which_score_was_asked(tutorial: xl.Model, study: NDArray[np.uint8]) -> None:
    by_logit, by_probability = (contrast(tutorial, study[:1], "conv2", 3, 5, score) for score in ("logit", "probability"))
    np.testing.assert_array_equal(by_logit.by_logit, by_probability.by_logit)
    np.testing.assert_array_equal(by_logit.by_probability, by_probability.by_probability)


def test_proportional_maps_do_not_look_different(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    """Of two classes, the map of the probability is p_a p_b map(a - b), here 1.5 p_a p_b times that of the logit."""
    found = contrast(constant_model, constant_pixels[:1], "conv", 0, 1)
    difference, shares = found.by_score, found.probabilities
    assert difference.ratio == pytest.approx(1.5 * float(shares[0]) * float(shares[1]), rel=1e-4)
    assert difference.largest < 1e-4
    assert not difference.visible
    assert difference.pearson == pytest.approx(1)


def test_maps_a_little_apart_are_visible_from_a_fiftieth_of_the_colours_on() -> None:
    flat = np.zeros((2, 2), np.float32)
    for step, visible in ((0.9 * VISIBLE, False), (1.1 * VISIBLE, True)):
        one, other = (np.array([[1, value], [0, 0.25]], np.float32) for value in (0.5, 0.5 + step))
        found = Contrast("x", 0, 1, "logit", flat[0], flat, flat, flat, flat, one, 3 * other)
        assert found.by_score.largest == pytest.approx(step, rel=1e-3)
        assert found.by_score.ratio == pytest.approx(3)
        assert found.by_score.visible is visible


def test_a_sure_networks_probability_has_no_map(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    network = copy.deepcopy(constant_model.network)
    fc = network.get_submodule("fc")
    assert isinstance(fc, nn.Linear)
    with torch.no_grad():
        fc.weight.mul_(1000)
    sure = xl.as_model(network, classes=("zero", "one"), input_size=(2, 2), mean=(0, 0, 0), std=(1, 1, 1))
    a, b = two_likeliest(sure, constant_pixels[:1])
    found = contrast(sure, constant_pixels[:1], "conv", a, b)
    assert found.probabilities[a] == 1
    assert not found.by_probability.any()
    assert found.by_logit.any()
    difference = found.by_score
    assert np.isnan([difference.spearman, difference.pearson]).all()
    assert (difference.ratio, difference.largest, difference.visible) == (0, 1, True)


# Section: the runner-up, and what is refused


def test_the_runner_up_is_the_likeliest_other_class() -> None:
    scores = np.array([0.1, 0.5, 0.15, 0.25], np.float32)
    assert [runner_up(scores, a) for a in range(4)] == [1, 3, 1, 1]
    assert runner_up(np.array([2, 7, 7], np.float32), 0) == 1
    assert runner_up(np.array([2, 7, 7], np.float32), 1) == 2


def test_a_class_that_does_not_exist_has_no_runner_up() -> None:
    with pytest.raises(xl.TargetError, match="a: there is no class 3; 0 to 2 would be right"):
        runner_up(np.zeros(3, np.float32), 3)
    with pytest.raises(xl.TargetError, match="the network has no other class to contrast it with"):
        runner_up(np.zeros(1, np.float32), 0)


def test_what_cannot_be_contrasted_is_said(tutorial: xl.Model, study: NDArray[np.uint8]) -> None:
    with pytest.raises(xl.InputError, match="pixels: 4 pictures; one, as a batch of one"):
        contrast(tutorial, study, "conv2", 3, 5)
    with pytest.raises(xl.TargetError, match="b: class 3 is a itself; another class would be right"):
        contrast(tutorial, study[:1], "conv2", 3, 3)
    with pytest.raises(xl.InputError, match="4 pictures; one"):
        contrasts(tutorial, study, "conv2", 3, 5)
