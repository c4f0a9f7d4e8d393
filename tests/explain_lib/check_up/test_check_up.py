"""The check-up of a network: each ailment its sentence, and the network as it was."""

import copy
import dataclasses
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam
import torch
import torchvision
from ailing_networks import (
    Ailing,
    BestClass,
    ChannelsLast,
    CutInBetween,
    Detached,
    DividesByZero,
    Excited,
    GatedBySigmoid,
    InfiniteGradient,
    InPlaceInForward,
    LinearPatches,
    Meddling,
    OneCell,
    Raising,
    Returning,
    SelfAttention,
    SmallTransformer,
    SoftmaxByHand,
    SoftmaxInForward,
    SoftmaxModule,
    Then,
    ThroughNumPy,
    without_gradient,
)
from sample_networks import DeadEnd, Headed, Repeated, model_of, seeded
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.models.convnext import LayerNorm2d

import explain_lib as xl
from explain_lib.check_up import probe
from explain_lib.check_up.findings import in_order, note, problem
from explain_lib.networks.bundled import load_card
from explain_lib.networks.model import model_digest
from explain_lib.work.cache import ExplainCache

SIDE = (8, 8)
HALF = (0.5, 0.5, 0.5)


def check(network: nn.Module, size: tuple[int, int] = SIDE, classes: int | None = 2) -> xl.CheckUp:
    return xl.check_up(network, input_size=size, classes=classes, mean=HALF, std=HALF)


def kinds(found: xl.CheckUp) -> list[tuple[str, str]]:
    return [(finding.severity, finding.kind) for finding in found.findings]


def only(network: nn.Module, **arguments: Any) -> xl.Finding:
    """The one thing that is found."""
    (finding,) = check(network, **arguments).findings
    return finding


# Section: a healthy network


def test_nothing_is_found_in_a_healthy_network() -> None:
    found = check(Ailing())
    assert found.findings == found.problems == found.notes == ()
    assert found.summary == "Nothing stands in the way of a map."
    assert found.counts == "0 problems, 0 notes"


@pytest.mark.parametrize("name", xl.list_models())
def test_nothing_is_found_in_the_bundled_models(name: str) -> None:
    assert xl.check_up(xl.load_model(name)).findings == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", [("note", "in-place"), ("note", "repeated")]),
        ("vgg11", [("note", "in-place")]),
        ("squeezenet1_1", [("note", "in-place")]),
        ("googlenet", [("note", "in-place")]),
    ],
)
def test_torchvision_networks_have_notes_only(
    name: str, expected: list[tuple[str, str]], random_model: Callable[[str], xl.Model]
) -> None:
    assert kinds(xl.check_up(random_model(name))) == expected


# Section: softmax inside


@pytest.mark.parametrize(
    ("squash", "name"), [(nn.Softmax(1), "softmax"), (nn.LogSoftmax(1), "log-softmax"), (nn.Sigmoid(), "sigmoid")]
)
def test_a_module_that_squashes_the_scores_is_a_problem_and_named(squash: nn.Module, name: str) -> None:
    finding = only(SoftmaxModule(squash))
    assert (finding.kind, finding.severity) == ("softmax", "problem")
    assert f"ends in a {name} (the module 'squash')" in finding.sentence
    assert "network.set_submodule('squash', nn.Identity())" in finding.remedy


def test_the_remedy_for_a_softmax_works() -> None:
    network = SoftmaxModule(nn.Softmax(1))
    network.set_submodule("squash", nn.Identity())
    assert check(network).findings == ()


@pytest.mark.parametrize("build", [SoftmaxInForward, SoftmaxByHand])
def test_a_softmax_in_the_forward_pass_is_a_problem(build: Callable[[], nn.Module]) -> None:
    finding = only(build())
    assert "ends in a softmax (in its forward pass)" in finding.sentence
    assert "Let forward return what goes into the softmax" in finding.remedy


def test_a_softmax_under_dropout_and_flatten_is_found_by_its_values() -> None:
    finding = only(nn.Sequential(Ailing(), nn.Softmax(1), nn.Dropout(), nn.Flatten()))
    assert finding.kind == "softmax"


def test_a_sigmoid_whose_output_is_only_reshaped_is_found() -> None:
    finding = only(nn.Sequential(Ailing(), nn.Sigmoid(), nn.Unflatten(1, (2, 1)), nn.Flatten()))
    assert "ends in a sigmoid (in its forward pass)" in finding.sentence


