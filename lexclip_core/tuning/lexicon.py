"""The words that lexclip tunes and tests on: WordNet's own, split by word, with what relates them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lexclip_core import pairs
from lexclip_core.datasets.word_digests import read_digests
from lexclip_core.synsets import WordNet, load_wordnet
from lexclip_core.targets import LexicalPairs, Rung, lexical_pairs
from lexclip_core.words import normalise

_PLAIN = re.compile(r"[a-z]{1,30}( [a-z]{1,20}){0,2}")
# Lexicographer files whose nouns name things that can be touched: things have no opposites.
_THINGS = (
    "noun.animal",
    "noun.artifact",
    "noun.body",
    "noun.food",
    "noun.location",
    "noun.object",
    "noun.plant",
    "noun.substance",
)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """A vocabulary with the facts that sampling and measuring ask for; arrays are aligned with `words`.

    Attributes:
        words: Plain words of WordNet, normalised, at most three to an expression.
        counts: How often each was tagged in WordNet's sense-tagged texts, int64.
        pos: Most frequent part of speech, one of n v a r.
        things: Whether it mostly names a thing that can be touched, bool.
        split: train, dev or test.
        related: Every pair that WordNet relates.
    """

    words: tuple[str, ...]
    counts: np.ndarray
    pos: np.ndarray
    things: np.ndarray
    split: np.ndarray
    related: LexicalPairs

    def within(self, split: str, rungs: Iterable[Rung]) -> LexicalPairs:
        """Return the related pairs on some rungs of which both words belong to one split."""
        chosen = self.related.chosen(rungs)
        keep = (self.split[chosen.first] == split) & (self.split[chosen.second] == split)
        return LexicalPairs(chosen.first[keep], chosen.second[keep], chosen.rung[keep])


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the vocabulary of WordNet 3.0 with the words of the test sets held out; made once a process."""
    wordnet = load_wordnet()
    words = tuple(word for word in wordnet.words() if _PLAIN.fullmatch(word))
    return make_lexicon(wordnet, words, read_digests())


def make_lexicon(wordnet: WordNet, words: tuple[str, ...], heldout: Collection[str]) -> Lexicon:
    """Return the facts of a vocabulary.

    Args:
        wordnet: The tables.
        words: Normalised words.
        heldout: Digests of words that must fall to the test split.
    """
    place = {word: index for index, word in enumerate(words)}
    tagged = np.zeros((len(words), 4))
    touched = np.zeros((len(words), 2))
    counts = np.zeros(len(words), dtype=np.int64)
    letters = {"n": 0, "v": 1, "a": 2, "s": 2, "r": 3}
    for synset, lemmas in enumerate(wordnet.lemmas):
        letter, thing = letters[str(wordnet.pos[synset])], int(wordnet.lexnames[synset] in _THINGS)
        for lemma, count in zip(lemmas, wordnet.lemma_counts[synset], strict=True):
            word = place.get(normalise(lemma))
            if word is not None:
                counts[word] += count
                tagged[word, letter] += count + 0.1  # untagged senses count a little: most words have no tag
                touched[word, thing] += count + 0.1
    related = lexical_pairs(words, wordnet)
    antonyms = related.chosen([Rung.ANTONYM])
    split = pairs.split_words(words, antonyms.first, antonyms.second, heldout)
    return Lexicon(
        words=words,
        counts=counts,
        pos=np.array(list("nvar"))[tagged.argmax(axis=1)],
        things=touched[:, 1] >= touched[:, 0],
        split=split,
        related=related,
    )
