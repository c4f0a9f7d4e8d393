"""The study's three guesses.

Without Streamlit:
figure           means with their intervals as dots
outline_picture  a picture with an outline
runs             what the guesses are judged from, kept

On the page:
examples         what is measured, on one picture
frogs            the frogs, whose outlines can be rejected
sections         the verdict on each guess
"""
