"""Networks that segment: what is explained, beside plain autograd and grad-cam's own target, and what is refused."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import own_networks
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from plain_torch import network_input
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget
from torch import Tensor, nn
from torchvision.models import segmentation

import explain_lib as xl
from explain_lib.cam.contrast import contrasts
from explain_lib.cam.other_programs import third_opinion
from explain_lib.loading.architectures import find_architecture
from explain_lib.networks.predictions import predicted_places
from explain_lib.networks.randomisation import randomised
from explain_lib.trust.ladder import ladder_curves
from explain_lib.trust.sanity import sanity_maps

PIXELS = xl.load_cifar10().pixels[:3]
LAYER = "bottom"
WHERE: dict[str, Any] = {"input_size": (32, 32), "mean": (0.5,) * 3, "std": (0.5,) * 3}


def unet(**given: Any) -> xl.Model:
    return xl.as_model(own_networks.unet(), **(WHERE | given))


def one_mask(**given: Any) -> xl.Model:
    return xl.as_model(own_networks.one_mask(), **(WHERE | given))


def places_of(model: xl.Model, pixels: NDArray[np.uint8] = PIXELS) -> NDArray[np.float32]:
    """The network's own output, (N, channels, H, W)."""
    with torch.no_grad():
        return np.asarray(deepcopy(model.network).eval()(network_input(model, pixels)).numpy())


def plain_map(model: xl.Model, image: int, number: Callable[[Tensor], Tensor], layer: str = LAYER) -> NDArray[np.float32]:
    """The signed map (h, w) by autograd alone. number: from the scores (channels, H, W) to what is explained."""
    network, kept = deepcopy(model.network).eval(), []
    network.get_submodule(layer).register_forward_hook(lambda *of: kept.append(of[2]))
    output = network(network_input(model, PIXELS[image : image + 1]))
    scores = output if isinstance(output, Tensor) else output["out"]
    (gradient,) = torch.autograd.grad(number(scores[0]), kept[0])
    return np.asarray((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].detach().numpy())


def close(found: NDArray[np.float32], right: NDArray[np.float32]) -> None:
    assert abs(right).max() > 0
    assert_allclose(found, right, atol=1e-6 * abs(right).max(), rtol=1e-5)


# Section: what is read


def test_the_scores_are_the_shares_of_the_picture_that_each_class_covers() -> None:
    model, places = unet(), places_of(unet())
    shares = np.stack([(places.argmax(1) == k).mean((1, 2)) for k in range(3)], axis=1)
    assert_allclose(model.predict(PIXELS), shares, atol=1e-7)
    said = xl.Predictions(model.predict(PIXELS), model.task)
    assert_array_equal(said.predicted, shares.argmax(1))
    assert_allclose(said.confidence, shares.max(1), atol=1e-7)
    assert_array_equal(predicted_places(model, PIXELS).classes, places.argmax(1))


def test_one_number_a_pixel_is_a_mask_of_two_classes() -> None:
    model, logit = one_mask(), places_of(one_mask())[:, 0]
    assert model.classes == ("background", "object")
    assert_allclose(model.predict(PIXELS)[:, 1], (logit > 0).mean((1, 2)), atol=1e-7)
    assert one_mask(classes=["polyp"]).classes == ("not polyp", "polyp")
    mask = torch.from_numpy(logit[0] > 0)
    found = xl.grad_cam(model, PIXELS[:1], LAYER, xl.Target(1, score="probability"))[LAYER].signed[0]
    close(found, plain_map(model, 0, lambda y: y[0].sigmoid()[mask].sum()))
    close(xl.grad_cam(model, PIXELS[:1], LAYER, 0)[LAYER].signed[0], plain_map(model, 0, lambda y: -y[0][~mask].sum()))


@pytest.mark.parametrize(
    ("rows", "task"), [(32, "segmentation"), (8, "segmentation"), (4, "segmentation"), (2, "softmax"), (1, "softmax")]
)
def test_scores_for_every_eighth_row_or_more_are_a_segmentation(rows: int, task: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(rows))
    assert xl.as_model(network, **WHERE).task == task


