"""Requests about many pictures: cut into batches, worked through with progress, joined."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from runs import through
from sample_networks import model_of, noise, plain, seeded

import explain_lib as xl
from explain_lib.base.frozen import Frozen
from explain_lib.networks.requests import Request, join_rows, take_rows


@dataclass(frozen=True)
class Means(Frozen):
    """The mean of each image, and the name of what was asked."""

    name: str
    images: NDArray[np.int64]
    mean: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class MeansRequest(Request[Means]):
    name: str = "mean"
    factors: tuple[int, ...] | None = None

    per_image: ClassVar[tuple[str, ...]] = ("images", "factors")

    @property
    def batch_size(self) -> int:
        return 4

    @property
    def asked(self) -> tuple[object, ...]:
        return self.name, self.factors

    def compute(self) -> Means:
        factors = self.factors or (1,) * len(self)
        return Means(self.name, self.images, self.pixels[self.images].mean((1, 2, 3)) * factors)


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return model_of(seeded(plain))


def asked(model: xl.Model, count: int = 10, **named: object) -> MeansRequest:
    return MeansRequest(model, noise(count), np.arange(count)[::-1], **named)  # type: ignore[arg-type]  # the fields' own types


def test_the_rows_of_all_batches_are_those_of_all_images_at_once(model: xl.Model) -> None:
    request = asked(model, factors=tuple(range(10)))
    told: list[tuple[int, int]] = []
    rows = request.all_rows(lambda *counts: told.append(counts))
    np.testing.assert_array_equal(rows.mean, request.compute().mean)
    assert rows.images.tolist() == list(range(10))[::-1]
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert [(len(one), one.factors) for one in request.batches()] == [(4, (0, 1, 2, 3)), (4, (4, 5, 6, 7)), (2, (8, 9))]


def test_the_rest_goes_on_after_what_is_done(model: xl.Model) -> None:
    request = asked(model, factors=tuple(range(10)))
    rest = request.rest(7)
    assert (rest.images.tolist(), rest.factors) == ([2, 1, 0], (7, 8, 9))
    with pytest.raises(xl.InputError, match="images: at least one position"):
        request.rest(10)


def test_batches_are_computed_once_whoever_asks_for_them(model: xl.Model) -> None:
    cache = xl.ExplainCache()
    through(cache, asked(model).all_rows)
    through(cache, MeansRequest(model, noise(10), np.arange(2, 10)[::-1]).all_rows)
    assert (cache.stats.misses, cache.stats.hits) == (3, 2)


def test_each_field_changes_the_fingerprint(model: xl.Model) -> None:
    requests = [
        asked(model),
        asked(model, 9),
        asked(model, name="other"),
        asked(model, factors=(1,) * 10),
        asked(model_of(plain())),
        asked(model).take(slice(None, None, -1)),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)


def test_rows_are_taken_and_joined_in_their_order() -> None:
    rows = Means("mean", np.array([3, 1, 2]), np.array([30.0, 10.0, 20.0]))
    part = take_rows(rows, np.array([2, 0]))
    assert (part.name, part.images.tolist(), part.mean.tolist()) == ("mean", [2, 3], [20, 30])
    joined = join_rows([part, take_rows(rows, slice(1, 2))])
    assert (joined.images.tolist(), joined.mean.tolist()) == ([2, 3, 1], [20, 30, 10])
    assert not joined.mean.flags.writeable


def test_parts_of_unlike_wholes_and_none_are_refused() -> None:
    rows = Means("mean", np.array([3]), np.array([30.0]))
    for parts in ([], [rows, Means("other", rows.images, rows.mean)]):
        with pytest.raises(xl.InputError, match="parts: rows of one thing, at least one part of them, would be right"):
            join_rows(parts, "thing")


def test_other_pictures_and_positions_are_refused(model: xl.Model) -> None:
    with pytest.raises(xl.InputError, match="pixels: the pictures are 9 x 9"):
        MeansRequest(model, noise(2, side=9), np.arange(2))
    with pytest.raises(xl.InputError, match="images: positions from 0 to 1"):
        MeansRequest(model, noise(2), np.array([1, 1]))
    with pytest.raises(xl.InputError, match="model: a str"):
        MeansRequest("tutorial", noise(2), np.arange(2))  # type: ignore[arg-type]
