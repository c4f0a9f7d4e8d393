"""Why two heat maps differ: how much of the difference each setting causes, as exact Shapley values.

The players are the settings in which a and b differ. H(S) is the heat map with the settings in S taken from b and the rest
from a. The cause map of a setting is its Shapley value of H, pixel by pixel; its share is that of v(S) = mean |H(S) - a|.
The steps after the pass through the network are all that varies, so that one forward and one backward pass do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.configuration import Configuration, configured_heatmap
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen
from explain_lib.grad_cam import capture_layers
from explain_lib.maps import Map
from explain_lib.model import Model, check_model
from explain_lib.postprocess import PostProcess, named_layers
from explain_lib.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE, CamSettings, check_settings, differing
from explain_lib.shapley import shapley_matrix
from explain_lib.targets import Targets
