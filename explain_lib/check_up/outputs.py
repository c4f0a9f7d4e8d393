"""Findings about outputs: their form, and a softmax, log-softmax or sigmoid at the end."""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from explain_lib.check_up.findings import Finding, problem
from explain_lib.check_up.probe import Probe, class_scores, is_plain, parts
from explain_lib.networks.capture import LayerTrace, Reached

Squash = Literal["softmax", "log-softmax", "sigmoid"]
_OPERATIONS: dict[str, Squash] = {
    "SoftmaxBackward0": "softmax",
    "LogSoftmaxBackward0": "log-softmax",
    "SigmoidBackward0": "sigmoid",
}
_FORMS = ("View", "UnsafeView", "Reshape", "Alias", "Clone", "Squeeze", "Unsqueeze", "Slice")
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


def output_findings(network: nn.Module, probe: Probe, count: int, classes: int | None) -> Iterator[Finding]:
    """Outputs that are not one tensor (N, classes), or squashed. count: how many pictures the network was given."""
    yield from _form(probe.output, count, classes)
    yield from _squashed(network, probe)


# Section: form


def _form(output: object, count: int, classes: int | None) -> Iterator[Finding]:
    right = f"(N, {classes or 'classes'})"
    if not isinstance(output, Tensor):
        yield problem(
            "output",
            f"For {count} pictures the network returns {_described(output)}, not one tensor {right}: which number is to be "
            "explained is not known.",
            _taking_out(output, count, classes),
        )
    elif output.dim() != 2 or len(output) != count:
        yield problem(
            "output",
            f"For {count} pictures the network returns a tensor of shape {tuple(output.shape)}, not {right}, a score for each "
            "class of each picture.",
            _reshaping(output, count),
        )
    elif classes is not None and output.shape[1] != classes:
        found = output.shape[1]
        yield problem(
            "output",
            f"The network returns {found} scores for a picture, but {classes} classes are named: they do not belong together.",
            f"Name {found} classes; or give the network a last layer with {classes} outputs, and weights for it.",
        )


def _described(output: object) -> str:
    kind = type(output).__name__
    held = [f"{key.lstrip('.')}: {_kind(part)}" for key, part in parts(output).items()]
    article = "an" if kind[:1].lower() in "aeiou" else "a"
    return f"{article} {kind} with {', '.join(held[:6])}" if held else f"{article} {kind}"


def _kind(part: object) -> str:
    return f"a tensor {tuple(part.shape)}" if isinstance(part, Tensor) else f"a {type(part).__name__}"


def _taking_out(output: object, count: int, classes: int | None) -> str:
    fitting = {key: part for key, part in parts(output).items() if _fits(part, count, classes)}
    taken = [f"{key}{_over_the_rest(fitting[key])}" for key in sorted(fitting, key=lambda key: not is_plain(fitting[key]))]
    if not taken:
        return (
            "Wrap it in a module whose forward makes one tensor (N, classes) of what the network returns, and check that "
            "module up."
        )
    return f"Wrap it in a module whose forward is: return self.network(x){taken[0]}. The layers are then called network.NAME."


def _fits(part: object, count: int, classes: int | None) -> bool:
    """Whether a part is a tensor (N, classes), possibly with further axes."""
    if not isinstance(part, Tensor) or part.dim() < 2 or len(part) != count:
        return False
    return classes is None or part.shape[1] == classes


def _over_the_rest(part: object) -> str:
    """Python code that averages over the axes after (N, classes), empty if there are none."""
    axes = range(2, part.dim()) if isinstance(part, Tensor) else ()
    return f".mean(({', '.join(map(str, axes))}))" if len(axes) > 1 else f".mean({axes[0]})" if axes else ""


def _reshaping(output: Tensor, count: int) -> str:
    if output.dim() > 2 and len(output) == count:
        return f"Choose what to explain: output{_over_the_rest(output)} for the whole picture, or one place of the output."
    if output.dim() == 1 and len(output) == count:
        return "Let forward return one column for each class; for a single score: torch.stack([-score, score], 1)."
    return "Let forward keep the pictures as the first axis and return a row of scores for each of them."


# Section: squashed outputs


def _squashed(network: nn.Module, probe: Probe) -> Iterator[Finding]:
    scores = class_scores(probe.output)
    if scores is None or not scores.is_floating_point() or not bool(torch.isfinite(scores).all()):
        return
    name, operation = _last_module(network, probe.layers, scores), _last_operation(probe.reached)
    by_module = None if name is None else _MODULES.get(type(network.get_submodule(name)))
    kind = (by_module if operation is None else _OPERATIONS.get(operation)) or _by_values(scores)
    if kind is None:
        return
    if by_module == kind:
        where = f"the module {name!r}"
        out = f"Take it out, network.set_submodule({name!r}, nn.Identity()), and apply it to the outputs where they are read"
    else:
        where = "in its forward pass"
        out = f"Let forward return what goes into the {kind}, and apply it where the outputs are read"
    yield problem(
        "softmax",
        f"The network ends in a {kind} ({where}) and returns {_RETURNED[kind]}: their gradient vanishes where the network is "
        "sure, and maps fade or turn into noise just there.",
        f"{out}. Target(index, score='probability') then still explains the probability.",
    )


def _last_operation(reached: Reached | Exception) -> str | None:
    """PyTorch's name of the operation that gave the scores, skipping those that only change their shape."""
    scores = None if isinstance(reached, Exception) else class_scores(reached.output)
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
