"""The view and its address."""

from collections.abc import Sequence
from dataclasses import fields
from urllib.parse import parse_qsl, urlencode

import numpy as np
import own_networks
import pytest
from given_out import GIVEN_OUT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.fitting import fit_models, fit_names, fit_view, opening_view
from dashboard.view.picture_sets import Pictures
from dashboard.view.view import NAMES, PARAMETERS, View, chosen_layer, explained, read_query, take_names
from explain_lib.loading.model_store import OwnModels
from explain_lib.loading.own import OwnModelOptions

START = {"img": "3", "model": "captum-tutorial"}
FIELDS = {
    "img": "image",
    "class": "true_class",
    "predicted": "predicted_class",
    "img2": "other_image",
    "model2": "other_model",
    "layer2": "other_layer",
    "target2": "other_target",
    "set": "pictures",
}
"""What the keys are called in View, where that is not the same."""
EVERYTHING = {key: text for key, (_, text) in GIVEN_OUT.items()}

LABELS = np.arange(10_000) % 10


def pictures(model: xl.Model, labels: Sequence[int] | NDArray[np.int64] = LABELS, *more: str) -> Pictures:
    """A set with these classes, whose names are the model's and some more."""
    return Pictures(np.empty((0, 32, 32, 3), np.uint8), np.asarray(labels), (*model.classes, *more))


def changed(view: View) -> set[str]:
    """The fields that are not at their defaults."""
    return {part.name for part in fields(View) if getattr(view, part.name) != getattr(View(), part.name)}


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return xl.load_model("captum-tutorial")


# Section: to and from the address


def test_a_field_of_the_view_is_declared_with_all_that_belongs_to_it() -> None:
    assert all(part.metadata for part in fields(View))
    assert list(PARAMETERS) == [part.name for part in fields(View)]
    assert all(f"\n{name}: {parameter.about}" in (View.__doc__ or "") for name, parameter in PARAMETERS.items())
    assert all(name in PARAMETERS for parameter in PARAMETERS.values() for name in parameter.resets)


def test_the_keys_are_those_that_were_given_out_in_their_order() -> None:
    assert list(NAMES.items()) == [(key, FIELDS.get(key, key)) for key in GIVEN_OUT]


def test_an_address_in_which_everything_is_chosen_gives_its_view_back() -> None:
    view, ignored = read_query(EVERYTHING)
    assert not ignored
    assert changed(view) == set(PARAMETERS)
    assert view.to_query() == EVERYTHING
    assert list(view.to_query()) == list(EVERYTHING)


@pytest.mark.parametrize("key", GIVEN_OUT)
def test_each_field_round_trips_by_itself(key: str) -> None:
    view, ignored = read_query({key: EVERYTHING[key]})
    assert not ignored
    assert changed(view) == {NAMES[key]}
    assert view.to_query() == START | {key: EVERYTHING[key]}


@pytest.mark.parametrize("key", GIVEN_OUT)
def test_what_an_address_leaves_out_means_what_it_always_did(key: str) -> None:
    text, _ = GIVEN_OUT[key]
    if text is None:
        assert getattr(View(), NAMES[key]) in (None, ())
    else:
        assert read_query({key: text}) == (View(), ())


def test_each_kind_of_text_becomes_its_value() -> None:
    sides = {"a": "package;layers=conv1,relu2;variant=layercam", "b": "manual;layers=pool1;relu=false;exponent=2.0"}
    lists = {"rejected": "33,4,29,4", "steps": "rescale_after_merge,layers"}
    others = {
        "img": "17",
        "layer": "relu1",
        "class": "any",
        "low": "5",
        "palette": "cividis",
        "average": "on",
        "set": "0f" * 32,
    }
    assert read_query(sides | lists | others) == (
        View(
            a=xl.Configuration("package", xl.package_settings(("conv1", "relu2"), "layercam")),
            b=xl.Configuration("manual", xl.CamSettings(layers=("pool1",), relu=False, exponent=2.0)),
            rejected=(4, 29, 33),
            steps=("rescale_after_merge", "layers"),
            image=17,
            layer="relu1",
            true_class=None,
            low=5,
            palette="cividis",
            average=True,
            pictures="0f" * 32,
        ),
        (),
    )


