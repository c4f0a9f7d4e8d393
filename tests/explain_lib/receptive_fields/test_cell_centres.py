"""Where cells look: receptive fields on paper, networks that read one pixel, and layers that nobody can place."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from sample_networks import Models
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl
from explain_lib.receptive_fields.centres import locate_cells

SIZE = 24


class Scored(nn.Module):
    """Layers, and two logits: the sum over the last output, and its negative."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        total = self.layers(x).flatten(1).sum(1, keepdim=True)
        return torch.cat([total, -total], 1)


def as_read(layers: nn.Module, size: tuple[int, int] = (SIZE, SIZE)) -> xl.Model:
    """The layers as a model whose input is a picture's own numbers, from 0 to 1."""
    return xl.as_model(Scored(layers), classes=("one", "other"), input_size=size, mean=(0, 0, 0), std=(1, 1, 1))


def conv(*args: int, **options: Any) -> nn.Module:
    return nn.Conv2d(3, 3, *args, **options)


class Two(nn.Module):
    """Two branches beside each other."""

    def __init__(self, first: nn.Module, second: nn.Module, join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.join = first, second, join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.first(x), self.second(x))


class Works(nn.Module):
    """A network that is no stack of modules."""

    def __init__(self, work: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.work = work

    def forward(self, x: Tensor) -> Tensor:
        return self.work(x)


def at(start: float, step: float, cells: int) -> list[float]:
    return [start + step * cell for cell in range(cells)]


def written(x: Tensor) -> Tensor:
    canvas = torch.zeros_like(x)
    canvas[:, :, :10] = x[:, :, :10]
    canvas[:, :, 10:].copy_(x[:, :, 10:] * 2)
    return canvas


# Section: on paper. A cell's middle is the mean of the positions that its kernel covers, beyond the border as inside.

KERNEL = torch.ones(3, 3, 3, 3)
LAYERS: dict[str, tuple[nn.Module, list[float]]] = {
    "no padding": (conv(5), at(2, 1, 20)),
    "padding keeps cells where they are": (conv(5, padding=2), at(0, 1, 24)),
    "a stride": (conv(3, stride=2, padding=1), at(0, 2, 12)),
    "dilation": (conv(3, dilation=3), at(3, 1, 18)),
    "an even kernel": (conv(4, stride=2, padding=1), at(0.5, 2, 12)),
    "pooling": (nn.Sequential(conv(5), nn.MaxPool2d(2)), at(2.5, 2, 10)),
    "the tutorial's two": (nn.Sequential(conv(5), nn.MaxPool2d(2), nn.ReLU(inplace=True), conv(5)), at(6.5, 2, 6)),
    "average pooling that overlaps": (nn.AvgPool2d(3, 2, padding=1), at(0, 2, 12)),
    "ceil_mode: the last window has one cell": (nn.Sequential(conv(2), nn.MaxPool2d(2, ceil_mode=True)), [*at(1, 2, 11), 22.5]),
    "adaptive pooling": (nn.AdaptiveAvgPool2d(8), at(1, 3, 8)),
    "a transposed convolution": (
        nn.Sequential(conv(3, stride=2, padding=1), nn.ConvTranspose2d(3, 3, 3, stride=2, padding=1, output_padding=1)),
        at(0, 1, 24),
    ),
    "enlarging to twice the size: two cells look at one place, and lie beside each other": (
        nn.Sequential(conv(2, stride=2), nn.Upsample(scale_factor=2)),
        at(0, 1, 24),
    ),
    "padding by itself, more on one side": (nn.Sequential(nn.ZeroPad2d((2, 0, 2, 0)), conv(3)), at(-1, 1, 24)),
    "mirrored padding": (conv(3, padding=1, padding_mode="reflect"), at(0, 1, 24)),
    "cropping": (Works(lambda x: x[:, :, 4:-2, 4:-2]), at(4, 1, 18)),
    "two branches that agree": (Two(conv(3, padding=1), conv(5, padding=2), torch.add), at(0, 1, 24)),
    "two branches side by side": (Two(conv(3), conv(1), lambda a, b: torch.cat([a, b[:, :, 1:-1, 1:-1]], 1)), at(1, 1, 22)),
    "two branches half a pixel apart": (Two(conv(2), conv(1), lambda a, b: a + b[:, :, :23, :23]), at(0.25, 1, 23)),
    "a gate of the whole picture": (Works(lambda x: x[:, :, ::3, ::3] * x.mean((2, 3), keepdim=True)), at(0, 3, 8)),
    "a function in the place of a module": (Works(lambda x: functional.conv2d(x, KERNEL, stride=3)), at(1, 3, 8)),
    "channels last, and back": (
        nn.Sequential(conv(4, stride=4), Works(lambda x: (x.permute(0, 2, 3, 1) @ KERNEL[0, 0]).permute(0, 3, 1, 2))),
        at(1.5, 4, 6),
    ),
    "pixels into channels": (nn.PixelUnshuffle(2), at(0.5, 2, 12)),
    "a canvas that is written in parts": (Works(written), at(0, 1, 24)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_on_paper(name: str) -> None:
    torch.manual_seed(0)
    layers, right = LAYERS[name]
    found = locate_cells(as_read(layers), "layers")
    assert found is not None
    assert found.source == "read"
    assert_allclose(found.rows, right, atol=1e-4)
    assert_allclose(found.columns, right, atol=1e-4)


def test_rows_and_columns_have_their_own_strides() -> None:
    torch.manual_seed(0)
    found = xl.cell_centres(as_read(conv((3, 5), stride=(2, 3), padding=(0, 2)), (17, 31)), "layers")
    assert found is not None
    assert (found.shape, found.dtype) == ((8, 11, 2), np.float32)
    assert_array_equal(found[:, 0, 0], at(1, 2, 8))
    assert_array_equal(found[0, :, 1], at(0, 3, 11))
    assert (found[..., 0] == found[:, :1, 0]).all()
    assert (found[..., 1] == found[:1, :, 1]).all()


@pytest.mark.parametrize(
    ("name", "layer", "start", "step", "cells"),
    [
        ("captum-tutorial", "conv1", 2, 1, 28),
        ("captum-tutorial", "pool1", 2.5, 2, 14),
        ("captum-tutorial", "conv2", 6.5, 2, 10),
        ("tutorial", "pool2", 7.5, 4, 5),
        ("resnet20", "layer1.2.conv2", 0, 1, 32),
        ("resnet20", "layer3.0.conv1", 0, 4, 8),
        ("resnet18", "layer4.1.conv2", 0, 32, 2),
        ("vgg11", "features.18", 7.5, 16, 4),
    ],
)
def test_known_networks(random_model: Models, name: str, layer: str, start: float, step: float, cells: int) -> None:
    model = xl.load_model(name) if name in xl.list_models() else random_model(name)
    found = xl.cell_centres(model, layer)
    assert found is not None
    assert_allclose(found[:, 0, 0], at(start, step, cells), atol=1e-4)
    assert_allclose(found[0, :, 1], at(start, step, cells), atol=1e-4)


def test_attention_leaves_a_patch_where_it_is() -> None:
    """A transformer's block between two grids: tokens and a class token before them; each token adds what others say."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.norm = conv(4, stride=4), nn.LayerNorm(3)
            self.attention = nn.MultiheadAttention(3, 1, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            grid = self.patches(x)
            tokens = torch.cat([torch.zeros(len(x), 1, 3), grid.flatten(2).transpose(1, 2)], 1)
            tokens = tokens + 0.1 * self.attention(*[self.norm(tokens)] * 3, need_weights=False)[0]
            return tokens[:, 1:].transpose(1, 2).reshape(grid.shape)

    torch.manual_seed(0)
    found = locate_cells(as_read(Block()), "layers")
    assert found is not None
    assert found.source == "read"
    assert_allclose(found.rows, at(1.5, 4, 6), atol=1e-4)


# Section: what cannot be read


def test_what_cannot_be_read_is_measured() -> None:
    """A convolution by a Fourier transform: no operation of it is known, and each cell's gradient lies in its middle."""
    kernel = torch.zeros(SIZE, SIZE)
    kernel[:3, :3] = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])

    def by_fourier(x: Tensor) -> Tensor:
        found = torch.fft.irfft2(torch.fft.rfft2(x) * torch.fft.rfft2(kernel), s=(SIZE, SIZE))
        return found[:, :, 2::2, 2::2]  # the kernel lies before each of these

    found = locate_cells(as_read(Works(by_fourier)), "layers")
    assert found is not None
    assert found.source == "measured"
    assert_allclose(found.rows, at(1, 2, 11), atol=0.5)
    assert_allclose(found.columns, at(1, 2, 11), atol=0.5)


@pytest.mark.parametrize(
    "work",
    [
        lambda x: x.flip(3),
        lambda x: x.flatten(2)[:, :, torch.randperm(SIZE * SIZE, generator=torch.Generator().manual_seed(0))].view(x.shape),
        lambda x: torch.fft.fft2(x).abs(),
        lambda x: x.mean((2, 3), keepdim=True) * torch.ones(1, 1, 8, 8),
    ],
    ids=["mirrored", "shuffled", "spectrum", "mean everywhere"],
)
def test_cells_in_no_order_are_nowhere(work: Callable[[Tensor], Tensor]) -> None:
    assert xl.cell_centres(as_read(Works(work)), "layers") is None


def test_cells_that_look_elsewhere_at_each_pass_are_nowhere() -> None:
    passes, wave = count(), torch.fft.rfftfreq(SIZE)

    def moved(x: Tensor) -> Tensor:
        by = 6 * (next(passes) % 2)
        found = torch.fft.irfft(torch.fft.rfft(x) * torch.exp(-2j * torch.pi * wave * by), n=SIZE)
        return found[:, :, ::2, 8::2]

    assert xl.cell_centres(as_read(Works(moved)), "layers") is None


def test_what_was_read_is_checked_by_the_answers() -> None:
    """The picture itself, and eight times what lies on the other side, by an operation that is not known: half a truth."""
    grid = functional.affine_grid(torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]]), [1, 3, SIZE, SIZE], align_corners=False)
    work = Works(lambda x: x + 8 * functional.grid_sample(x, grid.expand(len(x), -1, -1, -1), align_corners=False))
    assert xl.cell_centres(as_read(work), "layers") is None
    assert xl.cell_centres(as_read(Works(lambda x: x + 8 * x.tanh())), "layers") is not None


