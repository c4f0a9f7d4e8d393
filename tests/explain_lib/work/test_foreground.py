"""Those who wait go before work in the background."""

import threading

import pytest
from scan_samples import request, small_model, wait_until

import explain_lib as xl
from explain_lib.work import jobs as jobs_module
from explain_lib.work.jobs import Jobs, await_quiet, foreground


def test_it_is_quiet_once_the_last_one_has_left() -> None:
    assert await_quiet(0)
    with foreground():
        with foreground():
            assert not await_quiet(0)
        assert not await_quiet(0.01)
    assert await_quiet(0)


def test_one_who_is_ended_by_an_exception_has_left() -> None:
    with pytest.raises(KeyError), foreground():
        raise KeyError
    assert await_quiet(0)


def test_work_in_the_background_waits_between_batches_while_somebody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "PATIENCE_SECONDS", 60.0)
    jobs = Jobs(xl.ExplainCache())
    with foreground():
        job = jobs.ask(request(small_model(), 500))
        wait_until(lambda: job.progress.images == 200)
        assert not threading.Event().wait(0.2)
        assert job.progress.images == 200
    wait_until(lambda: job.progress.state == "done")
    jobs.close()


def test_it_goes_on_all_the_same_if_there_is_always_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "PATIENCE_SECONDS", 0.01)
    jobs = Jobs(xl.ExplainCache())
    with foreground():
        job = jobs.ask(request(small_model(), 500))
        wait_until(lambda: job.progress.state == "done")
    jobs.close()
