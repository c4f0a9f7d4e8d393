"""Manual Grad-CAM: against paper and pencil, and against Captum's LayerGradCam."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from independent_maps import pixels, probabilities
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import captum_signed, in_place_off, network_input
from runs import through
from sample_networks import Branches, DeadEnd, Gated, Headed, Models, Repeated, model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.base.run_context import recording
from explain_lib.cam.grad_cam import FEW_NUMBERS, passed_numbers
from explain_lib.passes.targets import Score
from explain_lib.take_home.notes import Recorder

# On paper, for the first constant picture, with R = [[1, .4], [.2, 0]] and G = [[0, .2], [.4, 1]]:
#   logit 0 = 1*1 + 2*.4 + 3*.2 + 2*0 - (0 + .2 + .4 + 1)     =  0.8
#   logit 1 = -(1 + .4 + .2 + 0) + (0 + .2 + .4 - 1)          = -2.0
#   class 0: alpha = (2, -1),    2 R - G      = [[ 2, .6], [0, -1]]
#   class 1: alpha = (-1, 0.5),  -R + 0.5 G   = [[-1, -.3], [0, .5]]
# The second picture has R = [[0, 0], [0, .4]] and no G: logits .8 and -.4; class 0: [[0, 0], [0, .8]].
SIGNED_0 = [[2, 0.6], [0, -1]]
CLOSE = {"atol": 1e-6, "rtol": 1e-6}


def first_cam(model: xl.Model, pixels: np.ndarray, targets: object) -> xl.LayerCam:
    return xl.grad_cam(model, pixels[:1], "conv", targets)["conv"]


def test_logits_weights_and_maps_are_those_worked_out_by_hand(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    assert_allclose(xl.grad_cam(constant_model, constant_pixels).logits, [[0.8, -2.0], [0.8, -0.4]], **CLOSE)
    cam = first_cam(constant_model, constant_pixels, 0)
    assert_allclose(cam.weights, [[2, -1]], **CLOSE)
    assert_allclose(cam.signed, [SIGNED_0], **CLOSE)
    assert_allclose(cam.map, [[[2, 0.6], [0, 0]]], **CLOSE)


# p0 = 1 / (1 + exp(-2.8)) = 0.9426758; dp0/dy0 = -dp0/dy1 = p0 (1 - p0) = 0.0540381
P_SLOPE = 0.05403813


@pytest.mark.parametrize(
    ("target", "weights"),
    [
        (xl.Target(0, minus=1), [3, -1.5]),
        (xl.Target(0, sign=-1), [-2, 1]),
        (xl.Target(0, minus=1, sign=-1), [-3, 1.5]),
        (xl.Target(1, minus=1), [0, 0]),
        (xl.Target(0, score="probability"), [3 * P_SLOPE, -1.5 * P_SLOPE]),
        (xl.Target(0, minus=1, score="probability"), [6 * P_SLOPE, -3 * P_SLOPE]),
    ],
    ids=str,
)
def test_the_weights_of_every_kind_of_target_are_those_worked_out_by_hand(
    target: xl.Target, weights: list[float], constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    assert_allclose(first_cam(constant_model, constant_pixels, target).weights, [weights], **CLOSE)


def test_map_is_zero_where_all_evidence_is_negative(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    cam = xl.grad_cam(constant_model, constant_pixels[1:], "conv", 1)["conv"]
    assert_allclose(cam.signed, [[[0, 0], [0, -0.4]]], **CLOSE)
    assert_array_equal(cam.map, np.zeros((1, 2, 2), np.float32))


def test_each_image_is_explained_for_its_own_target(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    targets = [1, xl.Target(0, score="probability", sign=-1)]
    cams = xl.grad_cam(constant_model, constant_pixels, "conv", targets)
    slope = 1 / (1 + np.exp(-1.2)) * (1 - 1 / (1 + np.exp(-1.2)))  # of the second picture, whose logits are .8 and -.4
    assert_allclose(cams["conv"].weights, [[-1, 0.5], [-3 * slope, 1.5 * slope]], **CLOSE)
    assert cams.targets == (xl.Target(1), xl.Target(0, score="probability", sign=-1))


def test_predicted_class_is_explained_by_default(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    cams = xl.grad_cam(constant_model, constant_pixels)
    assert cams.targets == (xl.Target(0), xl.Target(0))
    assert_allclose(cams["conv"].signed[1], [[0, 0], [0, 0.8]], **CLOSE)


def test_all_conv_layers_are_explained_by_default(tutorial: xl.Model, study: np.ndarray) -> None:
    assert xl.grad_cam(tutorial, study).names == ("conv1", "conv2")


def test_results_keep_the_order_in_which_layers_were_asked(tutorial: xl.Model, study: np.ndarray) -> None:
    asked = ["relu2", "conv1", "pool2", "pool1"]
    together = xl.grad_cam(tutorial, study, asked)
    assert list(together) == asked
    for name in asked:
        assert_allclose(together[name].signed, xl.grad_cam(tutorial, study, name)[name].signed, atol=1e-6)


def test_asking_for_a_layer_that_was_not_computed_lists_those_that_were(tutorial: xl.Model, study: np.ndarray) -> None:
    cams = xl.grad_cam(tutorial, study, ["conv1", "conv2"])
    with pytest.raises(xl.LayerError, match=r"'relu1' was not asked for; there are conv1, conv2"):
        cams["relu1"]


def test_grid_is_height_and_width_of_the_layer(tutorial: xl.Model, study: np.ndarray) -> None:
    cams = xl.grad_cam(tutorial, study, ["conv1", "pool2"])
    assert (len(cams), cams["conv1"].grid, cams["pool2"].grid) == (2, (28, 28), (5, 5))


CAPTUM_CASES = [
    ("resnet18", "layer1.0.bn2"),  # overwritten by `out += identity`
    ("resnet18", "layer2.0.downsample.1"),
    ("resnet18", "layer4"),
    ("squeezenet1_1", "features.3.squeeze"),  # overwritten by an in-place ReLU
    ("squeezenet1_1", "features.6.expand3x3"),
    ("mobilenet_v2", "features.3.conv.0.1"),  # overwritten by an in-place ReLU6
    ("shufflenet_v2_x0_5", "stage3.1.branch2.5"),
    ("googlenet", "inception3b.branch2.1.conv"),
    ("googlenet", "inception4a.branch1.bn"),  # overwritten by F.relu(x, inplace=True)
    ("vgg11", "features.8"),
]


def relative_gap(found: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(found - right).max() / np.abs(right).max())


@pytest.mark.parametrize(("name", "layer"), CAPTUM_CASES)
def test_signed_map_is_captums_also_where_the_layer_is_overwritten(
    name: str, layer: str, random_model: Models, random_pixels: np.ndarray
) -> None:
    model, classes = random_model(name), [3, 0, 7]
    right = captum_signed(in_place_off(model), random_pixels, layer, classes)
    assert relative_gap(xl.grad_cam(model, random_pixels, layer, classes)[layer].signed, right) < 1e-4


def test_all_layers_from_one_pass_are_captums_one_by_one(random_model: Models, random_pixels: np.ndarray) -> None:
    model = random_model("squeezenet1_1")
    honest = in_place_off(model)
    cams = xl.grad_cam(model, random_pixels, None, 4)
    gaps = [relative_gap(cams[name].signed, captum_signed(honest, random_pixels, name, 4)) for name in model.conv_layers]
    assert len(gaps) == 26  # the stem, three convolutions in each of eight fire modules, the classifier
    assert max(gaps) < 1e-4


def test_parallel_branches_are_each_captums() -> None:
    model, pixels = model_of(seeded(Branches)), noise(3)
    cams = xl.grad_cam(model, pixels, ["right", "left"], [0, 1, 1])
    for name in ("left", "right"):
        right = captum_signed(model, pixels, name, [0, 1, 1])
        assert relative_gap(cams[name].signed, right) < 1e-5


def repeated_by_hand(network: Repeated, batch: Tensor) -> list[np.ndarray]:
    """The signed maps of both calls of the ReLU, for class 1, written out step by step."""
    first = network.conv1(batch).relu()
    second = network.conv2(first).relu()
    logits = network.fc(second.mean((2, 3)))
    gradients = torch.autograd.grad(logits[:, 1].sum(), [first, second])
    pairs = zip(gradients, (first, second), strict=True)
    return [(g.mean((2, 3), keepdim=True) * a).sum(1).detach().numpy() for g, a in pairs]


def test_each_call_of_a_module_called_twice_has_its_own_map() -> None:
    model, pixels = model_of(seeded(Repeated)), noise(2)
    first, second = repeated_by_hand(model.network, network_input(model, pixels))
    cams = xl.grad_cam(model, pixels, ["relu#2", "relu#1"], 1)
    assert_allclose(cams["relu#1"].signed, first, atol=1e-6)
    assert_allclose(cams["relu#2"].signed, second, atol=1e-6)


class Shortcut(nn.Module):
    """An Identity beside a convolution, both of which are given the ReLU's output; the convolution runs first."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.conv, self.same = nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Identity()
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        return self.fc((self.conv(x) + self.same(x)).mean((2, 3)))


