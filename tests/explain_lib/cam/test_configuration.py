"""Configurations: as text and back, and their maps against the package itself and the manual implementation."""

from dataclasses import FrozenInstanceError
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import package_maps
from pytorch_grad_cam import GradCAM
from runs import cancelled
from sample_networks import model_of, noise, plain, seeded

import explain_lib as xl
from explain_lib.cam.configuration import PROGRAMS, STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.cam.settings import CHOICES, VARIANTS, Reduction, Scope, captum_settings, torch_cam_settings

FIVE = ("conv1", "relu1", "pool1", "conv2", "relu2")
EVERYTHING = xl.CamSettings(
    layers=("layer1.0.conv1", "relu#2"),
    variant="grad-cam++",
    inplace_overwrites=True,
    inplace_gradient=True,
    channel_reduction="mean",
    relu=False,
    scale_over="none",
    subtract_minimum=True,
    epsilon=0.5,
    resize="torch-bicubic",
    rescale_after_merge=True,
    exponent=2.0,
)
TEXTS = [
    (xl.Configuration(), "manual"),
    (xl.Configuration("package", xl.package_settings(None)), "package"),
    (xl.Configuration("package", xl.package_settings(None, "hirescam")), "package;variant=hirescam"),
    (xl.Configuration("package", xl.package_settings(("conv1",), "layercam")), "package;layers=conv1;variant=layercam"),
    (xl.Configuration("manual", xl.PAPER), "manual;resize=torch-bilinear"),
    (STUDY_MANUAL, "manual;layers=relu2;channel_reduction=mean;scale_over=batch"),
    (STUDY_PACKAGE, "package;layers=conv1,relu1,pool1,conv2,relu2"),
    (
        xl.Configuration("manual", xl.NOTEBOOK_PACKAGE),
        "manual;layers=conv1,relu1,pool1,conv2,relu2;inplace_overwrites=true;subtract_minimum=true;epsilon=1e-07"
        ";rescale_after_merge=true",
    ),
    (
        xl.Configuration("manual", EVERYTHING),
        "manual;layers=layer1.0.conv1,relu#2;variant=grad-cam++;inplace_overwrites=true;inplace_gradient=true;channel_reduction=mean"
        ";relu=false;scale_over=none;subtract_minimum=true;epsilon=0.5;resize=torch-bicubic;rescale_after_merge=true"
        ";exponent=2.0",
    ),
    (xl.Configuration("torch-cam", torch_cam_settings(None)), "torch-cam"),
    (xl.Configuration("torch-cam", torch_cam_settings(("conv2",))), "torch-cam;layers=conv2"),
    (xl.Configuration("captum", captum_settings(("layer1.0",))), "captum;layers=layer1.0"),
    (xl.Configuration("manual", xl.CamSettings(("a,b", "c;d=1", "50%2C"))), "manual;layers=a%2Cb,c%3Bd=1,50%252C"),
]
IDS = [text[:40] for _, text in TEXTS]


@pytest.mark.parametrize(("configuration", "text"), TEXTS, ids=IDS)
def test_a_configuration_is_written_as_what_is_not_default_and_read_again(configuration: xl.Configuration, text: str) -> None:
    assert configuration.to_text() == text
    assert parse_configuration(text) == configuration


NAMES = st.one_of(st.sampled_from(["conv1", "layer1.0.bn2", "relu#1"]), st.text(min_size=1))
LAYERS = st.none() | st.lists(NAMES, min_size=1, max_size=4).map(tuple)
FINITE = {"allow_nan": False, "allow_infinity": False}
MANUAL = st.builds(
    xl.CamSettings,
    layers=LAYERS,
    variant=st.sampled_from(VARIANTS),
    inplace_overwrites=st.booleans(),
    inplace_gradient=st.booleans(),
    channel_reduction=st.sampled_from(get_args(Reduction)),
    relu=st.booleans(),
    scale_over=st.sampled_from(get_args(Scope)),
    subtract_minimum=st.booleans(),
    epsilon=st.floats(min_value=0, **FINITE) | st.integers(0, 1000),
    resize=st.sampled_from(CHOICES["resize"]),
    rescale_after_merge=st.booleans(),
    exponent=st.floats(min_value=0, exclude_min=True, **FINITE) | st.integers(1, 1000),
)
PACKAGE = st.builds(xl.package_settings, LAYERS, st.sampled_from(VARIANTS))
ONE_LAYER = st.none() | NAMES.map(lambda name: (name,))
CONFIGURATIONS = st.one_of(
    st.builds(xl.Configuration, st.just("manual"), MANUAL),
    st.builds(xl.Configuration, st.just("package"), PACKAGE),
    st.builds(xl.Configuration, st.just("torch-cam"), st.builds(torch_cam_settings, ONE_LAYER)),
    st.builds(xl.Configuration, st.just("captum"), st.builds(captum_settings, ONE_LAYER)),
)


