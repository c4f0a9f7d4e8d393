"""Target, and how one or several of them are given for a batch."""

from decimal import Decimal, getcontext
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import logsumexp

import explain_lib as xl
from explain_lib.loading.bundled import load_test_logits
from explain_lib.passes.outputs import Read
from explain_lib.passes.targets import expand_targets, explained_number, predicted_targets, score_gradient

THREE = ("cat", "dog", "frog")
LOGITS = torch.tensor([[1.0, 2.0, 4.0], [0.0, 3.0, -1.0]])


@pytest.mark.parametrize("given", [1, np.int64(1), np.uint8(1), torch.tensor(1), xl.Target(1)])
def test_one_target_is_for_all_images(given: Any) -> None:
    assert expand_targets(given, 2, THREE) == (xl.Target(1), xl.Target(1))


@pytest.mark.parametrize(
    "given", [[2, 0], (2, 0), np.array([2, 0]), torch.tensor([2, 0]), [torch.tensor(2), 0], [xl.Target(2), 0]]
)
def test_a_sequence_is_one_per_image(given: Any) -> None:
    assert expand_targets(given, 2, THREE) == (xl.Target(2), xl.Target(0))


def test_none_is_left_for_the_predicted_classes() -> None:
    assert expand_targets(None, 2, THREE) is None
    assert predicted_targets(LOGITS) == (xl.Target(2), xl.Target(1))


