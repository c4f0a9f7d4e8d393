"""How often the layer advice of some pictures holds on others: random halves of test pictures, candidates dropping out as they
would.

A pick is confirmed if no measure puts it behind the best on the other half; a tie if that is so of a member; a disagreement if,
by each measure, its leader is among the best. It is beaten outright if another candidate is picked from the two of them there:
ahead by a measure, and behind by none; a tie if each member is.

Run with: python -m benchmarks.held_out [--splits N] [--images N]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

import explain_lib
from explain_lib.advice.choice import LOOKS, Advice, AdviceRows, choose_layer, still_in
from explain_lib.advice.measuring import AdviceRequest, rows_of_ladder
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.networks.requests import take_rows
from explain_lib.work.ladder_files import read_ladder

SPLITS = 100
HALVES = (32, 100, 250)
LADDERS = ("tutorial-all-layers", "captum-tutorial-all-layers", "resnet20")
GOAL = 0.9


@dataclass(frozen=True)
class Outcome:
    """What one split gave. confirmed: whether the advice is, in one way; beaten: whether it is, outright."""

    advice: Advice
    confirmed: bool
    beaten: bool


def bundled_rows() -> Iterator[tuple[str, AdviceRows]]:
    """The layers of the bundled ladders."""
    for name in LADDERS:
        ladder, _ = read_ladder(CHECKPOINTS / f"{name}.ladder.npz")
        layers = [rung.name for rung in ladder.rungs if rung.kind == "layer"]
        rows = rows_of_ladder(ladder, layers)
        yield f"{name}: {len(layers)} layers", rows
        if {"relu1", "relu2"} <= set(layers):
            yield f"{name.removesuffix('-all-layers')}: relu1, relu2", only(rows, "relu1", "relu2")


def stage_ends(name: str, images: int) -> AdviceRows:
    """The ends of stages on the first test pictures, nobody dropping out."""
    request = AdviceRequest(explain_lib.load_model(name), explain_lib.load_cifar10().pixels, np.arange(images))
    return request.join([batch.compute() for batch in request.batches()])


def as_measured(rows: AdviceRows) -> AdviceRows:
    """The same rows, without what is not measured once a candidate drops out."""
    values, measured, going = rows.values.copy(), rows.measured.copy(), rows.layers
    for look in [one for one in LOOKS if one <= len(rows)]:
        going = still_in(replace(take_rows(rows, slice(look)), values=values[:look]), going)
        out = [place for place, name in enumerate(rows.layers) if name not in going]
        values[look:, out], measured[look:, out] = np.nan, False
    return replace(rows, values=values, measured=measured)


def split(rows: AdviceRows, half: int, chance: np.random.Generator) -> Outcome:
    """The advice of a half, beside another one of as many pictures."""
    drawn = chance.permutation(len(rows))[: 2 * half]
    advice, others = choose_layer(as_measured(take_rows(rows, drawn[:half]))), take_rows(rows, drawn[half:])
    best = [one.among_best for one in choose_layer(others).by_measure]
    if advice.measures_disagree:
        holds = all(one.leader in among for one, among in zip(advice.by_measure, best, strict=True))
        return Outcome(advice, holds, beaten=False)
    named = advice.tied if advice.pick is None else (advice.pick,)
    confirmed = any(all(name in among for among in best) for name in named)
    return Outcome(advice, confirmed, not confirmed and all(_is_beaten(others, name) for name in named))


def _is_beaten(rows: AdviceRows, name: str) -> bool:
    """Whether another candidate beats this one outright."""
    return any(choose_layer(only(rows, name, other)).pick == other for other in rows.layers if other != name)


def only(rows: AdviceRows, *names: str) -> AdviceRows:
    """The rows of some candidates."""
    places = [rows.layers.index(name) for name in names]
    return replace(rows, layers=names, values=rows.values[:, places], measured=rows.measured[:, places])


def table(named: str, rows: AdviceRows, splits: int) -> None:
    """Print a line for each size of a half."""
    for half in [one for one in HALVES if 2 * one <= len(rows)]:
        chance = np.random.default_rng(0)
        found = [split(rows, half, chance) for _ in range(splits)]
        picks = np.mean([one.advice.pick is not None for one in found])
        apart = np.mean([one.advice.measures_disagree for one in found])
        confirmed, beaten = np.mean([one.confirmed for one in found]), np.mean([one.beaten for one in found])
        shares = picks, 1 - picks - apart, apart, confirmed, beaten
        dropped = np.mean([len(one.advice.dropped) for one in found])
        print(f"{named:<40}{half:>8}{''.join(f'{share:>10.0%}' for share in shares)}{dropped:>10.1f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.held_out", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=int, default=SPLITS)
    measured = "test pictures on which ends of stages are measured"
    parser.add_argument("--images", type=int, default=200, help=measured)
    options = parser.parse_args()
    print(f"{options.splits} random splits; the goal is {GOAL:.0%} confirmed")
    heads = "pick", "tie", "disagree", "confirmed", "beaten", "dropped"
    print(f"{'candidates':<40}{'a half':>8}{''.join(f'{head:>10}' for head in heads)}")
    for named, rows in bundled_rows():
        table(named, rows, options.splits)
    rows = stage_ends("resnet20", options.images)
    table(f"resnet20: {', '.join(rows.layers)}", rows, options.splits)


if __name__ == "__main__":
    main()
