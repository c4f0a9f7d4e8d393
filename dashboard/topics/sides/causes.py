"""Why two maps differ: a map for each cause, a sentence, a waterfall."""

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import map_words
from dashboard.figures.panel import Panel
from dashboard.figures.waterfall_figure import waterfall_figure, waterfall_words
from dashboard.topics.sides.cause_words import agreement_sentence, causes_sentences, causes_with_effect, differ, setting_words
from dashboard.topics.sides.pair import Pair
from dashboard.topics.sides.side import Side, decompose_sides
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row
from explain_lib.base.maps import Map
from explain_lib.base.words import fine, two

CAUSE_SIDE = 140


def decomposed(scene: Scene, a: Side, b: Side) -> xl.Decomposition | None:
    """The causes of the difference; None, with a sentence, where a map on the way from a to b is of another size."""
    try:
        return decompose_sides(scene, a.configuration, b.configuration)
    except xl.InputError as error:
        st.info(f"The difference cannot be traced to its causes: {plain(str(error))}.")
        return None


def cause_row(pair: Pair, found: xl.Decomposition) -> tuple[Row, ...]:
    """The part of b − a that each setting causes, on one scale; no row where there is nothing to cause."""
    if not differ(found):
        return ()
    causes = causes_with_effect(found)
    drawn = {name: found.cause_maps[name].astype(np.float32) for name, _ in causes}
    reach = max(float(abs(values).max()) for values in drawn.values())
    panels = tuple(_cause_panel(pair, name, share, drawn[name], reach) for name, share in causes)
    return (Row(panels, "Why they differ: what each setting adds to b − a, on one scale", _checked(found)),)


def _cause_panel(pair: Pair, name: str, share: float, values: Map, reach: float) -> Panel:
    words, grows = setting_words(name), fine(share, 4, sign=True)
    return Panel(
        f"cause-{name}", map_words(f"by {words}", values), CAUSE_SIDE, title=words, label=f"by {words}", values=values,
        caption=f"{grows} of mean |b − a|", drawing=xl.Drawing(signed=True), reach=reach, place=place_of(pair.scene), bar=True,
    )  # fmt: skip


def _checked(found: xl.Decomposition) -> str:
    """That the maps add up, and how near the decomposed side is to the program itself."""
    words = "They add up to b − a."
    if found.residual is None:
        return words
    if found.residual == 0:
        return f"{words} Side b, as decomposed, equals the program's own map in every digit."
    return f"{words} Side b, as decomposed, and the program's own map differ by at most {two(found.residual)}."


def say_causes(found: xl.Decomposition, comparison: xl.Comparison) -> None:
    """The sentence."""
    if not differ(found):
        st.header("How far they agree", anchor=False)
        st.markdown(agreement_sentence(found, comparison.max_abs))
        return
    st.header("Why they differ", anchor=False, help=terms.DECOMPOSITION + terms.see("share"))
    st.markdown(causes_sentences(found))


def show_waterfall(found: xl.Decomposition) -> None:
    """The causes that have an effect as bars."""
    named = [(setting_words(name), share) for name, share in causes_with_effect(found)]
    show_chart(waterfall_figure(named, found.mae), key="waterfall", alt=waterfall_words(named, found.mae))
