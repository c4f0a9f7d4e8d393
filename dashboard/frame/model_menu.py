"""A visitor's own network: the weights of an architecture that the server knows, from a file."""

import re
from pathlib import PurePath

import streamlit as st

import explain_lib as xl
from dashboard.frame.picture_menu import MENU
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import SENT_MODEL, open_model
from explain_lib.base.sheets import size_words
from explain_lib.base.words import one_line
from explain_lib.loading.model_store import UPLOAD_BYTES, UPLOAD_CLASSES, UPLOAD_SIDE
from explain_lib.loading.own import Described, class_names
from explain_lib.networks.making import checked_channels, checked_size
from explain_lib.networks.task_words import count_words, task_sentence

KEY = "own-network"
ARCHITECTURE, USE = "own-architecture", "own-use"
_REFUSED, _SENT = "_weights_refused", "_weights_sent"
_LIMITS = (
    f"A state dict, from torch.save(network.state_dict(), FILE) or as .safetensors, up to {UPLOAD_BYTES // 2**20} MB, "
    f"float32, at most "
    f"{UPLOAD_CLASSES:,} classes. No code in the file is run."
)
_PRIVACY = (
    "The network stays only in this server's memory, until the server restarts or needs the room. Anybody with its address "
    "can use it."
)


def model_upload(scene: Scene) -> None:
    """The upload of weights, folded."""
    folded = st.expander("A network of your own", key=KEY, on_change="rerun")
    if folded.open:  # what is out of sight is not built
        with folded:
            say_model_refused()  # beside the fields that may have to be mended, which are over the page
            _upload(scene.cache)


def say_model_refused() -> None:
    """Say once why the last file was refused."""
    refused = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        st.error(f"These weights cannot be used: {plain(refused)}.")


def say_own_model(scene: Scene) -> None:
    """The origin of the weights on screen, the network's input and its task; of a bundled model a task that was chosen."""
    own = scene.cache.own_models.known(scene.view.model)
    if own is None:
        if scene.view.task is not None:
            st.caption(plain(task_sentence(scene.model)))
        return
    given = f"input {size_words(own.model.given_size)}, mean {_written(own.model.mean)}, std {_written(own.model.std)}"
    named = own.architecture if own.name == own.architecture or "@" in own.name else f"{own.name} ({own.architecture})"
    said = f"{named}, weights {own.weights}; {given}, {count_words(own.model)}. {own.assumed}"
    made = f"Pictures are {scene.picture_set.intake(own.model).words}."
    st.caption(plain(f"{said} {made}" if own.assumed else f"{said}{made}"))
    st.caption(plain(task_sentence(scene.model)))


def _key(field: str, architecture: str) -> str:
    """The key of a field that describes a network; one for each architecture, so that each begins with what is usual."""
    return f"own-{field}-{architecture}"


def _upload(cache: xl.ExplainCache) -> None:
    architecture = st.selectbox("Architecture", cache.own_models.architectures, key=ARCHITECTURE)
    key = f"own-weights-{st.session_state.get(_SENT, 0)}"  # another one after a file was taken, which lets go of its memory
    sent = st.file_uploader("File with weights", ["pt", "pth", "safetensors"], key=key, max_upload_size=UPLOAD_BYTES // 2**20)
    try:
        _describe(cache.own_models.usual(architecture), architecture)
    except xl.ExplainError as error:
        st.error(plain(f"{error}."))
        return
    st.button(
        "Use these weights", key=USE, type="primary", disabled=sent is None, on_click=_take, args=(cache, architecture, key)
    )
    st.caption(f"{_LIMITS} {_PRIVACY}")


def _describe(usual: Described, architecture: str) -> None:
    """Fields for what belongs to a network besides its weights."""
    size = usual.input_size or ()
    size_help = f"One side in pixels, or height and width, at most {UPLOAD_SIDE}; of volumes slices, height and width."
    sides = _written(size[:1] if len(size) == 2 and len(set(size)) == 1 else size)
    with st.container(horizontal=True, gap="small"):
        st.text_input("Input size", sides, key=_key("size", architecture), help=size_help, width=110)
        for label, field, numbers in (("Mean", "mean", usual.mean), ("Std", "std", usual.std)):
            per_channel = "One number for each channel, such as R, G and B, for pixels from 0 to 1."
            st.text_input(label, _written(numbers), key=_key(field, architecture), help=per_channel, width=190)
    known, key = "\n".join(usual.classes or ()), _key("classes", architecture)
    st.text_area("Class names, one per line", known, key=key, help="Optional.", height=100)


def _written(numbers: tuple[float, ...] | None) -> str:
    return " ".join(f"{number:g}" for number in numbers or ())


def _take(cache: xl.ExplainCache, architecture: str, key: str) -> None:
    """Keep the network and show it, or say why not."""
    sent = st.session_state[key]
    if sent is None:
        return
    try:
        described = _described(architecture)
        name = cache.own_models.add(architecture, one_line(PurePath(sent.name).name), sent.getvalue(), described)
    except xl.ExplainError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[SENT_MODEL] = name
    st.session_state[_SENT] = st.session_state.get(_SENT, 0) + 1
    st.session_state[MENU] = False  # the menu stood over what is to be seen now
    open_model(cache, name)


def _described(architecture: str) -> Described:
    """The network that the fields describe. Raises InputError for what is no description."""
    given = {name: st.session_state[_key(name, architecture)] for name in ("classes", "size", "mean", "std")}
    return Described(
        classes=class_names(given["classes"]) or None,
        input_size=_size(given["size"]),
        mean=checked_channels("mean", _numbers("mean", given["mean"])),
        std=checked_channels("std", _numbers("std", given["std"])),
    )


def _size(text: str) -> tuple[int, ...]:
    return checked_size(tuple(int(side) if side.is_integer() else 0 for side in _numbers("input size", text)))


def _numbers(argument: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in re.split(r"[\s,;×x]+", text.strip()) if part)
    except ValueError as error:
        raise xl.InputError(f"{argument}: {text!r}; numbers with spaces between would be right") from error
