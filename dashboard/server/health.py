"""The health address: whether the model that the dashboard opens with is loaded, as JSON over plain HTTP.

200 and `{"status": "ok", "model": NAME, "loaded": true, "cache": {"entries", "bytes", "max_bytes"}, …}` once it is; 503 and
`{"status": "loading" or "failed", "loaded": false, "reason": SENTENCE, …}` before, and if it cannot be. In place of the dots
stand the number of `threads`, and that of the `process`, which says which of several instances has answered.
"""

import os
import threading
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard.server.log import note_start

if TYPE_CHECKING:
    from explain_lib import ExplainCache

PATIENCE = 0.5
"""Seconds that an answer waits for a model that is about to be there."""


class ModelLoading:
    """Loads the model that the dashboard opens with, in a thread of its own; PyTorch alone takes seconds to import."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loaded: tuple[str, ExplainCache] | None = None
        self._reason: str | None = None
        self._noted: str | None = None

    def start(self) -> threading.Thread:
        """Load the model, if that has not been begun, or has failed."""
        with self._lock:
            if self._thread is None or not (self._loaded or self._thread.is_alive()):
                self._thread = threading.Thread(target=self._load, name="model-loading", daemon=True)
                self._thread.start()
            return self._thread

    def _load(self) -> None:
        self._reason = (
            "loading failed because of a fault in the program; the log has the details"  # until there is another outcome
        )
        import explain_lib as xl
        from dashboard.server.process import keep_files
        from dashboard.view.fitting import opening_view
        from dashboard.view.picture_sets import server_set
        from dashboard.view.server_options import server_cache

        try:
            keep_files()
            cache = server_cache()
            name = opening_view(cache.own_models).model
            cache.model(name)
            server_set(cache)  # a folder that the options name
        except xl.ExplainError as error:
            self._reason = str(error)
            if self._reason != self._noted:  # whoever asks again has it tried again
                self._noted = self._reason
                note_start(self._reason)
        else:
            self._loaded = name, cache

    def answer(self, request: Request) -> JSONResponse:
        """The answer of the health address; whoever asks has the loading started."""
        del request
        thread = self.start()
        thread.join(PATIENCE)
        said = self._said(loading=thread.is_alive()) | {"threads": threading.active_count(), "process": os.getpid()}
        return JSONResponse(said, 200 if said["loaded"] else 503, headers={"Cache-Control": "no-store"})

    def _said(self, *, loading: bool) -> dict[str, object]:
        if self._loaded is not None:
            model, cache = self._loaded
            stats = cache.stats
            held = {"entries": stats.entries, "bytes": stats.bytes, "max_bytes": stats.max_bytes}
            return {"status": "ok", "model": model, "loaded": True, "cache": held}
        if loading:
            return {"status": "loading", "loaded": False, "reason": "the model is being loaded"}
        return {"status": "failed", "loaded": False, "reason": self._reason}
