"""What a phone in the room opens: the question of the moment, and the vote."""

from dashboard.lesson.vote_phone import show_phone

show_phone()
