"""What every provider of paraphrases is, what it takes and what it gives back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lexclip_core import storage
from lexclip_core.pairs.records import RELEASED_WORDS, ParaphraseRecord, has_words

Step = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and the picture it belongs to ("" where there is none)."""

    text: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A caption that got no record, and why; ask again with the same caption to retry it.

    Attributes:
        caption: What was asked for.
        step: The step that failed: 1, caption to paraphrase, or 2, paraphrase to paraphrase.
        reason: What a person can read.
    """

    caption: Caption
    step: Step
    reason: str


Outcome = ParaphraseRecord | Failure


class Provider(Protocol):
    """Anything that paraphrases captions in two steps."""

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance; no key, no password."""

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome a caption, in the order given."""


@dataclass(frozen=True)
class Made:
    """What came of some captions.

    Attributes:
        records: The complete records, in the order of the captions.
        failures: Captions without a record.
        filtered: Captions that were too short or too long to be asked for.
    """

    records: tuple[ParaphraseRecord, ...]
    failures: tuple[Failure, ...] = ()
    filtered: tuple[Caption, ...] = field(default=())


def make_records(
    captions: Iterable[Caption], provider: Provider, words: tuple[int, int] = RELEASED_WORDS
) -> Made:
    """Paraphrase the captions that have from `words[0]` to `words[1]` words.

    Raises:
        InputError: The bounds are not 1 <= fewest <= most.
        LexclipError: What the provider raises where it cannot work at all.
    """
    asked: list[Caption] = []
    filtered: list[Caption] = []
    for caption in captions:
        (asked if has_words(caption.text, words) else filtered).append(caption)
    records: list[ParaphraseRecord] = []
    failures: list[Failure] = []
    made = provider.paraphrase(asked) if asked else iter(())
    for outcome in storage.progress(made, total=len(asked), desc="paraphrases"):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            records.append(outcome)
    return Made(tuple(records), tuple(failures), tuple(filtered))
