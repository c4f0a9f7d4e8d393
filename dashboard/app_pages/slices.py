"""Groups of pictures whose maps look at the same place."""

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.slices.sections import CHEATING, show_slices

show_page(
    "slices", show_slices, line=Line(target=False, score=False), opens=CHEATING, of_pictures="compares maps of many pictures"
)
