"""Class names and the words that may stand in for them: synonyms, level-1 hypernyms, or both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations as all_combinations
from itertools import product
from typing import Literal, TypeVar, get_args

import numpy as np

from lexclip_core.datasets.cards import seeded
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import Comparison, form_of, unique_subset

Kind = Literal["synonym", "hypernym", "mixed"]
T = TypeVar("T")

_LISTED = 4096  # with at most so many possibilities all are listed; among more, draws seldom repeat


@dataclass(frozen=True)
class NamedClass:
    """A class, its name, and other words for it.

    Attributes:
        key: What pictures are labelled with.
        synset: The class's synset, `dog.n.01` or its wnid.
        original: Its name.
        alternatives: Words that may replace the name; `_` and `-` are spaces.
        meanings: Synset of each alternative; the class's own where left empty.
    """

    key: str
    synset: str
    original: str
    alternatives: tuple[str, ...]
    meanings: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The name, then its alternatives."""
        return (self.original, *self.alternatives)

    @property
    def synsets(self) -> tuple[str, ...]:
        """The synset of each of `words`."""
        return (self.synset, *(self.meanings or (self.synset,) * len(self.alternatives)))


@dataclass(frozen=True)
class NameSet:
    """Classes with names to be replaced, no word in two of them, and the classes left out with the reason."""

    kind: Kind
    classes: tuple[NamedClass, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.classes)


def alternatives(wordnet: WordNet, synset: str, kind: Kind) -> tuple[str, ...]:
    """Return the words that may stand for a synset, `_` and `-` as spaces, each once.

    Args:
        wordnet: The tables.
        synset: `dog.n.01` or a wnid.
        kind: `synonym`: all lemmas but the first, which names the synset. `hypernym`: the name (the first
            lemma) of every synset one level up, as the blog's released code has it. `mixed`: both.

    Raises:
        InputError: The synset or the kind is unknown.
    """
    name = _spaced(wordnet.lemmas[wordnet.index(synset)][0])
    words = _meanings(wordnet, synset, kind)
    return tuple(word for word in words if word.casefold() != name.casefold())


def name_set(
    wordnet: WordNet,
    classes: Mapping[str, tuple[str, str]],
    kind: Kind,
    *,
    comparison: Comparison = "normalised",
) -> NameSet:
    """Return the classes that have alternatives, no word in two of them (the blog's rule, claim B18).

    Classes are taken in order. One is left out, with the reason, if it has no synset, none of the words
    that `kind` asks for (`mixed` asks for both), or a word that an earlier class has already.

    On the 1,000 ImageNet classes with their synsets' names this gives 478 (synonym), 531 (hypernym) and 313
    (mixed) classes; on the 197 OpenImages synsets 91 and 159. The blog's figures have 478, 528, 313, 93 and
    at least 150. Its released code gives 478, 531, 313, 93 and 159: it compares words as spelt with names in
    lower case, so that "Christmas tree" and "iPod" replace their own names; it keeps such classes for
    OpenImages, and for ImageNet wants two lemmas, which leaves none. `comparison="as_spelt"` is that rule.

    Args:
        wordnet: The tables.
        classes: Key -> (synset or "", name). The name need not be a lemma; lemmas that differ become
            synonyms.
        kind: Where alternatives come from.
        comparison: `normalised`, or `as_spelt` as in the released code.

    Raises:
        InputError: The kind, the comparison or a synset is unknown.
    """
    form = form_of(comparison)
    made = {key: _named(wordnet, key, given, kind, form) for key, given in classes.items()}
    candidates = {key: one for key, one in made.items() if isinstance(one, NamedClass)}
    unique = unique_subset({key: one.words for key, one in candidates.items()}, comparison=comparison)
    reasons = {key: one for key, one in made.items() if isinstance(one, str)}
    reasons |= {one.text: one.reason for one in unique.dropped}
    chosen = tuple(candidates[key] for key in unique.classes)
    return NameSet(kind, chosen, tuple((key, reasons[key]) for key in classes if key in reasons))


