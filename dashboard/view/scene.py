"""The scene that a page draws: the view, with the model, the pictures and the predictions that it names."""

import shlex
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.picture_sets import OwnPicture, Pictures, PictureSet, server_set
from dashboard.view.server_options import server_options
from dashboard.view.view import (
    CIFAR10,
    View,
    chosen_drawing,
    chosen_layer,
    cover_fill,
    explained,
    explained_box,
    explained_region,
    tasked,
)
from explain_lib.loading.bundled import REGISTRY
from explain_lib.networks.predictions import Predictions, Verdicts, box_of, predict, predicted_places
from explain_lib.networks.task_words import TASK_WORDS, TaskWords, value_words
from explain_lib.passes.outputs import check_finite
from explain_lib.passes.tasks import is_by_place, name_with_task, segments, split_task
from explain_lib.pictures.channels import shown
from explain_lib.pictures.dataset import study_batch
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.selection import spread_images
from explain_lib.pictures.sets import batch_size_of
from explain_lib.receptive_fields.centres import CellCentres, locate_cells, read_cells


@dataclass(frozen=True)
class Said:
    """The network's prediction for one picture: probabilities float32 (classes,), the likeliest class, its probability.

    Of a regression the numbers themselves, and the first output.
    """

    probabilities: NDArray[np.float32]
    predicted: int
    confidence: float


