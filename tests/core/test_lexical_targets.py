"""The ladder, the pairs that WordNet relates, the targets made of both, and what takes them away again."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import (
    ATTRACTIVE,
    REPULSIVE,
    Ladder,
    Rung,
    controlled,
    lexical_pairs,
    lexical_rungs,
    lexical_targets,
    pair_targets,
    random_words,
    word_similarity,
    wu_palmer,
)
from lexclip_core.words import normalise

BLOG = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")


# --- the ladder ---


def test_the_default_ladder_goes_up_from_opposites_to_synonyms():
    ladder = Ladder()
    assert max(ladder.value(rung) for rung in REPULSIVE) < ladder.unrelated
    assert ladder.unrelated < min(ladder.value(rung) for rung in ATTRACTIVE)
    assert ladder.synonym == max(ladder.value(rung) for rung in Rung)
    assert set(REPULSIVE) | set(ATTRACTIVE) | {Rung.TAXONOMY, Rung.UNRELATED} == set(Rung)


def test_every_rung_has_a_value():
    own = {field.name for field in fields(Ladder)}
    assert own == {rung.name.lower() for rung in Rung} - {"taxonomy"}
    assert Ladder(synonym=0.9).value(Rung.TAXONOMY) == 0.9


@settings(deadline=None)
@given(
    st.fixed_dictionaries({field.name: st.floats(-1, 1) for field in fields(Ladder)}),
)
def test_a_ladder_stands_if_and_only_if_opposites_lie_below_the_unrelated(values):
    opposites = [values[rung.name.lower()] for rung in REPULSIVE]
    if max(opposites) < values["unrelated"]:
        assert Ladder(**values).antonym == values["antonym"]
    else:
        with pytest.raises(InputError, match=r"opposites must be pushed below"):
            Ladder(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"synonym": 1.2}, r"ladder: synonym is 1\.2\n.*give -1 to 1"),
        ({"antonym": -1.1}, r"ladder: antonym is -1\.1\n.*give -1 to 1"),
        ({"sibling": float("nan")}, r"ladder: sibling is nan\n.*give -1 to 1"),
        ({"cluster_antonym": 0.2}, r"ladder: cluster_antonym is 0\.2, unrelated is 0\.2\n.*below"),
        ({"unrelated": -0.5}, r"ladder: antonym is 0\.0, unrelated is -0\.5\n.*below"),
    ],
)
def test_a_bad_value_of_the_ladder_is_named(values, message):
    with pytest.raises(InputError, match=message):
        replace(Ladder(), **values)


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
    Rung.ANTONYM: lambda a, b: a.antonyms & b.lemmas,
    Rung.OPPOSITE: lambda a, b: a.opposites & b.synsets,
    Rung.SYNONYM: lambda a, b: a.synsets & b.synsets,
    Rung.DERIVED_ANTONYM: lambda a, b: a.antonyms_of_derived & b.forms,
    Rung.SIMILAR: lambda a, b: a.similar & b.synsets,
    Rung.CLUSTER_ANTONYM: lambda a, b: a.opposite_heads & (b.synsets | b.heads),
    Rung.ALSO_SEE: lambda a, b: a.also_see & b.synsets,
    Rung.SIBLING: lambda a, b: a.heads & b.heads,
    Rung.DERIVATION: lambda a, b: (a.derived | a.pertained) & b.lemmas or a.attributes & b.synsets,
}


def plain_pairs(words, pos=None, senses=None):
    known = [Senses(word, pos, senses) for word in words]
    found = {}
    for (i, a), (j, b) in combinations(enumerate(known), 2):
        rung = next((rung for rung, holds in RULES.items() if holds(a, b) or holds(b, a)), None)
        if rung is not None:
            found[i, j] = rung
    return found


def vocabulary(size: int, seed: int) -> list[str]:
    """Words with antonyms and some of what surrounds them, so that every rung is met."""
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
    found = dict(zip(places, pairs.rung.tolist(), strict=True))
    assert found == plain_pairs(words, pos, senses)
    assert list(found) == sorted(found)
    if pos is senses is None:
        assert set(found.values()) == set(RULES)  # every rung was met


def test_words_that_wordnet_does_not_know_are_related_to_nothing():
    assert len(lexical_pairs(["wug", "hot", "blick"], load_wordnet())) == 0
    assert len(lexical_pairs([], load_wordnet())) == 0


def test_pairs_can_be_chosen_by_rung():
    pairs = lexical_pairs(["hot", "cold", "car", "automobile"], load_wordnet())
    chosen = pairs.chosen([Rung.SYNONYM])
    assert (chosen.first.tolist(), chosen.second.tolist(), chosen.rung.tolist()) == ([2], [3], [Rung.SYNONYM])
    assert len(pairs) == 2
    np.testing.assert_array_equal(pair_targets(pairs, Ladder(antonym=-0.3)), [-0.3, 0.85])


# --- targets ---


def test_the_blogs_words_come_out_the_right_way_round():
    targets = dict(zip(BLOG, lexical_targets(BLOG), strict=True))
    of = {(a, b): targets[a][BLOG.index(b)] for a in BLOG for b in BLOG}
    assert of["happy", "sad"] < Ladder().unrelated < of["happy", "cheerful"]
    assert of["smart", "dumb"] < Ladder().unrelated < of["smart", "intelligent"]
    # where plain Wu-Palmer sees one distance between any two adjectives
    plain = word_similarity(BLOG, pos="a", how="first_sense", policy="nltk")
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
def test_each_target_is_the_value_of_its_rung(senses):
    words, ladder = vocabulary(90, seed=3), Ladder(antonym=-0.4, opposite=-0.2, similar=0.65)
    targets = lexical_targets(words, senses=senses, ladder=ladder)
    rungs = lexical_rungs(words, senses=senses)
    np.testing.assert_array_equal(rungs, rungs.T)
    met = set()
    for i, j in combinations(range(len(words)), 2):
        rung = Rung(rungs[i, j])
        met.add(rung)
        if rung is Rung.TAXONOMY:
            assert ladder.unrelated <= targets[i, j] <= ladder.synonym
        else:
            assert targets[i, j] == ladder.value(rung)
    assert {Rung.TAXONOMY, Rung.UNRELATED, Rung.ANTONYM, Rung.SYNONYM} <= met


def best_of_senses(a, b, senses):
    """Wu-Palmer of the most similar senses among the first so many of each word."""
    wordnet, best = load_wordnet(), 0.0
    for s in wordnet.synsets(a)[:senses]:
        for t in wordnet.synsets(b)[:senses]:
            if wordnet.pos[s] == wordnet.pos[t] and wordnet.pos[s] in ("n", "v"):
                best = max(best, wu_palmer([s], [t]).item())
    return best


@pytest.mark.parametrize("senses", [None, 1, 4])
def test_nouns_and_verbs_take_wu_palmer_of_the_senses_that_count(senses):
    words = ["dog", "crane", "bank", "run", "walk", "bat", "river", "machine"]
    targets, rungs = lexical_targets(words, senses=senses), lexical_rungs(words, senses=senses)
    ladder = Ladder()
    for (i, a), (j, b) in combinations(enumerate(words), 2):
        best = best_of_senses(a, b, senses)
        if rungs[i, j] == Rung.TAXONOMY:
            assert targets[i, j] == pytest.approx(max(ladder.unrelated, ladder.synonym * best))
        elif rungs[i, j] == Rung.UNRELATED:
            assert best == 0
    assert Rung.TAXONOMY in rungs
    crane, machine = words.index("crane"), words.index("machine")
    rare = lexical_targets(words, senses=None)[crane, machine]  # the bird is the fifth sense of "crane"
    assert (targets[crane, machine] < rare) == (senses is not None and targets[crane, machine] != rare)


def test_one_part_of_speech_can_be_asked_for():
    both = ["run", "walk"]
    verbs, nouns = (lexical_targets(both, pos=pos)[0, 1] for pos in ("v", "n"))
    assert lexical_targets(both)[0, 1] == max(verbs, nouns)
    assert lexical_targets(["happy", "sad"], pos="a")[0, 1] == Ladder().derived_antonym


@pytest.mark.parametrize(
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
@pytest.mark.parametrize("function", [lexical_targets, lexical_rungs])
def test_bad_words_are_named(function, words, pos, message):
    with pytest.raises(InputError, match=message):
        function(words, pos=pos)


# --- controls ---


def off_diagonal(matrix):
    return np.sort(matrix[np.triu_indices(len(matrix), k=1)])


@pytest.fixture(scope="module")
def targets():
    return lexical_targets(vocabulary(40, seed=5))


@pytest.mark.parametrize("control", ["shuffled", "constant"])
def test_a_control_is_symmetric_and_leaves_the_diagonal(targets, control):
    before = targets.copy()
    changed = controlled(targets, control, seed=1)
    np.testing.assert_array_equal(changed, changed.T)
    np.testing.assert_array_equal(changed.diagonal(), targets.diagonal())
    np.testing.assert_array_equal(targets, before)
    assert not np.array_equal(changed, targets)


def test_shuffled_targets_are_the_same_values_elsewhere(targets):
    shuffled = controlled(targets, "shuffled", seed=1)
    np.testing.assert_array_equal(off_diagonal(shuffled), off_diagonal(targets))
    np.testing.assert_array_equal(shuffled, controlled(targets, "shuffled", seed=1))
    assert not np.array_equal(shuffled, controlled(targets, "shuffled", seed=2))


def test_constant_targets_are_their_mean(targets):
    constant = controlled(targets, "constant")
    np.testing.assert_allclose(off_diagonal(constant), off_diagonal(targets).mean(), rtol=1e-12)


def test_no_control_changes_nothing(targets):
    assert controlled(targets, "none") is targets


def test_a_control_that_cannot_be_is_refused(targets):
    with pytest.raises(InputError, match=r"unknown control 'noise'\n.*none, shuffled, constant"):
        controlled(targets, "noise")
    with pytest.raises(InputError, match=r"at least two words, not 1\n"):
        controlled(np.ones((1, 1)), "shuffled")


@pytest.mark.parametrize("pos", ["n", "a"])
def test_random_words_are_as_many_others_of_the_part_of_speech(pos):
    words = load_wordnet().words(pos)[1000:1200]
    drawn = random_words(words, seed=3, pos=pos)
    assert len(set(drawn)) == len(words)
    assert not set(drawn) & set(words)
    assert all(load_wordnet().synsets(word, pos) for word in drawn)
    assert drawn == random_words(words, seed=3, pos=pos) != random_words(words, seed=4, pos=pos)


def test_more_random_words_than_there_are_is_refused():
    adverbs = load_wordnet().words("r")
    with pytest.raises(InputError, match=r"random words are asked for, WordNet has 0\n.*fewer"):
        random_words(adverbs, pos="r")
