"""What Grad-CAM costs beside the bare prediction of the same pictures, and beside other implementations.

Run with: python -m benchmarks.compute [--quick] [--threads N] [--json FILE]

Nothing comes from a cache, but for the table on the cache. Ratios are medians of the ratios within each round. PyTorch gets
one thread if not told otherwise: several wait for each other, and on a busy machine that is what would be measured.
"""

import argparse
import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import explain_lib
from benchmarks.cover import answer_to_a_cover
from benchmarks.figures import Figure, Table
from benchmarks.ladder import card_of_one_picture, ladder_of_one_picture, row_of_single_deletion
from benchmarks.peers import (
    MODULES,
    PACKAGE,
    TORCH_CAM,
    Contestant,
    is_installed,
    package,
    package_one_by_one,
    torch_cam,
    why_missing,
)
from benchmarks.rounds import alternate, ratios, summary
from benchmarks.truth import mosaics_of_a_network, secret_of_a_network

OURS, PREDICT = "ours", "predict"
MOST_ROUNDS = 1000
LAYERS, BATCHES, SIDES = (1, 2, 5, 10, 20), (1, 4, 16, 64, 256, 1024), (64, 128, 224, 320, 448)
SAME_WORK = "All begin with the same uint8 pixels; turning them into the network's input is part of each time."


@dataclass(frozen=True)
class Subject:
    """A model with pictures for it."""

    model: explain_lib.Model
    pixels: NDArray[np.uint8]

    def predict(self) -> object:
        return self.model.predict(self.pixels)

    def ours(self, layers: Sequence[str]) -> Contestant:
        """Our Grad-CAM at these layers."""
        return lambda: explain_lib.grad_cam(self.model, self.pixels, layers)


def of_torchvision(name: str, side: int) -> Subject:
    """A network of torchvision with random weights, and one random picture."""
    import torchvision

    torch.manual_seed(0)
    model = explain_lib.as_model(
        torchvision.models.get_model(name, weights=None).eval(),
        classes=[f"class {index}" for index in range(1000)],
        input_size=(side, side),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )
    return Subject(model, np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8))


def resnet18(side: int) -> Subject:
    """ResNet-18, and one random picture."""
    return of_torchvision("resnet18", side)


def tutorial(batch: int) -> Subject:
    """The tutorial network and the first test images."""
    return Subject(explain_lib.load_model("captum-tutorial"), explain_lib.load_cifar10().pixels[:batch])


def compared(
    subject: Subject,
    contestants: Mapping[str, Contestant],
    budget: float,
    goals: Mapping[str, float] | None = None,
    warm_up: int = 1,
) -> Iterator[Figure]:
    """Everyone's time beside that of the prediction, after `budget` seconds of rounds, and ours beside torch-cam's.

    goals: the ratio to the prediction that a contestant shall not exceed; for torch-cam, that of ours to torch-cam.
    """
    seconds = alternate({PREDICT: subject.predict, **contestants}, MOST_ROUNDS, warm_up, budget)
    images = len(subject.pixels)
    took = {name: summary([1000 * turn for turn in turns]) for name, turns in seconds.items()}
    yield Figure(PREDICT, took[PREDICT], images)
    for name in contestants:
        yield Figure(
            name,
            took[name],
            images,
            ratios(seconds, name, PREDICT),
            PREDICT,
            (goals or {}).get(name) if name != TORCH_CAM else None,
        )
    if TORCH_CAM in contestants and OURS in contestants:
        yield Figure(OURS, took[OURS], images, ratios(seconds, OURS, TORCH_CAM), TORCH_CAM, (goals or {}).get(TORCH_CAM))


def installed(makers: Mapping[str, Callable[..., Contestant]], *arguments: object) -> dict[str, Contestant]:
    """The peers that are there, made for these arguments."""
    return {name: make(*arguments) for name, make in makers.items() if is_installed(name.partition(", ")[0])}


def last_layer(title: str, subject: Subject, goals: Mapping[str, float], budget: float) -> Table:
    """Grad-CAM at the last conv layer: ours, the package grad-cam, torch-cam."""
    layers = subject.model.conv_layers[-1:]
    peers = installed({PACKAGE: package, TORCH_CAM: torch_cam}, subject.model, subject.pixels, layers)
    return Table(title, tuple(compared(subject, {OURS: subject.ours(layers), **peers}, budget, goals)))


def last_block(title: str, name: str, layer: str, budget: float) -> Table:
    """Grad-CAM at tokens, or at channels that come last, in the last block: as dear as at a convolution's."""
    subject = of_torchvision(name, 224)
    reading = {"seeing where axes and cells lie, once": partial(as_given, subject.model)}
    contestants: dict[str, Contestant] = {OURS: subject.ours([layer]), **reading}
    return Table(title, tuple(compared(subject, contestants, budget, {OURS: 1.1})))


def as_given(model: explain_lib.Model) -> explain_lib.Model:
    """The model, made anew of its network."""
    return explain_lib.as_model(
        model.network, classes=model.classes, input_size=model.input_size, mean=model.mean, std=model.std
    )


