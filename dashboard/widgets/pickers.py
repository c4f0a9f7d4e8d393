"""Widgets that change the view: model, image, layer, target."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
import streamlit as st

from dashboard.view import terms
from dashboard.view.address import bound, bound_by, change_view, current_view
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_slice
from explain_lib import ExplainCache, ExplainError, list_models
from explain_lib.base.errors import DataError
from explain_lib.base.sheets import Sheet
from explain_lib.base.words import percent
from explain_lib.loading.bundled import NetworkSize, load_card, network_size
from explain_lib.networks.task_words import TASK_WORDS
from explain_lib.passes.tasks import Task, segments

Option = TypeVar("Option", str, int)

PLAIN = (None, "for", "logit")
SENT_MODEL = "_sent_model"
"""The name of the model whose weights this session sent last."""
NONE = -1
"""Stands for the predicted class, or for no class, in lists of classes, where None would mean that nothing is chosen."""


def choice(field: str, label: str, words: Mapping[Option, str], value: Option, help_text: str | None = None) -> None:
    """One of a few values of a field of the view, each under its word."""
    st.segmented_control(
        label, tuple(words), **bound(field, value), format_func=words.__getitem__, required=True, help=help_text
    )


def slice_picker(scene: Scene, sheet: Sheet) -> None:
    """The slice of a volume that is shown. sheet: of two slices or more."""

    def write(number: int) -> None:
        change_view(slice=number)

    shown = chosen_slice(scene.view, sheet)
    st.slider("Slice", 0, sheet.slices - 1, **bound_by("slice_slider", shown, write), width=420)


def number_picker(field: str, label: str, value: int, last: int) -> None:
    """A number from 0 to `last`; what is typed beyond becomes the nearest of them, and an emptied field changes nothing."""

    def typed(number: int | None) -> None:
        if number is not None:
            change_view(**{field: min(max(number, 0), last)})

    st.number_input(label, value=None, step=1, **bound_by(field, value, typed), help=f"0 to {last:,}", width=140)


def choose_button(label: str, key: str, *, chosen: bool, **changes: Option) -> None:
    """A button for one of several things side by side: it makes the view show that one, and stands out while it is shown."""
    st.button(label, key=key, type="primary" if chosen else "secondary", on_click=change_view, kwargs=changes, width="stretch")


def offered_models(scene: Scene) -> tuple[str, ...]:
    """The server's own model, the bundled ones, and what this session has sent or has in its address."""
    own = scene.cache.own_models
    sent = (st.session_state.get(SENT_MODEL), scene.view.model, scene.view.other_model)
    kept = (name for name in sent if name is not None and own.holds(name))
    return tuple(dict.fromkeys((*own.names, *list_models(), *kept)))


def model_words(scene: Scene, name: str) -> str:
    """A model's name with accuracy, depth and size, as far as they are known."""
    if name in list_models():
        try:
            return bundled_words(name)
        except DataError:  # who picks it reads why; the others stay on offer
            return f"{name} · its card cannot be read"
    own = scene.cache.own_models.known(name)
    return name if own is None else f"{name} · {_size_words(own.size)}"


@lru_cache(maxsize=64)
def bundled_words(name: str) -> str:
    """A bundled model's name with its numbers, kept once its card has been read. Raises DataError for a damaged card."""
    return f"{name} · {percent(load_card(name).accuracy)} · {_size_words(network_size(name))}"


def _size_words(size: NetworkSize) -> str:
    weights = f"{size.parameters / 1e6:.1f} M" if size.parameters >= 1_000_000 else f"{size.parameters / 1000:.0f} k"
    return f"{size.conv_layers} conv layers · {weights} weights"


def model_picker(scene: Scene) -> None:
    """A list of the models on offer; the layer stays if the other model has it."""
    st.selectbox(
        "Model",
        offered_models(scene),
        **bound_by("model", scene.view.model, lambda name: open_model(scene.cache, name)),
        format_func=lambda name: model_words(scene, name),
        help=f"The explained network. {terms.ACCURACY}",
        label_visibility="collapsed",
        width=160,
    )


def open_model(cache: ExplainCache, name: str) -> None:
    """Explain another model, at the same layer if it has one of that name; for a widget's callback."""
    view = current_view()
    try:
        offered = cache.model(name).spatial_layers
    except ExplainError:  # the page says it
        offered = ()
    named = {field: getattr(view, field) for field in ("layer", "other_layer", "opinion")}
    change_view(model=name, **{field: layer if layer in offered else None for field, layer in named.items()}, part=1)


def pick_image(scene: Scene, image: int) -> None:
    """Open an image of the set that the page looks at; for a widget's callback."""
    change_view(image=image, pictures=scene.view.pictures)


def layer_search(words: Mapping[str, str]) -> tuple[list[str], Literal["contains", "prefix"]]:
    """The layers of a list in an order, and how typing filters it, so that a layer's whole name finds that layer first.

    words: those of each layer, which begin with its name, in the order that they would have. A layer whose name begins
    another's moves before that one. Any part of the words is found, unless a name is also a part of what stands before it, as
    "1" is.
    """
    ordered, found = _searched(tuple(words.items()))
    return list(ordered), "contains" if found else "prefix"


