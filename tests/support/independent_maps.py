"""Maps, predictions and drawings by other programs: Captum, the package grad-cam, NumPy, OpenCV, PyTorch, matplotlib."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from plain_torch import network_input
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

import explain_lib as xl

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
STUDY_LAYERS = ("conv1", "relu1", "pool1", "conv2", "relu2")

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]
Score = Callable[[Tensor], Tensor]


# Section: networks and what they say


@cache
def _network(name: str) -> nn.Module:
    """A copy of the bundled network, since both programs leave traces on what they run."""
    return copy.deepcopy(xl.load_model(name).network)


@cache
def pixels() -> Picture:
    return xl.load_cifar10().pixels


@cache
def labels() -> NDArray[np.int64]:
    return xl.load_cifar10().labels


def batch(name: str, images: slice) -> Tensor:
    """Test images as the network takes them."""
    return network_input(xl.load_model(name), pixels()[images])


@cache
def probabilities(name: str) -> NDArray[np.float64]:
    """The softmax of the bundled logits, (10000, 10)."""
    logits = np.load(CHECKPOINTS / f"{name}.logits.npy").astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def predicted(image: int, name: str = "captum-tutorial") -> int:
    return int(probabilities(name)[image].argmax())


# Section: maps


def logit(index: int) -> Score:
    return lambda logits: logits[:, index]


def captum_signed(image: int, layer: str, score: Score, name: str = "captum-tutorial") -> Map:
    """Captum's Grad-CAM of a number made of the logits, before any ReLU, on the layer's own grid."""
    network = _network(name)
    explain = LayerGradCam(lambda x: score(network(x)), network.get_submodule(layer))
    signed = explain.attribute(batch(name, slice(image, image + 1)))
    return signed[0, 0].detach().numpy()


def captum_map(image: int, layer: str, score: Score | None = None, name: str = "captum-tutorial") -> Map:
    """Captum's Grad-CAM, of the predicted class unless a score is given."""
    return captum_signed(image, layer, score or logit(predicted(image, name)), name).clip(min=0)


def enlarged(cells: Map) -> Map:
    """A map divided by its maximum and enlarged by OpenCV."""
    return cv2.resize(cells / cells.max(), (32, 32))


def package_map(
    image: int, layers: Sequence[str], target: int, name: str = "captum-tutorial", method: type[BaseCAM] = GradCAM
) -> Map:
    """The map of the package itself."""
    network = _network(name)
    with method(network, [network.get_submodule(layer) for layer in layers]) as cam:
        maps: Map = cam(batch(name, slice(image, image + 1)), [ClassifierOutputTarget(target)])
    return maps[0]


def study_manual_map(image: int, name: str = "captum-tutorial") -> Map:
    """The study's own steps: relu2, mean over channels, this image's weights on its batch of four, by the batch's maximum."""
    network, start = _network(name), image - image % 4
    kept: list[Tensor] = []
    hook = network.get_submodule("relu2").register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    logits = network(batch(name, slice(start, start + 4)))
    hook.remove()
    (activation,) = kept
    place = image - start
    gradient = torch.autograd.grad(logits[place, logits[place].argmax()], activation)[0][place]
    maps = (activation * gradient.mean((1, 2))[None, :, None, None]).mean(1).relu().detach().numpy()
    return cv2.resize(maps[place] / maps.max(), (32, 32))


@dataclass(frozen=True)
class ByHand:
    """What a hook of the test's own and plain autograd find: (C, h, w), (C, h, w), and the number explained."""

    activation: NDArray[np.float32]
    gradient: NDArray[np.float32]
    score: float

    @property
    def weights(self) -> NDArray[np.float64]:
        return np.array([one.astype(np.float64).sum() / one.size for one in self.gradient])

    @property
    def contributions(self) -> NDArray[np.float64]:
        return self.weights[:, None, None] * self.activation

    @property
    def shares(self) -> NDArray[np.float64]:
        signed = self.contributions.sum(0)
        return np.array([one[signed > 0].sum() for one in self.contributions]) / signed[signed > 0].sum()


