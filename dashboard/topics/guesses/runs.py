"""What the guesses are judged from: each batch is computed once and kept."""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.scene import Scene
from explain_lib.base.frozen import read_only
from explain_lib.study.guesses import (
    ContourGuess,
    DepthGuess,
    GrassGuess,
    judge_contour,
    judge_depth,
    judge_grass,
    part_of_progress,
)
from explain_lib.study.masks import outline_masks
from explain_lib.study.rows import ContourRows, GrassRows, contour_batch, contour_rows, find_frogs, grass_batch, grass_rows
from explain_lib.work.recording import note_computation

IMAGES = 1000
"""Test images 0 to 999 test the first two guesses; the third takes all frogs."""
NETWORKS = ("captum-tutorial", "tutorial", "resnet20")
"""Of the second guess: the last is the deep one, the one before it the shallow one, trained here as well."""

ShowProgress = Callable[[float, str], object]
"""Told the share that is done, and in words how far that is."""


def _watched(show: ShowProgress, what: str) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        show(done / total, f"{what}: {done:,} of {total:,} images")

    return progress


def test_pixels(scene: Scene) -> NDArray[np.uint8]:
    """All test images, uint8 (10000, 32, 32, 3): the guesses are of these, whatever else is looked at."""
    return scene.cache.images().pixels


def frogs(scene: Scene) -> NDArray[np.int64]:
    """Positions of all frogs among the test images."""
    return find_frogs(scene.cache.images().labels, range(len(scene.cache.images().labels)))


def masks_of(scene: Scene, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The outlines of these pictures, bool (K, H, W)."""
    key = "outline_masks", len(pixels), hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
    return scene.cache.entries.get(key, lambda: read_only(outline_masks(pixels)))


def contour_guess_of(scene: Scene, show: ShowProgress) -> ContourGuess:
    """The first guess on the chosen model."""
    key = _contour_key(scene)
    rows = _contour_rows(scene, scene.model, _watched(show, f"Maps and edges, {scene.view.model}"))
    return scene.cache.entries.get(key, lambda: judge_contour(rows))


def kept_contour_guess(scene: Scene) -> ContourGuess | None:
    """The first guess on the chosen model if it has been judged; starts nothing, and waits for nothing."""
    found = scene.cache.entries.kept(_contour_key(scene))
    return found if isinstance(found, ContourGuess) else None


def _contour_key(scene: Scene) -> tuple[str, str]:
    return "contour_guess", scene.model.digest


def depth_guess_of(scene: Scene, show: ShowProgress) -> DepthGuess:
    """The second guess, on the bundled networks."""
    models = {name: scene.cache.model(name) for name in NETWORKS}
    rows = {}
    for number, (name, model) in enumerate(models.items()):
        progress = part_of_progress(_watched(show, f"Maps and edges, {name}"), number, len(models))
        rows[name] = _contour_rows(scene, model, progress)
    key = "depth_guess", *(model.digest for model in models.values())
    return scene.cache.entries.get(key, lambda: judge_depth(rows, scene.cache.images().labels))


def grass_guess_of(scene: Scene, show: ShowProgress) -> GrassGuess:
    """The third guess on the chosen model, without the rejected outlines."""
    rows = _grass_rows(scene, _watched(show, f"Outlines and maps, {scene.view.model}"))
    rejected = tuple(image for image in scene.view.rejected if image in rows.images)
    key = "grass_guess", scene.model.digest, rejected
    return scene.cache.entries.get(key, lambda: judge_grass(rows, rejected))


def _contour_rows(scene: Scene, model: xl.Model, progress: Callable[[int, int], None] | None) -> ContourRows:
    def batch(
        model: xl.Model,
        pixels: NDArray[np.uint8],
        images: NDArray[np.int64],
        others: NDArray[np.int64],
        between: Callable[[], None] | None = None,
    ) -> ContourRows:
        key = "contour_batch", model.digest, images.tobytes(), others.tobytes()
        return scene.cache.entries.get(key, lambda: contour_batch(model, pixels, images, others, between=between))

    def compute() -> ContourRows:
        if progress is not None:
            progress(0, IMAGES)
        return contour_rows(
            model, test_pixels(scene), range(IMAGES), progress=progress, between=scene.between, batch_rows=batch
        )

    rows = scene.cache.entries.get(("contour_rows", model.digest, IMAGES), compute)
    note_computation("contour_rows", {"model": model, "pixels": test_pixels(scene), "images": np.arange(IMAGES)}, rows)
    return rows


def _grass_rows(scene: Scene, progress: Callable[[int, int], None]) -> GrassRows:
    chosen = frogs(scene)

    def batch(
        model: xl.Model,
        pixels: NDArray[np.uint8],
        images: NDArray[np.int64],
        masks: NDArray[np.bool_],
        true_class: int,
        between: Callable[[], None] | None = None,
    ) -> GrassRows:
        key = "grass_batch", model.digest, images.tobytes()
        return scene.cache.entries.get(key, lambda: grass_batch(model, pixels, images, masks, true_class, between=between))

    def compute() -> GrassRows:
        progress(0, len(chosen))
        return grass_rows(
            scene.model,
            test_pixels(scene),
            scene.cache.images().labels,
            chosen,
            progress=progress,
            between=scene.between,
            batch_masks=lambda pixels: masks_of(scene, pixels),
            batch_rows=batch,
        )

    rows = scene.cache.entries.get(("grass_rows", scene.model.digest), compute)
    note_computation("grass_rows", {"model": scene.model, "pixels": test_pixels(scene), "images": chosen}, rows)
    return rows
