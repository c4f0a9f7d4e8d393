"""The check that runs after every test is itself checked here."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sample_networks import model_of, plain
from torch import nn


def add_forward_hook(network: nn.Module) -> None:
    network.body[2].register_forward_hook(lambda *_: None)


def switch_one_module(network: nn.Module) -> None:
    network.body[1].training = False


def freeze_one_parameter(network: nn.Module) -> None:
    network.fc.bias.requires_grad_(False)


def fill_gradient(network: nn.Module) -> None:
    network.fc.bias.grad = torch.ones(2)


def hook_parameter(network: nn.Module) -> None:
    network.fc.bias.register_hook(lambda gradient: gradient)


def write_weight(network: nn.Module) -> None:
    with torch.no_grad():
        network.fc.bias.add_(1)


CHANGES = [add_forward_hook, switch_one_module, freeze_one_parameter, fill_gradient, hook_parameter, write_weight]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_on_a_used_network_is_complained_about_once(change: Callable[[nn.Module], None], ledger: Any) -> None:
    network = model_of(plain()).network
    change(network)
    complaints = ledger.complaints()
    ledger.expect(network)
    assert len(complaints) == 1


def test_a_gradient_written_in_place_is_complained_about(ledger: Any) -> None:
    network = plain()
    network.fc.bias.grad = torch.ones(2)
    model_of(network)
    network.fc.bias.grad.zero_()
    complaints = ledger.complaints()
    ledger.expect(network)
    assert complaints == ["Headed: fc.bias: the gradient's values changed"]


def test_a_network_dropped_by_its_test_is_still_checked(ledger: Any) -> None:
    add_forward_hook(model_of(plain()).network)
    assert len(ledger.complaints()) == 1
    for network in ledger.networks:
        ledger.expect(network)


def test_a_global_hook_is_complained_about(ledger: Any) -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    complaints = ledger.complaints()
    handle.remove()
    assert complaints == ["a global hook or the gradient mode"]
