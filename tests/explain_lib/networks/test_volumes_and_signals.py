"""Networks of volumes and of signals, beside plain autograd, PyTorch's interpolation and the package grad-cam."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.video import r3d_18

import explain_lib as xl
from explain_lib.audit.card import belief_card
from explain_lib.base.sheets import Sheet
from explain_lib.cam.contrast import contrast, contrasts
from explain_lib.cam.other_programs import third_opinion
from explain_lib.networks.randomisation import randomised
from explain_lib.trust.faithfulness import removal_pictures
from explain_lib.trust.ladder import ladder_curves
from explain_lib.trust.sanity import SanityRequest, random_starts, sanity_maps
from explain_lib.truth.mosaics import mosaic_model

SIZE, SAMPLES = (6, 20, 24), 90
EXACT = {"atol": 1e-6, "rtol": 1e-5}


def volume_network(channels: int = 3) -> nn.Sequential:
    """A module that writes over its input among its parts."""
    torch.manual_seed(4)
    first = (nn.Conv3d(channels, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool3d((1, 2, 2)))
    second = (nn.Conv3d(6, 8, 3, stride=2, padding=1), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool3d((1, 2, 2)), nn.Flatten(), nn.Linear(32, 4, bias=False)).eval()


def signal_network(channels: int = 1) -> nn.Sequential:
    torch.manual_seed(5)
    body = (nn.Conv1d(channels, 6, 5), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 8, 5, stride=3), nn.ReLU())
    return nn.Sequential(*body, nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(32, 4, bias=False)).eval()


def model_of(network: nn.Module, size: tuple[int, ...], channels: int = 3) -> xl.Model:
    return xl.as_model(network, input_size=size, mean=(0.4,) * channels, std=(0.25,) * channels)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


def as_input(pixels: NDArray[np.uint8]) -> Tensor:
    """Pixels (N, ..., C) as the network takes them, (N, C, ...), in other words than the library's."""
    return (torch.from_numpy(np.moveaxis(pixels, -1, 1).astype(np.float64) / 255) - 0.4).div(0.25).float()


def by_autograd(network: nn.Module, batch: Tensor, layer: str) -> NDArray[np.float32]:
    """The ReLU maps of the likeliest classes over all axes that the layer's output has."""
    return signed_by_autograd(network, batch, layer, lambda scores: scores.amax(1)).clip(min=0)


