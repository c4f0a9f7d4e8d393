"""The page of slices: the mark gives itself away, and other classes, methods and numbers are a press away."""

import csv
import re
from io import StringIO

import numpy as np
import pytest
from independent_maps import labels, pixels
from opened_page import OpenedPage, buttons, captions, download, open_page, press, query, run_until, texts
from staged import panels, stages, values_of

import explain_lib as xl
from explain_lib.networks.watermark import MARK, NAME, corner_places, plant

HORSE = 7


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("slices")


def rows_of(app: OpenedPage) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(download(app, "Table (CSV)").decode())))


def test_the_slice_of_the_mark_comes_first_with_hardly_anything_else_in_it(opened: OpenedPage) -> None:
    rows = rows_of(opened)
    horses = np.flatnonzero(labels() == HORSE)
    assert [int(row["image"]) for row in rows] == horses[:500].tolist()
    assert {int(row["image"]) for row in rows if row["marked"] == "1"} == set(horses[:500:2].tolist())
    first = [row["marked"] == "1" for row in rows if row["slice"] == "1"]
    assert len(first) > 200
    assert sum(first) / len(first) >= 0.9


def test_examples_are_the_pictures_with_their_marks(opened: OpenedPage) -> None:
    example = panels(opened)["slice-1-0"]
    image = int(example.head["title"])
    expected = plant(pixels()[image][None], corner_places(1, (32, 32)))[0]
    np.testing.assert_array_equal(example.picture, expected)
    np.testing.assert_array_equal(expected[22:26, 6:10], MARK)
    values = example.values
    settings = xl.CamSettings(layers=("conv2",), variant="hirescam", scale_over="none", resize="none")
    own = xl.heatmap(xl.load_model(NAME), expected[None], settings, HORSE)[0]
    np.testing.assert_allclose(values, own / own.sum(), rtol=1e-4, atol=1e-7)


def test_a_strip_says_its_size_its_accuracy_and_how_many_are_marked(opened: OpenedPage) -> None:
    rows = rows_of(opened)
    (stage,) = stages(opened)
    for number, title in enumerate([row["title"] for row in stage.head["rows"]], 1):
        of_slice = [row for row in rows if row["slice"] == str(number)]
        found = re.match(r"Slice (\d) · (\d+) pictures · right ([\d.]+) % \[.*\] · [\d.]+ bits · marked (.*)", title)
        assert found is not None, title
        assert (int(found[1]), int(found[2])) == (number, len(of_slice))
        marked = sum(row["marked"] == "1" for row in of_slice) / len(of_slice)
        assert found[4] == f"{100 * marked:.0f} %"


def test_the_mean_map_of_a_slice_is_the_mean_of_its_maps(opened: OpenedPage) -> None:
    images = [int(row["image"]) for row in rows_of(opened) if row["slice"] == "1"]
    marked = {int(row["image"]) for row in rows_of(opened) if row["marked"] == "1"}
    seen = pixels()[images].copy()
    for place, image in enumerate(images):
        if image in marked:
            seen[place, 22:26, 6:10] = MARK
    settings = xl.CamSettings(layers=("conv2",), variant="hirescam", scale_over="none", resize="none")
    maps = xl.heatmap(xl.load_model(NAME), seen, settings, HORSE)
    shares = maps / maps.sum((1, 2), keepdims=True)
    np.testing.assert_allclose(values_of(opened, "slice-1"), shares.mean(0), rtol=1e-3, atol=1e-6)


def test_without_the_mark_nothing_is_marked() -> None:
    app = open_page("slices", planted="off", model=NAME, method="hirescam", **{"class": str(HORSE)})
    assert {row["marked"] for row in rows_of(app)} == {"0"}
    (stage,) = stages(app)
    assert not any("marked" in row["title"] for row in stage.head["rows"])


def test_another_network_has_no_mark_and_leads_to_the_one_that_has() -> None:
    app = open_page("slices", model="tutorial", groups="3", **{"class": "3"})
    (stage,) = stages(app)
    assert [row["title"].split(" · ")[0] for row in stage.head["rows"]] == ["Slice 1", "Slice 2", "Slice 3"]
    assert "Mark every second horse" not in [toggle.label for toggle in app.toggle]
    press(app, "Try it on a network that cheats")
    assert (query(app)["model"], query(app)["class"], query(app)["method"]) == (NAME, str(HORSE), "hirescam")
    assert "marked" in stages(app)[0].head["rows"][0]["title"]


def test_many_pictures_are_asked_for_and_shown_when_all_are_there() -> None:
    app = open_page("slices", model=NAME, method="hirescam", sample="1100", **{"class": "any"})
    assert "Nothing has been computed yet" in captions(app)
    press(app, "Find slices of 1,100 images")
    run_until(app, lambda: "Stop" not in buttons(app) and "agree most on one place" in texts(app))
    assert len(rows_of(app)) == 1100


def test_too_many_slices_are_refused_with_the_number_that_would_be_right() -> None:
    app = open_page("slices", model=NAME, groups="9", **{"class": str(HORSE)})
    assert "a whole number from 2 to 8" in "".join(one.value for one in app.info)


def test_a_large_grid_is_said_to_be_averaged(opened: OpenedPage) -> None:
    words = "Maps of 32 × 32 cells are averaged to at most 28 a side"
    assert words not in captions(opened)
    assert words in captions(open_page("slices", model="resnet20", layer="conv1", sample="200", groups="2", **{"class": "3"}))
