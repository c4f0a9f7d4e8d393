"""The view and the browser's address, kept in step: the address is the truth, widgets follow it."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypedDict, TypeVar
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

import explain_lib as xl
from dashboard import ASSETS
from dashboard.view.field import Value
from dashboard.view.fitting import fit_models, fit_names, fit_task, fit_view, opening_view
from dashboard.view.origin import Origin, address_query, take_origin
from dashboard.view.picture_sets import OwnPicture, Pictures, PictureSet, chosen_set, server_set
from dashboard.view.scene import Scene, make_scene
from dashboard.view.server_options import server_cache
from dashboard.view.this_view import CARRIED_VIEW
from dashboard.view.view import CIFAR10, PARAMETERS, View, change, read_query, take_names, tasked
from explain_lib.pictures.sets import LazyPixels, next_readable

Notes = tuple[str, ...]
Shown = TypeVar("Shown")

_OPENED, _LEFT, _CHANGED, _PAGE = "_opened_page", "_left_addresses", "_changed_view", "_newest_page"
ON_THE_WAY = 10.0
"""Seconds for which an address that was left may still arrive, in messages that the browser sent before it had the new one."""
_ADDRESS = st.components.v2.component("address", js=(ASSETS / "address.js").read_text())


# Section: from the address to what is drawn


def addressed_scene(*, over_set: bool, covers: bool = False, opens: Mapping[str, Value] | None = None) -> tuple[Scene, Notes]:
    """The scene of the page, and a sentence for each part of the address that was ignored or replaced.

    over_set: whether the page looks at a whole set: a visitor's picture stays in the view, and out of the scene. covers:
    whether the page covers the parts of the picture that the view names. opens: what the page opens with where nothing is in
    the address or carried from another page, with the bundled network and pictures.
    """
    cache = server_cache()
    start = opening_view(cache.own_models)
    if opens and not st.query_params and start == View() and server_set(cache).address == CIFAR10:
        start = change(start, opens)
    view, named, origin, ignored = _read_address(start)
    view, no_model = fit_models(view, cache.own_models)
    picture_set, no_set = chosen_set(view, cache)
    if no_set:
        view = replace(view, pictures=None)
    around = server_set(cache) if isinstance(picture_set, OwnPicture) else picture_set
    view, no_task = fit_task(view, cache.model(view.model))
    model = tasked(cache.model(view.model), view)
    images = around.pictures(model)
    others = origin.differences(view, cache)
    view, no_class = fit_names(view, named, model, images)
    view, no_part = fit_view(view, model, images)
    remember_view(view)
    if over_set and picture_set is not around:
        view, picture_set = replace(view, pictures=None), around
    view, unreadable = _readable(view, picture_set, around, images)
    notes = (*ignored, *no_model, *no_task, *no_set, *others, *no_class, *no_part, *unreadable)
    return replace(make_scene(view, picture_set, cache), covers=covers), notes


def _read_address(start: View) -> tuple[View, dict[str, str], Origin, Notes]:
    """The view of the address, the names of classes in it by field, what it was made with, and what in it was ignored.

    A bare address, as the navigation opens it, stands for the last page's view. start: what the dashboard opens with.
    """
    if CARRIED_VIEW in st.session_state and not st.query_params:
        return replace(current_view(), ended=None), {}, Origin({}), ()  # the last word of a lesson is said once
    query, origin = take_origin(st.query_params.to_dict())
    query, named = take_names(query)
    view, ignored = read_query(query, start)
    return view, named, origin, ignored


def _readable(view: View, picture_set: PictureSet, around: PictureSet, images: Pictures) -> tuple[View, Notes]:
    """The view with the next image that can be read, and why, if its own cannot be."""
    if picture_set is around and isinstance(images.pixels, LazyPixels):
        try:
            images.pixels.read(view.image)
        except xl.DataError as error:
            following = int(next_readable(images.pixels, np.array([view.image]))[0])
            return replace(view, image=following), (f"img={view.image}: {error}; the next picture that can be read is shown.",)
    return view, ()


# Section: from a widget to the address


class Bound(TypedDict):
    """The arguments by which a widget follows the address and writes it: st.toggle("Flicker", **bound("flicker", ...))."""

    key: str
    on_change: Callable[[], None]


def bound(field: str, shown: Value, *, none: Value = None, among: Collection[Value] | None = None) -> Bound:
    """Let a widget show a field of the view, and write it; the field's name is the widget's key.

    none: the widget's entry for None. among: the values on offer, if only these are taken: a quick press can send one of the
    list before, which nobody chose.
    """

    def write(chosen: Value) -> None:
        if among is None or chosen in among:
            change_view(**{field: None if chosen == none else chosen})

    return bound_by(field, none if shown is None else shown, write)


def bound_by(key: str, shown: Shown, write: Callable[[Shown], None]) -> Bound:
    """Let a widget of that key show a value, and call `write` with what it is changed to.

    The value is sent in every run, also where it is no news: what a run has sent is dropped where the next one begins at
    once, and a browser that shows another value would send that as a choice.
    """
    st.session_state[key] = shown
    return {"key": key, "on_change": lambda: write(st.session_state[key])}


def change_view(**values: Value) -> None:
    """Write a changed view into the address; for a widget's callback, so that the run after it shows the change.

    Fields that belong to the value before, as channels to a layer, go back to their defaults unless they are given too.
    """
    open_view(_changed(values))


def _changed(values: Mapping[str, Value]) -> View:
    let_go = {name: getattr(View(), name) for field in values for name in PARAMETERS[field].resets}
    return change(current_view(), {**let_go, **values})


def open_view(view: View) -> None:
    """Write a whole view into the address; for a widget's callback."""
    st.session_state[_CHANGED] = True
    _leave(st.session_state.get(_PAGE, ""), view)
    st.query_params.from_dict(address_query(view))