def test_the_view_without_its_lesson_is_otherwise_the_same() -> None:
    view, _ = read_query(EVERYTHING)
    lesson = {"lesson", "stop", "hint", "answer", "said"}
    assert view.without_lesson().to_query() == {key: text for key, text in EVERYTHING.items() if key not in lesson}


SIDES = st.one_of(
    st.builds(
        xl.Configuration,
        st.just("manual"),
        st.builds(
            xl.CamSettings,
            layers=st.none() | st.lists(st.text("abc.,;%=&# é", min_size=1), min_size=1, max_size=3, unique=True).map(tuple),
            relu=st.booleans(),
            scale_over=st.sampled_from(["image", "batch", "none"]),
            epsilon=st.floats(0, 1e6),
        ),
    ),
    st.just(xl.Configuration("package", xl.package_settings(("relu2",), "hirescam"))),
)


@given(SIDES, SIDES, st.integers(0, 100), st.sampled_from(["conv1", "a b&c=d#e?", "layer1.0.conv1", "ä%20+"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sides_and_names_survive_a_browsers_address(a: xl.Configuration, b: xl.Configuration, low: int, layer: str) -> None:
    view = View(layer=layer, low=low, a=a, b=b)
    assert read_query(dict(parse_qsl(urlencode(view.to_query())))) == (view, ())


def test_the_default_view_names_only_image_and_model_and_is_that_of_an_empty_address() -> None:
    assert View().to_query() == START
    assert read_query({}) == (View(), ())


def test_the_first_image_class_and_percent_are_zero() -> None:
    first = dict.fromkeys(("img", "img2", "target", "minus", "class", "predicted", "low", "strength"), "0")
    names = ("image", "other_image", "target", "minus", "true_class", "predicted_class", "low", "strength")
    assert read_query(first) == (View(**dict.fromkeys(names, 0)), ())


def test_the_last_percent_is_100() -> None:
    assert read_query({"low": "100", "high": "100", "strength": "100"}) == (View(low=100, high=100, strength=100), ())


# Section: nonsense

_CLASS = "the number of a class, or any, would be right."
_COVER = "at most 43 letters, digits, - and _, six cells of 16 x 16 each, would be right."
_SHARE = "a whole number of percent, 0 to 100, would be right."
_SIDE = "a configuration such as manual;layers=conv2 or package;layers=conv1,conv2 would be right"
SAID = "the number of a choice, a row and a column such as 12,20, a number, or the code of an outline,"
NONSENSE = [
    ("img", "-1", "the number of a test image would be right."),
    ("img", "frog", "the number of a test image would be right."),
    ("img2", "2.0", "the number of a test image would be right."),
    ("target", "1.5", _CLASS),
    ("minus", "plane", "the number of a class would be right."),
    ("target2", "plane", "the number of a class would be right."),
    ("class", "", _CLASS),
    ("predicted", "-2", _CLASS),
    ("evidence", "on", "one of for, against would be right."),
    ("score", "odds", "one of logit, probability would be right."),
    ("modules", "none", "one of conv, all would be right."),
    ("drawing", "", "one of notebook, fair would be right."),
    ("outcome", "Right", "one of any, right, wrong would be right."),
    ("low", "101", _SHARE),
    ("high", "-1", _SHARE),
    ("order", "confidence", "one of number, most-confident, least-confident, widest-margin, narrowest-margin would be right."),
    ("part", "0", "the number of a part, from 1, would be right."),
    ("average", "yes", "on or off would be right."),
    ("whole", "1", "on or off would be right."),
    ("card", "1", "on or off would be right."),
    ("layers", "conv1,,conv2", "names of layers, each once, with commas between, would be right."),
    ("layers", "conv1,conv1", "names of layers, each once, with commas between, would be right."),
    ("planted", "yes", "on or off would be right."),
    ("groups", "1", "a number of slices, from 2, would be right."),
    ("blind", "7,x", "numbers of images, with commas between, would be right."),
    ("texture", "blur", "one of grid, smooth would be right."),
    ("palette", "rainbow", "one of magma, inferno, viridis, cividis, jet would be right."),
    ("strength", "half", _SHARE),
    ("opacity", "half", "one of map, even would be right."),
    ("contour", "half", "on or off would be right."),
    ("sign", "negative", "one of positive, signed would be right."),
    ("scale", "page", "one of map, strip would be right."),
    ("placement", "centred", "one of stretched, receptive-field would be right."),
    ("beside", "class", "one of nothing, image, model, layer would be right."),
    ("flicker", "1", "on or off would be right."),
    ("a", "Captum", f"{_SIDE} (program: 'Captum'; one of manual, package, torch-cam, captum, ultralytics would be right)."),
    ("b", "manual;relu=perhaps", f"{_SIDE} (relu: 'perhaps'; True or False would be right)."),
    ("b", "package;relu=false", f"{_SIDE} (settings: the package fixes relu; package_settings(...) would be right)."),
    ("steps", "layers,speed", "names of settings, with commas between, would be right."),
    ("steps", "", "names of settings, with commas between, would be right."),
    ("check", "yes", "on or off would be right."),
    ("rejected", "4,-1", "numbers of test images, with commas between, would be right."),
    ("measure", "accuracy", "one of deletion, insertion, road, single-deletion would be right."),
    ("fill", "pink", "one of grey, blur, noisy-linear would be right."),
    ("sample", "0", "a number of images, from 1, would be right."),
    ("randomised", "-1", "a number of layers, from the last one, would be right."),
    ("draws", "101", "a number of draws, from 1 to 100, would be right."),
    ("seed", "-1", "the number of a draw, from 0 to 999999, would be right."),
    ("mode", "both", "one of cascading, independent would be right."),
    ("epoch", "last", "a number of epochs, from 0, would be right."),
    ("set", "cifar100", "cifar10, folder, or the SHA-256 of an uploaded picture, would be right."),
    ("fit", "zoom", "one of crop, inner, pad, stretch would be right."),
    ("colour", "red", "there is no such setting."),
    ("step", "7", "one of network, forward, gradient, weights, sum, relu, enlarge would be right."),
    ("channel", "-1", "the number of a channel, from 0, would be right."),
    ("without", "1;2", "numbers of channels, with commas between, would be right."),
    ("channels", "sorted", "one of number, weight would be right."),
    ("lesson", "../secret", "the name of a lesson, of letters, digits and hyphens, would be right."),
    ("ended", "grad cam", "the name of a lesson, of letters, digits and hyphens, would be right."),
    ("stop", "0", "the number of a stop, from 1, would be right."),
    ("hint", "yes", "on or off would be right."),
    ("answer", "1", "on or off would be right."),
    ("said", "a deer", f"{SAID} would be right."),
    ("said", "12,20,3", f"{SAID} would be right."),
    ("present", "full", "on or off would be right."),
    ("plus", "all", "numbers of labels, with commas between, would be right."),
    (
        "task",
        "multi",
        "one of softmax, sigmoid, binary, regression, segmentation, sigmoid-segmentation, detection would be right.",
    ),
    ("window", "9,2", "two whole numbers, the lower one first, with a comma between, would be right."),
    ("window", "dark", "two whole numbers, the lower one first, with a comma between, would be right."),
    ("cover", "AA!", _COVER),
    ("cover", "A" * 44, _COVER),
    ("cover", "A" * 42 + "B", _COVER),  # the last letter has four cells: this one is beyond the grid
    ("region", "12,20,3", "a row and a column such as 12,20, the code of cells, or a box such as box:17, would be right."),
    ("slice", "-1", "the number of a slice, from 0, would be right."),
    ("region", "AA!", "a row and a column such as 12,20, the code of cells, or a box such as box:17, would be right."),
    ("known", "secret", "one of mark, quarter, apart, object would be right."),
    ("method", "cam", "one of grad-cam, hirescam, layercam, grad-cam++ would be right."),
    ("finds", "it", "one of energy, pointing, overlap would be right."),
    ("bands", "1,2", "three numbers of channels, from 0, or one, with commas between, would be right."),
]


@pytest.mark.parametrize(("key", "text", "why"), NONSENSE)
def test_nonsense_is_ignored_and_said(key: str, text: str, why: str) -> None:
    view, (sentence,) = read_query({"layer": "conv1", key: text})
    assert view == View(layer="conv1")
    assert sentence == f"{key}={text}: {why}"


def test_only_the_names_of_models_and_layers_can_be_any_text() -> None:
    assert set(GIVEN_OUT) - {key for key, _, _ in NONSENSE} == {"model", "layer", "opinion", "model2", "layer2"}


def test_only_a_low_above_the_high_is_ignored_and_said() -> None:
    view, (sentence,) = read_query({"low": "60", "high": "40", "order": "most-confident"})
    assert view == View(order="most-confident")
    assert sentence == "low=60, high=40: low must not be above high."
    assert read_query({"low": "60", "high": "60"}) == (View(low=60, high=60), ())


# Section: what the model has


def test_channels_that_the_layer_lacks_are_let_go_and_said(model: xl.Model) -> None:
    view, notes = fit_view(View(layer="conv1", channel=6, without=(0, 5, 6)), model, pictures(model))
    assert view == View(layer="conv1", without=(0, 5))
    assert notes == ("channel=6: the channels of conv1 are 0 to 5.", "without=0,5,6: the channels of conv1 are 0 to 5.")


def test_channels_are_those_of_the_usual_layer_where_none_is_named(model: xl.Model) -> None:
    view = View(channel=15, without=(15,))
    assert fit_view(view, model, pictures(model)) == (view, ())


def test_channels_of_tokens_are_counted_along_their_own_axis() -> None:
    tokens = xl.as_model(own_networks.transformer(), input_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)  # 17 tokens of 16
    _, notes = fit_view(View(channel=16), tokens, pictures(tokens))
    assert notes == ("channel=16: the channels of encoder.layers.encoder_layer_1.ln_1 are 0 to 15.",)


def test_unknown_models_become_the_default_and_only_the_first_takes_the_layer_along() -> None:
    view, (note,) = fit_models(View(model="vgg", layer="conv1", image=8), OwnModels())
    assert view == View(image=8)
    assert note == "model=vgg: there are captum-tutorial, tutorial, resnet20, vit-tiny, watermark."
    view, (note,) = fit_models(View(other_model="vgg", layer="conv1"), OwnModels())
    assert view == View(layer="conv1")
    assert note == "model2=vgg: there are captum-tutorial, tutorial, resnet20, vit-tiny, watermark."
    view, notes = fit_models(View(model="", other_model="vgg"), OwnModels())
    assert view == View()
    assert [note.split(":")[0] for note in notes] == ["model=", "model2=vgg"]


def test_a_servers_own_model_is_what_the_dashboard_opens_with_and_stands_in_for_a_missing_one() -> None:
    own = OwnModels()
    assert opening_view(own) == View()
    own.offer(OwnModelOptions("resnet18", "net.pt"))  # nothing is loaded for any of this
    assert opening_view(own) == View(model="resnet18")
    assert read_query({"img": "7"}, opening_view(own)) == (View(model="resnet18", image=7), ())
    assert read_query({"model": "tutorial"}, opening_view(own)) == (View(model="tutorial"), ())
    view, (note,) = fit_models(View(model="vgg"), own)
    assert view == View(model="resnet18")
    assert note == "model=vgg: there are resnet18, captum-tutorial, tutorial, resnet20, vit-tiny, watermark."


def test_an_upload_that_is_gone_is_said_and_the_default_stands_in_for_it() -> None:
    gone = "resnet18@0123456789abcdef"
    view, notes = fit_models(View(model=gone, layer="conv1", other_model=gone), OwnModels())
    assert view == View(layer=None)
    sentence = f"={gone}: that upload is no longer kept; upload the file again."
    assert notes == (f"model{sentence}", f"model2{sentence}")


def test_what_the_model_lacks_is_replaced_and_named(model: xl.Model) -> None:
    lacking = View(
        image=10_000, other_image=12_345, layer="conv9", target=10, minus=13, true_class=11, predicted_class=12, part=3
    )
    view, notes = fit_view(lacking, model, pictures(model))
    assert view == View(part=3)
    assert [note.split(":")[0] for note in notes] == [
        "img=10000",
        "img2=12345",
        "target=10",
        "minus=13",
        "class=11",
        "predicted=12",
        "layer=conv9",
    ]
    assert notes[1] == "img2=12345: the images are 0 to 9,999."
    assert notes[3] == "minus=13: the classes are 0 to 9."


def test_what_the_model_has_stays(model: xl.Model) -> None:
    view = View(image=9_999, other_image=9_999, layer="pool1", target=9, minus=9)
    assert fit_view(view, model, pictures(model)) == (view, ())


def test_a_default_that_a_set_cannot_have_is_replaced_without_a_word(model: xl.Model) -> None:
    view, notes = fit_view(View(), model, pictures(model, [4, -1]))
    assert (view, notes) == (View(image=1, true_class=None, sample=2), ())
    asked, notes = fit_view(View(image=2, sample=3, true_class=11), model, pictures(model, [4, 11], "newt", "toad"))
    assert asked == View(image=1, true_class=11, sample=2)
    assert [note.split(":")[0] for note in notes] == ["img=2", "sample=3"]


def test_classes_by_name_are_taken_out_of_an_address_and_all_else_is_left() -> None:
    rest = {"img": "7", "minus": "3", "predicted": "any", "layer": "frog", "low": "frog"}
    named = {"true_class": "Frog", "target": "great white shark"}
    assert take_names(rest | {"class": "Frog", "target": "great white shark"}) == (rest, named)
    assert take_names({"class": "", "target": "-1"}) == ({"class": "", "target": "-1"}, {})


@pytest.mark.parametrize("name", ["frog", "FROG", " Frog "])
def test_a_class_by_name_is_its_number_whatever_the_case(name: str, model: xl.Model) -> None:
    every = dict.fromkeys(("target", "minus", "true_class", "predicted_class"), name)
    right = View(target=6, minus=6, true_class=6, predicted_class=6)
    assert fit_names(View(), every, model, pictures(model)) == (right, ())


def test_a_true_class_is_of_the_set_and_the_others_are_of_the_model(model: xl.Model) -> None:
    set_of_more = pictures(model, LABELS, "Great White Shark", "Newt", "newt")
    view, notes = fit_names(View(), {"true_class": "great_white_shark", "target": "newt"}, model, set_of_more)
    assert (view.true_class, view.target) == (10, None)
    assert notes == (
        "target=newt: there is no class of that name; there are plane, car, bird, cat, deer, dog, frog, horse, ship, truck.",
    )
    assert fit_names(View(), {"true_class": "newt"}, model, set_of_more)[0].true_class == 12  # the one that is spelled so


def test_an_unknown_class_gets_the_names_that_come_near(model: xl.Model) -> None:
    view, notes = fit_names(View(true_class=None), {"true_class": "Airplane", "minus": "frgo"}, model, pictures(model))
    assert view == View(true_class=None)
    assert notes == (
        "class=Airplane: there is no class of that name; similar names: plane.",
        "minus=frgo: there is no class of that name; similar names: frog.",
    )


def test_no_layer_means_the_last_conv_layer(model: xl.Model) -> None:
    assert chosen_layer(View(), model) == "conv2"
    assert chosen_layer(View(layer="relu1"), model) == "relu1"
    assert chosen_layer(View(layer="layer3.2.conv2"), model) == "conv2"


# Section: what is explained


def test_target_contrast_evidence_and_score_are_all_explained() -> None:
    assert explained(View(), predicted=8) == xl.Target(8)
    view = View(target=5, minus=3, evidence="against", score="probability")
    assert explained(view, predicted=8) == xl.Target(5, minus=3, sign=-1, score="probability")


@pytest.mark.parametrize("view", [View(target=5, minus=5), View(minus=5)])
def test_a_contrast_of_a_class_with_itself_is_none(view: View) -> None:
    assert explained(view, predicted=5) == xl.Target(5)