def test_a_sigmoid_that_only_gates_is_not_reported() -> None:
    assert check(GatedBySigmoid()).findings == ()


def test_a_softmax_inside_resnet20_and_a_torchvision_network_is_found(random_model: Callable[[str], xl.Model]) -> None:
    resnet20 = xl.load_model("resnet20")
    ended = nn.Sequential(resnet20.network, nn.Softmax(1))
    assert kinds(check(ended, (32, 32), 10)) == [("problem", "softmax")]
    vgg = nn.Sequential(random_model("vgg11").network, nn.LogSoftmax(1))
    assert kinds(check(vgg, (64, 64), 10)) == [("problem", "softmax"), ("note", "in-place")]


# Section: frozen and missing gradients


def test_frozen_parameters_are_a_note() -> None:
    finding = only(Ailing().requires_grad_(False))
    assert (finding.kind, finding.severity) == ("frozen", "note")
    assert finding.sentence.startswith("All parameters are frozen (requires_grad is False).")
    assert "network.requires_grad_(True)" in finding.remedy


def test_modules_with_frozen_parameters_are_named() -> None:
    network = without_gradient(["conv"], Ailing())
    assert only(network).sentence.startswith("The parameters of conv are frozen")
    assert [parameter.requires_grad for parameter in network.parameters()] == [False, False, True, True]


def package_map(network: nn.Module, layer: nn.Module, picture: Tensor) -> np.ndarray:
    cam = pytorch_grad_cam.GradCAM(network, [layer])
    try:
        return np.asarray(cam(picture, None))
    finally:
        cam.activations_and_grads.release()


def test_the_package_fails_where_the_note_on_frozen_parameters_says_so() -> None:
    picture = torch.rand(1, 3, *SIDE, generator=torch.Generator().manual_seed(0))
    network = without_gradient(["body.0"], Headed(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)))
    with pytest.raises(Exception):  # noqa: B017, PT011 (whatever it is)
        package_map(network, network.body[0], picture)
    assert package_map(network, network.body[2], picture).shape == (1, *SIDE)
    assert package_map(network, network.body[0], picture.requires_grad_()).shape == (1, *SIDE)  # the remedy


@pytest.mark.parametrize(
    ("build", "words", "remedy"),
    [
        (Detached, "detach, .data or no_grad cuts it off", "Take detach(), .data, torch.no_grad()"),
        (BestClass, "The network returns int64, as argmax or a comparison does", "Let forward return the scores before"),
        (ThroughNumPy, "runs, but not with gradients: RuntimeError: Can't call numpy()", "no numpy()"),
    ],
)
def test_an_output_without_a_gradient_is_a_problem(build: Callable[[], nn.Module], words: str, remedy: str) -> None:
    finding = only(build())
    assert (finding.kind, finding.severity) == ("gradient", "problem")
    assert words in finding.sentence
    assert remedy in finding.remedy


def test_the_layers_that_no_gradient_reaches_are_named_and_the_first_that_it_does() -> None:
    finding = only(CutInBetween())
    assert (finding.kind, finding.severity) == ("gradient", "problem")
    assert finding.sentence == "No gradient comes back to conv, though the output depends on it: there is no map."
    assert "around or behind conv out of forward; or name a layer from relu on, to which it does come." in finding.remedy


def test_a_layer_on_which_the_output_does_not_depend_is_a_note() -> None:
    finding = only(seeded(DeadEnd))
    assert (finding.kind, finding.severity) == ("unused", "note")
    assert "does not depend on unused, though forward runs it" in finding.sentence


# Section: in-place, called twice


def test_an_in_place_activation_after_a_conv_is_a_note_that_names_both() -> None:
    finding = only(Headed(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)))
    assert (finding.kind, finding.severity) == ("in-place", "note")
    assert "What body.0 gives is overwritten in place by body.1." in finding.sentence
    assert "module.inplace = False" in finding.remedy


def test_an_in_place_operation_that_is_no_module_is_told_so() -> None:
    finding = only(InPlaceInForward())
    assert "What conv gives is overwritten in place. " in finding.sentence
    assert "y = x.relu() in forward for x.relu_()" in finding.remedy