def test_a_layer_that_hands_on_its_input_has_one_map_whatever_is_asked_with_it() -> None:
    model, pixels = model_of(seeded(Shortcut)), noise(2)
    right = captum_signed(model, pixels, "same", 1)
    for asked in (["same"], ["relu", "same"], ["same", "conv", "first"]):
        assert_allclose(xl.grad_cam(model, pixels, asked, 1)["same"].signed, right, atol=1e-6)
    assert_allclose(xl.grad_cam(model, pixels, "relu", 1)["relu"].signed, right, atol=1e-6)


def test_layers_that_hand_on_their_input_are_known(tutorial: xl.Model) -> None:
    model = model_of(seeded(lambda: Headed(nn.Identity(), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Dropout(0.5))))
    assert [layer.name for layer in model.layers if layer.handed_on] == ["body.0", "body.3"]
    assert not any(layer.handed_on for layer in tutorial.layers)


def test_frozen_parameters_change_nothing(study: np.ndarray) -> None:
    free, frozen = xl.load_model("captum-tutorial"), xl.load_model("captum-tutorial")
    frozen.network.requires_grad_(False)
    cams = [xl.grad_cam(model, study, "conv1")["conv1"].signed for model in (free, frozen)]
    frozen.network.requires_grad_(True)
    assert_array_equal(cams[0], cams[1])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("build", [plain, Gated], ids=["plain", "picture used again"])
