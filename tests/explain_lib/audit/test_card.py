"""The belief card: every number against a plain loop over pictures, every verdict at its threshold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

import explain_lib as xl
from explain_lib.audit.card import BeliefCard, Question, Verdict, belief_card
from explain_lib.base.statistics import Estimate
from explain_lib.cam.settings import Placement
from explain_lib.networks.model import Model
from explain_lib.networks.randomisation import randomised
from explain_lib.passes.tasks import Task

IMAGE = 5
GREY = 127.5


@pytest.fixture(scope="module")
def card(tutorial: Model, images: xl.ImageSet) -> BeliefCard:
    return belief_card(tutorial, images.pixels[IMAGE], "conv2")


def losses(model: Model, picture: NDArray[np.uint8], index: int) -> list[float]:
    """What the logit loses without each patch of 4 x 4 pixels, patch by patch; mid grey in its place."""
    batch = torch.from_numpy(picture / 255).permute(2, 0, 1)[None].float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model.mean, model.std))
    model.network.eval()
    found = []
    with torch.no_grad():
        whole = model.network((batch - mean) / std)[0, index].item()
        for top in range(0, 32, 4):
            for left in range(0, 32, 4):
                without = batch.clone()
                without[:, :, top : top + 4, left : left + 4] = GREY / 255
                found.append(whole - model.network((without - mean) / std)[0, index].item())
    return found


def patches(enlarged: NDArray[np.floating]) -> list[float]:
    return [float(enlarged[top : top + 4, left : left + 4].sum()) for top in range(0, 32, 4) for left in range(0, 32, 4)]


def test_it_foretells_what_the_score_loses_as_a_loop_over_patches_finds(
    card: BeliefCard, tutorial: Model, images: xl.ImageSet
) -> None:
    cams = xl.grad_cam(tutorial, images.pixels[IMAGE][None], "conv2")
    given = torch.from_numpy(cams["conv2"].map.copy())[None]
    enlarged = nn.functional.interpolate(given, (32, 32), mode="bilinear", align_corners=False)[0, 0].double().numpy()
    row, column = np.mgrid[:32, :32] - 15.5
    blob = -np.hypot(row, column).astype(np.float32)  # sums of these are exact in float64, so that equal patches are tied
    lost = losses(tutorial, images.pixels[IMAGE], int(cams.logits.argmax()))
    assert_allclose(card.foretells, spearmanr(patches(enlarged), lost).statistic, atol=2e-3)
    assert_allclose(card.centre, spearmanr(patches(blob.astype(np.float64)), lost).statistic, atol=2e-3)


def test_learnt_is_the_mean_correlation_with_ten_random_copies(card: BeliefCard, tutorial: Model, images: xl.ImageSet) -> None:
    own = xl.grad_cam(tutorial, images.pixels[IMAGE][None], "conv2", card.target)["conv2"].map
    copies = [randomised(tutorial, 5, seed=seed) for seed in range(10)]
    maps = [xl.grad_cam(copy, images.pixels[IMAGE][None], "conv2", card.target)["conv2"].map for copy in copies]
    correlations = [spearmanr(own.ravel(), one.ravel()).statistic for one in maps]
    assert_allclose(card.learnt.mean, np.nanmean(correlations), atol=1e-6)
    assert card.learnt.low < card.learnt.mean < card.learnt.high


def test_the_other_class_is_the_likeliest_one_that_is_not_explained(tutorial: Model, images: xl.ImageSet) -> None:
    picture = images.pixels[IMAGE][None]
    first, second = np.argsort(-tutorial.predict(picture)[0])[:2].tolist()
    for target, other in ((None, second), (second, first)):
        found = belief_card(tutorial, images.pixels[IMAGE], "conv2", target)
        assert found.other == other
        maps = [xl.grad_cam(tutorial, picture, "conv2", one)["conv2"].map.ravel() for one in (first, second)]
        assert_allclose(found.alike, spearmanr(*maps).statistic, atol=1e-6)


def test_the_sum_is_that_of_the_signed_map(card: BeliefCard, tutorial: Model, images: xl.ImageSet) -> None:
    cams = xl.grad_cam(tutorial, images.pixels[IMAGE][None], "conv2")
    assert card.parts is not None
    assert_allclose(card.parts.grad_cam_sum, cams["conv2"].signed.sum(), rtol=1e-5)
    assert_allclose(card.parts.score, cams.logits.max(), rtol=1e-5)


def test_a_probability_is_judged_by_the_sum_of_its_logit(tutorial: Model, images: xl.ImageSet) -> None:
    found = belief_card(tutorial, images.pixels[IMAGE], "conv2", xl.Target(6, score="probability"))
    assert found.parts is not None
    assert_allclose(found.parts.score, tutorial.predict(images.pixels[IMAGE][None])[0, 6], rtol=1e-5)


@pytest.mark.parametrize(("placement", "away"), [("stretched", 5.4), ("receptive-field", 0)])
def test_cells_are_as_far_away_as_measured_beforehand(
    tutorial: Model, images: xl.ImageSet, placement: Placement, away: float
) -> None:
    found = belief_card(tutorial, images.pixels[IMAGE], "conv2", placement=placement)
    assert_allclose([found.away, found.cell], [away, 3.2], atol=1e-6)


def test_the_map_is_judged_where_it_is_drawn(tutorial: Model, images: xl.ImageSet) -> None:
    found = [belief_card(tutorial, images.pixels[IMAGE], "conv2", placement=one) for one in ("stretched", "receptive-field")]
    assert found[0].foretells != found[1].foretells
    assert found[0].centre == found[1].centre


def test_the_card_of_another_layer_is_one_pass_more_and_has_its_own_numbers(images: xl.ImageSet) -> None:
    model, picture, passes = xl.load_model("tutorial"), images.pixels[IMAGE], []
    handle = model.network.register_forward_pre_hook(lambda *_: passes.append(1))  # its copies have it, too
    try:
        with xl.ExplainCache().running():
            belief_card(model, picture, "conv2")
            before = len(passes)
            found = belief_card(model, picture, "conv1")
    finally:
        handle.remove()
    assert before > 10
    assert len(passes) == before + 1  # for the sum of the cells
    target = int(model.predict(picture[None]).argmax())
    own, *others = (
        xl.grad_cam(one, picture[None], "conv1", target)["conv1"].map.ravel()
        for one in (model, *(randomised(model, 5, seed=seed) for seed in range(10)))
    )
    assert_allclose(found.learnt.mean, np.nanmean([spearmanr(own, one).statistic for one in others]), atol=1e-6)
    assert found.other is not None
    next_class = xl.grad_cam(model, picture[None], "conv1", found.other)["conv1"].map.ravel()
    assert_allclose(found.alike, spearmanr(own, next_class).statistic, atol=1e-6)


def test_a_layer_that_is_no_main_one_has_its_own_card(tutorial: Model, images: xl.ImageSet) -> None:
    found = belief_card(tutorial, images.pixels[IMAGE], "pool1")
    cams = xl.grad_cam(tutorial, images.pixels[IMAGE][None], "pool1")
    assert "pool1" not in tutorial.main_layers
    assert found.parts is not None
    assert_allclose(found.parts.grad_cam_sum, cams["pool1"].signed.sum(), rtol=1e-5)
    maps = [xl.grad_cam(tutorial, images.pixels[IMAGE][None], "pool1", one)["pool1"].map for one in (found.target, found.other)]
    assert_allclose(found.alike, spearmanr(*(one.ravel() for one in maps)).statistic, atol=1e-6)


# Section: verdicts


@pytest.mark.parametrize(
    ("question", "changes", "verdict"),
    [
        ("beats-centre", {"foretells": 0.36, "centre": 0.1}, "yes"),
        ("beats-centre", {"foretells": 0.34, "centre": 0.1}, "unclear"),
        ("beats-centre", {"foretells": 0.1, "centre": 0.34}, "unclear"),
        ("beats-centre", {"foretells": 0.1, "centre": 0.36}, "no"),
        ("beats-centre", {"foretells": float("nan")}, "unknown"),
        ("learnt", {"learnt": Estimate(0.3, 0.1, 0.49, 10)}, "yes"),
        ("learnt", {"learnt": Estimate(0.3, 0.1, 0.51, 10)}, "unclear"),
        ("learnt", {"learnt": Estimate(0.6, 0.5, 0.7, 10)}, "no"),
        ("learnt", {"learnt": Estimate(float("nan"), float("nan"), float("nan"), 0)}, "unknown"),
        ("class", {"alike": 0.49}, "yes"),
        ("class", {"alike": 0.5}, "no"),
        ("class", {"alike": float("nan"), "other": None}, "unknown"),
        ("place", {"away": 1.6, "cell": 3.2}, "yes"),
        ("place", {"away": 1.7, "cell": 3.2}, "no"),
        ("place", {"away": float("nan")}, "unknown"),
        ("sum", {"parts": None}, "unknown"),
    ],
)
def test_a_verdict_turns_at_its_threshold(
    card: BeliefCard, question: Question, changes: dict[str, object], verdict: Verdict
) -> None:
    assert replace(card, **changes).verdicts[question] == verdict  # type: ignore[arg-type]  # fields of several types


@pytest.mark.parametrize(
    ("moved", "turned", "score", "verdict"),
    [(0.04, 0, 1.0, "yes"), (0.06, 0, 1.0, "no"), (0.04, 2, 1.0, "no"), (0.04, 0, 2.0, "unknown")],
)
def test_the_sum_speaks_for_a_map_that_averaging_hardly_changes(
    card: BeliefCard, moved: float, turned: int, score: float, verdict: Verdict
) -> None:
    hirescam = np.full((5, 4), 1 / 20, np.float32)
    grad_cam = hirescam.copy()
    grad_cam.flat[:turned] *= -1
    grad_cam.flat[-1] += moved + turned * 2 / 20
    assert card.parts is not None
    parts = replace(card.parts, grad_cam=grad_cam, hirescam=hirescam, score=score, biases=0.0, past=0.0)
    assert replace(card, parts=parts).verdicts["sum"] == verdict


# Section: networks of another kind


def of_outputs(count: int, task: Task | None = None) -> Model:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, count))
    classes = tuple(f"class {place}" for place in range(count))
    return xl.as_model(network, classes=classes, input_size=(8, 8), mean=(0.5,) * 3, std=(0.5,) * 3, task=task)


def test_a_regression_has_no_other_class() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    found = belief_card(of_outputs(2, "regression"), pixels)
    assert found.other is None
    assert found.verdicts["class"] == "unknown"


def test_of_one_logit_the_other_class_is_its_contrary() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    model = of_outputs(1)
    found = belief_card(model, pixels)
    signed = xl.grad_cam(model, pixels[None], "0", found.target)["0"].signed.ravel()
    assert_allclose(found.alike, spearmanr(np.maximum(signed, 0), np.maximum(-signed, 0)).statistic, atol=1e-6)


def test_a_contrast_of_two_classes_is_not_compared_with_a_third() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert belief_card(of_outputs(3), pixels, target=xl.Target(0, minus=1)).other is None


def test_a_map_without_differences_is_judged_by_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    with torch.no_grad():
        network[0].weight.zero_()
    model = xl.as_model(network, classes=("a", "b"), input_size=(8, 8), mean=(0.5,) * 3, std=(0.5,) * 3)
    verdicts = belief_card(model, np.zeros((8, 8, 3), np.uint8), "0").verdicts
    assert [verdicts[one] for one in ("beats-centre", "learnt", "class")] == ["unknown"] * 3


@pytest.mark.parametrize("picture", [torch.zeros(3, 32, 32), np.zeros((1, 32, 32, 3), np.uint8)])
def test_anything_but_one_picture_of_pixels_is_refused(tutorial: Model, picture: NDArray[np.uint8]) -> None:
    with pytest.raises(xl.InputError, match=r"picture: .* would be right"):
        belief_card(tutorial, picture, "conv2")
