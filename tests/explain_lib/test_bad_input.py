"""Bad input to every public function: the right ExplainError, naming the argument, what was wrong, what would be right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from runs import through
from sample_networks import Scripted, model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.other_programs import third_opinion

Call = Callable[..., Any]


def heatmap_of(model: xl.Model, pixels: Any, layers: Any = None, targets: Any = None) -> Any:
    return xl.heatmap(model, pixels, xl.CamSettings(layers=layers), targets)


def package_of(model: xl.Model, pixels: Any, layers: Any = "body.2", targets: Any = None) -> Any:
    return xl.package_grad_cam(model, pixels, layers, targets)


def cached_heatmap(model: xl.Model, pixels: Any, layers: Any = None, targets: Any = None) -> Any:
    return through(xl.ExplainCache(), xl.heatmap, model, pixels, xl.CamSettings(layers=layers), targets)


MAPPERS: list[Call] = [xl.grad_cam, package_of, heatmap_of, cached_heatmap]


def named(function: Call) -> str:
    return function.__name__


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return model_of(seeded(plain))


def predict(model: xl.Model, pixels: Any) -> Any:
    return model.predict(pixels)


GOOD = noise(2)
NAN = np.full((2, 8, 8, 3), np.nan, np.float32)
BAD_PIXELS: dict[str, tuple[Any, str]] = {
    "list": (GOOD.tolist(), r"a list; a NumPy array, uint8 of shape \(N, 8, 8, 3\)"),
    "tensor": (torch.from_numpy(GOOD), r"a tensor of torch.uint8; a float tensor of shape \(N, 3, 8, 8\), normalised"),
    "tensor, channels last": (torch.zeros(2, 8, 8, 3), r"the shape is \(2, 8, 8, 3\); a float tensor of shape \(N, 3, 8, 8\)"),
    "tensor, 9 x 9": (torch.zeros(2, 3, 9, 9), r"the pictures are 9 x 9; a float tensor"),
    "tensor, NaN": (torch.full((2, 3, 8, 8), torch.nan), r"the tensor contains NaN or infinity"),
    "tensor, empty": (torch.zeros(0, 3, 8, 8), r"the batch is empty"),
    "None": (None, r"a NoneType; a NumPy array"),
    "float": (GOOD / 255, r"the dtype is float64; uint8"),
    "NaN": (NAN, r"the dtype is float32 and contains NaN; uint8"),
    "one picture": (GOOD[0], r"the shape is \(8, 8, 3\); uint8 of shape \(N, 8, 8, 3\)"),
    "channels first": (GOOD.transpose(0, 3, 1, 2), r"the shape is \(2, 3, 8, 8\); uint8 of shape \(N, 8, 8, 3\)"),
    "grey": (GOOD[..., :1], r"the shape is \(2, 8, 8, 1\)"),
    "9 x 9": (noise(2, side=9), r"the pictures are 9 x 9; uint8 of shape \(N, 8, 8, 3\) would be right, nothing is resized"),
    "4 x 8": (GOOD[:, :4], r"the pictures are 4 x 8"),
    "empty": (GOOD[:0], r"the batch is empty; at least one picture"),
}


@pytest.mark.parametrize("function", [*MAPPERS, predict], ids=named)
@pytest.mark.parametrize(("pixels", "sentence"), BAD_PIXELS.values(), ids=BAD_PIXELS)
def test_bad_pixels_are_refused(function: Call, pixels: Any, sentence: str, model: xl.Model) -> None:
    with pytest.raises(xl.InputError, match=rf"^pixels: {sentence}"):
        function(model, pixels)


BAD_LAYERS: list[tuple[Any, str]] = [
    ("conv9", r"unknown layer 'conv9'; this network has body.0, body.2"),
    (["body.0", "body.7"], r"unknown layer 'body.7'"),
    ("", r"unknown layer ''"),
    ([3], r"\[3\]; the name of a layer, or several names"),
    ([], r"no layer is named"),
    (["body.0", "body.0"], r"body.0, body.0 names a layer twice; once would be right"),
    ("fc", r"'fc' gives \(N, 2\); a layer that gives \(N, C, h, w\) would be right: body.0, body.1, body.2, body.3"),
    (5, r"5"),  # neither a name nor a list of names
    ([["body.0"]], r"\['body.0'\]"),
]


@pytest.mark.parametrize("function", MAPPERS, ids=named)
@pytest.mark.parametrize(("layers", "sentence"), BAD_LAYERS, ids=[repr(layers) for layers, _ in BAD_LAYERS])
def test_bad_layers_are_refused(function: Call, layers: Any, sentence: str, model: xl.Model) -> None:
    with pytest.raises(xl.LayerError, match=rf"^layers: .*{sentence}"):
        function(model, GOOD, layers)


class Signal(nn.Module):
    """Reads a picture's rows one after the other, and knows no columns."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv1d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.fc(self.conv(batch.flatten(2)).mean(2))
        return made


def test_a_network_whose_layers_have_no_grid_is_told_so() -> None:
    model = xl.as_model(Signal(), input_size=(8, 8), mean=(0,) * 3, std=(1,) * 3)
    with pytest.raises(xl.LayerError, match=r"^layers: this network has none whose output has a grid; a network that keeps"):
        _ = model.default_layer
    with pytest.raises(xl.LayerError, match=r"'conv' gives \(N, 4, 62\), and it is unknown .* right: it has none$"):
        xl.grad_cam(model, GOOD, "conv")
    with pytest.raises(xl.LayerError, match=r"unknown layer 'conv9'; this network has none whose output has a grid$"):
        xl.grad_cam(model, GOOD, "conv9")


