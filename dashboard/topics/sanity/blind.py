"""Which of two networks has never been trained? Two maps of each picture without a name, until the answer is open."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.sanity.check import Check, make_check
from dashboard.topics.sanity.pairs import NAMES, untrained_place
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import original_panel, overlay_panel
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words
from explain_lib.pictures.channels import shown

SIDE, THUMBNAIL = 256, 96
_HIDDEN = "Trained, or never trained?"
"""As long as what the answer has in its place, which so moves no picture."""


def blind_images(scene: Scene) -> Sequence[int] | None:
    """The pictures of the pairs that the address asks for, as far as the set has them; None where it asks for none.

    There are no pairs of volumes or signals.
    """
    if scene.model.sheet is not None:
        return None
    return tuple(image for image in scene.view.blind if image < len(scene.images.pixels)) or None


def show_pairs(scene: Scene, images: Sequence[int]) -> None:
    """The picked picture with both maps, and all pictures of the pairs, each a click away."""
    show_stage(pairs_stage(scene, images))
    st.caption(f"The untrained network has the random weights that a training begins with. {drawing_words(scene.view)}")


def pairs_stage(scene: Scene, images: Sequence[int]) -> Stage:
    """The stage of show_pairs; in a lesson the maps have no names until the answer is open."""
    check, named = make_check(scene), scene.view.answer or scene.view.lesson is None
    pair = f"Pair {images.index(scene.view.image) + 1} of {len(images)}. " if scene.view.image in images else ""
    alike = f" Correlation of the two: {correlation_words(check.correlation(_last(check)))}." if named else ""
    row = Row(
        (original_panel(scene, SIDE), *(_map(check, side, named=named) for side in (0, 1))),
        caption=f"{pair}Layer {check.layer}, each map up to its own maximum.{alike}",
    )
    strip = Row(tuple(_thumbnail(scene, image) for image in images), "The pictures: ← and → go through them", strip=True)
    return Stage((row, strip))


def pair_maps(scene: Scene, *, named: bool) -> tuple[Panel, Panel]:
    """Both maps of the picked picture, as the page shows them. named: whether it is said which network was never trained."""
    check = make_check(scene)
    return _map(check, 0, named=named), _map(check, 1, named=named)


def _last(check: Check) -> int:
    """The depth at which every layer has forgotten."""
    return len(check.found.steps)


def _map(check: Check, side: int, *, named: bool) -> Panel:
    """One of the two maps over the picture; its numbers are shares of its maximum, which alone would tell them apart."""
    scene, name = check.scene, NAMES[side]
    depth = _last(check) if side == untrained_place(scene.view.image) else 0
    over = overlay_panel(
        scene, _scaled(check.values(depth)), f"{name}, of layer {check.layer} on {scene.name}", SIDE, name=name,
        centres=scene.centres(check.layer),
    )  # fmt: skip
    if not named:
        return replace(over, title=name, caption=_HIDDEN)
    known = "never trained" if depth else "trained"
    return replace(over, title=f"{name}: {known}", caption=f"This network says {check.says(depth)}.")


def _scaled(values: Map) -> Map:
    top = float(np.abs(values).max())
    return values / np.float32(top) if np.isfinite(top) and top > 0 else values


def _thumbnail(scene: Scene, image: int) -> Panel:
    return Panel(
        f"pair-{image}", f"Picture {image}", THUMBNAIL, picture=shown(np.asarray(scene.images.pixels[image]), scene.bands),
        place=f"pair-{image}", action=Action("shows this pair", {"image": image}), chosen=image == scene.view.image,
    )  # fmt: skip
