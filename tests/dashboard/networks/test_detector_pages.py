"""Networks that detect, on every page: the boxes, and the score of one of them."""

import json
from collections.abc import Callable

import numpy as np
import own_detectors
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from opened_page import (
    PAGES,
    OpenedPage,
    act,
    captions,
    download,
    errors,
    open_folded,
    open_page,
    query,
    run_snippet,
    texts,
    unescaped,
    warnings,
)
from staged import class_bars, panels, stages

import explain_lib as xl
from dashboard.topics.explorer.boxes import box_at
from explain_lib.regions.boxes import Found

Start = Callable[..., None]
SSD, IMAGE = "own_detectors:ssd", 3
PIXELS = xl.load_cifar10().pixels[[IMAGE]]
LAYER = "backbone.conv2"


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


def with_ssd(start: Start, page: str = "layer_explorer", **given: str) -> OpenedPage:
    start("--model", SSD, "--input-size", "32")
    return open_page(page, model=SSD, **given)


def plain(index: int, number: int) -> tuple[NDArray[np.float32], float]:
    """The ReLU map of one anchor's logit, and its score, by autograd and torchvision alone."""
    network, kept = own_detectors.ssd(), {}
    network.get_submodule(LAYER).register_forward_hook(lambda _, __, output: kept.update(layer=output))
    network.get_submodule("head").register_forward_hook(lambda _, __, output: kept.update(head=output["cls_logits"]))
    network(list(torch.from_numpy(PIXELS.transpose(0, 3, 1, 2) / np.float32(255))))
    logits = kept["head"][0, number]
    (gradient,) = torch.autograd.grad(logits[index], kept["layer"])
    values = (gradient.mean((2, 3), keepdim=True) * kept["layer"]).sum(1)[0].relu()
    return np.asarray(values.detach().numpy()), float(logits.softmax(0)[index].detach())


def own_boxes() -> list[tuple[int, float, list[float]]]:
    """Label, score, and left, top, right and bottom of the boxes that torchvision itself returns, the best first."""
    with torch.no_grad():
        (own,) = own_detectors.ssd()(list(torch.from_numpy(PIXELS.transpose(0, 3, 1, 2) / np.float32(255))))
    return list(zip(own["labels"].tolist(), own["scores"].tolist(), own["boxes"].tolist(), strict=True))


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize("made", [SSD, "own_detectors:two_stages"])
def test_every_page_stands_with_a_network_that_detects(start: Start, page: str, made: str) -> None:
    start("--model", made, "--input-size", "32")
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""


@pytest.mark.parametrize("page", ["layer_explorer", "class_browser", "layer_ladder"])
def test_torchvisions_ssdlite_stands_on_pages_by_its_name(start: Start, page: str) -> None:
    start("--model", "ssdlite320_mobilenet_v3_large", "--weights", "random", "--input-size", "64")
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""


def test_the_best_box_is_explained_and_framed(start: Start) -> None:
    app = with_ssd(start)
    label, score, (left, top, right, bottom) = own_boxes()[0]
    frame = panels(app)["boxes"].head["spots"][-1]
    assert frame["kind"] == "box chosen"
    middle = [(top + bottom) / 64, (left + right) / 64, (bottom - top) / 32, (right - left) / 32]
    assert_allclose([frame[name] for name in ("down", "along", "tall", "wide")], middle, atol=1e-4)
    assert panels(app)["map"].head["spots"] == [{**frame, "words": ""}]
    assert [bar["words"] for bar in class_bars(app)].count("explained, has the best box") == 1
    said = unescaped(captions(app))
    assert f"explained: class {label} (has the best box), logit of its best box, rows {top:.0f} to {bottom:.0f}" in said
    assert f"class {label} {100 * score:.1f} %" in said


def test_a_click_chooses_the_box_and_a_second_one_the_next(start: Start) -> None:
    app = with_ssd(start)
    before, place = query(app).get("region"), crowded_place()
    act(app, said=place)
    first = query(app)["region"]
    assert before is None
    assert first.startswith("box:")
    number, index = int(first.removeprefix("box:")), int(query(app)["target"])
    right, _ = plain(index, number)
    values = panels(app)["map"].values
    assert values is not None
    assert_allclose(values, right, atol=1e-5 * right.max())
    assert f"class {index}, logit of box {number}, rows" in unescaped(captions(app))
    act(app, said=[place[0], place[1] + 1])  # one that the test's browser tells from the first
    assert query(app)["region"] != first
    row = next(place for place, one in enumerate(stages(app)[0].head["rows"]) if one["links"])
    words = list(stages(app)[0].head["rows"][row]["links"])
    back = next(place for place, one in enumerate(words) if one.startswith("Explain the best box of"))
    act(app, row=row, link=back)
    assert "region" not in query(app)


