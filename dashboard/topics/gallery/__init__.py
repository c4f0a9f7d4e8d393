"""The study's eight pictures, as its table has them.

Without Streamlit:
rows      a row of the table: the maps of both programs, drawn; its slide

On the page:
sections  the cards, how they are drawn, and the introduction
"""
