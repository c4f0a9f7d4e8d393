"""The finding on each guess: the verdict, a sentence, the number of images, and charts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.figures.colours import CHOSEN, NEUTRAL
from dashboard.topics.guesses.by_network import networks_figure, networks_words
from dashboard.topics.guesses.figure import DotChart, Dots, dots_figure, dots_words
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.widgets.charts import show_chart
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import counted
from explain_lib.study.covers import COVERS
from explain_lib.study.guesses import FIRST_IMAGES, ContourGuess, GrassGuess, LayerContour
from explain_lib.study.reasons.plan import REASONS
from explain_lib.study.reasons.rows import ReasonRows
from explain_lib.study.reasons.training import END
from explain_lib.study.reasons.verdicts import ReasonVerdict, limit_words
from explain_lib.study.rules import CONTOUR_THRESHOLD, GRASS_THRESHOLD, Guess, Verdict

COLOURS: dict[Verdict, Literal["green", "red", "gray"]] = {"supported": "green", "not supported": "red", "can't tell": "gray"}
BOOTSTRAP = (
    "The 95 % interval of a mean: it contains the means of 95 % of 2,000 samples, each with as many images, drawn from these "
    "with repetition (bootstrap)."
)
OF_NETWORKS = (
    "The 95 % interval is about other networks and other pictures: both are drawn anew 2,000 times, with repetition "
    "(bootstrap), and it is made wider for how few networks there are (Student's t)."
)
CORRELATION = "Spearman correlation with edges"
OF_IMAGES = f"test images 0 to {FIRST_IMAGES - 1:,}"
POINTS = GRASS_THRESHOLD, f"the rule's {GRASS_THRESHOLD:.0%}"


@dataclass(frozen=True)
class Card:
    """A guess among those that the page leads with, with the place for its verdict; key: of the page's memory."""

    number: int
    guess: Guess
    verdict: DeltaGenerator
    key: str

    @property
    def is_known(self) -> bool:
        """Whether the page has had the verdict before."""
        return self.key in st.session_state


def verdict_cards(guesses: Sequence[Guess], model: str) -> list[Card]:
    """A card a guess, one below the other."""
    return [_card(number, guess, f"found: {guess.title} {model}") for number, guess in enumerate(guesses, 1)]


def _card(number: int, guess: Guess, key: str) -> Card:
    with st.container(border=True, gap="small"):
        st.markdown(f"**{number} · {guess.title}**")
        if key in st.session_state:  # what a run before has drawn stays until it is drawn anew
            return Card(number, guess, st.container(), key)
        place = st.empty()
        place.caption("is being judged")
        return Card(number, guess, place, key)


@dataclass(frozen=True)
class Section:
    """The places on the page for a guess's progress, for its verdict and for its charts."""

    card: Card
    bar: DeltaGenerator
    verdict: DeltaGenerator
    charts: DeltaGenerator


def open_section(card: Card, example: Callable[[], None] | None = None) -> Section:
    """The guess in the study's words under a heading, over the place for its verdict, beside its example; below, a place for
    charts, what would change the verdict, and the rule.
    """
    guess, beside = card.guess, st.container()
    if example is not None:
        left, beside = st.columns([3, 2], gap="medium")
        with left:
            example()
    with beside:
        st.header(f"{card.number} · {guess.title}", anchor=False)
        st.markdown(f"*“{guess.quote}”*")
        # Not st.empty for all of it: what a run before has drawn stays on the page until it is drawn anew.
        bar, verdict = st.empty(), st.container()
    charts = st.container()
    st.markdown(f"**What would change our mind** · {guess.mind}")
    with st.expander(f"The rule of {guess.written.day} {guess.written:%B %Y}, and what was known"):
        st.markdown(f"{guess.rule}\n\n{guess.known}")
    return Section(card, bar, verdict, charts)


@contextmanager
def _found(section: Section) -> Iterator[None]:
    """Into the place of the verdict, without the progress."""
    section.bar.empty()
    st.session_state[section.card.key] = True
    with section.verdict:
        yield


def show_contour_guess(found: ContourGuess, section: Section) -> None:
    """The guess on contours: outline against inside, in maps and in what the network says; and maps beside edges."""
    groups = (found.decides, found.craft)
    names = [group.name for group in groups]
    with _found(section):
        _verdict(section, found.verdict, found.sentence, _pictures_that_count(found), found.short)
        _part("planes and ships", found.craft.verdict, found.craft_sentence)
        st.caption(plain(found.edges_sentence))
    where = [Dots("beyond another outline", CHOSEN, tuple(group.where for group in groups))]
    use = [Dots("beyond another outline", CHOSEN, tuple(group.use for group in groups))]
    limit = CONTOUR_THRESHOLD, f"the rule's {CONTOUR_THRESHOLD:g}"
    beyond = "beyond another outline"
    charts = {
        "contour-where": DotChart(f"density along the outline less inside, {beyond}", names, where, 0, limit),
        "contour-use": DotChart(f"cost of a shuffled outline less inside, {beyond}", names, use, 0, POINTS, percent=True),
    }
    _charts(section, charts)
    rows = [layer.layer for layer in found.edges]
    _charts(section, {"contour-edges": DotChart(CORRELATION, rows, _own_and_other(found.edges), rows.index(found.layer))})


