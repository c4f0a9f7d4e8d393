"""The layer to hook: the advice over many pictures, the code that makes its map, and the choice of candidates."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.topics.ladder.columns import MEASURE_HELP
from dashboard.topics.ladder.measured import advice_request, advice_rows, curves_request, sample_request
from dashboard.view.address import bound_by, change_view
from dashboard.view.captions import layer_words, plain
from dashboard.view.page_files import explained_code
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_later
from dashboard.widgets.awaited import await_work
from dashboard.widgets.job_run import rows_so_far, show_job
from dashboard.widgets.number_table import Cell, Column, Row, estimate_cell, show_number_table
from dashboard.widgets.pickers import layer_search
from dashboard.widgets.stage import Fact
from explain_lib.advice.choice import Advice, AdviceRows, choose_layer
from explain_lib.advice.measuring import AdviceRequest, estimated_seconds
from explain_lib.advice.words import advice_sentence, dropped_sentence, headline, standing
from explain_lib.base.statistics import LEAST_IMAGES
from explain_lib.base.words import counted, mean_number, time_words
from explain_lib.take_home.hook_snippets import hook_snippets
from explain_lib.trust.by_row import is_large
from explain_lib.trust.measures import MEASURE_WORDS
from explain_lib.work.later import Work

CODE = "Code for this map: explain_lib, grad-cam, torch-cam, Captum"
CHOICE = "Choose the layers"
FEW = 6
"""So many candidates stand in a table that is always open."""
KEPT = "What is measured stays if you stop or close the page; candidates that fall far behind are not measured further."


def show_advice(scene: Scene) -> None:
    """The advice, from the ladder over many pictures where that is known; else it is measured here on request."""
    st.header("The layer to hook", anchor=False)
    request, known = advice_request(scene), advice_rows(scene, rows_so_far(sample_request(scene)))
    if known is not None:
        _results(scene, known, more=False)
    else:
        rest = curves_request(scene) if is_large(scene.model) else None
        show_job(
            request, "Advise on", partial(_results, scene), what="The advice", nothing=_beforehand(request), instead_of=rest
        )
    _choice(scene)


def advice_fact(scene: Scene) -> Fact | None:
    """The advice in a word or two, for beside the pictures; None until enough is measured."""
    known = advice_rows(scene, rows_so_far(sample_request(scene))) or rows_so_far(advice_request(scene))
    if known is None or len(known) < LEAST_IMAGES or len(known.layers) < 2:
        return None
    advice = choose_layer(known)
    return Fact("Layer to hook", headline(advice), advice_sentence(advice), f"over {counted(advice.images)}")


def _beforehand(request: AdviceRequest) -> str:
    """What would be measured, and how long that takes."""
    work = Work(("advice takes", request.fingerprint), partial(estimated_seconds, request))
    seconds = server_later().look(work)
    if seconds is None:
        await_work(work)
    takes = "" if seconds is None else f" That takes about {time_words(seconds)} at most, on this machine as it is now."
    names = ", ".join(request.names)
    asked = f"{counted(len(request.names), 'layer')} ({plain(names)}) on {counted(len(request))}"
    return f"{asked}: the network has to see {request.pictures:,} pictures.{takes} {KEPT}"


def _results(scene: Scene, rows: AdviceRows, more: bool) -> None:
    advice = choose_layer(rows)
    st.markdown(f"**{plain(advice_sentence(advice))}** {plain(dropped_sentence(advice))}", help=MEASURE_HELP)
    if more:
        st.caption(f"So far, over {counted(len(rows))}; more are coming.")
    if advice.by_measure:
        with st.expander("All candidates") if len(advice.layers) > FEW else st.container():
            _table(advice)
        _code(scene, advice)


def _table(advice: Advice) -> None:
    rows, enough = [], advice.images >= LEAST_IMAGES
    for place, name in enumerate(advice.layers):
        means = [one.means[place] for one in advice.by_measure]
        cells = [Cell(mean_number(mean)) if mean.images == 1 else estimate_cell(mean) for mean in means]
        marked = enough and (name == advice.pick or name in advice.tied)
        rows.append(Row(name, "layer", [*cells, Cell(standing(advice, name))], marked=marked))
    meaning = "Mean over the images; in brackets an interval: those of all layers hold together in 95 % of samples"
    columns = [Column(MEASURE_WORDS[one.measure], "higher is better", meaning) for one in advice.by_measure]
    standings = "Behind: the paired difference from the best layer is below 0 by more than chance"
    show_number_table((*columns, Column("standing", "", standings)), rows, "Candidates for the layer to hook")


def _code(scene: Scene, advice: Advice) -> None:
    """The code of the picked picture's map at the layer that is named first, for each program."""
    if advice.first is None:
        return
    with st.expander(CODE):
        made = hook_snippets(scene.model, advice.first, explained_code(scene))
        st.caption(f"Grad-CAM of {scene.name} at {plain(advice.first)}: each sets `values`, float32 (h, w), not scaled.")
        for tab, one in zip(st.tabs([one.program for one in made.programs]), made.programs, strict=True):
            with tab:
                if one.code is None:
                    st.caption(plain(one.why))
                else:
                    st.code(f"{made.setup}\n{one.code}", language="python")


def _choice(scene: Scene) -> None:
    """Any layers, for the advice and for both ladders; none for the usual ones."""

    def write(names: Sequence[str]) -> None:
        change_view(layers=tuple(name for name in scene.model.spatial_layers if name in names))

    offered = layer_words(scene.model)
    offered |= {name: name for name in scene.view.layers if name not in offered}
    names, search = layer_search(offered)
    with st.expander(CHOICE, expanded=bool(scene.view.layers)):
        st.multiselect(
            "Layers of the advice and of the ladders",
            names,
            filter_mode=search,
            select_all=False,
            format_func=offered.__getitem__,
            **bound_by("layers", list(scene.view.layers), write),
            placeholder="the usual ones",
            help="Any layers with a grid. Without a choice, the advice compares the ends of stages, or the layers of a ladder "
            "that is measured; the ladders have all layers on offer.",
        )
