"""The meanings of the columns and rows of a layer ladder."""

from dashboard.view.view import View
from dashboard.widgets.number_table import Column
from explain_lib.trust.ladder import AVERAGE, CENTRE, EDGES, RANDOM
from explain_lib.trust.measures import FILL_WORDS, FILLS, MEASURE_WORDS

ALL_NUMBERS = "All numbers, layer by layer"
FILLS_ON_OFFER = {"grey": "mid grey", "blur": "blurred picture", "noisy-linear": "noisy linear"}
assert set(FILLS_ON_OFFER) == set(FILLS)
MEASURE_HELP = (
    "Deletion: the mean probability of the class, or a regression's number, while pixels are removed, the most important "
    "first; lower is better. Insertion: the same while they are shown one after another; higher is better (RISE, arXiv "
    "1806.07421). ROAD: half the gap between removing the least important pixels first and removing the most important first; "
    "higher is better, 0 says nothing (arXiv 2202.00449). Single deletion: each of 8 × 8 patches is removed alone; the number "
    "is Spearman's correlation of the map, summed in each patch, with what the score loses without the patch; higher is "
    "better, 0 says nothing (after IDSDS, arXiv 2407.11910)."
)
FILL_HELP = (
    "Removed pixels are replaced by mid grey; the picture blurred by a Gaussian (11 × 11, deviation 5); or noisy "
    "linear imputation, each pixel the mean of its neighbours, with a little noise (ROAD's own)."
)
ALONG_EDGES = "Spearman correlation of the map with the picture's edges (Sobel): a map that follows contours has a high one."
IN_THE_MIDDLE = "Spearman correlation of the map with a blob in the middle: most objects are there, whatever the network sees."
ROW_MEANINGS = {
    AVERAGE: "The mean of the layers' maps, each divided by its own maximum, as tools show it that merge layers",
    RANDOM: "Pixels in random order: a map must beat it to say anything",
    CENTRE: "Pixels by distance from the middle of the picture, the nearest first: ignores both picture and network",
    EDGES: "Pixels by the strength of the picture's edges (Sobel): uses the picture, never the network",
}
"""The meanings of the rows that are no layers."""


def columns(view: View, *, place: str, value: str = "probability") -> tuple[Column, ...]:
    """The columns of a ladder under a view's measure and fill. place: the meaning of the first. value: what is measured."""
    fill = FILL_WORDS[view.fill]
    gone = f"Mean {value} while pixels are replaced by {fill}, the most important first"
    shown = f"Mean {value} while pixels are shown on {fill}, the most important first"
    road = "Half the gap between removing the least important pixels first and removing the most important first"
    single = f"Spearman correlation of the map with what the score loses while one patch alone is replaced by {fill}"
    return (
        Column("place", "", place),
        Column("deletion", "lower is better", gone, view.measure == "deletion"),
        Column("insertion", "higher is better", shown, view.measure == "insertion"),
        Column("ROAD", "higher is better", road, view.measure == "road"),
        Column("single deletion", "higher is better", single, view.measure == "single-deletion"),
        Column("edges", "correlation", ALONG_EDGES),
        Column("centre", "correlation", IN_THE_MIDDLE),
        Column("grid", "", "Cells of the map, rows × columns, before it is enlarged to the size of the picture"),
    )


def centre_columns() -> tuple[Column, ...]:
    """The columns of the leads over the centre: one a measure."""
    meaning = "How much better the row is than “centre first” by"
    return tuple(Column(words, "lead over the centre", f"{meaning} {words}") for words in MEASURE_WORDS.values())
