"""A Streamlit app that only shows: ready-made pictures, charts and words, as many as the dashboard's pages have."""
