"""Triples from WordNet: on a hand-drawn corner of it, and counted on the real one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lexclip_core.errors import InputError
from lexclip_core.evaluation.lexical import Triples, wordnet_triples
from lexclip_core.wordnet.relations import LemmaLinks, Relation
from lexclip_core.wordnet.tables import load_wordnet

# 0 hot, blazing_hot (a) | 1 cold, Cold, chilly (a) | 2 torrid (s), like 0 | 3 warm (a), see also 0
# 4 rise, go-up (v) | 5 fall, rise (v): "rise" is synonym and antonym of "fall" | 6 heat (n)
LEMMAS = (
    ("hot", "blazing_hot"),
    ("cold", "Cold", "chilly"),
    ("torrid",),
    ("warm", "hot"),
    ("rise", "go-up"),
    ("fall", "rise"),
    ("heat",),
)


def relation(size, links):
    indptr = np.cumsum([0, *(len(links.get(i, ())) for i in range(size))]).astype(np.int32)
    return Relation(indptr, np.array([j for i in range(size) for j in links.get(i, ())], np.int32))


@pytest.fixture
def corner():
    antonyms = [(0, 0, 1, 0), (1, 0, 0, 0), (4, 0, 5, 0), (5, 0, 4, 0)]
    return SimpleNamespace(
        pos=np.array(list("aasavvn")),
        lemmas=LEMMAS,
        similar_to=relation(7, {0: (2,), 2: (0,)}),
        also_see=relation(7, {0: (3,)}),
        antonym_links=LemmaLinks(*np.array(antonyms, np.int32).T),
    )


def rows(triples):
    return set(zip(triples.words, triples.synonyms, triples.antonyms, triples.pos, strict=True))


def test_same_synset_by_hand(corner):
    assert rows(wordnet_triples(corner, None, "same_synset")) == {
        ("hot", "blazing hot", "cold", "a"),
        ("cold", "chilly", "hot", "a"),  # "Cold" is "cold", not a synonym of it
        ("rise", "go up", "fall", "v"),  # "fall" has no triple: its one synonym is its antonym
    }


def test_the_other_policies_by_hand(corner):
    assert rows(wordnet_triples(corner, "a", "similar_to")) == {("hot", "torrid", "cold", "a")}
    assert rows(wordnet_triples(corner, "a", "also_see")) == {("hot", "warm", "cold", "a")}


def test_part_of_speech_filters(corner):
    assert rows(wordnet_triples(corner, "v", "same_synset")) == {("rise", "go up", "fall", "v")}


def test_what_wordnet_lacks_is_said(corner):
    with pytest.raises(InputError, match="similar_to and also_see give adjectives only"):
        wordnet_triples(corner, "v", "similar_to")
    with pytest.raises(InputError, match="choose from same_synset, similar_to, also_see"):
        wordnet_triples(corner, "a", "synonym")
    with pytest.raises(InputError, match="unknown part of speech 's'"):
        wordnet_triples(corner, "s", "same_synset")


def test_indices_point_into_the_vocabulary(corner):
    triples = wordnet_triples(corner, None, "same_synset")
    assert len(set(triples.vocabulary)) == len(triples.vocabulary)
    for column, places in zip(
        (triples.words, triples.synonyms, triples.antonyms), triples.indices(), strict=True
    ):
        assert tuple(triples.vocabulary[place] for place in places) == column


def test_a_sample_is_seeded_and_by_part_of_speech():
    many = Triples(
        tuple(f"w{i}" for i in range(30)),
        tuple(f"s{i}" for i in range(30)),
        tuple(f"a{i}" for i in range(30)),
        ("n",) * 20 + ("v",) * 10,
        "same_synset",
    )
    sample = many.sample(15, seed=4)
    assert [sample.pos.count(pos) for pos in "nv"] == [15, 10]
    assert sample == many.sample(15, seed=4) != many.sample(15, seed=5)
    assert rows(sample) < rows(many)
    assert len(many.chosen([False] * 30)) == 0


@pytest.mark.parametrize("policy", ["same_synset", "similar_to", "also_see"])
def test_on_wordnet_every_triple_is_what_it_says(policy):
    wordnet = load_wordnet()
    triples = wordnet_triples(wordnet, "a", policy)
    assert len(triples) == {"same_synset": 1199, "similar_to": 20545, "also_see": 3277}[policy]
    for word, synonym, antonym, _ in sorted(rows(triples))[:: len(triples) // 40]:
        opposites = wordnet.antonyms(word, "a")
        assert antonym in opposites
        assert synonym not in opposites
        assert len({word, synonym, antonym}) == 3
        if policy == "same_synset":
            assert synonym in wordnet.synonyms(word, "a")


def test_on_wordnet_all_parts_of_speech_are_the_four_together():
    wordnet = load_wordnet()
    sizes = [len(wordnet_triples(wordnet, pos, "same_synset")) for pos in "nvar"]
    assert sizes == [1701, 1542, 1199, 505]
    assert len(wordnet_triples(wordnet, None, "same_synset")) == sum(sizes)
