"""Both sides and their difference on the page: numbers, maps side by side, the histogram, both in turn."""

from base64 import b64encode
from math import isnan

import streamlit as st

import explain_lib as xl
from dashboard.figures.map_figure import diverging, map_picture, sequential
from dashboard.topics.sides.figure import histogram_figure, histogram_words
from dashboard.topics.sides.pair import Pair
from dashboard.topics.sides.side import common_scale
from dashboard.view import terms
from dashboard.view.address import bound
from dashboard.view.captions import picture_words
from dashboard.widgets.charts import show_chart
from dashboard.widgets.map_card import NO_DIFFERENCE, MapCard, show_map, show_maps
from dashboard.widgets.pictures import show_picture
from dashboard.widgets.presentation import enlarged
from explain_lib.base.maps import Map
from explain_lib.compare.comparison import METRICS, Metric
from explain_lib.pictures.rendering import png

METRIC_WIDTH = 168
CARD_WIDTH = 280
FLICKER_SIDE = 256
# One step every 0.8 s: far below the three flashes a second that can harm.
_STYLE = """<style>
.flicker { position: relative; width: SIDEpx; height: calc(SIDEpx + 1.6rem); }
.flicker figure { position: absolute; inset: 0; margin: 0; animation: flicker 1.6s steps(1) infinite; }
.flicker figure:last-child { animation-delay: -0.8s; }
.flicker img { width: SIDEpx; height: SIDEpx; image-rendering: pixelated; border-radius: 0; }
.flicker figcaption { font-size: 0.875rem; }
@keyframes flicker { 0% { opacity: 1; } 50% { opacity: 0; } }
</style>"""


def show_metrics(comparison: xl.Comparison) -> None:
    """A card a metric."""
    with st.container(key="aside-metrics"), st.grid(min_column_width=METRIC_WIDTH, gap="xsmall"):
        for metric in METRICS:
            with st.container(border=True, gap="xxsmall"):
                value = float(getattr(comparison, metric.name))
                st.metric(metric.title, "not defined" if isnan(value) else f"{value:.4f}", help=_help(metric))
                st.caption(f"{metric.word}  \n{_which_way(metric)}")


def _which_way(metric: Metric) -> str:
    way = "higher" if metric.higher_is_closer else "lower"
    return f"{way} is closer, {metric.equal:g} equal"


def _help(metric: Metric) -> str:
    undefined = " Not defined where a map is constant or too small." if metric.higher_is_closer else ""
    return f"{metric.meaning} {_which_way(metric).capitalize()}.{undefined}"


def show_difference(pair: Pair, causes: dict[str, Map]) -> None:
    """Both maps and their difference, with its sign and without. causes: the part of each, for the words under the pointer."""
    under_pointer = {"a": pair.a.values, "b": pair.b.values, "b − a": pair.comparison.difference, **causes}
    show_maps(_cards(pair), under_pointer, CARD_WIDTH)


def show_apart(pair: Pair) -> None:
    """Both maps, each on a scale of its own, where they cannot be subtracted."""
    with st.grid(min_column_width=enlarged(CARD_WIDTH), gap="small"):
        for key, side in {"map-a": pair.a, "map-b": pair.b}.items():
            with st.container():
                scale = common_scale((side.values,), (side, side))
                show_map(MapCard(side.title, side.how, side.values, scale), {"value": side.values}, key)


def _cards(pair: Pair) -> dict[str, MapCard]:
    a, b, scale, comparison = pair.a, pair.b, pair.scale, pair.comparison
    signed, size, peak = comparison.difference, abs(comparison.difference), comparison.max_abs or 1.0
    which = f"Red: b is larger. Blue: a is larger. White: they agree. The range ends at the largest difference, {peak:.3g}."
    row, column = divmod(int(size.argmax()), size.shape[1])
    how_far = (
        f"How far apart the two are. The range ends at the largest difference, at row {row}, column {column}, counted from 0."
    )
    return {
        "map-a": MapCard(a.title, a.how, a.values, scale),
        "map-b": MapCard(b.title, b.how, b.values, scale),
        "map-signed": MapCard("b − a · signed difference", which, signed, diverging(peak), NO_DIFFERENCE),
        "map-size": MapCard("|b − a| · absolute difference", how_far, size, sequential(0, peak), NO_DIFFERENCE),
    }


def show_spread(pair: Pair) -> None:
    """The histogram of the differences, and beside it the picture, and both maps in turn."""
    scene, difference = pair.scene, pair.comparison.difference
    chart, places = st.columns([1, 1], gap="medium")
    with chart:
        st.markdown("**How the differences are spread**", help=terms.HISTOGRAM)
        show_chart(histogram_figure(difference), key="histogram", alt=histogram_words(difference))
    with places, st.container(horizontal=True, gap="medium"):
        with st.container(width="content"):
            st.markdown("**The picture**")
            show_picture(scene.picture, "", picture_words(scene, scene.view.image), side=FLICKER_SIDE)
        with st.container(width=FLICKER_SIDE):
            _flicker(pair)


def _flicker(pair: Pair) -> None:
    st.toggle("Flicker between a and b", **bound("flicker", pair.scene.view.flicker), help=terms.FLICKER)
    if not pair.scene.view.flicker:
        with st.container(key="aside-flicker"):
            st.caption("Shows the two maps in turn in one place: what differs seems to move.")
        return
    sides = ((map_picture(side.values, pair.scale, FLICKER_SIDE), side.title) for side in (pair.a, pair.b))
    figures = "".join(
        f'<figure><img src="data:image/png;base64,{b64encode(png(picture)).decode()}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
        for picture, words in sides
    )
    st.html(_STYLE.replace("SIDE", str(FLICKER_SIDE)) + f'<div class="flicker">{figures}</div>')
