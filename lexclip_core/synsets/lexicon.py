"""From a word to its senses: WordNet's sense index, spellings and inflections."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.synsets.data_files import FILE_SUFFIXES
from lexclip_core.synsets.database import Arrays, split_strings
from lexclip_core.synsets.morphy import Detachment, base_forms
from lexclip_core.synsets.relations import Relation, frozen
from lexclip_core.words import normalise

Pos = Literal["n", "v", "a", "s", "r"]
T = TypeVar("T", bound=Hashable)


def unique(items: Iterable[T]) -> tuple[T, ...]:
    """Return the items in order, each once."""
    return tuple(dict.fromkeys(items))


def parts_of_speech(pos: str | None) -> tuple[str, ...]:
    """Return the parts of speech to look in: the one given, or noun, verb, adjective, adverb.

    Raises:
        InputError: `pos` is no part of speech.
    """
    if pos is None:
        return tuple(FILE_SUFFIXES)
    if pos not in get_args(Pos):
        valid = "n (noun), v (verb), a (adjective), s (satellite adjective), r (adverb)"
        raise InputError(f"{pos!r} is no part of speech", f"use one of {valid}, or None for all")
    return (pos,)


@dataclass(frozen=True, eq=False, repr=False)
class SenseIndex:
    """The words of one part of speech as WordNet spells them, with their synsets in order of senses."""

    words: tuple[str, ...]
    rows: dict[str, int]
    senses: Relation
    exceptions: dict[str, tuple[str, ...]]

    @classmethod
    def from_arrays(cls, arrays: Arrays, pos: str) -> SenseIndex:
        """Build the index of one of n, v, a, r from what `database.read_database` returns."""
        words = split_strings(arrays[f"senses_{pos}_words"])
        irregular = (line.split(" ") for line in split_strings(arrays[f"exceptions_{pos}"]))
        return cls(
            words=words,
            rows={word: row for row, word in enumerate(words)},
            senses=Relation(frozen(arrays[f"senses_{pos}_indptr"]), frozen(arrays[f"senses_{pos}_ids"])),
            exceptions={form: tuple(bases) for form, *bases in irregular},
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
            for word in index.words:
                if "-" in word:
                    spellings.setdefault(normalise(word), {})[word] = None
        return {form: tuple(words) for form, words in spellings.items()}

    def spellings(self, word: str) -> tuple[str, ...]:
        """Return the ways the indexes may spell a word (lower case, underscores), the given way first."""
        form = normalise(word)
        given = "_".join(word.lower().split())
        return unique((given, form.replace(" ", "_"), *self._hyphenated.get(form, ())))

    def senses_as_spelt(self, word: str, pos: str) -> list[int]:
        """Return the synset ids of one entry of an index, which must be spelt exactly so."""
        index = self.indexes["a" if pos == "s" else pos]
        row = index.rows.get(word)
        found = [] if row is None else index.senses.of(row).tolist()
        return [synset for synset in found if self.satellite[synset]] if pos == "s" else found

    def base_forms(self, form: str, pos: str, detach: Detachment = "once") -> tuple[str, ...]:
        """Return the entries that a form (lower case, underscores) may stand for under Morphy."""
        file_pos = "a" if pos == "s" else pos
        index = self.indexes[file_pos]
        return base_forms(form, file_pos, known=index.rows, exceptions=index.exceptions, detach=detach)

    def senses(self, word: str, pos: str | None) -> Iterator[int]:
        """Yield the synset ids of a word under all its spellings, without undoing any inflection."""
        spellings = self.spellings(word)
        for p in parts_of_speech(pos):
            for spelling in spellings:
                yield from self.senses_as_spelt(spelling, p)

    def senses_of_base_forms(self, word: str, pos: str | None) -> Iterator[int]:
        """Yield the synset ids of a word and of its base forms."""
        spellings = self.spellings(word)
        for p in parts_of_speech(pos):
            for spelling in spellings:
                for form in self.base_forms(spelling, p):
                    yield from self.senses_as_spelt(form, p)

    def words(self, pos: str | None) -> tuple[str, ...]:
        """Return the words of one part of speech or all, normalised, each once."""
        return unique(
            normalise(word)
            for p in parts_of_speech(pos)
            for word in self.indexes["a" if p == "s" else p].words
            if p != "s" or self.senses_as_spelt(word, p)
        )
