"""The example with which the page opens: the first few images of a scan, as many as are compared in a moment."""

from dataclasses import replace
from math import prod

from explain_lib.base.errors import ExplainError
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.pictures.sets import LazyPixels

SIZES = (200, 100, 50, 20, 10)
"""How many images an example may have; fewer would say nothing about the others."""
OPENED = 20
"""At most so many where each is a file that has yet to be read."""
NUMBERS = 100_000_000
"""The most activations that an example goes through: half a second for ResNet-20 on one core."""


def example_request(request: ScanRequest) -> ScanRequest | None:
    """The scan of the first images alone, without the real programs; None for a network that takes too long over them."""
    images = NUMBERS // max(1, sum(prod(layer.shape) for layer in request.model.layers))
    if isinstance(request.pixels, LazyPixels):
        images = min(images, OPENED)
    size = next((size for size in SIZES if size <= images), None)
    return None if size is None else replace(request.take(slice(0, size)), package=False)


def example_rows(request: ScanRequest) -> ScanRows | None:
    """The rows of an example; None where they cannot be computed, which the scan itself says."""
    try:
        return request.all_rows()
    except ExplainError:
        return None
