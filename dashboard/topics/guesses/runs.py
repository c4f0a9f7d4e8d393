"""The measurements that the guesses are judged from; each batch is computed once and kept."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.scene import Scene
from explain_lib.base.run_context import kept, note
from explain_lib.networks.requests import Progress
from explain_lib.study.guesses import ContourGuess, DepthGuess, GrassGuess, judge_contour, judge_depth, judge_grass
from explain_lib.study.rows import ContourRows, contour_rows, find_frogs, grass_rows

IMAGES = 1000
"""Test images 0 to 999 test the first two guesses; the third takes all frogs."""
NETWORKS = ("captum-tutorial", "tutorial", "resnet20")
"""Of the second guess: the last is the deep one, the one before it the shallow one, trained here as well."""

ShowProgress = Callable[[float, str], object]
"""Told the share that is done, and in words how far that is."""


def show_nothing(_share: float, _words: str) -> None:
    """For those whom nobody watches."""


def _watched(show: ShowProgress, what: str, part: int = 0, parts: int = 1) -> Callable[[int, int], None]:
    """Shows the progress of one of several equal parts, counted from 0, as progress of the whole."""

    def progress(done: int, total: int) -> None:
        done, total = part * total + done, parts * total
        show(done / total, f"{what}: {done:,} of {total:,} images")

    return progress


def test_pixels(scene: Scene) -> NDArray[np.uint8]:
    """All test images, uint8 (10000, 32, 32, 3): the guesses are of these, whatever else is looked at."""
    return scene.cache.images().pixels


def frogs(scene: Scene) -> NDArray[np.int64]:
    """Positions of all frogs among the test images."""
    return find_frogs(scene.cache.images().labels, range(len(scene.cache.images().labels)))


def contour_guess_of(scene: Scene, show: ShowProgress = show_nothing) -> ContourGuess:
    """The first guess on the chosen model."""
    return judge_contour(_contour_rows(scene, scene.model, _watched(show, f"Maps and edges, {scene.view.model}")))


def kept_contour_guess(scene: Scene) -> ContourGuess | None:
    """The first guess on the chosen model if it has been judged; starts nothing, and waits for nothing."""
    rows = kept(contour_rows, scene.model, test_pixels(scene), np.arange(IMAGES))
    return None if rows is None else kept(judge_contour, rows)


def depth_guess_of(scene: Scene, show: ShowProgress) -> DepthGuess:
    """The second guess, on the bundled networks."""
    rows = {}
    for number, name in enumerate(NETWORKS):
        progress = _watched(show, f"Maps and edges, {name}", number, len(NETWORKS))
        rows[name] = _contour_rows(scene, scene.cache.model(name), progress)
    return judge_depth(rows, scene.cache.images().labels)


def grass_guess_of(scene: Scene, show: ShowProgress) -> GrassGuess:
    """The third guess on the chosen model, without the rejected outlines."""
    pixels, chosen, progress = test_pixels(scene), frogs(scene), _watched(show, f"Outlines and maps, {scene.view.model}")
    rows = grass_rows(scene.model, pixels, scene.cache.images().labels, chosen, progress=progress)
    note("grass_rows", {"model": scene.model, "pixels": pixels, "images": chosen}, rows)
    return judge_grass(rows, tuple(image for image in scene.view.rejected if image in rows.images))


def _contour_rows(scene: Scene, model: xl.Model, progress: Progress) -> ContourRows:
    pixels, images = test_pixels(scene), np.arange(IMAGES)
    rows = contour_rows(model, pixels, images, progress=progress)
    note("contour_rows", {"model": model, "pixels": pixels, "images": images}, rows)
    return rows
