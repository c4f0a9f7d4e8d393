"""The check-up of a network: each ailment its sentence, and the network as it was."""

import copy
import dataclasses
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import own_networks
import pytest
import torch
import torchvision
from ailing_networks import (
    Ailing,
    BestClass,
    ChannelsLast,
    CutInBetween,
    Detached,
    DividesByZero,
    Dropping,
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
    Squeezing,
    Then,
    ThroughNumPy,
    without_gradient,
)
from numpy.testing import assert_allclose
from plain_torch import package_maps, without_in_place
from sample_networks import DeadEnd, Headed, Models, Repeated, model_of, noise, plain, seeded
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.models.convnext import LayerNorm2d

import explain_lib as xl
from explain_lib.check_up import probe
from explain_lib.check_up.findings import in_order, note, problem
from explain_lib.loading.bundled import load_card
from explain_lib.networks.weights import model_digest
from explain_lib.work.cache import ExplainCache

SIDE = (8, 8)
HALF = (0.5, 0.5, 0.5)


def check(network: nn.Module, size: tuple[int, int] = SIDE, classes: int | None = 2, **given: Any) -> xl.CheckUp:
    return xl.check_up(network, input_size=size, classes=classes, mean=HALF, std=HALF, **given)


def kinds(found: xl.CheckUp) -> list[tuple[str, str]]:
    return [(finding.severity, finding.kind) for finding in found.findings]


def headings(found: xl.CheckUp) -> set[str]:
    return {f"{severity} {kind}" for severity, kind in kinds(found)}


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


@pytest.mark.parametrize("name", [name for name in xl.list_models() if name != "vit-tiny"])
def test_nothing_is_found_in_the_bundled_models(name: str) -> None:
    assert xl.check_up(xl.load_model(name)).findings == ()


def test_of_the_bundled_transformer_the_layers_are_named_whose_patches_nobody_reads() -> None:
    found = xl.check_up(xl.load_model("vit-tiny")).findings
    assert {one.severity for one in found} == {"note"}
    (said,) = [one.sentence for one in found if one.kind == "zero gradient"]
    assert said.startswith("After encoder.layers.encoder_layer_5.ln_2")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", [("note", "in-place"), ("note", "repeated")]),
        ("googlenet", [("note", "in-place")]),  # by functions, not modules
    ],
)
def test_torchvision_networks_have_notes_only(name: str, expected: list[tuple[str, str]], random_model: Models) -> None:
    assert kinds(xl.check_up(random_model(name))) == expected


# Section: each ailment by itself: words of its sentence and of its remedy, under its severity and kind


def scripted() -> nn.Module:
    return torch.jit.script(nn.Conv2d(3, 4, 3))


def overwritten() -> nn.Module:
    return Headed(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))


def with_bias(value: float) -> nn.Module:
    network = Ailing()
    with torch.no_grad():
        network.conv.bias[1] = value
    return network


def with_sparse_weight() -> nn.Module:
    network = Ailing()
    network.conv.weight = nn.Parameter(network.conv.weight.detach().to_sparse())
    return network


def vision_transformer() -> nn.Module:
    network = torchvision.models.VisionTransformer(8, 2, 1, 2, 16, 32, num_classes=2)
    nn.init.normal_(network.heads.head.weight)  # 0 before training
    return network


def untrained_transformer() -> nn.Module:
    return torchvision.models.VisionTransformer(8, 2, 1, 2, 16, 32, num_classes=2)


