"""The scan page: a selection, a scan in the background, what it finds, and the files that can be taken home."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from independent_maps import STUDY_LAYERS, labels, package_map, plus_plus_sentence, predicted, probabilities, study_manual_map
from opened_page import (
    START,
    OpenedPage,
    act,
    alts,
    captions,
    chart,
    download,
    elements,
    ended,
    metrics,
    open_page,
    press,
    query,
    texts,
    warnings,
)
from sample_networks import Models

import explain_lib as xl
from dashboard.topics.scan.example import example_request
from dashboard.topics.scan.figure import class_figure, class_words, spread_figure
from dashboard.topics.sides.side import SHARED
from explain_lib.compare.scan import ScanRequest
from explain_lib.compare.scan_summary import ScanSummary
from explain_lib.pictures.sets import Pixels
from explain_lib.work.jobs import Job, shared_jobs

SURE = probabilities("captum-tutorial")
FEW = {"class_": "3", "predicted": "8", "low": "40"}
FEW_IMAGES = np.flatnonzero((labels() == 3) & (SURE.argmax(1) == 8) & (SURE.max(1) >= 0.4))


@pytest.fixture(autouse=True)
def no_scan_left_behind() -> Iterator[None]:
    yield
    shared_jobs("cpu").close()


@pytest.fixture(scope="module")
def few() -> OpenedPage:
    """The study's two sides on a few images, scanned to the end."""
    app = open_page("scan", **FEW)
    return ended(press(app, f"Scan {len(FEW_IMAGES)} images"))


def rows_of(app: OpenedPage) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download(app, "Rows (CSV)").decode())))


# Section: the example with which the page opens


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("scan", class_="frog")


def test_the_page_opens_with_an_example_of_the_first_of_the_chosen_images(opened: OpenedPage) -> None:
    assert "**Example: the first 200 of these 1,000 images.**" in texts(opened)
    assert metrics(opened)["Images"] == "200"
    bars = chart(opened, "scan-classes")
    assert bars["y"] == ["frog", "predicted right", "predicted wrong"]
    assert np.sum(chart(opened, "scan-spread")["y"], dtype=int) == 200
    assert chart(opened, "scan-causes")["y"][-1] == "mean |b − a|"
    frogs = np.flatnonzero(labels() == 6)[:200]
    furthest = [int(alt.split(",")[0].removeprefix("Test image ")) for alt in alts(opened)]
    assert len(furthest) == 10
    assert set(furthest) <= set(frogs.tolist())


def test_the_examples_numbers_are_those_that_other_programs_find(opened: OpenedPage) -> None:
    furthest = int(alts(opened)[0].split(",")[0].removeprefix("Test image "))
    right = np.abs(package_map(furthest, STUDY_LAYERS, predicted(furthest)) - study_manual_map(furthest)).mean()
    assert np.max(chart(opened, "scan-spread")["customdata"]) == pytest.approx(right, abs=1e-6)


def test_an_example_starts_no_work_in_the_background_and_has_no_files(opened: OpenedPage, jobs: list[Job[Any]]) -> None:
    app = open_page("scan", class_="3", predicted="9", low="90")
    assert "**Example: these " in texts(app)
    assert jobs == []
    assert [button for button in app.button if button.label.startswith("Scan ")]
    assert not [one for one in elements(opened, "download_button") if one.proto.label.startswith("Rows")]


def test_the_scan_takes_the_place_of_its_example(few: OpenedPage) -> None:
    assert "Example" not in texts(few)


def test_an_example_that_cannot_be_computed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: ScanRequest) -> None:
        raise xl.NetworkError("network: it is out of order")

    monkeypatch.setattr(ScanRequest, "compute", refused)
    app = open_page("scan", class_="3", predicted="6", low="60")
    assert "Nothing has been scanned yet" in captions(app)
    assert not app.error


def test_an_example_has_fewer_images_the_more_the_network_computes(random_model: Models) -> None:
    def size(model: xl.Model, pixels: Pixels, count: int) -> int:
        found = example_request(ScanRequest(model, pixels, np.arange(count), *SHARED, package=True))
        return len(found) if found else 0

    pixels = xl.load_cifar10().pixels
    assert size(xl.load_model("captum-tutorial"), pixels, 1000) == 200
    assert size(xl.load_model("captum-tutorial"), pixels, 3) == 3
    assert size(xl.load_model("resnet20"), pixels, 1000) == 100
    small = np.zeros((300, 64, 64, 3), np.uint8)
    assert size(random_model("resnet18"), small, 300) == 100
    assert size(random_model("vgg11"), small, 300) == 50


PLUS_PLUS = "package;layers={};variant=grad-cam++"


