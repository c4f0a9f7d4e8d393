"""The measurements that the guesses are judged from; each batch is computed once and kept."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dashboard.view.scene import Scene
from explain_lib.base.run_context import kept, note, remember
from explain_lib.cam.grad_cam import passed_numbers
from explain_lib.networks.model import Model
from explain_lib.networks.requests import Progress
from explain_lib.study.grass_rows import find_frogs, grass_rows
from explain_lib.study.guesses import CRAFT, FIRST_IMAGES, ContourGuess, GrassGuess, judge_contour, judge_grass
from explain_lib.study.reasons.plan import Reason
from explain_lib.study.reasons.rows import BUNDLED, ReasonRows, read_rows
from explain_lib.study.reasons.verdicts import ReasonVerdict, judge_reason
from explain_lib.study.rows import contour_rows, outline_rows

EDGES = np.arange(FIRST_IMAGES)
"""The images whose maps are held beside edges."""

SMALL = 100_000
"""Activations of a network whose guesses take some ten seconds: the tutorial's has 15,000, ResNet-20 770,000."""

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
    """The guess on contours on the chosen model, without the rejected outlines."""
    pixels, name, chosen = test_pixels(scene), scene.view.model, _outlined(scene)
    progress: Progress = _watched(show, f"Maps and edges, {name}", 0, 2)
    edges = contour_rows(scene.model, pixels, EDGES, progress=progress)
    note("contour_rows", {"model": scene.model, "pixels": pixels, "images": EDGES}, edges)
    outlines = outline_rows(scene.model, pixels, chosen, progress=_watched(show, f"Outlines and maps, {name}", 1, 2))
    note("outline_rows", {"model": scene.model, "pixels": pixels, "images": chosen}, outlines)
    return judge_contour(edges, outlines, scene.cache.images().labels, scene.view.rejected)


def kept_contour_guess(scene: Scene) -> ContourGuess | None:
    """The guess on contours on the chosen model if it has been judged; starts nothing, and waits for nothing."""
    pixels = test_pixels(scene)
    edges = kept(contour_rows, scene.model, pixels, EDGES)
    outlines = kept(outline_rows, scene.model, pixels, _outlined(scene))
    if edges is None or outlines is None:
        return None
    return kept(judge_contour, edges, outlines, scene.cache.images().labels, scene.view.rejected)


def is_small(model: Model) -> bool:
    """Whether the guesses on a model take seconds, for which the page waits; those on others are judged behind the page."""
    return passed_numbers(model) <= len(model.classes) * SMALL


def _outlined(scene: Scene) -> NDArray[np.int64]:
    """The first test images, and every plane and ship."""
    return np.union1d(EDGES, np.flatnonzero(np.isin(scene.cache.images().labels, CRAFT)))


def reason_rows(reason: Reason) -> ReasonRows:
    """What was measured beforehand on the networks of a reason."""
    return remember(("reason rows", reason), lambda: read_rows(BUNDLED, reason))


def reason_verdict(reason: Reason) -> ReasonVerdict:
    """The verdict on a reason, by what was measured beforehand."""
    return remember(("reason verdict", reason), lambda: judge_reason(reason_rows(reason)))


def grass_guess_of(scene: Scene, show: ShowProgress = show_nothing) -> GrassGuess:
    """The guess on grass on the chosen model, without the rejected outlines."""
    pixels, chosen, progress = test_pixels(scene), frogs(scene), _watched(show, f"Frogs and backgrounds, {scene.view.model}")
    rows = grass_rows(scene.model, pixels, scene.cache.images().labels, chosen, progress=progress)
    note("grass_rows", {"model": scene.model, "pixels": pixels, "images": chosen}, rows)
    return judge_grass(rows, len(chosen), tuple(image for image in scene.view.rejected if image in rows.images))
