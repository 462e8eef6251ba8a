"""Scenes of two emoji: the captions are true of the picture, the swap's are not, and a seed decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations, permutations
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.datasets.emoji import scenes as scenes_module
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.emoji.scenes import (
    COLOURS,
    OBJECTS,
    OPPOSITE,
    PHRASINGS,
    Relation,
    Scene,
    draw,
    make_scenes,
    objects,
    scene_captions,
    scene_pictures,
    scene_table,
    swapped,
)
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import with_article

RELATIONS = get_args(Relation)
colour_pairs = st.sampled_from(list(permutations(COLOURS, 2)))
names = st.lists(st.sampled_from(OBJECTS), min_size=2, max_size=2, unique=True)


@st.composite
def relation_scenes(draws: st.DrawFn) -> Scene:
    return Scene("relation", *draws(names), draws(st.sampled_from(RELATIONS)))


@st.composite
def attribute_scenes(draws: st.DrawFn) -> Scene:
    return Scene(
        "attribute",
        *draws(names),
        draws(st.sampled_from(RELATIONS)),
        *draws(colour_pairs),
        scenes_module.TINTED_STYLE,
    )


any_scene = st.one_of(relation_scenes(), attribute_scenes())


# Captions


def test_captions_of_places_are_these():
    assert scene_captions(Scene("relation", "dog", "umbrella", "left of")) == (
        "a dog to the left of an umbrella",
        "an umbrella to the right of a dog",
        "there is a dog on the left and an umbrella on the right",
        "a dog on the left, an umbrella on the right",
        "on the left is a dog, and on the right is an umbrella",
    )
    assert scene_captions(Scene("relation", "dog", "umbrella", "below")) == (
        "a dog below an umbrella",
        "an umbrella above a dog",
        "a dog under an umbrella",
        "an umbrella over a dog",
        "there is an umbrella at the top and a dog at the bottom",
        "an umbrella at the top, a dog at the bottom",
        "at the top is an umbrella, and at the bottom is a dog",
    )


def test_captions_of_colours_are_these():
    scene = Scene("attribute", "house", "red-apple", "above", "orange", "blue", scenes_module.TINTED_STYLE)
    assert scene_captions(scene)[0] == "an orange house above a blue apple"
    assert scene_captions(swapped(scene))[0] == "a blue house above an orange apple"


def meaning_of(caption: str) -> tuple[str, str, str]:
    """Return what a caption says, by the test's own rules: the upper or left thing, the other, the axis."""
    thing = r"(?:an? )([a-zA-Z -]+?)"
    forms = {
        rf"{thing} to the left of {thing}": ("ab", "across"),
        rf"{thing} to the right of {thing}": ("ba", "across"),
        rf"there is {thing} on the left and {thing} on the right": ("ab", "across"),
        rf"{thing} on the left, {thing} on the right": ("ab", "across"),
        rf"on the left is {thing}, and on the right is {thing}": ("ab", "across"),
        rf"{thing} (?:above|over) {thing}": ("ab", "down"),
        rf"{thing} (?:below|under) {thing}": ("ba", "down"),
        rf"there is {thing} at the top and {thing} at the bottom": ("ab", "down"),
        rf"{thing} at the top, {thing} at the bottom": ("ab", "down"),
        rf"at the top is {thing}, and at the bottom is {thing}": ("ab", "down"),
    }
    [(found, order, axis)] = [
        (match, *meaning) for form, meaning in forms.items() if (match := re.fullmatch(form, caption))
    ]
    one, other = found.groups() if order == "ab" else found.groups()[::-1]
    return one, other, axis


@given(any_scene)
def test_every_caption_says_the_same_and_the_truth(scene: Scene):
    first = f"{scene.colour_first} {objects()[scene.first]}".strip()
    second = f"{scene.colour_second} {objects()[scene.second]}".strip()
    leading = (first, second) if scene.relation in ("left of", "above") else (second, first)
    axis = "across" if scene.relation in ("left of", "right of") else "down"
    assert {meaning_of(caption) for caption in scene_captions(scene)} == {(*leading, axis)}


@given(any_scene)
def test_no_caption_of_the_swap_is_true(scene: Scene):
    true, false = scene_captions(scene), scene_captions(swapped(scene))
    assert len(set(true)) == len(true) == len(false)
    assert not set(true) & set(false)
    for one, other in zip(true, false, strict=True):
        if scene.kind == "attribute":  # the very same words in another order
            assert sorted(re.findall(r"\w+", one.replace("an ", "a "))) == sorted(
                re.findall(r"\w+", other.replace("an ", "a "))
            )


