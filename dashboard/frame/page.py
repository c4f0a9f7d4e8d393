"""The frame of every page: the line, what was ignored, the page itself, and errors as sentences."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.frame.check_up import warn_of_problems
from dashboard.frame.context_line import EVERYTHING, Line, show_line
from dashboard.frame.keyboard import Key, close_drawer, work_without_mouse
from dashboard.frame.model_menu import say_model_refused, say_own_model
from dashboard.frame.own_picture import say_set_aside, show_own_picture
from dashboard.frame.picture_menu import say_refused, say_samples, warn_of_channels
from dashboard.server.log import note_refusal, note_view
from dashboard.server.process import keep_files, pass_over_modules, take_short_turns
from dashboard.take_home.buttons import show_take_home
from dashboard.view.address import addressed_scene, complete_address, current_view, follow_opened, open_view
from dashboard.view.captions import plain
from dashboard.view.field import Value
from dashboard.view.fitting import opening_view
from dashboard.view.picture_sets import OwnPicture, server_set
from dashboard.view.record import recorded_view
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_cache, server_options
from dashboard.view.view import View
from dashboard.widgets.page_links import page_links
from dashboard.widgets.presentation import style_presentation
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.devices import spare_cores
from explain_lib.work.jobs import foreground


def show_page(
    name: str,
    draw: Callable[[Scene], None],
    images: Callable[[Scene], Sequence[int] | None] = lambda _: None,
    layers: Callable[[Scene], LayerSteps] = view_steps,
    *,
    line: Line = EVERYTHING,
    keys: Sequence[Key] = (),
    over_set: bool = False,
    opens: Mapping[str, Value] | None = None,
    covers: bool = False,
    of_pictures: str = "",
) -> None:
    """Draw a page from the address; what goes wrong is said in a sentence, with a way back.

    images: those that ← and → step through, None for all. layers: what the steps through the layers do. line: what the line
    above the page offers. keys: those that this page alone has. over_set: whether the page looks at a whole set, which a
    visitor's picture is not. covers: whether it covers the parts of the picture that the view names. opens: see
    addressed_scene. of_pictures: what the page does that is for pictures alone, as the end of a sentence; for a network of
    volumes or signals it says so and draws nothing.
    """
    follow_opened(name)
    checkpoint = st.empty()
    try:
        keep_files()
        spare_cores()
        take_short_turns()
        with foreground(), server_cache().running(lambda: _pause(checkpoint)):
            scene, ignored = addressed_scene(over_set=over_set, covers=covers, opens=opens)
            finish_lesson_bar = _lesson_bar(name, scene)
            if ignored:
                st.warning("Ignored in the address: " + plain(" ".join(ignored)))
            style_presentation()
            show_line(scene, images(scene), layers(scene), line)
            say_refused()
            say_model_refused()
            with recorded_view() as record:
                finish_warnings = warn_of_problems(scene)
                warn_of_channels(scene)
                if scene.model.sheet is not None:
                    say_samples(scene)
                drawn = scene.model.sheet is None or not of_pictures
                if drawn:
                    draw(scene)
                else:
                    _say_of_pictures(scene, of_pictures)
                finish_lesson_bar()
                _own_picture(scene)
                say_own_model(scene)
                finish_warnings()
            if drawn:
                show_take_home(scene, name, record)
        note_view(server_options().slow)
    except xl.ExplainError as error:
        note_refusal(error)
        st.error(f"This view cannot be shown: {plain(str(error))}.")
        _way_back()
    close_drawer(name)
    complete_address()
    work_without_mouse(keys)
    pass_over_modules()


def _say_of_pictures(scene: Scene, why: str) -> None:
    """Why a page has nothing to show for a network of volumes or signals, and the page that has."""
    sheet = scene.model.sheet
    kind = "volumes" if sheet is not None and sheet.is_volume else "signals"
    st.info(f"Nothing to show for {plain(scene.view.model)}, a network of {kind}: this page {why}.")
    page_links(scene.view, "layer_explorer")


def _lesson_bar(name: str, scene: Scene) -> Callable[[], None]:
    """Show the bar of the lesson that the address names, if any; the call that completes it once the page stands."""
    held = current_view().lesson
    if held is None:
        return lambda: None
    from dashboard.lesson.bar import show_lesson_bar  # the vocabulary of lessons loads what every topic measures
    from dashboard.lesson.shelf import BROWSER_LESSON

    if held == BROWSER_LESSON:
        from dashboard.writing.kept import is_kept_read

        if not is_kept_read():
            return lambda: None
    return show_lesson_bar(name, scene)


def _way_back() -> None:
    """A button to a view that can be shown, or a word to whom to turn where the server's own options are wrong."""
    with suppress(xl.ExplainError):
        cache = server_cache()
        server_set(cache)
        for view, words in ((opening_view(cache.own_models), "Back to the default view"), (View(), f"Open {View().model}")):
            with suppress(xl.ExplainError):
                cache.model(view.model)
                st.button(words, on_click=open_view, args=(view,))
                return
    st.caption("Visitors cannot fix this: the server's log has the same sentence for the person who started it.")


def _own_picture(scene: Scene) -> None:
    """The visitor's picture, or a word where the page looks at others."""
    if isinstance(scene.picture_set, OwnPicture):
        show_own_picture(scene, scene.picture_set.digest)
    elif current_view().pictures != scene.view.pictures:
        say_set_aside(scene)


def _pause(checkpoint: DeltaGenerator) -> None:
    checkpoint.empty()  # Streamlit ends an overtaken run at its next call
