"""The disagreement page's second half: why two maps differ, the way from a to b, and how the pictures are drawn."""

import re

import numpy as np
import pytest
from independent_maps import STUDY_LAYERS, package_map, pixels, predicted, study_manual_map
from opened_page import (
    START,
    OpenedPage,
    act,
    alts,
    arrays,
    captions,
    chart,
    open_folded,
    open_page,
    picture,
    press,
    query,
    texts,
    unescaped,
)
from staged import panels

import explain_lib as xl
from dashboard.figures.waterfall_figure import waterfall_figure, waterfall_words
from dashboard.topics.sides.cause_words import agreement_sentence, causes_sentences, differ, digits

# Measured beforehand for test image 2, by another program.
SHARES = {"rescale after merge": 0.0765, "layers": 0.0608, "scale over": 0.0423}


@pytest.fixture(scope="module")
def notebook() -> OpenedPage:
    """The study's two programs on test image 2."""
    return open_page("disagreement", img="2")


# Section: causes


def test_a_sentence_says_what_the_main_cause_is(notebook: OpenedPage) -> None:
    words = texts(notebook)
    assert (
        "43 % of the difference comes from **rescaling after merging**, 34 % from the choice of layers and 24 % from the "
        "scaling of the map. No effect on this image: overwriting in place, sum or mean over the channels, subtracting "
        "the minimum and the epsilon in the divisor."
    ) in words


def test_the_waterfall_leads_from_zero_to_the_mean_difference(notebook: OpenedPage) -> None:
    bars = chart(notebook, "waterfall")
    assert bars["y"] == [*SHARES, "mean |b − a|"]
    assert bars["x"][:3] == pytest.approx(list(SHARES.values()), abs=6e-5)
    right = np.abs(package_map(2, STUDY_LAYERS, predicted(2)) - study_manual_map(2)).mean()
    assert bars["x"][3] == pytest.approx(right, abs=2e-6)
    assert bars["measure"] == ["relative"] * 3 + ["absolute"]
    assert sum(bars["x"][:3]) == pytest.approx(right, abs=5e-6)  # the rest moves the sum by millionths


CAUSE_PANELS = {f"cause-{name.replace(' ', '_')}": f"by {name}" for name in SHARES}


def test_the_maps_of_the_causes_sum_to_the_difference_and_share_a_scale(notebook: OpenedPage) -> None:
    cards = [panels(notebook)[name] for name in CAUSE_PANELS]
    total = np.sum([card.values for card in cards], axis=0)
    np.testing.assert_allclose(
        total, package_map(2, STUDY_LAYERS, predicted(2)) - study_manual_map(2), atol=4e-5
    )  # epsilon is not shown
    reach = max(float(np.abs(card.values).max()) for card in cards)
    assert [(card.head["top"], card.drawing.signed, card.head["bar"]) for card in cards] == [(reach, True, True)] * 3
    assert "They add up to b − a. Side b, as decomposed, and the program's own map differ by at most" in captions(notebook)


def test_under_the_pointer_stands_what_each_cause_adds(notebook: OpenedPage) -> None:
    sent, taken = panels(notebook), arrays(notebook)
    assert {name: one.head["label"] for name, one in sent.items() if name.startswith("cause-")} == CAUSE_PANELS
    for name in CAUSE_PANELS:
        assert sent[name].head["place"] == sent["map-a"].head["place"]
        np.testing.assert_array_equal(sent[name].values, taken[name.replace("-", "_")].astype(np.float32))  # sums need more


def test_the_package_and_its_settings_by_hand_agree_to_six_digits() -> None:
    a = "manual;layers=conv2;subtract_minimum=true;epsilon=1e-07;rescale_after_merge=true;inplace_overwrites=true"
    app = open_page("disagreement", a=a, b="package;layers=conv2")
    found = re.search(
        r"configured alike\. Their maps agree to (\d) decimal places: the largest difference of a pixel is", texts(app)
    )
    assert found
    assert int(found[1]) >= 6


