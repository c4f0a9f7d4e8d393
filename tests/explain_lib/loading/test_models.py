"""as_model, the registry of bundled checkpoints, and what is refused."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import network_input
from sample_networks import Headed, model_of, noise, plain, seeded
from torch import nn
from weight_samples import Planted, saved

import explain_lib as xl
from explain_lib.loading.architectures import ResNet20, TutorialNet
from explain_lib.loading.bundled import (
    CHECKPOINTS,
    REGISTRY,
    CheckpointSpec,
    NetworkSize,
    find_second,
    find_twin,
    load_card,
    load_checkpoint,
    load_test_logits,
    network_size,
)
from explain_lib.networks.cards import file_digest, write_card

GOOD: dict[str, Any] = {"classes": ("a", "b"), "input_size": (8, 8), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"classes": ()}, r"classes: one name, as text, for each output"),
    ({"classes": "ab"}, r"classes: one name, as text"),
    ({"classes": ("a", 1)}, r"classes: one name, as text"),
    ({"classes": 2}, r"classes: "),
    ({"input_size": 8}, r"input_size: 8; \(height, width\) in pixels, two whole numbers above 0"),
    ({"input_size": (8,)}, r"input_size: \(8,\); \(height, width\)"),
    ({"input_size": (8, 0)}, r"input_size: \(8, 0\)"),
    ({"input_size": (8.0, 8)}, r"input_size: \(8.0, 8\)"),
    ({"input_size": "88"}, r"input_size: '88'"),
    ({"mean": 0.5}, r"mean: 0.5; a finite number for each channel of the input, three for R, G and B"),
    ({"mean": (0.5,)}, r"std: 3 numbers, and mean has 1; one for each channel would be right"),
    ({"mean": ()}, r"mean: \(\); a finite number for each channel"),
    ({"mean": (0.5, 0.5, float("nan"))}, r"mean: .*nan.*; a finite number for each channel"),
    ({"mean": ("a", "b", "c")}, r"mean: .*; a finite number for each channel"),
    ({"std": (0.5, 0.0, 0.5)}, r"std: .*; numbers above 0 would be right"),
    ({"std": (0.5, -1, 0.5)}, r"std: .*; numbers above 0"),
    ({"std": None}, r"std: missing; one number for each channel would be right"),
]


@pytest.mark.parametrize(("bad", "sentence"), BAD_ARGUMENTS, ids=[str(bad) for bad, _ in BAD_ARGUMENTS])
def test_bad_arguments_of_as_model_are_refused(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xl.InputError, match=rf"^{sentence}"):
        xl.as_model(plain(), **GOOD | bad)


def test_something_else_than_a_network_is_refused() -> None:
    with pytest.raises(xl.InputError, match=r"network: a str; a torch.nn.Module would be right"):
        xl.as_model("resnet18", **GOOD)  # type: ignore[arg-type]  # the mistake that is tested


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_network_of_another_precision_is_refused(dtype: torch.dtype) -> None:
    sentence = rf"network: body.0.weight is {dtype}; float32 would be right: call network.float"
    with pytest.raises(xl.NetworkError, match=sentence):
        xl.as_model(plain().to(dtype), **GOOD)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_network_with_weights_that_are_not_finite_is_refused(value: float) -> None:
    network = plain()
    with torch.no_grad():
        network.fc.bias[0] = value
    with pytest.raises(xl.NetworkError, match=r"network: fc.bias contains NaN or infinity; load weights that are finite"):
        xl.as_model(network, **GOOD)


def test_a_network_with_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(xl.NetworkError, match=r"returns a tensor of shape \(2, 2\); one tensor of shape \(2, 3\)"):
        xl.as_model(plain(), **GOOD | {"classes": ("a", "b", "c")})


def test_a_network_that_cannot_take_the_size_is_refused_and_left_alone(ledger: Any) -> None:
    with pytest.raises(xl.NetworkError, match=r"cannot run on a batch of shape \(1, 3, 2, 2\): RuntimeError"):
        xl.as_model(plain(), **GOOD | {"input_size": (2, 2)})
    assert ledger.complaints() == []


def test_a_lazy_network_that_never_ran_is_refused() -> None:
    with pytest.raises(xl.NetworkError):
        xl.as_model(Headed(nn.LazyConv2d(4, 3)), **GOOD)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_as_model_works_inside_any_gradient_mode(mode: Callable[[], Any]) -> None:
    network = Headed(nn.Identity(), nn.Conv2d(3, 4, 3))
    with mode():
        model = model_of(network)
    assert model.conv_layers == ("body.1",)


def test_pixels_are_scaled_shifted_and_divided_channel_by_channel() -> None:
    class Means(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    model = xl.as_model(Means(), classes=("r", "g", "b"), input_size=(1, 1), mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2))
    found = model.predict(np.array([[[[51, 102, 255]]]], np.uint8))
    assert_allclose(found, [[(0.2 - 0.1) / 0.5, (0.4 - 0.2) / 0.25, (1 - 0.3) / 2]], rtol=1e-6)


def test_height_comes_before_width() -> None:
    model = model_of(plain())
    tall = xl.as_model(model.network, **GOOD | {"input_size": (12, 6)})
    pixels = np.zeros((1, 12, 6, 3), np.uint8)
    assert xl.grad_cam(tall, pixels, "body.0")["body.0"].grid == (10, 4)
    assert xl.heatmap(tall, pixels, xl.PAPER).shape == xl.package_grad_cam(tall, pixels, "body.2").shape == (1, 12, 6)


def test_predict_is_the_network_in_evaluation_mode() -> None:
    network = seeded(lambda: nn.Sequential(plain(), nn.Dropout(0.5)))
    model, pixels = model_of(network.train()), noise(3)
    with torch.no_grad():
        right = network[0](network_input(model, pixels))
    assert_allclose(model.predict(pixels), right, atol=1e-6)


def test_the_default_model_is_listed_first() -> None:
    assert xl.list_models()[:2] == ("captum-tutorial", "tutorial")
    assert xl.load_model().card.name == "captum-tutorial"


def test_steps_of_a_training_load_but_are_not_listed() -> None:
    assert "tutorial-epoch-5" not in xl.list_models()
    assert xl.load_model("tutorial-epoch-5").card.epochs == 5


def test_the_second_network_is_the_same_recipe_from_another_seed() -> None:
    first, second = (load_card(name) for name in ("tutorial", "tutorial-second"))
    assert find_second("tutorial") == second.name
    assert second.name not in xl.list_models()
    assert (second.architecture, second.epochs) == (first.architecture, first.epochs)
    assert second.seed != first.seed
    assert abs(second.accuracy - first.accuracy) < 0.02
    assert all(find_second(name) for name in xl.list_models() if find_twin(name))


SIZES = [
    # 3*6*25+6 + 6*16*25+16 + 400*120+120 + 120*84+84 + 84*10+10
    *((name, 2, 62_006) for name in ("captum-tutorial", "tutorial-permuted", "tutorial-second")),
    # convolutions 432 + 6*2304 + 4608 + 5*9216 + 18432 + 5*36864, normalisation 2*(7*16 + 6*32 + 6*64), linear 650
    ("resnet20", 19, 269_722),
    ("vit-tiny", 3, 481_930),  # test_networks counts them
]


@pytest.mark.parametrize(("name", "conv_layers", "parameters"), SIZES)
def test_the_size_of_a_model_is_that_of_its_layers(name: str, conv_layers: int, parameters: int) -> None:
    assert network_size(name) == NetworkSize(conv_layers, parameters)


@pytest.mark.parametrize("name", xl.list_models())
def test_the_size_is_that_of_the_loaded_network(name: str) -> None:
    model = xl.load_model(name)
    learnt = sum(tensor.nelement() for tensor in model.network.parameters())
    assert network_size(name) == NetworkSize(len(model.conv_layers), learnt)


def test_the_size_of_a_model_needs_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr("explain_lib.loading.bundled.read_tensors", refuse)
    monkeypatch.setattr("explain_lib.loading.bundled.file_digest", refuse)
    network_size.cache_clear()
    assert network_size("resnet20").conv_layers == 19


def test_asking_for_sizes_leaves_the_default_device_and_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    right = torch.rand(4)
    torch.manual_seed(3)
    network_size.cache_clear()
    network_size("resnet20")
    found = torch.rand(4)
    assert found.device.type == "cpu"
    assert torch.equal(found, right)


def test_an_unknown_model_lists_the_known_ones() -> None:
    for ask in (xl.load_model, network_size):
        with pytest.raises(xl.InputError, match=r"name: unknown model 'resnet50'; there are captum-tutorial, tutorial"):
            ask("resnet50")


@pytest.mark.parametrize("name", REGISTRY)
def test_bundled_logits_are_what_the_model_predicts(name: str, images: xl.ImageSet) -> None:
    sample = slice(0, 10_000, 400)
    found = xl.load_model(name).predict(images.pixels[sample])
    assert_allclose(found, load_test_logits(name)[sample], atol=1e-4)


@pytest.mark.parametrize("name", REGISTRY)
def test_accuracies_on_the_card_are_those_of_the_bundled_logits(name: str, images: xl.ImageSet) -> None:
    right = load_test_logits(name).argmax(1) == images.labels
    by_class = [right[images.labels == index].mean() for index in range(10)]
    card = load_card(name)
    assert card.accuracy == pytest.approx(right.mean(), abs=1e-12)
    assert card.class_accuracy == pytest.approx(by_class, abs=1e-12)


def test_the_published_checkpoint_has_the_published_accuracy() -> None:
    assert load_card("captum-tutorial").accuracy == 0.5907


@pytest.mark.parametrize("name", REGISTRY)
def test_a_model_is_what_its_card_says(name: str) -> None:
    model, card = xl.load_model(name), load_card(name)
    assert (model.card, model.classes, model.mean, model.std) == (card, xl.CLASSES, card.mean, card.std)
    built = {"ViTTiny": "VisionTransformer"}.get(card.architecture, card.architecture)  # the former is made of torchvision's
    assert (card.name, type(model.network).__name__, model.network.training) == (name, built, False)
    assert all(text for text in (card.title, card.source, card.licence))


def original() -> bytes:
    return (CHECKPOINTS / "captum-tutorial.pt").read_bytes()


def checkpoint(folder: Path, content: bytes, **card: Any) -> CheckpointSpec:
    """A checkpoint file with a card that fits, apart from what is given."""
    spec = CheckpointSpec("copy", folder)
    spec.checkpoint_file.write_bytes(content)
    fitting = {"name": "copy", "digest": file_digest(spec.checkpoint_file)}
    write_card(replace(load_card("captum-tutorial"), **fitting | card), spec.card_file)
    return spec


def test_a_copied_checkpoint_is_the_same_model(tmp_path: Path, tutorial: xl.Model, study: np.ndarray) -> None:
    copy = load_checkpoint(checkpoint(tmp_path, original()))
    assert copy.digest == tutorial.digest
    assert_array_equal(copy.predict(study), tutorial.predict(study))


@pytest.mark.parametrize("save", [partial(pickle.dumps, protocol=2), saved], ids=["bare pickle", "torch.save"])
def test_code_in_a_checkpoint_never_runs(save: Callable[[object], bytes], tmp_path: Path) -> None:
    folder = tmp_path / "made_by_the_checkpoint"
    spec = checkpoint(tmp_path, save(Planted(folder)))
    with pytest.raises(xl.DataError, match=r"copy.pt does not hold the weights of TutorialNet"):
        load_checkpoint(spec)
    assert not folder.exists()


CONTENTS: dict[str, Callable[[], bytes]] = {
    "cut short": lambda: original()[:5000],
    "a list": lambda: saved([1, 2]),
    "other names": lambda: saved({"weight": torch.ones(3)}),
    "other shapes": lambda: saved({name: torch.ones(2) for name in TutorialNet().state_dict()}),
    "text for weights": lambda: saved(dict.fromkeys(TutorialNet().state_dict(), "text")),
    "another network": lambda: saved(ResNet20().state_dict()),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_file_that_holds_no_weights_of_the_network_is_refused(content: Callable[[], bytes], tmp_path: Path) -> None:
    spec = checkpoint(tmp_path, content())
    with pytest.raises(xl.DataError, match=r"copy.pt does not hold the weights of TutorialNet"):
        load_checkpoint(spec)


def test_a_checkpoint_that_is_not_the_one_on_the_card_is_refused(tmp_path: Path) -> None:
    content = bytearray(original())
    content[len(content) // 2] ^= 1
    right = file_digest(CHECKPOINTS / "captum-tutorial.pt")
    with pytest.raises(xl.DataError, match=rf"copy.pt is damaged: its SHA-256 is .*, its card says {right}; restore it"):
        load_checkpoint(checkpoint(tmp_path, bytes(content), digest=right))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    spec = checkpoint(tmp_path, original())
    spec.checkpoint_file.unlink()
    with pytest.raises(xl.DataError, match=r"copy.pt cannot be read \(No such file or directory\); restore it"):
        load_checkpoint(spec)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"the card .*copy.json cannot be read .*restore it"):
        load_checkpoint(CheckpointSpec("copy", tmp_path))


def test_a_card_of_an_unknown_architecture_lists_the_known_ones(tmp_path: Path) -> None:
    spec = checkpoint(tmp_path, original(), architecture="VGG")
    with pytest.raises(xl.DataError, match=r"the architecture 'VGG'; there are TutorialNet, ResNet20, ViTTiny"):
        load_checkpoint(spec)


CARDS: list[dict[str, Any]] = [
    {"classes": 5},
    {"classes": xl.CLASSES[:9]},
    {"mean": None},
    {"mean": (0.5,)},
    {"std": (0.5, 0.5, 0)},
    {"input_size": "32"},
]


@pytest.mark.parametrize("wrong", CARDS, ids=str)
def test_a_card_whose_values_do_not_fit_the_network_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"card"):
        load_checkpoint(checkpoint(tmp_path, original(), **wrong))


def test_logits_that_are_not_those_on_the_card_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = checkpoint(tmp_path, original())
    np.save(spec.logits_file, np.zeros((10_000, 10), np.float32))
    monkeypatch.setattr("explain_lib.loading.bundled.REGISTRY", {"copy": spec})
    with pytest.raises(xl.DataError, match=r"copy.logits.npy is damaged: its SHA-256 is"):
        load_test_logits("copy")
