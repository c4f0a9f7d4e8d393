"""A network that detects, as one whose output is the candidates of each picture with the scores of all classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from explain_lib.base.errors import InputError
from explain_lib.detectors import torchvision, transformers, ultralytics
from explain_lib.passes.forwarded import Forwarded
from explain_lib.regions.boxes import Candidates

NOTHING = "no object"
"""The name of the class that stands for no object."""


@dataclass(frozen=True, eq=False)
class Detector:
    """A network that detects.

    network: the caller's, run by a function that gives Candidates. names: of its classes, empty if it has none. normalises:
    whether it normalises pictures in [0, 1] itself.
    """

    network: Forwarded
    names: tuple[str, ...]
    normalises: bool

    def checked(self, mean: Sequence[float], std: Sequence[float]) -> "Detector":
        """The detector itself. Raises InputError for a mean and std that would be applied twice."""
        if self.normalises and (any(mean) or any(one != 1 for one in std)):
            raise InputError(
                f"mean: {tuple(mean)} and std: {tuple(std)}; this network normalises pictures itself, so mean (0, 0, 0) and "
                "std (1, 1, 1) would be right"
            )
        return self


def as_detector(network: nn.Module) -> Detector | None:
    """The network as a detector; None for any other one."""
    if torchvision.is_one_of(network):
        return Detector(_run(network, torchvision.candidates_of), (), normalises=True)
    if transformers.is_one_of(network):
        return Detector(_run(network, transformers.candidates_of), transformers.class_names(network), normalises=False)
    if ultralytics.is_one_of(network):
        return Detector(_run(network, ultralytics.candidates_of), ultralytics.class_names(network), normalises=True)
    return None


def with_background(names: Sequence[str], candidates: Candidates) -> tuple[str, ...]:
    """The names of classes, with one for no object where it is missing."""
    place, classes = candidates.background, candidates.logits.shape[2]
    if place is None or len(names) != classes - 1:
        return tuple(names)
    return (*names[:place], NOTHING, *names[place:])


def _run(network: nn.Module, function: Callable[[nn.Module, Tensor], Candidates]) -> Forwarded:
    return Forwarded(network, lambda batch: function(network, batch), follows=True)
