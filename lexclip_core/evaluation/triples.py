"""Triples (word, synonym, antonym) from WordNet, under a named idea of what a synonym is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.synsets import WordNet
from lexclip_core.words import normalise

SynonymPolicy = Literal["same_synset", "similar_to", "also_see"]
PartOfSpeech = Literal["n", "v", "a", "r"]

_SYNSETS: dict[str, Callable[[WordNet, int], Iterable[int]]] = {
    "same_synset": lambda wordnet, synset: (synset,),
    "similar_to": lambda wordnet, synset: wordnet.similar_to.of(synset).tolist(),
    "also_see": lambda wordnet, synset: wordnet.also_see.of(synset).tolist(),
}


@dataclass(frozen=True)
class Triples:
    """Words with one synonym and one direct antonym each, normalised and distinct as triples.

    Args:
        words: The words in the middle, (n,).
        synonyms: A synonym of each under `policy`, (n,).
        antonyms: A direct antonym of each, (n,).
        pos: n, v, a (satellites included) or r for each, (n,).
        policy: What counted as a synonym.
    """

    words: tuple[str, ...]
    synonyms: tuple[str, ...]
    antonyms: tuple[str, ...]
    pos: tuple[str, ...]
    policy: SynonymPolicy

    def __len__(self) -> int:
        return len(self.words)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Return every word that must be encoded, once."""
        return tuple(dict.fromkeys(self.words + self.synonyms + self.antonyms))

    def indices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the places of words, synonyms and antonyms in `vocabulary`, (n,) int64 each."""
        place = {word: number for number, word in enumerate(self.vocabulary)}
        words, synonyms, antonyms = (
            np.array([place[word] for word in column], np.int64)
            for column in (self.words, self.synonyms, self.antonyms)
        )
        return words, synonyms, antonyms

    def chosen(self, keep: Iterable[bool]) -> Triples:
        """Return the triples whose flag is set, such as those that share no word with tuning."""
        rows = [row for row, kept in zip(self._rows(), keep, strict=True) if kept]
        return _triples_of(rows, self.policy)

    def sample(self, size: int, *, seed: int) -> Triples:
        """Return at most `size` triples of each part of speech, drawn without replacement, in order."""
        rng, kept = np.random.default_rng(seed), np.zeros(len(self), bool)
        pos = np.array(self.pos)
        for letter in dict.fromkeys(self.pos):
            places = np.flatnonzero(pos == letter)
            kept[rng.choice(places, min(size, len(places)), replace=False)] = True
        return self.chosen(kept.tolist())

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        return zip(self.words, self.synonyms, self.antonyms, self.pos, strict=True)


def wordnet_triples(wordnet: WordNet, pos: PartOfSpeech | None, policy: SynonymPolicy) -> Triples:
    """Return every (word, synonym, direct antonym) that WordNet's lemma-level antonym links give.

    Policies: `same_synset` takes the other lemmas of the synset that has the antonym, `similar_to` the lemmas
    of its cluster's synsets, `also_see` those of its see-also synsets; the last two give adjectives only.
    Antonymy stays direct under each. A triple is dropped if two of its words are equal once normalised, or if
    its synonym is itself a direct antonym of the word.

    Args:
        wordnet: WordNet's tables.
        pos: Part of speech; "a" includes satellites; None takes all four.
        policy: What counts as a synonym.

    Raises:
        InputError: Unknown policy or part of speech, or WordNet has no such triple.
    """
    if policy not in _SYNSETS:
        raise InputError(f"unknown synonym policy {policy!r}", f"choose from {', '.join(_SYNSETS)}")
    if pos is not None and pos not in get_args(PartOfSpeech):
        raise InputError(
            f"unknown part of speech {pos!r}", f"choose from {', '.join(get_args(PartOfSpeech))}, or None"
        )
    opposites = {(word, antonym) for _, word, antonym in _antonyms(wordnet)}
    rows = [row for row in _triples(wordnet, pos, policy) if row[:2] not in opposites]
    if not rows:
        raise InputError(
            f"WordNet links no synonyms by {policy} to an antonym-bearing synset of part of speech {pos!r}",
            "similar_to and also_see give adjectives only; same_synset gives all four parts of speech",
        )
    return _triples_of(rows, policy)


def _antonyms(wordnet: WordNet) -> Iterator[tuple[int, str, str]]:
    """Yield the synset, the word, and the antonym of each link."""
    links = wordnet.antonym_links
    columns = (links.synset_i, links.lemma_i, links.synset_j, links.lemma_j)
    for synset, lemma, other, other_lemma in zip(*(column.tolist() for column in columns), strict=True):
        yield synset, normalise(wordnet.lemmas[synset][lemma]), normalise(wordnet.lemmas[other][other_lemma])


def _triples(wordnet: WordNet, pos: str | None, policy: str) -> dict[tuple[str, str, str, str], None]:
    found: dict[tuple[str, str, str, str], None] = {}
    for synset, word, antonym in _antonyms(wordnet):
        letter = "a" if wordnet.pos[synset] == "s" else str(wordnet.pos[synset])
        if pos is not None and letter != pos:
            continue
        for near in _SYNSETS[policy](wordnet, synset):
            for synonym in map(normalise, wordnet.lemmas[near]):
                if len({word, synonym, antonym}) == 3:
                    found[word, synonym, antonym, letter] = None
    return found


def _triples_of(rows: list[tuple[str, str, str, str]], policy: SynonymPolicy) -> Triples:
    words, synonyms, antonyms, pos = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Triples(words, synonyms, antonyms, pos, policy)
