"""The advice in sentences."""

from explain_lib.advice.choice import CHANCE_IS_ZERO, Advice, ByMeasure
from explain_lib.base.statistics import LEAST_IMAGES
from explain_lib.base.words import counted, direction, few_images, listed, mean_words
from explain_lib.trust.measures import MEASURE_WORDS


def advice_sentence(advice: Advice) -> str:
    """One or two sentences: the layer to hook, those that are tied, or on which the measures disagree."""
    if not advice.by_measure:
        return "No layer ranks pixels: no map is finite."
    if len(advice.layers) == 1:
        return f"{advice.layers[0]} is the only candidate; a second one would be right, to compare it with."
    if advice.images < LEAST_IMAGES:
        return _of_few(advice)
    of = f"of {counted(len(advice.layers), 'layer')}, over {counted(advice.images)}"
    if advice.measures_disagree:
        return f"The measures disagree: {of}, none is near the best by all three ({_each(advice)})."
    if advice.pick is None:
        behind = "no measure puts any of them behind the best by more than chance"
        return f"{listed(list(advice.tied))} are tied: {of}, {behind}. {_chance(advice)}"
    return f"Hook {advice.pick}: {of}, it alone is behind by no measure ({_each(advice)}). {_chance(advice)}"


def headline(advice: Advice) -> str:
    """The advice in a word or two: a name, those that are tied, or that the measures disagree."""
    if advice.pick is not None:
        return advice.pick
    if advice.tied:
        return " or ".join(advice.tied) if len(advice.tied) == 2 else f"{len(advice.tied)} are tied"
    return "measures disagree" if advice.measures_disagree else "none"


def _of_few(advice: Advice) -> str:
    owners = [f"{one.leader} by {MEASURE_WORDS[one.measure]}" for one in advice.by_measure]
    best = f"the best number belongs to {listed(owners)}"
    if len({one.leader for one in advice.by_measure}) == 1:
        best = f"{advice.by_measure[0].leader} has the best number by all three measures"
    which = "this picture" if advice.images == 1 else f"these {advice.images} pictures"
    fewer = few_images(advice.images)
    return (
        f"Of {counted(len(advice.layers), 'layer')}, on {which}, {best}. {fewer[0].upper()}{fewer[1:]} to name the layer to "
        f"hook; {LEAST_IMAGES} or more would be right."
    )


def _each(advice: Advice) -> str:
    """The best layers by each measure."""
    blind = [MEASURE_WORDS[one.measure] for one in advice.by_measure if len(one.among_best) == len(one.gaps)]
    said = [_by_measure(one) for one in advice.by_measure if len(one.among_best) < len(one.gaps)]
    if blind:
        said.append(f"{listed(blind)} {'tells' if len(blind) == 1 else 'tell'} none of them apart")
    return "; ".join(said)


def _by_measure(one: ByMeasure) -> str:
    words, others = MEASURE_WORDS[one.measure], [name for name in one.among_best if name != one.leader]
    if others:
        return f"by {words} {one.leader}, which cannot be told from {listed(others)}"
    name, gap = min(((name, gap) for name, gap in one.gaps if name != one.leader), key=lambda other: other[1].mean)
    return f"by {words} {one.leader}, ahead of {name} by {mean_words(gap)}"


def _chance(advice: Advice) -> str:
    """How the layer stands beside an order by chance, by the measures that tell."""
    name = advice.first or ""
    place = advice.layers.index(name)
    means = [(one.measure, one.means[place]) for one in advice.by_measure if one.measure in CHANCE_IS_ZERO]
    above = [f"{MEASURE_WORDS[measure]} ({mean_words(mean)})" for measure, mean in means if direction(mean) > 0]
    if above:
        return f"{name} beats chance, which has 0, by {listed(above)}."
    numbers = listed([f"{MEASURE_WORDS[measure]} {mean_words(mean)}" for measure, mean in means])
    return f"But {name} does not beat chance, which has 0: {numbers}."


def dropped_sentence(advice: Advice) -> str:
    """Which candidates were not measured on all pictures; empty if all were."""
    if not advice.dropped:
        return ""
    words = [f"{one.layer} after {counted(one.images, 'picture')}" for one in advice.dropped]
    return f"Behind by all three measures, and measured no further: {listed(words)}."


def advice_lines(advice: Advice) -> tuple[str, ...]:
    """A head, and a line a candidate: its means by the three measures and its standing; nothing without numbers."""
    if not advice.by_measure:
        return ()
    width = max(map(len, advice.layers))
    head = "  ".join(f"{MEASURE_WORDS[one.measure]:24}" for one in advice.by_measure)
    lines = []
    for place, name in enumerate(advice.layers):
        numbers = "  ".join(f"{mean_words(one.means[place], advice.images):24}" for one in advice.by_measure)
        lines.append(f"{name:{width}}  {numbers}  {standing(advice, name)}".rstrip())
    return f"{'':{width}}  {head}".rstrip(), *lines


def standing(advice: Advice, name: str) -> str:
    """What became of a candidate, in a few words; empty where too few pictures tell nothing."""
    if name not in dict(advice.by_measure[0].gaps) | {one.layer: one for one in advice.dropped}:
        return "no map that ranks pixels"
    after = {one.layer: one.images for one in advice.dropped}
    if name in after:
        return f"dropped after {counted(after[name], 'picture')}"
    if name == advice.pick:
        return "hook this"
    if name in advice.tied:
        return "tied" if advice.images >= LEAST_IMAGES else ""
    behind = [MEASURE_WORDS[one.measure] for one in advice.by_measure if name not in one.among_best]
    return f"behind by {listed(behind)}" if behind else "perhaps behind"
