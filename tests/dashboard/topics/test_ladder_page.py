"""The layer ladder's page: the table of the picked image, curves and pictures, the ranking over many, and the job."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from independent_maps import captum_map, pixels, plus_plus_sentence, predicted, probabilities
from numpy.typing import NDArray
from opened_page import (
    OpenedPage,
    alts,
    captions,
    chart,
    chart_alts,
    download,
    metrics,
    open_page,
    press,
    query,
    run_until,
    texts,
    unescaped,
    warnings,
)
from playwright.sync_api import Page, expect
from running_app import address, settle
from scipy.stats import spearmanr
from staged import SentPanel, panels
from streamlit.testing.v1.element_tree import Html
from torch.nn import functional

import explain_lib as xl
from dashboard.topics.ladder.measured import asked_layer


class Table(HTMLParser):
    """The cells of a table, row by row, and which rows are marked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.marked: list[str] = []
        self._marks = False
        self._inside = False
        self.feed(text.partition("</style>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "tr":
            self.rows.append([])
            self._marks = "marked" in (named.get("class") or "")
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False
        if tag == "tr" and self._marks:
            self.marked.append(self.rows[-1][0])

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def tables(app: OpenedPage) -> list[Table]:
    """That of the picked image, then that of many."""
    found = [body for body in bodies(app) if 'aria-label="Layer ladder' in body]
    return [Table(body) for body in sorted(found, key=lambda body: "Layer ladder over" in body)]


def bodies(app: OpenedPage) -> list[str]:
    return [shown.proto.body for shown in app.get("html") if isinstance(shown, Html)]


def column(table: Table, title: str) -> dict[str, float]:
    """The numbers of a column by the names of the rows."""
    head, *rows = table.rows
    place = next(place for place, name in enumerate(head) if name.startswith(title))
    name = head.index("row")
    return {row[name]: float(re.split(r"[ %]", row[place].replace("−", "-"))[0]) for row in rows}


def by_the_book(image: int, layer: str) -> tuple[float, float]:
    """Deletion and insertion with mid grey: Captum's map, enlarged by PyTorch, one pass a point."""
    network = xl.load_model("captum-tutorial").network
    picture = torch.from_numpy((pixels()[image].transpose(2, 0, 1) / 255 - 0.5) / 0.5).float()
    cells = torch.tensor(captum_map(image, layer))[None, None]
    large = functional.interpolate(cells, (32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()
    order = np.argsort(-large.ravel(), kind="stable")
    masks = np.zeros((17, 1024), bool)
    for step in range(17):
        masks[step, order[: 64 * step]] = True
    first = torch.from_numpy(masks.reshape(17, 1, 32, 32))
    with torch.no_grad():
        shown = [network(torch.where(first, *pair)).softmax(1) for pair in ((torch.zeros(3, 32, 32), picture), (picture, 0.0))]
    deletion, insertion = (one[:, predicted(image)].mean().item() for one in shown)
    return deletion, insertion


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("layer_ladder", img="8", modules="all", layer="relu2")


# Section: the picked image


def test_the_table_has_every_layer_in_order_and_the_rows_to_measure_it_against(opened: OpenedPage) -> None:
    names = [row[0] for row in tables(opened)[0].rows[1:]]
    assert names == [
        *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2"),
        "all layers averaged",
        *("HiResCAM at relu2", "LayerCAM at relu2", "Grad-CAM++ at relu2"),
        *("Grad-CAM at relu2, where it looks", "HiResCAM at relu2, where it looks"),
        *("random order", "centre first", "edges"),
    ]
    assert tables(opened)[0].marked == ["relu2"]


def notes(app: OpenedPage) -> list[str]:
    return [unescaped(one.value).removeprefix("⚠ ") for one in app.caption if one.value.startswith("⚠")]


def test_grad_cam_plus_plus_before_a_relu_is_warned_of_on_the_image_and_on_many(opened: OpenedPage) -> None:
    many = plus_plus_sentence(range(20), "conv2", None, "relu2", "the first 20 of these images")
    assert notes(opened) == [many]  # the image's row is at relu2, those of many images at the last conv layer
    app = open_page("layer_ladder", img="8")
    assert notes(app) == [many, plus_plus_sentence([8], "conv2", None, "relu2", "image 8")]


def test_its_numbers_are_those_of_a_plain_loop_over_captums_map(opened: OpenedPage) -> None:
    (table, *_) = tables(opened)
    for layer in ("conv1", "relu2", "pool2"):
        assert (column(table, "deletion")[layer], column(table, "insertion")[layer]) == pytest.approx(
            by_the_book(8, layer), abs=6e-4
        )


@pytest.mark.parametrize(("measure", "falling"), [("deletion", False), ("road", True), ("single-deletion", True)])
def test_places_follow_the_measure_that_ranks(measure: str, falling: bool) -> None:
    app = open_page("layer_ladder", img="8", measure=measure)
    (table, *_) = tables(app)
    title = {"road": "ROAD", "single-deletion": "single deletion"}.get(measure, measure)
    places, values = column(table, "place"), column(table, title)
    ranked = sorted(places, key=places.__getitem__)
    found = [values[name] for name in ranked]
    assert sorted(places.values()) == list(range(1, 12))
    assert found == sorted(found, reverse=falling)


@pytest.fixture(scope="module")
def single() -> OpenedPage:
    return open_page("layer_ladder", img="8", measure="single-deletion")


def losses_by_the_book(image: int) -> NDArray[np.float32]:
    """What the logit of the predicted class loses while a patch of 4 x 4 pixels is mid grey: one pass a patch, (8, 8)."""
    network = xl.load_model("captum-tutorial").network
    picture = torch.from_numpy((pixels()[image].transpose(2, 0, 1) / 255 - 0.5) / 0.5).float()
    losses = np.empty((8, 8), np.float32)
    with torch.no_grad():
        whole = network(picture[None])[0, predicted(image)]
        for row in range(8):
            for place in range(8):
                holed = picture.clone()
                holed[:, 4 * row : 4 * row + 4, 4 * place : 4 * place + 4] = 0
                losses[row, place] = whole - network(holed[None])[0, predicted(image)]
    return losses


def test_by_single_deletion_the_page_shows_what_each_patch_alone_is_worth(single: OpenedPage) -> None:
    losses = losses_by_the_book(8)
    np.testing.assert_allclose(panels(single)["loss-grey"].values, losses, atol=1e-5)
    cells = torch.tensor(captum_map(8, "conv2"))[None, None]
    large = functional.interpolate(cells, (32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()
    sums = large.reshape(8, 4, 8, 4).sum((1, 3))
    np.testing.assert_allclose(panels(single)["sums"].values, sums, atol=1e-5 * sums.max())
    right = spearmanr(sums.ravel(), losses.ravel()).statistic
    assert column(tables(single)[0], "single deletion")["conv2"] == pytest.approx(right, abs=2e-3)
    dots = chart(single, "patches")
    assert sorted(np.array(dots["y"], float)) == pytest.approx(sorted(losses.ravel()), abs=1e-5)
    (highest,) = (np.array(dots["y"], float)[np.array(dots["x"], float) == 1]).tolist()
    assert highest == pytest.approx(losses.ravel()[sums.argmax()], abs=1e-5)
    assert {"loss-blur", "loss-noisy-linear"} <= set(panels(single))
    assert all(alts(single))


def test_the_page_names_method_placement_and_measure_and_says_which_others_beat_the_centre(single: OpenedPage) -> None:
    words = unescaped(texts(single))
    assert "Single deletion with mid grey, Grad-CAM stretched over the picture: of 2 layers conv2 has the best mean" in words
    assert "No layer beats “centre first” (0.137)" in words
    with np.load("checkpoints/captum-tutorial.ladder.npz") as file:
        names, values = file["names"].tolist(), file["single_deletion"][:500, :, 0].astype(float)
    lead = values[:, names.index("HiResCAM at conv2, where it looks")] - values[:, names.index("centre first")]
    assert "by deletion none; by insertion none; by ROAD none; by single deletion HiResCAM at conv2, where it looks" in words
    (table,) = (Table(body) for body in bodies(single) if "Rows beside “centre first” over 500 images" in body)
    assert [row[0] for row in table.rows[1:]] == names[:-3]  # all but the baselines
    assert table.marked == ["HiResCAM at conv2, where it looks"]
    leads = column(table, "single deletion")
    assert leads["HiResCAM at conv2, where it looks"] == pytest.approx(np.nanmean(lead), abs=6e-4)
    assert leads["conv2"] < 0


def test_every_map_and_picture_has_alternative_text(opened: OpenedPage) -> None:
    assert any(alt.startswith("Overlay: map of relu2 on image 8; peak at row") for alt in alts(opened))
    assert all(alts(opened))
    assert all(chart_alts(opened))


def thumbnails(app: OpenedPage) -> list[SentPanel]:
    """The maps of all rows, in the order of the table."""
    return [panel for name, panel in panels(app).items() if name.startswith("row-")]


def test_every_row_has_its_map_over_the_picture_and_layers_can_be_chosen_by_it(opened: OpenedPage) -> None:
    (table, *_), sent = tables(opened), thumbnails(opened)
    names = [row[0].replace(" at relu2, where it looks", ", placed") for row in table.rows[1:]]
    assert [panel.head["title"] for panel in sent] == [name.removesuffix(" at relu2") for name in names]
    assert [panel.head["picks"] for panel in sent] == [True] * 6 + [False] * 9
    assert [panel.head["title"] for panel in sent if panel.head["chosen"]] == ["relu2"]
    numbers = list(column(table, "deletion").values())
    assert [panel.head["caption"] for panel in sent] == [
        f"no. {place:.0f} · {number:.3f}" for place, number in zip(column(table, "place").values(), numbers, strict=True)
    ]
    assert metrics(opened)["Deletion"] == f"{numbers[4]:.3f}"
    for place, layer in enumerate(("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")):
        cells = torch.tensor(captum_map(8, layer))[None, None]
        large = functional.interpolate(cells, (32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()
        np.testing.assert_allclose(sent[place].values, large, atol=1e-5 * large.max())
        np.testing.assert_array_equal(sent[place].picture, pixels()[8])
    np.testing.assert_array_equal(panels(opened)["chosen"].values, sent[4].values)


def test_in_a_browser_a_click_on_a_layers_map_chooses_it_and_baselines_do_nothing(page: Page, root: str) -> None:
    page.goto(f"{root}/layer_ladder?img=8&modules=all")
    expect(page.locator('[data-picture="row-1"]')).to_be_visible(timeout=60_000)
    settle(page)
    page.locator('[data-picture="row-1"]').click()
    expect(page.locator('[data-picture="row-1"]')).to_have_attribute("aria-pressed", "true", timeout=60_000)
    assert address(page)["layer"] == "relu1"
    expect(page.locator("figcaption", has_text="Map of relu1")).to_be_visible()
    page.locator('[data-picture="row-12"]').click(position={"x": 10, "y": 10})  # keeps the place in all pictures
    expect(page.locator('[data-picture="grey-8"]')).to_have_attribute("data-pointed", "3,3")
    assert address(page)["layer"] == "relu1"


def test_the_curve_is_the_one_whose_mean_the_table_has(opened: OpenedPage) -> None:
    trace = chart(opened, "removal-curves")
    shares, left = (np.array(trace[axis], float) for axis in ("x", "y"))
    np.testing.assert_allclose(shares, np.arange(17) / 16 * 100)
    assert left[0] == pytest.approx(probabilities("captum-tutorial")[8].max(), abs=1e-4)
    assert left.mean() == pytest.approx(column(tables(opened)[0], "deletion")["relu2"], abs=6e-4)


def test_pictures_show_three_fills_with_what_is_left(opened: OpenedPage) -> None:
    left = np.array(chart(opened, "removal-curves")["y"], float)
    shown = [alt for alt in alts(opened) if "of its pixels replaced by" in alt]
    assert len(shown) == 9
    assert f"Image 8 with 50 % of its pixels replaced by mid grey; dog is left with {left[8] * 100:.1f} %" in shown


def test_under_another_fill_the_numbers_are_others() -> None:
    grey, blur = (open_page("layer_ladder", img="8", fill=fill) for fill in ("grey", "blur"))
    assert column(tables(grey)[0], "deletion") != column(tables(blur)[0], "deletion")
    assert column(tables(grey)[0], "ROAD") == column(tables(blur)[0], "ROAD")
    assert "Deletion with the blurred picture, Grad-CAM stretched over the picture: of 2 layers" in texts(blur)


def test_a_zero_map_is_named() -> None:
    zero = zero_at_pool1()
    app = open_page("layer_ladder", img=str(zero), modules="all")
    (table, *_) = tables(app)
    flat = thumbnails(app)[2].head
    assert f"The picture alone, the map is zero: map of pool1 on image {zero}" in alts(app)
    assert (flat["painted"], flat["caption"], bool(flat["badge"])) == (False, "not ranked", True)
    assert next(row[5:7] for row in table.rows if row[0].startswith("pool1")) == ["none"] * 2
    assert any(row[0] == "pool1 zero map" for row in table.rows)
    assert sorted(int(row[1]) for row in table.rows[1:] if row[1] != "none") == list(range(1, 15))
    assert "pool1 has the best number" not in texts(app)


def zero_at_pool1() -> int:
    """The first test image whose map at pool1 is zero everywhere."""
    return next(image for image in range(1000) if not captum_map(image, "pool1").any())


def test_another_class_can_be_explained() -> None:
    app = open_page("layer_ladder", img="8", target="6")
    assert app.selectbox(key="target").value == 6
    assert panels(app)["grey-8"].head["caption"].startswith("frog ")
    left = np.array(chart(app, "removal-curves")["y"], float)
    assert left[0] == pytest.approx(probabilities("captum-tutorial")[8, 6], abs=1e-4)
    assert "each with the class frog" in captions(app)


def test_a_deeper_network_has_its_ladder() -> None:
    app = open_page("layer_ladder", model="resnet20")
    assert not app.error
    assert [row[0] for row in tables(app)[0].rows[1:]][:19] == list(xl.load_model("resnet20").conv_layers)


# Section: over many images


def means_of_deletion(count: int) -> NDArray[np.float64]:
    with np.load("checkpoints/captum-tutorial.ladder.npz") as file:
        return np.asarray(file["deletion"][:count, :, 0].mean(0))


def test_the_ranking_over_500_images_is_there_at_once_and_says_what_beats_what() -> None:
    app = open_page("layer_ladder")
    words = unescaped(texts(app))
    assert "of 2 layers conv2 has the best mean, 0.302 [" in words
    assert "paired over 500 images: more than chance." in words
    assert "No layer beats “centre first” (0.242), a baseline that never looks at the network" in words
    assert "At conv2, beside Grad-CAM stretched, on the same images: HiResCAM is better by 0.031" in words
    trace = chart(app, "ladder-ranked")
    assert sorted(np.array(trace["x"], float)) == pytest.approx(sorted(means_of_deletion(500)[:2]), abs=1e-6)
    many = column(tables(app)[1], "deletion")
    assert list(many.values()) == pytest.approx(means_of_deletion(500), abs=6e-4)
    assert "These numbers come with the dashboard" in captions(app)


def test_the_sample_is_in_the_address_and_the_file_has_its_rows() -> None:
    app = open_page("layer_ladder", sample="40")
    assert "Test images 0 to 39" in captions(app)
    lines = list(csv.DictReader(download(app, "Rows (CSV)").decode().splitlines()))
    assert len(lines) == 40 * 11
    assert {int(line["image"]) for line in lines} == set(range(40))
    app.segmented_control(key="sample").select(1000).run()
    assert query(app)["sample"] == "1000"
    assert "paired over 1,000 images" in texts(app)


def test_what_is_not_known_beforehand_is_measured_on_request() -> None:
    app = open_page("layer_ladder", sample="24", target="3")
    assert "Nothing has been measured yet" in captions(app)
    assert len(tables(app)) == 1
    press(app, "Measure 24 images")
    run_until(app, lambda: len(tables(app)) == 2 and "So far" not in captions(app))
    assert "24 images are too few to compare" in texts(app)
    assert "These numbers come with the dashboard" not in captions(app)


def test_the_package_is_not_asked_at_one_of_several_calls_of_a_module() -> None:
    assert [asked_layer(name) for name in ("conv2", "layer1.0.relu#2")] == ["conv2", None]


def test_more_images_than_there_are_is_said() -> None:
    app = open_page("layer_ladder", sample="10001")
    assert "sample=10001: there are 10,000 images." in warnings(app)
