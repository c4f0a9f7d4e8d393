"""The three guesses: numbers beside SciPy, PyTorch and NumPy, verdicts by hand on either side of the thresholds."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from runs import cancelled
from scipy import ndimage
from scipy.stats import spearmanr
from torch.nn import functional

import explain_lib as xl
from explain_lib.base.statistics import Estimate
from explain_lib.study.guesses import CONTOUR, DEPTH, GRASS, judge, judge_contour, judge_depth, judge_grass
from explain_lib.study.rows import (
    AVERAGE,
    ContourRequest,
    ContourRows,
    GrassRequest,
    GrassRows,
    contour_rows,
    find_frogs,
    grass_rows,
    greyed,
    guess_layers,
    hooked_layer,
)

FIVE = ("conv1", "relu1", "pool1", "conv2", "relu2")


@pytest.fixture(scope="module")
def deep() -> xl.Model:
    return xl.load_model("resnet20")


def enlarged(cells: np.ndarray) -> np.ndarray:
    return functional.interpolate(torch.tensor(cells)[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0].numpy()


def edges_by_scipy(pixels: np.ndarray) -> list[np.ndarray]:
    grey = pixels.mean(3, dtype=np.float64)
    return [np.hypot(ndimage.sobel(one, 0, mode="mirror"), ndimage.sobel(one, 1, mode="mirror")) for one in grey]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    return float(spearmanr(a.ravel(), b.ravel()).statistic)


# Section: rules


def an_estimate(low: float, high: float, images: int = 100) -> Estimate:
    return Estimate((low + high) / 2, low, high, images)


@pytest.mark.parametrize(
    ("low", "high", "images", "verdict"),
    [
        (0.11, 0.2, 100, "supported"),
        (0.1, 0.2, 100, "can't tell"),
        (0.09, 0.2, 100, "can't tell"),
        (0.0, 0.1, 100, "can't tell"),
        (0.0, 0.0999, 100, "not supported"),
        (-0.3, -0.2, 100, "not supported"),
        (0.11, 0.2, 30, "supported"),
        (0.11, 0.2, 29, "can't tell"),
        (-0.3, -0.2, 29, "can't tell"),
        (np.nan, np.nan, 0, "can't tell"),
    ],
)
def test_the_verdict_follows_from_the_interval_alone(low: float, high: float, images: int, verdict: str) -> None:
    assert judge(an_estimate(low, high, images), 0.1) == verdict


def test_the_rules_name_their_thresholds() -> None:
    for rule, words in (
        (CONTOUR.rule, "above 0.1"),
        (DEPTH.rule, "beyond 0.1 in either direction"),
        (GRASS.rule, "five percentage points"),
    ):
        assert words in rule
        assert "95 % interval" in rule
        assert "can't tell" in rule
        assert "known" in rule  # when it was written


# Section: contours


@pytest.fixture(scope="module")
def thousand(tutorial: xl.Model, images: xl.ImageSet) -> ContourRows:
    return contour_rows(tutorial, images.pixels, range(1000))


def test_the_correlations_measured_beforehand_are_found_again(thousand: ContourRows) -> None:
    assert thousand.layers == (*FIVE, AVERAGE)
    found = {layer.layer: layer.own.mean for layer in judge_contour(thousand).layers}
    assert found == pytest.approx(
        {"conv1": 0.098, "relu1": 0.115, "pool1": 0.124, "conv2": 0.012, "relu2": 0.023, AVERAGE: 0.080}, abs=0.0006
    )


def test_on_a_thousand_images_the_network_does_not_look_at_contours_at_the_hooked_layer(thousand: ContourRows) -> None:
    found = judge_contour(thousand)
    assert (found.verdict, found.judged.layer, found.images) == ("not supported", "relu2", 1000)
    assert "come from relu1 (0.115) and pool1 (0.124)." in found.sentence
    said = (
        "The picture's own contours and another picture's cannot be told apart by the maps of relu2: correlation 0.023 against"
    )
    assert said in found.sentence


def test_each_row_is_scipys_correlation_with_own_and_with_the_next_pictures_edges(
    tutorial: xl.Model, images: xl.ImageSet
) -> None:
    chosen = [17, 4, 9000]
    rows = contour_rows(tutorial, images.pixels, chosen)
    edges = edges_by_scipy(images.pixels[chosen])
    cams = xl.grad_cam(tutorial, images.pixels[chosen], FIVE)
    package = xl.package_grad_cam(tutorial, images.pixels[chosen], FIVE)
    for column, layer in enumerate((*FIVE, AVERAGE)):
        maps = package if layer == AVERAGE else enlarged(cams[layer].map)
        own = [spearman(maps[k], edges[k]) for k in range(3)]
        other = [spearman(maps[k], edges[(k + 1) % 3]) for k in range(3)]
        tolerance = 2e-3 if layer == AVERAGE else 1e-4  # the package's numbers differ in the last digits, and so do ranks
        np.testing.assert_allclose(rows.own[:, column], own, atol=tolerance)
        np.testing.assert_allclose(rows.other[:, column], other, atol=tolerance)
    assert rows.predicted.tolist() == cams.logits.argmax(1).tolist()
    assert rows.images.tolist() == chosen


def test_rows_do_not_depend_on_the_batches(tutorial: xl.Model, images: xl.ImageSet, thousand: ContourRows) -> None:
    batches = ContourRequest(tutorial, images.pixels, np.arange(250)).batches()
    assert [(len(one), one.images[0], one.others[-1]) for one in batches] == [(200, 0, 200), (50, 200, 0)]  # type: ignore[index]
    done: list[tuple[int, int]] = []
    rows = contour_rows(tutorial, images.pixels, range(250), progress=lambda *counts: done.append(counts))
    assert done == [(0, 250), (200, 250), (250, 250)]
    np.testing.assert_allclose(rows.own, thousand.own[:250], atol=2e-3)
    np.testing.assert_allclose(rows.other[:-1], thousand.other[:249], atol=2e-3)


def test_what_the_grid_allows_is_reached_by_the_edges_themselves(deep: xl.Model, images: xl.ImageSet) -> None:
    rows = contour_rows(deep, images.pixels, range(40))
    ceilings = {layer.layer: layer.ceiling for layer in judge_contour(rows).layers}
    assert ceilings["conv1"] == pytest.approx(1)  # 32 x 32 cells
    assert 0.5 < ceilings["layer3.2.conv2"] < ceilings["layer2.0.conv1"] < 1  # 8 x 8 and 16 x 16


def test_other_networks_are_looked_at_in_their_conv_layers(deep: xl.Model, tutorial: xl.Model, images: xl.ImageSet) -> None:
    assert (guess_layers(tutorial), hooked_layer(tutorial)) == (FIVE, "relu2")
    assert (guess_layers(deep), hooked_layer(deep)) == (deep.conv_layers, "layer3.2.conv2")
    found = judge_contour(contour_rows(deep, images.pixels, range(35)))
    assert [layer.layer for layer in found.layers] == list(deep.conv_layers)
    assert found.judged.layer == "layer3.2.conv2"
    assert "average" not in found.sentence


def test_a_map_that_is_the_same_everywhere_is_left_out_and_counted(thousand: ContourRows) -> None:
    found = judge_contour(thousand)
    constant = int(np.isnan(thousand.own[:, FIVE.index("pool1")]).sum())
    pool1 = found.layers[FIVE.index("pool1")]
    assert (pool1.left_out, pool1.own.images) == (constant, 1000 - constant)
    assert 0 < constant < 50


def contours(own: np.ndarray, other: np.ndarray, predicted: int = 0, name: str = "conv", convs: int = 3) -> ContourRows:
    """Made-up rows of one layer."""
    count = len(own)
    return ContourRows(
        np.arange(count),
        np.full(count, predicted),
        (name,),
        name,
        own[:, None],
        other[:, None],
        np.full((count, 1), np.nan),
        convs,
    )


def spread(mean: float, count: int = 200) -> np.ndarray:
    """Numbers with this mean and a standard deviation of 0.05: the interval is 0.007 to either side."""
    return mean + 0.05 * np.tile([1.0, -1.0], count // 2)


@pytest.mark.parametrize(
    ("excess", "verdict"), [(0.13, "supported"), (0.1, "can't tell"), (0.07, "not supported"), (-0.2, "not supported")]
)
def test_contours_are_judged_beyond_the_control(excess: float, verdict: str) -> None:
    found = judge_contour(contours(spread(excess + 0.3), np.full(200, 0.3)))
    assert found.verdict == verdict
    assert found.judged.excess.mean == pytest.approx(excess)
    assert found.judged.other.mean == pytest.approx(0.3)


# Section: depth


@pytest.mark.parametrize(
    ("shallow", "deep_one", "verdict"),
    [
        (0.4, 0.2, "supported"),
        (0.3, 0.2, "can't tell"),
        (0.25, 0.2, "not supported"),
        (0.15, 0.2, "not supported"),
        (0.1, 0.2, "can't tell"),
        (0.0, 0.2, "supported"),
    ],
)
def test_depth_is_judged_by_how_much_more_or_less_the_deep_network_follows_contours(
    shallow: float, deep_one: float, verdict: str
) -> None:
    nothing = np.zeros(200)
    rows = {
        "first": contours(spread(0.9), nothing),
        "shallow": contours(spread(shallow), nothing, predicted=1),
        "deep": contours(np.full(200, deep_one), nothing, predicted=2, convs=19),
    }
    labels = np.array([2] * 150 + [1] * 50)
    found = judge_depth(rows, labels)
    assert found.verdict == verdict
    assert found.decrease.mean == pytest.approx(shallow - deep_one)
    assert [network.accuracy.mean for network in found.networks] == pytest.approx([0, 0.25, 0.75])
    assert found.accuracy_gain.mean == pytest.approx(0.5)
    assert (
        "deep, with 19 conv layers, gets 75.0 % of the same small pictures right; shallow, with 3, gets 25.0 %"
        in found.sentence
    )
    assert ("follows contours less, by" in found.sentence) == (shallow > deep_one)


def test_depth_wants_two_networks_and_the_same_images() -> None:
    rows = contours(spread(0.1), np.zeros(200))
    with pytest.raises(xl.InputError, match=r"^rows: at least two networks"):
        judge_depth({"one": rows}, np.zeros(200, int))
    with pytest.raises(xl.InputError, match=r"^rows: the networks were shown unlike images"):
        judge_depth({"one": rows, "other": contours(spread(0.1, 100), np.zeros(100))}, np.zeros(200, int))


def test_depth_is_measured_on_each_network(tutorial: xl.Model, deep: xl.Model, images: xl.ImageSet) -> None:
    chosen = range(100, 140)
    rows = {name: contour_rows(model, images.pixels, chosen) for name, model in {"a": tutorial, "b": deep}.items()}
    found = judge_depth(rows, images.labels)
    assert [network.conv_layers for network in found.networks] == [2, 19]
    labels = images.labels[chosen]
    right = [(model.predict(images.pixels[chosen]).argmax(1) == labels).mean() for model in (tutorial, deep)]
    assert [network.accuracy.mean for network in found.networks] == pytest.approx(right)


# Section: grass


def test_frogs_are_the_images_of_their_class(images: xl.ImageSet) -> None:
    assert find_frogs(images.labels, [3, 4, 5, 6, 7]).tolist() == [4, 5, 7]
    assert len(find_frogs(images.labels, range(10_000))) == 1000


def test_greyed_places_are_mid_grey(study: np.ndarray) -> None:
    places = np.zeros((4, 32, 32), bool)
    places[:, :16] = True
    found = greyed(study, places)
    assert (found[:, :16] == 128).all()
    np.testing.assert_array_equal(found[:, 16:], study[:, 16:])


def with_outlines(masks: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """These in place of those that would be found."""
    monkeypatch.setattr("explain_lib.study.rows.outline_masks", lambda pixels: masks[: len(pixels)])


def test_each_row_is_what_numpy_counts_inside_and_outside_the_outline(
    tutorial: xl.Model, images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    frogs = np.array([4, 5, 7, 19])
    pixels = images.pixels[frogs]
    masks = np.zeros((4, 32, 32), bool)
    for place, picture in enumerate(masks):
        picture[8 : 20 + place, 10:25] = True
    with_outlines(masks, monkeypatch)
    rows = GrassRequest(tutorial, images.pixels, frogs).at_once()
    np.testing.assert_allclose(rows.area, [1 - 15 * (12 + place) / 1024 for place in range(4)])
    cams = xl.grad_cam(tutorial, pixels, FIVE, 6)
    for column, layer in enumerate(FIVE):
        maps = enlarged(cams[layer].map)
        expected = [(one * ~mask).sum() / one.sum() for one, mask in zip(maps, masks, strict=True)]
        np.testing.assert_allclose(rows.share[:, column], expected, rtol=1e-4)
    grey_around, grey_inside = pixels.copy(), pixels.copy()
    grey_around[~masks], grey_inside[masks] = 128, 128
    for found, shown in ((rows.whole, pixels), (rows.frog_only, grey_around), (rows.background_only, grey_inside)):
        expected_probability = torch.tensor(tutorial.predict(shown)).double().softmax(1)[:, 6].numpy()
        np.testing.assert_allclose(found, expected_probability, rtol=1e-4)
    assert (rows.layers, rows.hooked) == (FIVE, "relu2")


def test_a_map_that_is_zero_everywhere_has_no_share(
    constant_model: xl.Model, constant_pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = np.array([[[True, False], [False, False]]] * 2)
    with_outlines(masks, monkeypatch)
    found = GrassRequest(constant_model, constant_pixels, np.array([0, 1]), 1).at_once()
    # by hand: for class 1, alpha is (-1, 0.5); the first map is ReLU([[-1, -.3], [0, .5]]), the second zero
    np.testing.assert_allclose(found.share[:, 0], [1, np.nan])
    found = GrassRequest(constant_model, constant_pixels, np.array([0, 1]), 0).at_once()
    # for class 0, alpha is (2, -1): [[2, .6], [0, -1]] and [[0, 0], [0, .8]]
    np.testing.assert_allclose(found.share[:, 0], [0.6 / 2.6, 1], rtol=1e-6)


def test_only_frogs_among_the_images_count(tutorial: xl.Model, images: xl.ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[int, int]] = []
    with_outlines(np.ones((60, 32, 32), bool), monkeypatch)
    rows = grass_rows(tutorial, images.pixels, images.labels, range(3, 60), progress=lambda *counts: done.append(counts))
    assert rows.images.tolist() == [image for image in range(3, 60) if images.labels[image] == 6]
    assert done == [(0, len(rows)), (len(rows), len(rows))]
    assert not rows.outlined.any()  # everything is no outline
    assert (rows.area == 0).all()


def test_the_outlines_are_those_of_the_pictures(tutorial: xl.Model, images: xl.ImageSet) -> None:
    rows = grass_rows(tutorial, images.pixels, images.labels, range(40))
    found = judge_grass(rows, rejected=(5, 7, 8))
    assert (found.rejected, found.images + found.without_outline) == (2, len(rows) - 2)
    assert found.verdict == "can't tell"  # too few


def grass(excess: float, need: float, count: int = 200) -> GrassRows:
    """Made-up rows of one layer: the background is half of the area."""
    half = np.full(count, 0.5)
    return GrassRows(
        np.arange(1000, 1000 + count),
        np.full(count, True),
        half,
        ("conv",),
        "conv",
        spread(0.5 + excess, count)[:, None],
        np.full(count, 0.8),
        half,
        spread(0.5 + need, count),
    )


@pytest.mark.parametrize(
    ("excess", "need", "verdicts"),
    [
        (0.1, 0.1, ("supported", "supported", "supported")),
        (0.1, 0.0, ("supported", "not supported", "can't tell")),
        (0.0, 0.1, ("not supported", "supported", "can't tell")),
        (0.0, -0.1, ("not supported", "not supported", "not supported")),
        (0.05, -0.1, ("can't tell", "not supported", "can't tell")),
        (0.05, 0.05, ("can't tell", "can't tell", "can't tell")),
    ],
)
def test_grass_is_supported_if_the_map_lies_there_and_the_network_needs_it(
    excess: float, need: float, verdicts: tuple[str, str, str]
) -> None:
    found = judge_grass(grass(excess, need))
    assert (found.where_verdict, found.need_verdict, found.verdict) == verdicts
    assert found.judged.excess.mean == pytest.approx(excess)
    assert found.need.mean == pytest.approx(need)
    assert f"{50 + 100 * excess:.1f} % lies on the background, which is 50.0 % of the area" in found.sentence
    assert (
        f"80.0 % in the whole picture, is 50.0 % with the background greyed out and {50 + 100 * need:.1f} %" in found.sentence
    )


def test_rejected_and_degenerate_outlines_do_not_count() -> None:
    rows = grass(0.1, 0.1)
    outlined = rows.outlined.copy()
    outlined[[0, 1]] = False
    holed = GrassRows(**{**vars(rows), "outlined": outlined})
    found = judge_grass(holed, rejected=(1001, 1003, 1005, 7))
    assert (found.images, found.rejected, found.without_outline) == (196, 3, 1)
    # 1003 and 1005 are low ones: without them the mean is 0.1 + 0.05 * 2 / 196
    assert found.judged.excess.mean == pytest.approx(0.1 + 0.05 * 2 / 196)


def test_without_any_frog_left_one_cannot_tell() -> None:
    found = judge_grass(grass(0.1, 0.1), rejected=range(2000))
    assert (found.verdict, found.images, found.sentence) == ("can't tell", 0, "No frog is left to count.")


# Section: work that is broken off, and what is refused


class Stopped(BaseException):
    """What a superseded run raises."""


@pytest.mark.parametrize("work", ["contour", "grass"])
def test_the_run_may_end_the_work(work: str, tutorial: xl.Model, images: xl.ImageSet) -> None:
    def stop() -> None:
        raise Stopped

    runs: dict[str, Callable[[], object]] = {
        "contour": lambda: cancelled(stop, contour_rows, tutorial, images.pixels, range(300)),
        "grass": lambda: cancelled(stop, grass_rows, tutorial, images.pixels, images.labels, range(300)),
    }
    with pytest.raises(Stopped):
        runs[work]()


def test_other_pixels_labels_and_no_frogs_are_refused(tutorial: xl.Model, images: xl.ImageSet) -> None:
    with pytest.raises(xl.InputError, match=r"^pixels"):
        contour_rows(tutorial, images.pixels.astype(np.float32), range(4))  # type: ignore[arg-type]
    with pytest.raises(xl.InputError, match=r"^images: .*would be right"):
        contour_rows(tutorial, images.pixels, [1])  # another picture's edges are the control
    with pytest.raises(xl.InputError, match=r"^images: .*would be right"):
        contour_rows(tutorial, images.pixels, [0, 10_000])
    with pytest.raises(xl.InputError, match=r"^labels: the shape is \(9,\)"):
        grass_rows(tutorial, images.pixels, images.labels[:9], range(4))
    with pytest.raises(xl.InputError, match=r"^images: none of them is of class 6"):
        grass_rows(tutorial, images.pixels, images.labels, [0, 1, 2, 3])
