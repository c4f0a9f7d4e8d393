"""What the study's two programs need of a model."""

from explain_lib import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE, Model

STUDY_LAYERS = tuple(dict.fromkeys((*(NOTEBOOK_PACKAGE.layers or ()), *(NOTEBOOK_MANUAL.layers or ()))))


def has_study_layers(model: Model) -> bool:
    """Whether the study's calls can be made on this model: they name layers of the tutorial network."""
    return set(STUDY_LAYERS) <= set(model.spatial_layers)
