"""Every page with a network of photographs, on a folder of photographs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import skimage.data
from opened_page import PAGES, captions, errors, open_folded, unescaped
from PIL import Image
from staged import class_bars

from explain_lib.work.jobs import shared_jobs

Start = Callable[..., None]


@pytest.fixture(autouse=True)
def _server(start: Start, tmp_path: Path) -> Iterator[None]:
    for name in ("cat", "coffee", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()).save(tmp_path / f"{name}.jpg")
    start("--device", "cpu", "--model", "efficientnet-lite0", "--weights", "DEFAULT", "--images", str(tmp_path))
    yield
    shared_jobs("cpu").close()


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
def test_every_page_opens(page: str) -> None:
    app = open_folded(page, img="0", layer="_conv_head")
    assert errors(app) == ""
    assert app.selectbox(key="model").value == "efficientnet-lite0"


def test_the_classes_have_names() -> None:
    app = open_folded("layer_explorer", img="1")
    assert class_bars(app)[0]["name"] == "espresso"
    assert "published by ML Illustrated for efficientnet-lite0; input 224 × 224" in unescaped(captions(app))
