"""How fast a service is asked, and how it is asked again after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lexclip_core.errors import InputError

T = TypeVar("T")

LONGEST_WAIT = 120.0


@dataclass(frozen=True)
class Traffic:
    """How a service is used.

    Attributes:
        concurrency: Requests under way at a time.
        requests_per_minute: Most requests started in any minute; 0 for no limit.
        attempts: How often one question is asked before it counts as failed.
        timeout: Seconds without an answer after which a request is given up.
        first_wait: Seconds before the second attempt; each further wait is twice the one before, up to 120.
    """

    concurrency: int = 8
    requests_per_minute: float = 0
    attempts: int = 6
    timeout: float = 60.0
    first_wait: float = 1.0

    def __post_init__(self) -> None:
        if min(self.concurrency, self.attempts) < 1 or self.timeout <= 0 or self.requests_per_minute < 0:
            raise InputError(
                f"traffic of {self}",
                "concurrency and attempts are at least 1, timeout above 0, requests_per_minute at least 0",
            )


class Pace:
    """Spread requests evenly so that no minute sees more than its share; all threads wait in one line.

    Args:
        requests_per_minute: 0 for no limit.
        clock: Seconds that only grow.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        requests_per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._between = 60 / requests_per_minute if requests_per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for the next free place in the line."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + self._between
        if start > now:
            self._sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Let no request start for so many seconds: the service asked for it."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


class TryAgain(Exception):
    """A request failed in a way that another attempt may mend.

    Args:
        reason: What a person can read.
        after: Seconds that the service wants to be left alone; 0 where it said nothing.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class GivenUp(Exception):
    """A request failed in a way that no other attempt would mend.

    Args:
        reason: What a person can read.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def with_attempts(
    ask: Callable[[], T], traffic: Traffic, pace: Pace, sleep: Callable[[float], object] = time.sleep
) -> T:
    """Ask until an answer comes or the attempts are used up, waiting longer each time.

    Raises:
        TryAgain: The last attempt failed too.
        GivenUp: An attempt showed that more are useless.
    """
    for attempt in range(1, traffic.attempts + 1):
        pace.wait()
        try:
            return ask()
        except TryAgain as error:
            if attempt == traffic.attempts:
                raise
            if error.after:
                pace.hold(min(error.after, LONGEST_WAIT))
            else:
                sleep(min(traffic.first_wait * 2 ** (attempt - 1), LONGEST_WAIT))
    raise AssertionError("attempts is at least 1")