def _named(
    wordnet: WordNet, key: str, given: tuple[str, str], kind: Kind, form: Callable[[str], str]
) -> NamedClass | str:
    """Return a class with its alternatives, or the reason why it has none."""
    synset, original = given
    if not synset:
        return "no synset"
    if not form(original):
        return "no name"
    words: dict[str, tuple[str, str]] = {}  # form -> spelling, meaning
    for part in _parts(kind):
        every = _meanings(wordnet, synset, part)
        fresh = {word: meaning for word, meaning in every.items() if form(word) != form(original)}
        if not fresh:
            return f"no {part}"
        for word, meaning in fresh.items():
            words.setdefault(form(word), (word, meaning))
    spellings, meanings = zip(*words.values(), strict=True)
    return NamedClass(key, synset, original, spellings, meanings)


def _parts(kind: Kind) -> tuple[Kind, ...]:
    if kind not in get_args(Kind):
        raise InputError(f"unknown kind {kind!r}", f"choose one of {', '.join(get_args(Kind))}")
    return ("synonym", "hypernym") if kind == "mixed" else (kind,)


def _meanings(wordnet: WordNet, synset: str, kind: Kind) -> dict[str, str]:
    """Return word -> synset name of all words of a kind, the synset's own name among its synonyms."""
    index = wordnet.index(synset)
    owners: list[tuple[str, int]] = []
    for part in _parts(kind):
        if part == "synonym":
            owners += [(lemma, index) for lemma in wordnet.lemmas[index]]
        else:
            owners += [(wordnet.lemmas[one][0], one) for one in wordnet.hypernyms.of(index).tolist()]
    words: dict[str, str] = {}
    for lemma, owner in owners:
        words.setdefault(_spaced(lemma), wordnet.name(owner))
    return words


def _spaced(lemma: str) -> str:
    return " ".join(lemma.replace("_", " ").replace("-", " ").split())


def subsets(name_set: NameSet, size: int, count: int, seed: int) -> tuple[tuple[NamedClass, ...], ...]:
    """Return `count` distinct sets of `size` classes, drawn at random, each in the order of the name set.

    The first draws do not depend on `count`. The released code draws with repetition and without a seed
    (claim D9).

    Raises:
        InputError: There are fewer distinct sets than are asked for.
    """
    n = len(name_set)
    if not 1 <= size <= n:
        asked = f"subsets of {size} classes of {n} {name_set.kind} classes"
        raise InputError(asked, f"ask for 1 to {n} classes")
    total = math.comb(n, size)
    _check_count(count, total, f"subsets of {size} of {n} classes")
    rng = seeded(seed, size)

    def draw() -> tuple[int, ...]:
        return tuple(sorted(rng.choice(n, size, replace=False).tolist()))

    listed = all_combinations(range(n), size) if total <= _LISTED else None
    chosen = _distinct(listed, draw, count, rng)
    return tuple(tuple(name_set.classes[i] for i in one) for one in chosen)


def combinations(classes: Sequence[NamedClass], count: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Return `count` distinct choices of one alternative for each class, drawn at random.

    The first draws do not depend on `count`.

    Raises:
        InputError: A class has no alternative, or there are fewer distinct choices than are asked for.
    """
    rows = [one.alternatives for one in classes]
    for one in classes:
        if not one.alternatives:
            raise InputError(f"class {one.key!r} has no alternative", "leave it out")
    total = possible(classes)
    _check_count(count, total, f"combinations of the {len(rows)} classes' alternatives")
    rng = seeded(seed, len(rows))

    def draw() -> tuple[str, ...]:
        return tuple(row[rng.integers(len(row))] for row in rows)

    return tuple(_distinct(product(*rows) if total <= _LISTED else None, draw, count, rng))


def possible(classes: Sequence[NamedClass]) -> int:
    """Return how many distinct choices of one alternative for each class there are."""
    return math.prod(len(one.alternatives) for one in classes)


def _check_count(count: int, total: int, what: str) -> None:
    if count < 1:
        raise InputError(f"{count} {what} are asked for", "ask for at least 1")
    if count > total:
        problem = f"{count} distinct {what} are asked for, there are {total}"
        raise InputError(problem, f"ask for at most {total}")


def _distinct(
    listed: Iterator[T] | None, draw: Callable[[], T], count: int, rng: np.random.Generator
) -> list[T]:
    if listed is not None:
        every = list(listed)
        return [every[i] for i in rng.permutation(len(every))[:count]]
    chosen: dict[T, None] = {}
    while len(chosen) < count:
        chosen.setdefault(draw())
    return list(chosen)
