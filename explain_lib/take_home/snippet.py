"""Snippets: a few lines of Python, with explain_lib alone, that compute the content of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import assert_never

from explain_lib.cam.configuration import Configuration
from explain_lib.cam.drawing import Drawing
from explain_lib.cam.settings import CamSettings
from explain_lib.passes.targets import Target
from explain_lib.regions.boxes import Box
from explain_lib.regions.region import Predicted, Region

_IMPORT = "import explain_lib as xl\n"
_EXPLAINED = """
model = {model}
{pixels}target = {target}  # {words}
"""

_MAP = """
cams = xl.grad_cam(model, pixels[{image} : {image} + 1], {layer!r}, target)
values = cams[{layer!r}].{sign}[0]  # float32 {grid}, in units of the score
drawing = {drawing}
picture = xl.draw_overlay(pixels[{image}], values, drawing, side={width}, reach={reach!r}{centres})
print(f"{{values.min():.4f}} to {{values.max():.4f}}")
# To keep the picture: from PIL import Image; Image.fromarray(picture).save("{file}.png")
"""

_SHEET = """
cams = xl.grad_cam(model, pixels[{image} : {image} + 1], {layer!r}, target)
values = cams[{layer!r}].{sign}[0].reshape{shape}  # float32, in units of the score
print(f"{{values.min():.4f}} to {{values.max():.4f}}")
"""

_COMPARISON = """
batch = pixels[{start}:{stop}]  # {batch_words}
a = {a}
b = {b}
map_a = xl.configured_heatmap(model, batch, a, target)[{place}]
map_b = xl.configured_heatmap(model, batch, b, target)[{place}]
comparison = xl.compare(map_a, map_b)
print(f"{{comparison.mae:.4f}}")
"""

_CAUSES = """
found = xl.decompose(model, batch, {place}, a.settings, b.settings, target)
for setting, share in found.causes.items():
    print(f"{{setting}}: {{share:.4f}}")  # the shares sum to the mean difference
"""


@dataclass(frozen=True)
class Explained:
    """The explained target. model: Python that loads the network. pixels: Python that sets `pixels`, given `model`. image: the
    place of the picture in them. target, words: the target, and its description.
    """

    model: str
    pixels: str
    image: int
    target: Target
    words: str


@dataclass(frozen=True)
class DrawnMap:
    """A map over its picture. grid: of the layer. reach: the value of the last colour. file: a name for the picture. placed:
    whether its cells are drawn where they look.
    """

    explained: Explained
    layer: str
    grid: tuple[int, int]
    drawing: Drawing
    reach: float
    file: str
    placed: bool = False


def maps_snippet(maps: Sequence[DrawnMap], width: int) -> str:
    """Python that computes `values` and draws `picture`, so many pixels wide, for each map in turn."""
    return _IMPORT + "".join(_map_part(one, width) for one in maps)


def sheet_snippet(explained: Explained, layer: str, shape: tuple[int, ...], *, signed: bool) -> str:
    """Python that computes `values`, the map of a volume (slices, h, w) or of a signal (l,), of that shape."""
    sign = "signed" if signed else "map"
    return _IMPORT + _explained_part(explained) + _SHEET.format(image=explained.image, layer=layer, sign=sign, shape=shape)


def _map_part(one: DrawnMap, width: int) -> str:
    return _explained_part(one.explained) + _MAP.format(
        image=one.explained.image,
        layer=one.layer,
        sign="signed" if one.drawing.signed else "map",
        grid=one.grid,
        drawing=call_code(Drawing, vars(one.drawing)),
        width=width,
        reach=one.reach,
        file=one.file,
        centres=f", centres=xl.cell_centres(model, {one.layer!r})" if one.placed else "",
    )


def comparison_snippet(
    explained: Explained, a: Configuration, b: Configuration, batch: slice, batch_words: str, *, causes: bool
) -> str:
    """Python that computes the maps of both configurations and compares them.

    batch: the pictures that are run together. causes: whether to compute the causes of the difference too.
    """
    place = explained.image - batch.start
    sides = {"a": _configuration_call(a), "b": _configuration_call(b)}
    compared = _COMPARISON.format(start=batch.start, stop=batch.stop, batch_words=batch_words, place=place, **sides)
    return _IMPORT + _explained_part(explained) + compared + (_CAUSES.format(place=place) if causes else "")


def _explained_part(one: Explained) -> str:
    return _EXPLAINED.format(model=one.model, pixels=one.pixels, target=call_code(Target, vars(one.target)), words=one.words)


def _configuration_call(one: Configuration) -> str:
    layers = repr(one.settings.layers)
    match one.program:
        case "manual":
            settings = call_code(CamSettings, vars(one.settings))
        case "package":
            settings = f"xl.package_settings({layers}, {one.settings.variant!r})"
        case "torch-cam":
            settings = f"xl.torch_cam_settings({layers})"
        case "captum":
            settings = f"xl.captum_settings({layers})"
        case "ultralytics":
            settings = f"xl.ultralytics_settings({layers})"
        case _:
            assert_never(one.program)
    return f'xl.Configuration("{one.program}", {settings})'


def _argument(value: object) -> str:
    if isinstance(value, Region | Predicted | Box):
        return f"xl.{value!r}"
    return repr(tuple(value) if isinstance(value, list) else value)


def call_code(kind: type[Target] | type[CamSettings] | type[Drawing], given: Mapping[str, object]) -> str:
    """The call that makes a value, without defaults."""
    defaults = {field.name: field.default for field in fields(kind)}
    parts = (f"{name}={_argument(one)}" for name, one in given.items() if one != defaults[name])
    return f"xl.{kind.__name__}({', '.join(parts)})"
