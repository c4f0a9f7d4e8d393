"""The divisors and weights of Grad-CAM++: counted by plain loops over what PyTorch itself keeps, and on known networks."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from plain_torch import network_input
from sample_networks import Headed, Models, model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.trust.plus_plus import PlusPlusFacts, plus_plus_facts


def at(layer: str) -> xl.CamSettings:
    return xl.CamSettings((layer,), "grad-cam++")


def measured(model: xl.Model, pixels: np.ndarray, layer: str, target: int | None = None) -> PlusPlusFacts:
    (facts,) = plus_plus_facts(model, pixels, at(layer), target)
    return facts


# Section: the counts


def kept_by_torch(model: xl.Model, pixels: np.ndarray, layer: str, target: int) -> tuple[np.ndarray, np.ndarray]:
    """The output of a layer and its gradient, float32 (N, C, h, w), from `retain_grad` on a copy of the network."""
    network, kept = copy.deepcopy(model.network), []
    network.get_submodule(layer).register_forward_hook(lambda _, __, output: kept.append(output))
    logits = network(network_input(model, pixels))
    kept[0].retain_grad()
    logits[:, target].sum().backward()
    return kept[0].detach().numpy(), kept[0].grad.numpy()


def by_loops(activations: np.ndarray, gradients: np.ndarray) -> tuple[int, int, int, int]:
    """The counts from equations 10 and 19 of arXiv 1710.11063, cell by cell, in float64."""
    divisors = not_positive = weights = negative = 0
    images, channels = activations.shape[:2]
    for activation, gradient in ((activations[n, k], gradients[n, k]) for n in range(images) for k in range(channels)):
        total = sum(float(value) for value in activation.ravel())
        weight = 0.0
        for slope in map(float, gradient.ravel()):
            if slope <= 0:
                continue
            divisor = 2 * slope**2 + total * slope**3 + 1e-6
            divisors += 1
            not_positive += divisor <= 0
            weight += slope * slope**2 / divisor
        weights += 1
        negative += weight < 0
    return divisors, not_positive, weights, negative


def steep(network: nn.Module) -> nn.Module:
    """The network with a last layer a thousand times as large: a divisor is below zero only if its gradient is large."""
    with torch.no_grad():
        network.fc.weight *= 1000
    return network


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("layer", ["body.0", "body.1", "body.2", "body.3"])
def test_the_counts_are_those_of_plain_loops(layer: str, target: int) -> None:
    model, pixels = model_of(steep(seeded(plain))), noise(5)
    facts = measured(model, pixels, layer, target)
    expected = by_loops(*kept_by_torch(model, pixels, layer, target))
    assert (facts.divisors, facts.not_positive, facts.weights, facts.negative) == expected
    assert facts.not_positive_share == pytest.approx(expected[1] / expected[0])
    assert facts.negative_share == pytest.approx(expected[3] / expected[2])
    assert facts.hold == (layer in ("body.1", "body.3") or (layer, target) == ("body.2", 1))  # some of both


# One channel of the value -1 on 2 x 2 cells, and three that are 0; class 0 weighs the first by 4, so that its gradient is 1 in
# each cell and the divisor 2 + (-4) = -2 and 1e-6: four divisors are negative, and the first weight is 4 * 1 / -2 = -2.
def test_the_counts_of_one_channel_by_hand() -> None:
    model = model_of(constant_channels(-1.0), side=2)
    facts = measured(model, np.zeros((1, 2, 2, 3), np.uint8), "body.0", 0)
    assert (facts.divisors, facts.not_positive, facts.weights, facts.negative) == (4, 4, 4, 1)
    assert (facts.not_positive_share, facts.negative_share) == (1.0, 0.25)
    assert not facts.hold
    # At -0.25 the sum is -1, and the divisor 2 - 1 = 1.
    near = measured(model_of(constant_channels(-0.25), side=2), np.zeros((1, 2, 2, 3), np.uint8), "body.0", 0)
    assert (near.divisors, near.not_positive, near.negative, near.hold) == (4, 0, 0, True)


def constant_channels(value: float) -> nn.Module:
    network = Headed(nn.Conv2d(3, 4, 1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.body[0].bias[0] = value
        network.fc.weight[0, 0] = 4.0
    return network


def test_gradients_of_zero_count_for_nothing() -> None:
    facts = measured(model_of(constant_channels(-1.0), side=2), np.zeros((1, 2, 2, 3), np.uint8), "body.0", 1)
    assert (facts.divisors, facts.not_positive_share, facts.negative_share, facts.hold) == (0, 0.0, 0.0, True)


# Section: the bundled networks


WITH_RELUS = [name for name in xl.list_models() if name != "vit-tiny"]


@pytest.mark.parametrize("name", WITH_RELUS)
def test_before_a_relu_divisors_are_negative_and_the_layer_after_it_is_named(name: str, images: xl.ImageSet) -> None:
    model = xl.load_model(name)
    layers = ("conv1", "conv2") if "conv2" in model.conv_layers else ("conv1", "layer1.0.bn1", "layer3.0.conv1")
    after = ("relu1", "relu2") if "conv2" in model.conv_layers else ("relu1", "layer1.0.relu1", "layer3.0.relu1")
    for image in (3, 42):
        found = plus_plus_facts(model, images.pixels[image : image + 1], xl.CamSettings(layers))
        assert [one.layer for one in found] == list(layers)
        assert [one.after for one in found] == list(after)
        assert not any(one.hold for one in found)


@pytest.mark.parametrize("name", WITH_RELUS)
def test_after_a_relu_all_divisors_are_positive(name: str, images: xl.ImageSet) -> None:
    model = xl.load_model(name)
    rectified = tuple(one for one in model.spatial_layers if "relu" in one or "pool" in one)
    found = plus_plus_facts(model, images.pixels[:20], xl.CamSettings(rectified))
    assert len(found) == len(rectified) > 3
    assert all(one.hold and one.negative == 0 and one.after is None for one in found)


def test_the_share_before_a_relu_is_about_half_on_captums_network(tutorial: xl.Model, images: xl.ImageSet) -> None:
    facts = measured(tutorial, images.pixels[:100], "conv2")
    assert facts.not_positive_share == pytest.approx(0.55, abs=0.05)
    assert facts.negative_share == pytest.approx(0.64, abs=0.05)


def test_a_shortcut_beside_the_layer_is_not_taken_for_the_layer_after_it(images: xl.ImageSet) -> None:
    """The padded shortcut of ResNet-20 hands on what is not below zero, but does not depend on the layer."""
    facts = measured(xl.load_model("resnet20"), images.pixels[:4], "layer2.0.conv2")
    assert not facts.hold
    assert facts.after == "layer2.0.relu2"


# Section: other networks


def test_the_package_sees_what_an_in_place_relu_left(random_model: Models, random_pixels: np.ndarray) -> None:
    network = steep(copy.deepcopy(random_model("vgg11").network))
    model = model_of(network, classes=10, side=random_pixels.shape[1])
    (own,) = plus_plus_facts(model, random_pixels, at("features.3"), 3)
    (left,) = plus_plus_facts(model, random_pixels, xl.package_settings(("features.3",), "grad-cam++"), 3)
    assert (own.hold, own.after) == (False, "features.4")
    assert left.hold


class DeadRelu(nn.Module):
    """A ReLU of the convolution's output that nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)
        with torch.no_grad():
            self.conv.bias -= 2

    def forward(self, x: Tensor) -> Tensor:
        values = self.conv(x)
        self.relu(values)
        return self.fc(values.mean((2, 3)))


def lowered() -> nn.Module:
    network = Headed(nn.Conv2d(3, 4, 3), nn.LeakyReLU())
    with torch.no_grad():
        network.body[0].bias -= 2
    return network


@pytest.mark.parametrize(("build", "layer"), [(DeadRelu, "conv"), (lowered, "body.0")], ids=["unused", "leaky"])
def test_without_a_right_layer_none_is_named(build: Callable[[], nn.Module], layer: str) -> None:
    facts = measured(model_of(steep(seeded(build))), noise(3), layer)
    assert (facts.hold, facts.after) == (False, None)


def test_other_arguments_are_refused_as_by_heatmap(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        plus_plus_facts(tutorial, study, at("conv9"))
    with pytest.raises(xl.InputError, match="settings: a str"):
        plus_plus_facts(tutorial, study, "conv2")  # type: ignore[arg-type]  # that is what is tested
