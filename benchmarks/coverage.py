"""How often intervals hold what they are about: simulated samples whose true mean or share is known; then the best of many.

Run with: python -m benchmarks.coverage [--samples N]
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.best_of_many import print_rates
from explain_lib.base.statistics import Estimate, bootstrap_means, image_shares

IMAGES = (30, 100, 500, 1000)
PER_SAMPLE_OF_MANY = 16
"""All pairs of 26 candidates cost more than one mean does."""
SHARES = (0.5, 0.2, 0.04, 0.01)
Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
MEANS: dict[str, tuple[Draw, float]] = {
    "mean, normal": (lambda chance, size: chance.normal(1, 2, size), 1.0),
    "mean, skewed (exponential)": (lambda chance, size: chance.exponential(1, size), 1.0),
    "mean, in [0, 1] with many at 0": (lambda chance, size: np.maximum(chance.uniform(-1, 1, size), 0), 0.25),
    "paired difference, normal": (lambda chance, size: chance.normal(0, 5, size) * 0.1 + chance.normal(0.2, 1, size), 0.2),
}


def rows(samples: int) -> Iterator[tuple[str, int, float]]:
    """The kind of interval, the number of images, and the share of the samples whose interval holds the truth."""
    chance = np.random.default_rng(0)
    for images in IMAGES:
        for kind, (draw, truth) in MEANS.items():
            yield kind, images, _covered(bootstrap_means(draw(chance, (images, samples))), truth)
        for share in SHARES:
            yield f"share of {share:g}", images, _covered(image_shares(chance.random((images, samples)) < share), share)


def _covered(found: tuple[Estimate, ...], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=4000)
    samples = parser.parse_args().samples
    print(f"{'interval':<34}{'images':>8}{'covered':>10}   {samples:,} samples each; 95 % is what the intervals say")
    for kind, images, covered in rows(samples):
        print(f"{kind:<34}{images:>8,}{covered:>10.1%}")
    print_rates(samples // PER_SAMPLE_OF_MANY)


if __name__ == "__main__":
    main()
