"""The WordNet tables: answers known by heart, wrong questions, threads, and the cache on disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from case_tables import each

from lexclip_core.cache import ARRAYS, cached, stored
from lexclip_core.errors import InputError
from lexclip_core.wordnet.files import pack_lists
from lexclip_core.wordnet.install import identity, wordnet_folder
from lexclip_core.wordnet.relations import Relation
from lexclip_core.wordnet.tables import WordNet, load_wordnet, read_wordnet


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    return load_wordnet()


@pytest.fixture(scope="module")
def arrays(wordnet: WordNet) -> dict[str, np.ndarray]:
    [(_, tables)] = stored("wordnet", codec=ARRAYS)
    return tables


def names(wordnet: WordNet, ids) -> list[str]:
    return [wordnet.name(synset) for synset in ids]


def test_sizes(wordnet):
    assert len(wordnet) == 117_659
    assert {pos: int((wordnet.pos == pos).sum()) for pos in "nvasr"} == {
        "n": 82_115,
        "v": 13_767,
        "a": 7_463,
        "s": 10_693,
        "r": 3_621,
    }
    assert len({lemma for lemmas in wordnet.lemmas for lemma in lemmas}) == 148_730
    assert len(wordnet.names) == len(set(wordnet.names)) == len(wordnet.glosses) == len(wordnet.lexnames)


def test_one_synset_in_full(wordnet):
    dog = wordnet.index("dog.n.01")
    assert dog == wordnet.index("n02084071") == wordnet.index("domestic_dog.n.01") == wordnet.index("DOG.n.1")
    assert wordnet.wnid(dog) == "n02084071"
    assert wordnet.lemmas[dog] == ("dog", "domestic_dog", "Canis_familiaris")
    assert wordnet.lemma_counts[dog] == (42, 0, 0)
    assert wordnet.lexnames[dog] == "noun.animal"
    assert wordnet.glosses[dog].startswith("a member of the genus Canis")
    assert names(wordnet, wordnet.hypernyms.of(dog)) == ["canine.n.02", "domestic_animal.n.01"]
    assert (wordnet.min_depth[dog], wordnet.max_depth[dog]) == (8, 13)


def test_words_are_matched_in_any_spelling(wordnet):
    senses = names(wordnet, wordnet.synsets("ice cream"))
    assert senses == ["ice_cream.n.01"]
    for spelling in ("ice_cream", "Ice  Cream", "ice-cream"):
        assert names(wordnet, wordnet.synsets(spelling)) == senses
    # Two entries of WordNet, one word of ours: the given spelling only decides which senses come first.
    verb, noun = wordnet.synsets("wet-nurse"), wordnet.synsets("wet_nurse")
    assert sorted(verb) == sorted(noun)
    assert set(names(wordnet, verb)) == {"breastfeed.v.01", "wet_nurse.n.01"}


def test_words_per_part_of_speech(wordnet):
    words = wordnet.words()
    assert len(words) == len(set(words)) == 146_763
    assert set(words) == set().union(*(wordnet.words(pos) for pos in "nvar"))
    assert set(wordnet.words("s")) < set(wordnet.words("a"))
    assert all(wordnet.synsets(word) for word in words[::500])


def test_synonyms_antonyms_counts(wordnet):
    assert wordnet.antonyms("happy") == ("unhappy",)
    assert wordnet.antonyms("good", "n") == ("evil", "bad")
    assert wordnet.antonyms("good", "a") == ("bad", "evil")
    assert wordnet.synonyms("dog", "n")[:2] == ("domestic dog", "canis familiaris")
    assert "dog" not in wordnet.synonyms("dog")
    assert wordnet.sense_counts("dog", "n").tolist() == [42, 0, 0, 0, 0, 0, 0]
    assert wordnet.sense_counts("no such word").shape == (0,)


def test_unknown_words_have_nothing(wordnet):
    for word in ("qwzx", "", "dogs", "w" * 10_000):
        assert wordnet.synsets(word) == wordnet.synonyms(word) == wordnet.antonyms(word) == ()


def test_morphy_undoes_inflection(wordnet):
    assert names(wordnet, wordnet.morphy("aardwolves")) == ["aardwolf.n.01"]
    assert wordnet.morphy("Dogs", "n") == wordnet.synsets("dog", "n")
    assert wordnet.morphy("happier") == wordnet.synsets("happy")
    assert wordnet.morphy("qwzxs") == ()


def test_subtree_is_nearest_first(wordnet):
    root = wordnet.index("dog.n.01")
    whole = wordnet.subtree(root, 1_000)
    assert whole.dtype == np.int32
    assert len(whole) == len(set(whole.tolist())) == 190
    assert whole[0] == root
    assert wordnet.subtree(root, 8).tolist() == whole[:8].tolist()
    assert all(set(wordnet.hypernyms.of(synset)) & set(whole.tolist()) for synset in whole[1:])


@each(
    ("name", "message"),
    [
        ("dog.n.99", r"no synset 'dog\.n\.99'\n  Remedy: did you mean dog\.n\.01"),
        ("dgo.n.01", r"did you mean .*dug\.n\.01"),
        ("n99999999", r"no synset 'n99999999'"),
        ("", r"names look like dog\.n\.01"),
        ("dog.x.01", r"did you mean dog\.n\.01"),
        ("dog.n.00", r"no synset 'dog\.n\.00'"),
        ("z" * 10_000, r"\.\.\. \(10,000 characters\)"),
    ],
)
def test_unknown_synset(wordnet, name, message):
    with pytest.raises(InputError, match=message):
        wordnet.index(name)


@each("ask", ["synsets", "morphy", "synonyms", "antonyms", "sense_counts"])
def test_wrong_part_of_speech(wordnet, ask):
    with pytest.raises(InputError, match=r"unknown part of speech 'noun'\n  Remedy: use one of n \(noun\)"):
        getattr(wordnet, ask)("dog", "noun")


def test_wrong_part_of_speech_for_words(wordnet):
    with pytest.raises(InputError, match="unknown part of speech 'x'"):
        wordnet.words("x")


def test_subtree_needs_room(wordnet):
    with pytest.raises(InputError, match="max_size is 0"):
        wordnet.subtree(0, 0)


def test_tables_cannot_be_changed(wordnet):
    with pytest.raises(AttributeError):
        wordnet.names = ()
    for array in (wordnet.pos, wordnet.min_depth, wordnet.hyponyms.indices, wordnet.antonym_links.synset_j):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_inverse_of_a_relation_by_hand():
    relation = Relation(*pack_lists([[1, 3], [], [1], [0]]))
    inverse = relation.inverse()
    assert [inverse.of(k).tolist() for k in range(4)] == [[3], [0, 2], [], [0]]


def test_eight_threads_get_the_answers_of_one(wordnet):
    words = [*wordnet.words()[:: len(wordnet.words()) // 400], "dogs", "running", "happier", "wet-nurse"]

    def answers(tables: WordNet, word: str) -> tuple:
        ids = tables.morphy(word)
        return (
            tables.synsets(word),
            ids,
            tables.synonyms(word),
            tables.antonyms(word),
            tables.sense_counts(word).tolist(),
            [tables.index(tables.name(synset)) for synset in ids],
            [tables.index(tables.wnid(synset)) for synset in ids],
        )

    expected = [answers(wordnet, word) for word in words]
    fresh = read_wordnet()  # lazy parts not yet built: the threads race for them
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            rounds = list(pool.map(lambda _: [answers(fresh, word) for word in words], range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert all(found == expected for found in rounds)


def test_all_threads_share_one_load():
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from lexclip_core.wordnet.tables import load_wordnet\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    print(len({id(one) for one in list(pool.map(lambda _: load_wordnet(), range(32)))}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert load_wordnet() is load_wordnet()


def test_damaged_tables_are_built_again_from_the_database(arrays, tmp_path, monkeypatch, caplog):
    database = wordnet_folder()
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    shutil.copytree(database, wordnet_folder())
    cached("wordnet", identity(), lambda: arrays, codec=ARRAYS)
    [file] = (tmp_path / "wordnet").iterdir()
    file.write_bytes(file.read_bytes()[:-1000])
    assert len(read_wordnet()) == 117_659
    assert f"{file} is damaged and made again" in caplog.text
    [(_, fresh)] = stored("wordnet", codec=ARRAYS)
    assert fresh.keys() == arrays.keys()
    for name, array in fresh.items():
        np.testing.assert_array_equal(array, arrays[name], err_msg=name)
        assert array.dtype == arrays[name].dtype