def test_what_leaves_no_trace_of_the_picture_is_nowhere() -> None:
    by_numpy = Works(lambda x: torch.from_numpy(np.ascontiguousarray(x.detach().numpy()[:, :, ::2, ::2])))
    assert xl.cell_centres(as_read(by_numpy), "layers") is None


def test_a_network_that_takes_few_pictures_at_once_is_read_without_the_check() -> None:
    def few(x: Tensor) -> Tensor:
        if len(x) > 2:
            raise ValueError("at most two")
        return x[:, :, ::2, ::2]

    found = locate_cells(as_read(Works(few)), "layers")
    assert found is not None
    assert_allclose(found.rows, at(0, 2, 12))


def test_a_layer_of_one_cell_looks_at_the_whole_picture() -> None:
    found = xl.cell_centres(as_read(nn.AdaptiveAvgPool2d(1)), "layers")
    assert_array_equal(found, [[[(SIZE - 1) / 2] * 2]])


@pytest.mark.parametrize("layer", ["conv9", "layers.0"])
def test_a_layer_that_is_not_there_is_refused(layer: str) -> None:
    with pytest.raises(xl.LayerError, match="unknown layer"):
        xl.cell_centres(as_read(conv(3)), layer)


# Section: one pixel decides. The network is linear with kernels that are highest in their middle, and one pixel is not black.


