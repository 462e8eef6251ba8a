"""Names and what may replace them: WordNet's words, the blog's rule for subsets, and seeded draws."""

from __future__ import annotations

import csv
import json
from itertools import combinations as plain_combinations
from itertools import product

import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st
from mini_taxonomy import mini_wordnet

from lexclip_core.datasets.class_names import (
    NamedClass,
    NameSet,
    alternatives,
    combinations,
    name_set,
    possible,
    subsets,
)
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise


def made(*counts: int) -> NameSet:
    """Return a name set whose classes have so many alternatives."""
    classes = [
        NamedClass(f"k{i}", "dog.n.01", f"name {i}", tuple(f"word {i} {j}" for j in range(count)))
        for i, count in enumerate(counts)
    ]
    return NameSet("synonym", tuple(classes))


@each(
    ("synset", "kind", "expected"),
    [
        ("dog.n.01", "synonym", ("hound",)),
        ("dog.n.01", "hypernym", ("canine", "pet")),
        ("dog.n.01", "mixed", ("hound", "canine", "pet")),
        ("cat.n.01", "synonym", ()),
        ("entity.n.01", "hypernym", ()),
        ("carnivore.n.01", "hypernym", ("animal",)),  # one word a parent: its name, not "beast"
    ],
)
def test_alternatives(synset, kind, expected):
    assert alternatives(mini_wordnet(), synset, kind) == expected


def test_a_name_set_says_which_synset_each_word_has():
    found = name_set(mini_wordnet(), {"a": ("dog.n.01", "Dog"), "b": ("goldfish.n.01", "koi")}, "mixed")
    assert found.classes == (
        NamedClass(
            "a", "dog.n.01", "Dog", ("hound", "canine", "pet"), ("dog.n.01", "canine.n.01", "pet.n.01")
        ),
    )
    assert found.classes[0].words == ("Dog", "hound", "canine", "pet")
    assert found.classes[0].synsets == ("dog.n.01", "dog.n.01", "canine.n.01", "pet.n.01")
    assert found.dropped == (("b", "'pet' is already a word of a"),)
    assert NamedClass("a", "dog.n.01", "dog", ("hound",)).synsets == ("dog.n.01", "dog.n.01")


def test_every_class_left_out_has_its_reason():
    classes = {
        "none": ("", "sun"),
        "unnamed": ("dog.n.01", " _ "),
        "single": ("cat.n.01", "cat"),
        "first": ("animal.n.01", "animal"),
        "again": ("animal.n.01", "ANIMAL"),
        "dog": ("dog.n.01", "dog"),
    }
    found = name_set(mini_wordnet(), classes, "synonym")
    assert [one.key for one in found.classes] == ["first", "dog"]
    assert found.dropped == (
        ("none", "no synset"),
        ("unnamed", "no name"),
        ("single", "no synonym"),
        ("again", "'animal' is already a word of first"),
    )
    assert name_set(mini_wordnet(), {"r": ("entity.n.01", "entity")}, "hypernym").dropped == (
        ("r", "no hypernym"),
    )
    assert name_set(mini_wordnet(), {"c": ("cat.n.01", "cat")}, "mixed").dropped == (("c", "no synonym"),)


def test_a_name_that_is_no_lemma_leaves_all_lemmas_as_synonyms():
    found = name_set(mini_wordnet(), {"d": ("dog.n.01", "puppy")}, "synonym")
    assert found.classes[0].alternatives == ("dog", "hound")


def test_a_hypernym_with_the_name_of_the_class_is_no_alternative():
    # ImageNet's printer has two parents: peripheral, and another sense of printer.
    wordnet = load_wordnet()
    found = name_set(wordnet, {"n04004767": ("n04004767", "printer")}, "hypernym")
    assert wordnet.hypernyms.of(wordnet.index("n04004767")).size == 2
    assert found.classes[0].alternatives == ("peripheral",)


def test_case_is_kept_only_as_spelt():
    wordnet = load_wordnet()
    classes = {"t": ("n03026626", "christmas tree"), "i": ("n03584254", "ipod")}
    assert name_set(wordnet, classes, "synonym").dropped == (("t", "no synonym"), ("i", "no synonym"))
    spelt = name_set(wordnet, classes, "synonym", comparison="as_spelt")
    assert [one.alternatives for one in spelt.classes] == [("Christmas tree",), ("iPod",)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda w: alternatives(w, "dog.n.01", "antonym"),
            r"unknown kind 'antonym'\n.*synonym, hypernym, mixed",
        ),
        (lambda w: name_set(w, {"d": ("dog.n.01", "dog")}, "words"), "unknown kind 'words'"),
        (lambda w: name_set(w, {}, "mixed", comparison="x"), "unknown comparison 'x'"),
        (lambda w: name_set(w, {"d": ("wug.n.01", "wug")}, "synonym"), r"no synset 'wug\.n\.01'"),
    ],
)
def test_unknown_choices_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(mini_wordnet())


# --- the blog's subsets ---


def named(wnids, *, least_lemmas: int = 1) -> dict[str, tuple[str, str]]:
    """Return the classes with their synsets' names, as the released code names them: in lower case."""
    wordnet, found = load_wordnet(), {}
    for wnid in wnids:
        synset = wordnet.index(wnid)
        if len(wordnet.lemmas[synset]) >= least_lemmas:
            found[wnid] = (wnid, wordnet.name(synset).rsplit(".", 2)[0].replace("_", " "))
    return found


@pytest.fixture(scope="module")
def imagenet(evaldata) -> list[str]:
    listed = json.loads((evaldata / "lexical_blog" / "dir_label_name_1k.json").read_text())
    return [wnid for wnid, _ in listed.values()]


