"""The registry of providers: what can make paraphrases, what each needs, and how it is built.

A provider is one entry of `PROVIDERS`; the command, the settings of a training and its material take it from
here by its name. Importing this module is cheap: a provider's library is imported when it is built.

>>> with open_provider("rules", ProviderOptions(seed=1)) as provider:
...     provider.name
'rules, seed 1'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.limits import Prices, RateLimits

if TYPE_CHECKING:
    from lexclip_core.paraphrase.provider import Caption, Provider


@dataclass(frozen=True)
class ProviderOptions:
    """What providers are built from; each reads what it needs.

    Attributes:
        seed: Of what rules and siblings choose, and a local model draws.
        among: The captions that siblings are taken from; those that are paraphrased if left out.
        model: Model of a chat service, or folder or name of a local model; "" is the default.
        base_url: A chat service; "" is OpenAI's.
        settings: Settings of a model by name, such as temperature; None leaves one to the service.
        answers: The file of a model's answers; None is the one in the cache.
        limits: How fast a service is asked.
        prices: What it costs and may cost.
    """

    seed: int = 0
    among: Sequence[Caption] = ()
    model: str = ""
    base_url: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    answers: Path | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    prices: Prices = field(default_factory=Prices)

    @property
    def answer_file(self) -> Path:
        """The file of a model's answers."""
        return self.answers or storage.cache_folder() / "paraphrases" / "answers.jsonl"


@dataclass(frozen=True)
class ProviderEntry:
    """One kind of provider.

    Attributes:
        meaning: What makes the paraphrases.
        needs: What must be there for it.
        make: Builds it; what it opens is closed with the stack.
        beforehand: Whether its records are made by `lexclip paraphrase` and not within a training.
    """

    meaning: str
    needs: str
    make: Callable[[ProviderOptions, ExitStack], Provider]
    beforehand: bool = False


def _rules(options: ProviderOptions, _: ExitStack) -> Provider:
    from lexclip_core.paraphrase.rules import RuleProvider

    return RuleProvider(options.seed)


def _siblings(options: ProviderOptions, _: ExitStack) -> Provider:
    from lexclip_core.paraphrase.rules import SiblingProvider

    return SiblingProvider(options.seed, options.among)


def _siblings_rules(options: ProviderOptions, _: ExitStack) -> Provider:
    from lexclip_core.paraphrase.rules import SiblingRuleProvider

    return SiblingRuleProvider(options.seed, options.among)


def _local(options: ProviderOptions, stack: ExitStack) -> Provider:
    from lexclip_core.paraphrase.local_model import LocalModel, LocalProvider
    from lexclip_core.paraphrase.provider import answer_log

    settings = {name: value for name, value in options.settings.items() if value is not None}
    model = LocalModel(options.model, seed=options.seed, **settings)
    return LocalProvider(model, stack.enter_context(answer_log(options.answer_file)))


def _chat(options: ProviderOptions, stack: ExitStack) -> Provider:
    from lexclip_core.paraphrase.chat import DEFAULT_MODEL, DEFAULT_URL, ChatModel, ChatProvider
    from lexclip_core.paraphrase.provider import answer_log

    try:
        urlsplit(options.base_url)
    except ValueError as error:
        problem = f"{options.base_url!r} is not an address of a service: {error}"
        raise InputError(problem, "give one such as https://host/v1") from error
    model = ChatModel(options.base_url or DEFAULT_URL, options.model or DEFAULT_MODEL, **options.settings)
    store = stack.enter_context(answer_log(options.answer_file))
    provider = ChatProvider(model, store, limits=options.limits, prices=options.prices)
    return provider


PROVIDERS: Mapping[str, ProviderEntry] = MappingProxyType(
    {
        "rules": ProviderEntry("rules of English and WordNet", "nothing", _rules),
        "siblings": ProviderEntry(
            "two other captions of the picture", "three captions of each picture", _siblings
        ),
        "siblings-rules": ProviderEntry(
            "another caption of the picture, and that one by rules",
            "two captions of each picture",
            _siblings_rules,
        ),
        "local": ProviderEntry(
            "a causal language model on this machine",
            "a folder with config, tokenizer and safetensors, or a name on the hub",
            _local,
            beforehand=True,
        ),
        "chat": ProviderEntry(
            "a service that speaks OpenAI's chat protocol",
            "its address, and a key in OPENAI_API_KEY if it is OpenAI's own",
            _chat,
            beforehand=True,
        ),
    }
)
"""Name -> provider."""


@contextmanager
def open_provider(name: str, options: ProviderOptions) -> Iterator[Provider]:
    """Yield a provider by its name, and close at the end what it opened.

    Raises:
        InputError: An unknown provider, or options that it cannot use.
        MissingResourceError: A model is not there.
        StorageError: The file of answers cannot be opened.
    """
    if name not in PROVIDERS:
        renamed = "it is called 'chat' now; " if name == "openai" else ""
        raise InputError(f"unknown provider {name!r}", f"{renamed}choose one of {', '.join(PROVIDERS)}")
    with ExitStack() as stack:
        yield PROVIDERS[name].make(options, stack)
