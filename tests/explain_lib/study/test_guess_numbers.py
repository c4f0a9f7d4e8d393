"""Every number that decides the guesses on contours and grass, computed again by another program: Captum, NumPy and SciPy.

Outlines and pictures are the same data. A shuffle is a permutation by NumPy's generator, seeded with the number of the draw.
"""

import cv2
import numpy as np
import pytest
import torch
from independent_maps import labels, pixels
from plain_torch import captum_signed, network_input
from scipy import ndimage

import explain_lib as xl
from explain_lib.study.grass_rows import GrassRequest, grass_request, grass_rows
from explain_lib.study.guesses import ContourGuess, GrassGuess, OutlineGroup, judge_contour, judge_grass
from explain_lib.study.outlines import find_outlines, outline_masks
from explain_lib.study.rows import contour_rows, outline_rows

NEAR = 0.005
PLANE, SHIP, FROG = 0, 8, 6
GREYS = {"grey": 128, "white": 255, "black": 0}


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return xl.load_model("captum-tutorial")


def probability(model: xl.Model, pictures: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model.network(network_input(model, pictures)).double().softmax(1))


def placed(cells: np.ndarray) -> np.ndarray:
    """Maps of relu2 (N, 10, 10) at the size of the picture: by hand, cell i looks at 2 i + 6.5.

    Each convolution of 5 moves the middle by 2, pooling over 2 by a half, after which steps are of two pixels.
    """
    share = np.stack([np.interp(np.arange(32), 2 * np.arange(10) + 6.5, one) for one in np.eye(10)], axis=1)
    return np.asarray(np.einsum("yi,nij,xj->nyx", share, np.maximum(cells, 0), share))


def without_nan(values: np.ndarray) -> float:
    return float(values[~np.isnan(values)].mean())


# Section: contours


@pytest.fixture(scope="module")
def outlined() -> tuple[np.ndarray, np.ndarray]:
    """The images that count, and their outlines."""
    first_or_craft = (np.arange(10_000) < 1000) | np.isin(labels(), (PLANE, SHIP))
    chosen = np.flatnonzero(first_or_craft)
    found = find_outlines(pixels()[chosen])
    return chosen[found.usable], found.masks[found.usable]


@pytest.fixture(scope="module")
def contours(model: xl.Model, outlined: tuple[np.ndarray, np.ndarray]) -> ContourGuess:
    rows = outline_rows(model, pixels(), outlined[0])
    return judge_contour(contour_rows(model, pixels(), range(1000)), rows, labels())


