"""What it costs to say why two maps differ: on one image, and on many.

Run with: python -m benchmarks.causes [--quick] [--threads N] [--json FILE]

Nothing comes from a cache. PyTorch gets one thread if not told otherwise.
"""

import argparse
import json
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import explain_lib as xl
from benchmarks.compute import PREDICT, circumstances
from benchmarks.figures import Figure, Table
from benchmarks.peers import Contestant
from benchmarks.rounds import Summary, alternate, ratios, summary
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest
from explain_lib.pictures.dataset import STUDY_BATCH

MOST_ROUNDS = 400
SCANNED = 5 * SCAN_BATCH
MAPS_A_SECOND, CAUSES_A_SECOND = 5000, 3000
BOTH = "a manual map and a package map"
STUDY_LAYERS = xl.NOTEBOOK_PACKAGE.layers or ()


@dataclass(frozen=True)
class Bench:
    """The tutorial network and all test images."""

    model: xl.Model
    pixels: NDArray[np.uint8]

    def manual(self, count: int) -> object:
        """The notebook's manual maps of so many images."""
        batches = [self.pixels[start : start + STUDY_BATCH] for start in range(0, count, STUDY_BATCH)]
        return [xl.heatmap(self.model, batch, xl.NOTEBOOK_MANUAL) for batch in batches]

    def one_of_each(self) -> None:
        """The two maps of one image as two programs make them."""
        self.manual(STUDY_BATCH)
        xl.package_grad_cam(self.model, self.pixels[:STUDY_BATCH], STUDY_LAYERS)

    def decompose(self) -> object:
        """All causes of one image, the residual to the package itself included."""
        return xl.decompose(self.model, self.pixels[:STUDY_BATCH], 0)

    def scan(self, count: int = SCANNED, *, causes: bool = True, package: bool = False) -> None:
        """The study's two sides on so many images."""
        for start in range(0, count, SCAN_BATCH):
            images = np.arange(start, start + SCAN_BATCH)
            request = ScanRequest(self.model, self.pixels, images, STUDY_MANUAL, STUDY_PACKAGE, causes=causes, package=package)
            request.compute()

    def own_time(self) -> None:
        """What a scan with the package cannot do without, at the same batch: both sides by hand, and the package."""
        self.scan(causes=False)
        for start in range(0, SCANNED, SCAN_BATCH):
            xl.package_grad_cam(self.model, self.pixels[start : start + SCAN_BATCH], STUDY_LAYERS)

    def predict(self) -> object:
        """The bare prediction of as many images."""
        return self.model.predict(self.pixels[:SCANNED])


def one_image(bench: Bench, budget: float) -> Table:
    """The decomposition beside the two maps that it explains."""
    seconds = alternate({BOTH: bench.one_of_each, "decomposition": bench.decompose}, MOST_ROUNDS, 2, budget)
    took = {name: _milliseconds(turns) for name, turns in seconds.items()}
    return Table(
        "One image, the study's two sides, seven settings",
        (
            Figure(BOTH, took[BOTH]),
            Figure("decomposition", took["decomposition"], 1, ratios(seconds, "decomposition", BOTH), BOTH, 3.0),
        ),
    )


def many_images(bench: Bench, budget: float) -> Table:
    """Scans of the tutorial network, as ratios to the prediction, and against the goals in images a second."""
    contestants: dict[str, Contestant] = {
        PREDICT: bench.predict,
        "scan, maps and MAE": partial(bench.scan, causes=False),
        "scan, with causes": partial(bench.scan, causes=True),
    }
    seconds = alternate(contestants, MOST_ROUNDS, 1, budget)
    goals = {"scan, maps and MAE": MAPS_A_SECOND, "scan, with causes": CAUSES_A_SECOND}
    figures = [Figure(PREDICT, _milliseconds(seconds[PREDICT]), SCANNED)]
    for name, goal in goals.items():
        took = _milliseconds(seconds[name])
        figures.append(Figure(name, took, SCANNED, ratios(seconds, name, PREDICT), PREDICT))
        words = f"{name}: {1000 * SCANNED / took.median:,.0f} images a second, goal {goal:,}"
        figures.append(Figure(words, took, SCANNED, goal=1000 * SCANNED / goal))
    return Table(f"Scan of {SCANNED:,} images, tutorial network, without the package", tuple(figures))


def with_package(bench: Bench, budget: float) -> Table:
    """A scan that runs the package too, beside the time that the package and the maps need by themselves."""
    own, scanned = "package and maps", "scan, causes and package"
    contestants: dict[str, Contestant] = {own: bench.own_time, scanned: partial(bench.scan, causes=True, package=True)}
    seconds = alternate(contestants, MOST_ROUNDS, 1, budget)
    figures = (
        Figure(own, _milliseconds(seconds[own]), SCANNED),
        Figure(scanned, _milliseconds(seconds[scanned]), SCANNED, ratios(seconds, scanned, own), own, 1.3),
    )
    return Table(f"Scan of {SCANNED:,} images, with the package", figures)


def memory(bench: Bench) -> str:
    """How much the most memory that this process ever held grows from a scan of 2,000 images to one of all."""
    peaks = []
    for count in (2000, len(bench.pixels)):
        bench.scan(count)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return f"Most memory ever held: {peaks[0]:.0f} MiB after 2,000 images, {peaks[1]:.0f} MiB after {len(bench.pixels):,}"


def _milliseconds(turns: Sequence[float]) -> Summary:
    return summary([1000 * turn for turn in turns])


def measure(scale: float) -> Iterator[Table]:
    """All tables, each as soon as it is known."""
    bench = Bench(xl.load_model("captum-tutorial"), xl.load_cifar10().pixels)
    yield one_image(bench, 20 * scale)
    yield many_images(bench, 25 * scale)
    yield with_package(bench, 25 * scale)
    print(memory(bench), end="\n\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print each table as it comes, and save all of them if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--threads", type=int, default=1, help="threads for PyTorch; 1 if not given")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("; ".join(f"{name} {value}" for name, value in circumstances().items()), end="\n\n")
    tables = []
    for table in measure(0.2 if options.quick else 1.0):
        print(table, end="\n\n", flush=True)
        tables.append(table)
    if options.json:
        saved = {table.title: [figure.as_json() for figure in table.figures] for table in tables}
        options.json.write_text(json.dumps(circumstances() | {"tables": saved}, indent=2) + "\n")


if __name__ == "__main__":
    main()
