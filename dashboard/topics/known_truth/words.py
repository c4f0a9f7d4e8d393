"""Words about known places: the measures, and sentences about the picked picture."""

from collections.abc import Mapping
from typing import Final

from dashboard.topics.known_truth.chosen import KnownPicture
from dashboard.view.picture_sets import FolderImages
from dashboard.view.scene import Scene
from dashboard.view.view import Finds, Known
from explain_lib.base.words import percent
from explain_lib.truth.localisation import TruthMeasure
from explain_lib.truth.summary import MOSAICS, PLACE_WORDS

KNOWN_WORDS: Final[dict[str, str]] = {
    "mark": "a planted mark",
    "quarter": "a quarter of a mosaic",
    "apart": "quarters apart",
    "object": "your own masks",
}
FINDS_WORDS: Final[dict[str, str]] = {"energy": "share of the map", "pointing": "brightest pixel", "overlap": "overlap"}
KNOWN_HELP = (
    "A planted mark: the network “watermark” was taught that a small chequer means horse. A mosaic: four pictures that the "
    "network is sure of, one class asked for (arXiv 2205.10435). A mosaic needs a network that takes larger pictures, "
    "such as resnet20. Quarters apart: each goes through the network by itself, and the score is that of the asked one "
    "alone, so a right map has nothing elsewhere (DiFull, arXiv 2303.11884). Your own masks: files in the "
    "subfolder “masks” of the server's folder, or boxes in its boxes.csv."
)
FINDS_HELP = (
    "Share of the map: how much of the map's sum lies in the place (relevance mass accuracy, Information Fusion 81, page 14). "
    "Brightest pixel: whether it lies in the place (pointing game, IJCV 126, page 1084). Overlap: intersection over union of "
    "the place and the brightest fifth of the map."
)
METHOD_HELP = (
    "Grad-CAM weighs each channel by its mean gradient; HiResCAM and LayerCAM weigh each place by its own; Grad-CAM++ weighs "
    "places where the gradient is above zero."
)
MEANINGS: Final[Mapping[TruthMeasure, tuple[str, str, str]]] = {
    "energy": ("share of the map", "in the place", "Share of the map's sum that lies in the place (relevance mass accuracy)"),
    "pointing": ("brightest pixel", "in the place", "Share of the pictures whose brightest pixel lies in the place"),
    "rank": (
        "brightest pixels", "cover the place",
        "As many of the brightest pixels as the place has: the share of the place that they cover (relevance rank accuracy)",
    ),
    "overlap": ("overlap", "brightest fifth", "Intersection over union of the place and the brightest fifth of the map"),
    "sparseness": ("sparseness", "Gini index", "0: all pixels equal, 1: a single one (arXiv 1810.06583)"),
    "complexity": ("complexity", "nats", "Entropy of the map: log of the number of pixels if all are equal (arXiv 2005.00631)"),
}  # fmt: skip
"""The title of each measure's column, a second line, and its meaning."""


def known_on_offer(scene: Scene) -> dict[str, str]:
    """The kinds of places on offer: masks of one's own where the set is a folder, or the address asks for them."""
    own = isinstance(scene.of_set().picture_set, FolderImages) or scene.view.known == "object"
    return {name: words for name, words in KNOWN_WORDS.items() if own or name != "object"}


def finds_on_offer(known: Known) -> dict[str, str]:
    """The measures on offer: of a quarter no overlap, since no object fills a square."""
    return {name: words for name, words in FINDS_WORDS.items() if known not in MOSAICS or name != "overlap"}


def picture_sentence(known: KnownPicture) -> str:
    """What the network says of the picked picture, and how much of the chosen map lies in the place."""
    where = PLACE_WORDS[known.place]
    if known.place == "mark":
        first = f"The network says {known.before}; with the mark it says {known.says}."
    elif known.place == "object":
        first = f"Asked for {known.asked}; the network says {known.says}."
    elif known.place == "apart":
        first = f"Asked for {known.asked}, of this quarter alone; of it the network says {known.says}."
    else:
        first = f"Asked of this mosaic for {known.asked}; the network says {known.says}."
    share = percent(known.value(known.finder, "energy"))
    return (
        f"{first} {share} of the map of {known.finder.name} lies in {where}, which covers {percent(known.area)} of the picture."
    )


def value_caption(value: float, measure: Finds) -> str:
    """A measure under a small map."""
    if measure == "pointing":
        return "hits" if value else "misses"
    return percent(value)
