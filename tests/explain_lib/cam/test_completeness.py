"""HiResCAM's cells, the biases after the layer and what goes past it, beside paper, plain PyTorch, Captum and the package."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from plain_torch import captum_signed, network_input
from pytorch_grad_cam import HiResCAM
from runs import cancelled
from sample_networks import DeadEnd, Models, Repeated, Scripted, model_of, noise, seeded
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl
from explain_lib.cam.completeness import averaging_sentence, score_words, sum_sentence

Score = Callable[[Tensor], Tensor]
TUTORIAL_LAYERS = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")


# Section: on paper


class TwoCells(nn.Module):
    """Channels R and G on a grid of 1 x 2, plus an offset, a ReLU, one linear layer with biases."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.relu, self.fc = nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2, eps=0), nn.ReLU(), nn.Linear(4, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:, :, None, None])
            self.conv.bias.copy_(torch.tensor([0.0, -0.2]))
            self.bn.weight.copy_(torch.tensor([4.0, 1]))
            self.bn.bias.copy_(torch.tensor([-1.0, 0.5]))
            self.bn.running_mean.copy_(torch.tensor([0.5, 0]))
            self.bn.running_var.copy_(torch.tensor([4.0, 1]))
            self.fc.weight.copy_(torch.tensor([[1.0, -3, 2, 0], [0, 1, 0, -1]]))
            self.fc.bias.copy_(torch.tensor([0.25, -0.5]))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu(self.bn(self.conv(x))).flatten(1))


@pytest.fixture(scope="module")
def two_cells() -> xl.Model:
    return xl.as_model(TwoCells(), classes=("zero", "one"), input_size=(1, 2), mean=(0, 0, 0), std=(1, 1, 1))


@pytest.fixture(scope="module")
def two_pixels() -> NDArray[np.uint8]:
    """R = [1, 0.4], G = [0.6, 0]: after conv [1, 0.4] and [0.4, -0.2]; after bn [0, -1.2] and [0.9, 0.3]."""
    picture = np.zeros((1, 2, 3), np.uint8)
    picture[0, :, 0], picture[0, :, 1] = [255, 102], [153, 0]
    return picture


# bn: 2 (x - 0.5) - 1 = 2 x - 2 for R, x + 0.5 for G. R's left cell gives exactly 0, where a ReLU's gradient is 0.
# relu: [0, 0] and [0.9, 0.3]. Logit 0: 2 * 0.9 + 0 * 0.3 + 0.25 = 2.05; logit 1: 0.9 * 0 - 0.3 - 0.5 = -0.8.


def test_a_sum_on_paper_after_the_relu(two_cells: xl.Model, two_pixels: NDArray[np.uint8]) -> None:
    found = xl.completeness(two_cells, two_pixels, "relu", 0)
    # gradients [1, -3] and [2, 0], means -1 and 1
    assert_allclose(found.hirescam, [[1.8, 0]], atol=1e-6)
    assert_allclose(found.grad_cam, [[0.9, 0.3]], atol=1e-6)
    numbers = (found.score, found.hirescam_sum, found.biases, found.past, found.grad_cam_sum, found.gap, found.moved)
    assert numbers == pytest.approx((2.05, 1.8, 0.25, 0, 1.2, 0.25, -0.6), abs=1e-6)
    assert abs(found.residual) < 1e-6
    assert found.holds
    assert (found.worst_cell, found.turned_share, found.even, found.same_map) == ((0, 0), 0, False, False)


def test_a_sum_on_paper_where_a_batch_normalisation_follows(two_cells: xl.Model, two_pixels: NDArray[np.uint8]) -> None:
    found = xl.completeness(two_cells, two_pixels, "conv", 0)
    # gradients: R 0 and 0 behind the ReLU; G 2 and 0, mean 1. A = [1, 0.4] and [0.4, -0.2].
    assert_allclose(found.hirescam, [[0.8, 0]], atol=1e-6)
    assert_allclose(found.grad_cam, [[0.4, -0.2]], atol=1e-6)
    # the offset of bn on G, 0.5 - 0 = 0.5, times 2; the last bias 0.25
    assert (found.score, found.biases, found.past) == pytest.approx((2.05, 1.25, 0), abs=1e-6)
    assert abs(found.residual) < 1e-6


