"""The modules of a network, each once."""

import pytest
import torch
from sample_networks import Headed
from torch import nn

from explain_lib.networks.weights import weight_stamp
from explain_lib.passes.sharing import modules_of, undisturbed


def shared() -> nn.Module:
    relu = nn.ReLU()
    return Headed(nn.Conv2d(3, 4, 3), relu, nn.Sequential(nn.Conv2d(4, 4, 3), relu))


def around_itself() -> nn.Module:
    network = Headed(nn.Conv2d(3, 4, 3))
    network.body.append(network.body[0])
    return nn.Sequential(network, network.body)


def with_a_gap() -> nn.Module:
    network = Headed(nn.Conv2d(3, 4, 3))
    network.register_module("absent", None)
    return network


def scripted() -> nn.Module:
    return torch.jit.trace(Headed(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("make", [nn.Identity, shared, around_itself, with_a_gap])
def test_every_module_is_found_once(make: type[nn.Module]) -> None:
    network = make()
    found = modules_of(network)
    assert found[0] is network
    assert len(found) == len(set(found))
    assert set(found) == set(network.modules())


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:FutureWarning")
def test_scripted_networks_are_frozen_and_stamped_as_well() -> None:
    network = scripted()
    before = weight_stamp(network)
    with undisturbed(network):
        assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert weight_stamp(network) != before


class Switched(nn.ReLU):
    """Keeps its flag under another name."""

    @property
    def inplace(self) -> bool:
        return bool(getattr(self, "switch", False))

    @inplace.setter
    def inplace(self, value: bool) -> None:
        self.switch = value


def test_an_in_place_flag_may_be_a_property() -> None:
    network = Headed(nn.Conv2d(3, 4, 3), Switched())
    before = weight_stamp(network)
    network.body[1].switch = True
    assert weight_stamp(network) != before
