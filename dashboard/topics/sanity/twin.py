"""A model beside its twin that was taught labels in random order: do the maps need what the labels say?"""

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboard.topics.sanity.check import Check, summary_csv
from dashboard.topics.sanity.image import SIDE
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.view.scene import sample_scene
from dashboard.widgets.explained import overlay_panel
from dashboard.widgets.job_run import say_so_far, show_job
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from explain_lib import Model
from explain_lib.base.words import correlation_words, percent
from explain_lib.loading.bundled import REGISTRY, find_twin, list_models, load_card
from explain_lib.networks.task_words import value_words
from explain_lib.trust.sanity import SanityRequest, SanityRows, sanity_maps
from explain_lib.trust.sanity_summary import summarise_sanity, twin_sentence


def show_twin(check: Check) -> None:
    """Both maps of the picked image, and their correlation over many; where a model has no twin, that is said."""
    st.header("A twin trained on nonsense", anchor=False)
    model = check.scene.view.model
    name = find_twin(model) if model in REGISTRY else None
    if name is None:
        other = next(listed for listed in list_models() if find_twin(listed) is not None)
        st.caption(f"{model} has no twin trained on shuffled labels; {other} has one.")
        st.button(f"Open {other}", on_click=change_view, kwargs={"model": other, "layer": None})
        return
    card = load_card(name)
    known = f"knows {percent(card.train_accuracy)} of these labels by heart, and " if card.train_accuracy is not None else ""
    st.caption(
        f"{name}: the same network, trained as long on the same pictures with their labels shuffled. It "
        f"{known}gets {percent(card.accuracy)} of the test images right, no more than chance (arXiv 1810.03292, section 4)."
    )
    twin = check.scene.cache.model(name)
    _maps(check, name, twin)
    _sample(check, twin)


def _maps(check: Check, name: str, twin: Model) -> None:
    scene = check.scene
    found = sanity_maps(scene.model, scene.seen[None], check.layer, scene.view.target, twin=twin)
    index = int(found.explained[0])
    panels = []
    for place, title in enumerate((scene.view.model, name)):
        said = value_words(float(found.probabilities[0, place, index]), scene.model.task, unit=scene.model.unit)
        caption = f"{scene.model.classes[index]}: {said}"
        words = f"Grad-CAM of layer {check.layer} on {scene.name} by {title}"
        over = overlay_panel(scene, found.maps[0, place], words, SIDE, name=f"twin-{place}", centres=scene.centres(check.layer))
        panels.append(replace(over, title=title, caption=caption))
    facts = (Fact("Correlation of the two maps", correlation_words(float(found.correlations[0, 0]))),)
    show_stage(Stage((Row(tuple(panels), facts=facts),), key="stage-twin"))


def _sample(check: Check, twin: Model) -> None:
    scene = check.scene
    around, images = sample_scene(scene)
    request = SanityRequest(scene.model, around.images.pixels, images, check.layer, scene.view.target, twin=twin)
    nothing = "The twin has not seen many images yet."
    show_job(request, "Compare over", partial(_results, check), what="The comparison", nothing=nothing)


def _results(check: Check, rows: SanityRows, more: bool) -> None:
    say_so_far(len(rows), more)
    summary, model = summarise_sanity(rows), check.scene.view.model
    st.markdown(plain(twin_sentence(summary, check.layer, model)))
    name = f"twin-{model}-{check.layer}-{summary.images}-images.csv"
    st.download_button("Twin (CSV)", lambda: summary_csv(summary), name, "text/csv", on_click="ignore", key="twin-csv")
