"""The sanity checks: correlations beside Captum and SciPy, draws, random starts and requests."""

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
from explain_lib.networks.randomisation import randomised
from explain_lib.trust.sanity import SECOND, TWIN, RandomStarts, SanityRequest, SanityRows, random_starts, sanity_maps

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
    rows = sanity_batch(model, images.pixels, shown, layer, mode=mode, seed=3, draws=2)
    assert rows.seeds == (3, 4)
    own = [captum_map(model, images.pixels[image], layer, rows.explained[row]) for row, image in enumerate(shown)]
    for draw, depth in ((0, len(rows.steps)), (1, 1)):
        other = randomised(model, depth, mode, seed=3 + draw)  # type: ignore[arg-type]  # one of the modes
        for row, image in enumerate(shown):
            for found, seen in ((rows.correlations, image), (rows.beside, image + 1)):  # the next picture, of the same class
                right = spearman(own[row], captum_map(other, images.pixels[seen], layer, rows.explained[row]))
                assert found[row, draw, depth - 1] == pytest.approx(right, abs=1e-4, nan_ok=True)


def test_draws_are_those_of_their_seeds_whatever_the_block(images: xl.ImageSet) -> None:
    """The default: the first of ten draws is the one that a seed alone stood for."""
    model, shown = xl.load_model("tutorial"), np.array([4, 9, 10])
    ten = sanity_batch(model, images.pixels, shown, "conv2")
    assert ten.seeds == tuple(range(10))
    assert ten.correlations.shape == ten.beside.shape == ten.kept.shape == ten.flat.shape == (3, 10, 5)
    one = sanity_batch(model, images.pixels, shown, "conv2", seed=7, draws=1)
    np.testing.assert_allclose(ten.correlations[:, [7]], one.correlations, atol=1e-6)
    assert len({values.tobytes() for values in ten.correlations.transpose(1, 0, 2)}) == 10
    along = sanity_maps(model, images.pixels[shown], "conv2", seed=7)
    np.testing.assert_allclose(one.correlations[:, 0], along.correlations, atol=1e-6)


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
    rows = sanity_batch(model, images.pixels, shown, "conv2", draws=2)
    right = model.predict(images.pixels[:30]).argmax(1)
    for draw, depth in ((0, 1), (1, 1), (1, 5)):
        predicted = randomised(model, depth, seed=draw).predict(images.pixels[:30]).argmax(1)
        np.testing.assert_array_equal(rows.kept[:, draw, depth - 1], predicted == right)


def test_the_twin_and_the_second_network_are_asked_about_the_same_class(images: xl.ImageSet) -> None:
    model, *others = (xl.load_model(name) for name in ("tutorial", "tutorial-permuted", "tutorial-second"))
    rows = sanity_batch(model, images.pixels, np.array([5]), "conv2", twin=others[0], second=others[1])
    assert (rows.steps, rows.seeds, rows.correlations.shape) == ((TWIN, SECOND), (), (1, 1, 2))
    own = captum_map(model, images.pixels[5], "conv2", rows.explained[0])
    for place, other in enumerate(others):
        for found, image in ((rows.correlations, 5), (rows.beside, 6)):
            right = spearman(own, captum_map(other, images.pixels[image], "conv2", rows.explained[0]))
            assert found[0, 0, place] == pytest.approx(right, abs=1e-4)


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
    rows = sanity_batch(model, images.pixels, np.array([12]), "conv2", target=target, draws=1)
    assert rows.explained.tolist() == [3 if isinstance(target, xl.Target) else -1]

    def right(of: xl.Model, image: int = 12) -> NDArray[np.float32]:
        network = deepcopy(of.network).eval()
        explain = LayerGradCam(lambda batch: number(network(batch)), network.get_submodule("conv2"))
        found = explain.attribute(network_input(of, images.pixels[[image]]))
        return np.asarray(found.detach()[0, 0].clamp(min=0))

    for depth in (1, len(rows.steps)):
        for found, image in ((rows.correlations, 12), (rows.beside, 13)):
            expected = spearman(right(model), right(randomised(model, depth), image))
            assert found[0, 0, depth - 1] == pytest.approx(expected, abs=1e-4)


def test_a_map_that_is_the_same_everywhere_has_no_correlation(images: xl.ImageSet) -> None:
    model = xl.load_model("tutorial")
    rows = sanity_batch(model, images.pixels, np.arange(200), "pool1", draws=1)
    assert rows.flat.any()
    assert np.isnan(rows.correlations[rows.flat]).all()
    assert np.isfinite(rows.correlations[~rows.flat & ~rows.blank[:, None, None]]).all()


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
        asked(model, draws=9),
        asked(model, second=randomised(model, 1)),
        asked(model, twin=randomised(model, 1), second=randomised(model, 2)),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)
    assert asked(model).fingerprint == asked(small_model()).fingerprint


def test_what_is_wrong_is_said_before_anything_is_computed() -> None:
    model = small_model()
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        asked(model, layer="conv9")
    with pytest.raises(xl.InputError, match="mode: 'both'"):
        asked(model, mode="both")
    for draws in (0, 101, 2.0, True):
        with pytest.raises(xl.InputError, match=r"draws: .*; a whole number from 1 to 100 would be right"):
            asked(model, draws=draws)
    with pytest.raises(xl.InputError, match="seeds: "):
        asked(model, seed=-1)
