"""Networks, as people have them, in three programs: which give the right map, a wrong one, or an error.

Run with: python -m benchmarks.networks [NAME ...]

Weights are random; the right map does not depend on that. Each network is handed over as it is, with its default layer by name,
one picture, and the likeliest class; for segmentation the sum of its scores where it is predicted, for detection the score of
the best box. The right map is that of
plain autograd at that layer, whose output a hand-written line brings to (N, C, h, w). A program is right if no pixel of its
scaled map is farther than 0.001 from the right one.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import zoom
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl
from explain_lib.passes.running import first_part, run_hooked

TOLERANCE = 1e-3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Grid = Callable[[Tensor], Tensor]
RIGHT, HELPED, WRONG, REFUSED = "right", "right with a function", "wrong", "refused"


def scores_of(output: object) -> Tensor:
    """The scores in the output of a network: it itself, or the part that its documentation names."""
    if isinstance(output, dict):  # as those of transformers are, too
        return torch.as_tensor(output["out" if "out" in output else "logits"])
    return torch.as_tensor(output)


class UNet(nn.Module):
    """A small network of Ronneberger et al. 2015 (arXiv 1505.04597): one level down, one up, and what goes past."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.pool = nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(4)
        self.bottom, self.up = nn.Conv2d(16, 32, 3, padding=1), nn.ConvTranspose2d(32, 16, 4, 4)
        self.last, self.head = nn.Conv2d(32, 16, 3, padding=1), nn.Conv2d(16, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        past = functional.relu(self.down(x))
        risen = functional.relu(self.up(functional.relu(self.bottom(self.pool(past)))))
        made: Tensor = self.head(functional.relu(self.last(torch.cat([past, risen], 1))))
        return made


@dataclass(frozen=True)
class Case:
    """A network: how it is made, the side of its pictures, and how a layer's output becomes (N, C, h, w).

    scores: of its output, (N, classes), or (N, classes, H, W). slices: of a volume, 0 for pictures. detects: whether it gives
    boxes, as torchvision does, and normalises pictures itself.
    """

    make: Callable[[], nn.Module]
    side: int = 224
    grid: Grid | None = None
    scores: Callable[[object], Tensor] = scores_of
    slices: int = 0
    detects: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """The input size."""
        return (self.slices, self.side, self.side) if self.slices else (self.side, self.side)


def torchvision(name: str, **options: object) -> nn.Module:
    """One of torchvision's, untrained."""
    from torchvision.models import get_model

    network: nn.Module = get_model(name, weights=None, **options)
    return network


def detector(name: str, **options: object) -> nn.Module:
    """One of torchvision's that detect, untrained, with scores that differ from box to box."""
    network = torchvision(name, weights_backbone=None, **options)
    settle(network)
    return network


def settle(network: nn.Module) -> None:
    """Let normalisations take mean and variance from pictures of noise: else deep activations of random weights vanish."""
    torch.manual_seed(1)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    network.eval()
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    with torch.no_grad():
        network(torch.rand(2, 3, 320, 320))


def timms(name: str, **options: object) -> nn.Module:
    """One of timm's, untrained."""
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, **options)
    return network


def transformer(kind: str) -> nn.Module:
    """An image classifier of transformers, at its usual size but for fewer layers."""
    import transformers

    sizes = {"num_labels": 10} | ({"depths": [1, 1, 2, 1]} if kind == "Swin" else {"num_hidden_layers": 3})
    config = getattr(transformers, f"{kind}Config")(image_size=224, **sizes)
    network: nn.Module = getattr(transformers, f"{kind}ForImageClassification")(config)
    return network


def tokens(before: int) -> Grid:
    """(N, T, C) with tokens before those of a square grid, as (N, C, h, w)."""

    def grid(output: Tensor) -> Tensor:
        side = round((output.shape[1] - before) ** 0.5)
        return output[:, before:].transpose(1, 2).reshape(len(output), -1, side, side)

    return grid


def last(output: Tensor) -> Tensor:
    """(N, h, w, C) as (N, C, h, w)."""
    return output.permute(0, 3, 1, 2)


