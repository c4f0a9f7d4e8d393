"""Classes of a set of pictures in the numbering of a network that knows other classes."""

import numpy as np
from numpy.typing import NDArray


def fit_labels(
    labels: NDArray[np.int64], classes: tuple[str, ...], known: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The labels in the network's numbering, int64 (N,), and the names of all classes: the network's, then those it lacks.

    labels: int64 (N,), positions in `classes`, -1 for a picture without a class. known: the network's classes. Names are
    the same whatever their case.
    """
    if classes == known:
        return labels, known
    places = {name.casefold(): place for place, name in reversed(list(enumerate(known)))}
    lacking = tuple(name for name in classes if name.casefold() not in places)
    places |= {name.casefold(): len(known) + place for place, name in enumerate(lacking)}
    numbers = np.array([*(places[name.casefold()] for name in classes), -1], dtype=np.int64)
    return numbers[labels], (*known, *lacking)