def signed_by_autograd(network: nn.Module, batch: Tensor, layer: str, score: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
    """The maps before the ReLU. score: (N,) of the output (N, classes)."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # before a later module writes to it

    handle = network.get_submodule(layer).register_forward_hook(keep)
    scores = network(batch.clone().requires_grad_())
    handle.remove()
    (gradient,) = torch.autograd.grad(score(scores).sum(), kept)
    axes = tuple(range(2, gradient.dim()))
    return (gradient.mean(axes, keepdim=True) * kept[0]).sum(1).detach().numpy()


# Section: maps


@pytest.mark.parametrize("channels", [1, 3, 13])
@pytest.mark.parametrize("layer", ["0", "1", "2", "3", "4", "5"])
def test_every_layer_of_a_network_of_volumes_gives_the_map_of_plain_autograd(layer: str, channels: int) -> None:
    network, volumes = volume_network(channels), noise(2, *SIZE, channels)
    model = model_of(network, SIZE, channels)
    found, right = xl.grad_cam(model, model.sheet.closed(volumes), layer), by_autograd(network, as_input(volumes), layer)
    slices = model.find_layers(layer)[0].slices
    assert slices == right.shape[1]
    assert right.max() > 0
    assert_allclose(model.sheet.by_slice(found[layer].map, slices), right, **EXACT)


@pytest.mark.parametrize("channels", [1, 4, 13])
@pytest.mark.parametrize("layer", ["0", "1", "3", "4", "5"])
def test_every_layer_of_a_network_of_signals_gives_the_map_of_plain_autograd(layer: str, channels: int) -> None:
    network, signals = signal_network(channels), noise(3, SAMPLES, channels)
    model = model_of(network, (SAMPLES,), channels)
    found, right = xl.grad_cam(model, model.sheet.closed(signals), layer), by_autograd(network, as_input(signals), layer)
    assert right.max() > 0
    assert_allclose(found[layer].map[:, 0], right, **EXACT)


@pytest.mark.parametrize("layer", ["stem", "layer1", "layer2.0.conv1.0", "layer3", "layer4"])
def test_torchvisions_r3d_18_gives_the_map_of_plain_autograd_and_of_grad_cam(layer: str) -> None:
    model = xl.load_own_model("r3d_18", "random", input_size=(8, 64, 64), mean=(0.4,) * 3, std=(0.25,) * 3)
    torch.manual_seed(0)
    network = r3d_18(num_classes=400).eval()
    network.load_state_dict({name: value.clone() for name, value in model.network.state_dict().items()})
    volumes = noise(1, 8, 64, 64, 3)
    sheets, batch = model.sheet.closed(volumes), as_input(volumes)
    right = by_autograd(network, batch, layer)
    assert right.max() > 0
    found = xl.grad_cam(model, sheets, layer)[layer].map
    assert_allclose(model.sheet.by_slice(found, right.shape[1]), right, atol=1e-6 * max(1.0, right.max()), rtol=1e-4)
    with GradCAM(network, [network.get_submodule(layer)]) as cam:
        theirs = cam(input_tensor=batch, targets=None)
    assert_allclose(xl.package_grad_cam(model, sheets, layer).reshape(theirs.shape), theirs, atol=1e-5)


def test_floats_as_a_loader_gives_them_are_taken_as_they_are() -> None:
    network = volume_network()
    model, batch = model_of(network, SIZE), torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(3))
    found = xl.grad_cam(model, model.sheet.closed(batch), "3")["3"].map
    assert_allclose(model.sheet.by_slice(found, 3), by_autograd(network, batch, "3"), **EXACT)


def test_a_function_of_the_callers_gets_the_volume() -> None:
    network, volumes = volume_network(), noise(2, *SIZE, 3)
    model = xl.as_model(
        network, input_size=SIZE, mean=(0.4,) * 3, std=(0.25,) * 3, forward=lambda batch: network(batch.flip(2))
    )
    found = xl.grad_cam(model, model.sheet.closed(volumes), "3")["3"].map
    assert_allclose(model.sheet.by_slice(found, 3), by_autograd(network, as_input(volumes).flip(2), "3"), **EXACT)


def test_random_weights_and_channels_left_out_keep_the_axes() -> None:
    network, volumes = volume_network(), noise(1, *SIZE, 3)
    model = model_of(network, SIZE)
    sheets, last = model.sheet.closed(volumes), randomised(model, 1)
    other = deepcopy(network)
    other.load_state_dict(last.network.state_dict())
    assert_allclose(last.predict(sheets), other(as_input(volumes)).detach().numpy(), atol=1e-5)
    found = xl.grad_cam(last, sheets, "3")["3"].map
    assert_allclose(model.sheet.by_slice(found, 3), by_autograd(other, as_input(volumes), "3"), **EXACT)


# Section: enlarged


@pytest.mark.parametrize(
    ("resize", "mode"), [("torch-bilinear", "trilinear"), ("cv2-linear", "trilinear"), ("nearest", "nearest")]
)
def test_a_map_is_enlarged_over_slices_rows_and_columns_at_once(resize: str, mode: str) -> None:
    model, volumes = model_of(volume_network(), SIZE), noise(2, *SIZE, 3)
    sheets = model.sheet.closed(volumes)
    settings = xl.CamSettings(layers=("3",), scale_over="none", resize=resize)
    right = torch.from_numpy(by_autograd(volume_network(), as_input(volumes), "3"))[:, None]
    align = None if mode == "nearest" else False
    large = functional.interpolate(right, SIZE, mode=mode, align_corners=align)[:, 0].numpy()
    assert_allclose(xl.heatmap(model, sheets, settings).reshape(large.shape), large, **EXACT)
    placed = xl.CamSettings(layers=("3",), scale_over="none", resize=resize, placement="receptive-field")
    assert_array_equal(xl.heatmap(model, sheets, placed), xl.heatmap(model, sheets, settings))


def test_the_map_of_a_signal_is_enlarged_along_the_signal() -> None:
    model, signals = model_of(signal_network(), (SAMPLES,), 1), noise(2, SAMPLES, 1)
    settings = xl.CamSettings(layers=("3",), scale_over="none", resize="torch-bilinear")
    right = torch.from_numpy(by_autograd(signal_network(), as_input(signals), "3"))[:, None]
    large = functional.interpolate(right, SAMPLES, mode="linear", align_corners=False)[:, 0].numpy()
    assert_allclose(xl.heatmap(model, model.sheet.closed(signals), settings)[:, 0], large, **EXACT)


def test_several_layers_of_a_volume_are_merged_at_its_size_only() -> None:
    model = model_of(volume_network(), SIZE)
    sheets = model.sheet.closed(noise(1, *SIZE, 3))
    maps = [xl.heatmap(model, sheets, xl.CamSettings(layers=(name,), resize="torch-bilinear")) for name in ("0", "3")]
    both = xl.heatmap(model, sheets, xl.CamSettings(layers=("0", "3"), resize="torch-bilinear"))
    assert_allclose(both, np.mean(maps, axis=0), atol=1e-6)


def test_a_slice_of_the_input_lies_between_the_slices_of_the_map() -> None:
    """Of two slices 0 and 8, stretched over four, the middles lie at -1/4, 1/4, 3/4 and 5/4 of the way."""
    values = np.concatenate([np.zeros((1, 3)), np.full((1, 3), 8.0)]).astype(np.float32)
    assert_allclose(Sheet((4, 5, 6)).over_slices(values, 2)[:, 0, 0], [0, 2, 6, 8])


# Section: what compares maps on the layer's grid


def one_of(kind: str) -> tuple[nn.Module, xl.Model, NDArray[np.uint8]]:
    """A network, its model, and one volume (1, slices, height, width, 3) or one signal (1, samples, 1)."""
    if kind == "volume":
        return (network := volume_network()), model_of(network, SIZE), noise(1, *SIZE, 3)
    return (network := signal_network()), model_of(network, (SAMPLES,), 1), noise(1, SAMPLES, 1)


@pytest.mark.parametrize(("kind", "layer"), [("volume", "0"), ("volume", "3"), ("signal", "0"), ("signal", "3")])
def test_two_classes_are_contrasted_over_all_axes(kind: str, layer: str) -> None:
    network, model, values = one_of(kind)
    a, b = 2, 0
    batch, sheets = as_input(values), model.sheet.closed(values)
    found = contrast(model, sheets, layer, a, b)
    scores: dict[str, Callable[[Tensor], Tensor]] = {
        "signed_a": lambda logits: logits[:, a],
        "signed_b": lambda logits: logits[:, b],
        "signed_contrast": lambda logits: logits[:, a] - logits[:, b],
        "against": lambda logits: -logits[:, a],
        "by_logit": lambda logits: logits[:, a],
        "by_probability": lambda logits: logits.softmax(1)[:, a],
    }
    for name, score in scores.items():
        right = signed_by_autograd(network, batch, layer, score)[0]
        right = right if name.startswith("signed") else right.clip(min=0)
        assert np.ptp(right) > 0
        assert_allclose(getattr(found, name).reshape(right.shape), right, **EXACT)
        assert_allclose(getattr(contrasts(model, sheets, None, a, b)[layer], name).reshape(right.shape), right, **EXACT)


def forgotten(network: nn.Module, model: xl.Model, depth: int, seed: int = 0) -> nn.Module:
    """The plain network with the weights of the randomised copy."""
    other = deepcopy(network)
    other.load_state_dict(randomised(model, depth, seed=seed).network.state_dict())
    return other.eval()


@pytest.mark.parametrize(("kind", "layer"), [("volume", "0"), ("volume", "3"), ("signal", "0"), ("signal", "3")])
def test_maps_of_networks_that_forget_are_compared_over_all_slices(kind: str, layer: str) -> None:
    network, model, values = one_of(kind)
    batch, sheets = as_input(values), model.sheet.closed(values)
    explained = int(network(batch).argmax())
    found = sanity_maps(model, sheets, layer)
    own = signed_by_autograd(network, batch, layer, lambda scores: scores[:, explained]).clip(min=0)[0]
    assert len(found.steps) == 3
    for depth in range(1, 4):
        other = forgotten(network, model, depth)
        right = signed_by_autograd(other, batch, layer, lambda scores: scores[:, explained]).clip(min=0)[0]
        assert_allclose(found.maps[0, depth].reshape(right.shape), right, **EXACT)
        alike = spearmanr(own.ravel(), right.ravel()).statistic
        assert_allclose(found.correlations[0, depth - 1], alike, atol=1e-4)  # ranks of cells that differ by rounding
    starts = random_starts(model, sheets, layer, seeds=(0, 5))
    last = signed_by_autograd(forgotten(network, model, 3, 5), batch, layer, lambda scores: scores[:, explained])
    assert_allclose(starts.maps[1].reshape(own.shape), last.clip(min=0)[0], **EXACT)


def test_many_volumes_are_compared_as_one() -> None:
    model, sheets = model_of(volume_network(), SIZE), model_of(volume_network(), SIZE).sheet.closed(noise(3, *SIZE, 3))
    rows = SanityRequest(model, sheets, np.array([0, 2]), "3", draws=2).compute()
    for draw in range(2):
        for row, image in enumerate((0, 2)):
            one = sanity_maps(model, sheets[[image]], "3", seed=draw)
            assert_allclose(rows.correlations[row, draw], one.correlations[0], atol=1e-4)


def test_a_twin_that_cuts_the_sheet_elsewhere_is_refused() -> None:
    model, other = model_of(volume_network(), SIZE), model_of(volume_network(), (10, 12, 24))
    sheets = model.sheet.closed(noise(2, *SIZE, 3))
    why = "its input is 10 × 12 × 24; that of the model, 6 × 20 × 24, would be right"
    with pytest.raises(xl.InputError, match=why):
        sanity_maps(model, sheets, "3", twin=other)
    with pytest.raises(xl.InputError, match=why):
        SanityRequest(model, sheets, np.array([0]), "3", second=other)


# Section: refused, and told apart

WRONG: dict[str, tuple[dict[str, object], str]] = {
    "too many sides": ({"input_size": (2, 3, 4, 5)}, "three with the slices of a volume first, or one for the samples"),
    "a signal's": ({"input_size": (90,)}, r"input_size: \(90,\); \(slices, height, width\) would be right"),
    "none": ({"input_size": (0, 20, 24)}, "whole numbers above 0"),
    "layout": ({"input_size": SIZE, "layout": {"0": "tokens"}}, "layout: it is for networks of pictures"),
    "a picture's": ({"input_size": (20, 24)}, r"of the kind Conv3d.* input_size=\(slices, height, width\) would be right"),
}


@pytest.mark.parametrize(("given", "why"), WRONG.values(), ids=WRONG)
def test_what_does_not_belong_to_a_volume_is_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(xl.ExplainError, match=why):
        xl.as_model(volume_network(), **({"mean": (0.4,) * 3, "std": (0.25,) * 3} | given))


@pytest.mark.parametrize("resize", ["torch-bicubic", "pil-bicubic"])
def test_what_enlarges_pictures_alone_is_refused(resize: str) -> None:
    model = model_of(volume_network(), SIZE)
    with pytest.raises(xl.InputError, match="is for pictures; torch-bilinear, trilinear for a volume"):
        xl.heatmap(model, model.sheet.closed(noise(1, *SIZE, 3)), xl.CamSettings(resize=resize))


PICTURES_ONLY: dict[str, Callable[[xl.Model, NDArray[np.uint8]], object]] = {
    "the card": lambda model, sheets: belief_card(model, sheets[0], "3"),
    "the advice": xl.advise,
    "the ladder": lambda model, sheets: ladder_curves(model, sheets, 0),
    "rows of a ladder": lambda model, sheets: xl.layer_ladder(model, sheets, [0, 1]),
    "removed pixels": lambda model, sheets: removal_pictures(
        model, sheets[0], 0, np.arange(sheets[0, ..., 0].size), "grey", [2]
    ),
    "covering": lambda model, sheets: xl.cover_effect(model, sheets[0], "AAAw"),
    "an average map": lambda model, sheets: xl.average_map(model, sheets, "3"),
    "causes": lambda model, sheets: xl.decompose(model, sheets, 0, xl.PAPER, xl.package_settings(None)),
    "a mosaic": lambda model, _: mosaic_model(model),
    "another program": lambda model, sheets: third_opinion("torch-cam", model, sheets, "3"),
}


@pytest.mark.parametrize("ask", PICTURES_ONLY.values(), ids=PICTURES_ONLY)
@pytest.mark.parametrize("kind", ["volumes", "signals"])
def test_what_looks_at_rows_and_columns_of_pictures_is_refused(
    ask: Callable[[xl.Model, NDArray[np.uint8]], object], kind: str
) -> None:
    of_volumes = kind == "volumes"
    model = model_of(volume_network(), SIZE) if of_volumes else model_of(signal_network(), (SAMPLES,), 1)
    values = noise(2, *SIZE, 3) if of_volumes else noise(2, SAMPLES, 1)
    with pytest.raises(xl.InputError, match="takes volumes or signals$" if ask is PICTURES_ONLY["another program"] else kind):
        ask(model, model.sheet.closed(values))


@pytest.mark.parametrize("values", [noise(2, 120, 24, 3), noise(6, 20, 24, 3), noise(1, 20, 6, 24, 3)])
def test_what_is_no_volume_makes_no_sheet(values: NDArray[np.uint8]) -> None:
    with pytest.raises(xl.InputError, match=r"\(N, 6, 20, 24, C\)"):
        model_of(volume_network(), SIZE).sheet.closed(values)


def test_two_shapes_of_one_sheet_are_two_models() -> None:
    digests = {model_of(volume_network(), size).digest for size in (SIZE, (10, 12, 24), SIZE)}
    assert len(digests) == 2


def test_where_cells_look_is_not_told() -> None:
    assert xl.cell_centres(model_of(volume_network(), SIZE), "3") is None
    assert xl.cell_centres(model_of(signal_network(), (SAMPLES,), 1), "3") is None


def test_the_check_up_takes_a_volume() -> None:
    found = xl.check_up(volume_network(), input_size=SIZE, mean=(0.4,) * 3, std=(0.25,) * 3).findings
    assert [one.kind for one in found] == ["in-place"]
    (said,) = [one for one in xl.check_up(volume_network(), input_size=(20, 24)).findings if one.kind == "forward"]
    assert "give it the input_size (slices, height, width) of a volume" in said.remedy
