"""Two maps of one picture: both sides, their difference, and its causes.

Without Streamlit:
cause_words  the causes in sentences
figure       the histogram of the differences
pair         both sides for one picture; their slide and files
side         one side: its configuration, its map, its words

On the page:
causes           waterfall and maps of the causes
comparison       numbers, maps and spread of the difference
completeness     the sum of the cells beside the score
drawing_causes   one map drawn in several ways
plus_plus        a warning where Grad-CAM++ divides by what is not positive
second_opinions  other methods of the package on the same layer
side_controls    every setting of one side
sides            the choice of both sides
stepper          from a to b, one setting at a time
"""
