"""What a person takes home from a view: raw maps as .npz, and the settings as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view_state import View

PACKAGES = ("torch", "numpy", "grad-cam", "opencv-python-headless", "streamlit")


@dataclass(frozen=True)
class TakeHome:
    """What a page has to take home besides what every page has: the files' common name, and functions that make them."""

    name: str
    picture: Callable[[], bytes]
    arrays: Callable[[], bytes]
    settings: Callable[[], bytes]
    snippet: Callable[[], str]


def arrays_file(arrays: Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]) -> bytes:
    """The arrays as a NumPy .npz file, in their own dtypes."""
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def settings_file(view: View, model: xl.Model, target: xl.Target, details: Mapping[str, object]) -> bytes:
    """What the view shows, as JSON: its address, the model with its digest, the target, and the versions of the packages."""
    content = {
        "address": view.to_query(),
        "model": {"name": view.model, "digest": model.digest, "mean": model.mean, "std": model.std},
        "image": view.image,
        "target": asdict(target) | {"class": model.classes[target.index]},
        **details,
        "versions": {name: version(name) for name in PACKAGES},
    }
    return (json.dumps(content, indent=2) + "\n").encode()
