"""What must find a place that is known: every method at every layer, and two baselines that never look at the network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import remembered
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess
from explain_lib.cam.settings import VARIANTS, CamSettings, Placement, Variant
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.requests import ImageRows
from explain_lib.passes.targets import Targets
from explain_lib.trust.faithfulness import centre_map, random_map
from explain_lib.truth.localisation import MEASURES, Mask, TruthMeasure

Baseline = Literal["random map", "centre blob"]
RANDOM: Final[Baseline] = "random map"
CENTRE: Final[Baseline] = "centre blob"
METHODS: Final[Mapping[Variant, str]] = {
    "grad-cam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "grad-cam++": "Grad-CAM++",
}
"""The name of each method."""


@dataclass(frozen=True)
class Finder:
    """A method at a layer, or a baseline: then the method is None, and the layer is its name."""

    layer: str
    method: Variant | None

    @property
    def name(self) -> str:
        """As "Grad-CAM at conv2"."""
        return self.layer if self.method is None else f"{METHODS[self.method]} at {self.layer}"

    @property
    def is_baseline(self) -> bool:
        """Whether it never looks at the network."""
        return self.method is None


BASELINES: Final = (Finder(RANDOM, None), Finder(CENTRE, None))


@dataclass(frozen=True)
class FinderMaps(Frozen):
    """The maps of R finders on K pictures, float32 (K, R, H, W), zero or above; logits: float32 (K, classes)."""

    finders: tuple[Finder, ...]
    maps: Map
    logits: NDArray[np.float32]

    def map_of(self, finder: Finder) -> Map:
        """The maps of one finder, float32 (K, H, W)."""
        return np.asarray(self.maps[:, self.finders.index(finder)])


@dataclass(frozen=True)
class TruthRows(ImageRows):
    """How well R finders find the known places of K images.

    images: int64 (K,), positions in the set. measures, finders: the names of the M measures, and the finders. counts: bool
    (K,), whether the place is known to be right for this image: others are left out of the means. area: float64 (K,), the
    share of the picture that the place covers, in [0, 1]. values: float64 (K, R, M), see localisation; of several places in one
    image their mean. flat: bool (K, R), whether a map is the same everywhere.
    """

    images: NDArray[np.int64]
    measures: tuple[TruthMeasure, ...]
    finders: tuple[Finder, ...]
    counts: NDArray[np.bool_]
    area: NDArray[np.float64]
    values: NDArray[np.float64]
    flat: NDArray[np.bool_]


def finders_of(layers: Sequence[str]) -> tuple[Finder, ...]:
    """The finders of these layers, layer by layer, and the baselines at the end."""
    return (*(Finder(layer, method) for layer in layers for method in VARIANTS), *BASELINES)


@remembered()
def finder_maps(
    model: Model,
    pixels: NDArray[np.uint8],
    positions: Sequence[int],
    layers: Sequence[str] | None = None,
    targets: Targets = None,
    placement: Placement = "receptive-field",
) -> FinderMaps:
    """The map of each finder on pictures uint8 (K, H, W, C), at their size.

    Maps of a method: after the ReLU, not scaled, enlarged bilinearly (align_corners=False). The random map has each of the
    numbers from 1 to H W once, in an order fixed by the position of the picture; the centre blob is a cone that falls to 0 in
    the corners. positions: of the pictures in their set. layers: None for every conv layer. placement: see CamSettings.
    Raises the errors of grad_cam.
    """
    captured = capture_layers(of_pictures(model, "a known place is"), pixels, layers, targets)
    process = PostProcess(model, captured.layers)
    found = [process.heatmaps(settings).numpy() for settings in _settings(tuple(captured.layers), placement)]
    maps = np.stack([*found, *baseline_maps(positions, model.input_size)], axis=1)
    return FinderMaps(finders_of(tuple(captured.layers)), maps, captured.logits.cpu().numpy())


def baseline_maps(positions: Sequence[int], size: tuple[int, int]) -> tuple[Map, Map]:
    """The random map of each position, and the centre blob, float32 (K, H, W); see finder_maps."""
    chance = np.stack([random_map(position, *size) + 1 for position in positions])
    cone = centre_map(*size) - centre_map(*size).min()
    return chance, np.broadcast_to(cone, chance.shape)


def _settings(layers: Sequence[str], placement: Placement) -> Iterator[CamSettings]:
    for layer in layers:
        for method in VARIANTS:
            yield CamSettings(layers=(layer,), variant=method, scale_over="none", resize="torch-bilinear", placement=placement)


def measured(found: FinderMaps, masks: Mask, measures: Sequence[TruthMeasure]) -> NDArray[np.float64]:
    """The measures of all maps: float64 (K, R, M). masks: the known place of each picture, bool (K, H, W)."""
    columns = [
        [MEASURES[measure](np.ascontiguousarray(found.maps[:, place]), masks) for measure in measures]
        for place in range(len(found.finders))
    ]
    return np.asarray(columns).transpose(2, 0, 1)


def flat_maps(found: FinderMaps) -> NDArray[np.bool_]:
    """Whether each map is the same everywhere: bool (K, R)."""
    return np.asarray(found.maps.min((2, 3)) == found.maps.max((2, 3)))
