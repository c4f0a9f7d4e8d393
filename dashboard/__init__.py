"""The Streamlit dashboard over explain_lib."""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
"""Styles and scripts, one file a component."""
