"""The code for four programs, run as it is: each gives our map."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.take_home.hook_snippets import PROGRAMS, hook_snippets
from explain_lib.take_home.snippet import Explained

PIXELS = "pixels = xl.load_cifar10().pixels\n"
TOLERANCE = 1e-6
"""Of the largest value of the map."""
BUNDLED = [("tutorial", "relu1"), ("captum-tutorial", "conv2"), ("resnet20", "layer3"), ("resnet20", "layer1.0.conv1")]


def explained(code: str, image: int, index: int, pixels: str = PIXELS) -> Explained:
    return Explained(code, pixels, image, xl.Target(index), "a class")


def values_of(code: str) -> np.ndarray:
    """What the code sets; what the package leaves on the network's parameters is taken away."""
    names: dict[str, Any] = {}
    exec(compile(code, "snippet", "exec"), names)
    names["model"].network.zero_grad()
    return np.asarray(names["values"])


def assert_same_map(model: xl.Model, layer: str, asked: Explained, right: np.ndarray, program: str) -> None:
    found = hook_snippets(model, layer, asked)
    one = next(one for one in found.programs if one.program == program)
    assert one.code is not None
    values = values_of(found.setup + one.code)
    assert values.shape == right.shape
    assert right.max() > 0
    np.testing.assert_allclose(values, right, rtol=0, atol=TOLERANCE * right.max())


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(("name", "layer"), BUNDLED)
def test_each_program_gives_our_map(name: str, layer: str, program: str) -> None:
    model, index = xl.load_model(name), 5
    right = xl.grad_cam(model, xl.load_cifar10().pixels[12:13], layer, index)[layer].map[0]
    assert_same_map(model, layer, explained(f"xl.load_model({name!r})", 12, index), right, program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_gives_our_map_of_a_network_of_torchvision(program: str) -> None:
    """Its ReLUs write over their input: no end of a stage is written over, a batch normalisation within a block is."""
    made = "xl.load_own_model('resnet18', 'random', input_size=(64, 64), mean=(0.5,) * 3, std=(0.25,) * 3)"
    torch.manual_seed(0)
    model: xl.Model = eval(made, {"xl": xl})
    pixels = "pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)\n"
    own = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    for layer in ("layer3", "layer2.1.bn1"):
        right = xl.grad_cam(model, own, layer, 7)[layer].map[0]
        assert_same_map(model, layer, explained(f"__import__('torch').manual_seed(0) and {made}", 0, 7, pixels), right, program)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act, self.fc = nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.act(self.conv(self.act(self.conv(x)))).mean((2, 3)))


def test_where_another_program_cannot_make_the_map_a_sentence_says_why() -> None:
    model = xl.as_model(Twice(), classes=("a", "b"), input_size=(16, 16), mean=(0.5,) * 3, std=(0.25,) * 3)
    ours, *others = hook_snippets(model, "act#2", explained("m", 0, 1)).programs
    assert ours.code is not None
    assert [one.code for one in others] == [None] * 3
    assert others[0].why.startswith("grad-cam cannot make this map: act is called several times in a pass, and hooks of other")
    with pytest.raises(xl.LayerError, match="unknown layer"):
        hook_snippets(model, "fly", explained("m", 0, 1))