@given(CONFIGURATIONS)
@settings(max_examples=200, deadline=None)
def test_any_configuration_comes_back_from_its_text(configuration: xl.Configuration) -> None:
    assert parse_configuration(configuration.to_text()) == configuration


@pytest.mark.parametrize("name", ["relu", "subtract_minimum", "inplace_overwrites", "inplace_gradient", "rescale_after_merge"])
@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_true_and_false_are_read_also_where_they_are_the_default(name: str, text: str, value: bool) -> None:
    read = getattr(parse_configuration(f"manual;{name}={text}").settings, name)
    assert read is value


BAD_TEXTS = [
    ("", r"^program: ''; one of manual, package, torch-cam, captum, ultralytics would be right$"),
    ("Manual", r"^program: 'Manual'; one of manual, package"),
    ("manual;", r"^: there is no such setting; one of layers, variant, .*, exponent would be right"),
    ("manual;Relu=false", r"^Relu: there is no such setting; one of layers, variant"),
    ("manual;as_dict=1", r"^as_dict: there is no such setting"),
    ("manual;layers", r"^layers: ''; names of layers, with commas between, would be right"),
    ("manual;layers=", r"^layers: ''; names of layers"),
    ("manual;layers=conv1,", r"^layers: 'conv1,'; names of layers"),
    ("manual;layers=conv1,,conv2", r"^layers: 'conv1,,conv2'; names of layers"),
    ("manual;variant=scorecam", r"^variant: 'scorecam'; one of grad-cam, hirescam, layercam, grad-cam\+\+"),
    ("manual;relu", r"^relu: ''; True or False would be right"),
    ("manual;relu=False", r"^relu: 'False'; True or False"),
    ("manual;epsilon=small", r"^epsilon: 'small'; a finite number, 0 or more"),
    ("manual;exponent=0", r"^exponent: 0.0; a finite number above 0"),
    ("manual;exponent=", r"^exponent: ''; a finite number above 0"),
    ("manual;relu=false;relu=true", r"^relu: it is there twice; once would be right"),
    ("package;relu=false", r"^settings: the package fixes relu; package_settings\(\.\.\.\) would be right"),
    ("package;exponent=2.0;scale_over=batch", r"^settings: the package fixes scale_over, exponent; package_settings"),
    ("torch-cam;relu=false", r"^settings: torch-cam fixes relu; torch_cam_settings\(\.\.\.\) would be right"),
    ("torch-cam;layers=conv1,conv2", r"^layers: conv1, conv2; one layer would be right, since torch-cam merges by the maximum"),
    ("captum;scale_over=image;exponent=2", r"^settings: Captum fixes scale_over, exponent; captum_settings\(\.\.\.\) would"),
    ("captum;layers=conv1,conv2", r"^layers: conv1, conv2; one layer would be right, since Captum merges none"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_TEXTS, ids=[text for text, _ in BAD_TEXTS])
def test_a_bad_text_is_refused_with_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(xl.InputError, match=sentence):
        parse_configuration(text)


def test_the_package_under_the_manual_defaults_is_refused_with_all_that_differs() -> None:
    with pytest.raises(xl.InputError, match="fixes inplace_overwrites, subtract_minimum, epsilon, rescale_after_merge;"):
        xl.Configuration("package")


@pytest.mark.parametrize("program", ["Captum", "", None, ["manual"]])
def test_another_program_is_refused(program: Any) -> None:
    with pytest.raises(
        xl.InputError, match=r"program: .*; one of manual, package, torch-cam, captum, ultralytics would be right"
    ):
        xl.Configuration(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_something_else_than_settings_is_refused(program: Any) -> None:
    with pytest.raises(xl.InputError, match=r"settings: a dict; CamSettings, or a preset such as PAPER"):
        xl.Configuration(program, {"relu": False})  # type: ignore[arg-type]  # the mistake tested


def test_a_configuration_is_frozen_and_can_be_a_key() -> None:
    with pytest.raises(FrozenInstanceError):
        STUDY_MANUAL.program = "package"  # type: ignore[misc]  # the mistake tested
    assert len({STUDY_PACKAGE, xl.Configuration("package", xl.package_settings(FIVE)), STUDY_MANUAL}) == 2


CALLS = [
    ("package;layers=conv2", ("conv2",), "grad-cam"),
    ("package;layers=relu1,relu2;variant=layercam", ("relu1", "relu2"), "layercam"),
    ("package", ("conv2",), "grad-cam"),  # the last conv layer
]


@pytest.mark.parametrize(("text", "layers", "variant"), CALLS, ids=[text for text, _, _ in CALLS])
def test_a_package_configuration_gives_the_packages_own_maps(
    text: str, layers: tuple[str, ...], variant: str, tutorial: xl.Model, study: np.ndarray
) -> None:
    right = package_maps(tutorial, study, layers, variant=variant)
    assert right.max() > 0.9
    assert_allclose(xl.configured_heatmap(tutorial, study, parse_configuration(text)), right, atol=2e-6)


def test_a_package_configuration_runs_the_package_itself(tutorial: xl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_map(self: GradCAM, input_tensor: torch.Tensor, **_: object) -> np.ndarray:
        self.outputs = self.model(input_tensor)
        return np.full((len(input_tensor), 32, 32), 0.75, np.float32)

    monkeypatch.setattr(GradCAM, "__call__", other_map)
    found = xl.configured_heatmap(tutorial, noise(2, side=32), STUDY_PACKAGE)
    assert_array_equal(found, np.full((2, 32, 32), 0.75, np.float32))


@pytest.mark.parametrize("text", ["manual", "manual;layers=conv1;relu=false", "manual;layers=relu2;scale_over=batch"])
@pytest.mark.parametrize("targets", [None, [1, 2, 3, 4]])
def test_a_manual_configuration_gives_the_manual_maps(text: str, targets: Any, tutorial: xl.Model, study: np.ndarray) -> None:
    configuration = parse_configuration(text)
    right = xl.heatmap(tutorial, study, configuration.settings, targets)
    assert_array_equal(xl.configured_heatmap(tutorial, study, configuration, targets), right)


def test_the_studys_two_configurations_are_its_presets() -> None:
    assert (STUDY_MANUAL.program, STUDY_MANUAL.settings) == ("manual", xl.NOTEBOOK_MANUAL)
    assert (STUDY_PACKAGE.program, STUDY_PACKAGE.settings) == ("package", xl.NOTEBOOK_PACKAGE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_bad_arguments_are_refused_whichever_program_is_asked_for(program: str) -> None:
    ask, model, configuration = xl.configured_heatmap, model_of(seeded(plain)), parse_configuration(program)
    with pytest.raises(xl.InputError, match=r"model: a str; a Model, from load_model or as_model"):
        ask("resnet18", noise(1), configuration)  # type: ignore[arg-type]  # the mistake tested
    with pytest.raises(xl.InputError, match=r"pixels: the pictures are 9 x 9; uint8"):
        ask(model, noise(1, side=9), configuration)
    with pytest.raises(xl.TargetError, match=r"targets: there is no class 2; the network has 0 to 1"):
        ask(model, noise(1), configuration, 2)
    with pytest.raises(xl.LayerError, match=r"layers: unknown layer 'conv9'; this network has body.0, body.2"):
        ask(model, noise(1), parse_configuration(f"{program};layers=conv9"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_run_may_end_every_program(program: str) -> None:
    def stop() -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        cancelled(stop, xl.configured_heatmap, model_of(seeded(plain)), noise(1), parse_configuration(program))
