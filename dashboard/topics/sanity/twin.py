"""A model beside its twin that was taught labels in random order, and beside a second network that was taught the right ones:
do the maps need what the labels say?
"""

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboard.figures.panel import Panel
from dashboard.topics.sanity.check import Check, summary_csv
from dashboard.topics.sanity.image import SIDE
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.view.scene import sample_scene
from dashboard.widgets.explained import overlay_panel
from dashboard.widgets.job_run import say_so_far, show_job
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib import Model
from explain_lib.base.words import correlation_words, percent
from explain_lib.loading.bundled import REGISTRY, find_second, find_twin, list_models, load_card
from explain_lib.networks.task_words import value_words
from explain_lib.trust.sanity import SanityMaps, SanityRequest, SanityRows, sanity_maps
from explain_lib.trust.sanity_summary import summarise_sanity, summarise_twin, twin_sentence


def show_twin(check: Check) -> None:
    """The maps of the picked image by all three, and their correlations over many; where a model has no twin, that is said."""
    st.header("A twin trained on nonsense", anchor=False)
    model = check.scene.view.model
    twin, second = (find_twin(model), find_second(model)) if model in REGISTRY else (None, None)
    if twin is None or second is None:
        other = next(listed for listed in list_models() if find_twin(listed) is not None)
        st.caption(f"{model} has no twin trained on shuffled labels; {other} has one.")
        st.button(f"Open {other}", on_click=change_view, kwargs={"model": other, "layer": None})
        return
    st.caption(_about(twin, second))
    names, networks = (twin, second), (check.scene.cache.model(twin), check.scene.cache.model(second))
    _maps(check, names, networks)
    _sample(check, networks)


def _about(twin: str, second: str) -> str:
    """What the two other networks are."""
    card = load_card(twin)
    known = f"knows {percent(card.train_accuracy)} of these labels by heart, and " if card.train_accuracy is not None else ""
    return (
        f"{twin}: the same network, trained as long on the same pictures with their labels shuffled. It "
        f"{known}gets {percent(card.accuracy)} of the test images right, no more than chance (arXiv 1810.03292, section 4). "
        f"{second}: the same network with the right labels, trained from another seed; it gets "
        f"{percent(load_card(second).accuracy)} right. A low correlation with the twin means something only if the correlation "
        f"with the second network is higher: another seed alone changes maps, too."
    )


def _maps(check: Check, names: tuple[str, str], networks: tuple[Model, Model]) -> None:
    scene, (twin, second) = check.scene, networks
    found = sanity_maps(scene.model, scene.seen[None], check.layer, scene.asked, twin=twin, second=second)
    panels = [_panel(check, found, place, name) for place, name in enumerate((scene.view.model, *names))]
    show_stage(Stage((Row(tuple(panels)),), key="stage-twin"))


def _panel(check: Check, found: SanityMaps, place: int, name: str) -> Panel:
    """The map by one of the networks; below it what that says, and the correlation of its map with the model's."""
    scene, index = check.scene, int(found.explained[0])
    said = value_words(float(found.probabilities[0, place, index]), scene.model.task, unit=scene.model.unit)
    alike = f"\ncorrelation {correlation_words(float(found.correlations[0, place - 1]))}" if place else ""
    words = f"Grad-CAM of layer {check.layer} on {scene.name} by {name}"
    over = overlay_panel(scene, found.maps[0, place], words, SIDE, name=f"twin-{place}", centres=scene.centres(check.layer))
    return replace(over, title=name, caption=f"{scene.model.classes[index]}: {said}{alike}")


def _sample(check: Check, networks: tuple[Model, Model]) -> None:
    scene, (twin, second) = check.scene, networks
    around, images = sample_scene(scene)
    request = SanityRequest(scene.model, around.images.pixels, images, check.layer, scene.view.target, twin=twin, second=second)
    nothing = "The twin and the second network have not seen many images yet."
    show_job(request, "Compare over", partial(_results, check), what="The comparison", nothing=nothing)


def _results(check: Check, rows: SanityRows, more: bool) -> None:
    say_so_far(len(rows), more)
    summary, model = summarise_sanity(rows), check.scene.view.model
    st.markdown(plain(twin_sentence(summarise_twin(rows), check.layer, model)))
    st.caption("The intervals are over images. There is one twin and one second network: others may differ.")
    name = f"twin-{model}-{check.layer}-{summary.images}-images.csv"
    st.download_button("Twin (CSV)", lambda: summary_csv(summary), name, "text/csv", on_click="ignore", key="twin-csv")
