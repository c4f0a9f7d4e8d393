"""The confusion matrix as a filter: a click on a cell shows the images that it counts."""

import streamlit as st

from dashboard import ASSETS
from dashboard.figures.colours import VARIABLES
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.scene import Scene
from dashboard.widgets.number_table import Cell, Column, Row, show_number_table
from explain_lib.networks.predictions import confusion_matrix, label_counts

KEY = "confusion"
MOST_CLASSES = 30
# A table, not a chart: the library of charts takes a second to load, and its cells cannot be reached by keys.
_TABLE = st.components.v2.component(
    KEY,
    html='<table class="confusion"></table>',
    css=VARIABLES + (ASSETS / "confusion.css").read_text(),
    js=(ASSETS / "confusion.js").read_text(),
    isolate_styles=False,
)


def show_confusion(scene: Scene) -> None:
    """The matrix over all images, whatever else is filtered; the cells of the chosen classes are framed.

    Nothing where no image has both a prediction and a class that the network knows.
    """
    if scene.model.task in ("sigmoid", "regression"):
        _show_labels(scene)
        return
    if len(scene.model.classes) > MOST_CLASSES:
        st.caption(
            f"The confusion matrix is shown for up to {MOST_CLASSES} classes; this network has {len(scene.model.classes):,}."
        )
        return
    view, counts = scene.view, confusion_matrix(scene.images.labels, scene.predictions)
    if not counts.any():
        return

    def clicked() -> None:
        true, predicted = st.session_state[KEY]["cell"]
        again = (true, predicted) == (view.true_class, view.predicted_class)
        change_view(true_class=true, predicted_class=None if again else predicted)

    st.markdown("**Confusion matrix** · click a cell to see its images, click again for its whole row", help=terms.CONFUSION)
    data = {
        "counts": counts.tolist(),
        "classes": list(scene.model.classes),
        "true": view.true_class,
        "predicted": view.predicted_class,
        "words": f"Confusion matrix of {view.model} on {counts.sum():,} images: {counts.trace():,} of them on the diagonal",
    }
    _TABLE(data=data, key=KEY, on_cell_change=clicked)


def _show_labels(scene: Scene) -> None:
    """How often each label is given, by its true class where there are such; of numbers nothing is counted."""
    asked = scene.predictions.predicted >= 0
    if scene.model.task != "sigmoid" or not asked.any() or scene.predictions.present.shape[1] == 0:
        return
    counts = label_counts(scene.images.labels, scene.predictions)
    shown = [index for index in range(len(counts)) if counts[index].any()][:MOST_CLASSES]
    st.markdown("**Labels** · how many of the images seen so far have a probability above 50 %", help=terms.LABELS)
    columns = (Column("given", "of all images", ""), Column("of its class", "given, of all", ""))
    rows = []
    for index in shown:
        of_class, given_of_it, given = counts[index].tolist()
        rows.append(
            Row(scene.model.classes[index], "layer", [Cell(f"{given:,}"), Cell(f"{given_of_it:,}", f"of {of_class:,}")])
        )
    show_number_table(columns, rows, f"Labels of {scene.view.model} on {asked.sum():,} images")
