"""Grad-CAM by hand and by package, on the same inputs, and why the two differ."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from explain_lib.base.errors import DataError, ExplainError, InputError, LayerError, NetworkError, TargetError, TooLargeError
from explain_lib.base.maps import MapState, map_state
from explain_lib.base.memo import CacheStats
from explain_lib.cam.average_map import AverageMap, average_map
from explain_lib.cam.completeness import Completeness, completeness
from explain_lib.cam.configuration import Configuration, configured_heatmap
from explain_lib.cam.contrast import Contrast, Contrasts, contrast, contrasts
from explain_lib.cam.drawing import Drawing, draw_overlay
from explain_lib.cam.grad_cam import ClassMaps, GradCams, LayerCam, class_maps, grad_cam
from explain_lib.cam.package_grad_cam import package_grad_cam
from explain_lib.cam.postprocess import heatmap
from explain_lib.cam.settings import (
    NOTEBOOK_MANUAL,
    NOTEBOOK_PACKAGE,
    PAPER,
    CamSettings,
    captum_settings,
    package_settings,
    torch_cam_settings,
    ultralytics_settings,
)
from explain_lib.cam.walkthrough import ChannelAblation, Walkthrough, channel_ablation, walkthrough
from explain_lib.check_up.check_up import check_up
from explain_lib.check_up.findings import CheckUp, Finding
from explain_lib.compare.comparison import Comparison, compare
from explain_lib.compare.decomposition import Decomposition, decompose, decomposition_steps
from explain_lib.loading.bundled import list_models, load_model
from explain_lib.loading.own import load_own_model
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.making import as_model
from explain_lib.networks.model import Model
from explain_lib.networks.predictions import Predictions, predict_images, predicted_boxes
from explain_lib.networks.prepared import Prepared, prepare
from explain_lib.passes.targets import Target
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.dataset import CLASSES, ImageSet, load_cifar10
from explain_lib.pictures.files import fit_picture, read_picture
from explain_lib.pictures.folder import ImageFolder
from explain_lib.receptive_fields.centres import cell_centres
from explain_lib.regions.boxes import Box
from explain_lib.regions.region import Predicted, Region, pixel_region, region_of
from explain_lib.take_home.former_modules import FormerModules
from explain_lib.trust.cover import cover_cells, cover_code, cover_picture
from explain_lib.trust.cover_effect import CoverEffect, cover_effect
from explain_lib.work.cache import ExplainCache, shared_cache

if TYPE_CHECKING:
    from explain_lib.advice.advise import advise
    from explain_lib.advice.choice import Advice
    from explain_lib.cam.attention import attention_rollout, legrad
    from explain_lib.trust.ladder import LadderRows, Rung, join_ladder_rows, layer_ladder
    from explain_lib.trust.ladder_summary import Ranking, RungSummary, rank_ladder, summarise_ladder

__all__ = [
    "CLASSES",
    "NOTEBOOK_MANUAL",
    "NOTEBOOK_PACKAGE",
    "PAPER",
    "Advice",
    "AverageMap",
    "Box",
    "CacheStats",
    "CamSettings",
    "ChannelAblation",
    "CheckUp",
    "ClassMaps",
    "Comparison",
    "Completeness",
    "Configuration",
    "Contrast",
    "Contrasts",
    "CoverEffect",
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
    "Predicted",
    "Predictions",
    "Prepared",
    "Ranking",
    "Region",
    "Rung",
    "RungSummary",
    "Target",
    "TargetError",
    "TooLargeError",
    "Walkthrough",
    "advise",
    "as_model",
    "attention_rollout",
    "average_map",
    "captum_settings",
    "cell_centres",
    "channel_ablation",
    "check_up",
    "class_maps",
    "compare",
    "completeness",
    "configured_heatmap",
    "contrast",
    "contrasts",
    "cover_cells",
    "cover_code",
    "cover_effect",
    "cover_picture",
    "decompose",
    "decomposition_steps",
    "draw_overlay",
    "fit_picture",
    "grad_cam",
    "heatmap",
    "join_ladder_rows",
    "layer_ladder",
    "legrad",
    "list_models",
    "load_cifar10",
    "load_model",
    "load_own_model",
    "map_state",
    "package_grad_cam",
    "package_settings",
    "pixel_region",
    "predict_images",
    "predicted_boxes",
    "prepare",
    "rank_ladder",
    "read_picture",
    "region_of",
    "shared_cache",
    "summarise_ladder",
    "torch_cam_settings",
    "ultralytics_settings",
    "walkthrough",
]  # fmt: skip

_LADDER = ("LadderRows", "Rung", "join_ladder_rows", "layer_ladder")
_LADDER_SUMMARY = ("Ranking", "RungSummary", "rank_ladder", "summarise_ladder")
_ATTENTION = ("attention_rollout", "legrad")
_ON_DEMAND = {
    **dict.fromkeys(_LADDER, "explain_lib.trust.ladder"),
    **dict.fromkeys(_LADDER_SUMMARY, "explain_lib.trust.ladder_summary"),
    **dict.fromkeys(_ATTENTION, "explain_lib.cam.attention"),
    "advise": "explain_lib.advice.advise",
    "Advice": "explain_lib.advice.choice",
}
"""The public names that few programs use, with the modules that are imported on their first use."""


sys.meta_path.append(FormerModules())


def __getattr__(name: str) -> object:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_ON_DEMAND[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
