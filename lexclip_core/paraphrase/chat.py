"""Paraphrases by any service that speaks OpenAI's chat protocol, resumable, within a budget.

Nothing is asked twice: an answer is on the disk before it is used, under the sha256 of service, model,
settings and prompt. Run again after a kill, a failure or with more captions, only what is missing is asked.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from lexclip_core.errors import InputError
from lexclip_core.pairs.records import ParaphraseRecord
from lexclip_core.paraphrase.answers import Answer, AnswerStore, key_of
from lexclip_core.paraphrase.chat_service import ChatModel, ChatService
from lexclip_core.paraphrase.cost import TOKENS_A_MESSAGE, Estimate, Prices, Spending, summed, tokens_of
from lexclip_core.paraphrase.prompts import prompt
from lexclip_core.paraphrase.provider import Caption, Failure, Outcome, Step
from lexclip_core.paraphrase.replies import spoken
from lexclip_core.paraphrase.traffic import GivenUp, Pace, Traffic, TryAgain, with_attempts

STEPS: tuple[Step, ...] = (1, 2)


class ChatProvider:
    """Paraphrases by a chat service.

    Args:
        model: Which model, and how it is asked.
        store: Where answers are kept.
        traffic: How fast, how often, how long.
        prices: What it costs and may cost.
        sleep: Waits so many seconds; by default a wait that ends when the work is broken off.
    """

    def __init__(
        self,
        model: ChatModel,
        store: AnswerStore,
        *,
        traffic: Traffic | None = None,
        prices: Prices | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.model, self.store = model, store
        self.traffic, self.prices = traffic or Traffic(), prices or Prices()
        self.spending = Spending(self.prices)
        self._stop = threading.Event()
        self._sleep = sleep or self._stop.wait
        self._pace = Pace(self.traffic.requests_per_minute, sleep=self._sleep)
        self._service: ChatService | None = None  # an estimate needs neither key nor connection

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance: service, model, settings; never the key."""
        settings = {name: value for name, value in self.model.sent().items() if name != "model"}
        listed = ", ".join(f"{name} {value}" for name, value in settings.items())
        return f"{self.model.model} at {self.model.shown_url}, {listed}".rstrip(", ")

    def estimate(self, captions: Sequence[Caption]) -> Estimate:
        """Return what paraphrasing would ask and cost now; kept answers and equal captions cost once.

        A first paraphrase that is not known yet is taken to be as long as its caption.
        """
        kept: set[str] = set()
        asked: dict[str, tuple[int, int]] = {}
        for text in dict.fromkeys(caption.text for caption in captions):
            first = self.store.get(self._key(1, text))
            for step, given in zip(STEPS, (text, spoken(first.text) if first else text), strict=True):
                key = self._key(step, given)
                if key in self.store:
                    kept.add(key)
                else:
                    asked[key] = (tokens_of(prompt(step, given)), tokens_of(given) - TOKENS_A_MESSAGE)
        return summed(len(captions), len(kept), asked.values(), self.prices)

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome a caption, in order, as answers come in.

        A failed request fails its caption alone and is not kept, so that the next run asks again. Leaving the
        iterator early lets the requests under way end, and keeps their answers.

        Raises:
            InputError: The estimate is above the budget; nothing was asked.
            MissingResourceError: OpenAI's own service is asked and no key is in the environment.
            LexclipError: The service refuses the key, the model or the settings.
            StorageError: An answer cannot be kept.
        """
        self._check_budget(captions)
        self._service = self._service or ChatService(self.model, self.traffic.timeout)
        self._stop.clear()
        pool = ThreadPoolExecutor(self.traffic.concurrency)
        under_way: deque[Future[Outcome]] = deque()
        try:
            for caption in captions:
                under_way.append(pool.submit(self._both_steps, caption))
                if len(under_way) >= 4 * self.traffic.concurrency:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Close the connections to the service; the store is its owner's to close."""
        if self._service is not None:
            self._service.close()

    def _check_budget(self, captions: Sequence[Caption]) -> None:
        if self.prices.budget == math.inf:
            return
        estimate = self.estimate(captions)
        if self.spending.cost + estimate.cost > self.prices.budget:
            raise InputError(
                f"{estimate.requests:,} requests are estimated to cost {estimate.cost:.2f} USD, "
                f"with a budget of {self.prices.budget:.2f} USD",
                "give fewer captions or a larger budget",
            )

    def _both_steps(self, caption: Caption) -> Outcome:
        text = caption.text
        made: list[str] = []
        for step in STEPS:
            try:
                text = self._answered(step, text)
            except (TryAgain, GivenUp) as error:
                return Failure(caption, step, error.reason)
            made.append(text)
        return ParaphraseRecord(caption.image, caption.text, *made)

    def _answered(self, step: Step, text: str) -> str:
        question = prompt(step, text)
        answer = self.store.answer(
            self._key(step, text),
            lambda: with_attempts(lambda: self._ask(question), self.traffic, self._pace, self._sleep),
        )
        if answer.finish not in ("stop", ""):
            raise GivenUp(
                f"the answer ended early ({answer.finish}); it is kept: change a setting to ask anew"
            )
        return spoken(answer.text)

    def _key(self, step: Step, text: str) -> str:
        question = {**self.model.sent(), "prompt": prompt(step, text)}
        return key_of({"provider": f"chat {self.model.shown_url}", **question})

    def _ask(self, question: str) -> Answer:
        if self._stop.is_set() or self._service is None:
            raise GivenUp("the work was broken off")
        if self.spending.exhausted:
            raise GivenUp(f"the budget of {self.prices.budget:.2f} USD is spent")
        answer = self._service.ask(question)
        self.spending.add(answer.input_tokens, answer.output_tokens)
        return answer
