"""What tuning did to words it never saw: the same pairs for every run, before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.evaluation import drift, lexical, suite
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.evaluation.triples import Triples, wordnet_triples
from lexclip_core.evaluation.word_similarity import split_by_words
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import Rung
from lexclip_core.tuning.lexicon import Lexicon, lexicon
from lexclip_core.words import normalise

Metrics = dict[str, dict[str, Any]]
_POS_NAMES = {"a": "adjectives", "n": "nouns", "v": "verbs"}
_RETAINED, _SENTENCE_TASK = 2_000, "sts-b"


@dataclass(frozen=True)
class Sides:
    """The encoder before and after tuning."""

    before: suite.Encode
    after: suite.Encode


@lru_cache(maxsize=4)
def judged_pairs(split: str) -> pd.DataFrame:
    """Return the synonym and antonym pairs of one split: columns word_a, word_b, relation, pos, split.

    Synonyms share a synset, antonyms are linked directly or stand in synsets that are; both words belong to
    the split and occur in WordNet's sense-tagged texts; adverbs are left out.
    """
    vocabulary = lexicon()
    tables = [
        _table(vocabulary, split, [Rung.SYNONYM], "synonym"),
        _table(vocabulary, split, [Rung.ANTONYM, Rung.OPPOSITE], "antonym"),
    ]
    return pd.concat(tables, ignore_index=True)


def _table(vocabulary: Lexicon, split: str, rungs: list[Rung], relation: str) -> pd.DataFrame:
    found = vocabulary.within(split, rungs)
    keep = (vocabulary.counts[found.first] > 0) & (vocabulary.counts[found.second] > 0)
    keep &= np.isin(vocabulary.pos[found.first], list(_POS_NAMES))
    first, second = found.first[keep], found.second[keep]
    columns = {
        "word_a": [vocabulary.words[index] for index in first],
        "word_b": [vocabulary.words[index] for index in second],
        "relation": relation,
        "pos": vocabulary.pos[first],
        "split": split,
    }
    return pd.DataFrame(columns)


def measured_pairs(sides: Sides, split: str, seen: Collection[str]) -> pd.DataFrame:
    """Return `judged_pairs` of which tuning saw neither word, with cosine_before and cosine_after."""
    table = judged_pairs(split)
    parts = split_by_words(list(zip(table.word_a, table.word_b, strict=True)), seen)
    table = table[np.array(parts) == "heldout"].reset_index(drop=True)
    for column, encode in (("cosine_before", sides.before), ("cosine_after", sides.after)):
        table[column] = suite.pair_cosines(encode, table.word_a.tolist(), table.word_b.tolist())
    return table


def separation(pairs: pd.DataFrame, split: str) -> Metrics:
    """Return the synonym-over-antonym AUC of a table of pairs, as a whole and by part of speech."""
    metrics = _auc(pairs, split)
    for pos, name in _POS_NAMES.items():
        part = pairs[pairs.pos == pos]
        if part.relation.nunique() == 2:
            metrics |= {f"{key}/{name}": value for key, value in _auc(part, split).items()}
    return metrics


def _auc(pairs: pd.DataFrame, split: str) -> Metrics:
    def one(column: str) -> dict[str, Estimate]:
        cosines, words = pairs[column].to_numpy(), pairs.word_a.tolist()
        return lexical.synonym_over_antonym_auc(cosines, pairs.relation.tolist(), split=split, words=words)

    return beside(one("cosine_before"), one("cosine_after"))


def inversions(sides: Sides, seen: Collection[str]) -> Metrics:
    """Return the inversion rate of WordNet's triples of which all three words are held out and unseen."""
    triples = _heldout_triples(frozenset(normalise(word) for word in seen))

    def rate(encode: suite.Encode) -> dict[str, Estimate]:
        return suite.measure_triples(encode, triples, split="test")

    return beside(rate(sides.before), rate(sides.after))


@lru_cache(maxsize=2)
def _heldout_triples(seen: frozenset[str]) -> Triples:
    vocabulary = lexicon()
    heldout = {
        word for word, split in zip(vocabulary.words, vocabulary.split, strict=True) if split == "test"
    }
    heldout -= seen
    triples = wordnet_triples(load_wordnet(), None, "same_synset")
    rows = zip(triples.words, triples.synonyms, triples.antonyms, strict=True)
    return triples.chosen([heldout.issuperset(row) for row in rows])


def retention(sides: Sides, split: str, seen: Collection[str]) -> Metrics:
    """Return how much of the base geometry of unseen words stayed: neighbours kept, and drift."""
    vocabulary, unseen = lexicon(), {normalise(word) for word in seen}
    chosen = np.flatnonzero(vocabulary.split == split)
    chosen = chosen[np.argsort(-vocabulary.counts[chosen], kind="stable")]
    words = [vocabulary.words[i] for i in chosen if vocabulary.words[i] not in unseen][:_RETAINED]
    before, after = sides.before(words), sides.after(words)
    estimates = drift.neighbour_overlap(before, after, split=f"retention/{split}")
    estimates |= drift.drift(before, after, split=f"retention/{split}")
    return {name: estimate.as_dict() for name, estimate in estimates.items()}


def outside_sets(sides: Sides, folder: Path, seen: Collection[str]) -> Metrics:
    """Return rho on the word-similarity sets of a folder, and on STS-B where its folder stands beside them.

    Args:
        sides: The encoder before and after.
        folder: A folder with the sub-folders `wordsim` and `sts`.
        seen: The words tuning used.
    """
    metrics = _word_similarity(sides, folder, seen)
    return metrics | (_sentences(sides, folder) if (folder / "sts").is_dir() else {})


def _word_similarity(sides: Sides, folder: Path, seen: Collection[str]) -> Metrics:
    before = suite.measure_word_similarity(sides.before, folder / "wordsim", seen_words=seen)
    after = suite.measure_word_similarity(sides.after, folder / "wordsim", seen_words=seen)
    heldout = {name: value for name, value in after.items() if name.startswith("heldout/")}
    return beside(before, heldout)


def _sentences(sides: Sides, folder: Path) -> Metrics:
    before, after = (
        suite.measure_sts(encode, folder / "sts", [_SENTENCE_TASK]) for encode in (sides.before, sides.after)
    )
    return beside(before, after)


def beside(before: Mapping[str, Estimate], after: Mapping[str, Estimate]) -> Metrics:
    """Return each estimate after tuning with the value before it under "before"."""
    return {name: estimate.as_dict() | {"before": before[name].value} for name, estimate in after.items()}