@pytest.fixture(scope="module")
def open_images(evaldata) -> list[str]:
    with (evaldata / "lexical_blog" / "open_image_noun_filtered.csv").open() as stream:
        return list(dict.fromkeys(row["wordnet_label"] for row in csv.DictReader(stream)))


def test_the_five_counts_of_the_blog_come_out_as_spelt(imagenet, open_images):
    # The released code asks ImageNet's classes for two lemmas before it looks for synonyms, OpenImages' not.
    wordnet, several = load_wordnet(), named(imagenet, least_lemmas=2)

    def size(classes, kind):
        return len(name_set(wordnet, classes, kind, comparison="as_spelt"))

    assert size(several, "synonym") == 478
    assert size(several, "mixed") == 313
    assert size(named(imagenet), "hypernym") == 531
    assert size(named(open_images), "synonym") == 93
    assert size(named(open_images), "hypernym") == 159


@pytest.mark.parametrize(
    ("kind", "least_lemmas", "tuned_on", "tested", "shared"),
    [("synonym", 2, 1358, 276, 112), ("hypernym", 1, 1080, 328, 159)],
)
def test_the_blogs_transfer_tests_words_that_it_tuned_on(
    imagenet, open_images, kind, least_lemmas, tuned_on, tested, shared
):
    def words(classes):
        found = name_set(load_wordnet(), classes, kind, comparison="as_spelt")
        return {word for one in found.classes for word in one.words}

    source, target = words(named(imagenet, least_lemmas=least_lemmas)), words(named(open_images))
    assert (len(source), len(target), len(source & target)) == (tuned_on, tested, shared)


def test_normalised_only_the_two_classes_that_replace_their_own_name_are_lost(imagenet, open_images):
    wordnet = load_wordnet()
    kinds = ("synonym", "hypernym", "mixed")
    assert [len(name_set(wordnet, named(imagenet), kind)) for kind in kinds] == [478, 531, 313]
    assert [len(name_set(wordnet, named(open_images), kind)) for kind in kinds] == [91, 159, 82]
    spelt = name_set(wordnet, named(open_images), "synonym", comparison="as_spelt")
    kept = {one.key for one in name_set(wordnet, named(open_images), "synonym").classes}
    assert [one.original for one in spelt.classes if one.key not in kept] == ["christmas tree", "ipod"]


@pytest.mark.parametrize("kind", ["synonym", "hypernym", "mixed"])
def test_no_word_is_in_two_classes_and_every_class_is_accounted_for(imagenet, kind):
    found = name_set(load_wordnet(), named(imagenet), kind)
    words = [normalise(word) for one in found.classes for word in one.words]
    assert len(words) == len(set(words))
    assert all(len(one.words) == len(one.synsets) > 1 for one in found.classes)
    assert sorted([one.key for one in found.classes] + [key for key, _ in found.dropped]) == sorted(imagenet)


# --- draws ---


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5))
def test_subsets_are_distinct_and_all_of_them_can_be_had(n, size, seed):
    names = made(*[1] * n)
    every = list(plain_combinations(names.classes, min(size, n)))
    found = subsets(names, min(size, n), len(every), seed)
    assert sorted(map(str, found)) == sorted(map(str, every))
    assert subsets(names, min(size, n), 1, seed) == found[:1]
    with pytest.raises(InputError, match=rf"there are {len(every)}\n.*at most {len(every)}"):
        subsets(names, min(size, n), len(every) + 1, seed)


def test_subsets_of_many_classes():
    names = made(*[1] * 60)
    found = subsets(names, 20, 50, 3)
    assert len(set(found)) == 50
    order = {one: place for place, one in enumerate(names.classes)}
    for one in found:
        assert len(set(one)) == 20
        assert sorted(one, key=order.__getitem__) == list(one)
    assert found == subsets(names, 20, 50, 3)
    assert found[:7] == subsets(names, 20, 7, 3)
    assert found[0] != subsets(names, 20, 1, 4)[0]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(0, 5))
def test_combinations_are_distinct_and_all_of_them_can_be_had(counts, seed):
    classes = made(*counts).classes
    every = sorted(product(*(one.alternatives for one in classes)))
    assert possible(classes) == len(every)
    found = combinations(classes, len(every), seed)
    assert sorted(found) == every
    assert combinations(classes, 1, seed) == found[:1]
    with pytest.raises(InputError, match=f"there are {len(every)}"):
        combinations(classes, len(every) + 1, seed)


def test_combinations_of_many_classes_take_one_word_of_each():
    classes = made(*[3] * 30).classes
    found = combinations(classes, 200, 0)
    assert len(set(found)) == 200
    for one in found:
        assert all(word in row.alternatives for word, row in zip(one, classes, strict=True))
    share = sum(word.endswith("0") for one in found for word in one) / (200 * 30)
    assert 0.3 < share < 0.37  # of 6,000 draws a third, give or take five standard deviations
    assert found[:5] == combinations(classes, 5, 0)
    assert found[:5] != combinations(classes, 5, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: subsets(made(1, 1), 3, 1, 0), r"subsets of 3 classes of 2 synonym classes\n.*1 to 2"),
        (lambda: subsets(made(1, 1), 0, 1, 0), "subsets of 0 classes"),
        (lambda: subsets(made(1, 1), 1, 0, 0), r"0 subsets of 1 of 2 classes are asked for\n.*at least 1"),
        (lambda: combinations(made(1, 0).classes, 1, 0), "class 'k1' has no alternative"),
    ],
)
def test_impossible_draws_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