def test_grad_cam_plus_plus_before_a_relu_is_warned_of_and_after_it_is_not() -> None:
    images = {"class_": "3", "predicted": "9", "low": "90"}
    chosen = np.flatnonzero((labels() == 3) & (SURE.argmax(1) == 9) & (SURE.max(1) >= 0.9))
    assert 1 < len(chosen) <= 20
    app = open_page("scan", b=PLUS_PLUS.format("conv2"), **images)
    assert warnings(app) == plus_plus_sentence(chosen.tolist(), "conv2", None, "relu2", "these images")
    for b in (PLUS_PLUS.format("relu2"), "package;layers=conv2"):  # a is of relu2
        assert warnings(open_page("scan", b=b, **images)) == ""


def test_of_many_images_the_first_are_looked_at_for_the_class_that_is_explained() -> None:
    app = open_page("scan", b=PLUS_PLUS.format("conv2"), class_="frog", target="2")
    frogs = np.flatnonzero(labels() == 6)[:20].tolist()
    assert warnings(app) == plus_plus_sentence(frogs, "conv2", 2, "relu2", "the first 20 of these images")


# Section: the scan


def test_the_selection_is_that_of_the_class_browser(few: OpenedPage) -> None:
    assert 3 <= len(FEW_IMAGES) <= 40
    assert [int(row["image"]) for row in rows_of(few)] == FEW_IMAGES.tolist()
    assert query(few) == {"class": "3", "predicted": "8", "low": "40"}


def test_each_row_has_the_mean_difference_that_other_programs_find(few: OpenedPage) -> None:
    for row in rows_of(few):
        image = int(row["image"])
        right = np.abs(package_map(image, STUDY_LAYERS, predicted(image)) - study_manual_map(image)).mean()
        assert float(row["mae"]) == pytest.approx(right, abs=2e-6)
        assert (row["true_class"], row["predicted_class"], row["state"]) == ("cat", "ship", "ok")
        causes = [float(value) for name, value in row.items() if name.startswith("cause_")]
        assert sum(causes) == pytest.approx(right, abs=2e-6)


def test_numbers_and_charts_are_those_of_the_rows(few: OpenedPage) -> None:
    maes = np.array([float(row["mae"]) for row in rows_of(few)])
    shown = metrics(few)
    assert shown["Images"] == str(len(maes))
    assert float(shown["Mean"]) == pytest.approx(maes.mean(), abs=6e-5)
    for title, share in {"5 %": 0.05, "Median": 0.5, "95 %": 0.95}.items():
        assert float(shown[title]) == pytest.approx(np.quantile(maes, share), abs=6e-5)
    assert shown["Right"] == "no image"
    assert sum(chart(few, "scan-spread")["y"]) == len(maes)
    bars = chart(few, "scan-classes")
    assert bars["y"] == ["cat", "predicted wrong"]
    assert bars["x"] == pytest.approx([maes.mean()] * 2)


def test_the_causes_sum_to_the_mean(few: OpenedPage) -> None:
    bars = chart(few, "scan-causes")
    rows = rows_of(few)
    for name, value in zip(bars["y"][:-1], bars["x"][:-1], strict=True):
        right = np.mean([float(row[f"cause_{name.replace(' ', '_')}"]) for row in rows])
        assert value == pytest.approx(right, abs=1e-9)
    assert sum(bars["x"][:-1]) == pytest.approx(bars["x"][-1], abs=4e-4)
    assert re.search(
        rf"Over {len(rows)} images, \d+ % of the mean difference comes from \*\*the choice of layers\*\*", texts(few)
    )
    assert bars["y"][0] == "layers"


def test_the_worst_and_the_most_typical_images_open_on_the_disagreement_page(few: OpenedPage) -> None:
    rows = sorted(rows_of(few), key=lambda row: -float(row["mae"]))
    names = [alt.split(",")[0] for alt in alts(few)]
    shown = min(10, len(rows))
    assert names[:shown] == [f"Test image {row['image']}" for row in rows[:shown]]
    app = act(open_page("scan", **FEW), "stage-furthest-apart", panel=f"furthest-apart-{rows[0]['image']}")
    assert app.title[0].value == "Disagreement"
    assert query(app)["img"] == rows[0]["image"]
    assert float(app.metric[0].value) == pytest.approx(float(rows[0]["mae"]), abs=1e-4)


def test_the_parquet_file_has_the_rows_of_the_csv(few: OpenedPage) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(download(few, "Rows (Parquet)")))
    assert table.column("mae").to_pylist() == pytest.approx([float(row["mae"]) for row in rows_of(few)])
    assert "residual" not in table.column_names


