"""Wu-Palmer similarity of words, each of which has one or more senses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.synsets import WordNet, load_wordnet
from lexclip_core.targets.compiled import compiled
from lexclip_core.targets.taxonomy_index import Policy
from lexclip_core.targets.wu_palmer import wu_palmer
from lexclip_core.words import shown

WordPos = Literal["n", "v", "a", "r"]
SenseChoice = Literal["first_sense", "maximum", "expectation"]

_NAMES: dict[WordPos, str] = {"n": "noun", "v": "verb", "a": "adjective", "r": "adverb"}
_SENSE_ROWS = 512  # sense rows computed at a time: the block then stays in memory that is touched already


@dataclass(frozen=True, eq=False)
class _Senses:
    """The senses of a list of words, one after another.

    Attributes:
        synsets: (senses,) int32.
        weights: (senses,) float64, adding up to 1 for each word.
        ptr: (words + 1,) int64 where each word's senses start.
    """

    synsets: np.ndarray
    weights: np.ndarray
    ptr: np.ndarray


def word_similarity(
    words_a: Iterable[str],
    words_b: Iterable[str] | None = None,
    *,
    pos: WordPos,
    how: SenseChoice = "maximum",
    policy: Policy = "lawful",
) -> np.ndarray:
    """Return the Wu-Palmer similarity of every word of one list with every word of another.

    Args:
        words_a: n words, matched by `words.normalise`; no inflection is undone.
        words_b: m words; `words_a` again if left out.
        pos: Part of speech of all words: n, v, a or r (the last two under policy `nltk` only).
        how: What a word with several senses stands for. `first_sense`: WordNet's first. `maximum`: the
            most similar senses of the two words. `expectation`: the mean over both words' senses, each
            drawn on its own with probability (count + 1) / (sum of counts + number of senses), where the
            count is how often WordNet's sense-tagged texts have the sense.
        policy: As in `wu_palmer`.

    Returns:
        (n, m) float64 in (0, 1]. Under `lawful` symmetric for every `how`; a word has similarity 1 with
        itself under `first_sense` and `maximum`, less under `expectation` if it has several senses.

    Raises:
        InputError: A word without a sense of this part of speech, an empty list, an unknown choice, or
            policy `lawful` with adjectives or adverbs.
    """
    if how not in _CHOICES:
        raise InputError(f"{how!r} is no way to choose senses", f"use one of {', '.join(_CHOICES)}")
    if pos not in get_args(WordPos):
        raise InputError(f"{pos!r} is no part of speech", "use one of n, v, a, r")
    rows = _senses(words_a, pos)
    return _CHOICES[how](rows, rows if words_b is None else _senses(words_b, pos), policy)


def first_senses(words: Iterable[str], pos: WordPos) -> np.ndarray:
    """Return the number of each word's first sense of a part of speech, int32 (n,), as `wu_palmer` takes it.

    Raises:
        InputError: A word without such a sense, or an empty list.
    """
    found = _senses(words, pos)
    return found.synsets[found.ptr[:-1]]


def _senses(words: Iterable[str], pos: WordPos) -> _Senses:
    if isinstance(words, str):
        raise InputError(f"{shown(words)} is one word, not a list", "write it in brackets: [word]")
    wordnet = load_wordnet()
    found = [_senses_of_word(wordnet, word, pos) for word in words]
    if not found:
        raise InputError("the list of words is empty", "give at least one word")
    ptr = np.zeros(len(found) + 1, dtype=np.int64)
    np.cumsum([len(synsets) for synsets, _ in found], out=ptr[1:])
    counts = np.concatenate([counts for _, counts in found]) + 1.0
    totals = np.add.reduceat(counts, ptr[:-1])
    synsets = np.concatenate([synsets for synsets, _ in found]).astype(np.int32)
    return _Senses(synsets, counts / np.repeat(totals, np.diff(ptr)), ptr)


@lru_cache(maxsize=1 << 17)
def _senses_of_word(wordnet: WordNet, word: str, pos: WordPos) -> tuple[tuple[int, ...], np.ndarray]:
    synsets = wordnet.synsets(word, pos)
    if synsets:
        return synsets, wordnet.sense_counts(word, pos)
    others = [name for other, name in _NAMES.items() if wordnet.synsets(word, other)]
    base = wordnet.morphy(word, pos)
    remedy = "leave it out, or check its spelling"
    if base:
        remedy = f"give its base form, as in {wordnet.name(base[0])}"
    elif others:
        remedy = f"WordNet knows it as {' and '.join(others)}: leave it out, or ask with another pos"
    raise InputError(f"WordNet has no {_NAMES[pos]} {shown(word)}", remedy)


def _first_sense(rows: _Senses, cols: _Senses, policy: Policy) -> np.ndarray:
    return wu_palmer(rows.synsets[rows.ptr[:-1]], cols.synsets[cols.ptr[:-1]], policy)


def _maximum(rows: _Senses, cols: _Senses, policy: Policy) -> np.ndarray:
    return _reduced(_largest, rows, cols, policy)


def _expectation(rows: _Senses, cols: _Senses, policy: Policy) -> np.ndarray:
    return _reduced(_weighted, rows, cols, policy)


def _reduced(reduce: Callable[..., None], rows: _Senses, cols: _Senses, policy: Policy) -> np.ndarray:
    out = np.empty((len(rows.ptr) - 1, len(cols.ptr) - 1))
    ends = rows.ptr[1:]
    first = 0
    block = np.empty((0, len(cols.synsets)))
    while first < len(out):
        start = rows.ptr[first]
        last = max(first + 1, int(np.searchsorted(ends, start + _SENSE_ROWS, side="right")))
        synsets = rows.synsets[start : rows.ptr[last]]
        if len(block) < len(synsets):
            block = np.empty((max(len(synsets), min(_SENSE_ROWS, len(rows.synsets))), len(cols.synsets)))
        scores = wu_palmer(synsets, cols.synsets, policy, out=block[: len(synsets)])
        span = rows.ptr[first : last + 1] - start
        reduce(
            scores, (span, rows.weights[start : rows.ptr[last]]), (cols.ptr, cols.weights), out[first:last]
        )
        first = last
    return out


@compiled
def _largest(scores: np.ndarray, rows: tuple, cols: tuple, out: np.ndarray) -> None:
    row_ptr, col_ptr = rows[0], cols[0]
    best = np.empty(scores.shape[1])
    for i in range(out.shape[0]):
        best[:] = scores[row_ptr[i]]
        for r in range(row_ptr[i] + 1, row_ptr[i + 1]):
            sense = scores[r]
            for j in range(best.size):
                best[j] = max(best[j], sense[j])
        for j in range(out.shape[1]):
            largest = best[col_ptr[j]]
            for k in range(col_ptr[j] + 1, col_ptr[j + 1]):
                largest = max(largest, best[k])
            out[i, j] = largest


@compiled
def _weighted(scores: np.ndarray, rows: tuple, cols: tuple, out: np.ndarray) -> None:
    row_ptr, row_weights = rows
    col_ptr, col_weights = cols
    mean = np.empty(scores.shape[1])
    for i in range(out.shape[0]):
        mean[:] = 0.0
        for r in range(row_ptr[i], row_ptr[i + 1]):
            sense, weight = scores[r], row_weights[r]
            for j in range(mean.size):
                mean[j] += weight * sense[j]
        for j in range(out.shape[1]):
            total = 0.0
            for k in range(col_ptr[j], col_ptr[j + 1]):
                total += col_weights[k] * mean[k]
            out[i, j] = total


_CHOICES: dict[SenseChoice, Callable[[_Senses, _Senses, Policy], np.ndarray]] = {
    "first_sense": _first_sense,
    "maximum": _maximum,
    "expectation": _expectation,
}