BAD: list[tuple[Any, str]] = [
    (3, r"there is no class 3; the network has 0 to 2: cat, dog, frog"),
    (-1, r"there is no class -1; the network has 0 to 2"),
    ([0, 7], r"there is no class 7"),
    (xl.Target(0, minus=3), r"there is no class 3"),
    (xl.Target(0, minus=-2), r"there is no class -2"),
    (xl.Target(0, plus=(1, 3)), r"there is no class 3"),
    (torch.tensor([0.0, 1.0]), r"0.0 is not a whole number"),
    (1.0, r"1.0 is not a whole number; the position of a class"),
    (np.float32(1), r"is not a whole number"),
    ([0, 1.5], r"1.5 is not a whole number"),
    (True, r"True is not a whole number"),
    ([0, False], r"False is not a whole number"),
    ("dog", r"'dog' is text; the position of a class would be right"),
    (["cat", "dog"], r"'cat' is not a whole number"),
    ([0], r"1 of them for 2 images; one, or one per image"),
    ([0, 1, 2], r"3 of them for 2 images"),
    ([], r"0 of them for 2 images"),
    ([None, 1], r"None is not a whole number"),
    (np.array(1.5), r"1.5"),  # without a dimension it cannot be gone through
    (torch.tensor(1.5), r"1.5"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD, ids=[repr(given) for given, _ in BAD])
def test_bad_targets_are_refused_with_what_would_be_right(given: Any, sentence: str) -> None:
    with pytest.raises(xl.TargetError, match=rf"targets: .*{sentence}"):
        expand_targets(given, 2, THREE)


BAD_TARGETS: list[tuple[dict[str, Any], str]] = [
    ({"index": 1.5}, r"1.5 is not a whole number"),
    ({"index": True}, r"True is not a whole number"),
    ({"index": "cat"}, r"'cat' is not a whole number"),
    ({"index": None}, r"None is not a whole number"),
    ({"index": 0, "minus": 0.5}, r"0.5 is not a whole number"),
    ({"index": 0, "sign": 0}, r"sign 0; 1 or -1 would be right"),
    ({"index": 0, "sign": 2}, r"sign 2; 1 or -1"),
    ({"index": 0, "score": "loss"}, r"score 'loss'; 'logit' or 'probability'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD_TARGETS)
def test_a_bad_target_cannot_be_made(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xl.TargetError, match=rf"targets: {sentence}"):
        xl.Target(**arguments)


def test_numpy_indices_become_plain_ones() -> None:
    target = xl.Target(np.int64(2), minus=np.uint8(1))  # type: ignore[arg-type]
    assert (type(target.index), type(target.minus), target) == (int, int, xl.Target(2, minus=1))


ANY_TARGETS = [
    xl.Target(0, minus=2, sign=-1, score="probability"),
    xl.Target(2, score="probability"),
    xl.Target(1, minus=0, score="probability"),
    xl.Target(2, minus=1),
    xl.Target(0, sign=-1),
    xl.Target(1, minus=1),
]


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_that_of_the_score_written_out(seed: int) -> None:
    logits = torch.randn(len(ANY_TARGETS), 3, generator=torch.Generator().manual_seed(seed)).mul(3).requires_grad_()
    score = torch.zeros(())
    for row, target in zip(logits, ANY_TARGETS, strict=True):
        values = row if target.score == "logit" else row.softmax(0)
        score = score + target.sign * (values[target.index] - (0 if target.minus is None else values[target.minus]))
    expected = torch.autograd.grad(score, logits)[0]
    assert_allclose(score_gradient(logits.detach(), ANY_TARGETS), expected, atol=1e-6)


def test_several_classes_are_added_up() -> None:
    read = Read(LOGITS, LOGITS, "sigmoid")
    assert explained_number(xl.Target(0, plus=(2,)), read, 1).item() == -1
    assert explained_number(xl.Target(1, minus=0, plus=(2, 2), sign=-1), read, 0).item() == -9
    assert score_gradient(LOGITS, [xl.Target(0, plus=(2,)), xl.Target(1, plus=(0,), sign=-1)]).tolist() == [
        [1, 0, 1],
        [-1, -1, 0],
    ]


def test_a_target_without_further_classes_is_written_as_before_there_were_any() -> None:
    assert repr(xl.Target(2, minus=1)) == "Target(index=2, minus=1, sign=1, score='logit')"
    assert repr(xl.Target(2, plus=(1,))) == "Target(index=2, minus=None, sign=1, score='logit', plus=(1,))"


@pytest.mark.parametrize("logit", [-60.0, -9.0, -0.5, 0.0, 2.0, 40.0, 60.0])
def test_the_gradient_of_a_sigmoid_has_all_its_digits(logit: float) -> None:
    getcontext().prec = 60
    power = Decimal(-logit).exp()
    expected = float(power / (1 + power) ** 2)
    target = xl.Target(0, score="probability", plus=(1,))
    given = torch.tensor([[logit, 0.0]], requires_grad=True)
    assert_allclose(score_gradient(given.detach(), [target], "sigmoid")[0], [expected, 0.25], rtol=1e-6)
    number = explained_number(target, Read(given, given, "sigmoid"), 0)
    assert_allclose(torch.autograd.grad(number, given)[0][0], [expected, 0.25], rtol=1e-6)


def test_a_probability_of_a_regression_is_refused() -> None:
    with pytest.raises(xl.TargetError, match="a regression have no probability; score='logit' would be right"):
        expand_targets(xl.Target(0, score="probability"), 1, THREE, "regression")


def test_the_predicted_output_of_a_regression_is_its_first() -> None:
    assert predicted_targets(LOGITS, "regression") == (xl.Target(0), xl.Target(0))


def decimal_gradient(logits: list[float], index: int) -> list[float]:
    """The gradient of the probability of a class, with sixty digits."""
    getcontext().prec = 60
    exponentials = [Decimal(value).exp() for value in logits]
    shares = [value / sum(exponentials) for value in exponentials]
    return [float(shares[index] * ((place == index) - share)) for place, share in enumerate(shares)]


NEAR_ONE = ([17.0, 0.5, -1.0], [2.0, 45.0, 3.0], [-5.0, 0.0, 40.0])


@pytest.mark.parametrize("logits", NEAR_ONE)
@pytest.mark.parametrize("index", range(3))
def test_the_gradient_of_a_probability_near_1_has_all_its_digits(logits: list[float], index: int) -> None:
    expected = decimal_gradient(logits, index)
    target = xl.Target(index, score="probability")
    found = score_gradient(torch.tensor([logits]), [target])[0]
    assert_allclose(found, expected, rtol=1e-6)
    own = torch.tensor([logits], requires_grad=True)
    number = explained_number(target, Read(own, own, "softmax"), 0)
    assert_allclose(torch.autograd.grad(number, own)[0][0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", xl.list_models())
def test_the_gradient_of_a_probability_is_right_for_all_test_images(name: str) -> None:
    """At the logits, where probabilities enter: behind them the pass is that of the logit."""
    logits = load_test_logits(name)
    images, predicted = np.arange(len(logits)), logits.argmax(1)
    precise = logits.astype(np.float64)
    shares = np.exp(precise - logsumexp(precise, 1, keepdims=True))
    others = precise.copy()
    others[images, predicted] = -np.inf
    expected = -shares * shares[images, predicted][:, None]
    expected[images, predicted] *= -np.exp(logsumexp(others, 1) - precise[images, predicted])  # 1 - p over p
    targets = [xl.Target(int(index), score="probability") for index in predicted]
    found = score_gradient(torch.from_numpy(logits.copy()), targets).numpy()
    assert_allclose(found, expected, rtol=1e-6, atol=0)


def test_a_network_of_one_class_has_a_probability_of_1_and_no_gradient() -> None:
    target, logits = xl.Target(0, score="probability"), torch.tensor([[3.0]], requires_grad=True)
    score = explained_number(target, Read(logits, logits, "softmax"), 0)
    assert score.item() == 1
    assert torch.autograd.grad(score, logits)[0].item() == 0
    assert score_gradient(torch.tensor([[3.0]]), [target]).item() == 0
