"""The rules for the reasons that the study names: depth, resolution, number of classes.

Written before any of their networks had been trained. The study gives reasons for what it saw, and a reason can be tested only
on networks that differ in nothing else. So each rule is about networks trained here for it (see family and plan), and its
interval is about other networks and other pictures.
"""

from dataclasses import dataclass
from datetime import date

from explain_lib.study.rules import CONTOUR_THRESHOLD, GRASS_THRESHOLD, Guess

LATE_LAYERS = ("conv2", "relu2", "pool2")
"""The last conv layer, its activation and the pooling after it: in every network of the family on the same grids."""
BESIDE = {"density along the outline": CONTOUR_THRESHOLD, "cost of a shuffled outline": GRASS_THRESHOLD}
"""Numbers of the guess on contours that are measured on the networks of the rule on depth, too, with their thresholds there.
They do not count."""
SEEDS = 5
LEAST_NETWORKS = 3
"""Of each setting; with fewer, a verdict is "can't tell"."""
WIDEST = 0.5
"""The largest half-width of an interval that decides, as a share of the threshold."""


@dataclass(frozen=True)
class ReasonRule(Guess):
    """A guess about a reason, with a rule that was written on a day, before its networks had been trained.

    settings: what the networks differ in, from the end that the study blames. threshold: of the change between the ends. unit:
    of the settings, in words. measure: what changes, in words. shares: whether that is in percentage points.
    """

    settings: tuple[int, ...]
    unit: str
    measure: str
    shares: bool


_DEPTH_QUOTE = "Maybe this is due to the low resolution of the images or that the network is not deep enough."
_WRITTEN = date(2026, 11, 29)
_KNOWN = (
    "Known on that day: the correlations of the networks bundled here (two trainings of the tutorial's network differ by "
    "0.083, it and ResNet-20 by 0.063, and an untrained network is above every trained one). Of the networks of this rule"
    " nothing was known but the accuracy of a few that were trained to choose their width and number of epochs."
)
_INTERVAL = (
    "The 95 % interval is about other networks and other pictures: 2,000 resamples of the networks of each setting and of"
    " the pictures, corrected for how few networks there are (Student's t). Where it is wider than half the threshold to "
    "either side, or a setting has fewer than three networks, the verdict is can't tell, with the number of networks that"
    " it would take."
)

DEPTH_RULE = ReasonRule(
    "The network is not deep enough",
    _DEPTH_QUOTE,
    "If too little depth were the reason, deeper networks would follow contours less. Networks with 2, 4, 8, 14 and 20 "
    "conv layers, five of each: the tutorial's two convolutions, and residual blocks between them. For each picture (test"
    " images 0 to 999, the predicted class): the Spearman correlation of the map with the picture's own edges (Sobel) "
    "minus that with the edges of the next picture. A straight line over the logarithm of the number of conv layers is "
    "fitted to the means. The guess is supported if the line falls by more than 0.1 from 2 to 20 layers (the whole 95 % "
    "interval), not supported if it falls by less, or rises; otherwise: can't tell. The verdict has to be the same at "
    "conv2, relu2 and pool2, at matched accuracy (the first epoch with 70 % of 5,000 held-out training images right) and "
    "at the end of the training; otherwise: can't tell. A network that never gets 70 % right does not count at matched "
    f"accuracy. {_INTERVAL} The same networks before training are shown beside, and do not count.",
    CONTOUR_THRESHOLD,
    _WRITTEN,
    _KNOWN,
    "A fall of more than 0.1 in another family of networks, or on larger pictures; or a fall of the share of the map "
    "along the outline, less that inside, which tells a contour from a filled object where this correlation cannot.",
    (2, 4, 8, 14, 20),
    "conv layers",
    "the correlation with own edges beyond another picture's",
    shares=False,
)
RESOLUTION_RULE = ReasonRule(
    "The pictures are too small",
    _DEPTH_QUOTE,
    "If low resolution were the reason, networks would follow contours more on smaller pictures. The network with 4 conv "
    "layers, trained and looked at with pictures of 8, 16 and 32 pixels, five of each: averaged over squares of pixels, "
    "and enlarged again bilinearly to 32. The number for each picture is that of the rule on depth, once with the edges "
    "of the pictures as the network saw them, once with those of the 8-pixel pictures, which every network could see. The"
    " guess is supported if it rises by more than 0.1 along a straight line over the logarithm of the side, from 32 to 8 "
    "pixels (the whole 95 % interval), not supported if it rises by less, or falls; otherwise: can't tell. The verdict "
    "has to be the same with both kinds of edges, at conv2, relu2 and pool2, at matched accuracy (the first epoch with 45"
    f" % of the held-out images right) and at the end; otherwise: can't tell. {_INTERVAL}",
    CONTOUR_THRESHOLD,
    _WRITTEN,
    _KNOWN,
    "A rise of more than 0.1 between 32 pixels and the 64 or more of another data set: all of these pictures are small, "
    "and the study's own are the largest among them.",
    (8, 16, 32),
    "pixels",
    "the correlation with own edges beyond another picture's",
    shares=False,
)
CLASSES_RULE = ReasonRule(
    "There are only ten classes",
    "This may be due to low class number (only 10 classes), so the model doesn't need to know what a frog is, it just "
    "needs to learn enough to differentiate it from other classes.",
    "If few classes were the reason, networks that know fewer would look at the background more, and use it more. The "
    "network with 4 conv layers, trained on frogs and 1, 4 or all 9 other classes, five of each; the other classes are "
    "drawn anew for each, and all are trained for as many steps. Every frog of the test images with a usable outline "
    "counts. Where is the map (of the class frog)? The background's share of its sum minus its share of the area, less "
    "the same with the outline of the next frog. What does the network use? With the object covered, how often the "
    "background of a frog gets a higher frog score, against another class of the network, than the background of that "
    "class (up to 100 pictures each): 50 % is chance, whatever the number of classes. Each is supported if it rises by "
    "more than five percentage points along a straight line over the logarithm of the number of classes, from ten to two "
    "(the whole 95 % interval), not supported if it rises by less, or falls. The first has to be the same at conv2, relu2"
    " and pool2; the second with the outline filled with grey, white and black, and with a grey box around it, which "
    "hides its shape. If both have the same verdict at the end of the training, the guess has it, too; otherwise: can't "
    f"tell. {_INTERVAL}",
    GRASS_THRESHOLD,
    _WRITTEN,
    _KNOWN,
    "A rise of more than five points between ten classes and the hundred or more of another data set, which is the "
    "direction that the study has in mind and these pictures cannot show; or outlines so much better than these that the "
    "background left over is another one.",
    (2, 5, 10),
    "classes",
    "the background's share of the map, or how often it tells a frog,",
    shares=True,
)
RULES = (DEPTH_RULE, RESOLUTION_RULE, CLASSES_RULE)
