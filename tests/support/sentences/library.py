"""Every sentence of the library, made of numbers that are drawn."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from sentences.said import KNOWN, Cases, Said, adds_to, any_values, counts, estimates, share_estimates, shares, values

import explain_lib as xl
from explain_lib.advice.choice import AdviceRows, choose_layer
from explain_lib.advice.words import advice_lines, advice_sentence, dropped_sentence
from explain_lib.audit.card import BeliefCard
from explain_lib.audit.card_words import card_lines, undecided_words
from explain_lib.audit.slices import Slice, Slices
from explain_lib.audit.slices_words import slice_caption, slices_sentence, structure_sentence
from explain_lib.base import words
from explain_lib.base.statistics import LEAST_IMAGES, Estimate
from explain_lib.cam.completeness import Completeness, averaging_sentence, sum_sentence
from explain_lib.check_up.weights import normalisation_findings
from explain_lib.study.covers import COVERS
from explain_lib.study.guesses import (
    ContourGuess,
    FrogGroup,
    GrassGuess,
    LayerContour,
    LayerShare,
    OutlineGroup,
    beside_threshold,
    judge,
)
from explain_lib.study.reasons.contrast import Change
from explain_lib.study.reasons.plan import REASONS, Reason
from explain_lib.study.reasons.verdicts import Finding, ReasonVerdict, limit_words
from explain_lib.study.rows import AVERAGE
from explain_lib.take_home.replay import difference
from explain_lib.trust.ladder import BASELINES, LadderRows, Rung
from explain_lib.trust.ladder_summary import (
    BesideCentre,
    Ranking,
    RungSummary,
    beside_centre_sentence,
    centre_sentence,
    fill_sentence,
    opinions_sentence,
    rank_ladder,
    ranking_sentence,
)
from explain_lib.trust.measures import FILLS, MEASURES
from explain_lib.trust.rungs import LOOKS
from explain_lib.trust.sanity_summary import SanitySummary, StepSummary, TwinSummary, sanity_sentence, twin_sentence
from explain_lib.truth.finders import BASELINES as BLIND
from explain_lib.truth.finders import Finder
from explain_lib.truth.summary import FINDING, FinderRanking, FinderSummary, TruthSummary, truth_sentence, turned_sentence

CASES: Cases = {}
case = adds_to(CASES)
NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0)


def negated(*ones: Estimate) -> list[Estimate]:
    """The same differences seen from the other side."""
    return [Estimate(-one.mean, -one.high, -one.low, one.images) for one in ones]


# Section: single numbers


@case
def plain_numbers(draw: st.DrawFn) -> Said:
    value, places = draw(any_values), draw(st.integers(0, 6))
    said = [words.number(value, places), words.number(value, places, sign=True), words.fine(value, places), words.short(value)]
    said += [words.two(value), words.two(value, sign=True), words.short(value, sign=True), words.correlation_words(value)]
    return Said("; ".join(said), [value])


@case
def shares_in_percent(draw: st.DrawFn) -> Said:
    share, places = draw(shares), draw(st.integers(0, 3))
    return Said(f"{words.percent(share)}, {words.percent(share, places)}, {words.precise_percent(share)}", shares=[share])


@case
def shares_of_a_sum_with_two_signs(draw: st.DrawFn) -> Said:
    share = draw(values) * 3
    return Said(f"{words.percent(share, 0)}, {words.percent(share, sign=True)}", shares=[share])


@case
def means(draw: st.DrawFn) -> Said:
    one = draw(estimates())
    said = [words.mean_words(one), words.mean_words(one, sign=True), words.mean_number(one), words.mean_alone(one)]
    return Said("; ".join([*said, words.interval(one)]), means=[one])


@case
def means_of_shares(draw: st.DrawFn) -> Said:
    one = draw(share_estimates())
    return Said(f"{words.share_words(one)}; {words.mean_percent(one)} {words.percent_interval(one)}", shared=[one])


@case
def differences_of_shares(draw: st.DrawFn) -> Said:
    one = draw(estimates())
    return Said(words.points(one), shared=[one])


# Section: one map


@case
def a_belief_card(draw: st.DrawFn) -> Said:
    beats, centre, alike, own, score, unaveraged = (draw(any_values) for _ in range(6))
    learnt, away = draw(estimates(10)), draw(st.sampled_from((0.0, 0.6, 5.4, float("nan"))))
    cells = np.full((2, 2), unaveraged / 4, np.float32)
    grad_cam = np.array([[own, 0], [0, 0]], np.float32)
    parts = Completeness("conv", xl.Target(0), grad_cam, cells, float(cells.sum()) + score, score, 0.0, even=False)
    found = BeliefCard("conv", xl.Target(0), beats, centre, learnt, 1, alike, draw(st.sampled_from((parts, None))), away, 1.5)
    lines = card_lines(found, ("zero", "one"))
    numbers = [beats, centre, alike, parts.grad_cam_sum, parts.hirescam_sum, parts.score, away, found.cell]
    gap = Estimate(beats - centre, beats - centre, beats - centre, 30)  # of this one picture there is no other
    words = " ".join([f"{line.words} {line.value}." for line in lines])
    return Said(words, numbers, [parts.turned_share, 0.95], [learnt], gaps=[gap, *negated(gap)])


@case
def a_network_without_a_preference(draw: st.DrawFn) -> Said:
    given = [draw(st.floats(0.01, 1)) for _ in range(draw(st.integers(2, 12)))]
    probabilities = [one / sum(given) for one in given]
    said = undecided_words(probabilities)
    assert (said == "") == (len(probabilities) < 3 or max(probabilities) * len(probabilities) >= 2)
    return Said(said, [len(probabilities), *probabilities], probabilities)


# Section: slices


@st.composite
def slices_of_a_set(draw: st.DrawFn) -> Slices:
    several = draw(st.integers(2, 4))
    sizes = [draw(st.integers(1, 200)) for _ in range(several)]
    known = draw(st.booleans())
    found = tuple(
        Slice(
            np.arange(size),
            np.ones((2, 2), np.float32) / 4,
            abs(draw(values)),
            0.1,
            draw(share_estimates(size)) if known else None,
        )
        for size in sizes
    )
    return Slices(found, draw(st.floats(-1, 1)), draw(st.floats(-0.5, 1)), np.arange(0))


def apart(one: Estimate, other: Estimate) -> Estimate:
    """Their difference, as far as their intervals leave it open."""
    images = min(one.images, other.images)
    return Estimate(one.mean - other.mean, one.low - other.high, one.high - other.low, images)


@case
def slices(draw: st.DrawFn) -> Said:
    found = draw(slices_of_a_set())
    first, *others = (one.right for one in found.slices)
    gaps = [] if first is None else [apart(first, one) for one in others if one is not None]
    nearest = (
        min(gaps, key=lambda gap: gap.low) if gaps and gaps[0].mean > 0 else max(gaps, key=lambda gap: gap.high, default=None)
    )
    sizes = [len(one.images) for one in found.slices]
    said = f"{slices_sentence(found)} {structure_sentence(found)} {slice_caption(found.slices[0])}."
    numbers = [*sizes, sum(sizes), len(sizes), found.slices[0].bits, found.silhouette, found.agreement, 1, 0]
    return Said(said, numbers, shared=[] if first is None else [first], gaps=[] if nearest is None else [nearest])


# Section: trust

RUNGS = (Rung("first", "layer", (4, 4)), Rung("second", "layer", (2, 2)), Rung("third", "layer", (2, 2)))
RUNGS += (Rung("HiResCAM at third", "opinion", (2, 2)), *(Rung(name, "baseline", None) for name in BASELINES))


def a_ranking() -> Ranking:
    """A ranking of these rungs, the numbers of which are replaced."""
    some = np.random.default_rng(0).random((3, len(RUNGS), 3))
    none, flat = np.zeros(3, np.int64), np.zeros((3, len(RUNGS)), bool)
    return rank_ladder(LadderRows(np.arange(3), none, none, RUNGS, some, some, some, some[..., 0], some[..., 0], flat))


RANKING = a_ranking()


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Ranking, tuple[RungSummary, ...], list[Estimate]]:
    """A ranking, the means of its rungs, and the differences that its sentences may speak of."""
    images = draw(counts.filter(bool))
    lead, centre, random, opinion = (draw(estimates(draw(st.sampled_from((images, 0))))) for _ in range(4))
    found = replace(
        RANKING,
        measure=draw(st.sampled_from(MEASURES)),
        best=draw(st.sampled_from(("first", "first", "first", None))),
        second="second",
        lead=lead,
        over_centre=centre,
        over_random=random,
        tied=draw(st.sampled_from(((), ("second",), ("second", "third"), ("third",)))),
        opinions=(("HiResCAM at third", opinion),),
        images=images,
    )
    if draw(st.booleans()):
        found = replace(found, second=None, lead=None)
    if found.best is None:
        found = replace(found, second=None, lead=None, over_centre=None, over_random=None)
    own = [draw(estimates(images)) for _ in RUNGS]
    found = replace(found, value=None if found.best is None else own[0])
    three = [(one,) * 3 for one in own]
    summary = tuple(
        RungSummary(rung, each, each, each, one, one, one, one) for rung, each, one in zip(RUNGS, three, own, strict=True)
    )
    return found, summary, [lead, centre, random, opinion]


@case
def a_ranking_of_layers(draw: st.DrawFn) -> Said:
    ranking, summary, gaps = draw(rankings())
    own = [one.road for one in summary]
    return Said(ranking_sentence(ranking, summary), [3, ranking.images], means=own, gaps=gaps)


@case
def the_only_layer(draw: st.DrawFn) -> Said:
    ranking, summary, gaps = draw(rankings())
    alone, own = replace(ranking, second=None, lead=None, tied=()), summary[:1] + summary[3:]
    return Said(ranking_sentence(alone, own), [1], means=[one.road for one in own], gaps=gaps)


OF_ALL_MEASURES = (
    "behind by no measure",
    "no measure puts any of them behind the best by more than chance",
    "Behind by all three measures",
    "30 or more would be right",
)
"""Words of the advice on all measures at once, which no single interval stands beside."""


@case
def advice_on_the_layer_to_hook(draw: st.DrawFn) -> Said:
    images, spread = draw(st.sampled_from((1, 2, 29, 30, 60))), draw(st.sampled_from((1e-9, 0.01, 0.1, 0.5)))
    chance = np.random.default_rng(draw(st.integers(0, 10**6)))
    own = np.array([[draw(values) for _ in range(3)] for _ in range(3)]) * draw(st.sampled_from((0.0, 1.0)))
    numbers = own + spread * chance.normal(size=(images, 3, 3))
    gone = draw(st.sampled_from((images, images, 8)))
    numbers[gone:, 1] = np.nan
    measured = np.ones((images, 3), bool)
    measured[gone:, 1] = False
    advice = choose_layer(AdviceRows(np.arange(images), ("one", "two", "three"), numbers, measured))
    means = [mean for one in advice.by_measure for mean in one.means]
    gaps = [gap for one in advice.by_measure for _, gap in one.gaps]
    assert len(advice_lines(advice)) == 4
    words = f"{advice_sentence(advice)} {dropped_sentence(advice)}".strip()
    return Said(words, [0, 3, 8, 30, images], means=means, gaps=[*gaps, *means], known=(*KNOWN, *OF_ALL_MEASURES))


@case
def a_layer_beside_the_centre(draw: st.DrawFn) -> Said:
    ranking, summary, gaps = draw(rankings())
    return Said(centre_sentence(ranking, summary), means=[one.road for one in summary], gaps=gaps)


@case
def other_methods(draw: st.DrawFn) -> Said:
    ranking, _, gaps = draw(rankings())
    return Said(opinions_sentence(ranking), gaps=gaps[3:])


@case
def other_placements(draw: st.DrawFn) -> Said:
    ranking, _, gaps = draw(rankings())
    named = replace(ranking, opinions=((f"HiResCAM at third{LOOKS}", gaps[3]),))
    return Said(opinions_sentence(named), gaps=gaps[3:])


@case
def rows_beside_the_centre(draw: st.DrawFn) -> Said:
    images, rows = draw(counts), draw(st.integers(1, 4))
    leads = [[draw(estimates(images)) for _ in MEASURES] for _ in range(rows)]
    found = [BesideCentre(rung, tuple(own)) for rung, own in zip(RUNGS, leads, strict=False)]
    said = beside_centre_sentence(found, draw(st.sampled_from(FILLS)))
    shown = (0.0, 5e-7)  # a lead that is too small for the decimals of the page is none
    ahead = [
        sum(lead.low > 0 and lead.mean > least for lead in column) for column in zip(*leads, strict=True) for least in shown
    ]
    gaps = [lead for own in leads for lead in own]
    return Said(said, [rows, *ahead], gaps=gaps, known=("none is ahead of “centre first” by more than chance",))


@case
def fills(draw: st.DrawFn) -> Said:
    best = [draw(st.sampled_from(("first", "second", None))) for _ in FILLS]
    every = {fill: replace(RANKING, best=name) for fill, name in zip(FILLS, best, strict=True)}
    return Said(fill_sentence(every), range(1, len(RUNGS) + 1))


FINDERS = (Finder("first", "grad-cam"), Finder("second", "hirescam"), *BLIND)


@st.composite
def truth_summaries(draw: st.DrawFn) -> TruthSummary:
    """The means of two methods and of the baselines, by one measure."""
    images = draw(counts)
    found = tuple(FinderSummary(one, (draw(share_estimates(images)),), draw(share_estimates(images))) for one in FINDERS)
    return TruthSummary(("energy",), found, images, draw(share_estimates(images)), draw(shares))


@case
def a_place_that_is_known(draw: st.DrawFn) -> Said:
    summary, images = draw(truth_summaries()), draw(counts)
    value, gap, lead = draw(share_estimates(images)), draw(estimates(images)), draw(estimates(images))
    alone = draw(st.booleans())
    ranking = FinderRanking(
        draw(st.sampled_from(FINDING)), FINDERS, FINDERS[1], value, None if alone else FINDERS[0], None if alone else lead,
        draw(st.sampled_from(FINDERS)), summary.finders[0].values[0], gap, images,
    )  # fmt: skip
    said = truth_sentence(summary, ranking, draw(st.sampled_from(("mark", "quarter", "apart", "object"))))
    shared = [value, summary.finders[0].values[0]]
    return Said(said, [images], shares=[summary.chance, 1], shared=shared, gaps=[gap, *negated(gap), lead])


@case
def a_mark_that_turns_answers(draw: st.DrawFn) -> Said:
    summary = draw(truth_summaries())
    return Said(turned_sentence(summary, "horse"), [summary.asked], shared=[summary.counted])


@st.composite
def checked_steps(draw: st.DrawFn, name: str, images: int) -> StepSummary:
    one = draw(estimates(draw(st.sampled_from((images, images, 0)))))
    beside = draw(estimates(one.images))
    return StepSummary(name, one, one, beside, draw(estimates(one.images)), NOTHING, draw(share_estimates(images)))


@st.composite
def sanity_summaries(draw: st.DrawFn, steps: int) -> SanitySummary:
    images = draw(counts)
    names = ("fc", "conv-b", "conv-a")[:steps]
    return SanitySummary(tuple(draw(checked_steps(name, images)) for name in names), images, draw(st.sampled_from((1, 2, 10))))


def of_sanity(sentence: str, summary: SanitySummary) -> Said:
    correlations = [step.correlation for step in summary.steps]
    half = "less than half of their order"
    enough = [one for one in correlations if one.images >= 30]
    if enough and enough[-1].high < 0.5 and all(one.images == 0 or one.images >= 30 for one in correlations[-1:]):
        sentence = sentence.replace(half, "")
    shared = [step.flat for step in summary.steps]
    gaps = [step.gap for step in summary.steps]
    means = [*correlations, *(step.beside for step in summary.steps), *gaps]
    bounds = [0.5, 0.1, -0.1, summary.draws]
    return Said(sentence.strip(), bounds, means=means, shared=shared, gaps=gaps[-1:], limits=[*correlations, *gaps])


@case
def a_cascade(draw: st.DrawFn) -> Said:
    summary = draw(sanity_summaries(3))
    return of_sanity(sanity_sentence(summary, "conv", "cascading"), summary)


@case
def single_layers(draw: st.DrawFn) -> Said:
    summary = draw(sanity_summaries(draw(st.integers(1, 3))))
    return of_sanity(sanity_sentence(summary, "conv", "independent"), summary)


@case
def a_twin(draw: st.DrawFn) -> Said:
    images = draw(counts)
    twin, second = (draw(checked_steps(name, images)) for name in ("twin", "second"))
    gain = draw(estimates(min(twin.correlation.images, second.correlation.images)))
    summary = TwinSummary(twin, second, gain, images)
    means = [twin.correlation, second.correlation, gain]
    sentence = twin_sentence(summary, "conv", "tutorial")
    return Said(sentence.strip(), [0.1, -0.1], means=means, shared=[twin.flat], gaps=[gain], limits=[gain])


# Section: the study's guesses


def contour_of(draw: st.DrawFn, layer: str, images: int) -> LayerContour:
    ceiling = draw(st.one_of(shares, st.just(float("nan"))))
    return LayerContour(layer, *(draw(estimates(images)) for _ in range(3)), ceiling, 0)


@st.composite
def outline_groups(draw: st.DrawFn, name: str, images: int) -> OutlineGroup:
    where, along, inside, use = (draw(estimates(images)) for _ in range(4))
    return OutlineGroup(name, where, along, inside, use, *(draw(share_estimates(images)) for _ in range(3)))


@st.composite
def contours(draw: st.DrawFn) -> ContourGuess:
    """What was found on contours, and of edges at one to three layers."""
    images = draw(counts)
    layers = [contour_of(draw, name, images) for name in ("conv", "relu", AVERAGE)][: draw(st.integers(1, 3))]
    groups = [draw(outline_groups(name, images)) for name in ("all classes", "planes and ships")]
    return ContourGuess(groups[0], groups[1], "conv", tuple(layers), images, 0)


@case
def the_guess_on_contours(draw: st.DrawFn) -> Said:
    found = draw(contours())
    group = found.decides
    shared = [group.use, group.whole, group.outline_shuffled, group.inside_shuffled]
    limits = [group.where, group.use]
    means = [group.where, group.along, group.inside]
    return Said(found.sentence, [0.1, 5], means=means, shared=shared, limits=limits, gaps=limits)


@case
def a_guess_on_contours_in_short(draw: st.DrawFn) -> Said:
    found = draw(contours())
    return Said(found.short, [0.1], means=[found.decides.where], limits=[found.decides.where])


@case
def contours_of_planes_and_ships(draw: st.DrawFn) -> Said:
    group = draw(contours()).craft
    found = draw(contours())
    found = replace(found, craft=group)
    return Said(found.craft_sentence, means=[group.where], shared=[group.use], verdict=group.verdict)


@case
def maps_beside_edges(draw: st.DrawFn) -> Said:
    found = draw(contours())
    own = [mean for layer in found.edges for mean in (layer.own, layer.other)]
    numbers = [layer.ceiling for layer in found.edges]
    return Said(found.edges_sentence, numbers, means=[*own, found.edges[0].excess])


@case
def a_mean_beside_a_threshold(draw: st.DrawFn) -> Said:
    one = draw(estimates())
    return Said(beside_threshold(one, 0.1), [0.1], limits=[one])


@st.composite
def grass_guesses(draw: st.DrawFn) -> GrassGuess:
    images = draw(counts)
    judged = LayerShare("conv", draw(estimates(draw(st.sampled_from((images, 0))))), 0)

    def every() -> tuple[Estimate, ...]:
        return (draw(share_estimates(images)),) * len(COVERS)

    whole, by_cover = draw(share_estimates(images)), [every() for _ in range(6)]
    groups = (
        FrogGroup("before green", draw(estimates(images)), every()),
        FrogGroup("before others", draw(estimates(images)), every()),
    )
    return GrassGuess((judged,), judged, whole, *by_cover, (every(), every()), groups, images, 0, 0)


@case
def the_guess_on_grass(draw: st.DrawFn) -> Said:
    found = draw(grass_guesses())
    shared = [found.judged.beyond, found.whole, found.frog_covered[0], found.background_covered[0]]
    return Said(found.sentence, shared=shared, gaps=[found.judged.beyond])


@case
def grass_behind_pasted_animals(draw: st.DrawFn) -> Said:
    found = draw(grass_guesses())
    return Said(found.green_sentence, shared=[every[0] for every in found.on_green])


@case
def frogs_by_background(draw: st.DrawFn) -> Said:
    found = draw(grass_guesses())
    shared = [mean for group in found.groups for mean in (group.where, group.preference[0])]
    return Said(found.groups_sentence, [found.images], shared=shared)


@case
def a_guess_on_grass_in_short(draw: st.DrawFn) -> Said:
    found = draw(grass_guesses())
    return Said(found.short, shared=[found.preference[0]])


@case
def the_use_of_backgrounds(draw: st.DrawFn) -> Said:
    found = draw(grass_guesses())
    return Said(found.use_sentence, shared=[found.own_background[0], found.other_background[0]])


@case
def the_verdict_on_a_reason(draw: st.DrawFn) -> Said:
    reason: Reason = draw(st.sampled_from(tuple(REASONS)))
    rule, networks = REASONS[reason], draw(st.integers(1, 6))
    changes = [draw(estimates(LEAST_IMAGES)) for _ in range(draw(st.integers(1, 6)))]
    needed = draw(st.sampled_from((7, None)))

    def finding(one: Estimate) -> Finding:
        settings = len(rule.settings)
        change = Change(one, np.zeros(settings), np.full(settings, networks), np.zeros(settings + 1))
        return Finding("end", "conv", change, judge(one, rule.threshold), needed)

    findings = tuple(map(finding, changes))
    found = ReasonVerdict(reason, findings, ())
    ends = [min(one.mean for one in changes), max(one.mean for one in changes)]
    numbers = [7, networks, len(findings), *range(1, 7), *rule.settings, rule.threshold, 100 * rule.threshold, 3]
    numbers += [round(100 * end, 1) for end in ends] if rule.shares else [round(end, 2) for end in ends]
    return Said(found.sentence, numbers, limits=changes, gaps=[*changes, *negated(*changes)])


@case
def the_threshold_of_a_reason(draw: st.DrawFn) -> Said:
    rule = REASONS[draw(st.sampled_from(tuple(REASONS)))]
    return Said(limit_words(rule), [100 * rule.threshold if rule.shares else rule.threshold])


@case
def what_is_measured_beside_a_reason(draw: st.DrawFn) -> Said:
    density, cost, networks = draw(estimates(LEAST_IMAGES)), draw(share_estimates(LEAST_IMAGES)), draw(st.integers(1, 6))
    found = [
        Finding("end", "", Change(one, np.zeros(5), np.full(5, networks), np.zeros(6)), "can't tell", None)
        for one in (density, cost)
    ]
    said = ReasonVerdict("depth", (), (), tuple(found)).beside_sentence
    return Said(said, [20, 2], means=[density], shared=[cost], gaps=[density, *negated(density)])


# Section: single pictures and networks


@case
def the_sum_of_cells(draw: st.DrawFn) -> Said:
    cells = [np.array([[draw(values), draw(values)]], np.float32) for _ in range(2)]
    score, biases, past = draw(values), draw(values), draw(values)
    found = xl.Completeness("conv", xl.Target(1), *cells, score, biases, past, draw(st.booleans()))
    numbers = [found.hirescam_sum, found.grad_cam_sum, score, biases, past, found.residual, found.moved, 0, 1]
    numbers += [float(cell) for map_ in cells for cell in map_.flat]
    return Said(f"{sum_sentence(found)} {averaging_sentence(found)}", numbers, shares=[found.turned_share])


@case
def a_normalisation(draw: st.DrawFn) -> Said:
    mean, std = (tuple(draw(st.floats(0.01, 200)) for _ in range(3)) for _ in range(2))
    found = [one.sentence for one in normalisation_findings(mean, std, None)]
    usual = ((0.494, 0.485, 0.450), (0.247, 0.243, 0.262))
    arrived = [(one - shift) / scale for one, shift, scale in zip(usual[0], mean, std, strict=True)]
    spread = [one / scale for one, scale in zip(usual[1], std, strict=True)]
    sentence = " ".join(found).partition(" a photograph has")[2]
    return Said(f"a photograph has{sentence}", [*arrived, *spread, 0, 1, 255])


@case
def arrays_that_differ(draw: st.DrawFn) -> Said:
    kept, made = (np.array([draw(any_values)], np.float64) for _ in range(2))
    said = difference(kept, made, changed=False) or ""
    return Said(said, [1, 0, kept[0], made[0], made[0] - kept[0]])
