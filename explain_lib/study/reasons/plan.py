"""The trainings that the rules ask for: which networks, from which seeds, on which pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.loading.training import Recipe
from explain_lib.pictures.dataset import CLASSES, SIDE, ImageSet
from explain_lib.pictures.pixels import check_pictures
from explain_lib.study.grass_rows import FROG
from explain_lib.study.reasons.rules import CLASSES_RULE, DEPTH_RULE, RESOLUTION_RULE, SEEDS, ReasonRule

Reason = Literal["depth", "resolution", "classes"]
REASONS: dict[Reason, ReasonRule] = {"depth": DEPTH_RULE, "resolution": RESOLUTION_RULE, "classes": CLASSES_RULE}
MATCHED = {"depth": 0.70, "resolution": 0.45}
"""The share of held-out pictures that are right at matched accuracy."""
HELD_OUT = 5_000
"""The last training images are for the accuracy that decides when a checkpoint is taken; no network is trained on them."""
EPOCHS = 12
"""Of ten classes; with fewer there are as many steps, and so more epochs."""


@dataclass(frozen=True)
class Planned:
    """One training: a network of the family, the side of its pictures, the number of its classes, and the seed."""

    conv_layers: int = 4
    side: int = SIDE
    count: int = len(CLASSES)
    seed: int = 0

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.conv_layers}-layers-{self.side}-pixels-{self.count}-classes-seed-{self.seed}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes in CIFAR-10's order: frog, and others that the seed draws."""
        others = np.random.default_rng(self.seed).permutation(np.delete(np.arange(len(CLASSES)), FROG))
        return tuple(CLASSES[label] for label in sorted((FROG, *others[: self.count - 1].tolist())))

    @property
    def recipe(self) -> Recipe:
        """One cycle of the learning rate, for the same number of steps whatever the classes."""
        epochs = EPOCHS * len(CLASSES) // self.count
        return Recipe(self.name, "", epochs, 0.05, batch_size=64, seed=self.seed)

    @property
    def matched(self) -> tuple[float, ...]:
        """The accuracies at which a checkpoint is taken; none where other classes make them another accuracy."""
        return tuple(sorted(MATCHED.values())) if self.count == len(CLASSES) else ()

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the network sees of pictures uint8 (N, 32, 32, 3)."""
        return coarse_pictures(pixels, self.side)

    def kept(self, pictures: ImageSet) -> ImageSet:
        """The pictures of its classes as the network sees them, with labels in its numbering."""
        places = np.array([self.classes.index(name) if name in self.classes else -1 for name in CLASSES])
        labels = places[pictures.labels]
        return ImageSet(self.shown(pictures.pixels[labels >= 0]), labels[labels >= 0], self.classes)


def planned(reason: Reason, setting: int, seed: int) -> Planned:
    """The training of one setting of a rule. Ten classes, 32 pixels and four layers are one and the same."""
    match reason:
        case "depth":
            return Planned(conv_layers=setting, seed=seed)
        case "resolution":
            return Planned(side=setting, seed=seed)
        case "classes":
            return Planned(count=setting, seed=seed)


def plan(reasons: Sequence[Reason] = tuple(REASONS), seeds: int = SEEDS) -> tuple[Planned, ...]:
    """Every training that the rules need, each once: all of the first seed before any of the second."""
    every = (
        planned(reason, setting, seed) for seed in range(seeds) for reason in reasons for setting in REASONS[reason].settings
    )
    return tuple(dict.fromkeys(every))


def split(pictures: ImageSet) -> tuple[ImageSet, ImageSet]:
    """The training images that networks learn from, and those held out."""
    parts = (slice(None, -HELD_OUT), slice(-HELD_OUT, None))
    learnt, held = (ImageSet(pictures.pixels[part], pictures.labels[part], pictures.classes) for part in parts)
    return learnt, held


def coarse_pictures(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) averaged to side x side, and enlarged again bilinearly: the same shape.

    Those of that size already stay as they are. Raises InputError for other pixels.
    """
    check_pictures(pixels, side, rgb=True)
    height, width = pixels.shape[1:3]
    if (height, width) == (side, side):
        return pixels
    coarse = np.empty_like(pixels)
    for picture, place in zip(pixels, coarse, strict=True):
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        place[:] = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return coarse
