"""Wu-Palmer similarity of words, each of which has one or more senses.

>>> wu_palmer_of_words(["dog", "cat"], pos="n", how="first_sense").tolist() == [[1, 6 / 7], [6 / 7, 1]]
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.targets.taxonomy import Policy, TaxonomyIndex
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.wordnet.lexicon import POS_NAMES, WordPos
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import shown

SenseChoice = Literal["first_sense", "maximum", "expectation"]

_SENSE_ROWS = 512  # sense rows computed at a time: the block then stays in memory that is touched already


@dataclass(frozen=True, eq=False)
class WordSenses:
    """The senses of a list of words, one after another.

    Attributes:
        synsets: (senses,) int32.
        weights: (senses,) float64, adding up to 1 for each word.
        ptr: (words + 1,) int64 where each word's senses start.
    """

    synsets: np.ndarray
    weights: np.ndarray
    ptr: np.ndarray

    def __len__(self) -> int:
        return len(self.ptr) - 1

    @property
    def firsts(self) -> np.ndarray:
        """The first sense of each word, (words,) int32."""
        firsts: np.ndarray = self.synsets[self.ptr[:-1]]
        return firsts

    @classmethod
    def of(cls, words: Iterable[str], pos: WordPos, wordnet: WordNet | None = None) -> WordSenses:
        """Return the senses of words of one part of speech, weighted by how often they are used.

        A sense weighs (count + 1) / (sum of counts + number of senses), where the count is how often
        WordNet's sense-tagged texts have the sense.

        Args:
            words: Matched by `words.normalise`; no inflection is undone.
            pos: Part of speech of all words: n, v, a or r.
            wordnet: The tables; loaded if left out.

        Raises:
            InputError: A word without a sense of this part of speech, an empty list, or an unknown part of
                speech.

        >>> senses = WordSenses.of(["cat", "sofa"], "n")
        >>> senses.ptr.tolist(), senses.weights[-1].item()
        ([0, 8, 9], 1.0)
        """
        if pos not in get_args(WordPos):
            raise InputError(f"unknown part of speech {pos!r}", f"use one of {', '.join(POS_NAMES)}")
        if isinstance(words, str):
            raise InputError(f"{shown(words)} is one word, not a list", "write it in brackets: [word]")
        wordnet = wordnet or load_wordnet()
        senses = [_senses_of_word(wordnet, word, pos) for word in words]
        if not senses:
            raise InputError("the list of words is empty", "give at least one word")
        return cls.of_synsets([synsets for synsets, _ in senses], [counts for _, counts in senses])

    @classmethod
    def of_synsets(
        cls, synsets: Sequence[Sequence[int] | np.ndarray], counts: Sequence[np.ndarray] = ()
    ) -> WordSenses:
        """Return senses given as the synsets of each word, at least one, and how often each was tagged."""
        ptr = np.zeros(len(synsets) + 1, dtype=np.int64)
        np.cumsum([len(of_word) for of_word in synsets], out=ptr[1:])
        weights = np.concatenate(counts) + 1.0 if counts else np.ones(ptr[-1])
        totals = np.add.reduceat(weights, ptr[:-1])
        return cls(np.concatenate(synsets).astype(np.int32), weights / np.repeat(totals, np.diff(ptr)), ptr)


def wu_palmer_of_words(
    words_a: Iterable[str],
    words_b: Iterable[str] | None = None,
    *,
    pos: WordPos,
    how: SenseChoice = "maximum",
    policy: Policy = "symmetric",
) -> np.ndarray:
    """Return the Wu-Palmer similarity of every word of one list with every word of another.

    Args:
        words_a: n words, matched by `words.normalise`; no inflection is undone.
        words_b: m words; `words_a` again if left out.
        pos: Part of speech of all words: n, v, a or r (the last two under policy `nltk` only).
        how: What a word with several senses stands for. `first_sense`: WordNet's first. `maximum`: the
            most similar senses of the two words. `expectation`: the mean over both words' senses, each
            drawn on its own with its weight in `WordSenses.of`.
        policy: As in `wu_palmer_matrix`.

    Returns:
        (n, m) float64 in (0, 1]. Under `symmetric` symmetric for every `how`; a word has similarity 1 with
        itself under `first_sense` and `maximum`, less under `expectation` if it has several senses.

    Raises:
        InputError: A word without a sense of this part of speech, an empty list, an unknown choice, or
            policy `symmetric` with adjectives or adverbs.

    >>> wu_palmer_of_words(["couch"], ["sofa"], pos="n").item()
    1.0
    """
    rows = WordSenses.of(words_a, pos)
    return wu_palmer_of_senses(rows, rows if words_b is None else WordSenses.of(words_b, pos), how, policy)


def wu_palmer_of_senses(
    rows: WordSenses,
    cols: WordSenses,
    how: SenseChoice = "maximum",
    policy: Policy = "symmetric",
    *,
    taxonomy: TaxonomyIndex | None = None,
) -> np.ndarray:
    """Return the Wu-Palmer similarity of n words with m words, given by their senses, (n, m) float64.

    Args:
        rows: The senses of n words.
        cols: The senses of m words.
        how: As in `wu_palmer_of_words`.
        policy: As in `wu_palmer_matrix`.
        taxonomy: The taxonomy that the synsets are of; WordNet 3.0 if left out.

    Raises:
        InputError: An unknown choice, or as in `wu_palmer_matrix`.

    >>> cat, sofa = WordSenses.of(["cat"], "n"), WordSenses.of(["sofa"], "n")
    >>> wu_palmer_of_senses(cat, cat).item(), wu_palmer_of_senses(cat, sofa, "first_sense").item() == 1 / 3
    (1.0, True)
    """
    if how not in get_args(SenseChoice):
        raise InputError(
            f"unknown choice of senses {how!r}", f"use one of {', '.join(get_args(SenseChoice))}"
        )
    if how == "first_sense":
        return wu_palmer_matrix(rows.firsts, cols.firsts, policy, taxonomy=taxonomy)
    out, first = np.empty((len(rows), len(cols))), 0
    block = np.empty((0, len(cols.synsets)))
    while first < len(out):
        start = rows.ptr[first]
        last = max(first + 1, int(np.searchsorted(rows.ptr[1:], start + _SENSE_ROWS, side="right")))
        synsets = rows.synsets[start : rows.ptr[last]]
        if len(block) < len(synsets):
            block = np.empty((max(len(synsets), min(_SENSE_ROWS, len(rows.synsets))), len(cols.synsets)))
        scores = wu_palmer_matrix(synsets, cols.synsets, policy, out=block[: len(synsets)], taxonomy=taxonomy)
        part = WordSenses(synsets, rows.weights[start : rows.ptr[last]], rows.ptr[first : last + 1] - start)
        _REDUCTIONS[how](scores, part, cols, out[first:last])
        first = last
    return out


def first_senses(words: Iterable[str], pos: WordPos) -> np.ndarray:
    """Return the number of each word's first sense of a part of speech, int32 (n,).

    Raises:
        InputError: A word without such a sense, or an empty list.

    >>> first_senses(["dog"], "n").item() == load_wordnet().index("dog.n.01")
    True
    """
    return WordSenses.of(words, pos).firsts


@lru_cache(maxsize=1 << 17)
def _senses_of_word(wordnet: WordNet, word: str, pos: WordPos) -> tuple[tuple[int, ...], np.ndarray]:
    synsets = wordnet.synsets(word, pos)
    if synsets:
        return synsets, wordnet.sense_counts(word, pos)
    others = [name for other, name in POS_NAMES.items() if wordnet.synsets(word, other)]
    remedy = "leave it out, or check its spelling"
    if base := wordnet.morphy(word, pos):
        remedy = f"give its base form, as in {wordnet.name(base[0])}"
    elif others:
        remedy = f"WordNet knows it as {' and '.join(others)}: leave it out, or ask with another pos"
    raise InputError(f"WordNet has no {POS_NAMES[pos]} {shown(word)}", remedy)


def _maximum(scores: np.ndarray, rows: WordSenses, cols: WordSenses, out: np.ndarray) -> None:
    from lexclip_core.targets.kernels import largest_of_senses

    largest_of_senses(scores, rows.ptr, cols.ptr, out)


def _expectation(scores: np.ndarray, rows: WordSenses, cols: WordSenses, out: np.ndarray) -> None:
    from lexclip_core.targets.kernels import expected_of_senses

    expected_of_senses(scores, rows.ptr, rows.weights, cols.ptr, cols.weights, out)


_REDUCTIONS: dict[SenseChoice, Callable[[np.ndarray, WordSenses, WordSenses, np.ndarray], None]] = {
    "maximum": _maximum,
    "expectation": _expectation,
}