@dataclass(frozen=True)
class Scene:
    """The view, and what it names.

    images: the picture set as the model sees it. predictions: of all of it, as far as the model was asked. final: the class
    that the network of a training predicts at its end, which is explained where the view names none; None outside trainings.
    covers: whether the picked image has those parts covered that the view names, in all that is asked of it.
    """

    view: View
    model: xl.Model
    picture_set: PictureSet
    images: Pictures
    predictions: Predictions | Verdicts
    cache: xl.ExplainCache
    final: int | None = None
    covers: bool = False

    @property
    def is_covered(self) -> bool:
        """Whether parts of the picked image are covered."""
        return self.covers and self.view.cover is not None

    @property
    def whole(self) -> "Scene":
        """The same scene with nothing covered."""
        return replace(self, covers=False) if self.is_covered else self

    @property
    def seen(self) -> NDArray[np.uint8]:
        """The picked image as the network sees it, uint8 (H, W, C)."""
        picked = np.asarray(self.images.pixels[self.view.image])
        return xl.cover_picture(picked, self.view.cover or "", cover_fill(self.view)) if self.covers else picked

    @property
    def bands(self) -> tuple[int, ...] | None:
        """The channels that are shown as red, green and blue, as far as the network has them; None for the usual ones."""
        chosen = self.view.bands
        return chosen if chosen and max(chosen) < self.model.channels else None

    def shown(self, pixels: NDArray[np.uint8]) -> Picture:
        """Pixels of the network, uint8 (..., H, W, C), as they are shown, uint8 (..., H, W, 3)."""
        return shown(pixels, self.bands)

    @property
    def picture(self) -> Picture:
        """The picked image as it is shown, uint8 (H, W, 3)."""
        return self.shown(self.seen)

    @property
    def is_own(self) -> bool:
        """Whether the picked image is one that a visitor sent."""
        return isinstance(self.picture_set, OwnPicture)

    def said(self, image: int) -> Said:
        """The network's prediction for an image; it is asked now if it was not before.

        Raises NetworkError if its scores are not finite.
        """
        if self.is_covered and image == self.view.image:
            found, image = predict(self.model, self.seen[None]), 0
            check_finite(torch.from_numpy(found.logits.copy()))
        elif isinstance(self.predictions, Predictions):
            found = self.predictions
        else:
            found, image = predict(self.model, self.images.pixels[image : image + 1]), 0
            check_finite(torch.from_numpy(found.logits.copy()))
        return Said(found.probabilities[image], int(found.predicted[image]), float(found.confidence[image]))

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of each class for the picked image, float32 (classes,)."""
        return self.said(self.view.image).probabilities

    def value(self, index: int) -> str:
        """What is said of a class for the picked image, in words: its probability, or its number."""
        return value_words(float(self.probabilities[index]), self.model.task, unit=self.model.unit)

    @property
    def task_words(self) -> TaskWords:
        """How the model's task is spoken of."""
        return TASK_WORDS[self.model.task]

    @property
    def predicted(self) -> int:
        """The class that the model predicts for the picked image."""
        return self.said(self.view.image).predicted

    @property
    def class_target(self) -> xl.Target:
        """The target that is explained of the picked image, wherever that is."""
        return explained(self.view, self.whole.predicted if self.final is None else self.final)

    @property
    def target_of_all(self) -> xl.Target | None:
        """The target that is explained of each of many images; None for the predicted class of each."""
        return None if self.view.target is None else replace(self.class_target, region=self.region)

    @property
    def target(self) -> xl.Target:
        """The target that is explained of the picked image; with parts covered, still that of the whole.

        Raises TargetError where a network that segments predicts the class nowhere in the picture.
        """
        target = self.class_target
        if self.model.task == "detection":
            return replace(target, region=self._box(target.index))
        if not segments(self.model.task):
            return target
        region = self.region or self._predicted_region(target.index)
        return target if region.kind == "predicted" and not self.is_covered else replace(target, region=region)

    @property
    def places(self) -> xl.Region | xl.Predicted | xl.Box | None:
        """Where the picked image is explained, whichever class is; None for a task without places."""
        target = self.target
        return None if not is_by_place(self.model.task) else target.region or xl.Predicted(target.index)

    @property
    def region(self) -> xl.Region | None:
        """The pixel or the cells over which a class is explained; None for where it is predicted."""
        return explained_region(self.view, self.model)

    @property
    def asked(self) -> xl.Target | int | None:
        """What is asked of the picked image where the predicted class need not be known: the class of the view, None for the
        predicted one; of a network that segments or detects, the target.
        """
        return self.target if is_by_place(self.model.task) else self.view.target

    def _box(self, index: int) -> xl.Box:
        """The box of a class in the picked image, with nothing covered: the one of the view, or the best one."""
        try:
            return box_of(self.model, self.whole.seen[None], index, explained_box(self.view, self.model))
        except xl.InputError as error:
            raise xl.TargetError(f"{error}; in {self.whole.name}") from error

    def _predicted_region(self, index: int) -> xl.Region:
        """Where a class is predicted in the picked image, with nothing covered."""
        places = predicted_places(self.model, self.whole.seen[None])
        if not places.present[0, index].any():
            raise xl.TargetError(
                f"target: {self.model.classes[index]} is predicted nowhere in {self.whole.name}, so there is no region to "
                "explain; a class that is, a clicked pixel or a painted region would be right"
            )
        return places.region(0, index)

    @property
    def layer(self) -> str:
        """The layer of the view, the usual one where it names none or one that the model lacks."""
        return chosen_layer(self.view, self.model)

    @property
    def drawing(self) -> xl.Drawing:
        """The drawing of maps over pictures that the view names."""
        return chosen_drawing(self.view)

    def centres(self, layer: str, *, measure: bool = True) -> CellCentres | None:
        """Where the cells of a layer are drawn; None where they are stretched, as the view says or as nobody can tell.

        measure: whether they may be measured where they cannot be read, which takes some 50 passes of the network.
        """
        if self.view.placement == "stretched":
            return None
        return locate_cells(self.model, layer) if measure else read_cells(self.model, layer)

    @property
    def offered_layers(self) -> tuple[str, ...]:
        """The layers on offer: the main ones, or every one with a grid; the chosen one is always among them."""
        names, layer = self.model.explained_layers if self.view.modules == "all" else self.model.main_layers, self.layer
        return tuple(name for name in self.model.spatial_layers if name in names or name == layer)

    def command(self, name: str, sample: int, *words: str) -> str | None:
        """The command that measures a sample of the set from a terminal; None where it does not have model and task.

        name: of the command. sample: how many images. words: the rest of its options.
        """
        model, options = self.view.model, server_options()
        named = ("--model", model) if model in REGISTRY else options.model_words.get(model)
        if named is None or self.view.task is not None:
            return None
        tests = self.of_set().picture_set.address == CIFAR10
        images = ("--images", f"0-{sample - 1}") if tests else ("--images", str(options.images), "--sample", str(sample))
        return "python -m explain_lib " + shlex.join((name, *named, *images, *words))

    @property
    def model_name(self) -> str:
        """The name of the model, with its task where the view names one."""
        return name_with_task(self.view.model, self.view.task if tasked(self.model, self.view).task == self.view.task else None)

    def load_call(self, name: str) -> str:
        """Python that loads the model of that name, which may have a task."""
        usual, task = split_task(name)
        own = self.cache.own_models.known(usual)
        call = f"xl.load_model({usual!r})" if own is None else own.python
        return call if task is None else f"{call}.with_task({task!r})"

    def true_class(self, image: int) -> str | None:
        """The name of an image's true class, None if it is not known."""
        label = int(self.images.labels[image])
        return None if label < 0 else self.images.classes[label]

    def words(self, image: int) -> str:
        """An image by its number, or what else it is known by, as the beginning of a sentence: "Test image 3"."""
        words = self.picture_set.words(image)
        return words[0].upper() + words[1:]

    @property
    def name(self) -> str:
        """The picked image in the middle of a sentence: "image 3", "your picture", "image 3 with parts covered"."""
        covered = " with parts covered" if self.is_covered else ""
        return self.picture_set.words(self.view.image).removeprefix("test ") + covered

    def batch(self, image: int) -> slice:
        """The images that are run together where a setting looks at the batch."""
        own = slice(image, image + 1)
        return own if self.is_own or batch_size_of(self.images.pixels) == 1 else study_batch(image)

    def with_image(self, image: int) -> "Scene":
        """The same scene with another image picked, of the server's set if the one on screen is a visitor's.

        Raises InputError for a number that the set does not have.
        """
        scene = self.of_set()
        if image >= len(scene.images.labels):
            where, last = scene.picture_set.title, len(scene.images.labels) - 1
            raise xl.InputError(f"image: there is no {image:,} in {where}; a number from 0 to {last:,} would be right")
        return replace(scene, view=replace(scene.view, image=image, cover=None, region=None))

    def with_model(self, name: str) -> "Scene":
        """The same scene with another model; its predicted class is the target where it has other classes."""
        same = tasked(self.cache.model(name), self.view).classes == self.model.classes
        view = replace(self.view, model=name)
        view = view if same else replace(view, target=None, minus=None, plus=())
        if self.cache.model(name).input_size != self.model.input_size:
            view = replace(view, region=None)
        return replace(make_scene(view, self.picture_set, self.cache), covers=self.covers)

    def with_set(self, picture_set: PictureSet) -> "Scene":
        """The same scene with another set of pictures; the first image if it has not as many."""
        name = None if picture_set == server_set(self.cache) else picture_set.address
        region = self.view.region if name == self.view.pictures else None
        made = make_scene(replace(self.view, pictures=name, region=region), picture_set, self.cache)
        fits = made.view.image < len(made.images.labels)
        return made if fits else replace(made, view=replace(made.view, image=0))

    def of_set(self) -> "Scene":
        """The scene itself, or with the server's set if the picked image is a visitor's."""
        return self.with_set(server_set(self.cache)) if self.is_own else self


