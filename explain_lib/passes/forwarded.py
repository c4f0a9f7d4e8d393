"""A network that is run by a function: one of the caller's, that adds a second input, or one that makes volumes of sheets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import count

from torch import Tensor, nn

from explain_lib.base.sheets import Sheet
from explain_lib.passes.sharing import exclusive

Forward = Callable[[Tensor], object]
"""A function of the batch float32 (N, C, H, W) that runs the network and returns its output."""

_OWN = ("_modules", "_parameters", "_buffers", "training")
_numbers = count()


class Forwarded(nn.Module):
    """The modules and weights of a network, under the same names, run by a function that calls that network.

    A copy has weights of its own; while it runs, they take the place of the network's. number: one for each function that was
    given, since nothing tells two functions apart; None where the network itself is the function, or one that follows from it.
    sheet: how a sheet becomes the volume or the signal that the function takes, None where it takes pictures.
    """

    def __init__(
        self, network: nn.Module, function: Forward | None = None, *, sheet: Sheet | None = None, follows: bool = False
    ) -> None:
        """function: calls `network` itself, with whatever else that needs; None for the network alone. follows: whether it is
        always the same for it.
        """
        super().__init__()
        vars(self).update({name: vars(network)[name] for name in _OWN})
        # past nn.Module, for which the network would be a part of this one
        number = None if follows or function is None else next(_numbers)
        vars(self).update(network=network, function=function or network, number=number, sheet=sheet)

    def forward(self, batch: Tensor) -> object:
        """What the function returns for a batch float32 (N, C, H, W), or for volumes (N, C, slices, height, width)."""
        sheet: Sheet | None = vars(self)["sheet"]
        given = batch if sheet is None or batch.dim() == 5 else sheet.opened(batch)
        with exclusive(vars(self)["network"]), self._in_place():
            return vars(self)["function"](given)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """The modules, weights and mode of this one in the place of the network's."""
        held = vars(vars(self)["network"])
        before = {name: held[name] for name in _OWN}
        held.update({name: vars(self)[name] for name in _OWN})
        try:
            yield
        finally:
            held.update(before)

    def __deepcopy__(self, memo: dict[int, object]) -> "Forwarded":
        network, function, follows = vars(self)["network"], vars(self)["function"], vars(self)["number"] is None
        own = None if follows and function is network else function
        copy = Forwarded(network, own, sheet=vars(self)["sheet"], follows=follows)
        vars(copy).update({name: deepcopy(vars(self)[name], memo) for name in _OWN})
        return copy

    def _get_name(self) -> str:
        network: nn.Module = vars(self)["network"]
        alone = vars(self)["number"] is None and vars(self)["function"] is network
        return network._get_name() if alone else f"{network._get_name()} run by a function"


def run_inside(network: nn.Module) -> tuple[nn.Module, ...]:
    """The network that a function runs, in which its passes store what they store; nothing for one that is run by itself."""
    return (vars(network)["network"],) if isinstance(network, Forwarded) else ()


def run_by(network: nn.Module) -> int | None:
    """The number of the function by which a network is run; None for one that is run by itself."""
    return vars(network)["number"] if isinstance(network, Forwarded) else None


def sheet_of(network: nn.Module) -> Sheet | None:
    """How a network of volumes or signals takes its input; None for one of pictures."""
    return vars(network)["sheet"] if isinstance(network, Forwarded) else None
