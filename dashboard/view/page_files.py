"""The files of a page's own to take home: its picture, arrays, settings, and Python that computes it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from dashboard.view.captions import target_caption
from dashboard.view.scene import Scene
from dashboard.view.view import cover_fill
from explain_lib.take_home.snippet import Explained

PACKAGES = ("torch", "numpy", "grad-cam", "opencv-python-headless", "streamlit")


@dataclass(frozen=True)
class PageFiles:
    """The files of one view of a page; what takes time is made when it is asked for.

    name: the beginning of each file's name. picture: gives the PNG file. arrays: by name. details: settings of this page
    alone. snippet: gives the Python that computes it.
    """

    scene: Scene
    name: str
    picture: Callable[[], bytes]
    arrays: Mapping[str, NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint8]]
    details: Mapping[str, object]
    snippet: Callable[[], str]

    def arrays_file(self) -> bytes:
        """The arrays as a NumPy .npz file, in their own dtypes."""
        file = BytesIO()
        np.savez_compressed(file, allow_pickle=False, **self.arrays)
        return file.getvalue()

    def settings_file(self) -> bytes:
        """The view as JSON: its address, the model with its digest, the target, and the versions of packages."""
        view, model, target = self.scene.view, self.scene.model, self.scene.target
        content = {
            "address": view.to_query(),
            "model": {"name": view.model, "digest": model.digest, "mean": model.mean, "std": model.std},
            "image": view.image,
            "target": target.to_json() | {"class": model.classes[target.index]},
            **self.details,
            "versions": {name: version(name) for name in PACKAGES},
        }
        return (json.dumps(content, indent=2) + "\n").encode()


def explained_code(scene: Scene) -> Explained:
    """The explanation of the scene, as Python of the library alone."""
    model, pixels = scene.load_call(scene.model_name), scene.picture_set.snippet(scene.model)
    image = scene.view.image
    if scene.is_covered:
        pixels += f"pixels = xl.cover_picture(pixels[{image}], {scene.view.cover!r}, {cover_fill(scene.view)!r})[None]\n"
        image = 0
    return Explained(model, pixels, image, scene.target, target_caption(scene))
