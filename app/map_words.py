"""Which words a map shows, and what WordNet says of each: a branch, a typed list, or every word there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import typed
from word_facts import POS

from lexclip_core.errors import InputError
from lexclip_core.experiments import explorer_data, word_measures
from lexclip_core.figures import style
from lexclip_core.wordnet.tables import WordNet, load_wordnet

FEWEST, MOST = 8, 2_000
"""Synsets that a branch has to be offered, and words that a map has at most."""
SPEECH = tuple(dict.fromkeys(POS.values()))
"""Every part of speech, by name."""
UNLISTED = "not in WordNet"

_THINGS = ("artifact", "food", "substance", "body")
_ACTS = ("act", "event", "process")
_DOMAINS = {
    **dict.fromkeys(("noun.animal", "noun.plant"), "animals and plants"),
    **dict.fromkeys(("noun.person", "noun.group"), "people and groups"),
    **dict.fromkeys(("noun.location", "noun.object", "noun.phenomenon"), "places and nature"),
    **dict.fromkeys((f"noun.{one}" for one in _THINGS), "things and substances"),
    **dict.fromkeys((f"noun.{one}" for one in _ACTS), "actions and events"),
}
DOMAINS = (
    *("animals and plants", "actions and events", "people and groups", "things and substances"),
    *("places and nature", "adjectives and adverbs", "ideas, states and measures"),
)
"""What the words of a list and of the atlas are coloured by; from WordNet's own files of synsets."""


class Facts(NamedTuple):
    """What WordNet says of words: of each the sense that its tagged texts use most."""

    synset: np.ndarray  # -1 where WordNet does not list the word
    uses: np.ndarray


@lru_cache(maxsize=1)
def branch_names() -> tuple[str, ...]:
    """Return every synset with at least `FEWEST` synsets in its branch, in alphabetical order."""
    wordnet = load_wordnet()
    inner = np.flatnonzero(np.diff(wordnet.hyponyms.indptr))
    names = (wordnet.names[one] for one in inner if len(wordnet.subtree(int(one), FEWEST)) == FEWEST)
    return tuple(sorted(names))


def branch_of(text: str) -> str:
    """Return the branch that a typed word or synset means: its own, else the nearest one above it.

    Raises:
        InputError: WordNet has neither, or nothing above it is large enough.
    """
    wordnet, asked = load_wordnet(), text.strip()
    senses = wordnet.synsets(asked) if "." not in asked else (wordnet.index(asked.lower().replace(" ", "_")),)
    if not senses:
        senses = wordnet.morphy(asked)
    known = set(branch_names())
    line = list(senses)
    for synset in line:  # the senses first, then what is above them
        if wordnet.names[synset] in known:
            return wordnet.names[synset]
        line += [one for one in wordnet.hypernyms.of(synset).tolist() if one not in line]
    raise InputError(
        f"WordNet has no branch for “{asked[:60]}”", "Type a noun or a verb, such as emotion, or a synset."
    )


def branch_nodes(root: str) -> tuple[pd.DataFrame, int]:
    """Return the words of a branch, nearest the root first, at most `MOST`; and how many there are in all."""
    wordnet = load_wordnet()
    nodes = word_measures.subtree_nodes(wordnet, root, MOST)
    total = len(nodes) if len(nodes) < 0.8 * MOST else len(wordnet.subtree(wordnet.index(root), 100_000))
    return nodes.head(MOST), total


def read_list(text: str) -> tuple[tuple[str, ...], int]:
    """Return the words of a pasted list, each once, at most `MOST`; and how many entries are left out."""
    words: dict[str, None] = {}
    entries = [one for one in re.split(r"[\n,;\t]+", text) if one.strip()]
    for entry in entries:
        try:
            words[typed.read_word(entry)] = None
        except InputError:  # it is counted
            continue
    listed = tuple(words)[:MOST]
    return listed, len(entries) - len(listed)


