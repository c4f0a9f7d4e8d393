"""The parts of the layer explorer: one picture explained or two side by side, all layers in a strip, and its controls."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from dashboard.figures.asked_place import (
    READ,
    AskedOutline,
    AskedPlace,
    asked_on_picture,
    asking,
    outlining,
    veiled,
    with_outline,
    with_spots,
)
from dashboard.figures.panel import Action, Painting, Panel
from dashboard.topics.explorer.cover_words import cover_numbers, peak_sentence
from dashboard.topics.explorer.panels import Explained, draw_whole, make_panels, other_layer, panel_caption, whole_of
from dashboard.view.address import bound, current_view
from dashboard.view.captions import bare, grid_caption, layer_words, short_layer
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.view.view import cover_fill
from dashboard.widgets.drawing_controls import drawing_words, placement_switch, placement_words
from dashboard.widgets.explained import (
    common_reach,
    map_panel,
    most_changed,
    original_panel,
    overlay_panel,
    place_of,
    probability_bars,
)
from dashboard.widgets.pickers import choice, model_words, number_picker, offered_models
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from explain_lib import list_models
from explain_lib.networks.randomisation import randomisation_steps
from explain_lib.networks.task_words import classes_judged
from explain_lib.passes.tasks import segments

SIDE, SIDE_OF_TWO = 288, 256
THUMBNAIL = 96
BESIDE = {"nothing": "nothing", "layer": "another layer", "image": "another image", "model": "another model"}
LAYERS = "All layers, first to last"


_WHOLE = (
    "The map on the whole picture from the file. The network sees only a part of that, or other proportions; if its transform "
    "turns or bends pictures, the way back is unknown."
)


_CARD = (
    "Five measurements of this one map: single deletion beside a blob in the middle, ten copies with random weights, the next "
    "class, the sum of the cells, and the place of the cells."
)


def explorer_controls(scene: Scene) -> None:
    """Where cells are drawn, and the layer, the picture or the model beside."""
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="in-sight-explorer"):
        placement_switch(view)
        st.toggle("Can I believe this map?", **bound("card", view.card), help=_CARD)
        whole = whole_of(scene)
        if whole is not None:
            st.toggle("On the whole picture", **bound("whole", view.whole), help=_WHOLE, disabled=whole.box is None)
        choice(
            "beside",
            "Side by side with",
            BESIDE,
            view.beside,
            "The same settings at another layer, on another image, or on another model.",
        )
        if view.beside == "layer":
            words = layer_words(scene.model)
            st.selectbox(
                "The other layer",
                tuple(words),
                **bound("other_layer", other_layer(scene)),
                format_func=words.__getitem__,
                width=320,
            )
        if view.beside == "image":
            last = len(scene.of_set().images.labels) - 1
            number_picker("other_image", "The other image", view.other_image, last)
        if view.beside == "model":
            st.selectbox(
                "The other model",
                offered_models(scene),
                **bound("other_model", view.other_model),
                format_func=lambda name: model_words(scene, name),
                width=400,
            )


def show_panels(shown: list[Explained], reach: float | None) -> None:
    """One picture with its map, or two side by side, and all layers below. reach: the common end of the colours, None for each
    map's own. Where a lesson asks for a place in the map, no map is seen.
    """
    scene = shown[0].scene
    if segments(scene.model.task) and asked_on_picture(scene.view) is None:
        from dashboard.topics.explorer.regions import choose_place  # as in _with_places

        show_stage(make_stage(shown, reach), choose_place(scene))
    elif scene.model.task == "detection" and asked_on_picture(scene.view) is None:
        from dashboard.topics.explorer.boxes import choose_box  # as in _with_places

        show_stage(make_stage(shown, reach), choose_box(scene))
    else:
        show_stage(make_stage(shown, reach))


def reach_of(shown: list[Explained]) -> float | None:
    """The common end of the colours, None for each map's own."""
    return common_reach(shown[0].scene.view, [one.values(layer) for one in shown for layer in one.cams])


def stage_of(scene: Scene) -> Stage:
    """The page's stage for a scene."""
    shown = make_panels(scene)
    return make_stage(shown, reach_of(shown))


def make_stage(shown: list[Explained], reach: float | None) -> Stage:
    """The stage of show_panels."""
    first = shown[0]
    view, asked = first.scene.view, asked_on_picture(first.scene.view)
    if asked is not None and not asked.is_open:
        return Stage(_asking(first, asked), hint=READ)
    main = _one(first, reach) if len(shown) == 1 else _two(shown, reach)
    main = main if asked is None else _with_answer(main, first.scene, asked)
    rows = _with_places(main, first.scene) if len(shown) == 1 and asked is None else (main,)
    stripped = shown[:1] if view.beside == "layer" else shown
    strips = tuple(_strip(one, reach, number, len(stripped)) for number, one in enumerate(stripped))
    if len(shown) == 1 and asked is None:
        strips = (replace(strips[0], links=_ways_on(first.scene)),)
    wholes = tuple(_on_whole(one, reach, place) for place, one in enumerate(shown)) if view.whole else ()
    rows = (*rows, Row(tuple(panel for panel in wholes if panel)), *strips) if any(wholes) else (*rows, *strips)
    return Stage(rows, slider="overlay", view=view_key(first), layer=first.layer, signed=view.sign == "signed")


