"""The check-up of a network before any map: its obstacles to maps, their consequences and remedies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.conv import _ConvNd

from explain_lib.base.errors import InputError, TooLargeError
from explain_lib.base.sheets import picture_size, sheet_of_size
from explain_lib.check_up.findings import CheckUp, Finding, in_order, problem
from explain_lib.check_up.layers import layer_findings
from explain_lib.check_up.outputs import Expected, output_findings
from explain_lib.check_up.passes import error_line, gradient_findings, repeat_findings
from explain_lib.check_up.probe import PICTURES, Probe, probe, probe_batch
from explain_lib.check_up.weights import (
    finite_weight_findings,
    frozen_findings,
    normalisation_findings,
    precision_findings,
    unwrapped,
    wrapper_findings,
)
from explain_lib.detectors.detector import as_detector
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.making import checked_normalisation, checked_size, convolves_no_pictures
from explain_lib.networks.model import Model
from explain_lib.networks.weights import network_device
from explain_lib.passes.forwarded import Forwarded, sheet_of
from explain_lib.passes.outputs import Output, check_output
from explain_lib.passes.tasks import GIVEN, TASKS, Task
from explain_lib.passes.tracing import LayerTrace

USUAL_SIDES = (32, 64, 224, 28)
HALF = 0.5


@dataclass(frozen=True)
class _Subject:
    """The network that is checked, with the input and classes given for it. layers: its layers if they are known."""

    network: nn.Module
    input_size: tuple[int, int]
    expected: Expected
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None
    card: ModelCard | None
    layers: tuple[LayerTrace, ...] | None = None


def check_up(
    network: nn.Module | Model,
    *,
    input_size: tuple[int, ...] | None = None,
    classes: int | Sequence[str] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    card: ModelCard | None = None,
    output: Output | None = None,
    task: Task | None = None,
) -> CheckUp:
    """Everything that stands in the way of a map of this network, each as a Finding with its consequence and remedy.

    network: a Model, which needs no other argument, or any nn.Module, also one that as_model refuses. input_size: (height,
    width) of the pictures, or as for as_model that of volumes or signals. classes: how many, or their names; None leaves the
    number unchecked. mean, std: of each channel, for pixels in [0, 1]; None for RGB and leaves the normalisation unchecked.
    card: the card to compare them with. output, task: as for as_model.

    Two pictures of noise, always the same, are run through the network, forward and back. A bad network is not an error here:
    each fault is a Finding. Mode, parameters, gradients, buffers, hooks and random numbers are left unchanged, and other
    threads are excluded from the network meanwhile. Raises InputError for arguments of another form, TooLargeError if there is
    not enough memory.
    """
    if isinstance(network, Model):
        if not all(given is None for given in (input_size, classes, mean, std, card, output, task)):
            raise InputError(
                "network: a Model already has input size, classes, mean, std and card; the Model alone would be right"
            )
        model, read = network, network.outputs
        expected = Expected(read.scores, read.chosen, read.task, given=model.task_source == GIVEN, side=model.input_size[0])
        layers = model.layers if str(model.network) == model.architecture else None
        subject = _Subject(model.network, model.input_size, expected, (model.mean, model.std), model.card, layers)
    elif isinstance(network, nn.Module):
        given = checked_size(input_size)
        sheet, size = sheet_of_size(given), picture_size(given)
        detector = as_detector(network) if output is None and sheet is None else None
        network = network if detector is None else detector.network
        network = network if sheet is None else Forwarded(network, sheet=sheet)
        expected = Expected(_count(classes), check_output(output), _task(task), given=task is not None, side=size[0])
        subject = _Subject(network, size, expected, _normalisation(mean, std), card)
    else:
        raise InputError(f"network: a {type(network).__name__}; a Model or a torch.nn.Module would be right")
    return in_order(_findings(subject))


def _count(classes: int | Sequence[str] | None) -> int | None:
    if classes is None or (isinstance(classes, int) and not isinstance(classes, bool) and classes > 0):
        return classes
    if isinstance(classes, Sequence) and not isinstance(classes, str) and classes:
        return len(classes)
    raise InputError(f"classes: {classes!r}; how many there are, their names, or None would be right")


def _task(task: object) -> Task | None:
    if task is None:
        return None
    for known in TASKS:
        if task == known:
            return known
    raise InputError(f"task: {task!r}; one of {', '.join(TASKS)} would be right")


def _normalisation(
    mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise InputError(f"{'mean' if mean is None else 'std'}: missing; mean and std together, or neither, would be right")
    return checked_normalisation(mean, std)


def _findings(subject: _Subject) -> Iterator[Finding]:
    yield from wrapper_findings(subject.network)
    if subject.normalisation is not None:
        yield from normalisation_findings(*subject.normalisation, subject.card)
    network = unwrapped(subject.network)
    if network is None:
        return
    broken = [*precision_findings(network)]
    yield from broken or _findings_of_weights_and_runs(network, subject)


def _findings_of_weights_and_runs(network: nn.Module, subject: _Subject) -> Iterator[Finding]:
    yield from (weights := [*finite_weight_findings(network)])
    ran = _run(network, subject)
    if isinstance(ran, TooLargeError):
        raise ran  # there may be enough memory the next time, so this is not a finding
    if isinstance(ran, Exception):
        yield _does_not_run(network, subject, ran)
    else:
        yield from output_findings(network, ran, PICTURES, subject.expected)
        found = gradient_findings(ran)
        yield from (one for one in found if not (weights and one.kind == "finite"))  # NaN in the weights is the cause
        yield from layer_findings(network, ran.layers, subject.input_size)
        yield from repeat_findings(ran)
    yield from frozen_findings(network)


def _run(network: nn.Module, subject: _Subject, size: tuple[int, int] | None = None) -> Probe | Exception:
    mean, std = subject.normalisation or ((HALF,) * 3, (HALF,) * 3)
    batch = probe_batch(size or subject.input_size, mean, std, network_device(network))
    layers = subject.layers if size is None and network is subject.network else None
    try:
        return probe(network, batch, subject.expected.chosen, layers)
    except Exception as error:  # the caller's code may raise anything, and any exception is a finding
        return error


def _channels(subject: _Subject) -> int:
    return 3 if subject.normalisation is None else len(subject.normalisation[0])


def _does_not_run(network: nn.Module, subject: _Subject, error: Exception) -> Finding:
    height, width = subject.input_size
    return problem(
        "forward",
        f"The network cannot run on pictures of {height} x {width}, a batch "
        f"({PICTURES}, {_channels(subject)}, {height}, {width}): {error_line(error)}.",
        _what_would_run(network, subject),
    )


def _what_would_run(network: nn.Module, subject: _Subject) -> str:
    convs = [(name, module) for name, module in network.named_modules() if isinstance(module, _ConvNd)]
    if convs and convs[0][1].in_channels != _channels(subject):
        name, conv = convs[0]
        count = f"{conv.in_channels} channel{'' if conv.in_channels == 1 else 's'}"
        return f"Its first convolution, {name}, takes {count}: give it mean and std of {count}, one number for each."
    kind = convolves_no_pictures(network)
    if kind is not None and sheet_of(network) is None:
        size = "(samples,) of a signal" if kind == "Conv1d" else "(slices, height, width) of a volume"
        return (
            f"Its convolutions are of the kind {kind}, for inputs other than pictures: give it the input_size {size}. "
            f"as_model(forward=) can convert a picture into this network's input."
        )
    for side in () if sheet_of(network) else USUAL_SIDES:
        if (side, side) != subject.input_size and not isinstance(_run(network, subject, (side, side)), Exception):
            return f"It runs on {side} x {side}: give it pictures of its own size, input_size=({side}, {side})."
    return (
        f"Run it by itself on torch.zeros(2, {_channels(subject)}, height, width) and fix the error that it reports; if the "
        f"size is wrong, give the network's own input_size, or pool to a fixed grid before the first linear layer."
    )
