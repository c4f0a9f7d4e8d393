"""The exceptions that callers may catch, ExplainError and its subclasses, and wrong values in their messages."""

import numpy as np


class ExplainError(Exception):
    """An error that the caller can put right; the text names what was wrong and what would be right."""


class InputError(ExplainError):
    """An argument is of the wrong type, shape or size, or holds values that are not finite."""


class LayerError(InputError):
    """A layer is unknown, missing, or cannot be explained."""


class TargetError(InputError):
    """A target is not a class of the network, or there are too many or too few targets."""


class NetworkError(ExplainError):
    """The network cannot be run on the pixels, or its output cannot be explained."""


class TooLargeError(ExplainError):
    """The request needs more memory than there is."""


class DataError(ExplainError):
    """A file is missing, damaged, or does not match its card."""


def kind_of(value: object) -> str:
    """A wrong value in words: "float32 of shape (3, 4)" for an array, else its type, as "a list"."""
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


NETWORK_FAILURES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""The exceptions expected from a network, which is the caller's code, on a batch that it cannot process."""
