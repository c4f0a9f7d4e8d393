"""The names that callers may rely on."""

import inspect

import pytest

import explain_lib as xl

# The names of the first promise: notebooks hold them.
GIVEN_OUT = [
    "load_cifar10",
    "list_models",
    "load_model",
    "as_model",
    "grad_cam",
    "package_grad_cam",
    "CamSettings",
    "PAPER",
    "NOTEBOOK_MANUAL",
    "NOTEBOOK_PACKAGE",
    "heatmap",
    "compare",
    "decompose",
    "ExplainError",
    "Target",
]
FUNCTIONS = [name for name in xl.__all__ if inspect.isfunction(getattr(xl, name, None))]


def test_every_public_name_exists_once() -> None:
    assert [name for name in xl.__all__ if not hasattr(xl, name)] == []
    assert len(set(xl.__all__)) == len(xl.__all__)


def test_no_name_that_was_given_out_is_gone() -> None:
    assert set(GIVEN_OUT) - set(xl.__all__) == set()


def test_every_public_class_and_function_is_documented() -> None:
    named = {name: getattr(xl, name) for name in xl.__all__}
    described = [name for name, value in named.items() if callable(value) and len(inspect.getdoc(value) or "") > 30]
    assert described == [name for name, value in named.items() if callable(value)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "model" in inspect.signature(getattr(xl, name)).parameters])
def test_a_function_of_a_model_says_its_errors(name: str) -> None:
    assert "error" in (inspect.getdoc(getattr(xl, name)) or "").lower()


def test_every_public_exception_is_an_explain_error() -> None:
    exceptions = [value for name in xl.__all__ if inspect.isclass(value := getattr(xl, name)) and issubclass(value, Exception)]
    assert [value for value in exceptions if not issubclass(value, xl.ExplainError)] == []
    assert issubclass(xl.LayerError, xl.InputError)
    assert issubclass(xl.TargetError, xl.InputError)
