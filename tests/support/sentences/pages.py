"""Every sentence of the pages, made of numbers that are drawn."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sentences.library import FINDERS, NOTHING, truth_summaries
from sentences.said import Cases, Said, adds_to, any_values, counts, estimates, share_estimates, shares, values

import explain_lib as xl
from dashboard.figures.chart_parts import interval_dots
from dashboard.figures.class_figure import class_bars, most_changed_words, probabilities_words
from dashboard.figures.map_words import map_words, where_words
from dashboard.figures.scale import diverging, sequential
from dashboard.lesson.ask import Ask
from dashboard.lesson.ballots import Round
from dashboard.lesson.map_numbers import Brightest
from dashboard.lesson.said import number_words, outline_words, place_words
from dashboard.lesson.vote_result import score_sentence as room_score
from dashboard.lesson.vote_result import taps_words
from dashboard.topics.explorer.contrast_words import Pair, score_sentence, sum_sentence
from dashboard.topics.explorer.cover_words import cover_numbers, peak_sentence
from dashboard.topics.guesses.figure import DotChart, Dots, dots_figure, dots_words
from dashboard.topics.known_truth.figure import finders_words
from dashboard.topics.known_truth.words import picture_sentence, value_caption
from dashboard.topics.ladder.figure import Curve, RankedRow, curves_words, ranked_words
from dashboard.topics.sanity.figure import steps_words
from dashboard.topics.sanity.words import interval_words, mean_title, starts_sentence
from dashboard.topics.training.course import Course, course_sentence, says
from dashboard.topics.training.figure import training_figure, training_words
from dashboard.topics.walk.walk_words import (
    ablation_sentence,
    activation_words,
    channel_words,
    gradient_words,
    sum_words,
    thrown_away_words,
    weight_words,
)
from dashboard.view.captions import image_words, says_words
from dashboard.view.captions import place_words as region_words
from dashboard.widgets.number_table import estimate_cell, share_cell
from explain_lib.base import words
from explain_lib.cam.contrast import Contrast
from explain_lib.cam.training_time import Moment
from explain_lib.regions.region import region_of
from explain_lib.trust.cover import cover_code
from explain_lib.trust.ladder import Rung
from explain_lib.trust.region import map_by_cell
from explain_lib.trust.sanity import RandomStarts
from explain_lib.trust.sanity_summary import SanitySummary, StepSummary

CASES: Cases = {}
case = adds_to(CASES)


@st.composite
def maps(draw: st.DrawFn, side: int = 2, finite: bool = False) -> NDArray[np.float32]:
    """A small map, which may be flat, or contain NaN."""
    one = st.one_of(values, st.floats(-50, 50)) if finite else any_values
    kind = draw(st.sampled_from(("flat", "any", "any")))
    cells = [draw(one)] * side**2 if kind == "flat" else [draw(one) for _ in range(side**2)]
    return np.array(cells, np.float32).reshape(side, side)


def all_of(*arrays: NDArray[Any]) -> list[float]:
    return [float(number) for array in arrays for number in np.asarray(array, np.float64).flat]


# Section: maps and classes


def halves_of(values: NDArray[np.float32]) -> list[float]:
    above = np.maximum(values.astype(np.float64), 0)
    return [] if not above.sum() > 0 else [above[:1].sum() / above.sum(), above[:, :1].sum() / above.sum()]


@case
def a_map(draw: st.DrawFn) -> Said:
    one = draw(maps())
    return Said(
        f"{map_words('A map', one)}; {where_words(one)}", [*all_of(one), 0, 1, 2], shares=halves_of(one), known=("above zero",)
    )


@case
def class_probabilities(draw: st.DrawFn) -> Said:
    found = np.array([draw(shares) for _ in range(3)], np.float32)
    task = draw(st.sampled_from(("softmax", "sigmoid", "binary")))
    bars = class_bars(("cat", "dog", "frog"), found, target=1, true=0, task=task)
    said = probabilities_words(("cat", "dog", "frog"), found, 1, task)
    changed = most_changed_words(("cat", "dog", "frog"), found, found[::-1].copy(), task)
    return Said("; ".join([said, changed, *(bar.text for bar in bars)]), shares=all_of(found))


@case
def the_range_of_colours(draw: st.DrawFn) -> Said:
    top = abs(draw(values))
    return Said(f"{sequential(0, top).words}; {diverging(top).words}", [0, top])


@case
def a_picture(draw: st.DrawFn) -> Said:
    share = draw(shares)
    said, labels = SimpleNamespace(predicted=1, confidence=share), np.array([draw(st.sampled_from((-1, 0, 1)))])
    scene: Any = SimpleNamespace(
        said=lambda _: said,
        true_class=lambda _: None,
        images=SimpleNamespace(labels=labels),
        picture_set=SimpleNamespace(words=lambda _: "test image", window=lambda *_: None),
        model=SimpleNamespace(classes=("cat", "dog"), channels=3, task="softmax"),
        bands=None,
        is_covered=draw(st.booleans()),
        view=SimpleNamespace(image=0),
    )
    return Said(image_words(scene, 0), shares=[share])


@case
def classes_compared(draw: st.DrawFn) -> Said:
    found, before = (np.array([draw(shares) for _ in range(2)], np.float32) for _ in range(2))
    bars = class_bars(("cat", "dog"), found, target=1, true=0, before=before)
    assert [bar.before for bar in bars] == before.tolist()
    changes = [100 * (float(one) - float(other)) for one, other in zip(found, before, strict=True)]
    return Said("; ".join(bar.change for bar in bars), changes)


@case
def numbers_compared(draw: st.DrawFn) -> Said:
    found, before = (np.array([draw(values) for _ in range(2)], np.float32) for _ in range(2))
    bars = class_bars(("age", "weight"), found, target=1, true=-1, task="regression", before=before)
    changes = [float(one) - float(other) for one, other in zip(found, before, strict=True)]
    return Said("; ".join(bar.change for bar in bars), changes)


@case
def parts_covered(draw: st.DrawFn) -> Said:
    signed, by_cell, now = draw(maps(16)), draw(maps(16)), draw(maps())
    under = np.array([draw(shares) for _ in range(256)]).reshape(16, 16)
    picture, numbers = np.zeros((32, 32, 3), np.uint8), [draw(values), draw(values)]
    effect = xl.CoverEffect("conv", xl.Target(0), "_w", picture, *numbers, signed, by_cell, under)
    said = [f"{value}; {below}" for _, value, _, below in cover_numbers(effect, "grey")]
    peak = peak_sentence(effect, now, signed=draw(st.booleans()))
    every = [*numbers, effect.change, effect.promised, effect.promised_by_cell, 8, 256, 128, 255]
    peaks = [np.abs(signed).max(), np.maximum(signed, 0).max(), np.abs(now).max()]
    return Said("; ".join([*said, peak]), [*every, *map(float, peaks)], shares=[effect.share, 8 / 256])


@case
def a_picture_with_labels(draw: st.DrawFn) -> Said:
    found = np.array([draw(shares), draw(shares)], np.float32)
    model: Any = SimpleNamespace(classes=("cat", "dog"), task="sigmoid", unit="")
    return Said(says_words(model, found), shares=all_of(found))


@case
def numbers_of_a_regression(draw: st.DrawFn) -> Said:
    found = np.array([draw(values), draw(values)], np.float32)
    model: Any = SimpleNamespace(classes=("age", "weight"), task="regression", unit="years")
    bars = class_bars(model.classes, found, target=1, true=-1, task="regression")
    said = [says_words(model, found), probabilities_words(model.classes, found, 1, "regression"), *(bar.text for bar in bars)]
    return Said("; ".join(said), all_of(found))


@case
def cells_of_a_table(draw: st.DrawFn) -> Said:
    mean, share = draw(estimates()), draw(share_estimates())
    cells = estimate_cell(mean), share_cell(share)
    return Said("; ".join(f"{cell.text} {cell.small}".strip() for cell in cells), means=[mean], shared=[share])


@case
def a_readers_number_beside_the_computed_one(draw: st.DrawFn) -> Said:
    own, computed = f"{draw(values):.4f}", words.number(draw(values), draw(st.integers(0, 3)))
    said, exact = float(own), float(computed.replace("−", "-"))
    rounded = float(words.two(exact).replace("−", "-"))
    return Said(number_words(own, computed).replace("**", ""), [said, exact, rounded, abs(said - rounded)])


@case
def a_readers_place_beside_the_brightest_one(draw: st.DrawFn) -> Said:
    rows, columns = (np.cumsum([draw(st.floats(1, 9)) for _ in range(3)]) for _ in range(2))
    found = Brightest((draw(st.integers(0, 2)), 1), rows, columns, (32, 32))
    place = draw(st.integers(0, 31)), draw(st.integers(0, 31))
    down, across = found.pixel[0] - place[0], found.pixel[1] - place[1]
    cells = np.hypot(2 * down / (rows[2] - rows[0]), 2 * across / (columns[2] - columns[0]))
    numbers = [*place, *found.pixel, np.hypot(down, across), float(cells)]
    return Said(place_words(place, found).replace("**", ""), list(map(float, numbers)))


@case
def a_readers_outline_beside_the_map(draw: st.DrawFn) -> Said:
    size = draw(st.sampled_from([(32, 32), (20, 17)]))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    values, cells = generator.random(size, np.float32) ** 4, generator.random((16, 16)) < draw(st.floats(0, 1))
    cells[3, 4] = True
    region = cells[np.ix_(*(16 * np.arange(side) // side for side in size))]
    inside, top = values[region].sum() / values.sum(), values >= np.sort(values.ravel())[-round(0.2 * values.size)]
    shares = [float(inside), float(region.mean()), float((top & region).sum() / (top | region).sum())]
    return Said(outline_words(cover_code(cells), map_by_cell(values)).replace("**", ""), shares=shares)


@case
def taps_of_a_room_and_the_brightest_place(draw: st.DrawFn) -> Said:
    rows = columns = np.array([4.0, 12.0, 20.0, 28.0])
    found = Brightest((draw(st.integers(0, 3)), draw(st.integers(0, 3))), rows, columns, (32, 32))
    taps = [(draw(st.integers(0, 31)), draw(st.integers(0, 31))) for _ in range(draw(st.integers(1, 5)))]
    cells = [np.hypot((y - found.pixel[0]) / 8, (x - found.pixel[1]) / 8) for y, x in taps]
    hits = sum(
        min(range(4), key=lambda row: abs(rows[row] - y) - row / 99) == found.cell[0]
        and min(range(4), key=lambda column: abs(columns[column] - x) - column / 99) == found.cell[1]
        for y, x in taps
    )
    return Said(taps_words(taps, found).replace("**", ""), [hits, len(taps), float(np.median(cells))])


@case
def the_score_of_a_room(draw: st.DrawFn) -> Said:
    ask = Ask("choice", ("A", "B"), (draw(st.integers(0, 1)),))
    rounds = [[draw(st.integers(0, 1)) for _ in range(draw(st.integers(1, 5)))] for _ in range(draw(st.integers(2, 4)))]
    right = [sum(vote in ask.right for vote in votes) for votes in rounds]
    won = sum(2 * count > len(votes) for count, votes in zip(right, rounds, strict=True))
    total = sum(map(len, rounds))
    said = room_score({image: Round(ask, tuple(votes)) for image, votes in enumerate(rounds)})
    return Said(said, [won, len(rounds), sum(right), total, total / 2])


# Section: trust and the guesses


@case
def dots_of_a_chart(draw: st.DrawFn) -> Said:
    percent, images = draw(st.booleans()), draw(counts)
    one = draw(share_estimates(images) if percent else estimates(images))
    dots = DotChart("title", ["row"], [Dots("own", "red", (one,))], percent=percent)
    (_, *pointed, _), *_ = dots_figure(dots).data[0].customdata
    said = f"{dots_words(dots)}; {'; '.join(pointed)}"
    return Said(said.replace("with 95 % intervals", ""), means=[one], shared=[one] if percent else [])


@case
def dots_of_a_ladder(draw: st.DrawFn) -> Said:
    one = draw(estimates())
    (pointed,) = interval_dots("layer", "red", [(0, "first", one)])["customdata"]  # type: ignore[misc,attr-defined]
    said = ranked_words([RankedRow(Rung("first", "layer", None), one)], "Deletion")
    return Said(f"{said}; {'; '.join(pointed[1:-1])}".replace("with 95 % intervals", ""), means=[one])


@case
def finders_of_a_place(draw: st.DrawFn) -> Said:
    summary = draw(truth_summaries())
    said = finders_words(summary, "energy", "Share of the map").replace("with 95 % intervals", "")
    return Said(said, shared=[one.values[0] for one in summary.finders])


@case
def a_place_in_the_picked_picture(draw: st.DrawFn) -> Said:
    share, area = draw(shares), draw(shares)
    known: Any = SimpleNamespace(
        place=draw(st.sampled_from(("mark", "quarter", "apart", "object"))), before="ship", says="horse", asked="frog",
        finder=FINDERS[0], value=lambda *_: share, area=area,
    )  # fmt: skip
    hit = draw(st.sampled_from((0.0, 1.0)))
    said = f"{picture_sentence(known)} {value_caption(share, 'energy')} {value_caption(hit, 'pointing')}"
    return Said(said, shares=[share, area])


@case
def curves_of_removal(draw: st.DrawFn) -> Said:
    found = tuple(draw(st.one_of(shares, st.just(float("nan")))) for _ in range(3))
    return Said(curves_words([Curve("first", (0.0, 50.0, 100.0), found)], "pixels removed"), shares=found)


@case
def steps_of_a_check(draw: st.DrawFn) -> Said:
    own, images = [draw(any_values), draw(any_values)], draw(counts)
    left = {name: draw(estimates(images)) for name in ("fc", "conv")}
    steps = tuple(StepSummary(name, one, one, draw(estimates(images)), NOTHING, NOTHING, NOTHING) for name, one in left.items())
    summary = SanitySummary(steps, images, 10)
    said = steps_words(("fc", "conv"), own, summary)
    return Said(said, [*own, images], means=[one for step in steps for one in (step.correlation, step.beside)])


@case
def random_starts_of_a_check(draw: st.DrawFn) -> Said:
    found = np.array([draw(st.one_of(st.floats(-1, 1), st.just(float("nan")))) for _ in range(draw(st.integers(1, 4)))])
    count, flat = len(found), np.zeros((len(found), 2, 2), np.float32)
    starts = RandomStarts(np.arange(count), flat[0], flat, np.zeros(1, np.int64), np.zeros((count, 2), np.float32), found)
    return Said(
        f"{starts_sentence(starts)} {mean_title(starts)} {interval_words(starts)}".strip(),
        [count, 0, 95],
        [0.95],
        means=[starts.mean],
    )


# Section: a training


def moment_of(draw: st.DrawFn, epoch: int) -> Moment:
    return Moment(epoch, "tutorial", draw(shares))


@st.composite
def courses(draw: st.DrawFn) -> Course:
    moments = tuple(moment_of(draw, epoch) for epoch in (0, 1, 5))
    sure = [draw(shares) for _ in moments]
    view = SimpleNamespace(image=0, sign="positive")
    scenes: Any = tuple(
        SimpleNamespace(
            predicted=1,
            probabilities=np.array([1 - share, share]),
            model=SimpleNamespace(classes=("cat", "dog")),
            images=SimpleNamespace(labels=np.array([draw(st.sampled_from((-1, 0, 1)))])),
            view=view,
        )
        for share in sure
    )
    second = draw(st.booleans())
    seen, other = (
        SimpleNamespace(map=values, signed=values, targets=(xl.Target(index),) * 3)
        for index, values in ((1, draw_stack(draw)), (0, draw_stack(draw)))
    )
    correlations = np.array([draw(st.one_of(values, st.just(float("nan")))) for _ in moments])
    place: int = draw(st.integers(0, 2))
    found: Any = seen, other if second else None
    return Course(moments, scenes, "conv", found[0], correlations, place, found[1])


def draw_stack(draw: st.DrawFn) -> NDArray[np.float32]:
    """Three small maps, which may be flat."""
    return np.stack([draw(maps(finite=True)) for _ in range(3)])


@case
def a_training(draw: st.DrawFn) -> Said:
    course = draw(courses())
    start, end = course.moments[0].accuracy, course.moments[-1].accuracy
    parts = [moment.accuracy for moment in course.moments]
    way = (course.shown.accuracy - start) / (end - start) if end != start else 1.0
    said = f"{course_sentence(course)} {says(course, course.place)}"
    own = [course.probability(course.place, 1)]
    both = course.likeness.tolist()
    return Said(said, [*all_of(course.correlations), *both, 0, 1, 5], [*parts, way, *own])


@case
def a_chart_of_a_training(draw: st.DrawFn) -> Said:
    right, true = ([draw(shares), draw(shares)] for _ in range(2))
    pointed = [text for line in training_figure((0, 5), right, true, 5, "dog").data for text in line.customdata]
    return Said("; ".join([training_words((0, 5), right, true, "dog"), *pointed]), [0, 5], [*right, *true])


# Section: the walk


@st.composite
def walks(draw: st.DrawFn) -> xl.Walkthrough:
    activation, gradient = (np.stack([draw(maps(finite=True)) for _ in range(2)]) for _ in range(2))
    weights = gradient.mean((1, 2))
    signed = (weights[:, None, None] * activation).sum(0)
    score = draw(values)
    return xl.Walkthrough("conv", xl.Target(1), score, activation, gradient, weights, signed, np.maximum(signed, 0))


@case
def steps_of_the_walk(draw: st.DrawFn) -> Said:
    walk, off = draw(walks()), draw(st.sampled_from(((), (0,), (0, 1))))
    rest = walk.signed_without(off)
    missing, left_out = walk.signed - rest, list(off)
    said = " ".join(
        (activation_words(walk.activation), gradient_words(walk.gradient), weight_words(walk.weights), sum_words(walk, off),
         thrown_away_words(rest), channel_words(walk, 0))
    )  # fmt: skip
    numbers = all_of(walk.activation, walk.gradient, walk.weights, rest, missing, walk.promised)
    numbers += [rest.sum(dtype=np.float64), walk.promised[left_out].sum(), rest[rest < 0].sum(dtype=np.float64)]
    numbers += [rest[rest > 0].sum(dtype=np.float64), *range(9)]
    parts = [(walk.activation == 0).mean(), (walk.activation < 0).mean(), (walk.gradient == 0).mean(), (rest < 0).mean()]
    parts += [*walk.shares.tolist(), float(walk.shares[left_out].sum())]
    known = (
        "more than all of it",
        "are below 0",
        "above zero",
        "below zero",
        "below and",
        "blue below",
        "the lower",
        "the higher",
    )
    return Said(said, numbers, parts, known=known)


@case
def a_channel_at_zero(draw: st.DrawFn) -> Said:
    effect, promised, by_cell, score = draw(values), draw(values), draw(values), draw(values)
    found: Any = SimpleNamespace(effect=effect, score=score, score_without=score - effect)
    return Said(ablation_sentence(found, promised, by_cell), [effect, promised, by_cell, score, score - effect])


# Section: a contrast


@case
def a_contrast(draw: st.DrawFn) -> Said:
    signed = [draw(maps(finite=True)) for _ in range(2)]
    between = signed[0] - signed[1] + np.float32(draw(st.sampled_from((0.0, 1e-7))))
    logit, probability = (np.maximum(draw(maps(finite=True)), 0) for _ in range(2))
    sure = np.array([draw(shares), 0.5], np.float32)
    found = Contrast("conv", 0, 1, "logit", sure, *signed, between, np.maximum(-signed[0], 0), logit, probability)
    pair, difference = Pair("cat", "dog", chosen=True), found.by_score
    part = found.deviation / found.reach if found.reach > 0 else 0.0
    numbers = [found.deviation, part, found.alike, difference.spearman, difference.pearson, difference.ratio, 1]
    task = draw(st.sampled_from(("softmax", "sigmoid", "segmentation")))
    said = f"{sum_sentence(found, pair)} {score_sentence(found, pair, task)}"
    return Said(
        said,
        [*numbers, 0],
        [float(sure[0]), difference.largest],
        known=("is high the other is low", "stands out more", "less the mean", "p (1 − p)"),
    )


@case
def region(draw: st.DrawFn) -> Said:
    cells = np.arange(256).reshape(16, 16) < draw(st.integers(1, 256))
    return Said(region_words(region_of(cells)), [], [float(cells.mean())])
