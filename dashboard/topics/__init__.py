"""What the pages show, one folder a topic: a part without Streamlit, and the sections of its page."""
