"""Image classifiers and detectors of transformers in a local folder, as save_pretrained writes it.

Nothing is downloaded, and no code is run.

The weights are read as any other file is; transformers itself brings names of its older versions to today's.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import error_words, few_names, one_line
from explain_lib.detectors.transformers import TYPES
from explain_lib.loading.blueprint import Architecture, Channels, import_library
from explain_lib.loading.weight_files import WeightFile, read_weights
from explain_lib.passes.sharing import own_random_numbers

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

PREFIX = "hf:"
REQUIREMENT = "transformers>=5,<6"
_CONFIG, _PROCESSORS = "config.json", ("preprocessor_config.json", "processor_config.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_USUAL = 0.5


def folder_architecture(name: str) -> Architecture:
    """The architecture of hf:FOLDER, its class names, and mean, std and input size of its preprocessor.

    Raises InputError if transformers is not installed or this is no such folder, DataError for files in it that cannot be read.
    """
    folder, config = _config(name)
    settings = _settings(folder)
    mean, std = _normalisation(settings, getattr(config, "num_channels", 3), folder)
    classes = tuple(str(label) for _, label in sorted((config.id2label or {}).items()))
    said = f"from {folder.name}/{_PROCESSORS[0]}" if settings else "as usual where a folder has no preprocessor_config.json"
    return Architecture(name, partial(_build, config), False, _size(settings, config, name), mean, std, said, classes)


def folder_network(name: str) -> tuple[nn.Module, str]:
    """The network of hf:FOLDER with the weights in the folder, and sentences on what of them was left out or converted.

    Raises what folder_architecture raises, and DataError for weights that are missing, damaged, or not of this network.
    """
    folder, config = _config(name)
    files = [read_weights(_read(path), str(path)) for path in _weight_files(folder)]
    state = {key: tensor for file in files for key, tensor in file.take(file.held).items()}
    with torch.device("meta"):  # takes no memory for the weights
        kind: type[PreTrainedModel] = type(_build(config, None))
    try:
        with _quietly(), own_random_numbers():
            network, found = kind.from_pretrained(
                None, config=config, state_dict=state, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
    except Exception as error:  # transformers raises whatever the parts of a network raise
        raise DataError(f"model: {name}: transformers does not take these weights ({error_words(error, 200)})") from error
    wrong = sorted(found["missing_keys"]) + [str(key[0]) for key in found["mismatched_keys"]]
    if wrong:
        raise DataError(
            f"model: {name}: {few_names(wrong, 3)} missing or of another shape in its weights; the folder of a network that "
            "was trained to classify would be right"
        )
    return network, " ".join(filter(None, (_left_out(sorted(found["unexpected_keys"]), kind.__name__), _converted(files))))


def _left_out(names: list[str], kind: str) -> str:
    return f"Left out, because {kind} has no such weights: {few_names(list(map(one_line, names)), 3)}." if names else ""


def _converted(files: list[WeightFile]) -> str:
    kinds = {one.dtype for file in files for one in file.held.values() if one.dtype.is_floating_point} - {torch.float32}
    named = sorted(str(dtype).removeprefix("torch.") for dtype in kinds)
    return f"Converted to float32: weights in {' and '.join(named)}." if named else ""


def _config(name: str) -> tuple[Path, "PretrainedConfig"]:
    folder = Path(name.removeprefix(PREFIX))
    if not (folder / _CONFIG).is_file():
        raise InputError(
            f"model: {name}: no folder with a {_CONFIG}; one that save_pretrained of transformers wrote would be right"
        )
    import_library("transformers", REQUIREMENT, name)
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS

    try:
        with _quietly():
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises whatever its configurations raise
        raise DataError(f"model: {name}: its {_CONFIG} cannot be read ({error_words(error, 200)})") from error
    if config.model_type not in CLASSIFIERS and config.model_type not in TYPES:
        raise InputError(
            f"model: {name}: a {one_line(config.model_type)} of transformers is no image classifier, and no detector like "
            "DETR; ViT, Swin, ConvNeXt or DINOv2 would be right"
        )
    return folder, config


def _build(config: "PretrainedConfig", classes: int | None) -> nn.Module:
    """The network of a configuration, with random weights."""
    del classes  # the configuration says how many
    from transformers import AutoModelForImageClassification, AutoModelForObjectDetection

    kind = AutoModelForObjectDetection if config.model_type in TYPES else AutoModelForImageClassification
    try:
        with _quietly():
            made: nn.Module = kind.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except Exception as error:  # transformers raises whatever the parts of a network raise
        raise DataError(
            f"model: this {config.model_type} of transformers cannot be built ({error_words(error, 200)})"
        ) from error
    return made


def _weight_files(folder: Path) -> list[Path]:
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            parts = _json(index).get("weight_map")
            named = sorted(set(parts.values())) if isinstance(parts, dict) else []
            if named and all(isinstance(part, str) and Path(part).name == part for part in named):
                return [folder / part for part in named]
            raise DataError(f"model: {index} does not say in which files the weights are")
    raise DataError(f"model: {folder} holds no weights; {' or '.join(_WEIGHTS)} in it would be right")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"model: {path} cannot be read ({error.strerror})") from error


def _json(path: Path) -> Mapping[str, object]:
    try:
        found: object = json.loads(_read(path))
    except ValueError as error:
        raise DataError(f"model: {path} is no JSON ({error_words(error)})") from error
    if not isinstance(found, dict):
        raise DataError(f"model: {path} holds no JSON object")
    return found


@contextmanager
def _quietly() -> Iterator[None]:
    """Without bars and reports of transformers: what matters in them is said in a sentence."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


