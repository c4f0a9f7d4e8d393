"""The log's lines: when there is one, and what it says. That a server writes them is tested in test_server.py."""

import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.server.log import JsonLines


def a_run() -> None:
    """A run of a page."""
    import streamlit as st

    from dashboard.server.log import begin_run, note_refusal, note_view

    begin_run("layer_explorer", "explorer")
    note_view(slow=3.001 if "quick" in st.query_params else 3.0)
    note_refusal(ValueError("layer: unknown"))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which the run has taken three seconds."""
    ticks = iter([10.0, 13.0, 13.0])
    monkeypatch.setattr("dashboard.server.log.time", SimpleNamespace(perf_counter=lambda: next(ticks)))


def noted(caplog: pytest.LogCaptureFixture, **query: str) -> list[tuple[str, str, dict[str, object]]]:
    app = AppTest.from_function(a_run)
    app.query_params.update(query)
    with caplog.at_level(logging.INFO, "dashboard"):
        assert not app.run().exception
    records = [record for record in caplog.records if record.name == "dashboard"]
    return [(record.levelname, record.getMessage(), vars(record)["fields"]) for record in records]


def test_a_view_is_slow_from_the_threshold_on(caplog: pytest.LogCaptureFixture) -> None:
    level, event, fields = noted(caplog, layer="conv1", a="x&y")[0]
    assert (level, event) == ("WARNING", "slow view")
    assert fields == {"page": "layer_explorer", "address": "/explorer?layer=conv1&a=x%26y", "seconds": 3.0}


def test_a_view_below_the_threshold_is_not_noted(caplog: pytest.LogCaptureFixture) -> None:
    assert [event for _, event, _ in noted(caplog, quick="yes")] == ["view refused"]


def test_a_refusal_has_its_sentence(caplog: pytest.LogCaptureFixture) -> None:
    level, event, fields = noted(caplog)[1]
    assert (level, event) == ("INFO", "view refused")
    assert fields == {"page": "layer_explorer", "address": "/explorer", "seconds": 3.0, "error": "layer: unknown"}


def test_a_line_is_one_line_of_ascii_json_with_time_and_level() -> None:
    record = logging.LogRecord("dashboard", logging.ERROR, "", 0, "fault", None, None)
    record.created = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC).timestamp()
    record.fields = {"error": "a\nb “c” \x1b[31m"}
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.678+00:00", "level": "error", "event": "fault", "error": "a\nb “c” \x1b[31m",
    }  # fmt: skip