def test_the_task_can_be_chosen_and_is_refused_without_places() -> None:
    mean = unet(task="softmax")
    assert_allclose(mean.predict(PIXELS), places_of(unet()).mean((2, 3)), atol=1e-6)
    assert mean.with_task("segmentation").classes == ("class 0", "class 1", "class 2")
    assert one_mask(task="binary").with_task("segmentation").classes == one_mask(task="binary").classes
    with pytest.raises(xl.InputError, match="task: 'segmentation' does not fit a network with 5 scores for the whole picture"):
        xl.as_model(own_networks.make(), **WHERE, task="segmentation")


# Section: what is explained


NUMBERS: dict[str, tuple[xl.Target, Callable[[Tensor, Tensor], Tensor]]] = {
    "logit": (xl.Target(1), lambda y, mask: y[1][mask].sum()),
    "contrast": (xl.Target(1, minus=2), lambda y, mask: (y[1] - y[2])[mask].sum()),
    "against": (xl.Target(1, sign=-1), lambda y, mask: -y[1][mask].sum()),
    "probability": (xl.Target(1, score="probability"), lambda y, mask: y.softmax(0)[1][mask].sum()),
    "both": (xl.Target(1, score="probability", minus=0), lambda y, mask: (y.softmax(0)[1] - y.softmax(0)[0])[mask].sum()),
}


