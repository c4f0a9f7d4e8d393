"""The cached layer over the functions: one entry a whole request, bounded in bytes, safe for threads.

A missing entry is computed once, however many ask for it at the same time; the others wait. If the computation raises, the
one who computed gets the exception, and each of the others computes for itself.
"""

import hashlib
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeVar, cast

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.memory import enough_memory
from explain_lib.cam.average_map import AverageMap, PartialSum, average_map, partial_sum
from explain_lib.cam.completeness import Completeness, completeness
from explain_lib.cam.configuration import Configuration
from explain_lib.cam.grad_cam import GradCams, grad_cam
from explain_lib.cam.package import package_grad_cam
from explain_lib.cam.postprocess import heatmap, layer_names
from explain_lib.cam.settings import CamSettings, Variant, check_settings
from explain_lib.cam.third_opinions import Opinion, third_opinion
from explain_lib.cam.walkthrough import ChannelAblation, Walkthrough, channel_ablation, walkthrough
from explain_lib.check_up.check_up import check_up
from explain_lib.check_up.findings import CheckUp
from explain_lib.compare.decomposition import Decomposition, decompose, decomposition_steps
from explain_lib.compare.scan import ScanRows, scan_batch
from explain_lib.networks.bundled import load_model, load_test_logits
from explain_lib.networks.model import Model, check_model, named_tensors, weight_stamp
from explain_lib.networks.own import OwnModels
from explain_lib.networks.predictions import Predictions, VerdictRows, verdict_rows
from explain_lib.networks.randomisation import SEED, Mode
from explain_lib.networks.targets import Target, Targets, expand_targets
from explain_lib.pictures.dataset import DIGESTS, SIDE, ImageSet, load_cifar10
from explain_lib.pictures.files import Fit, fit_picture, read_picture
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.selection import seen_images
from explain_lib.pictures.sets import (
    FittedPixels,
    LazyPixels,
    Pixels,
    batch_size_of,
    check_set,
    keep_origin,
    next_readable,
    pixels_digest,
)
from explain_lib.pictures.store import PictureStore, Preview, preview_of
from explain_lib.trust.ladder import LadderCurves, LadderRows, ladder_batch, ladder_curves, opinion_curves, with_opinions
from explain_lib.trust.sanity import SanityMaps, SanityRows, sanity_batch, sanity_maps
from explain_lib.work.recording import recorded

Picture = NDArray[np.uint8]
Value = TypeVar("Value")
Between = Callable[[], None] | None

MEBIBYTE = 2**20
DEFAULT_BYTES = 128 * MEBIBYTE
ENTRY_OVERHEAD = 1024
IMAGES_BYTES = 32 * MEBIBYTE


@dataclass(frozen=True)
class CacheStats:
    """hits, misses: requests so far. entries, bytes: held now. max_bytes: the bound."""

    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int


@dataclass
class _Pending:
    """A computation under way."""

    ended: threading.Event = field(default_factory=threading.Event)
    outcome: tuple[object] | None = None


