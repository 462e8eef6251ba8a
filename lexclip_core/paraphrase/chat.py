"""Paraphrases by any service that speaks OpenAI's chat protocol, resumable, within a budget.

Nothing is asked twice: an answer is on the disk before it is used, under the sha256 of service, model,
settings and prompt. Run again after a kill, a failure or with more captions, only what is missing is asked.

The service is not trusted: an answer is bounded in bytes and in seconds, no redirect is followed, and what it
says is shown and stored without the key, even where it sends the key back.
"""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from lexclip_core import storage
from lexclip_core.cache import AppendLog, content_key
from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.paraphrase.limits import (
    TOKENS_PER_MESSAGE,
    CostEstimate,
    Pace,
    Prices,
    RateLimits,
    RetriesExhausted,
    RetryLater,
    Spending,
    tokens_of,
    with_retries,
)
from lexclip_core.paraphrase.provider import (
    STEPS,
    Answer,
    Caption,
    Failure,
    Outcome,
    Step,
    clean_reply,
    prompt,
)
from lexclip_core.paraphrase.records import ParaphraseRecord

DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-3.5-turbo-0301"
LARGEST_ANSWER = 4 << 20
"""Most bytes of an answer; what is longer is refused as it comes."""

_SHOWN = 200
_SECRET = 6  # letters of the shortest secret that is looked for in texts: shorter ones stand in words


@dataclass(frozen=True)
class ChatModel:
    """Which model answers, and how.

    The defaults are the paper's (appendix A) and its released script's; a setting of None is not sent, for
    models that refuse it.

    Attributes:
        base_url: The service, up to the version.
        model: The model's name there.
        temperature: Randomness.
        top_p: Share of probability that is drawn from.
        max_tokens: Longest answer.
        key_variable: The environment variable that holds the key, which goes to the service and nowhere else.
    """

    base_url: str = DEFAULT_URL
    model: str = DEFAULT_MODEL
    temperature: float | None = 1.0
    top_p: float | None = 0.1
    max_tokens: int | None = 512
    key_variable: str = "OPENAI_API_KEY"

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"no service at {self.shown_url!r}", f"give a URL such as {DEFAULT_URL}")
        if not self.model:
            raise InputError("no model is named", "name one that the service knows")

    @property
    def shown_url(self) -> str:
        """The service, without a name or password that its URL may have."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    def sent(self) -> dict[str, Any]:
        """Return the settings as the protocol names them."""
        names = ("model", "temperature", "top_p", "max_tokens")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class _Reply(NamedTuple):
    """What came back: the whole body, and of an error its status, reason and Retry-After."""

    body: bytes
    status: int = 200
    reason: str = ""
    retry_after: str = ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow nothing: the key would go along."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request to follow with."""


