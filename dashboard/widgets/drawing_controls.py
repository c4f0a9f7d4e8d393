"""The widgets that choose how maps are drawn over pictures, and the choice in words."""

import streamlit as st

from dashboard.view.address import bound, bound_by, change_view
from dashboard.view.scene import Scene
from dashboard.view.view import View
from dashboard.widgets.pickers import choice
from explain_lib.base.words import two
from explain_lib.cam.drawing import has_border
from explain_lib.pictures.palettes import PALETTES
from explain_lib.receptive_fields.centres import locate_cells

FIELDS = ("palette", "opacity", "contour", "texture", "sign", "scale", "placement")
OPACITIES = {"map": "where it is high", "even": "evenly"}
TEXTURES = {"grid": "its own cells", "smooth": "bilinear"}
SIGNS = {"positive": "above zero only", "signed": "with its sign"}
_PLACEMENT_LABEL = "Each cell is drawn"
PLACEMENTS = {"receptive-field": "where it looks", "stretched": "stretched"}
SCALES = {"map": "each map its own", "strip": "one for all"}
_PALETTE_HELP = (
    "Uniform palettes make equal steps look equal; jet, which the study used, does not. Signed maps are always "
    "drawn from blue over white to red."
)
_OPACITY_HELP = (
    "Where it is high: the higher the map, the more it covers the picture; where the map is 0, the picture stays as it is. "
    "Evenly: the same opacity everywhere, as most tools draw it."
)
_SIGN_HELP = "Grad-CAM cuts at zero (equation 2); “with its sign” shows what the cut removes."
_PLACEMENT_HELP = (
    "Where it looks: in the middle of the pixels that it can see, its receptive field. Stretched: the grid is enlarged to the "
    "size of the picture, as every other program does; in a network without padding that is several pixels off at the border."
)
_SCALE_HELP = (
    "The colours end at each map's own largest value, so that every map looks equally strong, however weak it is; or at the "
    "largest value of all maps shown, so that the colours of layers, and of the two sides, can be compared."
)


def placement_switch(view: View) -> None:
    """Where each cell of a map is drawn, on the page itself; the menu has it as well."""

    def write(chosen: str | None) -> None:
        if chosen is not None:
            change_view(placement=chosen)

    st.segmented_control(
        _PLACEMENT_LABEL,
        tuple(PLACEMENTS),
        **bound_by("placement_switch", view.placement, write),
        format_func=PLACEMENTS.__getitem__,
        required=True,
        help=_PLACEMENT_HELP,
    )


def drawing_controls(view: View) -> None:
    """Palette, opacity, texture, sign and scale."""
    st.selectbox(
        "Palette",
        PALETTES,
        **bound("palette", view.palette),
        format_func=lambda name: f"{name} (not uniform)" if name == "jet" else name,
        disabled=view.sign == "signed",
        help=_PALETTE_HELP,
        width=170,
    )
    choice("opacity", "The map covers", OPACITIES, view.opacity, _OPACITY_HELP)
    st.toggle("Line at half the maximum", **bound("contour", view.contour))
    choice("placement", _PLACEMENT_LABEL, PLACEMENTS, view.placement, _PLACEMENT_HELP)
    choice("texture", "The map has", TEXTURES, view.texture, "The cells as they were computed, or smoothed.")
    choice("sign", "Values", SIGNS, view.sign, _SIGN_HELP)
    choice("scale", "Colour scale", SCALES, view.scale or "map", _SCALE_HELP)


SEEN = 0.05
"""Cells that lie nearer than this, in pixels, lie at the same place."""


def placement_words(scene: Scene, layer: str, *, border: bool = True) -> str:
    """Where the cells of a layer's map are drawn, and how far stretching is from where they look.

    border: whether a line marks the border that no cell is centred on, where it is wide enough.
    """
    found = scene.centres(layer)
    if found is None and scene.view.placement == "receptive-field":
        return "It is unknown where these cells look: the map is stretched over the picture."
    if found is None:
        found = locate_cells(scene.model, layer)
        away = "" if found is None else f", up to {_pixels(found.farthest)} from where the cells look"
        return f"Stretched over the picture{away}."
    how = " (measured)" if found.source == "measured" else ""
    if found.farthest < SEEN:
        return f"Cells are drawn where they look{how}; stretching would not shift them."
    line = ". No cell is centred outside the dashed line" if border and has_border(found) else ""
    return f"Cells are drawn where they look{how}; stretching would shift them by up to {_pixels(found.farthest)}{line}."


def _pixels(distance: float) -> str:
    return f"{two(distance)} px"


def drawing_words(view: View, shown: str = "layers") -> str:
    """The drawing of overlays, in one line; shown: what is side by side on the page."""
    signed = view.sign == "signed"
    palette = "blue to red" if signed else view.palette
    largest = "largest magnitude" if signed else "maximum"
    share = (
        f"up to {view.strength} % opaque where the map is high"
        if view.opacity == "map"
        else f"{view.strength} % opaque everywhere"
    )
    texture = ", smoothed bilinearly" if view.texture == "smooth" else ""
    scale = f"the {largest} of all {shown} shown" if view.scale == "strip" else f"its own {largest}"
    line = "; white line: half the maximum" if view.contour else ""
    return f"{palette[0].upper()}{palette[1:]}, {share}{texture}{line}; colours end at {scale}."
