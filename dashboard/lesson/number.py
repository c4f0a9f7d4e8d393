"""One number that a lesson's answer can have in it."""

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.view.scene import Scene


@dataclass(frozen=True)
class Number:
    """What a placeholder stands for, in one line, and the words for it; `of` raises ExplainError where there is no such."""

    meaning: str
    of: Callable[[Scene], str]
