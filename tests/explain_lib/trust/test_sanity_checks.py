"""The sanity checks: correlations beside Captum and SciPy, summaries by hand, sentences and requests."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from plain_torch import captum_signed, network_input
from sample_networks import Models, noise
from scan_samples import small_model
from scipy import stats
from scipy.stats import spearmanr
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.base.words import interval
from explain_lib.networks.randomisation import randomised
from explain_lib.trust.sanity import TWIN, RandomStarts, SanityRequest, SanityRows, random_starts, sanity_maps
from explain_lib.trust.sanity_summary import sanity_sentence, summarise_sanity, twin_sentence

STEPS = ("fc", "conv2", "conv1")


# Section: correlations


def captum_map(model: xl.Model, picture: NDArray[np.uint8], layer: str, index: int) -> NDArray[np.float32]:
    return captum_signed(model, picture[None], layer, int(index))[0].clip(min=0)


def spearman(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def sanity_batch(model: xl.Model, pixels: NDArray[np.uint8], images: NDArray[np.int64], layer: str, **named: Any) -> SanityRows:
    return SanityRequest(model, pixels, images, layer, **named).at_once()


@pytest.mark.parametrize(("name", "layer"), [("tutorial", "conv1"), ("tutorial", "relu2"), ("resnet20", "layer3.2.conv2")])
@pytest.mark.parametrize("mode", ["cascading", "independent"])
def test_correlations_are_scipys_of_captums_maps(name: str, layer: str, mode: str, images: xl.ImageSet) -> None:
    model, shown = xl.load_model(name), np.array([12, 40])
    rows = sanity_batch(model, images.pixels, shown, layer, mode=mode)
    own = [captum_map(model, images.pixels[image], layer, rows.explained[row]) for row, image in enumerate(shown)]
    for depth in (1, len(rows.steps)):
        other = randomised(model, depth, mode)  # type: ignore[arg-type]  # one of the modes
        for row, image in enumerate(shown):
            right = spearman(own[row], captum_map(other, images.pixels[image], layer, rows.explained[row]))
            assert rows.correlations[row, depth - 1] == pytest.approx(right, abs=1e-4, nan_ok=True)
    following = model.predict(images.pixels[shown + 1]).argmax(1)
    right = spearman(own[0], captum_map(model, images.pixels[13], layer, following[0]))
    assert rows.unrelated[0] == pytest.approx(right, abs=1e-4)


def test_so_they_are_for_a_torchvision_network(random_model: Models, random_pixels: NDArray[np.uint8]) -> None:
    model = random_model("resnet18")
    found = sanity_maps(model, random_pixels[:1], "layer2.1.conv2", 4)
    assert found.maps.shape == (1, 22, 8, 8)
    own = captum_map(model, random_pixels[0], "layer2.1.conv2", 4)
    for depth in (1, 2):
        right = captum_map(randomised(model, depth), random_pixels[0], "layer2.1.conv2", 4)
        np.testing.assert_allclose(found.maps[0, depth], right, atol=1e-6)
        assert found.correlations[0, depth - 1] == pytest.approx(spearman(own, right), abs=1e-4)


def test_predictions_are_those_of_the_randomised_networks(images: xl.ImageSet) -> None:
    model, shown = xl.load_model("tutorial"), np.arange(30)
    rows = sanity_batch(model, images.pixels, shown, "conv2")
    right = model.predict(images.pixels[:30]).argmax(1)
    for depth in (1, 5):
        predicted = randomised(model, depth).predict(images.pixels[:30]).argmax(1)
        np.testing.assert_array_equal(rows.kept[:, depth - 1], predicted == right)


def test_the_twin_is_asked_about_the_same_class(images: xl.ImageSet) -> None:
    model, twin = (xl.load_model(name) for name in ("tutorial", "tutorial-permuted"))
    rows = sanity_batch(model, images.pixels, np.array([5]), "conv2", twin=twin)
    own, other = (captum_map(one, images.pixels[5], "conv2", rows.explained[0]) for one in (model, twin))
    assert rows.steps == (TWIN,)
    assert rows.correlations[0, 0] == pytest.approx(spearman(own, other), abs=1e-4)


def of_two_labels(outputs: Tensor) -> Tensor:
    return outputs[:, 3] + outputs[:, 5]


def cubed(outputs: Tensor) -> Tensor:
    return outputs[:, 2] ** 3


@pytest.mark.parametrize(
    ("target", "number"), [(xl.Target(3, plus=(5,)), of_two_labels), (lambda output: output[2] ** 3, cubed)]
)
def test_several_labels_and_functions_are_explained_of_all_networks_alike(
    target: xl.Target | Callable[[Tensor], Tensor], number: Callable[[Tensor], Tensor], images: xl.ImageSet
) -> None:
    model = xl.load_model("tutorial")
    rows = sanity_batch(model, images.pixels, np.array([12]), "conv2", target=target)
    assert rows.explained.tolist() == [3 if isinstance(target, xl.Target) else -1]

    def right(of: xl.Model, image: int = 12) -> NDArray[np.float32]:
        network = deepcopy(of.network).eval()
        explain = LayerGradCam(lambda batch: number(network(batch)), network.get_submodule("conv2"))
        found = explain.attribute(network_input(of, images.pixels[[image]]))
        return np.asarray(found.detach()[0, 0].clamp(min=0))

    for depth in (1, len(rows.steps)):
        expected = spearman(right(model), right(randomised(model, depth)))
        assert rows.correlations[0, depth - 1] == pytest.approx(expected, abs=1e-4)
    assert rows.unrelated[0] == pytest.approx(spearman(right(model), right(model, 13)), abs=1e-4)


def test_a_map_that_is_the_same_everywhere_has_no_correlation(images: xl.ImageSet) -> None:
    model = xl.load_model("tutorial")
    rows = sanity_batch(model, images.pixels, np.arange(200), "pool1")
    assert rows.flat.any()
    assert np.isnan(rows.correlations[rows.flat]).all()
    assert np.isfinite(rows.correlations[~rows.flat & ~rows.blank[:, None]]).all()


# Section: random starts


def forgotten_by_hand(name: str, seed: int, layers: int) -> nn.Module:
    """The tutorial network with its last layers as PyTorch starts them, each from the numbers of its seed and place."""
    network = deepcopy(xl.load_model(name).network).eval()
    for place, layer in enumerate(("fc3", "fc2", "fc1", "conv2", "conv1")[:layers]):
        torch.manual_seed(1000 * (seed * 5 + place))
        network.get_submodule(layer).reset_parameters()  # type: ignore[operator]  # a layer's own
    return network


@pytest.mark.parametrize("depth", [2, None])
def test_each_random_start_is_that_of_a_network_initialised_by_hand(depth: int | None, images: xl.ImageSet) -> None:
    model, picture, seeds = xl.load_model("tutorial"), images.pixels[13:14], (0, 3, 7)
    with torch.random.fork_rng():
        networks = [forgotten_by_hand("tutorial", seed, depth or 5) for seed in seeds]
    found = random_starts(model, picture, "conv2", depth=depth, seeds=seeds)
    index = int(model.predict(picture)[0].argmax())
    own = captum_map(model, picture[0], "conv2", index)
    np.testing.assert_allclose(found.own, own, atol=1e-5 * own.max())
    assert found.explained.tolist() == [index]
    batch = torch.tensor(picture).permute(0, 3, 1, 2) / 127.5 - 1
    for place, network in enumerate(networks):
        explain = LayerGradCam(network, network.get_submodule("conv2"))
        right = explain.attribute(batch, index)[0, 0].detach().clamp(min=0).numpy()
        np.testing.assert_allclose(found.maps[place], right, atol=1e-5 * right.max())
        assert found.correlations[place] == pytest.approx(spearman(own, right), abs=1e-4)
        np.testing.assert_allclose(found.probabilities[place], network(batch)[0].softmax(0).detach(), atol=1e-6)
    assert len({one.tobytes() for one in found.maps}) == len(seeds)
    assert found.mean.mean == pytest.approx(found.correlations.mean())


def test_the_first_start_is_the_sanity_maps_own_and_all_are_the_same_each_time(images: xl.ImageSet) -> None:
    model, picture = xl.load_model("tutorial"), images.pixels[13:14]
    first, second = (random_starts(model, picture, "conv1", 5, 3, "independent") for _ in range(2))
    assert first.seeds.tolist() == list(range(8))
    np.testing.assert_array_equal(first.maps, second.maps)
    along = sanity_maps(model, picture, "conv1", 5, "independent")
    np.testing.assert_array_equal(first.maps[0], along.maps[0, 3])
    np.testing.assert_array_equal(first.own, along.maps[0, 0])


def test_the_interval_of_the_mean_is_about_as_wide_as_students_and_leaves_flat_maps_out() -> None:
    values = np.array([-0.04, 0.15, 0.07, -0.2, np.nan, 0.4, -0.17, 0.18])
    nothing = np.zeros((8, 2, 2), np.float32)
    starts = RandomStarts(np.arange(8), nothing[0], nothing, np.zeros(1, np.int64), np.zeros((8, 2), np.float32), values)
    known = values[np.isfinite(values)]
    half = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    assert starts.mean.images == 7
    assert starts.mean.mean == pytest.approx(known.mean())
    assert (starts.mean.high - starts.mean.low) / 2 == pytest.approx(half, rel=0.2)


@pytest.mark.parametrize(
    "wrong", [{"seeds": ()}, {"seeds": (0.5,)}, {"seeds": (-1,)}, {"seeds": 3}, {"seeds": [1, [2]]}, {"depth": 6}, {"mode": ""}]
)
def test_wrong_starts_are_refused_by_name(wrong: dict[str, Any], images: xl.ImageSet) -> None:
    (name,) = wrong
    with pytest.raises(xl.InputError, match=f"^{name}: "):
        random_starts(xl.load_model("tutorial"), images.pixels[:1], "conv2", **wrong)
    with pytest.raises(xl.InputError, match="pixels: 2 pictures; one"):
        random_starts(xl.load_model("tutorial"), images.pixels[:2], "conv2")


# Section: summaries and sentences


def rows_of(means: tuple[float, ...], unrelated: float, count: int = 100, flat: int = 0) -> SanityRows:
    """Correlations of these means, spread evenly over +-0.05; the first `flat` images have no map at the last step."""
    spread = np.linspace(-0.05, 0.05, count)
    correlations = np.stack([np.random.default_rng(place).permutation(spread) + mean for place, mean in enumerate(means)], 1)
    is_flat = np.zeros(correlations.shape, bool)
    is_flat[:flat, -1] = True
    correlations[is_flat] = np.nan
    kept = np.zeros(correlations.shape, bool)
    kept[: count // 4] = True
    none = np.zeros(count, np.int64)
    beside = np.random.default_rng(9).permutation(spread) + unrelated
    return SanityRows(STEPS[: len(means)], np.arange(count), none, correlations, kept, is_flat, np.zeros(count, bool), beside)


def test_means_and_shares_are_those_of_the_rows() -> None:
    summary = summarise_sanity(rows_of((0.8, 0.4, 0.1), 0.05))
    assert [step.correlation.mean for step in summary.steps] == pytest.approx([0.8, 0.4, 0.1])
    assert [step.kept.mean for step in summary.steps] == [0.25] * 3
    assert summary.unrelated.mean == pytest.approx(0.05)
    assert summary.left.mean == pytest.approx(0.05)
    error = 0.05 / np.sqrt(3) / 10  # of the mean of 100 numbers spread evenly
    assert summary.steps[0].correlation.high - 0.8 == pytest.approx(1.96 * error, rel=0.15)


SAYS = {
    "no more": (
        (0.8, 0.4, 0.05),
        0.05,
        "which cannot be told apart from that of unrelated maps",
        "depends on what the network has learnt",
    ),
    "some": ((0.8, 0.6, 0.3), 0.05, "have 0.0500 [", "comes from the picture and the architecture"),
    "nearly all": ((0.9, 0.85, 0.8), 0.05, ": 0.7500 [", "hardly depend on what the network has learnt"),
    "in common": (
        (0.8, 0.6, 0.3),
        0.3,
        "which cannot be told apart from that of unrelated maps",
        "on what the network has learnt; the part that all pictures have in common does not.",
    ),
    "less": ((0.8, 0.4, 0.0), 0.5, "below that of unrelated maps", "depends on what the network has learnt"),
}


@pytest.mark.parametrize(("means", "unrelated", "gap", "verdict"), SAYS.values(), ids=SAYS)
def test_what_is_left_at_the_end_of_the_cascade_is_judged(
    means: tuple[float, ...], unrelated: float, gap: str, verdict: str
) -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of(means, unrelated)), "conv2", "cascading")
    assert gap in sentence
    assert verdict in sentence


def test_the_step_at_which_half_is_lost_is_named() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1), 0.05)), "conv2", "cascading")
    assert sentence.startswith("The maps of conv2 keep less than half of their order (a correlation below 0.5) from conv2 on.")
    sentence = sanity_sentence(summarise_sanity(rows_of((0.4, 0.6, 0.1), 0.05)), "conv2", "cascading")
    assert "(a correlation below 0.5) from conv1 on." in sentence
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.7, 0.6), 0.05)), "conv2", "cascading")
    assert sentence.startswith("With every layer randomised, their correlation with the original maps is 0.6000 [")


def test_of_single_layers_the_one_that_matters_most_is_named() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.1, 0.6), 0.05)), "conv2", "independent")
    assert "conv2 randomised alone leaves the maps of conv2 the lowest mean correlation, 0.1000 [" in sentence
    assert "fc the highest, 0.8000 [" in sentence


def test_the_intervals_of_picked_layers_allow_for_the_choice() -> None:
    """Three independent steps: Šidák's quantile in place of the normal one, in the summary and in the sentence."""
    summary = summarise_sanity(rows_of((0.8, 0.1, 0.6), 0.05))
    wider = stats.norm.ppf((1 + 0.95 ** (1 / 3)) / 2) / stats.norm.ppf(0.975)
    for step in summary.steps:
        assert step.among.mean == pytest.approx(step.correlation.mean)
        ratio = (step.among.high - step.among.low) / (step.correlation.high - step.correlation.low)
        assert ratio == pytest.approx(wider, rel=0.08)
    sentence = sanity_sentence(summary, "conv2", "independent")
    for step in summary.steps[:2]:
        assert interval(step.among) in sentence
        assert interval(step.correlation) not in sentence


