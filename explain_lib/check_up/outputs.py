"""Findings about outputs: what is read of them, features in the place of scores, and a softmax, log-softmax or sigmoid at the
end.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from explain_lib.base.errors import NetworkError
from explain_lib.check_up.findings import Finding, note, problem
from explain_lib.check_up.probe import PICTURES, Probe
from explain_lib.passes.outputs import Output, find_scores, parts, places_words
from explain_lib.passes.stages import is_normalisation
from explain_lib.passes.tasks import Places, Task, segments, usual_task
from explain_lib.passes.tracing import LayerTrace
from explain_lib.regions.boxes import Candidates

Squash = Literal["softmax", "log-softmax", "sigmoid"]
_OPERATIONS: dict[str, Squash] = {
    "SoftmaxBackward0": "softmax",
    "LogSoftmaxBackward0": "log-softmax",
    "SigmoidBackward0": "sigmoid",
}
_FORMS = ("View", "UnsafeView", "Reshape", "Alias", "Clone", "Squeeze", "Unsqueeze", "Slice", "Select", "ToCopy")
_MODULES: dict[type[nn.Module], Squash] = {
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.LogSoftmax: "log-softmax",
    nn.Sigmoid: "sigmoid",
}
_RETURNED: dict[Squash, str] = {
    "softmax": "probabilities",
    "log-softmax": "logarithms of probabilities",
    "sigmoid": "a number from 0 to 1 for each class",
}
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Expected:
    """What is known of the scores. scores: how many a picture has. chosen: the part of the output that holds them. task: what
    they mean. given: whether somebody said the task. None for what is not known. side: the height of the pictures.
    """

    scores: int | None = None
    chosen: Output | None = None
    task: Task | None = None
    given: bool = False
    side: int = 1

    def task_of(self, found: int, places: Places) -> Task:
        """The task, for so many scores at so many places."""
        return self.task or usual_task(found, places, self.side).task


def output_findings(network: nn.Module, probe: Probe, count: int, expected: Expected) -> Iterator[Finding]:
    """Outputs without a score for each class, what is read of other ones, and squashed scores. count: of pictures run."""
    if isinstance(probe.output, Candidates):
        yield from _boxes(probe.output, expected)
        return
    yield from _form(probe.output, count, expected)
    yield from _features(network, probe, expected)
    yield from _squashed(network, probe, expected)


# Section: form


def _boxes(found: Candidates, expected: Expected) -> Iterator[Finding]:
    scores = found.logits.shape[2]
    if expected.scores is not None and expected.scores not in (scores, scores - (found.background is not None)):
        yield problem(
            "output",
            f"The network gives {scores} scores for each box, but {expected.scores} classes are named: they do not match.",
            f"Name {scores} classes, or give the network a last layer with as many outputs.",
        )
    yield note(
        "output",
        places_words((1, found.logits.shape[1]), "detection"),
        "Target(class, region=Box) explains another box than the best one; xl.predicted_boxes lists them.",
    )


def _form(output: object, count: int, expected: Expected) -> Iterator[Finding]:
    try:
        found = find_scores(output, count, None, expected.chosen)
    except NetworkError as error:
        yield _without_scores(output, count, expected, error)
        return
    scores = found.scores.shape[1]
    if expected.scores not in (None, scores) and (expected.scores, scores) != (2, 1):
        if not isinstance(output, Tensor) and expected.chosen is None:
            with suppress(NetworkError):
                found = find_scores(output, count, expected.scores)
                scores = found.scores.shape[1]
        if scores != expected.scores:
            yield problem(
                "output",
                f"The network returns {scores} scores for a picture, but {expected.scores} classes are named: they do not "
                f"match.",
                f"Name {scores} classes; or give the network a last layer with {expected.scores} outputs, and weights for it.",
            )
            return
    task = expected.task_of(scores, found.grid)
    said = found.sentence(task)
    if said and expected.chosen is None:
        yield note("output", said, "To explain another part, as_model(..., output=NAME), or a function of the output.")
    if scores == 1 and segments(task) and not expected.given:
        yield note(
            "output",
            "The network gives one number for each place. It is taken as a logit: above 0 is the object, below the background.",
            "If it is the mean over the places that counts: task='binary', or task='regression' for a plain number.",
        )
    elif scores == 1 and not expected.given and found.scores.is_floating_point():
        yield note(
            "output",
            "The network gives one number for a picture. It is taken as a logit: its sigmoid is the probability. The map of "
            "the number speaks for the second class, the map of its negative for the first.",
            "If it is a plain number, such as an age: task='regression'.",
        )


def _without_scores(output: object, count: int, expected: Expected, error: NetworkError) -> Finding:
    if isinstance(output, Tensor):
        return problem(
            "output",
            f"For {count} pictures the network returns a tensor of shape {tuple(output.shape)}, not (N, "
            f"{expected.scores or 'classes'}), a score for each class of each picture.",
            _reshaping(output, count),
        )
    return problem("output", f"It is unknown which scores to explain: {error}.", _taking_out(output, count))


def _taking_out(output: object, count: int) -> str:
    """What makes scores of an output with parts."""
    if any(isinstance(part, Tensor) and len(part.shape) > 0 and len(part) == count for part in parts(output).values()):
        return "Name the part that contains them, as_model(..., output=NAME)."
    return (
        "Give a function that turns the network's output into one tensor (N, classes): as_model(..., output=FUNCTION). For a "
        "detector: output=lambda found: torch.stack([one['scores'].sum()[None] for one in found])."
    )


def _reshaping(output: Tensor, count: int) -> str:
    if output.dim() > 2 and len(output) == count:
        return "Choose what to explain: as_model(..., output=lambda y: y.mean(1)), or y[:, 0] for one place of the output."
    return "Let forward keep the pictures as the first axis and return a row of scores for each of them."


# Section: features


def _features(network: nn.Module, probe: Probe, expected: Expected) -> Iterator[Finding]:
    """An output that no classifying layer made: where the last weights are those of a normalisation."""
    scores = probe.scores_of(probe.output)
    weighted = (layer for layer in reversed(probe.layers) if _has_weights(network.get_submodule(layer.module)))
    last = next(weighted, None)
    if scores is None or last is None or expected.given or not is_normalisation(network.get_submodule(last.module)):
        return
    count = scores.shape[1]
    yield note(
        "features",
        f"The last layer with weights is {last.module}, a normalisation: the network's output looks like {count:,} "
        "features of the picture, not scores of classes. Maps then show where a feature comes from, and the probabilities "
        "shown have no meaning.",
        "For classes, load the network with its classifier, trained to classify. If these are the scores, say so with task=.",
    )


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None


# Section: squashed outputs


def _squashed(network: nn.Module, probe: Probe, expected: Expected) -> Iterator[Finding]:
    scores = probe.scores_of(probe.output)
    if scores is None or not scores.is_floating_point() or not bool(torch.isfinite(scores).all()):
        return
    name, operation = _last_module(network, probe.layers, scores), _last_operation(probe)
    by_module = None if name is None else _MODULES.get(type(network.get_submodule(name)))
    kind = (by_module if operation is None else _OPERATIONS.get(operation)) or _by_values(scores)
    if kind is None:
        return
    if by_module == kind:
        where = f"the module {name!r}"
        out = f"Take it out, network.set_submodule({name!r}, nn.Identity()), and apply it to the outputs where you use them"
    else:
        where = "in its forward pass"
        out = f"Let forward return the input of the {kind}, and apply it where you use the outputs"
    task = expected.task_of(scores.shape[1], _places(probe))
    ends = f"The network ends in a {kind} ({where}) and returns {_RETURNED[kind]}"
    if task == "regression":
        yield note("softmax", f"{ends}: where they are near 0 or 1 their gradient vanishes, and maps fade.", f"{out}.")
        return
    yield problem(
        "softmax",
        f"{ends}: their gradient vanishes where the network is sure, and maps fade or turn into noise there. "
        f"{_once_more(kind, task)}",
        f"{out}. {_afterwards(kind, task)}",
    )


def _places(probe: Probe) -> Places:
    """The places that have scores of their own."""
    with suppress(NetworkError):
        return find_scores(probe.output, PICTURES, None, probe.chosen).grid
    return None


def _once_more(kind: Squash, task: Task) -> str:
    """What is shown as a probability meanwhile."""
    squash = "softmax" if task in ("softmax", "segmentation") else "sigmoid"
    return f"The probability shown is the {squash} of that{' once more' if kind == squash else ''}."


def _afterwards(kind: Squash, task: Task) -> str:
    """What is right once the scores come unsquashed."""
    if kind == "sigmoid" and task == "softmax":
        return "With task='sigmoid' each label then has a probability of its own, which score='probability' explains."
    if kind != "sigmoid" and task != "softmax":
        return "With task='softmax' the probabilities then belong to classes that exclude each other."
    return "Target(index, score='probability') then still explains the probability."


def _last_operation(probe: Probe) -> str | None:
    """PyTorch's name of the operation that gave the scores, skipping those that only change their shape."""
    scores = None if isinstance(probe.reached, Exception) else probe.scores_of(probe.reached.output)
    step = None if scores is None else scores.grad_fn
    while step is not None and step.name().startswith(_FORMS) and step.next_functions[0][0] is not None:
        step = step.next_functions[0][0]
    return None if step is None else step.name()


def _last_module(network: nn.Module, layers: Sequence[LayerTrace], scores: Tensor) -> str | None:
    """The last module without submodules to run, if its output has the shape of the scores."""
    for layer in reversed(layers):
        if not layer.handed_on and next(network.get_submodule(layer.module).children(), None) is None:
            return layer.module if layer.shape == tuple(scores.shape[1:]) else None
    return None


def _by_values(scores: Tensor) -> Squash | None:
    if scores.shape[1] < 2:
        return None
    if bool((scores >= 0).all()) and _is_close(scores.sum(1), 1):
        return "softmax"
    return "log-softmax" if _is_close(scores.logsumexp(1), 0) else None


def _is_close(values: Tensor, value: float) -> bool:
    return bool(((values - value).abs() < TOLERANCE).all())