def _leave(page: str, view: View) -> None:
    """Note that the newest view is this one, on that page, and that the address asked for is left."""
    now, before = time.monotonic(), st.session_state.get(_LEFT, {})
    left = {asked: moment for asked, moment in before.items() if now - moment <= ON_THE_WAY}  # the others are forgotten
    left[_asked(st.session_state.get(_PAGE, ""))] = now
    left.pop((page, urlencode(address_query(view))), None)
    st.session_state[_LEFT] = left
    st.session_state[_PAGE] = page
    remember_view(view)


def _asked(page: str) -> tuple[str, str]:
    return page, urlencode(st.query_params.to_dict())


def _is_left(page: str) -> bool:
    """Whether the browser asks with an address that was left: it had not got the newest one yet.

    Going back to an address is another matter, and so is the navigation, which opens a bare one.
    """
    moment = st.session_state.get(_LEFT, {}).get(_asked(page))
    context = get_script_run_ctx()
    if moment is None or time.monotonic() - moment > ON_THE_WAY or not st.query_params:
        return False
    return context is not None and not context.is_history_navigation


def go_to(page: str, view: View) -> None:
    """Open a page with a view, from within a run, which ends here."""
    _leave(page, view)
    st.switch_page(f"app_pages/{page}.py", query_params=address_query(view))


def open_page(page: str, changes: Mapping[str, Value]) -> None:
    """Open another page with a changed view once the next run begins; for a callback, which cannot do so itself."""
    st.session_state[_OPENED] = (page, _changed(changes))
    st.session_state[_CHANGED] = True


def follow_changes() -> None:
    """Draw the whole page anew if a press has changed the view; the first thing that a fragment does.

    The browser sends a press that comes at the moment of a fragment's own message together with that, as if it were a part of
    the fragment: its callback is run, and nothing but the fragment would be drawn.
    """
    context = get_script_run_ctx()
    changed = st.session_state.pop(_CHANGED, False)
    if changed and context is not None and context.fragment_ids_this_run:
        st.rerun()


def follow_opened(page: str) -> None:
    """Go on to the newest page and view, if that is not what the browser asks for; the first thing that a page does.

    A callback may have asked for another page: the run ends here. Or a message was on its way with an address that has been
    left, and would bring it back: the newest address is sent once more.
    """
    opened: tuple[str, View] | None = st.session_state.pop(_OPENED, None)
    if opened is not None:
        go_to(*opened)
    if not _is_left(page):
        st.session_state[_PAGE] = page
    elif st.session_state[_PAGE] == page:
        st.query_params.from_dict(address_query(current_view()))
    else:
        go_to(st.session_state[_PAGE], current_view())


def current_view() -> View:
    """The newest view, also while the page is still drawing an older one."""
    view: View = st.session_state[CARRIED_VIEW]
    return view


def remember_view(view: View) -> None:
    """Carry this view to the page that the navigation opens next."""
    st.session_state[CARRIED_VIEW] = view


def complete_address() -> None:
    """Complete a bare address, as the navigation opens it, in place, which makes no entry in the history."""
    view: View | None = st.session_state.get(CARRIED_VIEW)
    if view is not None:
        _ADDRESS(data={"query": urlencode(address_query(view))}, key="address", height=1)
