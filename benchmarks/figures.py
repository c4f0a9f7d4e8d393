"""What was measured, as rows of a table and as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from benchmarks.rounds import Summary

HEADINGS = ("", "ratio", "quartiles", "to", "ms", "ms an image", "rounds", "goal", "")


@dataclass(frozen=True)
class Figure:
    """A measured time.

    milliseconds: of one call over `images` pictures. ratio: of its time to that of `base` in the same round, None if nothing
    was timed beside it. goal: the most that the ratio may be, or the milliseconds where there is none; None for no goal.
    """

    name: str
    milliseconds: Summary
    images: int = 1
    ratio: Summary | None = None
    base: str = ""
    goal: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the median is within the goal."""
        measured = self.ratio or self.milliseconds
        return None if self.goal is None else measured.median <= self.goal

    def cells(self) -> tuple[str, ...]:
        """One row of the table."""
        ratio = ("", "", "") if self.ratio is None else (f"{self.ratio.median:.3f}", spread(self.ratio), self.base)
        if self.goal is None:
            goal = "", ""
        else:
            goal = f"<= {self.goal:g}{'' if self.ratio else ' ms'}", "reached" if self.reached else "MISSED"
        took = self.milliseconds
        return (self.name, *ratio, f"{took.median:.3f}", f"{took.median / self.images:.3f}", str(took.count), *goal)

    def as_json(self) -> dict[str, object]:
        """All of it, for a file."""
        return asdict(self) | {"reached": self.reached}


@dataclass(frozen=True)
class Table:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]

    def __str__(self) -> str:
        rows = [HEADINGS, *(figure.cells() for figure in self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join([self.title, *(_line(row, widths) for row in rows)])


def spread(numbers: Summary) -> str:
    """The quartiles."""
    return f"{numbers.low:.3f} to {numbers.high:.3f}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    last = len(row) - 1
    cells = [
        _aligned(number in (0, 3, last))(cell, width) for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  " + "  ".join(cells).rstrip()


def _aligned(left: bool) -> Callable[[str, int], str]:
    return str.ljust if left else str.rjust
