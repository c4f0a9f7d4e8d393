"""A page of the dashboard in Streamlit's own test runner: what it says, what it draws, and the files that it offers."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from staged import stages
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest, app_test

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
PAGES = sorted(path.stem for path in APP.with_name("app_pages").glob("*.py") if path.stem != "vote")
"""Those that show a view; a phone's page shows none."""
SECONDS = 300
START = {"img": "3", "model": "captum-tutorial"}
"""The address of the view that the dashboard opens with."""
FOLDS = ("settings", "sides", "python", "drawn")
"""What is folded when a page opens, and is built only once it is unfolded."""


class OpenedPage(AppTest):
    """AppTest, keeping the pictures and downloads of its last run, which AppTest itself drops."""

    files: MediaFileManager

    def send(self, state: WidgetState) -> AppTest:
        """What the page shows once a component has sent a value."""
        states = self._tree.get_widget_states()
        states.widgets.append(state)
        return self._run(states)

    def _run(self, *arguments: object, **named: object) -> AppTest:
        with mock.patch.object(app_test, "MediaFileManager", self._keep_files):
            return super()._run(*arguments, **named)

    def _keep_files(self, storage: object) -> MediaFileManager:
        self.files = MediaFileManager(storage)
        return self.files


def open_page(page: str | None = None, **query: str) -> OpenedPage:
    """A page by the name of its file, None for the first, everything unfolded; `class` is written class_."""
    return _opened(page, query, unfold=FOLDS)


def open_folded(page: str, **query: str) -> OpenedPage:
    """A page as it opens, with only those parts unfolded that the page itself unfolds."""
    return _opened(page, query, unfold=())


def _opened(page: str | None, query: Mapping[str, str], unfold: Iterable[str]) -> OpenedPage:
    app = OpenedPage(APP, default_timeout=SECONDS)
    for fold in unfold:
        app.session_state[fold] = True
    for key, text in query.items():
        app.query_params[key.rstrip("_")] = text
    if page is not None:
        app._registered_pages = _registered_pages()
        app.switch_page(f"app_pages/{page}.py")
    app.run()
    assert not app.exception
    return app


@cache
def _registered_pages() -> dict[str, Any]:
    """The pages of app.py, which AppTest knows only after a run; one run is enough for all."""
    return OpenedPage(APP, default_timeout=SECONDS).run()._registered_pages


# Section: words


def captions(app: AppTest) -> str:
    """All small print, that of stages included: below rows, panels, numbers and bars."""
    rows = [row for stage in stages(app) for row in stage.head["rows"]]
    staged = [one["caption"] for row in rows for one in (row, *row["panels"], *row["facts"], *row["bars"])]
    return "\n".join(caption.value for caption in app.caption) + "\n" + "\n".join(filter(None, staged))


def texts(app: AppTest) -> str:
    """All text, the titles and badges of stages included."""
    staged = (panel.head[part] for stage in stages(app) for panel in stage.panels for part in ("title", "badge"))
    return "\n".join((*(text.value for text in app.markdown), *filter(None, staged)))


def unescaped(markdown: str) -> str:
    return re.sub(r"\\([\W_])", r"\1", markdown)


def warnings(app: AppTest) -> str:
    return unescaped("\n".join(warning.value for warning in app.warning))


def errors(app: AppTest) -> str:
    return unescaped("\n".join(error.value for error in app.error))


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def metrics(app: AppTest) -> dict[str, str]:
    """Every number under its label, those beside the panels of a stage included."""
    staged = {fact["label"]: fact["value"] for stage in stages(app) for row in stage.head["rows"] for fact in row["facts"]}
    return staged | {metric.label: metric.value for metric in app.metric}


def side_controls(app: AppTest, letter: str) -> dict[str, Any]:
    """The controls of one of the two sides that are compared, by the names of their settings."""
    kinds = (*app.selectbox, *app.number_input, *app.toggle, *app.multiselect, *app.segmented_control)
    return {control.key[2:]: control for control in kinds if (control.key or "").startswith(f"{letter}.")}


def query(app: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}


def press(app: AppTest, label: str) -> AppTest:
    if label in STEPS:
        return step(app, label)
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


STEPS = {"Previous": ("image", -1), "Next": ("image", 1), "Layer before": ("layer", -1), "Layer after": ("layer", 1)}
"""What the arrow keys step through, and which way."""


def step(app: AppTest, name: str) -> AppTest:
    """What the browser sends after one press of an arrow key, counted as it counts."""
    (kind, by), data = STEPS[name], component_data(app, "steps")
    if kind == "image":
        count, place = cast(int, data["count"]), cast("int | None", data["place"])
        to = (0 if by > 0 else count - 1) if place is None else min(max(place + by, 0), count - 1)
        return send_steps(app, place=to, image=_number_at(data, to))
    layers = cast("list[str]", data["layers"])
    at = layers.index(str(data["layer"])) + by if data["layer"] in layers else 0
    return send_steps(app, layer=layers[min(max(at, 0), len(layers) - 1)])