# Section: the preprocessor


def _settings(folder: Path) -> Mapping[str, object]:
    """The settings of the preprocessor; nothing if the folder has none."""
    for name in _PROCESSORS:
        if (folder / name).is_file():
            found = _json(folder / name)
            inner = found.get("image_processor")
            return inner if isinstance(inner, dict) else found
    return {}


def _normalisation(settings: Mapping[str, object], channels: int, folder: Path) -> tuple[Channels, Channels]:
    """Mean and std for pixels in [0, 1], of so many channels where the preprocessor does not say them one by one."""
    if settings.get("do_normalize", True) is False:
        settings = {**settings, "image_mean": 0.0, "image_std": 1.0}
    mean, std = (_numbers(settings, name, channels, folder) for name in ("image_mean", "image_std"))
    scale = 255 * (_number(settings.get("rescale_factor", 1 / 255), folder) if settings.get("do_rescale", True) else 1.0)
    return tuple(one / scale for one in mean), tuple(one / scale for one in std)


def _numbers(settings: Mapping[str, object], name: str, channels: int, folder: Path) -> Channels:
    found = settings.get(name, _USUAL)
    listed = found if isinstance(found, list) else [found] * channels
    return tuple(_number(one, folder) for one in listed)


def _number(value: object, folder: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"model: {folder / _PROCESSORS[0]} has {one_line(value)} where a number would be right")
    return float(value)


def _size(settings: Mapping[str, object], config: "PretrainedConfig", name: str) -> tuple[int, int]:
    """(height, width) of the input: that of the crop, else the size that pictures are brought to, else the configuration's."""
    cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
    for found in (cropped, settings.get("size"), getattr(config, "image_size", None)):
        sides = _sides(found)
        if sides is not None:
            return sides
    raise DataError(
        f"model: {name} does not say its input size; height and width in {_PROCESSORS[0]}, or input_size, would be right"
    )


def _sides(found: object) -> tuple[int, int] | None:
    if isinstance(found, Mapping):
        side = found.get("shortest_edge")
        found = [found.get("height", side), found.get("width", side)]
    sides = [found, found] if isinstance(found, int) else found
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        return None
    height, width = sides
    return (height, width) if isinstance(height, int) and isinstance(width, int) and min(height, width) > 0 else None
