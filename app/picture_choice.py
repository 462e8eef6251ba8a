"""Which pictures the Names page shows: a seeded draw of emoji, the faces, or files that were dropped in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from lexclip_core.datasets import class_names
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures.files import open_picture
from lexclip_core.datasets.pictures.picture_set import PictureSet, dropped
from lexclip_core.errors import LexclipError
from lexclip_core.wordnet import tables
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise

Having = Literal["any", "synonym"]
ALL, EMOTIONS, OWN = "all", "emotions", "own"
SETS = {
    "Animals and nature": "animals-nature",
    "Food and drink": "food-drink",
    "Objects": "objects",
    "Travel and places": "travel-places",
    "Activities": "activities",
    "People": "people-body",
    "All nouns": ALL,
    "Faces": EMOTIONS,
    "Your own pictures": OWN,
}
"""What the page calls each set, and so does its address."""
FEWEST, USUAL, MOST = 10, 20, 60
MOST_DROPPED = 64


@lru_cache(maxsize=64)
def choose(which: str, count: int, seed: int, having: Having = "synonym") -> PictureSet:
    """Return the pictures of `count` classes drawn from a set, in the set's own order, in the held-out style.

    Args:
        which: A value of `SETS`; `own` draws from all nouns, whose names dropped pictures start with.
        count: How many classes; all of them where there are fewer. The faces are always all.
        seed: Of the draw.
        having: Draw among `any` classes, or among those for which WordNet has a `synonym`.

    Raises:
        MissingResourceError: The emoji are not there.
        DamagedFileError: A file of theirs is damaged.
    """
    if which == EMOTIONS:
        return sprites.picture_set(which="emotions")
    pictures = sprites.picture_set(which="mapped")
    keys = _distinct(pictures, which, having)
    if count >= len(keys):
        return pictures.subset(keys)
    places = np.random.default_rng(seed).choice(len(keys), count, replace=False)
    return pictures.subset([keys[place] for place in sorted(places)])


def _distinct(pictures: PictureSet, which: str, having: Having) -> list[str]:
    """Return the keys of a group's classes; of classes that share a name (two kinds of bat) the first."""
    table, wordnet = sprites.concepts(), tables.load_wordnet()
    groups = dict(zip(table["concept"], table["group"], strict=True))
    keys: dict[str, str] = {}
    for one in pictures.classes:
        fits = which in (ALL, OWN) or groups[one.key] == which
        if fits and (having == "any" or _has_plain_synonym(wordnet, one.synset)):
            keys.setdefault(normalise(one.name), one.key)
    return list(keys.values())


def _has_plain_synonym(wordnet: WordNet, synset: str) -> bool:
    """Return whether a class has another word that is not a Latin name or a proper one."""
    return any(word[:1].islower() for word in class_names.alternatives(wordnet, synset, "synonym"))


def take(files: Sequence[tuple[str, bytes]]) -> tuple[PictureSet | None, list[LexclipError]]:
    """Return the files that are sound pictures, None where none is, and what is wrong with the others.

    Args:
        files: Each file's name and bytes, at most `MOST_DROPPED`.
    """
    sound, errors = [], []
    for name, content in files:
        try:
            open_picture(content, name=name)
        except LexclipError as error:
            errors.append(error)
        else:
            sound.append((name, content))
    return (dropped(sound, most=MOST_DROPPED) if sound else None), errors
