"""The words that a tower is tuned on for some classes, and the words that replace their names."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lexclip_core.class_names import NamedClass
from lexclip_core.name_study.plan import Replaced
from lexclip_core.words import normalise


@dataclass(frozen=True)
class Vocabulary:
    """Words tuned on, the synset of each, and the classes with only the words that may replace names."""

    words: tuple[str, ...]
    synsets: tuple[str, ...]
    classes: tuple[NamedClass, ...]


def vocabulary(classes: Sequence[NamedClass], replaced: Replaced, seed: int) -> Vocabulary:
    """Return what is tuned on and what is tested.

    Which alternatives of a class are held out depends on its key and the seed, not on the other classes. A
    class with one alternative is tuned on its name alone.
    """
    if replaced == "tuned_on":
        kept = tested = tuple(classes)
    else:
        halves = [_halves(one, seed) for one in classes]
        kept, tested = tuple(one for one, _ in halves), tuple(one for _, one in halves)
    words = tuple(word for one in kept for word in one.words)
    return Vocabulary(words, tuple(synset for one in kept for synset in one.synsets), tested)


def _halves(one: NamedClass, seed: int) -> tuple[NamedClass, NamedClass]:
    n = len(one.alternatives)
    order = np.random.default_rng([seed, zlib.crc32(one.key.encode())]).permutation(n)
    held_out = set(order[: max(1, n // 2)].tolist())
    return _only(one, [i for i in range(n) if i not in held_out]), _only(one, sorted(held_out))


def _only(one: NamedClass, places: Iterable[int]) -> NamedClass:
    chosen = list(places)
    return replace(
        one,
        alternatives=tuple(one.alternatives[i] for i in chosen),
        meanings=tuple(one.synsets[1 + i] for i in chosen),
    )


def shared_words(classes: Iterable[NamedClass], words: Iterable[str]) -> list[int]:
    """Return for each class how many of its words are among `words`, compared normalised."""
    known = {normalise(word) for word in words}
    return [sum(normalise(word) in known for word in one.words) for one in classes]