class ByteCache:
    """A least-recently-used cache of results, bounded by the bytes that they hold; a kilobyte is added for each entry."""

    def __init__(self, max_bytes: int) -> None:
        if max_bytes <= 0:
            raise InputError(f"max_bytes: {max_bytes}; a number of bytes above 0 would be right")
        self._entries: LRUCache[Hashable, object] = LRUCache(max_bytes, getsizeof=bytes_of)
        self._pending: dict[Hashable, _Pending] = {}
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The entry of that key, computed if it is missing; what `compute` raises passes through and is not kept."""
        while True:
            with self._lock:
                if key in self._entries:
                    self._hits += 1
                    return cast(Value, self._entries[key])
                pending = self._pending.get(key)
                if pending is None:
                    mine = self._pending[key] = _Pending()
                    self._misses += 1
                    break
            pending.ended.wait()
            if pending.outcome is not None:
                with self._lock:
                    self._hits += 1
                return cast(Value, pending.outcome[0])
        return self._compute(key, mine, compute)

    def _compute(self, key: Hashable, mine: _Pending, compute: Callable[[], Value]) -> Value:
        try:
            with enough_memory("this view: what is computed for it"):
                value = compute()
            size = bytes_of(value)
            with self._lock:
                if size <= self._entries.maxsize:
                    self._entries[key] = value
            mine.outcome = (value,)
        finally:
            with self._lock:
                del self._pending[key]
            mine.ended.set()
        return value

    def kept(self, key: Hashable) -> object | None:
        """The entry of that key if it is there, None if not: computes nothing, waits for nobody, and is not counted."""
        with self._lock:
            return self._entries.get(key)

    def discard(self, key: Hashable) -> None:
        """Forget an entry, if it is there."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget every entry; the counts of hits and misses stay."""
        with self._lock:
            self._entries.clear()

    @property
    def stats(self) -> CacheStats:
        """Hits, misses, entries and bytes at this moment."""
        with self._lock:
            held = int(self._entries.currsize)
            return CacheStats(self._hits, self._misses, len(self._entries), held, int(self._entries.maxsize))


def bytes_of(value: object) -> int:
    """Bytes that an entry is counted with."""
    if isinstance(value, np.ndarray | Frozen):
        return ENTRY_OVERHEAD + int(value.nbytes)
    if isinstance(value, bytes):
        return ENTRY_OVERHEAD + len(value)
    if isinstance(value, tuple):
        return sum(map(bytes_of, value))
    if isinstance(value, _LoadedModel):
        return ENTRY_OVERHEAD + sum(tensor.nbytes for _, tensor in named_tensors(value.model.network))
    raise InputError(f"value: a {type(value).__name__} cannot be cached; an array, a result, bytes or a model would be right")


@dataclass(frozen=True)
class _LoadedModel:
    model: Model
    stamp: tuple[int, ...]