Build = Callable[[], nn.Module]
IN_FORWARD, BEFORE_SOFTMAX = "ends in a softmax (in its forward pass)", "Let forward return the input of the softmax"
AILING: dict[str, list[tuple[Build, str, str]]] = {
    "problem softmax": [
        (lambda: SoftmaxModule(nn.Softmax(1)), "a softmax (the module 'squash')", "set_submodule('squash', nn.Identity())"),
        (lambda: SoftmaxModule(nn.LogSoftmax(1)), "a log-softmax (the module 'squash')", "set_submodule('squash', nn.Id"),
        (lambda: SoftmaxModule(nn.Sigmoid()), "a sigmoid (the module 'squash')", "set_submodule('squash', nn.Identity())"),
        (SoftmaxInForward, IN_FORWARD, BEFORE_SOFTMAX),
        (SoftmaxByHand, IN_FORWARD, BEFORE_SOFTMAX),
        (lambda: nn.Sequential(Ailing(), nn.Softmax(1), nn.Dropout(), nn.Flatten()), "ends in a softmax", ""),
        (lambda: nn.Sequential(Ailing(), nn.Sigmoid(), nn.Unflatten(1, (2, 1)), nn.Flatten()), "a sigmoid (in its", ""),
    ],
    "note frozen": [
        (lambda: Ailing().requires_grad_(False), "All parameters are frozen (requires_grad is False).", "requires_grad_(True)"),
        (lambda: without_gradient(["conv"], Ailing()), "The parameters of conv are frozen", ""),
    ],
    "problem gradient": [
        (Detached, "detach, .data or no_grad cuts it off", "Take detach(), .data, torch.no_grad()"),
        (BestClass, "The network returns int64, like argmax or a comparison", "Let forward return the scores before"),
        (ThroughNumPy, "runs, but not with gradients: RuntimeError: Can't call numpy()", "no numpy()"),
        (CutInBetween, "No gradient comes back to conv, though the output depends on it", "or name a layer from relu on,"),
    ],
    "note unused": [(lambda: seeded(DeadEnd), "does not depend on unused, although forward runs it", "")],
    "note in-place": [
        (overwritten, "What body.0 gives is overwritten in place by body.1.", "module.inplace = False"),
        (InPlaceInForward, "What conv gives is overwritten in place. ", "in forward, use y = x.relu() instead of x.relu_()"),
    ],
    "note repeated": [
        (lambda: seeded(Repeated), "relu is called more than once in a forward pass: its calls are named relu#1", "'relu#2'")
    ],
    "problem grid": [
        (OneCell, "At 8 x 8 pixels the grid of conv3 is 1 x 1", "conv2, 2 x 2, is the last with more than one cell.")
    ],
    "note grid": [
        (
            lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.Flatten()),
            "the grid of 2 is 1 x 1",
            "Name an earlier layer: 0, 6 x 6",
        )
    ],
    "note zero gradient": [
        (
            vision_transformer,
            "After encoder.layers.encoder_layer_0.self_attention, encoder.layers.encoder_layer_0.dropout",
            "encoder.layers.encoder_layer_0.ln_1.",
        )
    ],
    "problem one picture": [(Squeezing, "on two pictures at once, and not on one: ", "x.squeeze((2, 3))")],
    "problem chance": [(Dropping, "Two passes over the same pictures give different scores", "training=self.training")],
    "problem neighbours": [
        (
            lambda: Headed(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
            "The scores of a picture depend on the other pictures in the batch",
            "track_running_stats=True",
        )
    ],
    "problem zero gradient": [(untrained_transformer, "is 0 at every layer, as before training", "")],
    "problem spatial": [
        (
            SmallTransformer,
            "All layers whose cells can be placed (embed) come before the first attention, attention",
            "'tokens'}",
        ),
        (LinearPatches, "All layers whose cells can be placed (embed) come before the first attention, attention", "'tokens'}"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), "No module of the network gives (N, C, h, w)", ""),
    ],
    "problem wrapper": [
        (lambda: Headed(nn.DataParallel(nn.Conv2d(3, 4, 3))), "'body.0' is wrapped in DataParallel", "network.body.0.module)"),
        (scripted, "The network is TorchScript, or a part of it is", ""),
        (lambda: Headed(scripted()), "The network is TorchScript, or a part of it is", ""),
    ],
    "problem output": [
        (lambda: Returning("twice"), "returns a tuple with 0: a tensor (2, 2), 1: a tensor (2, 2)", "as_model(..., output="),
        (lambda: Returning("text"), "the network returns a str; one tensor of shape", "output=FUNCTION"),
        (lambda: Returning("map"), "returns 4 scores for a picture, but 2 classes are named", "Name 4 classes"),
        (lambda: Returning("tokens"), "a tensor of shape (2, 4, 36), not (N, 2)", "output=lambda y: y.mean(1)"),
        (lambda: Returning("turned"), "a tensor of shape (1, 2), not (N, 2)", "keep the pictures as the first axis"),
    ],
    "note output": [
        (lambda: Returning("tuple"), "Its output is a tuple; the part 1 is explained.", "output=NAME"),
        (lambda: Returning("dict"), "Its output is a dict; the part 'out' is explained.", "output=NAME"),
        (lambda: Returning("dataclass"), "Its output is an Answer; the part 'logits' is explained.", "output=NAME"),
        (lambda: Returning("vector"), "The network gives one number for a picture. It is taken as a logit", "'regression'"),
    ],
    "problem finite": [
        (lambda: with_bias(torch.nan), "conv.bias contains NaN or infinity", ""),
        (lambda: with_bias(torch.inf), "conv.bias contains NaN or infinity", ""),
        (DividesByZero, "scores contain NaN or infinity, which starts at relu", "Look at relu for a division by 0"),
        (InfiniteGradient, "The scores are finite, but the gradient that comes back to conv, relu contains NaN", ""),
    ],
    "problem precision": [
        (lambda: Ailing().half(), "conv.weight, conv.bias, fc.weight, fc.bias are float16", ""),
        (lambda: nn.Sequential(nn.LazyConv2d(2, 3)), "0.weight, 0.bias hold no numbers yet", ""),
        (lambda: nn.Sequential(with_sparse_weight()), "0.conv.weight is sparse", ""),
        (lambda: Ailing().to("meta"), "conv.weight, conv.bias, fc.weight, fc.bias hold no numbers yet", ""),
    ],
    "problem forward": [
        (lambda: Headed(nn.Conv2d(1, 4, 3)), "", "body.0, takes 1 channel: give it mean and std of 1 channel"),
        (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 2)), "", "It runs on 32 x 32"),
    ],
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
@pytest.mark.parametrize(("heading", "build", "words", "remedy"), [(key, *one) for key in AILING for one in AILING[key]])
def test_an_ailment_is_the_one_finding_with_its_sentence_and_remedy(
    heading: str, build: Build, words: str, remedy: str
) -> None:
    finding = only(build())
    assert f"{finding.severity} {finding.kind}" == heading
    assert words in finding.sentence
    assert remedy in finding.remedy