@pytest.mark.parametrize(("target", "number"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("where", ["predicted", "drawn", "pixel"])
def test_the_map_is_that_of_the_sum_over_the_region(
    target: xl.Target, number: Callable[[Tensor, Tensor], Tensor], where: str
) -> None:
    model = unet()
    drawn = np.zeros((16, 16), np.bool_)
    drawn[3:9, 5:12] = True
    masks = {"predicted": places_of(model)[0].argmax(0) == 1, "drawn": drawn.repeat(2, 0).repeat(2, 1)}
    masks["pixel"] = np.zeros((32, 32), np.bool_)
    masks["pixel"][20, 7] = True
    region = {"predicted": None, "drawn": xl.region_of(drawn), "pixel": xl.pixel_region((32, 32), 20, 7)}[where]
    asked = xl.Target(target.index, target.minus, target.sign, target.score, region=region)
    mask = torch.from_numpy(masks[where])
    found = xl.grad_cam(model, PIXELS[:1], LAYER, asked)
    close(found[LAYER].signed[0], plain_map(model, 0, lambda y: number(y, mask)))
    explained = found.targets[0]
    assert isinstance(explained, xl.Target)
    assert isinstance(explained.region, xl.Region)
    assert_array_equal(explained.region.on((32, 32)), masks[where])
    score = xl.walkthrough(model, PIXELS[0], LAYER, asked).score
    assert_allclose(score, float(number(torch.from_numpy(places_of(model)[0]).double(), mask)), rtol=1e-6)


def torchvisions(name: str) -> nn.Module:
    torch.manual_seed(3)
    network: nn.Module = getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=4)
    with torch.no_grad():  # untrained, the scores hardly differ from place to place
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.out_channels == 4:
                module.weight *= 20
    return network.eval()


class Out(nn.Module):
    """The network as users of grad-cam wrap it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        output = self.network(x)
        return output if isinstance(output, Tensor) else output["out"]


SEGMENTING: dict[str, Callable[[], nn.Module]] = {
    "unet": own_networks.unet,
    "deeplabv3": lambda: torchvisions("deeplabv3_mobilenet_v3_large"),
    "lraspp": lambda: torchvisions("lraspp_mobilenet_v3_large"),
}


@pytest.mark.parametrize("make", SEGMENTING.values(), ids=SEGMENTING)
def test_maps_are_those_of_grad_cam_with_its_own_target(make: Callable[[], nn.Module]) -> None:
    side = 32 if make is own_networks.unet else 96
    model = xl.as_model(make(), **(WHERE | {"input_size": (side, side)}))
    pixels = PIXELS[:2].repeat(side // 32, 1).repeat(side // 32, 2)
    layer = model.default_layer
    ours = xl.grad_cam(model, pixels, layer)
    for image, target in enumerate(ours.targets):
        assert isinstance(target, xl.Target)
        assert isinstance(target.region, xl.Region)
        mask = target.region.on((side, side)).astype(np.float32)
        for method, variant in ((GradCAM, "grad-cam"), (LayerCAM, "layercam")):
            network = deepcopy(model.network)  # the package leaves traces
            with method(Out(network), [network.get_submodule(layer)]) as cam:
                own = cam(model.to_input(pixels[image : image + 1]), [SemanticSegmentationTarget(target.index, mask)])
            settings = xl.package_settings((layer,), variant)  # type: ignore[arg-type]
            assert own.max() > 0.99
            assert_allclose(xl.heatmap(model, pixels[image : image + 1], settings), own, atol=1e-6)
            packaged = xl.package_grad_cam(model, pixels[image : image + 1], layer, variant=variant)  # type: ignore[arg-type]
            assert_allclose(packaged, own, atol=1e-6)


@pytest.mark.parametrize("program", ["captum", "torch-cam"])
def test_other_programs_explain_the_same_region(program: Any) -> None:
    pytest.importorskip({"captum": "captum", "torch-cam": "torchcam"}[program])
    model = unet()
    found = third_opinion(program, model, PIXELS[:1], LAYER)
    ours = xl.grad_cam(model, PIXELS[:1], LAYER)[LAYER]
    if program == "captum":
        right = torch.nn.functional.interpolate(torch.from_numpy(ours.signed.copy())[None], (32, 32))[0].numpy()
        assert_allclose(found, right, atol=1e-6 * abs(right).max(), rtol=1e-5)
    else:
        settings = xl.torch_cam_settings((LAYER,))
        assert_allclose(found, xl.heatmap(model, PIXELS[:1], settings), atol=1e-5)


def test_any_function_of_the_scores_is_a_target() -> None:
    model, mask = unet(), np.eye(32, dtype=np.float32)
    found = xl.grad_cam(model, PIXELS[:1], LAYER, SemanticSegmentationTarget(2, mask))
    close(found[LAYER].signed[0], plain_map(model, 0, lambda y: y[2][torch.eye(32) > 0].sum()))


def test_every_class_is_explained_over_one_region_and_so_is_a_contrast() -> None:
    model, most = unet(), int(unet().predict(PIXELS[:1]).argmax())
    mask = torch.from_numpy(places_of(model)[0].argmax(0) == most)
    maps = xl.class_maps(model, PIXELS[0], LAYER)[LAYER].signed
    for index in range(3):
        close(maps[index], plain_map(model, 0, lambda y, k=index: y[k][mask].sum()))
    first, other = most, (most + 1) % 3
    for found in (
        xl.contrast(model, PIXELS[:1], LAYER, first, other),
        contrasts(model, PIXELS[:1], [LAYER], first, other)[LAYER],
    ):
        close(found.signed_b, plain_map(model, 0, lambda y: y[other][mask].sum()))
        assert found.deviation < 1e-4 * found.reach


def test_the_region_is_that_of_the_whole_picture_in_deletion_cover_and_sanity_checks() -> None:
    model = unet()
    places = places_of(model)[0]
    index = int(model.predict(PIXELS[:1]).argmax())
    mask = torch.from_numpy(places.argmax(0) == index)
    curves = ladder_curves(model, PIXELS, 0, [LAYER], None)
    whole = float(torch.from_numpy(places).double().softmax(0)[index][mask].mean())
    grey = np.full((1, 32, 32, 3), 127.5, np.float32)
    nothing = model.network(torch.from_numpy(grey.transpose(0, 3, 1, 2)) / 255 * 2 - 1)[0].double().softmax(0)
    assert_allclose(curves.curves.deletion[0, 0, 0, 0], whole, rtol=1e-5)
    assert_allclose(curves.curves.deletion[0, 0, 0, -1], float(nothing[index][mask].mean().detach()), rtol=1e-5)

    cover = xl.cover_code(np.eye(16, dtype=np.bool_))
    effect = xl.cover_effect(model, PIXELS[0], cover, layer=LAYER)
    covered = torch.from_numpy(places_of(model, xl.cover_picture(PIXELS[0], cover)[None])[0]).double()
    assert_allclose(effect.score, float(covered[index][mask].sum()), rtol=1e-6)

    found = sanity_maps(model, PIXELS[:1], LAYER)
    for depth in range(1, len(found.steps) + 1):
        right = plain_map(randomised(model, depth, "cascading", seed=0), 0, lambda y: y[index][mask].sum())
        assert_allclose(found.maps[0, depth], np.maximum(right, 0), atol=1e-6 * abs(right).max())
    assert (found.maps[0, 1:].max((1, 2)) > 0).any()


# Section: what is refused


def test_a_class_that_is_predicted_nowhere_is_refused_in_a_sentence() -> None:
    network = own_networks.unet()
    with torch.no_grad():
        network.get_parameter("scores.bias")[2] -= 1000
    model = xl.as_model(network, **WHERE)
    with pytest.raises(xl.TargetError, match="class 2 is predicted at no place of the picture, so there is no region"):
        xl.grad_cam(model, PIXELS[:1], LAYER, 2)
    with pytest.raises(xl.TargetError, match="number 0 of 3"):
        xl.grad_cam(model, PIXELS, LAYER, 2)
    drawn = xl.pixel_region((32, 32), 4, 4)
    assert xl.grad_cam(model, PIXELS[:1], LAYER, xl.Target(2, region=drawn))[LAYER].signed.any()


def test_a_region_belongs_to_a_segmentation_and_has_a_class_of_it() -> None:
    pixel = xl.pixel_region((32, 32), 4, 4)
    with pytest.raises(xl.TargetError, match="a region belongs to scores for each place, and the task is softmax"):
        xl.grad_cam(xl.load_model("tutorial"), PIXELS[:1], "conv2", xl.Target(2, region=pixel))
    with pytest.raises(xl.TargetError, match="there is no class 7"):
        xl.grad_cam(unet(), PIXELS[:1], LAYER, xl.Target(2, region=xl.Predicted(7)))
    with pytest.raises(xl.TargetError, match="a Region, Predicted"):
        xl.Target(2, region="here")  # type: ignore[arg-type]


def test_scores_that_are_not_finite_are_refused() -> None:
    model = xl.as_model(Dividing(own_networks.unet()), **WHERE)
    white = np.full((1, 32, 32, 3), 255, np.uint8)
    with pytest.raises(xl.NetworkError, match="its scores are NaN or infinite"):
        model.settled_targets(white, None)
    assert np.isnan(model.predict(np.concatenate([white, PIXELS]))[0]).all()


class Dividing(nn.Module):
    """A network that divides by 0 for a picture with white in it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.network(x) / (1 - x.amax((1, 2, 3), keepdim=True))
        return scores


# Section: loading


@pytest.mark.parametrize("name", ["deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "fcn_resnet50"])
def test_torchvisions_networks_are_known_by_name_with_their_classes(name: str) -> None:
    architecture = find_architecture(name)
    assert (len(architecture.classes), architecture.classes[0], architecture.classes[8]) == (21, "background", "cat")
    assert architecture.mean == (0.485, 0.456, 0.406)


def test_a_file_with_the_weights_of_training_only_is_read(tmp_path: Any) -> None:
    network = segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    torch.save(network.state_dict(), tmp_path / "net.pt")
    model = xl.load_own_model("deeplabv3_mobilenet_v3_large", tmp_path / "net.pt", input_size=(64, 64))
    assert (model.task, model.classes[15], model.default_layer) == ("segmentation", "person", "classifier.3")
    assert_array_equal(
        model.network.get_parameter("classifier.4.weight").detach().numpy(), network.classifier[4].weight.detach().numpy()
    )


@pytest.mark.parametrize(("make", "layer"), [(own_networks.unet, "bottom"), (own_networks.one_mask, "bottom")])
def test_the_layer_to_begin_with_is_the_end_of_the_coarsest_grid(make: Callable[[], nn.Module], layer: str) -> None:
    assert xl.as_model(make(), **WHERE).default_layer == layer