@lru_cache(maxsize=16)
def _searched(said: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], bool]:
    """The names in their order, and whether each is found first among all words that contain it."""
    words = dict(said)
    ordered: list[str] = []
    for name in words:
        ordered += [one for one in words if name.startswith(one) and one != name and one not in ordered]
        ordered += [name] if name not in ordered else []
    listed = [(name, words[name].lower()) for name in ordered]
    found = all(next(one for one, text in listed if name.lower() in text) == name for name in ordered)
    return tuple(ordered), found


def modules_picker(scene: Scene) -> None:
    """The choice of layers on offer: the main ones, or every one with a grid."""
    convolutions = scene.model.main_layers == scene.model.conv_layers
    main = "conv layers" if convolutions else "stages and blocks"
    which = (
        "Convolutions"
        if convolutions
        else "Ends of stages, block outputs, normalisations and convolutions that every path passes through"
    )
    words = f"{which}; or every module with a grid as output."
    choice("modules", "Layers on offer", {"conv": main, "all": "every layer"}, scene.view.modules, words)


def target_picker(scene: Scene) -> None:
    """The predicted class, or that predicted at the end of a training, or any class. With parts covered, what the network says
    of the picture stands beside it alone.
    """
    whole, task = scene.whole, scene.model.task
    predicted = "the first" if task == "regression" else scene.task_words.predicted
    if scene.is_covered and task != "regression":
        past = "had the best box" if task == "detection" else f"was {predicted}"
        predicted = "covered most" if segments(task) else past

    usual = whole.predicted if scene.final is None else scene.final
    predicted += "" if scene.final is None else " at the end"

    def words(target: int) -> str:
        index = usual if target == NONE else target
        parts = [scene.model.classes[index], *([] if scene.is_covered else [whole.value(index)])]
        return " · ".join([*parts, predicted] if target == NONE else parts)

    offered = range(len(scene.model.classes))
    shown = bound("target", scene.view.target, none=NONE, among=(NONE, *offered))
    st.selectbox(
        f"Target {scene.task_words.a_class}",
        (NONE, *offered),
        **shown,
        format_func=words,
        help=terms.target_help(scene.task_words.a_class) + terms.see("target"),
        label_visibility="collapsed",
        width=180,
    )


def class_filter(scene: Scene, field: str, label: str, value: int | None) -> None:
    """A class, or any; of true classes those that the set has."""
    names = scene.images.classes
    true = np.unique(scene.images.labels) if field == "true_class" else np.arange(len(scene.model.classes))
    offered = sorted({int(index) for index in true if index >= 0} | ({value} if value is not None else set()))

    def words(index: int) -> str:
        return "any class" if index == NONE else names[index]

    _class_list(field, label, value, words, offered)


def sample_picker(scene: Scene, offered: Sequence[int]) -> None:
    """The size of the sample: none larger than the set, the whole of a smaller set, and the one that the address has."""
    sample, all_of_them = scene.view.sample, len(scene.of_set().images.labels)
    fitting = {min(count, all_of_them) for count in offered}
    words = {count: f"{count:,}" for count in sorted({*fitting, sample})}
    which = "The first test images, which are in no particular order; from a folder, some spread over all of it."
    choice("sample", "Images", words, sample, which)


def part_picker(part: int, parts: int) -> None:
    """Steps through parts of many images, where not all fit on the page at once."""
    key = f"part-{part}-of-{parts}"  # a key for each place: the address, not the widget, remembers
    st.pagination(parts, default=part, key=key, on_change=lambda: change_view(part=st.session_state[key]))


def _class_list(
    field: str,
    label: str,
    value: int | None,
    words: Callable[[int], str],
    offered: Sequence[int],
    *,
    help_text: str | None = None,
    width: int = 140,
) -> None:
    """A list of classes after an entry for none."""
    options = (NONE, *offered)
    shown = bound(field, value, none=NONE, among=options)
    st.selectbox(label, options, **shown, format_func=words, help=help_text, width=width)


def score_controls(scene: Scene) -> None:
    """The score that is explained: a contrast, evidence for or against the class, logit or probability."""
    view, said, classes = scene.view, scene.task_words, scene.model.classes

    def words(index: int) -> str:
        return "nothing" if index == NONE else classes[index]

    task_picker(scene)
    if scene.model.task == "sigmoid":
        others = tuple(index for index in range(len(classes)) if index != scene.target.index)
        shown = bound_by("plus", list(scene.target.plus), lambda chosen: change_view(plus=tuple(sorted(chosen))))
        st.multiselect("Together with", others, **shown, format_func=classes.__getitem__, help=terms.PLUS)
    if len(classes) > 1:
        _class_list("minus", "Rather than", view.minus, words, range(len(classes)), help_text=terms.CONTRAST)
    choice("evidence", "Evidence", {"for": said.raises, "against": said.lowers}, view.evidence, terms.EVIDENCE)
    if scene.model.task != "regression":
        choice("score", "Score", {"logit": "logit", "probability": "probability"}, view.score, said.scores)


def task_picker(scene: Scene) -> None:
    """What the network's scores mean, among what their number allows."""
    fitting = scene.model.outputs.tasks

    def write(task: Task) -> None:
        if task in fitting:
            change_view(task=task, target=None, minus=None, score="logit")

    st.selectbox(
        "Scores are",
        fitting,
        **bound_by("task", scene.model.task, write),
        format_func=lambda task: TASK_WORDS[task].title,
        help=terms.TASK,
    )
