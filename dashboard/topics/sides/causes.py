"""Why two maps differ: a sentence, a waterfall, and a map for each cause."""

import streamlit as st

import explain_lib as xl
from dashboard.figures.map_figure import diverging
from dashboard.figures.waterfall_figure import waterfall_figure, waterfall_words
from dashboard.topics.sides.cause_words import agreement_sentence, causes_by_size, differ, main_cause_sentence, setting_words
from dashboard.topics.sides.side import Side, decompose_sides
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.map_card import MapCard, show_maps
from explain_lib.base.maps import Map
from explain_lib.base.words import proper_minus

CARD_WIDTH = 240


def decomposed(scene: Scene, a: Side, b: Side) -> xl.Decomposition | None:
    """The causes of the difference; None, with a sentence, where a map on the way from a to b is of another size."""
    try:
        return decompose_sides(scene, a.configuration, b.configuration)
    except xl.InputError as error:
        st.info(f"The difference cannot be traced to its causes: {plain(str(error))}.")
        return None


def cause_values(found: xl.Decomposition | None) -> dict[str, Map]:
    """The part of each cause at each pixel, for the words under the pointer."""
    if found is None:
        return {}
    return {f"by {setting_words(name)}": found.cause_maps[name] for name, _ in causes_by_size(found)}


def show_causes(found: xl.Decomposition, comparison: xl.Comparison) -> None:
    """The sentence, the waterfall, and the part of b - a that each setting causes, on one scale."""
    causes = causes_by_size(found)
    if not differ(found):
        st.header("How far they agree", anchor=False)
        st.markdown(agreement_sentence(found, comparison.max_abs))
        return
    st.header("Why they differ", anchor=False, help=terms.DECOMPOSITION)
    st.markdown(main_cause_sentence(found))
    named = [(setting_words(name), share) for name, share in causes]
    show_chart(waterfall_figure(named, found.mae), key="waterfall", alt=waterfall_words(named, found.mae))
    reach = max(float(abs(found.cause_maps[name]).max()) for name, _ in causes)
    under_pointer = {"b − a": found.b - found.a, **cause_values(found)}
    cards = {}
    for name, share in causes:
        words, grows = setting_words(name), proper_minus(f"{share:+.4f}")
        how = f"What {words} adds to b − a at each pixel; the mean difference grows by {grows}."
        cards[f"cause-{name}"] = MapCard(f"by {words}", how, found.cause_maps[name], diverging(reach))
    show_maps(cards, under_pointer, CARD_WIDTH, CARD_WIDTH)
    if found.residual is None:
        return
    if found.residual == 0:
        checked = "Side b as decomposed is the map of the program itself in every digit."
    else:
        checked = f"Side b as decomposed and the map of the program itself differ by at most {found.residual:.1e}."
    st.caption(f"The maps above sum to b − a. {checked}")
