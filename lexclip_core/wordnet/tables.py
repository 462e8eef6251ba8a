"""WordNet 3.0 in frozen tables: synsets, lemmas, relations, and the questions that are asked of them.

>>> wordnet = load_wordnet()
>>> [wordnet.name(synset) for synset in wordnet.synsets("ice cream")]
['ice_cream.n.01']
>>> dog = wordnet.index("dog.n.01")
>>> [wordnet.name(parent) for parent in wordnet.hypernyms.of(dog)]
['canine.n.02', 'domestic_animal.n.01']
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from lexclip_core.cache import ARRAYS, cached
from lexclip_core.errors import InputError
from lexclip_core.wordnet.files import (
    LEMMA_LINKS,
    LEXNAMES,
    SYNSET_RELATIONS,
    Arrays,
    read_database,
    split_strings,
)
from lexclip_core.wordnet.install import ensure_wordnet, identity
from lexclip_core.wordnet.lexicon import Lexicon, Pos, SenseIndex, unique
from lexclip_core.wordnet.relations import LemmaLinks, Relation, frozen
from lexclip_core.words import normalise, shown

_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False, repr=False)
class WordNet:
    """Every synset, lemma and relation of WordNet 3.0; synset ids count nouns, verbs, adjectives, adverbs.

    Attributes:
        names: `dog.n.01`, one per synset; n = 117,659 synsets in all tables.
        pos: (n,) one of n v a s r; "s" is an adjective in the cluster of an "a".
        offsets: (n,) int32 place in WordNet's data file; with `pos` it makes the wnid.
        glosses: Definitions, without the examples.
        lexnames: Lexicographer file of each synset, such as `noun.animal`.
        lemmas: Lemmas of each synset in the original spelling: `Eiffel_Tower`.
        lemma_counts: How often each lemma was tagged with this sense in WordNet's sense-tagged texts.
        hypernyms: Synset -> parents, by class and by instance.
        hyponyms: The inverse of `hypernyms`.
        similar_to: Adjective -> adjectives of the same cluster.
        also_see: Synset -> see also.
        attributes: Noun <-> the adjectives that are its values.
        antonym_links: Direct antonyms, lemma to lemma.
        derivation_links: Derivationally related forms, lemma to lemma.
        pertainym_links: What a relational adjective pertains to, or an adverb is derived from.
        min_depth: (n,) int16 edges on the shortest way up to a root; 0 without parents.
        max_depth: (n,) int16 edges on the longest way.
        lexicon: From words to senses.
    """

    names: tuple[str, ...]
    pos: np.ndarray
    offsets: np.ndarray
    glosses: tuple[str, ...]
    lexnames: tuple[str, ...]
    lemmas: tuple[tuple[str, ...], ...]
    lemma_counts: tuple[tuple[int, ...], ...]
    hypernyms: Relation
    hyponyms: Relation
    similar_to: Relation
    also_see: Relation
    attributes: Relation
    antonym_links: LemmaLinks
    derivation_links: LemmaLinks
    pertainym_links: LemmaLinks
    min_depth: np.ndarray
    max_depth: np.ndarray
    lexicon: Lexicon

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<WordNet 3.0, {len(self):,} synsets>"

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> WordNet:
        """Build the tables from what `files.read_database` returns."""
        bounds = arrays["lemma_indptr"].tolist()
        spans = list(pairwise(bounds))
        lemmas, counts = split_strings(arrays["lemmas"]), tuple(arrays["lemma_counts"].tolist())
        relations: dict[str, Any] = {
            name: Relation(frozen(arrays[f"{name}_indptr"]), frozen(arrays[f"{name}_indices"]))
            for name in SYNSET_RELATIONS
        }
        links: dict[str, Any] = {
            name: LemmaLinks(*(frozen(np.ascontiguousarray(column)) for column in arrays[name].T))
            for name in LEMMA_LINKS
        }
        indexes = {pos: SenseIndex.from_arrays(arrays, pos) for pos in "nvar"}
        return cls(
            names=split_strings(arrays["names"]),
            pos=frozen(arrays["pos"]),
            offsets=frozen(arrays["offsets"]),
            glosses=split_strings(arrays["glosses"]),
            lexnames=tuple(LEXNAMES[number] for number in arrays["lex_numbers"].tolist()),
            lemmas=tuple(lemmas[first:last] for first, last in spans),
            lemma_counts=tuple(counts[first:last] for first, last in spans),
            hyponyms=relations["hypernyms"].inverse(),
            min_depth=frozen(arrays["min_depth"]),
            max_depth=frozen(arrays["max_depth"]),
            lexicon=Lexicon(indexes, frozen(arrays["pos"] == "s")),
            **relations,
            **links,
        )

    @cached_property
    def lemma_words(self) -> tuple[tuple[str, ...], ...]:
        """The lemmas of each synset as words are compared: normalised, in the same order."""
        return tuple(tuple(map(normalise, lemmas)) for lemmas in self.lemmas)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: synset for synset, name in enumerate(self.names)}

    @cached_property
    def _ids_by_wnid(self) -> dict[str, int]:
        pairs = zip(self.pos.tolist(), self.offsets.tolist(), strict=True)
        return {f"{pos}{offset:08d}": synset for synset, (pos, offset) in enumerate(pairs)}

    def wnid(self, synset: int) -> str:
        """Return the identifier of a synset in the style of ImageNet, `n02084071`.

        >>> load_wordnet().wnid(load_wordnet().index("dog.n.01"))
        'n02084071'
        """
        return f"{self.pos[synset]}{self.offsets[synset]:08d}"

    def name(self, synset: int) -> str:
        """Return the name of a synset, `dog.n.01`."""
        return self.names[synset]

    def index(self, name: str) -> int:
        """Return the id of a synset given by name (`dog.n.01`, `domestic_dog.n.01`) or wnid (`n02084071`).

        Raises:
            InputError: No synset has that name.

        >>> load_wordnet().index("domestic_dog.n.01") == load_wordnet().index("n02084071")
        True
        """
        for look_up in (self._ids.get, self._ids_by_wnid.get, self._by_sense_number):
            synset = look_up(name)
            if synset is not None:
                return synset
        raise InputError(f"WordNet 3.0 has no synset {shown(name)}", self._suggestion(name))

    def _by_sense_number(self, name: str) -> int | None:
        # A synset's own name has its first lemma; NLTK takes any lemma with its sense number, and so do we.
        word, pos, number = (["", "", "", *name.lower().rsplit(".", 2)])[-3:]
        if pos not in get_args(Pos) or not number.isdecimal():
            return None
        senses = self.lexicon.senses_as_spelt(word.replace(" ", "_"), pos)
        return senses[int(number) - 1] if 1 <= int(number) <= len(senses) else None

    def _suggestion(self, name: str) -> str:
        near: list[str] = [self.names[synset] for synset in self.synsets(name.split(".")[0])[:5]]
        if not near and name:
            start, length = name[0].lower(), len(name)
            alike = [other for other in self.names if other[0] == start and abs(len(other) - length) <= 2]
            near = get_close_matches(name, alike, cutoff=0.8)
        return (
            f"did you mean {', '.join(near)}?" if near else "names look like dog.n.01, wnids like n02084071"
        )

    def synsets(self, word: str, pos: Pos | None = None) -> tuple[int, ...]:
        """Return the ids of a word's synsets in WordNet's order of senses, without undoing any inflection.

        Words are matched by `words.normalise`: "Ice cream", "ice_cream" and "ice-cream" are one word;
        where WordNet lists several spellings apart, the senses of the given spelling come first.
        Nouns come before verbs, adjectives and adverbs; an unknown word has no synsets.

        Raises:
            InputError: An unknown part of speech.

        >>> [load_wordnet().name(synset) for synset in load_wordnet().synsets("happy")]
        ['happy.a.01', 'felicitous.s.01', 'glad.s.01', 'happy.s.03']
        """
        return unique(self.lexicon.senses(word, pos))

    def morphy(self, word: str, pos: Pos | None = None) -> tuple[int, ...]:
        """Return the same as `synsets`, with inflections undone by Morphy: "dogs" has the senses of "dog".

        Raises:
            InputError: An unknown part of speech.

        >>> load_wordnet().morphy("Dogs", "n") == load_wordnet().synsets("dog", "n")
        True
        """
        return unique(self.lexicon.senses(word, pos, inflected=True))

    def words(self, pos: Pos | None = None) -> tuple[str, ...]:
        """Return all words, normalised, each once, in WordNet's alphabetical order by part of speech.

        Raises:
            InputError: An unknown part of speech.
        """
        return self.lexicon.words(pos)

    def lemma_places(self, word: str, synset: int) -> tuple[int, ...]:
        """Return the places of a word among the lemmas of a synset; none if the synset lacks the word."""
        form = normalise(word)
        return tuple(place for place, lemma in enumerate(self.lemmas[synset]) if normalise(lemma) == form)

    def sense_counts(self, word: str, pos: Pos | None = None) -> np.ndarray:
        """Return how often each sense of a word was tagged, int64, aligned with `synsets(word, pos)`.

        Raises:
            InputError: An unknown part of speech.

        >>> load_wordnet().sense_counts("dog", "n").tolist()
        [42, 0, 0, 0, 0, 0, 0]
        """
        counts = [
            max(self.lemma_counts[synset][place] for place in self.lemma_places(word, synset))
            for synset in self.synsets(word, pos)
        ]
        return np.array(counts, dtype=np.int64)

    def synonyms(self, word: str, pos: Pos | None = None) -> tuple[str, ...]:
        """Return the other words of a word's synsets, normalised, each once, in order of senses.

        Raises:
            InputError: An unknown part of speech.

        >>> load_wordnet().synonyms("couch", "n")[:2]
        ('sofa', 'lounge')
        """
        form = normalise(word)
        spelt = (normalise(lemma) for synset in self.synsets(word, pos) for lemma in self.lemmas[synset])
        return unique(other for other in spelt if other != form)

    def antonyms(self, word: str, pos: Pos | None = None) -> tuple[str, ...]:
        """Return the direct antonyms of a word, normalised, each once, in order of senses.

        Raises:
            InputError: An unknown part of speech.

        >>> load_wordnet().antonyms("good", "a")
        ('bad', 'evil')
        """
        return unique(
            normalise(self.lemmas[other][lemma])
            for synset in self.synsets(word, pos)
            for place in self.lemma_places(word, synset)
            for other, lemma in self.antonym_links.of(synset, place)
        )

    def subtree(self, root: int, max_size: int) -> np.ndarray:
        """Return a root and the synsets below it, nearest first, at most `max_size` of them, int32.

        Raises:
            InputError: `max_size` is below 1.
        """
        if max_size < 1:
            raise InputError(f"max_size is {max_size}", "ask for at least one synset")
        tree, waiting = {root: None}, deque([root])
        while waiting and len(tree) < max_size:
            children = [child for child in self.hyponyms.of(waiting.popleft()).tolist() if child not in tree]
            tree.update(dict.fromkeys(children))
            waiting.extend(children)
        return np.array(list(tree)[:max_size], dtype=np.int32)


_LOADED: list[WordNet] = []


def load_wordnet() -> WordNet:
    """Return WordNet 3.0, read once for the whole process.

    The first call of all finds or fetches the database and takes some seconds; later ones read a cache.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.

    >>> load_wordnet()
    <WordNet 3.0, 117,659 synsets>
    """
    with _LOCK:
        if not _LOADED:
            _LOADED.append(read_wordnet())
        return _LOADED[0]


def read_wordnet() -> WordNet:
    """Return WordNet 3.0 as a new object, from the cache where its tables are there; as `load_wordnet`."""
    return WordNet.from_arrays(read_arrays())


def read_arrays() -> Arrays:
    """Return what `files.read_database` makes of the database, from the cache where it is there."""
    # Raise the version of this kind in `cache.KINDS` with every change of what `read_database` returns.
    return cached("wordnet", identity(), lambda: read_database(ensure_wordnet()), codec=ARRAYS)
