"""What a network takes: channels, tensors, transforms, and functions that run it, beside plain autograd and grad-cam."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pytorch_grad_cam import GradCAM
from torch import Tensor, nn
from torchvision.models import VisionTransformer
from torchvision.transforms import CenterCrop, Compose, Lambda, Normalize, RandomCrop, Resize, ToTensor, functional

import explain_lib as xl
from explain_lib.cam.contrast import contrast
from explain_lib.networks.predictions import predict
from explain_lib.networks.randomisation import randomised
from explain_lib.pictures.channels import grey
from explain_lib.trust.ladder import ladder_curves
from explain_lib.trust.sanity import sanity_maps

CLASSES, SIDE, LAYER = ("a", "b", "c", "d"), 20, "2"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Pixels = NDArray[np.uint8]


def small(channels: int, outputs: int = 4) -> nn.Sequential:
    torch.manual_seed(channels)
    body = (nn.Conv2d(channels, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU())
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, outputs)).eval()


def many(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(0.3 + 0.02 * place for place in range(channels)), tuple(0.2 + 0.01 * place for place in range(channels))


def model_of(channels: int, **more: Any) -> xl.Model:
    mean, std = many(channels)
    return xl.as_model(small(channels), classes=CLASSES, input_size=(SIDE, SIDE), mean=mean, std=std, **more)


def noise(channels: int, count: int = 3) -> Pixels:
    return np.random.default_rng(channels).integers(0, 256, (count, SIDE, SIDE, channels), dtype=np.uint8)


def loaded(pixels: Pixels) -> Tensor:
    """As a DataLoader gives them: torchvision's own ToTensor and Normalize."""
    mean, std = many(pixels.shape[3])
    return torch.stack([Normalize(mean, std)(functional.to_tensor(one)) for one in pixels])


def by_autograd(layer: nn.Module, run: Callable[[], Tensor]) -> NDArray[np.float32]:
    """Equations 1 and 2 of the largest logits."""
    held: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, __, output: held.append(output))
    logits = run()
    hook.remove()
    (gradient,) = torch.autograd.grad(logits.max(1).values.sum(), held)
    found: NDArray[np.float32] = (gradient.mean((2, 3), keepdim=True) * held[0]).sum(1).relu().detach().numpy()
    return found


def close(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())


# --- channels and tensors


@pytest.mark.parametrize("channels", [1, 3, 4, 13])
def test_maps_of_any_number_of_channels_are_those_of_autograd_and_of_grad_cam(channels: int) -> None:
    model, pixels = model_of(channels), noise(channels)
    network, batch = model.network, loaded(pixels)
    assert model.channels == channels
    found = xl.grad_cam(model, pixels, LAYER)
    close(found[LAYER].map, by_autograd(network[2], lambda: network(batch)))  # type: ignore[index, operator]  # Sequential
    np.testing.assert_allclose(model.predict(pixels), network(batch).detach().numpy(), atol=1e-6)
    copy = deepcopy(network)
    theirs = GradCAM(copy, [copy[2]])(input_tensor=batch, targets=None)  # type: ignore[index, operator]
    np.testing.assert_allclose(xl.package_grad_cam(model, pixels, LAYER), theirs, atol=2e-6)


TAKES_BATCH: dict[str, Callable[[xl.Model, Any], Any]] = {
    "grad_cam": lambda model, batch: xl.grad_cam(model, batch, LAYER)[LAYER].signed,
    "predict": lambda model, batch: model.predict(batch),
    "package": lambda model, batch: xl.package_grad_cam(model, batch, LAYER),
    "heatmap": lambda model, batch: xl.heatmap(model, batch, xl.CamSettings(layers=(LAYER,), scale_over="batch")),
    "configured": lambda model, batch: xl.configured_heatmap(
        model, batch, xl.Configuration("package", xl.package_settings((LAYER,)))
    ),
    "decompose": lambda model, batch: (
        xl.decompose(model, batch, 1, xl.CamSettings(layers=(LAYER,)), xl.CamSettings(layers=("0",))).mae
    ),
    "contrast": lambda model, batch: contrast(model, batch[:1], LAYER, 0, 1).signed_contrast,
    "class_maps": lambda model, batch: xl.class_maps(model, batch[0], LAYER)[LAYER].signed,
    "completeness": lambda model, batch: xl.completeness(model, batch[0], LAYER).hirescam,
    "walkthrough": lambda model, batch: xl.walkthrough(model, batch[0], LAYER).signed,
    "ablation": lambda model, batch: xl.channel_ablation(model, batch[0], LAYER, 1).logits_without,
    "sanity": lambda model, batch: sanity_maps(model, batch, LAYER).maps,
}


