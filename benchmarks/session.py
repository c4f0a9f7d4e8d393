"""A person's tab without a browser: Streamlit's messages over a WebSocket, and the pictures over HTTP."""

import hashlib
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Literal, Self, overload

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.Button_pb2 import Button
from streamlit.proto.ButtonGroup_pb2 import ButtonGroup
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Selectbox_pb2 import Selectbox
from streamlit.proto.WidgetStates_pb2 import WidgetState
from urllib3 import HTTPConnectionPool
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

HOST = "127.0.0.1"
PATIENCE = 120.0
"""Seconds until a run that was asked for must have ended."""

CONNECTIONS = 6
"""Pictures that a browser fetches at the same time."""

REMEMBERED_RUNS = 2
"""Streamlit's `global.maxCachedMessageAge`: for how many runs a tab keeps a large message that it may be asked for again."""

STEPS = "steps"
"""The component that steps through images and layers."""

_MEDIA = re.compile(r"/media/[\w.]+")


class SessionError(Exception):
    """The server did something that no person should meet: a picture that is not there, an exception, or silence."""


@dataclass(frozen=True)
class Shown:
    """An element on the page: its message, the fragment that draws it ("" for the page itself), and the run that sent it."""

    element: Element
    fragment: str
    run: str


@dataclass(frozen=True)
class Address:
    """What a tab's address bar says: the page's path ("" for the first page) and the query, without its question mark."""

    page: str
    query: str


