"""Networks with layers forgotten: which layers, how they are drawn, and that the network itself is left alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sample_networks import Models, model_of
from scipy.stats import kstest
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.networks.randomisation import Mode, Step, chosen_steps, randomisation_steps, randomised

TUTORIAL = ("fc3", "fc2", "fc1", "conv2", "conv1")


def changed(model: xl.Model, other: xl.Model) -> set[str]:
    """Names of the modules of which a tensor differs."""
    after = other.network.state_dict()
    return {
        name.rpartition(".")[0] for name, tensor in model.network.state_dict().items() if not torch.equal(tensor, after[name])
    }


# Section: steps


def test_the_tutorial_network_has_five_steps_from_the_last_layer_down(tutorial: xl.Model) -> None:
    assert randomisation_steps(tutorial) == tuple(Step(name, (name,)) for name in TUTORIAL)


def test_resnet20_has_twenty_each_convolution_with_its_normalisation() -> None:
    steps = randomisation_steps(xl.load_model("resnet20"))
    assert len(steps) == 20
    assert steps[0] == Step("fc", ("fc",))
    assert steps[1] == Step("layer3.2.conv2", ("layer3.2.conv2", "layer3.2.bn2"))
    assert steps[-1] == Step("conv1", ("conv1", "bn1"))


def test_of_a_torchvision_network_every_weight_is_in_one_step(random_model: Models) -> None:
    model = random_model("resnet18")
    steps = randomisation_steps(model)
    modules = [name for step in steps for name in step.modules]
    assert len(steps) == 21
    assert sorted(modules) == sorted(
        name for name, module in model.network.named_modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear)
    )
    assert Step("layer2.0.downsample.0", ("layer2.0.downsample.0", "layer2.0.downsample.1")) in steps


def test_what_is_chosen_at_a_depth() -> None:
    steps = tuple(Step(name, (name,)) for name in "abc")
    assert [len(chosen_steps(steps, depth, "cascading")) for depth in range(4)] == [0, 1, 2, 3]
    assert [chosen_steps(steps, depth, "independent") for depth in range(4)] == [(), steps[:1], steps[1:2], steps[2:]]
    with pytest.raises(xl.InputError, match="depth: 4; a whole number from 0 to 3"):
        chosen_steps(steps, 4, "cascading")
    with pytest.raises(xl.InputError, match="mode: 'all'; one of cascading, independent"):
        chosen_steps(steps, 1, "all")  # type: ignore[arg-type]  # what a caller may well write


# Section: copies


@pytest.mark.parametrize("name", ["tutorial", "resnet20"])
def test_a_cascade_changes_the_last_layers_and_each_depth_keeps_the_numbers_of_the_one_before(name: str) -> None:
    model = xl.load_model(name)
    steps = randomisation_steps(model)
    shallow, deep = (randomised(model, depth) for depth in (2, 4))
    assert changed(model, shallow) == {module for step in steps[:2] for module in step.modules}
    assert changed(model, deep) == {module for step in steps[:4] for module in step.modules}
    assert changed(shallow, deep) == {module for step in steps[2:4] for module in step.modules}
    assert changed(model, randomised(model, 0)) == set()


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_independently_one_layer_changes_and_has_the_numbers_of_the_cascade(depth: int) -> None:
    model = xl.load_model("resnet20")
    alone, cascade = (randomised(model, depth, mode) for mode in ("independent", "cascading"))
    step = randomisation_steps(model)[depth - 1]
    assert changed(model, alone) == set(step.modules)
    for name in step.modules:
        assert torch.equal(alone.network.get_submodule(name).weight, cascade.network.get_submodule(name).weight)


def test_weights_are_drawn_as_pytorch_documents_it(tutorial: xl.Model) -> None:
    """Evenly between plus and minus one over the root of the inputs of a cell."""
    network = randomised(tutorial, 5).network
    for name, inputs in (("conv1", 75), ("conv2", 150), ("fc1", 400), ("fc2", 120), ("fc3", 84)):
        weight = network.get_submodule(name).weight.detach()
        bound = inputs**-0.5
        assert 0.9 * bound < weight.abs().max() <= bound
        assert float(weight.std()) == pytest.approx(bound / 3**0.5, rel=0.1)


def test_a_normalisation_starts_anew() -> None:
    bn = randomised(xl.load_model("resnet20"), 2).network.get_submodule("layer3.2.bn2")
    found = [values.detach().unique().tolist() for values in (bn.weight, bn.bias, bn.running_mean, bn.running_var)]
    assert found == [[1], [0], [0], [1]]


def test_the_model_and_the_random_numbers_are_left_as_they_were(tutorial: xl.Model) -> None:
    digest, state = tutorial.digest, torch.get_rng_state()
    first, again, other = randomised(tutorial, 3), randomised(tutorial, 3), randomised(tutorial, 3, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert tutorial.digest == digest == xl.load_model("captum-tutorial").digest
    assert first.digest == again.digest
    assert len({digest, first.digest, other.digest}) == 3
    shared = {id(tensor) for tensor in tutorial.network.parameters()} & {id(tensor) for tensor in first.network.parameters()}
    assert not shared


@pytest.mark.parametrize("name", ["resnet20", "resnet18"])
@pytest.mark.parametrize("mode", ["cascading", "independent"])
def test_deep_networks_are_left_alone_too_and_copies_run(
    name: str, mode: Mode, random_model: Models, images: xl.ImageSet
) -> None:
    model = xl.load_model(name) if name == "resnet20" else random_model(name)
    digest = model.digest
    height, width = model.input_size
    batch = np.resize(images.pixels[:2], (2, height, width, 3))
    for depth in (1, 10, len(randomisation_steps(model))):
        other = randomised(model, depth, mode)
        assert other.layers == model.layers
        assert np.isfinite(other.predict(batch)).all()
    assert model.digest == digest


class Scale(nn.Module):
    """A weight of its own, and no way to initialise it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor[:, None, None]


def test_a_module_without_an_initialisation_of_its_own_takes_small_normal_numbers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2000, 3), Scale(2000), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2000, 2))
    found = randomised(model_of(network), 2).network.get_submodule("1").factor.detach().numpy()
    assert kstest(found, "norm", (0, 0.02)).pvalue > 0.01


# Section: several threads


def test_threads_that_draw_at_the_same_time_do_not_change_each_others_numbers() -> None:
    model = xl.load_model("resnet20")
    right = [randomised(model, depth).digest for depth in (5, 20)]
    state = torch.get_rng_state()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda depth: randomised(model, depth).digest, [5, 20] * 10))
    assert found == right * 10
    assert torch.equal(torch.get_rng_state(), state)


def test_check_ups_at_the_same_time_do_not_change_the_numbers() -> None:
    model, other = xl.load_model("resnet20"), xl.load_model("tutorial")
    right = randomised(model, 20).digest

    def work(place: int) -> str:
        if place % 2:
            xl.check_up(other)
            return right
        return randomised(model, 20).digest

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(60))) == [right] * 60


def test_loading_a_model_takes_none_of_the_callers_random_numbers() -> None:
    torch.manual_seed(3)
    right = torch.rand(4)
    torch.manual_seed(3)
    xl.load_model("tutorial")
    assert torch.equal(torch.rand(4), right)