@pytest.mark.parametrize("function", TAKES_BATCH.values(), ids=TAKES_BATCH)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_normalised_batch_gives_what_its_pixels_give(channels: int, function: Callable[[xl.Model, Any], Any]) -> None:
    model, pixels = model_of(channels), noise(channels)
    expected = function(model, pixels)
    for batch in (loaded(pixels), loaded(pixels).double().requires_grad_()):
        np.testing.assert_allclose(function(model, batch), expected, atol=2e-6 * max(1, np.abs(expected).max()))


def test_the_callers_tensor_stays_as_it_was() -> None:
    network = nn.Sequential(nn.ReLU(inplace=True), small(3))
    model = xl.as_model(network, classes=CLASSES, input_size=(SIDE, SIDE), mean=MEAN, std=STD)
    batch = torch.randn(2, 3, SIDE, SIDE)
    before = batch.clone()
    xl.grad_cam(model, batch, "1.2")
    assert torch.equal(batch, before)


def test_what_looks_at_pixels_says_so_and_the_model_gives_them() -> None:
    model, pixels = model_of(3), noise(3)
    with pytest.raises(xl.InputError, match="a Tensor, where pixels are needed; uint8"):
        list(xl.layer_ladder(model, loaded(pixels), range(2)))  # type: ignore[arg-type]  # pixels alone
    np.testing.assert_array_equal(model.to_pixels(loaded(pixels)), pixels)


@pytest.mark.parametrize("channels", [1, 4, 13])
def test_what_removes_and_places_pixels_works_on_any_channels(channels: int) -> None:
    model, pixels = model_of(channels), noise(channels)
    rows = xl.join_ladder_rows(list(xl.layer_ladder(model, pixels, range(2))))
    assert np.isfinite(rows.deletion).all()
    mid = [torch.full((SIDE, SIDE), (0.5 - shift) / scale) for shift, scale in zip(*many(channels), strict=True)]
    all_grey = model.network(torch.stack(mid)[None]).softmax(1)[0].detach().numpy()
    found = ladder_curves(model, pixels, 0)
    np.testing.assert_allclose(found.curves.deletion[0, :, 0, -1], all_grey[found.rows.explained[0]], atol=1e-6)
    assert xl.average_map(model, pixels, LAYER).picture.shape == (SIDE, SIDE, channels)
    assert xl.draw_overlay(pixels[0], xl.grad_cam(model, pixels, LAYER)[LAYER].map[0], side=SIDE).shape == (SIDE, SIDE, 3)
    assert xl.cell_centres(model, LAYER)[1, 1].tolist() == [4, 4]  # type: ignore[index]  # found: 1 + 2 * 1 + 1


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ((0.5,), (0.2, 0.2), "std: 2 numbers, and mean has 1"),
        ((), (), "mean: .* a finite number for each channel"),
        ((0.5, np.inf), (1, 1), "mean: .* a finite number for each channel"),
        ((0.5,), (0,), "std: .* above 0"),
    ],
)
def test_mean_and_std_are_one_a_channel(mean: tuple[float, ...], std: tuple[float, ...], words: str) -> None:
    with pytest.raises(xl.InputError, match=words):
        xl.as_model(small(1), classes=CLASSES, input_size=(SIDE, SIDE), mean=mean, std=std)


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv3d])
def test_networks_of_sequences_and_volumes_are_refused_in_a_sentence(kind: type[nn.Module]) -> None:
    network = nn.Sequential(kind(3, 4, 3), nn.Flatten(), nn.Linear(4, 4))
    with pytest.raises(xl.NetworkError, match=f"its convolutions are of the kind {kind.__name__}, and pictures are"):
        xl.as_model(network, classes=CLASSES, input_size=(SIDE, SIDE), mean=MEAN, std=STD)
    found = xl.check_up(network, input_size=(SIDE, SIDE)).problems
    assert any(f"Its convolutions are of the kind {kind.__name__}" in one.remedy for one in found)


# --- numbers from 0 to 255, blue first


