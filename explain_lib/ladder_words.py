"""What a ladder says, in plain sentences that are written from its numbers."""

from collections.abc import Mapping

from explain_lib.bootstrap import Estimate
from explain_lib.imputation import FILLS, Fill
from explain_lib.ladder_summary import LEAST_IMAGES, Measure, Ranking, RungSummary, is_more_than_chance
from explain_lib.layer_ladder import CENTRE, RANDOM
from explain_lib.number_words import interval, listed, number

FILL_WORDS: Mapping[Fill, str] = {"grey": "mid grey", "blur": "the blurred picture", "noisy-linear": "noisy linear imputation"}


def measure_words(measure: Measure, fill: Fill) -> str:
    """The measure and its fill, as "deletion with mid grey"; ROAD has its own."""
    return "ROAD" if measure == "road" else f"{measure} with {FILL_WORDS[fill]}"


def ranking_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """Which layer is best, whether that is more than chance, and whether it beats the centre and chance itself."""
    values = {one.rung.name: one.value(ranking.measure, ranking.fill) for one in summary}
    layers = sum(one.rung.kind == "layer" for one in summary)
    if ranking.best is None:
        return "No layer ranks pixels: every map is the same everywhere, or not finite."
    how = measure_words(ranking.measure, ranking.fill)
    how = how[0].upper() + how[1:] if how != "ROAD" else how
    first = "the only layer" if layers == 1 else f"the best of {layers} layers"
    words = f"{how}: {first} is {ranking.best} ({_value(values[ranking.best], ranking.images)})"
    return f"{words}{_lead(ranking, values)}. {_baselines(ranking, values)}"


def _value(estimate: Estimate, images: int) -> str:
    return number(estimate.mean) if images == 1 else f"{number(estimate.mean)} {interval(estimate)}"


def _lead(ranking: Ranking, values: Mapping[str, Estimate]) -> str:
    lead = ranking.lead
    if lead is None or ranking.second is None:
        return ""
    ahead = f", ahead of {ranking.second} ({number(values[ranking.second].mean)}) by {number(lead.mean)}"
    if ranking.images < LEAST_IMAGES:
        few = "one image is" if ranking.images == 1 else f"{ranking.images} images are"
        return f"{ahead}; {few} too few to tell whether that is more than chance"
    chance = "more than chance" if is_more_than_chance(lead) else "no more than chance"
    words = f"{ahead} {interval(lead)}, paired over {lead.images:,} images: {chance}"
    others = [name for name in ranking.tied if name != ranking.second]
    return f"{words}. Nor can it be told from {listed(others)}" if others else words


def centre_sentence(ranking: Ranking, summary: tuple[RungSummary, ...]) -> str:
    """Whether the best layer beats the centre, the order that asks no network; empty where no layer ranks pixels."""
    values = {one.rung.name: one.value(ranking.measure, ranking.fill) for one in summary}
    return "" if ranking.over_centre is None else _against_centre(ranking, ranking.over_centre, values[CENTRE])


def _baselines(ranking: Ranking, values: Mapping[str, Estimate]) -> str:
    centre, chance = ranking.over_centre, ranking.over_random
    if centre is None or chance is None:
        return ""
    return f"{_against_centre(ranking, centre, values[CENTRE])} {_against_random(ranking, chance, values[RANDOM])}"


def _against_centre(ranking: Ranking, gap: Estimate, centre: Estimate) -> str:
    baseline = f"“{CENTRE}” ({number(centre.mean)}), which asks no network"
    if gap.mean <= 0:
        return f"No layer beats {baseline}: {ranking.best} is behind it by {_gap(-gap.mean, gap, turned=True)}."
    if ranking.images < LEAST_IMAGES:
        return f"It is ahead of {baseline}, by {_gap(gap.mean, gap)}."
    if is_more_than_chance(gap):
        return f"It beats {baseline}, by {_gap(gap.mean, gap)}."
    return f"No layer beats {baseline}, by more than chance: {ranking.best} is ahead by {_gap(gap.mean, gap)}."


def _against_random(ranking: Ranking, gap: Estimate, chance: Estimate) -> str:
    baseline = f"Random order gets {number(chance.mean)}"
    if ranking.images < LEAST_IMAGES:
        return f"{baseline}."
    if not is_more_than_chance(gap):
        return f"{baseline}: {ranking.best} cannot be told from it."
    return f"{baseline}: {ranking.best} is {'better' if gap.mean > 0 else 'worse'} by {_gap(abs(gap.mean), gap, gap.mean < 0)}."


def _gap(size: float, estimate: Estimate, turned: bool = False) -> str:
    """A difference with its interval, the interval turned round with the sign; one image has none."""
    if estimate.images == 1:
        return number(size)
    ends = Estimate(-estimate.mean, -estimate.high, -estimate.low, estimate.images) if turned else estimate
    return f"{number(size)} {interval(ends)}"


def opinions_sentence(ranking: Ranking) -> str:
    """Whether another method does better than Grad-CAM at the same layer; empty where none was asked, or of few images."""
    if not ranking.opinions or ranking.images < LEAST_IMAGES:
        return ""
    layer = ranking.opinions[0][0].partition(" at ")[2]
    words = [f"{name.partition(' at ')[0]} is {_against(gap)}" for name, gap in ranking.opinions]
    return f"At {layer}, beside Grad-CAM on the same images: {listed(words)}."


def _against(gap: Estimate) -> str:
    if not is_more_than_chance(gap):
        return f"no different by more than chance ({number(gap.mean, sign=True)} {interval(gap)})"
    return f"{'better' if gap.mean > 0 else 'worse'} by {_gap(abs(gap.mean), gap, gap.mean < 0)}"


def fill_sentence(rankings: Mapping[Fill, Ranking]) -> str:
    """Whether it matters what stands in the place of removed pixels: rankings by one measure, one for each fill."""
    best = {fill: ranking.best for fill, ranking in rankings.items()}
    places = {fill: ranking.order.index(RANDOM) + 1 for fill, ranking in rankings.items()}
    total, measure = len(rankings["grey"].order), rankings["grey"].measure
    chance = listed([f"place {places[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
    if len(set(best.values())) == 1:
        first = f"By {measure} the best layer is {best['grey']} whatever stands in the place of removed pixels"
    else:
        each = listed([f"{best[fill]} with {FILL_WORDS[fill]}" for fill in FILLS])
        first = f"By {measure} the fill decides which layer is best: {each}"
    return f"{first}. Of {total} rows, random order has {chance}."
