"""The disagreement page's second half: why two maps differ, the way from a to b, and how the pictures are drawn."""

import re

import numpy as np
import pytest
from independent_maps import STUDY_LAYERS, package_map, pixels, predicted, study_manual_map
from opened_page import (
    START,
    OpenedPage,
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
from dashboard.topics.sides.cause_words import agreement_sentence, differ, digits, main_cause_sentence

# Measured beforehand for test image 2, by another program.
SHARES = {"rescale after merge": 0.0765, "layers": 0.0608, "scale over": 0.0423}


@pytest.fixture(scope="module")
def notebook() -> OpenedPage:
    """The study's two programs on test image 2."""
    return open_page("disagreement", img="2")


# Section: causes


def test_a_sentence_says_what_the_main_cause_is(notebook: OpenedPage) -> None:
    words = texts(notebook)
    assert "The main cause is **rescale after merge**: 0.077 of 0.180 (43 %)." in words
    assert "Then layers with 0.061 of 0.180 (34 %) and scale over with 0.042 of 0.180 (24 %)." in words
    assert "without effect on this image: inplace overwrites, channel reduction, subtract minimum and epsilon." in words


def test_the_waterfall_leads_from_zero_to_the_mean_difference(notebook: OpenedPage) -> None:
    bars = chart(notebook, "waterfall")
    assert bars["y"] == [*SHARES, "mean |b − a|"]
    assert bars["x"][:3] == pytest.approx(list(SHARES.values()), abs=6e-5)
    right = np.abs(package_map(2, STUDY_LAYERS, predicted(2)) - study_manual_map(2)).mean()
    assert bars["x"][3] == pytest.approx(right, abs=2e-6)
    assert bars["measure"] == ["relative"] * 3 + ["total"]
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
    assert "They sum to b − a. Side b as decomposed and the map of the program itself differ by at most" in captions(notebook)


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
        r"configured alike\. Their maps agree to (\d) digits after the point: the largest difference of a pixel is", texts(app)
    )
    assert found
    assert int(found[1]) >= 6


def test_settings_without_effect_are_named() -> None:
    app = open_page("disagreement", a="manual;layers=relu1", b="manual;layers=relu1;inplace_overwrites=true")
    assert "The two sides differ in inplace overwrites, without effect here. Their maps agree in every digit" in texts(app)


def test_maps_on_the_way_of_another_size_are_a_sentence_and_the_comparison_stays() -> None:
    # conv1 of resnet20 has 32 x 32 cells, as many as the picture; its last layer has 8 x 8
    app = open_page("disagreement", model="resnet20", a="manual;layers=conv1;resize=none", b="manual;layers=layer3.2.conv2")
    (said,) = [info.value for info in app.info]
    assert "The difference cannot be traced to its causes: resize: the maps have 32 x 32 and 8 x 8 cells" in unescaped(said)
    assert len(app.metric) == 7


# Section: steps


def step_pictures(app: OpenedPage) -> list[str]:
    return [alt for alt in alts(app) if alt.startswith("Step ")]


def test_one_setting_after_the_other_turns_a_into_b_in_any_order() -> None:
    app = open_page("disagreement", img="2")
    (first,) = step_pictures(app)
    assert first.startswith("Step a, mean distance to b 0.1796; peak at row")
    for label in ("layers", "rescale after merge"):
        press(app, label)
    assert query(app) == START | {"img": "2", "steps": "layers,rescale_after_merge"}
    assert [alt.split(",")[0] for alt in step_pictures(app)] == ["Step a", "Step 1 · layers", "Step 2 · rescale after merge"]
    press(app, "All that are left")
    *_, last = step_pictures(app)
    assert "= b, mean distance to b 0.0000; peak at row" in last
    assert len(step_pictures(app)) == 8
    press(app, "One step back")
    assert len(step_pictures(app)) == 7
    press(app, "Back to a")
    assert query(app) == START | {"img": "2"}