def test_the_same_scan_is_there_for_the_next_who_opens_it(few: OpenedPage) -> None:
    again = open_page("scan", **FEW)
    assert not [button for button in again.button if button.label.startswith("Scan ")]
    assert rows_of(again) == rows_of(few)


def test_a_scan_is_stopped_and_goes_on() -> None:
    app = press(open_page("scan", class_="any", model="resnet20", a="manual", b="package"), "Scan 10,000 images")
    press(app, "Stop")
    (more,) = [button.label for button in app.button if button.label.startswith("Go on with ")]
    left = int(more.removeprefix("Go on with ").removesuffix(" images").replace(",", ""))
    assert 0 < left <= 10_000
    press(app, more)
    assert [button for button in app.button if button.label == "Stop"]


def test_with_the_real_programs_each_row_says_how_far_they_are() -> None:
    app = open_page("scan", check="on", **FEW)
    ended(press(app, f"Scan {len(FEW_IMAGES)} images"))
    residuals = [float(row["residual"]) for row in rows_of(app)]
    assert 0 < max(residuals) < 1e-6


def test_two_manual_sides_have_no_real_program_to_run() -> None:
    app = open_page("scan", a="manual", b="manual;layers=conv1")
    assert "check" not in [toggle.key for toggle in app.toggle]


def test_another_class_is_explained_for_every_image() -> None:
    app = open_page("scan", target="1", a="manual", b="manual;relu=false", **FEW)
    ended(press(app, f"Scan {len(FEW_IMAGES)} images"))
    model, first = xl.load_model("captum-tutorial"), int(FEW_IMAGES[0])
    pixels = xl.load_cifar10().pixels[first : first + 1]
    a, b = (xl.heatmap(model, pixels, xl.CamSettings(relu=relu), 1)[0] for relu in (True, False))
    assert float(rows_of(app)[0]["mae"]) == pytest.approx(np.abs(b - a).mean(), abs=2e-6)


def test_an_empty_selection_says_why_and_offers_the_way_back() -> None:
    app = open_page("scan", class_="3", predicted="9", low="99", outcome="right")
    assert "No image meets all of these conditions" in app.info[0].value
    press(app, "Without any condition: 10,000 images")
    assert query(app) == START | {"class": "any"}


def test_a_model_without_the_studys_layers_is_scanned_on_a_shared_layer() -> None:
    few = np.flatnonzero((labels() == 3) & (probabilities("resnet20").argmax(1) == 8))
    app = open_page("scan", model="resnet20", class_="3", predicted="8")
    assert "both programs use one shared layer instead" in captions(app)
    ended(press(app, f"Scan {len(few)} images"))
    model, first = xl.load_model("resnet20"), int(few[0])
    pixels = xl.load_cifar10().pixels[first : first + 1]
    a = xl.heatmap(model, pixels, xl.CamSettings())[0]
    b = xl.package_grad_cam(model, pixels, "layer3.2.conv2")[0]
    assert float(rows_of(app)[0]["mae"]) == pytest.approx(np.abs(b - a).mean(), abs=2e-6)


# Section: figures by themselves


def summary_of(**changed: object) -> ScanSummary:
    numbers: dict[str, object] = {
        "images": 4,
        "finite": 3,
        "mean": 0.2,
        "quantiles": np.array([0.1, 0.1, 0.2, 0.3, 0.3]),
        "class_means": np.array([0.15, np.nan, 0.3]),
        "class_images": np.array([2, 0, 1]),
        "right_mean": 0.2,
        "wrong_mean": np.nan,
        "right_images": 3,
        "wrong_images": 0,
        "settings": ("layers",),
        "shares": np.array([0.2]),
        "fractions": np.array([1.0]),
        "worst": np.array([7]),
        "typical": np.array([5]),
    }
    return ScanSummary(**(numbers | changed))  # type: ignore[arg-type]  # the fields' own types


def test_groups_without_images_have_no_bar() -> None:
    (bars,) = class_figure(summary_of(), ("cat", "dog", "frog")).data
    assert list(bars.y) == ["cat", "frog", "predicted right"]
    assert list(bars.x) == [0.15, 0.3, 0.2]
    assert list(bars.customdata) == [2, 1, 3]
    assert (
        class_words(summary_of(), ("cat", "dog", "frog")) == "Mean difference: cat 0.1500, frog 0.3000, predicted right 0.2000"
    )


def test_every_image_is_in_one_bar_of_the_spread() -> None:
    maes = np.random.default_rng(0).random(500)
    figure = spread_figure(maes)
    assert sum(figure.data[0].y) == 500
    assert figure.layout.shapes[0].x0 == pytest.approx(np.median(maes))
    assert sum(spread_figure(np.zeros(3)).data[0].y) == 3
