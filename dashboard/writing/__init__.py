"""Writing a lesson in the app. Loaded while the form is open, on the page Lesson, and where such a lesson is held.

draft         what the form's fields hold, the stop that they make, and what is wrong in which field
form          the drawer with the form, and the stop as learners will see it
kept          the lesson that is being written, kept in the browser
markdown      a lesson as Markdown: the inverse of reading it
placeholders  the numbers that an answer can have, to search and to insert
yours         the stops of the lesson: their order, the lesson's title, its file
"""
