"""torch-cam, Captum and Ultralytics called through explain_lib and directly, and the manual maps under their settings."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from matplotlib.colors import Colormap
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from plain_torch import in_place_off, network_input
from runs import through
from sample_networks import DeadEnd, Gated, Headed, Models, Repeated, model_of, noise, plain, seeded
from scan_samples import scan_batch
from torch import Tensor, nn
from torchcam.methods import GradCAM
from torchcam.utils import overlay_mask
from torchvision.transforms.functional import to_pil_image

import explain_lib as xl
from explain_lib.cam import other_programs
from explain_lib.cam.configuration import Configuration, is_installed, parse_configuration, program_of
from explain_lib.cam.other_programs import OPINIONS, third_opinion
from explain_lib.cam.settings import captum_settings, torch_cam_settings, ultralytics_settings
from explain_lib.compare import decomposition

Score = Callable[[Tensor], Tensor]
"""From logits (N, classes) to one number an image."""

PRESETS = {"torch-cam": torch_cam_settings, "captum": captum_settings, "ultralytics": ultralytics_settings}
MODULES = {"torch-cam": "torchcam", "captum": "captum", "ultralytics": "ultralytics"}
MODELS = ["captum-tutorial", "resnet20", "vgg11"]
LAYERS = {
    "captum-tutorial": ["conv1", "pool1", "conv2", "relu2"],
    "resnet20": ["conv1", "layer1.1.shortcut", "layer2.0", "layer3.1.bn2", "layer3.2.conv2", "pool"],
    "vgg11": ["features.3", "features.8", "features.18", "features.20"],  # all but the last are overwritten
}


def top(logits: Tensor) -> Tensor:
    return logits.max(1).values


class Recorded(Colormap):
    """A colour map that keeps what it is to colour."""

    def __init__(self) -> None:
        super().__init__("recorded")
        self.coloured = np.empty(0)

    def __call__(self, X: Any, alpha: Any = None, bytes: bool = False) -> Any:  # noqa: ARG002, N803  # matplotlib's names
        self.coloured = np.array(X)
        return np.zeros((*self.coloured.shape, 4), np.uint8)


def torch_cam_alone(
    model: xl.Model, pixels: np.ndarray, layer: str, score: Score = top, classes: list[int] | None = None
) -> np.ndarray:
    """What torch-cam's own overlay colours, called as its README says, on a copy of the network."""
    network, masks = deepcopy(model.network).eval(), []
    with GradCAM(network, layer) as extractor:
        scores = network(network_input(model, pixels).requires_grad_().clone())
        (maps,) = extractor([0] * len(pixels), score(scores)[:, None]) if classes is None else extractor(classes, scores)
    for one, picture in zip(maps, pixels, strict=True):
        recorded = Recorded()
        overlay_mask(Image.fromarray(picture), to_pil_image(one, mode="F"), colormap=recorded)
        masks.append(recorded.coloured)
    return np.stack(masks)


def captum_alone(model: xl.Model, pixels: np.ndarray, layer: str, score: Score = top) -> np.ndarray:
    """Captum called as its documentation says, on a copy of the network."""
    network = deepcopy(model.network).eval()
    method = LayerGradCam(lambda batch: score(network(batch)), network.get_submodule(layer))
    attributions = method.attribute(network_input(model, pixels))
    return LayerAttribution.interpolate(attributions, model.input_size)[:, 0].detach().numpy()


def plain_layer_cam(model: xl.Model, pixels: np.ndarray, layer: str, score: Score = top) -> np.ndarray:
    """LayerCAM by plain autograd, enlarged, then divided by its maximum, on a copy of the network without in-place ReLUs."""
    network, kept = in_place_off(model).network.eval(), []
    hook = network.get_submodule(layer).register_forward_hook(lambda *given: kept.append(given[2]))
    explained = score(network(network_input(model, pixels).requires_grad_().clone())).sum()
    hook.remove()
    (gradient,) = torch.autograd.grad(explained, kept[0])
    maps = (gradient.clamp(min=0) * kept[0]).sum(1, keepdim=True).clamp(min=0)
    enlarged = nn.functional.interpolate(maps, model.input_size, mode="bilinear")[:, 0].detach()
    return (enlarged / enlarged.amax((1, 2), keepdim=True).clamp(min=1e-7)).numpy()


ALONE: dict[str, Callable[..., np.ndarray]] = {
    "torch-cam": torch_cam_alone,
    "captum": captum_alone,
    "ultralytics": plain_layer_cam,
}


