"""One question to a service that speaks OpenAI's chat protocol, through the official client."""

from __future__ import annotations

import email.utils
import json
import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import openai

from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.paraphrase.answers import Answer
from lexclip_core.paraphrase.cost import tokens_of
from lexclip_core.paraphrase.replies import spoken
from lexclip_core.paraphrase.traffic import GivenUp, TryAgain

DEFAULT_URL = "https://api.openai.com/v1"
_SHOWN = 200


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
    model: str = "gpt-3.5-turbo-0301"
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
        """The service, without a name or password that its URL may hold."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    def sent(self) -> dict[str, Any]:
        """Return the settings as the protocol names them."""
        settings = {
            "model": self.model,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        return {name: value for name, value in settings.items() if value is not None}


class ChatService:
    """A service that answers one question at a time; safe under threads.

    Args:
        model: Which model, and how it is asked.
        timeout: Seconds of silence after which a request is given up.

    Raises:
        MissingResourceError: OpenAI's own service is asked and no key is in the environment.
    """

    def __init__(self, model: ChatModel, timeout: float) -> None:
        self.model = model
        key = os.environ.get(model.key_variable, "")
        if not key and model.shown_url == DEFAULT_URL:
            raise MissingResourceError(
                f"{model.shown_url} wants a key, and {model.key_variable} is not set in the environment",
                "set it, or name another service",
            )
        # Retries are ours: the client's own would neither keep to the pace nor show in the count.
        self._client = openai.OpenAI(
            api_key=key or "none", base_url=model.base_url, max_retries=0, timeout=timeout
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, question: str) -> Answer:
        """Return the answer to one question.

        Raises:
            TryAgain: The service is busy or broken, or what it sent is no whole answer.
            GivenUp: The service refuses this question.
            LexclipError: The service refuses the key, the model or the settings.
        """
        try:
            reply = self._client.chat.completions.create(
                messages=[{"role": "user", "content": question}], **self.model.sent()
            )
        except openai.APIStatusError as error:
            raise self._refusal(error) from None  # the cause would show the request with its headers
        except openai.APIConnectionError as error:
            raise TryAgain(f"no answer: {error.message}") from None
        except (openai.APIError, json.JSONDecodeError, UnicodeDecodeError):
            raise TryAgain("what came is no JSON of the chat protocol") from None
        return _answer(reply, question)

    def _refusal(self, error: openai.APIStatusError) -> Exception:
        status, where = error.status_code, f"{self.model.shown_url} ({status_text(error)})"
        if status in (401, 403):
            return LexclipError(f"{where} refuses the key", f"look at {self.model.key_variable}")
        if status == 404:
            return LexclipError(
                f"{where} knows no model {self.model.model!r}", "look at the URL and the model"
            )
        if error.code == "insufficient_quota":
            return LexclipError(f"{where}: the account has no money left", "top it up and run again")
        if error.param in self.model.sent():
            return LexclipError(f"{where} refuses {error.param}", "set it to another value, or to none")
        if status in (408, 409, 429) or status >= 500:
            return TryAgain(where, retry_after(error.response.headers.get("retry-after", "")))
        return GivenUp(f"{where}: {error.message[:_SHOWN]}")


def status_text(error: openai.APIStatusError) -> str:
    """Return the status as people know it: "429 Too Many Requests"."""
    return f"{error.status_code} {error.response.reason_phrase}".strip()


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


def _answer(reply: Any, question: str) -> Answer:
    choices = getattr(reply, "choices", None)
    if not choices:
        raise TryAgain("the answer holds no choices")
    finish = getattr(choices[0], "finish_reason", None) or ""
    text = getattr(getattr(choices[0], "message", None), "content", None)
    if finish not in ("content_filter", "length") and not (isinstance(text, str) and spoken(text)):
        raise TryAgain("the answer is empty")
    text = text if isinstance(text, str) else ""
    usage = getattr(reply, "usage", None)
    return Answer(
        text,
        str(finish),
        getattr(usage, "prompt_tokens", None) or tokens_of(question),
        getattr(usage, "completion_tokens", None) or tokens_of(text),
    )