class Session:
    """One tab. It does what Streamlit's own front end does with messages, and draws nothing.

    Not for several threads at once. Times are in seconds.
    """

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        """port: of a server on this machine. headers: what every request says besides, such as a cookie."""
        self._connection = ExitStack()
        self._socket: ClientConnection = self._connection.enter_context(
            connect(
                f"ws://{HOST}:{port}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                max_size=None,
                compression=None,
                open_timeout=PATIENCE,
                additional_headers=headers,
            )
        )
        self._pool = HTTPConnectionPool(HOST, port, maxsize=CONNECTIONS, block=True, headers=headers)
        self._fetchers = ThreadPoolExecutor(CONNECTIONS)
        self._shown: dict[tuple[int, ...], Shown | None] = {}
        self._kept: dict[str, tuple[int, ForwardMsg]] = {}
        self._looks: dict[str, tuple[float, float]] = {}
        self._pages: dict[str, str] = {}
        self._run, self._fragments, self._runs = "", tuple[str, ...](), 0
        self._page_hash = ""
        self.query = ""
        self.pictures: dict[str, str] = {}
        """The SHA-256 of every file that this tab has fetched, by its address."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye, as a tab does that is closed."""
        self._connection.close()
        self._fetchers.shutdown(wait=False)
        self._pool.close()

    def vanish(self) -> None:
        """Be gone without a word, as a browser is that crashes: the connection breaks, and nobody has said goodbye."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)
        self._fetchers.shutdown(wait=False)
        self._pool.close()

    # ---- what a person does -------------------------------------------------------------------------------------------

    def open(self, address: Address) -> float:
        """Open an address, as from a link; how long it took until the page was there with its pictures."""
        self.query = address.query
        return self._ask(page_name=address.page, page_hash="")

    def navigate(self, page: str) -> float:
        """Follow the navigation to the page with that path."""
        self.query = ""
        return self._ask(page_hash=self._hash_of(page))

    def back(self, address: Address) -> float:
        """Press the browser's Back, which leads to this address."""
        self.query = address.query
        return self._ask(page_hash=self._hash_of(address.page), history=True)

    def press(self, key: str) -> float:
        """Press the button with that key."""
        return self._press(self.find("button", key))

    def press_words(self, *words: str) -> float:
        """Press the first button whose words begin like that."""
        for shown in self.elements():
            if shown.element.button.label.startswith(words):
                return self._press(shown)
        raise SessionError(f"{self.address}: there is no button {' or '.join(words)}")

    def choose(self, key: str, option: str) -> float:
        """Choose an entry of a list."""
        found = self.find("selectbox", key)
        return self._change(found, WidgetState(id=found.element.selectbox.id, string_value=option))

    def mark(self, key: str, option: str) -> float:
        """Choose one of a row of buttons of which one is marked."""
        found = self.find("button_group", key)
        state = WidgetState(id=found.element.button_group.id)
        state.string_array_value.data.append(option)
        return self._change(found, state)

    def send(self, key: str, values: dict[str, object]) -> float:
        """Change what a component of the dashboard's own says."""
        found = self.find("bidi_component", key)
        return self._change(found, WidgetState(id=found.element.bidi_component.id, json_value=json.dumps(values)))

    def step(self, kind: Literal["image", "layer"], by: int) -> float:
        """Press an arrow key: the next image or layer (1), or the one before (-1); at an end it is drawn anew."""
        data = json.loads(self.find("bidi_component", STEPS).element.bidi_component.json)
        target: dict[str, object]
        if kind == "layer":
            layers = data["layers"]
            place = layers.index(data["layer"]) + by if data["layer"] in layers else 0
            target = {"layer": layers[min(max(place, 0), len(layers) - 1)]}
        else:
            place = data["place"] + by if data["place"] is not None else 0 if by > 0 else data["count"] - 1
            target = {"place": place}
        return self.send(STEPS, {"to": {"number": data["answered"] + 1, **target}})

    def look_on(self, seconds: float) -> None:
        """Only look for so long; parts of a page that ask to be drawn anew every second are."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            due = min((moment for moment, _ in self._looks.values()), default=end)
            self._receive(max(0.0, min(left, due - time.monotonic())))
            for fragment, (moment, interval) in list(self._looks.items()):
                if moment <= time.monotonic():
                    self._looks[fragment] = time.monotonic() + interval, interval
                    self._send(fragment=fragment, automatic=True)
        self._fetch()

    # ---- what is on the page ------------------------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """The address that the page says of itself."""
        return Address(self._pages[self._page_hash], self.query)

    @property
    def pages(self) -> list[str]:
        """The paths of all pages, in the order of the navigation."""
        return list(self._pages.values())

    def elements(self) -> Iterator[Shown]:
        """All that is on the page, from top to bottom."""
        for _, shown in sorted(self._shown.items()):
            if shown is not None:
                yield shown

    def find(self, kind: str, key: str) -> Shown:
        """The widget of that kind with that key."""
        for shown in self.elements():
            if shown.element.WhichOneof("type") == kind and _key_of(getattr(shown.element, kind).id) == key:
                return shown
        raise SessionError(f"{self.address}: there is no {kind} {key}")

    @overload
    def widgets(self, kind: Literal["button"]) -> list[tuple[str, Button]]: ...
    @overload
    def widgets(self, kind: Literal["selectbox"]) -> list[tuple[str, Selectbox]]: ...
    @overload
    def widgets(self, kind: Literal["button_group"]) -> list[tuple[str, ButtonGroup]]: ...
    @overload
    def widgets(self, kind: Literal["bidi_component"]) -> list[tuple[str, BidiComponent]]: ...
    def widgets(
        self, kind: str
    ) -> (
        list[tuple[str, Button]] | list[tuple[str, Selectbox]] | list[tuple[str, ButtonGroup]] | list[tuple[str, BidiComponent]]
    ):
        """The widgets of that kind on the page, each with its key ("None" for one that has no key)."""
        found = [getattr(shown.element, kind) for shown in self.elements() if shown.element.WhichOneof("type") == kind]
        return [(_key_of(widget.id), widget) for widget in found]

    def says(self, words: str) -> bool:
        """Whether a progress bar on the page says these words."""
        return any(words in shown.element.progress.text for shown in self.elements())

    # ---- Streamlit's messages -----------------------------------------------------------------------------------------

    def _hash_of(self, page: str) -> str:
        return next(key for key, path in self._pages.items() if path == page)

    def _press(self, shown: Shown) -> float:
        return self._change(shown, WidgetState(id=shown.element.button.id, trigger_value=True))

    def _change(self, shown: Shown, state: WidgetState) -> float:
        return self._ask(state=state, fragment=shown.fragment)

    def _ask(self, **request: object) -> float:
        """Ask for a run and wait for it and for its pictures; how long that took."""
        start = time.perf_counter()
        self._send(**request)  # type: ignore[arg-type]  # those of _send, passed on
        self._await_run()
        self._fetch()
        return time.perf_counter() - start

    def _send(
        self,
        page_hash: str | None = None,
        page_name: str = "",
        state: WidgetState | None = None,
        fragment: str = "",
        *,
        automatic: bool = False,
        history: bool = False,
    ) -> None:
        message = BackMsg()
        client = message.rerun_script
        client.query_string = self.query
        client.page_script_hash, client.page_name = self._page_hash if page_hash is None else page_hash, page_name
        client.fragment_id, client.is_auto_rerun, client.is_history_navigation = fragment, automatic, history
        client.cached_message_hashes.extend(self._kept)
        if state is not None:
            client.widget_states.widgets.append(state)
        else:
            client.widget_states.SetInParent()
        self._socket.send(message.SerializeToString())

    def _await_run(self) -> None:
        """Until a run has ended that is followed by no other."""
        end = time.monotonic() + PATIENCE
        while not self._receive(max(0.0, end - time.monotonic())):
            if time.monotonic() > end:
                raise SessionError(f"{self.query}: no answer within {PATIENCE:.0f} s")

    def _receive(self, timeout: float) -> bool:
        """Take one message, if there is one in time; whether it ends a run."""
        with suppress(TimeoutError):
            data = self._socket.recv(timeout=timeout)
            assert isinstance(data, bytes)
            return self._take(ForwardMsg.FromString(data))
        return False

    def _take(self, message: ForwardMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            self._take_kept(message)
        elif kind == "delta":
            self._take_delta(message)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "navigation":
            self._pages = {page.page_script_hash: page.url_pathname for page in message.navigation.app_pages}
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._looks[message.auto_rerun.fragment_id] = time.monotonic() + interval, interval
        elif kind == "script_finished":
            return self._end(message.script_finished)
        return False

    def _begin(self, message: ForwardMsg) -> None:
        self._run, self._fragments = message.metadata.run.script_run_id, tuple(message.metadata.run.fragment_ids)
        self._page_hash = message.new_session.page_script_hash
        if not self._fragments:  # a fragment that is drawn anew goes on asking
            self._looks.clear()

    def _take_kept(self, message: ForwardMsg) -> None:
        _, kept = self._kept[message.ref_hash]
        copy = ForwardMsg()
        copy.CopyFrom(kept)
        copy.metadata.CopyFrom(message.metadata)
        copy.metadata.cacheable = True
        self._take_delta(copy)

    def _take_delta(self, message: ForwardMsg) -> None:
        if message.metadata.cacheable:
            self._kept[message.hash] = self._runs, message
        path, delta = tuple(message.metadata.delta_path), message.delta
        kind = delta.WhichOneof("type")
        if kind == "new_element":
            for below in [place for place in self._shown if place[: len(path)] == path]:
                del self._shown[below]
            self._shown[path] = Shown(delta.new_element, delta.fragment_id, self._run)
        elif kind == "add_block" and self._shown.get(path) is not None:
            self._shown[path] = None

    def _end(self, status: "ForwardMsg.ScriptFinishedStatus.ValueType") -> bool:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return False
        for path, shown in list(self._shown.items()):
            mine = not self._fragments or (shown is not None and shown.fragment in self._fragments)
            if mine and (shown is None or shown.run != self._run):
                del self._shown[path]
        if not self._fragments:
            self._runs += 1
            self._kept = {name: kept for name, kept in self._kept.items() if kept[0] > self._runs - 1 - REMEMBERED_RUNS}
            self._read_address()
        self._check()
        return True

    def _read_address(self) -> None:
        """The address component completes a bare address in place, which makes no run."""
        for key, component in self.widgets("bidi_component"):
            if key == "address":
                self.query = json.loads(component.json)["query"]

    def _check(self) -> None:
        for shown in self.elements():
            kind = shown.element.WhichOneof("type")
            if kind == "exception":
                raise SessionError(f"{self.address}: {shown.element.exception.type}: {shown.element.exception.message}")
            if kind == "alert" and shown.element.alert.format == Alert.ERROR:
                raise SessionError(f"{self.address}: {shown.element.alert.body}")

    # ---- pictures -----------------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        """Fetch the pictures of the page that this tab does not have yet."""
        missing = {address for shown in self.elements() for address in media_of(shown.element)} - self.pictures.keys()
        for address, digest in zip(missing, self._fetchers.map(self._fetch_one, missing), strict=True):
            self.pictures[address] = digest

    def _fetch_one(self, address: str) -> str:
        answer = self._pool.request("GET", address)
        if answer.status != 200:
            raise SessionError(f"{self.address}: {address} answered {answer.status}")
        return hashlib.sha256(answer.data).hexdigest()


def _key_of(identity: str) -> str:
    """The key behind Streamlit's prefix and the digest of a widget's arguments."""
    return identity.split("-", 2)[2]


def media_of(element: Element) -> list[str]:
    """The addresses of the files that an element shows."""
    kind = element.WhichOneof("type")
    if kind == "imgs":
        return [image.url for image in element.imgs.imgs if image.url.startswith("/media/")]
    if kind == "bidi_component":
        component = element.bidi_component
        return _MEDIA.findall(component.json or component.mixed.json)
    return []