def tent(size: int) -> Tensor:
    """Binomial numbers: 1 2 1 for 3."""
    line = torch.ones(1)
    for _ in range(size - 1):
        line = functional.pad(line, (1, 0)) + functional.pad(line, (0, 1))
    return line / line.sum()


def planted(module: nn.Module) -> nn.Module:
    """The module with kernels that are highest in their middle, and no bias."""
    with torch.no_grad():
        for one in module.modules():
            if isinstance(one, nn.Conv2d | nn.ConvTranspose2d):
                one.weight.copy_((tent(one.kernel_size[0])[:, None] * tent(one.kernel_size[1])).expand_as(one.weight))
                if one.bias is not None:
                    one.bias.zero_()
    return module


def one_pixel(size: int, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    pictures = np.zeros((len(places), size, size, 3), np.uint8)
    pictures[np.arange(len(places)), places[:, 0], places[:, 1]] = 255
    return pictures


def every_pixel(size: int) -> NDArray[np.int64]:
    return np.argwhere(np.ones((size, size)))


def distances_from_peak(maps: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far the nearest of a map's highest pixels is from the one that decides, along the farther axis; NaN for no map."""
    found = np.full(len(maps), np.nan)
    for place, (one, (y, x)) in enumerate(zip(maps, places, strict=True)):
        if one.max() > 0:
            rows, columns = np.nonzero(one >= one.max() * (1 - 1e-5))
            found[place] = np.maximum(abs(rows - y), abs(columns - x)).min()
    return found


def tutorial_stack() -> nn.Module:
    layers = nn.Sequential()
    for name, one in {
        "conv1": conv(5), "relu1": nn.ReLU(), "pool1": nn.MaxPool2d(2), "conv2": conv(5), "relu2": nn.ReLU(),
    }.items():  # fmt: skip
        layers.add_module(name, one)
    return layers


@pytest.mark.parametrize("resize", ["cv2-linear", "nearest"])
@pytest.mark.parametrize("layer", ["layers.conv1", "layers.conv2"])
def test_the_peak_lies_at_the_pixel_that_decides(layer: str, resize: Any) -> None:
    model = as_read(planted(tutorial_stack()), (32, 32))
    places = every_pixel(32)
    there = xl.CamSettings((layer,), placement="receptive-field", resize=resize)
    found = distances_from_peak(xl.heatmap(model, one_pixel(32, places), there, 0), places)
    assert found.max() <= 1


def test_stretched_it_does_not() -> None:
    model = as_read(planted(tutorial_stack()), (32, 32))
    places = every_pixel(32)
    found = distances_from_peak(xl.heatmap(model, one_pixel(32, places), xl.CamSettings(("layers.conv2",)), 0), places)
    assert found.max() >= 4


KINDS = ("conv", "max", "average", "transposed")


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[nn.Module], int]:
    """Up to four layers at random, and how far from the border a pixel lies that padding, and the gaps of a dilated kernel,
    take from no cell.
    """
    layers: list[nn.Module] = []
    padded, stride_so_far = 0, 1
    for _ in range(draw(st.integers(1, 4))):
        kind, kernel, stride = draw(st.sampled_from(KINDS)), draw(st.integers(1, 5)), draw(st.integers(1, 2))
        padding, ceil, apart = draw(st.integers(0, kernel // 2)), draw(st.booleans()), 1
        if kind == "conv":
            apart = draw(st.integers(1, 2))
            layers.append(conv(kernel, stride=stride, padding=padding, dilation=apart, bias=False))
        elif kind == "max":
            layers.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil))
        elif kind == "average":
            layers.append(nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil))
        else:
            stride = min(stride, kernel)
            layers.append(nn.ConvTranspose2d(3, 3, kernel, stride, min(padding, kernel - stride), bias=False))
        whole = padding == 0 and apart == 1 and kind != "transposed" and not ceil
        padded += 0 if whole else (padding + apart * kernel) * stride_so_far
        stride_so_far *= stride
    return layers, padded


