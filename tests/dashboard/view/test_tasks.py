"""Networks of one logit, of labels and of numbers: what the pages say of them, and the task in the address."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import own_networks
import pytest
import torch
from opened_page import captions, download, errors, metrics, open_folded, open_page, query, texts, unescaped, warnings
from staged import class_bars

import explain_lib as xl
from explain_lib.take_home.replay import replay
from explain_lib.take_home.view_file import read_view_file
from explain_lib.work.cache import ExplainCache

Start = Callable[..., None]
ONE = ("--model", "own_networks:one", "--input-size", "24")
LABELS = ("--model", "own_networks:labels", "--input-size", "24", "--task", "sigmoid")


def scores(make: Callable[[], torch.nn.Module], image: int = 3) -> torch.Tensor:
    """What the network itself says of a test image fitted to 24 x 24."""
    pixels = np.asarray(ExplainCache().fitted_images((24, 24))[image : image + 1])
    given = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        found = make().eval()(given)
    return found["logits"][0] if isinstance(found, dict) else found[0]


@pytest.fixture
def one(start: Start) -> float:
    """A server with a network of one logit; what it says of image 3."""
    start(*ONE)
    return float(scores(own_networks.one))


def test_one_logit_has_bars_for_and_against_that_add_up_to_100_percent(one: float) -> None:
    app = open_folded("layer_explorer")
    chance = 1 / (1 + np.exp(-one))
    assert [bar["name"] for bar in class_bars(app)] == ["negative", "positive"]
    assert [bar["share"] for bar in class_bars(app)] == pytest.approx([1 - chance, chance], abs=1e-6)
    said = unescaped(captions(app))
    assert "Task: one logit, for and against (sigmoid), not given; chosen because there is one score." in said
    assert f"predicted {'positive' if one > 0 else 'negative'} {100 * max(chance, 1 - chance):.1f} %" in said
    assert "Why this class" not in texts(app)


def test_the_same_network_as_a_regression_has_a_number_and_no_percent(one: float) -> None:
    app = open_page("layer_explorer", task="regression")
    assert [bar["name"] for bar in class_bars(app)] == ["positive"]
    said = unescaped(captions(app))
    assert f"positive {one:.3g}".replace("-", "−") in said
    assert "predicted" not in said.partition("Python")[0]
    assert app.selectbox(key="task").value == "regression"
    assert "Score" not in [one.label for one in app.segmented_control]


def test_numbers_have_their_unit(start: Start) -> None:
    start(*ONE, "--task", "regression", "--unit", "years")
    said = f"{float(scores(own_networks.one)):.3g} years".replace("-", "−")
    app = open_page("layer_explorer")
    assert [bar["text"] for bar in class_bars(app)] == [said]
    assert said in unescaped(captions(app))


@pytest.mark.parametrize("page", ["layer_ladder", "sanity_checks", "class_browser", "how_it_works", "scan", "disagreement"])
@pytest.mark.parametrize("task", ["binary", "regression", "sigmoid"])
def test_every_page_opens_on_one_score_whatever_it_means(page: str, task: str, one: float) -> None:
    del one  # the server has it
    app = open_folded(page, task=task)
    assert not errors(app)
    assert not warnings(app)
    if task == "regression":
        assert "probability" not in unescaped(captions(app)).lower()


@pytest.mark.parametrize(
    ("task", "count", "names"),
    [("binary", "2 classes", "classes"), ("regression", "1 output", "outputs"), ("sigmoid", "1 label", "labels")],
)
def test_the_line_below_the_menu_counts_what_the_task_has(start: Start, task: str, count: str, names: str) -> None:
    start(*ONE, "--task", task)
    said = unescaped(captions(open_folded("layer_explorer")))
    assert f"std 1 1 1, {count}. Not given" in said
    assert f"Names of {names} are not given" in said


@pytest.mark.parametrize(("task", "word"), [("sigmoid", "label"), ("regression", "output")])
def test_the_class_browser_counts_right_and_wrong_for_no_labels_and_numbers(start: Start, task: str, word: str) -> None:
    start(*ONE, "--task", task)
    app = open_page("class_browser", target="7")
    assert "**10,000** images" in texts(app).splitlines()
    assert f"Target {word}" in [box.label for box in app.selectbox]
    assert f"target=7: the {word}s are 0 to 0." in warnings(app)


@pytest.mark.parametrize(("task", "judged"), [("binary", True), ("regression", False), ("sigmoid", False)])
def test_a_scan_has_right_and_wrong_only_where_one_class_is_named(start: Start, task: str, judged: bool) -> None:
    start(*ONE, "--task", task)
    app = open_page("scan")
    assert ("Right" in metrics(app)) == judged
    assert "Mean" in metrics(app)
    assert "**By true class, and by right or wrong**" not in texts(app).splitlines() or judged


def test_labels_are_explained_together_and_those_above_half_are_named(start: Start) -> None:
    start(*LABELS)
    shares = scores(own_networks.labels).sigmoid()
    app = open_page("layer_explorer", target="2", plus="5,7")
    assert not errors(app)
    present = [f"label {k}" for k in torch.argsort(-shares).tolist() if shares[k] > 0.5]
    assert f"labels {present[0]} {100 * float(shares.max()):.1f} %" in unescaped(captions(app))
    assert "explained: label 2, label 5 and label 7, logit" in unescaped(captions(app))
    marked = {bar["name"]: bar["words"] for bar in class_bars(app)}
    assert {name for name, words in marked.items() if "explained" in words} == {"label 2", "label 5", "label 7"}
    assert {name for name, words in marked.items() if "present" in words} <= set(present)
    app.multiselect(key="plus").set_value([1]).run()
    assert query(app)["plus"] == "1"


def test_a_task_that_does_not_fit_is_said_and_left_out(one: float) -> None:
    del one
    app = open_folded("layer_explorer", task="softmax", plus="1")
    assert "task=softmax: for this network one of binary, sigmoid, regression would be right." in warnings(app)
    assert "plus=1: only labels can be explained together." in warnings(app)
    assert not errors(app)


def test_the_file_of_a_view_under_another_task_is_computed_anew_to_the_bit(tmp_path: Path) -> None:
    app = open_folded("layer_explorer", task="sigmoid", plus="1", target="3")
    content = download(app, "Everything (ZIP)")
    settings = json.loads(ZipFile(BytesIO(content)).read("settings.json"))
    assert settings["task"] == {"name": "sigmoid", "decided": "given"}
    assert list(settings["models"]) == ["captum-tutorial;task=sigmoid"]
    logits = xl.load_model("captum-tutorial").predict(xl.load_cifar10().pixels[3:4])[0]
    assert settings["predicted"]["probability"] == pytest.approx(1 / (1 + np.exp(-float(logits.max()))), abs=1e-6)
    assert "xl.load_model('captum-tutorial').with_task('sigmoid')" in ZipFile(BytesIO(content)).read("reproduce.py").decode()
    path = tmp_path / "view.zip"
    path.write_bytes(content)
    found = list(replay(read_view_file(path), ExplainCache()))
    assert found
    assert [each.fault for each in found if each.fault] == []
