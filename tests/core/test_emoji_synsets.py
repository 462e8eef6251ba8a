"""The map from emoji to WordNet and the faces' emotions: whole, unique, and of the sense that is drawn."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from lexclip_core import storage
from lexclip_core.wordnet.tables import load_wordnet

DATA = storage.project_root() / "data" / "emoji"
DECIDED = {"label", "head", "lexicographer", "tag", "hand", "unmapped"}
EMOTIONS = {"angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"}

#: Drawn once by `random.Random(20).sample(sorted(mapped), 50)`; the glosses' beginnings are typed by hand.
GLOSSES = {
    "baby-angel": "spiritual being attendant upon God",
    "baguette-bread": "narrow French stick loaf",
    "bottle-with-popping-cork": "a glass or plastic vessel used for storing drinks",
    "brain": "that part of the central nervous system",
    "breast-feeding": "nourishing at the breast",
    "bucket": "a roughly cylindrical vessel",
    "building-construction": "lifts and moves heavy objects",
    "butter": "an edible emulsion of fat globules",
    "cactus": "any succulent plant of the family Cactaceae",
    "chicken": "a domestic fowl bred for flesh or eggs",
    "coat": "an outer garment that has sleeves",
    "couch-and-lamp": "an upholstered seat for more than one person",
    "cyclone": "a violent rotating windstorm",
    "detective": "an investigator engaged or employed",
    "diya-lamp": "a lamp that burns oil",
    "dolphin": "any of various small toothed whales",
    "door": "a swinging or sliding barrier",
    "feather": "the light horny waterproof structure",
    "fire-extinguisher": "a manually operated device",
    "fireworks": "(usually plural) a device with an explosive",
    "flag-in-hole": "flagpole used to mark the position of the hole",
    "framed-picture": "graphic art consisting of an artistic composition",
    "goblin": "(folklore) a small grotesque supernatural creature",
    "hamburger": "a sandwich consisting of a fried cake",
    "hamster": "short-tailed Old World burrowing rodent",
    "hedgehog": "small nocturnal Old World mammal",
    "helicopter": "an aircraft without wings",
    "honey-pot": "a sweet yellow liquid produced by bees",
    "magnet": "(physics) a device that attracts iron",
    "mahjong-red-dragon": "Chinese game played by 4 people",
    "mans-shoe": "footwear shaped to fit the foot",
    "merman": "half man and half fish",
    "motorway": "a broad highway designed for high-speed traffic",
    "ogre": "(folklore) a giant who likes to eat",
    "pager": "an electronic device that generates a series of beeps",
    "person-fencing": "someone skilled at fencing",
    "puzzle-piece": "a puzzle that requires you to reassemble a picture",
    "raised-fist": "a hand with the fingers clenched",
    "school": "a building where young people receive education",
    "scissors": "an edge tool having two crossed pivoting blades",
    "shallow-pan-of-food": "saffron-flavored dish made of rice",
    "spider": "predatory arachnid with eight legs",
    "squid": "widely distributed fast-moving ten-armed",
    "statue-of-liberty": "a large monumental statue symbolizing liberty",
    "straight-ruler": "measuring stick consisting of a strip of wood",
    "sun": "the star that is the source of light and heat",
    "ticket": "a commercial document showing that the holder",
    "watch": "a small portable timepiece",
    "water-pistol": "plaything consisting of a toy pistol",
    "world-map": "a diagrammatic representation of the earth's surface",
}

#: Words whose first sense, or best-known one, is not the thing drawn.
TRAPS = {
    "building-construction": "crane.n.04",
    "bat": "bat.n.01",
    "mouse": "mouse.n.01",
    "computer-mouse": "mouse.n.04",
    "turkey": "turkey.n.01",
    "seal": "seal.n.09",
    "tangerine": "tangerine.n.02",
    "dove": "dove.n.01",
    "ram": "ram.n.05",
    "mate": "mate.n.09",
    "star": "star.n.05",
    "cricket": "cricket.n.01",
    "cricket-game": "cricket.n.02",
    "bow-and-arrow": "bow_and_arrow.n.01",
    "trophy": "trophy.n.02",
}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def synsets() -> list[dict[str, str]]:
    return rows("synsets.csv")


@pytest.fixture(scope="module")
def mapped(synsets) -> dict[str, dict[str, str]]:
    return {row["concept"]: row for row in synsets if row["synset"]}


def test_every_concept_has_one_row(synsets):
    named = Counter(row["concept"] for row in synsets)
    assert set(named.values()) == {1}
    assert {row["concept"] for row in rows("concepts.csv")} - set(named) == set()


def test_each_row_says_how_it_was_decided(synsets):
    assert {row["decided"] for row in synsets} == DECIDED
    for row in synsets:
        assert bool(row["synset"]) == bool(row["lemma"]) == (row["decided"] != "unmapped"), row
        assert row["note"] or row["decided"] not in {"hand", "unmapped"}, row


def test_at_least_six_hundred_drawn_concepts_are_mapped(mapped):
    assert sum(row["concept"] in mapped for row in rows("concepts.csv")) >= 600


def test_synsets_are_nouns_under_their_own_name_with_the_lemma(mapped):
    wordnet = load_wordnet()
    for row in mapped.values():
        synset = wordnet.index(row["synset"])
        assert (wordnet.name(synset), str(wordnet.pos[synset])) == (row["synset"], "n")
        assert row["lemma"] in wordnet.lemmas[synset], row


def test_no_synset_lr_multiplier_two_pictures(mapped):
    counts = Counter(row["synset"] for row in mapped.values())
    assert [synset for synset, count in counts.items() if count > 1] == []


def test_a_concept_left_to_another_names_one_that_is_mapped(synsets, mapped):
    others = [re.match(r"same \w+ as ([a-z0-9-]+)", row["note"]) for row in synsets]
    named = [found[1] for found in others if found]
    assert len(named) > 200
    assert set(named) <= set(mapped)


def test_a_label_or_tag_that_decided_is_the_lemma(mapped):
    wordnet = load_wordnet()
    described = {row["concept"]: row for row in rows("concepts.csv")}
    for concept, row in mapped.items():
        if row["decided"] == "tag" and concept in described:
            assert row["lemma"].lower() in described[concept]["tags"].split("|"), row
        if row["decided"] == "label":
            assert wordnet.index(row["synset"]) == wordnet.synsets(row["lemma"], "n")[0], row
        if row["decided"] == "lexicographer":
            assert wordnet.index(row["synset"]) in wordnet.synsets(row["lemma"], "n")[1:], row


def test_glosses_of_fifty_concepts_are_those_read(mapped):
    wordnet = load_wordnet()
    assert len(GLOSSES) == 50
    for concept, beginning in GLOSSES.items():
        gloss = wordnet.glosses[wordnet.index(mapped[concept]["synset"])]
        assert gloss.startswith(beginning), (concept, gloss)


def test_a_word_of_many_senses_has_the_one_that_is_drawn(mapped):
    assert {concept: mapped[concept]["synset"] for concept in TRAPS} == TRAPS


def test_orange_is_a_colour_here_and_a_phrase_that_only_looks_like_a_lemma_is_not_taken(mapped):
    assert not {"orange-book", "orange-circle", "orange-heart", "orange-square"} & set(mapped)
    # In WordNet a black cat is a marten, a closed book a mystery, a purple heart a medal, peanuts are money.
    assert not {"black-cat", "blue-book", "purple-heart"} & set(mapped)
    assert mapped["closed-book"]["synset"] == "book.n.02"
    assert mapped["peanuts"]["synset"] == "peanut.n.04"


def test_emotions_are_the_seven_and_of_human_faces():
    faces = {row["concept"]: row for row in rows("concepts.csv")}
    emotions = rows("emotions.csv")
    assert len({row["concept"] for row in emotions}) == len(emotions)
    counts = Counter(row["emotion"] for row in emotions)
    assert set(counts) == EMOTIONS
    assert min(counts.values()) >= 2
    for row in emotions:
        face = faces[row["concept"]]
        assert face["group"] == "smileys-emotion"
        assert face["subgroup"].startswith("face-"), row


def test_no_face_with_an_emotion_names_a_thing(mapped):
    assert not {row["concept"] for row in rows("emotions.csv")} & set(mapped)
