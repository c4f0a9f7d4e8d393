"""The layer ladder, on one picture and over many.

Without Streamlit:
figure    ranking, places by fill, and curves of removal
measured  the request of a view, and words for its results

On the page:
advice   the layer to hook, its code, and the choice of candidates
columns  the columns of both tables, and the words of the controls
image    the ladder of the picked image
patches  single deletion on the picked image: panels and a chart
sample   the ladder over many images
"""
