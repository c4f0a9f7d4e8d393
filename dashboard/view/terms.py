"""The meanings of the words that the pages use, for tooltips and the glossary, so that a word means the same on every page."""

from collections.abc import Mapping
from dataclasses import dataclass

LAYER = "The layer that Grad-CAM hooks. Its output is a grid of cells for each channel; the map has as many cells as the grid."
CONTRAST = "Explains the score of the target class minus the score of this one: what speaks for the one rather than the other?"
EVIDENCE = "For: what raises the score. Against: what lowers it, the map of the negated score."
MAP = (
    "The layer's activations, each channel weighted by its mean gradient, then summed (arXiv 1610.02391, equations 1 and 2). "
    "In units of the score; not scaled."
)
OVERLAY = "The map's colours mixed with the picture. The picture is enlarged pixel by pixel, never smoothed."
TASK = (
    "The meaning of the network's scores: taken from what is known about the network, or else from the number of its scores. "
    "Probabilities, captions and measures follow from it."
)
PLUS = "Explains the sum of the scores of these labels and of the target: what speaks for any of them?"
CONFIDENCE = "The probability of the predicted class."
MARGIN = "The probability of the predicted class less that of the runner-up: a small margin is a close call."
CONFUSION = "How many test images of each true class (row) the network assigns to each class (column). The diagonal is right."
LABELS = (
    "Labels do not exclude each other, so there is no confusion matrix. Given: the images with a probability above 50 % for "
    "the label. Of its class: those among them that belong to the class of that name."
)
AVERAGE = "The mean of the selection's maps, each divided by its own maximum, so that every image counts alike."
ACCURACY = "The share of the 10,000 CIFAR-10 test images that the network gets right."
HISTOGRAM = "How many of the 1,024 pixels have which difference. A peak at 0 means that most pixels agree."
FLICKER = "Shows a and b in turn in one place, about once a second: what differs seems to move."
DECOMPOSITION = (
    "The two sides differ in some settings. Every combination of them, some as on side a and the rest as on side b, gives a "
    "map; what a setting changes on average over all orders in which they can be switched is its share (the Shapley value). "
    "The shares add up to the mean difference, the maps to b − a."
)
STEPS = "Starts at a and takes one setting after the other from b, in the order in which you press them, until b is reached."
COMPLETENESS = (
    "Between its kinks a network of ReLUs, poolings, convolutions and linear layers is linear: a logit is the sum of the "
    "layer's activations, each times its own gradient, and of the later biases, each times its gradient. Added up over the "
    "channels, the first part is HiResCAM's map (arXiv 2011.08891). Grad-CAM averages the gradients over the grid first, and "
    "so moves evidence between cells."
)
CHECK = (
    "The scan computes both sides by hand with each side's settings, which is quick. Running the real programs as well takes "
    "several times as long, and shows for each image how far they are from that."
)
MAP_CORRELATION = (
    "Spearman's rank correlation of a map with that of the final network, over the cells of the layer's grid: 1 for the same "
    "order of cells, 0 for unrelated ones, −1 for the opposite."
)
SANITY_CORRELATION = (
    "Spearman correlation with the map of the network as it is, over the cells of the layer's grid: 1 if both put all cells "
    "into the same order, about 0 if they are unrelated."
)
RANDOMISE = (
    "Makes layers forget: their weights go back to a random start. A map that stays the same cannot come from what the "
    "network has learnt (arXiv 1810.03292, section 3)."
)
CHANNEL_ABLATION = (
    "The network runs again with this channel set to zero at this layer and nothing else changed. α promises α times the sum "
    "of the channel's activations: the amount that the channel adds to the sum of the map's cells."
)
CHANNEL_SHARE = (
    "What a channel adds to those cells of the sum that are above zero, divided by the sum of the map. The shares of all "
    "channels add up to 100 %; one below zero takes away from the map."
)


def target_help(word: str) -> str:
    """Of the choice of the target. word: one of the task's classes, as "label"."""
    return (
        f"The {word} whose score is explained: what in the picture speaks for it? Beside each is the network's own output "
        f"for it."
    )


# Section: the glossary


@dataclass(frozen=True)
class Word:
    """A word of the field. anchor: its place on the glossary's page. meaning: Markdown."""

    anchor: str
    title: str
    meaning: str


def see(anchor: str) -> str:
    """A link to a word of the glossary, to stand behind a tooltip's text."""
    return f" [Glossary: {GLOSSARY[anchor].title}](glossary#{anchor})"


_WORDS = (
    Word(
        "hook",
        "Hook",
        "A function that PyTorch calls when a layer has run. Grad-CAM hooks one layer and keeps its output and the gradient "
        "that comes back to it. Another layer gives another map.",
    ),
    Word(
        "activation",
        "Activation",
        "The output of a layer: a grid of numbers for each channel. A large number means that the channel has found its "
        "pattern there.",
    ),
    Word("cell", "Cell", "One square of a layer's grid, and of the map. It sees a part of the picture, its receptive field."),
    Word(
        "receptive-field",
        "Receptive field",
        "The pixels of the picture that a cell depends on. The cell is drawn in the middle of them.",
    ),
    Word("logit", "Logit", "The score of a class: any number. Softmax turns the logits of all classes into probabilities."),
    Word("target", "Target", "The number that a map explains: the logit of one class, unless you choose another."),
    Word(
        "weight",
        "Weight α",
        "The mean of a channel's gradient over the grid: by how much the target would rise if the channel found a little more, "
        "everywhere (arXiv 1610.02391, equation 1).",
    ),
    Word(
        "relu",
        "Cut at zero (ReLU)",
        "Negative sums become zero. What is left speaks for the class (arXiv 1610.02391, equation 2).",
    ),
    Word(
        "deletion",
        "Deletion and insertion",
        "Pixels are removed, or shown, in the order of the map. If the map is right about what matters, the probability falls, "
        "or rises, early (RISE, arXiv 1806.07421).",
    ),
    Word(
        "road",
        "ROAD",
        "Remove and debias: removed pixels become a noisy mean of their neighbours, so that the hole itself gives nothing away "
        "(arXiv 2202.00449).",
    ),
    Word(
        "single-deletion",
        "Single deletion",
        "Each patch of the picture is removed alone. If the map is right about what matters, the score loses most without the "
        "patches where the map is highest (after IDSDS, arXiv 2407.11910).",
    ),
    Word(
        "baseline",
        "Baseline",
        "An order of removing pixels that never looks at the network: at random, from the middle outwards, or along edges. A "
        "map that does no better says nothing about the network.",
    ),
    Word(
        "rank-correlation",
        "Rank correlation",
        "Spearman's: 1 if two maps put all cells into the same order, 0 if their orders are unrelated, −1 for opposite orders.",
    ),
    Word(
        "interval",
        "95 % interval",
        "The numbers in brackets. With new images each time, about 95 of 100 such intervals contain the true mean. If an "
        "interval contains 0, the page claims no difference.",
    ),
    Word(
        "random-start",
        "Random start",
        "A network whose layers have new random weights, as before a training. A map that explains what was learnt changes "
        "when that is gone (arXiv 1810.03292).",
    ),
    Word(
        "share",
        "Share of a cause",
        "How much a setting changes the difference of two maps, on average over all orders in which the settings can be "
        "switched (Shapley value). The shares add up to the difference.",
    ),
)
GLOSSARY: Mapping[str, Word] = {word.anchor: word for word in _WORDS}
"""The words by their anchors."""
