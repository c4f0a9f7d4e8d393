"""The server's log of the pages: one JSON object a line, on the standard error.

Every line has `time` (UTC), `level`, `event`, `page` and `address`, the path and query that show the same view again:

- "slow view": a view that took `seconds`, as many as the server's option --slow or more
- "view refused": the sentence that the page showed instead of the view, as `error`
- "start failed": why no page can be shown, as `error`: what the server was started with is wrong, or a file is damaged; this
  line has no page and no address
- "fault": an exception that nobody foresaw: its `number`, which the page shows too, `error` and `traceback`
"""

import json
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from dashboard.view.this_view import this_query

LOG = logging.getLogger("dashboard")
_RUN = "_run"


class JsonLines(logging.Formatter):
    """A record as one line of JSON, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def open_log() -> None:
    """Write the lines from now on, once for a process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    # Streamlit writes a fault's traceback too, over many lines and without the number.
    logging.getLogger("streamlit.error_util").addFilter(lambda record: record.msg != "Uncaught app execution")


def begin_run(page: str, path: str) -> None:
    """Remember which page a run draws, under which path, and when it began."""
    st.session_state[_RUN] = _Run(page, path, time.perf_counter())


def note_view(slow: float) -> None:
    """Note the view that has just been drawn, if that took `slow` seconds or more."""
    run = _this_run()
    seconds = run.seconds
    if seconds >= slow:
        _note(logging.WARNING, "slow view", run, seconds=seconds)


def note_refusal(error: Exception) -> None:
    """Note the sentence that stands in place of the view."""
    run = _this_run()
    _note(logging.INFO, "view refused", run, seconds=run.seconds, error=str(error))


def note_start(error: str) -> None:
    """Note why the server cannot show anything, in a sentence."""
    LOG.error("start failed", extra={"fields": {"error": error}})


def note_fault(error: Exception) -> str:
    """Note an exception that nobody foresaw, with its traceback; the number under which it stands in the log."""
    number = secrets.token_hex(4)
    _note(logging.ERROR, "fault", _this_run(), error, number=number, error=f"{type(error).__name__}: {error}")
    return number


@dataclass(frozen=True)
class _Run:
    page: str
    path: str
    began: float

    @property
    def seconds(self) -> float:
        return round(time.perf_counter() - self.began, 3)


def _this_run() -> _Run:
    run: _Run | None = st.session_state.get(_RUN)
    return run or _Run("", "", time.perf_counter())


def this_address() -> str:
    """Path and query that show the view on screen again."""
    query, path = this_query(), _this_run().path
    return f"/{path}?{urlencode(query)}" if query else f"/{path}"


def _note(level: int, event: str, run: _Run, raised: Exception | None = None, **fields: str | float) -> None:
    LOG.log(level, event, exc_info=raised, extra={"fields": {"page": run.page, "address": this_address(), **fields}})
