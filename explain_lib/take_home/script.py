"""The Python script of a view, which computes its arrays anew with explain_lib alone."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from explain_lib.cam.settings import CamSettings
from explain_lib.passes.targets import Target
from explain_lib.take_home import reproduce
from explain_lib.take_home.json_form import Computation, Json
from explain_lib.take_home.registry import JOBS
from explain_lib.take_home.snippet import call_code

WIDTH = 100
_HEAD = '''"""Computes the arrays of maps.npz anew, and compares them bit for bit.

Run it in the folder that holds explain_lib, or put that folder on PYTHONPATH. Beside it there must be maps.npz{and_pictures}.
It ends with status 0 if all arrays are identical, else with 1.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # Python itself looks in the folder of this file only

import numpy as np
import torch

import explain_lib as xl
{imports}
torch.set_num_threads({threads})  # as many as there were: sums over more of them are rounded otherwise
here = Path(__file__).parent
images = xl.load_cifar10().pixels
{pictures}{cache}results = {{}}
'''
_FOOT = """
arrays = {}
for key, result in results.items():
    arrays |= named_arrays(key, result)
if not (here / "maps.npz").exists():
    sys.exit("maps.npz is not beside this file: there is nothing to compare with")
kept = dict(np.load(here / "maps.npz"))
broken = 0
for key in dict.fromkeys([*arrays, *kept]):
    if key not in arrays or key not in kept:
        fault = "NOT identical: it is not " + ("in maps.npz" if key in arrays else "computed here")
    else:
        same = kept[key].dtype == arrays[key].dtype and kept[key].shape == arrays[key].shape
        fault = "" if same and kept[key].tobytes() == arrays[key].tobytes() else "NOT identical"
    broken += bool(fault)
    array = arrays.get(key, kept.get(key))
    print(f"{key}: {array.dtype} {array.shape}, {fault or 'identical'}")
sys.exit(1 if broken else 0)
"""


def reproduce_script(
    computations: Sequence[Computation], calls: Mapping[str, str], digests: Mapping[str, str], threads: int
) -> str:
    """The script. calls: Python that loads each model, by its name. digests: of each model. threads: of PyTorch."""
    names = (
        {name: f"model_{number}" for number, name in enumerate(calls, 1)} if len(calls) > 1 else dict.fromkeys(calls, "model")
    )
    parts = [_part(one, names) for one in computations]
    text = "".join(parts)
    stored = "pictures[" in text
    head = _HEAD.format(
        threads=threads,
        and_pictures=" and pictures.npz" if stored else "",
        imports=_imports(text + _FOOT),
        pictures='pictures = dict(np.load(here / "pictures.npz"))\n' if stored else "",
        cache="cache = xl.ExplainCache()\n" if "cache." in text else "",
    )
    models = "".join(
        f"\n{names[name]} = {call}\nassert {names[name]}.digest == {digests[name]!r}, 'another model'\n"
        for name, call in calls.items()
    )
    return head + models + "\n" + text + _FOOT


def _imports(text: str) -> str:
    """The import of what the script calls by its bare name."""
    used = sorted(set(re.findall(r"(?<![\w.])\w+(?=\()", text)) & set(reproduce.__all__))
    return f"from {reproduce.__name__} import (\n{_filled(', '.join(used))},\n)\n"


def _part(one: Computation, names: Mapping[str, str]) -> str:
    given = "".join(f"\n{_filled(f'{name}={_code(value, names)},')}" for name, value in one.arguments.items())
    if one.name == "grass_rows":
        given += "\n    labels=xl.load_cifar10().labels,"
    if one.name in JOBS:
        call = f"{JOBS[one.name].__name__}({given}\n).all_rows()"
    elif one.name == "kept_ladder":
        call = f"kept_ladder(LadderRequest({given}\n))"
    else:
        call = f"{'' if one.name in reproduce.__all__ else 'xl.'}{one.name}({given}\n)"
    return f"results[{one.key!r}] = {call}\n"


def _filled(argument: str) -> str:
    """An argument on lines of its own, broken only inside lists of numbers or targets."""
    return textwrap.fill(
        argument, WIDTH, initial_indent="    ", subsequent_indent="        ", break_long_words=False, break_on_hyphens=False
    )


def _code(value: object, names: Mapping[str, str]) -> str:
    """A JSON argument as Python code."""
    if isinstance(value, list):
        parts = [_code(one, names) for one in value]
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    return _kind_code(value, names) if isinstance(value, dict) else repr(value)


def _kind_code(value: Json, names: Mapping[str, str]) -> str:
    match value:
        case {"model": str() as name}:
            return names[name]
        case {"pixels": dict() as pixels}:
            return _pixels_code(pixels)
        case {"numbers": list() as numbers}:
            return _numbers_code(numbers)
        case {"Configuration": text}:
            return f"parse_configuration({text!r})"
        case _:
            return _built_code(value)


def _built_code(value: Json) -> str:
    ((kind, given),) = value.items()
    assert isinstance(given, dict)
    return call_code(Target if kind == "Target" else CamSettings, given)


def _numbers_code(numbers: list[int]) -> str:
    """Whole numbers, or rows of them."""
    if numbers and isinstance(numbers[0], int) and len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"np.arange({numbers[0]}, {numbers[-1] + 1})"
    return f"np.array({numbers}, dtype=np.int64)"


def _pixels_code(pixels: Json) -> str:
    if pixels["set"] == "masks":
        return f"pictures[{pixels['name']!r}][..., 0] != 0"
    if pixels["set"] == "stored":
        code = f"pictures[{pixels['name']!r}]"
        if "places" in pixels:
            places = _numbers_code(list(pixels["places"]))  # type: ignore[call-overload]  # a list, as `written` makes it
            return f"StoredPixels({code}, {places}, {pixels['count']}, {pixels['batch']})"
    elif "size" in pixels:
        fitted = f"cache.fitted_images({tuple(pixels['size'])})"  # type: ignore[arg-type]  # see above
        return fitted if pixels["images"] == "all" else f"subset({fitted}, {_positions_code(pixels['images'])})"
    else:
        code = "images" if pixels["images"] == "all" else f"images[{_slice_code(pixels['images'])}]"
    return f"{code}[0]" if pixels.get("one") else code


def _positions_code(images: object) -> str:
    if isinstance(images, str):
        first, _, last = images.partition("-")
        return f"np.arange({first}, {int(last) + 1})"
    return _numbers_code(images)  # type: ignore[arg-type]  # a list, as `written` makes it


def _slice_code(images: object) -> str:
    if isinstance(images, str):
        first, _, last = images.partition("-")
        return f"{first}:{int(last) + 1}"
    return repr(images)
