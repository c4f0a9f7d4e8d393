"""How often chance makes one of many equal candidates the best by more than chance, and how large a true lead is found.

Each by ordinary intervals, as if the best had been named beforehand, and by those of the layer ladder, which allow for the
choice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.statistics import Estimate, bootstrap_means, comparisons_with_best, simultaneous_means
from explain_lib.base.words import direction
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.trust.ladder import CENTRE
from explain_lib.trust.ladder_summary import measured
from explain_lib.work.ladder_files import read_ladder

IMAGES = (30, 100, 500)
CANDIDATES = (2, 5, 9, 26)
FOUND = 0.8
AT_ONCE = 50
Sample = NDArray[np.float64]
"""How much better than a baseline each candidate is in each image, (images, candidates); in truth no better, of spread 1."""
Draw = Callable[[np.random.Generator, int, int], Sample]


@dataclass(frozen=True)
class Rates:
    """Shares of samples, and leads in standard deviations of one candidate over images.

    beats: the best is said to beat the baseline. covered: the interval of the best over the baseline holds the truth. ahead:
    the best is said to be ahead of the next. lead: of a candidate that is the best by far, the interval of the lead over the
    next holds the truth. to_beat, to_lead: how much better than the rest one must be to beat the baseline, and to be ahead of
    the next, in 80 % of samples.
    """

    beats: float
    covered: float
    ahead: float
    lead: float
    to_beat: float
    to_lead: float


@dataclass(frozen=True)
class Claims:
    """The intervals that a sample's sentences rest on.

    best: of the one with the highest mean over the baseline. lead: of that over the next. first: of the first candidate over
    the baseline. first_lead: of the first over the highest of the others.
    """

    best: Estimate
    lead: Estimate
    first: Estimate
    first_lead: Estimate


def rows(samples: int) -> Iterator[tuple[str, int, int, Rates, Rates, float]]:
    """For each kind of candidates, their number and that of images: rates by ordinary intervals, by those for the best of many,
    and the share of samples in which all of the latter over the baseline hold the truth at once.
    """
    for kind, draw in _kinds().items():
        for candidates in CANDIDATES:
            for images in IMAGES:
                chance = np.random.default_rng(0)
                drawn = [draw(chance, images, candidates) for _ in range(samples)]
                gaps = [
                    one for start in range(0, samples, AT_ONCE) for one in simultaneous_means(*drawn[start : start + AT_ONCE])
                ]
                together = float(np.mean([all(_holds(gap) for gap in each) for each in gaps]))
                ordinary, allowing = _ordinary(drawn), list(map(_allowing, drawn, gaps))
                yield kind, drawn[0].shape[1], images, _rates(drawn, ordinary), _rates(drawn, allowing), together


def _kinds() -> dict[str, Draw]:
    """Independent normal candidates; as correlated as the layers of ResNet-20 are; that network's own numbers, at most 19."""
    ladder, _ = read_ladder(CHECKPOINTS / "resnet20.ladder.npz")
    centre = [rung.name for rung in ladder.rungs].index(CENTRE)
    values = -measured(ladder, "deletion", "grey")
    own = values[:, [rung.kind == "layer" for rung in ladder.rungs]] - values[:, [centre]]
    own = (own - own.mean(0)) / own.std(0)
    alike = float(np.corrcoef(own.T)[np.triu_indices(own.shape[1], 1)].mean())

    def correlated(chance: np.random.Generator, images: int, candidates: int) -> Sample:
        common = np.sqrt(alike) * chance.normal(size=(images, 1))
        return np.asarray(common + np.sqrt(1 - alike) * chance.normal(size=(images, candidates)))

    def resampled(chance: np.random.Generator, images: int, candidates: int) -> Sample:
        layers = np.unique(np.linspace(0, own.shape[1] - 1, candidates).astype(int))
        return np.asarray(own[chance.integers(0, len(own), (images, 1)), layers])

    return {
        "independent": lambda chance, images, candidates: chance.normal(size=(images, candidates)),
        f"correlated by {alike:.2f}": correlated,
        "layers of ResNet-20": resampled,
    }


