"""Detectors: boxes and scores before suppression, beside the networks themselves, plain autograd and grad-cam's own target."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import own_detectors
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from pytorch_grad_cam.utils.model_targets import FasterRCNNBoxScoreTarget
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.contrast import contrast
from explain_lib.networks.predictions import box_of, predicted_boxes
from explain_lib.passes.targets import Score
from explain_lib.regions.boxes import Found
from explain_lib.trust.faithfulness import explained_values

PIXELS = xl.load_cifar10().pixels[:4]
PICTURE = 3
MAKE: dict[str, Callable[[], nn.Module]] = {
    "ssd": own_detectors.ssd,
    "retina": own_detectors.retina,
    "fcos": own_detectors.fcos,
    "two stages": own_detectors.two_stages,
}
KINDS = tuple(MAKE)
LAYER = "backbone.conv2"


def detector(kind: str, **given: Any) -> xl.Model:
    usual = {"classes": own_detectors.NAMES, "input_size": (32, 32), "mean": (0,) * 3, "std": (1,) * 3}
    return xl.as_model(MAKE[kind](), **(usual | given))


def batch(*images: int) -> Tensor:
    return torch.from_numpy(PIXELS[list(images)].transpose(0, 3, 1, 2) / np.float32(255))


def one(image: int = PICTURE) -> NDArray[np.uint8]:
    return PIXELS[image : image + 1]


def place_of(name: str, kind: str) -> int:
    """The label of a class in torchvision's numbers, where softmaxes count the background as 0."""
    return own_detectors.NAMES.index(name) + (kind in ("ssd", "two stages"))


def raw_scores(network: nn.Module, kind: str, pictures: Tensor, layer: str = LAYER) -> tuple[Tensor, Tensor]:
    """The logits of all candidates of one picture, (K, classes), and the output of a layer, by hooks on the network itself."""
    kept: dict[str, Any] = {}
    network.get_submodule(layer).register_forward_hook(lambda _, __, output: kept.update(layer=output))
    scoring = "roi_heads.box_predictor" if kind == "two stages" else "head"
    network.get_submodule(scoring).register_forward_hook(lambda _, __, output: kept.update(head=output))
    network(list(pictures))
    if kind == "two stages":
        return kept["head"][0], kept["layer"]
    logits = kept["head"]["cls_logits"][0]
    if kind == "fcos":
        score = (logits.double().sigmoid() * kept["head"]["bbox_ctrness"][0].double().sigmoid()).sqrt()
        logits = torch.log(score / (1 - score))
    return logits, kept["layer"]


def plain_map(number: Tensor, activation: Tensor) -> NDArray[np.float32]:
    """The signed map (h, w) of a number, by autograd alone."""
    (gradient,) = torch.autograd.grad(number, activation)
    return np.asarray((gradient.mean((2, 3), keepdim=True) * activation).sum(1)[0].detach().numpy())


def close(found: NDArray[np.float32], right: NDArray[np.float32]) -> None:
    assert abs(right).max() > 0
    assert_allclose(found, right, atol=1e-6 * abs(right).max(), rtol=1e-5)


def in_pixels(found: Found) -> list[float]:
    """Left, top, right and bottom, as torchvision gives them."""
    top, left, bottom, right = found.box.corners
    return [32 * left, 32 * top, 32 * right, 32 * bottom]


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_box_of_each_class_is_the_one_that_the_network_itself_gives_first(kind: str) -> None:
    model = detector(kind)
    with torch.no_grad():
        (own,) = MAKE[kind]()(list(batch(PICTURE)))
    assert len(own["labels"]) > 0
    found = predicted_boxes(model, one()).boxes
    for name in own_detectors.NAMES:
        label = place_of(name, kind)
        if not (own["labels"] == label).any():
            continue
        first = int((own["labels"] == label).nonzero()[0])
        index = model.classes.index(name)
        assert model.predict(one())[0, index] == pytest.approx(float(own["scores"][first]), abs=1e-6)
        box = box_of(model, one(), index)
        assert_allclose(in_pixels(Found(box, index, 0.0)), own["boxes"][first], atol=1e-3)
    best = int(own["scores"].argmax())
    assert model.classes[found[0].index] == own_detectors.NAMES[int(own["labels"][best]) - place_of("cat", kind)]
    assert_allclose(in_pixels(found[0]), own["boxes"][best], atol=1e-3)


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_map_of_one_box_is_that_of_plain_autograd(kind: str, score: Score) -> None:
    model = detector(kind)
    chosen = predicted_boxes(model, one()).boxes[2]
    index, number = chosen.index, chosen.box.number
    cams = xl.grad_cam(model, one(), LAYER, xl.Target(index, score=score, region=chosen.box))
    logits, activation = raw_scores(MAKE[kind](), kind, batch(PICTURE))
    if score == "logit":
        explained = logits[number, index]
    else:
        precise = logits[number].double()
        explained = (precise.softmax(0) if kind in ("ssd", "two stages") else precise.sigmoid())[index]
    close(cams[LAYER].signed[0], plain_map(explained, activation))


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_box_the_best_one_of_the_class_is_explained(kind: str) -> None:
    model = detector(kind)
    index = model.classes.index("dog")
    cams = xl.grad_cam(model, PIXELS, LAYER, index)
    for image, target in enumerate(cams.targets):
        assert isinstance(target, xl.Target)
        assert target.region == box_of(model, one(image), index)
    scores, _ = raw_scores(MAKE[kind](), kind, batch(PICTURE))
    probabilities = scores.double().softmax(1) if kind in ("ssd", "two stages") else scores.double().sigmoid()
    assert cams.targets[PICTURE].region.number == int(probabilities[:, index].argmax())  # type: ignore[union-attr]
    alone = xl.grad_cam(model, one(), LAYER, index)
    right = alone[LAYER].signed[0]
    assert_allclose(cams[LAYER].signed[PICTURE], right, atol=1e-5 * abs(right).max())


