"""What the layer ladder of one picture costs, beside the bare prediction of as many pictures as it asks the network about."""

import numpy as np

import explain_lib
from benchmarks.figures import Figure, Table
from benchmarks.rounds import alternate, ratios, summary
from explain_lib.trust.faithfulness import ROAD_STEPS, STEPS
from explain_lib.trust.ladder import BASELINES, OPINIONS, LadderRequest

IMAGE = 3
GOAL_MS = 2000.0
MOST_ROUNDS = 50


def ladder_of_one_picture(name: str, budget: float) -> Table:
    """All conv layers with the other methods at the last one, nothing cached."""
    model, pixels = explain_lib.load_model(name), explain_lib.load_cifar10().pixels
    last = model.conv_layers[-1]
    rows = len(model.conv_layers) + 1 + len(OPINIONS) + len(BASELINES)
    asked = rows * (4 * (STEPS - 1) + 2 * len(ROAD_STEPS)) + 8
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