def test_the_callers_gradient_mode_changes_nothing(mode: Callable[[], Any], build: Callable[[], nn.Module]) -> None:
    model, pixels = model_of(seeded(build)), noise(2)
    outside = xl.grad_cam(model, pixels, model.spatial_layers)
    with mode():
        inside = xl.grad_cam(model, pixels, model.spatial_layers)
    for layer in model.spatial_layers:
        assert_array_equal(inside[layer].signed, outside[layer].signed)


def test_a_network_in_training_mode_is_explained_in_evaluation_mode() -> None:
    network = seeded(lambda: nn.Sequential(plain(), nn.Dropout(0.9)))
    model, pixels = model_of(network.train()), noise(2)
    while_training = xl.grad_cam(model, pixels)["0.body.2"].signed
    ledger_free = model_of(network.eval())
    assert_array_equal(while_training, xl.grad_cam(ledger_free, pixels)["0.body.2"].signed)
    network.train()


def test_pixels_are_not_written_to(tutorial: xl.Model) -> None:
    pixels = noise(2, side=32)
    before = pixels.copy()
    xl.grad_cam(tutorial, pixels)
    assert_array_equal(pixels, before)


def test_an_image_in_a_batch_has_the_map_that_it_has_alone(tutorial: xl.Model, study: np.ndarray) -> None:
    together = xl.grad_cam(tutorial, study, "conv2")["conv2"].signed
    alone = [xl.grad_cam(tutorial, study[k : k + 1], "conv2")["conv2"].signed[0] for k in range(4)]
    assert_allclose(together, alone, atol=1e-6)


# Section: every class of one picture


def assert_class_by_class(
    found: xl.ClassMaps, model: xl.Model, picture: np.ndarray, score: Score, layers: object = None
) -> None:
    """Equal in every bit to a call of grad_cam for each class."""
    assert found.classes == len(model.classes)
    for index in range(found.classes):
        right = xl.grad_cam(model, picture[None], layers, xl.Target(index, score=score))
        assert tuple(found) == found.names == right.names
        assert_array_equal(found.logits, right.logits[0])
        for name in right:
            assert_array_equal(found[name].signed[index], right[name].signed[0])
            assert_array_equal(found[name].map[index], right[name].map[0])


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("name", ["captum-tutorial", "resnet20"])
def test_maps_of_every_class_are_those_of_one_class_at_a_time(name: str, score: Score, study: np.ndarray) -> None:
    model = xl.load_model(name)
    assert_class_by_class(xl.class_maps(model, study[3], score=score), model, study[3], score)


@pytest.mark.parametrize("name", ["vgg11", "resnet18"])  # of VGG every conv layer is overwritten by an in-place ReLU
def test_maps_of_every_class_are_right_where_layers_are_overwritten(
    name: str, random_model: Models, random_pixels: np.ndarray
) -> None:
    model = random_model(name)
    layers = model.spatial_layers if name == "resnet18" else None
    assert_class_by_class(xl.class_maps(model, random_pixels[0], layers), model, random_pixels[0], "logit", layers)


