"""The ladder of one image as a job."""

import time
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.trust.faithfulness import RemovalCurves
from explain_lib.trust.ladder import ASKED_PER_IMAGE, ASKED_PER_ROW, CurvesRequest, LadderRequest, ladder_curves
from explain_lib.work.jobs import Jobs

LAYERS = ("conv1", "conv2")


def request(tutorial: xl.Model, pixels: np.ndarray, *images: int) -> CurvesRequest:
    return CurvesRequest(tutorial, pixels, np.array(images), LAYERS, 3, "conv2")


def test_the_job_finds_what_the_function_computes(tutorial: xl.Model, study: np.ndarray) -> None:
    jobs = Jobs(xl.ExplainCache())
    job = jobs.ask(request(tutorial, study, 2))
    while job.progress.state in ("waiting", "running"):
        time.sleep(0.02)
    jobs.close()
    right = ladder_curves(tutorial, study, 2, LAYERS, 3, "conv2")
    assert job.rows is not None
    assert job.rows.images.tolist() == [2]
    assert job.rows.rows.rungs == right.rows.rungs
    assert np.array_equal(job.rows.maps.maps, right.maps.maps)
    for part in fields(RemovalCurves):
        np.testing.assert_array_equal(getattr(job.rows.curves, part.name), getattr(right.curves, part.name))
    rows = LadderRequest(tutorial, study, np.array([2]), LAYERS, 3, "conv2").at_once()
    for name in ("deletion", "insertion", "single_deletion", "edges", "centre", "flat"):  # the network sees other batches
        np.testing.assert_allclose(getattr(job.rows.rows, name), getattr(rows, name), atol=1e-6)


def test_the_number_of_pictures_that_is_said_is_that_which_the_network_sees(tutorial: xl.Model, study: np.ndarray) -> None:
    seen = 0

    def count(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        nonlocal seen
        seen += len(given[0]) * (not torch.is_grad_enabled())  # those that are asked for, not those that are explained

    handle = tutorial.network.register_forward_pre_hook(count)
    try:
        found = ladder_curves(tutorial, study, 0, LAYERS)
    finally:
        handle.remove()
    ends = 2 * 4  # the picture and its fill, at both ends of each curve, once for all rows
    assert seen == ASKED_PER_ROW * len(found.rows.rungs) + ends + ASKED_PER_IMAGE


def test_requests_differ_from_each_other_and_from_those_of_rows(tutorial: xl.Model, study: np.ndarray) -> None:
    first, second = (request(tutorial, study, image) for image in (0, 1))
    rows = LadderRequest(tutorial, study, np.array([0]), LAYERS, 3, "conv2")
    assert len({first.fingerprint, second.fingerprint, rows.fingerprint}) == 3
    assert first.fingerprint == request(tutorial, study, 0).fingerprint


def test_more_images_than_one_are_refused(tutorial: xl.Model, study: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match="images: 2 of them; one would be right"):
        request(tutorial, study, 0, 1)
