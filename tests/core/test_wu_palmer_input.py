"""What `wu_palmer` may be given, what comes back, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from case_tables import each
from mini_taxonomy import NAMES, mini_index

from lexclip_core.errors import InputError
from lexclip_core.targets.wu_palmer import wu_palmer_matrix, wu_palmer_pairs
from lexclip_core.wordnet.tables import load_wordnet


@pytest.fixture(scope="module")
def mini():
    return mini_index()


def test_names_wnids_numbers_and_other_lemmas_name_one_synset():
    dog = load_wordnet().index("dog.n.01")
    forms = ["dog.n.01", "n02084071", dog, np.int64(dog), "domestic_dog.n.01"]
    assert (wu_palmer_matrix(forms) == 1).all()
    assert wu_palmer_matrix(np.array(["dog.n.01"]), np.array([dog])) == 1
    satellite = load_wordnet().wnid(int(np.flatnonzero(load_wordnet().pos == "s")[0]))
    assert satellite[0] == "s"
    assert wu_palmer_matrix([satellite], [f"a{satellite[1:]}"], "nltk") == 1


def test_out_is_written_and_returned_in_its_own_precision(mini):
    nouns = [name for name in NAMES if ".n." in name]
    out = np.empty((len(nouns), len(nouns)), dtype=np.float32)
    assert wu_palmer_matrix(nouns, out=out, taxonomy=mini) is out
    np.testing.assert_array_equal(out, wu_palmer_matrix(nouns, taxonomy=mini).astype(np.float32))
    assert wu_palmer_matrix(nouns, taxonomy=mini).dtype == np.float64


@pytest.mark.parametrize(
    "out", [np.empty((2, 3)), np.empty((2, 2), dtype=np.int32), np.empty((2, 2), order="F"), np.empty(4)]
)
def test_an_unfit_out_is_refused(mini, out):
    with pytest.raises(InputError, match=r"C-contiguous float64 or float32 array of shape \(2, 2\)"):
        wu_palmer_matrix(["dog.n.01", "cat.n.01"], out=out, taxonomy=mini)


@each(
    ("synsets", "message"),
    [
        ([], "the list of synsets is empty"),
        (np.array([], dtype=int), "the list of synsets is empty"),
        ("dog.n.01", r"one synset, not a list\n  Remedy: write \['dog.n.01'\]"),
        (["dgo.n.01"], "WordNet 3.0 has no synset 'dgo.n.01'"),
        (["dog.n.77"], r"no synset 'dog.n.77'\n  Remedy: did you mean dog.n.01"),
        (["x" * 10_000], r"\(10,000 characters\)"),
        ([-1], "unknown synset number -1\n  Remedy: numbers run from 0 to 117,658"),
        ([117_659], "unknown synset number 117659"),
        ([0.5], "'0.5' is not a synset"),
        ([None], "'None' is not a synset"),
        ([["dog.n.01"]], "is not a synset"),
    ],
)
def test_what_is_no_list_of_synsets_is_refused(synsets, message):
    with pytest.raises(InputError, match=message):
        wu_palmer_matrix(synsets)
    with pytest.raises(InputError, match=message):
        wu_palmer_pairs(["dog.n.01"], synsets)


@pytest.mark.parametrize("call", [wu_palmer_matrix, wu_palmer_pairs])
def test_the_symmetric_policy_refuses_what_has_no_hypernyms(mini, call):
    for name, kind in (("happy.a.01", "adjective"), ("glad.s.01", "adjective"), ("happily.r.01", "adverb")):
        message = f"{name} is an {kind}: WordNet has no hypernyms.*lexical_targets.*policy='nltk'"
        with pytest.raises(InputError, match="(?s)" + message):
            call([name], [name], taxonomy=mini)
        with pytest.raises(InputError, match="(?s)" + message):
            call(["dog.n.01"], [name], taxonomy=mini)


@pytest.mark.parametrize("call", [wu_palmer_matrix, wu_palmer_pairs])
def test_the_symmetric_policy_refuses_a_noun_with_a_verb(mini, call):
    with pytest.raises(
        InputError, match=r"dog.n.01 is a noun and run.v.01 is a verb: .*different taxonomies"
    ):
        call(["dog.n.01", "cat.n.01"], ["dog.n.01", "run.v.01"][::-1], taxonomy=mini)


def test_pairs_of_nouns_and_pairs_of_verbs_may_stand_in_one_list(mini):
    scores = wu_palmer_pairs(["dog.n.01", "run.v.01"], ["wolf.n.01", "walk.v.01"], taxonomy=mini)
    np.testing.assert_array_equal(scores, [6 / 7, 2 / 3])


def test_lists_of_different_length_are_no_pairs(mini):
    with pytest.raises(InputError, match="1 synsets cannot be paired with 2"):
        wu_palmer_pairs(["dog.n.01"], ["cat.n.01", "dog.n.01"], taxonomy=mini)


@pytest.mark.parametrize("call", [wu_palmer_matrix, wu_palmer_pairs])
def test_an_unknown_policy_is_refused(mini, call):
    with pytest.raises(
        InputError, match="unknown policy 'fair' of Wu-Palmer\n  Remedy: use one of symmetric, nltk"
    ):
        call(["dog.n.01"], ["cat.n.01"], "fair", taxonomy=mini)


@pytest.mark.parametrize("call", [wu_palmer_matrix, wu_palmer_pairs])
def test_the_old_name_of_a_policy_is_refused_with_the_new_one(mini, call):
    with pytest.raises(InputError, match=r"unknown policy 'lawful'.*\n.*it is called 'symmetric' now"):
        call(["dog.n.01"], ["cat.n.01"], "lawful", taxonomy=mini)
