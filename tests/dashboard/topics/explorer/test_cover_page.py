"""Parts of the picture covered on the layer explorer: its numbers, its files, and what the browser asks while it paints."""

import json
from functools import partial
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from independent_maps import pixels, probabilities
from numpy.typing import NDArray
from opened_page import OpenedPage, act, arrays, captions, download, elements, open_page, query, run_snippet, warnings
from plain_torch import network_input
from staged import SentStage, answered, class_bars, panels, stages
from streamlit.proto.WidgetStates_pb2 import WidgetState

import explain_lib as xl
from explain_lib.__main__ import main

open_explorer = partial(open_page, "layer_explorer")
MIDDLE = "AAAAAAAAAAAP8A_wD_AP8A_wD_AP8A_w"  # rows and columns 4 to 11


def grey_middle(image: int) -> NDArray[np.uint8]:
    covered = pixels()[image].copy()
    covered[8:24, 8:24] = 128
    return covered


def scores_of(picture: NDArray[np.uint8], name: str = "captum-tutorial") -> NDArray[np.float64]:
    model = xl.load_model(name)
    with torch.no_grad():
        scores = model.network(network_input(model, picture[None]))[0]
    return np.asarray(scores.double().numpy())


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())


def tally(app: OpenedPage) -> dict[str, tuple[str, str]]:
    (row, *_) = stages(app)[0].head["rows"]
    return {fact["label"]: (fact["value"], fact["caption"]) for fact in row["tally"]}


def proper(number: float, form: str) -> str:
    return f"{number:{form}}".replace("-", "−")


# Section: what is shown


def test_picture_bars_and_maps_are_of_the_covered_picture_and_say_what_changed() -> None:
    app = open_explorer(cover=MIDDLE)
    covered, before = softmax(scores_of(grey_middle(3))), probabilities("captum-tutorial")[3]
    np.testing.assert_array_equal(panels(app)["picture"].picture, grey_middle(3))
    np.testing.assert_array_equal(panels(app)["overlay"].picture, grey_middle(3))
    for bar in class_bars(app):
        index = bar["index"]
        assert bar["text"] == f"{100 * covered[index]:.1f} %"
        assert bar["before"] == pytest.approx(before[index], abs=1e-5)
        assert bar["change"] == proper(100 * (covered[index] - before[index]), "+.1f")
    assert f"parts covered · image 3 · true plane · predicted bird {100 * covered.max():.1f} % ✗" in captions(app)
    assert "explained: ship (the predicted class of the whole picture), logit" in captions(app)
    assert {name: panels(app)[name].head["title"] for name in ("picture", "overlay")} == {
        "picture": "The picture, parts covered",
        "overlay": "Overlay, parts covered",
    }


def test_beside_what_the_map_promised_stands_what_happened() -> None:
    app = open_explorer(cover=MIDDLE)
    whole, now = scores_of(pixels()[3])[8], scores_of(grey_middle(3))[8]
    told = tally(app)
    assert told["Covered"] == ("25.0 %", "64 of 256 cells, with mid grey (128 of 255)")
    assert told["Actual change"] == (proper(now - whole, "+.1f"), f"score {whole:.1f}, now {now:.1f}")
    signed = xl.grad_cam(xl.load_model("captum-tutorial"), pixels()[3:4], "conv2", 8)["conv2"].signed[0]
    # conv2's cells look at 6.5, 8.5 ... 24.5: pixels 8 to 23 are those of cells 1 to 8
    inside = signed[1:9, 1:9]
    assert told["Promised by the map"][0] == proper(-inside.sum(), "+.1f")
    assert told["Share of the map"][0] == f"{100 * inside.clip(0).sum() / signed.clip(0).sum():.1f} %"
    before, top = signed.max(), panels(app)["map"].head["top"]
    assert panels(app)["map"].head["caption"].endswith(f"Largest {top:.3f}; {before:.3f} on the whole picture.")


def test_without_a_cover_nothing_speaks_of_one() -> None:
    app = open_explorer()
    assert tally(app) == {}
    assert all(bar["before"] is None and bar["change"] == "" for bar in class_bars(app))
    assert "cover" not in captions(app)
    assert panels(app)["picture"].head["paints"]["code"] == ""