def test_the_predicted_class_is_that_of_the_best_box() -> None:
    model = detector("ssd")
    (target,) = xl.grad_cam(model, one(), LAYER).targets
    assert target == xl.Target(predicted_boxes(model, one()).boxes[0].index, region=predicted_boxes(model, one()).boxes[0].box)


def test_grad_cams_own_target_of_a_box_gets_all_candidates() -> None:
    """The score of the box that overlaps a given one most, plus that overlap; of the network itself among its own boxes."""
    network, model = own_detectors.two_stages(), detector("two stages")
    kept: list[Tensor] = []
    network.get_submodule(LAYER).register_forward_hook(lambda *of: kept.append(of[2]))
    (own,) = network(list(batch(PICTURE)))
    given = own["boxes"][:1].detach().numpy() + np.float32(0.1)  # at the box itself the overlap has a kink
    target = FasterRCNNBoxScoreTarget([int(own["labels"][0])], given)
    number = target(own)
    assert float(number.detach()) > 1.5
    close(xl.grad_cam(model, one(), LAYER, target)[LAYER].signed[0], plain_map(number.sum(), kept[0]))


def test_what_is_left_of_a_box_is_its_score_in_the_changed_picture() -> None:
    """One stage: the same anchor. Two stages: the candidate whose box of the class overlaps most."""
    changed = one().copy()
    changed[:, :10] = 128
    for kind in KINDS:
        model = detector(kind)
        index = model.classes.index("car")
        box = box_of(model, one(), index)
        target = xl.Target(index, region=box)
        found = explained_values(model, model.to_input(changed), [target])
        logits, _ = raw_scores(MAKE[kind](), kind, torch.from_numpy(changed.transpose(0, 3, 1, 2) / np.float32(255)))
        scores = (logits.softmax(1) if kind in ("ssd", "two stages") else logits.sigmoid())[:, index].detach()
        number = box.number if kind != "two stages" else _most_overlapping(box, model, changed, index)
        assert found[0] == pytest.approx(float(scores[number]), abs=1e-6)


def _most_overlapping(box: xl.Box, model: xl.Model, pixels: NDArray[np.uint8], index: int) -> int:
    """By hand, from the corners of every candidate."""
    others = [box_of(model, pixels, index, number) for number in range(len(model_candidates(model, pixels)))]
    return int(np.argmax([_overlap(box, other) for other in others]))


def model_candidates(model: xl.Model, pixels: NDArray[np.uint8]) -> range:
    read = model.read_input(model.to_input(pixels)).candidates
    assert read is not None
    return range(read.logits.shape[1])


def _overlap(a: xl.Box, b: xl.Box) -> float:
    top, left = np.maximum(a.corners[:2], b.corners[:2])
    bottom, right = np.minimum(a.corners[2:], b.corners[2:])
    shared = float(max(0.0, bottom - top) * max(0.0, right - left))
    return shared / (a.area + b.area - shared) if shared else 0.0


def test_a_contrast_of_two_classes_is_within_one_box() -> None:
    model = detector("ssd")
    found = contrast(model, one(), LAYER, 1, 2, region=box_of(model, one(), 1))
    logits, activation = raw_scores(MAKE["ssd"](), "ssd", batch(PICTURE))
    number = box_of(model, one(), 1).number
    close(found.signed_contrast, plain_map(logits[number, 1] - logits[number, 2], activation))


def test_a_picture_in_which_nothing_is_proposed_has_no_object() -> None:
    network = own_detectors.two_stages()
    network.rpn.score_thresh = 1.1  # above every score
    model = xl.as_model(network, classes=own_detectors.NAMES, input_size=(32, 32), mean=(0,) * 3, std=(1,) * 3)
    assert_allclose(model.predict(one()), np.zeros((1, 4)), atol=1e-6)
    assert not xl.grad_cam(model, one(), LAYER, 1)[LAYER].signed.any()


# Section: names and input


