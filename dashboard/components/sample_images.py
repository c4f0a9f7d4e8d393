"""Which images of a set a sample takes, and how that is said."""

import numpy as np
from numpy.typing import NDArray

from dashboard.components.scene import Scene
from dashboard.view_state import CIFAR10


def sample_scene(scene: Scene) -> tuple[Scene, NDArray[np.int64]]:
    """The scene with the set that samples are of, and the positions of the view's sample in it, int64 (K,).

    Test images are in no particular order, and the first are taken; a folder goes class by class, and images are taken from
    all over it.
    """
    around = scene.of_set()
    count = len(around.images.labels)
    sample = min(scene.view.sample, count)
    if around.picture_set.address == CIFAR10:
        return around, np.arange(sample)
    return around, np.arange(sample) * count // sample


def sample_words(scene: Scene, images: NDArray[np.int64]) -> str:
    """The sample in words, as the beginning of a sentence."""
    if scene.picture_set.address == CIFAR10:
        return f"Test images 0 to {len(images) - 1:,}"
    return f"{len(images):,} images from all over {scene.picture_set.title}"
