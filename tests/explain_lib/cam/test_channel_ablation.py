"""Scores without some channels: on paper, beside Captum's LayerFeatureAblation, and beside forward passes written out."""

import numpy as np
import pytest
import torch
from captum.attr import LayerFeatureAblation
from numpy.typing import NDArray
from plain_torch import network_input
from runs import THREADS, together
from sample_networks import Headed, Models, Repeated, model_of, noise, seeded
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl

# Section: on paper. R = [[1, .4], [.2, 0]] and G = [[0, .2], [.4, 1]]; logit 0 weighs R by [[1, 2], [3, 2]], G by -1.


def test_a_channel_less_on_paper(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    found = xl.channel_ablation(constant_model, constant_pixels[0], "conv", 1, 0)
    assert (found.score, found.score_without, found.effect) == pytest.approx((0.8, 2.4, -1.6), abs=1e-6)
    assert found.logits_without == pytest.approx([2.4, -1.6], abs=1e-6)
    both = xl.channel_ablation(constant_model, constant_pixels[0], "conv", [1, 0, 1], 0)
    assert (both.channels, both.score_without) == ((0, 1), 0)
    assert (both.layer, both.target) == ("conv", xl.Target(0))


@pytest.mark.parametrize(
    ("target", "with_all", "without_r"),
    [
        (None, 0.8, -1.6),  # class 0 is predicted, and explained also where another would be predicted
        (1, -2, -0.4),
        (xl.Target(0, minus=1), 2.8, -1.2),
        (xl.Target(1, sign=-1), 2, 0.4),
        (xl.Target(0, score="probability"), 1 / (1 + np.exp(-2.8)), 1 / (1 + np.exp(1.2))),
    ],
)
def test_what_is_explained_on_paper(
    target: xl.Target | int | None,
    with_all: float,
    without_r: float,
    constant_model: xl.Model,
    constant_pixels: NDArray[np.uint8],
) -> None:
    found = xl.channel_ablation(constant_model, constant_pixels[0], None, [0], target)
    assert (found.score, found.score_without) == pytest.approx((with_all, without_r), abs=1e-6)


def test_no_channel_changes_nothing(images: xl.ImageSet, tutorial: xl.Model) -> None:
    found = xl.channel_ablation(tutorial, images.pixels[3], "conv2", [])
    assert (found.channels, found.effect) == ((), 0)
    np.testing.assert_array_equal(found.logits, found.logits_without)


# Section: beside Captum


CAPTUM = [
    ("captum-tutorial", "conv1"),
    ("captum-tutorial", "relu1"),
    ("tutorial", "conv2"),
    ("resnet20", "layer3.2.conv2"),
    ("resnet18", "layer4.1.conv2"),
]


@pytest.mark.parametrize(("name", "layer"), CAPTUM)
def test_effects_are_those_of_captum(
    name: str, layer: str, images: xl.ImageSet, random_model: Models, random_pixels: NDArray[np.uint8], ledger: object
) -> None:
    bundled = name in xl.list_models()
    model, pixels = (xl.load_model(name), images.pixels[11:12]) if bundled else (random_model(name), random_pixels[:1])
    model.network.eval()
    shape = next(one.shape for one in model.layers if one.name == layer)
    chosen = [0, 1, shape[0] - 1]
    mask = torch.full((1, shape[0], 1, 1), 3)
    for group, channel in enumerate(chosen):
        mask[0, channel] = group
    captum = LayerFeatureAblation(model.network, model.network.get_submodule(layer))
    effects = captum.attribute(network_input(model, pixels), target=6, layer_mask=mask.expand(1, *shape))[0]
    ledger.expect(model.network)  # the mode is of the test's own making
    for channel in chosen:
        found = xl.channel_ablation(model, pixels[0], layer, channel, 6)
        assert found.effect == pytest.approx(float(effects[channel].flatten()[0]), abs=1e-5)
    rest = [channel for channel in range(shape[0]) if channel not in chosen]
    assert xl.channel_ablation(model, pixels[0], layer, rest, 6).effect == pytest.approx(
        float(effects[rest[0]].flatten()[0]), abs=1e-5
    )


# Section: beside a pass written out


def test_a_channel_of_a_layer_before_an_in_place_relu_is_zero_and_nothing_else(
    random_model: Models, random_pixels: NDArray[np.uint8]
) -> None:
    model = random_model("vgg11")
    x, found = network_input(model, random_pixels[:1]), {}
    for channels in ((), (7,), (0, 200)):
        step = x
        with torch.no_grad():
            for number, module in enumerate(model.network.features):
                step = functional.relu(step) if isinstance(module, nn.ReLU) else module(step)
                if number == 8:
                    step = step.clone()
                    step[:, list(channels)] = 0
            found[channels] = model.network.fc(step.mean((2, 3)))[0]
    for channels in ((7,), (0, 200)):
        ours = xl.channel_ablation(model, random_pixels[0], "features.8", channels, 4)
        np.testing.assert_allclose(ours.logits, found[()], atol=1e-6)
        np.testing.assert_allclose(ours.logits_without, found[channels], atol=1e-6)
        assert ours.effect == pytest.approx(float(found[()][4] - found[channels][4]), abs=1e-6)


def test_only_the_asked_call_of_a_module_is_silenced() -> None:
    network = seeded(Repeated)
    model, pixels = model_of(network), noise(1)
    x = network_input(model, pixels)
    with torch.no_grad():
        once = network.conv1(x).relu()
        first = once.clone()
        first[:, 2] = 0
        expected = {"relu#1": network.fc(network.conv2(first).relu().mean((2, 3)))[0]}
        second = network.conv2(once).relu()
        second[:, 2] = 0
        expected["relu#2"] = network.fc(second.mean((2, 3)))[0]
    for layer, logits in expected.items():
        np.testing.assert_allclose(xl.channel_ablation(model, pixels[0], layer, 2).logits_without, logits, atol=1e-6)


class Reused(nn.Module):
    """The convolution's output is kept from before, and read again after the next module has run on what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        step = self.conv(x)
        return self.fc(self.relu(step.clone()).mean((2, 3)) + step.mean((2, 3)))


def test_all_that_follows_the_layer_gets_the_zeros() -> None:
    network = seeded(Reused)
    model, pixels = model_of(network), noise(1)
    with torch.no_grad():
        step = network.conv(network_input(model, pixels))
        step[:, 1] = 0
        expected = network.fc(step.relu().mean((2, 3)) + step.mean((2, 3)))[0]
    np.testing.assert_allclose(xl.channel_ablation(model, pixels[0], "conv", 1).logits_without, expected, atol=1e-6)


class Stored(nn.Module):
    """A module whose output is one of the network's own weights: whoever writes to it changes the network."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Parameter(torch.rand(1, 4, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.grid.expand(len(x), -1, -1, -1)


class Gridded(nn.Module):
    """What the convolution finds, weighed by a stored grid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.stored, self.fc = nn.Conv2d(3, 4, 3), Stored(), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)) * self.stored(x).mean((2, 3)))


def test_an_output_that_belongs_to_the_network_is_not_written_to() -> None:
    network = seeded(Gridded)
    model, before = model_of(network), network.stored.grid.detach().clone()
    found = xl.channel_ablation(model, noise(1)[0], "stored", [0, 1, 2, 3])
    np.testing.assert_allclose(found.logits_without, network.fc.bias.detach(), atol=1e-6)
    assert torch.equal(network.stored.grid, before)


# Section: bad input, threads and the cache


def test_bad_input_gets_a_sentence(images: xl.ImageSet, tutorial: xl.Model) -> None:
    picture = images.pixels[0]
    for wrong in (16, -1, [3, 16], [True], [0.5]):
        with pytest.raises(xl.InputError, match=r"channels: .*; whole numbers from 0 to 15 would be right"):
            xl.channel_ablation(tutorial, picture, "conv2", wrong)
    with pytest.raises(xl.InputError, match="picture: a list; one picture"):
        xl.channel_ablation(tutorial, [[0]], "conv2", 0)
    with pytest.raises(xl.LayerError, match="'fc1' gives"):
        xl.channel_ablation(tutorial, picture, "fc1", 0)
    handing_on = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.Identity())))
    with pytest.raises(xl.LayerError, match=r"'body\.1' only passes on its input"):
        xl.channel_ablation(handing_on, noise(1)[0], "body.1", 0)


class Lazy(nn.Module):
    """Once it is a Model it may leave out its convolution, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
        self.way = "whole"

    def forward(self, x: Tensor) -> Tensor:
        if self.way == "fails":
            raise ValueError("no way")
        return self.fc(self.conv(x).mean((2, 3)) if self.way == "whole" else torch.zeros(len(x), 4))


@pytest.mark.parametrize(
    ("way", "error", "words"),
    [("short", xl.LayerError, "did not reach 'conv'"), ("fails", xl.NetworkError, "cannot run on a batch")],
)
def test_a_network_that_takes_another_way_leaves_no_hook(way: str, error: type[Exception], words: str) -> None:
    network = seeded(Lazy)
    model = model_of(network)
    network.way = way
    with pytest.raises(error, match=words):
        xl.channel_ablation(model, noise(1)[0], "conv", 0)


def test_threads_do_not_meet_in_one_network(images: xl.ImageSet, tutorial: xl.Model) -> None:
    alone = [xl.channel_ablation(tutorial, images.pixels[3], "conv2", k, 6).score_without for k in range(THREADS)]
    places = iter(range(THREADS))

    def ask() -> tuple[int, list[float]]:
        k = next(places)
        return k, [xl.channel_ablation(tutorial, images.pixels[3], "conv2", k, 6).score_without for _ in range(5)]

    assert dict(together(ask)) == {k: [alone[k]] * 5 for k in range(THREADS)}
