"""Which pictures of a set are meant: positions read from text, batches of them, and the digest of the set."""

import gc
import hashlib
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sample_networks import noise

import explain_lib as xl
from explain_lib.pictures.selection import parse_images, seen_images
from explain_lib.pictures.sets import pixels_digest

WRITTEN = [("all", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), ("0-3", [0, 1, 2, 3]), ("7", [7]), ("7,3, 0-1", [7, 3, 0, 1]), ("9-9", [9])]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_images_are_read_from_text(text: str, expected: list[int]) -> None:
    assert_array_equal(parse_images(text, 10), expected)


@pytest.mark.parametrize("text", ["", "10", "3-1", "0-10", "-1", "1-", "a", "1,,2", "1.5", "1-2-3", "٣", "1,1", "0-3,2"])
def test_text_that_names_no_images_is_an_error(text: str) -> None:
    with pytest.raises(xl.InputError, match=r"^images: .*0 to 9.*would be right"):
        parse_images(text, 10)


def test_what_is_looked_at() -> None:
    chosen = np.array([9, 1, 2])
    assert_array_equal(seen_images(chosen, 10, batch=1), [9, 1, 2])
    assert_array_equal(seen_images(chosen, 10, batch=4), [0, 1, 2, 3, 8, 9])


def test_pixels_nobody_can_write_to_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    real = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda content: counted.append(1) or real(content))
    frozen = noise(3)
    frozen.flags.writeable = False
    assert pixels_digest(frozen) == pixels_digest(frozen)
    assert len(counted) == 1
    writeable = noise(3)
    before = pixels_digest(writeable)
    writeable[0, 0, 0, 0] ^= 1
    assert pixels_digest(writeable) != before
    view = writeable[:]
    view.flags.writeable = False
    through_view = pixels_digest(view)
    writeable[0, 0, 0, 0] ^= 1
    assert pixels_digest(view) == before != through_view


def test_the_digest_of_pixels_that_are_gone_is_forgotten() -> None:
    tracemalloc.start()
    many = [np.zeros((1, 1, 1, 3), np.uint8) for _ in range(2000)]
    for frozen in many:
        frozen.flags.writeable = False
        pixels_digest(frozen)
    with_digests = tracemalloc.get_traced_memory()[0]
    del frozen, many
    gc.collect()
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert with_digests > 500_000
    assert left < with_digests / 4
