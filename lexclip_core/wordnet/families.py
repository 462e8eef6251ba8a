"""Word families: which words of a vocabulary are forms of one another, so that none is tested on another.

Two single words are of one family if WordNet derives one from the other, if Morphy takes one for an
inflection of the other, if one is the other with a prefix or a suffix, or if they are two spellings of one
word. Prefixes and suffixes that end up on many strangers (re-port, corn-er) count only where WordNet agrees:
the two are antonyms, stand in one synset, or the longer one's gloss has the shorter one.

A multi-word expression starts no family and joins none: *hot dog* must not make *hot* a relative of *dog*.
It is known by its parts (`parts_of`).

>>> from lexclip_core.wordnet.tables import load_wordnet
>>> words = ("happy", "happily", "unhappily", "port", "report", "colour", "color", "hot dog")
>>> word_families(words, load_wordnet()).tolist()
[0, 0, 0, 3, 4, 5, 5, 7]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lexclip_core.wordnet.relations import LemmaLinks
from lexclip_core.wordnet.tables import WordNet

_Links = Iterator[tuple[int, int]]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PREFIXES = _listed("un non dis mis over under out counter anti super inter semi")
"""Prefixes that make a relative of any word of five letters or more."""

UNSURE_PREFIXES = _listed("re in im il ir de a en em be pre sub co ex up")
"""Prefixes that make a relative where WordNet agrees."""

SUFFIXES = _listed(
    "ly ness less ful fully able ably ability ment ing ingly ed edly ish ism ist ize ise ization ship hood"
    " like ward wards wise"
)
"""Suffixes that make a relative of any word of four letters or more."""

UNSURE_SUFFIXES = _listed(
    "s es er or est y al ally ic ical ous ity ive ate ant ent ance ence ion ation ative en dom age ery ian an"
    " ee th"
)
"""Suffixes that make a relative where WordNet agrees."""

_LONG = 4  # letters of a word that a sure suffix may be taken from; a prefix leaves one more
_SHORT = 2  # letters that an affix leaves at least
_SPELLINGS = tuple(
    tuple(pair.split(":"))
    for pair in _listed("our:or is:iz ys:yz ae:e oe:e ph:f ll:l ogue:og tre:ter ence:ense gg:g dge:dg")
)
_SMALL = frozenset(_listed("a an and at by for from in of off on or out over per the to up with as be"))


def word_families(words: Sequence[str], wordnet: WordNet, *, antonyms: bool = False) -> np.ndarray:
    """Return for each word the smallest index in its family, int64 (n,).

    Args:
        words: Normalised words, distinct.
        wordnet: The tables.
        antonyms: Whether the families of two antonyms count as one.
    """
    facts = _Facts(words, wordnet)
    links = {link for find in _FINDERS for link in find(facts)} | (facts.antonyms if antonyms else set())
    first, second = np.array(sorted(links), dtype=np.int64).reshape(-1, 2).T
    return linked(len(words), first, second)


def linked(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return for each of n words the smallest index among the words it is linked to, directly or not."""
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    _, label = connected_components(links, directed=False)
    smallest = np.full(label.max(initial=-1) + 1, n)
    np.minimum.at(smallest, label, np.arange(n))
    family: np.ndarray = smallest[label]
    return family


def parts_of(word: str) -> tuple[str, ...]:
    """Return the words that a multi-word expression is known by: its parts, and what they make in one word.

    Articles, prepositions and the like are left out where anything else remains.

    >>> parts_of("make up"), parts_of("dog")
    (('make', 'makeup'), ())
    """
    parts = word.split(" ")
    if len(parts) < 2:
        return ()
    content = tuple(part for part in parts if part not in _SMALL)
    return (*(content or parts), "".join(parts))


