"""The lessons on offer with their stops, and how to write one's own."""

from contextlib import suppress

import numpy as np
import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.lesson.bar import lessons_on_offer, start_lesson
from dashboard.lesson.file import Lesson, stop_view
from dashboard.lesson.shelf import OWN_FOLDER, ShelvedLesson, folder_problem, stop_notes
from dashboard.lesson.vocabulary import VOCABULARY
from dashboard.view.address import current_view
from dashboard.view.captions import plain
from dashboard.view.picture_sets import chosen_set
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_options
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib import ExplainError
from explain_lib.base.words import few_names
from explain_lib.pictures.channels import shown

SIDE = 160
EXAMPLE = (OWN_FOLDER / "example.txt").read_text(encoding="utf-8")
OURS = OWN_FOLDER / "grad-cam.md"
FORMAT = """
A lesson is one Markdown file, in the folder that the server is started with: `streamlit run dashboard/app.py -- --lessons
FOLDER`. Its name, of letters, digits and hyphens, and `.md` behind it, is what an address calls it. Edit it, load this page
anew, and the change is there.

- `# Title`, and below it an introduction.
- `## Title of a stop` begins a stop. One line of it is a link to what it shows: set up a page as you want it, press “Share” and
  “Copy address”, and paste it there.
- Then the question, ordinary Markdown. A paragraph `> Hint: …` is the hint; a stop can do without.
- `Answer: …` begins the answer, which goes on to the next stop.
- A line `Ask: …` above the answer lets everybody commit to an answer of their own, which then stands beside the computed one.
  `Ask: choice` has a list of 2 to 8 choices below it, and `- [x]` marks what is right, if anything is. `Ask: number
  {map.empty_share}` asks for a number in braces. `Ask: place`, at a stop of the layer explorer, asks where the map will be
  brightest, and covers it until the answer is open.

A hint and an answer can have numbers in braces, such as `{map.peak_row}`. They are computed when the hint or the answer is
opened, for the image, the network, the layer and the class that are on screen then: an answer stays true when somebody tries
another picture. They are of what is on screen also where the page does not show them: at the class browser
`{difference.mean}` stands for the image, the network and the layer that the page carries along.

This page says what is wrong in a file, line by line, and which stops name what this server does not have. A file called
grad-cam.md takes the place of the lesson that comes with the dashboard.
"""


def _draw(scene: Scene) -> None:
    offered = lessons_on_offer()
    held = [(shelved, shelved.lesson) for shelved in offered if shelved.lesson]
    notes_of = [stop_notes(lesson, scene.cache) for _, lesson in held]
    with st.container(key="lessons"):
        for place, (shelved, lesson) in enumerate(held):
            _lesson(shelved.name, lesson, scene, first=place == 0, whole=not notes_of[place])
    _faults(offered)
    for (shelved, _), notes in zip(held, notes_of, strict=True):
        if notes:
            words = f"{plain(shelved.path.name)} can be held, but not all of it opens as it is written:"
            st.warning("\n".join([words, *(f"- {plain(note)}" for note in notes)]))
    _how_to_write()


def _lesson(name: str, lesson: Lesson, scene: Scene, *, first: bool, whole: bool) -> None:
    """A lesson: a card a stop, and what it is about; the first one on offer can be started by the key that also goes on.

    whole: whether all of it opens as it is written.
    """
    view = current_view()
    with st.container(border=True, gap="small"):
        _say_whose(lesson, scene)
        panels = tuple(_stop_panel(name, lesson, number, scene) for number in range(1, len(lesson.stops) + 1))
        show_stage(Stage((Row(panels),), key=f"stage-{name}", line_after=None))
        st.header(lesson.title, anchor=False)
        words = f"Start · {len(lesson.stops)} stop{'s' if len(lesson.stops) > 1 else ''}"
        key = "PageDown" if first and view.lesson is None else None
        with st.container(horizontal=True, gap="small"):
            if st.button(words, key=f"start-{name}", type="primary", shortcut=key):
                start_lesson(name, lesson)
            _one_file(name, lesson, scene, whole=whole)
        st.markdown(lesson.introduction)


