"""A model: a network with everything needed to run and explain it, its checks and its digest."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from explain_lib.base.errors import InputError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint
from explain_lib.base.words import few_names, list_names
from explain_lib.networks.cards import ModelCard
from explain_lib.passes.capture import reach
from explain_lib.passes.forwarded import Forward, Forwarded, run_by
from explain_lib.passes.layouts import Layouts, checked_layouts, shape_words
from explain_lib.passes.outputs import Found, Output, Outputs, Read, check_output, find_scores
from explain_lib.passes.running import run_alone
from explain_lib.passes.sharing import exclusive, modules_of
from explain_lib.passes.stages import Part, best_layers, layer_parts
from explain_lib.passes.targets import AnyTarget, Target, expand_classes, expand_targets
from explain_lib.passes.tasks import GIVEN, Task, decide_task, usual_names
from explain_lib.passes.tracing import LayerTrace, trace
from explain_lib.pictures.files import Fit, Window
from explain_lib.pictures.intake import Function, Intake, PictureTransform, normalisation_of
from explain_lib.pictures.pixels import Images, as_batch, check_images, check_pixels, rounded_pixels, to_input, to_pixels
from explain_lib.pictures.sets import Pixels, check_set

PREDICT_BATCH = 256
ChannelOrder = Literal["RGB", "BGR"]


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its classes, input and layers.

    input_size: (height, width) of the pictures. mean, std: of each channel in the order of the network, for pixels scaled to
    [0, 1]. layers: every call of every module, in the order of the forward pass. architecture: the network as printed. card:
    None for a network that is not bundled. channel_order: in which order the network takes red, green and blue. transform: from
    a picture of any size to the network's input, None for Resize and CenterCrop. outputs: how scores are read from its output.
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

    @property
    def conv_layers(self) -> tuple[str, ...]:
        """Names of the convolutions reached by the forward pass, in its order."""
        return tuple(layer.name for layer in self.layers if layer.is_conv and layer.is_spatial)

    @property
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

        Convolutions that all paths lead through are among them, layers without influence are not; a bundled network has its
        conv layers. Found as default_layer is.
        """
        if self.card is not None:
            return self.conv_layers
        trunk = {layer.name for layer in self.layers if layer.is_conv and layer.on_trunk}
        found = tuple(name for name in self.explained_layers if self.parts[name] != "inner" or name in trunk)
        return found or tuple(name for name in self.conv_layers if name in self.explained_layers) or self.explained_layers

    @property
    def explained_layers(self) -> tuple[str, ...]:
        """The layers with a grid to which a gradient comes back; all of a bundled network."""
        return (
            self.spatial_layers if self.card is not None else tuple(name for name in self.spatial_layers if name in self._felt)
        )

    @cached_property
    def default_layer(self) -> str:
        """The layer to begin with: the last output of a block with more than one cell and a gradient that is not zero.

        Where the scores are read from a class token alone, it is the last normalisation before the patches were last read. It
        is found once, from a pass over a picture of noise, forward and back. A bundled network keeps its last conv layer, at
        which its tables and all addresses that were given out are. Raises LayerError for a network without a grid,
        NetworkError for one that cannot be run.
        """
        if self.card is not None and self.conv_layers:
            return self.conv_layers[-1]
        spatial = self.find_layers(self.spatial_layers)
        with_cells = [layer for layer in reversed(spatial) if layer.grid != (1, 1)]
        convs = [layer for layer in reversed(spatial) if layer.is_conv]
        ordered = (*best_layers(self.network, self.layers), *with_cells, *convs, *reversed(spatial))
        return next((layer.name for layer in ordered if self._felt.get(layer.name)), ordered[0].name)

    def without_influence(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the layers to which no gradient comes back, found as in default_layer."""
        return tuple(name for name in names if name not in self._felt)

    @cached_property
    def _felt(self) -> dict[str, bool]:
        """Whether the scores change with the cells of a layer, for those to which a gradient comes back, be it 0."""
        batch = self.to_input(_noise(2, self.input_size, self.channels))
        try:
            gradients = self._gradients(batch[:1])
        except NetworkError:  # it may take several pictures only
            gradients = self._gradients(batch)
        return {name: bool((one != 0).any()) for name, one in gradients.items() if one is not None}

    def _gradients(self, batch: Tensor) -> dict[str, Tensor | None]:
        """The gradients of the largest scores at each layer with a grid."""

        def largest(output: object) -> Tensor:
            return self.outputs.read(output, len(batch)).scores.amax(1).sum()

        return reach(self.network, batch, [layer for layer in self.layers if layer.is_spatial], largest).gradients

    @property
    def task(self) -> Task:
        """What the scores mean: the classes of a softmax, labels, one logit, or the numbers of a regression."""
        return self.outputs.task

    def with_task(self, task: Task) -> "Model":
        """The same network under another task, always the same Model for one task; two classes of one logit become one.

        Raises InputError for a task that does not fit the number of scores.
        """
        known = self._by_task.setdefault(self.task, self) if task == self.task else self._by_task.get(task)
        if known is not None:
            return known
        outputs = self.outputs.with_task(task)
        kept = self.classes if outputs.classes == len(self.classes) else _names_of(self.classes[-1:], outputs.task, 1)
        made = replace(self, outputs=outputs, classes=kept, task_source=GIVEN)
        object.__setattr__(made, "_by_task", self._by_task)
        self._by_task.setdefault(self.task, self)
        return self._by_task.setdefault(task, made)

    def with_classes(self, classes: Sequence[str]) -> "Model":
        """The same with other names for its classes. Raises InputError for as many as do not fit."""
        return replace(self, classes=_names_of(classes, self.task, self.outputs.scores))

    @property
    def channels(self) -> int:
        """The number of channels C of its input: 3 for RGB, 1 for grey."""
        return len(self.mean)

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
            digest = model_digest(self.network, self.mean, self.std, (*self.input_size, *order))
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
            _check_finite(self.network)
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
            raise LayerError(f"layers: no layer is named; this network has {few_names(self.conv_layers)}")
        if len(set(listed)) != len(listed):
            raise LayerError(f"layers: {', '.join(map(str, listed))} names a layer twice; once would be right")
        return tuple(self._find_layer(name) for name in listed)

    def _find_layer(self, name: str) -> LayerTrace:
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            raise LayerError(self._why_not(name))
        if not found.is_spatial:
            raise LayerError(f"layers: {name!r} gives {_what_it_gives(found)}: {few_names(self.spatial_layers)}")
        return found

    def _why_not(self, name: object) -> str:
        calls = [layer.name for layer in self.layers if layer.module == name]
        if calls:
            return f"layers: {name!r} is called {len(calls)} times in a forward pass; name one of {', '.join(calls)}"
        if name and name in dict(self.network.named_modules()):
            return f"layers: {name!r} is not reached by the forward pass; this network has {few_names(self.conv_layers)}"
        return f"layers: unknown layer {name!r}; this network has {few_names(self.conv_layers or self.spatial_layers)}"

    def intake(self, fit: Fit = "crop", window: Window | None = None) -> Intake:
        """How a picture of any size becomes what this network sees; a transform of its own takes the place of the fit."""
        return Intake(self.input_size, self.channels, transform=self.transform).with_fit(fit, window)

    def expand_targets(self, targets: object, count: int) -> tuple[AnyTarget, ...] | None:
        """One target per image, or None for the predicted classes; see targets.expand_targets, also for the errors."""
        return expand_targets(targets, count, self.classes, self.task)

    def expand_classes(self, targets: object, count: int) -> tuple[Target, ...] | None:
        """The same for what needs classes: TargetError for a function of the output too."""
        return expand_classes(targets, count, self.classes, self.task)

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

        pixels: RGB for three channels; or a float tensor (N, C, H, W) that is normalised already. Raises InputError for others
        and NetworkError if the network cannot run on them.
        """
        self.check_images(pixels)
        self.check_network()
        batches = (pixels[start : start + PREDICT_BATCH] for start in range(0, len(pixels), PREDICT_BATCH))
        logits = [self.run_input(self.to_input(batch)).cpu().numpy() for batch in batches]
        return np.concatenate(logits, dtype=np.float32)

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
        return "a gate for other layers, or where they are looked at, and no map; a layer that gives cells would be right"
    gives = shape_words(layer.shape)
    if len(layer.shape) in (2, 3):
        given = f"as_model(..., layout={{{layer.name!r}: 'tokens'}})"
        return f"{gives}, and it cannot be told which axes are its grid; {given}, or another layer, would be right"
    return f"{gives}; a layer that gives (N, C, h, w) would be right"


def network_device(network: nn.Module) -> torch.device:
    """The device of the weights of a network; the CPU for one without any."""
    return next((tensor.device for _, tensor in named_tensors(network)), torch.device("cpu"))


def check_model(model: object) -> Model:
    """The model itself. Raises InputError for anything else."""
    if not isinstance(model, Model):
        raise InputError(f"model: a {type(model).__name__}; a Model, from load_model or as_model, would be right")
    return model


def _check_finite(network: nn.Module) -> None:
    broken = not_finite(network)
    if broken:
        raise NetworkError(f"network: {few_names(broken, 3)} holds NaN or infinity; load weights that are finite")


def as_model(
    network: nn.Module,
    *,
    classes: Sequence[str] | None = None,
    input_size: tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    card: ModelCard | None = None,
    value_range: float = 1,
    channel_order: ChannelOrder = "RGB",
    transform: Function | PictureTransform | None = None,
    forward: Forward | None = None,
    layout: Layouts = None,
    output: Output | None = None,
    task: Task | None = None,
) -> Model:
    """The caller's network as a Model. Runs it on black pictures, and changes nothing in it.

    classes: one name for each score; for one logit two, against and for, or the latter alone; None for numbers. input_size:
    (height, width); None for that of the transform. mean, std: one number for each channel of the input, in the network's
    order, for pixels in [0, 1]; None for those of the transform's last Normalize. value_range: 255 if the network takes pixels
    in [0, 255], for which mean and std are meant then. channel_order: "BGR" for a network that takes blue first; pixels stay
    RGB. transform: a function from a PIL picture, or an array uint8 (H, W, C), to the input of one picture, a float tensor (C,
    height, width), for pictures of any size; see prepare. forward: a function of the batch float32 (N, C, height, width) that
    calls the network, for one that needs more than that; Model.network is then a module with the same parts.

    layout: how outputs of layers become (N, C, h, w), where that is not seen from the pass: by the names of layers,
    "channels-first", "channels-last", "tokens" or a function; or one function for all, as a reshape_transform of the package
    grad-cam. output: the part of the network's output that holds the scores (N, classes), its name, its place, or a function
    that makes them of the output; None for the part that fits. task: "softmax"; "binary", one logit; "sigmoid", labels that do
    not exclude each other; "regression"; None for what is known of the network, or the number of its scores suggests: see
    task_source.

    Raises InputError for an argument of the wrong form, NetworkError if the network is not float32, holds NaN, cannot run on a
    batch (N, C, height, width) or returns nothing that is a score for each class.
    """
    if not isinstance(network, nn.Module):
        raise InputError(f"network: a {type(network).__name__}; a torch.nn.Module would be right")
    size, (shift, scale), tried = _checked_input(input_size, mean, std, value_range, transform, channel_order)
    if classes is not None and not _are_names(classes):
        raise InputError("classes: one name, as text, for each output of the network would be right")
    if channel_order not in get_args(ChannelOrder) or (channel_order == "BGR" and len(shift) != 3):
        raise InputError(f"channel_order: {channel_order!r}; RGB, or BGR for three channels, would be right")
    _check_precision(network)
    _check_takes_gradients(network)
    _check_finite(network)
    ran, chosen = _run_by(network, forward), check_output(output)
    device = network_device(ran)
    black = to_input(np.zeros((2, *size, len(shift)), np.uint8), shift, scale, device)
    try:
        layers, given, count = _traced(ran, black, checked_layouts(layout, ran))
        found = _find_scores(given, count, classes, chosen)
    except NetworkError as error:
        kind = convolves_no_pictures(ran)
        if kind is None:
            raise
        raise NetworkError(
            f"network: its convolutions are of the kind {kind}, and pictures are (N, {len(shift)}, height, width); a network "
            f"with Conv2d would be right, or forward=, which makes of pictures what it takes ({error})"
        ) from error
    scores = int(found.scores.shape[1])
    decided = decide_task(task, scores, network)
    names = _names_of(classes, decided.task, scores)
    outputs = Outputs(len(names), decided.task, chosen, found.note)
    if bool(found.scores.isnan().all()):  # black pictures have no contrast, which some networks divide by
        noise = to_input(_noise(count, size, len(shift)), shift, scale, device)
        outputs.read(run_alone(ran, noise), count)
    return Model(
        ran, names, size, shift, scale, layers, str(ran), card, channel_order, tried, outputs=outputs, task_source=decided.why
    )


def _run_by(network: nn.Module, forward: Forward | None) -> nn.Module:
    """The network, run by the function if there is one."""
    if forward is None:
        return network
    if not callable(forward):
        raise InputError(f"forward: a {type(forward).__name__}; a function of the batch would be right")
    return Forwarded(network, forward)


def _noise(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Pictures of noise, always the same, uint8 (count, H, W, C)."""
    return np.random.default_rng(0).integers(0, 256, (count, *size, channels), np.uint8)


def _checked_input(
    input_size: tuple[int, int] | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    value_range: float,
    transform: Function | PictureTransform | None,
    channel_order: ChannelOrder,
) -> tuple[tuple[int, int], tuple[tuple[float, ...], tuple[float, ...]], PictureTransform | None]:
    """The input size, mean and std for pixels in [0, 1], and the transform, which gives what is missing."""
    if isinstance(value_range, bool) or not isinstance(value_range, int | float) or not 0 < value_range < float("inf"):
        raise InputError(f"value_range: {value_range!r}; 1, or 255 for pixels from 0 to 255, would be right")
    function = transform.function if isinstance(transform, PictureTransform) else transform
    if function is not None and not callable(function):
        raise InputError(f"transform: a {type(function).__name__}; a function from a picture to a tensor would be right")
    found = None if function is None else normalisation_of(function)
    if mean is None and std is None and found is not None:
        mean, std = found
    if mean is None or std is None:
        where = "" if function is None else ", since no Normalize is found in the transform"
        raise InputError(f"{'mean' if mean is None else 'std'}: missing{where}; one number for each channel would be right")
    shift, scale = checked_normalisation(mean, std)
    if value_range != 1:
        shift, scale = (tuple(one / value_range for one in values) for values in (shift, scale))
    blue_first = channel_order == "BGR"
    tried = None if function is None else PictureTransform(function, shift, scale, blue_first=blue_first).tried()
    given = tried.size if input_size is None and tried is not None else input_size
    size = checked_size(given)
    if tried is not None and tried.size != size:
        raise InputError(f"input_size: {size}; {tried.size}, as the transform makes it, would be right")
    return size, (shift, scale), tried


def convolves_no_pictures(network: nn.Module) -> str | None:
    """Conv1d or Conv3d, if the network has convolutions of that kind and none over pictures; else None."""
    kinds = [type(module).__name__ for module in network.modules() if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    return kinds[0] if kinds and "Conv2d" not in kinds else None


def _traced(network: nn.Module, batch: Tensor, layouts: Layouts) -> tuple[tuple[LayerTrace, ...], object, int]:
    """The layers, the output, and how many pictures were run: two, which tells what each has from what all share, else one."""
    try:
        return *trace(network, batch, layouts), len(batch)
    except NetworkError:
        return *trace(network, batch[:1], layouts), 1


def _find_scores(output: object, pictures: int, classes: Sequence[str] | None, chosen: Output | None) -> Found:
    """The scores for so many pictures: as many as there are names, or one logit for two names or one."""
    count = None if classes is None else len(classes)
    try:
        return find_scores(output, pictures, count, chosen)
    except NetworkError:
        if count != 2:
            raise
        with suppress(NetworkError):
            return find_scores(output, pictures, 1, chosen)
        raise


def _names_of(classes: Sequence[str] | None, task: Task, scores: int) -> tuple[str, ...]:
    """A name for each class. Raises InputError for as many as do not fit."""
    if classes is None:
        return usual_names(task, scores)
    if task == "binary" and len(classes) == 1:
        return f"not {classes[0]}", classes[0]
    right = 2 if task == "binary" else scores
    if len(classes) != right:
        raise InputError(f"classes: {len(classes)} names; {right} would be right, as the network's task is {task}")
    return tuple(classes)


def _are_names(classes: object) -> bool:
    if isinstance(classes, str) or not isinstance(classes, Sequence) or len(classes) == 0:
        return False
    return all(isinstance(name, str) for name in classes)


def checked_size(size: object) -> tuple[int, int]:
    """(height, width) of pictures. Raises InputError for anything but two whole numbers above 0."""
    if not isinstance(size, Sequence) or len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
        raise InputError(f"input_size: {size!r}; (height, width) in pixels, two whole numbers above 0, would be right")
    return int(size[0]), int(size[1])


def checked_channels(argument: str, values: Sequence[float]) -> tuple[float, ...]:
    """One number for each channel. Raises InputError, naming the argument, for anything but finite numbers, at least one."""
    right = "a finite number for each channel of the input, three for R, G and B, would be right"
    try:
        checked = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument}: {values!r}; {right}") from error
    if not checked or not np.isfinite(checked).all():
        raise InputError(f"{argument}: {checked}; {right}")
    return checked


def checked_normalisation(mean: Sequence[float], std: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of each channel. Raises InputError as checked_channels does, for two lengths, and a std not above 0."""
    shift, scale = checked_channels("mean", mean), checked_channels("std", std)
    if len(shift) != len(scale):
        raise InputError(f"std: {len(scale)} numbers, and mean has {len(shift)}; one for each channel would be right")
    if min(scale) <= 0:
        raise InputError(f"std: {scale}; numbers above 0 would be right")
    return shift, scale


def _check_takes_gradients(network: nn.Module) -> None:
    """Refuse networks whose layers take no hooks, or let no gradient through."""
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise NetworkError(
            "network: it is TorchScript, or a part of it is, whose layers take no hooks; the network as it was before "
            "torch.jit.script, trace or load, with the same weights, would be right"
        )
    for name, module in network.named_modules():
        if "quantized" in type(module).__module__:
            raise NetworkError(
                f"network: {name or 'it'} is quantised, and lets no gradient through; the network before it was quantised "
                "would be right"
            )
    inferred = [name for name, tensor in named_tensors(network) if tensor.is_inference()]
    if inferred:
        raise NetworkError(
            f"network: {inferred[0]} was made in torch.inference_mode, so no gradient can pass; build the network outside it "
            "and load the same weights"
        )


def _check_precision(network: nn.Module) -> None:
    for name, tensor in named_tensors(network):
        if is_lazy(tensor):
            raise NetworkError(
                f"network: {name} has no shape yet; run the network once before, so that its lazy layers know theirs"
            )
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise NetworkError(f"network: {name} is {tensor.dtype}; float32 would be right: call network.float()")


# Section: weights, and the digest over all that maps depend on


def named_tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, then buffers, with their names."""
    yield from network.named_parameters()
    yield from network.named_buffers()


def model_digest(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], input_size: tuple[int | str, ...]) -> str:
    """SHA-256, in hex, over parameters, buffers, the printed architecture, mean, std and input size, BGR behind it if it is so.

    The printed architecture counts because in-place operations change what hooks see.
    """
    digest = hashlib.sha256(repr((str(network), tuple(mean), tuple(std), tuple(input_size))).encode())
    for name, tensor in named_tensors(network):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def weight_stamp(network: nn.Module) -> tuple[int, ...]:
    """Numbers that change when a weight is replaced or written to, or when a layer switches between in-place and not.

    Much cheaper than the digest: PyTorch counts the writes to a tensor in `_version`, except those through `.data`.
    """
    stamp: list[int] = []
    for module in modules_of(network):
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None:
                stamp += id(tensor), tensor.data_ptr(), _version(tensor)
        stamp.append(_is_in_place(module))
    return tuple(stamp)


def _is_in_place(module: nn.Module) -> bool:
    has_flag = "inplace" in vars(module) or hasattr(type(module), "inplace")  # a failed lookup on the module itself is slow
    return has_flag and bool(module.inplace)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def not_finite(network: nn.Module) -> tuple[str, ...]:
    """Names of the parameters and buffers that hold NaN or infinity."""
    return tuple(name for name, tensor in named_tensors(network) if not bool(torch.isfinite(tensor).all()))
