"""The topics of the pages, a folder each.

Each folder's map names first its part without Streamlit: its computations and words, its figures and its slide; the numbers
of lessons take only that. Then come the sections, which draw it on the page.

browser   the images of a class
explorer  Grad-CAM on any layer, for any class
gallery   the study's eight pictures
guesses   the study's guesses
ladder    every layer measured
sanity    networks that have forgotten
scan      both sides over many images
sides     two maps of one picture, and why they differ
training  a training in time
walk      Grad-CAM in six steps
"""
