"""Former modules of explain_lib: the reproduce.py of view files that people took home long ago imports from them.

Those files also call methods that the cache and requests had then. Everything is loaded by the first such import only; files
written now import from `reproduce`.
"""

from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain_lib.networks.requests import Request, Rows
    from explain_lib.work.cache import ExplainCache

_NAMES = (
    "configuration contour_rows grass_rows kept_ladder ladder_request lazy_pixels named_arrays sanity_request scan_request "
    "stored_pixels verdict_request"
)
FORMER = frozenset(f"explain_lib.{name}" for name in _NAMES.split())


class FormerModules(MetaPathFinder, Loader):
    """Finds the former modules, each with all names of `reproduce`."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """The former module of that name, None for others."""
        return ModuleSpec(fullname, self) if fullname in FORMER else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill a former module, and give the cache and requests their former methods back."""
        from explain_lib.networks.requests import Request
        from explain_lib.take_home import reproduce
        from explain_lib.take_home.registry import RECORDED
        from explain_lib.work.cache import ExplainCache

        vars(module).update({name: getattr(reproduce, name) for name in reproduce.__all__})
        vars(module)["VerdictRequest"] = reproduce.verdict_request
        for name, function in RECORDED.items():
            setattr(ExplainCache, name, _cached(function))
        Request.cached_rows = _cached_rows  # type: ignore[attr-defined]  # only files written long ago call it


def _cached(function: Callable[..., object]) -> Callable[..., object]:
    def method(cache: "ExplainCache", **arguments: object) -> object:
        with cache.running():
            return function(**arguments)

    return method


def _cached_rows(request: "Request[Rows]", cache: "ExplainCache", between: Callable[[], None]) -> "Iterator[Rows]":
    with cache.running(between):
        yield from request.rows()
