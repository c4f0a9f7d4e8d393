"""A server whose jobs stop after two seconds without a look, and which prints its threads' names for each line it reads.

Run: python short_patience.py PORT
"""

import json
import sys
import threading
from functools import partial
from pathlib import Path

from streamlit.web import cli

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from explain_lib.work import jobs  # noqa: E402


def _tell() -> None:
    for _ in sys.stdin:
        sys.__stdout__.write(json.dumps([thread.name for thread in threading.enumerate()]) + "\n")
        sys.__stdout__.flush()


jobs.Jobs = partial(jobs.Jobs, idle_seconds=2.0)
threading.Thread(target=_tell, daemon=True).start()
cli.main(["run", str(ROOT / "dashboard/app.py"), "--server.port", sys.argv[1], "--server.headless", "true"])