CASES: Mapping[str, Case] = MappingProxyType(
    {
        **{
            name: Case(partial(torchvision, name))
            for name in (
                "alexnet", "vgg16", "resnet50", "densenet121", "squeezenet1_1", "mobilenet_v3_large", "efficientnet_b0",
                "regnet_y_400mf", "convnext_tiny",
            )
        },
        "googlenet": Case(partial(torchvision, "googlenet", aux_logits=False, init_weights=False)),
        "inception_v3": Case(partial(torchvision, "inception_v3", aux_logits=False, init_weights=False), 299),
        "vit_b_16": Case(partial(torchvision, "vit_b_16"), grid=tokens(1)),
        "swin_t": Case(partial(torchvision, "swin_t"), grid=last),
        "swin_v2_t": Case(partial(torchvision, "swin_v2_t"), grid=last),
        "maxvit_t": Case(partial(torchvision, "maxvit_t")),
        "timm: convnextv2_atto": Case(partial(timms, "convnextv2_atto")),
        "timm: swin_tiny": Case(partial(timms, "swin_tiny_patch4_window7_224"), grid=last),
        "timm: vit_tiny": Case(partial(timms, "vit_tiny_patch16_224"), grid=tokens(1)),
        "timm: deit3_small": Case(partial(timms, "deit3_small_patch16_224"), grid=tokens(1)),
        "timm: dinov2 with registers": Case(
            partial(timms, "vit_small_patch14_reg4_dinov2", num_classes=10, img_size=224), grid=tokens(5)
        ),
        "timm: mobilevit_s": Case(partial(timms, "mobilevit_s"), 256),
        "transformers: ViT": Case(partial(transformer, "ViT"), grid=tokens(1)),
        "transformers: Swin": Case(partial(transformer, "Swin"), grid=tokens(0)),
        "transformers: DINOv2 with registers": Case(partial(transformer, "Dinov2WithRegisters"), grid=tokens(5)),
        "deeplabv3_mobilenet_v3_large": Case(partial(torchvision, "deeplabv3_mobilenet_v3_large", weights_backbone=None)),
        "lraspp_mobilenet_v3_large": Case(partial(torchvision, "lraspp_mobilenet_v3_large", weights_backbone=None)),
        "U-Net": Case(UNet),
        "fasterrcnn_mobilenet_v3_large_320_fpn": Case(
            partial(detector, "fasterrcnn_mobilenet_v3_large_320_fpn", box_score_thresh=0.0), 320, detects=True
        ),
        "ssdlite320_mobilenet_v3_large": Case(
            partial(detector, "ssdlite320_mobilenet_v3_large", score_thresh=0.0), 320, detects=True
        ),
        "r3d_18": Case(partial(torchvision, "r3d_18"), 64, slices=8),
    }
)  # fmt: skip
"""The networks by name."""


@dataclass(frozen=True)
class Question:
    """What each program is asked: the network, its input float32 (1, 3, H, W), the layer's module, the class, and the answer.

    Of a volume the input is (1, 3, slices, H, W). right: the ReLU map at the layer's grid, (h, w), or (t, h, w). grid: how the
    layer's output becomes (N, C, h, w), None for as it is.
    """

    case: Case
    network: nn.Module
    model: xl.Model
    pixels: NDArray[np.uint8]
    layer: str
    label: int
    right: NDArray[np.float32]

    @property
    def batch(self) -> Tensor:
        return as_taken(self.model, self.pixels)

    @property
    def module(self) -> nn.Module:
        return self.network.get_submodule(self.layer)


def as_taken(model: xl.Model, pixels: NDArray[np.uint8]) -> Tensor:
    """Pixels as the network itself takes them."""
    batch = model.to_input(pixels)
    return batch if model.sheet is None else model.sheet.opened(batch)


def asked(case: Case) -> Question:
    """The question about a network. Raises ExplainError if it cannot be loaded."""
    torch.manual_seed(0)
    network = case.make().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear) and not module.weight.any():
                module.weight.normal_(std=0.02)  # a head that is zero before a training says nothing of any layer
    mean, std = ((0.0,) * 3, (1.0,) * 3) if case.detects else (MEAN, STD)
    model = xl.as_model(network, input_size=case.size, mean=mean, std=std)
    pixels = np.random.default_rng(0).integers(0, 256, (1, *model.input_size, 3), np.uint8)
    label, layer = int(model.predict(pixels).argmax()), model.default_layer
    return Question(
        case, network, model, pixels, layer, label, _by_autograd(case, network, as_taken(model, pixels), layer, label)
    )


def _by_autograd(case: Case, network: nn.Module, batch: Tensor, layer: str, label: int) -> NDArray[np.float32]:
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: object) -> Tensor:
        kept.append(torch.as_tensor(first_part(output)))
        return kept[-1].clone()  # before a later module writes to it

    output = run_hooked(network, batch.requires_grad_(), {layer: keep})
    score = score_of_best_box(output, label) if case.detects else number_of(case.scores(output), label)
    (gradient,) = torch.autograd.grad(score, kept)
    turned = case.grid or (lambda output: output)
    activation, gradient = turned(kept[0].detach()), turned(gradient)
    cells = tuple(range(2, gradient.dim()))
    return np.asarray((gradient.mean(cells, keepdim=True) * activation).sum(1).relu()[0].numpy())


def number_of(scores: Tensor, label: int) -> Tensor:
    """The number that is explained of one picture: the class's score, or their sum where the class is predicted."""
    if scores.dim() == 2:
        return scores[0, label]
    return scores[0, label][scores[0].argmax(0) == label].sum()