class ChatService:
    """A service that answers one question at a time; safe under threads.

    Args:
        model: Which model, and how it is asked.
        timeout: Seconds after which a request is given up, whatever has come by then.

    Raises:
        MissingResourceError: OpenAI's own service is asked and no key is in the environment.
        InputError: The key has characters that no key has, such as a line break.
    """

    def __init__(self, model: ChatModel, timeout: float) -> None:
        self.model, self._timeout = model, timeout
        key = os.environ.get(model.key_variable, "")
        if not key and model.shown_url == DEFAULT_URL:
            problem = f"{model.shown_url} wants a key, and {model.key_variable} is not set in the environment"
            raise MissingResourceError(problem, "set it, or name another service")
        if not (key.isascii() and key.isprintable()) or " " in key:
            problem = f"{model.key_variable} has characters that no key has"
            raise InputError(problem, "set it to the key alone")
        address = urlsplit(model.base_url)
        login = f"{unquote(address.username or '')}:{unquote(address.password or '')}"
        basic = base64.b64encode(login.encode()).decode()
        self._secrets = [one for one in (key, unquote(address.password or ""), basic) if len(one) >= _SECRET]
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if address.username:
            self._headers["Authorization"] = f"Basic {basic}"
        elif key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, question: str) -> Answer:
        """Return the answer to one question.

        Raises:
            RetryLater: The service is busy or broken, or what it sent is not a whole answer.
            RetriesExhausted: The service refuses this question.
            LexclipError: The service refuses the key, the model or the settings.
        """
        asked = {"messages": [{"role": "user", "content": question}], **self.model.sent()}
        reply = self._within_time(json.dumps(asked).encode())
        if reply.status != http.HTTPStatus.OK:
            raise self._refusal(reply)
        answer = _answer(reply.body, question)
        return replace(answer, text=self._redacted(answer.text), finish=self._redacted(answer.finish))

    def _within_time(self, body: bytes) -> _Reply:
        """Return the reply to a request; one that takes too long is left to a thread that holds up nobody."""
        done: Future[_Reply] = Future()

        def work() -> None:
            try:
                done.set_result(self._post(body))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            return done.result(self._timeout)
        except TimeoutError:
            raise RetryLater(f"no whole answer within {self._timeout:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise RetryLater(f"no answer: {self._shown(str(error))}") from None

    def _post(self, body: bytes) -> _Reply:
        ends = time.monotonic() + self._timeout
        url = f"{self.model.shown_url}/chat/completions"
        request = urllib.request.Request(url, body, self._headers, method="POST")
        try:
            answer: Any = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            answer = error  # which is a reply as well
        with answer:
            content, stated = bytearray(), answer.headers.get("Content-Length")
            while chunk := answer.read1(1 << 16):
                content += chunk
                if len(content) > LARGEST_ANSWER or time.monotonic() > ends:
                    raise OSError(f"the answer has more than {LARGEST_ANSWER:,} bytes, or comes too slowly")
            if stated and stated.isdecimal() and len(content) < int(stated):
                raise OSError("the answer is cut off")
            wait = answer.headers.get("Retry-After") or ""
            return _Reply(bytes(content), answer.status, str(answer.reason or ""), wait)

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text

    def _shown(self, text: str) -> str:
        """Return what a service said, short, printable and without the key."""
        return "".join(one if one.isprintable() else " " for one in self._redacted(text))[:_SHOWN]

    def _refusal(self, reply: _Reply) -> Exception:
        status = reply.status
        where = f"{self.model.shown_url} ({f'{status} {self._shown(reply.reason)}'.strip()})"
        try:
            stated = json.loads(reply.body)["error"]
            message, code, param = (stated.get(name) for name in ("message", "code", "param"))
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            message = code = param = None
        if status in (401, 403):
            return LexclipError(f"{where} refuses the key", f"look at {self.model.key_variable}")
        if status == 404:
            problem = f"{where} knows no model {self.model.model!r}"
            return LexclipError(problem, "look at the URL and the model")
        if 300 <= status < 400:
            return LexclipError(f"{where} sends elsewhere, which is not followed", "give the address itself")
        if code == "insufficient_quota":
            return LexclipError(f"{where}: the account has no money left", "top it up and run again")
        if isinstance(param, str) and param in self.model.sent():
            return LexclipError(f"{where} refuses {param}", "set it to another value, or to none")
        if status in (408, 409, 429) or status >= 500:
            return RetryLater(where, retry_after(reply.retry_after))
        return RetriesExhausted(f"{where}: {self._shown(str(message or ''))}")


def retry_after(header: str) -> float:
    """Return the seconds that a Retry-After header asks for, given as seconds or as a date; 0 for neither."""
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return 0.0


def _answer(body: bytes, question: str) -> Answer:
    try:
        reply = json.loads(body)
        choice = reply["choices"][0]
        finish, text = str(choice.get("finish_reason") or ""), choice["message"].get("content")
        usage = reply.get("usage") or {}
        counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise RetryLater("the answer is not JSON of the chat protocol") from None
    if finish not in ("content_filter", "length") and not (isinstance(text, str) and clean_reply(text)):
        raise RetryLater("the answer is empty")
    text = text if isinstance(text, str) else ""
    return Answer(
        text, finish, _count(counts[0]) or tokens_of(question), _count(counts[1]) or tokens_of(text)
    )


def _count(tokens: object) -> int:
    """Return a count that a service states, 0 where it is none or absurd."""
    return tokens if type(tokens) is int and 0 < tokens <= LARGEST_ANSWER else 0


class ChatProvider:
    """Paraphrases by a chat service.

    Args:
        model: Which model, and how it is asked.
        store: Where answers are stored, an `answer_log`.
        limits: How fast, how often, how long; started by torchrun, all processes together are as fast.
        prices: What it costs and may cost; each process may spend its part of the budget.
        sleep: Waits so many seconds; by default a wait that ends when the work is broken off.
    """

    def __init__(
        self,
        model: ChatModel,
        store: AppendLog,
        *,
        limits: RateLimits | None = None,
        prices: Prices | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.model, self.store = model, store
        self.limits, self.prices = limits or RateLimits(), prices or Prices()
        processes = storage.processes()[1]  # that share the budget and the pace
        self.spending = Spending(replace(self.prices, budget=self.prices.budget / processes))
        self._stop, self._checked = threading.Event(), False
        self._sleep = sleep or self._stop.wait
        self._pace = Pace(self.limits.requests_per_minute / processes, sleep=self._sleep)
        self._service: ChatService | None = None  # an estimate needs neither key nor connection

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance: service, model, settings; never the key."""
        settings = {name: value for name, value in self.model.sent().items() if name != "model"}
        listed = ", ".join(f"{name} {value}" for name, value in settings.items())
        return f"{self.model.model} at {self.model.shown_url}, {listed}".rstrip(", ")

    def estimate(self, captions: Sequence[Caption]) -> CostEstimate:
        """Return what paraphrasing would ask and cost now; stored answers and equal captions cost once.

        A first paraphrase that is not known yet is taken to be as long as its caption.
        """
        cached: set[str] = set()
        asked: dict[str, tuple[int, int]] = {}
        for text in dict.fromkeys(caption.text for caption in captions):
            first = self.store.get(self._key(1, text))
            for step, given in zip(STEPS, (text, clean_reply(first["text"]) if first else text), strict=True):
                key = self._key(step, given)
                if key in self.store:
                    cached.add(key)
                else:
                    asked[key] = (tokens_of(prompt(step, given)), tokens_of(given) - TOKENS_PER_MESSAGE)
        return CostEstimate.of(len(captions), len(cached), asked.values(), self.prices)

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome per caption, in order, as answers come in.

        A failed request fails its caption alone and is not stored, so that the next run asks again. Leaving
        the iterator early lets the requests under way end, and stores their answers.

        Raises:
            InputError: The estimate is above the budget; nothing was asked.
            MissingResourceError: OpenAI's own service is asked and no key is in the environment.
            LexclipError: The service refuses the key, the model or the settings.
            StorageError: An answer cannot be stored.
        """
        if not self._checked:
            self.check_budget(captions)
        self._service = self._service or ChatService(self.model, self.limits.timeout)
        self._stop.clear()
        pool = ThreadPoolExecutor(self.limits.concurrency)
        under_way: deque[Future[Outcome]] = deque()
        try:
            for caption in captions:
                under_way.append(pool.submit(self._both_steps, caption))
                if len(under_way) >= 4 * self.limits.concurrency:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def check_budget(self, captions: Sequence[Caption]) -> None:
        """Compare the estimate with the budget, once for all captions that come in parts.

        Raises:
            InputError: The estimate is above the budget.
        """
        self._checked = True
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
            except (RetryLater, RetriesExhausted) as error:
                return Failure(caption, step, str(error))
            made.append(text)
        return ParaphraseRecord(caption.image, caption.text, *made)

    def _answered(self, step: Step, text: str) -> str:
        question = prompt(step, text)

        def ask() -> dict[str, Any]:
            return asdict(with_retries(lambda: self._ask(question), self.limits, self._pace, self._sleep))

        answer = Answer(**self.store.once(self._key(step, text), ask))
        if answer.finish not in ("stop", ""):
            raise RetriesExhausted(
                f"the answer ended early ({answer.finish}); it is stored: change a setting to ask anew"
            )
        return clean_reply(answer.text)

    def _key(self, step: Step, text: str) -> str:
        question = {**self.model.sent(), "prompt": prompt(step, text)}
        return content_key({"provider": f"chat {self.model.shown_url}", **question})

    def _ask(self, question: str) -> Answer:
        if self._stop.is_set() or self._service is None:
            raise RetriesExhausted("the work was broken off")
        if self.spending.exhausted:
            raise RetriesExhausted(f"the budget of {self.prices.budget:.2f} USD is spent")
        answer = self._service.ask(question)
        self.spending.add(answer.input_tokens, answer.output_tokens)
        return answer
