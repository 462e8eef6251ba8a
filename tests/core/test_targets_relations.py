"""The value of each relation, the pairs that WordNet relates, the targets made of both."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain, combinations

import numpy as np
import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.targets.relations import (
    REPULSIVE,
    RelationTargets,
    WordRelation,
    lexical_pairs,
    lexical_relations,
    lexical_targets,
    pair_targets,
)
from lexclip_core.targets.word_level import wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise

BLOG = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")


# --- the value of each relation ---


def test_the_default_values_go_up_from_opposites_to_synonyms():
    values = RelationTargets()
    assert max(values.value(relation) for relation in REPULSIVE) < values.unrelated
    attractive = set(WordRelation) - {*REPULSIVE, WordRelation.UNRELATED}
    assert values.unrelated < min(values.value(relation) for relation in attractive)
    assert values.synonym == max(values.value(relation) for relation in WordRelation)
    assert len(attractive) == 6


def test_every_relation_has_a_value():
    own = {field.name for field in fields(RelationTargets)}
    assert own == {relation.name.lower() for relation in WordRelation} - {"taxonomy"}
    assert RelationTargets(synonym=0.9).value(WordRelation.TAXONOMY) == 0.9


@settings(deadline=None)
@given(
    st.fixed_dictionaries({field.name: st.floats(-1, 1) for field in fields(RelationTargets)}),
)
def test_values_are_taken_if_and_only_if_opposites_are_below_the_unrelated(values):
    opposites = [values[relation.name.lower()] for relation in REPULSIVE]
    if max(opposites) < values["unrelated"]:
        assert RelationTargets(**values).antonym == values["antonym"]
    else:
        with pytest.raises(InputError, match=r"opposites must be pushed below"):
            RelationTargets(**values)


@each(
    ("values", "message"),
    [
        ({"synonym": 1.2}, r"the target of synonym is 1\.2\n.*give -1 to 1"),
        ({"antonym": -1.1}, r"the target of antonym is -1\.1\n.*give -1 to 1"),
        ({"sibling": float("nan")}, r"the target of sibling is nan\n.*give -1 to 1"),
        ({"cluster_antonym": 0.2}, r"target of cluster_antonym is 0\.2, that of unrelated is 0\.2\n.*below"),
        ({"unrelated": -0.5}, r"target of antonym is 0\.0, that of unrelated is -0\.5\n.*below"),
    ],
)
def test_a_bad_value_is_named(values, message):
    with pytest.raises(InputError, match=message):
        replace(RelationTargets(), **values)


# --- related pairs against a plain loop ---


class Senses:
    """What the plain loop knows of one word: its synsets, its lemmas in them, and where links lead."""

    def __init__(self, word, pos=None, senses=None):
        self.wordnet = load_wordnet()
        self.synsets = set(self.wordnet.synsets(word, pos)[:senses])
        self.lemmas = {(s, place) for s in self.synsets for place in self.wordnet.lemma_places(word, s)}
        self.antonyms = self.over(self.wordnet.antonym_links)
        self.derived = self.over(self.wordnet.derivation_links)
        self.pertained = self.over(self.wordnet.pertainym_links)
        self.similar = self.along("similar_to")
        self.also_see = self.along("also_see")
        self.attributes = self.along("attributes")
        # heads of the clusters in which the word is a satellite
        self.heads = {head for head in self.similar if self.wordnet.pos[head] == "a"}
        self.opposites = self.opposite_to(self.synsets)
        self.opposite_heads = self.opposite_to(self.heads)
        self.forms = {(self.wordnet.pos[synset], (synset, place)) for synset, place in self.lemmas}
        self.antonyms_of_derived = {
            (self.wordnet.pos[source[0]], onward)
            for source in self.lemmas
            for middle in self.wordnet.derivation_links.of(*source)
            for opposite in self.wordnet.antonym_links.of(*middle)
            for onward in self.wordnet.derivation_links.of(*opposite)
        }

    def over(self, links):
        return {target for lemma in self.lemmas for target in links.of(*lemma)}

    def along(self, relation):
        table = getattr(self.wordnet, relation)
        return {int(other) for s in self.synsets for other in table.of(s)}

    def opposite_to(self, synsets):
        return {other for synset in synsets for other, _ in self.wordnet.antonym_links.of(synset)}


RULES = {
    WordRelation.ANTONYM: lambda a, b: a.antonyms & b.lemmas,
    WordRelation.OPPOSITE: lambda a, b: a.opposites & b.synsets,
    WordRelation.SYNONYM: lambda a, b: a.synsets & b.synsets,
    WordRelation.DERIVED_ANTONYM: lambda a, b: a.antonyms_of_derived & b.forms,
    WordRelation.SIMILAR: lambda a, b: a.similar & b.synsets,
    WordRelation.CLUSTER_ANTONYM: lambda a, b: a.opposite_heads & (b.synsets | b.heads),
    WordRelation.ALSO_SEE: lambda a, b: a.also_see & b.synsets,
    WordRelation.SIBLING: lambda a, b: a.heads & b.heads,
    WordRelation.DERIVATION: lambda a, b: (a.derived | a.pertained) & b.lemmas or a.attributes & b.synsets,
}


def plain_pairs(words, pos=None, senses=None):
    known = [Senses(word, pos, senses) for word in words]
    found = {}
    for (i, a), (j, b) in combinations(enumerate(known), 2):
        relation = next((one for one, holds in RULES.items() if holds(a, b) or holds(b, a)), None)
        if relation is not None:
            found[i, j] = relation
    return found


def vocabulary(size: int, seed: int) -> list[str]:
    """Words with antonyms and some of what surrounds them, so that every relation is met."""
    wordnet, rng = load_wordnet(), np.random.default_rng(seed)
    starts = {
        "happy",
        "cheerful",
        "wet",
        "dry",
        "happiness",
        "smart",
        "arid",
        "parched",
        "stupidity",
        "size",
        "large",
    }
    for synset in rng.choice(np.unique(wordnet.antonym_links.synset_i), 12, replace=False):
        starts |= {normalise(lemma) for lemma in wordnet.lemmas[synset]}
    found = set(starts)
    for word in sorted(starts):
        near = {s for synset in wordnet.synsets(word) for s in wordnet.similar_to.of(synset).tolist()[:2]}
        near |= {s for synset in wordnet.synsets(word) for s, _ in wordnet.derivation_links.of(synset)[:2]}
        found |= {normalise(lemma) for synset in near for lemma in wordnet.lemmas[synset]}
        found |= set(chain(wordnet.antonyms(word), wordnet.synonyms(word)))
    others = rng.permutation(sorted(found - starts)).tolist()
    return [*sorted(starts), *others][:size]


@pytest.mark.parametrize(("pos", "senses"), [(None, None), ("a", None), (None, 1), ("n", 2)])
def test_related_pairs_equal_a_plain_loop(pos, senses):
    words = vocabulary(200 if pos is senses is None else 100, seed=7)
    pairs = lexical_pairs(words, load_wordnet(), pos=pos, senses=senses)
    places = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    found = dict(zip(places, pairs.relation.tolist(), strict=True))
    assert found == plain_pairs(words, pos, senses)
    assert list(found) == sorted(found)
    if pos is senses is None:
        assert set(found.values()) == set(RULES)  # every relation was met


def test_words_that_wordnet_does_not_know_are_related_to_nothing():
    assert len(lexical_pairs(["wug", "hot", "blick"], load_wordnet())) == 0
    assert len(lexical_pairs([], load_wordnet())) == 0


def test_pairs_can_be_chosen_by_relation():
    pairs = lexical_pairs(["hot", "cold", "car", "automobile"], load_wordnet())
    chosen = pairs.chosen([WordRelation.SYNONYM])
    assert (chosen.first.tolist(), chosen.second.tolist(), chosen.relation.tolist()) == (
        [2],
        [3],
        [WordRelation.SYNONYM],
    )
    assert len(pairs) == 2
    np.testing.assert_array_equal(pair_targets(pairs, RelationTargets(antonym=-0.3)), [-0.3, 0.85])


# --- targets ---


def test_the_blogs_words_come_out_the_right_way_round():
    targets = dict(zip(BLOG, lexical_targets(BLOG), strict=True))
    of = {(a, b): targets[a][BLOG.index(b)] for a in BLOG for b in BLOG}
    assert of["happy", "sad"] < RelationTargets().unrelated < of["happy", "cheerful"]
    assert of["smart", "dumb"] < RelationTargets().unrelated < of["smart", "intelligent"]
    # where plain Wu-Palmer sees one distance between any two adjectives
    plain = wu_palmer_of_words(BLOG, pos="a", how="first_sense", policy="nltk")
    assert (plain[~np.eye(6, dtype=bool)] == 0.5).all()


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**16), st.sampled_from([None, "n", "v", "a", "r"]), st.sampled_from([None, 1, 3]))
def test_targets_are_symmetric_cosines_with_ones_on_the_diagonal(seed, pos, senses):
    words = np.random.default_rng(seed).choice(load_wordnet().words(pos), 30, replace=False).tolist()
    targets = lexical_targets(words, pos=pos, senses=senses)
    assert targets.shape == (30, 30)
    assert targets.dtype == np.float64
    np.testing.assert_array_equal(targets, targets.T)
    np.testing.assert_array_equal(targets.diagonal(), 1)
    assert targets.min() >= -1
    assert targets.max() <= 1


@pytest.mark.parametrize("senses", [None, 1])
def test_each_target_is_the_value_of_its_relation(senses):
    words, values = vocabulary(90, seed=3), RelationTargets(antonym=-0.4, opposite=-0.2, similar=0.65)
    targets = lexical_targets(words, senses=senses, values=values)
    relations = lexical_relations(words, senses=senses)
    np.testing.assert_array_equal(relations, relations.T)
    met = set()
    for i, j in combinations(range(len(words)), 2):
        relation = WordRelation(relations[i, j])
        met.add(relation)
        if relation is WordRelation.TAXONOMY:
            assert values.unrelated <= targets[i, j] <= values.synonym
        else:
            assert targets[i, j] == values.value(relation)
    assert {WordRelation.TAXONOMY, WordRelation.UNRELATED, WordRelation.ANTONYM, WordRelation.SYNONYM} <= met


def best_of_senses(a, b, senses):
    """Wu-Palmer of the most similar senses among the first so many of each word."""
    wordnet, best = load_wordnet(), 0.0
    for s in wordnet.synsets(a)[:senses]:
        for t in wordnet.synsets(b)[:senses]:
            if wordnet.pos[s] == wordnet.pos[t] and wordnet.pos[s] in ("n", "v"):
                best = max(best, wu_palmer_matrix([s], [t]).item())
    return best


@pytest.mark.parametrize("senses", [None, 1, 4])
def test_nouns_and_verbs_take_wu_palmer_of_the_senses_that_count(senses):
    words = ["dog", "crane", "bank", "run", "walk", "bat", "river", "machine"]
    targets, relations = lexical_targets(words, senses=senses), lexical_relations(words, senses=senses)
    values = RelationTargets()
    for (i, a), (j, b) in combinations(enumerate(words), 2):
        best = best_of_senses(a, b, senses)
        if relations[i, j] == WordRelation.TAXONOMY:
            assert targets[i, j] == pytest.approx(max(values.unrelated, values.synonym * best))
        elif relations[i, j] == WordRelation.UNRELATED:
            assert best == 0
    assert WordRelation.TAXONOMY in relations
    crane, machine = words.index("crane"), words.index("machine")
    rare = lexical_targets(words, senses=None)[crane, machine]  # the bird is the fifth sense of "crane"
    assert (targets[crane, machine] < rare) == (senses is not None and targets[crane, machine] != rare)


def test_one_part_of_speech_can_be_asked_for():
    both = ["run", "walk"]
    verbs, nouns = (lexical_targets(both, pos=pos)[0, 1] for pos in ("v", "n"))
    assert lexical_targets(both)[0, 1] == max(verbs, nouns)
    assert lexical_targets(["happy", "sad"], pos="a")[0, 1] == RelationTargets().derived_antonym


@each(
    ("words", "pos", "message"),
    [
        ([], None, r"the list of words is empty\n.*at least one"),
        (["dog", "wug"], None, r"WordNet does not know 'wug'\n.*spelling"),
        (["dog", "happy"], "n", r"WordNet does not know 'happy' as part of speech 'n'\n"),
        (["dog", "x" * 10_000], None, r"WordNet does not know 'x{60}'\n"),
        (["ice cream", "dog", "Ice_Cream"], None, r"'Ice_Cream' and 'ice cream' are the same word\n.*once"),
        (["dog"], "z", r"'z'"),
    ],
)
@each("function", [lexical_targets, lexical_relations])
def test_bad_words_are_named(function, words, pos, message):
    with pytest.raises(InputError, match=message):
        function(words, pos=pos)
