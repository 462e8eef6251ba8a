"""Word families, and the split that holds them out as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from lexclip_core import storage
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.experiments.words import (
    digest,
    lexicon,
    make_lexicon,
    read_digests,
    split_families,
    split_rule,
)
from lexclip_core.targets.relations import WordRelation
from lexclip_core.training.settings import PRESETS
from lexclip_core.wordnet.families import parts_of, word_families
from lexclip_core.wordnet.tables import load_wordnet


@pytest.mark.parametrize(
    "members",
    [
        "happy happily happiness unhappy unhappily unhappiness",
        "run running runner outrun ran rerun",
        "colour color colourless",
        "organise organize organized organisation disorganized",
        "grey gray greyness",
        "legal illegal legality",
        "lunar moon",
        "misunderstand misunderstanding understand",
        "foot feet",
    ],
)
def test_relatives_are_one_family(members):
    assert set(word_families(members.split(), load_wordnet()).tolist()) == {0}


@pytest.mark.parametrize(
    "strangers",
    [
        "port report import",
        "corn corner",
        "ear early",
        "press express",
        "heart lung cardiopulmonary",
        "hot cold",
        "hot dog",
        "dog hotdog",
    ],
)
def test_likeness_of_letters_alone_makes_no_family(strangers):
    words = strangers.split()
    assert word_families(words, load_wordnet()).tolist() == list(range(len(words)))


def test_antonyms_may_count_as_one_family_and_expressions_never_join_one():
    words = ("hot", "cold", "coldness", "hot dog", "frigid")
    assert word_families(words, load_wordnet(), antonyms=True).tolist() == [0, 0, 0, 3, 4]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("dog", ()),
        ("hot dog", ("hot", "dog", "hotdog")),
        ("make up", ("make", "makeup")),
        ("up and out", ("up", "and", "out", "upandout")),
    ],
)
def test_an_expression_is_known_by_its_parts(word, parts):
    assert parts_of(word) == parts


def test_a_listed_word_takes_its_family_its_antonyms_and_its_expressions_along():
    words = ("joy", "joyful", "joyfully", "sorrow", "joy ride", "killjoy", "stone", "stone age")
    split = split_families(words, load_wordnet(), {digest("sorrow")})
    assert split[:5].tolist() == ["test"] * 5
    assert set(split_families(words, load_wordnet()).tolist()) <= {"train", "dev", "test"}
    own = split_families(words, load_wordnet(), {digest("joy ride")})  # its parts stay what they were
    assert own[4] == "test"
    np.testing.assert_array_equal(np.delete(own, 4), np.delete(split_families(words, load_wordnet()), 4))


def test_no_training_word_is_of_the_family_of_a_held_out_one():
    whole, wordnet = lexicon("family"), load_wordnet()
    place = {word: index for index, word in enumerate(whole.words)}
    single = np.array([" " not in word for word in whole.words])
    families = word_families(whole.words, wordnet)
    largest = {
        part: np.bincount(families[single & (whole.split == part)]).max() for part in ("train", "test")
    }
    assert max(largest.values()) < 100  # no chain of strangers
    for part in ("train", "dev"):
        others = single & (whole.split != part)
        assert not set(families[single & (whole.split == part)]) & set(families[others])
    # without the families' own code: links of WordNet, affixes and parts
    listed = read_digests()
    assert {whole.split[place[word]] for word in whole.words if digest(word) in listed} == {"test"}
    for one, other in (("happy", "unhappiness"), ("large", "enlarge"), ("hot", "coldly"), ("use", "useless")):
        assert whole.split[place[one]] == whole.split[place[other]]
    for word, part in zip(whole.words, whole.split.tolist(), strict=True):
        if part == "train" and " " in word:
            assert {whole.split[place[one]] for one in parts_of(word) if one in place} <= {"train"}


def test_the_document_says_how_large_the_parts_are():
    whole, wordnet = lexicon("family"), load_wordnet()
    single = np.array([" " not in word for word in whole.words])
    antonyms = whole.related.chosen([WordRelation.ANTONYM])
    antonyms = antonyms.where(single[antonyms.first] & single[antonyms.second])

    def row(title: str, chosen: np.ndarray, split: np.ndarray = whole.split) -> str:
        counts = [f"{(chosen & (split == part)).sum():,}" for part in ("train", "dev", "test")]
        return f"| {title} | {' | '.join(counts)} |"

    families = np.bincount(word_families(whole.words, wordnet)[single])
    units = np.bincount(word_families(whole.words, wordnet, antonyms=True)[single])
    written = (storage.project_root() / "docs" / "tuning.md").read_text(encoding="utf-8")
    said = (
        row("single words", single),
        row("of these in WordNet's tagged texts", single & (whole.counts > 0)),
        row("multi-word expressions", ~single),
        row("antonyms, all single words", np.array(True), whole.split[antonyms.first]),
        f"{single.sum():,} single words, {(families > 0).sum():,} families",
        f"{(families > 1).sum():,} have more than one word, the largest {families.max()}",
        f"the largest unit has {units.max()} words",
    )
    assert [one for one in said if one not in written] == []


def test_a_run_is_measured_on_what_it_held_out():
    rules = {name: split_rule(PRESETS[name]) for name in ("lexclip", "lexclip-first", "blog-release")}
    assert set(rules.values()) == {"family"}
    whole = lexicon(rules["lexclip"])
    items = card_items(vocabulary=whole)
    split = dict(zip(whole.words, whole.split.tolist(), strict=True))
    assert {split[word] for pair in items.both for word in pair} == {"test"}
    assert {split[word] for word in items.heldout} == {"test"}


def test_the_split_by_word_is_another():
    words = ("happy", "happiness", "unhappy", "stone")
    old, new, none = (
        make_lexicon(load_wordnet(), words, {digest("happiness")}, split=rule).split.tolist()
        for rule in ("word", "family", "none")
    )
    assert old[1] == "test" != old[0]
    assert new[:3] == ["test"] * 3
    assert none == ["train"] * 4