def list_nodes(words: Sequence[str]) -> pd.DataFrame:
    """Return words as nodes: each in its most used sense, under the nearest listed word above it."""
    wordnet = load_wordnet()
    senses = {word: _most_used(wordnet, word) for word in words}
    drawn = {synset for synset in senses.values() if synset >= 0}
    rows = []
    for word, synset in senses.items():
        known = synset >= 0
        parent = _listed_above(wordnet, synset, drawn) if known else -1
        rows.append(
            {
                "subtree": "",
                "word": word,
                "synset": wordnet.names[synset] if known else "",
                "parent": wordnet.names[parent] if parent >= 0 else "",
                "gloss": wordnet.glosses[synset] if known else "WordNet does not list it",
            }
        )
    return pd.DataFrame(rows)


def _most_used(wordnet: WordNet, word: str) -> int:
    senses = wordnet.synsets(word) or wordnet.morphy(word)
    counts = wordnet.sense_counts(word) if wordnet.synsets(word) else np.zeros(len(senses))
    return int(senses[int(np.argmax(counts))]) if senses else -1


def _listed_above(wordnet: WordNet, synset: int, drawn: set[int]) -> int:
    line = wordnet.hypernyms.of(synset).tolist()
    for one in line:
        if one in drawn and one != synset:
            return int(one)
        line += [above for above in wordnet.hypernyms.of(one).tolist() if above not in line]
    return -1


def synsets_of(nodes: pd.DataFrame) -> np.ndarray:
    """Return the synset of each node, -1 where there is none: a run's map may come from elsewhere."""
    known = _synset_places()
    return np.array([known.get(str(name), -1) for name in nodes["synset"]], dtype=int)


@lru_cache(maxsize=1)
def _synset_places() -> dict[str, int]:
    return {name: synset for synset, name in enumerate(load_wordnet().names)}


def domains(synsets: np.ndarray) -> list[str]:
    """Return what each synset is about, one of `DOMAINS`, or `UNLISTED`."""
    wordnet = load_wordnet()
    named = {name: _DOMAINS.get(name, _by_pos(name)) for name in set(wordnet.lexnames)}
    return [named[wordnet.lexnames[one]] if one >= 0 else UNLISTED for one in synsets.tolist()]


def _by_pos(lexname: str) -> str:
    return {"verb": DOMAINS[1], "adj": DOMAINS[5], "adv": DOMAINS[5]}.get(lexname.split(".")[0], DOMAINS[6])


def parts_of_speech(synsets: np.ndarray) -> list[str]:
    """Return the part of speech of each synset, or `UNLISTED`."""
    wordnet = load_wordnet()
    return [POS[str(wordnet.pos[one])] if one >= 0 else UNLISTED for one in synsets.tolist()]


def depths(synsets: np.ndarray) -> np.ndarray:
    """Return how many steps each synset lies below the top of WordNet, 0 where it has none above it."""
    depth = load_wordnet().min_depth
    return np.where(synsets >= 0, depth[np.maximum(synsets, 0)], 0)


def marks(values: Sequence[str], order: Sequence[str]) -> dict[str, style.Mark]:
    """Return a mark for each name that occurs; that of unlisted words is grey, and last."""
    named = style.marks_for(order)
    present = set(values)
    found = {name: named[name] for name in order if name in present}
    return found | ({UNLISTED: style.OTHER_MARK} if UNLISTED in present else {})


@lru_cache(maxsize=1)
def atlas_facts() -> Facts:
    """Return for every word of the atlas its most used sense, and how often it is used in that sense."""
    from lexclip_core.words import normalise

    wordnet = load_wordnet()
    best: dict[str, tuple[int, int]] = {}
    for synset, lemmas in enumerate(wordnet.lemmas):
        for lemma, count in zip(lemmas, wordnet.lemma_counts[synset], strict=True):
            word = normalise(lemma)
            if count > best.get(word, (0, -1))[1]:
                best[word] = (synset, count)
    words = explorer_data.atlas_words()
    rows = np.array([best.get(word, (-1, 0)) for word in words])
    return Facts(rows[:, 0], rows[:, 1])


def atlas_order(facts: Facts) -> np.ndarray:
    """Return rows of the atlas, those first that deserve a label: often used, then short, then high up."""
    words = explorer_data.atlas_words()
    length = np.array([len(word) + 12 * word.count(" ") for word in words])
    return np.lexsort((depths(facts.synset), length, -facts.uses))
