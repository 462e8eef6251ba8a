"""Wu-Palmer: fractions by hand, laws, a plain reference on random graphs, and NLTK itself."""

from __future__ import annotations

import csv
import subprocess
import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_taxonomy import IDS, NAMES, hypernyms, mini_index

from lexclip_core import storage
from lexclip_core.errors import InputError, StorageError
from lexclip_core.synsets import load_wordnet, nltk_wordnet
from lexclip_core.targets import TaxonomyIndex, load_taxonomy, taxonomy_index, wu_palmer, wu_palmer_pairs

POLICIES = ("lawful", "nltk")
PAIRS = 20_000


# ---------------------------------------------------------------- the definitions, as plainly as can be


class Reference:
    """Both policies on a small graph, following the definitions word by word."""

    def __init__(self, names, parents):
        self.names, self.parents = names, parents
        self.kind = [name.rsplit(".", 2)[1] for name in names]

    def up(self, s):
        """Ancestor (and s itself) -> edges on the shortest way up."""
        found, layer, edges = {}, [s], 0
        while layer:
            found |= {x: edges for x in layer if x not in found}
            layer, edges = [p for x in layer for p in self.parents[x] if p not in found], edges + 1
        return found

    def depth(self, s, choose):
        return 1 + choose(self.depth(p, choose) for p in self.parents[s]) if self.parents[s] else 0

    def lawful(self, a, b):
        roots = [s for s in range(len(self.names)) if self.kind[s] == self.kind[a] and not self.parents[s]]
        top = int(len(roots) > 1)  # the virtual root's depth
        up_a, up_b = self.up(a), self.up(b)
        found = [(top + 1 + self.depth(x, max), -up_a[x] - up_b[x]) for x in up_a.keys() & up_b.keys()]
        if not found:  # they meet in the virtual root, above the nearest real ones
            found = [(1, -sum(1 + min(up[x] for x in up if x in roots) for up in (up_a, up_b)))]
        depth, distance = max(found)
        return Fraction(2 * depth, 2 * depth - distance)

    def nltk(self, a, b):
        up_a, up_b = self.up(a), self.up(b)
        common = [(self.depth(x, min), self.names[x], x) for x in up_a.keys() & up_b.keys()]
        if {self.kind[a], self.kind[b]} != {"n"}:
            common.append((0, "*ROOT*", None))
        if not common:
            return None
        tied = sorted((name, x) for level, name, x in common if level == max(common)[0])
        winner = a if a in [x for _, x in tied] else tied[0][1]
        if winner is None:
            depth, distance = 1, 2 + max(up_a.values()) + max(up_b.values())
        else:
            depth = self.depth(winner, max) + 1
            above = self.up(winner)
            distance = sum(min(up[x] + above[x] for x in above) for up in (up_a, up_b))
        return Fraction(2 * depth, 2 * depth + distance)

    def matrix(self, policy, rows, cols):
        score = {"lawful": self.lawful, "nltk": self.nltk}[policy]
        values = [[score(a, b) for b in cols] for a in rows]
        return np.array([[np.nan if value is None else float(value) for value in row] for row in values])


@st.composite
def taxonomies(draw):
    """Draw up to 14 synsets, each with up to three parents among those of its kind before it."""
    kinds = draw(st.lists(st.sampled_from("nnnvvar"), min_size=1, max_size=14))
    words = draw(st.permutations("abcdefghijklmn"))
    parents = []
    for i, kind in enumerate(kinds):
        possible = [j for j in range(i) if kinds[j] == kind and kind in "nv"]
        chosen = st.lists(st.sampled_from(possible), max_size=3, unique=True) if possible else st.just([])
        parents.append(draw(chosen))
    return [f"{words[i]}.{kind}.01" for i, kind in enumerate(kinds)], parents


@pytest.fixture(scope="module")
def mini():
    return mini_index()


@pytest.fixture(scope="module")
def nltk():
    return nltk_wordnet()


# ---------------------------------------------------------------- fractions on the mini taxonomy