def test_a_network_for_0_to_255_and_blue_first() -> None:
    """Caffe's: pixels in BGR, 0 to 255, less the mean."""
    mean, std = (103.9, 116.8, 123.7), (1.0, 1.0, 1.0)
    network, pixels = small(3), noise(3)
    model = xl.as_model(
        network, classes=CLASSES, input_size=(SIDE, SIDE), mean=mean, std=std, value_range=255, channel_order="BGR"
    )
    batch = torch.from_numpy(pixels[..., ::-1].copy()).permute(0, 3, 1, 2).float() - torch.tensor(mean).view(1, 3, 1, 1)
    close(xl.grad_cam(model, pixels, LAYER)[LAYER].map, by_autograd(network[2], lambda: network(batch)))
    close(xl.grad_cam(model, batch, LAYER)[LAYER].map, by_autograd(network[2], lambda: network(batch)))
    np.testing.assert_array_equal(model.to_pixels(batch), pixels)
    other = xl.as_model(network, classes=CLASSES, input_size=(SIDE, SIDE), mean=mean, std=std, value_range=255)
    assert other.digest != model.digest
    assert randomised(model, 0).predict(pixels).tolist() == model.predict(pixels).tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"value_range": 0}, "value_range: 0; 1, or 255"),
        ({"value_range": "255"}, "value_range: '255'; 1, or 255"),
        ({"channel_order": "GBR"}, "channel_order: 'GBR'; RGB, or BGR"),
        ({"transform": 3}, "transform: a int; a function from a picture"),
        ({"forward": 3}, "forward: a int; a function of the batch"),
        ({"mean": None}, "mean: missing; one number for each channel"),
        ({"input_size": None}, "input_size: None"),
    ],
)
def test_options_of_another_form_are_refused(options: dict[str, Any], words: str) -> None:
    given = {"classes": CLASSES, "input_size": (SIDE, SIDE), "mean": MEAN, "std": STD} | options
    with pytest.raises(xl.InputError, match=words):
        xl.as_model(small(3), **given)


# --- transforms

PICTURE = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
MIDDLE = Compose([Resize(24), CenterCrop(SIDE), ToTensor(), Normalize(MEAN, STD)])


def test_a_transform_gives_size_mean_and_std_and_is_used_as_it_is() -> None:
    network = small(3)
    model = xl.as_model(network, classes=CLASSES, transform=MIDDLE)
    assert (model.input_size, model.mean, model.std) == ((SIDE, SIDE), MEAN, STD)
    prepared, expected = xl.prepare(model, PICTURE), MIDDLE(Image.fromarray(PICTURE))[None]
    assert torch.equal(prepared.batch, expected)
    np.testing.assert_array_equal(prepared.pixels[0], np.asarray(CenterCrop(SIDE)(Resize(24)(Image.fromarray(PICTURE)))))
    found = xl.grad_cam(model, prepared.pixels, LAYER)[LAYER].map
    close(found, by_autograd(network[2], lambda: network(expected)))
    whole = prepared.on_whole(found[0])
    # 24 rows of 2.5 pixels, of which 2 are cut off on each side; 36 columns, of which 8
    assert np.argwhere(np.isfinite(whole)).min(0).tolist() == [5, 20]
    assert np.argwhere(np.isfinite(whole)).max(0).tolist() == [54, 69]


def test_functions_of_arrays_and_of_grey_are_transforms_too() -> None:
    def prepare(array: Pixels) -> Tensor:
        assert isinstance(array, np.ndarray)
        return (torch.from_numpy(array[:SIDE, :SIDE, :1].copy()).permute(2, 0, 1).float() / 255 - 0.3) / 0.2

    model = xl.as_model(small(1), classes=CLASSES, mean=(0.3,), std=(0.2,), transform=prepare)
    prepared = xl.prepare(model, PICTURE)
    np.testing.assert_array_equal(prepared.pixels[0], grey(PICTURE)[:SIDE, :SIDE])
    assert prepared.on_whole(np.ones((3, 3), np.float32)).shape == (60, 90)


def test_without_a_transform_pictures_are_fitted() -> None:
    model = model_of(3)
    for fit in ("crop", "inner", "pad", "stretch"):
        prepared = xl.prepare(model, PICTURE, fit)  # type: ignore[arg-type]  # one of them
        np.testing.assert_array_equal(prepared.pixels[0], xl.fit_picture(PICTURE, (SIDE, SIDE), fit))  # type: ignore[arg-type]
        assert torch.equal(prepared.batch, loaded(prepared.pixels))
    assert np.isfinite(xl.prepare(model, PICTURE, "pad").on_whole(np.ones((3, 3), np.float32))).all()


