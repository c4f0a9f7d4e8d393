"""The check-up on the page: folded, and a warning before any map where something stands in the way."""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray
from opened_page import OpenedPage, captions, open_folded, open_page, unescaped, warnings
from staged import panels
from streamlit.testing.v1 import AppTest
from torch import Tensor

import explain_lib as xl
from dashboard.view.server_options import server_cache
from explain_lib.cam.contrast import contrast
from explain_lib.loading import bundled as models
from explain_lib.loading.architectures import ARCHITECTURES, TutorialNet
from explain_lib.loading.bundled import CheckpointSpec, find_checkpoint, load_card
from explain_lib.networks.cards import write_card

PLANTED = "ailing-tutorial"


def check_up_texts(app: AppTest) -> list[str]:
    (expander,) = [expander for expander in app.expander if expander.label.startswith("Model check-up")]
    return [unescaped(text.value) for text in expander.markdown]


# Section: bundled models


def test_the_explorer_shows_the_check_up_folded_with_its_counts() -> None:
    app = open_folded("layer_explorer")
    (expander,) = [expander for expander in app.expander if expander.label.startswith("Model check-up")]
    assert expander.label == "Model check-up: 0 problems, 0 notes"
    assert not expander.proto.expanded
    assert check_up_texts(app) == ["Nothing stands in the way of a map."]
    assert "Two pictures of noise" in captions(app)
    assert "A problem with" not in warnings(app)


# Section: a model with something wrong


class AilingTutorialNet(TutorialNet):
    """TutorialNet with a softmax at its end and an in-place ReLU after its first conv layer."""

    def __init__(self) -> None:
        super().__init__()
        self.relu1.inplace = True

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(1)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A listed model of that architecture, with the weights of the tutorial network."""
    whole, spec = find_checkpoint("tutorial"), CheckpointSpec(PLANTED, tmp_path)
    shutil.copy(whole.checkpoint_file, spec.checkpoint_file)
    shutil.copy(whole.logits_file, spec.logits_file)
    write_card(dataclasses.replace(load_card("tutorial"), name=PLANTED, architecture="AilingTutorialNet"), spec.card_file)
    monkeypatch.setattr(models, "REGISTRY", MappingProxyType({**models.REGISTRY, PLANTED: spec}))
    monkeypatch.setattr(models, "ARCHITECTURES", {**ARCHITECTURES, "AilingTutorialNet": AilingTutorialNet})
    yield
    xl.shared_cache().entries.discard(("model", PLANTED))


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("page", ["seed_gallery", "layer_explorer", "scan"])
def test_a_page_warns_about_the_problems_before_any_map(page: str) -> None:
    app = open_folded(page, model=PLANTED)
    assert not app.exception
    warning = warnings(app)
    assert warning.count("A problem with") == 1
    assert warning.startswith("A problem with ailing-tutorial: The network ends in a softmax (in its forward pass)")
    assert "*What to do:* Let forward return the input of the softmax" in warning
    assert first_of(app, "warning") < min(first_of(app, kind) for kind in ("image", "plotly_chart"))


def first_of(app: OpenedPage, kind: str) -> int:
    """The place of the first element of that kind among all of the page, far behind if there is none."""
    return next((place for place, element in enumerate(app.main) if element.type == kind), 10**6)


@pytest.mark.usefixtures("planted")
def test_the_folded_list_has_the_problem_first_and_says_in_words_what_is_what() -> None:
    app = open_page("layer_explorer", model=PLANTED)
    assert "Model check-up: 1 problem, 1 note" in [expander.label for expander in app.expander]
    summary, problem, note = check_up_texts(app)
    assert summary == "1 problem stands in the way of a map; there is 1 note as well."
    assert problem.startswith("**Problem, softmax.** The network ends in a softmax")
    assert note.startswith("**Note, in-place.** What conv1 gives is overwritten in place by relu1.")
    assert "module.inplace = False" in note


# Section: a large network, whose check-up and contrasts are made behind the page


def test_a_large_networks_picture_does_not_wait_for_the_check_up_nor_for_the_contrast(start: Callable[..., None]) -> None:
    start("--model", "own_networks:large")
    app = open_folded("layer_explorer")
    assert not app.exception
    assert "Model check-up: running" in [expander.label for expander in app.expander]
    assert "A problem with" not in warnings(app)
    assert {"overlay", "map"} <= set(panels(app))
    assert not [name for name in panels(app) if name.startswith("contrast-")]
    end = time.monotonic() + 60
    while "A problem with" not in warnings(app) or "Computing the maps" in captions(app):
        assert time.monotonic() < end
        time.sleep(0.1)
        app.run()
    assert warnings(app).startswith("A problem with own_networks:large: The network ends in a softmax")
    stage = next(place for place, one in enumerate(app.main) if getattr(one.proto, "component_name", "") == "stage")
    assert first_of(app, "warning") < stage
    assert "Model check-up: 1 problem, 0 notes" in [expander.label for expander in app.expander]
    model, picture = server_cache().model("own_networks:large"), large_picture()
    a, b = np.argsort(-model.predict(picture)[0])[:2]
    expected = contrast(model, picture, model.default_layer, int(a), int(b))
    np.testing.assert_allclose(panels(app)["contrast-between"].values, expected.signed_contrast, atol=1e-6 * expected.reach)


def large_picture() -> NDArray[np.uint8]:
    return xl.fit_picture(xl.load_cifar10().pixels[3], (224, 224), "crop")[None]