@pytest.fixture(scope="module")
def six(images: xl.ImageSet, random_model: Models) -> Callable[[str], tuple[xl.Model, np.ndarray]]:
    """A model and six pictures for it."""
    noisy = np.random.default_rng(1).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    found = {name: (xl.load_model(name), images.pixels[60:66]) for name in MODELS[:2]}
    return {**found, "vgg11": (random_model("vgg11"), noisy)}.__getitem__


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize("name", MODELS)
def test_both_the_program_and_the_manual_map_under_its_settings_are_its_own(
    name: str, program: Any, six: Callable[[str], tuple[xl.Model, np.ndarray]]
) -> None:
    model, pixels = six(name)
    for layer in LAYERS[name]:
        right = ALONE[program](model, pixels, layer)
        assert np.ptp(right) > 0 or (program, layer) == ("torch-cam", "pool")  # of one cell, less its minimum
        assert_allclose(third_opinion(program, model, pixels, layer), right, rtol=0, atol=1e-7)
        assert_allclose(xl.heatmap(model, pixels, PRESETS[program]((layer,))), right, rtol=0, atol=1e-6)


def negative_contrast_of_probabilities(logits: Tensor) -> Tensor:
    probabilities = logits.double().softmax(1)
    return -(probabilities[:, 5] - probabilities[:, 2])


SCORES: list[tuple[Any, Score]] = [
    (7, lambda logits: logits[:, 7]),
    (xl.Target(3, sign=-1), lambda logits: -logits[:, 3]),
    (xl.Target(3, minus=8), lambda logits: logits[:, 3] - logits[:, 8]),
    # In some of these pictures this probability is near 0 or 1, and in float32 its gradient the rest of a subtraction.
    (xl.Target(2, sign=-1, score="probability"), lambda logits: -logits.double().softmax(1)[:, 2]),
    (xl.Target(5, minus=2, sign=-1, score="probability"), negative_contrast_of_probabilities),
]


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize(("target", "score"), SCORES, ids=[str(target) for target, _ in SCORES])
def test_every_target_is_explained(program: Any, target: Any, score: Score, images: xl.ImageSet) -> None:
    model, pixels = xl.load_model("tutorial"), images.pixels[:30]
    right = ALONE[program](model, pixels, "conv2", score)
    assert_allclose(third_opinion(program, model, pixels, "conv2", target), right, rtol=0, atol=1e-6)
    assert_allclose(xl.heatmap(model, pixels, PRESETS[program](("conv2",)), target), right, rtol=0, atol=1e-6)


@pytest.mark.parametrize("program", OPINIONS)
def test_each_image_has_its_own_target(program: Any, tutorial: xl.Model, study: np.ndarray) -> None:
    def mixed(logits: Tensor) -> Tensor:
        return torch.stack([logits[0, 1], -logits[1].softmax(0)[5], logits[2, 8] - logits[2, 0], logits[3, 3]])

    targets = [1, xl.Target(5, sign=-1, score="probability"), xl.Target(8, minus=0), 3]
    found = third_opinion(program, tutorial, study, "relu2", targets)
    assert_allclose(found, ALONE[program](tutorial, study, "relu2", mixed), rtol=0, atol=1e-6)


def test_the_maps_are_those_of_class_indices_too(tutorial: xl.Model, study: np.ndarray) -> None:
    """With `class_idx` and `target`, as the documentation of either program shows first."""
    network, classes = deepcopy(tutorial.network).eval(), [3, 8, 8, 0]
    right = torch_cam_alone(tutorial, study, "conv2", classes=classes)
    assert_allclose(third_opinion("torch-cam", tutorial, study, "conv2", classes), right, atol=1e-7)
    attributions = LayerGradCam(network, network.conv2).attribute(network_input(tutorial, study), target=classes)
    enlarged = LayerAttribution.interpolate(attributions, (32, 32))[:, 0].detach()
    assert_array_equal(third_opinion("captum", tutorial, study, "conv2", classes), enlarged)


def test_torch_cam_explains_the_relu_where_one_overwrites_the_layer(random_model: Models, random_pixels: np.ndarray) -> None:
    model = random_model("vgg11")
    found = third_opinion("torch-cam", model, random_pixels, "features.3", 1)
    assert np.abs(found - torch_cam_alone(in_place_off(model), random_pixels, "features.3", lambda y: y[:, 1])).max() > 0.05
    assert_allclose(found, torch_cam_alone(model, random_pixels, "features.4", lambda y: y[:, 1]), atol=1e-6)


