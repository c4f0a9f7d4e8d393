"""A lesson as one HTML file that needs no server: its stages with their numbers, its words, and the stage's own script.

document     the HTML around it
lesson_file  the file of a lesson, and the command that writes it
markdown     Markdown as HTML
page_stages  what each page shows of a view, for the file
states       the views that clicks in a stop lead to
store        stages packed together, each part once
tables       the numbers of charts as tables
"""