BAD_TARGETS: list[tuple[Any, str]] = [
    (2, r"there is no class 2; the network has 0 to 1: class 0, class 1"),
    ([0], r"1 of them for 2 images; one, or one per image"),
    (xl.Target(0, minus=9), r"there is no class 9"),
]


@pytest.mark.parametrize("function", MAPPERS, ids=named)
@pytest.mark.parametrize(("targets", "sentence"), BAD_TARGETS, ids=[repr(targets) for targets, _ in BAD_TARGETS])
def test_bad_targets_are_refused(function: Call, targets: Any, sentence: str, model: xl.Model) -> None:
    with pytest.raises(xl.TargetError, match=rf"^targets: {sentence}"):
        function(model, GOOD, "body.2", targets)


@pytest.mark.parametrize("function", MAPPERS, ids=named)
def test_a_bare_network_in_place_of_a_model_is_refused(function: Call) -> None:
    with pytest.raises(xl.InputError, match=r"model: a Headed; .*as_model"):
        function(plain(), GOOD)


def test_something_else_than_settings_is_refused(model: xl.Model) -> None:
    with pytest.raises(xl.InputError, match=r"settings: a str; .*CamSettings"):
        xl.heatmap(model, GOOD, "PAPER")  # type: ignore[arg-type]


ANSWERS: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "tuple": (lambda logits: (logits, logits), r"returns a tuple with 0: a tensor \(2, 2\), 1: .*output=0 or output=1"),
    "dict": (lambda logits: {"logits": logits[:, :1]}, r"returns a dict with logits: a tensor \(2, 1\); one tensor"),
    "too few": (lambda logits: logits[:, :1], r"returns a tensor of shape \(2, 1\); one tensor of shape \(2, 2\)"),
    "too many": (lambda logits: torch.cat([logits, logits], 1), r"returns a tensor of shape \(2, 4\); one tensor"),
    "tokens": (lambda logits: logits[..., None].expand(-1, -1, 3), r"returns a tensor of shape \(2, 2, 3\); one tensor"),
}


def at_conv(ask: Call, *first: object) -> Call:
    def ask_at_conv(model: xl.Model, pixels: Any) -> Any:
        return ask(*first, model, pixels, "conv")

    return ask_at_conv


PROGRAMS: dict[str, Call] = {
    "grad_cam": xl.grad_cam,
    "heatmap": heatmap_of,
    "cached": cached_heatmap,
    "predict": predict,
    "package": at_conv(xl.package_grad_cam),
    "torch-cam": at_conv(third_opinion, "torch-cam"),
    "captum": at_conv(third_opinion, "captum"),
}


@pytest.mark.parametrize("function", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(("answer", "sentence"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_output_that_is_not_logits_is_refused(function: Call, answer: Any, sentence: str) -> None:
    network = Scripted()
    model = model_of(network)
    network.answer = answer
    with pytest.raises(xl.NetworkError, match=rf"the network {sentence}"):
        function(model, GOOD)


ERRORS = [RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError, NotImplementedError]


@pytest.mark.parametrize("function", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("error", ERRORS)
def test_a_network_that_raises_gets_a_sentence(function: Call, error: type[Exception]) -> None:
    network = Scripted()
    model = model_of(network)

    def fail(_: Tensor) -> object:
        raise error("out of coffee")

    network.answer = fail
    sentence = rf"cannot run on a batch of shape \(2, 3, 8, 8\): {error.__name__}: .*out of coffee"
    with pytest.raises(xl.NetworkError, match=sentence) as caught:
        function(model, GOOD)
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("function", [*MAPPERS, predict], ids=named)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_became_not_finite_are_refused(function: Call, value: float, ledger: Any) -> None:
    model = model_of(seeded(plain))
    function(model, GOOD)
    with torch.no_grad():
        model.network.body[2].weight[0, 0, 0, 0] = value
    ledger.expect(model.network)
    with pytest.raises(xl.NetworkError, match=r"network: body.2.weight contains NaN or infinity; load weights that are finite"):
        function(model, GOOD)


def test_several_unknown_things_leave_the_network_usable(model: xl.Model) -> None:
    before = xl.grad_cam(model, GOOD)["body.2"].signed
    for layers, targets in (("conv9", None), ("fc", 0), ("body.0", 17)):
        with pytest.raises(xl.InputError):
            xl.grad_cam(model, GOOD, layers, targets)
    assert_array_equal(xl.grad_cam(model, GOOD)["body.2"].signed, before)


class Nowhere(nn.Module):
    """No convolution at all."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.fc = nn.ReLU(), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.act(x).mean((2, 3)))


def test_a_network_without_conv_layers_asks_for_a_name() -> None:
    with pytest.raises(xl.LayerError, match=r"layers: the network has no conv layer; name another layer"):
        xl.grad_cam(model_of(Nowhere()), GOOD)


@pytest.mark.parametrize("function", [heatmap_of, cached_heatmap], ids=named)
def test_a_network_without_conv_layers_has_a_default_layer(function: Call) -> None:
    model = model_of(seeded(Nowhere))
    assert model.default_layer == "act"
    np.testing.assert_array_equal(function(model, GOOD), heatmap_of(model, GOOD, ("act",)))


def test_a_layer_that_is_no_convolution_can_be_explained() -> None:
    model = model_of(seeded(Nowhere))
    weights = model.network.fc.weight[1].detach().numpy() / 64  # the mean over an 8 x 8 grid
    found = xl.grad_cam(model, GOOD, "act", 1)["act"].weights
    np.testing.assert_allclose(found, np.stack([weights] * 2), atol=1e-8)
