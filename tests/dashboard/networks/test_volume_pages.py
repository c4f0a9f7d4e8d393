"""Networks of volumes and of signals, on every page."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

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
    arrays,
    captions,
    chart,
    download,
    errors,
    open_folded,
    open_page,
    query,
    run_snippet,
    run_until,
    unescaped,
    warnings,
)
from scipy.stats import spearmanr
from staged import class_bars, panels
from torch import nn
from torch.nn import functional

import explain_lib as xl
from dashboard.topics.sanity.part import STRIP
from dashboard.view.server_options import server_cache
from explain_lib.networks.randomisation import randomised

Start = Callable[..., None]
VOLUME, SIGNAL = "own_networks:volume", "own_networks:signal"
SLICES, SIDE, SAMPLES = 6, 32, 128
IMAGE = 3


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


def with_volume(start: Start, page: str = "layer_explorer", **given: str) -> OpenedPage:
    start("--model", VOLUME, "--input-size", str(SLICES), str(SIDE), str(SIDE))
    return open_page(page, model=VOLUME, **given)


def with_signal(start: Start, page: str = "layer_explorer", **given: str) -> OpenedPage:
    start("--model", SIGNAL, "--input-size", str(SAMPLES))
    return open_page(page, model=SIGNAL, **given)


def plain_map(network: nn.Module, batch: torch.Tensor, layer: str) -> NDArray[np.float32]:
    """The ReLU map of the likeliest class by autograd alone, over all axes that the layer's output has."""
    return plain_signed(network, batch, layer, torch.Tensor.amax).clip(min=0)


def plain_signed(
    network: nn.Module, batch: torch.Tensor, layer: str, score: Callable[[torch.Tensor], torch.Tensor]
) -> NDArray[np.float32]:
    """The map before the ReLU. score: a number of the output (1, classes)."""
    kept: list[torch.Tensor] = []
    network.eval().get_submodule(layer).register_forward_hook(lambda *of: kept.append(of[2]))
    (gradient,) = torch.autograd.grad(score(network(batch)), kept[0])
    axes = tuple(range(2, gradient.dim()))
    return np.asarray((gradient.mean(axes, keepdim=True) * kept[0]).sum(1)[0].detach().numpy())


def plain_contrast(network: nn.Module, batch: torch.Tensor, layer: str) -> dict[str, NDArray[np.float32]]:
    """The maps of the likeliest class A and the next, B: signed of A, B and A - B, what is against A, turned back, and the
    ReLU maps of the logit and the probability of A.
    """
    a, b = network.eval()(batch)[0].argsort(descending=True)[:2].tolist()
    maps = {
        "a": plain_signed(network, batch, layer, lambda logits: logits[0, a]),
        "b": plain_signed(network, batch, layer, lambda logits: logits[0, b]),
        "between": plain_signed(network, batch, layer, lambda logits: logits[0, a] - logits[0, b]),
        "probability": plain_signed(network, batch, layer, lambda logits: logits.softmax(1)[0, a]).clip(min=0),
    }
    return maps | {"against": maps["a"].clip(max=0), "logit": maps["a"].clip(min=0)}