def test_the_fill_is_that_of_the_address_and_grey_where_it_names_one_of_road_alone() -> None:
    blurred = xl.cover_picture(pixels()[3], MIDDLE, "blur")
    np.testing.assert_array_equal(panels(open_explorer(cover=MIDDLE, fill="blur"))["picture"].picture, blurred)
    np.testing.assert_array_equal(panels(open_explorer(cover=MIDDLE, fill="noisy-linear"))["picture"].picture, grey_middle(3))


def test_two_models_have_the_same_cells_covered_and_another_image_none() -> None:
    app = open_explorer(cover=MIDDLE, beside="model")
    np.testing.assert_array_equal(panels(app)["overlay-beside"].picture, grey_middle(3))
    assert "Actual change · tutorial, image 3" in tally(app)
    app = open_explorer(cover=MIDDLE, beside="image")
    np.testing.assert_array_equal(panels(app)["overlay-beside"].picture, pixels()[1])
    act(app, row=0, link=0)
    assert "cover" not in query(app)


# Section: the address


def test_what_is_painted_stands_in_the_address_until_another_image() -> None:
    app = open_explorer()
    act(app, cover=MIDDLE, fill="blur")
    assert (query(app)["cover"], query(app)["fill"]) == (MIDDLE, "blur")
    act(app, cover="AAAw", fill="blur")
    assert query(app)["cover"] == "AAAw"
    app.selectbox(key="layer").select("conv1").run()
    assert query(app)["cover"] == "AAAw"
    act(app, cover="", fill="grey")
    assert not {"cover", "fill"} & set(query(app))


@pytest.mark.parametrize(("code", "fill"), [("=", "grey"), ("A" * 99, "grey"), ("g", "pink")])
def test_words_of_a_browser_that_mean_nothing_change_nothing(code: str, fill: str) -> None:
    app = open_explorer(cover=MIDDLE)
    act(app, cover=code, fill=fill)
    assert query(app)["cover"] == MIDDLE


def test_a_code_that_is_none_is_said_and_the_whole_picture_shown() -> None:
    app = open_explorer(cover="frog!")
    assert "cover=frog!: at most 43 letters, digits, - and _, six cells of 16 x 16 each, would be right." in warnings(app)
    np.testing.assert_array_equal(panels(app)["picture"].picture, pixels()[3])


# Section: to take home


def test_the_files_hold_the_covered_picture_and_the_python_computes_its_map(tmp_path: Path) -> None:
    app = open_explorer(cover=MIDDLE)
    taken = arrays(app)
    np.testing.assert_array_equal(taken["picture"], grey_middle(3))
    settings = json.loads(download(app, "Settings (JSON)"))
    assert settings["address"]["cover"] == MIDDLE
    assert settings["cover"]["cells"] == [[row, column] for row in range(4, 12) for column in range(4, 12)]
    assert settings["cover"]["score"] == pytest.approx(scores_of(grey_middle(3))[8], rel=1e-5)
    file = tmp_path / "view.zip"
    file.write_bytes(download(app, "Everything (ZIP)"))
    with ZipFile(file) as parts, np.load(BytesIO(parts.read("maps.npz"))) as maps:
        assert float(maps["cover_effect.score"]) == settings["cover"]["score"]
    np.testing.assert_array_equal(run_snippet(app)["values"], taken["map"])
    assert main(["replay", str(file)]) == 0


# Section: while the pointer moves


def ask(app: OpenedPage, **what: object) -> SentStage:
    """The answer to what the browser asks while it paints."""
    (sent,) = [shown.proto for shown in elements(app, "bidi_component") if shown.proto.component_name == "cover"]
    app.send(WidgetState(id=sent.id, json_value=json.dumps({"asked": what})))
    return answered(app)


def test_what_is_asked_while_painting_is_answered_without_a_new_address() -> None:
    app = open_explorer()
    assert answered(app).head["answers"] == 0
    found = ask(app, number=7, cover=MIDDLE, fill="grey")
    assert found.head["answers"] == 7
    assert "cover" not in query(app)
    right = stages(open_explorer(cover=MIDDLE))[0]
    assert {**found.head, "answers": 0} == right.head
    for one, other in zip(found.panels, right.panels, strict=True):
        for name in ("picture", "values"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(panels(app)["picture"].picture, pixels()[3])


def test_a_network_that_cannot_be_asked_is_said_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_explorer()

    def refuse(*_: object) -> None:
        raise xl.NetworkError("network: its scores contain NaN")

    monkeypatch.setattr(xl, "cover_effect", refuse)
    assert ask(app, number=2, cover=MIDDLE, fill="grey").head["refused"] == "network: its scores contain NaN."