@given(any_scene)
def test_a_swap_undoes_itself(scene: Scene):
    assert swapped(scene) != scene
    assert swapped(swapped(scene)) == scene


@settings(max_examples=25)
@given(any_scene)
def test_the_same_picture_described_from_the_other_thing_has_the_same_captions(scene: Scene):
    other = Scene(
        scene.kind,
        scene.second,
        scene.first,
        OPPOSITE[scene.relation],
        scene.colour_second,
        scene.colour_first,
        scene.style,
    )
    assert set(scene_captions(other)) == set(scene_captions(scene))
    assert draw(other, 32).tobytes() == draw(scene, 32).tobytes()


def test_opposite_relations_have_phrasings_in_one_order():
    assert set(PHRASINGS) == set(RELATIONS) == set(OPPOSITE)
    for relation, opposite in OPPOSITE.items():
        assert OPPOSITE[opposite] == relation
        assert len(PHRASINGS[relation]) == len(PHRASINGS[opposite])


def test_the_article_is_the_one_that_is_said():
    an = "apple,orange house,hourglass,heirloom,umbrella,X-ray,uninhabited island,unimportant dog,eagle,ox"
    a = "unicorn,uniform,ukulele,ewe,T-shirt,house,yo-yo,user,European,one-piece swimsuit,utensil,red apple"
    for article, names in (("an", f"{an},ice cream,honour"), ("a", f"{a},book,horse")):
        for name in names.split(","):
            assert with_article(name) == f"{article} {name}"


# Pictures


def ink(pixels: np.ndarray) -> int:
    return int((pixels < 250).any(axis=-1).sum())