def test_the_remedy_for_a_softmax_works() -> None:
    network = SoftmaxModule(nn.Softmax(1))
    network.set_submodule("squash", nn.Identity())
    assert check(network).findings == ()


def test_a_sigmoid_that_only_gates_is_not_reported() -> None:
    assert check(GatedBySigmoid()).findings == ()


@pytest.mark.parametrize("build", [Excited, ChannelsLast])
def test_gates_and_channels_at_the_end_are_no_ailment(build: Build) -> None:
    assert check(build()).findings == ()


def test_the_package_fails_where_the_note_on_frozen_parameters_says_so(ledger: Any) -> None:
    network = without_gradient(["body.0"], Headed(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)))
    model = model_of(network)
    with pytest.raises(Exception):  # noqa: B017, PT011 (whatever it is)
        package_maps(model, noise(1), ["body.0"])
    assert package_maps(model, noise(1), ["body.2"]).shape == (1, *SIDE)
    network.requires_grad_(True)  # the remedy
    ledger.expect(network)
    assert package_maps(model, noise(1), ["body.0"]).shape == (1, *SIDE)


def test_the_remedy_for_in_place_works() -> None:
    network = without_in_place(overwritten())
    assert check(network).findings == ()


def test_resnet18_on_32_pixels_has_one_cell_in_layer4(random_model: Models) -> None:
    found = check(random_model("resnet18").network, (32, 32), 10)
    assert kinds(found) == [("problem", "grid"), ("note", "in-place"), ("note", "repeated")]
    assert "layer4.0.conv1" in found.problems[0].sentence
    assert "layer3, 2 x 2, is the last" in found.problems[0].remedy


def test_a_normalisation_of_channels_in_the_second_axis_is_not_reported_on_a_grid_as_wide_as_the_channels() -> None:
    assert check(Headed(nn.Conv2d(3, 4, 5), LayerNorm2d(4))).findings == ()


# Section: wrappers


def test_data_parallel_around_the_network_is_a_problem_and_the_layers_have_their_own_names() -> None:
    found = check(nn.DataParallel(seeded(Repeated)))
    assert kinds(found) == [("problem", "wrapper"), ("note", "repeated")]
    assert found.problems[0].sentence.startswith("The network is wrapped in DataParallel")
    assert found.problems[0].remedy.endswith("network = network.module.")
    assert "relu#1" in found.notes[0].sentence


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


def test_a_compiled_network_is_checked_up_as_it_was_before() -> None:
    found = check(torch.compile(seeded(Repeated)))
    assert kinds(found) == [("problem", "wrapper"), ("note", "repeated")]
    assert found.problems[0].remedy.endswith("network = network._orig_mod.")


# Section: outputs


def test_scores_beside_features_are_what_is_looked_at() -> None:
    scores_cut = Then(Returning("tuple"), lambda both: (both[0], both[1].detach()))
    found = check(scores_cut, classes=None)
    assert kinds(found) == [("problem", "gradient"), ("note", "output")]
    assert found.notes[0].sentence == "Its output is a tuple; the part 1 is explained."