def test_the_remedy_for_in_place_works() -> None:
    network = copy.deepcopy(Headed(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)))
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    assert check(network).findings == ()


def test_a_module_used_twice_is_a_note_with_the_names_of_its_calls() -> None:
    finding = only(seeded(Repeated))
    assert (finding.kind, finding.severity) == ("repeated", "note")
    assert "relu is called more than once in a forward pass: its calls are named relu#1, relu#2." in finding.sentence
    assert "layers='relu#2'" in finding.remedy
    assert xl.grad_cam(model_of(seeded(Repeated)), np.zeros((1, 8, 8, 3), np.uint8), "relu#2").names == ("relu#2",)


# Section: grids


def test_a_last_conv_layer_of_one_cell_is_a_problem_and_an_earlier_layer_is_named() -> None:
    finding = only(OneCell())
    assert (finding.kind, finding.severity) == ("grid", "problem")
    assert finding.sentence.startswith("At 8 x 8 pixels the grid of conv3 is 1 x 1")
    assert "Name an earlier layer: conv2, 2 x 2, is the last with more than one cell." in finding.remedy
    assert check(OneCell(), (16, 16), None).findings[0].kind == "forward"  # its linear layer is for 8 x 8


def test_resnet18_on_32_pixels_has_one_cell_in_layer4(random_model: Callable[[str], xl.Model]) -> None:
    found = check(random_model("resnet18").network, (32, 32), 10)
    assert kinds(found) == [("problem", "grid"), ("note", "in-place"), ("note", "repeated")]
    assert "layer4.0.conv1" in found.problems[0].sentence
    assert "layer3, 2 x 2, is the last" in found.problems[0].remedy


def test_a_conv_on_the_pooled_picture_is_a_note_only() -> None:
    finding = only(Excited())
    assert (finding.kind, finding.severity) == ("grid", "note")
    assert "the grid of squeeze is 1 x 1" in finding.sentence
    assert "the last conv layer, last, has 4 x 4 cells" in finding.remedy


def test_a_transformer_whose_only_grid_is_the_patch_embedding_is_a_problem() -> None:
    finding = only(SmallTransformer())
    assert (finding.kind, finding.severity) == ("spatial", "problem")
    assert "its only layer with a grid is embed, the patch embedding before any attention (attention is" in finding.sentence
    assert "x[:, -16:].transpose(1, 2).unflatten(2, (4, 4))" in finding.remedy


def test_a_transformer_without_any_grid_is_a_problem() -> None:
    finding = only(LinearPatches())
    assert (finding.kind, finding.severity) == ("spatial", "problem")
    assert "a transformer (attention is its first attention), and no module gives (N, C, h, w)" in finding.sentence


def test_attention_on_what_a_convolutional_network_found_is_a_note() -> None:
    network = SmallTransformer(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)))
    finding = only(network)
    assert (finding.kind, finding.severity) == ("spatial", "note")
    assert "(embed.0, embed.1, embed) come before the first attention, attention" in finding.sentence


def test_a_vision_transformer_has_its_patch_embedding_only() -> None:
    network = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10)
    finding = only(network, size=(32, 32), classes=10)
    assert "its only layer with a grid is conv_proj" in finding.sentence
    assert "unflatten(2, (4, 4))" in finding.remedy