def halves(pixels: np.ndarray, relation: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the half that the first thing stands in, and the other."""
    if relation in ("above", "below"):
        pixels = pixels.transpose(1, 0, 2)
    middle = pixels.shape[1] // 2
    one, other = pixels[:, :middle], pixels[:, middle:]
    return (one, other) if relation in ("left of", "above") else (other, one)


@settings(max_examples=25)
@given(any_scene, st.integers(16, 130))
def test_each_thing_stands_in_its_half(scene: Scene, size: int):
    picture = draw(scene, size)
    assert (picture.mode, picture.size) == ("RGB", (size, size))
    pixels = np.asarray(picture)
    first, second = halves(pixels, scene.relation)
    assert min(ink(first), ink(second)) >= 0.02 * size * size / 2
    alone = np.asarray(
        draw(Scene("relation", scene.first, "key", scene.relation, scene.colour_first, "", scene.style), size)
    )
    assert np.array_equal(halves(alone, scene.relation)[0], first)


@settings(max_examples=25)
@given(relation_scenes())
def test_swapped_places_are_the_halves_exchanged(scene: Scene):
    first, second = halves(np.asarray(draw(scene, 64)), scene.relation)
    # After the swap the first thing stands in the other half; what is drawn of each is the same.
    moved_first, moved_second = halves(np.asarray(draw(swapped(scene), 64)), OPPOSITE[scene.relation])
    assert np.array_equal(first, moved_first)
    assert np.array_equal(second, moved_second)


def lab(colour: Iterable[float]) -> np.ndarray:
    """Return CIELAB of an sRGB colour in 0..255, white D65 (IEC 61966-2-1 and CIE 15)."""
    value = np.asarray(tuple(colour)) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ linear / [0.9505, 1.0, 1.089]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_colours_can_be_told_apart():
    assert lab((255, 255, 255)) == pytest.approx([100, 0, 0], abs=0.02)
    for one, other in combinations([*COLOURS.values(), (255, 255, 255)], 2):
        assert np.linalg.norm(lab(one) - lab(other)) >= 25


def test_a_tinted_thing_has_its_colour():
    for colour, value in COLOURS.items():
        pixels = np.asarray(
            draw(Scene("attribute", "balloon", "key", "left of", colour, "", scenes_module.TINTED_STYLE))
        )
        drawn = pixels[:, :48][(pixels[:, :48] < 250).any(axis=-1)]
        middle = np.median(drawn, axis=0)
        nearest = min(COLOURS, key=lambda name: float(np.linalg.norm(lab(COLOURS[name]) - lab(middle))))
        assert nearest == colour
        assert np.linalg.norm(lab(value) - lab(middle)) < 8


# Draws


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_the_same_seed_gives_the_same_scenes(seed: int, count: int):
    made = make_scenes(seed, count)
    assert made == make_scenes(seed, count)
    assert made[: count // 2 or 1] == make_scenes(seed, count // 2 or 1)
    assert len({frozenset(scene_captions(scene)) for scene in made}) == count
    subgroups = sprites.concepts().set_index("concept")["subgroup"]
    for place, scene in enumerate(made):
        assert scene.kind == scenes_module.KINDS[place % 2]
        assert subgroups[scene.first] != subgroups[scene.second]
        assert objects()[scene.first] != objects()[scene.second]
        assert bool(scene.colour_first) == bool(scene.colour_second) == (scene.kind == "attribute")
        assert scene.kind == "relation" or scene.colour_first != scene.colour_second


def test_another_seed_gives_others_and_all_relations_come():
    assert make_scenes(1, 50) != make_scenes(2, 50)
    assert {scene.relation for scene in make_scenes(0, 100)} == set(RELATIONS)
    assert {scene.kind for scene in make_scenes(0, 10, ["attribute"])} == {"attribute"}
    assert {scene.style for scene in make_scenes(0, 10, ["relation"], style="noto")} == {"noto"}


def test_the_table_holds_one_true_caption_a_paraphrase_and_a_false_one():
    table = scene_table(3, 40)
    assert table.equals(scene_table(3, 40))
    assert list(table.columns) == [*Scene.__dataclass_fields__, "caption", "paraphrase", "swapped"]
    for scene, row in zip(make_scenes(3, 40), table.itertuples(), strict=True):
        assert row.caption in scene_captions(scene)
        assert row.paraphrase in scene_captions(scene)
        assert row.paraphrase != row.caption
        assert scene_captions(scene).index(row.caption) == scene_captions(swapped(scene)).index(row.swapped)


def test_scenes_make_a_picture_set():
    made = make_scenes(0, 6)
    found = scene_pictures(made, 48)
    assert (len(found), found.labels.tolist()) == (6, [-1] * 6)
    assert found.titles == tuple(scene_captions(scene)[0] for scene in made)
    assert len(set(found.digests)) == 6
    assert found.read(4).tobytes() == draw(made[4], 48).tobytes()
    assert scene_pictures(made, 48).digests == found.digests


# What scenes are made of


def test_objects_are_physical_and_none_is_a_kind_of_another_it_may_meet():
    wordnet = load_wordnet()
    table = sprites.concepts().set_index("concept").loc[list(objects())]
    assert len(table) >= 140
    assert table["lemma"].str.casefold().is_unique
    ids = {concept: wordnet.index(synset) for concept, synset in table["synset"].items()}
    above = {concept: ancestors(wordnet, synset) for concept, synset in ids.items()}
    physical = wordnet.index("physical_entity.n.01")
    assert [concept for concept in ids if physical not in above[concept]] == []
    kinds = [(one, other) for one in ids for other in ids if ids[other] in above[one]]
    subgroups = table["subgroup"]
    assert [pair for pair in kinds if subgroups[pair[0]] != subgroups[pair[1]]] == []


def ancestors(wordnet, synset: int) -> set[int]:
    found: set[int] = set()
    waiting = [synset]
    while waiting:
        parents = set(wordnet.hypernyms.of(waiting.pop()).tolist()) - found
        found |= parents
        waiting.extend(parents)
    return found


def test_every_chosen_object_is_there_once():
    assert len(set(OBJECTS)) == len(OBJECTS)
    assert tuple(objects()) == OBJECTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": "wyvern"}, "unknown scene object 'wyvern'"),
        ({"second": "grinning-face"}, "unknown scene object 'grinning-face'"),
        ({"relation": "beside"}, "unknown relation 'beside'"),
        ({"colour_first": "mauve"}, "unknown colour 'mauve'"),
    ],
)
def test_unknown_parts_are_named(change: dict[str, str], message: str):
    scene = Scene(**{"kind": "relation", "first": "dog", "second": "key", "relation": "above", **change})
    for made in (scene_captions, draw):
        with pytest.raises(InputError, match=message):
            made(scene)


def test_bad_requests_are_refused():
    with pytest.raises(InputError, match="8 pixels"):
        draw(Scene("relation", "dog", "key", "above"), 8)
    with pytest.raises(InputError, match="0 scenes"):
        make_scenes(0, 0)
    with pytest.raises(InputError, match="20,001 scenes"):
        make_scenes(0, 20_001)
    with pytest.raises(InputError, match=r"(?s)sizes.*choose among relation, attribute"):
        make_scenes(0, 1, ["sizes"])
    with pytest.raises(InputError, match="unknown emoji style 'oil'"):
        draw(Scene("relation", "dog", "key", "above", style="oil"))


def test_without_senses_there_are_no_scenes(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr("lexclip_core.storage.data_folder", lambda: tmp_path)
    with pytest.raises(MissingResourceError, match=r"synsets\.csv is not there"):
        make_scenes(0, 1)
