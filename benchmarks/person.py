"""A person in the room: goes from page to page, clicks on what is there, and remembers what each address showed."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from streamlit.proto.Button_pb2 import Button

from benchmarks.session import STEPS, Address, Session
from benchmarks.showing import Sights, showing

Kind = Literal["open", "page", "layer", "back", "other"]
Change = Callable[[], float]

CLICKS = (3, 5)
"""Fewest and most clicks on a page before the next one."""

LAYERS_SHARE, BACK_SHARE, MODEL_SHARE = 0.4, 0.08, 0.05
"""How often a click changes the layer, where that can be done; goes back; takes another model."""

LAYER, DEPTH, EPOCH, STEP = "choose-", "choose-depth-", "choose-epoch-", "step-"
BUTTONS = ("Random image", STEP, DEPTH, EPOCH, "take-")
LISTS = ("target", "true_class", "predicted_class", "order")
ROWS = ("drawing", "outcome", "measure", "fill", "modules", "mode", "beside")
GRID, THUMBNAILS = "image_grid", 1000


@dataclass(frozen=True)
class Click:
    """Something that a person did, and how long it took: seconds until the page was there with its pictures."""

    kind: Kind
    page: str
    seconds: float


@dataclass
class Person:
    """One who clicks as their own random generator says, and adds what they see to the `sights`.

    step: how many pages further in the navigation the first one that they go to is.
    """

    session: Session
    chance: random.Random
    sights: Sights
    step: int = 1
    _history: list[Address] = field(default_factory=list)
    _planned: int = 0

    def open(self, address: Address) -> Click:
        """Come in by a link."""
        return self._done("open", self.session.open(address))

    def click(self) -> Click:
        """Do the next thing on this page, or go to the next one."""
        if self._planned == 0:
            self._planned = self.chance.randint(*CLICKS)
            return self._done("page", self.session.navigate(self._next_page()))
        self._planned -= 1
        if len(self._history) > 1 and self.chance.random() < BACK_SHARE:
            self._history.pop()
            return self._done("back", self.session.back(self._history.pop()))
        layer = self.layer_change()
        if layer is not None and self.chance.random() < LAYERS_SHARE:
            return self._done("layer", layer())
        return self._done("other", self._something()())

    def change_layer(self) -> Click:
        """Choose another layer; only where the page offers one."""
        change = self.layer_change()
        assert change is not None
        return self._done("layer", change())

    def layer_change(self) -> Change | None:
        """What chooses another layer, by the button under a map if there are such; None where the page does not offer one."""
        buttons = [key for key, button in self.session.widgets("button") if _chooses_layer(key, button)]
        return self._press(self.chance.choice(buttons)) if buttons else self._another("layer")

    def _done(self, kind: Kind, seconds: float) -> Click:
        address = self.session.address
        self.sights.add(address, showing(self.session))
        self._history.append(address)
        return Click(kind, address.page, seconds)

    def _next_page(self) -> str:
        pages = self.session.pages
        place = pages.index(self.session.address.page) + self.step
        self.step = 1
        return pages[place % len(pages)]

    def _something(self) -> Change:
        if self.chance.random() < MODEL_SHARE:
            model = self._another("model")
            assert model is not None
            return model
        buttons = [key for key, button in self.session.widgets("button") if key.startswith(BUTTONS) and not button.disabled]
        found = [self._press(key) for key in buttons] + self._arrow_keys()
        found += [change for key in LISTS if (change := self._another(key))]
        found += [change for key in ROWS if (change := self._mark(key))]
        if any(key == GRID for key, _ in self.session.widgets("bidi_component")):
            found += 3 * [self._pick]
        return self.chance.choice(found)

    def _arrow_keys(self) -> list[Change]:
        """Steps to the images and layers on both sides, where there are any."""
        for key, component in self.session.widgets("bidi_component"):
            if key == STEPS:
                kinds: list[Literal["image", "layer"]] = ["layer"]
                if json.loads(component.json).get("count"):
                    kinds.append("image")
                return [partial(self.session.step, kind, by) for kind in kinds for by in (-1, 1)]
        return []

    def _press(self, key: str) -> Change:
        return lambda: self.session.press(key)

    def _pick(self) -> float:
        return self.session.send(GRID, {"picked": self.chance.randrange(THUMBNAILS)})

    def _another(self, key: str) -> Change | None:
        """Another entry of the list with that key, if it is on the page."""
        for name, box in self.session.widgets("selectbox"):
            if name == key:
                option = self.chance.choice([option for option in box.options if option != box.raw_value])
                return lambda: self.session.choose(key, option)
        return None

    def _mark(self, key: str) -> Change | None:
        """Another one of the row of buttons with that key, if it is on the page."""
        for name, row in self.session.widgets("button_group"):
            if name == key:
                option = self.chance.choice([option.content for option in row.options if option.content not in row.raw_values])
                return lambda: self.session.mark(key, option)
        return None


def _chooses_layer(key: str, button: Button) -> bool:
    return (
        key.startswith(LAYER)
        and not key.startswith((DEPTH, EPOCH))
        and not key.endswith("-beside")
        and button.type != "primary"
    )
