"""Things that are drawn as emoji, with what they are a kind of, for probes of sentences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from lexclip_core.datasets.emoji.scene_objects import objects
from lexclip_core.datasets.emoji.sprites import concepts, data_folder
from lexclip_core.datasets.probes import Thing
from lexclip_core.synsets import WordNet, load_wordnet

# What a person would say that a thing is, where WordNet's next level up has "saurian" or "canid".
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "animal.n.01": "animal",
        "bird.n.01": "bird",
        "building.n.01": "building",
        "clock.n.01": "clock",
        "container.n.01": "container",
        "device.n.01": "device",
        "edible_fruit.n.01": "fruit",
        "fish.n.01": "fish",
        "flower.n.01": "flower",
        "garment.n.01": "garment",
        "implement.n.01": "implement",
        "insect.n.01": "insect",
        "musical_instrument.n.01": "musical instrument",
        "plant.n.02": "plant",
        "plaything.n.01": "toy",
        "reptile.n.01": "reptile",
        "tool.n.01": "tool",
        "vegetable.n.01": "vegetable",
        "vehicle.n.01": "vehicle",
    }
)
"""Synset -> its everyday name, a countable noun."""


def things() -> tuple[Thing, ...]:
    """Return what scenes are made of, each thing with its nearest of `KINDS` and its concept as picture.

    A thing under none of `KINDS`, such as a volcano, has no kind.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    named = objects()  # first: it says which file is missing
    return _things(data_folder(), tuple(named.items()))


@lru_cache(maxsize=4)
def _things(folder: Path, named: tuple[tuple[str, str], ...]) -> tuple[Thing, ...]:
    wordnet, table = load_wordnet(), concepts()
    synsets = dict(zip(table["concept"], table["synset"], strict=True))
    kinds = {wordnet.index(synset): name for synset, name in KINDS.items()}
    return tuple(
        Thing(name, _nearest(wordnet, wordnet.index(synsets[concept]), kinds), concept)
        for concept, name in named
    )


def _nearest(wordnet: WordNet, synset: int, kinds: Mapping[int, str]) -> str:
    """Return the first of the kinds on the way up, breadth first, "" if there is none."""
    level, seen = [synset], {synset}
    while level:
        level = [one for below in level for one in wordnet.hypernyms.of(below).tolist() if one not in seen]
        seen.update(level)
        for one in level:
            if one in kinds:
                return kinds[one]
    return ""
