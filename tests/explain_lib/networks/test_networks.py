"""The bundled architectures are those of the publications."""

import pytest
import torch
from torch import nn

import explain_lib as xl
from explain_lib.loading.architectures import ResNet20, ShortcutA, TutorialNet, vit_tiny
from explain_lib.networks.weights import all_finite

HALF = (0.5, 0.5, 0.5)


def grids(network: nn.Module) -> dict[str, tuple[int, int]]:
    model = xl.as_model(network, classes=xl.CLASSES, input_size=(32, 32), mean=HALF, std=HALF)
    return {layer.name: layer.grid for layer in model.layers if layer.is_conv}


def test_the_tutorial_network_has_the_grids_of_the_tutorial() -> None:
    assert grids(TutorialNet()) == {"conv1": (28, 28), "conv2": (10, 10)}


def test_resnet20_has_19_conv_layers_on_three_grids() -> None:
    found = list(grids(ResNet20()).values())
    # He et al. 2015, section 4.2: 1 + 2n layers at 32 x 32, 2n at 16 x 16, 2n at 8 x 8, n = 3
    assert found == [(32, 32)] * 7 + [(16, 16)] * 6 + [(8, 8)] * 6


def test_the_small_transformer_has_64_patches_of_four_pixels_in_six_blocks() -> None:
    network = vit_tiny()
    # a block: attention 4 * 96**2, two layers of 96 x 192, biases, normalisations
    block = 4 * 96**2 + 4 * 96 + 2 * 96 * 192 + 192 + 96 + 4 * 96
    patches = 27 * 32 + 2 * 32 + 9 * 32 * 64 + 2 * 64 + 64 * 96 + 96  # two convolutions with their normalisations, a third
    assert sum(one.numel() for one in network.parameters()) == patches + 66 * 96 + 6 * block + 2 * 96 + 10 * 97
    found = grids(network)
    assert (found["conv_proj.conv_bn_relu_0.0"], found["conv_proj.conv_last"]) == ((16, 16), (8, 8))


def test_the_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    y = ShortcutA(2)(x)
    assert y.tolist() == [[[[0, 0], [0, 0]], [[0, 2], [8, 10]], [[0, 0], [0, 0]]]]


def test_no_relu_of_resnet20_is_used_twice() -> None:
    model = xl.as_model(ResNet20(), classes=xl.CLASSES, input_size=(32, 32), mean=HALF, std=HALF)
    assert not [layer.name for layer in model.layers if "#" in layer.name]
    assert sum(isinstance(module, nn.ReLU) for module in model.network.modules()) == 19


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_one_number_that_is_not_finite_is_found_wherever_it_is(value: float) -> None:
    whole = torch.linspace(-1, 1, 4099)
    assert all_finite(whole)
    for place in (0, 7, 2049, 4098):
        broken = whole.clone()
        broken[place] = value
        assert not all_finite(broken)
        assert not all_finite(broken[:, None].expand(-1, 3))
        assert all_finite(torch.cat([broken[:place], broken[place + 1 :]]).view(2, -1).T)
    assert not all_finite(torch.tensor(value))


def test_nothing_and_whole_numbers_are_finite() -> None:
    assert all(map(all_finite, (torch.ones(0, 3), torch.arange(3), torch.tensor([True, False]))))