@given(stack=stacks())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_the_peak_lies_at_the_pixel_that_decides_in_random_stacks(stack: tuple[list[nn.Module], int]) -> None:
    """In the nearest cell; also far enough inside that no padding takes part of what a cell sees."""
    layers, padded = stack
    places = every_pixel(SIZE)
    inside = places[((places >= padded) & (places < SIZE - padded)).all(1)]
    assume(len(inside) >= 4)
    try:
        model = as_read(planted(nn.Sequential(*layers)))
    except xl.NetworkError:  # the grid grew too small
        assume(False)
    asked = [name for name in model.spatial_layers if name != "layers" and min(model.find_layers(name)[0].grid) > 1]
    pictures = one_pixel(SIZE, inside[:: max(1, len(inside) // 40)])
    for name in asked:
        chosen = xl.CamSettings((name,), placement="receptive-field", resize="nearest")
        found = distances_from_peak(xl.heatmap(model, pictures, chosen, 0), inside[:: max(1, len(inside) // 40)])
        assert np.nanmax(found, initial=0) <= 1, (name, layers)


def test_beyond_the_outermost_cell_the_nearest_holds() -> None:
    torch.manual_seed(0)
    model = as_read(conv(9))
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    grids = xl.heatmap(model, pictures, xl.CamSettings(("layers",), resize="none"), 0)
    for resize in ("cv2-linear", "torch-bilinear", "torch-bicubic", "pil-bicubic", "nearest"):
        found = xl.heatmap(model, pictures, xl.CamSettings(("layers",), placement="receptive-field", resize=resize), 0)
        assert_allclose(found, np.pad(grids, ((0, 0), (4, 4), (4, 4)), "edge"), atol=1e-6)


def test_placement_is_a_cause_of_its_own(tutorial: xl.Model, study: NDArray[np.uint8]) -> None:
    placed = xl.CamSettings(("conv2",), placement="receptive-field")
    found = xl.decompose(tutorial, study, 1, xl.CamSettings(("conv2",), relu=False), placed)
    assert found.settings == ("relu", "placement")
    assert found.shares.sum() == pytest.approx(np.abs(found.b - found.a).mean(), abs=1e-6)
    assert_allclose(found.maps.sum(0), found.b - found.a, atol=1e-6)
    assert found.causes["placement"] > 0.01


def test_placement_has_no_effect_where_no_cell_can_be_placed() -> None:
    model = as_read(Works(lambda x: x.flip(3)))
    pictures = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    stretched, placed = xl.CamSettings(("layers",)), xl.CamSettings(("layers",), placement="receptive-field")
    found = xl.decompose(model, pictures, 0, stretched, placed)
    assert found.causes == {"placement": 0}
    assert_array_equal(found.a, found.b)


def test_where_tokens_look_is_read_once_when_the_model_is_made() -> None:
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4).eval()
    model = xl.as_model(network, input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    batches: list[int] = []
    hook = network.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    found = xl.cell_centres(model, "encoder.layers.encoder_layer_1.ln_1")
    hook.remove()
    assert batches == [5]  # the pictures of the check alone
    assert_allclose(found[:, 0, 0], [3.5, 11.5, 19.5, 27.5])
    assert_allclose(found[0, :, 1], [3.5, 11.5, 19.5, 27.5])
