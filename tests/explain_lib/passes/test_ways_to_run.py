"""Networks that run in ways of their own give the map of the same layers run plainly, or a sentence."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sample_networks import model_of, noise
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import explain_lib as xl


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, 2), nn.ReLU())
        self.fc = nn.Linear(8, 2)

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


class Checkpointed(Small):
    def features(self, x: Tensor) -> Tensor:
        return checkpoint(self.body, x, use_reentrant=False)


class CheckpointedAgain(Small):
    def features(self, x: Tensor) -> Tensor:
        return checkpoint(self.body, x, use_reentrant=True)


class Hooking(Small):
    def features(self, x: Tensor) -> Tensor:
        found = self.body(x)
        found.register_hook(torch.clone)
        found.retain_grad()
        return found


class Storing(Small):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("buffered", None, persistent=False)

    def features(self, x: Tensor) -> Tensor:
        self.found = self.body(x)
        self.listed = [self.found]
        self.buffered = self.found
        return self.found


class Auxiliary(Small):
    """A branch that is computed, and has no influence."""

    def __init__(self) -> None:
        super().__init__()
        self.aside = nn.Conv2d(8, 4, 1)

    def features(self, x: Tensor) -> Tensor:
        found = self.body(x)
        self.aside(found)
        return found


def expected(pixels: np.ndarray) -> np.ndarray:
    """The signed map of class 1 at the second convolution, by hand, of the plain network; in float64."""
    network = Small().double()
    batch = (torch.from_numpy(pixels).permute(0, 3, 1, 2).double() / 255 - 0.5) / 0.5
    activation = network.body[:3](batch)
    scores = network.fc(network.body[3](activation).mean((2, 3)))
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), activation)
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1).detach().numpy()


@pytest.mark.parametrize("build", [Small, Checkpointed, CheckpointedAgain, Hooking, Storing, Auxiliary])
def test_the_map_is_that_of_the_layers_run_plainly(build: Callable[[], nn.Module]) -> None:
    pixels, model = noise(2), model_of(build())
    found = xl.grad_cam(model, pixels, "body.2", 1)["body.2"].signed
    np.testing.assert_allclose(found, expected(pixels), atol=1e-6)
    again = xl.class_maps(model, pixels[0], "body.2")["body.2"].signed[1]
    np.testing.assert_allclose(again, expected(pixels)[0], atol=1e-6)
    assert model.default_layer == "body"


@pytest.mark.parametrize(("dtype", "within"), [(torch.bfloat16, 0.1), (torch.float16, 0.01)])
def test_under_autocast_the_map_is_float32_within_the_rounding(dtype: torch.dtype, within: float) -> None:
    class Casting(Small):
        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype):
                return super().forward(x)

    pixels, model = noise(2), model_of(Casting())
    found = xl.grad_cam(model, pixels, "body.2", 1)["body.2"].signed
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(pixels), atol=within * np.abs(expected(pixels)).max())
    assert xl.heatmap(model, pixels, xl.CamSettings(layers=("body.2",))).dtype == np.float32


def test_what_a_pass_stores_holds_no_graph() -> None:
    network = Storing()
    model = model_of(network)
    xl.grad_cam(model, noise(1), "body.2")
    assert network.found.grad_fn is None
    assert network.listed[0].grad_fn is None
    assert network.buffered.grad_fn is None
    copy.deepcopy(network)


def test_a_network_that_holds_a_graph_of_its_owner_can_be_copied_for_the_sanity_check() -> None:
    from explain_lib.networks.randomisation import randomised

    network = Storing()
    model = model_of(network)
    network.train()(torch.rand(1, 3, 16, 16))
    held = network.found
    randomised(model, 1)
    assert network.found is held
    assert held.grad_fn is not None


def test_checkpoints_of_others_stay_as_they_are() -> None:
    network = CheckpointedAgain()
    before = torch.utils.checkpoint.CheckpointFunction
    xl.grad_cam(model_of(network), noise(1), "body.2")
    assert torch.utils.checkpoint.CheckpointFunction is before


def test_every_layer_is_explained_but_one_without_influence() -> None:
    cams = xl.grad_cam(model_of(Auxiliary()), noise(1))
    assert cams.names == ("body.0", "body.2")
    with pytest.raises(xl.LayerError, match="'aside' does not influence the output"):
        xl.grad_cam(model_of(Auxiliary()), noise(1), "aside")


class Squeezing(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean((2, 3), keepdim=True).squeeze())


def test_a_network_that_drops_the_axis_of_a_single_picture_works_for_one_and_for_several() -> None:
    pixels, model = noise(2), model_of(Squeezing())
    for count in (1, 2):
        found = xl.grad_cam(model, pixels[:count], "body.2", 1)["body.2"].signed
        np.testing.assert_allclose(found, expected(pixels[:count]), atol=1e-6)


def scripted() -> nn.Module:
    return torch.jit.script(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    )


def inferred() -> nn.Module:
    with torch.inference_mode():
        return Small()


def quantised() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Small(), {nn.Linear}, torch.qint8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("build", "words"),
    [
        (scripted, "it is TorchScript, or a part of it is"),
        (inferred, "body.0.weight was made in torch.inference_mode"),
        (quantised, "fc is quantised"),
    ],
)
def test_a_network_without_gradients_is_refused_in_a_true_sentence(build: Callable[[], nn.Module], words: str) -> None:
    with pytest.raises(xl.NetworkError, match=words):
        model_of(build())
