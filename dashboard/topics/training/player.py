"""A slider over moments that plays by itself: the address says which moment is shown, and a button lets it move on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.view.address import bound_by, change_view, current_view, follow_changes

SECONDS = 1.8
"""The time that a moment stays while it plays, of which the map before takes a third to fade out."""

_PLAYING, _SLIDER = "playing", "epoch"


@dataclass(frozen=True)
class _Playing:
    """The epoch that was played last, and when the next one is due, in seconds of the monotonic clock."""

    epoch: int
    due: float


def show_play(epochs: Sequence[int], shown: int) -> Callable[[], None]:
    """Play, or Pause, at the epoch that is shown; the call draws the slider over these epochs, and lets them move on.

    Playing ends at the last epoch, with Pause, with a move of the slider, when another page is opened, and whenever the
    address shows another epoch than the one that was played last.
    """
    playing = _playing(shown)
    if playing is None:
        st.button("Play", key="play", type="primary", width=96, help=_PLAY_HELP, on_click=_play, args=(epochs, shown))
    else:
        st.button("Pause", key="play", type="primary", width=96, help="Stay at this epoch", on_click=_stop)

    def slider() -> None:
        _slider(epochs, shown)
        if playing is not None:
            _wait(epochs, playing)

    return slider


_PLAY_HELP = "From this epoch to the end of the training; from the start if it is at the end"


def _slider(epochs: Sequence[int], shown: int) -> None:
    def moved(epoch: int) -> None:
        if _looks_again():
            st.session_state[_SLIDER] = shown
            return
        _stop()
        change_view(epoch=epoch)

    st.select_slider(
        "Epochs of training",
        epochs,
        **bound_by(_SLIDER, shown, moved),
        help="How often the network had seen all training images; 0 is the random start. Each of these epochs has a "
        "checkpoint; the distances on the slider mean nothing.",
        width=420,
    )


def _looks_again() -> bool:
    """Whether this run only looks if the next step is due.

    The browser asks for such a run by itself, and sends along where its slider stands. Where it is busy, that is still the
    epoch before the last step, which nobody chose.
    """
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def _playing(shown: int) -> _Playing | None:
    playing: _Playing | None = st.session_state.get(_PLAYING)
    away = _SLIDER not in st.session_state  # Streamlit forgets a slider that the page before did not draw
    if playing is None or playing.epoch != shown or away:
        st.session_state[_PLAYING] = None
        return None
    return playing


def _play(epochs: Sequence[int], shown: int) -> None:
    _show(epochs[0] if shown == epochs[-1] else shown)


def _show(epoch: int) -> None:
    st.session_state[_PLAYING] = _Playing(epoch, time.monotonic() + SECONDS)
    change_view(epoch=epoch)


def _stop() -> None:
    st.session_state[_PLAYING] = None


def _wait(epochs: Sequence[int], playing: _Playing) -> None:
    """Look again when the next step is due. The page is drawn anew for each step, so nothing on it is older than the slider."""

    @st.fragment(run_every=max(0.1, playing.due - time.monotonic()))
    def look() -> None:
        follow_changes()
        if st.session_state.get(_PLAYING) != playing or current_view().epoch != playing.epoch:
            return  # it was stopped, or went on, since this was drawn
        if time.monotonic() < playing.due:
            return
        following = epochs[epochs.index(playing.epoch) + 1]
        _show(following)
        if following == epochs[-1]:
            _stop()
        st.rerun()

    look()
