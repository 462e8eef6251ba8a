"""ImageNet's classes with their synonyms, against a plain loop over WordNet's lemmas."""

from __future__ import annotations

import re

import pytest

from lexclip_core.datasets.pictures.imagenet import synonym_classes, wnids
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise


def test_the_thousand_classes_are_noun_synsets_in_the_order_of_their_wnids():
    found = wnids()
    assert len(set(found)) == 1000
    assert list(found) == sorted(found)
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in found)
    wordnet = load_wordnet()
    assert (found[0], wordnet.name(wordnet.index(found[0]))) == ("n01440764", "tench.n.01")
    assert {str(wordnet.pos[wordnet.index(wnid)]) for wnid in found} == {"n"}


def plain_classes() -> dict[str, list[str]]:
    wordnet, taken, kept = load_wordnet(), set(), {}
    for wnid in wnids():
        words = []
        for lemma in wordnet.lemmas[wordnet.index(wnid)]:
            word = lemma.replace("_", " ").replace("-", " ").casefold()
            if word not in words:
                words.append(word)
        if len(words) > 1 and not taken & set(words):
            kept[wnid] = words
            taken |= set(words)
    return kept


@pytest.fixture(scope="module")
def plain() -> dict[str, list[str]]:
    return plain_classes()


def test_all_classes_with_synonyms_equal_a_plain_loop(plain):
    found = synonym_classes(load_wordnet(), len(plain), seed=0)
    assert {wnid: list(words) for wnid, words in found.items()} == plain
    words = [word for row in found.values() for word in row]
    assert len(words) == len(set(words))
    assert words == [normalise(word) for word in words]


def test_a_sample_is_seeded_and_part_of_the_whole(plain):
    wordnet = load_wordnet()
    sample = synonym_classes(wordnet, 100, seed=0)
    assert len(sample) == 100
    assert list(sample) == sorted(sample)
    assert all(list(words) == plain[wnid] for wnid, words in sample.items())
    assert sample == synonym_classes(wordnet, 100, seed=0)
    assert set(sample) != set(synonym_classes(wordnet, 100, seed=1))


def test_more_classes_than_have_synonyms_are_refused(plain):
    with pytest.raises(InputError, match=rf"1000 classes are asked for\n.*{len(plain)} have synonyms"):
        synonym_classes(load_wordnet(), 1000, seed=0)
