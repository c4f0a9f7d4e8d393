"""The views that clicks in a stop lead to: what a file holds of each, since nobody computes it there."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import explain_lib as xl
from dashboard.figures.asked_place import AskedOutline, AskedPlace, ask_on_picture
from dashboard.lesson.ask import Ask
from dashboard.lesson.file import Stop
from dashboard.lesson.map_numbers import Brightest, brightest, map_for_outline
from dashboard.take_home.lesson_file.page_stages import Shown, shown_of
from dashboard.view.field import Value
from dashboard.view.fitting import fit_view
from dashboard.view.picture_sets import chosen_set
from dashboard.view.scene import Scene, make_scene
from dashboard.view.view import View, change
from explain_lib.trust.region import MapByCell

FIELDS = ("layer", "target", "image", "placement", "step", "steps", "randomised", "epoch")
"""What a click in a file can change."""
CLICKS = 2
"""A file holds what so many clicks lead to from the view that a stop opens."""
MOST = 400
"""At most so many views a stop."""

Key = tuple[Value, ...]
Known = dict[tuple[str, View], Shown]
"""What pages show of views that stops have in common: several of a lesson are of one picture."""


@dataclass(frozen=True)
class State:
    """A view in a file. key: its values of FIELDS. shown: what is shown once the answer is open. closed: what is shown before,
    None where that is the same. found: what an answer on the picture is set beside, None where none is asked for, or the map
    has nothing.
    """

    key: Key
    scene: Scene
    shown: Shown
    closed: Shown | None
    found: Brightest | MapByCell | None

    @property
    def clicks(self) -> dict[str, dict[str, Value]]:
        """What a click on each panel changes."""
        return {
            panel.name: dict(panel.action.changes)
            for panel in self.shown.stage.panels
            if panel.action is not None and not panel.action.page and set(panel.action.changes) <= set(FIELDS)
        }


def states_of(stop: Stop, cache: xl.ExplainCache, known: Known) -> Iterator[State]:
    """The view of a stop, and those that clicks lead to, nearest first; `known` grows by them.

    Raises ExplainError for a view that cannot be shown.
    """
    waiting = deque([(_scene(stop.view, cache), 0)])
    there: set[Key] = set()
    while waiting and len(there) < MOST:
        scene, clicks = waiting.popleft()
        key = _key(scene)
        if key in there:
            continue
        there.add(key)
        state = _state(stop, scene, key, known, is_own=clicks == 0)
        yield state
        for to in _ways(state) if clicks < CLICKS else ():
            if _after(key, to) not in there:
                waiting.append((_scene(change(scene.view, to), cache), clicks + 1))


def _after(key: Key, changes: Mapping[str, Value]) -> Key | None:
    """The key once that has changed; None for another image, whose predicted class another look finds."""
    return None if "image" in changes else tuple({**names_of(key), **changes}[name] for name in FIELDS)


def _scene(view: View, cache: xl.ExplainCache) -> Scene:
    chosen, _ = chosen_set(view, cache)
    scene = make_scene(view, chosen, cache)
    fitted, _ = fit_view(scene.view, scene.model, scene.images)
    scene = replace(scene, view=fitted)
    return replace(scene, view=_usual(scene))


def _usual(scene: Scene) -> View:
    """The view without a name for what is shown anyway, so that a click and the stop's address lead to one view."""
    view = replace(scene.view, cover=None)
    if view.layer == scene.model.default_layer:
        view = replace(view, layer=None)
    return replace(view, target=None) if view.target == scene.predicted else view


def _key(scene: Scene) -> Key:
    shown: dict[str, Value] = {"layer": scene.layer, "target": scene.target.index}
    return tuple(shown.get(name, getattr(scene.view, name)) for name in FIELDS)


def _ways(state: State) -> Iterator[Mapping[str, Value]]:
    """What each click changes: thumbnails first, then classes, then switches."""
    yield from state.clicks.values()
    for index in (bar.index for row in state.shown.stage.rows for bars in row.bars for bar in bars.classes):
        yield {"target": index}
    for switch in state.shown.switches:
        yield switch.changes


def _state(stop: Stop, scene: Scene, key: Key, known: Known, *, is_own: bool) -> State:
    """The state of a view. is_own: whether the stop opens it: something on the picture is asked for in that one alone."""
    in_lesson = replace(scene, view=replace(scene.view, lesson="lesson"))
    opened = replace(in_lesson, view=replace(in_lesson.view, answer=True))
    asks = stop.ask is not None and stop.ask.is_on_picture
    found = None if stop.ask is None else _found(stop.ask, scene)
    try:
        if stop.ask is not None and asks:
            ask_on_picture(_asked(stop.ask, found, is_open=True))
        shown = shown_of(stop.page, opened) if asks else _once(known, stop.page, opened)
        if stop.ask is not None and asks:
            ask_on_picture(_asked(stop.ask, None, is_open=False))
        closed = shown_of(stop.page, in_lesson) if (asks and is_own) or scene.view.blind else None
    finally:
        ask_on_picture(None)
    return State(key, scene, shown, closed, found)


def _asked(ask: Ask, found: Brightest | MapByCell | None, *, is_open: bool) -> AskedPlace | AskedOutline:
    """What the page asks for while nobody has said anything."""
    if ask.kind == "outline":
        return AskedOutline("", is_open)
    return AskedPlace(None, found.pixel if isinstance(found, Brightest) else None, is_open)


def _once(known: Known, page: str, scene: Scene) -> Shown:
    """What the page shows of a view, also where another stop has been there."""
    seen = page, scene.view
    if seen not in known:
        known[seen] = shown_of(page, scene)
    return known[seen]


def _found(ask: Ask, scene: Scene) -> Brightest | MapByCell | None:
    """What an answer on the picture is set beside; None for another answer, and where the map has nothing."""
    try:
        if ask.kind == "outline":
            return map_for_outline(scene)
        return brightest(scene) if ask.kind == "place" else None
    except xl.InputError:
        return None


def names_of(key: Key) -> dict[str, Value]:
    """The values of a key by the names of their fields."""
    return dict(zip(FIELDS, key, strict=True))