def show_reason(found: ReasonVerdict, rows: ReasonRows, section: Section) -> None:
    """A reason: the networks as dots, and each comparison's change beside the rule's threshold."""
    rule = REASONS[found.reason]
    seeds = len(set(rows.seeds.tolist()))
    count = f"{counted(len(rows.networks), 'network')}, {counted(seeds, 'seed')}, {rows.values.shape[2]:,} pictures"
    with _found(section):
        _verdict(section, found.verdict, found.sentence, count, found.short, OF_NETWORKS)
        if found.beside_sentence:
            st.caption(plain(found.beside_sentence))
    names = [f"{one.column} · {_stage(one.stage)}" for one in found.findings]
    changes = Dots("change", CHOSEN, tuple(one.change.estimate for one in found.findings))
    limit = rule.threshold, f"the rule's {limit_words(rule)}"
    title = f"change from {rule.settings[-1]} to {rule.settings[0]} {rule.unit}"
    comparisons = DotChart(title, names, [changes], limit=limit, percent=rule.shares)
    with section.charts:
        left, right = st.columns(2, gap="medium")
        with left:
            show_chart(networks_figure(rows), key=f"{found.reason}-networks", alt=networks_words(rows))
        with right:
            show_chart(dots_figure(comparisons), key=f"{found.reason}-changes", alt=dots_words(comparisons))


def _stage(stage: str) -> str:
    return "end" if stage == END else stage.replace("at-", "at ") + " %"


def show_grass_guess(found: GrassGuess, section: Section) -> None:
    """The guess on grass: where the maps lie, which of the two is preferred, whether the background is used, and grass
    itself.
    """
    rows = [layer.layer for layer in found.layers]
    with _found(section):
        _verdict(section, found.verdict, found.sentence, _frogs_that_count(found), found.short)
        if found.images:
            st.caption(plain(found.groups_sentence))
            _part("uses the background", found.use_verdict, found.use_sentence)
            _part("grass by itself", found.green_verdict, found.green_sentence)
    if found.images == 0:
        return
    beyond = Dots("beyond another outline", CHOSEN, tuple(layer.beyond for layer in found.layers))
    frogs, animals = found.on_green
    charts = {
        "grass-where": DotChart(
            "map on the background beyond chance", rows, [beyond], rows.index(found.judged.layer), POINTS, True
        ),
        "grass-preference": _by_cover("frog covered less background covered", {"frog": found.preference}),
        "grass-use": _by_cover("own background less another animal's", {"frog": found.use}),
        "grass-green": _by_cover("on green less on other backgrounds", {"pasted frogs": frogs, "other animals": animals}),
    }
    every = list(charts.items())
    for pair in (every[:2], every[2:]):
        _charts(section, dict(pair))


def _by_cover(title: str, series: Mapping[str, tuple[Estimate, ...]]) -> DotChart:
    """The probability of frog, a row a cover."""
    colours = (CHOSEN, NEUTRAL)
    dots = [Dots(name, colour, means) for (name, means), colour in zip(series.items(), colours, strict=False)]
    return DotChart(f"probability of frog: {title}", COVERS, dots, limit=POINTS, percent=True)


def _frogs_that_count(found: GrassGuess) -> str:
    left = {"rejected": found.rejected, "without a usable outline": found.without_outline}
    words = ", ".join(f"{number:,} {why}" for why, number in left.items() if number)
    count = "1 frog counts" if found.images == 1 else f"{found.images:,} frogs count"
    green = f"; {found.groups[0].where.images:,} stand before mainly green" if found.images else ""
    return f"{count}{green}; left out: {words}" if words else f"{count}{green}"


def _pictures_that_count(found: ContourGuess) -> str:
    rejected = f", {found.rejected:,} rejected" if found.rejected else ""
    count = f"{counted(found.images)} with a usable outline count, of {OF_IMAGES}{rejected}"
    return f"{count}; planes and ships: {counted(found.craft.where.images)}"


def _own_and_other(layers: Sequence[LayerContour]) -> list[Dots]:
    return [
        Dots("its own edges", CHOSEN, tuple(layer.own for layer in layers)),
        Dots("another picture's", NEUTRAL, tuple(layer.other for layer in layers)),
    ]


def _verdict(section: Section, verdict: Verdict, sentence: str, count: str, short: str, interval: str = BOOTSTRAP) -> None:
    """short: the number that decides, for the card. interval: what the intervals are about."""
    with section.card.verdict, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(verdict, color=COLOURS[verdict])
        st.caption(plain(short), width="content")
    st.badge(verdict, color=COLOURS[verdict])
    st.markdown(plain(sentence))
    st.caption(plain(count) + ".", help=interval + terms.see("interval"))


def _part(what: str, verdict: Verdict, sentence: str) -> None:
    """A part of the guess with a verdict of its own."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{what}**", width="content")
        st.badge(verdict, color=COLOURS[verdict])
    st.markdown(plain(sentence))


def _charts(section: Section, charts: Mapping[str, DotChart]) -> None:
    """Charts by their keys, side by side, one below the other on a phone."""
    with section.charts:
        for column, (key, chart) in zip(st.columns(len(charts), gap="medium"), charts.items(), strict=True):
            with column:
                show_chart(dots_figure(chart), key=key, alt=dots_words(chart))