def make_scene(view: View, picture_set: PictureSet, cache: xl.ExplainCache) -> Scene:
    """The scene of a view, whose model and pictures exist."""
    model = tasked(cache.model(view.model), view)
    images = picture_set.pictures(model)
    predictions = picture_set.predictions(view.model, model, images.pixels)
    drawn = replace(view, image=0) if isinstance(picture_set, OwnPicture) else view
    return Scene(drawn, model, picture_set, images, predictions, cache)


# Section: the sample of a set


def sample_scene(scene: Scene) -> tuple[Scene, NDArray[np.int64]]:
    """The scene with the set that samples are of, and the positions of the view's sample in it, int64 (K,).

    Test images are in no particular order, and the first are taken; a folder goes class by class, and images are taken from
    all over it.
    """
    around = scene.of_set()
    count = len(around.images.labels)
    sample = min(scene.view.sample, count)
    if around.picture_set.address == CIFAR10:
        return around, np.arange(sample)
    return around, spread_images(sample, count)


def sample_words(scene: Scene, images: NDArray[np.int64]) -> str:
    """The sample in words, as the beginning of a sentence."""
    if scene.picture_set.address == CIFAR10:
        return f"Test images 0 to {len(images) - 1:,}"
    return f"{len(images):,} images from all over {scene.picture_set.title}"
