"""Wu-Palmer on WordNet itself: policy `nltk` against NLTK, and the laws of policy `symmetric`."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bench.wu_palmer import nltk_wordnet
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix, wu_palmer_pairs
from lexclip_core.wordnet.tables import load_wordnet

POLICIES = ("symmetric", "nltk")
PAIRS = 20_000


@pytest.fixture(scope="module")
def nltk():
    return nltk_wordnet()


def nltk_scores(nltk, taxonomy, a, b):
    synsets = {s: nltk.synset(taxonomy.names[s]) for s in {*a.tolist(), *b.tolist()}}
    return np.array(
        [synsets[i].wup_similarity(synsets[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
    )


@pytest.fixture(scope="module")
def imagenet(evaldata):
    with (evaldata / "classes" / "imagenet1k_table.tsv").open(encoding="utf-8") as stream:
        return [row["wnid"] for row in csv.DictReader(stream, delimiter="\t")]


def test_nltk_policy_equals_nltk_on_the_imagenet_synsets(nltk, imagenet):
    """A sample of the million pairs and all self pairs; `python -m bench.wu_palmer --verify` does all."""
    taxonomy = load_taxonomy()
    ids = taxonomy.ids(imagenet)
    rng = np.random.default_rng(20)
    rows, cols = rng.integers(0, 1000, (2, PAIRS))
    rows, cols = np.append(rows, np.arange(1000)), np.append(cols, np.arange(1000))
    expected = nltk_scores(nltk, taxonomy, ids[rows], ids[cols])
    np.testing.assert_array_equal(wu_palmer_matrix(imagenet, policy="nltk")[rows, cols], expected)
    np.testing.assert_array_equal(wu_palmer_pairs(ids[rows], ids[cols], "nltk"), expected)


def several_parents(kinds):
    parents = np.diff(load_wordnet().hypernyms.indptr)
    return np.flatnonzero((parents > 1) & np.isin(load_taxonomy().kinds, [ord(kind) for kind in kinds]))


@pytest.mark.parametrize("kinds", ["n", "v", "as", "nvasr"])
def test_nltk_policy_equals_nltk_on_random_pairs(nltk, kinds):
    taxonomy = load_taxonomy()
    rng = np.random.default_rng(21)
    ids = np.flatnonzero(np.isin(taxonomy.kinds, [ord(kind) for kind in kinds]))
    a, b = rng.choice(ids, (2, 1500))
    np.testing.assert_array_equal(wu_palmer_pairs(a, b, "nltk"), nltk_scores(nltk, taxonomy, a, b))
    rows, cols = rng.choice(ids, (2, 40))
    expected = nltk_scores(nltk, taxonomy, np.repeat(rows, 40), np.tile(cols, 40)).reshape(40, 40)
    np.testing.assert_array_equal(wu_palmer_matrix(rows, cols, "nltk"), expected)


@pytest.mark.parametrize("kind", ["n", "v"])
def test_nltk_policy_equals_nltk_where_ways_up_differ(nltk, kind):
    taxonomy = load_taxonomy()
    rng = np.random.default_rng(22)
    ids = several_parents(kind)
    a, b = rng.choice(ids, (2, 800))
    below = rng.choice(ids, 500)
    closures = [load_wordnet().hypernyms.of(int(s)) for s in below]
    above = np.array([rng.choice(closure) for closure in closures])
    a, b = np.concatenate([a, below, above, ids]), np.concatenate([b, above, below, ids])
    np.testing.assert_array_equal(wu_palmer_pairs(a, b, "nltk"), nltk_scores(nltk, taxonomy, a, b))
    np.testing.assert_array_equal(
        np.diag(wu_palmer_matrix(ids, policy="nltk")), wu_palmer_pairs(ids, ids, "nltk")
    )


def test_the_symmetric_policy_keeps_its_laws_on_the_imagenet_synsets(imagenet):
    scores = wu_palmer_matrix(imagenet)
    assert (scores == scores.T).all()
    assert (np.diag(scores) == 1).all()
    assert ((scores < 1) | np.eye(1000, dtype=bool)).all()
    assert (scores > 0).all()
    self_scores = np.diag(wu_palmer_matrix(imagenet, policy="nltk"))
    assert (self_scores < 1).sum() == 107  # what the symmetric policy is for


def test_the_symmetric_policy_keeps_its_laws_between_all_verbs_and_every_seventh():
    verbs = np.flatnonzero(load_taxonomy().kinds == ord("v"))
    some = verbs[::7]
    scores = wu_palmer_matrix(verbs, some, out=np.empty((len(verbs), len(some)), dtype=np.float32))
    assert (scores == wu_palmer_matrix(some, verbs, out=np.empty(scores.T.shape, dtype=np.float32)).T).all()
    assert ((scores == 1) == (verbs[:, None] == some[None, :])).all()
    assert (scores > 0).all()


def test_pairs_equal_the_matrix_and_wide_blocks_equal_narrow_ones():
    """More columns than are computed side by side (4,096), with repeats among rows and columns."""
    nouns = np.flatnonzero(load_taxonomy().kinds == ord("n"))
    rng = np.random.default_rng(23)
    rows, cols = np.append(rng.choice(nouns, 60), nouns[5]), rng.choice(nouns, 9000)
    rows[7], cols[8500] = rows[3], cols[1]
    for policy in POLICIES:
        scores = wu_palmer_matrix(rows, cols, policy)
        pairs = wu_palmer_pairs(np.repeat(rows, 9000), np.tile(cols, len(rows)), policy)
        np.testing.assert_array_equal(scores.ravel(), pairs)
        np.testing.assert_array_equal(scores[:, 8400:8600], wu_palmer_matrix(rows, cols[8400:8600], policy))
