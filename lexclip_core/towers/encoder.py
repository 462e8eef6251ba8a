"""What measurements need of a tower: a function from texts to unit rows, and one that encodes a text once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

import numpy as np

from lexclip_core.errors import InputError

logger = logging.getLogger(__name__)

Unknown = Callable[[Sequence[str]], Collection[str]]
"""Texts -> those of which an encoder knows no word: `Tower.unknown_texts` is one."""


def counted(items: Sequence[Sequence[str]], unknown: Unknown, what: str) -> np.ndarray:
    """Return which items are counted, (n,) bool: those of whose texts an encoder knows each.

    A warning says how many are not: static vectors have one row for all words that they do not know.

    Args:
        items: The texts of each item, such as both words of a pair.
        unknown: Tells the texts without a vector.
        what: What the items are, in the plural.

    >>> counted([("hot", "cold"), ("hot", "wug")], lambda texts: {"wug"}, "pairs").tolist()
    [True, False]
    """
    missing = frozenset(unknown(list(dict.fromkeys(text for texts in items for text in texts))))
    known = np.array([missing.isdisjoint(texts) for texts in items], bool)
    if not known.all():
        message = "%s of %s %s have a word without a vector and are not counted"
        logger.warning(message, f"{np.sum(~known):,}", f"{len(known):,}", what)
    return known


class Encoder(Protocol):
    """Any function from n texts to their embeddings, float32 unit rows (n, dim): `Tower.encode_texts` is one.

    >>> def lengths(texts: Sequence[str]) -> np.ndarray:
    ...     return np.eye(2, dtype=np.float32)[[len(text) % 2 for text in texts]]
    >>> encode: Encoder = lengths
    """

    def __call__(self, texts: Sequence[str], /) -> np.ndarray:
        """Return the unit rows of texts, float32 (len(texts), dim), in their order."""
        ...


class TextRows:
    """An encoder that remembers: a text is encoded once, and all that are new in one call.

    Args:
        encode: What encodes new texts, such as `Tower.encode_texts`.
        texts: Texts that will be asked for; they are encoded together, when the first text is asked for.

    >>> def encode(texts):
    ...     print("encoding", *texts)
    ...     return np.eye(3, dtype=np.float32)[[len(text) for text in texts]]
    >>> rows = TextRows(encode, ["a", "ab"])
    >>> rows(["ab"]).tolist()
    encoding a ab
    [[0.0, 0.0, 1.0]]
    >>> rows(["a", "ab"]).argmax(axis=1).tolist()
    [1, 2]
    """

    def __init__(self, encode: Encoder, texts: Iterable[str] = ()) -> None:
        self._encode = encode
        self._waiting = dict.fromkeys(texts)
        self._places: dict[str, int] = {}
        self._rows: np.ndarray | None = None

    @classmethod
    def known(cls, texts: Sequence[str], rows: np.ndarray) -> TextRows:
        """Return an encoder of texts whose rows are at hand; it refuses all others.

        Args:
            texts: Different texts.
            rows: Their unit rows, (len(texts), dim).

        Raises:
            InputError: The rows are not one for each text.

        >>> TextRows.known(["a", "b"], np.eye(2))(["b"]).tolist()
        [[0.0, 1.0]]
        """
        known = cls(_refuse)
        known._learn(list(texts), rows)
        return known

    def __len__(self) -> int:
        """How many different texts there are."""
        return len(self._places) + len(self._waiting)

    def __call__(self, texts: Sequence[str], /) -> np.ndarray:
        """Return the unit rows of texts, (len(texts), dim).

        Raises:
            InputError: There are no texts, or the encoder did not give one row for each.
        """
        new = [text for text in dict.fromkeys([*self._waiting, *texts]) if text not in self._places]
        if new:
            self._learn(new, self._encode(new))
            self._waiting.clear()
        if self._rows is None or not len(texts):
            raise InputError("no texts were given", "give at least one")
        return self._rows[[self._places[text] for text in texts]]

    def _learn(self, texts: list[str], encoded: np.ndarray) -> None:
        rows = np.asarray(encoded)
        if rows.ndim != 2 or len(rows) != len(texts):
            problem = f"the encoder gave shape {rows.shape} for {len(texts)} texts"
            raise InputError(problem, "give one unit row per text")
        self._places |= {text: len(self._places) + place for place, text in enumerate(texts)}
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])


def _refuse(texts: Sequence[str], /) -> np.ndarray:
    raise InputError(f"the row of {texts[0]!r} is not known", "ask for one of the texts that were encoded")