def crowded_place() -> list[int]:
    """Row and column of a pixel in several boxes."""
    model = xl.as_model(own_detectors.ssd(), input_size=(32, 32), mean=(0,) * 3, std=(1,) * 3)
    found = xl.predicted_boxes(model, PIXELS).boxes[:8]
    places = np.argwhere(np.ones((32, 32)))
    held = [sum(one.box.holds((row + 0.5) / 32, (column + 0.5) / 32) for one in found) for row, column in places]
    return [int(part) for part in places[int(np.argmax(held))]]


def box(number: int, *corners: float) -> Found:
    top, left, bottom, right = corners
    return Found(xl.Box((top, left, bottom, right), number), 1, 0.5)


def test_of_boxes_on_one_another_the_smallest_is_chosen_first_and_then_the_larger_ones() -> None:
    large, small, other = box(4, 0, 0, 1, 1), box(7, 0.2, 0.2, 0.4, 0.4), box(9, 0.6, 0.6, 0.9, 0.9)
    every = (large, small, other)
    assert box_at(every, 0.3, 0.3, explained=9) is small
    assert box_at(every, 0.3, 0.3, explained=7) is large
    assert box_at(every, 0.3, 0.3, explained=4) is small
    assert box_at((small, other), 0.0, 0.1, explained=9) is small  # none holds the place: the nearest
    assert box_at((), 0.3, 0.3, explained=0) is None


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "another task": ({"model": "tutorial", "region": "box:5"}, "only a network that segments or detects"),
    "a pixel": ({"model": SSD, "region": "4,5"}, "of a network that detects a box, such as box:17"),
}


@pytest.mark.parametrize(("address", "why"), WRONG.values(), ids=WRONG)
def test_a_region_that_a_detector_has_not_is_ignored_and_said(start: Start, address: dict[str, str], why: str) -> None:
    start("--model", SSD, "--input-size", "32")
    app = open_page("layer_explorer", **address)
    assert why in unescaped(warnings(app))
    assert errors(app) == ""


def test_a_box_that_is_not_there_is_named(start: Start) -> None:
    assert "there is no candidate 320; 0 to 319 would be right" in errors(with_ssd(start, region="box:320"))


@pytest.mark.parametrize(
    "given", [{"beside": "image"}, {"beside": "layer"}, {"beside": "model", "model2": "tutorial"}, {"card": "on"}]
)
def test_a_second_side_and_the_card_stand_beside_a_chosen_box(start: Start, given: dict[str, str]) -> None:
    app = with_ssd(start, target="2", region="box:109", **given)
    assert errors(app) == ""
    right, _ = plain(2, 109)
    values = panels(app)["map" if "map" in panels(app) else "map-beside"].values
    assert values is not None
    assert_allclose(values, right, atol=1e-5 * right.max())


def test_with_parts_covered_the_same_box_is_explained(start: Start) -> None:
    cells = np.zeros((16, 16), np.bool_)
    cells[4:8, 2:9] = True
    app = with_ssd(start, target="2", cover=xl.cover_code(cells))
    said = unescaped(captions(app))
    whole = unescaped(captions(with_ssd(start, target="2")))
    rows = whole.split("logit of its best box, ")[1].split(" · ")[0]
    assert f"logit of its best box of the whole picture, {rows}" in said


def test_ladder_and_sanity_checks_explain_the_chosen_box_too(start: Start) -> None:
    right, score = plain(2, 109)
    sanity = panels(with_ssd(start, "sanity_checks", target="2", region="box:109"))["whole"].values
    assert sanity is not None
    if sanity.shape == right.shape:
        assert_allclose(sanity, right, atol=1e-5 * right.max())
    app = with_ssd(start, "layer_ladder", target="2", region="box:109")
    said = unescaped(captions(app) + texts(app))
    assert f"{100 * score:.1f} %" in said
    assert "score of the box" in said


def test_the_files_say_the_box_and_compute_the_same_map(start: Start) -> None:
    app = with_ssd(start, target="2", region="box:109")
    sent = panels(app)["map"].values
    settings = json.loads(download(app, "Settings (JSON)"))
    assert settings["target"]["region"]["number"] == 109
    assert settings["address"]["region"] == "box:109"
    assert_array_equal(run_snippet(app)["values"], sent)


def test_a_mosaic_says_why_it_has_nothing_to_show(start: Start) -> None:
    quarter = with_ssd(start, "known_truth", known="quarter")
    assert "each quarter of a mosaic has boxes of its own" in " ".join(one.value for one in quarter.info)
