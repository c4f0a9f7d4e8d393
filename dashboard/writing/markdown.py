"""A lesson as Markdown, which reads as the same lesson again."""

from collections.abc import Iterator
from urllib.parse import urlencode

from dashboard.lesson.ask import Ask
from dashboard.lesson.file import Lesson, Stop

Line = tuple[str, str]
"""What a line of a stop belongs to (the name of a field of Stop, or "page" for its address), and its text."""


def lesson_markdown(lesson: Lesson) -> str:
    """The whole file, UTF-8 text that ends in a line break."""
    head = [f"# {lesson.title}", *([lesson.introduction] if lesson.introduction else [])]
    return "\n\n".join([*head, *(stop_markdown(stop) for stop in lesson.stops)]) + "\n"


def stop_markdown(stop: Stop) -> str:
    """One stop, from its heading to the end of its answer."""
    return "\n".join(text for _, text in stop_lines(stop))


def stop_lines(stop: Stop) -> tuple[Line, ...]:
    """The lines of a stop, each with the field that it comes from. An empty hint has none."""
    lines: list[Line] = [("title", f"## {stop.title}"), ("title", ""), ("page", f"[Open]({stop_address(stop)})"), ("page", "")]
    lines += [("question", line) for line in stop.question.split("\n")]
    lines += [("question", "")]
    if stop.ask:
        lines += [*(("ask", line) for line in _ask_lines(stop.ask)), ("ask", "")]
    if stop.hint:
        lines += [*(("hint", line) for line in _hint_lines(stop.hint)), ("hint", "")]
    return (*lines, *(("answer", line) for line in _answer_lines(stop.answer)))


def stop_address(stop: Stop) -> str:
    """The address of what a stop shows, without a server: "/layer_explorer?img=3&model=captum-tutorial"."""
    return f"/{stop.page}?{urlencode(stop.view.to_query(), safe=',')}"


def _ask_lines(ask: Ask) -> Iterator[str]:
    yield f"Ask: {ask.kind}" + (f" {{{ask.truth}}}" if ask.kind == "number" else "")
    for place, text in enumerate(ask.choices):
        yield f"- [{'x' if place in ask.right else ' '}] {text}"  # marked always: a choice may begin with brackets of its own


def _hint_lines(hint: str) -> Iterator[str]:
    """A quote: a line outside of it would go on with the question."""
    first, *rest = hint.split("\n")
    yield f"> Hint: {first}"
    for line in rest:
        yield f"> {line}" if line else ">"


def _answer_lines(answer: str) -> Iterator[str]:
    first, *rest = answer.split("\n")
    if first.lstrip().startswith("```"):  # code begins at the beginning of a line
        yield from ("Answer:", first)
    else:
        yield f"Answer: {first}"
    yield from rest
