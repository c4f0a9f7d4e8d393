"""The numbers of a comparison, each with what it means and which way is better."""

from math import isnan

import streamlit as st

import explain_lib as xl
from explain_lib.comparison import METRICS, Metric

WIDTH = 168


def show_metrics(comparison: xl.Comparison) -> None:
    """A card a metric."""
    with st.grid(min_column_width=WIDTH, gap="xsmall"):
        for metric in METRICS:
            with st.container(border=True, gap="xxsmall"):
                value = float(getattr(comparison, metric.name))
                st.metric(metric.title, "not defined" if isnan(value) else f"{value:.4f}", help=_help(metric))
                st.caption(_which_way(metric))


def _which_way(metric: Metric) -> str:
    way = "higher" if metric.higher_is_closer else "lower"
    return f"{metric.equal:g}: equal · {way} is closer"


def _help(metric: Metric) -> str:
    undefined = " Not defined where a map is constant." if metric.name in ("pearson", "spearman") else ""
    return f"{metric.meaning} {metric.equal:g} for equal maps; {_which_way(metric).split('· ')[1]}.{undefined}"