def _with_places(main: Row, scene: Scene) -> tuple[Row, ...]:
    """The row of the maps, with what a network that segments or detects finds in the picture."""
    if segments(scene.model.task):
        from dashboard.topics.explorer.regions import regions_row  # only few networks need it

        return main, regions_row(scene, SIDE)
    if scene.model.task == "detection":
        from dashboard.topics.explorer.boxes import box_links, boxes_panel, framed  # as above

        picture, *maps = main.panels
        found = (boxes_panel(scene, SIDE), *(framed(panel, scene) for panel in maps))
        return replace(main, panels=found), Row((picture,), links=box_links(scene))
    return (main,)


def _ways_on(scene: Scene) -> tuple[Action, ...]:
    """What a lecture asks for next, each one press away: the same picture in other networks, in a random one, and mistakes."""
    others = [name for name in (*scene.cache.own_models.names, *list_models()) if name != scene.view.model]
    models = tuple(Action(f"in {name}", {"model": name, "layer": None}) for name in others) if len(others) <= FEW_MODELS else ()
    forgotten = len(randomisation_steps(scene.model))
    random = (Action("in a random network", {"randomised": forgotten}, "sanity_checks"),) if forgotten else ()
    return (*models, *random, *((_MISTAKES,) if classes_judged(scene.model) else ()))


FEW_MODELS = 4
"""So many networks, besides the one that is shown, have a name in the line above the strip."""
_MISTAKES = Action(
    "confident mistakes",
    {"true_class": None, "predicted_class": None, "outcome": "wrong", "low": 90, "high": 100, "order": "most-confident"},
    "class_browser",
)


def view_key(explained: Explained) -> str:
    """What the maps of other classes belong to: model, picture, score and layers."""
    scene = explained.scene
    view = scene.view
    parts = (scene.model.digest, scene.picture_set.address, view.image, view.fit, view.score, *explained.cams)
    covered = (view.cover, cover_fill(view)) if scene.is_covered else ()
    return "|".join(map(str, (*parts, *covered)))


def _one(explained: Explained, reach: float | None) -> Row:
    scene = explained.scene
    painting = Painting(
        place_of(scene), scene.view.cover or "", cover_fill(scene.view), scene.whole.picture, most_changed(scene)
    )
    panels = (replace(original_panel(scene, SIDE), paints=painting), *_maps(explained, reach, SIDE))
    return Row(panels, caption=bare(panel_caption(explained)), bars=(probability_bars(scene),), tally=_tally([explained]))


def _tally(shown: list[Explained]) -> tuple[Fact, ...]:
    """The numbers of what is covered; of two sides with the name of each."""
    facts = []
    for one in shown:
        if one.effect is None:
            continue
        of = f" · {_side_name(one)}" if len(shown) == 2 else ""
        for label, value, words, below in cover_numbers(one.effect, cover_fill(one.scene.view)):
            facts.append(Fact(label + of, value, words, below))
    return tuple(facts)


def _asking(explained: Explained, asked: AskedPlace | AskedOutline) -> tuple[Row, Row]:
    """The picture to be clicked or painted, and where its maps will be: nothing moves when the answer is opened."""
    row, scene = _one(explained, None), explained.scene
    panels = tuple(
        _asked(one, scene, asked) if one.name == "picture" else veiled(one, scene.model.input_size) for one in row.panels
    )
    strip = _strip(explained, None, 0, 1)
    hidden = tuple(veiled(one, scene.model.input_size, "") for one in strip.panels)
    return replace(row, panels=panels), replace(strip, panels=hidden)


def _asked(picture: Panel, scene: Scene, asked: AskedPlace | AskedOutline) -> Panel:
    if isinstance(asked, AskedOutline):
        return outlining(picture, asked, place_of(scene))
    return replace(asking(picture, asked), paints=None)


def _with_answer(row: Row, scene: Scene, asked: AskedPlace | AskedOutline) -> Row:
    """The row with the reader's place and the brightest one on the picture and on the map that was asked for, or with the
    reader's outline on the picture, alone and under the map: a map alone has cells of one size, wherever they look.
    """
    size = scene.model.input_size

    def answered(panel: Panel) -> Panel:
        if isinstance(asked, AskedOutline):
            return with_outline(panel, asked) if panel.name in ("picture", "overlay") else panel
        return with_spots(panel, asked, size) if panel.name in ("picture", "overlay", "map") else panel

    return replace(row, panels=tuple(map(answered, row.panels)))


