"""The index behind Wu-Palmer: what it refuses, how it is cached, and what loading it costs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from mini_taxonomy import IDS, NAMES, mini_index

from lexclip_core.cache import ARRAYS, cached, stored
from lexclip_core.errors import InputError
from lexclip_core.targets.taxonomy import TaxonomyIndex, load_taxonomy, read_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.wordnet.install import identity
from lexclip_core.wordnet.tables import load_wordnet

POLICIES = ("symmetric", "nltk")


@pytest.fixture(scope="module")
def mini():
    return mini_index()


def test_a_circle_of_hypernyms_is_refused():
    with pytest.raises(InputError, match="run in a circle"):
        TaxonomyIndex.from_hypernyms(["a.n.01", "b.n.01", "c.n.01"], [[], [2], [1]])


def test_a_taxonomy_too_deep_for_the_states_is_refused_and_the_deepest_one_is_right():
    def chain(length):
        return [f"s{i}.n.01" for i in range(length)], [[i - 1] if i else [] for i in range(length)]

    names, parents = chain(31)
    taxonomy = TaxonomyIndex.from_hypernyms(names, parents)
    for policy in POLICIES:
        assert wu_palmer_matrix(["s30.n.01"], ["s0.n.01"], policy, taxonomy=taxonomy) == 2 / 32
    with pytest.raises(InputError, match="the taxonomy is 32 nodes deep"):
        TaxonomyIndex.from_hypernyms(*chain(32))


def test_an_unknown_synset_of_another_taxonomy_is_refused(mini):
    with pytest.raises(InputError, match=r"the taxonomy has no synset 'domestic_dog.n.01'"):
        wu_palmer_matrix(["domestic_dog.n.01"], taxonomy=mini)


def test_the_index_numbers_synsets_as_wordnet_does_and_cannot_be_written():
    taxonomy, wordnet = load_taxonomy(), load_wordnet()
    assert taxonomy.names == wordnet.names
    assert load_taxonomy() is taxonomy
    for array in (
        taxonomy.kinds,
        taxonomy.node_of,
        *taxonomy.schemes["nltk"],
        *taxonomy.schemes["symmetric"],
    ):
        assert not array.flags.writeable


def test_a_damaged_index_is_built_again(tmp_path, monkeypatch, caplog):
    expected = load_taxonomy()
    [(_, arrays)] = stored("taxonomy", codec=ARRAYS)
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    cached("taxonomy", identity(), lambda: arrays, codec=ARRAYS)
    [file] = (tmp_path / "taxonomy").iterdir()
    file.write_bytes(file.read_bytes()[:-1000])
    rebuilt = read_taxonomy()
    assert f"{file} is damaged and made again" in caplog.text
    assert rebuilt.names == expected.names
    for policy in POLICIES:
        for array, other in zip(rebuilt.schemes[policy], expected.schemes[policy], strict=True):
            np.testing.assert_array_equal(array, other)
    caplog.clear()
    read_taxonomy()
    assert not caplog.text


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import lexclip_core.targets.wu_palmer, lexclip_core.targets.relations", "numba"),
        ("from lexclip_core.targets.wu_palmer import wu_palmer_matrix as w; w(['dog.n.01'])", "nltk"),
    ],
)
def test_importing_wu_palmer_compiles_nothing_and_scores_need_no_other_large_library(code, absent):
    code += f"; import sys; print(sorted({{'torch', 'pandas', 'open_clip', '{absent}'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ids_of_the_mini_taxonomy(mini):
    assert mini.ids(["n00000000", "entity.n.01", 0]).tolist() == [0, 0, 0]
    assert mini.ids(NAMES).tolist() == list(IDS.values())
    assert mini.ids([f"a{IDS['glad.s.01']:08d}", "glad.s.01"]).tolist() == [IDS["glad.s.01"]] * 2
