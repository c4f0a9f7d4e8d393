"""Training in time: one image seen by the networks of a training, from its start to its end."""

import streamlit as st

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.training.course import chosen_training, course_sentence, make_course, place_of, shown_scene
from dashboard.topics.training.player import show_play
from dashboard.topics.training.sections import (
    class_to_compare,
    course_steps,
    say_drawing,
    scale_switch,
    show_course_chart,
    show_moments,
)
from dashboard.view.captions import plain
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.view.slide import view_slide
from dashboard.widgets.explained import common_reach
from explain_lib.cam.training_time import Moment, training_moments


def _draw(scene: Scene) -> None:
    name = chosen_training(scene)
    if name is None:
        st.info("There are no checkpoints of a training to show.")
        return
    moments = training_moments(name)
    if place_of(moments, scene.view.epoch) is None:
        listed = ", ".join(str(moment.epoch) for moment in moments)
        st.warning(f"Ignored in the address: epoch={scene.view.epoch}: there are {listed}; the last of them is shown.")
    course = make_course(scene, moments)
    reach = common_reach(course.scene.view, course.every_map)
    with st.container(gap="xxsmall", key="moments"):
        _introduce(scene, name, moments)
        if course.scene.picture_set.address != scene.picture_set.address:
            seen = f"{scene.model.channels} channels"
            st.info(f"{name} needs colour pictures, and these have {seen}: {course.scene.picture_set.title} are shown instead.")
        show_moments(course, reach)
        with st.container(key="play-line"):  # seen above the pictures, reached by Tab after them, as the slider is
            show_slider = show_play([moment.epoch for moment in moments], course.shown.epoch)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        show_slider()
        scale_switch(course.scene)
        class_to_compare(course.scene)
    say_drawing(course)
    offer(slide=lambda: view_slide(course.scene, reach))
    st.markdown(course_sentence(course))
    st.header("What it has learnt, by epoch", anchor=False)
    show_course_chart(course)


def _introduce(scene: Scene, name: str, moments: tuple[Moment, ...]) -> None:
    """Which network is shown, before its first picture: the model that is chosen is often another one."""
    kept = f"{moments[-1].epoch} epochs, of which {len(moments)} moments were kept"
    model = plain(scene.view.model)
    if model == name:
        st.markdown(f"**{name}** as it was trained: {kept}.")
    else:
        st.markdown(f"**{name}**, a separate training: {kept}. Of {model} only the trained network is available.")


show_page("training_time", _draw, layers=course_steps, line=Line(modules=False, by=shown_scene))
