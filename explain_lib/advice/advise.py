"""The measurement and the advice in one call."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain_lib.advice.choice import Advice, choose_layer
from explain_lib.advice.measuring import AdviceRequest
from explain_lib.base.words import list_names
from explain_lib.networks.explainable import nothing_to_explain
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.requests import Progress
from explain_lib.passes.targets import OneTarget
from explain_lib.pictures.sets import Pixels


def advise(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64] | None = None,
    layers: str | Sequence[str] | None = None,
    target: OneTarget | None = None,
    *,
    progress: Progress = None,
) -> Advice:
    """The layer to hook for Grad-CAM on these pictures, or those that are tied; see Advice and AdviceRequest.

    pixels: uint8 (N, H, W, C), a set. images: positions in it, None for all. layers: the candidates, names of any whose output
    is (N, C, h, w); None for the ends of stages. target: what is explained, None for the predicted class of each picture.
    progress: called with the number of pictures done, and of all.

    By single deletion (after IDSDS, arXiv 2407.11910), insertion (RISE, arXiv 1806.07421) and ROAD (arXiv 2202.00449), the
    ladder's own numbers. A candidate that all three put far behind after 8, 16, 32 … pictures is not measured on the others.
    Fewer than 30 pictures tell nothing of others, and give no pick. Of a network that segments, pictures in which a given class
    is predicted nowhere are left out. Raises what grad_cam raises, DataError if no picture can be read, and TargetError if the
    class is predicted in none.
    """
    places = np.arange(len(of_pictures(model, "the advice is").check_set(pixels))) if images is None else np.asarray(images)
    names = None if layers is None else list_names(layers)
    request, parts = AdviceRequest(model, pixels, places, names, target), []
    tell = progress or (lambda *_: None)
    tell(0, len(request))
    for rows in request.rows():
        parts.append(rows)
        tell(sum(map(len, parts)), len(request))
    if not parts:
        raise nothing_to_explain(model, request.explained)
    return choose_layer(request.join(parts))
