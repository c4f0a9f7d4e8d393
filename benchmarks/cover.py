"""What an answer to Cover it costs, beside the prediction and the maps of the same picture with nothing covered."""

from itertools import count

import numpy as np

import explain_lib
from benchmarks.figures import Figure, Table
from benchmarks.rounds import alternate, ratios, summary
from explain_lib.trust.cover import SIDE

IMAGE = 137
MOST_ROUNDS = 200
RATIO = 3.5
"""The prediction and the maps of the covered picture, and those of the whole one, which the change is measured from."""


def answer_to_a_cover(name: str, budget: float) -> Table:
    """The maps of all conv layers and the effect at the last one, of another cover at each turn; nothing cached."""
    model, picture = explain_lib.load_model(name), explain_lib.load_cifar10().pixels[IMAGE]
    layers, turns = model.conv_layers, count()

    def answer() -> object:
        cover = _stroke(next(turns))
        covered = explain_lib.cover_picture(picture, cover)
        maps = explain_lib.grad_cam(model, covered[None], layers)
        return maps, explain_lib.cover_effect(model, picture, cover, "grey", layers[-1])

    plain = f"prediction and maps of all {len(layers)} conv layers"
    contestants = {plain: lambda: explain_lib.grad_cam(model, picture[None], layers), "an answer to Cover it": answer}
    seconds = alternate(contestants, MOST_ROUNDS, budget=budget)
    took = {title: summary([1000 * turn for turn in turns]) for title, turns in seconds.items()}
    ours = "an answer to Cover it"
    return Table(
        f"Cover it, {name}",
        (Figure(plain, took[plain]), Figure(ours, took[ours], ratio=ratios(seconds, ours, plain), base="plain", goal=RATIO)),
    )


def _stroke(number: int) -> str:
    """The code of some cells of a row, another one for each number."""
    cells = np.zeros((SIDE, SIDE), np.bool_)
    cells[number % SIDE, 2 : 3 + number % 11] = True
    return explain_lib.cover_code(cells)
