"""The senses of words: a text for each sense, how well a tower tells them apart, and words by their senses.

A word has one vector whatever it means. A sense-keyed text names what is meant: "crane, large long-necked
wading bird of marshes" or "crane, wading bird", so that each sense has a vector of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import Estimate, bootstrap_interval, grouped_mean
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise, shown

SenseKey = Literal["word", "gloss", "hypernym"]
_MOST_WORDS = 12  # of a gloss
_POS = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}

POLYSEMY: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"one sense": (1, 1), "two to four senses": (2, 4), "five senses or more": (5, 999)}
)
"""Part of the words -> fewest and most senses."""


def short_gloss(gloss: str) -> str:
    """Return the first clause of a gloss, without what stands in brackets, at most 12 words.

    >>> short_gloss("(often followed by 'of') lifts heavy objects; a tackle is suspended from a boom")
    'lifts heavy objects'
    """
    bare = re.sub(r"\([^()]*\)", " ", gloss)
    clause = next((part for part in bare.split(";") if part.strip(" ,.:")), gloss)
    return " ".join(clause.strip(" ,.:").split()[:_MOST_WORDS])


def _kind(wordnet: WordNet, word: str, synset: int) -> str:
    """Return what a sense is a kind of; else what it is like, else another of its words; "" without any."""
    form = normalise(word)
    for relation in (wordnet.hypernyms, wordnet.similar_to, wordnet.also_see, wordnet.attributes):
        for other in relation.of(synset).tolist():
            if (name := normalise(wordnet.lemmas[other][0])) != form:
                return name
    return next((other for other in map(normalise, wordnet.lemmas[synset]) if other != form), "")


SENSE_KEYS: Mapping[SenseKey, Callable[[WordNet, str, int], str]] = MappingProxyType(
    {
        "word": lambda wordnet, word, synset: "",
        "gloss": lambda wordnet, word, synset: short_gloss(wordnet.glosses[synset]),
        "hypernym": _kind,
    }
)
"""What stands behind the word in the text of a sense: (WordNet, word, synset) -> text."""


def sense_text(wordnet: WordNet, word: str, synset: int, key: SenseKey = "gloss") -> str:
    """Return the text that stands for one sense of a word.

    Args:
        wordnet: The tables.
        word: The word.
        synset: The sense.
        key: What says which sense: nothing (`word`), a short `gloss`, or what it is a kind of (`hypernym`;
            for an adjective, what it is similar to).

    Raises:
        InputError: The key is unknown.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> bird = load_wordnet().index("crane.n.05")
    >>> sense_text(load_wordnet(), "crane", bird, "hypernym")
    'crane, wading bird'
    """
    if key not in SENSE_KEYS:
        raise InputError(f"unknown key of senses {key!r}", f"choose one of {', '.join(SENSE_KEYS)}")
    return ", ".join(filter(None, (word, SENSE_KEYS[key](wordnet, word, synset))))


def sense_table(wordnet: WordNet, word: str, key: SenseKey = "gloss") -> pd.DataFrame:
    """Return the senses of a word in WordNet's order, one per row.

    Returns:
        Columns sense (such as `crane.n.05`), pos (noun, verb, adjective, adverb), gloss, count (how often
        WordNet's sense-tagged texts have it) and text, which stands for it.

    Raises:
        InputError: WordNet does not know the word, or the key is unknown.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> sense_table(load_wordnet(), "couch")[["sense", "count"]].values.tolist()[:2]
    [['sofa.n.01', 5], ['couch.n.02', 0]]
    """
    form = normalise(word)
    synsets = wordnet.synsets(form)
    if not synsets:
        raise InputError(f"WordNet has no sense of {shown(word)}", "give a word that it knows, such as crane")
    rows = {
        "sense": [wordnet.name(synset) for synset in synsets],
        "pos": [_POS[str(wordnet.pos[synset])] for synset in synsets],
        "gloss": [wordnet.glosses[synset] for synset in synsets],
        "count": wordnet.sense_counts(form).tolist(),
        "text": [sense_text(wordnet, form, synset, key) for synset in synsets],
    }
    return pd.DataFrame(rows)


def sense_scores(encode: Encoder, wordnet: WordNet, words: Sequence[str]) -> dict[str, Estimate]:
    """Return how well a tower tells the senses of words apart, with intervals over words.

    `senses/own` and `senses/all`: how often the gloss of a sense is nearer to the text of that sense by its
    hypernym than to those of the word's other senses, or of all words' senses; a tie is a miss.
    `senses/silhouette`: of each word, the mean silhouette (Rousseeuw 1987) by cosine of its senses, each of
    which has two points, its texts by gloss and by hypernym; 1 is separated, below 0 mixed up.

    Args:
        encode: Texts to unit rows.
        wordnet: The tables.
        words: Words of two senses or more.

    Raises:
        InputError: There is no word, or one has fewer than two senses.
    """
    senses = [(word, synset) for word in words for synset in wordnet.synsets(word)]
    owner = np.repeat(np.arange(len(words)), [len(wordnet.synsets(word)) for word in words])
    if not len(words) or np.bincount(owner, minlength=len(words)).min() < 2:
        raise InputError(f"{len(words)} words, not all of two senses", "give words of two senses or more")
    glosses = [wordnet.glosses[synset] for _, synset in senses]
    texts = [[sense_text(wordnet, *sense, key) for sense in senses] for key in ("gloss", "hypernym")]
    rows = TextRows(encode, [*glosses, *texts[0], *texts[1]])
    by_gloss, by_kind = map(rows, texts)
    cosines = rows(glosses) @ by_kind.T
    own = cosines.diagonal().copy()
    np.fill_diagonal(cosines, -np.inf)
    among = {"all": cosines, "own": np.where(owner[:, None] == owner, cosines, -np.inf)}
    found = {
        f"senses/{name}": grouped_mean(own > others.max(axis=1), owner, over="words")
        for name, others in among.items()
    }
    apart = [_silhouette(by_gloss[owner == one], by_kind[owner == one]) for one in range(len(words))]
    return found | {"senses/silhouette": bootstrap_interval(np.array(apart))}


def _silhouette(*points: np.ndarray) -> float:
    """Return the mean silhouette of clusters that have one row in each matrix."""
    from sklearn.metrics import silhouette_score

    labels = np.tile(np.arange(len(points[0])), len(points))
    return float(silhouette_score(np.concatenate(points), labels, metric="cosine"))


def polysemy_parts(wordnet: WordNet, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Return the part of `POLYSEMY` of each pair, str (n,), by the senses of its word that has more of them.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> polysemy_parts(load_wordnet(), [("couch", "run"), ("felicity", "infelicity")]).tolist()
    ['five senses or more', 'two to four senses']
    """
    most = [max(len(wordnet.synsets(word)) for word in pair) for pair in pairs]
    names = list(POLYSEMY)
    bounds = [high for _, high in POLYSEMY.values()]
    return np.array(names)[np.searchsorted(bounds, most)]
