"""The study's guesses.

Without Streamlit:
by_network       the networks of a reason as dots
figure           means with their intervals as dots
outline_picture  a picture with an outline
runs             the measurements that the guesses are judged from

On the page:
examples  the measurements on one picture
frogs     the frogs, whose outlines can be rejected
sections  the verdict on each guess
"""
