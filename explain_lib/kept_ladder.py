"""The rows of a ladder as the files that are bundled keep them: measured, then rounded to float32."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from explain_lib.ladder_request import LadderRequest
from explain_lib.layer_ladder import LadderRows


def kept_ladder(request: LadderRequest, *, progress: Callable[[int, int], None] | None = None) -> LadderRows:
    """The rows of a request, their numbers float64 with the digits of float32; progress: called with images done and in all."""
    parts: list[LadderRows] = []
    for rows in request.rows():
        parts.append(rows)
        if progress is not None:
            progress(sum(map(len, parts)), len(request))
    rows = request.join(parts)
    rounded = {
        name: getattr(rows, name).astype(np.float32).astype(np.float64) for name in ("deletion", "insertion", "edges", "centre")
    }
    return replace(rows, **rounded)
