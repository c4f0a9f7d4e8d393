"""A network of one's own: from the command line, and from a visitor."""

import io
import json
import shlex
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import own_networks
import pytest
import torch
from numpy.typing import NDArray
from opened_page import (
    PAGES,
    OpenedPage,
    alts,
    buttons,
    captions,
    ended,
    errors,
    open_folded,
    press,
    query,
    run_snippet,
    run_until,
    texts,
    unescaped,
    warnings,
)
from PIL import Image
from running_app import ROOT, free_port, served, streamlit_command
from staged import class_bars, panels
from weight_samples import planting_files

import explain_lib as xl
from dashboard.frame.model_menu import ARCHITECTURE, KEY, USE
from dashboard.frame.picture_menu import MENU
from dashboard.view.server_options import server_cache
from explain_lib.__main__ import main
from explain_lib.base.run_context import checkpoint
from explain_lib.loading.architectures import TutorialNet
from explain_lib.loading.model_store import UPLOAD_BYTES
from explain_lib.trust.faithfulness import PictureRemoval, RemovalCurves

MAKE = "own_networks:make"
"""In tests/support."""
Start = Callable[..., None]


# The server's own model is what a visitor meets, or not, whoever starts it.
@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


# Section: from the command line


def test_the_dashboard_opens_with_the_servers_own_model_and_says_what_it_took(start: Start, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("tulip\nrose\n\ndaisy\nlily\niris\n")
    start("--model", MAKE, "--classes", str(names), "--input-size", "24", "20", "--mean", "0.5", "0.4", "0.3")
    app = open_folded("layer_explorer")
    assert app.selectbox(key="model").value == MAKE
    assert app.selectbox(key="model").options[0] == f"{MAKE} · 2 conv layers · 0 k weights"
    assert app.selectbox(key="model").options[1].startswith("captum-tutorial")
    assert (
        f"{MAKE}, weights as the factory made them; input 24 × 20, mean 0.5 0.4 0.3, std 1 1 1, 5 classes. "
        "Not given, so taken as usual where nothing is known: std. Pictures are resized to fill 24 × 20; the rest is cut off."
    ) in unescaped(captions(app)).splitlines()
    assert [bar["name"] for bar in class_bars(app)] == ["tulip", "rose", "daisy", "lily", "iris"]
    app.selectbox(key="model").set_value("tutorial").run()
    assert query(app)["model"] == "tutorial"
    app.session_state["settings"] = True
    press(app.run(), "Reset")
    assert query(app)["model"] == MAKE


@pytest.mark.parametrize(
    ("page", "made"),
    [
        *((page, "own_networks:pooled") for page in PAGES if page != "lesson"),  # without conv layers
        *((page, MAKE) for page in ("disagreement", "sanity_checks", "guesses")),
    ],
)
def test_every_page_stands_with_a_model_that_has_no_card_no_twin_and_no_training(start: Start, page: str, made: str) -> None:
    start("--model", made, "--input-size", "16")
    app = open_folded(page, drawing="fair")
    assert not app.exception
    assert errors(app) == ""
    assert app.selectbox(key="model").value == made


def test_several_models_of_a_file_are_in_the_menu_and_each_is_loaded_when_it_is_chosen(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "nets.toml"
    file.write_text(
        f'[small]\nmodel = "{MAKE}"\ninput_size = 16\nclasses = ["tulip", "rose", "daisy", "lily", "iris"]\n'
        f'[large]\nmodel = "{MAKE}"\ninput_size = 24\n[broken]\nmodel = "own_networks:fails"\n'
    )
    start("--models", str(file))
    app = open_folded("layer_explorer")
    assert app.selectbox(key="model").options[:4] == ["small · 2 conv layers · 0 k weights", "large", "broken", CAPTUM]
    assert [bar["name"] for bar in class_bars(app)] == ["tulip", "rose", "daisy", "lily", "iris"]
    app.selectbox(key="model").set_value("large").run()
    assert errors(app) == ""
    assert f"large ({MAKE}), weights as the factory made them; input 24 × 24" in unescaped(captions(app))
    assert query(app)["weights"] == server_cache().model("large").digest[:12]
    assert server_cache().model("large").digest != server_cache().model("small").digest
    start("--models", str(file), "--model", "large")
    assert open_folded("layer_explorer").selectbox(key="model").value == "large"
    start("--models", str(tmp_path / "none.toml"))
    assert "none.toml cannot be read (No such file or directory); a TOML file would be right" in errors(open_folded("scan"))


CAPTUM = "captum-tutorial · 59.1 % · 2 conv layers · 62 k weights"


def test_what_was_left_out_of_a_file_and_converted_is_said(start: Start, tmp_path: Path) -> None:
    state = {f"model.{name}": one.half() for name, one in own_networks.make().state_dict().items()}
    torch.save({"state_dict": {**state, "loss_fn.weight": torch.ones(5)}}, tmp_path / "net.ckpt")
    start("--model", MAKE, "--weights", str(tmp_path / "net.ckpt"), "--input-size", "16")
    said = unescaped(captions(open_folded("layer_explorer")))
    assert f"Left out, because {MAKE} has no such weights: loss_fn.weight. Converted to float32: weights in float16." in said


def test_the_command_on_the_page_measures_the_same(start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my pictures"
    folder.mkdir()
    for place in range(3):
        values = np.random.default_rng(place).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{place}.png")
    start("--model", MAKE, "--input-size", "16", "--images", str(folder))
    shown = unescaped(captions(open_folded("sanity_checks", target="2"))).splitlines()
    (said,) = [line for line in shown if line.startswith("The same from a terminal: ")]
    python, _, module, *words = shlex.split(said.partition("`")[2].rstrip("`"))
    assert (python, module) == ("python", "explain_lib")
    assert words[:3] == ["sanity", "--model", MAKE]
    assert main(words) == 0
    assert "3 images are too few" in capsys.readouterr().out


def test_pages_of_the_study_say_that_they_show_others(start: Start) -> None:
    start("--model", MAKE, "--input-size", "16")
    assert f"these are its pictures as {MAKE} sees them" in unescaped(captions(open_folded("seed_gallery", drawing="fair")))
    assert f"This is tutorial, not {MAKE}." in unescaped(captions(open_folded("seed_gallery", model="tutorial")))
    assert f"The stops of this lesson show resnet20, captum-tutorial, tutorial and 2 more, not {MAKE}." in unescaped(
        captions(open_folded("lesson"))
    )
    start()
    assert "not your own" not in captions(open_folded("seed_gallery"))


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize(("made", "layer"), [("transformer", "encoder.layers.encoder_layer_1.ln_1"), ("windowed", "features"),
                                             ("with_idle_branch", "conv")])  # fmt: skip
def test_every_page_stands_with_tokens_channels_last_and_unused_layers(start: Start, page: str, made: str, layer: str) -> None:
    start("--model", f"own_networks:{made}", "--input-size", "32")
    app = open_folded(page)
    assert errors(app) == ""
    if page in ("layer_explorer", "how_it_works", "layer_ladder", "sanity_checks", "class_browser"):
        assert app.selectbox(key="layer").value == layer


def test_long_names_of_layers_are_told_apart_by_their_ends(start: Start) -> None:
    start("--model", "own_networks:transformer", "--input-size", "32")
    app = open_folded("layer_explorer")
    assert panels(app)["layer-encoder.layers.encoder_layer_1.ln_1"].head["title"] == "…r_layer_1.ln_1"
    assert "Cells are drawn where they look; stretching would not shift them." in captions(app)


def test_of_a_thousand_classes_the_likeliest_and_the_marked_ones_have_bars(start: Start) -> None:
    start("--model", "own_networks:many", "--input-size", "16")
    app = open_folded("layer_explorer", target="999", minus="998")
    words = {bar["name"]: bar["words"] for bar in class_bars(app)}
    assert 10 <= len(words) <= 12
    assert "explained" in words["class 999"]
    assert "contrasted" in words["class 998"]
    assert "The 10 likeliest of 1,000 classes, and those with a word." in captions(app)


def test_a_network_of_one_class_has_no_contrast(start: Start) -> None:
    start("--model", "own_networks:one", "--input-size", "16")
    app = open_folded("layer_explorer")
    assert errors(app) == ""
    assert "Why this class and not that one?" not in [heading.value for heading in app.header]


def test_two_models_with_other_classes_stand_side_by_side(start: Start) -> None:
    start("--model", MAKE, "--input-size", "16")
    app = open_folded("layer_explorer", target="4", beside="model", model2="tutorial")
    assert errors(app) == ""
    assert "tutorial has other classes: its own prediction is explained." in captions(app)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with files of names that cannot be taken."""
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n \n")
    Path("two.txt").write_text("a\nb\n")
    Path("binary.txt").write_bytes(b"\xff\xfe\xff")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--weights", "a.pt"], "option: --weights belongs to a model; --model NAME before it would be right"),
        (["--model", MAKE, "--classes", "missing.txt"], "classes: missing.txt cannot be read (No such file or directory)"),
        (["--model", MAKE, "--classes", "empty.txt"], "classes: empty.txt is empty; a text file with a name a line"),
        (["--model", MAKE, "--classes", "binary.txt"], "classes: binary.txt cannot be read (it is not text in UTF-8)"),
        (["--model", MAKE, "--input-size", "1", "2", "3", "4"], "input_size: (1, 2, 3, 4); (height, width) in pixels"),
        (["--model", MAKE, "--input-size", "big"], "argument --input-size: invalid int value: 'big'"),
        (["--model", MAKE, "--mean", "0", "0", "nan"], "--mean: (0.0, 0.0, nan); a finite number for each channel"),
    ],
)
def test_options_that_cannot_be_read_are_a_sentence_and_nothing_can_be_shown(
    start: Start, options: list[str], sentence: str
) -> None:
    start(*options)
    app = open_folded("layer_explorer")
    assert sentence in errors(app)
    assert "\n" not in errors(app)
    assert buttons(app) == []
    assert "the server's log has the same sentence" in captions(app)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "own_networks:fails"], "model: own_networks:fails() raises KeyError: 'no such layer'"),
        (["--model", MAKE, "--classes", "two.txt"], f"classes: 2 names; {MAKE} has 5 outputs, and a name for each"),
        (["--model", MAKE, "--input-size", "2"], "the network cannot run on a batch of shape (1, 3, 2, 2)"),
        (["--model", MAKE, "--std", "1", "0", "1"], "std: (1.0, 0.0, 1.0); numbers above 0 would be right"),
    ],
)
def test_a_model_that_cannot_be_had_is_a_sentence_and_the_bundled_one_a_press_away(
    start: Start, options: list[str], sentence: str
) -> None:
    start(*options)
    app = open_folded("layer_explorer")
    assert sentence in errors(app)
    assert "\n" not in errors(app)
    assert buttons(app) == ["Open captum-tutorial"]
    assert errors(press(app, "Open captum-tutorial")) == ""


def test_while_the_servers_own_cannot_be_loaded_the_bundled_ones_can(start: Start) -> None:
    start("--model", "own_networks:fails")
    app = open_folded("layer_explorer", model="tutorial")
    assert errors(app) == ""
    assert app.selectbox(key="model").options[0] == "own_networks:fails"
    app.selectbox(key="model").set_value("own_networks:fails").run()
    assert "model: own_networks:fails() raises KeyError" in errors(app)


def test_the_python_on_the_page_loads_the_model(start: Start) -> None:
    start("--model", MAKE, "--input-size", "16", "--std", "0.5", "0.5", "0.5")
    app = open_folded("layer_explorer")
    app.session_state["python"] = True
    app.run()
    left = run_snippet(app)
    model = server_cache().model(MAKE)
    assert left["model"].digest == model.digest
    shown = xl.grad_cam(model, xl.fit_picture(xl.load_cifar10().pixels[3], (16, 16), "crop")[None], "2")
    assert np.array_equal(left["values"], shown["2"].map[0])


def test_a_real_server_imports_the_callers_code_from_where_it_is_started() -> None:
    port = free_port()
    options = ["--", "--model", "tests.support.sample_networks:plain", "--input-size", "12"]
    with served([*streamlit_command(), *options], port) as address:
        deadline = time.monotonic() + 60
        while (said := health(address))["status"] == "loading" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert said["model"] == "tests.support.sample_networks:plain", said


def health(address: str) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def held_rows(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Before each row that a page measures row by row, one of these is taken."""
    permits, measure = threading.Semaphore(0), PictureRemoval.curves

    def held(self: PictureRemoval, ranks: NDArray[np.int64], told: Callable[[float], None]) -> RemovalCurves:
        told(0.0)
        while not permits.acquire(timeout=0.02):
            checkpoint()
        return measure(self, ranks, told)

    monkeypatch.setattr(PictureRemoval, "curves", held)
    return permits


def told(app: OpenedPage) -> str:
    return "\n".join(shown.proto.text for shown in app.get("progress"))


def test_the_ladder_of_a_large_picture_comes_row_by_row_and_goes_on_where_it_was_stopped(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    permits = held_rows(monkeypatch)
    start("--model", MAKE, "--input-size", "65")
    app = open_folded("layer_ladder", target="1")
    rows, others = 4 + 1 + 3, 5  # convolutions and ends of stages, their average, baselines; other methods after those
    assert f"The network has to see {74 * rows + 193} pictures of 65 × 65 pixels, 74 for each of {rows} rows" in captions(app)
    assert "and 193 for the single deletion of all" in captions(app)
    assert alts(app)[0] == "Test image 3, true class plane, 65 by 65 pixels"
    permits.release(2)
    run_until(app, lambda: f"So far, 2 of {rows} rows. Results stay if you stop" in captions(app))
    assert f"2 of {rows} rows of this picture" in told(app)
    assert "of 2 layers" in texts(app) or "only layer" in texts(app)
    press(app, "Stop")
    run_until(app, lambda: "Stop" not in buttons(app))
    again = open_folded("layer_ladder", target="1")  # another visit
    assert f"So far, 2 of {rows} rows." in captions(again)
    assert "Stop" not in buttons(again)  # it waits to be asked
    permits.release(1000)
    press(again, f"Go on with {rows - 2} rows")
    run_until(again, lambda: "by the map of" in texts(again))
    ended(again)
    assert errors(again) == ""
    assert "Layers in the order of the forward pass, then rows for comparison." in captions(again)
    assert sum(alt.startswith("Image 3 with 25 % of its pixels replaced") for alt in alts(again)) == 3  # one a fill
    assert len([name for name in panels(again) if name.startswith("row-")]) == rows + others


# Section: from a visitor


@pytest.fixture
def weights() -> bytes:
    """Weights that no other test sends."""
    torch.manual_seed(7)
    file = io.BytesIO()
    torch.save(TutorialNet().state_dict(), file)
    return file.getvalue()


def menu(page: str = "layer_explorer", **address: str) -> OpenedPage:
    app = open_folded(page, **address)
    app.session_state[MENU] = True
    app.session_state[KEY] = True
    app.run()
    return app


def sent(app: OpenedPage, content: bytes, name: str = "net.pt") -> OpenedPage:
    (field,) = [field for field in app.file_uploader if field.label == "File with weights"]
    field.upload(name, content, "application/octet-stream").run()
    app.button(key=USE).click().run()
    return app


def test_a_visitors_weights_are_explained_and_found_by_their_address(weights: bytes) -> None:
    app = sent(menu(), weights)
    assert errors(app) == ""
    name = query(app)["model"]
    architecture, digits = name.split("@")
    assert (architecture, len(digits)) == ("TutorialNet", 16)
    assert name in [option.split(" · ")[0] for option in app.selectbox(key="model").options]
    assert "TutorialNet, weights net.pt; input 32 × 32, mean 0.5 0.5 0.5" in unescaped(captions(app))
    other = open_folded("disagreement", model=name)  # another session
    assert other.selectbox(key="model").value == name
    assert warnings(other) == errors(other) == ""
    assert not app.file_uploader  # the menu has closed
    left = open_folded("layer_explorer")  # which does not offer what it never had
    assert name not in [option.split(" · ")[0] for option in left.selectbox(key="model").options]


def test_what_is_set_beside_the_weights_is_used_and_belongs_to_the_address(weights: bytes) -> None:
    app = menu()
    app.text_input(key="own-mean-TutorialNet").set_value("0.1, 0.2, 0.3")
    app.text_input(key="own-size-TutorialNet").set_value("32 32")
    app.text_area(key="own-classes-TutorialNet").set_value("\n".join("abcdefghij"))
    sent(app, weights)
    assert errors(app) == ""
    own = server_cache().own_models.find(query(app)["model"])
    assert (own.model.mean, own.model.classes) == ((0.1, 0.2, 0.3), tuple("abcdefghij"))
    assert query(sent(menu(), weights))["model"] != own.name


def test_each_architecture_begins_with_what_is_usual_for_it() -> None:
    app = menu()
    assert app.selectbox(key=ARCHITECTURE).options[:4] == ["TutorialNet", "ResNet20", "ViTTiny", "resnet18"]
    app.selectbox(key=ARCHITECTURE).set_value("efficientnet_b2").run()
    assert app.text_input(key="own-size-efficientnet_b2").value == "288"
    assert app.text_input(key="own-std-efficientnet_b2").value == "0.229 0.224 0.225"


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("own-size", "4096", "input size: 4096 × 4096; at most 512 a side would be right"),
        ("own-size", "32.5", "input_size: (0,); (height, width) in pixels"),
        ("own-mean", "half", "mean: 'half'; numbers with spaces between would be right"),
        ("own-std", "0 0 0", "net.pt: std: (0.0, 0.0, 0.0); numbers above 0 would be right"),
        ("own-classes", "a\nb", "net.pt: classes: 2 names; TutorialNet has 10 outputs"),
        ("own-classes", "![](x)", "class names: '![](x)'; letters, digits, spaces and"),
    ],
)
def test_what_is_set_wrongly_gets_its_sentence(weights: bytes, field: str, text: str, sentence: str) -> None:
    app = menu(model="tutorial")
    fields = [*app.text_input, *app.text_area]
    next(one for one in fields if one.key == f"{field}-TutorialNet").set_value(text)
    sent(app, weights)
    assert f"These weights cannot be used: {sentence}" in errors(app)
    assert query(app)["model"] == "tutorial"
    assert alts(app)  # and the page stands


def test_code_in_a_visitors_file_is_refused_on_the_page_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    app = sent(menu(), planting_files(marker)["beside weights"])
    assert "These weights cannot be used: net.pt: it holds more than tensors by name: it asks for posix.system" in errors(app)
    assert not marker.exists()
    app.run()
    assert errors(app) == ""  # said once


def test_an_upload_that_is_gone_is_said_and_the_default_stands_in() -> None:
    app = open_folded("layer_explorer", model="TutorialNet@0123456789abcdef", model2="resnet18@0123456789abcdef")
    for key, name in (("model", "TutorialNet"), ("model2", "resnet18")):
        assert f"{key}={name}@0123456789abcdef: that upload is no longer kept; upload the file again." in warnings(app)
    assert app.selectbox(key="model").value == "captum-tutorial"


def test_a_visitor_may_send_weights_for_the_servers_own_network(start: Start, tmp_path: Path) -> None:
    start("--model", MAKE, "--input-size", "16")
    app = menu()
    assert app.selectbox(key=ARCHITECTURE).options[0] == MAKE
    state = server_cache().model(MAKE).network.state_dict()
    torch.save({name: tensor + 0.01 for name, tensor in state.items()}, tmp_path / "other.pt")
    sent(app, (tmp_path / "other.pt").read_bytes())
    assert errors(app) == ""
    assert query(app)["model"].startswith(f"{MAKE}@")


def test_the_server_lets_as_much_pass_as_weights_may_have() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] * 2**20 == UPLOAD_BYTES


def test_the_folded_menu_builds_nothing() -> None:
    app = open_folded("layer_explorer")
    assert not app.file_uploader
    assert app.get("popover")
