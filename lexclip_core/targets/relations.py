"""Targets for words of all four parts of speech that know antonyms; plain Wu-Palmer knows neither.

Which words WordNet relates, and how, is one table of pairs for a whole vocabulary at once; each relation is
worth a cosine, and two nouns or verbs without one take a share of their Wu-Palmer similarity.

>>> lexical_targets(["happy", "sad", "cheerful"]).tolist()
[[1.0, 0.0, 0.6], [0.0, 1.0, 0.2], [0.6, 0.2, 1.0]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from itertools import chain

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.targets.word_level import WordSenses, wu_palmer_of_senses
from lexclip_core.wordnet.lexicon import Pos
from lexclip_core.wordnet.relations import LemmaLinks, Relation
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise


class WordRelation(IntEnum):
    """How WordNet relates two words; where several hold, the first in this order decides."""

    ANTONYM = 0
    """An antonym link joins the two lemmas: hot, cold."""
    OPPOSITE = 1
    """Their synsets have antonyms: smart is the antonym of stupid, so bright and stupid are opposite."""
    SYNONYM = 2
    """They share a synset: car, automobile."""
    DERIVED_ANTONYM = 3
    """They are derived from two antonyms: happiness, unhappiness."""
    SIMILAR = 4
    """One is the head of an adjective cluster, the other a satellite: happy, blissful."""
    CLUSTER_ANTONYM = 5
    """One is in the cluster of an adjective, the other in the cluster of its antonym: blissful, unhappy."""
    ALSO_SEE = 6
    """WordNet says "see also": happy, cheerful."""
    SIBLING = 7
    """Both are satellites of one head: arid, parched."""
    DERIVATION = 8
    """One is derived from, pertains to, or is a value of the other: happy, happiness."""
    TAXONOMY = 9
    """Two nouns or two verbs: `synonym` times their Wu-Palmer similarity."""
    UNRELATED = 10
    """WordNet is silent."""


REPULSIVE = (
    WordRelation.ANTONYM,
    WordRelation.OPPOSITE,
    WordRelation.DERIVED_ANTONYM,
    WordRelation.CLUSTER_ANTONYM,
)


@dataclass(frozen=True)
class RelationTargets:
    """The target cosine of every relation, each in [-1, 1]; all opposites are below `unrelated`.

    The order is what matters: opposites < unrelated < related < similar < synonym. The values were set once,
    from what the words mean, and not tuned on any test set.

    Raises:
        InputError: A value is outside [-1, 1], or an opposite is not below `unrelated`.

    >>> RelationTargets(also_see=0.7).value(WordRelation.ALSO_SEE)
    0.7
    """

    antonym: float = 0.0
    opposite: float = 0.0
    derived_antonym: float = 0.0
    cluster_antonym: float = 0.1
    unrelated: float = 0.2
    derivation: float = 0.6
    sibling: float = 0.55
    also_see: float = 0.6
    similar: float = 0.7
    synonym: float = 0.85

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not -1 <= value <= 1:
                raise InputError(
                    f"the target of {field.name} is {value}", "a target is a cosine: give -1 to 1"
                )
        for relation in REPULSIVE:
            if self.value(relation) >= self.unrelated:
                raise InputError(
                    f"the target of {relation.name.lower()} is {self.value(relation)}, "
                    f"that of unrelated is {self.unrelated}",
                    "opposites must be pushed below the level of unrelated words",
                )

    def value(self, relation: WordRelation) -> float:
        """Return the target of a relation; for `TAXONOMY` the ceiling that Wu-Palmer is scaled to."""
        name = "synonym" if relation is WordRelation.TAXONOMY else relation.name.lower()
        return float(getattr(self, name))


Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class LexicalPairs:
    """Related pairs of a vocabulary, each unordered pair once with the relation that decides.

    Args:
        first: Index of the earlier word, int64 (m,).
        second: Index of the later word, int64 (m,), `first < second`.
        relation: The deciding `WordRelation`, int8 (m,).
        share: How much of both words the related senses are, float64 (m,) in (0, 1]: of the senses that stand
            in the relation, the share in the tags of its word, of the two words the smaller one, and of all
            ways in which two words stand in the relation the largest.
        pos: Part of speech of the first word's sense of that way, one of n v a r, str (m,).
        senses: The synsets of both words in that way, int64 (m, 2).
    """

    first: np.ndarray
    second: np.ndarray
    relation: np.ndarray
    share: np.ndarray
    pos: np.ndarray
    senses: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def where(self, mask: np.ndarray) -> LexicalPairs:
        """Return the pairs at which a mask, bool (m,), is true."""
        return LexicalPairs(*(getattr(self, field.name)[mask] for field in fields(self)))

    def chosen(self, relations: Iterable[WordRelation]) -> LexicalPairs:
        """Return the pairs of some relations only."""
        return self.where(np.isin(self.relation, [int(relation) for relation in relations]))


def _expand(indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> Ends:
    """Return (place in `rows`, entry) for every entry of the named compressed rows."""
    counts = indptr[rows + 1] - indptr[rows]
    place = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place, indices[indptr[rows][place] + within]


_UNTAGGED = 0.1  # what a sense counts beside its tags: most words have none


class _Vocabulary:
    """Where the words of a vocabulary stand in WordNet: their lemmas, in all and by synset.

    A relation is a pair of rows of lemmas, so that the senses that stand in it are known.
    """

    def __init__(self, words: Sequence[str], wordnet: WordNet, pos: Pos | None, senses: int | None) -> None:
        self.wordnet = wordnet
        lemmas = [*chain.from_iterable(wordnet.lemma_words)]
        self.starts = np.concatenate([[0], np.cumsum([len(lemmas) for lemmas in wordnet.lemmas])])
        place = {normalise(word): index for index, word in enumerate(words)}
        self.word_of_lemma = np.fromiter((place.get(lemma, -1) for lemma in lemmas), np.int64, len(lemmas))
        self.synset_of_lemma = synset_of_lemma = np.repeat(np.arange(len(wordnet)), np.diff(self.starts))
        if pos is not None or senses is not None:
            counted = {(s, i) for word, i in place.items() for s in wordnet.synsets(word, pos)[:senses]}
            for lemma in np.flatnonzero(self.word_of_lemma >= 0).tolist():
                if (int(synset_of_lemma[lemma]), int(self.word_of_lemma[lemma])) not in counted:
                    self.word_of_lemma[lemma] = -1
        known = self.word_of_lemma >= 0
        self.indices = np.flatnonzero(known)
        self.pos_of_lemma = np.repeat(np.where(wordnet.pos == "s", "a", wordnet.pos), np.diff(self.starts))
        tags = np.fromiter(chain.from_iterable(wordnet.lemma_counts), np.float64, len(lemmas)) + _UNTAGGED
        of_word = np.bincount(self.word_of_lemma[known], tags[known], minlength=len(words))
        self.share_of_lemma = np.zeros(len(lemmas))
        self.share_of_lemma[known] = tags[known] / of_word[self.word_of_lemma[known]]
        self.indptr = np.concatenate(
            [[0], np.cumsum(np.bincount(synset_of_lemma[known], minlength=len(wordnet)))]
        )

    def crossed(self, left: np.ndarray, right: np.ndarray) -> Ends:
        """Return every (lemma of left[k], lemma of right[k]) for two rows of synsets."""
        place, first = _expand(self.indptr, self.indices, left)
        again, second = _expand(self.indptr, self.indices, right[place])
        return first[again], second

    def linked(self, links: LemmaLinks) -> Ends:
        """Return the lemmas at both ends of each lemma link."""
        return self.starts[links.synset_i] + links.lemma_i, self.starts[links.synset_j] + links.lemma_j

    @cached_property
    def opposite_synsets(self) -> Ends:
        """The synsets at both ends of every antonym link."""
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
    return [(left[same], right[same])]


def _across(relation: str) -> Callable[[_Vocabulary], list[Ends]]:
    def related(vocabulary: _Vocabulary) -> list[Ends]:
        rows = np.arange(len(vocabulary.wordnet))
        return [vocabulary.crossed(*_expand(*_rows(getattr(vocabulary.wordnet, relation)), rows))]

    return related


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


_ENDS_OF: dict[WordRelation, Callable[[_Vocabulary], list[Ends]]] = {
    WordRelation.ANTONYM: lambda words: [words.linked(words.wordnet.antonym_links)],
    WordRelation.OPPOSITE: lambda words: [words.crossed(*words.opposite_synsets)],
    WordRelation.SYNONYM: lambda words: [words.crossed(*[np.arange(len(words.wordnet))] * 2)],
    WordRelation.DERIVED_ANTONYM: _derived_antonyms,
    WordRelation.SIMILAR: _across("similar_to"),
    WordRelation.CLUSTER_ANTONYM: _cluster_antonyms,
    WordRelation.ALSO_SEE: _across("also_see"),
    WordRelation.SIBLING: _siblings,
    WordRelation.DERIVATION: _derivations,
}


def _pairs(vocabulary: _Vocabulary, relation: WordRelation, n: int) -> tuple[np.ndarray, ...]:
    """Return key (first word * n + second), relation, share, part of speech and senses of each pair."""
    left, right = (np.concatenate(end) for end in zip(*_ENDS_OF[relation](vocabulary), strict=True))
    first, second = vocabulary.word_of_lemma[left], vocabulary.word_of_lemma[right]
    swapped = second < first
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    known = (first >= 0) & (second >= 0) & (first != second)
    left, right = left[known], right[known]
    key = vocabulary.word_of_lemma[left] * n + vocabulary.word_of_lemma[right]
    share = np.minimum(vocabulary.share_of_lemma[left], vocabulary.share_of_lemma[right])
    order = np.lexsort((left, -share, key))  # the largest share of each key first
    keys, place = np.unique(key[order], return_index=True)
    best = order[place]
    senses = vocabulary.synset_of_lemma[np.stack([left[best], right[best]], axis=1)]
    pos = vocabulary.pos_of_lemma[left[best]]
    return keys, np.full(len(keys), relation, np.int8), share[best], pos, senses


def lexical_pairs(
    words: Sequence[str], wordnet: WordNet, *, pos: Pos | None = None, senses: int | None = None
) -> LexicalPairs:
    """Return every pair of words that WordNet relates, with the relation that decides.

    Args:
        words: Words, distinct when normalised; unknown ones are related to nothing.
        wordnet: The tables.
        pos: Look at senses of one part of speech only.
        senses: Look at the first so many senses of each word only.

    Returns:
        Pairs in ascending order of (first, second).

    >>> pairs = lexical_pairs(["hot", "cold", "car", "auto"], load_wordnet())
    >>> [WordRelation(relation).name for relation in pairs.relation]
    ['ANTONYM', 'SYNONYM']
    >>> pairs.pos.tolist(), pairs.share.round(2).tolist()
    (['a', 'n'], [0.58, 0.97])
    >>> [load_wordnet().name(synset) for synset in pairs.senses[0]]
    ['hot.a.01', 'cold.a.01']
    """
    vocabulary, n = _Vocabulary(words, wordnet, pos, senses), max(len(words), 1)
    columns = zip(*(_pairs(vocabulary, relation, n) for relation in _ENDS_OF), strict=True)
    keys, *facts = (np.concatenate(column) for column in columns)
    key, place = np.unique(keys, return_index=True)  # of equals the first: what decides
    return LexicalPairs(key // n, key % n, *(fact[place] for fact in facts))


def lexical_targets(
    words: Sequence[str],
    *,
    pos: Pos | None = None,
    senses: int | None = None,
    values: RelationTargets | None = None,
) -> np.ndarray:
    """Return a target cosine for every pair of words, shape (n, n), symmetric, 1 on the diagonal.

    Each pair takes the value of the first `WordRelation` that holds. Two nouns or two verbs without any other
    take `values.synonym` times their Wu-Palmer similarity (policy symmetric, the most similar senses).

    Args:
        words: Words of any part of speech, distinct when normalised.
        pos: Look at senses of one part of speech only.
        senses: Look at the first so many senses of each word only.
        values: The value of each relation; the defaults if left out.

    Raises:
        InputError: No words, a word given twice, or a word that WordNet does not know.

    >>> lexical_targets(["hot", "cold"], values=RelationTargets(antonym=-0.5))[0].tolist()
    [1.0, -0.5]
    """
    wordnet, values = load_wordnet(), values or RelationTargets()
    check_words(words, wordnet, pos)
    targets = np.full((len(words), len(words)), values.unrelated)
    for known, rows in _taxonomic(words, wordnet, pos, senses):
        of_words = WordSenses.of_synsets(rows)
        similarity = wu_palmer_of_senses(of_words, of_words, how="maximum")
        block = np.ix_(known, known)
        targets[block] = np.maximum(targets[block], values.value(WordRelation.TAXONOMY) * similarity)
    pairs = lexical_pairs(words, wordnet, pos=pos, senses=senses)
    targets[pairs.first, pairs.second] = targets[pairs.second, pairs.first] = pair_targets(pairs, values)
    np.fill_diagonal(targets, 1.0)
    return targets


def lexical_relations(
    words: Sequence[str], *, pos: Pos | None = None, senses: int | None = None
) -> np.ndarray:
    """Return the deciding `WordRelation` of every pair of words, int8 (n, n); the diagonal says `SYNONYM`.

    Raises:
        InputError: As in `lexical_targets`.

    >>> WordRelation(lexical_relations(["happy", "happiness"])[0, 1]).name
    'DERIVATION'
    """
    wordnet = load_wordnet()
    check_words(words, wordnet, pos)
    relations = np.full((len(words), len(words)), WordRelation.UNRELATED, dtype=np.int8)
    for known, _ in _taxonomic(words, wordnet, pos, senses):
        relations[np.ix_(known, known)] = WordRelation.TAXONOMY
    pairs = lexical_pairs(words, wordnet, pos=pos, senses=senses)
    relations[pairs.first, pairs.second] = relations[pairs.second, pairs.first] = pairs.relation
    np.fill_diagonal(relations, WordRelation.SYNONYM)
    return relations


def pair_targets(pairs: LexicalPairs, values: RelationTargets) -> np.ndarray:
    """Return the target cosine of each related pair, float64 (m,)."""
    targets: np.ndarray = np.array([values.value(relation) for relation in WordRelation])[pairs.relation]
    return targets


def _taxonomic(
    words: Sequence[str], wordnet: WordNet, pos: Pos | None, senses: int | None
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Yield for nouns and for verbs: which words have such senses among those that count, and the senses."""
    counted = [np.array(wordnet.synsets(word, pos)[:senses], dtype=np.int32) for word in words]
    for part in ("n", "v"):
        rows = [row[wordnet.pos[row] == part] for row in counted]
        known = np.flatnonzero([len(row) for row in rows])
        if len(known):
            yield known, [rows[i] for i in known]


def check_words(words: Sequence[str], wordnet: WordNet, pos: Pos | None = None) -> None:
    """Refuse words that lexical targets are not defined for.

    Raises:
        InputError: No words, a word given twice, or a word that WordNet does not know.

    >>> check_words(["dog", "cat"], load_wordnet())
    """
    if not words:
        raise InputError("the list of words is empty", "give at least one word")
    seen: dict[str, str] = {}
    for word in words:
        form = normalise(word)
        if form in seen:
            raise InputError(f"{word!r} and {seen[form]!r} are the same word", "give every word once")
        seen[form] = word
        if not wordnet.synsets(word, pos):
            where = f" as part of speech {pos!r}" if pos else ""
            remedy = "check the spelling or leave it out"
            if base := wordnet.morphy(word, pos):
                remedy = f"give its base form, as in {wordnet.name(base[0])}"
            raise InputError(f"WordNet does not know {word[:60]!r}{where}", remedy)