def bands_by_scipy(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    square = np.ones((3, 3), bool)
    insides = np.stack([ndimage.binary_erosion(one, square, border_value=1) for one in masks])
    return np.stack([ndimage.binary_dilation(one, square) for one in masks]) & ~insides, insides


def test_densities_are_captums_maps_counted_by_numpy(
    model: xl.Model, outlined: tuple[np.ndarray, np.ndarray], contours: ContourGuess
) -> None:
    chosen, masks = outlined
    predicted = probability(model, pixels()[chosen]).argmax(1)
    cells = [captum_signed(model, pixels()[part], "relu2", predicted[at].tolist()) for at, part in split(chosen, 500)]
    maps = placed(np.concatenate(cells))
    dense = []
    for shown in (masks, np.roll(masks, -1, axis=0)):
        along, inside = ((maps * part).sum((1, 2)) / maps.sum((1, 2)) / part.mean((1, 2)) for part in bands_by_scipy(shown))
        dense.append(along - inside)
    for group, counts in groups(contours, chosen):
        assert group.where.mean == pytest.approx(without_nan((dense[0] - dense[1])[counts]), abs=NEAR)


def split(chosen: np.ndarray, size: int) -> list[tuple[slice, np.ndarray]]:
    return [(slice(at, at + size), chosen[at : at + size]) for at in range(0, len(chosen), size)]


def groups(contours: ContourGuess, chosen: np.ndarray) -> list[tuple[OutlineGroup, np.ndarray]]:
    return [(contours.decides, chosen < 1000), (contours.craft, np.isin(labels()[chosen], (PLANE, SHIP)))]


def test_what_shuffles_cost_is_found_again(
    model: xl.Model, outlined: tuple[np.ndarray, np.ndarray], contours: ContourGuess
) -> None:
    chosen, masks = outlined
    pictures = pixels()[chosen]
    predicted = probability(model, pictures).argmax(1)
    cost = []
    for shown in (masks, np.roll(masks, -1, axis=0)):
        left = np.zeros((2, len(chosen)))
        for draw in range(2):
            both = [shuffled(pictures, part, draw) for part in bands_by_scipy(shown)]
            sums = np.array([((one - pictures.astype(float)) ** 2).sum((1, 2, 3)) for one in both])
            for place, one in enumerate(both):
                with np.errstate(invalid="ignore", divide="ignore"):
                    share = np.nan_to_num(np.sqrt(sums.min(0) / sums[place]))
                faded = pictures + share[:, None, None, None] * (one - pictures)
                left[place] += probability(model, np.rint(faded).astype(np.uint8))[np.arange(len(chosen)), predicted] / 2
        cost.append(np.where(bands_by_scipy(shown)[1].any((1, 2)), left[1] - left[0], np.nan))
    for group, counts in groups(contours, chosen):
        assert group.use.mean == pytest.approx(without_nan((cost[0] - cost[1])[counts]), abs=NEAR)


def shuffled(pictures: np.ndarray, parts: np.ndarray, draw: int) -> np.ndarray:
    found = pictures.astype(float)
    for picture, part in zip(found, parts, strict=True):
        picture[part] = np.random.default_rng(draw).permutation(picture[part])
    return found


# Section: grass


@pytest.fixture(scope="module")
def request_(model: xl.Model) -> GrassRequest:
    """Which pictures stand beside which frogs."""
    return grass_request(model, pixels(), labels(), range(10_000))


@pytest.fixture(scope="module")
def grass(model: xl.Model) -> GrassGuess:
    return judge_grass(grass_rows(model, pixels(), labels(), range(10_000)), 1000)


def fill(pictures: np.ndarray, places: np.ndarray, cover: str) -> np.ndarray:
    found = pictures.copy()
    for picture, part in zip(found, places, strict=True):
        if cover == "blurred":
            smooth = ndimage.gaussian_filter(picture.astype(float), (4, 4, 0), mode="mirror")
            picture[part] = np.rint(smooth[part])
        elif cover == "filled in":
            picture[part] = cv2.inpaint(picture, part.astype(np.uint8), 3, cv2.INPAINT_TELEA)[part]
        else:
            picture[part] = GREYS[cover]
    return found


def nearest(part: np.ndarray, count: int) -> np.ndarray:
    """So many pixels of a part, those nearest to its end."""
    distance = np.where(part, ndimage.distance_transform_edt(part), np.inf)
    found = np.zeros(part.size, bool)
    found[np.argsort(distance.ravel(), kind="stable")[:count]] = True
    return found.reshape(part.shape)


def test_where_maps_of_frogs_lie_is_captums_counted_by_numpy(
    model: xl.Model, request_: GrassRequest, grass: GrassGuess
) -> None:
    cells = [captum_signed(model, pixels()[part], "relu2", FROG) for _, part in split(request_.images, 500)]
    maps = placed(np.concatenate(cells))
    beyond = []
    for images in (request_.images, request_.others):
        masks = outline_masks(pixels()[images])
        beyond.append((maps * ~masks).sum((1, 2)) / maps.sum((1, 2)) - (~masks).mean((1, 2)))
    assert grass.judged.beyond.mean == pytest.approx(without_nan(beyond[0] - beyond[1]), abs=NEAR)


@pytest.mark.parametrize("place", range(5), ids=["grey", "white", "black", "blurred", "filled in"])
def test_what_covers_and_pasted_pictures_say(model: xl.Model, request_: GrassRequest, grass: GrassGuess, place: int) -> None:
    cover = ("grey", "white", "black", "blurred", "filled in")[place]
    own, animals, green, elsewhere = (
        pixels()[which] for which in (request_.images, request_.animals, request_.green, request_.elsewhere)
    )
    mask, of_animals, of_green, of_elsewhere = map(outline_masks, (own, animals, green, elsewhere))
    counts = [min(one.sum(), (~one).sum()) for one in mask]
    frog, around = (
        np.stack([nearest(one if inner else ~one, count) for one, count in zip(mask, counts, strict=True)])
        for inner in (True, False)
    )

    def said(pictures: np.ndarray) -> np.ndarray:
        return probability(model, pictures)[:, FROG]

    preference = said(fill(own, frog, cover)) - said(fill(own, around, cover))
    use = said(fill(own, mask | of_animals, cover)) - said(fill(animals, mask | of_animals, cover))
    grounds = fill(green, of_green, cover), fill(elsewhere, of_elsewhere, cover)
    objects = ((own, mask), (animals, of_animals))
    pasted = [np.where(shape[..., None], one, ground) for one, shape in objects for ground in grounds]
    frogs, others = said(pasted[0]) - said(pasted[1]), said(pasted[2]) - said(pasted[3])
    assert grass.preference[place].mean == pytest.approx(preference.mean(), abs=NEAR)
    assert grass.use[place].mean == pytest.approx(use.mean(), abs=NEAR)
    assert [one[place].mean for one in grass.on_green] == pytest.approx([frogs.mean(), others.mean()], abs=NEAR)
