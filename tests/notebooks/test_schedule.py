"""Jobs that wait for each other, without notebooks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from lexclip_core.errors import InputError
from lexclip_core.notebook_runner.schedule import Job, run_all


def job(name: str, run: Callable[[], str], *needs: str, minutes: float = 1) -> Job[str]:
    return Job(name, needs, minutes, run)


def failing() -> str:
    raise InputError("it cannot be done")


def test_jobs_run_in_the_order_given_where_one_runs_at_a_time():
    order: list[str] = []
    jobs = [job(name, lambda name=name: order.append(name) or name.upper()) for name in "cab"]
    results = run_all(jobs, at_once=1)
    assert order == ["c", "a", "b"]
    assert results.done == {"c": "C", "a": "A", "b": "B"}
    assert not results.failed


def test_jobs_run_at_the_same_time_but_no_more_than_allowed():
    together = threading.Barrier(2, timeout=60)  # passed only by two at once
    now, most, lock = 0, 0, threading.Lock()

    def meet() -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1
        return ""

    results = run_all([job(name, meet) for name in "abcd"], at_once=2)
    assert len(results.done) == 4
    assert most == 2


def test_a_job_waits_for_what_it_needs_while_others_overtake_it():
    order: list[str] = []
    third_ran = threading.Event()

    def first() -> str:
        assert third_ran.wait(60), "the third job needs nothing and must not wait"
        order.append("first")
        return ""

    def third() -> str:
        order.append("third")
        third_ran.set()
        return ""

    jobs = [
        job("first", first),
        job("second", lambda: order.append("second") or "", "first"),
        job("third", third),
    ]
    assert len(run_all(jobs, at_once=2).done) == 3
    assert order == ["third", "first", "second"]


def test_a_need_that_is_no_job_is_passed_over():
    assert run_all([job("a", lambda: "x", "kept from before")], at_once=1).done == {"a": "x"}


def test_a_failure_leaves_out_what_needs_it_and_nothing_else(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="lexclip_core")
    jobs = [
        job("a", failing),
        job("b", lambda: "b", "a"),
        job("c", lambda: "c", "b"),
        job("d", lambda: "d"),
    ]
    results = run_all(jobs, at_once=1)
    assert results.done == {"d": "d"}
    assert str(results.failed["a"]) == "it cannot be done"
    assert results.left_out == {"b": "a", "c": "b"}
    assert "a FAILED after 0 s; 0 done, 1 failed" in caplog.text


def test_the_log_says_what_runs_what_is_done_and_how_long_it_will_take(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="lexclip_core")
    first_ended = threading.Event()

    def wait() -> str:
        assert first_ended.wait(60)
        return ""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            first_ended.set()

    listener = Listener()
    logging.getLogger("lexclip_core").addHandler(listener)
    try:
        run_all(
            [job("a", lambda: "", minutes=0), job("b", wait, minutes=40), job("c", wait, minutes=10)],
            at_once=2,
        )
    finally:
        logging.getLogger("lexclip_core").removeHandler(listener)
    # of b half is taken to be done, c is ahead, and two run at a time: but no less than the 20 of b alone
    assert "a took 0 s; 1 done; running: b; about 20 min left" in caplog.messages[0]


def test_a_fault_of_the_program_is_not_hidden():
    def faulty() -> str:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_all([job("a", faulty), job("b", lambda: "b")], at_once=1)
