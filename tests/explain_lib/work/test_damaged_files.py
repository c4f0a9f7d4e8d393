"""Files damaged or deleted while a process uses them: who holds what was read goes on, who needs the file reads why."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs import through

import explain_lib as xl
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.trust.ladder import LadderRequest
from explain_lib.work.ladder_files import bundled_ladder, read_ladder

NAME = "captum-tutorial"
OTHER = "tutorial"


def delete(path: Path) -> None:
    path.unlink()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = (delete, cut_short, alter)


# --- checkpoints


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("ending", [".pt", ".logits.npy", ".json"])
def test_a_file_of_a_model_that_is_damaged_while_it_is_used(
    ending: str, damage: Callable[[Path], None], copied_checkpoints: Path, study: np.ndarray
) -> None:
    """Whoever has the model goes on with it; once it is forgotten, a sentence names the file, and other models load."""
    cache = xl.ExplainCache()
    model, predictions = cache.model(NAME), cache.predictions(NAME)
    right = through(cache, xl.grad_cam, model, study, "conv1")["conv1"].map
    damage(copied_checkpoints / f"{NAME}{ending}")
    assert cache.model(NAME) is model
    assert cache.predictions(NAME) is predictions
    cache.entries.clear()
    np.testing.assert_array_equal(through(cache, xl.grad_cam, model, study, "conv1")["conv1"].map, right)
    named = rf"{NAME}\{'.pt' if ending == '.pt' else ending}.* restore it from the repository"
    needs_it = cache.predictions if ending == ".logits.npy" else cache.model
    with pytest.raises(xl.DataError, match=named):
        needs_it(NAME)
    assert cache.model(OTHER).classes == model.classes
    assert len(cache.predictions(OTHER).predicted) == 10_000
    shutil.copy(CHECKPOINTS / f"{NAME}{ending}", copied_checkpoints)
    assert cache.model(NAME).digest == model.digest
    assert len(cache.predictions(NAME).predicted) == 10_000


# --- bundled ladders


def asked(name: str) -> LadderRequest:
    return LadderRequest(xl.load_model(name), xl.shared_cache().images().pixels, np.arange(500), None, None, "conv2")


@pytest.mark.parametrize("damage", DAMAGES[1:])
def test_a_damaged_ladder_matters_to_its_own_model_only(damage: Callable[[Path], None], copied_checkpoints: Path) -> None:
    damage(copied_checkpoints / f"{NAME}.ladder.npz")
    with pytest.raises(xl.DataError, match=rf"{NAME}\.ladder\.npz is no ladder that can be read \(.*\); restore it from the"):
        bundled_ladder(asked(NAME))
    assert bundled_ladder(asked(OTHER)) is not None
    assert bundled_ladder(replace(asked(OTHER), images=np.arange(7, 20))) is None  # nobody has that
    shutil.copy(CHECKPOINTS / f"{NAME}.ladder.npz", copied_checkpoints)
    assert bundled_ladder(asked(NAME)) is not None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_ladder_that_was_read_once_stays(damage: Callable[[Path], None], copied_checkpoints: Path) -> None:
    before = bundled_ladder(asked(NAME))
    damage(copied_checkpoints / f"{NAME}.ladder.npz")
    after = bundled_ladder(asked(NAME))
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after.deletion, before.deletion)


def test_a_ladder_with_any_altered_byte_is_refused_or_the_same(tmp_path: Path) -> None:
    content = (CHECKPOINTS / f"{NAME}.ladder.npz").read_bytes()
    right, fingerprint = read_ladder(CHECKPOINTS / f"{NAME}.ladder.npz")
    generator, refused = np.random.default_rng(0), 0
    for place in [*range(64), *generator.integers(0, len(content), 60), *range(len(content) - 200, len(content), 3)]:
        altered = bytearray(content)
        altered[place] ^= 0xFF
        (tmp_path / "some.ladder.npz").write_bytes(altered)
        try:
            rows, found = read_ladder(tmp_path / "some.ladder.npz")
        except xl.DataError:
            refused += 1
            continue
        assert found == fingerprint
        np.testing.assert_array_equal(rows.deletion, right.deletion)
        np.testing.assert_array_equal(rows.insertion, right.insertion)
    assert refused > 60


# --- the mosaic


def test_a_mosaic_that_is_damaged_while_it_is_used_changes_nothing(monkeypatch: pytest.MonkeyPatch, study: np.ndarray) -> None:
    cache = xl.ExplainCache()
    cache.images()

    def damaged() -> xl.ImageSet:
        raise xl.DataError("the mosaic of the test images cannot be read")

    monkeypatch.setattr("explain_lib.work.cache.load_cifar10", damaged)
    cache.entries.clear()
    np.testing.assert_array_equal(cache.images().pixels[:4], study)
    with pytest.raises(xl.DataError, match="the mosaic"):
        xl.ExplainCache().images()


# --- a cache without room


def test_a_cache_that_is_full_or_too_small_gives_the_same_and_does_not_grow() -> None:
    right = xl.ExplainCache()
    for bound in (1, 20_000, 400_000):
        cache = xl.ExplainCache(max_bytes=bound)
        for _ in range(2):
            model = cache.model(NAME)
            for image in range(6):
                batch = cache.images().pixels[image : image + 1]
                found = through(cache, xl.grad_cam, model, batch, ["conv1", "conv2"])
                np.testing.assert_array_equal(
                    found["conv2"].map, through(right, xl.grad_cam, right.model(NAME), batch, ["conv1", "conv2"])["conv2"].map
                )
                assert cache.predictions(NAME).predicted[image] == found.logits.argmax()
                assert cache.stats.bytes <= bound
    assert right.stats.entries > 5
