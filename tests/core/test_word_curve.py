"""The curve over the number of words tuned on: which words, what is measured, the command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lexclip_core.experiments.sweeps import WORD_COLUMNS, WORD_CURVE, only_frequent, sweep_words
from lexclip_core.experiments.words import Lexicon, make_lexicon
from lexclip_core.wordnet.tables import load_wordnet


@pytest.fixture(scope="module")
def small() -> Lexicon:
    """Return antonyms with their synonyms, a third of them to be tested."""
    wordnet = load_wordnet()
    links = wordnet.antonym_links
    words: dict[str, None] = {}
    for synset in links.synset_i[:400:2].tolist():
        words |= dict.fromkeys(one.lower() for one in wordnet.lemmas[synset] if one.isalpha())
        words |= dict.fromkeys(word for word in wordnet.antonyms(wordnet.lemmas[synset][0]) if word.isalpha())
    known = make_lexicon(wordnet, tuple(words), ())
    split = np.where(np.arange(len(words)) < len(words) // 3, "test", "train").astype("<U5")
    return replace(known, split=split)


def test_the_most_frequent_training_words_are_nested_and_nothing_else_changes(small: Lexicon):
    few, more = (only_frequent(small, count, seed=0) for count in (20, 40))
    chosen, wider = (set(np.flatnonzero(one.split == "train").tolist()) for one in (few, more))
    assert (len(chosen), len(wider)) == (20, 40)
    assert chosen < wider
    left = np.flatnonzero(more.split == "unused")
    assert small.counts[sorted(wider)].min() >= small.counts[left].max()
    assert ((small.split == "test") == (few.split == "test")).all()


def test_every_number_of_words_has_its_targets_and_shuffled_ones_next_to_the_base(
    small: Lexicon, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    start = WORD_CURVE.replace(
        tower="tiny-random", dtype="float32", steps=1, batch=4, retained=8, sentences=0
    )
    table = sweep_words(start, (60, 120), vocabulary=small)
    assert tuple(table.columns) == WORD_COLUMNS
    rows = table[table["metric"] == "AUC, all senses"].set_index(["words", "control"])
    assert rows.index.tolist() == [(0, "base"), *((n, c) for n in (60, 120) for c in ("none", "shuffled"))]
    assert rows["change"].iloc[0] == 0
    changes = rows["value"] - rows["value"].iloc[0]
    assert rows["change"].tolist() == pytest.approx(changes.tolist(), abs=1e-9)
    assert rows["opposites"][60, "none"] < rows["opposites"][120, "none"]
    again = sweep_words(start, (120,), vocabulary=small)  # from the cache, to the second
    assert again["cpu_seconds"].dropna().tolist() == table[table["words"] == 120]["cpu_seconds"].tolist()
