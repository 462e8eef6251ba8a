"""Which words WordNet relates, and how: one table of pairs for a whole vocabulary at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np

from lexclip_core.synsets import Pos, WordNet
from lexclip_core.synsets.relations import LemmaLinks, Relation
from lexclip_core.targets.ladder import Rung
from lexclip_core.words import normalise

Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class LexicalPairs:
    """Related pairs of a vocabulary, each unordered pair once with the rung that decides.

    Args:
        first: Index of the earlier word, int64 (m,).
        second: Index of the later word, int64 (m,), `first < second`.
        rung: The deciding `Rung`, int8 (m,).
    """

    first: np.ndarray
    second: np.ndarray
    rung: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, rungs: Iterable[Rung]) -> LexicalPairs:
        """Return the pairs on some rungs only."""
        keep = np.isin(self.rung, [int(rung) for rung in rungs])
        return LexicalPairs(self.first[keep], self.second[keep], self.rung[keep])


@lru_cache(maxsize=1)
def _spelt(wordnet: WordNet) -> tuple[tuple[str, ...], np.ndarray]:
    """Return every lemma of every synset, normalised, in one row, and where each synset's lemmas start."""
    starts = np.concatenate([[0], np.cumsum([len(lemmas) for lemmas in wordnet.lemmas])])
    return tuple(normalise(lemma) for lemma in chain.from_iterable(wordnet.lemmas)), starts