def test_captum_is_right_where_a_relu_overwrites_the_layer(random_model: Models, random_pixels: np.ndarray) -> None:
    model = random_model("vgg11")
    right = captum_alone(in_place_off(model), random_pixels, "features.3", lambda y: y[:, 1])
    assert_allclose(
        third_opinion("captum", model, random_pixels, "features.3", 1) / np.abs(right).max(),
        right / np.abs(right).max(),
        atol=1e-6,
    )


def test_ultralytics_is_right_where_an_operation_overwrites_the_layer() -> None:
    model = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.Hardswish(inplace=True))))
    right = plain_layer_cam(model, noise(3), "body.0")
    assert_allclose(third_opinion("ultralytics", model, noise(3), "body.0"), right, atol=1e-6)
    assert_allclose(xl.heatmap(model, noise(3), ultralytics_settings(("body.0",))), right, atol=1e-6)


class Wrapped(nn.Module):
    """A network as Ultralytics' predictor holds it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Tensor) -> Any:
        return self.model(batch)


def test_ultralytics_paints_this_map_when_it_explains_a_network_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    third_opinion("ultralytics", xl.load_model("tutorial"), noise(1, 32), "conv2")  # imports it as the library does
    from ultralytics.nn.tasks import ClassificationModel
    from ultralytics.utils import plotting

    network = seeded(lambda: ClassificationModel("yolov8n-cls.yaml", nc=5, verbose=False)).eval()
    network.model[-1].linear.weight.data *= 1e6  # else its gradients are below the least divisor
    model = xl.as_model(network, classes=list("abcde"), input_size=(64, 64), mean=(0, 0, 0), std=(1, 1, 1), output=1)
    pixels, painted = noise(2, 64), []
    found = third_opinion("ultralytics", model, pixels, "model.8")
    coloured = plotting.cv2.applyColorMap
    monkeypatch.setattr(plotting.cv2, "applyColorMap", lambda *given: painted.append(given[0]) or coloured(*given))
    plotting.class_activation_map(Wrapped(network), network_input(model, pixels), ["a", "b"], tmp_path)
    assert np.abs(np.stack(painted) - found * 255).max() <= 1
    assert np.ptp(np.stack(painted)) > 100


def test_the_first_use_of_ultralytics_leaves_the_process_as_it_was() -> None:
    code = (
        "import os, cv2, numpy, torch, explain_lib as xl\n"
        "from explain_lib.cam.other_programs import third_opinion\n"
        "def state():\n"
        "    printed = numpy.get_printoptions(), str(torch.arange(60) / 7)\n"
        "    return dict(os.environ), printed, cv2.getNumThreads(), torch.save\n"
        "before = state()\n"
        "third_opinion('ultralytics', xl.load_model('tutorial'), xl.load_cifar10().pixels[:1], 'conv2')\n"
        "assert state() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_two_names_for_one_overwritten_output_have_the_gradient_of_what_is_left() -> None:
    model, pixels = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.Identity(), nn.ReLU(inplace=True)))), noise(3)
    for layer in ("body.0", "body.1", "body.2"):
        right = torch_cam_alone(model, pixels, layer)
        both = xl.decompose(model, pixels, 1, xl.CamSettings(("body.0", "body.1")), torch_cam_settings((layer,)))
        assert_allclose(both.b, right[1], atol=1e-6)


# Section: what causes a difference from them


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize("name", MODELS)
def test_the_residual_is_below_a_millionth(name: str, program: Any, six: Callable[[str], tuple[xl.Model, np.ndarray]]) -> None:
    model, pixels = six(name)
    layer = LAYERS[name][2]
    for index in (0, 3):
        one = pixels[index : index + 1]
        found = xl.decompose(model, one, 0, xl.package_settings((layer,)), PRESETS[program]((layer,)))
        assert found.residual is not None
        assert found.residual < 1e-6
        assert_allclose(found.maps.sum(0), found.b - found.a, atol=2e-6)


def test_the_gradient_of_what_is_left_is_a_cause_of_its_own(six: Callable[[str], tuple[xl.Model, np.ndarray]]) -> None:
    model, pixels = six("vgg11")
    package, torch_cam = xl.package_settings(("features.3",)), torch_cam_settings(("features.3",))
    assert abs(xl.decompose(model, pixels, 0, package, torch_cam).causes["inplace_gradient"]) > 1e-3
    package, torch_cam = xl.package_settings(("features.4",)), torch_cam_settings(("features.4",))
    assert xl.decompose(model, pixels, 0, package, torch_cam).causes["inplace_gradient"] == 0


@pytest.mark.parametrize("program", OPINIONS)
def test_the_residual_is_taken_from_the_program_that_fixes_the_settings(
    program: Any, tutorial: xl.Model, study: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def real(model: xl.Model, pixels: np.ndarray, configuration: Configuration, targets: Any) -> np.ndarray:
        asked.append(configuration)
        return xl.configured_heatmap(model, pixels, configuration, targets) + np.float32(0.25)

    monkeypatch.setattr(decomposition, "configured_heatmap", real)
    found = xl.decompose(tutorial, study, 2, xl.PAPER, PRESETS[program](None), 4)
    assert found.residual == pytest.approx(0.25, abs=1e-6)
    assert asked == [Configuration(program, PRESETS[program](("conv2",)))]


PROGRAMS_OF = [
    (torch_cam_settings(None), "torch-cam"),
    (captum_settings(("a",)), "captum"),
    (ultralytics_settings(("a",)), "ultralytics"),
    (xl.package_settings(("a", "b"), "layercam"), "package"),
    (xl.package_settings(None), "package"),
    (xl.PAPER, "manual"),
    (xl.CamSettings(("a", "b"), relu=False, scale_over="none", resize="nearest"), "manual"),
]


@pytest.mark.parametrize(("settings", "program"), PROGRAMS_OF)
def test_settings_belong_to_the_program_that_fixes_them(settings: xl.CamSettings, program: str) -> None:
    assert program_of(settings) == program


@pytest.mark.parametrize("program", OPINIONS)
def test_a_scan_compares_with_the_program_itself(program: Any, images: xl.ImageSet) -> None:
    model, pixels = xl.load_model("tutorial"), images.pixels[:40]
    sides = Configuration(), Configuration(program, PRESETS[program](None))
    rows = scan_batch(model, pixels, range(40), *sides, causes=False, package=True)
    assert 0 <= rows.residual.max() < 1e-6
    assert np.isnan(scan_batch(model, pixels, range(40), *sides, causes=False).residual).all()


def test_a_scan_notices_a_program_that_does_something_else(monkeypatch: pytest.MonkeyPatch, images: xl.ImageSet) -> None:
    original = GradCAM.compute_cams
    monkeypatch.setattr(GradCAM, "compute_cams", lambda *given, **named: [one * 0.5 for one in original(*given, **named)])
    side = Configuration("torch-cam", torch_cam_settings(None))
    rows = scan_batch(xl.load_model("tutorial"), images.pixels[:3], [0, 2], Configuration(), side, causes=False, package=True)
    assert rows.residual.min() > 0.5


# Section: configurations and the cache


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize("layers", ["", ";layers=relu1"])
def test_a_configuration_asks_the_program_itself(program: Any, layers: str, tutorial: xl.Model, study: np.ndarray) -> None:
    right = ALONE[program](tutorial, study, "relu1" if layers else "conv2")
    for ask in (xl.configured_heatmap, partial(through, xl.ExplainCache(), xl.configured_heatmap)):
        assert_allclose(ask(tutorial, study, parse_configuration(program + layers)), right, atol=1e-7)


# Section: where they are not installed


def hide(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULES[program], None)


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("torch-cam", "pip install 'torchcam>=0.5,<0.6'"),
        ("captum", "pip install 'captum>=0.8,<1.0'"),
        ("ultralytics", "pip install --no-deps 'ultralytics>=8.4.113,<8.5'"),
    ],
)
def test_a_program_that_is_not_installed_gets_a_sentence_that_says_how(
    program: Any, command: str, monkeypatch: pytest.MonkeyPatch, tutorial: xl.Model, study: np.ndarray
) -> None:
    assert is_installed(program)
    hide(program, monkeypatch)
    assert not is_installed(program)
    configuration = parse_configuration(f"{program};layers=conv2")
    for ask in (xl.configured_heatmap, partial(through, xl.ExplainCache(), xl.configured_heatmap)):
        with pytest.raises(xl.InputError) as raised:
            ask(tutorial, study, configuration)
        assert str(raised.value) == f"program: {program} is not installed in a version that fits; {command} brings it"
    with pytest.raises(xl.InputError, match="is not installed"):
        scan_batch(tutorial, study, [0], Configuration(), configuration, package=True)


@pytest.mark.parametrize("program", OPINIONS)
def test_without_the_program_its_settings_are_decomposed_and_have_no_residual(
    program: str, monkeypatch: pytest.MonkeyPatch, tutorial: xl.Model, study: np.ndarray
) -> None:
    settings = PRESETS[program](("conv2",))
    there = xl.decompose(tutorial, study, 0, xl.PAPER, settings)
    hide(program, monkeypatch)
    found = xl.decompose(tutorial, study, 0, xl.PAPER, settings)
    assert found.residual is None
    assert_array_equal(found.shares, there.shares)


@pytest.mark.parametrize(("found", "fits"), [("8.4.112", False), ("8.4.113", True), ("8.4.190", True), ("8.5.0", False)])
def test_a_release_of_ultralytics_without_its_layer_cam_is_not_taken(
    found: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_programs, "version", lambda _: found)
    assert is_installed("ultralytics") is fits


@pytest.mark.parametrize(
    ("found", "fits"), [("0.4.1", False), ("0.5.0", True), ("0.5.2.dev0", True), ("0.6", False), ("1.5", False)]
)
def test_another_version_of_torch_cam_is_not_taken_for_the_one_described(
    found: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_programs, "version", lambda _: found)
    assert is_installed("torch-cam") is fits
    assert is_installed("manual")  # always
    assert is_installed("package")


# Section: errors, and what is left behind. The ledger of conftest.py looks at every network used here.


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("build", [plain, Gated], ids=["plain", "picture used again"])
def test_the_callers_gradient_mode_changes_nothing(
    program: Any, mode: Callable[[], Any], build: Callable[[], nn.Module]
) -> None:
    model, pixels = model_of(seeded(build)), noise(2)
    outside = third_opinion(program, model, pixels, model.conv_layers[-1])
    with mode():
        inside = third_opinion(program, model, pixels, model.conv_layers[-1])
    assert_array_equal(inside, outside)


@pytest.mark.parametrize("program", OPINIONS)
def test_modes_frozen_weights_and_gradients_from_before_stay_as_they_were(program: Any, ledger: Any) -> None:
    model = model_of(seeded(lambda: nn.Sequential(plain(), nn.Dropout(0.9))).train())
    right = ALONE[program](model, noise(2), "0.body.2")
    for parameter in model.network.parameters():
        parameter.grad = torch.ones_like(parameter)
    next(model.network.parameters()).requires_grad_(False)
    ledger.expect(model.network)
    assert_allclose(third_opinion(program, model, noise(2), "0.body.2"), right, atol=1e-7)
    assert ledger.complaints() == []


@pytest.mark.parametrize("program", OPINIONS)
def test_a_network_that_starts_in_place_is_explained(program: Any) -> None:
    model, pixels = model_of(seeded(lambda: Headed(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3)))), noise(2)
    right = ALONE[program](model, pixels, "body.1")
    assert_allclose(third_opinion(program, model, pixels, "body.1"), right, atol=1e-7)


REFUSED = [
    (Repeated, "relu#1", "layers: {} cannot tell the calls of 'relu' apart"),
    (plain, ("body.0", "body.2"), "layers: body.0, body.2; one layer for {} would be right"),
    (DeadEnd, "unused", "layers: 'unused' does not influence the output"),
]


@pytest.mark.parametrize("program", OPINIONS)
@pytest.mark.parametrize(("build", "layer", "words"), REFUSED)
def test_layers_that_a_program_cannot_explain_are_refused(
    program: Any, build: Callable[[], nn.Module], layer: Any, words: str
) -> None:
    with pytest.raises(xl.LayerError, match=words.format(program)):
        third_opinion(program, model_of(build()), noise(1), layer)


@pytest.mark.parametrize(
    ("program", "method"),
    [
        ("torch-cam", "torchcam.methods.GradCAM._get_weights"),
        ("captum", "captum.attr.LayerGradCam.attribute"),
        ("ultralytics", "ultralytics.utils.plotting.class_activation_map"),
    ],
)
def test_a_failure_of_the_program_alone_is_said_to_be_its_own(
    program: Any, method: str, monkeypatch: pytest.MonkeyPatch, tutorial: xl.Model, study: np.ndarray
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("out of coffee")

    third_opinion(program, tutorial, study, "conv1")  # so that it is imported as the library does it
    monkeypatch.setattr(method, fail)
    with pytest.raises(xl.NetworkError, match=rf"^{program} failed on this network: ValueError: out of coffee$"):
        third_opinion(program, tutorial, study, "conv2")