def test_settings_without_effect_are_named() -> None:
    app = open_page("disagreement", a="manual;layers=relu1", b="manual;layers=relu1;inplace_overwrites=true")
    assert "The two sides differ in inplace overwrites, with no effect here. Their maps agree in every digit" in texts(app)


def test_maps_on_the_way_of_another_size_are_a_sentence_and_the_comparison_stays() -> None:
    # conv1 of resnet20 has 32 x 32 cells, as many as the picture; its last layer has 8 x 8
    app = open_page("disagreement", model="resnet20", a="manual;layers=conv1;resize=none", b="manual;layers=layer3.2.conv2")
    (said,) = [info.value for info in app.info]
    assert "The difference cannot be traced to its causes: resize: the maps have 32 x 32 and 8 x 8 cells" in unescaped(said)
    assert len(app.metric) == 7


# Section: steps


def step_pictures(app: OpenedPage) -> list[str]:
    return [alt for alt in alts(app) if alt.startswith("Step ")]


def test_the_way_goes_from_a_to_b_the_largest_effect_first() -> None:
    app = open_page("disagreement", img="2")
    large, *stops = step_pictures(app)
    assert large == stops[0]
    assert large.startswith("Step a, mean distance to b 0.1796; peak at row")
    assert [alt.split(",")[0] for alt in stops] == [
        "Step a",
        "Step + rescale after merge",
        "Step + layers",
        "Step + scale over = b",
    ]
    assert ", mean distance to b 0.0000; peak at row" in stops[-1]
    act(app, "stage-steps", panel="step-2")
    assert query(app) == START | {"img": "2", "steps": "rescale_after_merge,layers"}
    assert step_pictures(app)[0].startswith("Step + layers,")
    act(app, "stage-steps", panel="step-0")
    assert query(app) == START | {"img": "2"}


def test_another_order_takes_any_setting_next() -> None:
    app = open_page("disagreement", img="2")
    press(app, "scale over")
    assert query(app) == START | {"img": "2", "steps": "scale_over"}
    large, *stops = step_pictures(app)
    assert large.startswith("Step + scale over,")
    assert [alt.split(",")[0] for alt in stops] == [
        "Step a",
        "Step + scale over",
        "Step + rescale after merge",
        "Step + layers = b",
    ]
    press(app, "Back to a")
    assert query(app) == START | {"img": "2"}


def test_a_step_shows_the_map_with_the_settings_taken_so_far() -> None:
    app = open_page("disagreement", img="2", steps="layers,scale_over")
    settings = xl.CamSettings(layers=STUDY_LAYERS, channel_reduction="mean", scale_over="image")
    right = xl.heatmap(xl.load_model("captum-tutorial"), pixels()[:4], settings)[2]
    shown = picture(app, "Step + scale over")[3::7, 3::7].astype(int).sum(2)  # each cell is seven pixels wide
    order = np.argsort(right.ravel())
    assert (np.diff(shown.ravel()[order]) >= -3).all()  # magma: what is larger is brighter
    assert "One scale: 0 to 1." in captions(app)


def test_steps_in_which_the_sides_do_not_differ_are_left_out() -> None:
    app = open_page("disagreement", img="2", a="manual;layers=conv1", b="manual;layers=conv2", steps="relu,layers")
    assert [alt.split(",")[0] for alt in step_pictures(app)] == ["Step + layers = b", "Step a", "Step + layers = b"]
    assert not app.warning


# Section: drawing


def test_one_map_is_drawn_in_three_ways_with_the_reasons(notebook: OpenedPage) -> None:
    values = study_manual_map(2)
    fair, first, cut, second, swapped = (
        picture(notebook, title) for title in ("Fair", "GradCAM1", "Lost in GradCAM1", "GradCAM2", "The picture in GradCAM2")
    )
    assert len({shown.tobytes() for shown in (fair, first, cut, second, swapped)}) == 5
    scale = len(swapped) / 32
    places = ((np.arange(32) + 0.5) * scale).astype(int)
    np.testing.assert_array_equal(swapped[places][:, places], pixels()[2][:, :, ::-1])
    lost = cut[places][:, places] > 0
    assert (first[places][:, places][lost] == 255).all()
    assert f"{lost.mean() * 100:.0f} % of the numbers are lost" in captions(notebook)
    assert values.max() <= 1