def over_slices(own: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map (slices, h, w), spread linearly over the slices of the input by PyTorch."""
    size = (SLICES, *own.shape[1:])
    large = functional.interpolate(torch.from_numpy(own)[None, None], size, mode="trilinear", align_corners=False)
    return np.asarray(large[0, 0].numpy())


def still_volume() -> torch.Tensor:
    """The test image in every slice, (1, 3, slices, 32, 32)."""
    picture = torch.from_numpy(xl.load_cifar10().pixels[IMAGE].transpose(2, 0, 1) / np.float32(255))
    return picture[None, :, None].expand(1, 3, SLICES, SIDE, SIDE).clone()


def keep(values: NDArray[np.generic]) -> str:
    """An array that a visitor sent, in the address."""
    file = BytesIO()
    np.save(file, values)
    return server_cache().own_pictures.keep(file.getvalue())


def along(own: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map of a signal (l,) at each of its samples by PyTorch."""
    large = functional.interpolate(torch.from_numpy(own)[None, None], SAMPLES, mode="linear", align_corners=False)
    return np.asarray(large[0, 0].numpy())


# Section: every page


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize("size", [(VOLUME, "6", "32", "32"), (SIGNAL, "128")], ids=["volume", "signal"])
def test_every_page_stands_or_says_why_it_has_nothing_to_show(start: Start, page: str, size: tuple[str, ...]) -> None:
    start("--model", size[0], "--input-size", *size[1:])
    app = open_folded(page, model=size[0])
    assert not app.exception
    assert errors(app) == ""
    if page in ("layer_explorer", "sanity_checks", "glossary", "training_time", "guesses"):
        return
    said = unescaped(" ".join(one.value for one in app.info))
    assert f"Nothing to show for {size[0]}, a network of {'volumes' if len(size) == 4 else 'signals'}: this page " in said
    assert [one.label for one in app.download_button] == []


def test_torchvisions_r3d_18_stands_by_its_name(start: Start) -> None:
    start("--model", "r3d_18", "--weights", "random", "--input-size", "4", "32", "32")
    app = open_folded("layer_explorer", model="r3d_18")
    assert errors(app) == ""
    assert len([name for name in panels(app) if name.startswith("slice-")]) == 4


# Section: a volume


def test_a_slice_is_shown_with_its_own_part_of_the_map(start: Start) -> None:
    app, own = with_volume(start, slice="4"), plain_map(own_networks.volume(), still_volume(), "2")
    assert own.shape == (3, 16, 16)
    right = over_slices(own)
    shown = panels(app)
    assert shown["map"].values is not None
    assert shown["picture"].picture is not None
    assert_allclose(shown["map"].values, right[4], atol=1e-6 * right.max())
    assert_array_equal(shown["picture"].picture, xl.load_cifar10().pixels[IMAGE])
    assert [shown[name].head["top"] for name in ("map", "overlay", "slice-0")] == pytest.approx([right.max()] * 3)
    for number in range(SLICES):
        values = shown[f"slice-{number}"].values
        assert values is not None
        assert_allclose(values, right[number], atol=1e-6 * right.max())
    assert f"It is strongest in slice {right.max((1, 2)).argmax()}." in captions(app)
    assert "Its 3 slices are spread linearly over 6." in captions(app)


def test_the_middle_slice_is_first_and_a_click_or_the_slider_leads_to_others(start: Start) -> None:
    app = with_volume(start)
    assert "slice" not in query(app)
    assert panels(app)["slice-3"].head["chosen"]
    act(app, panel="slice-1")
    assert query(app)["slice"] == "1"
    assert panels(app)["slice-1"].head["chosen"]
    (slider,) = app.slider
    slider.set_value(5).run()
    assert query(app)["slice"] == "5"
    act(app, panel="layer-0")
    assert (query(app)["layer"], query(app)["slice"]) == ("0", "5")
    assert panels(app)["map"].values is not None
    assert_allclose(panels(app)["map"].values, plain_map(own_networks.volume(), still_volume(), "0")[5], atol=1e-6)


def test_a_layer_without_slices_of_its_own_is_the_same_in_all(start: Start) -> None:
    app = with_volume(start, layer="4")
    first, last = (panels(app)[name].values for name in ("slice-0", "slice-5"))
    assert first is not None
    assert last is not None
    assert_array_equal(first, last)
    assert "The layer has one slice, drawn over all 6." in captions(app)
    assert "It is strongest" not in captions(app)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "beyond the last": ({"model": VOLUME, "slice": "6"}, "slice=6: the slices are 0 to 5."),
    "of a picture": ({"model": "tutorial", "slice": "2"}, "slice=2: only a network of volumes has slices."),
}


@pytest.mark.parametrize(("address", "why"), WRONG.values(), ids=WRONG)
def test_a_slice_that_is_not_there_is_ignored_and_said(start: Start, address: dict[str, str], why: str) -> None:
    start("--model", VOLUME, "--input-size", "6", "32", "32")
    app = open_page("layer_explorer", **address)
    assert why in warnings(app)
    assert errors(app) == ""


