"""Senses of words: their texts, how they are told apart, words by their senses, and the front door."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from case_tables import each

import lexclip_core as lexclip
from lexclip_core.errors import InputError
from lexclip_core.evaluation.card_measures import MEASURES, CardItems
from lexclip_core.evaluation.senses import (
    POLYSEMY,
    SENSE_KEYS,
    polysemy_parts,
    sense_scores,
    sense_table,
    sense_text,
    short_gloss,
)
from lexclip_core.experiments.words import make_lexicon, related_materials
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet

WORDS = ("crane", "couch", "hot")


def toy(texts: Sequence[str]) -> np.ndarray:
    """Unit rows that depend on the letters alone."""
    seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
    rows = np.array([np.random.default_rng(seed).normal(size=5) for seed in seeds])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@each(
    "word, sense, key, text",
    [
        ("crane", "crane.n.05", "word", "crane"),
        ("crane", "crane.n.05", "hypernym", "crane, wading bird"),
        ("crane", "crane.v.01", "gloss", "crane, stretch so as to see better"),  # no brackets
        ("hot", "hot.a.03", "gloss", "hot, extended meanings"),  # the first clause alone
        ("hot", "hot.s.02", "hypernym", "hot, warm"),  # an adjective has what it is similar to
        ("entity", "entity.n.01", "hypernym", "entity"),  # the root is of no kind and has no other word
    ],
)
def test_the_text_of_a_sense_says_what_is_meant(word: str, sense: str, key: str, text: str):
    assert sense_text(load_wordnet(), word, load_wordnet().index(sense), key) == text


def test_a_gloss_is_shortened_but_never_to_nothing():
    wordnet = load_wordnet()
    short = [short_gloss(gloss) for gloss in wordnet.glosses]
    assert max(len(one.split()) for one in short) == 12
    assert all(short)


def test_the_table_has_wordnets_senses_with_their_counts():
    table = sense_table(load_wordnet(), "Crane", "hypernym")
    assert table["sense"].tolist()[-2:] == ["crane.n.05", "crane.v.01"]
    assert table["count"].tolist() == load_wordnet().sense_counts("crane").tolist()
    assert set(table["pos"]) == {"noun", "verb"}


def test_scores_are_those_of_naive_loops():
    wordnet = load_wordnet()
    senses = [(word, synset) for word in WORDS for synset in wordnet.synsets(word)]
    keyed = toy([sense_text(wordnet, *sense, "hypernym") for sense in senses])
    own, every = [], []
    for place, (word, synset) in enumerate(senses):
        cosines = keyed @ toy([wordnet.glosses[synset]])[0]
        rivals = [cosines[other] for other in range(len(senses)) if other != place]
        among = [cosines[i] for i, (one, _) in enumerate(senses) if one == word and i != place]
        every.append(cosines[place] > max(rivals))
        own.append(cosines[place] > max(among))
    widths = []
    for word in WORDS:
        points = [
            toy([sense_text(wordnet, word, synset, key) for key in ("gloss", "hypernym")])
            for synset in wordnet.synsets(word)
        ]
        for one, pair in enumerate(points):
            rest = [other for number, other in enumerate(points) if number != one]
            for point, partner in (pair, pair[::-1]):
                a = 1 - point @ partner
                b = min(np.mean(1 - other @ point) for other in rest)
                widths.append((word, (b - a) / max(a, b)))
    means = [np.mean([width for one, width in widths if one == word]) for word in WORDS]
    found = sense_scores(toy, wordnet, WORDS)
    assert found["senses/own"].value == pytest.approx(np.mean(own))
    assert found["senses/all"].value == pytest.approx(np.mean(every))
    assert found["senses/silhouette"].value == pytest.approx(np.mean(means))


def test_texts_of_one_kind_for_two_senses_are_no_hit():
    wordnet = load_wordnet()
    assert sense_scores(lambda texts: np.ones((len(texts), 1)), wordnet, ["couch"])["senses/own"].value == 0


def test_pairs_go_by_the_word_with_more_senses_and_none_is_left_out():
    wordnet = load_wordnet()
    pairs = list(zip(words := wordnet.words("v")[:400], words[1:], strict=False))
    counts = [max(len(wordnet.synsets(word)) for word in pair) for pair in pairs]
    parts = polysemy_parts(wordnet, pairs)
    for part, (low, high) in POLYSEMY.items():
        assert (parts == part).tolist() == [low <= count <= high for count in counts]


@each(
    "call, said",
    [
        (lambda: sense_table(load_wordnet(), "wugg"), "no sense of 'wugg'"),
        (lambda: sense_text(load_wordnet(), "hot", 0, "x"), f"choose one of {', '.join(SENSE_KEYS)}"),
        (lambda: sense_scores(toy, load_wordnet(), []), "0 words, not all of two senses"),
        (lambda: sense_scores(toy, load_wordnet(), ["hot", "entity"]), "2 words, not all of two senses"),
        (lambda: lexclip.senses("hot", tower="tiny-random"), "no run of lexclip tuned tiny-random"),
    ],
)
def test_what_has_no_senses_is_refused(call, said: str):
    with pytest.raises(InputError) as raised:
        call()
    assert said in str(raised.value)


def test_the_front_door_gives_a_vector_per_sense_and_its_figure():
    tower = lexclip.load("tiny-random")
    found = lexclip.senses("Crane", tower=tower, other="tiny-random", key="hypernym")
    bare, *rows = tower.encode_texts(["crane", *found.table["text"]])
    assert np.array_equal(found.before, np.array(rows))
    assert found.table["cosine_after"].tolist() == pytest.approx([float(row @ bare) for row in rows])
    assert found.cosines("before").to_numpy().diagonal() == pytest.approx(np.ones(len(rows)))
    assert "crane, wading bird" in found.show().layout.yaxis.ticktext
    with pytest.raises(InputError, match="side is 'left'"):
        found.cosines("left")


def test_a_card_splits_its_main_measures_by_senses():
    rows = [("couch", "sofa", "synonym"), ("hot", "cold", "antonym"), ("good", "bad", "antonym")]
    rows += [("big", "large", "synonym"), ("felicity", "infelicity", "antonym")]
    pairs = pd.DataFrame(rows, columns=["word_a", "word_b", "relation"])
    words = tuple(dict.fromkeys(pairs[["word_a", "word_b"]].to_numpy().ravel()))
    asked = CardItems("a few", pairs, words, frozenset(words))
    many = pairs.iloc[1:4]
    cosines = [float(a @ b) for a, b in zip(toy(many["word_a"]), toy(many["word_b"]), strict=True)]
    found = MEASURES["polysemy"](asked).measure(toy)
    expected = np.mean([cosines[2] > cosines[0], cosines[2] > cosines[1]])
    assert found["polysemy_all/five senses or more"].value == pytest.approx(expected)
    assert {name for name in found if name.endswith("two to four senses")} == {
        *("polysemy_synonym/two to four senses", "polysemy_antonym/two to four senses"),
        *("polysemy_all/two to four senses",),
    }
    senses = MEASURES["senses"](asked)
    assert senses.chance["senses/own"] == pytest.approx(len(senses.items) * senses.chance["senses/all"])


def test_training_on_senses_names_the_sense_by_which_two_words_are_related():
    wordnet = load_wordnet()
    words = ("hot", "cold", "warm", "big", "large", "small", "car", "auto", "crane", "grus", "good", "bad")
    known = make_lexicon(wordnet, words, ())
    known = replace(known, split=np.full(len(words), "train"))
    small = {"tower": "tiny-random", "batch": 4, "retained": 8, "steps": 2, "sentences": 0, "associated": 0}
    settings = settings_of("lexclip", small)
    tower = lexclip.load("tiny-random")
    made = {key: related_materials(settings.replace(texts=key), tower, known) for key in SENSE_KEYS}
    ends = {
        key: [
            (one.words[a], one.words[b])
            for a, b in zip(one.sampler.pairs.first, one.sampler.pairs.second, strict=True)
        ]
        for key, one in made.items()
    }
    place = ends["word"].index(("crane", "grus"))
    assert ends["hypernym"][place] == ("crane, constellation", "grus, constellation")
    assert "hot, used of physical heat" in dict(ends["gloss"])
    assert [[text.split(",")[0] for text in pair] for pair in ends["gloss"]] == [
        list(p) for p in ends["word"]
    ]
    assert set(words) <= set(made["gloss"].words)  # what is retained is bare
    assert set(made["word"].words) == set(words)
