"""Sets of pictures: the CIFAR-10 test images, the server's own folder, or a visitor's picture."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.server_options import server_jobs, server_options
from dashboard.view.view import CIFAR10, FOLDER, View
from explain_lib.base.files import cache_folder
from explain_lib.base.run_context import remember
from explain_lib.loading.bundled import REGISTRY
from explain_lib.networks.predictions import Predictions, Verdicts, predict, verdict_request, verdicts_of
from explain_lib.pictures.dataset import fit_labels
from explain_lib.pictures.files import Fit, Window
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.intake import Intake
from explain_lib.pictures.sets import Pixels
from explain_lib.pictures.store import LARGE, Preview, preview_of
from explain_lib.pictures.thumbnails import Thumbnails


@dataclass(frozen=True)
class Pictures:
    """A set as one network sees it.

    pixels: uint8 (N, H, W, 3). labels: int64 (N,), positions in `classes`, -1 for a picture without a class. classes: the
    network's, then those that only the set has. files: their names below the folder, empty for pictures without.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    files: tuple[str, ...] = ()


class PictureSet(Protocol):
    """A set of pictures of any size."""

    @property
    def address(self) -> str:
        """The set in the address."""

    @property
    def title(self) -> str:
        """A name of the set that can follow "of"."""

    def pictures(self, model: xl.Model) -> Pictures:
        """The set as this network sees it."""

    def predictions(self, name: str, model: xl.Model, pixels: Pixels) -> Predictions | Verdicts:
        """The predictions of the model of that name, as far as it was asked."""

    def words(self, image: int) -> str:
        """A picture by its number: "image 3"."""

    def intake(self, model: xl.Model) -> Intake:
        """How a picture of the set becomes what this network sees."""

    def window(self, image: int, model: xl.Model) -> Window | None:
        """The numbers that are black and white in a picture of more than 8 bits, None for another one."""

    def whole(self, image: int) -> Preview | None:
        """A picture as it is in its file, reduced for the screen; None for test images, which no fit cuts."""

    def snippet(self, model: xl.Model) -> str:
        """Python that sets `pixels`, given `model`."""


@dataclass(frozen=True)
class CifarImages:
    """The CIFAR-10 test images."""

    cache: xl.ExplainCache
    address: str = CIFAR10
    title: str = "the CIFAR-10 test images"

    def pictures(self, model: xl.Model) -> Pictures:
        images = self.cache.images()
        labels, classes = fit_labels(images.labels, images.classes, model.classes)
        return Pictures(self.cache.fitted_images(self.intake(model)), labels, classes)

    def intake(self, model: xl.Model) -> Intake:
        return model.intake()

    def window(self, image: int, model: xl.Model) -> Window | None:
        del image, model  # test images have 8 bits
        return None

    def predictions(self, name: str, model: xl.Model, pixels: Pixels) -> Predictions | Verdicts:
        return self.cache.predictions(name, model.task) if name in REGISTRY else asked_so_far(model, pixels)

    def words(self, image: int) -> str:
        return f"test image {image}"

    def whole(self, image: int) -> None:
        del image

    def snippet(self, model: xl.Model) -> str:
        if self.intake(model) == Intake(self.cache.images().pixels.shape[1:3]):
            return "pixels = xl.load_cifar10().pixels\n"
        seen = "model.input_size" if self.intake(model).is_usual else "model.intake()"
        return f"pixels = xl.ExplainCache().fitted_images({seen})  # the CIFAR-10 test images, resized\n"


@dataclass(frozen=True)
class FolderImages:
    """The pictures of the server's own folder."""

    folder: ImageFolder
    thumbnails: Thumbnails
    fit: Fit = "crop"
    asked: Window | None = None
    address: str = FOLDER

    @property
    def title(self) -> str:
        return f"the folder “{self.folder.name}”"

    def pictures(self, model: xl.Model) -> Pictures:
        labels, classes = fit_labels(self.folder.labels, self.folder.classes, model.classes)
        return Pictures(self.folder.pixels(self.intake(model)), labels, classes, self.folder.files)

    def intake(self, model: xl.Model) -> Intake:
        return model.intake(self.fit, self.asked)

    def window(self, image: int, model: xl.Model) -> Window | None:
        if model.sheet is not None:
            return None
        key = ("folder_window", self.folder.identity, image, model.channels)
        own = remember(key, lambda: np.array(self.folder.window(image, model.channels) or ()))
        return _window(own, self.asked)

    def predictions(self, name: str, model: xl.Model, pixels: Pixels) -> Predictions | Verdicts:
        del name  # nothing is bundled for a folder
        return asked_so_far(model, pixels)

    def words(self, image: int) -> str:
        return f"image {image}, {self.folder.files[image]}"

    def whole(self, image: int) -> Preview | None:
        key = ("folder_whole", self.folder.identity, image)
        return remember(key, lambda: preview_of(self.folder.picture(image), LARGE))

    def snippet(self, model: xl.Model) -> str:
        seen = _seen(self.intake(model))
        return (
            "from pathlib import Path\n"
            f'pixels = xl.ImageFolder(Path("{self.folder.name}")).pixels({seen})  # the path to the folder\n'
        )