def image_number(app: AppTest) -> int:
    """The number of the image that the steps' field shows."""
    return cast(int, component_data(app, "steps")["image"])


def _number_at(data: Mapping[str, object], place: int) -> int:
    """The number of the image at a place, from those that the browser was told."""
    told = cast("list[tuple[int, list[int]]] | None", data["numbers"])
    if told is None:
        return place
    (number,) = {numbers[place - start] for start, numbers in told if start <= place < start + len(numbers)}
    return number


def send_steps(app: AppTest, **target: object) -> AppTest:
    """Send a target from the steps' component: a place and its image, a layer, or a typed number."""
    assert isinstance(app, OpenedPage)
    (sent,) = [shown.proto for shown in elements(app, "bidi_component") if shown.proto.component_name == "steps"]
    number = cast(int, json.loads(sent.json)["answered"]) + 1
    return app.send(WidgetState(id=sent.id, json_value=json.dumps({"to": {"number": number, **target}})))


def act(app: AppTest, key: str = "stage", **what: object) -> AppTest:
    """What the browser sends of a click on a stage: panel="layer-conv1", class=2, strength=40."""
    assert isinstance(app, OpenedPage)
    (sent,) = [shown.proto for shown in elements(app, "bidi_component") if shown.proto.id.endswith(f"-{key}")]
    return app.send(
        WidgetState(id=sent.id, json_value=json.dumps({"acted": {name.rstrip("_"): value for name, value in what.items()}}))
    )


def run_until(app: AppTest, reached: Callable[[], bool]) -> AppTest:
    """The page, drawn anew until what is worked on in the background has brought it there."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
        app.run()
    assert not app.exception
    return app


def ended(app: AppTest) -> AppTest:
    """The page once its work in the background has ended."""
    return run_until(app, lambda: "Stop" not in buttons(app))


# Section: pictures and charts


def elements(app: AppTest, kind: str) -> Iterator[object]:
    yield from app.get(kind)


def alts(app: AppTest) -> list[str]:
    """The alternative text of every picture, those on stages first."""
    staged = [panel.head["alt"] for stage in stages(app) for panel in stage.panels]
    return staged + [picture.alt for shown in elements(app, "image") for picture in shown.proto.imgs]


def picture(app: OpenedPage, alt: str) -> NDArray[np.uint8]:
    """The pixels of the first picture whose alternative text starts so, on a stage or beside it."""
    for stage in stages(app):
        for panel in stage.panels:
            if panel.head["alt"].startswith(alt):
                return panel.drawn
    for shown in elements(app, "image"):
        for one in shown.proto.imgs:
            if one.alt.startswith(alt):
                file = app.files.read_file(Path(one.url).name)
                assert file is not None
                return pixels_of(file.content)
    raise AssertionError(f"no picture is called {alt!r}; there are {alts(app)}")


def pixels_of(file: bytes) -> NDArray[np.uint8]:
    with Image.open(BytesIO(file)) as opened:
        return np.asarray(opened.convert("RGB"))


def chart(app: AppTest, key: str) -> dict[str, object]:
    """The first trace of the chart of that key, its typed arrays as NumPy arrays."""
    (spec,) = [shown.proto.spec for shown in elements(app, "plotly_chart") if shown.proto.id.endswith(f"-{key}")]
    trace = json.loads(spec)["data"][0]
    return {name: _decoded(value) for name, value in trace.items()}


def _decoded(value: object) -> object:
    if not (isinstance(value, dict) and "bdata" in value):
        return value
    flat = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
    shape = [int(size) for size in str(value.get("shape", flat.size)).split(",")]
    return flat.reshape(shape)


def chart_alts(app: AppTest) -> list[str]:
    """The alternative text of every chart, in order."""
    return [str(shown.proto.alt) for shown in elements(app, "plotly_chart")]


def component_data(app: AppTest, name: str) -> dict[str, object]:
    """What a component of the page's own was sent."""
    (sent,) = [shown.proto.json for shown in elements(app, "bidi_component") if shown.proto.component_name == name]
    data: dict[str, object] = json.loads(sent)
    return data


# Section: downloads


def download(app: OpenedPage, label: str) -> bytes:
    """The file that the button of that label downloads."""
    (button,) = [button for button in app.download_button if button.label == label]
    address = app.files.execute_deferred(button.proto.deferred_file_id)
    file = app.files.read_file(Path(address).name)
    assert file is not None
    return file.content


def arrays(app: OpenedPage) -> dict[str, NDArray[np.float32]]:
    with np.load(BytesIO(download(app, "Maps (.npz)")), allow_pickle=False) as file:
        return dict(file)


def run_snippet(app: AppTest) -> dict[str, object]:
    """The names that the Python on the page leaves behind once it has run by itself."""
    (code,) = app.code
    return run_code(code.value)[0]


def run_code(code: str) -> tuple[dict[str, object], str]:
    """The names that the code leaves behind, and what it prints."""
    names: dict[str, object] = {}
    with redirect_stdout(StringIO()) as printed:
        exec(compile(code, "snippet", "exec"), names)
    return names, printed.getvalue()
