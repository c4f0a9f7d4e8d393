"""The finding on each guess: the verdict, a sentence, the number of images, and charts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.figures.colours import CHOSEN, NEUTRAL
from dashboard.topics.guesses.figure import DotChart, Dots, dots_figure, dots_words
from dashboard.topics.guesses.runs import IMAGES
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.widgets.charts import show_chart
from explain_lib.base.words import counted
from explain_lib.study.guesses import (
    CONTOUR_THRESHOLD,
    GRASS_THRESHOLD,
    ContourGuess,
    DepthGuess,
    GrassGuess,
    Guess,
    LayerContour,
    Verdict,
)

COLOURS: dict[Verdict, Literal["green", "red", "gray"]] = {"supported": "green", "not supported": "red", "can't tell": "gray"}
BOOTSTRAP = (
    "The 95 % interval of a mean: it contains the means of 95 % of 2,000 samples, each with as many images, drawn from these "
    "with repetition (bootstrap)."
)
CORRELATION = "Spearman correlation with edges"
SHOWN = ("whole picture", "background greyed", "frog greyed")
OF_IMAGES = f"test images 0 to {IMAGES - 1:,}"


@dataclass(frozen=True)
class Card:
    """A guess among the three that the page leads with, with the place for its verdict; key: of the page's memory."""

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
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{number} · {guess.title}**", width="content")
        if key in st.session_state:  # what a run before has drawn stays until it is drawn anew
            return Card(number, guess, st.container(width="content"), key)
        place = st.empty()
        place.caption("is being judged", width="content")
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
    charts, and the rule.
    """
    beside = st.container()
    if example is not None:
        left, beside = st.columns([3, 2], gap="medium")
        with left:
            example()
    with beside:
        st.header(f"{card.number} · {card.guess.title}", anchor=False)
        st.markdown(f"*“{card.guess.quote}”*")
        # Not st.empty for all of it: what a run before has drawn stays on the page until it is drawn anew.
        bar, verdict = st.empty(), st.container()
    charts = st.container()
    if not card.is_known:
        bar.progress(0.0, "The verdict follows")
    with st.expander("The rule, and what was known when it was written"):
        st.markdown(card.guess.rule)
    return Section(card, bar, verdict, charts)


@contextmanager
def _found(section: Section) -> Iterator[None]:
    """Into the place of the verdict, without the progress."""
    section.bar.empty()
    st.session_state[section.card.key] = True
    with section.verdict:
        yield


def show_contour_guess(found: ContourGuess, section: Section) -> None:
    """The first guess: each layer's correlation with own and with other edges, and the difference."""
    rows = [layer.layer for layer in found.layers]
    bold = rows.index(found.judged.layer)
    beyond = Dots("own minus other", CHOSEN, tuple(layer.excess for layer in found.layers))
    with _found(section):
        count = f"{counted(found.judged.excess.images)} count, of {OF_IMAGES}{_left_out(found)}"
        _verdict(section, found.verdict, found.sentence, count)
    limit = CONTOUR_THRESHOLD, f"the rule's {CONTOUR_THRESHOLD:g}"
    charts = {
        "contour-edges": DotChart(CORRELATION, rows, _own_and_other(found.layers), bold),
        "contour-beyond": DotChart("own minus other edges", rows, [beyond], bold, limit),
    }
    _charts(section, charts)


def show_depth_guess(found: DepthGuess, section: Section) -> None:
    """The second guess: the same correlations of three networks, and how often they are right."""
    rows = [f"{network.name}<br>{network.contour.layer}" for network in found.networks]
    right = Dots("right", CHOSEN, tuple(network.accuracy for network in found.networks))
    with _found(section):
        _verdict(section, found.verdict, found.sentence, f"{counted(found.images)}: {OF_IMAGES}, the same for each network")
    charts = {
        "depth-edges": DotChart(CORRELATION, rows, _own_and_other([network.contour for network in found.networks])),
        "depth-right": DotChart("right predictions", rows, [right], percent=True),
    }
    _charts(section, charts)


def show_grass_guess(found: GrassGuess, section: Section) -> None:
    """The third guess: where the maps lie, and what the network says without the background or the frog."""
    rows = [layer.layer for layer in found.layers]
    bold = rows.index(found.judged.layer)
    beyond = Dots("beyond the area", CHOSEN, tuple(layer.excess for layer in found.layers))
    shown = Dots("frog", CHOSEN, (found.whole, found.frog_only, found.background_only))
    with _found(section):
        _verdict(section, found.verdict, found.sentence, _frogs_that_count(found))
    if found.images == 0:
        return
    title = "background's share of the map minus its share of the area"
    limit = GRASS_THRESHOLD, f"the rule's {GRASS_THRESHOLD:.0%}"
    charts = {
        "grass-where": DotChart(title, rows, [beyond], bold, limit, percent=True),
        "grass-need": DotChart("probability of frog", SHOWN, [shown], percent=True),
    }
    _charts(section, charts)


def _frogs_that_count(found: GrassGuess) -> str:
    left = {"rejected": found.rejected, "without a usable outline": found.without_outline}
    words = ", ".join(f"{number:,} {why}" for why, number in left.items() if number)
    count = "1 frog counts" if found.images == 1 else f"{found.images:,} frogs count"
    return f"{count}; left out: {words}" if words else count


def _own_and_other(layers: Sequence[LayerContour]) -> list[Dots]:
    return [
        Dots("its own edges", CHOSEN, tuple(layer.own for layer in layers)),
        Dots("another picture's", NEUTRAL, tuple(layer.other for layer in layers)),
    ]


def _left_out(found: ContourGuess) -> str:
    most = max(layer.left_out for layer in found.layers)
    words = f"; at other layers up to {most:,} are left out because their map is the same everywhere"
    return words if most > found.judged.left_out else ""


def _verdict(section: Section, verdict: Verdict, sentence: str, count: str) -> None:
    section.card.verdict.badge(verdict, color=COLOURS[verdict])
    st.badge(verdict, color=COLOURS[verdict])
    st.markdown(plain(sentence))
    st.caption(plain(count) + ".", help=BOOTSTRAP + terms.see("interval"))


def _charts(section: Section, charts: Mapping[str, DotChart]) -> None:
    """Charts by their keys, side by side, one below the other on a phone."""
    with section.charts:
        for column, (key, chart) in zip(st.columns(len(charts), gap="medium"), charts.items(), strict=True):
            with column:
                show_chart(dots_figure(chart), key=key, alt=dots_words(chart))