def test_a_transform_that_blurs_is_shown_rounded_and_explained_exactly() -> None:
    blurred = Compose(
        [Resize((SIDE, SIDE)), ToTensor(), Lambda(lambda one: functional.gaussian_blur(one, [3, 3])), Normalize(MEAN, STD)]
    )
    prepared = xl.prepare(xl.as_model(small(3), classes=CLASSES, transform=blurred), PICTURE)
    expected = functional.gaussian_blur(ToTensor()(Resize((SIDE, SIDE))(Image.fromarray(PICTURE))), [3, 3])
    assert torch.equal(prepared.batch[0], Normalize(MEAN, STD)(expected))
    np.testing.assert_array_equal(prepared.pixels[0], (expected * 255).round().permute(1, 2, 0).numpy())


def _of_three_channels(_: object) -> Tensor:
    return torch.zeros(3, 8, 8)


def _raises(_: object) -> Tensor:
    raise KeyError("no such key")


@pytest.mark.parametrize(
    ("transform", "options", "words"),
    [
        (
            Compose([RandomCrop(SIDE), ToTensor(), Normalize(MEAN, STD)]),
            {},
            "a different result for the same picture the second time",
        ),
        (Compose([Resize((SIDE, SIDE)), ToTensor()]), {}, "mean: missing, because there is no Normalize in the transform"),
        (Compose([Resize((SIDE, SIDE))]), {"mean": MEAN, "std": STD}, "transform: it gives a Image; a float tensor .3, height"),
        (_of_three_channels, {"mean": (0.5,), "std": (0.2,)}, r"of torch.float32 of shape \(3, 8, 8\); a float tensor \(1,"),
        (MIDDLE, {"mean": (0, 0, 0), "std": (1, 1, 1)}, "with mean and std taken back it gives .* between 0 and 1"),
        (MIDDLE, {"input_size": (8, 8)}, r"input_size: \(8, 8\); \(20, 20\), as the transform makes it"),
        (_raises, {"mean": MEAN, "std": STD}, "transform: it fails on a picture of 97 x 131 .KeyError: 'no such key'"),
    ],
)
def test_a_transform_that_cannot_be_used_is_refused(transform: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(xl.InputError, match=words):
        xl.as_model(small(3), classes=CLASSES, transform=transform, **options)


def test_where_a_mirror_looks_cannot_be_told_and_is_not_guessed() -> None:
    mirrored = Compose([Resize((SIDE, SIDE)), Lambda(functional.hflip), ToTensor(), Normalize(MEAN, STD)])
    prepared = xl.prepare(xl.as_model(small(3), classes=CLASSES, transform=mirrored), PICTURE)
    with pytest.raises(xl.InputError, match="it is unknown where the transform looks"):
        prepared.on_whole(np.ones((3, 3), np.float32))


@pytest.mark.parametrize("picture", [PICTURE.astype(np.float32), PICTURE[0], PICTURE[:, :, :2], None])
def test_what_is_no_picture_is_not_prepared(picture: Any) -> None:
    with pytest.raises(xl.InputError, match=r"^picture: .*uint8 of shape \(height, width, 3\)"):
        xl.prepare(model_of(3), picture)


# --- a function that runs the network


class TwoInputs(nn.Module):
    """A picture, and numbers beside it; it counts in which mode it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = small(3, 8), nn.Linear(10, 4)

    def forward(self, picture: Tensor, beside: Tensor) -> Tensor:
        seen = nn.functional.dropout(self.body(picture), 0.5, self.training)
        scores: Tensor = self.head(torch.cat([seen, beside.expand(len(picture), -1)], 1))
        return scores


BESIDE = torch.tensor([[1.0, -2.0]])


@pytest.fixture
def two() -> Iterator[TwoInputs]:
    torch.manual_seed(0)
    network = TwoInputs()
    yield network
    assert network.training  # as it was


def run_by(network: TwoInputs, beside: Tensor = BESIDE) -> xl.Model:
    return xl.as_model(
        network, classes=CLASSES, input_size=(SIDE, SIDE), mean=MEAN, std=STD, forward=lambda batch: network(batch, beside)
    )


def test_a_network_of_two_inputs_is_explained_as_autograd_does(two: TwoInputs) -> None:
    model, pixels, alone = run_by(two), noise(3), deepcopy(two).eval()
    batch = model.to_input(pixels)
    assert model.conv_layers == ("body.0", "body.2")
    close(xl.grad_cam(model, pixels, "body.2")["body.2"].map, by_autograd(alone.body[2], lambda: alone(batch, BESIDE)))
    np.testing.assert_array_equal(model.predict(pixels), alone(batch, BESIDE).detach().numpy())
    np.testing.assert_allclose(xl.package_grad_cam(model, pixels, "body.2").max(), 1, atol=1e-6)
    assert xl.check_up(model).problems == ()
    assert xl.completeness(model, pixels[0], "body.2").target == xl.grad_cam(model, pixels[:1], "body.2").targets[0]


def test_another_function_is_another_model(two: TwoInputs) -> None:
    pixels, cache = noise(3), xl.ExplainCache()
    with cache.running():
        one, other = (xl.grad_cam(run_by(two, beside), pixels, "body.2").logits for beside in (BESIDE, -BESIDE))
    assert np.abs(one - other).max() > 0.1


def test_a_copy_that_has_forgotten_runs_its_own_weights(two: TwoInputs) -> None:
    model, pixels = run_by(two), noise(3)
    forgotten, before = randomised(model, 1), model.predict(pixels)
    alone = deepcopy(two).eval()
    alone.head = forgotten.network.head  # type: ignore[assignment]  # a Linear
    np.testing.assert_array_equal(forgotten.predict(pixels), alone(model.to_input(pixels), BESIDE).detach().numpy())
    assert np.abs(forgotten.predict(pixels) - before).max() > 0.01
    np.testing.assert_array_equal(model.predict(pixels), before)


def test_a_function_that_fails_is_said(two: TwoInputs) -> None:
    with pytest.raises(xl.NetworkError, match=r"the network cannot run on a batch of shape \(1, 3, 20, 20\): TypeError"):
        xl.as_model(two, classes=CLASSES, input_size=(SIDE, SIDE), mean=MEAN, std=STD, forward=two.forward)


class Storing(nn.Module):
    """Labels in a dict; it keeps what it made of the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body, self.features = small(channels, 3), torch.zeros(0)

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        self.features = self.body[:4](picture)
        return {"logits": self.body[4:](self.features)}


def test_what_a_network_stores_has_no_graph_behind_it() -> None:
    torch.manual_seed(0)
    network = Storing(3)
    model = xl.as_model(network, input_size=(SIDE, SIDE), mean=MEAN, std=STD, forward=network)
    xl.grad_cam(model, noise(3), "body.0")
    assert network.features.numel()
    assert network.features.grad_fn is None
    deepcopy(network)


@pytest.mark.parametrize("channels", [1, 13])
def test_labels_in_a_dict_of_a_network_of_any_channels_and_their_copy(channels: int) -> None:
    torch.manual_seed(0)
    network, pixels = Storing(channels), noise(channels)
    model = xl.as_model(
        network,
        input_size=(SIDE, SIDE),
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        value_range=2,
        task="sigmoid",
        output="logits",
        forward=network,
    )
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    scores = deepcopy(network).eval()((batch - 0.25) / 0.125)["logits"].detach()
    np.testing.assert_allclose(model.predict(pixels), scores, atol=1e-5)
    np.testing.assert_allclose(predict(model, pixels).probabilities, scores.sigmoid(), atol=1e-5)
    assert model.default_layer == "body.2"
    for other in (randomised(model, 0), model.with_task("softmax").with_task("sigmoid")):
        assert (other.channels, other.task, other.mean) == (channels, "sigmoid", model.mean)
        np.testing.assert_array_equal(other.predict(pixels), model.predict(pixels))


def test_patches_of_grey_pictures_are_cells() -> None:
    torch.manual_seed(0)
    network = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4)
    network.conv_proj = nn.Conv2d(1, 16, 8, 8)
    nn.init.normal_(network.heads.head.weight)  # 0 before training
    model = xl.as_model(network, input_size=(32, 32), mean=(0.5,), std=(0.25,))
    found = next(layer for layer in model.layers if layer.name == model.default_layer)
    assert (found.name, found.grid) == ("encoder.layers.encoder_layer_1.ln_1", (4, 4))
    batch = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (2, 1, 32, 32))).float() / 255
    given = (batch - 0.5) / 0.25

    def cells(tokens: Tensor) -> Tensor:
        return tokens[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)

    alone = deepcopy(network).eval()
    with GradCAM(alone, [alone.encoder.layers[1].ln_1], reshape_transform=cells) as package:
        package(given, None)
        weighted = package.activations_and_grads.activations[0] * package.activations_and_grads.gradients[0].mean(
            (2, 3), keepdim=True
        )
    close(xl.grad_cam(model, given, model.default_layer)[model.default_layer].map, weighted.sum(1).relu().numpy())
