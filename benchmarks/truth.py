"""What it costs to measure whether maps find a known place, beside the bare prediction of as many pictures as go through the
network.
"""

from collections.abc import Callable

import numpy as np

import explain_lib
from benchmarks.figures import Figure, Table
from benchmarks.rounds import alternate, ratios, summary
from explain_lib.networks.predictions import predict
from explain_lib.truth.mosaics import QUARTERS, make_mosaics
from explain_lib.truth.secret import SecretRequest

AMONG, MOSAICS, PICTURES = 200, 10, 64
MOST_ROUNDS = 50


def mosaics_of_a_network(name: str, budget: float) -> Table:
    """Ten mosaics, each of four classes asked for, at the last conv layer; whole, and with their quarters apart."""
    images, model = explain_lib.load_cifar10(), explain_lib.load_model(name)
    among, layers = np.arange(AMONG), model.conv_layers[-1:]
    mosaics = make_mosaics(images.pixels, images.labels, among, predict(model, images.pixels[among]), MOSAICS)
    made = len(mosaics.images)
    whole, apart = (mosaics.request(model, images.pixels, layers, "stretched", apart=apart) for apart in (False, True))
    ours, ours_apart = f"{made} mosaics, four questions each", f"{made} mosaics with quarters apart"
    plain, plain_apart = (f"prediction of {count} pictures" for count in (made * QUARTERS * QUARTERS, made * QUARTERS))
    many = images.pixels[: made * QUARTERS * QUARTERS]
    seconds = alternate(
        {
            plain: lambda: model.predict(many),
            ours: whole.compute,
            plain_apart: lambda: model.predict(many[: made * QUARTERS]),
            ours_apart: apart.compute,
        },
        MOST_ROUNDS,
        budget=budget,
    )
    return _table(f"Known truth in mosaics, {name}, one layer", seconds, {ours: plain, ours_apart: plain_apart})


def secret_of_a_network(name: str, budget: float) -> Table:
    """The mark planted on one batch of pictures, all methods at the last conv layer."""
    model, pixels = explain_lib.load_model(name), explain_lib.load_cifar10().pixels
    many = pixels[: 2 * PICTURES]  # without the mark, and with it
    ours, plain = f"{PICTURES} pictures with the mark", f"prediction of {len(many)} pictures"
    request = SecretRequest(model, pixels, np.arange(PICTURES), model.conv_layers[-1:], "stretched")
    contestants: dict[str, Callable[[], object]] = {plain: lambda: model.predict(many), ours: request.compute}
    return _table(
        f"Known truth with a planted mark, {name}, one layer", alternate(contestants, MOST_ROUNDS, budget=budget), {ours: plain}
    )


def _table(title: str, seconds: dict[str, list[float]], beside: dict[str, str]) -> Table:
    """Each of ours beside its own prediction, in milliseconds and as a ratio."""
    took = {name: summary([1000 * turn for turn in turns]) for name, turns in seconds.items()}
    figures = []
    for ours, plain in beside.items():
        figures.append(Figure(plain, took[plain]))
        figures.append(Figure(ours, took[ours], ratio=ratios(seconds, ours, plain), base=plain))
    return Table(title, tuple(figures))