def test_the_three_ways_need_a_map_from_zero_to_one() -> None:
    app = open_page("disagreement", a="manual;relu=false")
    assert "values from 0 to 1, and side a has none" in captions(app)


def test_the_three_ways_are_built_when_they_are_asked_for() -> None:
    assert not [alt for alt in alts(open_folded("disagreement")) if alt.startswith("Fair")]


# Section: words and bars by themselves


def found(shares: dict[str, float], b: float = 0.5) -> xl.Decomposition:
    maps = np.zeros((len(shares), 2, 2), np.float32)
    zero = np.zeros((2, 2), np.float32)
    return xl.Decomposition(zero, zero + np.float32(b), tuple(shares), np.array(list(shares.values())), maps, None)


def test_what_makes_the_difference_smaller_is_said() -> None:
    words = causes_sentences(found({"layers": 0.3, "relu": -0.1, "epsilon": 0.0}))
    assert words == (
        "150 % of the difference comes from **the choice of layers**. The cut at zero takes away 50 %, so the others add up "
        "to more than 100 %. No effect on this image: the epsilon in the divisor."
    )


def test_what_takes_away_is_no_main_cause_however_large_it_is() -> None:
    words = causes_sentences(found({"relu": -0.2514, "resize": 0.1, "layers": 0.3002}))
    assert words == (
        "202 % of the difference comes from **the choice of layers** and 67 % from the way of enlarging. The cut at zero takes "
        "away 169 %, so the others add up to more than 100 %."
    )


def test_causes_below_a_hundredth_are_only_named() -> None:
    words = causes_sentences(found({"layers": 0.2, "epsilon": 0.001, "exponent": -0.0005}))
    assert words.endswith("comes from **the choice of layers**. Below 1 %: the epsilon in the divisor and the exponent.")


def test_every_setting_has_words_as_a_cause() -> None:
    for name in xl.CamSettings().as_dict():
        assert "100 % of the difference comes from **" in causes_sentences(found({name: 0.1}))


def test_causes_that_cancel_out_are_said_to_do_so() -> None:
    cancelling = found({"relu": 0.1, "subtract_minimum": -0.1}, b=0)
    assert not differ(cancelling)
    assert agreement_sentence(cancelling, 0).startswith("The effects of relu and subtract minimum cancel out on this image.")
    assert differ(found({"relu": 0.1, "subtract_minimum": -0.05}))


def test_a_difference_that_no_setting_explains_is_not_called_agreement() -> None:
    assert agreement_sentence(found({}), 0.7) == (
        "The two sides are configured alike. No setting explains why pixels differ by up to 0.70."
    )


@pytest.mark.parametrize(("gap", "same"), [(0.04, 1), (0.006, 1), (0.004, 2), (2.4e-7, 6), (4e-8, 7), (0.6, 0), (3.0, 0)])
def test_digits_after_the_point(gap: float, same: int) -> None:
    assert digits(gap) == same  # two numbers closer than half a unit of the last digit


def test_the_waterfall_shows_what_works_against_the_rest_in_another_colour() -> None:
    (bars,) = waterfall_figure([("layers", 0.3), ("relu", -0.1)], 0.2).data
    assert list(bars.x) == [0.3, -0.1, 0.2]
    assert list(bars.text) == ["+0.3000", "−0.1000", "0.2000"]
    assert bars.increasing.marker.color != bars.decreasing.marker.color
    assert waterfall_words([("layers", 0.3), ("relu", -0.1)], 0.2).endswith("0.2000: layers 0.3000, relu −0.1000")