class ExplainCache:
    """Images, models, predictions and maps, each computed once and kept as long as there is room.

    The methods take the arguments and raise the errors of the functions of the same name. Arrays are read-only.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES, device: str | None = "cpu") -> None:
        """max_bytes: the bound of what is kept; pictures and networks of visitors have bounds of their own.

        device: where models run, None for a GPU if there is one.
        """
        self.entries = ByteCache(max_bytes)
        self._images = ByteCache(IMAGES_BYTES)
        self.device = str(choose_device(device))
        self.own_pictures = PictureStore()
        # What takes seconds is done one after the other: several at once would keep all others waiting, and be no sooner done.
        self._long_work = threading.Lock()
        self.own_models = OwnModels(self.device)

    @property
    def stats(self) -> CacheStats:
        """Hits, misses, entries and bytes at this moment."""
        return self.entries.stats

    def images(self) -> ImageSet:
        """The CIFAR-10 test images; kept besides what `max_bytes` bounds, since every page needs them."""
        return self._images.get("images", _load_images)

    def model(self, name: str) -> Model:
        """A bundled model, loaded anew if somebody wrote to it, or one of `own_models`; shared by all who ask."""
        if self.own_models.names_own(name):
            return self.own_models.find(name).model
        key = "model", name
        loaded = self.entries.get(key, lambda: _load(name, self.device))
        if weight_stamp(loaded.model.network) != loaded.stamp:
            self.entries.discard(key)
            loaded = self.entries.get(key, lambda: _load(name, self.device))
        return loaded.model

    def predictions(self, name: str) -> Predictions:
        """A bundled model's predictions for the 10,000 test images, from the logits bundled beside it."""
        return self.entries.get(("predictions", name), lambda: Predictions(load_test_logits(name)))

    @recorded
    def predict(self, model: Model, pixels: NDArray[np.uint8]) -> Predictions:
        """The model's predictions for some pictures."""
        key = ("predict", *_asked(model, pixels))
        return self.entries.get(key, lambda: Predictions(model.predict(pixels)))

    def verdict_rows(self, model: Model, pixels: Pixels, images: NDArray[np.int64]) -> VerdictRows:
        """verdict_rows, cached."""
        key = ("verdict_rows", model.digest, pixels_digest(pixels), images.tobytes())
        return self.entries.get(key, lambda: verdict_rows(model, pixels, images))

    def fitted_images(self, size: tuple[int, int]) -> Pixels:
        """The CIFAR-10 test images as a network of input size (height, width) sees them; see fit_picture."""
        pixels = self.images().pixels
        return pixels if size == (SIDE, SIDE) else FittedPixels(pixels, size, DIGESTS["test"])

    def own_picture(self, digest: str, size: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
        """A visitor's picture as a network of that input size sees it, uint8 (height, width, 3); see PictureStore.find."""
        content = self.own_pictures.find(digest)
        key = ("own_picture", digest, size, fit)
        return self.entries.get(key, lambda: read_only(fit_picture(read_picture(content), size, fit)))

    def own_preview(self, digest: str) -> Preview:
        """What a visitor's picture looks like, reduced; see PictureStore.find."""
        content = self.own_pictures.find(digest)
        return self.entries.get(("own_preview", digest), lambda: preview_of(read_picture(content)))

    def check_up(self, model: Model) -> CheckUp:
        """check_up of a Model, cached."""
        with check_model(model).lock:  # whoever runs the network meanwhile has its parameters frozen, and puts them back
            frozen = tuple(parameter.requires_grad for parameter in model.network.parameters())
        key = ("check_up", model.digest, model.classes, model.card, frozen)

        def compute() -> CheckUp:
            with model.lock:
                return check_up(model)

        return self.entries.get(key, compute)

    @recorded
    def grad_cam(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        layers: str | Sequence[str] | None = None,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> GradCams:
        """grad_cam, cached."""
        key = ("grad_cam", *_request(model, pixels, layers, targets))
        return self.entries.get(key, lambda: grad_cam(model, pixels, layers, targets, between=between))

    @recorded
    def package_grad_cam(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        layers: str | Sequence[str],
        targets: Targets = None,
        *,
        variant: Variant = "grad-cam",
        between: Between = None,
    ) -> NDArray[np.float32]:
        """package_grad_cam, cached."""
        key = ("package_grad_cam", variant, *_request(model, pixels, layers, targets))
        return self.entries.get(
            key, lambda: read_only(package_grad_cam(model, pixels, layers, targets, variant=variant, between=between))
        )

    @recorded
    def completeness(
        self,
        model: Model,
        picture: NDArray[np.uint8],
        layer: str,
        target: int | Target | None = None,
        *,
        between: Between = None,
    ) -> Completeness:
        """completeness, cached; the layer must be named."""
        key = ("completeness", *_request(model, picture[None], layer, target))
        return self.entries.get(key, lambda: completeness(model, picture, layer, target, between=between))

    @recorded
    def walkthrough(
        self, model: Model, picture: Picture, layer: str, target: int | Target | None = None, *, between: Between = None
    ) -> Walkthrough:
        """walkthrough, cached; the layer must be named."""
        key = ("walkthrough", *_request(model, picture[None], layer, target))
        return self.entries.get(key, lambda: walkthrough(model, picture, layer, target, between=between))

    @recorded
    def channel_ablation(
        self,
        model: Model,
        picture: Picture,
        layer: str,
        channels: Sequence[int],
        target: int | Target | None = None,
        *,
        between: Between = None,
    ) -> ChannelAblation:
        """channel_ablation, cached; the layer must be named."""
        key = ("channel_ablation", tuple(channels), *_request(model, picture[None], layer, target))
        return self.entries.get(key, lambda: channel_ablation(model, picture, layer, channels, target, between=between))

    @recorded
    def heatmap(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        settings: CamSettings,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> NDArray[np.float32]:
        """heatmap, cached."""
        key = ("heatmap", settings, *_request(model, pixels, check_settings(settings).layers, targets))
        return self.entries.get(key, lambda: read_only(heatmap(model, pixels, settings, targets, between=between)))

    @recorded
    def configured_heatmap(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        configuration: Configuration,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> NDArray[np.float32]:
        """configured_heatmap, cached."""
        program, settings = configuration.program, configuration.settings
        if program == "manual":
            return self.heatmap(model, pixels, settings, targets, between=between)
        layers = layer_names(check_model(model), settings)
        if program == "package":
            return self.package_grad_cam(model, pixels, layers, targets, variant=settings.variant, between=between)
        return self.third_opinion(program, model, pixels, layers[0], targets, between=between)

    @recorded
    def third_opinion(
        self,
        program: Opinion,
        model: Model,
        pixels: NDArray[np.uint8],
        layer: str,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> NDArray[np.float32]:
        """third_opinion, cached."""
        key = ("third_opinion", program, *_request(model, pixels, layer, targets))
        return self.entries.get(key, lambda: read_only(third_opinion(program, model, pixels, layer, targets, between=between)))

    @recorded
    def decompose(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        index: int,
        a: CamSettings,
        b: CamSettings,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> Decomposition:
        """decompose, cached."""
        key = ("decompose", index, a, b, *_request(model, pixels, _layers_of(model, a, b), targets))
        return self.entries.get(
            key, lambda: decompose(model, pixels, index, a, b, targets, between=between, real=self.configured_heatmap)
        )

    @recorded
    def decomposition_steps(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        index: int,
        order: Sequence[str],
        a: CamSettings,
        b: CamSettings,
        targets: Targets = None,
        *,
        between: Between = None,
    ) -> NDArray[np.float32]:
        """decomposition_steps, cached."""
        key = ("steps", index, tuple(order), a, b, *_request(model, pixels, _layers_of(model, a, b), targets))
        return self.entries.get(
            key, lambda: read_only(decomposition_steps(model, pixels, index, order, a, b, targets, between=between))
        )

    def scan_batch(
        self,
        model: Model,
        pixels: Pixels,
        images: Sequence[int] | NDArray[np.int64],
        a: Configuration,
        b: Configuration,
        targets: Targets = None,
        *,
        causes: bool = True,
        package: bool = False,
        between: Between = None,
    ) -> ScanRows:
        """scan_batch, cached; of the set, only the pictures that it looks at make the entry."""
        count = len(check_set(pixels, check_model(model).input_size))
        chosen = check_positions(images, count)
        looks = "batch" in {a.settings.scale_over, b.settings.scale_over}
        seen = pixels[seen_images(chosen, count, batch_size_of(pixels) if looks else 1)]
        request = _request(model, seen, _layers_of(model, a.settings, b.settings), None)
        explained = expand_targets(targets, len(chosen), model.classes)
        key = ("scan_batch", chosen.tobytes(), a, b, explained, causes, package, *request)
        compute = partial(scan_batch, model, pixels, chosen, a, b, explained, causes=causes, package=package, between=between)
        return self.entries.get(key, compute)

    def ladder_batch(
        self,
        model: Model,
        pixels: Pixels,
        images: NDArray[np.int64],
        layers: Sequence[str] | None = None,
        target: int | None = None,
        opinions: str | None = None,
        *,
        between: Between = None,
    ) -> LadderRows:
        """ladder_batch, cached."""
        key = ("ladder_batch", images.tobytes(), opinions, *_request(model, pixels[images], layers, target))
        return self.entries.get(key, lambda: ladder_batch(model, pixels, images, layers, target, opinions, between=between))

    @recorded
    def ladder_curves(
        self,
        model: Model,
        pixels: Pixels,
        image: int,
        layers: Sequence[str] | None = None,
        target: int | None = None,
        opinions: str | None = None,
        *,
        between: Between = None,
    ) -> LadderCurves:
        """ladder_curves of one image, cached, and so is its part without other methods: at another layer only those are."""
        chosen = check_positions([image], len(pixels))
        request = _request(model, pixels[chosen], layers, target)

        def joined(where: str) -> LadderCurves:
            base = self.ladder_curves(model, pixels, image, layers, target, between=between)
            with self._long_work:
                return with_opinions(base, opinion_curves(model, pixels, base, target, where, between=between))

        def measured() -> LadderCurves:
            with self._long_work:
                return ladder_curves(model, pixels, chosen, layers, target, between=between)

        if opinions is not None:
            return self.entries.get(("ladder_curves", image, opinions, *request), lambda: joined(opinions))
        key = ("ladder_curves", image, *request)
        return self.entries.get(key, measured)

    @recorded
    def sanity_maps(
        self,
        model: Model,
        pixels: NDArray[np.uint8],
        layer: str,
        target: int | None = None,
        mode: Mode = "cascading",
        twin: Model | None = None,
        *,
        seed: int = SEED,
        between: Between = None,
    ) -> SanityMaps:
        """sanity_maps, cached."""
        beside = None if twin is None else check_model(twin).digest
        key = ("sanity_maps", mode, beside, seed, *_request(model, pixels, layer, target))

        def compared() -> SanityMaps:
            with self._long_work:
                return sanity_maps(model, pixels, layer, target, mode, twin, seed=seed, between=between)

        return self.entries.get(key, compared)

    def sanity_batch(
        self,
        model: Model,
        pixels: Pixels,
        images: NDArray[np.int64],
        layer: str,
        target: int | None = None,
        mode: Mode = "cascading",
        twin: Model | None = None,
        *,
        seed: int = SEED,
        between: Between = None,
    ) -> SanityRows:
        """sanity_batch, cached; of the set, only the pictures that it looks at make the entry."""
        beside = None if twin is None else check_model(twin).digest
        seen = pixels[np.concatenate([images, next_readable(pixels, images)])]
        key = ("sanity_batch", images.tobytes(), mode, beside, seed, *_request(model, seen, layer, target))
        return self.entries.get(
            key, lambda: sanity_batch(model, pixels, images, layer, target, mode, twin, seed=seed, between=between)
        )

    @recorded
    def average_map(
        self,
        model: Model,
        pixels: Pixels,
        layer: str,
        targets: Targets = None,
        *,
        progress: Callable[[int], None] | None = None,
        between: Between = None,
    ) -> AverageMap:
        """average_map, cached, and so is each of its batches; progress is called only if it is computed by this call."""

        def sum_batch(
            model: Model, pixels: NDArray[np.uint8], layer: str, targets: Targets, between: Between = None
        ) -> PartialSum:
            key = ("partial_sum", *_request(model, pixels, layer, targets))
            return self.entries.get(key, lambda: partial_sum(model, pixels, layer, targets, between=between))

        key = ("average_map", *_request(model, pixels, layer, targets))
        return self.entries.get(
            key,
            lambda: average_map(model, pixels, layer, targets, progress=progress, between=between, sum_batch=sum_batch),
        )


def _layers_of(model: Model, *sides: CamSettings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for side in sides for name in layer_names(check_model(model), check_settings(side))))


def _load_images() -> ImageSet:
    images = load_cifar10()
    keep_origin(images.pixels)
    return images


def _load(name: str, device: str) -> _LoadedModel:
    model = load_model(name, device)
    return _LoadedModel(model, weight_stamp(model.network))


def _request(model: Model, pixels: Pixels, layers: str | Sequence[str] | None, targets: Targets) -> tuple[Hashable, ...]:
    """What a map depends on, checked, as a key: the model, the pixels of the whole batch, the layers and the targets."""
    asked = _asked(model, pixels)
    names = tuple(layer.name for layer in model.find_layers(layers))
    return *asked, names, expand_targets(targets, len(pixels), model.classes)


def _asked(model: Model, pixels: Pixels) -> tuple[Hashable, ...]:
    """What a prediction depends on, checked, as a key: the model and the pixels of the whole batch."""
    check_set(pixels, check_model(model).input_size)
    if isinstance(pixels, LazyPixels):
        return model.digest, pixels.identity, len(pixels)
    return model.digest, hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest(), len(pixels)


def shared_cache(device: str | None = "cpu") -> ExplainCache:
    """The cache of this process, the same for all threads, for one device; see ExplainCache."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> ExplainCache:
    return ExplainCache(device=device)