def test_maps_of_every_class_are_right_where_a_layer_hands_on_its_input() -> None:
    model, picture = model_of(seeded(Gated)), noise(1)[0]
    layers = ["conv", "first"]
    assert_class_by_class(xl.class_maps(model, picture, layers), model, picture, "logit", layers)


def test_maps_of_every_class_know_their_grid_and_are_read_only(tutorial: xl.Model, study: np.ndarray) -> None:
    found = xl.class_maps(tutorial, study[0], ["conv2", "pool2"])
    assert (len(found), found["conv2"].grid, found["pool2"].signed.shape) == (2, (10, 10), (10, 5, 5))
    with pytest.raises(ValueError, match="read-only"):
        found["conv2"].signed[0, 0, 0] = 1
    with pytest.raises(xl.LayerError, match=r"'conv1' was not asked for; there are conv2, pool2"):
        found["conv1"]


REFUSED_CLASS_MAPS: dict[str, tuple[Callable[[xl.Model, np.ndarray], object], type[xl.ExplainError], str]] = {
    "layer": (lambda model, picture: xl.class_maps(model, picture, "conv9"), xl.LayerError, "unknown layer 'conv9'"),
    "batch": (lambda model, picture: xl.class_maps(model, picture[None]), xl.InputError, "picture: "),
    "size": (lambda model, picture: xl.class_maps(model, picture[:8]), xl.InputError, r"picture: the pictures are 8 x 32"),
    "score": (lambda model, picture: xl.class_maps(model, picture, score="odds"), xl.TargetError, "score 'odds'"),  # type: ignore[arg-type]
    "model": (lambda _, picture: xl.class_maps("resnet20", picture), xl.InputError, "model: a str"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED_CLASS_MAPS.values(), ids=REFUSED_CLASS_MAPS.keys())
def test_what_has_no_maps_of_every_class_is_refused(
    call: Callable[[xl.Model, np.ndarray], object],
    kind: type[xl.ExplainError],
    words: str,
    tutorial: xl.Model,
    study: np.ndarray,
) -> None:
    with pytest.raises(kind, match=words):
        call(tutorial, study[0])


def test_a_layer_without_influence_has_no_maps_of_every_class() -> None:
    with pytest.raises(xl.LayerError, match="'unused' does not influence the output"):
        xl.class_maps(model_of(DeadEnd()), noise(1)[0], "unused")


def test_maps_of_every_class_are_kept_and_not_noted(tutorial: xl.Model, study: np.ndarray) -> None:
    cache = xl.ExplainCache()
    first, again = (through(cache, xl.class_maps, tutorial, study[0]) for _ in range(2))
    assert first is again
    with recording(Recorder()) as recorder:
        xl.class_maps(tutorial, study[0])
    assert recorder.notes == ()


def test_the_cost_of_every_class_is_that_of_small_networks_only(random_model: Models) -> None:
    small = [passed_numbers(xl.load_model(name)) <= FEW_NUMBERS for name in ("captum-tutorial", "resnet20")]
    assert (small, passed_numbers(random_model("vgg11")) <= FEW_NUMBERS) == ([True, True], False)


@pytest.mark.parametrize("name", ["captum-tutorial", "tutorial", "resnet20"])
def test_maps_of_probabilities_next_to_1_are_those_of_the_network_in_float64(name: str) -> None:
    surest = np.argsort(-probabilities(name).max(1))[:8]
    model, chosen = xl.load_model(name), pixels()[surest]
    layer = model.conv_layers[-1]
    network = deepcopy(model.network).double()
    module = network.get_submodule(model.find_layers((layer,))[0].module)
    seen: list[Tensor] = []
    module.register_forward_hook(lambda _, __, output: seen.append(output))
    logits = network(network_input(model, chosen).double())
    predicted = logits.argmax(1, keepdim=True)
    others = logits.scatter(1, predicted, -torch.inf).logsumexp(1) - logits.logsumexp(1)  # of their sum, the logarithm
    assert others.max().item() < np.log(1e-4)
    (gradient,) = torch.autograd.grad(-others.exp().sum(), seen)
    right = (gradient.mean((2, 3), keepdim=True) * seen[0]).sum(1).relu().detach().numpy()
    targets = [xl.Target(int(index), score="probability") for index in predicted]
    found = xl.grad_cam(model, chosen, layer, targets)[layer].map
    peaks = right.max((1, 2), keepdims=True)
    assert (peaks > 0).all()
    assert_allclose(found / peaks, right / peaks, atol=1e-3, rtol=0)
