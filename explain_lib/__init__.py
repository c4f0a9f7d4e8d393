"""Grad-CAM by hand and by package, on the same inputs, and why the two differ."""

from explain_lib.average_map import AverageMap, average_map
from explain_lib.cache import CacheStats, ExplainCache, shared_cache
from explain_lib.capture import LayerTrace
from explain_lib.cards import ModelCard
from explain_lib.channel_ablation import ChannelAblation, channel_ablation
from explain_lib.check_up import check_up
from explain_lib.comparison import Comparison, compare
from explain_lib.completeness import Completeness, completeness
from explain_lib.configuration import Configuration, configured_heatmap
from explain_lib.contrast import Contrast, contrast
from explain_lib.dataset import CLASSES, ImageSet, load_cifar10
from explain_lib.decomposition import Decomposition, decompose, decomposition_steps
from explain_lib.drawing import Drawing, draw_overlay
from explain_lib.errors import DataError, ExplainError, InputError, LayerError, NetworkError, TargetError, TooLargeError
from explain_lib.findings import CheckUp, Finding
from explain_lib.grad_cam import GradCams, LayerCam, grad_cam
from explain_lib.image_folder import ImageFolder
from explain_lib.ladder_summary import Ranking, RungSummary, rank_ladder, summarise_ladder
from explain_lib.layer_ladder import LadderRows, Rung, join_ladder_rows, layer_ladder
from explain_lib.maps import MapState, map_state
from explain_lib.model import Model, as_model
from explain_lib.models import list_models, load_model
from explain_lib.own_model import load_own_model
from explain_lib.package_cam import package_grad_cam
from explain_lib.picture_files import fit_picture, read_picture
from explain_lib.postprocess import heatmap
from explain_lib.predictions import Predictions, predict_images
from explain_lib.settings import (
    NOTEBOOK_MANUAL,
    NOTEBOOK_PACKAGE,
    PAPER,
    CamSettings,
    captum_settings,
    package_settings,
    torch_cam_settings,
)
from explain_lib.targets import Target
from explain_lib.walkthrough import Walkthrough, walkthrough

__all__ = [
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
]  # fmt: skip
