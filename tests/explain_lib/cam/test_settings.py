"""CamSettings: what it accepts, and the presets."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import explain_lib as xl
from explain_lib.cam.settings import captum_settings, differing, torch_cam_settings

BAD = [
    ({"variant": "scorecam"}, r"variant: 'scorecam'; one of grad-cam, hirescam, layercam, grad-cam\+\+ would be right"),
    ({"channel_reduction": "max"}, r"channel_reduction: 'max'; one of sum, mean"),
    ({"scale_over": None}, r"scale_over: None; one of image, batch, enlarged, none"),
    ({"resize": "bicubic"}, r"resize: 'bicubic'; one of cv2-linear, torch-bilinear, torch-bicubic, pil-bicubic, nearest, none"),
    ({"placement": "centred"}, r"placement: 'centred'; one of stretched, receptive-field"),
    ({"relu": 1}, r"relu: 1; True or False"),
    ({"inplace_overwrites": "yes"}, r"inplace_overwrites: 'yes'; True or False"),
    ({"inplace_gradient": 1}, r"inplace_gradient: 1; True or False"),
    ({"subtract_minimum": None}, r"subtract_minimum: None; True or False"),
    ({"rescale_after_merge": 0}, r"rescale_after_merge: 0; True or False"),
    ({"epsilon": -1e-7}, r"epsilon: -1e-07; a finite number, 0 or more"),
    ({"epsilon": float("nan")}, r"epsilon: nan; a finite number"),
    ({"epsilon": True}, r"epsilon: True; a finite number"),
    ({"epsilon": "small"}, r"epsilon: 'small'; a finite number"),
    ({"exponent": 0}, r"exponent: 0; a finite number above 0"),
    ({"exponent": float("inf")}, r"exponent: inf; a finite number above 0"),
    ({"layers": 5}, r"layers: 5"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[str(arguments) for arguments, _ in BAD])
def test_a_bad_value_is_refused_with_what_would_be_right(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xl.InputError, match=sentence):
        xl.CamSettings(**arguments)


def test_an_empty_list_of_layers_is_refused() -> None:
    with pytest.raises(xl.LayerError, match=r"layers: no layer is named; one name or several, or None"):
        xl.CamSettings(layers=())


def test_one_name_is_a_list_of_one() -> None:
    assert xl.CamSettings(layers="conv2").layers == ("conv2",)  # type: ignore[arg-type]


def test_settings_with_layers_from_a_list_can_be_a_key() -> None:
    assert len({xl.CamSettings(layers=["a", "b"]), xl.CamSettings(layers=("a", "b"))}) == 1  # type: ignore[arg-type]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        xl.PAPER.relu = False  # type: ignore[misc]


def test_as_dict_names_every_setting() -> None:
    assert xl.NOTEBOOK_PACKAGE.as_dict() == {
        "layers": ("conv1", "relu1", "pool1", "conv2", "relu2"),
        "variant": "grad-cam",
        "inplace_overwrites": True,
        "inplace_gradient": False,
        "channel_reduction": "sum",
        "relu": True,
        "scale_over": "image",
        "subtract_minimum": True,
        "epsilon": 1e-7,
        "placement": "stretched",
        "resize": "cv2-linear",
        "rescale_after_merge": True,
        "exponent": 1.0,
    }


def test_the_notebooks_two_presets_differ_in_seven_settings() -> None:
    assert differing(xl.NOTEBOOK_MANUAL, xl.NOTEBOOK_PACKAGE) == (
        "layers",
        "inplace_overwrites",
        "channel_reduction",
        "scale_over",
        "subtract_minimum",
        "epsilon",
        "rescale_after_merge",
    )


def test_equal_settings_do_not_differ() -> None:
    assert differing(xl.PAPER, xl.CamSettings(resize="torch-bilinear")) == ()


def test_package_settings_of_the_five_layers_are_the_notebooks() -> None:
    assert xl.package_settings(("conv1", "relu1", "pool1", "conv2", "relu2")) == xl.NOTEBOOK_PACKAGE


def test_package_settings_without_layers_are_those_of_the_last_conv_layer() -> None:
    assert xl.package_settings(None).layers is None
    assert differing(xl.package_settings(None), xl.package_settings(("conv2",))) == ("layers",)
    assert xl.package_settings(None, "hirescam").variant == "hirescam"


def test_package_settings_leave_only_layers_and_variant_open() -> None:
    one, other = xl.package_settings(("a",)), xl.package_settings(("b",), "layercam")
    assert differing(one, other) == ("layers", "variant")


def test_torch_cam_settings_are_the_packages_but_for_five() -> None:
    package, torch_cam = xl.package_settings(("a",)), torch_cam_settings(("a",))
    assert differing(package, torch_cam) == ("inplace_gradient", "epsilon", "resize", "rescale_after_merge", "exponent")


def test_captum_settings_are_the_plain_ones_but_for_three() -> None:
    assert differing(xl.CamSettings(("a",)), captum_settings(("a",))) == ("relu", "scale_over", "resize")


@pytest.mark.parametrize("make", [torch_cam_settings, captum_settings])
def test_programs_that_do_not_merge_by_the_mean_have_settings_for_one_layer_only(make: Any) -> None:
    assert (make(None).layers, make("conv2").layers) == (None, ("conv2",))
    with pytest.raises(xl.LayerError, match=r"layers: conv1, conv2; one layer would be right, since"):
        make(("conv1", "conv2"))
    with pytest.raises(xl.LayerError, match=r"layers: no layer is named"):
        make(())
