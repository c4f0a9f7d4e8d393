"""From results to Plotly figures; no Streamlit here."""