def _expand(indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> Ends:
    """Return (place in `rows`, entry) for every entry of the named compressed rows."""
    counts = indptr[rows + 1] - indptr[rows]
    place = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place, indices[indptr[rows][place] + within]


class _Vocabulary:
    """Where the words of a vocabulary stand in WordNet: word ids by lemma and by synset."""

    def __init__(self, words: Sequence[str], wordnet: WordNet, pos: Pos | None, senses: int | None) -> None:
        self.wordnet = wordnet
        lemmas, self.starts = _spelt(wordnet)
        place = {normalise(word): index for index, word in enumerate(words)}
        self.word_of_lemma = np.fromiter((place.get(lemma, -1) for lemma in lemmas), np.int64, len(lemmas))
        synset_of_lemma = np.repeat(np.arange(len(wordnet)), np.diff(self.starts))
        if pos is not None or senses is not None:
            kept = {(s, i) for word, i in place.items() for s in wordnet.synsets(word, pos)[:senses]}
            for lemma in np.flatnonzero(self.word_of_lemma >= 0).tolist():
                if (int(synset_of_lemma[lemma]), int(self.word_of_lemma[lemma])) not in kept:
                    self.word_of_lemma[lemma] = -1
        known = self.word_of_lemma >= 0
        self.indices = self.word_of_lemma[known]
        self.indptr = np.concatenate(
            [[0], np.cumsum(np.bincount(synset_of_lemma[known], minlength=len(wordnet)))]
        )

    def crossed(self, left: np.ndarray, right: np.ndarray) -> Ends:
        """Return every (word of left[k], word of right[k]) for two rows of synsets."""
        place, first = _expand(self.indptr, self.indices, left)
        again, second = _expand(self.indptr, self.indices, right[place])
        return first[again], second

    def linked(self, links: LemmaLinks) -> Ends:
        """Return the words at both ends of each lemma link."""
        return (
            self.word_of_lemma[self.starts[links.synset_i] + links.lemma_i],
            self.word_of_lemma[self.starts[links.synset_j] + links.lemma_j],
        )

    @cached_property
    def opposite_synsets(self) -> Ends:
        """Both sides of every antonym link, as synsets."""
        links = self.wordnet.antonym_links
        both = np.unique(np.stack([links.synset_i, links.synset_j], axis=1), axis=0)
        return both[:, 0], both[:, 1]

    def satellites(self, synsets: np.ndarray) -> Ends:
        """Return (place in `synsets`, satellite) for every adjective that heads a cluster."""
        place, satellite = _expand(*_rows(self.wordnet.similar_to), synsets)
        head = self.wordnet.pos[synsets][place] == "a"
        return place[head], satellite[head]


def _rows(relation: Relation) -> Ends:
    return relation.indptr.astype(np.int64), relation.indices.astype(np.int64)


def _antonyms(vocabulary: _Vocabulary) -> list[Ends]:
    return [vocabulary.linked(vocabulary.wordnet.antonym_links)]


def _opposites(vocabulary: _Vocabulary) -> list[Ends]:
    return [vocabulary.crossed(*vocabulary.opposite_synsets)]


def _synonyms(vocabulary: _Vocabulary) -> list[Ends]:
    every = np.arange(len(vocabulary.wordnet))
    return [vocabulary.crossed(every, every)]


def _derived_antonyms(vocabulary: _Vocabulary) -> list[Ends]:
    wordnet, starts = vocabulary.wordnet, vocabulary.starts
    antonyms, derived = wordnet.antonym_links, wordnet.derivation_links
    source = starts[derived.synset_i] + derived.lemma_i
    target = starts[derived.synset_j] + derived.lemma_j
    order = np.argsort(source, kind="stable")
    indptr = np.searchsorted(source[order], np.arange(starts[-1] + 1))
    place, left = _expand(indptr, target[order], starts[antonyms.synset_i] + antonyms.lemma_i)
    again, right = _expand(indptr, target[order], (starts[antonyms.synset_j] + antonyms.lemma_j)[place])
    left = left[again]
    pos_of_lemma = np.repeat(wordnet.pos, np.diff(starts))
    same = pos_of_lemma[left] == pos_of_lemma[right]
    return [(vocabulary.word_of_lemma[left[same]], vocabulary.word_of_lemma[right[same]])]


def _across(relation: str) -> Callable[[_Vocabulary], list[Ends]]:
    def found(vocabulary: _Vocabulary) -> list[Ends]:
        rows = np.arange(len(vocabulary.wordnet))
        return [vocabulary.crossed(*_expand(*_rows(getattr(vocabulary.wordnet, relation)), rows))]

    return found


def _cluster_antonyms(vocabulary: _Vocabulary) -> list[Ends]:
    left, right = vocabulary.opposite_synsets
    place, near = vocabulary.satellites(left)
    again, far = vocabulary.satellites(right[place])
    # links stand in both directions, so satellite-head covers head-satellite too
    return [vocabulary.crossed(near, right[place]), vocabulary.crossed(near[again], far)]


def _siblings(vocabulary: _Vocabulary) -> list[Ends]:
    heads = np.flatnonzero(vocabulary.wordnet.pos == "a")
    place, satellite = vocabulary.satellites(heads)
    again, other = vocabulary.satellites(heads[place])
    return [vocabulary.crossed(satellite[again], other)]


def _derivations(vocabulary: _Vocabulary) -> list[Ends]:
    wordnet = vocabulary.wordnet
    links = [vocabulary.linked(wordnet.derivation_links), vocabulary.linked(wordnet.pertainym_links)]
    return links + _across("attributes")(vocabulary)


_FOUND_BY: dict[Rung, Callable[[_Vocabulary], list[Ends]]] = {
    Rung.ANTONYM: _antonyms,
    Rung.OPPOSITE: _opposites,
    Rung.SYNONYM: _synonyms,
    Rung.DERIVED_ANTONYM: _derived_antonyms,
    Rung.SIMILAR: _across("similar_to"),
    Rung.CLUSTER_ANTONYM: _cluster_antonyms,
    Rung.ALSO_SEE: _across("also_see"),
    Rung.SIBLING: _siblings,
    Rung.DERIVATION: _derivations,
}


def _keys(ends: Iterable[Ends], n: int) -> np.ndarray:
    first, second = (np.concatenate(side) for side in zip(*ends, strict=True))
    keep = (first >= 0) & (second >= 0) & (first != second)
    first, second = first[keep], second[keep]
    return np.unique(np.minimum(first, second) * n + np.maximum(first, second))


def lexical_pairs(
    words: Sequence[str], wordnet: WordNet, *, pos: Pos | None = None, senses: int | None = None
) -> LexicalPairs:
    """Return every pair of words that WordNet relates, with the rung that decides.

    Args:
        words: Words, distinct when normalised; unknown ones are related to nothing.
        wordnet: The tables.
        pos: Look at senses of one part of speech only.
        senses: Look at the first so many senses of each word only.

    Returns:
        Pairs in ascending order of (first, second).
    """
    vocabulary, n = _Vocabulary(words, wordnet, pos, senses), max(len(words), 1)
    keys = [_keys(find(vocabulary), n) for find in _FOUND_BY.values()]
    rungs = np.concatenate(
        [np.full(len(found), rung, np.int8) for rung, found in zip(_FOUND_BY, keys, strict=True)]
    )
    key, place = np.unique(np.concatenate(keys), return_index=True)  # the first of equals: the deciding rung
    return LexicalPairs(key // n, key % n, rungs[place])
