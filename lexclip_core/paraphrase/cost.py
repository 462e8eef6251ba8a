"""What paraphrasing by a paid service will cost, before it starts, and what it has cost so far."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from lexclip_core.errors import InputError

#: English text has about four characters a token, and each message some tokens of its own.
CHARACTERS_A_TOKEN = 4.0
TOKENS_A_MESSAGE = 8
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
class Estimate:
    """What is about to be asked.

    Attributes:
        captions: How many captions.
        requests: How many requests, those with a kept answer left out.
        kept: How many requests have a kept answer.
        input_tokens: Estimated tokens of the questions.
        output_tokens: Estimated tokens of the answers.
        cost: US dollars.
    """

    captions: int
    requests: int
    kept: int
    input_tokens: int
    output_tokens: int
    cost: float


def tokens_of(text: str) -> int:
    """Return the estimated number of tokens of a message.

    A rough upper figure for English: a token every four characters, or four thirds of one a word, if more.
    """
    return math.ceil(max(len(text) / CHARACTERS_A_TOKEN, len(text.split()) * 4 / 3)) + TOKENS_A_MESSAGE


def summed(captions: int, kept: int, pairs: Iterable[tuple[int, int]], prices: Prices) -> Estimate:
    """Return the estimate of requests given as (tokens of the question, tokens of the answer)."""
    listed = list(pairs)
    input_tokens = sum(given for given, _ in listed)
    output_tokens = sum(made for _, made in listed)
    cost = prices.cost(input_tokens, output_tokens)
    return Estimate(captions, len(listed), kept, input_tokens, output_tokens, cost)


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
