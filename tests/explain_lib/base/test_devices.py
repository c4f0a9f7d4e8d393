"""Where networks run: the device chosen, with and without a GPU, and where a model is put."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import explain_lib as xl
from explain_lib.base.devices import choose_device, spare_cores

Gpus = Callable[[int], None]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Gpus:
    """Makes PyTorch say that the machine has so many."""

    def say(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return say


def test_without_a_gpu_the_cpu_is_chosen(gpus: Gpus) -> None:
    gpus(0)
    assert choose_device() == choose_device(None) == torch.device("cpu")


def test_a_gpu_is_chosen_where_there_is_one(gpus: Gpus) -> None:
    gpus(1)
    assert choose_device() == choose_device(None) == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")
    assert xl.ExplainCache().device == "cpu"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1"])
def test_a_gpu_of_the_machine_may_be_asked_for(name: str, gpus: Gpus) -> None:
    gpus(2)
    assert choose_device(name) == torch.device(name)


ABSENT = [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:2", 2)]
REFUSED = [
    *[(name, count, f"this machine has {count} GPUs that PyTorch can use, not '{name}'") for name, count in ABSENT],
    *[(name, 1, f"'{name}' is no device") for name in ("gpu", "", "CPU", "cuda:x", "cuda:-1", "the fast one")],
    *[(name, 1, f"'{name}' is not supported") for name in ("mps", "meta", "xpu")],
]


@pytest.mark.parametrize(("name", "count", "words"), REFUSED)
def test_a_device_that_cannot_be_used_is_refused(name: str, count: int, words: str, gpus: Gpus) -> None:
    gpus(count)
    with pytest.raises(xl.InputError, match=f"device: {words}; cpu, or cuda where there is a GPU"):
        choose_device(name)


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """The devices that networks are moved to, which they are not really."""
    devices: list[torch.device] = []

    def note(self: nn.Module, device: torch.device) -> nn.Module:
        devices.append(device)
        return self

    monkeypatch.setattr(nn.Module, "to", note)
    return devices


CASES: list[tuple[dict[str, Any], str]] = [
    ({}, "cpu"),
    ({"device": "cpu"}, "cpu"),
    ({"device": None}, "cuda"),
    ({"device": "cuda"}, "cuda"),
    ({"device": "cuda:1"}, "cuda:1"),
]


@pytest.mark.parametrize(("asked", "right"), CASES, ids=["nothing", "cpu", "None", "cuda", "cuda:1"])
def test_a_model_is_put_where_it_was_asked_for(
    asked: dict[str, Any], right: str, gpus: Gpus, moves: list[torch.device]
) -> None:
    gpus(2)
    xl.load_model("tutorial", **asked)
    assert moves == [torch.device(right)]


def test_without_a_gpu_a_model_is_on_the_cpu(gpus: Gpus) -> None:
    gpus(0)
    assert xl.load_model(device=None).device == torch.device("cpu")


@pytest.mark.parametrize(("device", "right"), [("cpu", "cpu"), (None, "cuda"), ("cuda:1", "cuda:1")])
def test_a_cache_loads_models_onto_its_device(device: str | None, right: str, gpus: Gpus, moves: list[torch.device]) -> None:
    gpus(2)
    cache = xl.ExplainCache(device=device)
    cache.model("tutorial")
    assert (cache.device, moves) == (right, [torch.device(right)])


def test_a_cache_and_a_model_refuse_a_device_that_is_not_there(gpus: Gpus) -> None:
    gpus(0)
    for ask in (xl.load_model, xl.ExplainCache, xl.shared_cache):
        with pytest.raises(xl.InputError, match=r"device: this machine has 0 GPUs that PyTorch can use, not 'cuda'"):
            ask(device="cuda")


def test_the_shared_cache_is_the_same_however_its_device_is_asked_for(gpus: Gpus) -> None:
    gpus(0)
    first = xl.shared_cache()
    assert xl.shared_cache("cpu") is xl.shared_cache(device="cpu") is xl.shared_cache(None) is first
    assert xl.shared_cache() is first


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (8, 4), (64, 6), (None, 1)])
def test_half_of_the_cores_are_spared(monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: int) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    torch.set_num_threads(6)
    try:
        spare_cores()
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