def _maps(explained: Explained, reach: float | None, side: int, suffix: str = "") -> tuple[Panel, Panel]:
    """The map over the picture, and the map itself."""
    scene, values, layer = explained.scene, explained.values(explained.layer), explained.layer
    words = f"Grad-CAM of layer {layer} on {scene.name}"
    how = "The weighted sum" if scene.view.sign == "signed" else "ReLU of the weighted sum"
    grid = grid_caption(explained.cams[layer].grid)
    centres = scene.centres(layer)
    over = overlay_panel(scene, values, words, side, reach, f"overlay{suffix}", centres)
    caption = f"{how} of activations: {grid} cells, units of the score.{_peak(explained)}"
    itself = map_panel(scene, values, caption, side, reach, f"map{suffix}", centres)
    alone = not suffix
    drawn = f"{placement_words(scene, layer)} {drawing_words(scene.view)}"
    return replace(over, caption=drawn, previews=alone), replace(itself, previews=alone)


def _peak(explained: Explained) -> str:
    effect, layer = explained.effect, explained.layer
    signed = explained.scene.view.sign == "signed"
    return "" if effect is None else f" {peak_sentence(effect, explained.values(layer), signed=signed)}"


def _two(shown: list[Explained], reach: float | None) -> Row:
    panels, bars = [], []
    for explained, suffix in zip(shown, ("", "-beside"), strict=True):
        scene = explained.scene
        name = _side_name(explained)
        over, itself = _maps(explained, reach, SIDE_OF_TWO, suffix)
        placed = placement_words(scene, explained.layer)
        notes = " ".join((f"{bare(panel_caption(explained))}.", placed, *_replaced(explained)))
        panels += [
            replace(over, title=f"{name}: overlay", caption=notes, previews=False),
            replace(itself, title="Map", previews=False),
        ]
        bars.append(replace(probability_bars(scene), title=f"{scene.task_words.bars} · {name}", width=2 * SIDE_OF_TWO))
    if shown[0].scene.view.beside == "layer":  # two layers of one pass, with the same scores
        bars = [probability_bars(shown[0].scene)]
    uncover = (Action("Uncover the picture", {"cover": None}),) if shown[0].effect is not None else ()
    return Row(tuple(panels), bars=tuple(bars), tally=_tally(shown), links=uncover)


def _side_name(explained: Explained) -> str:
    """What tells one of two sides from the other."""
    view = explained.scene.view
    if view.beside == "layer":
        return explained.layer
    return view.model if explained.scene.is_own else f"{view.model}, image {view.image}"


def _on_whole(explained: Explained, reach: float | None, place: int) -> Panel | None:
    """The map over the whole picture, None where the network sees all of it, or there is nothing to draw."""
    scene, whole = explained.scene, whole_of(explained.scene)
    drawn = None if whole is None else draw_whole(explained, whole, reach)
    if whole is None or drawn is None:
        return None
    height, width = whole.size
    reduced = "" if drawn.shape[:2] == whole.size else f", shown with {drawn.shape[1]} × {drawn.shape[0]}"
    dark = "" if whole.box is None or whole.box.seen.all() else " Dark: not seen by the network."
    dark += " The map belongs to the covered picture; the cover is not drawn here." if scene.is_covered else ""
    words = f"On the whole picture: Grad-CAM of layer {explained.layer} on {scene.name}"
    return Panel(
        f"whole-{place}", words, max(SIDE, drawn.shape[1]), title="On the whole picture", picture=drawn,
        caption=f"{width} × {height} pixels{reduced}.{dark}", place=f"whole-{place}",
    )  # fmt: skip


def _replaced(explained: Explained) -> list[str]:
    """Sentences on what of the view the model beside does not have."""
    view, notes = explained.scene.view, []
    if view.layer not in (None, explained.layer):
        notes.append(f"{view.model} has no layer {view.layer}: {explained.layer} is shown.")
    if view.target is None and current_view().target is not None:
        notes.append(f"{view.model} has other classes: its own prediction is explained.")
    return notes


def _strip(explained: Explained, reach: float | None, number: int, count: int) -> Row:
    """The maps of all layers on offer; a click chooses one."""
    scene = explained.scene
    panels = tuple(_thumbnail(explained, name, reach, "" if number == 0 else "-beside") for name in explained.cams)
    title = f"{LAYERS}{', with parts covered' if scene.is_covered else ''}"
    title = title if count == 1 else f"{LAYERS} · {scene.view.model}, {scene.name}"
    return Row(panels, title, strip=True)


def _thumbnail(explained: Explained, layer: str, reach: float | None, suffix: str) -> Panel:
    grid = grid_caption(explained.cams[layer].grid)
    over = overlay_panel(explained.scene, explained.values(layer), f"layer {layer}, {grid}", THUMBNAIL, reach,
                         centres=explained.scene.centres(layer, measure=False))  # fmt: skip
    changes: Mapping[str, Value] = {"layer": layer}
    return replace(
        over, name=f"layer-{layer}{suffix}", title=short_layer(layer), help="", caption=grid,
        action=Action("shows this layer", changes),
        chosen=layer == explained.layer, shows=layer, drawing=replace(over.drawing, contour=False, border=False),
    )  # fmt: skip
