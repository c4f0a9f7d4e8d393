"""The Python of view files: the names that it imports, and files that were written long ago."""

import subprocess
import sys
from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.take_home import reproduce
from explain_lib.take_home.registry import JOBS, PASSES, RECORDED

ROOT = Path(__file__).parents[3]
FORMER = """
import numpy as np
import explain_lib as xl
from explain_lib.configuration import parse_configuration
from explain_lib.contour_rows import contour_rows
from explain_lib.grass_rows import grass_rows
from explain_lib.kept_ladder import kept_ladder
from explain_lib.ladder_request import LadderRequest
from explain_lib.lazy_pixels import subset
from explain_lib.named_arrays import named_arrays
from explain_lib.sanity_request import SanityRequest
from explain_lib.scan_request import ScanRequest
from explain_lib.stored_pixels import StoredPixels
from explain_lib.verdict_request import VerdictRequest
images = xl.load_cifar10().pixels
model = xl.load_model("tutorial")
cache = xl.ExplainCache()
"""
"""Every import that a file may hold, as it was written then."""
CALLS = {
    "cache.configured_heatmap(model=model, pixels=images[4:8], configuration=parse_configuration('manual;layers=conv2'))": (
        "xl.configured_heatmap(model, images[4:8], parse_configuration('manual;layers=conv2'))"
    ),
    "cache.ladder_curves(model=model, pixels=images, image=8, layers=('conv2',), target=5, opinions='conv1')": (
        "ladder_curves(model, images, 8, ('conv2',), 5, 'conv1')"
    ),
    "kept_ladder(LadderRequest(model, images, np.arange(2), ('conv2',), None, 'conv2'))": (
        "kept_ladder(LadderRequest(model, images, np.arange(2), ('conv2',), None, 'conv2'))"
    ),
    "joined(SanityRequest(model, images, np.arange(2), 'conv1', None, 'independent', None, 0))": (
        "SanityRequest(model, images, np.arange(2), 'conv1', None, 'independent', None, 0).all_rows()"
    ),
    "joined(VerdictRequest(model=model, pixels=StoredPixels(images[:3], np.array([0, 2, 4], dtype=np.int64), 5, 4)))": (
        "verdict_request(model, StoredPixels(images[:3], np.array([0, 2, 4], dtype=np.int64), 5, 4)).all_rows()"
    ),
}
"""Calls of files written long ago, and those that compute the same now."""
COMPARED = f"""
from explain_lib.take_home.reproduce import ladder_curves, verdict_request
def joined(request):
    return request.join(list(request.cached_rows(cache, lambda: None)))
for former, now in {list(CALLS.items())}:
    a, b = (named_arrays("it", eval(code)) for code in (former, now))
    assert a.keys() == b.keys() and len(a), former
    assert all((a[key].dtype, a[key].tobytes()) == (b[key].dtype, b[key].tobytes()) for key in a), former
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_python_of_a_file_written_long_ago_still_computes_the_same() -> None:
    done = python(FORMER + COMPARED)
    assert done.returncode == 0, done.stderr


def test_support_for_files_written_long_ago_costs_nothing_before_one_is_run() -> None:
    done = python("import sys, explain_lib; print(*(name for name in sys.modules if 'explain_lib.t' in name))")
    loaded = [name for name in done.stdout.split() if not name.startswith("explain_lib.trust")]
    assert loaded == ["explain_lib.take_home", "explain_lib.take_home.former_modules"]
    with pytest.raises(ModuleNotFoundError):
        __import__("explain_lib.never_there")


def test_every_computation_of_a_file_has_a_name_for_its_python() -> None:
    for name, function in {**RECORDED, **PASSES, **JOBS}.items():
        owner = reproduce if function.__name__ in reproduce.__all__ else xl
        assert getattr(owner, function.__name__) is function, name
