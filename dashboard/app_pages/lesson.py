"""The lessons on offer with their stops, the one that this browser keeps, and how to write one's own."""

from contextlib import suppress

import numpy as np
import streamlit as st

from dashboard import ASSETS
from dashboard.figures.panel import Action, Panel
from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.lesson.bar import lessons_on_offer, start_lesson
from dashboard.lesson.file import Lesson, stop_view
from dashboard.lesson.shelf import BROWSER_LESSON, OWN_FOLDER, ShelvedLesson, folder_problem, stop_notes
from dashboard.lesson.vocabulary import VOCABULARY
from dashboard.lesson.vote_host import alone_words
from dashboard.view.address import current_view, go_to
from dashboard.view.captions import plain
from dashboard.view.picture_sets import chosen_set
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_options
from dashboard.widgets.stage import Row, Stage, show_stage
from dashboard.writing.yours import show_yours
from explain_lib import ExplainError
from explain_lib.base.words import counted, few_names
from explain_lib.pictures.channels import shown

SIDE = 150
FOLDED = "lesson-format"
_PRINT = st.components.v2.component(
    "print",
    html='<button type="button">Print this page</button>',
    css=(ASSETS / "share.css").read_text(),
    js="export default ({ parentElement }) => { parentElement.querySelector('button').onclick = () => window.print(); };",
)
EXAMPLE = (OWN_FOLDER / "example.txt").read_text(encoding="utf-8")
OURS = OWN_FOLDER / "grad-cam.md"
FORMAT = """
“Make this a stop”, at the foot of every other page, writes such a file for you.

A lesson is one Markdown file in a folder that you name when you start the server: `streamlit run dashboard/app.py --
--lessons FOLDER`. The file's name has letters, digits and hyphens, then `.md`; addresses use it without `.md`. Edit the file,
reload this page, and you see the change.

- `# Title`, and below it an introduction.
- `## Title of a stop` begins a stop. One line in it is a link to its view: set up a page as you want it, press “Share” and
  “Copy address”, and paste the address there.
- Then comes the question, in ordinary Markdown. A paragraph `> Hint: …` is the hint; it can be left out.
- `Answer: …` begins the answer, which ends where the next stop begins.
- A line `Ask: …` above the answer lets everybody commit to an answer first, which is then shown beside the computed one.
  `Ask: choice` has a list of 2 to 8 choices below it; `- [x]` marks the right one, if there is one. `Ask: number
  {map.empty_share}` asks for the number in braces. `Ask: place`, at a stop of the layer explorer, asks where the map will be
  brightest, and covers the map until the answer is open. `Ask: outline`, there too, asks for a region painted on the picture,
  such as the outline of a frog: the answer says how much of the map lies inside, beside the region's share of the picture, and
  how far it overlaps the brightest fifth of the map. A room cannot vote on an outline or on a number.

A hint and an answer can have numbers in braces, such as `{map.peak_row}`. They are computed when the hint or the answer is
opened, for the image, network, layer and class on screen: an answer stays true when somebody tries another picture. This also
works where the page does not show the number: on the class browser, `{difference.mean}` belongs to the image, network and
layer that the page carries along.

This page lists the faults of a file line by line, and the stops that name something this server does not have. A file called
grad-cam.md replaces the lesson that comes with the dashboard.
"""


def _draw(scene: Scene) -> None:
    offered = tuple(shelved for shelved in lessons_on_offer() if shelved.name != BROWSER_LESSON)
    held = [(shelved, shelved.lesson) for shelved in offered if shelved.lesson]
    notes_of = [stop_notes(lesson, scene.cache) for _, lesson in held]
    with st.container(key="lessons"):
        for shelved, lesson in held:
            if shelved.name == current_view().ended:
                _close(shelved.name, lesson)
        for place, (shelved, lesson) in enumerate(held):
            _lesson(shelved.name, lesson, scene, first=place == 0, whole=not notes_of[place])
    _faults(offered)
    for (shelved, _), notes in zip(held, notes_of, strict=True):
        if notes:
            words = f"{plain(shelved.path.name)} works, but some of its stops do not open as written:"
            st.warning("\n".join([words, *(f"- {plain(note)}" for note in notes)]))
    with st.container(border=True, gap="small", key="yours"):
        show_yours(scene)
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
        words = f"Start · {counted(len(lesson.stops), 'stop')}"
        key = "PageDown" if first and view.lesson is None and view.ended is None else None
        with st.container(horizontal=True, gap="small"):
            if st.button(words, key=f"start-{name}", type="primary", shortcut=key):
                start_lesson(name, lesson)
            _one_file(name, lesson, scene, whole=whole)
        alone = alone_words(lesson)
        if alone:
            st.caption(alone)
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


def _close(name: str, lesson: Lesson) -> None:
    """The last word of a lesson that was held: what it showed, and what can be done now."""
    with st.container(border=True, gap="small", key="lesson-ended"):
        st.header(f"That was the lesson: {lesson.title}", anchor=False)
        count = len(lesson.stops)
        st.markdown(f"{counted(count, 'stop')}, each a click away below: " + plain(stops_line(lesson)))
        with st.container(horizontal=True, gap="small"):
            if st.button("Start again", key="lesson-again"):
                start_lesson(name, lesson)
            if st.button("Back to the last stop", key="lesson-last", shortcut="PageUp"):
                go_to(lesson.stops[-1].page, stop_view(name, lesson.stops[-1], count, present=True))
            st.button("Write your own", key="lesson-write", on_click=_unfold)
            _PRINT(key="lesson-print", width="content", height="content")


def stops_line(lesson: Lesson) -> str:
    """The titles of the stops, one after the other."""
    return " · ".join(f"{number} {stop.title}" for number, stop in enumerate(lesson.stops, 1))


def _unfold() -> None:
    st.session_state[FOLDED] = True


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
        st.warning(f"No lesson of your own: the folder {plain(nothing)}. Name a folder with lessons after --lessons.")
    for shelved in offered:
        if shelved.problems:
            lines = "\n".join(f"- Line {problem.line}: {plain(problem.sentence)}." for problem in shelved.problems)
            st.warning(f"{plain(shelved.path.name)} cannot be used yet:\n{lines}")


def _how_to_write() -> None:
    folded = st.expander("Write your own", key=FOLDED, on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.markdown(FORMAT)
        st.code(EXAMPLE, language="markdown", wrap_lines=True)
        with st.container(horizontal=True, gap="small"):
            st.download_button("Download this example", EXAMPLE, "my-lesson.md", "text/markdown", on_click="ignore")
            ours = OURS.read_text(encoding="utf-8")
            st.download_button("Download the dashboard's own lesson", ours, OURS.name, "text/markdown", on_click="ignore")
        st.markdown("**What you can put in braces**")
        rows = "\n".join(f"| `{{{name}}}` | {plain(number.meaning)} |" for name, number in VOCABULARY.items())
        st.markdown(f"| in the file | what it becomes |\n| --- | --- |\n{rows}")


LINE = Line(target=False, layer=False, score=False, drawing=False, modules=False)

show_page("lesson", _draw, line=LINE, keys=(("Page Down", "starts the first lesson"),))