def score_of_best_box(output: object, label: int) -> Tensor:
    """The score of a class's first box among those that torchvision returns of one picture."""
    assert isinstance(output, list)
    boxes = output[0]
    best: Tensor = boxes["scores"][boxes["labels"] == label][0]
    return best


def ours(question: Question) -> str:
    """This library, without any option."""
    target = xl.Target(question.label, score="probability") if question.case.detects else question.label
    found = xl.grad_cam(question.model, question.pixels, question.layer, target)[question.layer].map[0]
    sheet = question.model.sheet
    own = found if sheet is None else sheet.by_slice(found, len(question.right))
    return _told(_scaled(own), _scaled(question.right))


def grad_cams(question: Question) -> str:
    """The package grad-cam, first without and then with its reshape_transform, or a target for boxes."""
    first = _attempt(lambda: _told(_by_package(question, None), _enlarged(question)))
    if first == RIGHT or (question.case.grid is None and not question.case.detects):
        return first
    second = _attempt(lambda: _told(_by_package(question, question.case.grid, helped=True), _enlarged(question)))
    return HELPED if second == RIGHT else second if first == REFUSED else first


def _by_package(question: Question, reshape: Grid | None, *, helped: bool = False) -> NDArray[np.float32]:
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, SemanticSegmentationTarget

    if question.case.detects:
        target = (
            (lambda boxes: score_of_best_box([boxes], question.label)) if helped else ClassifierOutputTarget(question.label)
        )
        return _of_package(question, reshape, target)
    target = ClassifierOutputTarget(question.label)
    with torch.no_grad():
        scores = question.case.scores(question.network(question.batch))
    if scores.dim() == 4:
        target = SemanticSegmentationTarget(question.label, (scores[0].argmax(0) == question.label).numpy())
    return _of_package(question, reshape, target)


def _best_of(label: int, boxes: object) -> Tensor:
    return score_of_best_box([boxes], label)


def _of_package(question: Question, reshape: Grid | None, target: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
    from pytorch_grad_cam import GradCAM

    with GradCAM(model=question.network, target_layers=[question.module], reshape_transform=reshape) as cam:
        found = cam(input_tensor=question.batch, targets=[target])[0]
    return np.asarray(found)


def torch_cams(question: Question) -> str:
    """torch-cam, which takes the layer by name."""
    from torchcam.methods import GradCAM

    with GradCAM(question.network, question.layer) as extractor:
        scores = question.network(question.batch.requires_grad_())
        if isinstance(scores, Tensor) and scores.dim() == 4:
            number = number_of(scores, question.label)
            (found,) = extractor(scores=scores, targets=[lambda _: number])
        else:
            (found,) = extractor(question.label, scores)
    return _told(_scaled(found[0].detach().numpy()), _scaled(question.right))


PROGRAMS: Mapping[str, Callable[[Question], str]] = MappingProxyType(
    {"this library": ours, "grad-cam": grad_cams, "torch-cam": torch_cams}
)


def _attempt(answer: Callable[[], str]) -> str:
    try:
        return answer()
    except Exception:  # another program may raise anything
        return REFUSED


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values))


def _enlarged(question: Question) -> NDArray[np.float32]:
    """The right map at the size of the input, enlarged as grad-cam does it."""
    side, right = question.case.side, _scaled(question.right)
    if question.case.slices:
        return _scaled(np.asarray(zoom(right, [to / of for to, of in zip(question.case.size, right.shape, strict=True)])))
    return _scaled(np.asarray(cv2.resize(right, (side, side))))


def _told(found: NDArray[np.float32], right: NDArray[np.float32]) -> str:
    if found.shape != right.shape or not np.isfinite(found).all():
        return WRONG
    return RIGHT if np.abs(_scaled(found) - right).max() <= TOLERANCE else WRONG


def answers(name: str) -> tuple[str, tuple[str, ...]]:
    """The default layer of a network, and what each program makes of it there."""
    question = asked(CASES[name])
    return question.layer, tuple(_attempt(partial(ask, question)) for ask in PROGRAMS.values())


def main() -> None:
    """Print the table as Markdown, a row for each set of answers; each network's line goes to the standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(CASES)}; all if none is named")
    names: list[str] = parser.parse_args().names or list(CASES)
    warnings.simplefilter("ignore")
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        layer, said = answers(name)
        groups.setdefault(said, []).append(name)
        print(f"{name}, {layer}: {', '.join(said)}", file=sys.stderr, flush=True)
    print(f"| network | {' | '.join(PROGRAMS)} |\n|{'---|' * (1 + len(PROGRAMS))}")
    for said, members in groups.items():
        print(f"| {', '.join(members)} | {' | '.join(said)} |")


if __name__ == "__main__":
    main()
