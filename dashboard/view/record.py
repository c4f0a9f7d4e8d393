"""The pictures and computations of a page, noted while it is drawn, so that they can be taken home.

A session holds the record of the view that was drawn last. It is bounded: computations as explain_lib.take_home.notes says,
pictures by MAX_PICTURES and MAX_BYTES. Of a picture it holds the file that was sent to the browser anyway, of a map the map.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import streamlit as st

from dashboard.view.page_files import PageFiles
from explain_lib.base.run_context import recording
from explain_lib.take_home.notes import Recorder
from explain_lib.take_home.slide import Slide

MAX_PICTURES = 400
MAX_BYTES = 16 * 2**20
_KEY = "_view_record"


@dataclass(frozen=True)
class ShownPicture:
    """A picture on the page: what it shows, its caption, what gives its PNG file, and the bytes that this holds."""

    alt: str
    caption: str
    file: Callable[[], bytes]
    size: int


@dataclass
class ViewRecord:
    """The record of one view.

    left_out: how many pictures did not find room. files, slide: the page's own files, and its slide in place of the usual one.
    """

    recorder: Recorder = field(default_factory=Recorder)
    left_out: int = 0
    files: PageFiles | None = None
    slide: Callable[[], Slide] | None = None
    _parts: dict[str, list[ShownPicture]] = field(default_factory=dict)
    _part: str = ""

    @property
    def pictures(self) -> tuple[ShownPicture, ...]:
        """All pictures, in the order in which the page's parts were first drawn."""
        return tuple(picture for part in list(self._parts.values()) for picture in list(part))

    def add(self, picture: ShownPicture) -> None:
        """Note a picture, if there is room for it."""
        noted = self.pictures
        if len(noted) >= MAX_PICTURES or sum(one.size for one in noted) + picture.size > MAX_BYTES:
            self.left_out += 1
        else:
            self._parts.setdefault(self._part, []).append(picture)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Note what follows as that part of the page, in place of what the part had before."""
        before, self._part = self._part, name
        self._parts[name] = []
        try:
            with self.recorder.part(name):
                yield
        finally:
            self._part = before


_active: ContextVar[ViewRecord | None] = ContextVar("view_record", default=None)


@contextmanager
def _noting(record: ViewRecord) -> Iterator[ViewRecord]:
    token = _active.set(record)
    try:
        with recording(record.recorder):
            yield record
    finally:
        _active.reset(token)


@contextmanager
def recorded_view() -> Iterator[ViewRecord]:
    """Note what is drawn and computed from here on as a new view, in place of the session's last one."""
    record = ViewRecord()
    st.session_state[_KEY] = record
    with _noting(record):
        yield record


@contextmanager
def recorded_part(name: str) -> Iterator[None]:
    """Note what is drawn as a part of the view that is drawn again and again by itself, such as what a job has found."""
    record: ViewRecord | None = _active.get() or st.session_state.get(_KEY)
    if record is None:
        yield
        return
    with _noting(record), record.part(name):
        yield


def offer(files: PageFiles | None = None, slide: Callable[[], Slide] | None = None) -> None:
    """Offer files of the page's own, and a slide in place of the usual one, at the foot of the page that is being drawn."""
    record = _active.get()
    if record is not None:
        record.files, record.slide = files or record.files, slide or record.slide


def note_picture(alt: str, caption: str, file: Callable[[], bytes], size: int) -> None:
    """Note a picture that is on the page. file: gives it as PNG when it is asked for. size: the bytes that this holds."""
    record = _active.get()
    if record is not None:
        record.add(ShownPicture(alt, caption, file, size))