@pytest.mark.parametrize(
    ("a", "b", "lawful", "nltk_value"),
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
def test_fractions_of_nouns_and_verbs(mini, a, b, lawful, nltk_value):
    expected = {"lawful": float(lawful), "nltk": np.nan if nltk_value is None else float(nltk_value)}
    for policy in POLICIES:
        np.testing.assert_array_equal(wu_palmer([a], [b], policy, taxonomy=mini), [[expected[policy]]])
        np.testing.assert_array_equal(wu_palmer_pairs([a], [b], policy, taxonomy=mini), [expected[policy]])


@pytest.mark.parametrize(
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
    assert wu_palmer([a], [b], "nltk", taxonomy=mini) == float(value)
    assert wu_palmer_pairs([a], [b], "nltk", taxonomy=mini) == float(value)


# ---------------------------------------------------------------- the plain reference


def check_against_reference(names, parents):
    taxonomy, reference = TaxonomyIndex.from_hypernyms(names, parents), Reference(names, parents)
    everything = range(len(names))
    by_kind = [[s for s in everything if reference.kind[s] == kind] for kind in "nv"]
    groups = [("nltk", list(everything)), *(("lawful", group) for group in by_kind if group)]
    for policy, group in groups:
        expected = reference.matrix(policy, group, group)
        np.testing.assert_array_equal(wu_palmer(group, group, policy, taxonomy=taxonomy), expected)
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
def test_lawful_is_reflexive_symmetric_and_within_zero_and_one(graph):
    names, parents = graph
    taxonomy = TaxonomyIndex.from_hypernyms(names, parents)
    for kind in "nv":
        group = [name for name in names if name.rsplit(".", 2)[1] == kind]
        if group:
            scores = wu_palmer(group, taxonomy=taxonomy)
            np.testing.assert_array_equal(scores, scores.T)
            np.testing.assert_array_equal(np.diag(scores), 1.0)
            assert (scores > 0).all()
            assert (scores[~np.eye(len(group), dtype=bool)] < 1).all()


@settings(max_examples=50, deadline=None)
@given(taxonomies(), st.randoms(use_true_random=False))
def test_lawful_depends_on_no_names_and_no_order(graph, random):
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
            there = wu_palmer([place[s] for s in group], taxonomy=shuffled)
            np.testing.assert_array_equal(there, wu_palmer(group, taxonomy=taxonomy))


# ---------------------------------------------------------------- WordNet


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
    np.testing.assert_array_equal(wu_palmer(imagenet, policy="nltk")[rows, cols], expected)
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
    np.testing.assert_array_equal(wu_palmer(rows, cols, "nltk"), expected)


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
    np.testing.assert_array_equal(np.diag(wu_palmer(ids, policy="nltk")), wu_palmer_pairs(ids, ids, "nltk"))


def test_lawful_keeps_its_laws_on_the_imagenet_synsets(imagenet):
    scores = wu_palmer(imagenet)
    assert (scores == scores.T).all()
    assert (np.diag(scores) == 1).all()
    assert ((scores < 1) | np.eye(1000, dtype=bool)).all()
    assert (scores > 0).all()
    self_scores = np.diag(wu_palmer(imagenet, policy="nltk"))
    assert (self_scores < 1).sum() == 107  # what the lawful policy is for


def test_lawful_keeps_its_laws_between_all_verbs_and_every_seventh():
    verbs = np.flatnonzero(load_taxonomy().kinds == ord("v"))
    some = verbs[::7]
    scores = wu_palmer(verbs, some, out=np.empty((len(verbs), len(some)), dtype=np.float32))
    assert (scores == wu_palmer(some, verbs, out=np.empty(scores.T.shape, dtype=np.float32)).T).all()
    assert ((scores == 1) == (verbs[:, None] == some[None, :])).all()
    assert (scores > 0).all()


def test_pairs_equal_the_matrix_and_wide_blocks_equal_narrow_ones():
    """More columns than are computed side by side (4,096), with repeats among rows and columns."""
    nouns = np.flatnonzero(load_taxonomy().kinds == ord("n"))
    rng = np.random.default_rng(23)
    rows, cols = np.append(rng.choice(nouns, 60), nouns[5]), rng.choice(nouns, 9000)
    rows[7], cols[8500] = rows[3], cols[1]
    for policy in POLICIES:
        scores = wu_palmer(rows, cols, policy)
        pairs = wu_palmer_pairs(np.repeat(rows, 9000), np.tile(cols, len(rows)), policy)
        np.testing.assert_array_equal(scores.ravel(), pairs)
        np.testing.assert_array_equal(scores[:, 8400:8600], wu_palmer(rows, cols[8400:8600], policy))


# ---------------------------------------------------------------- what may be given, what comes back


def test_names_wnids_numbers_and_other_lemmas_name_one_synset():
    dog = load_wordnet().index("dog.n.01")
    forms = ["dog.n.01", "n02084071", dog, np.int64(dog), "domestic_dog.n.01"]
    assert (wu_palmer(forms) == 1).all()
    assert wu_palmer(np.array(["dog.n.01"]), np.array([dog])) == 1
    satellite = load_wordnet().wnid(int(np.flatnonzero(load_wordnet().pos == "s")[0]))
    assert satellite[0] == "s"
    assert wu_palmer([satellite], [f"a{satellite[1:]}"], "nltk") == 1


def test_out_is_written_and_returned_in_its_own_precision(mini):
    nouns = [name for name in NAMES if ".n." in name]
    out = np.empty((len(nouns), len(nouns)), dtype=np.float32)
    assert wu_palmer(nouns, out=out, taxonomy=mini) is out
    np.testing.assert_array_equal(out, wu_palmer(nouns, taxonomy=mini).astype(np.float32))
    assert wu_palmer(nouns, taxonomy=mini).dtype == np.float64


@pytest.mark.parametrize(
    "out", [np.empty((2, 3)), np.empty((2, 2), dtype=np.int32), np.empty((2, 2), order="F"), np.empty(4)]
)
def test_an_unfit_out_is_refused(mini, out):
    with pytest.raises(InputError, match=r"C-contiguous float64 or float32 array of shape \(2, 2\)"):
        wu_palmer(["dog.n.01", "cat.n.01"], out=out, taxonomy=mini)


@pytest.mark.parametrize(
    ("synsets", "message"),
    [
        ([], "the list of synsets is empty"),
        (np.array([], dtype=int), "the list of synsets is empty"),
        ("dog.n.01", r"one synset, not a list\n  Remedy: write \['dog.n.01'\]"),
        (["dgo.n.01"], "WordNet 3.0 has no synset 'dgo.n.01'"),
        (["dog.n.77"], r"no synset 'dog.n.77'\n  Remedy: did you mean dog.n.01"),
        (["x" * 10_000], r"\(10,000 characters\)"),
        ([-1], "there is no synset number -1\n  Remedy: numbers run from 0 to 117,658"),
        ([117_659], "there is no synset number 117659"),
        ([0.5], "'0.5' is no synset"),
        ([None], "'None' is no synset"),
        ([["dog.n.01"]], "is no synset"),
    ],
)
def test_what_is_no_list_of_synsets_is_refused(synsets, message):
    with pytest.raises(InputError, match=message):
        wu_palmer(synsets)
    with pytest.raises(InputError, match=message):
        wu_palmer_pairs(["dog.n.01"], synsets)


@pytest.mark.parametrize("call", [wu_palmer, wu_palmer_pairs])
def test_lawful_refuses_what_has_no_hypernyms(mini, call):
    for name, kind in (("happy.a.01", "adjective"), ("glad.s.01", "adjective"), ("happily.r.01", "adverb")):
        message = f"{name} is an {kind}: WordNet has no hypernyms.*lexical_targets.*policy='nltk'"
        with pytest.raises(InputError, match="(?s)" + message):
            call([name], [name], taxonomy=mini)
        with pytest.raises(InputError, match="(?s)" + message):
            call(["dog.n.01"], [name], taxonomy=mini)


@pytest.mark.parametrize("call", [wu_palmer, wu_palmer_pairs])
def test_lawful_refuses_a_noun_with_a_verb(mini, call):
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


@pytest.mark.parametrize("call", [wu_palmer, wu_palmer_pairs])
def test_an_unknown_policy_is_refused(mini, call):
    with pytest.raises(
        InputError, match="'fair' is no policy of Wu-Palmer\n  Remedy: use one of lawful, nltk"
    ):
        call(["dog.n.01"], ["cat.n.01"], "fair", taxonomy=mini)


# ---------------------------------------------------------------- the index


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
