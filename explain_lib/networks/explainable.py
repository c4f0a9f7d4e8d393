"""Which pictures of a set can be explained: those that can be read, and in which the explained class has a region.

Of a network that segments a class is explained where it is predicted. In a picture in which it is predicted nowhere there is
nothing to explain, and over many pictures such a one is left out, as one that cannot be read is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, ExplainError, TargetError
from explain_lib.networks.model import Model
from explain_lib.passes.targets import OneTarget, OwnTarget, Target
from explain_lib.passes.tasks import segments
from explain_lib.pictures.sets import Pixels, readable_places
from explain_lib.regions.region import Predicted, Region

ANY = -1
"""Any label: that which covers most is explained."""


def explainable_places(
    model: Model, pixels: Pixels, positions: NDArray[np.int64], targets: Sequence[OneTarget | None]
) -> NDArray[np.int64]:
    """The indices into positions int64 (K,) of the pictures that can be explained, in order.

    targets: one for each position, None for the predicted class. Raises what Model.predict raises.
    """
    readable = readable_places(pixels, positions)
    classes = [class_with_region(model, targets[place]) for place in readable.tolist()]
    asked = [place for place, index in enumerate(classes) if index is not None]
    if not asked:
        return readable
    shares = model.predict(pixels[positions[readable[asked]]])
    lacking = [place for row, place in enumerate(asked) if _share(shares[row], classes[place]) == 0]
    return np.delete(readable, lacking)


def class_with_region(model: Model, target: OneTarget | None) -> int | None:
    """The class that must be predicted somewhere in a picture for it to be explained; None if there is no such class.

    ANY where any label will do.
    """
    usual = ANY if model.task == "sigmoid-segmentation" else None
    if not segments(model.task) or target is None or isinstance(target, OwnTarget):
        return usual if target is None else None
    if not isinstance(target, Target):
        return None if callable(target) else int(target)
    if isinstance(target.region, Region):
        return None
    index = target.region.index if isinstance(target.region, Predicted) else target.index
    return usual if index is None else index


def _share(shares: NDArray[np.float32], index: int | None) -> float:
    """The share of a picture that a class covers, or that the label does which covers most; shares: float32 (classes,)."""
    return float(shares.max() if index is None or index == ANY else shares[index])


def left_out(model: Model, pixels: Pixels, asked: NDArray[np.int64], found: NDArray[np.int64], target: OneTarget | None) -> int:
    """How many of the images asked for, int64 (K,), are not found because the class is predicted nowhere in them."""
    if class_with_region(model, target) is None:
        return 0
    return len(readable_places(pixels, np.setdiff1d(asked, found)))


def nothing_to_explain(model: Model, target: OneTarget | None) -> ExplainError:
    """The error of a request about many pictures none of which can be explained. target: of all of them."""
    index = class_with_region(model, target)
    if index is None:
        return DataError("images: none of them can be read; others would be right")
    name = "a label" if index == ANY else model.classes[index]
    return TargetError(
        f"targets: {name} is predicted in none of the pictures, so there is no region to explain; a class that "
        "is, or a region that is drawn, would be right"
    )
