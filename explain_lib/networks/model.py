"""A model: a network with everything needed to run and explain it."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explain_lib.base.errors import InputError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint
from explain_lib.base.sheets import Sheet
from explain_lib.base.words import few_names, list_names
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.weights import check_finite_weights, model_digest, network_device, weight_stamp
from explain_lib.passes.capture import reach
from explain_lib.passes.forwarded import run_by, sheet_of
from explain_lib.passes.graph import NetworkGraph, read_graph
from explain_lib.passes.layouts import shape_words
from explain_lib.passes.outputs import Outputs, Read, has_two_classes
from explain_lib.passes.running import run_alone
from explain_lib.passes.sharing import exclusive
from explain_lib.passes.stages import Part, best_layers, deepest_layers, layer_parts
from explain_lib.passes.targets import AnyTarget, Targets, expand_targets, settled
from explain_lib.passes.tasks import GIVEN, Task, segments, usual_names
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.files import Fit, Window
from explain_lib.pictures.intake import Intake, PictureTransform
from explain_lib.pictures.pixels import Images, as_batch, check_images, check_pixels, rounded_pixels, to_input, to_pixels
from explain_lib.pictures.sets import Pixels, check_set

PREDICT_BATCH, PREDICT_NUMBERS = 256, 2**21
MOST_SCORES = 2**25
"""So many scores at the places of several pictures are held at once: 128 MiB."""


ChannelOrder = Literal["RGB", "BGR"]


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its classes, input and layers.

    input_size: (height, width) of the pictures; of volumes and signals that of their sheets. mean, std: of each channel in the
    order of the network, for pixels scaled to [0, 1]. layers: every call of every module, in the order of the forward pass.
    architecture: the network as printed. card: None for a network that is not bundled. channel_order: in which order the
    network takes red, green and blue. transform: from a picture of any size to the network's input, None for Resize and
    CenterCrop. outputs: how scores are read from its output.
    task_source: how the task was decided, as the end of a sentence.
    """

    network: nn.Module
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layers: tuple[LayerTrace, ...]
    architecture: str
    card: ModelCard | None = None
    channel_order: ChannelOrder = "RGB"
    transform: PictureTransform | None = None
    outputs: Outputs = field(kw_only=True)
    task_source: str = field(default="not given; taken as the usual one", kw_only=True)
    _digests: dict[tuple[int, ...], str] = field(default_factory=dict, repr=False)
    _checked: set[tuple[int, ...]] = field(default_factory=set, repr=False)
    _by_task: dict[Task, "Model"] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def conv_layers(self) -> tuple[str, ...]:
        """Names of the convolutions reached by the forward pass, in its order."""
        return tuple(layer.name for layer in self.layers if layer.is_conv and layer.is_spatial)

    @cached_property
    def spatial_layers(self) -> tuple[str, ...]:
        """Names of all modules whose output is (N, C, h, w), in the order of the forward pass."""
        return tuple(layer.name for layer in self.layers if layer.is_spatial)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The part that each layer with a grid plays, by its name: the end of a stage, the output of a block, and so on."""
        return layer_parts(self.network, self.layers)

    @property
    def main_layers(self) -> tuple[str, ...]:
        """The layers that are worth a look first, in the order of the pass: ends of stages, outputs of blocks, normalisations.

        Convolutions that all paths lead through are among them, layers without influence are not; a bundled network of
        convolutions has its conv layers, one of tokens the outputs of its parts and the default layer. Found as default_layer
        is.
        """
        if self._is_listed:
            return self.conv_layers
        if self.card is not None:
            whole = ("stage end", "block output")
            return tuple(one for one in self.explained_layers if self.parts[one] in whole or one == self.default_layer)
        trunk = {layer.name for layer in self.layers if layer.is_conv and layer.on_trunk}
        found = tuple(name for name in self.explained_layers if self.parts[name] != "inner" or name in trunk)
        return found or tuple(name for name in self.conv_layers if name in self.explained_layers) or self.explained_layers

    @property
    def explained_layers(self) -> tuple[str, ...]:
        """The layers with a grid to which a gradient comes back; all of a bundled network of convolutions."""
        return self.spatial_layers if self._is_listed else tuple(name for name in self.spatial_layers if name in self._felt)

    @cached_property
    def _is_listed(self) -> bool:
        """Whether it is a bundled network of convolutions, whose layers are known without a pass; tokens need one."""
        return self.card is not None and all(layer.layout is None or layer.layout.is_plain for layer in self.layers)

    @cached_property
    def default_layer(self) -> str:
        """The layer to begin with: the last output of a block with more than one cell and a gradient that is not zero.

        Of a network that segments it is the end of the coarsest grid before the scores of the places; see deepest_layers.
        Where the scores are read from a class token alone, it is the last normalisation before the patches were last read. It
        is found once, from a pass over a picture of noise, forward and back. A bundled network of convolutions keeps its last
        conv layer, at which its tables and all addresses that were given out are. Raises LayerError for a network without a
        grid, NetworkError for one that cannot be run.
        """
        if self._is_listed and self.conv_layers:
            return self.conv_layers[-1]
        if not self.spatial_layers:
            raise LayerError(
                "layers: this network has none whose output has a grid; a network that keeps rows and columns would be right, "
                "or as_model(..., layout=...) to say where they are"
            )
        spatial = self.find_layers(self.spatial_layers)
        with_cells = [layer for layer in reversed(spatial) if layer.grid != (1, 1)]
        convs = [layer for layer in reversed(spatial) if layer.is_conv]
        best = best_layers(self.network, self.layers)
        if segments(self.task):
            best = [*deepest_layers(self.network, self.layers, self.outputs.scores, self.input_size[0]), *best]
        ordered = (*best, *with_cells, *convs, *reversed(spatial))
        return next((layer.name for layer in ordered if self._felt.get(layer.name)), ordered[0].name)

    @cached_property
    def graph(self) -> NetworkGraph:
        """Its modules, what each reads and where paths join, from one pass over noise.

        Raises NetworkError for a network that cannot run while its operations are watched, as a compiled one.
        """
        return read_graph(self.network, self.to_input(noise_pixels(2, self.input_size, self.channels)), self.layers)

    def without_influence(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the layers to which no gradient comes back, found as in default_layer."""
        return tuple(name for name in names if name not in self._felt)

    @cached_property
    def _felt(self) -> dict[str, bool]:
        """Whether the scores change with the cells of a layer, for those to which a gradient comes back, be it 0."""
        batch = self.to_input(noise_pixels(2, self.input_size, self.channels))
        try:
            gradients = self._gradients(batch[:1])
        except NetworkError:  # it may take several pictures only
            gradients = self._gradients(batch)
        return {name: bool(one.count_nonzero()) for name, one in gradients.items() if one is not None}

    def _gradients(self, batch: Tensor) -> dict[str, Tensor | None]:
        """The gradients of the largest scores at each layer with a grid."""

        def largest(output: object) -> Tensor:
            return self.outputs.read(output, len(batch)).largest

        return reach(self.network, batch, [layer for layer in self.layers if layer.is_spatial], largest).gradients

    @property
    def task(self) -> Task:
        """What the scores mean: the classes of a softmax, labels, one logit, or the numbers of a regression."""
        return self.outputs.task

    @property
    def unit(self) -> str:
        """The unit of the numbers of a regression; empty where none was given, and for other tasks."""
        return self.outputs.unit if self.task == "regression" else ""

    def with_task(self, task: Task) -> "Model":
        """The same network under another task, always the same Model for one task; two classes of one logit become one.

        Raises InputError for a task that does not fit the number of scores.
        """
        known = self._by_task.setdefault(self.task, self) if task == self.task else self._by_task.get(task)
        if known is not None:
            return known
        outputs = self.outputs.with_task(task)
        kept = self.classes if outputs.classes == len(self.classes) else names_of(self.classes[-1:], outputs.task, 1)
        made = replace(self, outputs=outputs, classes=kept, task_source=GIVEN)
        object.__setattr__(made, "_by_task", self._by_task)
        self._by_task.setdefault(self.task, self)
        return self._by_task.setdefault(task, made)

    def with_classes(self, classes: Sequence[str]) -> "Model":
        """The same with other names for its classes. Raises InputError for as many as do not fit."""
        return replace(self, classes=names_of(classes, self.task, self.outputs.scores))

    @property
    def channels(self) -> int:
        """The number of channels C of its input: 3 for RGB, 1 for grey."""
        return len(self.mean)

    @property
    def sheet(self) -> Sheet | None:
        """How volumes or signals lie in the pictures that are explained; None for a network of pictures."""
        return sheet_of(self.network)

    @property
    def given_size(self) -> tuple[int, ...]:
        """The input size as as_model takes it: (height, width), (slices, height, width), or (samples,)."""
        return self.input_size if self.sheet is None else self.sheet.size

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return network_device(self.network)

    @property
    def lock(self) -> AbstractContextManager[None]:
        """The lock to hold while the network runs: it excludes other threads from it and from networks that share a module."""
        return exclusive(self.network)

    @property
    def digest(self) -> str:
        """SHA-256 over weights, buffers, printed architecture, mean, std and input size; it changes with any weight.

        Over how the output is read too, where that is not the usual way, and over layouts that were given.
        """
        stamp = weight_stamp(self.network)
        digest = self._digests.get(stamp)
        if digest is None:
            order = () if self.channel_order == "RGB" else (self.channel_order,)
            digest = model_digest(self.network, self.mean, self.std, (*self.given_size, *order))
            self._digests.clear()
            self._digests[stamp] = digest
        given = [f"{layer.name} {layer.layout.mark}" for layer in self.layers if layer.layout is not None and layer.layout.mark]
        key = " ".join(filter(None, (self.outputs.key, *given)))
        return hashlib.sha256(f"{digest} {key}".encode()).hexdigest() if key else digest

    @property
    def identity(self) -> str:
        """The same for models whose results are the same to the last bit."""
        number = run_by(self.network)
        return f"{self.digest} {self.device.type}{'' if number is None else f' {number}'}"

    def check_network(self) -> None:
        """Raise NetworkError if a weight has become NaN or infinite, or if the layers are not those that as_model saw."""
        stamp = weight_stamp(self.network)
        if stamp not in self._checked:
            check_finite_weights(self.network)
            if str(self.network) != self.architecture:
                raise NetworkError("network: its layers changed since as_model, in-place or not included; call as_model again")
            self._checked.clear()
            self._checked.add(stamp)

    def find_layers(self, names: str | Sequence[str] | None) -> tuple[LayerTrace, ...]:
        """The layers of these names, in the order asked; every conv layer for None.

        Raises LayerError for no name, an unknown, repeated or ambiguous one, and for a layer whose output is not (N, C, h, w).
        """
        if names is None:
            names = self.conv_layers
            if not names:
                raise LayerError("layers: the network has no conv layer; name another layer whose output is (N, C, h, w)")
        listed = list_names(names)
        if not listed:
            raise LayerError(f"layers: no layer is named; this network has {self._on_offer}")
        if len(set(listed)) != len(listed):
            raise LayerError(f"layers: {', '.join(map(str, listed))} names a layer twice; once would be right")
        return tuple(self._find_layer(name) for name in listed)

    def _find_layer(self, name: str) -> LayerTrace:
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            raise LayerError(self._why_not(name))
        if not found.is_spatial:
            raise LayerError(
                f"layers: {name!r} gives {_what_it_gives(found)}: {few_names(self.spatial_layers) or 'it has none'}"
            )
        return found

    @property
    def _on_offer(self) -> str:
        """Layers that can be explained, in words."""
        return few_names(self.conv_layers or self.spatial_layers) or "none whose output has a grid"

    def _why_not(self, name: object) -> str:
        calls = [layer.name for layer in self.layers if layer.module == name]
        if calls:
            return f"layers: {name!r} is called {len(calls)} times in a forward pass; name one of {', '.join(calls)}"
        if name and name in dict(self.network.named_modules()):
            return f"layers: {name!r} is not reached by the forward pass; this network has {self._on_offer}"
        return f"layers: unknown layer {name!r}; this network has {self._on_offer}"

    def intake(self, fit: Fit = "crop", window: Window | None = None) -> Intake:
        """How a picture of any size becomes what this network sees; a transform of its own takes the place of the fit."""
        return Intake(self.input_size, self.channels, transform=self.transform, sheet=self.sheet).with_fit(fit, window)

    def expand_targets(self, targets: object, count: int) -> tuple[AnyTarget, ...] | None:
        """One target per image, or None for the predicted classes; see targets.expand_targets, also for the errors."""
        return expand_targets(targets, count, self.classes, self.task)

    def check_pixels(self, pixels: object, argument: str = "pixels") -> NDArray[np.uint8]:
        """The pixels themselves, uint8 (N, H, W, C) of this network. Raises InputError, naming the argument, for others."""
        return check_pixels(pixels, self.input_size, argument, channels=self.channels)

    def check_images(self, images: object) -> Images:
        """Pixels uint8 (N, H, W, C), or a normalised tensor (N, C, H, W), themselves. Raises InputError for anything else."""
        return check_images(images, self.input_size, channels=self.channels)

    def check_set(self, pixels: object) -> Pixels:
        """The set itself, of pictures of this network's size and channels. Raises InputError for anything else."""
        return check_set(pixels, self.input_size, channels=self.channels)

    def as_batch(self, picture: object) -> Images:
        """One picture, uint8 (H, W, C) or a normalised tensor (C, H, W), as a batch. Raises InputError for anything else."""
        return as_batch(picture, self.input_size, channels=self.channels)

    def to_input(self, images: Images, device: torch.device | None = None) -> Tensor:
        """Checked pixels or a tensor as the network's input, float32 (N, C, H, W), on its device or another one.

        A tensor is used as it is, and copied. Raises TooLargeError if there is not enough memory.
        """
        where = self.device if device is None else device
        if isinstance(images, Tensor):
            with enough_memory(f"pixels: a tensor of shape {tuple(images.shape)}"), torch.inference_mode(False):
                return images.detach().to(where, torch.float32, copy=True)
        ordered = images if self.channel_order == "RGB" else images[..., ::-1]
        return to_input(ordered, self.mean, self.std, where)

    def to_pixels(self, batch: Tensor) -> NDArray[np.uint8]:
        """Normalised input (N, C, H, W) as pixels uint8 (N, H, W, C): mean and std taken back, rounded, cut to 0 .. 255."""
        values = to_pixels(batch, self.mean, self.std)
        return rounded_pixels(values if self.channel_order == "RGB" else np.ascontiguousarray(values[..., ::-1]))

    def black(self, count: int = 1) -> Tensor:
        """Black pictures as the network's input, float32 (count, C, H, W)."""
        return self.to_input(np.zeros((count, *self.input_size, self.channels), np.uint8))

    def predict(self, pixels: Images) -> NDArray[np.float32]:
        """Scores float32 (N, classes) of pictures uint8 (N, H, W, C) in batches of 256: logits, or a regression's numbers.

        Of a segmentation the shares of the picture where each class has the largest score, in smaller batches.

        pixels: RGB for three channels; or a float tensor (N, C, H, W) that is normalised already. Raises InputError for others
        and NetworkError if the network cannot run on them.
        """
        self.check_images(pixels)
        self.check_network()
        at_once = self._at_once
        batches = (pixels[start : start + at_once] for start in range(0, len(pixels), at_once))
        logits = [self.run_input(self.to_input(batch)).cpu().numpy() for batch in batches]
        return np.concatenate(logits, dtype=np.float32)

    @property
    def _at_once(self) -> int:
        """How many pictures go through the network together; fewer where each has many scores, or many slices."""
        rows, columns = self.outputs.places or (1, 1)
        most = PREDICT_BATCH if self.sheet is None else PREDICT_NUMBERS // (self.input_size[0] * self.input_size[1])
        return max(1, min(PREDICT_BATCH, most, MOST_SCORES // (len(self.classes) * rows * columns)))

    def settled_targets(self, pixels: Images, targets: Targets) -> tuple[AnyTarget, ...]:
        """One target for each picture, as grad_cam explains it, with the regions of a segmentation found in the whole picture.

        pixels, targets, errors: as in grad_cam.
        """
        self.check_images(pixels)
        given, found = self.expand_targets(targets, len(pixels)), list[AnyTarget]()
        self.check_network()
        for start in range(0, len(pixels), self._at_once):
            some = slice(start, start + self._at_once)
            found += settled(self.read_input(self.to_input(pixels[some])), None if given is None else given[some])
        return tuple(found)

    def run_input(self, batch: Tensor) -> Tensor:
        """Scores (N, classes), without gradients, of normalised input float32 (N, C, H, W), in one pass; see read_input."""
        return self.read_input(batch).scores

    def read_input(self, batch: Tensor) -> Read:
        """What is read of the output for normalised input float32 (N, C, H, W), without gradients, in one pass.

        Once the model's lock is held, the run may end the pass; see checkpoint. Raises NetworkError as predict does.
        """
        with self.lock:
            checkpoint()
            return self.outputs.read(run_alone(self.network, batch), len(batch)).detached()


def _what_it_gives(layer: LayerTrace) -> str:
    """The output of a layer without a grid, and what would be right, in words."""
    if layer.steers:
        return "a gate or a position for other layers, not cells; a layer that gives cells would be right"
    gives = shape_words(layer.shape)
    if len(layer.shape) in (2, 3):
        given = f"as_model(..., layout={{{layer.name!r}: 'tokens'}})"
        return f"{gives}, and it is unknown which axes are its grid; {given}, or another layer, would be right"
    return f"{gives}; a layer that gives (N, C, h, w) would be right"


def check_model(model: object) -> Model:
    """The model itself. Raises InputError for anything else."""
    if not isinstance(model, Model):
        raise InputError(f"model: a {type(model).__name__}; a Model, from load_model or as_model, would be right")
    return model


def of_pictures(model: object, what: str) -> Model:
    """The model itself, where it takes pictures. Raises InputError for one of volumes or signals, naming what is not for it."""
    checked = check_model(model)
    if checked.sheet is not None:
        kind = "volumes" if checked.sheet.is_volume else "signals"
        raise InputError(f"model: it takes {kind}, and {what} for networks of pictures; one of these would be right")
    return checked


def noise_pixels(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Pictures of noise, always the same, uint8 (count, H, W, C)."""
    return np.random.default_rng(0).integers(0, 256, (count, *size, channels), np.uint8)


def names_of(classes: Sequence[str] | None, task: Task, scores: int) -> tuple[str, ...]:
    """A name for each class. Raises InputError for as many as do not fit."""
    if classes is None:
        return usual_names(task, scores)
    if has_two_classes(task) and scores == 1 and len(classes) == 1:
        return f"not {classes[0]}", classes[0]
    right = 2 if has_two_classes(task) and scores == 1 else scores
    if len(classes) != right:
        raise InputError(f"classes: {len(classes)} names; {right} would be right, as the network's task is {task}")
    return tuple(classes)
