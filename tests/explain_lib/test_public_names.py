"""The names that callers may rely on."""

import inspect

import pytest

import explain_lib as xl
from explain_lib.base import errors

PUBLIC = [
    "CLASSES",
    "NOTEBOOK_MANUAL",
    "NOTEBOOK_PACKAGE",
    "PAPER",
    "AverageMap",
    "CacheStats",
    "CamSettings",
    "ChannelAblation",
    "CheckUp",
    "Comparison",
    "Completeness",
    "Configuration",
    "Contrast",
    "DataError",
    "Decomposition",
    "Drawing",
    "ExplainCache",
    "ExplainError",
    "Finding",
    "GradCams",
    "ImageFolder",
    "ImageSet",
    "InputError",
    "LadderRows",
    "LayerCam",
    "LayerError",
    "LayerTrace",
    "MapState",
    "Model",
    "ModelCard",
    "NetworkError",
    "Predictions",
    "Ranking",
    "Rung",
    "RungSummary",
    "Target",
    "TargetError",
    "TooLargeError",
    "Walkthrough",
    "as_model",
    "average_map",
    "captum_settings",
    "channel_ablation",
    "check_up",
    "compare",
    "completeness",
    "configured_heatmap",
    "contrast",
    "decompose",
    "decomposition_steps",
    "draw_overlay",
    "fit_picture",
    "grad_cam",
    "heatmap",
    "join_ladder_rows",
    "layer_ladder",
    "list_models",
    "load_cifar10",
    "load_model",
    "load_own_model",
    "map_state",
    "package_grad_cam",
    "package_settings",
    "predict_images",
    "rank_ladder",
    "read_picture",
    "shared_cache",
    "summarise_ladder",
    "torch_cam_settings",
    "walkthrough",
]


def test_public_names_are_exactly_these() -> None:
    assert xl.__all__ == PUBLIC


def test_every_public_name_exists() -> None:
    assert [name for name in PUBLIC if not hasattr(xl, name)] == []


@pytest.mark.parametrize("name", [name for name in PUBLIC if callable(getattr(xl, name, None))])
def test_every_public_class_and_function_is_documented(name: str) -> None:
    assert len(inspect.getdoc(getattr(xl, name)) or "") > 30


def test_every_exception_is_an_explain_error() -> None:
    tree = {name: value.__mro__[1].__name__ for name, value in vars(errors).items() if inspect.isclass(value)}
    assert tree == {
        "ExplainError": "Exception",
        "InputError": "ExplainError",
        "LayerError": "InputError",
        "TargetError": "InputError",
        "NetworkError": "ExplainError",
        "DataError": "ExplainError",
        "TooLargeError": "ExplainError",
    }
