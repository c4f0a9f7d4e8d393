"""Edges of pictures, at full resolution and on the grid of a map."""

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.maps import Map
from explain_lib.cam.postprocess import resize_maps
from explain_lib.pictures.pixels import check_pictures


def sobel_edges(pixels: NDArray[np.uint8]) -> Map:
    """Edge strength of pictures uint8 (N, H, W, C): float32 (N, H, W) in [0, 255 * sqrt(32)].

    The length of the gradient by OpenCV's Sobel filter of 3 x 3 (not divided by its weights) on the mean of the channels;
    beyond the border the picture is mirrored without its outermost pixels, OpenCV's default.

    Raises InputError for other pixels, and for pictures of less than 2 x 2.
    """
    check_pictures(pixels, 2)
    grey: Map = pixels.mean(3, dtype=np.float32)
    edges = np.empty_like(grey)
    for one, strength in zip(grey, edges, strict=True):
        across, down = cv2.Sobel(one, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(one, cv2.CV_32F, 0, 1, ksize=3)
        np.hypot(across, down, out=strength)
    return edges


def edges_on_grid(edges: Map, grid: tuple[int, int]) -> Map:
    """Edges float32 (N, H, W) averaged over the cells of a grid (h, w), and enlarged as maps are, (N, H, W).

    No map on that grid can follow the edges much better.
    """
    height, width = edges.shape[1:]
    cells = [cv2.resize(one, (grid[1], grid[0]), interpolation=cv2.INTER_AREA) for one in edges]
    return resize_maps(np.stack(cells), (height, width), "torch-bilinear")