def by_hand(image: int, layer: str, score: Score, name: str = "captum-tutorial") -> ByHand:
    """A layer's activation and gradient for a number made of the logits."""
    network = _network(name)
    kept: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    y = score(network(batch(name, slice(image, image + 1))))[0]
    hook.remove()
    (gradient,) = torch.autograd.grad(y, kept[0])
    return ByHand(kept[0].detach()[0].numpy(), gradient[0].numpy(), float(y.detach()))


def plus_plus_sentence(images: Sequence[int], layer: str, target: int | None, after: str, where: str) -> str:
    """The warning of Grad-CAM++ at a layer, from loops over what plain autograd finds; target: None for predicted classes."""
    divisors: list[float] = []
    weights: list[float] = []
    for image in images:
        found = by_hand(image, layer, logit(predicted(image) if target is None else target))
        for activation, gradient in zip(found.activation, found.gradient, strict=True):
            total, above = activation.sum(dtype=np.float64), gradient[gradient > 0].astype(np.float64)
            own = 2 * above**2 + total * above**3 + 1e-6
            divisors += own.tolist()
            weights.append(float((above**3 / own).sum()))
    shares = [100 * float(np.mean(values)) for values in (np.array(divisors) <= 0, np.array(weights) < 0)]
    assert all(10 < share < 99 for share in shares)  # so that two digits are a whole number
    return (
        f"Grad-CAM++ is derived for activations that are not below zero, and {layer} has others: on {where}, "
        f"{shares[0]:.0f} % of its divisors are zero or below, and {shares[1]:.0f} % of its channel weights are below zero; "
        f"{after}, the layer after the ReLU, would be right."
    )


# Section: drawings


def squares(image: Picture, side: int) -> Picture:
    """A picture enlarged by repeating pixels."""
    assert side % len(image) == 0
    return image.repeat(side // len(image), 0).repeat(side // len(image), 1)


def drawn(
    image: Picture, cells: Map, side: int, palette: str = "magma", strength: float = 0.5, reach: float | None = None
) -> Picture:
    """A map from 0 up over its picture, each in its own cells, with matplotlib's palette."""
    return _mixed(image, _in_cells(cells / (reach or cells.max()), side), side, palette, strength)


def in_red_and_blue(values: NDArray[np.floating], reach: float) -> Picture:
    """Signed values from blue at minus the reach over white at zero to red."""
    stops = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]]  # ColorBrewer, RdBu
    colours = [np.interp(values / reach, np.linspace(-1, 1, 5), channel) for channel in zip(*stops, strict=True)]
    return np.rint(np.stack(colours, -1)).astype(np.uint8)


def drawn_signed(image: Picture, cells: Map, side: int) -> Picture:
    """A signed map over its picture, each in its own cells."""
    colours = in_red_and_blue(_in_cells(cells, side), np.abs(cells).max())
    return np.rint(0.5 * squares(image, side) + 0.5 * colours).astype(np.uint8)


def _mixed(image: Picture, shares: Map, side: int, palette: str, strength: float) -> Picture:
    steps = np.rint(shares.clip(0, 1) * 255).astype(int)
    colours = matplotlib.colormaps[palette](steps)[..., :3] * 255
    return np.rint((1 - strength) * squares(image, side) + strength * colours).astype(np.uint8)


def _in_cells(cells: Map, side: int) -> Map:
    """Each pixel has the number of the cell in which its centre lies."""
    rows, columns = (np.floor((np.arange(side) + 0.5) / (side / count)).astype(int) for count in cells.shape)
    return np.asarray(cells[rows[:, None], columns])


def assert_same_colours(shown: Picture, expected: Picture, steps: int = 4) -> None:
    """Both pictures agree to within a few of 255 steps: palettes of two programs are rounded differently."""
    assert shown.shape == expected.shape
    gap = np.abs(shown.astype(int) - expected.astype(int))
    assert gap.max() <= steps, f"{(gap > steps).mean():.1%} of the numbers are {gap.max()} steps apart and less"