def test_another_number_of_classes_is_a_problem_if_a_number_is_given() -> None:
    finding = only(Ailing(), classes=10)
    assert finding.sentence.startswith("The network returns 2 scores for a picture, but 10 classes are named")
    assert check(Ailing(), classes=None).findings == ()


def test_the_dict_of_a_segmentation_network_is_described_and_its_layers_checked_all_the_same() -> None:
    network = torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2)
    found = check(network, (64, 64))
    said = "Its output is an OrderedDict; the part 'out' is explained. It gives a score for each of 64 x 64 places"
    assert any(finding.sentence.startswith(said) for finding in found.notes)
    assert ("note", "in-place") in kinds(found)


def test_one_number_a_place_is_taken_as_a_mask_and_said() -> None:
    found = check(own_networks.one_mask(), (32, 32), classes=None)
    assert [finding.sentence.partition(".")[0] for finding in found.notes if finding.kind == "output"] == [
        "It gives a score for each of 32 x 32 places: a class is explained by the sum of its scores over a region",
        "The network gives one number for each place",
    ]


def test_a_tuple_of_two_scores_is_no_problem_once_one_is_chosen() -> None:
    assert check(Returning("twice"), output=1).findings == ()


SQUASHED: list[tuple[Build, dict[str, Any], str, str]] = [
    (lambda: Then(Ailing(), torch.sigmoid), {}, "The probability shown is the softmax of that.", "With task='sigmoid'"),
    (lambda: Then(Ailing(), torch.sigmoid), {"task": "sigmoid"}, "is the sigmoid of that once more.", "still explains"),
    (lambda: Then(Ailing(), lambda y: y.softmax(1)), {"task": "sigmoid"}, "is the sigmoid of that.", "With task='softmax'"),
    (lambda: Then(Ailing(), lambda y: y[:, :1].sigmoid()), {"task": "binary"}, "the sigmoid of that once more.", "still"),
]


@pytest.mark.parametrize(("build", "given", "shown", "remedy"), SQUASHED)
def test_a_squashed_output_is_a_problem_of_its_task(build: Build, given: dict[str, Any], shown: str, remedy: str) -> None:
    finding = only(build(), **given)
    assert (finding.severity, finding.kind) == ("problem", "softmax")
    assert shown in finding.sentence
    assert remedy in finding.remedy


def test_the_remedy_for_the_sigmoid_of_labels_gives_their_probabilities() -> None:
    inner = Ailing()
    ailing = Then(inner, torch.sigmoid)
    model = xl.as_model(inner, input_size=SIDE, mean=HALF, std=HALF, task="sigmoid")
    assert xl.check_up(model).findings == ()
    pixels = noise(2)
    given = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    expected = ailing((given - 0.5) / 0.5).detach()
    assert_allclose(xl.Predictions(model.predict(pixels), "sigmoid").probabilities, expected, atol=1e-6)


def test_a_number_from_0_to_1_is_a_note_for_a_regression() -> None:
    finding = only(Then(Ailing(), torch.sigmoid), task="regression")
    assert (finding.severity, finding.kind) == ("note", "softmax")


def without_classifier(*end: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(2), nn.AdaptiveAvgPool1d(1), nn.Flatten(), *end)


@pytest.mark.parametrize("end", [nn.LayerNorm(5), nn.BatchNorm1d(5)])
def test_features_in_the_place_of_scores_are_noted(end: nn.Module) -> None:
    (finding,) = (
        one for one in check(seeded(lambda: without_classifier(end)), classes=None).findings if one.kind == "features"
    )
    assert finding.severity == "note"
    assert "The last layer with weights is 4, a normalisation: the network's output looks like 5 features" in finding.sentence
    assert "features" not in {one.kind for one in check(without_classifier(end), classes=None, task="softmax").findings}


@pytest.mark.parametrize("end", [[nn.Linear(5, 2)], [nn.LayerNorm(5), nn.Linear(5, 2)], []])
def test_scores_of_a_classifying_layer_or_of_a_convolution_are_no_features(end: list[nn.Module]) -> None:
    found = check(seeded(lambda: without_classifier(*end)), classes=None)
    assert "features" not in {one.kind for one in found.findings}


# Section: normalisation


