"""Python that reproduces a view with explain_lib alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

import explain_lib as xl
from dashboard.view.view import View, chosen_drawing

_IMPORTS = "import explain_lib as xl\n"

_HEAD = """
model = {model}
{pixels}target = {target}  # {words}
"""

TEST_PIXELS = "pixels = xl.load_cifar10().pixels\n"

_EXPLORER = """
cams = xl.grad_cam(model, pixels[{image} : {image} + 1], {layer!r}, target)
values = cams[{layer!r}].{sign}[0]  # float32 {grid}, in units of the score
drawing = {drawing}
picture = xl.draw_overlay(pixels[{image}], values, drawing, side={side}, reach={reach})
print(f"{{values.min():.4f}} to {{values.max():.4f}}")
# To keep the picture: from PIL import Image; Image.fromarray(picture).save("{file}.png")
"""

_DISAGREEMENT = """
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
    """A map of the layer explorer: the view, what it explains and in which words, its layer and grid, and its last colour.

    pixels: Python that sets them. model: the call that loads it, None for a bundled one.
    """

    view: View
    target: xl.Target
    words: str
    layer: str
    grid: tuple[int, int]
    reach: float
    file: str
    pixels: str = TEST_PIXELS
    model: str | None = None


def explorer_snippet(sides: Sequence[Explained], side: int) -> str:
    """Python that computes the layer explorer's `values` and draws its `picture`, for one side after the other."""
    return _IMPORTS + "".join(_explorer_part(one, side) for one in sides)


def _explorer_part(one: Explained, side: int) -> str:
    view = one.view
    return _head(view, one.target, one.words, one.pixels, one.model) + _EXPLORER.format(
        image=view.image,
        layer=one.layer,
        sign="signed" if view.sign == "signed" else "map",
        grid=one.grid,
        drawing=_call(chosen_drawing(view)),
        side=side,
        reach=repr(one.reach),
        file=one.file,
    )


def disagreement_snippet(
    view: View,
    target: xl.Target,
    words: str,
    a: xl.Configuration,
    b: xl.Configuration,
    batch: slice,
    batch_words: str,
    causes: bool = True,
    pixels: str = TEST_PIXELS,
    model: str | None = None,
) -> str:
    """Python that computes both sides' maps and compares them; batch: the test images that are run together.

    causes: whether it goes on to say what causes the difference. pixels: Python that sets them. model: the call that loads it,
    None for a bundled one.
    """
    place = view.image - batch.start
    return (
        _IMPORTS
        + _head(view, target, words, pixels, model)
        + _DISAGREEMENT.format(start=batch.start, stop=batch.stop, batch_words=batch_words, place=place, a=_side(a), b=_side(b))
        + (_CAUSES.format(place=place) if causes else "")
    )


def _head(view: View, target: xl.Target, words: str, pixels: str, model: str | None) -> str:
    return _HEAD.format(model=model or f"xl.load_model({view.model!r})", pixels=pixels, target=_call(target), words=words)


def _side(side: xl.Configuration) -> str:
    layers = repr(side.settings.layers)
    match side.program:
        case "manual":
            settings = _call(side.settings)
        case "package":
            settings = f"xl.package_settings({layers}, {side.settings.variant!r})"
        case "torch-cam":
            settings = f"xl.torch_cam_settings({layers})"
        case "captum":
            settings = f"xl.captum_settings({layers})"
        case _:
            assert_never(side.program)
    return f'xl.Configuration("{side.program}", {settings})'


def _call(value: xl.Target | xl.Drawing | xl.CamSettings) -> str:
    """The call that makes a value, defaults left out."""
    default = type(value)(0) if isinstance(value, xl.Target) else type(value)()
    return f"xl.{type(value).__name__}({', '.join(_arguments(value, default))})"


def _arguments(value: object, default: object) -> Iterable[str]:
    for name, given in vars(value).items():
        if name == "index" or given != getattr(default, name):
            yield f"{name}={given!r}"
