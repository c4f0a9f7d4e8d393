"""The scene that the address names, with what it names and is not there replaced and said."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

import explain_lib as xl
from dashboard.view.address import read_address, remember_view
from dashboard.view.picture_sets import OwnPicture, Pictures, PictureSet, chosen_set, server_set
from dashboard.view.scene import Scene, make_scene
from dashboard.view.server_options import server_cache
from dashboard.view.view import View, fit_models, fit_view, opening_view
from explain_lib.pictures.sets import LazyPixels, next_readable

Notes = tuple[str, ...]


def addressed_scene(name: str, between: Callable[[], None], *, over_set: bool) -> tuple[Scene, Notes]:
    """The scene of the page of that name, and a sentence for each part of the address that was replaced.

    over_set: whether the page looks at a whole set: a visitor's picture stays in the view, and out of the scene.
    """
    cache = server_cache()
    view, ignored = read_address(name, opening_view(cache.own_models))
    view, no_model = fit_models(view, cache.own_models)
    picture_set, no_set = chosen_set(view, cache)
    if no_set:
        view = replace(view, pictures=None)
    around = server_set(cache) if isinstance(picture_set, OwnPicture) else picture_set
    model = cache.model(view.model)
    images = around.pictures(model)
    view, no_part = fit_view(view, model, images.labels, images.classes)
    remember_view(view)
    if over_set and picture_set is not around:
        view, picture_set = replace(view, pictures=None), around
    view, unreadable = _readable(view, picture_set, around, images)
    return make_scene(view, picture_set, cache, between), (*ignored, *no_model, *no_set, *no_part, *unreadable)


def _readable(view: View, picture_set: PictureSet, around: PictureSet, images: Pictures) -> tuple[View, Notes]:
    """The view with the next image that can be read, and why, if its own cannot be."""
    if picture_set is not around or not isinstance(images.pixels, LazyPixels):
        return view, ()
    try:
        images.pixels.read(view.image)
    except xl.DataError as error:
        following = int(next_readable(images.pixels, np.array([view.image]))[0])
        return replace(view, image=following), (f"img={view.image}: {error}; the next picture that can be read is shown.",)
    return view, ()
