"""Networks that segment, on every page."""

from collections.abc import Callable

import pytest
from opened_page import PAGES, errors, open_folded

Start = Callable[..., None]


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize("made", ["own_networks:unet", "own_networks:one_mask"])
def test_every_page_stands_with_a_network_that_segments(start: Start, page: str, made: str) -> None:
    start("--model", made, "--input-size", "32")
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""
