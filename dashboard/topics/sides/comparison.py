"""Both sides and their difference on the page: the stage of their maps, numbers, the histogram."""

from dataclasses import replace

import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import map_words
from dashboard.figures.panel import NO_DIFFERENCE, Panel
from dashboard.figures.scale import Scale
from dashboard.topics.sides.causes import cause_row
from dashboard.topics.sides.figure import histogram_figure, histogram_words
from dashboard.topics.sides.pair import Pair
from dashboard.topics.sides.plus_plus import plus_plus_warning, show_plus_plus
from dashboard.topics.sides.side import Side, common_scale
from dashboard.view import terms
from dashboard.view.captions import grid_caption
from dashboard.widgets.charts import show_chart
from dashboard.widgets.explained import original_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.words import fine
from explain_lib.compare.comparison import METRICS, Metric

METRIC_WIDTH = 168
SIDE = 224
"""Of the picture and each map, in pixels: five side by side on a small laptop."""
OTHERS = "Six more numbers: root mean square, largest difference, two correlations, structure, brightest fifths"


def show_headline(comparison: xl.Comparison) -> None:
    """The mean difference of a pixel."""
    metric = METRICS[0]
    value = float(getattr(comparison, metric.name))
    st.metric(metric.title, fine(value, 4), help=_help(metric))
    st.caption(f"{metric.word}  \n{_which_way(metric)}")


def show_other_metrics(comparison: xl.Comparison) -> None:
    """A card for each of the others, folded."""
    with st.expander(OTHERS), st.container(key="aside-metrics"), st.grid(min_column_width=METRIC_WIDTH, gap="xsmall"):
        for metric in METRICS[1:]:
            with st.container(border=True, gap="xxsmall"):
                value = float(getattr(comparison, metric.name))
                st.metric(metric.title, fine(value, 4), help=_help(metric))
                st.caption(f"{metric.word}  \n{_which_way(metric)}")


def _which_way(metric: Metric) -> str:
    way = "higher" if metric.higher_is_closer else "lower"
    return f"{way} is closer, {metric.equal:g} equal"


def _help(metric: Metric) -> str:
    undefined = " Not defined where a map is constant or too small." if metric.higher_is_closer else ""
    return f"{metric.meaning} {_which_way(metric).capitalize()}.{undefined}"


def show_difference(pair: Pair, found: xl.Decomposition | None) -> None:
    """The picture, both maps and their difference, with its sign and without, and below them the part of each cause."""
    show_stage(difference_stage(pair, found))


def difference_stage(pair: Pair, found: xl.Decomposition | None) -> Stage:
    """The stage of show_difference."""
    causes = () if found is None else cause_row(pair, found)
    *rows, last = Row(_panels(pair)), *causes
    words = "\n".join(filter(None, (last.caption, _how(pair))))
    count = len(rows) + 1
    return Stage((*rows, replace(last, caption=words)), line_after=count, fits=count)


def warn_of_sides(pair: Pair, *, on_the_way: bool) -> None:
    """A warning where a side is Grad-CAM++ at a layer that is not right for it, or a map on the way from a to b."""
    scene, sides = pair.scene, [side.configuration.settings for side in (pair.a, pair.b)]
    show_plus_plus(plus_plus_warning(scene.model, scene.seen[None], scene.target, sides, scene.name, on_the_way=on_the_way))


def show_apart(pair: Pair) -> None:
    """Both maps beside the picture, each on a scale of its own, where they cannot be subtracted."""
    show_stage(apart_stage(pair))


def apart_stage(pair: Pair) -> Stage:
    """The stage of show_apart."""
    panels = [
        replace(
            _side_panel(pair, letter, side, common_scale((side.values,), (side, side))),
            caption=f"{grid_caption((side.values.shape[0], side.values.shape[1]))} cells, on a scale of its own",
        )
        for letter, side in (("a", pair.a), ("b", pair.b))
    ]
    return Stage((Row((original_panel(pair.scene, SIDE), *panels), caption=_how(pair)),))


def _panels(pair: Pair) -> tuple[Panel, ...]:
    scene, comparison, peak = pair.scene, pair.comparison, pair.comparison.max_abs or 1.0
    signed, size = comparison.difference, abs(comparison.difference)
    row, column = divmod(int(size.argmax()), size.shape[1])
    difference = Panel(
        "map-signed", map_words("b − a, signed difference", signed), SIDE, title="b − a", values=signed,
        caption="Red: b is larger. Blue: a is larger. White: they agree.", drawing=xl.Drawing(signed=True), reach=peak,
        place=place_of(scene), when_zero=NO_DIFFERENCE, bar=True,
    )  # fmt: skip
    apart = Panel(
        "map-size", map_words("|b − a|, absolute difference", size), SIDE, title="|b − a|", values=size, reach=peak,
        caption=f"The largest gap is at row {row}, column {column}, counted from 0.",
        place=place_of(scene), when_zero=NO_DIFFERENCE, bar=True,
    )  # fmt: skip
    a, b = (_side_panel(pair, letter, side, pair.scale) for letter, side in (("a", pair.a), ("b", pair.b)))
    return original_panel(scene, SIDE), a, b, difference, apart


def _side_panel(pair: Pair, letter: str, side: Side, scale: Scale) -> Panel:
    return Panel(
        f"map-{letter}", map_words(side.title, side.values), SIDE, title=side.title, label=letter, values=side.values,
        drawing=scale.drawing, reach=scale.high, place=place_of(pair.scene), bar=True,
    )  # fmt: skip


def _how(pair: Pair) -> str:
    return f"a: {pair.a.how}\nb: {pair.b.how}"


def show_spread(pair: Pair) -> None:
    """The histogram of the differences."""
    difference = pair.comparison.difference
    st.markdown("**How the differences are spread**", help=terms.HISTOGRAM)
    show_chart(histogram_figure(difference), key="histogram", alt=histogram_words(difference))
