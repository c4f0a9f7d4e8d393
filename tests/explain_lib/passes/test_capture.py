"""One forward and one backward pass that stops at the earliest asked layer, and a network left as it was found."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from runs import cancelled
from sample_networks import DeadEnd, Folded, Headed, Models, Repeated, Scripted, model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.passes.sharing import exclusive

EVENTS: Counter[str] = Counter()


class _Noting(torch.autograd.Function):
    """The identity, which counts how often it is run forward and backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, name: str) -> Tensor:
        ctx.name = name
        EVENTS[f"{name} forward"] += 1
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        EVENTS[f"{ctx.name} backward"] += 1
        return gradient, None


class Noting(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return _Noting.apply(x, self.name)


class HiddenPrompt(nn.Module):
    """Adds a tensor that asks for a gradient but is no parameter, so that everything after it is part of the graph."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.zeros(1, requires_grad=True)


def noting_network(*start: nn.Module) -> nn.Module:
    conv = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 4, 3)
    return Headed(*start, Noting("bottom"), conv[0], Noting("middle"), conv[1], Noting("top"))


def events_of(network: nn.Module, layers: object) -> Counter[str]:
    model = model_of(network)
    EVENTS.clear()
    xl.grad_cam(model, noise(2), layers)
    return EVENTS


def test_all_layers_come_from_one_forward_and_one_backward_pass() -> None:
    events = events_of(noting_network(), None)
    assert events == {"bottom forward": 1, "middle forward": 1, "top forward": 1, "middle backward": 1, "top backward": 1}


def test_backward_ends_at_the_earliest_asked_layer() -> None:
    events = events_of(noting_network(HiddenPrompt()), ["body.4"])
    assert events == {"bottom forward": 1, "middle forward": 1, "top forward": 1, "top backward": 1}


def test_backward_goes_down_to_the_earliest_of_several_layers() -> None:
    events = events_of(noting_network(HiddenPrompt()), ["body.4", "body.2"])
    assert (events["middle backward"], events["bottom backward"]) == (1, 0)


def test_no_graph_is_built_below_the_earliest_asked_layer() -> None:
    seen: list[bool] = []
    network = Headed(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 4, 3))
    model = model_of(network)
    handle = network.body[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].requires_grad))
    xl.grad_cam(model, noise(2), "body.1")
    handle.remove()
    assert seen == [False]


def test_the_run_is_asked_once_before_the_forward_pass() -> None:
    model = model_of(noting_network())
    EVENTS.clear()
    seen: list[int] = []
    cancelled(lambda: seen.append(EVENTS["bottom forward"]), xl.grad_cam, model, noise(2))
    assert seen == [0]


def test_the_maps_of_every_class_come_from_one_forward_pass_and_a_backward_pass_each() -> None:
    model = model_of(noting_network())
    EVENTS.clear()
    xl.class_maps(model, noise(1)[0])
    assert (EVENTS["bottom forward"], EVENTS["middle forward"], EVENTS["middle backward"], EVENTS["top backward"]) == (
        1,
        1,
        2,
        2,
    )


def test_the_run_is_asked_before_the_forward_pass_and_between_classes() -> None:
    model = model_of(noting_network())
    EVENTS.clear()
    seen: list[tuple[int, int]] = []
    cancelled(lambda: seen.append((EVENTS["bottom forward"], EVENTS["top backward"])), xl.class_maps, model, noise(1)[0])
    assert seen == [(0, 0), (1, 1)]


def test_a_run_that_ends_between_two_classes_leaves_nothing() -> None:
    model, asked = model_of(untidy_network()), Counter[str]()

    def stop_second() -> None:
        asked["times"] += 1
        if asked["times"] == 2:
            raise StopError

    with pytest.raises(StopError):
        cancelled(stop_second, xl.class_maps, model, noise(1)[0])
    assert len(xl.class_maps(model, noise(1)[0])) == 2  # the lock is free again


def test_layers_are_listed_in_the_order_of_the_forward_pass(tutorial: xl.Model) -> None:
    expected = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "fc1", "relu3", "fc2", "relu4", "fc3")
    assert tuple(layer.name for layer in tutorial.layers) == expected


def test_spatial_layers_are_those_with_a_grid(tutorial: xl.Model) -> None:
    assert tutorial.spatial_layers == ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")


def test_conv_layers_are_those_that_the_forward_pass_reaches() -> None:
    assert model_of(DeadEnd()).conv_layers == ("unused", "conv")


def test_a_module_called_twice_is_listed_call_by_call() -> None:
    assert model_of(Repeated()).spatial_layers == ("conv1", "relu#1", "conv2", "relu#2")


def test_every_block_of_a_torchvision_resnet_calls_its_relu_twice(random_model: Models) -> None:
    names = random_model("resnet18").spatial_layers
    assert [name for name in names if name.startswith("layer3.1.relu")] == ["layer3.1.relu#1", "layer3.1.relu#2"]


def test_overwritten_layers_are_those_before_an_in_place_operation(random_model: Models) -> None:
    overwritten = {layer.name for layer in random_model("resnet18").layers if layer.overwritten}
    inside = {name for name in overwritten if name.startswith("layer1.0.")}
    assert inside == {"layer1.0.bn1", "layer1.0.bn2"}  # by the in-place ReLU, and by `out += identity`


class Listed(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, x]


class WithListed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair, self.conv = Listed(), nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pair(x)[0]).mean((2, 3))


REFUSED = [
    (Repeated, "relu", r"'relu' is called 2 times .*name one of relu#1, relu#2"),
    (DeadEnd, "unreached", r"'unreached' is not reached by the forward pass; this network has"),
    (DeadEnd, "unused", r"'unused' does not influence the output"),
    (DeadEnd, ["unused", "conv"], r"'unused' does not influence the output"),
    (DeadEnd, ["conv", "unused"], r"'unused' does not influence the output"),
    (Folded, "conv", r"'conv'"),  # its first axis is not the batch
    (WithListed, "pair", r"'pair' gives something that is not one tensor"),
]


@pytest.mark.parametrize(("build", "layers", "sentence"), REFUSED)
def test_a_layer_that_has_no_map_is_refused(build: Callable[[], nn.Module], layers: object, sentence: str) -> None:
    with pytest.raises(xl.LayerError, match=rf"layers: {sentence}"):
        xl.grad_cam(model_of(build()), noise(2), layers)


class Whimsical(nn.Module):
    """Skips `second` whenever `skip` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 3)
        self.skip = False

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return (x if self.skip else self.second(x)).mean((2, 3))


