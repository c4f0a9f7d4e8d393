"""What causes a difference: by hand, against the average over all orders, against figures measured beforehand."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sample_networks import Models, model_of, noise, plain, seeded

import explain_lib as xl
from explain_lib.cam.settings import differing

TIGHT = 1e-6
RAW = xl.CamSettings(scale_over="none", resize="none")


# Section: by hand

# Of the first constant picture and class 0 the sum over both channels is [[2, .6], [0, -1]]. Side a cuts at zero and sums,
# side b does neither: relu off takes a to [[2, .6], [0, -1]], the mean alone to [[1, .3], [0, 0]], both to [[1, .3], [0, -.5]].
RELU_MAP = [[0, 0], [0, -0.75]]  # at the last cell (-1 - 0) / 2 + (-.5 - 0) / 2
MEAN_MAP = [[-1, -0.3], [0, 0.25]]  # there (0 - 0) / 2 + (-.5 + 1) / 2
RELU_SHARE, MEAN_SHARE = 0.1875, 0.2625  # v: 0, .25, .325, .45; (.25 + .45 - .325) / 2 and (.325 + .45 - .25) / 2


def test_two_settings_by_hand(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    b = replace(RAW, relu=False, channel_reduction="mean")
    found = xl.decompose(constant_model, constant_pixels, 0, RAW, b, 0)
    assert found.settings == ("channel_reduction", "relu")
    assert_allclose(found.cause_maps["relu"], RELU_MAP, atol=TIGHT)
    assert_allclose(found.cause_maps["channel_reduction"], MEAN_MAP, atol=TIGHT)
    assert found.causes == pytest.approx({"channel_reduction": MEAN_SHARE, "relu": RELU_SHARE}, abs=TIGHT)
    assert found.mae == pytest.approx(0.45, abs=TIGHT)
    assert found.residual is None


def test_a_cause_that_works_against_another_has_a_negative_share(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    # From [[2, .6], [0, -1]] the ReLU leads to [[2, .6], [0, 0]], less its minimum it is [[3, 1.6], [1, 0]]; after the ReLU
    # the minimum is 0, so that both lead to [[2, .6], [0, 0]]. v: 0, .25, 1, .25.
    a = replace(RAW, relu=False)
    found = xl.decompose(constant_model, constant_pixels, 0, a, replace(a, relu=True, subtract_minimum=True), 0)
    assert found.causes == pytest.approx({"relu": (0.25 + 0.25 - 1) / 2, "subtract_minimum": (1 + 0.25 - 0.25) / 2}, abs=TIGHT)
    assert found.mae == pytest.approx(0.25, abs=TIGHT)


def test_one_setting_causes_all_of_the_difference(tutorial: xl.Model, study: np.ndarray) -> None:
    found = xl.decompose(tutorial, study, 1, xl.PAPER, replace(xl.PAPER, layers=("conv1",)))
    assert found.settings == ("layers",)
    assert_array_equal(found.cause_maps["layers"], found.b.astype(np.float64) - found.a)


# Section: what was measured beforehand, epsilon matched

MATCHED = replace(xl.NOTEBOOK_MANUAL, epsilon=1e-7)
SHARES = {
    0: {"layers": 0.0845, "rescale_after_merge": 0.0208, "scale_over": 0.0002},
    2: {"rescale_after_merge": 0.0765, "layers": 0.0608, "scale_over": 0.0423},
    3: {"layers": 0.0574, "rescale_after_merge": 0.0476, "scale_over": 0.0225},
}


@pytest.mark.parametrize("index", SHARES)
def test_the_studys_two_maps_differ_for_the_causes_measured_beforehand(
    index: int, tutorial: xl.Model, study: np.ndarray
) -> None:
    found = xl.decompose(tutorial, study, index, a=MATCHED)
    for name, share in SHARES[index].items():
        assert found.causes[name] == pytest.approx(share, abs=6e-5)
    rest = set(found.causes) - set(SHARES[index])
    assert rest == {"channel_reduction", "inplace_overwrites", "subtract_minimum"}
    assert max(abs(found.causes[name]) for name in rest) < 4e-6  # a mean over channels makes the same epsilon count for more
    assert found.causes["subtract_minimum"] == 0


def test_epsilon_moves_the_manual_map_by_two_millionths_and_that_of_a_mean_over_16_channels_by_16_times_that(
    tutorial: xl.Model, study: np.ndarray
) -> None:
    largest = {}
    for reduction in ("sum", "mean"):
        a = replace(xl.NOTEBOOK_MANUAL, channel_reduction=reduction)
        moved = [abs(xl.decompose(tutorial, study, k, a, replace(a, epsilon=1e-7)).cause_maps["epsilon"]) for k in range(4)]
        largest[reduction] = float(np.max(moved))
    assert 1e-6 < largest["sum"] < 3e-6
    assert largest["mean"] == pytest.approx(16 * largest["sum"], rel=0.1)


@pytest.mark.parametrize("index", range(4))
def test_shares_sum_to_the_mean_difference_and_maps_to_the_difference(
    index: int, tutorial: xl.Model, study: np.ndarray
) -> None:
    found = xl.decompose(tutorial, study, index)
    a, b = (xl.heatmap(tutorial, study, side)[index] for side in (xl.NOTEBOOK_MANUAL, xl.NOTEBOOK_PACKAGE))
    assert_allclose(found.a, a, atol=TIGHT)
    assert_allclose(found.b, b, atol=TIGHT)
    assert_allclose(found.maps.sum(0), b - a, atol=TIGHT)
    assert sum(found.causes.values()) == pytest.approx(xl.compare(a, b).mae, abs=TIGHT)


# Section: the real package


@pytest.mark.parametrize("name", xl.list_models())
def test_the_last_step_is_the_package_itself_on_every_bundled_model(name: str, images: xl.ImageSet) -> None:
    model = xl.load_model(name)
    b = xl.package_settings(model.conv_layers[-2:])
    for start in (0, 2672, 3048):  # among them the images on which rounding counts most
        pixels = images.pixels[start : start + 4]
        for index in range(4):
            found = xl.decompose(model, pixels, index, b=b, a=xl.PAPER)
            theirs = xl.package_grad_cam(model, pixels, b.layers or ())[index]
            assert found.residual == pytest.approx(abs(theirs - found.b).max(), abs=1e-12)
            assert found.residual < TIGHT


def test_an_overwritten_activation_is_a_cause_of_its_own(random_model: Models, random_pixels: np.ndarray) -> None:
    model = random_model("vgg11")
    layer = model.conv_layers[-1]
    b = xl.package_settings((layer,))
    for index in range(len(random_pixels)):
        found = xl.decompose(model, random_pixels, index, replace(b, inplace_overwrites=False), b)
        assert found.settings == ("inplace_overwrites",)
        assert found.mae > 0.01
        assert found.residual is not None
        assert found.residual < TIGHT
        right = xl.decompose(model, random_pixels, index, replace(xl.PAPER, layers=(layer,)), b)
        assert abs(right.causes["inplace_overwrites"]) > 0.01
        assert right.residual is not None
        assert right.residual < TIGHT


def test_where_nothing_is_overwritten_that_setting_causes_nothing(tutorial: xl.Model, study: np.ndarray) -> None:
    found = xl.decompose(tutorial, study, 0)
    assert found.causes["inplace_overwrites"] == 0
    assert not found.cause_maps["inplace_overwrites"].any()


def test_sides_that_are_alike_have_no_causes(tutorial: xl.Model, study: np.ndarray) -> None:
    found = xl.decompose(tutorial, study, 0, xl.PAPER, xl.PAPER)
    assert found.causes == {}
    assert found.mae == 0
    assert found.maps.shape == (0, 32, 32)
    assert_array_equal(found.a, found.b)


def test_swapped_sides_have_the_opposite_maps(tutorial: xl.Model, study: np.ndarray) -> None:
    there, back = (xl.decompose(tutorial, study, 2, *pair) for pair in ((MATCHED, xl.PAPER), (xl.PAPER, MATCHED)))
    for name in there.settings:
        assert_allclose(there.cause_maps[name], -back.cause_maps[name], atol=TIGHT)


# Section: Grad-CAM++ before a ReLU, where maps on the way from a to b are up to 23,000 times as large as both


RAW_TO_PACKAGE = [
    *(("captum-tutorial", "conv1", 76), ("captum-tutorial", "conv2", 56), ("tutorial", "conv1", 79), ("tutorial", "conv2", 51)),
    *(("resnet20", "conv1", 40), ("resnet20", "layer1.1.conv2", 40), ("resnet20", "layer3.0.bn2", 40)),
]


@pytest.mark.parametrize(("name", "layer", "image"), RAW_TO_PACKAGE)
def test_causes_add_up_however_large_the_maps_on_the_way(name: str, layer: str, image: int, images: xl.ImageSet) -> None:
    model, pixels = xl.load_model(name), images.pixels[image : image + 1]
    a, b = xl.captum_settings((layer,)), xl.package_settings((layer,), "grad-cam++")
    found = xl.decompose(model, pixels, 0, a, b)
    assert abs(found.maps).max() > 10
    package = xl.package_grad_cam(model, pixels, layer, variant="grad-cam++")[0]
    difference = package.astype(np.float64) - xl.heatmap(model, pixels, a)[0]
    assert abs(found.a).max() <= 1
    assert_allclose(found.maps.sum(0, dtype=np.float64), difference, rtol=0, atol=TIGHT)
    assert_allclose(sum(found.cause_maps.values()), found.b.astype(np.float64) - found.a, rtol=0, atol=1e-9)
    assert found.shares.sum() == pytest.approx(np.abs(difference).mean(), abs=TIGHT)
    assert found.residual is not None
    assert found.residual < TIGHT


# Section: any settings

NETWORK = model_of(seeded(plain))
LAYERS = NETWORK.spatial_layers
PIXELS = noise(3)
any_settings = st.builds(
    xl.CamSettings,
    layers=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=2, unique=True).map(tuple),
    variant=st.sampled_from(["grad-cam", "hirescam", "layercam", "grad-cam++"]),
    inplace_overwrites=st.booleans(),
    channel_reduction=st.sampled_from(["sum", "mean"]),
    relu=st.booleans(),
    scale_over=st.sampled_from(["image", "batch", "none"]),
    subtract_minimum=st.booleans(),
    epsilon=st.sampled_from([0.0, 1e-7, 0.1]),
    resize=st.sampled_from(["cv2-linear", "torch-bilinear", "torch-bicubic", "nearest"]),
    rescale_after_merge=st.booleans(),
    exponent=st.sampled_from([1.0, 2.0]),
)


@given(any_settings, any_settings, st.integers(0, 2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_and_maps_add_up_under_any_settings(a: xl.CamSettings, b: xl.CamSettings, index: int) -> None:
    found = xl.decompose(NETWORK, PIXELS, index, a, b, 0)
    maps = [xl.heatmap(NETWORK, PIXELS, side, 0)[index].astype(np.float64) for side in (a, b)]
    size = max(1.0, *(float(abs(one).max()) for one in maps))
    assert_allclose(found.maps.sum(0, dtype=np.float64), maps[1] - maps[0], atol=TIGHT * size)
    assert found.shares.sum() == pytest.approx(np.abs(maps[1] - maps[0]).mean(), abs=TIGHT * size)
    assert found.settings == differing(a, b)


@given(any_settings, st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_and_maps_are_averages_over_all_orders(a: xl.CamSettings, data: st.DataObject) -> None:
    other = data.draw(any_settings)
    chosen = data.draw(
        st.lists(st.sampled_from([name for name in vars(a) if name != "layers"]), min_size=1, max_size=3, unique=True)
    )
    b = replace(a, **{name: getattr(other, name) for name in chosen})
    players = differing(a, b)
    found = xl.decompose(NETWORK, PIXELS, 0, a, b, 1)
    shares, maps = over_all_orders(a, b, players)
    for name in players:
        size = max(1.0, float(abs(maps[name]).max()))
        assert_allclose(found.cause_maps[name], maps[name], atol=2e-6 * size)
        assert found.causes[name] == pytest.approx(shares[name], abs=2e-6 * size)


def over_all_orders(
    a: xl.CamSettings, b: xl.CamSettings, players: Sequence[str]
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """What each setting changes when it is taken from b, on average over all orders, each map computed anew."""
    orders = list(permutations(players))
    shares, maps = dict.fromkeys(players, 0.0), {name: np.zeros((8, 8)) for name in players}
    start = xl.heatmap(NETWORK, PIXELS, a, 1)[0].astype(np.float64)
    for order in orders:
        before, now = start, a
        for name in order:
            now = replace(now, **{name: getattr(b, name)})
            after = xl.heatmap(NETWORK, PIXELS, now, 1)[0].astype(np.float64)
            maps[name] += (after - before) / len(orders)
            shares[name] += (np.abs(after - start).mean() - np.abs(before - start).mean()) / len(orders)
            before = after
    return shares, maps


# Section: steps


def test_steps_take_one_setting_after_the_other_from_a_to_b(tutorial: xl.Model, study: np.ndarray) -> None:
    order = differing(xl.NOTEBOOK_MANUAL, xl.NOTEBOOK_PACKAGE)[::-1]
    first, *found = xl.decomposition_steps(tutorial, study, 2, order)
    now = xl.NOTEBOOK_MANUAL
    assert_allclose(first, xl.heatmap(tutorial, study, now)[2], atol=TIGHT)
    for step, name in zip(found, order, strict=True):
        now = replace(now, **{name: getattr(xl.NOTEBOOK_PACKAGE, name)})
        assert_allclose(step, xl.heatmap(tutorial, study, now)[2], atol=TIGHT)


@pytest.mark.parametrize("order", [("relu",), ("layers", "layers"), ("colour",)])
def test_steps_that_do_not_exist_are_refused(order: tuple[str, ...], tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match=f"order: {', '.join(order)}; each of layers, .* at most once would be right"):
        xl.decomposition_steps(tutorial, study, 0, order)


# Section: bad input and results


@pytest.mark.parametrize("index", [-1, 4, 1.0, True, None])
def test_an_index_outside_of_the_batch_is_refused(index: object, tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match=r"index: .*; a whole number from 0 to 3 would be right"):
        xl.decompose(tutorial, study, index)  # type: ignore[arg-type]  # that is what is tested


def test_maps_of_unlike_sizes_have_no_difference(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match="resize: the maps have 32 x 32 and 10 x 10 cells and cannot be subtracted"):
        xl.decompose(tutorial, study, 0, xl.PAPER, replace(xl.PAPER, resize="none"))
    ungrown = [xl.CamSettings((layer,), resize="none") for layer in ("conv1", "conv2")]
    with pytest.raises(xl.InputError, match="resize: the maps have 28 x 28 and 10 x 10 cells"):
        xl.decompose(tutorial, study, 0, *ungrown)


def test_an_unknown_layer_is_named(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'; this network has conv1, conv2"):
        xl.decompose(tutorial, study, 0, b=xl.package_settings(("conv9",)))
