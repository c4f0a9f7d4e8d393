"""The rows of a ladder as a table with named columns."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import CLASSES
from explain_lib.imputation import FILLS
from explain_lib.layer_ladder import LadderRows

if TYPE_CHECKING:  # pyarrow is slow to import, and only those who want a table wait for it
    import pyarrow


def ladder_table(rows: LadderRows, classes: tuple[str, ...] = CLASSES) -> "pyarrow.Table":
    """The rows as a table: a line for each image and rung, image by image.

    Columns: image int64, its position in the set; explained, predicted text; row, kind text; grid text, "10 x 10", null
    without one; flat bool; for each fill deletion_FILL and insertion_FILL, then road, edges, centre, all float64, null where
    there is no number.
    """
    import pyarrow

    images, rungs = rows.edges.shape
    names = np.asarray(classes)

    def each(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.repeat(values, rungs)

    columns: dict[str, object] = {
        "image": each(rows.images),
        "explained": each(names[rows.explained]),
        "predicted": each(names[rows.predicted]),
        "row": [rung.name for rung in rows.rungs] * images,
        "kind": [rung.kind for rung in rows.rungs] * images,
        "grid": [f"{rung.grid[0]} x {rung.grid[1]}" if rung.grid else None for rung in rows.rungs] * images,
        "flat": rows.flat.ravel(),
    }
    for place, fill in enumerate(FILLS):
        columns |= {f"{name}_{fill}": getattr(rows, name)[..., place].ravel() for name in ("deletion", "insertion")}
    columns |= {name: getattr(rows, name).ravel() for name in ("road", "edges", "centre")}
    return pyarrow.table({name: pyarrow.array(values, from_pandas=True) for name, values in columns.items()})
