"""How often intervals hold what they are about: simulated samples whose true mean or share is known; then the best of many.

Run with: python -m benchmarks.coverage [--samples N]
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.best_of_many import print_rates
from explain_lib.base.statistics import Estimate, bootstrap_means, crossed_means, crossed_shares, image_shares

IMAGES = (30, 100, 500, 1000)
PER_SAMPLE_OF_MANY = 16
"""All pairs of 26 candidates cost more than one mean does."""
SHARES = (0.5, 0.2, 0.04, 0.01)
TABLES = ((30, 2), (30, 10), (500, 10), (500, 30))
"""Images and draws that all of them are seen with."""
PARTS = {"the draw alone": (1, 0, 0), "draw, image and both": (0.2, 1, 1), "image and both": (0, 1, 1), "both alone": (0, 0, 1)}
"""What a value of a table owes to its draw, to its image, and to both together, in standard deviations."""
AT_ONCE = 50
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


def crossed_rows(samples: int) -> Iterator[tuple[str, int, int, float]]:
    """The same over images and draws: the kind of value, the images, the draws, and the share."""
    chance = np.random.default_rng(1)
    for images, draws in TABLES:
        for kind, sizes in PARTS.items():
            yield kind, images, draws, _covered_of_tables(chance, images, draws, sizes, samples)
        yield "share of 0.2 that differs by draw", images, draws, _covered_shares(chance, images, draws, samples)


def _table(chance: np.random.Generator, images: int, draws: int, sizes: tuple[float, float, float]) -> NDArray[np.float64]:
    """Values whose true mean is 0, skewed as an exponential distribution is: (images, draws, AT_ONCE)."""
    shapes = (1, draws, AT_ONCE), (images, 1, AT_ONCE), (images, draws, AT_ONCE)
    parts = (size * (chance.exponential(1, shape) - 1) for size, shape in zip(sizes, shapes, strict=True))
    return np.zeros(shapes[2]) + sum(parts)


def _covered_of_tables(
    chance: np.random.Generator, images: int, draws: int, sizes: tuple[float, float, float], samples: int
) -> float:
    tables = (_table(chance, images, draws, sizes) for _ in range(max(1, samples // AT_ONCE)))
    return float(np.mean([_covered(crossed_means(one, (-99, 99)), 0) for one in tables]))


def _covered_shares(chance: np.random.Generator, images: int, draws: int, samples: int) -> float:
    covered = []
    for _ in range(max(1, samples // AT_ONCE)):
        shares = chance.beta(2, 8, (1, draws, AT_ONCE))
        covered.append(_covered(crossed_shares(chance.random((images, draws, AT_ONCE)) < shares), 0.2))
    return float(np.mean(covered))


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
    print(f"\n{'over images and draws':<34}{'images':>8}{'draws':>8}{'covered':>10}   {samples // 4:,} skewed samples each")
    for kind, images, draws, covered in crossed_rows(samples // 4):
        print(f"{kind:<34}{images:>8,}{draws:>8}{covered:>10.1%}")
    print_rates(samples // PER_SAMPLE_OF_MANY)


if __name__ == "__main__":
    main()
