"""Files of ladders: tables and .npz, and the ladders bundled beside the checkpoints."""

import zlib
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE, check_ending, write_whole
from explain_lib.compare.scan_summary import to_csv, to_parquet
from explain_lib.loading.bundled import CHECKPOINTS
from explain_lib.networks.requests import Progress, take_rows
from explain_lib.pictures.dataset import CLASSES
from explain_lib.trust.ladder import Kind, LadderRequest, LadderRows, Rung
from explain_lib.trust.measures import FILLS
from explain_lib.trust.rungs import NO_CLASS

ENDINGS = (".csv", ".parquet", ".npz")
BUNDLED = "*.ladder.npz"
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_WHOLE = ("images", "predicted", "explained", "flat")
_NUMBERS = ("deletion", "insertion", "single_deletion", "edges", "centre")


def write_ladder(rows: LadderRows, request: LadderRequest, path: Path) -> None:
    """Write the rows of a request, whole or not at all: a table (see ladder_table) as CSV or Parquet, or .npz for read_ladder.

    Raises InputError for another ending, DataError if the file cannot be written.
    """
    check_ending(path, ENDINGS)
    if path.suffix == ".npz":
        content = _arrays(rows, request.fingerprint)
    else:
        table = ladder_table(rows, request.model.classes)
        content = to_csv(table) if path.suffix == ".csv" else to_parquet(table)
    write_whole(path, content)


def _arrays(rows: LadderRows, fingerprint: str) -> bytes:
    arrays: dict[str, NDArray[np.generic]] = {name: getattr(rows, name) for name in _WHOLE}
    arrays |= {name: getattr(rows, name).astype(np.float32) for name in _NUMBERS}
    arrays |= {"names": np.array([rung.name for rung in rows.rungs]), "kinds": np.array([rung.kind for rung in rows.rungs])}
    arrays |= {"grids": np.array([rung.grid or (0, 0) for rung in rows.rungs]), "fingerprint": np.array(fingerprint)}
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def read_ladder(path: Path) -> tuple[LadderRows, str]:
    """The rows in a .npz of write_ladder, their numbers rounded to float32, and their request's fingerprint.

    Raises DataError for a missing file, or one of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = dict(file)
        rungs = tuple(
            Rung(str(name), _KINDS[str(kind)], (int(grid[0]), int(grid[1])) if grid[0] else None)
            for name, kind, grid in zip(found["names"], found["kinds"], found["grids"], strict=True)
        )
        numbers = {name: found[name].astype(np.float64) for name in _NUMBERS}
        rows = LadderRows(rungs=rungs, **{name: found[name] for name in _WHOLE}, **numbers)
        return rows, str(found["fingerprint"])
    except (*UNREADABLE, BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is no ladder that can be read ({error}); restore it from the repository") from error


def kept_ladder(request: LadderRequest, *, progress: Progress = None) -> LadderRows:
    """The rows of a request as in a .npz file: computed, then rounded to float32. progress: see Request.all_rows."""
    rows = request.all_rows(progress)
    return replace(rows, **{name: getattr(rows, name).astype(np.float32).astype(np.float64) for name in _NUMBERS})


def bundled_ladder(request: LadderRequest) -> LadderRows | None:
    """The bundled rows of a request, computed beforehand on a CPU; None if there are none.

    A bundled ladder also has the rows of its first images alone. Raises DataError if there are no rows and a file of this
    model is damaged; files of other models do not matter.
    """
    damaged: list[DataError] = []
    for path in _bundled_files(CHECKPOINTS):
        try:
            rows, fingerprint = _bundled(path)
        except DataError as error:
            if request.model.card is not None and path.name.startswith(request.model.card.name):
                damaged.append(error)
            continue
        if _answers(rows, request) and replace(request, images=rows.images).fingerprint == fingerprint:
            return take_rows(rows, slice(len(request)))
    if damaged:
        raise damaged[0]
    return None


def _answers(rows: LadderRows, request: LadderRequest) -> bool:
    """Whether the images of a request are the first ones of these rows, and all images of the rows are in its set."""
    inside = int(rows.images.max()) < len(request.pixels)
    return inside and len(request) <= len(rows) and np.array_equal(request.images, rows.images[: len(request)])


@lru_cache(maxsize=1)
def _bundled_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob(BUNDLED)))


@lru_cache(maxsize=64)
def _bundled(path: Path) -> tuple[LadderRows, str]:
    """The result of read_ladder, kept after the first time."""
    return read_ladder(path)


# Section: tables

if TYPE_CHECKING:  # pyarrow is slow to import, and only tables need it
    import pyarrow


def ladder_table(rows: LadderRows, classes: tuple[str, ...] = CLASSES) -> "pyarrow.Table":
    """The rows as a table: a row for each image and rung, image by image.

    Columns: image int64, its position in the set; explained, predicted text, "a function" where a function is explained; row,
    kind text; grid text, "10 x 10", null without one; flat bool; for each fill deletion_FILL, insertion_FILL and
    single_deletion_FILL, then road, edges, centre, all float64, null if unknown.
    """
    import pyarrow

    images, rungs = rows.edges.shape
    names = np.asarray(classes)

    def each(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.repeat(values, rungs)

    columns: dict[str, object] = {
        "image": each(rows.images),
        "explained": each(np.where(rows.explained == NO_CLASS, "a function", names[rows.explained])),
        "predicted": each(names[rows.predicted]),
        "row": [rung.name for rung in rows.rungs] * images,
        "kind": [rung.kind for rung in rows.rungs] * images,
        "grid": [f"{rung.grid[0]} x {rung.grid[1]}" if rung.grid else None for rung in rows.rungs] * images,
        "flat": rows.flat.ravel(),
    }
    for place, fill in enumerate(FILLS):
        by_fill = ("deletion", "insertion", "single_deletion")
        columns |= {f"{name}_{fill}": getattr(rows, name)[..., place].ravel() for name in by_fill}
    columns |= {name: getattr(rows, name).ravel() for name in ("road", "edges", "centre")}
    return pyarrow.table({name: pyarrow.array(values, from_pandas=True) for name, values in columns.items()})
