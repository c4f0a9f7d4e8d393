"""A visitor without a browser: opens a page of a running server over Streamlit's WebSocket, and keeps what it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

SECONDS = 300


class Visitor:
    """One tab, and the messages of its last run."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._page = self._timed = ""
        self.query = ""
        self.start = NewSession()
        self.messages: list[ForwardMsg] = []

    def open(self, page: str, query: str = "") -> Self:
        """Open the page of that name; wait for the end of its run."""
        self.query = query
        return self._run(page_name=page)

    def press(self, label: str) -> Self:
        """Press the button with that label; wait for the end of the run."""
        (button,) = [element.button for element in self.elements("button") if element.button.label == label]
        return self._run(state=WidgetState(id=button.id, trigger_value=True))

    def tick(self, state: WidgetState) -> Self:
        """Ask for the run that the page's timer asks for, with a widget's state; wait for its end."""
        return self._run(state=state, fragment=self._timed)

    def elements(self, kind: str) -> list[Element]:
        """What the last run sent of that kind."""
        sent = [message.delta.new_element for message in self.messages if message.WhichOneof("type") == "delta"]
        return [element for element in sent if element.WhichOneof("type") == kind]

    @property
    def alerts(self) -> list[str]:
        """The sentences in boxes."""
        return [element.alert.body for element in self.elements("alert")]

    def _run(self, page_name: str = "", state: WidgetState | None = None, fragment: str = "") -> Self:
        message = BackMsg()
        ask = message.rerun_script
        ask.page_name, ask.page_script_hash, ask.query_string = page_name, "" if page_name else self._page, self.query
        ask.fragment_id = fragment
        ask.widget_states.SetInParent()
        if state is not None:
            ask.widget_states.widgets.append(state)
        self._socket.send(message.SerializeToString())
        self.messages = list(self._until_finished())
        return self

    def _until_finished(self) -> Iterator[ForwardMsg]:
        while True:
            data = self._socket.recv(timeout=SECONDS)
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            yield message
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.start = message.new_session
            elif kind == "auto_rerun":
                self._timed = message.auto_rerun.fragment_id
            elif kind == "navigation":
                self._page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return


@contextmanager
def visiting(port: int) -> Iterator[Visitor]:
    """A visitor of the server on this port, gone at the end."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None, compression=None) as socket:
        yield Visitor(socket)
