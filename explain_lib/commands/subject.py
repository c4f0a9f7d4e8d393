"""The model and the pictures that a command is about, bundled or the caller's own."""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.words import few_names
from explain_lib.commands.interruption import rows_until_stopped
from explain_lib.loading.architectures import is_architecture
from explain_lib.loading.bundled import DEFAULT_MODEL, REGISTRY, load_model
from explain_lib.loading.model_options import MODEL_HELP, add_model_options, named_models
from explain_lib.loading.own import load_own
from explain_lib.networks.model import Model
from explain_lib.networks.requests import Request, Rows
from explain_lib.pictures.dataset import fit_labels
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.selection import parse_images, spread_images
from explain_lib.pictures.sets import Pixels
from explain_lib.work.cache import ExplainCache

SAMPLE = 500
"""So many pictures are measured where no number is given."""
_NUMBERS = re.compile(r"all|[\d\s,-]+")


def add_subject_options(parser: argparse.ArgumentParser, images: str | None, *, samples: int = 0) -> None:
    """Add the options that name model and pictures.

    images: the test images by default; None for a command without pictures. samples: how many pictures of a folder are taken
    where no number is given; 0 for a command that takes all.
    """
    add_model_options(parser, f"a bundled model ({DEFAULT_MODEL} by default), {MODEL_HELP}")
    if images is not None:
        parser.add_argument(
            "--images",
            nargs="+",
            default=[],
            metavar="IMAGES",
            help=f"CIFAR-10 test images: all, or numbers and ranges such as 0-999,2000 (default: {images}); or your own "
            f"folder, with or without one subfolder per class, and then numbers and ranges of its pictures",
        )
    if samples:
        parser.add_argument(
            "--sample", type=int, metavar="N", help=f"number of pictures from all over a folder (default: {samples})"
        )
        parser.set_defaults(usual_sample=samples)


@dataclass(frozen=True)
class NamedModel:
    """A model with its name, whether it is bundled, and the Python that loads it."""

    name: str
    model: Model
    bundled: bool
    python: str


@dataclass(frozen=True)
class Subject:
    """A model and a set of pictures.

    pixels: uint8 (N, H, W, 3), of the model's input size. labels: int64 (N,), positions in `classes`, -1 for a picture
    without a class. classes: the model's, then those that only the set has. images: int64 (K,), the chosen positions. folder:
    None for the test images.
    """

    named: NamedModel
    pixels: Pixels
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    images: NDArray[np.int64]
    folder: ImageFolder | None

    @property
    def model(self) -> Model:
        """The model."""
        return self.named.model

    @property
    def usual_layer(self) -> str:
        """The last conv layer; of a network without any, the last layer with a grid."""
        return (self.model.conv_layers or self.model.spatial_layers)[-1]

    @property
    def python(self) -> str:
        """Python that sets `pixels`, given `model`."""
        if self.folder is None:
            return "pixels = xl.ExplainCache().fitted_images(model.intake())  # the CIFAR-10 test images\n"
        call = f"xl.ImageFolder(Path({str(self.folder.path)!r})).pixels(model.intake())"
        return f"from pathlib import Path\npixels = {call}\n"

    def say_unreadable(self) -> None:
        """Say on the standard error which pictures could not be read."""
        broken = {} if self.folder is None else self.folder.unreadable
        if self.folder is not None and broken:
            said = [f"{self.folder.files[place]} ({why})" for place, why in broken.items()]
            print(f"explain_lib: left out, since they cannot be read: {few_names(said, 3)}", file=sys.stderr)


def find_model(options: argparse.Namespace, device: str = "cpu") -> NamedModel:
    """The model of the options; what was assumed of one that is not bundled is said on the standard error.

    Raises InputError, DataError or NetworkError as load_model and load_own_model do.
    """
    own = named_models(options)
    name = options.model or (own[0].name if own else DEFAULT_MODEL)
    chosen = next((one for one in own if one.name == name), None)
    if chosen is None:
        return NamedModel(name, load_model(name, device), bundled=True, python=f"xl.load_model({name!r})")
    if not is_architecture(chosen.architecture):
        bundled = ", ".join(REGISTRY)
        raise InputError(f"model: unknown model {name!r}; a bundled one ({bundled}), {MODEL_HELP} would be right")
    loaded = load_own(chosen, device)
    if loaded.assumed:
        print(f"explain_lib: {loaded.assumed}", file=sys.stderr)
    return NamedModel(name, loaded.model, bundled=False, python=loaded.python)


def find_subject(options: argparse.Namespace, usual: str, *, device: str = "cpu") -> Subject:
    """The model and the pictures of the options.

    usual: the test images if none are named; of a folder it is all pictures, or a sample for a command that takes one. Raises
    what find_model raises, and InputError for pictures that are not there.
    """
    named = find_model(options, device)
    numbers = [text for text in options.images if _NUMBERS.fullmatch(text)]
    folders = [text for text in options.images if not _NUMBERS.fullmatch(text)]
    if len(numbers) > 1 or len(folders) > 1:
        raise InputError(f"images: {' '.join(options.images)}; a folder, a selection such as 0-99,200, or both would be right")
    if folders:
        folder = ImageFolder(Path(folders[0]))
        labels, classes = fit_labels(folder.labels, folder.classes, named.model.classes)
        count = len(folder)
        chosen = parse_images(numbers[0], count) if numbers else spread_images(_sample(options, count), count)
        return Subject(named, folder.pixels(named.model.intake()), labels, classes, chosen, folder)
    cache = ExplainCache()
    images = cache.images()
    labels, classes = fit_labels(images.labels, images.classes, named.model.classes)
    chosen = parse_images(numbers[0] if numbers else usual, len(labels))
    return Subject(named, cache.fitted_images(named.model.intake()), labels, classes, chosen, None)


def find_sample(options: argparse.Namespace, usual: str = f"0-{SAMPLE - 1}") -> Subject:
    """The subject of a measurement over many pictures, which leaves cores to others; see find_subject."""
    spare_cores()
    return find_subject(options, usual)


def find_rows(subject: Subject, request: Request[Rows]) -> Rows | None:
    """The rows of a request under a progress bar; None where Ctrl-C ended it, which is printed. Says what cannot be read."""
    parts, stopped = rows_until_stopped(request)
    if stopped:
        return None
    subject.say_unreadable()
    return request.join(parts)


def _sample(options: argparse.Namespace, count: int) -> int:
    """How many pictures of a folder are taken. Raises InputError for a number below 1."""
    if not hasattr(options, "sample"):
        return count
    if options.sample is not None and options.sample < 1:
        raise InputError(f"sample: {options.sample}; a number from 1 would be right")
    usual: int = options.usual_sample
    return options.sample or usual
