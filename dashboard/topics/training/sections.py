"""The parts of the page of a training in time: controls, one moment, all of them, and their numbers as a chart."""

import streamlit as st

from dashboard.topics.training.course import Course, chosen_training, says, target_words
from dashboard.topics.training.figure import training_figure, training_words
from dashboard.view import terms
from dashboard.view.address import bound_by, change_view, current_view
from dashboard.view.captions import grid_caption, layer_words, plain, target_caption
from dashboard.view.scene import Scene
from dashboard.view.view import View, chosen_layer
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import score_and_drawing_controls
from dashboard.widgets.explained import show_map_itself, show_map_over, show_original, show_probabilities
from dashboard.widgets.layer_steps import LayerSteps, view_steps
from dashboard.widgets.map_card import show_overlay
from dashboard.widgets.pickers import choose_button, target_picker
from explain_lib.base.words import correlation_words, percent
from explain_lib.cam.training_time import training_moments

SIDE = 224
THUMBNAIL = 160
NUMBERS = 180
PROBABILITIES = 280


def course_controls(course: Course) -> None:
    """Layer, target, and how maps are drawn, for the networks of the training."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _layer_list(course)
        target_picker(course.scene)
        _one_class_for_all(course)
    score_and_drawing_controls(course.scene)


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


def _layer_list(course: Course) -> None:
    """The layers with a grid. One that the model of the bar lacks is chosen together with the end of this training."""
    model, last = course.scene.model, course.moments[-1].model
    words = layer_words(model)

    def write(layer: str) -> None:
        change_view(layer=layer, model=_model_with(course.scene, current_view(), layer, last))

    st.selectbox(
        "Layer",
        tuple(words),
        **bound_by("layer", course.layer, write),
        format_func=words.__getitem__,
        help=terms.LAYER,
        width=200,
    )


def _one_class_for_all(course: Course) -> None:
    """A press that makes all moments explain one class, or each its own."""
    final = course.end.predicted
    if course.scene.view.target is None:
        name = course.end.model.classes[final]
        words = f"Explain {name} at every epoch"
        st.button(words, help=f"{name} is what the final network predicts", on_click=change_view, kwargs={"target": final})
    else:
        words = "Explain what each network predicts"
        st.button(words, help="Each epoch's own prediction", on_click=change_view, kwargs={"target": None})


def show_moment(course: Course, reach: float | None) -> None:
    """The picture, its map and its probabilities at the moment that is shown."""
    scene, place = course.scene, course.place
    view, grid, true = scene.view, course.maps.map.shape[1:], scene.true_class(scene.view.image)
    picked = plain(scene.name) + ("" if true is None else f", true class {true}")
    st.caption(
        f"{view.model} · epoch {course.shown.epoch} · {picked} · "
        f"explained: {target_caption(scene)} · layer {course.layer}, {grid_caption((grid[0], grid[1]))}"
    )
    words = f"Grad-CAM of layer {course.layer} on {scene.name} after {course.shown.epoch} epochs"
    caption = "In units of the score; not scaled. Point at a cell to read it."
    alt = f"Probability of each class after {course.shown.epoch} epochs; {says(course, place)}"
    with st.container(horizontal=True, gap="small"):
        show_original(scene, SIDE)
        show_map_over(scene, course.values(place), words, SIDE, reach, "epochs")
        show_map_itself(view, course.values(place), caption, "map", SIDE, reach)
        with st.container(width=NUMBERS):
            _metrics(course)
        with st.container(width=PROBABILITIES):
            show_probabilities(scene, "probabilities", alt)


def _metrics(course: Course) -> None:
    scene, place = course.scene, course.place
    st.metric("Right of 10,000 test images", percent(course.shown.accuracy), help=terms.ACCURACY)
    true = scene.true_class(scene.view.image)
    st.metric("Says of this image", scene.model.classes[scene.predicted], help=terms.PROBABILITIES)
    share = percent(course.probability(place, scene.predicted))
    st.caption(f"with {share}{'' if true is None else f'; true is {true}'}")
    st.metric("Correlation with final map", correlation_words(float(course.correlations[place])), help=terms.MAP_CORRELATION)
    here, there = (scene.model.classes[course.maps.targets[one].index] for one in (place, -1))
    if here != there:
        st.caption(f"Of two classes: {here} is explained here, {there} at the end.")


def show_strip(course: Course, reach: float | None) -> None:
    """All moments side by side, the one that is shown marked, each with a button that shows it."""
    with st.container(horizontal=True, gap="small"):
        for place, moment in enumerate(course.moments):
            with st.container(width=THUMBNAIL, gap="xsmall"):
                chosen = place == course.place
                label = f"epoch {moment.epoch}, shown" if chosen else f"epoch {moment.epoch}"
                choose_button(label, f"choose-epoch-{moment.epoch}", chosen=chosen, epoch=moment.epoch)
                words, scene = f"epoch {moment.epoch}, {says(course, place)}", course.scene
                show_overlay(scene.picture, course.values(place), scene.drawing, reach, words, THUMBNAIL)
                st.caption(
                    f"says {says(course, place)}  \nexplained: {target_words(course.maps.targets[place], course.scenes[place])}"
                    f"  \ncorrelation {correlation_words(float(course.correlations[place]))}  \n"
                    f"{percent(moment.accuracy)} of all right"
                )


def show_course_chart(course: Course) -> None:
    """Accuracy, and the probability of the image's true class, against the epochs."""
    epochs = [moment.epoch for moment in course.moments]
    accuracy = [moment.accuracy for moment in course.moments]
    true_class = [course.probability(place, course.true) for place in range(len(epochs))]
    name = course.scene.model.classes[course.true]
    figure = training_figure(epochs, accuracy, true_class, course.shown.epoch, name)
    show_chart(figure, key="training", alt=training_words(epochs, accuracy, true_class, name))
