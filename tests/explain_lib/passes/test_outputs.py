"""What a network may return: the scores are found, each task has its probabilities, and maps are those of plain autograd."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import network_input, package_maps
from pytorch_grad_cam.utils import model_targets
from sample_networks import noise
from torch import Tensor, nn
from torchvision.models.googlenet import GoogLeNetOutputs

import explain_lib as xl

Form = Callable[[Tensor], object]
Pair = namedtuple("Pair", "features logits")


@dataclass
class Answer:
    features: Tensor
    out: Tensor


class Holder:
    def __init__(self, logits: Tensor) -> None:
        self.logits, self.note = logits, "text"


class Small(nn.Module):
    """Two convolutions and a linear layer; `form` makes the output of the scores (N, K)."""

    def __init__(self, outputs: int, form: Form = lambda scores: scores) -> None:
        super().__init__()
        torch.manual_seed(outputs)
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3, stride=2)
        self.fc, self.form = nn.Linear(8, outputs), form

    def forward(self, x: Tensor) -> object:
        return self.form(self.scores(self.conv2(self.conv1(x).relu())))

    def scores(self, activation: Tensor) -> Tensor:
        return self.fc(activation.relu().mean((2, 3)))


PIXELS = noise(3, 16)
LAYER = "conv2"
WHERE: dict[str, Any] = {"input_size": (16, 16), "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}


def model_of(network: nn.Module, **given: Any) -> xl.Model:
    return xl.as_model(network, **(WHERE | given))


def plain_map(model: xl.Model, score: Callable[[Tensor], Tensor]) -> np.ndarray:
    """The signed maps (N, h, w) by autograd alone. score: from the scores (N, K) of Small to the sum that is explained."""
    network = deepcopy(model.network).eval()
    activation = network.conv2(network.conv1(network_input(model, PIXELS)).relu()).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(network.scores(activation)), activation)
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1).detach().numpy()


def signed(model: xl.Model, targets: Any = None) -> np.ndarray:
    return xl.grad_cam(model, PIXELS, LAYER, targets)[LAYER].signed


# Section: where the scores are

FORMS: dict[str, tuple[Form, str]] = {
    "tensor": (lambda y: y, ""),
    "one cell": (lambda y: y[:, :, None, None], ""),
    "a score a pixel": (lambda y: torch.stack([y, y], 2)[:, :, None].expand(-1, -1, 3, -1), "each of 3 x 2 places; their mean"),
    "half": (lambda y: y.to(torch.bfloat16).to(torch.float64), ""),
    "dict": (lambda y: {"features": y.new_zeros(len(y), 7), "logits": y, "loss": None}, "a dict; the part 'logits' is"),
    "ordered": (lambda y: OrderedDict(out=y, aux=2 * y), "an OrderedDict; the part 'out' is explained."),
    "named by nobody": (lambda y: {"aux_head": 2 * y, "head": y}, "the part 'head' is explained."),
    "named beside another": (lambda y: {"other": 2 * y, "logits": y}, "the part 'logits' is explained."),
    "dataclass": (lambda y: Answer(2 * y, y), "an Answer; the part 'out' is explained."),
    "namedtuple": (lambda y: Pair(2 * y, y), "a Pair; the part 'logits' is explained."),
    "object": (Holder, "a Holder; the part 'logits' is explained."),
    "googlenet": (lambda y: GoogLeNetOutputs(y, 2 * y, 3 * y), "the part 'logits' is explained."),
    "beside features": (lambda y: (y.new_ones(len(y), 4, 5, 5), y), "a tuple; the part 1 is explained."),
    "beside others": (lambda y: [y.new_ones(len(y), 11), y], "a list; the part 1 is explained."),
}


@pytest.mark.parametrize(("form", "note"), FORMS.values(), ids=FORMS.keys())
def test_the_scores_are_found_and_explained(form: Form, note: str) -> None:
    model = model_of(Small(5, form), classes=tuple("abcde"), task="softmax")
    right = model_of(Small(5), classes=tuple("abcde"))
    assert note in model.outputs.sentence
    assert bool(model.outputs.sentence) == bool(note)
    rounding = 1e-2 if model.network.form is FORMS["half"][0] else 1e-6
    logits = model.predict(PIXELS)
    assert logits.dtype == np.float32
    assert_allclose(logits, right.predict(PIXELS), atol=rounding)
    assert_allclose(signed(model, [0, 3, 4]), signed(right, [0, 3, 4]), atol=rounding)


def test_transformers_own_outputs_are_read() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], num_labels=4)
    network = transformers.ResNetForImageClassification(config).eval()
    model = xl.as_model(network, input_size=(32, 32), mean=(0, 0, 0), std=(1, 1, 1))
    pixels, layer = noise(2, 32), "resnet.encoder.stages.0"
    assert model.outputs.note == "Its output is an ImageClassifierOutputWithNoAttention; the part 'logits' is explained."
    given = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    kept: list[Tensor] = []
    with torch.enable_grad(), network.get_submodule(layer).register_forward_hook(lambda *all: kept.append(all[2])):
        score = network(given).logits[:, 2].sum()
    (gradient,) = torch.autograd.grad(score, kept)
    expected = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).detach()
    assert_allclose(xl.grad_cam(model, pixels, layer, 2)[layer].signed, expected, atol=1e-6)


def test_scores_of_which_nobody_knows_which_are_meant_are_listed() -> None:
    with pytest.raises(xl.NetworkError, match=r"a tuple with 0: .*\(2, 5\), 1: .*choose one with output=0 or output=1"):
        model_of(Small(5, lambda y: (y, 2 * y)))


CHOSEN: dict[str, tuple[Form, Any]] = {
    "place": (lambda y: (2 * y, y), 1),
    "place from the end": (lambda y: (2 * y, y), -1),
    "name": (lambda y: {"logits": 2 * y, "other": y}, "other"),
    "field": (lambda y: Answer(y, 2 * y), "features"),
    "function": (lambda y: {"deep": [2 * y, y]}, lambda output: output["deep"][1]),
    "function of tokens": (lambda y: torch.stack([y, 9 * y], 1), lambda output: output[:, 0]),
}


@pytest.mark.parametrize(("form", "chosen"), CHOSEN.values(), ids=CHOSEN.keys())
def test_another_part_can_be_chosen(form: Form, chosen: Any) -> None:
    model = model_of(Small(5, form), output=chosen)
    assert_allclose(signed(model, 3), signed(model_of(Small(5)), 3), atol=1e-6)


BAD_OUTPUTS: list[tuple[Form, dict[str, Any], str]] = [
    (
        lambda y: y[:, :4],
        {"classes": tuple("abcde")},
        r"a tensor of shape \(2, 4\); one tensor of shape \(2, 5\), a score for ea",
    ),
    (lambda _: "frog", {}, r"the network returns a str; one tensor of shape \(2, classes\)"),
    (lambda _: {"logits": "frog"}, {}, r"a dict with logits: a str; one tensor"),
    (lambda y: torch.stack([y, y], 1), {}, r"shape \(2, 2, 5\); .*output=lambda y: y.mean\(1\), or"),
    (lambda y: y, {"output": "logits"}, r"output: the network returns one tensor, which has no part 'logits'; output=None"),
    (
        lambda y: {"a": y},
        {"output": "b"},
        r"output: the network returns a dict with a: a tensor \(2, 5\), which has no part 'b'; one of these would be right",
    ),
    (lambda y: {"a": y}, {"output": lambda found: found["b"]}, r"output: the function fails on a dict with a: .*KeyError: 'b'"),
    (lambda y: {"a": y}, {"output": lambda _: 3}, r"output: the function gives an int; one tensor"),
]


@pytest.mark.parametrize(("form", "given", "sentence"), BAD_OUTPUTS)
def test_an_output_without_scores_is_refused_with_its_parts(form: Form, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xl.NetworkError, match=sentence):
        model_of(Small(5, form), **given)


def test_how_the_output_is_read_belongs_to_the_digest_where_it_is_not_the_usual_way() -> None:
    network = Small(2, lambda y: (y, 2 * y))
    ways: list[dict[str, Any]] = [
        {"output": 0},
        {"output": 1},
        {"output": lambda y: y[0]},
        {"output": lambda y: y[1]},
        {"output": 1, "task": "sigmoid"},
    ]
    digests = [model_of(network, **way).digest for way in ways]
    assert len(set(digests)) == len(ways)
    network.form = lambda y: y
    assert model_of(network, task="softmax").digest == model_of(network).digest != model_of(network, task="regression").digest


def test_a_detector_is_explained_by_a_function_of_its_boxes() -> None:
    def boxes(scores: Tensor) -> list[dict[str, Tensor]]:
        return [
            {"scores": row.sigmoid(), "boxes": row.new_tensor([[0.0, 0, 9, 9]] * 5), "labels": torch.arange(5)}
            for row in scores
        ]

    model = model_of(
        Small(5, boxes), output=lambda found: torch.stack([one["scores"].sum()[None] for one in found]), task="regression"
    )
    assert_allclose(signed(model), plain_map(model, lambda y: y.sigmoid().sum()), atol=1e-6)
    target = model_targets.FasterRCNNBoxScoreTarget([0], [np.array([0.0, 0, 9, 9])])
    first = plain_map(model, lambda y: y[:, 0].sigmoid().sum())  # of equal boxes the first counts, whose label is 0
    assert_allclose(signed(model, target), first, atol=1e-6)


# Section: one logit


ONE: dict[str, Form] = {"(N, 1)": lambda y: y, "(N,)": lambda y: y[:, 0], "() for one": lambda y: y.squeeze()}


@pytest.mark.parametrize("form", ONE.values(), ids=ONE.keys())
def test_one_logit_is_for_and_against(form: Form) -> None:
    model = model_of(Small(1, form), classes=("defect",))
    assert (model.task, model.classes) == ("binary", ("not defect", "defect"))
    assert model.task_source == "not given; chosen because there is one score"
    logit = model_of(Small(1)).predict(PIXELS)[:, 1]
    assert_array_equal(model.predict(PIXELS), np.stack([-logit, logit], 1))
    assert_allclose(signed(model, 1), plain_map(model, lambda y: y.sum()), atol=1e-7)
    assert_array_equal(signed(model, 0), -signed(model, 1))
    said = xl.predict_images(model, xl.ImageSet(PIXELS, np.array([0, 1, 1]), model.classes))
    assert_allclose(said.probabilities, 1 / (1 + np.exp(-np.stack([-logit, logit], 1).astype(np.float64))), atol=1e-7)
    assert_allclose(said.probabilities.sum(1), 1, atol=1e-6)
    assert_array_equal(said.predicted, logit > 0)
    chance = signed(model, xl.Target(1, score="probability"))
    assert_allclose(chance, plain_map(model, lambda y: y.sigmoid().sum()), atol=1e-6)


def test_one_logit_is_what_grad_cams_binary_target_explains() -> None:
    model = model_of(Small(1))
    assert model.classes == ("negative", "positive")
    for index in (0, 1):
        target = model_targets.BinaryClassifierOutputTarget(index)
        expected = package_maps(model, PIXELS, [LAYER], [target] * 3)
        for asked in (index, target):
            assert_allclose(xl.package_grad_cam(model, PIXELS, LAYER, asked), expected, atol=1e-6)
            found = xl.grad_cam(model, PIXELS, LAYER, asked)[LAYER].signed
            assert_allclose(found, plain_map(model, (lambda y: y.sum()) if index else (lambda y: -y.sum())), atol=1e-6)


# Section: the task


def test_labels_have_a_probability_each_and_several_can_be_explained() -> None:
    model = model_of(Small(14), task="sigmoid")
    logits = model.predict(PIXELS)
    said = xl.Predictions(logits, model.task)
    expected = torch.from_numpy(logits).double().sigmoid().numpy()
    assert_allclose(said.probabilities, expected, atol=1e-7)
    assert_array_equal(said.present, expected > 0.5)
    assert_array_equal(said.predicted, logits.argmax(1))
    target = xl.Target(3, plus=(5, 7), score="probability")
    assert_allclose(signed(model, target), plain_map(model, lambda y: y.sigmoid()[:, [3, 5, 7]].sum()), atol=1e-6)
    assert_allclose(signed(model, xl.Target(3, plus=(5,))), plain_map(model, lambda y: y[:, [3, 5]].sum()), atol=1e-6)
    assert xl.grad_cam(model, PIXELS, LAYER).targets == tuple(map(xl.Target, logits.argmax(1)))


def test_a_regression_has_numbers_and_no_probability() -> None:
    model = model_of(Small(1), classes=("age",), task="regression")
    numbers = model.predict(PIXELS)
    assert numbers.shape == (3, 1)
    said = xl.Predictions(numbers, model.task)
    assert_array_equal(said.probabilities, numbers)
    assert_array_equal(said.confidence, numbers[:, 0])
    assert np.isnan(said.margin).all()
    assert_allclose(signed(model), plain_map(model, lambda y: y.sum()), atol=1e-7)
    assert_array_equal(signed(model, xl.Target(0, sign=-1)), -signed(model))
    with pytest.raises(xl.TargetError, match="have no probability"):
        xl.grad_cam(model, PIXELS, LAYER, xl.Target(0, score="probability"))


def test_the_task_comes_from_the_configuration_if_nobody_says_it() -> None:
    network = Small(3)
    network.config = type("Config", (), {"problem_type": "multi_label_classification"})()
    model = model_of(network)
    assert (model.task, model.classes[0]) == ("sigmoid", "label 0")
    assert model.task_source == "the network's configuration says multi_label_classification"
    assert model_of(network, task="softmax").task_source == "given"


BAD_TASKS: list[tuple[int, dict[str, Any], str]] = [
    (3, {"task": "binary"}, "task: 'binary' does not fit a network with 3 scores; one of softmax, sigmoid, regression"),
    (1, {"task": "softmax"}, "task: 'softmax' does not fit a network with one score; one of binary, sigmoid, regression"),
    (1, {"unit": "years"}, "unit: 'years' belongs to numbers, and the task is binary; task='regression' would be right"),
    (1, {"unit": 3, "task": "regression"}, "unit: 3; a text, as 'years', would be right"),
    (
        3,
        {"task": "multi"},
        "task: 'multi'; one of softmax, sigmoid, binary, regression, segmentation, sigmoid-segmentation, "
        "detection would be right",
    ),
    (3, {"task": 3}, "task: 3; one of"),
    (
        1,
        {"task": "regression", "classes": ("a", "b")},
        "classes: 2 names; 1 would be right, as the network's task is regression",
    ),
    (3, {"output": 1.5}, "output: 1.5; the name or the place of a part"),
]


@pytest.mark.parametrize(("outputs", "given", "sentence"), BAD_TASKS)
def test_a_task_that_does_not_fit_is_refused(outputs: int, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xl.InputError, match=sentence):
        model_of(Small(outputs), **given)


def test_a_model_can_be_given_another_task() -> None:
    model = model_of(Small(1), classes=("defect",))
    number = model.with_task("regression")
    assert (number.classes, number.task_source) == (("defect",), "given")
    assert number.with_task("binary").classes == ("not defect", "defect")
    assert model.with_task("binary") is model
    assert model_of(Small(2)).with_task("sigmoid").classes == ("class 0", "class 1")
    with pytest.raises(xl.InputError, match="does not fit a network with one score"):
        model.with_task("softmax")


def test_a_probability_of_almost_1_is_below_1() -> None:
    said = xl.Predictions(np.array([[16.635532, 0.0, -40.0], [20.0, 0.0, 0.0]], np.float32))
    assert_array_equal(said.confidence, np.float32(1 - 2**-24))
    assert_allclose(said.probabilities.sum(1, dtype=np.float64), 1, atol=1e-7)
    assert xl.Predictions(np.array([[3.0]], np.float32)).confidence[0] == 1


# Section: scores that are no numbers


def test_scores_that_are_nan_for_every_picture_are_refused() -> None:
    with pytest.raises(xl.NetworkError, match="network: its scores are NaN or infinite for all of 2 pictures; finite ones"):
        model_of(Small(3, lambda y: y * torch.nan))


def test_scores_that_are_nan_for_a_black_picture_alone_are_not() -> None:
    class Contrasted(Small):
        def forward(self, x: Tensor) -> object:
            centred = x - x.mean((1, 2, 3), keepdim=True)
            return super().forward(centred / centred.abs().amax((1, 2, 3), keepdim=True))

    model = model_of(Contrasted(3))
    mixed = np.concatenate([PIXELS[:1], np.zeros((1, 16, 16, 3), np.uint8)])
    found = xl.grad_cam(model, mixed, LAYER, 0)[LAYER].signed
    assert_array_equal(np.isfinite(found).all((1, 2)), [True, False])
    for refuse in (model.predict, lambda pixels: xl.walkthrough(model, pixels[0], LAYER)):
        with pytest.raises(xl.NetworkError, match="its scores are NaN or infinite"):
            refuse(mixed[1:])


# Section: functions as targets


FUNCTIONS: dict[str, tuple[Any, Callable[[Tensor], Tensor]]] = {
    "a difference": (lambda y: y[3] - y[1], lambda y: (y[:, 3] - y[:, 1]).sum()),
    "not linear": (lambda y: y.square().sum(), lambda y: y.square().sum()),
    "one that keeps an axis": (lambda y: y[2:3] * 2, lambda y: 2 * y[:, 2].sum()),
    "grad-cam's class": (model_targets.ClassifierOutputTarget(4), lambda y: y[:, 4].sum()),
    "grad-cam's softmax": (model_targets.ClassifierOutputSoftmaxTarget(2), lambda y: y.softmax(1)[:, 2].sum()),
    "grad-cam's ReST": (
        model_targets.ClassifierOutputReST(1),
        lambda y: y[:, 1].sum() - nn.functional.cross_entropy(y, torch.ones(len(y), dtype=torch.long), reduction="sum"),
    ),
}


@pytest.mark.parametrize(("target", "score"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_a_function_of_one_pictures_output_is_a_target(target: Any, score: Callable[[Tensor], Tensor]) -> None:
    model = model_of(Small(5))
    expected = plain_map(model, score)
    assert_allclose(signed(model, target), expected, atol=1e-6)
    assert_allclose(signed(model, [target, 2, target])[[0, 2]], expected[[0, 2]], atol=1e-6)
    assert_allclose(signed(model, [target, 2, target])[1], signed(model, 2)[1], atol=1e-6)
    package = package_maps(model, PIXELS, [LAYER], [target] * 3)
    assert_allclose(xl.package_grad_cam(model, PIXELS, LAYER, target), package, atol=1e-6)
    walked = xl.walkthrough(model, PIXELS[0], LAYER, target)
    assert_allclose(walked.signed, expected[0], atol=1e-6)


def test_grad_cams_segmentation_target_gets_the_scores_of_every_pixel() -> None:
    model = model_of(Small(4, lambda y: {"out": y[:, :, None, None] * torch.arange(12.0).view(3, 4)}))
    mask = np.zeros((3, 4), np.float32)
    mask[1, 2] = mask[2, 3] = 1
    target = model_targets.SemanticSegmentationTarget(2, mask)
    expected = plain_map(model, lambda y: (6 + 11) * y[:, 2].sum())
    assert_allclose(signed(model, target), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (lambda y: y[9], r"fails on the output of one picture, a tensor of shape \(5,\): IndexError"),
        (lambda y: y, r"makes a tensor of shape \(5,\) of the output of one picture.*; a tensor of one number"),
        (lambda y: y[0].item(), r"makes a float of the output"),
        (lambda y: y[0].detach(), r"a number without a gradient; one that depends on the output"),
        (model_targets.ClassifierOutputTarget, r"makes a ClassifierOutputTarget"),
    ],
)
def test_a_function_that_makes_no_number_is_refused(target: Any, sentence: str) -> None:
    with pytest.raises(xl.TargetError, match=sentence):
        xl.grad_cam(model_of(Small(5)), PIXELS, LAYER, target)


def test_the_parts_of_a_score_add_up_for_a_function_of_several() -> None:
    found = xl.completeness(model_of(Small(5)), PIXELS[0], LAYER, lambda y: y[3] - y[5 - 1])
    assert found.holds
    assert found.score == pytest.approx(found.hirescam_sum + found.biases + found.past, abs=1e-6)
