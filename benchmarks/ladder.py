"""What the layer ladder of one picture costs, one row of single deletion, and one map's belief card, beside the bare prediction
of as many pictures as they ask the network about.
"""

import numpy as np

import explain_lib
from benchmarks.figures import Figure, Table
from benchmarks.rounds import alternate, ratios, summary
from explain_lib.audit.card import PASSES, belief_card
from explain_lib.trust.faithfulness import ROAD_STEPS, STEPS
from explain_lib.trust.ladder import ASKED_PER_IMAGE, BASELINES, OPINIONS, LadderRequest
from explain_lib.trust.rungs import PLACED, explained_targets, ladder_maps
from explain_lib.trust.single_deletion import patch_changes, single_deletion

IMAGE = 3
GOAL_MS = 2000.0
RATIO = 1.5
"""Of one row of single deletion: the prediction, and half as much for three fills, the pictures with their holes, and the rank
correlation.
"""
CARD_MS = {"captum-tutorial": 1000.0}
"""For the small network, whose page waits for the card."""
MOST_ROUNDS = 50


def ladder_of_one_picture(name: str, budget: float) -> Table:
    """All conv layers with the other methods at the last one, nothing cached."""
    model, pixels = explain_lib.load_model(name), explain_lib.load_cifar10().pixels
    last = model.conv_layers[-1]
    rows = len(model.conv_layers) + 1 + len(OPINIONS) + len(PLACED) + len(BASELINES)
    asked = rows * (4 * (STEPS - 1) + 2 * len(ROAD_STEPS)) + 8 + ASKED_PER_IMAGE
    many = pixels[:asked]
    ladder, plain = f"the ladder, {rows} rows", f"prediction of {asked:,} pictures"
    contestants = {
        ladder: LadderRequest(model, pixels, np.array([IMAGE]), opinions=last).compute,
        plain: lambda: model.predict(many),
    }
    seconds = alternate(contestants, MOST_ROUNDS, budget=budget)
    took = {name: summary([1000 * turn for turn in turns]) for name, turns in seconds.items()}
    return Table(
        f"Layer ladder of one picture, {name}",
        (
            Figure(plain, took[plain], asked),
            Figure(ladder, took[ladder], ratio=ratios(seconds, ladder, plain), base="prediction"),
            Figure("the same in milliseconds", took[ladder], goal=GOAL_MS),
        ),
    )


def row_of_single_deletion(name: str, budget: float) -> Table:
    """One row: the map of the last conv layer beside the loss of the score without each patch, all fills, nothing cached."""
    model, pixels = explain_lib.load_model(name), explain_lib.load_cifar10().pixels
    images, own, many = np.array([IMAGE]), pixels[[IMAGE]], pixels[:ASKED_PER_IMAGE]
    found = ladder_maps(model, own, images, model.conv_layers[-1:], None)
    targets, row = explained_targets(model, own, found, None), found.maps[:, :1]
    ours, plain = "one row of single deletion", f"prediction of {len(many)} pictures"
    contestants = {
        ours: lambda: single_deletion(row, patch_changes(model, model.to_input(own), targets, images)),
        plain: lambda: model.predict(many),
    }
    seconds = alternate(contestants, MOST_ROUNDS, budget=budget)
    took = {name: summary([1000 * turn for turn in turns]) for name, turns in seconds.items()}
    return Table(
        f"Single deletion of one picture, {name}",
        (
            Figure(plain, took[plain], len(many)),
            Figure(ours, took[ours], ratio=ratios(seconds, ours, plain), base="prediction", goal=RATIO),
        ),
    )


def card_of_one_picture(name: str, budget: float) -> Table:
    """The belief card of the map at the default layer, nothing cached."""
    model, pixels = explain_lib.load_model(name), explain_lib.load_cifar10().pixels
    many = pixels[:PASSES]
    ours, plain = "the belief card", f"prediction of {PASSES} pictures"
    contestants = {ours: lambda: belief_card(model, pixels[IMAGE]), plain: lambda: model.predict(many)}
    seconds = alternate(contestants, MOST_ROUNDS, budget=budget)
    took = {name: summary([1000 * turn for turn in turns]) for name, turns in seconds.items()}
    return Table(
        f"Belief card of one picture, {name}",
        (
            Figure(plain, took[plain], len(many)),
            Figure(ours, took[ours], ratio=ratios(seconds, ours, plain), base="prediction"),
            Figure("the same in milliseconds", took[ours], goal=CARD_MS.get(name)),
        ),
    )
