"""The confusion matrix as a filter: a click on a cell shows the images that it counts."""

from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import terms
from dashboard.components.address import change_view
from dashboard.components.map_card import CHART_CONFIG
from dashboard.components.scene import Scene
from dashboard.figures.confusion_figure import confusion_figure
from explain_lib.predictions import confusion_matrix


@lru_cache(maxsize=64)
def _figure(counts: tuple[int, ...], classes: tuple[str, ...], true: int | None, predicted: int | None) -> go.Figure:
    """The figure of counts row by row, kept: a hundred cells take longer to build than the rest of a page's answer."""
    matrix = np.array(counts, dtype=np.int64).reshape(len(classes), len(classes))
    return confusion_figure(matrix, classes, true, predicted)


def show_confusion(scene: Scene) -> None:
    """The matrix over all test images, whatever else is filtered; the cells of the chosen classes are framed."""
    view = scene.view
    key = (
        f"confusion-{view.model}-{view.true_class}-{view.predicted_class}"  # a new widget for each state: nothing stays clicked
    )

    def clicked() -> None:
        points = st.session_state[key].selection.points
        if points:
            true, predicted = divmod(int(points[0]["point_index"]), len(scene.model.classes))
            again = (true, predicted) == (view.true_class, view.predicted_class)
            change_view(true_class=true, predicted_class=None if again else predicted, part=1)

    st.markdown("**Confusion matrix** · click a cell to see its images, again for its row", help=terms.CONFUSION)
    counts = confusion_matrix(scene.images.labels, scene.predictions)
    st.plotly_chart(
        _figure(tuple(counts.ravel().tolist()), scene.model.classes, view.true_class, view.predicted_class),
        key=key,
        config=CHART_CONFIG,
        width="content",
        on_select=clicked,
        selection_mode="points",
        alt=f"Confusion matrix of {view.model} on the 10,000 test images: {int(counts.trace()):,} of them on the diagonal",
    )