def test_the_class_for_no_object_has_a_name_and_is_never_predicted() -> None:
    model = detector("ssd")
    assert model.classes == ("no object", "cat", "dog", "car")
    assert (model.predict(PIXELS)[:, 0] == 0).all()
    assert detector("ssd", classes=("nothing", "cat", "dog", "car")).classes[0] == "nothing"
    assert detector("retina").classes == own_detectors.NAMES
    assert (model.task, model.task_source) == ("detection", "not given; chosen because it gives boxes")


def test_a_probability_of_no_object_is_the_softmax_too() -> None:
    model = detector("ssd")
    box = predicted_boxes(model, one()).boxes[0].box
    targets = [xl.Target(index, region=box) for index in range(4)]
    values = explained_values(model, model.to_input(one().repeat(4, axis=0)), targets)
    assert values.sum() == pytest.approx(1, abs=1e-5)
    assert values[0] > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mean": (0.5,) * 3}, "normalises pictures itself"),
        ({"input_size": (32, 48)}, "multiples of 32"),
        ({"task": "softmax"}, "detection is that of networks with boxes"),
        ({"classes": ("cat", "dog")}, "classes: 2 names; 4 would be right"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(xl.ExplainError, match=said):
        detector("two stages", **given)


def test_targets_that_no_detector_has_are_refused() -> None:
    model = detector("ssd")
    with pytest.raises(xl.TargetError, match="a Box, or None, would be right"):
        xl.grad_cam(model, one(), LAYER, xl.Target(1, region=xl.pixel_region((32, 32), 3, 3)))
    with pytest.raises(xl.ExplainError, match="no candidate 320; 0 to 319"):
        xl.grad_cam(model, one(), LAYER, xl.Target(1, region=xl.Box((0, 0, 1, 1), 320)))
    plain = xl.load_model("captum-tutorial")
    with pytest.raises(xl.TargetError, match="task is softmax"):
        xl.grad_cam(plain, one(), "conv2", xl.Target(1, region=xl.Box((0, 0, 1, 1), 3)))
    for wrong in [((0, 0, 1), 3), ((0, 0, 1, 1), -1), ("abcd", 3), ((0, 0, 1, 1), 1.5)]:
        with pytest.raises(xl.InputError, match="the number of a candidate"):
            xl.Box(*wrong)  # type: ignore[arg-type]


def test_a_target_with_a_box_survives_json() -> None:
    target = xl.Target(2, region=xl.Box((0.1, 0.2, 0.5, 0.7), 17))
    content = target.to_json()
    assert content["region"] == {"corners": [0.1, 0.2, 0.5, 0.7], "number": 17}
    assert xl.Target(**content) == target  # type: ignore[arg-type]


def test_a_second_model_of_the_network_is_the_same_to_caches() -> None:
    assert detector("ssd").identity == detector("ssd").identity
    assert replace(detector("ssd"), mean=(0.1,) * 3).identity != detector("ssd").identity


# Section: other libraries


def corners_of(box: Tensor) -> NDArray[np.float64]:
    """Top, left, bottom and right of a box given by its middle, width and height, cut at the edges of the picture."""
    across, down, width, height = box.tolist()
    return np.clip((down - height / 2, across - width / 2, down + height / 2, across + width / 2), 0, 1)


def test_detr_is_explained_by_the_logit_of_one_query() -> None:
    network = own_detectors.detr()
    model = xl.as_model(own_detectors.detr(), input_size=(64, 64), mean=(0.5,) * 3, std=(0.25,) * 3)
    assert model.classes == (*own_detectors.NAMES, "no object")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    box = predicted_boxes(model, pixels).boxes[1]
    layer = "model.backbone.model.encoder.stages.2"
    kept: list[Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda *of: kept.append(of[2]))
    output = network(model.to_input(pixels).requires_grad_())  # it holds the weights of its backbone
    cams = xl.grad_cam(model, pixels, layer, xl.Target(box.index, region=box.box))
    close(cams[layer].signed[0], plain_map(output.logits[0, box.box.number, box.index], kept[0]))
    assert_allclose(box.box.corners, corners_of(output.pred_boxes[0, box.box.number]), atol=1e-5)
    assert box.probability == pytest.approx(float(output.logits[0, box.box.number].softmax(0)[box.index]), abs=1e-6)


def test_yolo_is_explained_by_the_logit_of_one_anchor() -> None:
    network = own_detectors.yolo()
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64))  # as whoever tries it first; its anchors are kept
    model = xl.as_model(network, input_size=(64, 64), mean=(0,) * 3, std=(1,) * 3)
    network = own_detectors.yolo()
    assert model.classes == own_detectors.NAMES
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    box = predicted_boxes(model, pixels).boxes[0]
    layer = "model.9"
    cams = xl.grad_cam(model, pixels, layer, xl.Target(box.index, region=box.box))
    kept: list[Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda *of: kept.append(of[2]))
    boxes, raw = network(model.to_input(pixels))
    close(cams[layer].signed[0], plain_map(raw["scores"][0, box.index, box.box.number], kept[0]))
    assert_allclose(box.box.corners, corners_of(boxes[0, :4, box.box.number] / 64), atol=1e-5)