def test_a_turned_sign_on_paper(two_cells: xl.Model, two_pixels: NDArray[np.uint8]) -> None:
    found = xl.completeness(two_cells, two_pixels[:, ::-1], "relu", xl.Target(1, minus=0, sign=-1))
    # mirrored: relu [0, 0] and [0.3, 0.9]; y0 - y1 = [1, -4] . R + [2, 1] . G + 0.75
    assert_allclose(found.hirescam, [[0.6, 0.9]], atol=1e-6)
    assert_allclose(found.grad_cam, [[0.45, 1.35]], atol=1e-6)
    assert (found.score, found.biases, found.moved) == pytest.approx((2.25, 0.75, 0.3), abs=1e-6)
    alone = xl.completeness(two_cells, two_pixels[:, ::-1], "conv", 1)
    # y1 = 1 * R right - 1 * G right - 0.5; mirrored: A = [0.4, 1] and [-0.2, 0.4]; gradients R [0, 0], G [0, -1], mean -0.5
    assert_allclose(alone.hirescam, [[0, -0.4]], atol=1e-6)
    assert_allclose(alone.grad_cam, [[0.1, -0.2]], atol=1e-6)
    assert alone.turned.tolist() == [[False, False]]  # a cell at zero has no sign to turn


class Mixed(nn.Module):
    """One channel, R, on a grid of 1 x 2, weighed by 3 and -1, so that the mean is 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[1.0, 0, 0]])[:, :, None, None])
            self.fc.weight.copy_(torch.tensor([[3.0, -1], [0.5, 0.5]]))
            self.fc.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).flatten(1))


def test_where_the_mean_gradient_has_the_other_sign_the_cell_is_turned(two_pixels: NDArray[np.uint8]) -> None:
    model = xl.as_model(Mixed(), classes=("zero", "one"), input_size=(1, 2), mean=(0, 0, 0), std=(1, 1, 1))
    found = xl.completeness(model, two_pixels, target=0)  # A = [1, 0.4]: 3 and -0.4 by cell, 1 and 0.4 by the mean
    assert_allclose(found.hirescam, [[3, -0.4]], atol=1e-6)
    assert_allclose(found.grad_cam, [[1, 0.4]], atol=1e-6)
    assert found.turned.tolist() == [[False, True]]
    assert (found.turned_share, found.worst_cell) == (0.5, (0, 0))
    even = xl.completeness(model, two_pixels, target=1)
    assert (even.even, even.same_map, even.turned_share) == (True, True, 0)


class Shortcut(nn.Module):
    """x = picture + 0.25, then conv(x) + 2 x = -x + 0.5 + 2 x, averaged over the grid, then a linear layer of bias 0.125."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.fc = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.Linear(3, 2)
        with torch.no_grad():
            self.stem.weight.copy_(torch.eye(3)[:, :, None, None])
            self.stem.bias.fill_(0.25)
            self.conv.weight.copy_(-torch.eye(3)[:, :, None, None])
            self.conv.bias.fill_(0.5)
            self.fc.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
            self.fc.bias.fill_(0.125)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.fc((self.conv(x) + 2 * x).mean((2, 3)))


def test_what_a_shortcut_carries_is_told_from_the_biases(two_pixels: NDArray[np.uint8]) -> None:
    model = xl.as_model(Shortcut(), classes=("zero", "one"), input_size=(1, 2), mean=(0, 0, 0), std=(1, 1, 1))
    found = xl.completeness(model, two_pixels, "conv", 0)  # x = [1.25, 0.65]: conv [-0.75, -0.15], shortcut [2.5, 1.3]
    numbers = (found.hirescam_sum, found.biases, found.past, found.score)
    assert numbers == pytest.approx((-0.45, 0.125, 1.9, 1.575), abs=1e-6)


# Section: the tutorial network beside a forward pass of one's own