def test_a_volume_of_a_visitors_is_explained_as_it_is(start: Start) -> None:
    values = np.random.default_rng(2).integers(0, 256, (SLICES, SIDE, SIDE, 3), np.uint8)
    app = with_volume(start, set=keep(values), slice="2")
    batch = torch.from_numpy(values.transpose(3, 0, 1, 2)[None] / np.float32(255))
    right = plain_map(own_networks.volume(), batch, "2")
    shown = panels(app)
    assert shown["picture"].picture is not None
    assert_array_equal(shown["picture"].picture, values[2])
    assert_allclose(arrays(app)["map"], right, atol=1e-6)
    assert "Made-up samples" not in warnings(app)
    with torch.no_grad():
        shares = own_networks.volume().eval()(batch).softmax(1)[0].numpy()
    assert [bar["text"] for bar in class_bars(app)] == [f"{100 * share:.1f} %" for share in shares]


def test_what_stands_for_a_volume_is_said(start: Start) -> None:
    said = warnings(with_volume(start))
    assert "Made-up samples, just so that you can try the page: each of the 6 slices is the same test image." in said
    assert "an .npy of shape (6, 32, 32)" in said


def test_a_folder_of_volumes_opens(start: Start, tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(0, 256, (SLICES, SIDE, SIDE, 3), np.uint8)
    np.save(tmp_path / "scan.npy", values)
    start("--model", VOLUME, "--input-size", "6", "32", "32", "--images", str(tmp_path))
    app = open_page("layer_explorer", model=VOLUME, img="0", slice="1")
    shown = panels(app)
    assert shown["picture"].picture is not None
    assert_array_equal(shown["picture"].picture, values[1])


def test_the_files_of_a_volume_compute_the_same_map(start: Start) -> None:
    app, right = with_volume(start, slice="4"), plain_map(own_networks.volume(), still_volume(), "2")
    assert_allclose(arrays(app)["map"], right, atol=1e-6)
    assert_array_equal(run_snippet(app)["values"], arrays(app)["map"])
    settings = json.loads(download(app, "Settings (JSON)"))
    assert (settings["slice"], settings["grid"], settings["address"]["slice"]) == (4, [3, 16, 16], "4")
    assert download(app, "Slide (PNG)").startswith(b"\x89PNG")
    assert download(app, "Everything (ZIP)").startswith(b"PK")


@pytest.mark.parametrize("number", [0, 4])
def test_two_classes_are_contrasted_at_the_slice_that_is_shown(start: Start, number: int) -> None:
    app = with_volume(start, slice=str(number))
    own = plain_contrast(own_networks.volume(), still_volume(), "2")
    assert own["a"].shape == (3, 16, 16)
    end = max(np.abs(own[name]).max() for name in ("a", "b", "between"))
    for name, values in own.items():
        shown = panels(app)[f"contrast-{name}"]
        top = values.max() if name in ("logit", "probability") else end
        assert shown.values is not None
        assert_allclose(shown.values, over_slices(values)[number], atol=1e-6 * end)
        assert shown.head["top"] == pytest.approx(top, rel=1e-4)
    picture = panels(app)["contrast-picture"].picture
    assert picture is not None
    assert_array_equal(picture, xl.load_cifar10().pixels[IMAGE])
    assert "layer 2, 3 × 16 × 16" in captions(app)


def test_sanity_checks_show_one_slice_and_compare_all(start: Start) -> None:
    app = with_volume(start, "sanity_checks", slice="4", randomised="2", layer="2")
    run_until(app, lambda: "start-8" in panels(app))
    network = own_networks.volume().eval()
    model, batch = server_cache().model(VOLUME), still_volume()
    explained, own = int(network(batch).argmax()), plain_map(network, batch, "2")
    other = own_networks.volume()
    other.load_state_dict(randomised(model, 2).network.state_dict())
    forgot = plain_signed(other, batch, "2", lambda logits: logits[0, explained]).clip(min=0)
    shown = panels(app)
    for name, right in (("whole", own), ("depth-0", own), ("depth-2", forgot), ("start-1", forgot)):
        values = shown[name].values
        assert right[1].max() > 0
        assert values is not None
        assert_allclose(values, over_slices(right)[4], atol=1e-6 * right.max())
        assert shown[name].head["top"] == pytest.approx(right.max(), rel=1e-4)
    picture = shown["picture"].picture
    assert picture is not None
    assert_array_equal(picture, xl.load_cifar10().pixels[IMAGE])
    alike = spearmanr(own.ravel(), forgot.ravel()).statistic
    assert f"{alike:.2f}".replace("-", "−") in str(shown["depth-2"].head)
    assert "end at its own maximum, over all slices. Correlations are over all slices, too." in captions(app)
    assert download(app, "Slide (PNG)").startswith(b"\x89PNG")
    act(app, panel="depth-0")
    assert (query(app)["randomised"], query(app)["slice"]) == ("0", "4")


# Section: a signal


def test_a_signal_has_its_map_at_every_sample_under_its_curve(start: Start) -> None:
    values = np.random.default_rng(4).integers(0, 256, SAMPLES, np.uint8)
    values[:2] = 0, 255  # no window
    app = with_signal(start, set=keep(values))
    own = plain_map(own_networks.signal(), torch.from_numpy(values[None, None] / np.float32(255)), "2")
    large = along(own)
    assert own.max() > 0
    assert_allclose(np.ravel(chart(app, "signal")["z"]), large, atol=1e-6)
    rows = chart(app, "signal-layers")
    assert list(np.asarray(rows["text"])[:, 0]) == ["0", "1", "2", "3"]
    assert_allclose(np.asarray(rows["customdata"])[2], large, atol=1e-6)
    assert_allclose(arrays(app)["map"][0, 0], own, atol=1e-6)


def test_the_files_of_a_signal_compute_the_same_map(start: Start) -> None:
    app = with_signal(start)
    assert_array_equal(run_snippet(app)["values"], arrays(app)["map"][0, 0])
    assert download(app, "Slide (PNG)").startswith(b"\x89PNG")
    assert "each signal holds the means of a test image's columns" in warnings(app)


def test_two_classes_are_contrasted_along_a_signal(start: Start) -> None:
    values = np.random.default_rng(4).integers(0, 256, SAMPLES, np.uint8)
    app = with_signal(start, set=keep(values))
    batch = torch.from_numpy(values / np.float32(255))[None, None]
    own = plain_contrast(own_networks.signal(), batch, "2")
    large = {
        name: functional.interpolate(torch.from_numpy(one)[None, None], SAMPLES, mode="linear", align_corners=False)[
            0, 0
        ].numpy()
        for name, one in own.items()
    }
    end = max(np.abs(own[name]).max() for name in ("a", "b", "between"))
    rows = chart(app, "contrast-maps")
    for number, name in enumerate(("a", "b", "between", "against")):
        assert_allclose(np.asarray(rows["customdata"])[number], large[name], atol=1e-6)
        assert_allclose(np.asarray(rows["z"])[number], large[name] / end, atol=1e-5)
    scores = chart(app, "contrast-scores")
    for number, name in enumerate(("logit", "probability")):
        assert_allclose(np.asarray(scores["customdata"])[number], large[name], atol=1e-6)


def test_sanity_checks_show_a_signal_as_a_strip(start: Start) -> None:
    values = np.random.default_rng(4).integers(0, 256, SAMPLES, np.uint8)
    app = with_signal(start, "sanity_checks", set=keep(values), layer="2")
    right = plain_map(own_networks.signal(), torch.from_numpy(values / np.float32(255))[None, None], "2")
    shown = panels(app)
    assert shown["whole"].values is not None
    assert_allclose(shown["whole"].values, right[None], atol=1e-6 * right.max())
    assert shown["picture"].picture is not None
    assert shown["picture"].picture.shape == (SAMPLES // STRIP, SAMPLES, 3)
    assert errors(app) == ""
    assert download(app, "Slide (PNG)").startswith(b"\x89PNG")
