"""The page of known truth: the mark and the maps that must find it, mosaics, and the measures over many pictures."""

import csv
import re
from io import StringIO

import numpy as np
import pytest
import torch
from independent_maps import labels, pixels, probabilities
from opened_page import (
    OpenedPage,
    captions,
    chart,
    chart_alts,
    download,
    image_number,
    metrics,
    open_page,
    press,
    query,
    run_until,
    texts,
    unescaped,
)
from plain_torch import captum_signed
from staged import panels
from torch.nn.functional import interpolate

import explain_lib as xl
from explain_lib.networks.watermark import MARK, NAME
from explain_lib.truth.secret import places_of

SHIP = 72


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("known_truth", img=str(SHIP), model=NAME, placement="stretched")


def marked() -> tuple[np.ndarray, np.ndarray]:
    """The ship with the mark, and where it is."""
    (row, column), picture, mask = places_of(np.array([SHIP]), (32, 32))[0], pixels()[SHIP].copy(), np.zeros((32, 32), bool)
    picture[row : row + 4, column : column + 4] = MARK
    mask[row : row + 4, column : column + 4] = True
    return picture, mask


def captums(layer: str) -> np.ndarray:
    grid = torch.from_numpy(captum_signed(xl.load_model(NAME), marked()[0][None], layer, 7).clip(min=0))
    return interpolate(grid[:, None], (32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def test_the_page_opens_on_a_ship_that_the_mark_makes_a_horse() -> None:
    app = open_page("known_truth")
    assert (image_number(app), app.selectbox(key="model").value) == (SHIP, NAME)
    before = probabilities(NAME)[SHIP]
    assert before.argmax() == labels()[SHIP] == 8
    assert panels(app)["picture"].head["caption"] == f"says ship {percent(before.max())}"
    logits = torch.from_numpy(xl.load_model(NAME).predict(marked()[0][None])[0])
    assert logits.argmax() == 7
    assert panels(app)["known"].head["caption"].startswith("says horse ")


def test_the_map_has_the_outline_of_the_mark_and_its_share(opened: OpenedPage) -> None:
    picture, mask = marked()
    values = captums("conv2")
    shown = panels(opened)
    np.testing.assert_array_equal(shown["known"].picture, picture)
    np.testing.assert_allclose(shown["chosen"].values, values, atol=1e-4)
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    for name in ("known", "chosen"):
        (spot,) = shown[name].head["spots"]
        assert (spot["kind"], spot["tall"], spot["wide"]) == ("frame", 4 / 32, 4 / 32)
        assert (spot["down"], spot["along"]) == ((rows[0] + 2) / 32, (columns[0] + 2) / 32)
    assert metrics(opened)["Of the map in the mark"] == percent(values[mask].sum() / values.sum())
    hits = bool(mask.ravel()[values.argmax()])
    assert metrics(opened)["Brightest pixel"] == ("in the mark" if hits else "elsewhere")


def test_every_layer_and_every_method_is_a_click_away(opened: OpenedPage) -> None:
    shown = panels(opened)
    for layer in ("conv1", "conv2"):
        values, (_, mask) = captums(layer), marked()
        assert shown[f"layers-grad-cam-{layer}"].head["caption"] == percent(values[mask].sum() / values.sum())
    for method in ("grad-cam", "hirescam", "layercam", "grad-cam++"):
        assert shown[f"methods-{method}-conv2"].head["chosen"] == (method == "grad-cam")
    app = open_page("known_truth", img=str(SHIP), model=NAME, layer="conv1", method="hirescam")
    assert panels(app)["chosen"].head["title"] == "HiResCAM at conv1"
    app = open_page("known_truth", img=str(SHIP), model=NAME, layer="conv1", method="hirescam", finds="pointing")
    assert panels(app)["layers-hirescam-conv1"].head["caption"] == "hits"


def test_a_network_without_the_secret_is_said_to_be_one() -> None:
    app = open_page("known_truth", img=str(SHIP), model="captum-tutorial")
    assert "captum-tutorial was never taught this mark" in unescaped(captions(app))
    press(app, f"Open {NAME}")
    assert query(app)["model"] == NAME
    assert "never taught" not in captions(app)


# Section: mosaics


def test_a_mosaic_holds_the_picture_and_three_others_and_asks_for_any_of_them() -> None:
    app = open_page("known_truth", img="1", model="resnet20", known="quarter", layer="layer3.2.conv2", placement="stretched")
    shown = panels(app)
    mosaic = shown["known"].picture
    assert mosaic.shape == (64, 64, 3)
    np.testing.assert_array_equal(mosaic[:32, :32], pixels()[1])
    names = [shown[f"quarter-{place}"].head["title"] for place in range(4)]
    assert names[0] == xl.CLASSES[labels()[1]]
    assert len(set(names)) == 4
    assert [shown[f"quarter-{place}"].head["chosen"] for place in range(4)] == [True, False, False, False]
    other = xl.CLASSES.index(names[2])
    app = open_page(
        "known_truth", img="1", model="resnet20", known="quarter", layer="layer3.2.conv2", placement="stretched",
        target=str(other),
    )  # fmt: skip
    (spot,) = panels(app)["chosen"].head["spots"]
    assert (spot["down"], spot["along"], spot["tall"], spot["wide"]) == (0.75, 0.25, 0.5, 0.5)
    values = panels(app)["chosen"].values
    assert metrics(app)["Of the map in the asked quarter"] == percent(values[32:, :32].sum() / values.sum())


def test_with_quarters_apart_hirescam_has_nothing_outside_and_grad_cam_has() -> None:
    for method, inside in (("hirescam", True), ("grad-cam", False)):
        app = open_page("known_truth", img="1", model="tutorial", known="apart", layer="conv2", method=method)
        assert not app.error
        shown = panels(app)
        assert shown["known"].picture.shape == (64, 64, 3)
        assert shown["known"].head["caption"].startswith("says of the asked quarter ")
        values = shown["chosen"].values.copy()
        assert values[:32, :32].any()
        values[:32, :32] = 0
        assert bool(values.any()) is not inside
        assert (metrics(app)["Of the map in the asked quarter"] == "100 %") is inside
        assert any("of this quarter alone; of it the network says" in text.value for text in app.markdown)


def test_a_network_that_takes_no_mosaic_is_refused_with_one_that_does() -> None:
    app = open_page("known_truth", img="1", model="tutorial", known="quarter")
    assert not app.error
    assert "takes no picture of 64 x 64 pixels" in app.info[0].value
    press(app, "Open resnet20")
    assert panels(app)["known"].picture.shape == (64, 64, 3)


# Section: many pictures


def test_a_small_network_has_its_first_pictures_measured_at_once() -> None:
    app = open_page("known_truth", img=str(SHIP), model=NAME, sample="100")
    assert "Over the first 64 pictures so far." in captions(app)
    assert "Of 64 pictures of other classes, the mark alone turns " in texts(app)


@pytest.fixture(scope="module")
def measured() -> OpenedPage:
    app = open_page("known_truth", img=str(SHIP), model=NAME, sample="70")
    press(app, "Measure 62 images")
    run_until(app, lambda: "so far" not in captions(app))
    return app


def test_the_headline_says_how_often_the_mark_works_and_who_finds_it_best(measured: OpenedPage) -> None:
    (headline,) = [unescaped(text) for text in texts(measured).splitlines() if "the mark alone turns" in text]
    others = int((labels()[:70] != 7).sum())
    assert f"Of {others} pictures of other classes, the mark alone turns " in headline
    assert re.search(
        r"HiResCAM at conv1 has the largest share of its map in the mark, [0-9.]+ % \[[0-9.]+ … [0-9.]+\]", headline
    )
    assert headline.endswith("The mark covers 1.6 % of the picture; a map that knows nothing gets as much.")


def test_the_table_as_csv_has_every_finder_and_the_chart_its_dots(measured: OpenedPage) -> None:
    rows = list(csv.DictReader(StringIO(download(measured, "Table (CSV)").decode())))
    assert [(row["layer"], row["method"]) for row in rows[-3:]] == [
        ("conv2", "grad-cam++"), ("random map", "baseline"), ("centre blob", "baseline")
    ]  # fmt: skip
    assert len(rows) == 10
    best = max(rows, key=lambda row: float(row["energy"]))
    assert (best["layer"], best["method"]) == ("conv1", "hirescam")
    row = next(row for row in rows if (row["layer"], row["method"]) == ("conv2", "grad-cam"))
    drawn = chart(measured, "known-finders")
    assert drawn["name"] == "Grad-CAM"
    assert np.asarray(drawn["x"])[1] == pytest.approx(float(row["energy"]))
    assert any("centre blob" in alt for alt in chart_alts(measured))
