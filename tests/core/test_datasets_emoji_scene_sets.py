"""Held-out scenes share no thing and no caption with training; what is asked is true of one picture alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from case_tables import each

from lexclip_core.datasets.emoji.scene_sets import (
    EXPANSIONS,
    RESERVED,
    REWORDINGS,
    WORDS,
    SceneEvaluation,
    Split,
    hypernym,
    reworded,
    scene_evaluation,
    shared_texts,
    split_objects,
    split_scenes,
    synonyms,
)
from lexclip_core.datasets.emoji.scenes import (
    IMAGE_TOWER_SCENES,
    IMAGE_TOWER_SEED,
    OPPOSITE,
    PHRASINGS,
    Scene,
    describe,
    make_scenes,
    objects,
    scene_captions,
    swapped,
)
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import load_wordnet


@pytest.fixture(scope="module")
def made() -> SceneEvaluation:
    return scene_evaluation("test", seed=3, count=120)


# The splits


def test_every_thing_is_in_one_split():
    parts = {split: split_objects(split) for split in get_args(Split)}
    assert {split: len(part) for split, part in parts.items()} == {"train": 83, "development": 25, "test": 45}
    assert sorted(thing for part in parts.values() for thing in part) == sorted(objects())


def test_scenes_of_a_split_are_made_of_its_things():
    for split in get_args(Split):
        things = set(split_objects(split))
        drawn = split_scenes(split, 0, 60)
        assert {scene.first for scene in drawn} | {scene.second for scene in drawn} <= things
        assert drawn == split_scenes(split, 0, 60)


def test_training_shares_no_text_with_evaluation_and_a_shared_one_is_found(made: SceneEvaluation):
    training_texts = [text for scene in split_scenes("train", 3, 300) for text in scene_captions(scene)]
    assert shared_texts(made, training_texts) == ()
    assert shared_texts(scene_evaluation("development", count=40), training_texts) == ()
    assert shared_texts(made, scene_evaluation("development", count=40).texts()) == ()
    leaked = made.captions[7]
    assert shared_texts(made, [*training_texts, leaked.upper()]) == (leaked,)


def test_reserved_ways_are_not_known_from_training_or_shared_between_the_held_out_splits():
    known = {phrasing for phrasings in PHRASINGS.values() for phrasing in phrasings}
    ways = {
        split: {phrasing for phrasings in RESERVED[split].values() for phrasing in phrasings}
        | set(WORDS[split])
        | set(EXPANSIONS[split])
        for split in ("development", "test")
    }
    assert not (ways["development"] | ways["test"]) & known
    assert not ways["development"] & ways["test"]
    for split in ("development", "test"):
        assert set(RESERVED[split]) == set(PHRASINGS)
        assert len({len(phrasings) for phrasings in RESERVED[split].values()}) == 1


# What is asked


def true_of(scene: Scene, split: str = "test") -> set[str]:
    """Return every known and reserved sentence of what a scene shows, said of either thing."""
    other = Scene(
        scene.kind,
        scene.second,
        scene.first,
        OPPOSITE[scene.relation],
        scene.colour_second,
        scene.colour_first,
        scene.style,
    )
    ways = [
        (one, way)
        for one in (scene, other)
        for way in (*PHRASINGS[one.relation], *RESERVED[split][one.relation])
    ]
    return {describe(one, way) for one, way in ways}


def test_a_caption_is_true_of_its_picture_and_of_no_other(made: SceneEvaluation):
    owners: dict[str, set[int]] = {}
    for place, scene in enumerate(made.scenes):
        for text in true_of(scene):
            owners.setdefault(text, set()).add(place)
    assert len(made.captions) == len(set(made.captions)) == 5 * 120
    for text, owner in zip(made.captions, made.owners, strict=True):
        assert owners[text] == {owner}


def test_no_picture_shows_what_a_caption_without_colours_says_of_another(made: SceneEvaluation):
    plain = [
        frozenset(true_of(Scene("relation", scene.first, scene.second, scene.relation)))
        for scene in made.scenes
    ]
    for place, scene in enumerate(made.scenes):
        same = [made.scenes[other] for other in range(120) if plain[other] == plain[place]]
        assert {one.kind for one in same} == {scene.kind}


def test_no_scene_is_one_that_the_image_tower_was_trained_on():
    shown = {frozenset(scene_captions(scene)) for scene in make_scenes(IMAGE_TOWER_SEED, IMAGE_TOWER_SCENES)}
    drawn = split_scenes("test", 0, 600)
    assert any(frozenset(scene_captions(scene)) in shown for scene in drawn)
    asked = scene_evaluation("test", seed=0, count=400).scenes
    assert not any(frozenset(scene_captions(scene)) in shown for scene in asked)


def test_a_swap_says_of_the_picture_what_is_true_of_the_swapped_scene(made: SceneEvaluation):
    by_name = dict(zip(made.names(), made.scenes, strict=True))
    for tests, kind in ((made.relations, "relation"), (made.attributes, "attribute")):
        assert len(tests) == 60
        for image, true, false, group in zip(
            tests.images, tests.true, tests.false, tests.groups, strict=True
        ):
            scene = by_name[image]
            assert scene.kind == kind
            assert true in true_of(scene)
            assert false in true_of(swapped(scene))
            assert false not in true_of(scene)
            assert group == (
                scene.relation
                if kind == "relation"
                else "_".join(sorted((scene.colour_first, scene.colour_second)))
            )
            if kind == "attribute":
                assert sorted(_letters(true)) == sorted(_letters(false))


def _letters(text: str) -> list[str]:
    return [word for word in text.replace(",", "").split() if word not in ("a", "an")]


def test_query_pairs_ask_for_one_picture_in_other_words(made: SceneEvaluation):
    queries = made.queries
    places = queries.places(made.names())
    assert (places >= 0).all()
    assert set(queries.kinds) == set(REWORDINGS)
    assert len(set(queries.intents())) == 120
    for place, kind, a, b in zip(places, queries.kinds, queries.queries_a, queries.queries_b, strict=True):
        scene = made.scenes[place]
        assert a in scene_captions(scene)
        assert b != a
        if kind == "word":
            [extra] = set(b.split()) - set(a.split())
            assert extra in WORDS["test"]
            assert b.replace(f"{extra} ", "") == a
        if kind == "order":
            assert b in true_of(scene)
            assert b not in scene_captions(scene)
        if kind == "synonym":
            others = [*synonyms(scene.first), *synonyms(scene.second)]
            assert any(other in b for other in others)


def test_reworded_sentences_are_these():
    scene = Scene("relation", "doughnut", "couch-and-lamp", "above")
    assert synonyms("doughnut") == ("donut",)
    assert synonyms("couch-and-lamp") == ("sofa", "lounge")
    assert hypernym("owl") == "bird of prey"
    assert reworded(scene, "word", "test", 0) in {
        ("a doughnut above a couch", f"a doughnut {word} above a couch") for word in WORDS["test"]
    }
    plain, expanded = reworded(Scene("relation", "owl", "lemon", "left of"), "expansion", "development", 0)
    assert plain in scene_captions(Scene("relation", "owl", "lemon", "left of"))
    assert expanded == (
        "this is a drawing of a bird of prey known as an owl that has been put "
        "to the left of a citrus known as a lemon"
    )
    swapped_names = {reworded(scene, "synonym", "test", seed)[1] for seed in range(40)}
    assert "a donut above a sofa" in swapped_names
    assert reworded(Scene("relation", "squid", "lemon", "above"), "synonym", "test", 0) is None


def test_synonyms_are_lemmas_that_first_of_all_mean_the_thing_and_name_no_other():
    wordnet = load_wordnet()
    named = {name.casefold() for name in objects().values()}
    everyones = [other for concept in objects() for other in synonyms(concept)]
    assert len(everyones) == len(set(everyones)) >= 60
    assert not set(everyones) & named
    for concept in objects():
        for other in synonyms(concept):
            first = wordnet.synsets(other, "n")[0]
            assert objects()[concept].replace(" ", "_").casefold() in [
                lemma.casefold() for lemma in wordnet.lemmas[first]
            ]


def test_the_same_seed_gives_the_same_evaluation(made: SceneEvaluation):
    again = scene_evaluation("test", seed=3, count=120)
    assert (again.scenes, again.queries, again.captions) == (made.scenes, made.queries, made.captions)
    assert again.relations.false == made.relations.false
    assert scene_evaluation("test", seed=4, count=120).scenes != made.scenes
    assert [scene.kind for scene in scene_evaluation("test", count=5).scenes] == ["relation"] * 3 + [
        "attribute"
    ] * 2


def test_texts_hold_everything_once_and_pictures_stand_in_order(made: SceneEvaluation):
    texts = made.texts()
    assert len(texts) == len(set(texts))
    assert set(texts) >= {
        *made.queries.queries_b,
        *made.relations.false,
        *made.attributes.true,
        *made.captions,
    }
    small = scene_evaluation("development", count=4)
    pictures = small.pictures(48)
    assert pictures.titles == tuple(scene_captions(scene)[0] for scene in small.scenes)
    assert len(pictures) == len(small.names()) == 4
    assert np.array_equal(small.owners, np.repeat(np.arange(4), 5))


@each(
    ("call", "message"),
    [
        (lambda: split_objects("heldout"), "unknown split 'heldout'"),
        (lambda: scene_evaluation("train"), "unknown held-out split 'train'"),
        (lambda: scene_evaluation(count=1), "1 scenes were asked for"),
        (
            lambda: scene_evaluation("development", count=8000),
            "scenes of one kind were asked for; 25 things make",
        ),
        (lambda: split_scenes("train", 0, 0), "0 scenes"),
    ],
)
def test_requests_that_cannot_be_met_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