def test_a_network_of_linear_layers_has_no_layer_for_a_map() -> None:
    finding = only(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    assert (finding.kind, finding.severity) == ("spatial", "problem")
    assert finding.sentence.startswith("No module of the network gives (N, C, h, w)")


def test_channels_in_the_last_axis_are_a_note() -> None:
    finding = only(ChannelsLast())
    assert (finding.kind, finding.severity) == ("channels last", "note")
    assert finding.sentence.startswith("norm works on (N, h, w, C)")


def test_a_normalisation_of_channels_in_the_second_axis_is_not_reported_on_a_grid_as_wide_as_the_channels() -> None:
    assert check(Headed(nn.Conv2d(3, 4, 5), LayerNorm2d(4))).findings == ()


# Section: wrappers


def test_data_parallel_around_the_network_is_a_problem_and_the_layers_have_their_own_names() -> None:
    found = check(nn.DataParallel(seeded(Repeated)))
    assert kinds(found) == [("problem", "wrapper"), ("note", "repeated")]
    assert found.problems[0].sentence.startswith("The network is wrapped in DataParallel")
    assert found.problems[0].remedy.endswith("network = network.module.")
    assert "relu#1" in found.notes[0].sentence


def test_data_parallel_inside_the_network_is_named() -> None:
    network = Headed(nn.DataParallel(nn.Conv2d(3, 4, 3)))
    finding = only(network)
    assert finding.sentence.startswith("The module 'body.0' is wrapped in DataParallel")
    assert "network.set_submodule('body.0', network.body.0.module)" in finding.remedy


@pytest.fixture
def process_group() -> Iterator[None]:
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_distributed_data_parallel_is_a_problem() -> None:
    finding = only(DistributedDataParallel(Ailing()))
    assert finding.sentence.startswith("The network is wrapped in DistributedDataParallel")


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
@pytest.mark.parametrize("inside", [False, True])
def test_torchscript_is_a_problem(inside: bool) -> None:
    script = torch.jit.script(nn.Conv2d(3, 4, 3))
    finding = only(Headed(script) if inside else script)
    assert (finding.kind, finding.severity) == ("wrapper", "problem")
    assert finding.sentence.startswith("The network is TorchScript, or a part of it is")


def test_a_compiled_network_is_checked_up_as_it_was_before() -> None:
    found = check(torch.compile(seeded(Repeated)))
    assert kinds(found) == [("problem", "wrapper"), ("note", "repeated")]
    assert found.problems[0].remedy.endswith("network = network._orig_mod.")


# Section: outputs


@pytest.mark.parametrize(
    ("kind", "words", "remedy"),
    [
        ("tuple", "a tuple with [0]: a tensor (2, 4, 6, 6), [1]: a tensor (2, 2)", "return self.network(x)[1]"),
        ("dict", "a dict with ['aux']: a tensor (2, 4, 6, 6), ['out']: a tensor (2, 2)", "return self.network(x)['out']"),
        ("dataclass", "an Answer with features: a tensor (2, 4, 6, 6), logits: a te", "return self.network(x).logits"),
        ("text", "returns a str, not one tensor (N, 2)", "Wrap it in a module whose forward makes one tensor"),
        ("map", "a tensor of shape (2, 4, 6, 6), not (N, 2)", "explain: output.mean((2, 3)) for the whole picture"),
        ("vector", "a tensor of shape (2,), not (N, 2)", "torch.stack([-score, score], 1)"),
        ("turned", "a tensor of shape (1, 2), not (N, 2)", "Let forward keep the pictures as the first axis"),
    ],
)
def test_an_output_that_is_not_one_tensor_of_scores_is_a_problem(kind: str, words: str, remedy: str) -> None:
    finding = only(Returning(kind))
    assert (finding.kind, finding.severity) == ("output", "problem")
    assert words in finding.sentence
    assert remedy in finding.remedy


def test_scores_beside_features_are_what_is_looked_at() -> None:
    scores_cut = Then(Returning("tuple"), lambda both: (both[0], both[1].detach()))
    found = check(scores_cut, classes=None)
    assert kinds(found) == [("problem", "output"), ("problem", "gradient")]
    assert "return self.network(x)[1]." in found.problems[0].remedy


def test_another_number_of_classes_is_a_problem_if_a_number_is_given() -> None:
    finding = only(Ailing(), classes=10)
    assert finding.sentence.startswith("The network returns 2 scores for a picture, but 10 classes are named")
    assert check(Ailing(), classes=None).findings == ()


def test_the_dict_of_a_segmentation_network_is_described_and_its_layers_checked_all_the_same() -> None:
    network = torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2)
    found = check(network, (64, 64))
    assert "an OrderedDict with ['out']: a tensor (2, 2, 64, 64)" in found.problems[0].sentence
    assert "return self.network(x)['out'].mean((2, 3))." in found.problems[0].remedy
    assert ("note", "in-place") in kinds(found)


# Section: normalisation


def test_a_normalisation_that_is_not_the_cards_is_a_problem(tutorial: xl.Model) -> None:
    card = load_card("captum-tutorial")
    other = dataclasses.replace(tutorial, mean=(0.4914, 0.4822, 0.4465))
    (finding,) = xl.check_up(other).findings
    assert (finding.kind, finding.severity) == ("normalisation", "problem")
    assert "mean=(0.4914, 0.4822, 0.4465), std=(0.5, 0.5, 0.5), but the card of captum-tutorial says mean=(0.5, 0.5," in (
        finding.sentence
    )
    assert finding.remedy == "Give it mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5); or put the card right."
    raw = xl.check_up(tutorial.network, input_size=(32, 32), mean=card.mean, std=(0.25, 0.25, 0.25), card=card)
    assert kinds(raw) == [("problem", "normalisation")]


