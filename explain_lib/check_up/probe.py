"""A probe of a network: two pictures forward and back, with everything restored afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from explain_lib.base.errors import LayerError, NetworkError, TooLargeError
from explain_lib.base.run_context import checkpoint
from explain_lib.passes.capture import Reached, reach, run_changed
from explain_lib.passes.outputs import Output, find_scores, parts
from explain_lib.passes.running import run_alone
from explain_lib.passes.sharing import exclusive, modules_of, own_random_numbers
from explain_lib.passes.tracing import LayerTrace, trace
from explain_lib.pictures.pixels import to_input

PICTURES = 2
BLOCKS = 8


@dataclass(frozen=True)
class Probe:
    """The passes of a network over the pictures.

    layers: every call of every module. output: the output of the network. reached: how far the gradient of the largest scores
    came back to the layers with a grid, or the exception that stopped it. unused: names of the layers with a grid on which
    the output does not depend, among those that no gradient reached. again: the output of a second pass over the same
    pictures. alone: that for the first picture by itself, or the exception that stopped it. chosen: the part of the output
    that holds the scores, None for the one that fits.
    """

    layers: tuple[LayerTrace, ...]
    output: object
    reached: Reached | Exception
    unused: frozenset[str]
    again: object
    alone: object
    chosen: Output | None = None

    def scores_of(self, output: object, pictures: int = PICTURES) -> Tensor | None:
        """Scores (N, K) in an output of the network for so many pictures; None if there are none."""
        return class_scores(output, self.chosen, pictures)


def probe_batch(input_size: tuple[int, int], mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> Tensor:
    """Two pictures of coloured noise in blocks, always the same, as the network's input float32 (2, C, H, W)."""
    height, width = input_size
    blocks = np.random.default_rng(0).integers(0, 256, (PICTURES, BLOCKS, BLOCKS, len(mean)), dtype=np.uint8)
    rows, columns = np.arange(height) * BLOCKS // height, np.arange(width) * BLOCKS // width
    return to_input(blocks[:, rows][:, :, columns], mean, std, device)


def probe(
    network: nn.Module, batch: Tensor, chosen: Output | None = None, layers: tuple[LayerTrace, ...] | None = None
) -> Probe:
    """Run the network on a batch float32 (N, C, H, W), several times, once with a backward pass. chosen: as in Probe.

    layers: every call of every module if they are known, which saves the passes that find them. Between passes the run may end
    the work; see checkpoint. Raises whatever the network raises in its forward pass, and TooLargeError if there is not enough
    memory in either. Mode, parameters, buffers and random numbers are restored.
    """
    with exclusive(network), torch.inference_mode(False), own_random_numbers(batch.device), _buffers_kept(network):
        layers, output = trace(network, batch.clone()) if layers is None else (layers, run_alone(network, batch.clone()))
        checkpoint()
        spatial = [layer for layer in layers if layer.is_spatial]
        try:
            reached: Reached | Exception = reach(network, batch, spatial, partial(largest_scores, chosen=chosen))
        except TooLargeError:  # a matter of the moment, not of the network
            raise
        except Exception as error:  # the caller's code may raise anything, and any exception is a finding
            reached = error
        checkpoint()
        again = run_alone(network, batch.clone())
        checkpoint()
        ran = Probe(layers, output, reached, frozenset(), again, _alone(network, batch), chosen)
        return replace(ran, unused=_unused(network, batch, spatial, ran))


def _alone(network: nn.Module, batch: Tensor) -> object:
    """The output for the first picture alone, or the exception."""
    try:
        return run_alone(network, batch[:1].clone())
    except TooLargeError:
        raise
    except Exception as error:  # the caller's code may raise anything, and any exception is a finding
        return error


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


def _unused(network: nn.Module, batch: Tensor, layers: Iterable[LayerTrace], ran: Probe) -> frozenset[str]:
    reached = ran.reached
    if isinstance(reached, Exception) or not any(gradient is not None for gradient in reached.gradients.values()):
        return frozenset()
    without = [layer for layer in layers if reached.gradients[layer.name] is None]
    return frozenset(layer.name for layer in without if _unmoved(network, batch, layer, ran))


def _unmoved(network: nn.Module, batch: Tensor, layer: LayerTrace, ran: Probe) -> bool:
    """Whether the class scores stay the same with another output of the layer; not if the pass then takes another path."""
    try:
        changed = run_changed(network, batch, layer, lambda output: 1 - output)
    except LayerError:
        return False
    answer, scores = ran.scores_of(ran.again), ran.scores_of(changed)
    return answer is not None and scores is not None and torch.equal(answer, scores)


def largest_scores(output: object, chosen: Output | None = None) -> Tensor | None:
    """The sum of the largest scores of the pictures; None if there are no scores to differentiate."""
    scores = class_scores(output, chosen)
    return scores.amax(1).sum() if scores is not None and scores.is_floating_point() else None


def class_scores(output: object, chosen: Output | None = None, pictures: int = PICTURES) -> Tensor | None:
    """Scores (N, K) of so many pictures in an output of any form, averaged over further axes; None if there are none.

    Where several tensors could be the scores, or none fits well, the first one: better than no look at the gradient.
    """
    try:
        return find_scores(output, pictures, None, chosen).scores
    except NetworkError:
        return _first_scores(output)


def _first_scores(output: object) -> Tensor | None:
    """Of several tensors, one with two axes comes first."""
    if isinstance(output, Tensor):
        if output.dim() < 2 or output.numel() == 0:
            return None
        return output if output.dim() == 2 else output.to(torch.float32).flatten(2).mean(2)
    held = sorted(parts(output).values(), key=lambda part: not (isinstance(part, Tensor) and part.dim() == 2))
    return next((scores for part in held if (scores := _first_scores(part)) is not None), None)
