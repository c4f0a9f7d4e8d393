"""Charts on a page: without Plotly's buttons, with alternative text, larger in a presentation."""

import plotly.graph_objects as go
import streamlit as st

from dashboard.widgets.presentation import FACTOR, enlarged, is_presentation

_CONFIG = {"displayModeBar": False}
_LETTERS = 12
"""Plotly's own size of letters, in pixels."""


def show_chart(figure: go.Figure, key: str, alt: str, width: int | None = None) -> None:
    """The chart; width: in pixels, None for that of its place.

    What a presentation's style scales does not include charts, which Plotly would measure wrongly: they are scaled here.
    """
    st.plotly_chart(
        _enlarged(figure) if is_presentation() else figure,
        key=key,
        width="stretch" if width is None else enlarged(width),
        config=_CONFIG,
        alt=alt,
    )


def _enlarged(figure: go.Figure) -> go.Figure:
    """The figure with larger letters and margins; Streamlit's frame, which the style scales, gives it its size."""
    margins = {side: round(size * FACTOR) for side, size in figure.layout.margin.to_plotly_json().items()}
    letters = {"size": round(_LETTERS * FACTOR)}
    figure.update_layout(margin=margins, font=letters, legend_font=letters)
    figure.update_xaxes(tickfont=letters, title_font=letters)
    figure.update_yaxes(tickfont=letters, title_font=letters)
    figure.update_annotations(font=letters)
    figure.for_each_trace(lambda trace: trace.update(textfont=letters), selector={"type": "bar"})
    return figure
