"""A Model of the caller's network: its arguments checked, the network run once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from explain_lib.base.errors import InputError, NetworkError
from explain_lib.base.sheets import Sheet, picture_size, sheet_of_size, size_words
from explain_lib.detectors.detector import Detector, as_detector, with_background
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.model import ChannelOrder, Model, names_of, noise_pixels
from explain_lib.networks.weights import check_finite_weights, named_tensors, network_device
from explain_lib.passes.forwarded import Forward, Forwarded
from explain_lib.passes.layouts import Layouts, checked_layouts
from explain_lib.passes.outputs import Found, Output, Outputs, check_output, find_scores, has_two_classes
from explain_lib.passes.running import run_alone
from explain_lib.passes.tasks import GIVEN, Task, decide_task
from explain_lib.passes.tracing import LayerTrace, trace
from explain_lib.pictures.intake import Function, PictureTransform, normalisation_of
from explain_lib.pictures.pixels import to_input
from explain_lib.regions.boxes import Candidates

MOST_NUMBERS = 8_000_000
"""The most numbers of a channel of a volume or a signal: 32 slices of 500 x 500."""


def as_model(
    network: nn.Module,
    *,
    classes: Sequence[str] | None = None,
    input_size: tuple[int, ...] | None = None,
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
    unit: str = "",
) -> Model:
    """The caller's network as a Model. Runs it on black pictures, and changes nothing in it.

    classes: one name for each score; for one logit two, against and for, or the latter alone; None for numbers. input_size:
    (height, width); (slices, height, width) for a network of volumes (N, C, slices, height, width), and (samples,) for one of
    signals (N, C, samples), whose pixels are sheets then, see Sheet; None for that of the transform. mean, std: one number for
    each channel of the input, in the network's order, for pixels in [0, 1]; None for those of the transform's last Normalize.
    value_range: 255 if the network takes pixels in [0, 255], for which mean and std are meant then. channel_order: "BGR" for a
    network that takes blue first; pixels stay RGB. transform: a function from a PIL picture, or an array uint8 (H, W, C), to
    the input of one picture, a float tensor (C, height, width), for pictures of any size; see prepare. forward: a function of
    the batch float32 (N, C, height, width) that calls the network, for one that needs more than that; Model.network is then a
    module with the same parts.

    layout: how outputs of layers become (N, C, h, w), where that is not seen from the pass: by the names of layers,
    "channels-first", "channels-last", "tokens" or a function; or one function for all, as a reshape_transform of the package
    grad-cam. output: the part of the network's output that holds the scores (N, classes), its name, its place, or a function
    that makes them of the output; None for the part that fits. task: "softmax"; "binary", one logit; "sigmoid", labels that do
    not exclude each other; "regression"; None for what is known of the network, or the number of its scores suggests: see
    task_source; "segmentation", classes for each place of an output (N, classes, H, W), which is chosen where H is an eighth of
    the height or more; "sigmoid-segmentation", labels there; "detection", that of torchvision's detectors, DETR and YOLO. unit:
    of the numbers of a regression, as "years".

    Raises InputError for an argument of the wrong form, NetworkError if the network is not float32, has NaN, cannot run on a
    batch (N, C, height, width) or returns nothing that is a score for each class.
    """
    if not isinstance(network, nn.Module):
        raise InputError(f"network: a {type(network).__name__}; a torch.nn.Module would be right")
    given_size, (shift, scale), tried = _checked_input(input_size, mean, std, value_range, transform, channel_order)
    if classes is not None and not _are_names(classes):
        raise InputError("classes: one name, as text, for each output of the network would be right")
    if channel_order not in get_args(ChannelOrder) or (channel_order == "BGR" and len(shift) != 3):
        raise InputError(f"channel_order: {channel_order!r}; RGB, or BGR for three channels, would be right")
    _check_precision(network)
    _check_takes_gradients(network)
    check_finite_weights(network)
    chosen, sheet = check_output(output), _checked_sheet(given_size, network, layout=layout, transform=transform)
    size = picture_size(given_size)
    detector = as_detector(network) if forward is None and chosen is None and sheet is None else None
    ran = _run_by(network, forward, sheet) if detector is None else detector.checked(shift, scale).network
    device = network_device(ran)
    black = to_input(np.zeros((2, *size, len(shift)), np.uint8), shift, scale, device)
    try:
        layers, given, count = _traced(ran, black, checked_layouts(layout, ran))
        if detector is None:
            found = _find_scores(given, count, classes, chosen)
            _check_scores(found, sheet)
            said = _scores_said(network, found, classes, chosen, task, size[0])
        else:
            said = _boxes_said(given, detector, classes, task)
    except NetworkError as error:
        if sheet is not None or convolves_no_pictures(ran) is None:
            raise
        raise _for_pictures(error, ran, len(shift)) from error
    outputs = replace(said.outputs, unit=checked_unit(unit, said.outputs.task))
    if said.is_nan:  # black pictures have no contrast, which some networks divide by
        noise = to_input(noise_pixels(count, size, len(shift)), shift, scale, device)
        outputs.read(run_alone(ran, noise), count)
    return Model(
        ran, said.names, size, shift, scale, layers, str(ran), card, channel_order, tried, outputs=outputs, task_source=said.why
    )


@dataclass(frozen=True)
class _Said:
    """What a network says: how its scores are read, its classes, why that task, and whether all scores of black are NaN."""

    outputs: Outputs
    names: tuple[str, ...]
    why: str
    is_nan: bool


def _scores_said(
    network: nn.Module, found: Found, classes: Sequence[str] | None, chosen: Output | None, task: Task | None, height: int
) -> _Said:
    scores = int(found.scores.shape[1])
    decided = decide_task(task, scores, network, found.grid, height)
    names = names_of(classes, decided.task, scores)
    two = scores == 1 and has_two_classes(decided.task)
    outputs = Outputs(len(names), decided.task, chosen, found.note, places=found.grid, one_logit=two)
    return _Said(outputs, names, decided.why, bool(found.scores.isnan().all()))


def _boxes_said(given: object, detector: Detector, classes: Sequence[str] | None, task: Task | None) -> _Said:
    """The same of a detector, whose task is known."""
    assert isinstance(given, Candidates)  # a detector's function gives nothing else
    count, candidates = given.logits.shape[2], given.logits.shape[1]
    outputs = Outputs(count, "detection", places=(1, candidates))
    named = with_background(classes if classes is not None else detector.names, given) or None
    names = names_of(named, "detection", count)
    if task is not None:
        outputs = outputs.with_task(task)
    why = "not given; chosen because it gives boxes" if task is None else GIVEN
    return _Said(outputs, names, why, bool(given.logits.isnan().all()))


def checked_unit(unit: object, task: Task) -> str:
    """The unit itself, without spaces around it. Raises InputError for anything but text, and for a task without numbers."""
    if not isinstance(unit, str):
        raise InputError(f"unit: {unit!r}; a text, as 'years', would be right")
    if unit and task != "regression":
        raise InputError(f"unit: {unit!r} belongs to numbers, and the task is {task}; task='regression' would be right")
    return unit.strip()


def _for_pictures(error: NetworkError, network: nn.Module, channels: int) -> NetworkError:
    """The error of a network that convolves volumes or signals and cannot run on pictures."""
    kind = convolves_no_pictures(network) or ""
    return NetworkError(
        f"network: its convolutions are of the kind {kind}, and pictures are (N, {channels}, height, width); "
        f"input_size={_SIZES[kind]} would be right, or forward=, to convert pictures into its input ({error})"
    )


def _checked_sheet(size: tuple[int, ...], network: nn.Module, **of_pictures: object) -> Sheet | None:
    """The sheet of volumes or signals, None for pictures. Refused is another one than the network's convolutions are for, and
    with a sheet what is given of pictures alone.
    """
    kinds = {kind for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d) if any(isinstance(one, kind) for one in network.modules())}
    of_size = {1: nn.Conv1d, 3: nn.Conv3d}.get(len(size))
    if of_size is not None and kinds and of_size not in kinds:
        right = "(height, width) in pixels, two whole numbers above 0," if nn.Conv2d in kinds else _SIZES[kinds.pop().__name__]
        raise InputError(f"input_size: {size}; {right} would be right")
    sheet = sheet_of_size(size)
    for name, value in of_pictures.items() if sheet is not None else ():
        if value is not None:
            raise InputError(f"{name}: it is for networks of pictures; none would be right for volumes and signals")
    return sheet


def _check_scores(found: Found, sheet: Sheet | None) -> None:
    if sheet is not None and found.grid is not None:
        raise NetworkError(
            "network: it predicts a class for each place of a volume or a signal; one number for each class would be right"
        )


_SIZES = {"Conv1d": "(samples,)", "Conv3d": "(slices, height, width)"}


def _run_by(network: nn.Module, forward: Forward | None, sheet: Sheet | None) -> nn.Module:
    """The network, run by the function if there is one, on volumes or signals if there is a sheet."""
    if forward is None and sheet is None:
        return network
    if forward is not None and not callable(forward):
        raise InputError(f"forward: a {type(forward).__name__}; a function of the batch would be right")
    return Forwarded(network, forward, sheet=sheet)


def _checked_input(
    input_size: tuple[int, ...] | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    value_range: float,
    transform: Function | PictureTransform | None,
    channel_order: ChannelOrder,
) -> tuple[tuple[int, ...], tuple[tuple[float, ...], tuple[float, ...]], PictureTransform | None]:
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
        where = "" if function is None else ", because there is no Normalize in the transform"
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


def _are_names(classes: object) -> bool:
    if isinstance(classes, str) or not isinstance(classes, Sequence) or len(classes) == 0:
        return False
    return all(isinstance(name, str) for name in classes)


def checked_size(size: object) -> tuple[int, ...]:
    """(height, width) of pictures, (slices, height, width) of volumes or (samples,) of signals.

    Raises InputError for anything but one, two or three whole numbers above 0, and for more than MOST_NUMBERS in all.
    """
    if not isinstance(size, Sequence) or len(size) not in (1, 2, 3) or not all(isinstance(n, int) and n > 0 for n in size):
        raise InputError(
            f"input_size: {size!r}; (height, width) in pixels, two whole numbers above 0, would be right, three with the "
            "slices of a volume first, or one for the samples of a signal"
        )
    if len(size) != 2 and prod(size) > MOST_NUMBERS:
        raise InputError(f"input_size: {size_words(tuple(size))}; at most {MOST_NUMBERS:,} numbers in all would be right")
    return tuple(map(int, size))


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
