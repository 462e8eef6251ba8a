"""How a paid service is used: how fast it is asked, how it is asked again after a failure, what it costs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from lexclip_core.errors import InputError

T = TypeVar("T")

LONGEST_WAIT = 120.0


@dataclass(frozen=True)
class RateLimits:
    """How a service is used.

    Attributes:
        concurrency: Requests under way at a time.
        requests_per_minute: Most requests started in any minute; 0 for no limit.
        attempts: How often one question is asked before it counts as failed.
        timeout: Seconds after which a request is given up, whatever has come by then.
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
                f"rate limits of {self}",
                "concurrency and attempts are at least 1, timeout above 0, requests_per_minute at least 0",
            )


class Pace:
    """Spread requests evenly so that no minute has more than its share; all threads wait in one line.

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

    def pause(self, seconds: float) -> None:
        """Let no request start for so many seconds: the service asked for it."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


class RetryLater(Exception):
    """A request failed in a way that another attempt may mend.

    Args:
        reason: What a person can read.
        after: Seconds that the service wants to be left alone; 0 where it did not say.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class RetriesExhausted(Exception):
    """A request failed in a way that no other attempt would mend; its text is the reason."""


def with_retries(
    ask: Callable[[], T], limits: RateLimits, pace: Pace, sleep: Callable[[float], object] = time.sleep
) -> T:
    """Ask until an answer comes or the attempts are used up, waiting longer each time.

    Raises:
        RetryLater: The last attempt failed too.
        RetriesExhausted: An attempt showed that more are useless.
    """
    for attempt in range(1, limits.attempts + 1):
        pace.wait()
        try:
            return ask()
        except RetryLater as error:
            if attempt == limits.attempts:
                raise
            if error.after:
                pace.pause(min(error.after, LONGEST_WAIT))
            else:
                sleep(min(limits.first_wait * 2 ** (attempt - 1), LONGEST_WAIT))
    raise AssertionError("attempts is at least 1")


# English text has about four characters per token, and each message some tokens of its own.
CHARACTERS_PER_TOKEN = 4.0
TOKENS_PER_MESSAGE = 8
_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What the service charges, as the caller knows it.

    Attributes:
        input_price: US dollars per million tokens of the questions.
        output_price: US dollars per million tokens of the answers.
        budget: Most US dollars to spend; work that is estimated higher does not start.
    """

    input_price: float = 0.0
    output_price: float = 0.0
    budget: float = math.inf

    def __post_init__(self) -> None:
        if not (self.input_price >= 0 and self.output_price >= 0 and self.budget >= 0):
            raise InputError(f"prices of {self}", "give prices and a budget of at least 0")

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return US dollars."""
        return (input_tokens * self.input_price + output_tokens * self.output_price) / _MILLION


@dataclass(frozen=True)
class CostEstimate:
    """What is about to be asked.

    Attributes:
        captions: How many captions.
        requests: How many requests, those with a cached answer left out.
        cached: How many requests have a cached answer.
        input_tokens: Estimated tokens of the questions.
        output_tokens: Estimated tokens of the answers.
        cost: US dollars.
    """

    captions: int
    requests: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost: float

    @classmethod
    def of(
        cls, captions: int, cached: int, requests: Iterable[tuple[int, int]], prices: Prices
    ) -> CostEstimate:
        """Return the estimate of requests given as (tokens of the question, tokens of the answer)."""
        pairs = list(requests)
        tokens = sum(asked for asked, _ in pairs), sum(answered for _, answered in pairs)
        return cls(captions, len(pairs), cached, *tokens, prices.cost(*tokens))


def tokens_of(text: str) -> int:
    """Return the estimated number of tokens of a message.

    A rough upper figure for English: a token every four characters, or four thirds of one per word, if more.

    >>> tokens_of("a dog on the grass")
    15
    """
    return math.ceil(max(len(text) / CHARACTERS_PER_TOKEN, len(text.split()) * 4 / 3)) + TOKENS_PER_MESSAGE


class Spending:
    """What has been spent, counted as answers come in; safe under threads."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._lock = threading.Lock()
        self.requests = 0
        self.input_tokens = 0
        self.output_tokens = 0

    @property
    def cost(self) -> float:
        """US dollars so far."""
        return self._prices.cost(self.input_tokens, self.output_tokens)

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up."""
        return self._prices.budget < math.inf and self.cost >= self._prices.budget

    def add(self, input_tokens: int, output_tokens: int) -> None:
        """Count one answered request."""
        with self._lock:
            self.requests += 1
            self.input_tokens += input_tokens
            self.output_tokens += output_tokens
