"""The check-up of detectors: what is read of them, and the stage that no gradient comes back to."""

import own_detectors
import pytest

import explain_lib as xl

INPUT = {"input_size": (32, 32), "mean": (0.0,) * 3, "std": (1.0,) * 3}


def test_the_boxes_that_are_read_are_named_and_nothing_is_wrong() -> None:
    for found in (
        xl.check_up(own_detectors.ssd(), **INPUT, classes=own_detectors.NAMES),  # type: ignore[arg-type]
        xl.check_up(xl.as_model(own_detectors.ssd(), **INPUT)),  # type: ignore[arg-type]
    ):
        (said,) = [one.sentence for one in found.findings if one.kind == "output"]
        assert "320 candidate boxes" in said
        assert not [one for one in found.findings if one.severity == "problem"]


def test_a_first_stage_is_no_fault() -> None:
    found = xl.check_up(own_detectors.two_stages(), **INPUT)  # type: ignore[arg-type]
    (said,) = [one for one in found.findings if one.kind == "gradient"]
    assert said.severity == "note"
    assert "rpn.head.conv.0.0" in said.sentence
    assert "only chooses the boxes" in said.sentence


@pytest.mark.parametrize("names", [("cat",), ("a", "b", "c", "d", "e")])
def test_names_that_do_not_match_are_a_fault(names: tuple[str, ...]) -> None:
    found = xl.check_up(own_detectors.ssd(), **INPUT, classes=names)  # type: ignore[arg-type]
    (said,) = [one for one in found.findings if one.severity == "problem"]
    assert f"4 scores for each box, but {len(names)} classes are named" in said.sentence