def _ordinary(drawn: Sequence[Sample]) -> list[Claims]:
    found = []
    for start in range(0, len(drawn), AT_ONCE):
        columns = []
        for sample in drawn[start : start + AT_ONCE]:
            best, second, rival = _places(sample)
            first = sample[:, 0]
            columns += [sample[:, best], sample[:, best] - sample[:, second], first, first - sample[:, rival]]
        estimates = bootstrap_means(np.stack(columns, axis=1))
        found += [Claims(*estimates[place : place + 4]) for place in range(0, len(estimates), 4)]
    return found


def _allowing(sample: Sample, gaps: Sequence[Estimate]) -> Claims:
    best, second, rival = _places(sample)
    lead, first_lead = _lead(sample, best, second), _lead(sample, 0, rival)
    return Claims(gaps[best], lead, gaps[0], first_lead)


def _lead(sample: Sample, place: int, second: int) -> Estimate:
    """The lead of one candidate over the best of the others; second: the highest of those."""
    leads = comparisons_with_best(sample, place)
    others = [lead for other, lead in enumerate(leads) if other != place]
    return replace(leads[second], low=min(lead.low for lead in others), high=min(lead.high for lead in others))


def _places(sample: Sample) -> tuple[int, int, int]:
    """The best, the next, and the best of all but the first candidate."""
    means = sample.mean(0)
    second, best = np.argsort(means)[-2:].tolist()
    return best, second, 1 + int(means[1:].argmax())


def _rates(drawn: Sequence[Sample], claims: Sequence[Claims]) -> Rates:
    needed = []
    for sample, one in zip(drawn, claims, strict=True):
        others = float(sample[:, 1:].mean(0).max())
        needed.append((max(-one.first.low, others - one.first.mean), -one.first_lead.low))
    to_beat, to_lead = np.quantile(needed, FOUND, axis=0)
    return Rates(
        beats=float(np.mean([direction(one.best) > 0 for one in claims])),
        covered=float(np.mean([_holds(one.best) for one in claims])),
        ahead=float(np.mean([direction(one.lead) > 0 for one in claims])),
        lead=float(np.mean([_holds(one.first_lead) for one in claims])),
        to_beat=float(to_beat),
        to_lead=float(to_lead),
    )


def _holds(estimate: Estimate) -> bool:
    return estimate.low <= 0 <= estimate.high


def print_rates(samples: int) -> None:
    """Print the table: each number by ordinary intervals, then by those that allow for the choice."""
    print(
        f"\nThe best of many equal candidates, {samples:,} samples each; by ordinary intervals → by those for the best of many"
    )
    print(
        "beats, ahead: false statements that it beats the baseline, is ahead of the next, at most 5 %; held, lead: its interval"
    )
    print(
        "over the baseline, and the lead of one that is the best by far over the next, hold the truth, at least 95 %; together:"
    )
    print(
        "all intervals over the baseline do; found: the lead in 80 % of samples, over the baseline, over the next, in spreads"
    )
    names = ("beats", "ahead", "held", "lead")
    print(
        f"{'candidates':<24}{'of':>3}{'images':>7}"
        + "".join(f"{name:>17}" for name in names)
        + f"{'together':>10}{'found':>32}"
    )
    for kind, candidates, images, plain, allowing, together in rows(samples):
        pairs = ((one.beats, one.ahead, one.covered, one.lead) for one in (plain, allowing))
        cells = "".join(f"{a:>8.1%} → {b:>6.1%}" for a, b in zip(*pairs, strict=True))
        found = f"{plain.to_beat:>8.2f} → {allowing.to_beat:.2f}{plain.to_lead:>9.2f} → {allowing.to_lead:.2f}"
        print(f"{kind:<24}{candidates:>3}{images:>7}{cells}{together:>10.1%}{found}", flush=True)
