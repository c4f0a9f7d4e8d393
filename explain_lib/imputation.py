"""What stands in the place of removed pixels: mid grey, the blurred picture, or noisy linear imputation.

All of it happens in the network's input, float32 (N, 3, H, W), after normalisation.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Fill = Literal["grey", "blur", "noisy-linear"]
FILLS: tuple[Fill, ...] = get_args(Fill)

BLUR_SIZE, BLUR_SIGMA = 11, 5.0
"""RISE's own kernel for its blurred canvas (arXiv 1806.07421), in pixels."""
NOISE = 0.01
"""The deviation of ROAD's noise, in units of the normalised input, as its authors' code has it."""
SEED = 0


def grey_fill(batch: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Mid grey, half of white, in the place of every pixel of float32 (N, 3, H, W)."""
    grey = torch.tensor([(0.5 - shift) / scale for shift, scale in zip(mean, std, strict=True)], dtype=torch.float32)
    return grey.to(batch.device).view(1, -1, 1, 1).expand_as(batch)


def blur_fill(batch: Tensor) -> Tensor:
    """The pictures blurred by a Gaussian of 11 x 11 pixels and deviation 5, mirrored at the border (OpenCV's default)."""
    pictures = np.ascontiguousarray(batch.cpu().numpy().transpose(0, 2, 3, 1))
    blurred = np.stack([cv2.GaussianBlur(one, (BLUR_SIZE, BLUR_SIZE), BLUR_SIGMA) for one in pictures])
    return torch.from_numpy(blurred.transpose(0, 3, 1, 2).copy()).to(batch.device)


def impute_linearly(picture: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """ROAD's linear imputation (Rong et al. 2022, arXiv 2202.00449, section 4.3), without its noise.

    picture: float32 (C, H, W). missing: bool (H, W), at least one pixel not among them. Each missing pixel becomes the mean of
    its neighbours, those at a side counting 1/6 and those at a corner 1/12, and less at the border where there are fewer: one
    system of linear equations for all of them, solved exactly.
    """
    from scipy.sparse.linalg import splu  # a third of a second to import

    filled = picture.reshape(len(picture), -1).astype(np.float64)
    holes, known = np.flatnonzero(missing), np.flatnonzero(~missing)
    if len(holes):
        equations = _neighbour_equations(*missing.shape)[holes]
        system, right = equations[:, holes].tocsc(), -(equations[:, known] @ filled[:, known].T)
        # symmetric and diagonally dominant: no pivoting is needed, and this order of elimination fills in least
        solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        filled[:, holes] = solver.solve(right).T
    return filled.reshape(picture.shape).astype(np.float32)


@lru_cache(maxsize=8)
def _neighbour_equations(height: int, width: int) -> "csr_matrix":
    """One row a pixel: its neighbours' weights taken from the sum of them, (H * W, H * W)."""
    from scipy.sparse import csr_matrix, diags

    row, column = np.mgrid[:height, :width]
    place = row * width + column
    entries = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (row + down >= 0) & (row + down < height) & (column + right >= 0) & (column + right < width)
            weight = {0: 0.0, 1: 1 / 6, 2: 1 / 12}[abs(down) + abs(right)]
            if weight:
                entries.append((place[inside], place[inside] + down * width + right, np.full(inside.sum(), weight)))
    rows, columns, weights = (np.concatenate(part) for part in zip(*entries, strict=True))
    neighbours = csr_matrix((weights, (rows, columns)), shape=(place.size, place.size))
    return csr_matrix(diags(np.asarray(neighbours.sum(1)).ravel()) - neighbours)


def noise_of(image: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """ROAD's noise for the image at that position of its set, of a picture's shape: the same for every order and share."""
    return (NOISE * np.random.default_rng((SEED, image)).standard_normal(shape)).astype(np.float32)
