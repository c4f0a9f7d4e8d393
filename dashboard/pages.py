"""The list of pages, in the sections of the navigation: the file of each, its title, and one line on what it is for.

Needs neither PyTorch nor Streamlit, so that a title stands before these are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A file in app_pages, its title, and one line on what it shows and what one can do."""

    file: str
    title: str
    purpose: str


EXPLORER = "Where does the network look, and does that depend on the layer we hook? Choose layer and class."
BROWSER = "All images of a class, with the network's predictions. Filter, sort, pick one."
WALK = "The network, and Grad-CAM in six steps with this picture's own numbers, from channels to the map. Press 0 to 6."
TRAINING = "How a network learns where to look: one picture, from random weights to the end of the training. Press Play."
DISAGREEMENT = "Two maps of one picture, subtracted pixel by pixel. Choose both sides; point at a map to read its numbers."
GALLERY = "Eight pictures, two programs that both say “Grad-CAM”, two answers. Open a row to see why."
SCAN = "The same two maps on any selection of images, or on all of them. Start it, watch it, download the result."
LADDER = "Which layer, and can its map be believed? Every layer measured, beside baselines that never look at the network."
SANITY = "Does the map depend on what the network has learnt? Make its layers forget, one after another, and watch the map."
KNOWN = "Is the map right, where we know what is right? A planted mark, mosaics, your own masks; every method at every layer."
SLICES = "Which pictures does it treat alike? Maps in groups, those that agree on one place first: a mark gives itself away."
GUESSES = "Contours, depth, small pictures, grass, few classes: the study's guesses, each with a test and a verdict."
GLOSSARY = "The terms used on the other pages, each in a sentence or two."
LESSON = "A tour of the dashboard in stops, each with a question for the room. Two keys go on and back; you can write your own."

SECTIONS: Mapping[str, tuple[Page, ...]] = {
    "Look": (Page("layer_explorer", "Layer explorer", EXPLORER), Page("class_browser", "Class browser", BROWSER)),
    "How it works": (
        Page("how_it_works", "How it works", WALK),
        Page("training_time", "Training in time", TRAINING),
        Page("glossary", "Glossary", GLOSSARY),
    ),
    "Compare": (
        Page("disagreement", "Disagreement", DISAGREEMENT),
        Page("seed_gallery", "Eight pictures", GALLERY),
        Page("scan", "Scan", SCAN),
    ),
    "Trust": (
        Page("layer_ladder", "Layer ladder", LADDER),
        Page("sanity_checks", "Sanity checks", SANITY),
        Page("known_truth", "Known truth", KNOWN),
        Page("slices", "Slices", SLICES),
        Page("guesses", "The study's guesses", GUESSES),
    ),
    "": (Page("lesson", "Lesson", LESSON),),
}
"""The pages under the names of their sections; those under no name stand in the navigation by themselves."""
PAGES: Mapping[str, Page] = {page.file: page for pages in SECTIONS.values() for page in pages}
"""Every page, by its file."""
LANDING = next(iter(PAGES))
"""The file of the page that an address without a path opens."""