def test_a_normalisation_of_the_card_in_half_the_digits_is_the_cards(tutorial: xl.Model) -> None:
    card = dataclasses.replace(load_card("captum-tutorial"), mean=(0.4914, 0.4822, 0.4465))
    mean = [float(np.float32(value)) for value in card.mean]
    assert xl.check_up(tutorial.network, input_size=(32, 32), mean=mean, std=card.std, card=card).findings == ()


@pytest.mark.parametrize(
    ("mean", "std", "noted"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), False),
        ((0, 0, 0), (1, 1, 1), False),
        ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261), False),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), True),
        ((0, 0, 0), (255, 255, 255), True),
    ],
)
def test_without_a_card_a_normalisation_for_0_to_255_is_noted(
    mean: tuple[float, ...], std: tuple[float, ...], noted: bool
) -> None:
    found = xl.check_up(Ailing(), input_size=SIDE, mean=mean, std=std)
    assert kinds(found) == ([("note", "normalisation")] if noted else [])


def test_the_numbers_in_the_note_are_those_of_the_test_images(images: xl.ImageSet) -> None:
    (finding,) = xl.check_up(Ailing(), input_size=SIDE, mean=(100, 100, 100), std=(2, 2, 2)).findings
    pixels = images.pixels / np.float32(255)
    centres = [f"{(pixels[..., channel].mean(dtype=np.float64) - 100) / 2:.4g}" for channel in range(3)]
    assert f"has a mean of ({', '.join(centres)})" in finding.sentence


# Section: NaN, precision


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_a_problem_of_its_own(value: float) -> None:
    network = Ailing()
    with torch.no_grad():
        network.conv.bias[1] = value
    finding = only(network)
    assert (finding.kind, finding.severity) == ("finite", "problem")
    assert finding.sentence.startswith("conv.bias holds NaN or infinity")


def test_nan_that_arises_in_the_forward_pass_is_a_problem_and_its_layer_is_named() -> None:
    finding = only(DividesByZero())
    assert (finding.kind, finding.severity) == ("finite", "problem")
    assert "the network's scores hold NaN or infinity, which arises at relu" in finding.sentence
    assert finding.remedy.startswith("Look at relu for a division by 0")


def test_a_gradient_that_is_not_finite_is_a_problem() -> None:
    finding = only(InfiniteGradient())
    assert (finding.kind, finding.severity) == ("finite", "problem")
    assert "The scores are finite, but the gradient that comes back to conv, relu holds NaN" in finding.sentence


def with_sparse_weight() -> nn.Module:
    network = Ailing()
    network.conv.weight = nn.Parameter(network.conv.weight.detach().to_sparse())
    return network


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Ailing().half(), "conv.weight, conv.bias, fc.weight, fc.bias are float16"),
        (nn.Sequential(nn.LazyConv2d(2, 3)), "0.weight, 0.bias hold no numbers yet"),
        (nn.Sequential(with_sparse_weight()), "0.conv.weight is sparse"),
        (Ailing().to("meta"), "conv.weight, conv.bias, fc.weight, fc.bias hold no numbers yet"),
    ],
    ids=["half", "lazy", "sparse", "meta"],
)
def test_weights_without_float32_numbers_are_a_problem(network: nn.Module, words: str) -> None:
    finding = only(network)
    assert (finding.kind, finding.severity) == ("precision", "problem")
    assert finding.sentence.startswith(words)


# Section: networks that do not run


@pytest.mark.parametrize("error", [RuntimeError("one line\nand another"), OSError("no such file"), Exception()])
def test_whatever_a_forward_pass_raises_is_a_problem(error: Exception) -> None:
    finding = only(Raising(error))
    assert (finding.kind, finding.severity) == ("forward", "problem")
    said = {"RuntimeError": "RuntimeError: one line", "OSError": "OSError: no such file", "Exception": "Exception"}
    where = "The network cannot run on pictures of 8 x 8, a batch (2, 3, 8, 8)"
    assert finding.sentence == f"{where}: {said[type(error).__name__]}."


