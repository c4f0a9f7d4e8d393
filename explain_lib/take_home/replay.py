"""Replay of a view: its arrays computed anew and compared with those in its file, bit for bit."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch

from explain_lib.base.errors import DataError, ExplainError
from explain_lib.base.words import short
from explain_lib.loading.bundled import REGISTRY
from explain_lib.networks.model import Model
from explain_lib.passes.tasks import split_task
from explain_lib.take_home.json_form import Computation, PictureDepot, names_of, read
from explain_lib.take_home.registry import Progress, compute_anew
from explain_lib.take_home.view_file import Array, ViewFile, array_mark, named_arrays
from explain_lib.work.cache import ExplainCache

PACKAGES = ("torch", "numpy", "grad-cam", "opencv-python-headless", "scipy", "scikit-image", "pillow")
"""The packages whose versions may change the numbers."""
MAX_THREADS = 256


@dataclass(frozen=True)
class Replayed:
    """The outcome for one array, or for a computation that failed.

    key: that of the array or of the computation. array: that in the file, None for a computation and for an array that is not
    in the file. fault: the difference or error in words, None for an array that is identical bit for bit.
    """

    key: str
    array: Array | None
    fault: str | None


def versions() -> dict[str, str]:
    """The versions of Python and of packages, and the instruction set of the processor, which may change the numbers."""
    packages = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, "processor": torch.backends.cpu.get_cpu_capability()}


def as_many_threads(view: ViewFile) -> None:
    """Set PyTorch's number of threads to that of the file; sums over another number of threads round differently."""
    threads = view.settings.get("threads")
    if isinstance(threads, int) and 1 <= threads <= MAX_THREADS:
        torch.set_num_threads(threads)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def other_versions(view: ViewFile) -> dict[str, tuple[str, str]]:
    """The packages with another version here: the version in the file, and the version here."""
    said, here = view.settings.get("versions"), versions()
    if not isinstance(said, dict):
        return {}
    return {name: (str(said[name]), own) for name, own in here.items() if name in said and str(said[name]) != own}


class Models:
    """The models that a file names, each checked against its digest in the file."""

    def __init__(self, said: Mapping[str, Mapping[str, object]], cache: ExplainCache, own: Model | None = None) -> None:
        """own: the model to take for one that is not bundled."""
        self._said, self._cache, self._own = said, cache, own

    def find(self, name: str) -> Model:
        """The model of that name. Raises DataError if it is not here, or if its digest differs."""
        if name not in self._said:
            raise DataError(f"model: {name}: the file does not say which one it is")
        right = str(self._said[name].get("digest"))
        model = self._load(name)
        if model.digest != right:
            raise DataError(
                f"model: {name} has the digest {model.digest[:12]}… here, and {right[:12]}… in the file: these are other "
                "weights, another architecture or another normalisation, so nothing can be compared"
            )
        return model

    def _load(self, name: str) -> Model:
        usual, task = split_task(name)
        if usual in REGISTRY:
            return self._cache.model(name)
        if self._own is None:
            raise DataError(
                f"model: {name} is not bundled, and its weights are not in the file; --model ARCHITECTURE --weights FILE "
                "would be right"
            )
        return self._own if task is None else self._own.with_task(task)


def replay(
    view: ViewFile, cache: ExplainCache, own: Model | None = None, progress: Progress = lambda *_: None
) -> Iterator[Replayed]:
    """Compute everything in the file anew and compare it, array by array; see ViewFile. own: a model that is not bundled."""
    models, depot = Models(view.models, cache, own), PictureDepot(view.pictures)  # type: ignore[arg-type]  # checked as read
    left = dict(view.arrays)
    for one in view.computations:
        try:
            arguments = {name: read(value, models.find, depot) for name, value in one.arguments.items()}
            made = named_arrays(one.key, compute_anew(one.name, arguments, cache, progress))
        except ExplainError as error:
            yield Replayed(one.key, None, str(error))
            for key in keys_of(one, left):
                del left[key]
            continue
        for key, array in made.items():
            yield _compared(key, left.pop(key, None), array, view.marks.get(key))
    for key, array in left.items():
        yield Replayed(key, array, "the file does not say how it was computed")


def keys_of(one: Computation, keys: Mapping[str, object]) -> list[str]:
    """The keys of the arrays of a computation."""
    return [key for key in keys if key == one.key or key.startswith(f"{one.key}.")]


def _compared(key: str, kept: Array | None, made: Array, mark: str | None) -> Replayed:
    if kept is None:
        return Replayed(key, None, "it is computed here, and is not in the file")
    return Replayed(key, kept, difference(kept, made, changed=mark is not None and array_mark(kept) != mark))


def difference(kept: Array, made: Array, changed: bool) -> str | None:
    """The difference of an array in a file from the one computed here, in words; None if they are identical bit for bit.

    changed: whether the array was changed after the file was written.
    """
    after = "; the file was changed after it was written" if changed else ""
    if kept.dtype == np.float32 and made.dtype == np.float64:  # files from before an array had more digits hold its first ones
        made = made.astype(np.float32)
    if kept.dtype != made.dtype or kept.shape != made.shape:
        return f"{kept.dtype} {kept.shape} in the file, {made.dtype} {made.shape} here{after}"
    if np.ascontiguousarray(kept).tobytes() == np.ascontiguousarray(made).tobytes():
        return None
    return _largest(kept, made) + after


def _largest(kept: Array, made: Array) -> str:
    """The largest difference and its place; a number that is finite on one side only counts as the largest."""
    a, b = (np.asarray(array, dtype=np.float64) for array in (kept, made))
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    gap = np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))
    place = np.unravel_index(int(gap.argmax()), gap.shape)
    if gap[place] == 0:
        return "only in the bits of zeros or of NaN"
    where = f" at [{', '.join(str(int(one)) for one in place)}]" if place else ""
    differing = int((~same).sum())
    numbers = "1 number differs" if differing == 1 else f"{differing:,} numbers differ"
    kept_number, made_number = (short(array[place], 9) for array in (a, b))
    by = f"by up to {short(gap[place])}" if np.isfinite(gap[place]) else "one of them is finite on one side only"
    return f"{numbers}, {by}{where}: {kept_number} in the file, {made_number} here"


def missing_models(view: ViewFile) -> tuple[str, ...]:
    """The models in the file that are not bundled here."""
    used = names_of([one.arguments for one in view.computations])
    return tuple(sorted(name for name in used if split_task(name)[0] not in REGISTRY))
