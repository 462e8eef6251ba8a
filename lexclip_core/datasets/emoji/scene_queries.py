"""Other ways to say what a scene shows, kept from training: phrasings, words, long expansions, synonyms.

Development and test have ways of their own, so that what is chosen on one says nothing about the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from lexclip_core.datasets.emoji.scene_objects import objects
from lexclip_core.datasets.emoji.scene_words import PHRASINGS
from lexclip_core.datasets.emoji.scenes import Scene, told
from lexclip_core.datasets.emoji.sprites import concepts, data_folder
from lexclip_core.synsets import WordNet, load_wordnet
from lexclip_core.words import normalise, with_article

HeldOut = Literal["development", "test"]
Rewording = Literal["synonym", "order", "word", "expansion"]

REWORDINGS: tuple[Rewording, ...] = get_args(Rewording)

# Of one split, the phrasings of opposite relations stand in one order.
RESERVED: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "development": {
            "left of": ("{b} and, on its left, {a}", "{a} at the left of {b}"),
            "right of": ("{b} and, on its right, {a}", "{a} at the right of {b}"),
            "above": ("{b} and, above it, {a}", "{a} up above {b}"),
            "below": ("{b} and, below it, {a}", "{a} down below {b}"),
        },
        "test": {
            "left of": ("to the left of {b}, {a}", "{b} with {a} on its left", "{a} on the left side of {b}"),
            "right of": (
                "to the right of {b}, {a}",
                "{b} with {a} on its right",
                "{a} on the right side of {b}",
            ),
            "above": ("above {b}, {a}", "{b} with {a} over it", "{a} higher up than {b}"),
            "below": ("below {b}, {a}", "{b} with {a} under it", "{a} lower down than {b}"),
        },
    }
)
WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"development": ("is", "just"), "test": ("was", "directly", "somewhere", "seen")}
)
EXPANSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "development": ("this is a drawing of {a} that has been put {where} {b}",),
        "test": (
            "in this picture you can see {a} that is placed {where} {b}",
            "an illustration which shows us {a}, located {where} {b}",
        ),
    }
)
_WHERE = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}

# Lemmas that do not name one thing in plain words: groups, masses, and what nobody says.
_UNFIT = frozenset(
    (
        *("anuran", "batrachian", "bird of night", "brass", "cattle", "cows", "cutlery", "cycle", "emmet"),
        *("friedcake", "ground tackle", "hack", "horn", "kine", "moo-cow", "oxen", "pismire"),
        *("public transport", "salientian", "sinker", "telly", "trump", "wheel", "woman's clothing"),
    )
)


def reworded(scene: Scene, rewording: Rewording, split: HeldOut, seed: int) -> tuple[str, str] | None:
    """Return a sentence that is true of the scene and the same said in another way, or None if there is none.

    The first is in one of the phrasings that training knows. The second has synonyms of the things' names
    (`synonym`), a reserved order of the same words (`order`), one word more (`word`), or a long sentence in
    which each thing is called a kind of its hypernym (`expansion`).

    Args:
        scene: The scene.
        rewording: What changes.
        split: Whose reserved ways to use.
        seed: The same seed gives the same sentences.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    generator = np.random.default_rng(seed)
    known = PHRASINGS[scene.relation]
    phrasing = known[0] if rewording == "word" else known[generator.integers(len(known))]
    plain = told(scene, phrasing)
    if rewording == "order":
        other = told(scene, _one(generator, RESERVED[split][scene.relation]))
    elif rewording == "word":
        other = told(scene, phrasing.replace("{a}", "{a} " + _one(generator, WORDS[split])))
    elif rewording == "expansion":
        names = _expanded(scene.first, scene.colour_first), _expanded(scene.second, scene.colour_second)
        longer = _one(generator, EXPANSIONS[split]).replace("{where}", _WHERE[scene.relation])
        other = told(scene, longer, *names)
    else:
        names = (
            _renamed(scene.first, scene.colour_first, generator),
            _renamed(scene.second, scene.colour_second, generator),
        )
        other = told(scene, phrasing, *names)
    return None if other == plain else (plain, other)


def synonyms(concept: str) -> tuple[str, ...]:
    """Return other names of a thing of scenes: lemmas of its synset whose first sense as a noun it is.

    Names with capitals, of several things, and the thing's own are left out.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    return _names(data_folder())[concept][0]


def hypernym(concept: str) -> str:
    """Return what a thing of scenes is a kind of, in plain words, or "" where WordNet has no such word."""
    return _names(data_folder())[concept][1]


def _one(generator: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[generator.integers(len(options))]


def _renamed(concept: str, colour: str, generator: np.random.Generator) -> str:
    others = synonyms(concept)
    return with_article(f"{colour} {_one(generator, others)}".strip()) if others else ""


def _expanded(concept: str, colour: str) -> str:
    name, kind = objects()[concept], hypernym(concept)
    if not kind:
        return ""
    return f"{with_article(f'{colour} {kind}'.strip())} known as {with_article(name)}"


@lru_cache(maxsize=4)
def _names(folder: Path) -> Mapping[str, tuple[tuple[str, ...], str]]:
    wordnet, named = load_wordnet(), objects()
    table = concepts()
    synsets = dict(zip(table["concept"], table["synset"], strict=True))
    ids = {concept: wordnet.index(synsets[concept]) for concept in named}
    own = {normalise(name) for name in named.values()}
    lemmas = [{normalise(lemma) for lemma in wordnet.lemmas[synset]} for synset in ids.values()]
    found = {}
    for concept, synset in ids.items():
        others = tuple(
            lemma
            for lemma in _plain(wordnet, synset)
            if normalise(lemma) not in own and sum(normalise(lemma) in of for of in lemmas) == 1
        )
        above = [kind for parent in wordnet.hypernyms.of(synset) for kind in _plain(wordnet, int(parent))]
        found[concept] = others, next(iter(above), "")
    return MappingProxyType(found)


def _plain(wordnet: WordNet, synset: int) -> list[str]:
    """Return the lemmas of a synset that a person would say: lower case, and meaning it first of all."""
    texts = [lemma.replace("_", " ") for lemma in wordnet.lemmas[synset] if lemma.islower()]
    return [text for text in texts if text not in _UNFIT and wordnet.synsets(text, "n")[:1] == (synset,)]
