"""What a page draws from."""

from collections.abc import Callable
from dataclasses import dataclass

import explain_lib as xl
from dashboard.view_state import View


@dataclass(frozen=True)
class Scene:
    """What a page draws from: the view, and what it names.

    between: for computations, which call it once it is their turn; a run that a newer one has overtaken ends there.
    """

    view: View
    model: xl.Model
    images: xl.ImageSet
    predictions: xl.Predictions
    cache: xl.ExplainCache
    between: Callable[[], None]
