"""The cache of a process: images, models, uploaded pictures and networks, and a memo of results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.devices import choose_device
from explain_lib.base.frozen import read_only
from explain_lib.base.memo import CacheStats, Memo
from explain_lib.base.run_context import Step, current_run, running
from explain_lib.check_up.check_up import check_up
from explain_lib.check_up.findings import CheckUp
from explain_lib.loading.bundled import load_model, load_test_logits
from explain_lib.loading.model_store import OwnModels
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.predictions import Predictions
from explain_lib.networks.weights import named_tensors, weight_stamp
from explain_lib.passes.tasks import Task, split_task
from explain_lib.pictures.bands import bands_window, preview_picture
from explain_lib.pictures.dataset import DIGESTS, SIDE, ImageSet, load_cifar10
from explain_lib.pictures.intake import Intake
from explain_lib.pictures.sets import FittedPixels, Pixels, keep_origin
from explain_lib.pictures.store import SMALL, PictureStore, Preview, preview_of

MEBIBYTE = 2**20
DEFAULT_BYTES = 128 * MEBIBYTE
IMAGES_BYTES = 32 * MEBIBYTE
PIECES_BYTES = 16 * MEBIBYTE
"""Some ten thousand rows of ladders, which take hours to measure: views do not push them out."""


@dataclass(frozen=True)
class _LoadedModel:
    model: Model
    stamp: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the weights and buffers."""
        return sum(tensor.nbytes for _, tensor in named_tensors(self.model.network))


class ExplainCache:
    """Images, models and predictions, each loaded once, and a memo of the results computed inside `running`.

    Everything is kept as long as there is room. Arrays are read-only.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES, device: str | None = "cpu") -> None:
        """max_bytes: the limit of the memo; uploaded pictures and networks have limits of their own.

        device: where models run, None for a GPU if there is one.
        """
        self.entries = Memo(max_bytes)
        self._images = Memo(IMAGES_BYTES)
        self._pieces = Memo(PIECES_BYTES)
        self.device = str(choose_device(device))
        self.own_pictures = PictureStore()
        self.own_models = OwnModels(self.device)

    @property
    def stats(self) -> CacheStats:
        """The current hits, misses, entries and bytes."""
        return self.entries.stats

    @contextmanager
    def running(self, cancel: Callable[[], None] | None = None, watch: Callable[[Step], None] | None = None) -> Iterator[None]:
        """Keep the results that this thread computes inside, and look them up first.

        cancel: called before each pass through a network; an exception from it ends the work. watch: called with the steps of
        long work.
        """
        with running(replace(current_run(), cancel=cancel, memo=self.entries, pieces=self._pieces, watch=watch)):
            yield

    def images(self) -> ImageSet:
        """The CIFAR-10 test images; kept outside the limit `max_bytes`, since every page needs them."""
        return self._images.get("images", _load_images)

    def model(self, name: str) -> Model:
        """A bundled model, shared by all callers and reloaded if its weights were changed, or one of `own_models`.

        A name with a task, see name_with_task, is that of the model under that task.
        """
        usual, task = split_task(name)
        if task is not None:
            return self.model(usual).with_task(task)
        if self.own_models.names_own(name):
            return self.own_models.find(name).model
        key = "model", name
        loaded = self.entries.get(key, lambda: _load(name, self.device))
        if weight_stamp(loaded.model.network) != loaded.stamp:
            self.entries.discard(key)
            loaded = self.entries.get(key, lambda: _load(name, self.device))
        return loaded.model

    def predictions(self, name: str, task: Task = "softmax") -> Predictions:
        """A bundled model's predictions for the 10,000 test images, from the logits bundled beside it."""
        return self.entries.get(("predictions", name, task), lambda: Predictions(load_test_logits(name), task))

    def fitted_images(self, seen: tuple[int, int] | Intake) -> Pixels:
        """The CIFAR-10 test images as a network sees them: its input size (height, width), or model.intake()."""
        pixels, intake = self.images().pixels, seen if isinstance(seen, Intake) else Intake(seen)
        return pixels if intake == Intake((SIDE, SIDE)) else FittedPixels(pixels, intake, DIGESTS["test"])

    def own_picture(self, digest: str, intake: Intake) -> NDArray[np.uint8]:
        """An uploaded picture as a network sees it, uint8 (height, width, C); see PictureStore.find and Intake.read."""
        content = self.own_pictures.find(digest)
        return self.entries.get(("own_picture", digest, intake.identity), lambda: read_only(intake.read(content)))

    def own_window(self, digest: str, channels: int) -> NDArray[np.float64]:
        """The own window of an uploaded picture for a network of so many channels, (2,), or (0,) for one of 8 bits."""
        content = self.own_pictures.find(digest)
        return self.entries.get(("own_window", digest, channels), lambda: np.array(bands_window(content, channels) or ()))

    def own_preview(self, digest: str, most: tuple[int, int] = SMALL) -> Preview:
        """The preview of an uploaded picture; see PictureStore.find and preview_of."""
        content = self.own_pictures.find(digest)
        return self.entries.get(("own_preview", digest, most), lambda: preview_of(preview_picture(content), most))

    def check_up(self, model: Model) -> CheckUp:
        """check_up of a Model, cached."""
        with check_model(model).lock:  # a thread that runs the network freezes its parameters meanwhile
            frozen = tuple(parameter.requires_grad for parameter in model.network.parameters())
        key = ("check_up", model.digest, model.classes, model.card, frozen)

        def compute() -> CheckUp:
            with model.lock:
                return check_up(model)

        return self.entries.get(key, compute)


def _load_images() -> ImageSet:
    images = load_cifar10()
    keep_origin(images.pixels)
    return images


def _load(name: str, device: str) -> _LoadedModel:
    model = load_model(name, device)
    return _LoadedModel(model, weight_stamp(model.network))


def shared_cache(device: str | None = "cpu") -> ExplainCache:
    """The cache of this process for one device, shared by all threads; see ExplainCache."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> ExplainCache:
    return ExplainCache(device=device)
