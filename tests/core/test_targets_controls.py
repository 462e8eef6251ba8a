"""The controls: what is left of targets without their lexical structure, and other words."""

from __future__ import annotations

import numpy as np
import pytest

from lexclip_core.errors import InputError
from lexclip_core.targets.controls import controlled, random_words
from lexclip_core.targets.relations import lexical_targets
from lexclip_core.wordnet.tables import load_wordnet

WORDS = (
    "happy",
    "sad",
    "cheerful",
    "smart",
    "dumb",
    "hot",
    "cold",
    "car",
    "automobile",
    "dog",
    "run",
    "walk",
)


def off_diagonal(matrix):
    return np.sort(matrix[np.triu_indices(len(matrix), k=1)])


@pytest.fixture(scope="module")
def targets():
    return lexical_targets([*WORDS, *load_wordnet().words()[:20]])


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
