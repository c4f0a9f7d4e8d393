"""Networks that give labels for each place, of which several can be at one: beside plain autograd and grad-cam's own target."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import own_networks
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import network_input
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget

import explain_lib as xl
from explain_lib.networks.predictions import predicted_places

PIXELS = xl.load_cifar10().pixels[:4]
LAYER = "bottom"


def labels(**given: object) -> xl.Model:
    size = {"input_size": (32, 32), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    return xl.as_model(own_networks.unet(), **(size | {"task": "sigmoid-segmentation"} | given))


def logits(model: xl.Model) -> torch.Tensor:
    with torch.no_grad():
        output: torch.Tensor = deepcopy(model.network).eval()(network_input(model, PIXELS))
    return output


def test_the_scores_are_the_shares_where_each_label_is_likelier_than_not() -> None:
    model, places = labels(), logits(labels())
    assert model.classes == ("label 0", "label 1", "label 2")
    shares = (places.sigmoid() > 0.5).float().mean((2, 3))
    assert float((shares.sum(1) - 1).abs().max()) > 0.05  # they exclude each other nowhere
    assert_allclose(model.predict(PIXELS), shares, atol=1e-6)
    found = predicted_places(model, PIXELS)
    assert_array_equal(found.present, places > 0)
    assert_array_equal(found.classes, torch.where((places > 0).any(1), places.argmax(1), -1))


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("where", ["predicted", "drawn"])
def test_the_map_is_that_of_the_sum_of_the_label_alone(score: str, where: str) -> None:
    model, mask = labels(), torch.zeros(32, 32, dtype=torch.bool)
    mask[6:18, 10:24] = True
    region = xl.region_of(mask.numpy()) if where == "drawn" else None
    target = xl.Target(1, score=score, region=region)  # type: ignore[arg-type]
    found = xl.grad_cam(model, PIXELS[:1], LAYER, target)
    mask = mask if where == "drawn" else logits(model)[0, 1] > 0
    network, kept = deepcopy(model.network).eval(), []
    hook = network.get_submodule(LAYER).register_forward_hook(lambda *of: kept.append(of[2]))
    output = network(network_input(model, PIXELS[:1]))[0, 1]
    hook.remove()
    number = (output if score == "logit" else output.sigmoid())[mask].sum()
    (gradient,) = torch.autograd.grad(number, kept[0])
    right = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].detach()
    assert_allclose(found[LAYER].signed[0], right, atol=1e-6 * float(right.abs().max()), rtol=1e-5)
    assert xl.walkthrough(model, PIXELS[0], LAYER, target).score == pytest.approx(float(number.detach()), rel=1e-5)


def test_grad_cams_own_target_over_the_same_mask_gives_this_map() -> None:
    model = labels()
    mask = (logits(model)[0, 2] > 0).numpy()
    network = deepcopy(model.network).eval()
    with GradCAM(network, [network.get_submodule(LAYER)]) as cam:
        theirs = cam(network_input(model, PIXELS[:1]), [SemanticSegmentationTarget(2, mask)])
    assert_allclose(xl.package_grad_cam(model, PIXELS[:1], LAYER, 2), theirs, atol=1e-6)
    assert_allclose(xl.heatmap(model, PIXELS[:1], xl.package_settings((LAYER,)), 2), theirs, atol=1e-6)


def test_a_configuration_of_labels_decides_it_where_there_are_places() -> None:
    network = own_networks.unet()
    network.config = SimpleNamespace(problem_type="multi_label_classification")
    model = xl.as_model(network, input_size=(32, 32), mean=(0, 0, 0), std=(1, 1, 1))
    assert model.task == "sigmoid-segmentation"
    assert "multi_label_classification" in model.task_source
    assert labels(task=None).task == "segmentation"
    assert labels(task="sigmoid").predict(PIXELS).shape == (4, 3)  # their mean over the picture, as before


def test_one_label_is_a_mask_already() -> None:
    with pytest.raises(xl.InputError, match="task: 'sigmoid-segmentation' does not fit a network with one score"):
        xl.as_model(own_networks.one_mask(), input_size=(32, 32), mean=(0,) * 3, std=(1,) * 3, task="sigmoid-segmentation")


def test_pictures_without_any_label_are_left_out_of_many() -> None:
    network = own_networks.bright()
    with torch.no_grad():
        network.last.bias[0] -= 1e7
    model = xl.as_model(network, input_size=(32, 32), mean=(0,) * 3, std=(1,) * 3, task="sigmoid-segmentation")
    pixels = xl.load_cifar10().pixels[:8]
    with torch.no_grad():
        shown = (network(torch.from_numpy(pixels.transpose(0, 3, 1, 2) / np.float32(255))) > 0).flatten(1).any(1)
    assert 0 < int(shown.sum()) < 8
    assert xl.average_map(model, pixels, "first").images == int(shown.sum())
    with pytest.raises(xl.TargetError, match="a label is predicted in none of the pictures"):
        xl.average_map(model, np.zeros_like(pixels), "first")
