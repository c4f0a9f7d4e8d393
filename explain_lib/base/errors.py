"""The exceptions that callers may catch: ExplainError and its subclasses.

ExplainError
+-- InputError         an argument is of the wrong type, shape or size, or holds NaN
|   +-- LayerError     no such layer, no layer at all, or a layer that cannot be explained
|   +-- TargetError    no such class, or targets of the wrong number
+-- NetworkError       the network cannot be run or explained
+-- TooLargeError      the request needs more memory than there is
+-- DataError          a bundled or given file is missing, damaged or does not match its card
"""


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