def test_a_layer_skipped_in_this_very_pass_is_refused() -> None:
    network = Whimsical()
    model = model_of(network)
    network.skip = True
    with pytest.raises(xl.LayerError, match=r"layers: the forward pass did not reach 'second'"):
        xl.grad_cam(model, noise(1), ["first", "second"])


def test_a_network_that_detaches_its_output_is_refused() -> None:
    network = Scripted()
    model = model_of(network)
    network.answer = lambda logits: logits.detach()
    with pytest.raises(xl.NetworkError, match=r"output has no gradient; .*without no_grad or detach"):
        xl.grad_cam(model, noise(1), "conv")


def test_an_in_place_flag_set_after_as_model_is_noticed() -> None:
    network = Headed(nn.Conv2d(3, 4, 3), nn.ReLU())
    model = model_of(network)
    network.body[1].inplace = True
    with pytest.raises(xl.NetworkError, match=r"its layers changed since as_model.*call as_model again"):
        xl.grad_cam(model, noise(1), "body.0")


def test_the_logits_do_not_depend_on_which_layers_are_asked(random_model: Models) -> None:
    model, pixels = random_model("resnet18"), noise(2, side=64)
    expected = model.predict(pixels)
    for layers in (["layer1.0.bn2"], ["layer4"], ["layer1.0.bn1", "layer1.0.relu#1", "layer3", "conv1"]):
        np.testing.assert_allclose(xl.grad_cam(model, pixels, layers).logits, expected, atol=1e-5)


# That nothing is left on the network is seen by the check that follows every test.


def untidy_network() -> nn.Module:
    """Some modules training, some not; one parameter frozen; one with a gradient from before."""
    network = seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3)))
    network.body[1].eval()
    network.fc.weight.requires_grad_(False)
    network.fc.bias.grad = torch.full((2,), 7.0)
    return network


class StopError(Exception):
    """Not an error of the package's."""


def stop() -> None:
    raise StopError