def own_pass(model: xl.Model, x: Tensor) -> dict[str, Tensor]:
    """TutorialNet written out with functions of PyTorch, every step kept with its gradient."""
    weights = dict(copy.deepcopy(model.network).named_parameters())
    steps = {"conv1": functional.conv2d(x.requires_grad_(), weights["conv1.weight"], weights["conv1.bias"])}
    steps["relu1"] = functional.relu(steps["conv1"])
    steps["pool1"] = functional.max_pool2d(steps["relu1"], 2)
    steps["conv2"] = functional.conv2d(steps["pool1"], weights["conv2.weight"], weights["conv2.bias"])
    steps["relu2"] = functional.relu(steps["conv2"])
    steps["pool2"] = functional.max_pool2d(steps["relu2"], 2)
    hidden = functional.relu(functional.linear(steps["pool2"].flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    hidden = functional.relu(functional.linear(hidden, weights["fc2.weight"], weights["fc2.bias"]))
    steps["logits"] = functional.linear(hidden, weights["fc3.weight"], weights["fc3.bias"])
    for step in steps.values():
        step.retain_grad()
    return steps


TARGETS: dict[str, tuple[xl.Target, Score]] = {
    "a class": (xl.Target(6), lambda y: y[:, 6].sum()),
    "a contrast": (xl.Target(6, minus=2), lambda y: (y[:, 6] - y[:, 2]).sum()),
    "evidence against": (xl.Target(3, sign=-1), lambda y: -y[:, 3].sum()),
    "a contrast turned": (xl.Target(3, minus=0, sign=-1), lambda y: (y[:, 0] - y[:, 3]).sum()),
}


@pytest.mark.parametrize("name", ["captum-tutorial", "tutorial"])
@pytest.mark.parametrize(("target", "score"), TARGETS.values(), ids=TARGETS)
def test_maps_and_sums_are_those_of_a_pass_written_out(name: str, target: xl.Target, score: Score, images: xl.ImageSet) -> None:
    model = xl.load_model(name)
    for image in (3, 40):
        steps = own_pass(model, network_input(model, images.pixels[[image]]))
        explained = score(steps["logits"])
        explained.backward()
        for layer in TUTORIAL_LAYERS:
            found = xl.completeness(model, images.pixels[image], layer, target)
            step = steps[layer].detach()[0]
            gradient = steps[layer].grad[0]
            assert_allclose(found.hirescam, (gradient * step).sum(0), atol=2e-6)
            assert_allclose(found.grad_cam, (gradient.mean((1, 2), keepdim=True) * step).sum(0), atol=2e-6)
            assert found.score == pytest.approx(explained.item(), abs=1e-5)
            assert (found.target, found.layer, found.past) == (target, layer, 0)


@pytest.mark.parametrize("name", ["captum-tutorial", "tutorial"])
def test_the_biases_share_is_what_zeroed_biases_leave_out(name: str, images: xl.ImageSet) -> None:
    """With every ReLU and pooling held as it was, the network is linear: without the later biases it gives the cells alone."""
    model = xl.load_model(name)
    batch = network_input(model, images.pixels[7:8]).double()
    network = copy.deepcopy(model.network).double()
    steps = own_pass(xl.load_model(name), batch.float())
    index = int(steps["logits"].argmax())
    for layer, later in {"conv1": ("conv2", "fc1", "fc2", "fc3"), "relu2": ("fc1", "fc2", "fc3")}.items():
        weights = {key: value.detach() for key, value in network.named_parameters()}
        zeroed = {key: torch.zeros_like(value) if key[:-5] in later else value for key, value in weights.items()}
        expected = held_open(weights, batch)[index] - held_open(weights, batch, zeroed)[index]
        found = xl.completeness(model, images.pixels[7], layer)
        assert found.biases == pytest.approx(float(expected), abs=2e-5)
        assert abs(found.biases) > 0.05


def held_open(weights: dict[str, Tensor], x: Tensor, other: dict[str, Tensor] | None = None) -> Tensor:
    """Logits under `other` weights with each ReLU's gate and each pooling's choice taken from a pass under `weights`."""
    other = weights if other is None else other
    was, now = x, x
    for name in ("conv1", "conv2"):
        was = functional.conv2d(was, weights[f"{name}.weight"], weights[f"{name}.bias"])
        now = functional.conv2d(now, other[f"{name}.weight"], other[f"{name}.bias"]) * (was > 0)
        was, chosen = functional.max_pool2d(was.relu(), 2, return_indices=True)
        now = now.flatten(2).gather(2, chosen.flatten(2)).view_as(was)
    was, now = was.flatten(1), now.flatten(1)
    for name in ("fc1", "fc2"):
        was = functional.linear(was, weights[f"{name}.weight"], weights[f"{name}.bias"])
        now = functional.linear(now, other[f"{name}.weight"], other[f"{name}.bias"]) * (was > 0)
        was = was.relu()
    return functional.linear(now, other["fc3.weight"], other["fc3.bias"])[0]


# Section: other networks


@pytest.mark.parametrize("name", ["captum-tutorial", "resnet20", "resnet18", "vgg11", "googlenet"])
def test_the_parts_add_up_to_the_logit_at_every_layer(
    name: str, images: xl.ImageSet, random_model: Models, random_pixels: np.ndarray
) -> None:
    bundled = name in xl.list_models()
    model, picture = (xl.load_model(name), images.pixels[11]) if bundled else (random_model(name), random_pixels[0])
    (logits,) = model.predict(picture[None])
    offered = [layer.name for layer in model.layers if layer.is_spatial and not layer.handed_on]
    for layer in offered if bundled else offered[:: max(1, len(offered) // 8)]:
        found = xl.completeness(model, picture, layer, 4)
        whole = found.hirescam_sum + found.biases + found.past
        assert whole == pytest.approx(float(logits[4]), abs=1e-4 * float(abs(logits).max()))
        assert found.holds


PEERS = [("resnet18", "layer4.0.conv2"), ("resnet18", "layer2"), ("vgg11", "features.4"), ("googlenet", "inception4c")]


@pytest.mark.parametrize(("name", "layer"), PEERS, ids=[layer for _, layer in PEERS])
def test_both_maps_are_those_of_captum_and_of_the_package(
    name: str, layer: str, random_model: Models, random_pixels: np.ndarray
) -> None:
    model = random_model(name)
    found = xl.completeness(model, random_pixels[1], layer, 3)
    network, batch = copy.deepcopy(model.network).eval(), network_input(model, random_pixels[1:2])
    right = captum_signed(model, random_pixels[1:2], layer, 3)[0]
    assert_allclose(found.grad_cam, right, atol=1e-5 * abs(right).max())
    with HiResCAM(model=network, target_layers=[network.get_submodule(layer)]) as cam:
        kept, gradient = _package_parts(cam, batch, 3)
    assert_allclose(found.hirescam, (kept * gradient).sum(0), atol=1e-5 * abs(found.hirescam).max())


def _package_parts(cam: HiResCAM, batch: Tensor, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The activation and the gradient that the package works with."""
    cam(input_tensor=batch, targets=[lambda logits: logits[index]])
    parts = cam.activations_and_grads
    return parts.activations[0][0].detach().numpy(), parts.gradients[0][0].detach().numpy()


@pytest.mark.parametrize("layer", ["layer3.2.relu2", "layer3.2", "layer3"])
def test_at_resnet20s_last_stage_grad_cam_is_hirescam(layer: str, images: xl.ImageSet) -> None:
    model = xl.load_model("resnet20")
    for image in range(6):
        found = xl.completeness(model, images.pixels[image], layer)
        assert_allclose(found.grad_cam, found.hirescam, rtol=1e-5, atol=1e-7)
        assert (found.even, found.same_map, found.turned_share) == (True, True, 0)
        # averaged over 8 x 8 cells, then one linear layer: the bias alone is missing
        assert found.biases == pytest.approx(model.network.fc.bias[found.target.index].item(), abs=1e-6)


def test_at_resnet20s_last_convolution_it_is_not(images: xl.ImageSet) -> None:
    found = xl.completeness(xl.load_model("resnet20"), images.pixels[5])
    assert found.layer == "layer3.2.conv2"
    assert not found.same_map
    assert found.past != 0


def test_one_call_of_a_module_is_held_while_the_others_run() -> None:
    model = model_of(seeded(Repeated))
    picture = noise(1)[0]
    (logits,) = model.predict(picture[None])
    bias = model.network.fc.bias.tolist()
    last = xl.completeness(model, picture, "relu#2", 0)
    assert last.hirescam_sum == pytest.approx(float(logits[0]) - bias[0], abs=1e-5)
    assert last.biases == pytest.approx(bias[0], abs=1e-6)
    first = xl.completeness(model, picture, "relu#1", 0)
    assert first.hirescam_sum + first.biases == pytest.approx(float(logits[0]), abs=1e-5)
    assert first.biases != pytest.approx(bias[0], abs=1e-3)


class Curved(nn.Module):
    """A sigmoid after the layer: not linear piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).sigmoid().mean((2, 3)))


def test_where_the_network_is_curved_the_parts_do_not_add_up_and_it_is_said() -> None:
    found = xl.completeness(model_of(seeded(Curved)), noise(1)[0])
    assert not found.holds
    assert abs(found.residual) > 0.01
    assert "is not piecewise linear" in sum_sentence(found)
    assert "together" not in sum_sentence(found)


class FixedNorm(nn.Module):
    """A batch normalisation without weight and bias, whose mean alone is an offset."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False), nn.Linear(4, 2)
        self.bn.running_mean.copy_(torch.tensor([0.5, -1, 2, 0.25]))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.bn(self.conv(x)).relu().mean((2, 3)))


def test_the_mean_of_a_batch_normalisation_without_a_bias_counts() -> None:
    model = model_of(seeded(FixedNorm))
    found = xl.completeness(model, noise(1)[0], "conv", 1)
    assert found.holds
    assert abs(found.biases - model.network.fc.bias[1].item()) > 0.05


# Section: the network is left as it was, and what cannot be asked


def test_a_network_in_training_mode_with_gradients_and_frozen_biases_is_left_as_it_was(
    ledger: Any, images: xl.ImageSet
) -> None:
    model = xl.load_model("tutorial")
    before = xl.completeness(model, images.pixels[3], "conv2")
    network = model.network.train()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    network.fc1.bias.requires_grad_(False)
    ledger.expect(network)
    found = xl.completeness(model, images.pixels[3], "conv2")
    assert_array_equal(found.hirescam, before.hirescam)
    assert found.biases == before.biases
    assert ledger.complaints() == []


def test_a_failure_is_said_and_leaves_nothing(ledger: Any) -> None:
    network = Scripted()
    model = model_of(network)
    for answer, words in ((lambda _: 1 / 0, "cannot run"), (lambda logits: logits.detach(), "without no_grad or detach")):
        network.answer = answer
        with pytest.raises(xl.NetworkError, match=words):
            xl.completeness(model, noise(1)[0])
    assert ledger.complaints() == []


def test_what_cannot_be_asked_is_said(tutorial: xl.Model, images: xl.ImageSet) -> None:
    picture = images.pixels[0]
    with pytest.raises(xl.TargetError, match="a probability is not a sum of cells"):
        xl.completeness(tutorial, picture, "conv2", xl.Target(3, score="probability"))
    with pytest.raises(xl.LayerError, match="only passes on its input"):
        xl.completeness(xl.load_model("resnet20"), picture, "layer1.0.shortcut")
    with pytest.raises(xl.LayerError, match="does not influence the output"):
        xl.completeness(model_of(seeded(DeadEnd)), noise(1)[0], "unused")
    with pytest.raises(xl.InputError, match=r"picture: the shape is \(1, 32, 32, 3\); one picture"):
        xl.completeness(tutorial, images.pixels[:1], "conv2")
    with pytest.raises(xl.InputError, match="picture: a list"):
        xl.completeness(tutorial, picture.tolist(), "conv2")


def test_the_run_may_end_it(tutorial: xl.Model, images: xl.ImageSet) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancelled(stop, xl.completeness, tutorial, images.pixels[0])


# Section: sentences


def found_at(**changed: object) -> xl.Completeness:
    values = {
        "layer": "conv",
        "target": xl.Target(1),
        "grad_cam": np.array([[1.0, 0.9]], np.float32),
        "hirescam": np.array([[3.61, -0.4]], np.float32),
        "score": 3.65,
        "biases": 0.44,
        "past": 0.0,
        "even": False,
    }
    return xl.Completeness(**{**values, **changed})


def test_the_sum_is_said_with_all_its_parts() -> None:
    assert sum_sentence(found_at()) == (
        "HiResCAM's cells add up to 3.21, the biases after the layer to 0.44: together the logit, 3.65."
    )
    assert sum_sentence(found_at(past=-0.34, score=3.31, target=xl.Target(1, minus=0))).endswith(
        "and the part that reaches the score past the layer to −0.34: together the difference of the two logits, 3.31."
    )
    assert score_words(found_at(target=xl.Target(1, sign=-1))) == "the logit with its sign turned"
    turned = found_at(target=xl.Target(1, minus=0, sign=-1))
    assert score_words(turned) == "the difference of the two logits with its sign turned"


def test_what_averaging_the_gradients_changed_is_said() -> None:
    assert averaging_sentence(found_at()) == (
        "Grad-CAM's cells add up to 1.90: averaging the gradients over the grid changed the sum by 1.31, and in 50 % of the "
        "cells it turned the sign. The largest change is at row 0, column 0, counted from 0: 3.61 became 1.00."
    )
    same = found_at(grad_cam=np.array([[3.61, -0.4]], np.float32), even=True)
    assert averaging_sentence(same) == (
        "Every channel's gradient is the same in all cells, so averaging over the grid changes nothing: Grad-CAM's map is "
        "HiResCAM's, cell by cell."
    )
    positive = found_at(hirescam=np.array([[3.0, 0.4]], np.float32))
    assert "in none of the cells it turned the sign" in averaging_sentence(positive)
