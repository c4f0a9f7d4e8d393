"""Pictures of any number of channels: grey from colours, and what of them is shown.

Pixels of a network are uint8 (..., H, W, C); a screen shows uint8 (..., H, W, 3).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError

RED, GREEN, BLUE = 19595, 38470, 7471
"""The weights 0.299, 0.587 and 0.114 of ITU-R BT.601, of 65,536: those of Pillow's and torchvision's greys, to the bit."""


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB uint8 (..., 3) as grey uint8 (..., 1): 0.299 R + 0.587 G + 0.114 B, rounded. A grey stays as it is."""
    wide = pixels.astype(np.uint32)
    summed = wide[..., :1] * RED + wide[..., 1:2] * GREEN + wide[..., 2:] * BLUE
    return ((summed + 2**15) >> 16).astype(np.uint8)


def in_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """RGB uint8 (..., 3) for a network of any number of channels, uint8 (..., channels).

    One channel is their grey. Two, or more than three, are red, green and blue in turn, as long as they reach: such a
    network has learnt from other pictures, and whoever shows these says so.
    """
    if channels == 3:
        return pixels
    return grey(pixels) if channels == 1 else np.ascontiguousarray(pixels[..., np.arange(channels) % 3])


def shown_bands(channels: int, bands: Sequence[int] | None = None) -> tuple[int, ...]:
    """Which channels are shown as red, green and blue: those asked for, else the first three; one for grey, if there are fewer.

    bands: from 0. Raises InputError for anything but one or three channels that there are.
    """
    if bands is None:
        return (0, 1, 2) if channels >= 3 else (0,)
    chosen = tuple(bands)
    if len(chosen) not in (1, 3) or not all(isinstance(band, int) and 0 <= band < channels for band in chosen):
        raise InputError(f"bands: {chosen}; one or three channels, from 0 to {channels - 1}, would be right")
    return chosen


def shown(pixels: NDArray[np.uint8], bands: Sequence[int] | None = None) -> NDArray[np.uint8]:
    """Pixels uint8 (..., C) as a screen shows them, uint8 (..., 3): RGB as it is, one channel grey, of others some bands.

    bands: see shown_bands.
    """
    channels = pixels.shape[-1]
    chosen = shown_bands(channels, bands)
    if chosen == (0, 1, 2) == tuple(range(channels)):
        return pixels
    return np.ascontiguousarray(pixels[..., list(chosen * (3 // len(chosen)))])


def channel_words(channels: int, bands: Sequence[int] | None = None) -> str:
    """What of the channels is shown, in words; empty where a picture is RGB and shown so."""
    chosen = shown_bands(channels, bands)
    if chosen == (0, 1, 2) == tuple(range(channels)):
        return ""
    if channels == 1:
        return "grey, as the network sees it"
    if len(chosen) == 1:
        return f"channel {chosen[0]} of {channels} shown in grey"
    return f"channels {', '.join(map(str, chosen))} of {channels} shown as red, green, blue"
