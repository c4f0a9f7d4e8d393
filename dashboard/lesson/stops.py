"""Whether the stops of a lesson can be opened as their addresses say: their models, layers, images and classes."""

import explain_lib as xl
from dashboard.lesson.file import Lesson
from dashboard.view.fitting import fit_models, fit_view
from dashboard.view.picture_sets import OwnPicture, chosen_set, server_set
from dashboard.view.view import View


def stop_notes(lesson: Lesson, cache: xl.ExplainCache) -> tuple[str, ...]:
    """A sentence for each part of a stop's address that this server does not have: "Stop 2: layer=conv9: the layers …"."""
    return tuple(
        f"Stop {number}: {note}" for number, stop in enumerate(lesson.stops, 1) for note in _view_notes(stop.view, cache)
    )


def _view_notes(view: View, cache: xl.ExplainCache) -> tuple[str, ...]:
    """What the page says of a view when it is opened, without opening it."""
    view, no_model = fit_models(view, cache.own_models)
    try:
        chosen, no_set = chosen_set(view, cache)
        model = cache.model(view.model)
        images = (server_set(cache) if isinstance(chosen, OwnPicture) else chosen).pictures(model)
    except xl.ExplainError as error:
        return (*no_model, f"{error}.")
    _, no_part = fit_view(view, model, images)
    return (*no_model, *no_set, *no_part)