RUNS: dict[str, Callable[[xl.Model], object]] = {
    "grad_cam": lambda model: xl.grad_cam(model, noise(3)),
    "package_grad_cam": lambda model: xl.package_grad_cam(model, noise(3), ["body.0", "body.3"]),
    "heatmap": lambda model: xl.heatmap(model, noise(3), xl.PAPER),
    "predict": lambda model: model.predict(noise(3)),
    "as_model": lambda model: model_of(model.network),
    "digest": lambda model: model.digest,
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_an_untidy_network_is_left_exactly_as_it_was(run: Callable[[xl.Model], object]) -> None:
    network = untidy_network()
    run(model_of(network))
    assert (network.training, network.body[1].training, network.body[2].training) == (True, False, True)
    assert (network.fc.weight.requires_grad, network.fc.bias.requires_grad) == (False, True)
    assert network.body[0].weight.grad is None
    assert network.fc.bias.grad.tolist() == [7.0, 7.0]


FAILURES: dict[str, Callable[[xl.Model], object]] = {
    "manual": lambda model: cancelled(stop, xl.grad_cam, model, noise(1)),
    "package": lambda model: cancelled(stop, xl.package_grad_cam, model, noise(1), "body.0"),
    "heatmap": lambda model: cancelled(stop, xl.heatmap, model, noise(1), xl.PAPER),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES.keys())
def test_what_ends_the_run_passes_through_and_leaves_nothing(fail: Callable[[xl.Model], object]) -> None:
    model = model_of(untidy_network())
    with pytest.raises(StopError):
        fail(model)
    assert len(xl.grad_cam(model, noise(1))) == 2  # the lock is free again


def raising(*_: object) -> object:
    raise RuntimeError("out of coffee")


@pytest.mark.parametrize("layers", ["body.0", ["body.3", "body.1"]])
@pytest.mark.parametrize("function", [xl.grad_cam, xl.package_grad_cam])
def test_a_network_that_raises_half_way_is_left_as_it_was(function: Callable[..., object], layers: object) -> None:
    network = untidy_network()
    model = model_of(network)
    network.fc.forward = raising
    with pytest.raises(xl.NetworkError, match="out of coffee"):
        function(model, noise(2), layers)


def test_a_network_whose_backward_pass_raises_is_left_as_it_was() -> None:
    network = untidy_network()
    model = model_of(network)
    network.fc.forward = lambda x: (x[:, :2] * 1).detach()
    with pytest.raises(xl.NetworkError):
        xl.grad_cam(model, noise(2))


@pytest.mark.parametrize("function", [xl.grad_cam, xl.package_grad_cam])
def test_a_bad_target_leaves_the_network_as_it_was(function: Callable[..., object]) -> None:
    model = model_of(untidy_network())
    with pytest.raises(xl.TargetError):
        function(model, noise(2), "body.0", 2)


@pytest.mark.parametrize("function", [xl.grad_cam, xl.package_grad_cam])
def test_hooks_of_the_callers_stay_and_are_called(function: Callable[..., object]) -> None:
    network, called = plain(), []
    network.body[2].register_forward_hook(lambda *_: called.append("hook"))
    model = model_of(network)
    called.clear()
    function(model, noise(1), "body.2")
    assert called == ["hook"]


def test_results_share_no_memory_with_the_network() -> None:
    network = Headed(nn.Conv2d(3, 4, 3))
    model, pixels = model_of(network), noise(1)
    first = xl.grad_cam(model, pixels)["body.0"]
    kept = first.signed.copy()
    xl.grad_cam(model, 255 - pixels)
    assert_array_equal(first.signed, kept)


def excludes(held: nn.Module, other: nn.Module) -> bool:
    """Whether a thread cannot enter `other` while this one is in `held`."""
    entered = threading.Event()

    def enter() -> None:
        with exclusive(other):
            entered.set()

    thread = threading.Thread(target=enter)
    with exclusive(held):
        thread.start()
        kept_out = not entered.wait(0.3)
    thread.join()
    return kept_out


def test_networks_that_share_a_module_exclude_each_other() -> None:
    shared = nn.Conv2d(3, 2, 3)
    assert excludes(nn.Sequential(shared), nn.Sequential(nn.ReLU(), shared))


def test_unrelated_networks_do_not_wait_for_each_other() -> None:
    assert not excludes(plain(), plain())


def test_a_network_joined_from_two_used_ones_excludes_both() -> None:
    """Otherwise a thread in the joined network and one in its second half see each other's hooks."""
    first, second = nn.Conv2d(3, 3, 3), Headed(nn.Conv2d(3, 4, 3))
    assert not excludes(first, second)
    joined = nn.Sequential(first, second)
    assert excludes(joined, first)
    assert excludes(joined, second)
    assert excludes(second, joined)
