"""Edges of pictures, and how far maps follow them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.cam.postprocess import resize_maps


def sobel_edges(pixels: NDArray[np.uint8]) -> Map:
    """Edge strength of pictures uint8 (N, H, W, 3): float32 (N, H, W), 0 and more, 0 to 255 * sqrt(32) at most.

    The length of the gradient by OpenCV's Sobel filter of 3 x 3 (not divided by its weights) on the mean of red, green and
    blue; beyond the border the picture is mirrored without its outermost pixels, OpenCV's default.

    Raises InputError for other pixels, and for pictures of less than 2 x 2.
    """
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
        found = f"{pixels.dtype} of shape {pixels.shape}" if isinstance(pixels, np.ndarray) else f"a {type(pixels).__name__}"
        raise InputError(f"pixels: {found}; uint8 of shape (N, H, W, 3) would be right")
    if min(pixels.shape[1:3]) < 2:
        raise InputError(f"pixels: the pictures are {pixels.shape[1]} x {pixels.shape[2]}; at least 2 x 2 would be right")
    grey: Map = pixels.mean(3, dtype=np.float32)
    edges = np.empty_like(grey)
    for one, strength in zip(grey, edges, strict=True):
        across, down = cv2.Sobel(one, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(one, cv2.CV_32F, 0, 1, ksize=3)
        np.hypot(across, down, out=strength)
    return edges


def edges_on_grid(edges: Map, grid: tuple[int, int]) -> Map:
    """What is left of edges float32 (N, H, W) on a grid (h, w): averaged over its cells, and enlarged as maps are, (N, H, W).

    A map on that grid cannot follow the edges any better than about so.
    """
    height, width = edges.shape[1:]
    cells = [cv2.resize(one, (grid[1], grid[0]), interpolation=cv2.INTER_AREA) for one in edges]
    return resize_maps(np.stack(cells), (height, width), "torch-bilinear")


def standard_ranks(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks of each map's pixels, ties averaged, less their mean, and scaled to length 1: maps (N, H, W) to float64 (N, H * W).

    The products of two maps' rows then sum to their Spearman correlation. NaN throughout for a map that is constant or holds
    NaN or infinity. Raises InputError for anything but floating-point maps (N, H, W).
    """
    from scipy.stats import rankdata  # a third of a second to import

    if not isinstance(maps, np.ndarray) or maps.dtype.kind != "f" or maps.ndim != 3:
        found = f"{maps.dtype} of shape {maps.shape}" if isinstance(maps, np.ndarray) else f"a {type(maps).__name__}"
        raise InputError(f"maps: {found}; floating-point maps (N, H, W) would be right")
    flat = maps.reshape(len(maps), -1)
    ranks = np.asarray(rankdata(flat, axis=1), dtype=np.float64)
    ranks -= (flat.shape[1] + 1) / 2
    lengths = np.sqrt((ranks**2).sum(1))
    lengths[~np.isfinite(flat).all(1) | (lengths == 0)] = np.nan
    return np.asarray(ranks / lengths[:, None])


def rank_correlations(maps: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman correlation of each map with the other map of the same place: both (N, H, W), to float64 (N,) in [-1, 1].

    NaN where either is constant or holds NaN or infinity. Raises InputError for anything else, and for unlike shapes.
    """
    first, second = standard_ranks(maps), standard_ranks(others)
    if maps.shape != others.shape:
        raise InputError(f"others: the shape is {others.shape}; that of the maps, {maps.shape}, would be right")
    return np.asarray((first * second).sum(1))
