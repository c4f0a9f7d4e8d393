"""The digest of a model changes with whatever its maps depend on, and with nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sample_networks import Headed, seeded
from torch import nn

import explain_lib as xl

BASE: dict[str, Any] = {"classes": ("a", "b"), "input_size": (8, 8), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


def network() -> nn.Module:
    return seeded(lambda: Headed(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))


def write_weight(model: xl.Model) -> None:
    with torch.no_grad():
        model.network.fc.weight[1, 2] += 1e-6


def write_buffer(model: xl.Model) -> None:
    model.network.body[1].running_mean[0] += 0.5


def replace_weight(model: xl.Model) -> None:
    model.network.fc.weight = nn.Parameter(torch.zeros(2, 4))


def switch_in_place(model: xl.Model) -> None:
    model.network.body[2].inplace = True


def load_other_weights(model: xl.Model) -> None:
    torch.manual_seed(99)
    model.network.load_state_dict(Headed(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).state_dict())


WRITES = [write_weight, write_buffer, replace_weight, switch_in_place, load_other_weights]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_writing_to_the_network_changes_the_digest(write: Callable[[xl.Model], None], ledger: Any) -> None:
    model = xl.as_model(network(), **BASE)
    before = model.digest
    write(model)
    ledger.expect(model.network)
    assert model.digest != before


def test_the_old_weights_have_the_old_digest_again(ledger: Any) -> None:
    model = xl.as_model(network(), **BASE)
    before, kept = model.digest, model.network.fc.bias.detach().clone()
    with torch.no_grad():
        model.network.fc.bias.add_(1)
        assert model.digest != before
        model.network.fc.bias.copy_(kept)
    ledger.expect(model.network)
    assert model.digest == before


OTHERS = [{"mean": (0.5, 0.5, 0.4)}, {"std": (0.5, 0.25, 0.5)}, {"input_size": (8, 9)}]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: next(iter(other)))
def test_what_lies_before_the_network_changes_the_digest(other: dict[str, Any]) -> None:
    same = network()
    assert xl.as_model(same, **BASE).digest != xl.as_model(same, **BASE | other).digest


def test_two_loads_of_a_checkpoint_have_one_digest() -> None:
    assert xl.load_model().digest == xl.load_model().digest


def test_two_checkpoints_have_two_digests() -> None:
    assert xl.load_model("tutorial").digest != xl.load_model("captum-tutorial").digest


def test_training_mode_and_frozen_parameters_do_not_change_the_digest() -> None:
    free, frozen = network(), network()
    frozen.eval().requires_grad_(False)
    assert xl.as_model(free, **BASE).digest == xl.as_model(frozen, **BASE).digest