class _Facts:
    """What the rules ask of a vocabulary: single words, their places, synsets, glosses and antonyms."""

    def __init__(self, words: Sequence[str], wordnet: WordNet) -> None:
        self.words, self.wordnet = words, wordnet
        self.place = {word: index for index, word in enumerate(words) if " " not in word}
        self.synsets: Mapping[str, set[int]] = defaultdict(set)
        self.lemmas: list[list[int]] = []  # words of each synset
        for synset, lemmas in enumerate(wordnet.lemma_words):
            places = [self.place.get(lemma, -1) for lemma in lemmas]
            self.lemmas.append(places)
            for place in places:
                if place >= 0:
                    self.synsets[words[place]].add(synset)
        self.antonyms = set(self.ends(wordnet.antonym_links))
        self._glosses: dict[int, frozenset[str]] = {}

    def ends(self, links: LemmaLinks) -> _Links:
        """Yield the words at both ends of lemma links, both of them single words."""
        columns = (links.synset_i, links.lemma_i, links.synset_j, links.lemma_j)
        for synset_i, lemma_i, synset_j, lemma_j in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            first, second = self.lemmas[synset_i][lemma_i], self.lemmas[synset_j][lemma_j]
            if first >= 0 and second >= 0 and first != second:
                yield first, second

    def agrees(self, longer: str, shorter: str) -> bool:
        """Return whether WordNet takes a word for a relative of a shorter one."""
        both = self.place[longer], self.place[shorter]
        if both in self.antonyms or both[::-1] in self.antonyms:
            return True
        if self.synsets[longer] & self.synsets[shorter]:
            return True
        return any(shorter in self._gloss(synset) for synset in self.synsets[longer])

    def _gloss(self, synset: int) -> frozenset[str]:
        if synset not in self._glosses:
            gloss = self.wordnet.glosses[synset].lower()
            self._glosses[synset] = frozenset("".join(c if c.isalpha() else " " for c in gloss).split())
        return self._glosses[synset]


def _derived(facts: _Facts) -> _Links:
    yield from facts.ends(facts.wordnet.derivation_links)
    sources: dict[int, set[int]] = defaultdict(set)
    for first, second in facts.ends(facts.wordnet.pertainym_links):
        sources[first].add(second)
    for first, origins in sources.items():
        start = facts.words[first][:3]
        for second in origins:  # a compound pertains to strangers: cardiopulmonary to heart and to lung
            if len(origins) == 1 or facts.words[second].startswith(start):
                yield first, second


def _inflected(facts: _Facts) -> _Links:
    lexicon = facts.wordnet.lexicon
    for word, place in facts.place.items():
        for pos in lexicon.indexes:
            for base in lexicon.base_forms(word, pos):
                other = facts.place.get(base, place)
                if other != place:
                    yield place, other


def _affixed(facts: _Facts) -> _Links:
    for word, place in facts.place.items():
        for base, sure in _without_affix(word):
            if base != word and base in facts.place and (sure or facts.agrees(word, base)):
                yield place, facts.place[base]


def _without_affix(word: str) -> Iterator[tuple[str, bool]]:
    """Yield what may be left of a word without a prefix or a suffix, and whether it then is a relative."""
    for prefix in (*PREFIXES, *UNSURE_PREFIXES):
        if word.startswith(prefix) and len(word) - len(prefix) >= _SHORT:
            base = word[len(prefix) :]
            yield base, prefix in PREFIXES and len(base) > _LONG
    for suffix in (*SUFFIXES, *UNSURE_SUFFIXES):
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORT:
            for base in _bases(word[: -len(suffix)]):
                yield base, suffix in SUFFIXES and len(base) >= _LONG


def _bases(stem: str) -> Iterator[str]:
    """Yield what a stem may have been before a suffix: hop(ping), lov(ing), happi(ness)."""
    yield stem
    yield stem + "e"
    if stem.endswith("i"):
        yield stem[:-1] + "y"
    if len(stem) > 2 and stem[-1] == stem[-2]:
        yield stem[:-1]


def _spelt_alike(facts: _Facts) -> _Links:
    for places in facts.lemmas:
        known = sorted({place for place in places if place >= 0})
        for number, first in enumerate(known):
            for second in known[number + 1 :]:
                if _one_word(facts.words[first], facts.words[second]):
                    yield first, second


def _one_word(one: str, other: str) -> bool:
    """Return whether two synonyms are one word: alike after `_SPELLINGS`, or one letter apart."""
    if _plain(one) == _plain(other):
        return True
    return min(len(one), len(other)) >= _LONG and _one_letter_apart(one, other)


def _plain(word: str) -> str:
    for variant, plain in _SPELLINGS:
        word = word.replace(variant, plain)
    return word


def _one_letter_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    start = next(
        (k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[start + (len(one) >= len(other)) :] == other[start + (len(other) >= len(one)) :]


_FINDERS = (_derived, _inflected, _affixed, _spelt_alike)
