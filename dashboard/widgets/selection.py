"""A selection of images: filters by class, outcome and confidence, counts, and a way out of an empty selection."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.view import terms
from dashboard.view.address import bound, bound_by, change_view
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.view.view import CIFAR10, View, change
from dashboard.widgets.pickers import choice, class_filter
from explain_lib.base.words import counted, percent
from explain_lib.loading.bundled import REGISTRY, list_models
from explain_lib.networks.predictions import ORDERS, Selection, judged, select_images
from explain_lib.networks.task_words import classes_judged
from explain_lib.passes.tasks import is_by_place, segments

ORDER_WORDS = {
    "number": "number",
    "most-confident": "confidence, highest first",
    "least-confident": "confidence, lowest first",
    "widest-margin": "margin, widest first",
    "narrowest-margin": "margin, narrowest first",
}


CONFIDENCES = {(0, 100): "any", (90, 100): "≥ 90 %", (0, 50): "≤ 50 %"}

NUMBER_ORDERS = {"number": "number", "most-confident": "output, largest first", "least-confident": "output, smallest first"}
SHARE_ORDERS = {"number": "number", "most-confident": "share, largest first", "least-confident": "share, smallest first"}


def _selection(view: View) -> Selection:
    right = None if view.outcome == "any" else view.outcome == "right"
    return Selection(view.true_class, view.predicted_class, right, view.low / 100, view.high / 100, view.order)


def selected_images(scene: Scene) -> NDArray[np.int64]:
    """Positions of the test images that the view's conditions leave, in its order: int64 (K,)."""
    return select_images(scene.images.labels, scene.predictions, _selection(scene.view))


def show_filters(scene: Scene, sortable: bool = True) -> None:
    """Widgets for the conditions, and for the order if it matters."""
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        class_filter(scene, "true_class", "True class", view.true_class)
        if scene.model.task != "regression":
            labels = {"sigmoid": "Strongest label", "detection": "Has the best box"}
            labels |= {"segmentation": "Covers most", "sigmoid-segmentation": "Covers most"}
            class_filter(scene, "predicted_class", labels.get(scene.model.task, "Predicted class"), view.predicted_class)
            if not is_by_place(scene.model.task):  # a picture has no one true class
                choice("outcome", "The prediction is", {word: word for word in ("any", "right", "wrong")}, view.outcome)
            _confidence(scene)
        if sortable:
            _order(scene)


def _confidence(scene: Scene) -> None:
    """Presets, and a slider for any other range."""
    shares = scene.view.low, scene.view.high
    label = "Its share" if segments(scene.model.task) else "Best score" if scene.model.task == "detection" else "Confidence"
    offered = CONFIDENCES if shares in CONFIDENCES else {**CONFIDENCES, shares: f"{shares[0]}–{shares[1]} %"}

    def write(chosen: tuple[int, int]) -> None:
        change_view(low=chosen[0], high=chosen[1])

    with st.container(gap="xxsmall", width=220):
        st.segmented_control(
            label,
            tuple(offered),
            **bound_by("confidence-preset", shares, write),
            format_func=offered.__getitem__,
            required=True,
            help=scene.task_words.meaning if is_by_place(scene.model.task) else terms.CONFIDENCE,
        )
        shown = bound_by("confidence", shares, write)
        st.slider(f"{label}, %", 0, 100, **shown, label_visibility="collapsed", width=220)


def _order(scene: Scene) -> None:
    """The order of the images; of a regression by its first output."""
    words, meaning = ORDER_WORDS, f"Confidence: {terms.CONFIDENCE} Margin: {terms.MARGIN}"
    if scene.model.task == "regression":
        words, meaning = NUMBER_ORDERS, "By the network's first output."
    if segments(scene.model.task):
        words, meaning = SHARE_ORDERS, "By the share of the picture that its largest class covers."
    if scene.model.task == "detection":
        words, meaning = NUMBER_ORDERS, "By the score of the best box."
    offered = [order for order in ORDERS if order in words or order == scene.view.order]
    st.selectbox(
        "Sorted by",
        offered,
        **bound("order", scene.view.order),
        format_func=lambda order: words.get(order, order),
        help=meaning,
        width=230,
    )


def show_counts(scene: Scene, chosen: NDArray[np.int64]) -> None:
    """The number of images that are left, and of those that the network gets right."""
    if not classes_judged(scene.model):
        st.markdown(f"**{len(chosen):,}** images")
        return
    labels, predictions = scene.images.labels, scene.predictions
    is_judged = judged(labels, predictions)[chosen]
    right, known = int((predictions.predicted == labels)[chosen][is_judged].sum()), int(is_judged.sum())
    share = f" ({percent(right / known)})" if known else ""
    rest = f" · **{len(chosen) - known:,}** without a prediction or a class" if known < len(chosen) else ""
    st.markdown(f"**{len(chosen):,}** images · **{right:,}** predicted right{share} · **{known - right:,}** wrong{rest}")


def _conditions(scene: Scene) -> dict[str, dict[str, Value]]:
    """Each condition that is set, in words, and what takes it away."""
    view, classes = scene.view, scene.images.classes
    found: dict[str, dict[str, Value]] = {}
    if view.true_class is not None:
        found[f"true class {classes[view.true_class]}"] = {"true_class": None}
    if view.predicted_class is not None:
        found[f"predicted class {classes[view.predicted_class]}"] = {"predicted_class": None}
    if view.outcome != "any":
        found[f"predicted {view.outcome}"] = {"outcome": "any"}
    if (view.low, view.high) != (0, 100):
        found[f"confidence {view.low} to {view.high} %"] = {"low": 0, "high": 100}
    return found


def _elsewhere(scene: Scene) -> dict[str, int]:
    """The bundled networks that have such images where this one, of the same pictures, has none, with their number."""
    if scene.view.model not in REGISTRY or scene.picture_set.address != CIFAR10:
        return {}
    found = {}
    for name in list_models():
        predictions = scene.cache.predictions(name)
        found[name] = len(select_images(scene.images.labels, predictions, _selection(scene.view)))
    return {name: count for name, count in found.items() if count}


def offer_without(scene: Scene) -> None:
    """The conditions that leave no image, and the number of images without each."""
    conditions = _conditions(scene)
    st.info(f"No image meets all of these conditions: {', '.join(conditions)}. Remove one to see images again.")
    for name, count in _elsewhere(scene).items():
        words = f"Open {name}: {counted(count)}"
        st.button(words, on_click=change_view, kwargs={"model": name, "layer": None}, type="primary", key=f"elsewhere-{name}")
    for words, without in conditions.items():
        left = len(select_images(scene.images.labels, scene.predictions, _selection(change(scene.view, without))))
        st.button(f"Without “{words}”: {left:,} images", on_click=change_view, kwargs=without, disabled=left == 0)
    everything: dict[str, Value] = {name: value for without in conditions.values() for name, value in without.items()}
    st.button(f"Without any condition: {len(scene.images.labels):,} images", on_click=change_view, kwargs=everything)
