"""Texts -> token ids at their true length: no padding, cut where the tower's context ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from lexclip_core.errors import InputError

Ids = tuple[int, ...]

_LARGEST_CACHE = 200_000

logger = logging.getLogger(__name__)


def checked_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list after checking that there are some and that each is a string.

    Raises:
        InputError: A bare string, an empty list, or an element that is no string.
    """
    if isinstance(texts, str):
        raise InputError(
            f"expected a list of texts, got the single text {texts[:60]!r}", "put it in a list: [text]"
        )
    checked = list(texts)
    if not checked:
        raise InputError(
            "there is no text to encode: the list is empty", "give at least one word or sentence"
        )
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            raise InputError(
                f"text number {index} is {type(text).__name__} {str(text)[:60]!r}, not a string",
                "drop it or turn it into a string",
            )
    return checked


class TextTokenizer:
    """A tokenizer that returns plain id tuples and remembers the texts it has seen.

    Args:
        encode: Texts -> untruncated id lists, start and end tokens included.
        context_length: Longest list of ids the tower takes.
        name: What the tokenizer is, for provenance.
    """

    def __init__(
        self, encode: Callable[[list[str]], Sequence[Sequence[int]]], *, context_length: int, name: str
    ) -> None:
        self._encode = encode
        self._seen: dict[str, Ids] = {}
        self.context_length = context_length
        self.name = name

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, cut to the context length with the end token kept.

        A warning says how many of the texts were cut.
        """
        wanted = dict.fromkeys(texts)
        fresh = [text for text in wanted if text not in self._seen]
        if len(self._seen) + len(fresh) > _LARGEST_CACHE:
            self._seen = {}
            fresh = list(wanted)
        if fresh:
            self._seen |= {text: tuple(ids) for text, ids in zip(fresh, self._encode(fresh), strict=True)}
        seen = self._seen
        cut = sum(len(seen[text]) > self.context_length for text in wanted)
        if cut:
            logger.warning(
                "%d of %d texts are longer than %d tokens and were cut", cut, len(wanted), self.context_length
            )
        return [self._cut(seen[text]) for text in texts]

    def _cut(self, ids: Ids) -> Ids:
        if len(ids) <= self.context_length:
            return ids
        return (*ids[: self.context_length - 1], ids[-1])
