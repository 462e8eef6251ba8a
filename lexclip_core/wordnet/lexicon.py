"""From a word to its senses: WordNet's sense index, spellings, and Morphy, which undoes inflections.

Source: WordNet 3.0 reference manual, morphy(7WN), with the order and the suffixes of NLTK 3.10.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.wordnet.files import FILE_SUFFIXES, Arrays, split_strings
from lexclip_core.wordnet.relations import Relation, frozen
from lexclip_core.words import normalise

Pos = Literal["n", "v", "a", "s", "r"]
WordPos = Literal["n", "v", "a", "r"]
Detachment = Literal["once", "until_known"]
T = TypeVar("T", bound=Hashable)

POS_NAMES: dict[WordPos, str] = {"n": "noun", "v": "verb", "a": "adjective", "r": "adverb"}
"""Part of speech of a word -> its English name."""


def _detachments(rules: str) -> tuple[tuple[str, str], ...]:
    suffixes = (rule.partition(":") for rule in rules.split())
    return tuple((suffix, replacement) for suffix, _, replacement in suffixes)


DETACHMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "n": _detachments("s: ses:s ves:f xes:x zes:z ches:ch shes:sh men:man ies:y"),
    "v": _detachments("s: ies:y es:e es: ed:e ed: ing:e ing:"),
    "a": _detachments("er: est: er:e est:e"),
    "r": (),
}
"""Morphy's rules: suffix -> replacement, in the order they are tried; adverbs have none."""


def unique(items: Iterable[T]) -> tuple[T, ...]:
    """Return the items in order, each once.

    >>> unique("banana")
    ('b', 'a', 'n')
    """
    return tuple(dict.fromkeys(items))


def parts_of_speech(pos: str | None) -> tuple[str, ...]:
    """Return the parts of speech to look in: the one given, or noun, verb, adjective, adverb.

    Raises:
        InputError: An unknown part of speech.

    >>> parts_of_speech(None)
    ('n', 'v', 'a', 'r')
    """
    if pos is None:
        return tuple(FILE_SUFFIXES)
    if pos not in get_args(Pos):
        valid = "n (noun), v (verb), a (adjective), s (satellite adjective), r (adverb)"
        raise InputError(f"unknown part of speech {pos!r}", f"use one of {valid}, or None for all")
    return (pos,)


@dataclass(frozen=True, eq=False, repr=False)
class SenseIndex:
    """The words of one part of speech as WordNet spells them.

    Attributes:
        pos: One of n, v, a, r.
        rows: Word (lower case, spaces as underscores) -> its row of `senses`.
        senses: The synsets of each word in order of senses.
        exceptions: Irregular form -> base forms.
    """

    pos: str
    rows: dict[str, int]
    senses: Relation
    exceptions: dict[str, tuple[str, ...]]

    @classmethod
    def from_arrays(cls, arrays: Arrays, pos: str) -> SenseIndex:
        """Build the index of one of n, v, a, r from what `files.read_database` returns."""
        irregular = (line.split(" ") for line in split_strings(arrays[f"exceptions_{pos}"]))
        return cls(
            pos=pos,
            rows={word: row for row, word in enumerate(split_strings(arrays[f"senses_{pos}_words"]))},
            senses=Relation(frozen(arrays[f"senses_{pos}_indptr"]), frozen(arrays[f"senses_{pos}_ids"])),
            exceptions={form: tuple(bases) for form, *bases in irregular},
        )

    def without_suffix(self, forms: Iterable[str]) -> tuple[str, ...]:
        """Return what one step of `DETACHMENTS` makes of some forms, known words or not."""
        return tuple(
            form[: len(form) - len(suffix)] + replacement
            for form in forms
            for suffix, replacement in DETACHMENTS[self.pos]
            if form.endswith(suffix)
        )


@dataclass(frozen=True, eq=False, repr=False)
class Lexicon:
    """The four sense indexes of WordNet.

    Attributes:
        indexes: One for each of n, v, a (with the satellites), r.
        satellite: (synsets,) bool, true for the synsets with part of speech "s".
    """

    indexes: dict[str, SenseIndex]
    satellite: np.ndarray

    @cached_property
    def _hyphenated(self) -> dict[str, tuple[str, ...]]:
        """Normalised form -> the words with hyphens that have it."""
        spellings: dict[str, dict[str, None]] = {}
        for index in self.indexes.values():
            for word in index.rows:
                if "-" in word:
                    spellings.setdefault(normalise(word), {})[word] = None
        return {form: tuple(words) for form, words in spellings.items()}

    def spellings(self, word: str) -> tuple[str, ...]:
        """Return the ways the indexes may spell a word (lower case, underscores), the given way first.

        >>> from lexclip_core.wordnet.tables import load_wordnet
        >>> load_wordnet().lexicon.spellings("wet nurse")
        ('wet_nurse', 'wet-nurse')
        """
        form = normalise(word)
        given = "_".join(word.lower().split())
        return unique((given, form.replace(" ", "_"), *self._hyphenated.get(form, ())))

    def _index(self, pos: str) -> SenseIndex:
        return self.indexes["a" if pos == "s" else pos]

    def senses_as_spelt(self, word: str, pos: str) -> list[int]:
        """Return the synset ids of one entry of an index, which must be spelt exactly so."""
        index = self._index(pos)
        row = index.rows.get(word)
        ids: list[int] = [] if row is None else index.senses.of(row).tolist()
        return [synset for synset in ids if self.satellite[synset]] if pos == "s" else ids

    def base_forms(self, form: str, pos: str, detach: Detachment = "once") -> tuple[str, ...]:
        """Return the entries that a form may stand for under Morphy, the form itself first if known.

        A form on the exception list is looked up there alone.

        Args:
            form: Lower case, spaces as underscores.
            pos: One of n, v, a, s, r.
            detach: Take off one suffix (NLTK 3.10), or go on until a known word is met (NLTK 3.8).

        >>> from lexclip_core.wordnet.tables import load_wordnet
        >>> load_wordnet().lexicon.base_forms("leaves", "n")
        ('leaf', 'leave')
        """
        index = self._index(pos)
        irregular = index.exceptions.get(form)
        candidates = index.without_suffix((form,)) if irregular is None else irregular
        known = [one for one in (form, *candidates) if one in index.rows]
        while candidates and not known and detach == "until_known" and irregular is None:
            candidates = index.without_suffix(candidates)
            known = [one for one in candidates if one in index.rows]
        return unique(known)

    def senses(self, word: str, pos: str | None, *, inflected: bool = False) -> Iterator[int]:
        """Yield the synset ids of a word under all its spellings, and where inflected of its base forms."""
        spellings = self.spellings(word)
        for p in parts_of_speech(pos):
            for spelling in spellings:
                for form in self.base_forms(spelling, p) if inflected else (spelling,):
                    yield from self.senses_as_spelt(form, p)

    def words(self, pos: str | None) -> tuple[str, ...]:
        """Return the words of one part of speech or all, normalised, each once."""
        return unique(
            normalise(word)
            for p in parts_of_speech(pos)
            for word in self._index(p).rows
            if p != "s" or self.senses_as_spelt(word, p)
        )
