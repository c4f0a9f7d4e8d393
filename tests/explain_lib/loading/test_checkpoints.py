"""Checkpoints as training programs write them: where the weights are found, which are taken, and what is said of the rest."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn
from weight_samples import saved, tutorial_weights

import explain_lib as xl
from explain_lib.loading.architectures import TutorialNet, find_architecture
from explain_lib.loading.building import build_network
from explain_lib.loading.model_store import OwnModels
from explain_lib.loading.own import OwnModelOptions
from explain_lib.loading.weight_files import read_weights


def weights(scale: float = 1) -> dict[str, Tensor]:
    return {name: scale * tensor for name, tensor in tutorial_weights().items()}


def prefixed(prefix: str, of: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in (of or weights()).items()}


def built(content: object, name: str = "TutorialNet") -> tuple[nn.Module, str]:
    """The network, and what is said."""
    found = build_network(find_architecture(name), read_weights(saved(content), "net.pt"), "net.pt")
    return found.network, found.said


def holds(network: nn.Module, right: Mapping[str, Tensor]) -> bool:
    state = network.state_dict()
    return set(state) == set(right) and all(torch.equal(state[name], tensor) for name, tensor in right.items())


NESTED = ("state_dict", "model_state_dict", "model", "net", "network", "ema", "state_dict_ema", "model_ema", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "module.module.", "module._orig_mod.", "net.backbone.")


@pytest.mark.parametrize("key", NESTED)
def test_weights_are_found_under_any_name(key: str) -> None:
    network, said = built({"epoch": 3, key: OrderedDict(weights())})
    assert holds(network, weights())
    assert said == ""


@pytest.mark.parametrize("prefix", PREFIXES)
def test_one_prefix_of_all_names_is_no_matter(prefix: str) -> None:
    network, said = built({"state_dict": prefixed(prefix)})
    assert holds(network, weights())
    assert said == ""


def test_the_mark_of_a_compiled_part_is_no_matter_wherever_it_stands() -> None:
    halves = {name.replace("conv2.", "conv2._orig_mod."): tensor for name, tensor in weights().items()}
    assert holds(built(halves)[0], weights())


def test_a_prefix_that_only_the_network_has_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrapped_networks.py").write_text(
        "from torch import nn\n"
        "class Wrapped(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))\n"
        "    def forward(self, x):\n"
        "        return self.net(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    torch.manual_seed(1)
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)).state_dict()
    network, _ = built(inner, "wrapped_networks:Wrapped")
    assert holds(network, prefixed("net.", inner))


def test_lightnings_checkpoint_is_read_and_the_loss_left_out_by_name() -> None:
    optimizer = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(6)}}, "param_groups": [{"lr": 0.1}]}
    network, said = built(
        {
            "epoch": 3,
            "pytorch-lightning_version": "2.5.0",
            "state_dict": {**prefixed("model."), "loss_fn.weight": torch.ones(10)},
            "loops": {"fit_loop": {"state_dict": {}}},
            "optimizer_states": [optimizer],
            "lr_schedulers": [{"milestones": Counter({30: 1})}],
        }
    )
    assert holds(network, weights())
    assert said == "Left out, because TutorialNet has no such weights: loss_fn.weight."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"state_dict": weights(), "state_dict_ema": weights(2)},
            "Several sets of weights in the file fit: “state_dict_ema”, an average over the training (EMA), was taken, "
            "“state_dict” not.",
        ),
        (
            {**prefixed("model."), **prefixed("model_ema.", weights(2))},
            "Several sets of weights in the file fit: “model_ema”, an average over the training (EMA), was taken, “model” not.",
        ),
        (
            {"student": weights(2), "teacher": weights()},
            "Several sets of weights in the file fit: “student” was taken, “teacher” not.",
        ),
    ],
    ids=["EMA beside", "EMA within", "two"],
)
def test_where_several_fit_it_is_said_which_was_taken(content: object, sentence: str) -> None:
    network, said = built(content)
    assert holds(network, weights(2))
    assert said == sentence


def test_what_does_not_fit_is_not_taken_though_it_comes_first() -> None:
    discriminator = {name: torch.ones(2) for name in weights()}
    network, said = built({"ema": discriminator, "model": weights()})
    assert holds(network, weights())
    assert said == ""


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_converted_which_is_said(dtype: torch.dtype) -> None:
    network, said = built({name: tensor.to(dtype) for name, tensor in weights().items()})
    assert holds(network, {name: tensor.to(dtype).float() for name, tensor in weights().items()})
    assert said == f"Converted to float32: weights in {str(dtype).removeprefix('torch.')}."


def test_a_network_is_given_as_many_outputs_as_the_file_has(tmp_path: Path, study: np.ndarray) -> None:
    torch.manual_seed(3)
    seven = TutorialNet()
    seven.fc3 = nn.Linear(84, 7)
    torch.save(seven.state_dict(), tmp_path / "net.pt")
    own = xl.load_own_model("TutorialNet", tmp_path / "net.pt")
    right = xl.as_model(seven.eval(), classes=own.classes, input_size=(32, 32), mean=own.mean, std=own.std)
    assert own.classes == tuple(f"class {number}" for number in range(7))
    assert np.array_equal(own.predict(study), right.predict(study))
    models = OwnModels()
    models.offer(OwnModelOptions("TutorialNet", str(tmp_path / "net.pt")))
    assert "The last layer, fc3, has 7 outputs, as the file has." in models.find("TutorialNet").assumed


@pytest.mark.parametrize(("smaller", "larger"), [("resnet18", "resnet34"), ("swin_t", "swin_s"), ("vgg11_bn", "vgg13_bn")])
def test_a_larger_network_of_the_same_kind_is_no_smaller_one_with_something_beside(smaller: str, larger: str) -> None:
    with torch.device("meta"):
        state = torchvision.models.get_model(larger, weights=None).state_dict()
    empty = {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in state.items()}
    with pytest.raises(xl.DataError, match=rf"net\.pt: these are not the weights of {smaller}: .* not of it; another architec"):
        built(empty, smaller)


def test_what_is_missing_is_named_with_what_is_there_in_its_place() -> None:
    renamed = {name.replace("conv2", "second"): tensor for name, tensor in weights().items()}
    with pytest.raises(xl.DataError) as caught:
        built({"state_dict": prefixed("model.", renamed)})
    assert str(caught.value) == (
        "net.pt: these are not the weights of TutorialNet: conv2.weight, conv2.bias missing, second.weight, second.bias not of "
        "it; another architecture, or another file, would be right"
    )


def test_counts_of_batches_may_be_missing() -> None:
    """As in files of PyTorch before 0.4.1, which load_state_dict takes too."""
    torch.manual_seed(4)
    network = torchvision.models.get_model("resnet18", weights=None, num_classes=3)
    older = {name: tensor for name, tensor in network.state_dict().items() if "num_batches_tracked" not in name}
    found, said = built(older, "resnet18")
    assert holds(found, network.state_dict())
    assert said == ""


def test_safetensors_have_prefixes_too(tmp_path: Path, study: np.ndarray) -> None:
    save_file(prefixed("module.", {name: tensor.half() for name, tensor in weights().items()}), tmp_path / "net.safetensors")
    own = xl.load_own_model("TutorialNet", tmp_path / "net.safetensors")
    right = TutorialNet()
    right.load_state_dict({name: tensor.half().float() for name, tensor in weights().items()})
    model = xl.as_model(right.eval(), classes=own.classes, input_size=(32, 32), mean=own.mean, std=own.std)
    assert np.array_equal(own.predict(study), model.predict(study))
