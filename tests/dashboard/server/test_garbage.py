"""What the garbage collections after each run of a page have to look at."""

import gc
import sys
import weakref
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch  # noqa: F401  half of the objects that are to be passed over
from opened_page import open_page

from dashboard.server.process import pass_over_modules


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    pass_over_modules()  # so that what this test imports is new
    gc.unfreeze()
    yield
    gc.unfreeze()


def _import_another(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"another_module_{len(sys.modules)}"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))


def test_after_a_page_has_opened_what_it_imported_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    _import_another(monkeypatch)
    before = len(gc.get_objects())
    open_page("layer_explorer")
    assert before > 100_000
    assert len(gc.get_objects()) < before / 10
    assert gc.get_freeze_count() > before * 0.9


def test_garbage_is_collected_and_not_kept_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    _import_another(monkeypatch)
    garbage = weakref.ref(Cycle())
    pass_over_modules()
    assert garbage() is None


def test_later_garbage_is_collected_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    _import_another(monkeypatch)
    pass_over_modules()
    garbage = weakref.ref(Cycle())
    pass_over_modules()  # nothing new was imported
    gc.collect()
    assert garbage() is None


def test_only_what_was_imported_since_makes_another_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    _import_another(monkeypatch)
    pass_over_modules()
    frozen = gc.get_freeze_count()
    kept = [Cycle() for _ in range(1000)]
    pass_over_modules()
    assert gc.get_freeze_count() <= frozen
    _import_another(monkeypatch)
    pass_over_modules()
    assert gc.get_freeze_count() >= frozen + len(kept)
