"""The numbers of a comparison, each with what it means and which way is better."""

from math import isnan

import streamlit as st

import explain_lib as xl
from explain_lib.compare.comparison import METRICS, Metric

WIDTH = 168


def show_metrics(comparison: xl.Comparison) -> None:
    """A card a metric."""
    with st.container(key="aside-metrics"), st.grid(min_column_width=WIDTH, gap="xsmall"):
        for metric in METRICS:
            with st.container(border=True, gap="xxsmall"):
                value = float(getattr(comparison, metric.name))
                st.metric(metric.title, "not defined" if isnan(value) else f"{value:.4f}", help=_help(metric))
                st.caption(f"{metric.word}  \n{_which_way(metric)}")


def _which_way(metric: Metric) -> str:
    way = "higher" if metric.higher_is_closer else "lower"
    return f"{way} is closer, {metric.equal:g} equal"


def _help(metric: Metric) -> str:
    undefined = " Not defined where a map is constant or too small." if metric.higher_is_closer else ""
    return f"{metric.meaning} {_which_way(metric).capitalize()}.{undefined}"
