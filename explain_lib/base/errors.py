"""The exceptions that callers may catch: ExplainError and its subclasses.

ExplainError
+-- InputError         an argument is of the wrong type, shape or size, or holds NaN
|   +-- LayerError     no such layer, no layer at all, or a layer that cannot be explained
|   +-- TargetError    no such class, or targets of the wrong number
+-- NetworkError       the network cannot be run or explained
+-- TooLargeError      what was asked for needs more memory than there is
+-- DataError          a bundled or given file is missing, damaged or not what its card says
"""


class ExplainError(Exception):
    """Something that the caller can put right; the text names what was wrong and what would be right."""


class InputError(ExplainError):
    """An argument is of the wrong type, shape or size, or holds values that are not finite."""


class LayerError(InputError):
    """A layer is unknown, missing, or cannot be explained."""


class TargetError(InputError):
    """A target is no class of the network, or there are too many or too few targets."""


class NetworkError(ExplainError):
    """The network cannot be run on the pixels, or what it returns cannot be explained."""


class TooLargeError(ExplainError):
    """What was asked for needs more memory than there is."""


class DataError(ExplainError):
    """A file is missing, damaged, or not what its card says."""