@dataclass(frozen=True)
class OwnPicture:
    """One picture that a visitor sent: a set of one, without a class."""

    cache: xl.ExplainCache
    digest: str
    fit: Fit
    asked: Window | None = None
    title: str = "your picture"

    @property
    def address(self) -> str:
        return self.digest

    def pictures(self, model: xl.Model) -> Pictures:
        pixels = self.cache.own_picture(self.digest, self.intake(model))[None]
        return Pictures(pixels, np.array([-1]), model.classes)

    def intake(self, model: xl.Model) -> Intake:
        return model.intake(self.fit, self.asked)

    def window(self, image: int, model: xl.Model) -> Window | None:
        del image
        if model.sheet is not None:
            return None
        return _window(self.cache.own_window(self.digest, model.channels), self.asked)

    def predictions(self, name: str, model: xl.Model, pixels: Pixels) -> Predictions | Verdicts:
        del name
        return predict(model, pixels[:1])

    def words(self, image: int) -> str:
        del image
        return "your picture"

    def whole(self, image: int) -> Preview | None:
        del image
        return self.cache.own_preview(self.digest, LARGE)

    def snippet(self, model: xl.Model) -> str:
        intake = self.intake(model)
        plain = (intake.channels, intake.window, intake.transform, intake.sheet) == (3, None, None, None)
        if not intake.is_usual and not plain:
            file = f'Path("picture.jpg").read_bytes()  # the file with the SHA-256 {self.digest[:12]}…'
            return f"from pathlib import Path\ncontent = {file}\npixels = {_seen(intake)}.read(content)[None]\n"
        return (
            "from pathlib import Path\n"
            f'picture = xl.read_picture(Path("picture.jpg").read_bytes())  # the file with the SHA-256 {self.digest[:12]}…\n'
            f'pixels = xl.fit_picture(picture, model.input_size, "{self.fit}")[None]\n'
        )


def _window(own: NDArray[np.float64], asked: Window | None) -> Window | None:
    """The window of a picture: as asked, or its own; None for one of 8 bits, which has none."""
    return (asked or (float(own[0]), float(own[1]))) if len(own) else None


def _seen(intake: Intake) -> str:
    """The Python that says how a network sees pictures, given `model`."""
    if intake.is_usual:
        return "model.input_size"
    given = [repr(intake.fit)] if intake.fit != "crop" else []
    return f"model.intake({', '.join([*given, *([] if intake.window is None else [f'window={intake.window}'])])})"


def asked_so_far(model: xl.Model, pixels: Pixels) -> Verdicts:
    """The model's predictions for a set, as far as somebody had it asked; starts nothing."""
    job = server_jobs().find(verdict_request(model, pixels))
    return verdicts_of(None if job is None else job.rows, len(pixels), len(model.classes))


def server_set(cache: xl.ExplainCache) -> PictureSet:
    """The set that the dashboard opens with: the server's folder if it has one."""
    options = server_options()
    if options.images is None:
        return CifarImages(cache)
    return replace(_open_folder(options.images, options.cache), fit=options.fit, asked=options.window)


@lru_cache(maxsize=1)
def _open_folder(path: Path, kept: Path | None) -> FolderImages:
    """Once for all: its files are listed at the start."""
    folder = ImageFolder(path)
    return FolderImages(folder, Thumbnails(folder, cache_folder(kept)))


def _with_window(found: PictureSet, window: Window | None) -> PictureSet:
    return found if window is None or not isinstance(found, FolderImages) else replace(found, asked=window)


def chosen_set(view: View, cache: xl.ExplainCache) -> tuple[PictureSet, tuple[str, ...]]:
    """The set that the view names, and a sentence if it is not there and the server's own stands in for it."""
    name, window = view.pictures, (view.window[0], view.window[1]) if view.window else None
    if name is None:
        return _with_window(server_set(cache), window), ()
    if name == CIFAR10:
        return CifarImages(cache), ()
    if name == FOLDER:
        missing = () if server_options().images else ("set=folder: this server has no folder of pictures.",)
        return _with_window(server_set(cache), window), missing
    if cache.own_pictures.holds(name):
        return OwnPicture(cache, name, view.fit, window), ()
    gone = (
        f"set={name[:12]}…: that picture is not, or no longer, on this server: visitors' pictures stay in its memory only "
        f"until it restarts or needs the room. Once somebody uploads the file again, the address works again."
    )
    return server_set(cache), (gone,)
