"""Tiles of channels: their places, their size on the screen, and what stands for cells that do not fit."""

import numpy as np
import pytest

from dashboard.figures.scale import diverging, sequential
from dashboard.topics.walk.channel_sprite import COLUMNS, channel_tiles, side_for

RED, WHITE, BLUE = (178, 24, 43), (247, 247, 247), (33, 102, 172)


def test_each_channel_has_its_tile_in_rows_on_one_scale() -> None:
    values = np.zeros((COLUMNS + 2, 1, 2), np.float32)
    values[1, 0], values[COLUMNS + 1, 0] = (3, -3), (0, 9)
    tiles = channel_tiles(values, diverging(3), 80)
    assert tiles.sprite.shape == (2, COLUMNS * 2, 3)
    assert tiles.sprite[0, 2:4].tolist() == [list(RED), list(BLUE)]
    assert tiles.sprite[1, 2:4].tolist() == [list(WHITE), list(RED)]
    assert tiles.sprite[0, 0].tolist() == list(WHITE)


def test_activations_without_a_sign_begin_at_the_darkest_colour() -> None:
    tiles = channel_tiles(np.array([[[0, 4]]], np.float32), sequential(0, 4), 80)
    assert tiles.sprite[0, 0].max() < 8
    assert tiles.sprite[0, 1].tolist() == [252, 253, 191]  # the last colour of matplotlib's magma


@pytest.mark.parametrize(
    ("grid", "side", "width", "height"),
    [((10, 10), 104, 100, 100), ((8, 8), 72, 72, 72), ((1, 1), 32, 32, 32), ((4, 6), 72, 72, 48), ((56, 56), 72, 56, 56)],
)
def test_a_cell_is_a_whole_number_of_pixels(grid: tuple[int, int], side: int, width: int, height: int) -> None:
    tiles = channel_tiles(np.zeros((3, *grid), np.float32), diverging(1), side)
    assert (tiles.width, tiles.height, tiles.cells) == (width, height, grid)
    assert tiles.width % grid[1] == tiles.height % grid[0] == 0


def test_of_a_grid_that_does_not_fit_the_cells_are_means() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    tiles = channel_tiles(values, diverging(12.5), 2)
    assert tiles.cells == (2, 2)
    assert (tiles.width, tiles.height) == (2, 2)
    # the means of the four quarters are 2.5, 4.5, 10.5, 12.5; the last is the whole range
    assert tiles.sprite[1, 1].tolist() == list(RED)
    expected = np.array(WHITE) * 0.6 + np.array((244, 165, 130)) * 0.4
    np.testing.assert_allclose(tiles.sprite[0, 0], expected, atol=2)  # one of 127 steps


def test_many_channels_have_small_tiles() -> None:
    sizes = [side_for(count) for count in (3, 6, 16, 64, 128, 256, 512)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 32
