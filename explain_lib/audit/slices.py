"""Slices of a set: groups of pictures whose maps look at the same place, with their examples and their accuracy.

After SpRAy (Lapuschkin et al. 2019, Nature Communications 10, 1096), which clusters the maps of one class to find what a
network goes by: a mark that stands at the same place in many pictures is a cluster of its own. Here it is k-means on the grid
of the layer, each map divided by its sum.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import checkpoint, recorded, remembered
from explain_lib.base.statistics import Estimate, image_shares
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess
from explain_lib.cam.settings import CamSettings, Variant
from explain_lib.networks.model import Model
from explain_lib.networks.requests import ImageRows, Request
from explain_lib.passes.targets import OneTarget
from explain_lib.passes.tasks import predicted_of
from explain_lib.pictures.sets import Pixels
from explain_lib.trust.rungs import class_of, marked_target

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

BATCH = 64
MOST_CELLS: Final = 28
"""A grid with more cells a side is averaged down to this many."""
COUNTS: Final = range(2, 9)
"""The numbers of slices on offer."""
LEAST_MAPS: Final = 30
"""The fewest maps that are clustered."""
LEAST_SHARE: Final = 0.02
"""A smaller slice comes after all others, however narrow: a few maps agree on a place by chance."""
_LEAST_SIZE = 10
_SAMPLE = 1000
_STARTS = 4
_SEED = 0


@dataclass(frozen=True)
class SliceRows(ImageRows):
    """The maps of K images at one layer.

    images: int64 (K,), positions in the set. maps: float32 (K, h, w), ReLU maps on the layer's grid, of at most 28 cells a
    side, each divided by its sum; 0 throughout where the map is zero or not finite. explained, predicted: int64 (K,), classes.
    """

    images: NDArray[np.int64]
    maps: Map
    explained: NDArray[np.int64]
    predicted: NDArray[np.int64]


@dataclass(frozen=True)
class Slice(Frozen):
    """One group of pictures.

    images: int64 (n,), positions in the set, the most typical first: by the distance to the mean map. map: float32 (h, w),
    the mean of its maps, which sums to 1. bits: how far the maps agree on one place: log2 of the number of cells minus the
    entropy of the mean map; 0 for an even one, log2(h * w) for one cell. silhouette: the mean over its maps, in [-1, 1]
    (Rousseeuw 1987, Journal of Computational and Applied Mathematics 20, page 53), over at most 1,000 maps of the set; NaN if
    none of them is among these. right: the share of correct predictions with Wilson's interval; None where no label is known.
    """

    images: NDArray[np.int64]
    map: Map
    bits: float
    silhouette: float
    right: Estimate | None


@dataclass(frozen=True)
class Slices(Frozen):
    """The slices of a set, the narrowest first; those below 2 % of the maps, or 10, come last.

    silhouette: the mean over at most 1,000 maps. Above 0.5 the groups are clear, below 0.25 there are hardly any (Kaufman and
    Rousseeuw 1990, Finding Groups in Data, page 88). agreement: whether the pictures alone decide: two halves are clustered,
    each assigns all maps, and this is the adjusted Rand index of the two (Hubert and Arabie 1985), 1 for the same groups, 0 for
    chance. blank: int64 (b,), the positions of the images whose map is zero or not finite.
    """

    slices: tuple[Slice, ...]
    silhouette: float
    agreement: float
    blank: NDArray[np.int64]

    def place_of(self, image: int) -> int | None:
        """The slice that holds the image at this position of the set, counted from 0; None if none does."""
        return next((place for place, one in enumerate(self.slices) if image in one.images), None)


@dataclass(frozen=True, eq=False)
class SliceRequest(Request[SliceRows]):
    """The maps of K images of a set at one layer, to be clustered.

    layer: its name. target: what is explained in every image, as in grad_cam; None for the predicted class. variant: the
    method. Raises InputError, LayerError and TargetError as grad_cam does.
    """

    layer: str
    target: OneTarget | None = None
    variant: Variant = "grad-cam"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layer)
        CamSettings(layers=(self.layer,), variant=self.variant)
        self._settle(target=marked_target(self.model, self.target))

    @property
    def explained(self) -> OneTarget | None:
        return self.target

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "slices", self.layer, self.target, self.variant

    def compute(self) -> SliceRows:
        captured = capture_layers(self.model, self.pixels[self.images], self.layer, self.target)
        settings = CamSettings(layers=(self.layer,), variant=self.variant, scale_over="none", resize="none")
        maps = PostProcess(self.model, captured.layers).heatmaps(settings)
        explained = np.array([class_of(one) for one in captured.targets], dtype=np.int64)
        predicted = predicted_of(captured.logits.cpu().numpy(), self.model.task)
        return SliceRows(self.images, _shares(_bounded(maps)), explained, predicted)


def _bounded(maps: Tensor) -> Map:
    height, width = (min(extent, MOST_CELLS) for extent in maps.shape[1:])
    smaller: Map = adaptive_avg_pool2d(maps[:, None], (height, width))[:, 0].numpy()
    return smaller


def _shares(maps: Map) -> Map:
    total = maps.sum((1, 2), dtype=np.float64)
    usable = np.isfinite(total) & (total > 0)
    shares: NDArray[np.float64] = np.divide(maps, total[:, None, None], out=np.zeros(maps.shape), where=usable[:, None, None])
    return shares.astype(np.float32)


@remembered()
def find_slices(rows: SliceRows, labels: NDArray[np.int64] | None = None, count: int | None = None) -> Slices:
    """The slices of these maps.

    labels: int64 (K,), the true class of each image, -1 for one without; None if no label is known. count: from 2 to 8; None
    for the number with the largest silhouette among at most 1,000 maps. The same rows give the same slices.

    Raises InputError for fewer than 30 maps that are not blank, for labels of another length, and for another count.
    """
    places = np.flatnonzero(rows.maps.any((1, 2)))
    flat = rows.maps[places].reshape(len(places), -1).astype(np.float64)
    _check(rows, labels, count, len(np.unique(flat, axis=0)))
    found, silhouettes = _clusters(flat, count)
    distances = np.linalg.norm(flat - found.cluster_centers_[found.labels_], axis=1)
    slices = []
    for group in range(found.n_clusters):
        members = np.flatnonzero(found.labels_ == group)
        members = members[np.argsort(distances[members], kind="stable")]
        slices.append(_slice(rows, places[members], silhouettes[members], labels))
    least = max(_LEAST_SIZE, LEAST_SHARE * len(flat))
    slices.sort(key=lambda one: (len(one.images) < least, -one.bits))
    blank = np.setdiff1d(np.arange(len(rows)), places)
    return Slices(tuple(slices), float(np.nanmean(silhouettes)), _agreement(flat, found.n_clusters), rows.images[blank])


@recorded
def slices_of(
    model: Model,
    pixels: Pixels,
    images: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    layer: str,
    target: OneTarget | None = None,
    variant: Variant = "grad-cam",
    count: int | None = None,
) -> Slices:
    """The slices of K images of a set, from their maps on: see SliceRequest and find_slices, with the labels of these K."""
    return find_slices(SliceRequest(model, pixels, images, layer, target, variant).all_rows(), labels, count)


def _check(rows: SliceRows, labels: NDArray[np.int64] | None, count: int | None, different: int) -> None:
    if different < LEAST_MAPS:
        raise InputError(f"rows: they have {different} different maps; at least {LEAST_MAPS} would be right")
    if labels is not None and len(labels) != len(rows):
        raise InputError(f"labels: there are {len(labels)}, and {len(rows)} images; as many would be right")
    if count is not None and count not in COUNTS:
        raise InputError(f"count: {count!r}; a whole number from {COUNTS[0]} to {COUNTS[-1]}, or None, would be right")


def _clusters(flat: NDArray[np.float64], count: int | None) -> tuple["KMeans", NDArray[np.float64]]:
    """The clustering with that number of groups, or with the best, and the silhouettes of at most 1,000 maps, else NaN."""
    sample = np.sort(np.random.default_rng(_SEED).permutation(len(flat))[:_SAMPLE])
    if count is None:
        widths = {}
        for tried in COUNTS:
            checkpoint()
            widths[tried] = _silhouettes(flat[sample], _k_means(flat[sample], tried).labels_).mean()
        count = max(widths, key=widths.__getitem__)
    found = _k_means(flat, count)
    silhouettes = np.full(len(flat), np.nan)
    silhouettes[sample] = _silhouettes(flat[sample], found.labels_[sample])
    return found, silhouettes


def _silhouettes(flat: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    from sklearn.metrics import silhouette_samples  # half a second to import

    if len(np.unique(labels)) == 1:
        return np.zeros(len(flat))  # the other groups are too few to be among these
    return np.asarray(silhouette_samples(flat, labels), dtype=np.float64)


def _k_means(flat: NDArray[np.float64], count: int) -> "KMeans":
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=_STARTS, random_state=_SEED).fit(flat)


def _agreement(flat: NDArray[np.float64], count: int) -> float:
    from sklearn.metrics import adjusted_rand_score

    halves = np.array_split(np.random.default_rng(_SEED + 1).permutation(len(flat)), 2)
    checkpoint()
    first, second = (_k_means(flat[half], count).predict(flat) for half in halves)
    return float(adjusted_rand_score(first, second))


def _slice(
    rows: SliceRows, places: NDArray[np.int64], silhouettes: NDArray[np.float64], labels: NDArray[np.int64] | None
) -> Slice:
    mean = rows.maps[places].mean(0, dtype=np.float64)
    held = mean[mean > 0]
    bits = float(np.log2(mean.size) + (held * np.log2(held)).sum())
    known = silhouettes[~np.isnan(silhouettes)]
    width = float(known.mean()) if len(known) else float("nan")
    return Slice(rows.images[places], mean.astype(np.float32), bits, width, _right(rows, places, labels))


def _right(rows: SliceRows, places: NDArray[np.int64], labels: NDArray[np.int64] | None) -> Estimate | None:
    if labels is None:
        return None
    known = places[labels[places] >= 0]
    return image_shares((rows.predicted[known] == labels[known])[:, None])[0]
