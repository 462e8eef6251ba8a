"""The registry of targets: each target of some rows is that of all words, cut to the rows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lexclip_core.errors import InputError
from lexclip_core.targets.registry import TARGETS
from lexclip_core.targets.relations import lexical_targets
from lexclip_core.targets.word_level import wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_matrix

NOUNS = ("dog", "cat", "car", "love", "hate", "mixing bowl", "tree")
SYNSETS = ("dog.n.01", "cat.n.01", "car.n.02", "love.n.01", "hate.n.01", "mixing_bowl.n.01", "tree.n.02")
MIXED = ("happy", "sad", "dog", "run", "quickly", "slowly", "love")


@pytest.mark.parametrize(
    ("name", "words", "synsets", "expected"),
    [
        ("wu_palmer", NOUNS, (), lambda: wu_palmer_of_words(NOUNS, pos="n", how="first_sense")),
        ("wu_palmer", NOUNS, SYNSETS, lambda: wu_palmer_matrix(SYNSETS)),
        ("wu_palmer_nltk", NOUNS, SYNSETS, lambda: wu_palmer_matrix(SYNSETS, policy="nltk")),
        ("lexical", MIXED, (), lambda: lexical_targets(MIXED)),
    ],
)
def test_a_target_of_some_rows_is_that_of_all_words(name, words, synsets, expected):
    among, rows = TARGETS[name].of(words, synsets), np.array([5, 0, 3])
    np.testing.assert_array_equal(among(np.arange(7)), expected())
    np.testing.assert_array_equal(among(rows), expected()[np.ix_(rows, rows)])


@pytest.mark.parametrize("name", TARGETS)
def test_words_that_a_target_is_not_defined_for_are_named_before_any_target_is_made(name):
    with pytest.raises(InputError, match="xyzzy"):
        TARGETS[name].of((*NOUNS, "xyzzy"), ())
    assert TARGETS[name].meaning


def test_reading_the_registry_loads_nothing_large():
    code = (
        "import sys; from lexclip_core.targets.registry import TARGETS;"
        "print(sorted({'numpy', 'numba', 'torch', 'nltk'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
