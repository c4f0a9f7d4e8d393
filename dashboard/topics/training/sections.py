"""The parts of the page of a training in time: one moment, all of them, and their numbers as a chart."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.training.course import Course, chosen_training, says
from dashboard.topics.training.figure import training_figure, training_words
from dashboard.view import terms
from dashboard.view.address import bound, bound_by, change_view
from dashboard.view.captions import grid_caption
from dashboard.view.scene import Scene
from dashboard.view.view import View, chosen_layer
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.explained import map_panel, original_panel, overlay_panel, probability_bars
from dashboard.widgets.pickers import NONE
from dashboard.widgets.stage import FADE_SECONDS, Fact, Row, Stage, show_stage
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words, percent
from explain_lib.cam.training_time import training_moments
from explain_lib.passes.targets import class_target

SIDE = 224
THUMBNAIL, SMALLER = 160, 112
SCALES = {"strip": "one for all epochs", "map": "each its own"}
PROBABILITIES = 280


def course_steps(scene: Scene) -> LayerSteps:
    """Steps through the layers of the training's network."""
    name = chosen_training(scene)
    if name is None:
        return view_steps(scene)
    last = training_moments(name)[-1].model
    model = scene.cache.model(last)
    shown = chosen_layer(scene.view, model)
    return LayerSteps(model.spatial_layers, shown, lambda view, layer: {"model": _model_with(scene, view, layer, last)})


def _model_with(scene: Scene, view: View, layer: str, last: str) -> str:
    """The view's model if it has this layer, else the end of the training."""
    return view.model if layer in scene.cache.model(view.model).spatial_layers else last


def scale_switch(scene: Scene) -> None:
    """Whether the maps of all epochs have one colour scale; the menu has it as well."""

    def write(chosen: str | None) -> None:
        if chosen is not None:
            change_view(scale=chosen)

    st.segmented_control(
        "Colour scale",
        tuple(SCALES),
        **bound_by("scale_switch", scene.view.scale, write),
        format_func=SCALES.__getitem__,
        required=True,
        help="One for all epochs: the colours end at the largest value of any epoch, so that a weak map looks weak. Each its "
        "own: every map looks equally strong.",
    )


def class_to_compare(scene: Scene) -> None:
    """The choice of a second class, whose maps stand below."""
    offered = tuple(index for index in range(len(scene.model.classes)) if index != scene.target.index)
    options, other = (NONE, *offered), scene.view.other_target
    st.selectbox(
        "Compare with",
        options,
        **bound("other_target", other if other in offered else None, none=NONE, among=options),
        format_func=lambda index: "no other class" if index == NONE else scene.model.classes[index],
        help="The maps of a second class, on the same scale.",
        width=170,
    )


def show_moments(course: Course, reach: float | None) -> None:
    """The picture, its map and its probabilities at the moment that is shown, and all moments below, each a click away.

    Of two classes both maps, and all moments of both.
    """
    show_stage(moments_stage(course, reach))


def moments_stage(course: Course, reach: float | None) -> Stage:
    """The stage of show_moments."""
    strips = [_strip(course, reach, _thumbnail)]
    if course.other is not None:
        strips.append(_strip(course, reach, _other_thumbnail))
    same = replace(course.scene.view, epoch=None, model="").to_query() | {"explained": course.explained}
    return Stage((_moment(course, reach), *strips), slider="overlay", fades=str(same))


def say_drawing(course: Course) -> None:
    """How maps are drawn, on which scale, and what is seen between two epochs."""
    scene = course.scene
    st.caption(
        f"{placement_words(scene, course.layer)} {drawing_words(scene.view, 'epochs')} From one epoch to the next the old map "
        f"fades out within {FADE_SECONDS} s. Until then the picture is a blend of both maps, not a computed one."
    )


def _moment(course: Course, reach: float | None) -> Row:
    scene, place = course.scene, course.place
    grid = grid_caption((course.maps.map.shape[1], course.maps.map.shape[2]))
    caption = f"Layer {course.layer}: {grid} cells, units of the score."
    centres = scene.centres(course.layer)
    over = _over(course, course.values(place), course.explained, reach)
    if course.other is None:
        over = replace(over, previews=True)
        beside = replace(map_panel(scene, course.values(place), caption, SIDE, reach, centres=centres), previews=True)
    else:
        assert course.compared is not None
        over = replace(over, title=course.explained, caption=caption)
        second = _over(course, course.other_values(place), course.compared, reach)
        beside = replace(second, name="other", title=course.compared)
    alt = f"Probability of each class after {course.shown.epoch} epochs; {says(course, place)}"
    bars = (replace(probability_bars(scene, alt), width=PROBABILITIES),)
    return Row((original_panel(scene, SIDE), over, beside), facts=tuple(_facts(course)), bars=bars)