def test_a_step_shows_the_map_with_the_settings_taken_so_far() -> None:
    app = open_page("disagreement", img="2", steps="layers,scale_over")
    settings = xl.CamSettings(layers=STUDY_LAYERS, channel_reduction="mean", scale_over="image")
    right = xl.heatmap(xl.load_model("captum-tutorial"), pixels()[:4], settings)[2]
    shown = picture(app, "Step 2 · scale over")[2::5, 2::5].astype(int).sum(2)  # each cell is five pixels wide
    order = np.argsort(right.ravel())
    assert (np.diff(shown.ravel()[order]) >= -3).all()  # magma: what is larger is brighter
    assert "One colour scale for all steps: 0 to 1." in captions(app)


def test_steps_in_which_the_sides_do_not_differ_are_left_out() -> None:
    app = open_page("disagreement", img="2", a="manual;layers=conv1", b="manual;layers=conv2", steps="relu,layers")
    assert [alt.split(",")[0] for alt in step_pictures(app)] == ["Step a", "Step 1 · layers = b"]
    assert not app.warning


# Section: drawing


def test_one_map_is_drawn_in_three_ways_with_the_reasons(notebook: OpenedPage) -> None:
    values = study_manual_map(2)
    fair, first, cut, second, swapped = (
        picture(notebook, title) for title in ("Fair", "GradCAM1", "What GradCAM1 cuts", "GradCAM2", "The picture in GradCAM2")
    )
    assert len({shown.tobytes() for shown in (fair, first, cut, second, swapped)}) == 5
    scale = len(swapped) / 32
    places = ((np.arange(32) + 0.5) * scale).astype(int)
    np.testing.assert_array_equal(swapped[places][:, places], pixels()[2][:, :, ::-1])
    lost = cut[places][:, places] > 0
    assert (first[places][:, places][lost] == 255).all()
    assert f"{lost.mean() * 100:.0f} % of the numbers, lost" in captions(notebook)
    assert values.max() <= 1


def test_the_three_ways_need_a_map_from_zero_to_one() -> None:
    app = open_page("disagreement", a="manual;relu=false")
    assert "values from 0 to 1, which side a's is not" in captions(app)


def test_the_three_ways_are_built_when_they_are_asked_for() -> None:
    assert not [alt for alt in alts(open_folded("disagreement")) if alt.startswith("Fair")]


# Section: words and bars by themselves


def found(shares: dict[str, float], b: float = 0.5) -> xl.Decomposition:
    maps = np.zeros((len(shares), 2, 2), np.float32)
    zero = np.zeros((2, 2), np.float32)
    return xl.Decomposition(zero, zero + np.float32(b), tuple(shares), np.array(list(shares.values())), maps, None)


def test_what_makes_the_difference_smaller_is_said() -> None:
    words = main_cause_sentence(found({"layers": 0.3, "relu": -0.1, "epsilon": 0.0}))
    assert words == (
        "The main cause is **layers**: 0.300 of 0.200 (150 %). The difference is made smaller by relu with −0.100 of 0.200 "
        "(−50 %). That is why a cause can have more than 100 %. Set differently, but without effect on this image: epsilon."
    )


def test_what_takes_away_is_no_main_cause_however_large_it_is() -> None:
    words = main_cause_sentence(found({"relu": -0.2514, "resize": 0.1, "layers": 0.3002}))
    assert words == (
        "The main cause is **layers**: 0.300 of 0.149 (202 %). Then resize with 0.100 of 0.149 (67 %). The difference is "
        "made smaller by relu with −0.251 of 0.149 (−169 %). That is why a cause can have more than 100 %."
    )
    assert "100 %" not in main_cause_sentence(found({"relu": -0.05, "layers": 0.1, "resize": 0.06}))


def test_causes_that_cancel_out_are_said_to_do_so() -> None:
    cancelling = found({"relu": 0.1, "subtract_minimum": -0.1}, b=0)
    assert not differ(cancelling)
    assert agreement_sentence(cancelling, 0).startswith("What relu and subtract minimum change cancels out on this image.")
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
