"""Networks that segment, on every page: the class, and where it is explained."""

import json
from collections.abc import Callable

import numpy as np
import own_networks
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
    press,
    query,
    run_snippet,
    run_until,
    texts,
    unescaped,
    warnings,
)
from staged import SentPanel, class_bars, panels, stages

import explain_lib as xl

Start = Callable[..., None]
UNET, IMAGE = "own_networks:unet", 3
PIXELS = xl.load_cifar10().pixels[[IMAGE]]
CELLS = np.zeros((16, 16), np.bool_)
CELLS[4:8, 2:9] = True


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


def with_unet(start: Start, page: str = "layer_explorer", **given: str) -> OpenedPage:
    start("--model", UNET, "--input-size", "32")
    return open_page(page, model=UNET, **given)


def scores() -> torch.Tensor:
    """The network's output for the picture, (3, 32, 32)."""
    with torch.no_grad():
        found: torch.Tensor = own_networks.unet().eval()(torch.from_numpy(PIXELS.transpose(0, 3, 1, 2) / np.float32(255)))[0]
    return found


def plain_map(index: int, mask: NDArray[np.bool_], layer: str = "bottom") -> NDArray[np.float32]:
    """The ReLU map by autograd alone, of the sum of a class's scores in a mask."""
    network, kept = own_networks.unet().eval(), []
    network.get_submodule(layer).register_forward_hook(lambda *of: kept.append(of[2]))
    output = network(torch.from_numpy(PIXELS.transpose(0, 3, 1, 2) / np.float32(255)))
    (gradient,) = torch.autograd.grad(output[0, index][torch.from_numpy(mask)].sum(), kept[0])
    return np.asarray((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].relu().detach().numpy())


def is_map_of(panel: SentPanel, index: int, mask: NDArray[np.bool_]) -> None:
    right = plain_map(index, mask)
    assert right.max() > 0
    assert panel.values is not None
    assert_allclose(panel.values, right, atol=1e-5 * right.max())


def press_link(app: OpenedPage, words: str) -> OpenedPage:
    (place,) = [
        (row, list(one["links"]).index(words)) for row, one in enumerate(stages(app)[0].head["rows"]) if words in one["links"]
    ]
    act(app, row=place[0], link=place[1])
    return app


# Section: every page


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize("made", [UNET, "own_networks:one_mask"])
def test_every_page_stands_with_a_network_that_segments(start: Start, page: str, made: str) -> None:
    start("--model", made, "--input-size", "32")
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""


@pytest.mark.parametrize("page", ["layer_explorer", "class_browser", "how_it_works", "disagreement", "seed_gallery"])
def test_torchvisions_lraspp_stands_on_pages_by_its_name(start: Start, page: str) -> None:
    start("--model", "lraspp_mobilenet_v3_large", "--weights", "random", "--input-size", "64")
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""


# Section: what is explained


def test_the_class_that_covers_most_is_explained_where_it_is_predicted(start: Start) -> None:
    app, classes = with_unet(start), scores().argmax(0).numpy()
    shares = [(classes == index).mean() for index in range(3)]
    most = int(np.argmax(shares))
    assert [bar["text"] for bar in class_bars(app)] == [f"{100 * share:.1f} %" for share in shares]
    assert [bar["words"] for bar in class_bars(app)].count("explained, covers most") == 1
    is_map_of(panels(app)["map"], most, classes == most)
    said = f"explained: class {most} (covers most), summed logit over its predicted region"
    assert said in unescaped(captions(app))
    assert "predicted" not in unescaped(captions(app)).split("explained:")[0]


def test_a_click_on_the_predicted_classes_explains_the_class_at_that_pixel(start: Start) -> None:
    app, classes = with_unet(start), scores().argmax(0).numpy()
    panel = panels(app)["regions"]
    assert panel.head["spots"][0]["words"] == f"class {np.bincount(classes.ravel()).argmax()}"
    row, column = np.argwhere(classes == 1)[4].tolist()
    act(app, said=[row, column])
    assert (query(app)["region"], query(app)["target"]) == (f"{row},{column}", "1")
    pixel = np.zeros((32, 32), np.bool_)
    pixel[row, column] = True
    is_map_of(panels(app)["map"], 1, pixel)
    assert f"class 1, summed logit at row {row}, column {column}" in unescaped(captions(app))
    press_link(app, "Explain class 1 wherever it is predicted")
    assert "region" not in query(app)
    is_map_of(panels(app)["map"], 1, classes == 1)


