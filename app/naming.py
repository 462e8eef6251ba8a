"""The names that a visitor gives to classes: read, checked, and swapped for other words of WordNet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from typed import MAX_LENGTH

from lexclip_core.datasets import class_names
from lexclip_core.datasets.pictures.picture_set import PictureClass
from lexclip_core.errors import InputError
from lexclip_core.wordnet.lexicon import Pos
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise

MOST_NAMES = 200
POS: tuple[Pos, ...] = ("n", "a", "v", "r")


def joined(names: Sequence[str]) -> str:
    """Return names as the text box holds them: one per line."""
    return "\n".join(names)


def read_names(text: str | None, count: int | None = None) -> tuple[str, ...]:
    """Return the names of the text box, spaces trimmed.

    Args:
        text: One name per line; empty lines at the end do not count.
        count: How many names there must be; None takes any number from 2 to `MOST_NAMES`.

    Raises:
        InputError: A name is empty, too long or without a letter or digit, two are the same word, or their
            number is wrong.
    """
    lines = [" ".join(line.split()) for line in (text or "").rstrip().splitlines()]
    if not lines:
        raise InputError("There are no class names.", "Type one name per line, or put the originals back.")
    for place, line in enumerate(lines, start=1):
        _check(line, place)
    _refuse_number(len(lines), count)
    places: dict[str, int] = {}
    for place, line in enumerate(lines, start=1):
        first = places.setdefault(normalise(line), place)
        if first != place:
            raise InputError(
                f"Lines {first} and {place} both say “{line}”, so a picture cannot be distinguished by it.",
                "Give each class a name of its own.",
            )
    return tuple(lines)


def _check(line: str, place: int) -> None:
    remedy = "Give the class a name, such as dog."
    if not line:
        raise InputError(f"Line {place} is empty.", remedy)
    if len(line) > MAX_LENGTH:
        raise InputError(
            f"Line {place}, “{line[:20].rstrip()}…”, has {len(line):,} characters.",
            f"Type at most {MAX_LENGTH} characters.",
        )
    if not any(character.isalnum() for character in line):
        raise InputError(f"Line {place}, “{line}”, has no letter or digit in it.", remedy)


def _refuse_number(found: int, count: int | None) -> None:
    if count is not None and found != count:
        raise InputError(
            f"There are {found} names for {count} classes.",
            "Give one name per line, or put the originals back.",
        )
    if not 2 <= found <= MOST_NAMES:
        raise InputError(f"There are {found} names.", f"Give 2 to {MOST_NAMES}.")


def sense(wordnet: WordNet, one: PictureClass, order: Sequence[Pos] = POS) -> str:
    """Return the class's synset; where it names none, the first sense of its name; "" where WordNet has none.

    Args:
        wordnet: The tables.
        one: The class.
        order: Parts of speech, the likeliest first.
    """
    if one.synset:
        return one.synset
    found = [synset for pos in order for synset in wordnet.morphy(one.name, pos)[:1]]
    return wordnet.name(found[0]) if found else ""


def swapped(
    wordnet: WordNet,
    classes: Sequence[PictureClass],
    kind: class_names.Kind,
    draw: int = 0,
    order: Sequence[Pos] = POS,
) -> tuple[str, ...]:
    """Return another word for each class, its own name where there is none; no word stands twice.

    Words that are another class's own name are skipped, and so are words already given.

    Args:
        wordnet: The tables.
        classes: The classes with their original names.
        kind: What the words are to the class.
        draw: 0 takes each class's first word; any other number is the seed of a draw.
        order: As in `sense`.
    """
    generator = np.random.default_rng(draw)
    taken = {normalise(one.name) for one in classes}
    names = []
    for one in classes:
        synset = sense(wordnet, one, order)
        offered = class_names.alternatives(wordnet, synset, kind) if synset else ()
        words = [word for word in offered if normalise(word) not in taken]
        words.sort(key=lambda word: (word[:1].isupper(), -_used(wordnet, word)))  # Latin names come last
        chosen = words[int(generator.integers(len(words))) if draw else 0] if words else one.name
        taken.add(normalise(chosen))
        names.append(chosen)
    return tuple(names)


def _used(wordnet: WordNet, word: str) -> int:
    """Return how often WordNet's tagged texts use a noun, in any sense."""
    spelt = normalise(word)
    return sum(
        int(count)
        for synset in wordnet.morphy(word, "n")
        for lemma, count in zip(wordnet.lemmas[synset], wordnet.lemma_counts[synset], strict=True)
        if normalise(lemma) == spelt
    )


def unknown(wordnet: WordNet, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that WordNet does not list, as what kind of word they may be."""
    return tuple(name for name in names if not any(wordnet.morphy(name, pos) for pos in POS))
