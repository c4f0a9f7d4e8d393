"""What a page draws from."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import explain_lib as xl
from dashboard.view_state import View, explained
from explain_lib.rendering import Picture


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

    @property
    def picture(self) -> Picture:
        """The picked image, uint8 (H, W, 3)."""
        return np.asarray(self.images.pixels[self.view.image])

    @property
    def predicted(self) -> int:
        """The class that the model predicts for the picked image."""
        return int(self.predictions.predicted[self.view.image])

    @property
    def target(self) -> xl.Target:
        """What is explained of the picked image."""
        return explained(self.view, self.predicted)

    def with_image(self, image: int) -> "Scene":
        """The same scene with another image picked."""
        return replace(self, view=replace(self.view, image=image))

    def with_model(self, name: str) -> "Scene":
        """The same scene with another bundled model."""
        model, predictions = self.cache.model(name), self.cache.predictions(name)
        return replace(self, view=replace(self.view, model=name), model=model, predictions=predictions)