def every_layer(budget: float) -> Table:
    """Grad-CAM at all conv layers of ResNet-18: ours in one pass, the package grad-cam merged and one by one."""
    subject = resnet18(224)
    layers = subject.model.conv_layers
    quick = {f"{PACKAGE}, merged into one map": package, f"{TORCH_CAM}, in one pass": torch_cam}
    slow = {f"{PACKAGE}, one by one": package_one_by_one}
    peers, long = (installed(makers, subject.model, subject.pixels, layers) for makers in (quick, slow))
    figures = list(compared(subject, {OURS: subject.ours(layers), **peers}, budget, {OURS: 2.1}))
    if long:
        figures += [figure for figure in compared(subject, long, budget, warm_up=0) if figure.name != PREDICT]
    return Table(f"ResNet-18, 224 px, batch 1, all {len(layers)} conv layers", tuple(figures))


def placement(title: str, subject: Subject, budget: float) -> Table:
    """Where cells look, asked anew of a model (once as long as it lives), and heat maps with and without it."""
    model, pixels = subject.model, subject.pixels
    placed = explain_lib.CamSettings(placement="receptive-field")
    contestants: dict[str, Contestant] = {
        "where all cells look, anew": lambda: explain_lib.cell_centres(replace(model), model.conv_layers[-1]),
        "a heat map, stretched": lambda: explain_lib.heatmap(model, pixels, explain_lib.CamSettings()),
        "a heat map, each cell where it looks": lambda: explain_lib.heatmap(model, pixels, placed),
    }
    return Table(title, tuple(compared(subject, contestants, budget)))


def cache_hits(budget: float) -> Table:
    """What a request costs whose answer is there."""
    cache = explain_lib.ExplainCache()
    subjects = {
        "ResNet-18, 224 px, batch 1": resnet18(224),
        "tutorial network, batch 1": tutorial(1),
        "tutorial network, batch 256": tutorial(256),
    }
    calls = {
        name: partial(explain_lib.grad_cam, subject.model, subject.pixels, subject.model.conv_layers)
        for name, subject in subjects.items()
    }
    with cache.running():
        seconds = alternate(calls, MOST_ROUNDS, budget=budget)
    figures = (
        Figure(name, summary([1000 * turn for turn in seconds[name]]), len(subject.pixels), goal=1.0)
        for name, subject in subjects.items()
    )
    return Table("A hit in the cache, all conv layers", tuple(figures))


def growth_with_layers(budget: float) -> Table:
    """ResNet-18 with ever more of its conv layers, from the last one down."""
    subject = resnet18(224)
    contestants = {f"layers: {count}": subject.ours(subject.model.conv_layers[-count:]) for count in LAYERS}
    return Table(
        "Growth with the layers: ResNet-18, 224 px, the last conv layers", tuple(compared(subject, contestants, budget))
    )


def growth(title: str, subjects: Mapping[str, Subject], budget: float) -> Table:
    """Ours at the last conv layer for each subject, beside its own prediction."""
    figures = [
        figure
        for name, subject in subjects.items()
        for figure in compared(subject, {name: subject.ours(subject.model.conv_layers[-1:])}, budget)
        if figure.name == name
    ]
    return Table(title, tuple(figures))


def measure(scale: float) -> Iterator[Table]:
    """All tables, each as soon as it is known."""
    yield last_layer("ResNet-18, 224 px, batch 1, last conv layer", resnet18(224), {OURS: 1.05}, 30 * scale)
    yield every_layer(15 * scale)
    yield last_layer("Tutorial network, batch 256, last conv layer", tutorial(256), {OURS: 1.15, TORCH_CAM: 1.05}, 30 * scale)
    yield last_layer("Tutorial network, batch 1, last conv layer", tutorial(1), {}, 10 * scale)
    yield placement("Where cells look: ResNet-18, 224 px, batch 1", resnet18(224), 10 * scale)
    yield placement("Where cells look: tutorial network, batch 1", tutorial(1), 5 * scale)
    yield last_block("ViT-B/16, last block, tokens", "vit_b_16", "encoder.layers.encoder_layer_11.ln_1", 40 * scale)
    yield last_block("Swin-T, last stage, channels last", "swin_t", "features.7", 20 * scale)
    yield cache_hits(5 * scale)
    yield growth_with_layers(15 * scale)
    batches = {f"pictures: {batch}": tutorial(batch) for batch in BATCHES}
    yield growth("Growth with the batch: tutorial network, last conv layer", batches, 5 * scale)
    sides = {f"{side} px": resnet18(side) for side in SIDES}
    yield growth("Growth with the picture: ResNet-18, batch 1, last conv layer", sides, 6 * scale)
    for name in ("captum-tutorial", "resnet20"):
        yield ladder_of_one_picture(name, 20 * scale)
        yield row_of_single_deletion(name, 5 * scale)
        yield card_of_one_picture(name, 5 * scale)
        yield answer_to_a_cover(name, 10 * scale)
    yield mosaics_of_a_network("resnet20", 10 * scale)
    yield secret_of_a_network("watermark", 5 * scale)


def circumstances() -> dict[str, object]:
    """What the figures depend on besides the code."""
    return {"torch": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print each table as it comes, and save all of them if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compute", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for less than a minute")
    parser.add_argument("--threads", type=int, default=1, help="threads for PyTorch; 1 if not given")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("; ".join(f"{name} {value}" for name, value in circumstances().items()))
    print(SAME_WORK)
    for name in MODULES:
        if not is_installed(name):
            print(why_missing(name))
    print()
    tables = []
    for table in measure(0.12 if options.quick else 1.0):
        print(table, end="\n\n", flush=True)
        tables.append(table)
    if options.json:
        saved = {table.title: [figure.as_json() for figure in table.figures] for table in tables}
        options.json.write_text(json.dumps(circumstances() | {"tables": saved}, indent=2) + "\n")


if __name__ == "__main__":
    main()
