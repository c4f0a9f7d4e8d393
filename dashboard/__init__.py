"""The Streamlit dashboard over explain_lib."""