_ONE_FILE = (
    "The whole lesson in one HTML file, for a class without a server: pictures, maps, questions and answers, on screen and in "
    "print. Making it takes about half a minute."
)


def _one_file(name: str, lesson: Lesson, scene: Scene, *, whole: bool) -> None:
    """The lesson to be taken home, made once its button is pressed."""

    def made() -> bytes:
        from dashboard.take_home.lesson_file.lesson_file import lesson_html  # it loads what every page shows

        return lesson_html(lesson, scene.cache)

    st.download_button(
        "One file (HTML)", made, f"{name}.html", "text/html", key=f"file-{name}", on_click="ignore", disabled=not whole,
        help=_ONE_FILE,
    )  # fmt: skip


def _say_whose(lesson: Lesson, scene: Scene) -> None:
    """On a server with a network of its own: that the lesson shows others."""
    own, shown = scene.cache.own_models.names, tuple(dict.fromkeys(stop.view.model for stop in lesson.stops))
    if own and not set(own) & set(shown):
        st.caption(plain(f"The stops of this lesson show {few_names(shown, 3)}, not {own[0]}."))


def _stop_panel(name: str, lesson: Lesson, number: int, scene: Scene) -> Panel:
    """A stop with its image; a click opens it. It is grey where this server does not have the image, which is said below."""
    stop = lesson.stops[number - 1]
    pixels, words = np.full((1, 1, 3), 128, np.uint8), "not on this server"
    with suppress(ExplainError):
        chosen, _ = chosen_set(stop.view, scene.cache)
        found = chosen.pictures(scene.cache.model(stop.view.model)).pixels
        if stop.view.image < len(found):
            pixels, words = shown(np.asarray(found[stop.view.image])), chosen.words(stop.view.image)
    opens = Action("opens this stop", vars(stop_view(name, stop, number, present=current_view().present)), stop.page)
    return Panel(
        f"{name}-{number}",
        f"Stop {number}, {stop.title}: {words}",
        SIDE,
        caption=f"{number} · {stop.title}",
        picture=pixels,
        place=f"{name}-{number}",
        action=opens,
    )


def _faults(offered: tuple[ShelvedLesson, ...]) -> None:
    """The faults in the files of lessons, line by line."""
    nothing = folder_problem(server_options().lessons)
    if nothing:
        st.warning(
            f"No lesson of your own: the folder {plain(nothing)}. A folder with lessons behind --lessons would be right."
        )
    for shelved in offered:
        if shelved.problems:
            lines = "\n".join(f"- Line {problem.line}: {plain(problem.sentence)}." for problem in shelved.problems)
            st.warning(f"{plain(shelved.path.name)} cannot be used as it is:\n{lines}")


def _how_to_write() -> None:
    folded = st.expander("Write your own", key="lesson-format", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.markdown(FORMAT)
        st.code(EXAMPLE, language="markdown", wrap_lines=True)
        with st.container(horizontal=True, gap="small"):
            st.download_button("Download this example", EXAMPLE, "my-lesson.md", "text/markdown", on_click="ignore")
            ours = OURS.read_text(encoding="utf-8")
            st.download_button("Download the dashboard's own lesson", ours, OURS.name, "text/markdown", on_click="ignore")
        st.markdown("**What can stand in braces**")
        rows = "\n".join(f"| `{{{name}}}` | {plain(number.meaning)} |" for name, number in VOCABULARY.items())
        st.markdown(f"| in the file | what stands there |\n| --- | --- |\n{rows}")


LINE = Line(target=False, layer=False, score=False, drawing=False, modules=False)

show_page("lesson", _draw, line=LINE, keys=(("Page Down", "starts the first lesson"),))