def test_painted_cells_can_be_explained_in_place_of_covered(start: Start) -> None:
    code, classes = xl.cover_code(CELLS), scores().argmax(0).numpy()
    app = with_unet(start, target="2", cover=code)
    whole = panels(app)["regions"].picture
    assert whole is not None
    press_link(app, "Explain the painted cells instead of covering them")
    assert (query(app)["region"], query(app).get("cover")) == (code, None)
    mask = CELLS.repeat(2, 0).repeat(2, 1)
    is_map_of(panels(app)["map"], 2, mask)
    drawn = panels(app)["regions"].picture
    assert drawn is not None
    inner = np.zeros_like(mask)
    inner[9:15, 5:17] = True
    assert_array_equal((drawn == 255).all(2), mask & ~inner)
    assert f"over a painted region, {100 * CELLS.mean():.1f} % of the picture" in unescaped(captions(app))
    assert classes.shape == mask.shape


def test_with_parts_covered_the_region_stays_that_of_the_whole_picture(start: Start) -> None:
    app, classes = with_unet(start, cover=xl.cover_code(CELLS)), scores().argmax(0).numpy()
    most = int(np.bincount(classes.ravel()).argmax())
    covered = xl.cover_picture(PIXELS[0], xl.cover_code(CELLS))
    model = xl.as_model(own_networks.unet(), input_size=(32, 32), mean=(0, 0, 0), std=(1, 1, 1))
    fixed = xl.Target(most, region=xl.region_of(classes == most))
    right = xl.grad_cam(model, covered[None], "bottom", fixed)["bottom"].map[0]
    values = panels(app)["map"].values
    assert values is not None
    assert_allclose(values, right, atol=1e-6 * right.max())


def test_a_class_that_is_predicted_nowhere_is_said_by_its_name(start: Start) -> None:
    start("--model", "own_networks:two_of_three", "--input-size", "32")
    app = open_page("layer_explorer", target="2")
    assert "class 2 is predicted nowhere in image 3, so there is no region to explain" in errors(app)
    assert errors(open_page("layer_explorer", target="2", region="4,5")) == ""


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "another task": ({"model": "tutorial", "region": "4,5"}, "only a network that segments or detects explains a class"),
    "outside": ({"model": UNET, "region": "4,32"}, "rows are 0 to 31 and columns 0 to 31"),
}


@pytest.mark.parametrize(("address", "why"), WRONG.values(), ids=WRONG)
def test_a_region_that_is_not_there_is_ignored_and_said(start: Start, address: dict[str, str], why: str) -> None:
    start("--model", UNET, "--input-size", "32")
    app = open_page("layer_explorer", **address)
    assert why in unescaped(warnings(app))
    assert errors(app) == ""
    assert "at row 4" not in captions(app)


@pytest.mark.parametrize(
    "given", [{"beside": "image"}, {"beside": "layer"}, {"beside": "model", "model2": "tutorial"}, {"card": "on"}]
)
def test_a_second_side_and_the_card_stand_beside_a_clicked_pixel(start: Start, given: dict[str, str]) -> None:
    app = with_unet(start, target="1", region="20,9", **given)
    assert errors(app) == ""
    pixel = np.zeros((32, 32), np.bool_)
    pixel[20, 9] = True
    name = "map" if "map" in panels(app) else "map-beside"
    is_map_of(panels(app)[name], 1, pixel)
    if given.get("beside") == "image":
        assert "class 1, summed logit over its predicted region" in unescaped(captions(app))


# Section: labels for each place


