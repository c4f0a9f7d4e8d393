"""The warning beside Grad-CAM++'s maps of a layer at which its divisors are not all positive."""

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.captions import plain
from explain_lib.base.words import few_names
from explain_lib.cam.settings import Variant
from explain_lib.passes.targets import Targets
from explain_lib.trust.plus_plus import PlusPlusFacts, plus_plus_facts

PLUS_PLUS: Variant = "grad-cam++"
MOST = 20
"""How many of many images are looked at."""
NUMBERS = 30_000_000
"""The most activations that many images go through for it: at most a third of a second for ResNet-20 on one core."""


def show_plus_plus(words: str | None, *, small: bool = False) -> None:
    """The warning, if there is one; small: where Grad-CAM++ is one row of many."""
    if words is not None:
        (st.caption if small else st.warning)(f"{'⚠ ' if small else ''}{plain(words)}")


def plus_plus_warning(
    model: xl.Model,
    pixels: NDArray[np.uint8],
    targets: Targets,
    sides: Sequence[xl.CamSettings],
    where: str,
    *,
    on_the_way: bool = False,
) -> str | None:
    """A warning where one of the sides is Grad-CAM++ and a divisor of it is not positive. where: the pictures in words.

    on_the_way: whether maps between the sides count too, which mix the settings of both.
    """
    own = {_asked(side.layers, side.inplace_overwrites, side.inplace_gradient) for side in sides if side.variant == PLUS_PLUS}
    words = plus_plus_words(_facts(model, pixels, targets, own), where)
    if words is None and own and on_the_way:
        mixed = product(
            *({getattr(side, name) for side in sides} for name in ("layers", "inplace_overwrites", "inplace_gradient"))
        )
        words = plus_plus_words(_facts(model, pixels, targets, {_asked(*one) for one in mixed} - own), where, on_the_way=True)
    return words


def _asked(layers: tuple[str, ...] | None, inplace_overwrites: bool, inplace_gradient: bool) -> xl.CamSettings:
    """Settings without those that change no divisor, so that sides and sections of a page share what is measured."""
    return xl.CamSettings(layers, inplace_overwrites=inplace_overwrites, inplace_gradient=inplace_gradient)


def _facts(
    model: xl.Model, pixels: NDArray[np.uint8], targets: Targets, asked: Iterable[xl.CamSettings]
) -> list[PlusPlusFacts]:
    return [one for settings in asked for one in plus_plus_facts(model, pixels, settings, targets)]


def first_few(model: xl.Model, images: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """The first of many images, as many as are looked at in a moment, and what they are called."""
    most = min(MOST, NUMBERS // max(1, sum(prod(layer.shape) for layer in model.layers)))
    few = images[: max(1, most)]
    if len(few) == len(images):
        return few, "these images" if len(few) > 1 else "this image"
    return few, f"the first {len(few)} of these images" if len(few) > 1 else "the first of these images"


def plus_plus_words(facts: Iterable[PlusPlusFacts], where: str, *, on_the_way: bool = False) -> str | None:
    """The sentence of the layer with the largest share, which names the others; None where all divisors are positive.

    on_the_way: whether it is only maps between two sides that are Grad-CAM++ at these layers.
    """
    wrong = sorted((one for one in facts if not one.hold), key=lambda one: (-one.not_positive_share, one.layer))
    if not wrong:
        return None
    worst = wrong[0]
    others = [name for name in dict.fromkeys(one.layer for one in wrong) if name != worst.layer]
    so = f" (so {'has' if len(others) == 1 else 'have'} {few_names(others, 4)})" if others else ""
    way = ", where maps on the way from a to b take it," if on_the_way else ""
    right = "a layer after a ReLU" if worst.after is None else f"{worst.after}, the layer after the ReLU,"
    return (
        f"Grad-CAM++ is derived for activations that are not below zero, and {worst.layer}{way} has others{so}: on {where}, "
        f"{_share(worst.not_positive_share)} of its divisors are zero or below, and {_share(worst.negative_share)} of its "
        f"channel weights are below zero; {right} would be right."
    )


def _share(share: float) -> str:
    """In percent, with two significant digits."""
    return f"{np.format_float_positional(100 * share, precision=2, fractional=False, trim='-')} %"