def test_a_normalisation_that_is_not_the_cards_is_a_problem(tutorial: xl.Model) -> None:
    card = load_card("captum-tutorial")
    other = dataclasses.replace(tutorial, mean=(0.4914, 0.4822, 0.4465))
    (finding,) = xl.check_up(other).findings
    assert (finding.kind, finding.severity) == ("normalisation", "problem")
    assert "mean=(0.4914, 0.4822, 0.4465), std=(0.5, 0.5, 0.5), but the card of captum-tutorial says mean=(0.5, 0.5," in (
        finding.sentence
    )
    assert finding.remedy == "Give it mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5); or correct the card."
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
def test_without_a_card_a_normalisation_for_0_to_255_is_a_problem(
    mean: tuple[float, ...], std: tuple[float, ...], noted: bool
) -> None:
    found = xl.check_up(Ailing(), input_size=SIDE, mean=mean, std=std)
    assert kinds(found) == ([("problem", "normalisation")] if noted else [])


def test_the_numbers_in_the_note_are_those_of_the_test_images(images: xl.ImageSet) -> None:
    (finding,) = xl.check_up(Ailing(), input_size=SIDE, mean=(100, 100, 100), std=(2, 2, 2)).findings
    pixels = images.pixels / np.float32(255)
    centres = [f"{(pixels[..., channel].mean(dtype=np.float64) - 100) / 2:.4g}".replace("-", "−") for channel in range(3)]
    assert f"has a mean of ({', '.join(centres)})" in finding.sentence


# Section: networks that do not run


@pytest.mark.parametrize("error", [RuntimeError("one line\nand another"), OSError("no such file"), Exception()])
def test_whatever_a_forward_pass_raises_is_a_problem(error: Exception) -> None:
    finding = only(Raising(error))
    assert (finding.kind, finding.severity) == ("forward", "problem")
    said = {"RuntimeError": "RuntimeError: one line", "OSError": "OSError: no such file", "Exception": "Exception"}
    where = "The network cannot run on pictures of 8 x 8, a batch (2, 3, 8, 8)"
    assert finding.sentence == f"{where}: {said[type(error).__name__]}."


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


AILMENTS: list[tuple[Callable[[nn.Module], nn.Module], str]] = [
    (lambda network: nn.Sequential(network, nn.Softmax(1)), "problem softmax"),
    (lambda network: network.requires_grad_(False), "note frozen"),
    (lambda network: Then(network, torch.Tensor.detach), "problem gradient"),
    (in_place, "note in-place"),
    (used_twice, "note repeated"),
    (lambda network: network, "problem grid"),
    (nn.DataParallel, "problem wrapper"),
    (lambda network: Then(network, lambda scores: {"out": scores}), "note output"),
    (attending, "note spatial"),
    (broken_weight, "problem finite"),
    (lambda network: network.double(), "problem precision"),
]


@cache
def found_before(build: Build) -> set[str]:
    return headings(check(build(), (64, 64), 10))


@pytest.mark.parametrize("build", [resnet20, resnet18])
@pytest.mark.parametrize(("ail", "expected"), AILMENTS, ids=[expected for _, expected in AILMENTS])
def test_each_ailment_is_found_in_larger_networks_and_nothing_else_is(
    build: Build, ail: Callable[[nn.Module], nn.Module], expected: str, ledger: Any
) -> None:
    network, before = ail(build()), found_before(build)
    ledger.watch(network)
    found = headings(check(network, (4, 4) if expected == "problem grid" else (64, 64), 10))
    assert expected in found
    assert found - before <= {expected}
    assert before <= found or expected == "problem precision"  # of which nothing is run


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


def test_the_same_is_found_each_time_and_in_training_mode_as_well(random_model: Models) -> None:
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


def test_a_model_is_run_four_times_and_a_network_of_tokens_that_is_none_yet_once_more_to_find_its_layers() -> None:
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4).eval()
    nn.init.normal_(network.heads.head.weight)
    model = xl.as_model(network, input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    batches: list[int] = []
    hook = network.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    of_model = xl.check_up(model)
    as_a_model, batches[:] = list(batches), []
    of_network = xl.check_up(network, input_size=(32, 32), classes=4, mean=(0.5,) * 3, std=(0.5,) * 3)
    hook.remove()
    assert as_a_model == [2, 2, 2, 1]
    assert batches == [2, 1, 2, 2, 1]
    assert of_model == of_network


def test_a_model_whose_network_changed_since_is_looked_at_as_it_is_now() -> None:
    model = model_of(plain())
    model.network.body[1].inplace = True
    assert [one.kind for one in xl.check_up(model).findings] == ["in-place"]


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
    with pytest.raises(xl.InputError, match="a Model already has input size"):
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
