"""The study's guesses about where a network looks, in its own words, each with the rule that it is judged by.

The study looked at maps of eight pictures (jane-cz/GradCAM on GitHub, README). A rule names numbers, thresholds, and the day on
which it was written: before any of its numbers were known. The rules for the reasons that the study suspects are in reasons.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

Verdict = Literal["supported", "not supported", "can't tell"]

CONTOUR_THRESHOLD = 0.1
"""Of a correlation: 0.1 is a small effect (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988). Of a density:
a tenth of that of an even map."""
GRASS_THRESHOLD = 0.05
"""Five percentage points, of the map's sum or of probability."""
GREEN_HUES = (35, 85)
"""OpenCV's hues, of 180, that count as green: 70 to 170 degrees."""
GREEN_SATURATION, GREEN_VALUE = 40, 30
"""The least saturation and value of a green pixel, of 255: paler and darker ones are grey and black."""


@dataclass(frozen=True)
class Guess:
    """A guess of the study: a title for it, its own words, and the rule that it is judged by.

    threshold: of the rule's main number, in its unit. written: when. known: what was known on that day. mind: what would change
    our mind.
    """

    title: str
    quote: str
    rule: str
    threshold: float
    written: date
    known: str
    mind: str


_WRITTEN = date(2026, 11, 29)
_SINCE = (
    " After a first look at the numbers the outlines were made better, and shuffles are two instead of four; every verdict "
    "stayed as it was."
)

CONTOUR = Guess(
    "Contours",
    "instead of focusing on the object itself, the model is mostly focusing on the contour/outline of the object (especially "
    "for the plane and the ship).",
    "Two questions, on test images 0 to 999 and on every plane and ship, each picture with a usable outline, for the predicted "
    "class. Where is the map? Its density on the two pixels along the outline minus its density inside (1 is the density of an "
    "even map), less the same with the outline of the next picture, which takes away what all maps share, such as a bright "
    "middle. The map is that of the layer that the study hooked (relu2; in other networks the last conv layer), with each cell "
    "where it looks. What does the network use? The pixels along the outline are shuffled among themselves, and those inside "
    "likewise; the larger of the two changes is faded until both have the same sum of squares. The probability that is left "
    "with the inside shuffled minus that with the outline shuffled, less the same with the outline of the next picture. The "
    "first question is supported if the whole 95 % interval of the mean is above 0.1, not supported if all of it is below; "
    "the second likewise with five percentage points. If both have the same verdict, the guess has it, too; if they differ, or "
    "with fewer than 30 pictures: can't tell. Test images 0 to 999 decide; planes and ships have a verdict of their own.",
    CONTOUR_THRESHOLD,
    _WRITTEN,
    "Known on that day: the correlations of maps with edges (Sobel), by which an earlier rule had judged, and that they cannot "
    "tell a contour from a filled object: a map that is the object itself would have had 0.144 by that rule. Neither of the "
    f"two numbers of this rule was known of any network.{_SINCE}",
    "A map with finer cells than this layer's, which could tell the outline of a small object from its inside; or outlines "
    "that are right to the pixel.",
)
GRASS = Guess(
    "Grass",
    "From the sample result of frog1, it seems like the model is learning to recognize the grass in the background to predict "
    '"frog", instead of looking at the frog itself.',
    "Every frog with a usable outline. Where is the map? The background's share of the sum of the map (class frog, the layer "
    "of the first guess, each cell where it looks) minus its share of the area, less the same with the outline of the next "
    "frog. Does the network prefer the background? The probability of frog with the frog covered minus that with as large a "
    "part of the background covered; of the larger of the two parts, the pixels nearest to the outline are covered. Does it "
    "use the background? The probability of frog in a picture of a frog minus that in a picture of another animal, where both "
    "have the objects of both covered: the cover is the same. Each is supported if the whole 95 % interval of the mean is "
    "above five percentage points, not supported if all of it is below; the last two with each of five covers (grey, white, "
    "black, blurred, and filled in from around), or can't tell. “Instead of looking at the frog itself” is a preference: if "
    "map and preference have the same verdict, the guess has it, too; otherwise, or with fewer than 30 frogs: can't tell. The "
    "use of the background has a verdict of its own, and so has grass: frogs and other animals are pasted onto backgrounds of "
    "other animals' pictures, once mainly green ones (over half of the pixels of a hue of 70 to 170 degrees), once others; the "
    "probability of frog with green minus that with others.",
    GRASS_THRESHOLD,
    _WRITTEN,
    "Known on that day, of captum-tutorial: about one frog in six stands on a mainly green background; most of the map's "
    "distance from chance was found with another frog's outline as well; with the frog covered the probability of frog was "
    "lower than with the background covered, by 8 points in grey, 31 in white and 41 in black, and by 3 with equal areas; and "
    "the background alone got 24 % for frog, that of other animals 4 %. No number with covers of the same shape, with blurred "
    f"or filled-in covers, or with pasted pictures was known.{_SINCE}",
    "Frogs photographed on purpose on grass and elsewhere: pasted pictures have seams, and a network may mind those more than "
    "the grass. Or outlines that leave nothing of the frog behind.",
)


def common_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of all; "can't tell" if they differ, and of none."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else "can't tell"
