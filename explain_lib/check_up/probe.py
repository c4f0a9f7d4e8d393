"""A probe of a network: two pictures forward and back, with everything restored afterwards."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explain_lib.base.errors import LayerError, TooLargeError
from explain_lib.networks.capture import LayerTrace, Reached, reach, run_changed, trace
from explain_lib.networks.sharing import exclusive, modules_of, own_random_numbers
from explain_lib.pictures.pixels import to_input

PICTURES = 2
BLOCKS = 8


@dataclass(frozen=True)
class Probe:
    """The passes of a network over the pictures.

    layers: every call of every module. output: the output of the network. reached: how far the gradient of the largest scores
    came back to the layers with a grid, or the exception that stopped it. unused: names of the layers with a grid on which
    the output does not depend, among those that no gradient reached.
    """

    layers: tuple[LayerTrace, ...]
    output: object
    reached: Reached | Exception
    unused: frozenset[str]


def probe_batch(input_size: tuple[int, int], mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> Tensor:
    """Two pictures of coloured noise in blocks, always the same, as the network's input float32 (2, C, H, W)."""
    height, width = input_size
    blocks = np.random.default_rng(0).integers(0, 256, (PICTURES, BLOCKS, BLOCKS, len(mean)), dtype=np.uint8)
    rows, columns = np.arange(height) * BLOCKS // height, np.arange(width) * BLOCKS // width
    return to_input(blocks[:, rows][:, :, columns], mean, std, device)


def probe(network: nn.Module, batch: Tensor) -> Probe:
    """Run the network on a batch float32 (N, C, H, W), twice, the second time with a backward pass.

    Raises whatever the network raises in its forward pass, and TooLargeError if there is not enough memory in either. Mode,
    parameters, buffers and random numbers are restored.
    """
    with exclusive(network), torch.inference_mode(False), own_random_numbers(batch.device), _buffers_kept(network):
        layers, output = trace(network, batch.clone())
        spatial = [layer for layer in layers if layer.is_spatial]
        try:
            reached: Reached | Exception = reach(network, batch, spatial, largest_scores)
        except TooLargeError:  # a matter of the moment, not of the network
            raise
        except Exception as error:  # the caller's code may raise anything, and any exception is a finding
            reached = error
        return Probe(layers, output, reached, _unused(network, batch, spatial, output, reached))


@contextmanager
def _buffers_kept(network: nn.Module) -> Iterator[None]:
    before = [(module, dict(module._buffers)) for module in modules_of(network)]
    values = {id(buffer): buffer.detach().clone() for _, held in before for buffer in held.values() if buffer is not None}
    try:
        yield
    finally:
        for module, held in before:
            for name in set(module._buffers) - set(held):
                del module._buffers[name]
            for name, buffer in held.items():
                if module._buffers.get(name) is not buffer:
                    module._buffers[name] = buffer
                if buffer is not None and not _equal(buffer, values[id(buffer)]):
                    with torch.no_grad():
                        buffer.copy_(values[id(buffer)])


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape are equal, where NaN equals NaN."""
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def _unused(
    network: nn.Module, batch: Tensor, layers: Iterable[LayerTrace], output: object, reached: Reached | Exception
) -> frozenset[str]:
    if isinstance(reached, Exception) or not any(gradient is not None for gradient in reached.gradients.values()):
        return frozenset()
    answer = class_scores(output)
    without = [layer for layer in layers if reached.gradients[layer.name] is None]
    return frozenset(layer.name for layer in without if _unmoved(network, batch, layer, answer))


def _unmoved(network: nn.Module, batch: Tensor, layer: LayerTrace, answer: Tensor | None) -> bool:
    """Whether the class scores stay the same with another output of the layer; not if the pass then takes another path."""
    try:
        return _same(answer, run_changed(network, batch, layer, lambda output: 1 - output))
    except LayerError:
        return False


def _same(answer: Tensor | None, other: object) -> bool:
    scores = class_scores(other)
    return answer is not None and scores is not None and torch.equal(answer, scores)


def largest_scores(output: object) -> Tensor | None:
    """The sum of the largest scores of the pictures; None if there are no scores to differentiate."""
    scores = class_scores(output)
    return scores.amax(1).sum() if scores is not None and scores.is_floating_point() else None


def class_scores(output: object) -> Tensor | None:
    """Scores (N, K) in an output of any form, averaged over further axes; None if there are none.

    Of several tensors, one with two axes comes first.
    """
    if isinstance(output, Tensor):
        if output.dim() < 2 or output.numel() == 0:
            return None
        return output if output.dim() == 2 else output.to(torch.float32).flatten(2).mean(2)
    held = sorted(parts(output).values(), key=lambda part: not is_plain(part))
    return next((scores for part in held if (scores := class_scores(part)) is not None), None)


def is_plain(output: object) -> bool:
    """Whether an output is a tensor with two axes, as scores (N, classes) are."""
    return isinstance(output, Tensor) and output.dim() == 2


def parts(output: object) -> dict[str, object]:
    """The parts of an output, by the Python code that extracts them: "[0]", "['out']", ".logits"; empty without parts."""
    if isinstance(output, Mapping):
        return {f"[{key!r}]": value for key, value in output.items()}
    if isinstance(output, tuple | list):
        names = getattr(output, "_fields", None)
        return {f".{names[index]}" if names else f"[{index}]": value for index, value in enumerate(output)}
    if is_dataclass(output):
        return {f".{field.name}": getattr(output, field.name) for field in fields(output)}
    return {}
