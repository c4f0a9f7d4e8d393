"""The guesses on contours and grass: numbers beside SciPy, PyTorch and NumPy, verdicts by hand beside the thresholds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import cancelled
from scipy import ndimage
from scipy.stats import spearmanr
from torch.nn import functional

import explain_lib as xl
from explain_lib.base.statistics import Estimate
from explain_lib.study.covers import COVERS
from explain_lib.study.grass_rows import GrassRows, cast_frogs, find_frogs, grass_request, grass_rows, is_green
from explain_lib.study.guesses import FIRST_IMAGES, judge, judge_contour, judge_grass
from explain_lib.study.outlines import find_outlines
from explain_lib.study.rows import (
    AVERAGE,
    ContourRequest,
    ContourRows,
    OutlineRows,
    contour_rows,
    guess_layers,
    hooked_layer,
    outline_rows,
)
from explain_lib.study.rules import CONTOUR, GRASS, common_verdict

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


@pytest.mark.parametrize(
    ("verdicts", "common"),
    [
        (["supported", "supported"], "supported"),
        (["not supported"], "not supported"),
        (["supported", "not supported"], "can't tell"),
        (["not supported", "can't tell"], "can't tell"),
        ([], "can't tell"),
    ],
)
def test_several_verdicts_are_one_only_if_they_are_the_same(verdicts: list[str], common: str) -> None:
    assert common_verdict(verdicts) == common  # type: ignore[arg-type]


def test_the_rules_name_their_day_their_thresholds_and_what_was_known() -> None:
    for guess, words in ((CONTOUR, "above 0.1"), (GRASS, "five percentage points")):
        assert words in guess.rule
        assert "95 % interval" in guess.rule
        assert "can't tell" in guess.rule
        assert guess.written.isoformat() == "2026-11-29"
        assert "Known on that day" in guess.known
        assert guess.mind


# Section: contours


@pytest.fixture(scope="module")
def thousand(tutorial: xl.Model, images: xl.ImageSet) -> ContourRows:
    return contour_rows(tutorial, images.pixels, range(1000))


@pytest.fixture(scope="module")
def split_pictures(tutorial: xl.Model, images: xl.ImageSet) -> OutlineRows:
    return outline_rows(tutorial, images.pixels, range(200))


def test_the_correlations_measured_beforehand_are_found_again(
    thousand: ContourRows, split_pictures: OutlineRows, images: xl.ImageSet
) -> None:
    assert thousand.layers == (*FIVE, AVERAGE)
    found = judge_contour(thousand, split_pictures, images.labels)
    own = {layer.layer: layer.own.mean for layer in found.edges}
    assert own == pytest.approx(
        {"conv1": 0.098, "relu1": 0.115, "pool1": 0.124, "conv2": 0.012, "relu2": 0.023, AVERAGE: 0.080}, abs=0.0006
    )
    assert (found.layer, found.judged.layer) == ("relu2", "relu2")
    assert "with their own edges 0.023, with another picture's 0.024" in found.edges_sentence
    assert "come from relu1 (0.115) and pool1 (0.124)." in found.edges_sentence


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
    found = judge_contour(rows, outline_rows(deep, images.pixels, range(40)), images.labels)
    ceilings = {layer.layer: layer.ceiling for layer in found.edges}
    assert ceilings["conv1"] == pytest.approx(1)  # 32 x 32 cells
    assert 0.5 < ceilings["layer3.2.conv2"] < ceilings["layer2.0.conv1"] < 1  # 8 x 8 and 16 x 16


def test_other_networks_are_looked_at_in_their_conv_layers(deep: xl.Model, tutorial: xl.Model, images: xl.ImageSet) -> None:
    assert (guess_layers(tutorial), hooked_layer(tutorial)) == (FIVE, "relu2")
    assert (guess_layers(deep), hooked_layer(deep)) == (deep.conv_layers, "layer3.2.conv2")
    outlines = outline_rows(deep, images.pixels, range(35))
    found = judge_contour(contour_rows(deep, images.pixels, range(35)), outlines, images.labels)
    assert [layer.layer for layer in found.edges] == list(deep.conv_layers)
    assert (found.layer, found.judged.layer) == ("layer3.2.conv2", "layer3.2.conv2")
    assert "average" not in found.edges_sentence


def test_a_map_that_is_the_same_everywhere_is_left_out_and_counted(
    thousand: ContourRows, split_pictures: OutlineRows, images: xl.ImageSet
) -> None:
    found = judge_contour(thousand, split_pictures, images.labels)
    constant = int(np.isnan(thousand.own[:, FIVE.index("pool1")]).sum())
    pool1 = found.edges[FIVE.index("pool1")]
    assert (pool1.left_out, pool1.own.images) == (constant, 1000 - constant)
    assert 0 < constant < 50


def spread(mean: float, count: int = 200) -> np.ndarray:
    """Numbers with this mean and a standard deviation of 0.05: the interval is 0.007 to either side."""
    return mean + 0.05 * np.tile([1.0, -1.0], count // 2)


def beside(own: np.ndarray, other: float) -> np.ndarray:
    return np.stack([own, np.full(len(own), other)], axis=1)


def split_rows(where: float, use: float, images: np.ndarray | None = None) -> OutlineRows:
    """Made-up rows: what another outline gives is 0.2 and 0.1."""
    chosen = np.arange(200) if images is None else images
    one, count = np.ones((len(chosen), 2)), len(chosen)
    inside_shuffled = 0.4 + beside(spread(use + 0.1, count), 0.1)
    return OutlineRows(
        chosen, "conv", one + beside(spread(where + 0.2, count), 0.2), one, one[:, 0], 0.4 * one, inside_shuffled
    )


def edge_rows() -> ContourRows:
    one = np.full((200, 1), 0.3)
    return ContourRows(np.arange(200), np.zeros(200, int), ("conv",), "conv", one, one, np.full((200, 1), np.nan), 2)


SEVERAL = np.repeat(np.arange(10), 1000)
"""Labels of a set in which the first thousand pictures are planes, and 8,000 to 8,999 ships."""


@pytest.mark.parametrize(
    ("where", "use", "verdicts"),
    [
        (0.13, 0.06, ("supported", "supported", "supported")),
        (0.13, 0.04, ("supported", "not supported", "can't tell")),
        (0.07, 0.04, ("not supported", "not supported", "not supported")),
        (0.1, 0.04, ("can't tell", "not supported", "can't tell")),
        (-0.2, 0.05, ("not supported", "can't tell", "can't tell")),
    ],
)
def test_contours_are_judged_beyond_another_outline_by_map_and_by_use(
    where: float, use: float, verdicts: tuple[str, ...]
) -> None:
    found = judge_contour(edge_rows(), split_rows(where, use), SEVERAL)
    assert (found.decides.where_verdict, found.decides.use_verdict, found.verdict) == verdicts
    assert found.decides.where.mean == pytest.approx(where)
    assert found.decides.use.mean == pytest.approx(use)
    assert found.decides.along.mean == pytest.approx(1.2 + where)
    assert found.images == 200


def test_planes_and_ships_are_judged_by_themselves_and_late_ones_do_not_decide() -> None:
    late = np.arange(8000, 8200)
    rows = split_rows(0.0, 0.0, np.concatenate([np.arange(1000, 1200) - 500, late]))  # planes 500 to 699, and ships
    where = rows.along.copy()
    where[200:, 0] += 1
    found = judge_contour(edge_rows(), replace(rows, along=where), SEVERAL)
    assert (found.decides.where.images, found.craft.where.images) == (200, 400)
    assert found.decides.where.mean == pytest.approx(0, abs=1e-9)
    assert found.craft.where.mean == pytest.approx(0.5)
    assert (found.craft.where_verdict, found.verdict) == ("supported", "not supported")
    assert found.craft_sentence.startswith("Difference in density 0.5")


def test_rejected_outlines_and_maps_without_a_sum_do_not_count() -> None:
    rows = split_rows(0.0, 0.0)
    along = rows.along.copy()
    along[3] = np.nan
    found = judge_contour(edge_rows(), replace(rows, along=along), SEVERAL, rejected=(0, 2, 9_999))
    assert (found.images, found.rejected) == (198, 2)
    assert (found.decides.where.images, found.decides.use.images) == (197, 198)


def test_without_any_map_the_sentence_says_so() -> None:
    rows = split_rows(0.0, 0.0)
    found = judge_contour(edge_rows(), replace(rows, along=np.full((200, 2), np.nan)), SEVERAL)
    assert (found.verdict, found.sentence) == ("can't tell", "No picture has a map of conv and an outline with an inside.")


def test_only_pictures_with_a_usable_outline_are_split(split_pictures: OutlineRows, images: xl.ImageSet) -> None:
    usable = np.flatnonzero(find_outlines(images.pixels[:200]).usable)
    assert split_pictures.images.tolist() == usable.tolist()
    assert split_pictures.layer == "relu2"
    assert FIRST_IMAGES == 1000


# Section: grass


def test_frogs_are_the_images_of_their_class(images: xl.ImageSet) -> None:
    assert find_frogs(images.labels, [3, 4, 5, 6, 7]).tolist() == [4, 5, 7]
    assert len(find_frogs(images.labels, range(10_000))) == 1000


def test_a_background_is_green_where_most_of_its_pixels_are() -> None:
    pictures = np.zeros((4, 10, 10, 3), np.uint8)
    masks = np.zeros((4, 10, 10), bool)
    masks[:, :, :5] = True
    pictures[0, :, 5:] = (40, 160, 30)
    pictures[1, :, :5] = (40, 160, 30)  # the object alone
    pictures[2, :6, 5:] = (40, 160, 30)  # 60 % of the background
    pictures[3, :, 5:] = (120, 128, 120)  # grey with a touch of green
    assert is_green(pictures, masks).tolist() == [True, False, True, False]


def test_nobody_stands_beside_itself(images: xl.ImageSet) -> None:
    request = grass_request(xl.load_model("tutorial"), images.pixels, images.labels, range(3000))
    animals = np.isin(images.labels, (2, 3, 4, 5, 7))
    for beside_it in (request.animals, request.green, request.elsewhere):
        assert animals[beside_it].all()
    assert (request.animals != request.green).all()
    assert (request.animals != request.elsewhere).all()
    assert (images.labels[request.others] == 6).all()
    assert (request.others != request.images).all()
    outlines = find_outlines(images.pixels[request.green])
    assert outlines.usable.all()
    assert is_green(images.pixels[request.green], outlines.masks).all()
    assert not is_green(images.pixels[request.elsewhere], find_outlines(images.pixels[request.elsewhere]).masks).any()


def test_a_set_without_other_animals_gets_a_sentence(images: xl.ImageSet) -> None:
    with pytest.raises(xl.InputError, match=r"^pixels: 0 other animals before green and 0 before other backgrounds"):
        cast_frogs(images.pixels[:4], np.array([6, 6, 8, 8]), np.array([0, 1]))


def test_only_frogs_with_a_usable_outline_count(tutorial: xl.Model, images: xl.ImageSet) -> None:
    done: list[tuple[int, int]] = []
    rows = grass_rows(tutorial, images.pixels, images.labels, range(3, 700), progress=lambda *counts: done.append(counts))
    frogs = find_frogs(images.labels, range(3, 700))
    usable = frogs[find_outlines(images.pixels[frogs]).usable]
    assert rows.images.tolist() == usable.tolist()
    assert done[-1] == (len(usable), len(usable))
    assert (rows.layers, rows.hooked) == (FIVE, "relu2")
    found = judge_grass(rows, len(frogs), rejected=(int(usable[0]), 8))
    assert (found.rejected, found.images, found.without_outline) == (1, len(usable) - 1, len(frogs) - len(usable))


def grass(where: float, preference: float, use: float = 0.0, on_green: float = 0.0, count: int = 200) -> GrassRows:
    """Made-up rows of one layer, the same for every cover."""

    def every(values: np.ndarray) -> np.ndarray:
        return np.repeat(values[:, None], len(COVERS), axis=1)

    half, changed = every(np.full(count, 0.5)), {"frog_covered": preference, "own_background": use}
    changed |= {"frog_on_green": on_green, "animal_on_green": on_green}
    names = ("background_covered", "other_background", "frog_elsewhere", "animal_elsewhere")
    by_cover = dict.fromkeys(names, half) | {name: every(spread(0.5 + mean, count)) for name, mean in changed.items()}
    some, share = np.full(count, 0.5), spread(where + 0.1, count)[:, None]
    green, images, other = np.arange(count) % 4 == 0, np.arange(1000, 1000 + count), np.full((count, 1), 0.1)
    return GrassRows(images, green, some, ("conv",), "conv", share, other, np.full(count, 0.8), **by_cover)


@pytest.mark.parametrize(
    ("where", "preference", "verdicts"),
    [
        (0.1, 0.1, ("supported", "supported", "supported")),
        (0.1, 0.0, ("supported", "not supported", "can't tell")),
        (0.0, 0.1, ("not supported", "supported", "can't tell")),
        (0.0, -0.1, ("not supported", "not supported", "not supported")),
        (0.05, -0.1, ("can't tell", "not supported", "can't tell")),
        (0.05, 0.05, ("can't tell", "can't tell", "can't tell")),
    ],
)
def test_grass_is_supported_if_the_map_lies_there_and_the_network_prefers_it(
    where: float, preference: float, verdicts: tuple[str, str, str]
) -> None:
    found = judge_grass(grass(where, preference), 200)
    assert (found.where_verdict, found.preference_verdict, found.verdict) == verdicts
    assert found.judged.beyond.mean == pytest.approx(where)
    assert [one.mean for one in found.preference] == pytest.approx([preference] * 5)
    assert f"80.0 %, {50 + 100 * preference:.1f} % are left with the frog greyed, 50.0 % with as much" in found.sentence


def test_use_and_preference_are_told_apart_and_grass_has_its_own_verdict() -> None:
    found = judge_grass(grass(0.0, -0.2, use=0.2, on_green=0.1), 200)
    assert (found.verdict, found.use_verdict, found.green_verdict) == ("not supported", "supported", "supported")
    assert "a frog's background gets 70.0 % for frog, another animal's 50.0 %" in found.use_sentence


def test_one_cover_that_differs_leaves_it_open() -> None:
    rows = grass(0.0, -0.2, use=0.2, on_green=0.1)
    for name, verdict in (
        ("frog_covered", "preference_verdict"),
        ("own_background", "use_verdict"),
        ("animal_on_green", "green_verdict"),
    ):
        values = getattr(rows, name).copy()
        values[:, 3] = 0.9 if name == "frog_covered" else 0.5
        assert getattr(judge_grass(replace(rows, **{name: values}), 200), verdict) == "can't tell"


def test_frogs_before_green_are_shown_apart() -> None:
    rows = grass(0.0, 0.0)
    share = rows.share.copy()
    share[rows.green] += 0.3
    found = judge_grass(replace(rows, share=share), 200)
    assert [(one.name, one.where.images) for one in found.groups] == [("before green", 50), ("before other backgrounds", 150)]
    assert "Before green (50 frogs): map on the background" in found.groups_sentence
    assert found.groups[0].where.mean - found.groups[1].where.mean == pytest.approx(0.3, abs=0.11)


def test_rejected_frogs_do_not_count() -> None:
    found = judge_grass(grass(0.1, 0.1), 203, rejected=(1001, 1003, 1005, 7))
    assert (found.images, found.rejected, found.without_outline) == (197, 3, 3)
    # these three are low ones: without them the mean is 0.1 + 0.05 * 3 / 197
    assert found.judged.beyond.mean == pytest.approx(0.1 + 0.05 * 3 / 197)


def test_without_any_frog_left_one_cannot_tell() -> None:
    found = judge_grass(grass(0.1, 0.1), 200, rejected=range(2000))
    assert (found.verdict, found.images, found.sentence) == ("can't tell", 0, "No frog is left to count.")


# Section: work that is broken off, and what is refused


class Stopped(BaseException):
    """What a superseded run raises."""


@pytest.mark.parametrize("work", ["contour", "outline", "grass"])
def test_the_run_may_end_the_work(work: str, tutorial: xl.Model, images: xl.ImageSet) -> None:
    def stop() -> None:
        raise Stopped

    runs: dict[str, Callable[[], object]] = {
        "contour": lambda: cancelled(stop, contour_rows, tutorial, images.pixels, range(300)),
        "outline": lambda: cancelled(stop, outline_rows, tutorial, images.pixels, range(300)),
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
    with pytest.raises(xl.InputError, match=r"^images: 0 of them with a usable outline; at least two"):
        outline_rows(tutorial, np.full((4, 32, 32, 3), 128, np.uint8), range(4))
    with pytest.raises(xl.InputError, match=r"^images: 0 of class 6 with a usable outline"):
        grass_rows(tutorial, images.pixels, images.labels, [0, 1, 2, 3])
