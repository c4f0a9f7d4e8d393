"""The names that the reproduce.py of a view file imports, beside those of explain_lib itself.

Files that people keep import them from here: this module and its names stay, wherever their code moves.
"""

from explain_lib.audit.card import belief_card
from explain_lib.audit.slices import slices_of
from explain_lib.cam.configuration import parse_configuration
from explain_lib.cam.other_programs import third_opinion
from explain_lib.compare.scan import ScanRequest
from explain_lib.networks.predictions import predict, verdict_request
from explain_lib.pictures.sets import StoredPixels, subset
from explain_lib.study.grass_rows import grass_rows
from explain_lib.study.rows import contour_rows, outline_rows
from explain_lib.take_home.view_file import named_arrays
from explain_lib.trust.ladder import LadderRequest, ladder_curves
from explain_lib.trust.sanity import SanityRequest, random_starts, sanity_maps
from explain_lib.truth.mosaics import MosaicRequest, mosaic_maps
from explain_lib.truth.own_places import OwnPlacesRequest, object_maps
from explain_lib.truth.secret import SecretRequest, marked_pictures
from explain_lib.work.ladder_files import kept_ladder

__all__ = [
    "LadderRequest",
    "MosaicRequest",
    "OwnPlacesRequest",
    "SanityRequest",
    "ScanRequest",
    "SecretRequest",
    "StoredPixels",
    "belief_card",
    "contour_rows",
    "grass_rows",
    "kept_ladder",
    "ladder_curves",
    "marked_pictures",
    "mosaic_maps",
    "named_arrays",
    "object_maps",
    "outline_rows",
    "parse_configuration",
    "predict",
    "random_starts",
    "sanity_maps",
    "slices_of",
    "subset",
    "third_opinion",
    "verdict_request",
]  # fmt: skip
