"""The items of a bare page, each by the one Streamlit call that shows it."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from benchmarks.bare.items import Item

STEP = "step"
FOLDER = Path(__file__).parent

_GRID = st.components.v2.component(
    "thumbnails",
    html='<div class="thumbnails"></div>',
    css=(FOLDER / "thumbnails.css").read_text(),
    js=(FOLDER / "thumbnails.js").read_text(),
    isolate_styles=False,
)
_NOTHING = st.components.v2.component("nothing", js="export default function () {}", isolate_styles=False)


def draw(variants: Sequence[list[Item]]) -> None:
    """The variant that the steps so far have come to; any button is a step on."""
    _draw_all(variants[st.session_state.get(STEP, 0) % len(variants)], Counter())


def _draw_all(items: Sequence[Item], count: Counter[str], in_row: bool = False) -> None:
    for item in items:
        kind = item["kind"]
        count[kind] += 1
        if "items" in item:
            with _holder(item, in_row):
                _draw_all(item["items"], count, in_row=kind == "row")
        else:
            _DRAW[kind](item, f"{kind}-{count[kind]}")


def _holder(item: Item, in_row: bool) -> DeltaGenerator:
    if item["kind"] == "fold":
        return st.expander("More")
    across = item["kind"] == "row"
    if in_row:
        return st.container(horizontal=across, gap="small", width=int(item["width"]))
    return st.container(horizontal=across, gap="small")


def _label(item: Item) -> str:
    return item["label"] or "…"


def _step() -> None:
    st.session_state[STEP] = st.session_state.get(STEP, 0) + 1


def _picture(item: Item, key: str) -> None:
    del key  # a picture has none
    st.image(item["bytes"], caption=item["words"], width=item["width"], output_format="PNG", alt=item["alt"] or "picture")


def _chart(item: Item, key: str) -> None:
    st.plotly_chart(item["figure"], key=key, width=item["width"], config={"displayModeBar": False})


def _grid(item: Item, key: str) -> None:
    _GRID(data={"content": item["content"]}, key=key)


def _button(item: Item, key: str) -> None:
    st.button(item["words"] or "…", key=key, type="primary" if item["primary"] else "secondary", on_click=_step)


def _download(item: Item, key: str) -> None:
    st.download_button(item["words"], b"ready-made", key=key, on_click="ignore")


def _choice(item: Item, key: str) -> None:
    st.segmented_control(_label(item), item["options"], default=item["options"][0], key=key)


def _number(item: Item, key: str) -> None:
    st.session_state[key] = float(item["words"] or 0)
    st.number_input(_label(item), step=1.0, key=key, width=136)


def _slider(item: Item, key: str) -> None:
    st.slider(_label(item), key=key, width=136)


def _list(item: Item, key: str) -> None:
    st.selectbox(_label(item), (item["words"],), key=key, width=200)


def _tags(item: Item, key: str) -> None:
    st.multiselect(_label(item), ("one", "two"), default="one", key=key)


def _toggle(item: Item, key: str) -> None:
    st.checkbox(_label(item), key=key)


def _link(item: Item, key: str) -> None:
    del key
    st.page_link("https://127.0.0.1/", label=item["words"])


def _metric(item: Item, key: str) -> None:
    del key
    st.metric(_label(item), item["words"], width="content")


def _words(show: Callable[[str], object]) -> Callable[[Item, str], None]:
    def draw_words(item: Item, key: str) -> None:
        del key
        show(item["words"])

    return draw_words


_DRAW: dict[str, Callable[[Item, str], object]] = {
    "picture": _picture,
    "chart": _chart,
    "grid": _grid,
    "button": _button,
    "download": _download,
    "choice": _choice,
    "number": _number,
    "slider": _slider,
    "list": _list,
    "tags": _tags,
    "toggle": _toggle,
    "link": _link,
    "metric": _metric,
    "component": lambda _, key: _NOTHING(key=key, height=1),
    "title": _words(lambda words: st.title(words, anchor=False)),
    "heading": _words(lambda words: st.subheader(words, anchor=False)),
    "text": _words(st.markdown),
    "caption": _words(st.caption),
    "code": _words(st.code),
    "alert": _words(st.info),
}
