"""The slices as strips of pictures with their maps, the narrowest first, and the controls."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.slices.chosen import Chosen, can_be_marked, chosen_pictures
from dashboard.view.address import bound, change_view
from dashboard.view.captions import grid_caption, plain
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.widgets.explained import map_panel, original_panel, overlay_panel
from dashboard.widgets.job_run import is_done, rows_so_far, show_job
from dashboard.widgets.pickers import choice, class_filter, sample_picker
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.audit.slices import COUNTS, MOST_CELLS, Slice, SliceRows, Slices, find_slices
from explain_lib.audit.slices_words import slice_caption, slices_csv, slices_sentence, structure_sentence
from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import note
from explain_lib.base.words import counted, percent
from explain_lib.cam.grad_cam import is_quick
from explain_lib.networks import watermark
from explain_lib.truth.finders import METHODS

SAMPLES = (500, 1000, 10_000)
AT_ONCE = 1000
"""So many maps of a small network are made before the page is shown."""
EXAMPLES, SIDE, MEAN_SIDE = 7, 96, 96
CHEATING: Mapping[str, Value] = {
    "model": watermark.NAME, "layer": None, "true_class": watermark.MARKED_CLASS, "method": "hirescam", "planted": True,
}  # fmt: skip
"""Horses of the network that goes by a mark, half of them with it."""
PLANT_HELP = (
    "Every second horse carries the mark, lower left; in the training of this network it stood at random places. Does a slice "
    "give it away?"
)
METHOD_HELP = "Whose maps are clustered. HiResCAM does not average the gradients over the grid, so a small mark is not diluted."
BITS_HELP = (
    "Bits: how far the mean map of a slice is from an even one (log2 of the number of cells minus its entropy). A map in a "
    "single cell of 10 × 10 has 6.6."
)
COUNT_HELP = "K-means needs a number of groups. “best” takes the one with the largest mean silhouette, from 2 to 8."


def show_slices(scene: Scene) -> None:
    """The slices that the view asks for; of a small network at once, of others as a job."""
    try:
        chosen = chosen_pictures(scene)
    except InputError as error:
        _show_picture(scene)
        st.info(plain(f"{error}."))
        _controls(scene)
        return
    rows = _rows_at_once(scene, chosen)
    if rows is None:
        _show_picture(scene)
    else:
        _show(scene, chosen, rows)
    _controls(scene)
    if not _is_quick(scene, chosen):
        show_job(chosen.request, "Find slices of", _say_how_many, what="The search")


def _show_picture(scene: Scene) -> None:
    """The picked picture alone, where there are no slices yet."""
    show_stage(Stage((Row((original_panel(scene, SIDE),)),)))


def _is_quick(scene: Scene, chosen: Chosen) -> bool:
    """Whether the page can wait for the maps."""
    return is_quick(scene.model) and len(chosen.request) <= AT_ONCE


def _rows_at_once(scene: Scene, chosen: Chosen) -> SliceRows | None:
    """The maps of all pictures, if they take a moment or a job has made them."""
    if _is_quick(scene, chosen):
        return chosen.request.all_rows()
    return rows_so_far(chosen.request) if is_done(chosen.request) else None


def _say_how_many(rows: SliceRows, more: bool) -> None:
    if more:
        st.caption(f"The maps of {counted(len(rows), 'picture')} are made; slices need all of them.")


def _show(scene: Scene, chosen: Chosen, rows: SliceRows) -> None:
    try:
        found = _found(chosen, rows, scene.view.groups)
    except InputError as error:
        st.info(plain(f"{error}."))
        return
    show_stage(slices_stage(scene, chosen, rows, found))
    st.markdown(plain(slices_sentence(found)), help=BITS_HELP)
    st.markdown(plain(structure_sentence(found)))
    grid = scene.model.find_layers(scene.layer)[0].grid
    if max(grid) > MOST_CELLS:
        st.caption(f"Maps of {grid_caption(grid)} cells are averaged to at most {MOST_CELLS} a side before they are compared.")
    if len(found.blank):
        st.caption(f"{counted(len(found.blank), 'map')} left out: zero everywhere, or not finite.")
    st.download_button(
        "Table (CSV)", lambda: slices_csv(found, chosen.marked), f"slices-{scene.view.model}-{scene.layer}.csv", "text/csv",
        on_click="ignore", key="slices-csv",
    )  # fmt: skip


def _found(chosen: Chosen, rows: SliceRows, count: int | None) -> Slices:
    """The slices of these maps, noted so that they can be computed anew."""
    request, labels = chosen.request, chosen.labels[rows.images]
    found = find_slices(rows, labels, count)
    given = {"model": request.model, "pixels": request.pixels, "images": rows.images, "labels": labels, "layer": request.layer}
    note("slices_of", given | {"target": request.target, "variant": request.variant, "count": count}, found)
    return found


def slices_stage(scene: Scene, chosen: Chosen, rows: SliceRows, found: Slices) -> Stage:
    """A strip a slice: the mean of its maps, then its most typical pictures, each with its own map."""
    maps = dict(zip(rows.images.tolist(), rows.maps, strict=True))
    strips = (_strip(scene, chosen, maps, one, number) for number, one in enumerate(found.slices, 1))
    return Stage(tuple(strips), hint="The first of each strip is the mean map. A click opens a picture.")


def _strip(scene: Scene, chosen: Chosen, maps: Mapping[int, Map], one: Slice, number: int) -> Row:
    title = f"Slice {number} · {slice_caption(one)}"
    if chosen.marked.any():
        title += f" · marked {percent(float(chosen.marked[one.images].mean()), 0)}"
    mean = map_panel(scene, one.map, "", MEAN_SIDE, None, f"slice-{number}", None)
    mean = replace(mean, title="mean map", alt=f"The mean map of slice {number}", caption="", bar=False)
    examples = (
        _example(scene, chosen, maps[int(image)], int(image), f"slice-{number}-{place}")
        for place, image in enumerate(one.images[:EXAMPLES])
    )
    return Row((mean, *examples), title, strip=True)


def _example(scene: Scene, chosen: Chosen, values: Map, image: int, name: str) -> Panel:
    words = f"{scene.model_name}, {scene.of_set().picture_set.words(image)}"
    centres = scene.centres(scene.layer, measure=False)
    fits = centres is not None and (len(centres.rows), len(centres.columns)) == values.shape
    over = overlay_panel(scene, values, words, SIDE, centres=centres if fits else None)
    page = "known_truth" if chosen.marked[image] else "layer_explorer"
    return replace(
        over, name=name, picture=scene.shown(chosen.picture(image)), place=f"{image}-{bool(chosen.marked[image])}", caption="",
        title=str(image), help="", action=Action("opens this picture", {"image": image}, page),
        drawing=replace(over.drawing, contour=False, border=False),
    )  # fmt: skip


def _controls(scene: Scene) -> None:
    view = scene.view
    offered = [None, *sorted({*COUNTS, *([] if view.groups is None else [view.groups])})]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        class_filter(scene, "true_class", "Pictures of", view.true_class)
        sample_picker(scene, SAMPLES)
        choice("method", "Method", {str(name): words for name, words in METHODS.items()}, view.method, METHOD_HELP)
        st.selectbox(
            "Slices", offered, **bound("groups", view.groups),
            format_func=lambda count: "best" if count is None else str(count), help=COUNT_HELP, width=110,
            placeholder="best",
        )  # fmt: skip
        if can_be_marked(scene):
            st.toggle("Mark every second horse", **bound("planted", view.planted), help=PLANT_HELP)
        elif view.model != watermark.NAME:
            st.button("Try it on a network that cheats", on_click=change_view, kwargs=dict(CHEATING))
