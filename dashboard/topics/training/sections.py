"""The parts of the page of a training in time: one moment, all of them, and their numbers as a chart."""

from collections.abc import Iterator
from dataclasses import replace

import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.training.course import Course, chosen_training, says
from dashboard.topics.training.figure import training_figure, training_words
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.captions import grid_caption
from dashboard.view.scene import Scene
from dashboard.view.view import View, chosen_layer
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.explained import map_panel, original_panel, overlay_panel, probability_bars
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.words import correlation_words, percent
from explain_lib.cam.training_time import training_moments
from explain_lib.passes.targets import class_target

SIDE = 224
THUMBNAIL = 160
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


def one_class_for_all(course: Course) -> None:
    """A press that makes all moments explain one class, or each its own."""
    final = course.end.predicted
    if course.scene.view.target is None:
        name = course.end.model.classes[final]
        words = f"Explain {name} at every epoch"
        st.button(words, help=f"{name} is what the final network predicts", on_click=change_view, kwargs={"target": final})
    else:
        words = "Explain what each network predicts"
        st.button(words, help="Each epoch's own prediction", on_click=change_view, kwargs={"target": None})


def show_moments(course: Course, reach: float | None) -> None:
    """The picture, its map and its probabilities at the moment that is shown, and all moments below, each a click away."""
    show_stage(Stage((_moment(course, reach), _strip(course, reach)), slider="overlay"))


def _moment(course: Course, reach: float | None) -> Row:
    scene, place = course.scene, course.place
    grid = grid_caption((course.maps.map.shape[1], course.maps.map.shape[2]))
    words = f"Grad-CAM of layer {course.layer} on {scene.name} after {course.shown.epoch} epochs"
    caption = f"Layer {course.layer}: {grid} cells, units of the score."
    centres = scene.centres(course.layer)
    over = overlay_panel(scene, course.values(place), words, SIDE, reach, centres=centres)
    panels = (
        original_panel(scene, SIDE),
        replace(over, caption=f"{placement_words(scene, course.layer)} {drawing_words(scene.view, 'epochs')}", previews=True),
        replace(map_panel(scene, course.values(place), caption, SIDE, reach, centres=centres), previews=True),
    )
    alt = f"Probability of each class after {course.shown.epoch} epochs; {says(course, place)}"
    return Row(panels, facts=tuple(_facts(course)), bars=(replace(probability_bars(scene, alt), width=PROBABILITIES),))


def _facts(course: Course) -> Iterator[Fact]:
    scene, place = course.scene, course.place
    yield Fact("Right of 10,000 test images", percent(course.shown.accuracy), terms.ACCURACY)
    true, share = scene.true_class(scene.view.image), percent(course.probability(place, scene.predicted))
    with_share = f"with {share}{'' if true is None else f'; true is {true}'}"
    yield Fact("Says of this image", scene.model.classes[scene.predicted], scene.task_words.meaning, with_share)
    here, there = (scene.model.classes[class_target(course.maps.targets[one]).index] for one in (place, -1))
    other = "" if here == there else f"Of two classes: {here} is explained here, {there} at the end."
    correlation = correlation_words(float(course.correlations[place]))
    yield Fact("Correlation with final map", correlation, terms.MAP_CORRELATION, other)


def _strip(course: Course, reach: float | None) -> Row:
    """All moments side by side, the one that is shown marked."""
    places = range(len(course.moments))
    title = f"All moments side by side · explained: {_explained(course)}"
    return Row(tuple(_thumbnail(course, place, reach) for place in places), title, strip=True)


def _explained(course: Course) -> str:
    """The class that the maps of all moments explain."""
    target = course.scene.view.target
    if target is None:
        return "what each network predicts"
    return f"{course.scene.model.classes[target]}, chosen for every epoch"


def _thumbnail(course: Course, place: int, reach: float | None) -> Panel:
    moment, scene = course.moments[place], course.scene
    words, centres = f"epoch {moment.epoch}, {says(course, place)}", scene.centres(course.layer)
    over = overlay_panel(scene, course.values(place), words, THUMBNAIL, reach, centres=centres)
    correlation = correlation_words(float(course.correlations[place]))
    return replace(
        over, name=f"epoch-{moment.epoch}", title=f"epoch {moment.epoch}", help="",
        drawing=replace(over.drawing, contour=False, border=False),
        caption=f"{says(course, place)}\ncorrelation {correlation}\n{percent(moment.accuracy)} of all right",
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