def _over(course: Course, values: Map, name: str, reach: float | None) -> Panel:
    """The map of the moment that is shown over the picture. name: of the class that it explains, if there are two."""
    scene = course.scene
    of = "" if course.other is None else f" for {name}"
    words = f"Grad-CAM of layer {course.layer}{of} on {scene.name} after {course.shown.epoch} epochs"
    return overlay_panel(scene, values, words, SIDE, reach, centres=scene.centres(course.layer))


def _facts(course: Course) -> Iterator[Fact]:
    scene, place = course.scene, course.place
    yield Fact("Test accuracy", percent(course.shown.accuracy), terms.ACCURACY)
    true, share = scene.true_class(scene.view.image), percent(course.probability(place, scene.predicted))
    with_share = f"with {share}{'' if true is None else f'; true is {true}'}"
    yield Fact("Prediction", scene.model.classes[scene.predicted], scene.task_words.meaning, with_share)
    correlation = correlation_words(float(course.correlations[place]))
    yield Fact("Correlation with final map", correlation, terms.MAP_CORRELATION, f"Explained throughout: {course.explained}")
    if course.other is not None:
        both = correlation_words(float(course.likeness[place]))
        yield Fact(f"{course.explained} with {course.compared}", both, terms.SANITY_CORRELATION, "Correlation of both maps")


def _strip(course: Course, reach: float | None, thumbnail: Callable[[Course, int, float | None], Panel]) -> Row:
    """All moments of a class side by side, the one that is shown marked."""
    panels = tuple(thumbnail(course, place, reach) for place in range(len(course.moments)))
    if course.other is None:
        chosen = "predicted at the end" if course.scene.view.target is None else "chosen"
        title = f"All moments side by side · explained: {course.explained}, {chosen}"
    else:
        title = f"{course.explained if thumbnail is _thumbnail else course.compared} at every epoch"
    return Row(panels, title, strip=True)


def _thumbnail(course: Course, place: int, reach: float | None) -> Panel:
    moment = course.moments[place]
    correlation = correlation_words(float(course.correlations[place]))
    caption = f"{says(course, place)}\ncorrelation {correlation}\n{percent(moment.accuracy)} of all right"
    if course.other is not None:
        caption = _share_words(course, place, class_target(course.maps.targets[place]).index)
    return _small(course, place, course.values(place), reach, f"epoch-{moment.epoch}", caption)


def _other_thumbnail(course: Course, place: int, reach: float | None) -> Panel:
    assert course.other is not None
    caption = _share_words(course, place, class_target(course.other.targets[place]).index)
    return _small(course, place, course.other_values(place), reach, f"other-epoch-{course.moments[place].epoch}", caption)


def _share_words(course: Course, place: int, index: int) -> str:
    """The probability of a class at a moment: "plane 12.3 %"."""
    return f"{course.scene.model.classes[index]} {percent(course.probability(place, index))}"


def _small(course: Course, place: int, values: Map, reach: float | None, name: str, caption: str) -> Panel:
    moment, scene = course.moments[place], course.scene
    words, centres = f"epoch {moment.epoch}, {caption.splitlines()[0]}", scene.centres(course.layer)
    over = overlay_panel(scene, values, words, THUMBNAIL if course.other is None else SMALLER, reach, centres=centres)
    return replace(
        over, name=name, title=f"epoch {moment.epoch}", help="", caption=caption,
        drawing=replace(over.drawing, contour=False, border=False),
        action=Action("shows this epoch", {"epoch": moment.epoch}), chosen=place == course.place, shows=f"epoch {moment.epoch}",
    )  # fmt: skip


def show_course_chart(course: Course) -> None:
    """Accuracy, and the probability of the image's true class, against the epochs."""
    epochs = [moment.epoch for moment in course.moments]
    accuracy = [moment.accuracy for moment in course.moments]
    true_class = [course.probability(place, course.true) for place in range(len(epochs))]
    name = course.scene.model.classes[course.true]
    figure = training_figure(epochs, accuracy, true_class, course.shown.epoch, name)
    show_chart(figure, key="training", alt=training_words(epochs, accuracy, true_class, name))