def test_a_size_on_which_the_network_runs_is_named() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 2))
    assert only(network).remedy.startswith("It runs on 32 x 32")


def test_a_network_for_grey_pictures_is_told_so() -> None:
    finding = only(Headed(nn.Conv2d(1, 4, 3)))
    assert finding.kind == "forward"
    assert "Its first convolution, body.0, takes 1 channel(s), and pictures are RGB" in finding.remedy


# Section: the same of ResNet-20 and of networks of torchvision


def resnet20() -> nn.Module:
    return copy.deepcopy(xl.load_model("resnet20").network)  # the original is watched for changes


def resnet18() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None, num_classes=10)


def broken_weight(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        network.fc.bias[3] = float("nan")
    return network


def in_place(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    return network


def used_twice(network: nn.Module) -> nn.Module:
    network.layer1[0].relu1 = network.layer1[0].relu2 = nn.ReLU()
    return network


def attending(network: nn.Module) -> nn.Module:
    network.fc = nn.Sequential(SelfAttention(network.fc.in_features), network.fc)
    return network


def ids(ailments: list[Any]) -> list[str]:
    return [f"{expected[1]}-{number}" for number, (*_, expected) in enumerate(ailments)]


AILMENTS: list[tuple[Callable[[nn.Module], nn.Module], tuple[int, int], tuple[str, str]]] = [
    (lambda network: nn.Sequential(network, nn.Softmax(1)), (64, 64), ("problem", "softmax")),
    (lambda network: network.requires_grad_(False), (64, 64), ("note", "frozen")),
    (lambda network: Then(network, torch.Tensor.detach), (64, 64), ("problem", "gradient")),
    (in_place, (64, 64), ("note", "in-place")),
    (used_twice, (64, 64), ("note", "repeated")),
    (lambda network: network, (4, 4), ("problem", "grid")),
    (nn.DataParallel, (64, 64), ("problem", "wrapper")),
    (lambda network: Then(network, lambda scores: (scores, scores)), (64, 64), ("problem", "output")),
    (lambda network: Then(network, lambda scores: {"out": scores}), (64, 64), ("problem", "output")),
    (attending, (64, 64), ("note", "spatial")),
    (broken_weight, (64, 64), ("problem", "finite")),
    (lambda network: network.double(), (64, 64), ("problem", "precision")),
]


@pytest.mark.parametrize("build", [resnet20, resnet18])
@pytest.mark.parametrize(("ail", "size", "expected"), AILMENTS, ids=ids(AILMENTS))
def test_each_ailment_is_found_in_larger_networks_and_nothing_else_is(
    build: Callable[[], nn.Module],
    ail: Callable[[nn.Module], nn.Module],
    size: tuple[int, int],
    expected: tuple[str, str],
    ledger: Any,
) -> None:
    before = {*kinds(check(build(), (64, 64), 10))}
    network = ail(build())
    ledger.watch(network)
    found = {*kinds(check(network, size, 10))}
    assert expected in found
    assert found - before <= {expected}
    assert before <= found or expected == ("problem", "precision")  # of which nothing is run


# Section: the network as it was


def ailing() -> list[nn.Module]:
    squashed = SoftmaxModule(nn.Softmax(1))
    frozen, wrapped = without_gradient(["conv"], Ailing()), nn.DataParallel(Ailing())
    others = [Detached(), CutInBetween(), ThroughNumPy(), OneCell(), SmallTransformer(), Returning("dict"), Meddling()]
    return [Ailing(), squashed, frozen, wrapped, *others, DeadEnd(), Repeated(), Raising(ValueError("no"))]


@pytest.mark.parametrize("network", ailing(), ids=lambda network: type(network).__name__)
@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(network: nn.Module, training: bool, ledger: Any) -> None:
    network.train(training)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    counts = {name: tensor.clone() for name, tensor in network.named_buffers()}
    if not isinstance(network, Meddling):
        ledger.expect(network)  # both runs of this test have the same network
    digest = model_digest(network, HALF, HALF, SIDE)
    random, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    check(network)
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(np.random.get_state()[1], numpys)
    assert model_digest(network, HALF, HALF, SIDE) == digest
    assert {name: tensor.tolist() for name, tensor in network.named_buffers()} == {
        name: tensor.tolist() for name, tensor in counts.items()
    }
    assert all(bool((parameter.grad == 1).all()) for parameter in network.parameters())
    assert all(module.training == training for module in network.modules())


def test_the_same_is_found_each_time_and_in_training_mode_as_well(random_model: Callable[[str], xl.Model]) -> None:
    model = random_model("resnet18")
    first = xl.check_up(model)
    network = copy.deepcopy(model.network).train()
    assert check(network, (64, 64), 10) == xl.check_up(model) == first
    assert pickle.loads(pickle.dumps(first)) == first


def test_it_waits_while_somebody_else_runs_the_network(tutorial: xl.Model) -> None:
    done = threading.Event()

    def run() -> None:
        xl.check_up(tutorial)
        done.set()

    thread = threading.Thread(target=run)
    with tutorial.lock:
        thread.start()
        assert not done.wait(0.3)
    thread.join(10)
    assert done.is_set()


def test_nobody_gets_in_between_its_passes(tutorial: xl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, original = threading.Event(), probe.reach

    def enter() -> None:
        with tutorial.lock:
            entered.set()

    def reach(*arguments: Any) -> object:
        threading.Thread(target=enter).start()
        assert not entered.wait(0.3)
        return original(*arguments)

    monkeypatch.setattr(probe, "reach", reach)
    assert xl.check_up(tutorial).findings == ()
    assert entered.wait(10)


def test_inside_inference_mode_and_without_gradients_the_same_is_found() -> None:
    network = CutInBetween()
    outside = check(network)
    with torch.no_grad():
        assert check(network) == outside
    with torch.inference_mode():
        assert check(network) == outside


# Section: summaries, order, arguments, cache


@pytest.mark.parametrize(
    ("problems", "notes", "summary", "counts"),
    [
        (0, 0, "Nothing stands in the way of a map.", "0 problems, 0 notes"),
        (0, 1, "Nothing stands in the way of a map; there is 1 note.", "0 problems, 1 note"),
        (0, 2, "Nothing stands in the way of a map; there are 2 notes.", "0 problems, 2 notes"),
        (1, 0, "1 problem stands in the way of a map.", "1 problem, 0 notes"),
        (2, 1, "2 problems stand in the way of a map; there is 1 note as well.", "2 problems, 1 note"),
        (2, 2, "2 problems stand in the way of a map; there are 2 notes as well.", "2 problems, 2 notes"),
    ],
)
def test_the_summary_counts(problems: int, notes: int, summary: str, counts: str) -> None:
    found = in_order([note("a", "A.", "Do.")] * notes + [problem("b", "B.", "Do.")] * problems)
    assert (found.summary, found.counts) == (summary, counts)
    assert [finding.kind for finding in found.findings] == ["b"] * problems + ["a"] * notes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "input_size: None"),
        ({"input_size": (8, 0)}, "input_size: (8, 0)"),
        ({"input_size": SIDE, "classes": 0}, "classes: 0"),
        ({"input_size": SIDE, "classes": "cat"}, "classes: 'cat'"),
        ({"input_size": SIDE, "mean": HALF}, "std: missing"),
        ({"input_size": SIDE, "mean": HALF, "std": (0, 1, 1)}, "std: (0.0, 1.0, 1.0)"),
    ],
)
def test_arguments_of_another_form_raise(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(xl.InputError) as raised:
        xl.check_up(Ailing(), **arguments)
    assert str(raised.value).startswith(words)


def test_what_is_no_network_and_a_model_with_more_raise(tutorial: xl.Model) -> None:
    with pytest.raises(xl.InputError, match=r"network: a str; a Model or a torch\.nn\.Module would be right"):
        xl.check_up("resnet20")  # type: ignore[arg-type]
    with pytest.raises(xl.InputError, match="a Model brings input size"):
        xl.check_up(tutorial, input_size=(32, 32))


def test_the_cache_looks_once_and_again_when_weights_are_frozen() -> None:
    cache, model = ExplainCache(), model_of(Ailing())
    first = cache.check_up(model)
    assert cache.check_up(model) is first
    assert cache.stats.misses == 1
    model.network.conv.weight.requires_grad_(False)
    assert kinds(cache.check_up(model)) == [("note", "frozen")]
    model.network.conv.weight.requires_grad_(True)
    assert cache.check_up(model) is first
