"""Probes: each sentence says what it should, and separates towers that understand it from others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.datasets.emoji.scenes import THING_KINDS, things
from lexclip_core.datasets.emoji.sprites import HELD_OUT, picture_set
from lexclip_core.datasets.probes import FEWEST, Thing, picture_probes, sentence_probes
from lexclip_core.errors import InputError
from lexclip_core.evaluation.composition import measure_pictures, measure_text_only
from lexclip_core.wordnet.tables import load_wordnet

FEW = (Thing("dog", "animal", "1"), Thing("owl", "bird", "2"), Thing("pear", "fruit", "3"))
DENIALS = ("no ", "not ", "cannot ", "without ")
PAIRED = ("larger than", "takes more space than"), ("smaller than", "takes less space than")

NAMED = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=FEWEST, max_size=9, unique=True)


def denied(text: str) -> bool:
    return any(word in f"{text} " for word in DENIALS)


def larger_and_smaller(text: str) -> tuple[str, str]:
    """Read a comparison as a person would: the larger thing first."""
    for names, reverse in ((PAIRED[0], False), (PAIRED[1], True)):
        for words in names:
            for verb in (f" is {words} ", f" {words} "):
                if verb in text:
                    left, right = text.split(verb)
                    return (right, left) if reverse else (left, right)
    raise AssertionError(text)


def all_rows(probe: str, exchange: str, seeds: int = 12):
    """Yield image, true, paraphrase and false of one kind of item, under several seeds."""
    for seed in range(seeds):
        made = sentence_probes(FEW, seed=seed)
        columns = (made.images, made.true, made.paraphrases, made.false, made.groups)
        yield from (row[:4] for row in zip(*columns, strict=True) if row[4] == f"{probe}/{exchange}")


def test_a_negation_reverses_what_both_wordings_say_and_names_the_same_thing():
    for image, true, again, false in all_rows("negation", "meaning"):
        name = next(thing.name for thing in FEW if thing.image == image)
        assert denied(true) == denied(again) != denied(false)
        assert all(name in text for text in (true, again, false))
        assert len({true, again, false}) == 3


def test_a_comparison_keeps_the_larger_thing_in_other_words_and_exchanges_it_in_the_false():
    for _, true, again, false in all_rows("comparison", "meaning"):
        assert larger_and_smaller(true) == larger_and_smaller(again)
        assert larger_and_smaller(false) == larger_and_smaller(true)[::-1]
        assert sorted(false.split()) == sorted(true.split())  # the same words in another order


def test_a_kind_and_its_thing_change_places_and_the_true_saying_is_true():
    for image, true, again, false in all_rows("kinds", "meaning"):
        thing = next(one for one in FEW if one.image == image)
        for text in (true, again):
            assert text.index(thing.name) < text.index(thing.kind)
        assert false.index(thing.kind) < false.index(thing.name)


@pytest.mark.parametrize("probe", ["negation", "kinds", "comparison"])
def test_the_control_item_exchanges_the_thing_and_no_other_word(probe):
    for image, true, again, false in all_rows(probe, "thing"):
        name = next(thing.name for thing in FEW if thing.image == image)
        assert name in true
        assert name in again
        assert name not in false
        other = next(thing.name for thing in FEW if thing.name in false and thing.name not in true)
        plain = [text.replace(" an ", " a ").removeprefix("an ").removeprefix("a ") for text in (true, false)]
        assert plain[0].replace(name, other) == plain[1]


def test_the_sentences_are_english():
    made = sentence_probes((*FEW, Thing("umbrella"), Thing("hourglass")), seed=3)
    text = "\n".join(made.texts())
    assert "an owl" in text
    assert "an animal" in text
    assert not {"a owl", "a animal", "a umbrella", "a hourglass", "an dog"} & {
        " ".join(pair) for line in made.texts() for pair in zip(line.split(), line.split()[1:], strict=False)
    }


def test_a_thing_without_a_kind_is_left_out_of_kinds_alone():
    counts = Counter(sentence_probes((*FEW, Thing("volcano"))).groups)
    assert counts == {
        "negation/meaning": 4,
        "negation/thing": 4,
        "kinds/meaning": 3,
        "kinds/thing": 3,
        "comparison/meaning": 4,
        "comparison/thing": 4,
    }


@given(names=NAMED, seed=st.integers(0, 99))
def test_sentences_differ_and_a_seed_gives_them_again(names, seed):
    given_things = [Thing(name, f"kind {name}") for name in names]
    made = sentence_probes(given_things, seed=seed)
    assert made == sentence_probes(given_things, seed=seed)
    assert all(len({*texts}) == 3 for texts in zip(made.true, made.paraphrases, made.false, strict=True))


def test_a_tower_that_understands_is_separated_from_one_that_counts_words():
    """The oracle knows what is said; a bag of words has no order, and hardly a "no"."""
    made = sentence_probes(FEW, seed=1)

    def meaning(text: str) -> str:
        if "larger" in text or "smaller" in text or "space" in text:
            return " > ".join(larger_and_smaller(text))
        name = [word for word in text.replace(",", "").split() if word in {"dog", "owl", "pear"}]
        kinds = [word for word in text.replace(",", "").split() if word in {"animal", "bird", "fruit"}]
        if kinds:
            ends = sorted((text.index(word), word) for word in (*name, *kinds))
            return " is ".join(word for _, word in ends[-2:])
        return f"{name[0]} {denied(text)}"

    known = {one: place for place, one in enumerate(sorted({meaning(text) for text in made.texts()}))}
    vocabulary = sorted({word for text in made.texts() for word in text.split()})

    def oracle(texts):
        return np.eye(len(known), dtype=np.float32)[[known[meaning(text)] for text in texts]]

    def bag(texts):
        counts = np.array([[text.split().count(word) for word in vocabulary] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    heard, missed = (measure_text_only(encode, made) for encode in (oracle, bag))
    for probe in ("negation", "kinds", "comparison"):
        assert heard[f"test/probes-tot/{probe}/meaning/accuracy"].value == 1
        assert heard[f"test/probes-tot/{probe}/thing/accuracy"].value == 1
    assert missed["test/probes-tot/comparison/meaning/accuracy"].value == 0


def test_of_pictures_one_caption_is_true_and_one_is_false():
    made = picture_probes(FEW, seed=2)
    assert made.images == ("1", "2", "3") * 3
    called = {"1": "a dog", "2": "an owl", "3": "a pear"}
    for image, true, false, group in zip(made.images, made.true, made.false, made.groups, strict=True):
        own = called[image]
        if group == "there":
            assert (true, false) == (f"a picture with {own}", f"a picture without {own}")
        elif group == "not there":
            assert own not in true + false
            assert true.replace("without", "with") == false != true
        else:
            assert true == f"a picture with {own}"
            assert own not in false
            assert "without" not in false


def test_a_tower_that_misses_without_is_right_in_half_of_what_is_there_and_what_is_not():
    made = picture_probes(FEW)

    def rows_of(places, leaning):
        found = np.column_stack([np.eye(3)[places], leaning]).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def deaf(texts):
        """Hear the thing alone, and lean to whatever has no "without"."""
        places = [next(one for one, thing in enumerate(FEW) if thing.name in text) for text in texts]
        return rows_of(places, [0.5 * ("without" not in text) for text in texts])

    pictures = rows_of([int(image) - 1 for image in made.images], [0.5] * len(made))
    found = measure_pictures(deaf, made, pictures)
    there, lacking, thing = (
        found[f"test/picture-probes/{group}/accuracy"].value for group in ("there", "not there", "thing")
    )
    assert (there, lacking, thing) == (1, 0, 1)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (FEW[:2], "2 things, 2 of a known kind"),
        ((*FEW[:2], Thing("pear")), "3 things, 2 of a known kind"),
        ((*FEW, Thing("Dog", "animal")), "'dog' is given twice"),
    ],
)
def test_too_few_things_and_doubles_are_refused(bad, said):
    for make in (sentence_probes, picture_probes):
        with pytest.raises(InputError, match=said):
            make(bad)


def test_a_thing_without_a_picture_is_refused_where_pictures_are_asked_of():
    with pytest.raises(InputError, match="'rose' has no picture"):
        picture_probes((*FEW, Thing("rose", "flower")))


def test_the_things_of_scenes_have_kinds_that_wordnet_puts_above_them_and_pictures():
    found = things()
    kinds = Counter(thing.kind for thing in found)
    assert kinds["animal"] >= 30
    assert sum(kinds.values()) - kinds[""] >= 120
    by_name = {thing.name: thing.kind for thing in found}
    assert {by_name[name] for name in ("dog", "owl", "ant", "shark", "crocodile")} == {
        "animal",
        "bird",
        "insect",
        "fish",
        "reptile",
    }
    assert (by_name["alarm clock"], by_name["violin"], by_name["volcano"]) == (
        "clock",
        "musical instrument",
        "",
    )
    wordnet, synsets = load_wordnet(), {name: synset for synset, name in THING_KINDS.items()}
    pictures = picture_set(HELD_OUT, "all")
    of = {one.key: one for one in pictures.classes}
    for thing in found:
        assert thing.image in of
        if thing.kind:
            below = wordnet.subtree(wordnet.index(synsets[thing.kind]), len(wordnet))
            own = next(one for one in picture_set(HELD_OUT, "mapped").classes if one.key == thing.image)
            assert wordnet.index(own.synset) in below