def test_maps_that_do_not_count_are_counted() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1), 0.05, flat=20)), "conv2", "cascading")
    assert sentence.endswith("20.0 % of the maps are then the same everywhere and do not count.")
    none = rows_of((0.8, 0.4, 0.1), 0.05, flat=100)
    assert "all are the same everywhere" in sanity_sentence(summarise_sanity(none), "conv2", "cascading")
    assert "No map of conv2 can be compared" in sanity_sentence(
        summarise_sanity(rows_of((0.1,), 0.05, flat=100)), "conv2", "cascading"
    )


def test_few_images_say_nothing_about_chance() -> None:
    sentence = sanity_sentence(summarise_sanity(rows_of((0.8, 0.4, 0.1), 0.05, count=8)), "conv2", "cascading")
    assert sentence.endswith("; 8 images are too few to compare that with the maps of different pictures.")


TWINS = {
    "unlike": (0.05, "they cannot be told apart from maps of two different pictures"),
    "a little": (0.2, "that much does not need the right labels"),
    "alike": (0.9, "hardly depend on the labels"),
}


@pytest.mark.parametrize(("mean", "verdict"), TWINS.values(), ids=TWINS)
def test_the_twin_is_judged(mean: float, verdict: str) -> None:
    sentence = twin_sentence(summarise_sanity(rows_of((mean,), 0.05)), "conv2", "tutorial")
    assert f"have a correlation of {mean:.4f} [" in sentence
    assert verdict in sentence


# Section: requests


def asked(model: xl.Model, count: int = 150, **named: object) -> SanityRequest:
    return SanityRequest(model, noise(count), np.arange(count), **{"layer": "body.3", **named})  # type: ignore[arg-type]


def test_each_part_of_a_request_changes_its_fingerprint() -> None:
    model = small_model()
    requests = [
        asked(model),
        asked(model, 149),
        asked(model, layer="body.1"),
        asked(model, target=1),
        asked(model, mode="independent"),
        asked(model, twin=randomised(model, 1)),
        asked(model, seed=1),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)
    assert asked(model).fingerprint == asked(small_model()).fingerprint


def test_what_is_wrong_is_said_before_anything_is_computed() -> None:
    model = small_model()
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        asked(model, layer="conv9")
    with pytest.raises(xl.InputError, match="mode: 'both'"):
        asked(model, mode="both")
