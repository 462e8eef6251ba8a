"""Run jobs several at a time, each after those it needs, going on with the others where one fails."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lexclip_core import storage
from lexclip_core.errors import LexclipError

logger = logging.getLogger(__name__)
T = TypeVar("T")
_LEAST_PACE, _MOST_PACE = 0.1, 10.0  # how far the measured pace may lead away from the minutes foretold


@dataclass(frozen=True)
class Job(Generic[T]):
    """One thing to do.

    Attributes:
        name: What it is called, once.
        needs: Names of the jobs that must have ended well; names of no job are passed over.
        minutes: About how long it takes.
        run: Does it.
    """

    name: str
    needs: tuple[str, ...]
    minutes: float
    run: Callable[[], T]


@dataclass
class Results(Generic[T]):
    """What came of jobs, by name.

    Attributes:
        done: What they returned.
        failed: The errors.
        left_out: Those never begun, and the job whose failure was the cause.
    """

    done: dict[str, T] = field(default_factory=dict)
    failed: dict[str, LexclipError] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def run_all(jobs: Sequence[Job[T]], *, at_once: int, what: str = "jobs") -> Results[T]:
    """Run all jobs, at most `at_once` at a time, and return what came of each.

    Jobs begin in the order given as soon as a place is free and what they need is done. A failure leaves out
    what needs that job, and nothing else. Threads run them, so a job should wait for something, such as a
    process of its own.

    Args:
        jobs: What to do; a job stands after those it needs.
        at_once: How many may run at a time, at least 1.
        what: What the progress bar calls them.

    Raises:
        Exception: Any error of a job that is no `LexclipError`, at once: it is a fault of the program.
    """
    results: Results[T] = Results()
    waiting, begun = list(jobs), dict[str, float]()
    ended: queue.Queue[_Ended[T]] = queue.Queue()
    clock, known = _Clock(jobs, at_once), {job.name for job in jobs}
    bar: Any = storage.progress(range(len(jobs)), desc=what)
    while waiting or begun:
        bar.update(_leave_out(waiting, results))
        for job in _ready(waiting, results, known)[: at_once - len(begun)]:
            waiting.remove(job)
            begun[job.name] = time.perf_counter()
            # A thread that a killed program does not wait for.
            threading.Thread(target=_work, args=(job, ended), daemon=True).start()
        bar.set_postfix_str(", ".join(begun))
        if begun:
            name, value, error = ended.get()
            seconds = time.perf_counter() - begun.pop(name)
            _enter(results, name, value, error)
            clock.ended(name, seconds)
            bar.update()
            logger.info("%s", _line(name, seconds, results, [*begun], clock.left([*begun], waiting)))
    bar.close()
    return results


_Ended = tuple[str, T | None, BaseException | None]


def _work(job: Job[T], ended: queue.Queue[_Ended[T]]) -> None:
    try:
        ended.put((job.name, job.run(), None))
    except BaseException as error:  # every end of a thread must be heard of
        ended.put((job.name, None, error))


def _enter(results: Results[T], name: str, value: T | None, error: BaseException | None) -> None:
    if isinstance(error, LexclipError):
        results.failed[name] = error
    elif error is not None:
        raise error
    else:
        results.done[name] = value  # type: ignore[assignment]


def _leave_out(waiting: list[Job[T]], results: Results[T]) -> int:
    """Take out of `waiting` the jobs that need one that failed or was left out, and return their number."""
    before = len(waiting)
    for job in list(waiting):  # in order, so that what needs a left-out job is left out in the same round
        lost = [name for name in job.needs if name in results.failed or name in results.left_out]
        if lost:
            results.left_out[job.name] = lost[0]
            waiting.remove(job)
            logger.warning("%s is left out: it needs %s", job.name, lost[0])
    return before - len(waiting)


def _ready(waiting: Sequence[Job[T]], results: Results[T], known: set[str]) -> list[Job[T]]:
    return [job for job in waiting if all(need in results.done or need not in known for need in job.needs)]


def _line(name: str, seconds: float, results: Results[Any], running: Sequence[str], minutes: float) -> str:
    counts = f"{len(results.done)} done"
    if results.failed:
        counts += f", {len(results.failed)} failed"
    doing = f"; running: {', '.join(running)}" if running else ""
    left = f"; about {minutes:.0f} min left" if minutes >= 0.5 else ""
    verb = "FAILED after" if name in results.failed else "took"
    return f"{name} {verb} {seconds:.0f} s; {counts}{doing}{left}"


class _Clock:
    """How many minutes are left, from the minutes foretold and the pace measured so far."""

    def __init__(self, jobs: Sequence[Job[Any]], at_once: int) -> None:
        self._minutes: Mapping[str, float] = {job.name: job.minutes for job in jobs}
        self._at_once = at_once
        self._foretold = self._measured = 0.0

    def ended(self, name: str, seconds: float) -> None:
        self._foretold += self._minutes[name]
        self._measured += seconds / 60

    def left(self, running: Sequence[str], waiting: Sequence[Job[Any]]) -> float:
        ahead = [self._minutes[job.name] for job in waiting] + [self._minutes[name] / 2 for name in running]
        pace = self._measured / self._foretold if self._foretold else 1.0
        return min(max(pace, _LEAST_PACE), _MOST_PACE) * max(
            [sum(ahead) / self._at_once, *ahead], default=0.0
        )
