"""The reasons that the study names: too few layers, too small pictures, too few classes; tested on networks trained for it.

rules     the rules, with their day, thresholds, and what would change our mind
family    networks that differ in their number of conv layers alone
plan      the trainings, one for each setting and seed, and the pictures that each sees
training  a training with a checkpoint at matched accuracy; resumes after a kill
measures  what is measured on each network, picture by picture
rows      files of measured rows, each with its card
contrast  intervals about other networks and other pictures
verdicts  the rules applied to the rows
"""