@pytest.mark.parametrize("page", ["layer_explorer", "class_browser", "layer_ladder", "sanity_checks"])
def test_pages_stand_with_labels_for_each_place(start: Start, page: str) -> None:
    app = with_unet(start, page, task="sigmoid-segmentation")
    assert errors(app) == ""
    assert "task=" not in warnings(app)


def test_a_label_is_explained_where_it_is_likelier_than_not(start: Start) -> None:
    app = with_unet(start, task="sigmoid-segmentation", img=str(IMAGE), target="1")
    is_map_of(panels(app)["map"], 1, np.asarray((scores()[1] > 0).numpy()))
    assert "class 1, summed logit over its predicted region" in unescaped(captions(app))


# Section: many pictures, some of which do not show the class


def bright_in(count: int) -> NDArray[np.bool_]:
    """Whether the network predicts class 1 anywhere, by its own output."""
    with torch.no_grad():
        given = torch.from_numpy(xl.load_cifar10().pixels[:count].transpose(0, 3, 1, 2) / np.float32(255))
        return np.asarray((own_networks.bright().eval()(given).argmax(1) == 1).flatten(1).any(1).numpy())


def test_the_average_of_a_class_leaves_out_pictures_without_it_and_says_how_many(start: Start) -> None:
    start("--model", "own_networks:bright", "--input-size", "32")
    app = open_page("class_browser", model="own_networks:bright", img="0", target="1", average="on")
    lacking = int((~bright_in(10_000)).sum())
    assert 0 < lacking < 10_000
    assert f"{lacking:,} pictures left out, as class 1 is predicted nowhere there." in captions(app)
    assert errors(app) == ""


def test_the_ladder_of_a_class_leaves_out_pictures_without_it_and_says_how_many(start: Start) -> None:
    start("--model", "own_networks:bright", "--input-size", "32")
    app = open_page("layer_ladder", model="own_networks:bright", img="0", target="1", sample="24")
    assert "pictures in which it is predicted nowhere are left out" in captions(app)
    press(app, "Measure 24 images")
    lacking = int((~bright_in(24)).sum())
    run_until(app, lambda: f"{lacking} pictures left out, as class 1 is predicted nowhere there." in captions(app))
    assert errors(app) == ""


# Section: other pages, and what is taken home


def test_ladder_and_sanity_checks_explain_the_clicked_pixel_too(start: Start) -> None:
    pixel = np.zeros((32, 32), np.bool_)
    pixel[20, 9] = True
    for page, name in (("layer_ladder", "chosen"), ("sanity_checks", "whole")):
        values = panels(with_unet(start, page, target="1", region="20,9"))[name].values
        right = plain_map(1, pixel)
        assert values is not None
        if values.shape == right.shape:
            assert_allclose(values, right, atol=1e-5 * right.max())
        else:  # the ladder's maps are enlarged
            large = torch.nn.functional.interpolate(torch.from_numpy(right)[None, None], (32, 32), mode="bilinear")[
                0, 0
            ].numpy()
            assert_allclose(values / values.max(), large / large.max(), atol=1e-4)


def test_what_is_measured_is_named_in_the_words_of_segmentation(start: Start) -> None:
    app = with_unet(start, "layer_ladder")
    said = unescaped(captions(app) + texts(app))
    assert "each with the class that covers most of it, where it is predicted" in said
    assert "The mean probability over the region of class" in said
    browser = with_unet(start, "class_browser")
    assert "Covers most" in [box.label for box in browser.selectbox]
    assert not any(one.label == "The prediction is" for one in browser.get("button_group"))
    quarter = with_unet(start, "known_truth", known="quarter")
    assert "it predicts a class for each place" in " ".join(one.value for one in quarter.info)


def test_the_files_say_the_region_and_compute_the_same_map(start: Start) -> None:
    app = with_unet(start, target="1", region="20,9")
    sent = panels(app)["map"].values
    settings = json.loads(download(app, "Settings (JSON)"))
    assert settings["target"]["region"] == xl.pixel_region((32, 32), 20, 9).to_json()
    assert settings["address"]["region"] == "20,9"
    assert_array_equal(run_snippet(app)["values"], sent)
