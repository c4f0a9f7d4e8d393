"""Networks of timm by name, with the input size, mean and std of their own configuration."""

from difflib import get_close_matches
from functools import partial

from torch import nn

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import error_words
from explain_lib.loading.blueprint import Architecture, import_library

PREFIX = "timm:"
REQUIREMENT = "timm>=1.0.15,<2"


def timm_architecture(name: str) -> Architecture:
    """The architecture of timm:NAME. Raises InputError for an unknown name, or if timm is not installed."""
    plain = _known(name)
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    described = get_pretrained_cfg(plain)
    usual = resolve_data_config(pretrained_cfg=described.to_dict() if described else {})
    _, height, width = usual["input_size"]
    head = described.classifier if described and isinstance(described.classifier, str) else ""
    said = f"from timm's configuration of {plain}" if described else "as usual for timm"
    mean, std = tuple(map(float, usual["mean"])), tuple(map(float, usual["std"]))
    return Architecture(name, partial(_build, plain), True, (height, width), mean, std, said, head=head)


def published_by_timm(name: str) -> tuple[nn.Module, tuple[str, ...]]:
    """The network of timm:NAME with the weights that timm publishes, downloaded once, and the names of its classes if known.

    Raises InputError as timm_architecture does and for a network without published weights, DataError without a connection.
    """
    plain = _known(name)
    import timm
    from timm.data import ImageNetInfo, infer_imagenet_subset

    if not timm.is_model_pretrained(plain):
        raise InputError(f"weights: DEFAULT: timm publishes none for {plain}; a file with weights would be right")
    try:
        network: nn.Module = timm.create_model(plain, pretrained=True)
    except Exception as error:  # each of the ways in which timm downloads has errors of its own
        raise DataError(
            f"weights: DEFAULT: timm's weights of {plain} cannot be downloaded ({error_words(error, 200)}); a connection to "
            "the internet, or a file with weights, would be right"
        ) from error
    subset = infer_imagenet_subset(network)
    return network, tuple(ImageNetInfo(subset).label_descriptions()) if subset else ()


def _known(name: str) -> str:
    """The name without its prefix. Raises InputError if timm has no such network."""
    timm = import_library("timm", REQUIREMENT, name)
    plain = name.removeprefix(PREFIX)
    if ":" in plain or not timm.is_model(plain):
        near = get_close_matches(plain, timm.list_models(), 3)
        said = f"; similar names: {', '.join(near)}" if near else ""
        raise InputError(f"model: timm has no {plain!r}{said}; a name of timm.list_models() would be right")
    return plain


def _build(name: str, classes: int | None) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, **({} if classes is None else {"num_classes": classes}))
    return network
