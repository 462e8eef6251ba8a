"""Wu-Palmer: fractions by hand, a plain reference on random graphs, laws, and what may be given."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_taxonomy import NAMES, hypernyms, mini_index
from wu_palmer_reference import Reference, taxonomies

from lexclip_core.targets.taxonomy import TaxonomyIndex
from lexclip_core.targets.wu_palmer import wu_palmer_matrix, wu_palmer_pairs

POLICIES = ("symmetric", "nltk")


@pytest.fixture(scope="module")
def mini():
    return mini_index()


@each(
    ("a", "b", "symmetric", "nltk_value"),
    [
        ("dog.n.01", "dog.n.01", Fraction(1), Fraction(5, 6)),  # NLTK: they meet in canine
        ("dog.n.01", "wolf.n.01", Fraction(6, 7), Fraction(5, 6)),
        ("dog.n.01", "cat.n.01", Fraction(10, 13), Fraction(8, 11)),
        ("dog.n.01", "goldfish.n.01", Fraction(3, 4), Fraction(2, 3)),
        ("dog.n.01", "plant.n.01", Fraction(6, 11), Fraction(1, 2)),  # NLTK goes up to entity and down again
        ("dog.n.01", "void.n.01", Fraction(1, 3), None),
        ("joy.n.01", "grief.n.01", Fraction(3, 4), Fraction(2, 3)),
        ("run.v.01", "walk.v.01", Fraction(2, 3), Fraction(1, 3)),
        ("move.v.01", "run.v.01", Fraction(4, 5), Fraction(2, 3)),
        ("run.v.01", "move.v.01", Fraction(4, 5), Fraction(2, 5)),  # NLTK is not symmetric
        ("stroll.v.01", "think.v.01", Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_fractions_of_nouns_and_verbs(mini, a, b, symmetric, nltk_value):
    expected = {"symmetric": float(symmetric), "nltk": np.nan if nltk_value is None else float(nltk_value)}
    for policy in POLICIES:
        np.testing.assert_array_equal(wu_palmer_matrix([a], [b], policy, taxonomy=mini), [[expected[policy]]])
        np.testing.assert_array_equal(wu_palmer_pairs([a], [b], policy, taxonomy=mini), [expected[policy]])


@each(
    ("a", "b", "value"),
    [
        ("happy.a.01", "sad.a.01", Fraction(1, 2)),
        ("happy.a.01", "cheerful.s.01", Fraction(1, 2)),
        ("happy.a.01", "happy.a.01", Fraction(1)),
        ("happily.r.01", "happily.r.01", Fraction(1)),
        ("dog.n.01", "happy.a.01", Fraction(1, 4)),  # dog is four edges below its farthest ancestor, organism
        ("run.v.01", "dog.n.01", Fraction(2, 9)),
        ("happily.r.01", "happy.a.01", Fraction(1, 2)),
    ],
)
def test_fractions_of_other_and_mixed_parts_of_speech_under_nltk(mini, a, b, value):
    assert wu_palmer_matrix([a], [b], "nltk", taxonomy=mini) == float(value)
    assert wu_palmer_pairs([a], [b], "nltk", taxonomy=mini) == float(value)


def check_against_reference(names, parents):
    taxonomy, reference = TaxonomyIndex.from_hypernyms(names, parents), Reference(names, parents)
    everything = range(len(names))
    by_kind = [[s for s in everything if reference.kind[s] == kind] for kind in "nv"]
    groups = [("nltk", list(everything)), *(("symmetric", group) for group in by_kind if group)]
    for policy, group in groups:
        expected = reference.matrix(policy, group, group)
        np.testing.assert_array_equal(wu_palmer_matrix(group, group, policy, taxonomy=taxonomy), expected)
        a, b = zip(*product(group, repeat=2), strict=True)
        np.testing.assert_array_equal(wu_palmer_pairs(a, b, policy, taxonomy=taxonomy), expected.ravel())


def test_all_pairs_of_the_mini_taxonomy_equal_the_reference():
    check_against_reference(NAMES, hypernyms())


@settings(max_examples=150, deadline=None)
@given(taxonomies())
def test_all_pairs_of_any_taxonomy_equal_the_reference(graph):
    check_against_reference(*graph)


@settings(max_examples=100, deadline=None)
@given(taxonomies())
def test_the_symmetric_policy_is_reflexive_symmetric_and_within_zero_and_one(graph):
    names, parents = graph
    taxonomy = TaxonomyIndex.from_hypernyms(names, parents)
    for kind in "nv":
        group = [name for name in names if name.rsplit(".", 2)[1] == kind]
        if group:
            scores = wu_palmer_matrix(group, taxonomy=taxonomy)
            np.testing.assert_array_equal(scores, scores.T)
            np.testing.assert_array_equal(np.diag(scores), 1.0)
            assert (scores > 0).all()
            assert (scores[~np.eye(len(group), dtype=bool)] < 1).all()


@settings(max_examples=50, deadline=None)
@given(taxonomies(), st.randoms(use_true_random=False))
def test_the_symmetric_policy_depends_on_no_names_and_no_order(graph, random):
    names, parents = graph
    order = random.sample(range(len(names)), len(names))
    place = {synset: i for i, synset in enumerate(order)}
    renamed = [f"{i:02d}.{names[synset].rsplit('.', 2)[1]}.01" for i, synset in enumerate(order)]
    shuffled = TaxonomyIndex.from_hypernyms(
        renamed, [[place[p] for p in parents[synset]] for synset in order]
    )
    taxonomy = TaxonomyIndex.from_hypernyms(names, parents)
    for kind in "nv":
        group = [s for s, name in enumerate(names) if name.rsplit(".", 2)[1] == kind]
        if group:
            there = wu_palmer_matrix([place[s] for s in group], taxonomy=shuffled)
            np.testing.assert_array_equal(there, wu_palmer_matrix(group, taxonomy=taxonomy))
