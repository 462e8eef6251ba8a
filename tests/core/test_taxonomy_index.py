"""The index behind Wu-Palmer: what it refuses, how it is kept, and what loading it costs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from mini_taxonomy import IDS, NAMES, hypernyms, mini_index

from lexclip_core import storage
from lexclip_core.errors import InputError, StorageError
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import TaxonomyIndex, load_taxonomy, taxonomy_index, wu_palmer

POLICIES = ("lawful", "nltk")


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
        assert wu_palmer(["s30.n.01"], ["s0.n.01"], policy, taxonomy=taxonomy) == 2 / 32
    with pytest.raises(InputError, match="the taxonomy is 32 nodes deep"):
        TaxonomyIndex.from_hypernyms(*chain(32))


def test_an_unknown_synset_of_another_taxonomy_is_refused(mini):
    with pytest.raises(InputError, match=r"the taxonomy has no synset 'domestic_dog.n.01'"):
        wu_palmer(["domestic_dog.n.01"], taxonomy=mini)


def test_the_index_numbers_synsets_as_wordnet_does_and_cannot_be_written():
    taxonomy, wordnet = load_taxonomy(), load_wordnet()
    assert taxonomy.names == wordnet.names
    assert load_taxonomy() is taxonomy
    for array in (taxonomy.kinds, taxonomy.node_of, *taxonomy.schemes["nltk"], *taxonomy.schemes["lawful"]):
        assert not array.flags.writeable


def test_a_damaged_index_is_built_again(tmp_path, monkeypatch, caplog):
    arrays = taxonomy_index.build_arrays(
        NAMES, [name.rsplit(".", 2)[1] for name in NAMES], range(len(NAMES)), hypernyms()
    )
    monkeypatch.setattr(taxonomy_index, "_wordnet_arrays", lambda: dict(arrays))
    path = tmp_path / "index.npz"
    first = taxonomy_index._read_or_build(path)
    assert path.exists()
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"not an archive",
        whole[: len(whole) // 2],
        whole.replace(b"dog.n.01", b"DOG.n.01"),
    ):
        path.write_bytes(damaged)
        again = taxonomy_index._read_or_build(path)
        assert "is damaged" in caplog.text
        caplog.clear()
        assert all((again[name] == first[name]).all() for name in first)
        assert path.read_bytes() == whole


def test_an_index_that_cannot_be_kept_is_used_all_the_same(tmp_path, monkeypatch, caplog):
    def full(path):
        raise StorageError(f"cannot write {path}: No space left on device", "free some disk space")

    monkeypatch.setattr(storage, "atomic_write", full)
    monkeypatch.setattr(taxonomy_index, "_wordnet_arrays", lambda: {"names": np.zeros(1)})
    assert list(taxonomy_index._read_or_build(tmp_path / "index.npz")) == ["names"]
    assert "not kept for the next start" in caplog.text
    assert "No space left" in caplog.text


def test_wu_palmer_needs_neither_torch_nor_nltk_nor_pandas():
    code = (
        "import sys; from lexclip_core.targets import wu_palmer; wu_palmer(['dog.n.01'], ['cat.n.01']);"
        "print(sorted({'torch', 'nltk', 'pandas', 'open_clip'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ids_of_the_mini_taxonomy(mini):
    assert mini.ids(["n00000000", "entity.n.01", 0]).tolist() == [0, 0, 0]
    assert mini.ids(NAMES).tolist() == list(IDS.values())
    assert mini.ids([f"a{IDS['glad.s.01']:08d}", "glad.s.01"]).tolist() == [IDS["glad.s.01"]] * 2
