"""What is asked about scenes of things never trained on: queries, swaps, captions, graded sentences.

The counterparts of ParaCLIP's paraphrased retrieval, of ARO, of retrieval by captions and of the STS
tasks, which are not ours to ship. Their grades are people's; these are known by construction. Development
and test have things and ways to say them of their own, so that what is chosen on one says nothing about
the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from lexclip_core.datasets.captions import QueryPairs
from lexclip_core.datasets.cards import seeded
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scenes import (
    IMAGE_TOWER_SCENES,
    IMAGE_TOWER_SEED,
    KINDS,
    OPPOSITE,
    PHRASINGS,
    SCENE_TEXTS,
    Kind,
    Scene,
    describe,
    make_scenes,
    objects,
    scene_pictures,
    swapped,
)
from lexclip_core.datasets.emoji.sprites import column, data_folder
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.datasets.sentence_similarity import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise, with_article

Split = Literal["train", "development", "test"]
HeldOut = Literal["development", "test"]
Rewording = Literal["synonym", "order", "word", "expansion"]

REWORDINGS: tuple[Rewording, ...] = get_args(Rewording)
RESERVED: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(SCENE_TEXTS["reserved"])
"""Split -> relation -> phrasings that no training uses; those of opposite relations in one order."""
WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(SCENE_TEXTS["words"])
"""Split -> words that are added to a sentence."""
EXPANSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(SCENE_TEXTS["expansions"])
"""Split -> long sentences."""
GRADES: Mapping[float, str] = MappingProxyType(
    {
        3.0: "the same",
        2.0: "the same things, their places or colours exchanged",
        1.0: "one thing replaced",
        0.0: "both things replaced",
    }
)
"""What a score says of two sentences."""
COUNT = 800
_DEVELOPMENT, _TEST = 25, 45  # things; the rest train
_KNOWN, _NEW = 3, 2  # captions of a picture in known and in reserved phrasings: five, as COCO has


@dataclass(frozen=True)
class SceneEvaluation:
    """Pictures of scenes and all that is asked about them.

    Args:
        split: `development` or `test`.
        scenes: What the pictures show; picture number i is `names()[i]`.
        queries: Pairs of phrasings that ask for one of the pictures, a pair of each rewording per picture.
        relations: A true caption and one with the places exchanged: the counterpart of VG-Relation.
        attributes: A true caption and one with the colours exchanged: the counterpart of VG-Attribution.
        captions: Several captions per picture; each is true of that picture alone.
        owners: (captions,) int64, the place of each caption's picture.
    """

    split: HeldOut
    scenes: tuple[Scene, ...]
    queries: QueryPairs
    relations: CaptionTests
    attributes: CaptionTests
    captions: tuple[str, ...]
    owners: np.ndarray

    def names(self) -> tuple[str, ...]:
        """Return the pictures' names, which `queries`, `relations` and `attributes` use."""
        return _names(len(self.scenes))

    def pictures(self, size: int = 96) -> PictureSet:
        """Return the pictures, `size` pixels wide and high."""
        return scene_pictures(self.scenes, size)

    def texts(self) -> tuple[str, ...]:
        """Return every text of the evaluation once."""
        queries = (*self.queries.queries_a, *self.queries.queries_b)
        swaps = (*self.relations.texts(), *self.attributes.texts())
        return tuple(dict.fromkeys((*queries, *swaps, *self.captions)))


def split_objects(split: Split) -> tuple[str, ...]:
    """Return the things that scenes of a split are made of; no thing is in two splits.

    Raises:
        InputError: No such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    if split not in get_args(Split):
        raise InputError(f"unknown split {split!r}", f"choose one of {', '.join(get_args(Split))}")
    ranked = sorted(objects(), key=lambda concept: hashlib.sha256(f"scene {concept}".encode()).digest())
    parts = {"test": ranked[:_TEST], "development": ranked[_TEST : _TEST + _DEVELOPMENT]}
    return tuple(sorted(parts.get(split, ranked[_TEST + _DEVELOPMENT :])))


def split_scenes(split: Split, seed: int, count: int) -> tuple[Scene, ...]:
    """Return scenes made of a split's things, as `make_scenes` does.

    Raises:
        InputError: As in `make_scenes`, or no such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    return make_scenes(seed, count, among=split_objects(split))


def shared_texts(evaluation: SceneEvaluation, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of an evaluation that also stand among others, compared after `words.normalise`.

    Training texts must share none.
    """
    others = {normalise(text) for text in texts}
    return tuple(text for text in evaluation.texts() if normalise(text) in others)


def scene_evaluation(split: HeldOut = "test", *, seed: int = 0, count: int = COUNT) -> SceneEvaluation:
    """Return pictures of a held-out split and the four tests on them.

    What the image tower was shown in training is left out.

    Args:
        split: `test`, or `development` to choose settings by.
        seed: Of the scenes and of the sentences drawn.
        count: How many pictures: half of relations, then half of attributes.

    Raises:
        InputError: No such split, or the count is below 2 or too large.
        MissingResourceError: The concepts or their senses are not there.
    """
    if split not in get_args(HeldOut):
        raise InputError(f"unknown held-out split {split!r}", f"choose one of {', '.join(get_args(HeldOut))}")
    if count < 2:
        raise InputError(f"{count} scenes were asked for", "ask for at least one of each kind")
    askable = _askable(split_scenes(split, seed, count + count // 2 + 8))
    wanted = dict(zip(KINDS, (count - count // 2, count // 2), strict=True))
    made = tuple(
        scene
        for kind, most in wanted.items()
        for scene in [one for one in askable if one.kind == kind][:most]
    )
    if len(made) < count:
        raise InputError(f"{count:,} scenes were asked for, {len(made):,} are usable", "ask for fewer")
    generator = seeded(seed, 2)
    captions = [_captions(scene, split, generator) for scene in made]
    return SceneEvaluation(
        split=split,
        scenes=made,
        queries=_queries(made, split, generator),
        relations=_swaps(made, "relation", split, generator),
        attributes=_swaps(made, "attribute", split, generator),
        captions=tuple(text for texts in captions for text in texts),
        owners=np.repeat(np.arange(len(made), dtype=np.int64), [len(texts) for texts in captions]),
    )


def scene_sentences(split: HeldOut = "test", *, seed: int = 0, count: int = COUNT) -> SentencePairs:
    """Return sentence pairs in different phrasings, the grades of `GRADES` in turn.

    Args:
        split: `test`, or `development`.
        seed: The same seed gives the same pairs.
        count: How many.

    Raises:
        InputError: As in `make_scenes`, or no such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    generator = seeded(seed, 3)
    grades = list(GRADES)
    rows = []
    for place, scene in enumerate(split_scenes(split, seed, count)):
        grade = grades[(place // 2) % len(grades)]  # the kinds of scenes come in turn as well
        other = _changed(scene, grade, split_objects(split), generator)
        one, two = generator.choice(len(_ways(scene, split)), 2, replace=False)
        first, second = describe(scene, _ways(scene, split)[one]), describe(other, _ways(other, split)[two])
        rows.append((first, second, grade, scene.kind))
    firsts, seconds, scores, kinds = zip(*rows, strict=True)
    return SentencePairs(f"scene-sts-{split}", firsts, seconds, np.array(scores), kinds, data_folder())


def _ways(scene: Scene, split: str) -> tuple[str, ...]:
    return *PHRASINGS[scene.relation], *RESERVED[split][scene.relation]


def _changed(scene: Scene, grade: float, things: tuple[str, ...], generator: np.random.Generator) -> Scene:
    """Return what the second sentence is about."""
    if grade == 3:
        return scene
    if grade == 2:
        return swapped(scene)
    free = [thing for thing in things if thing not in (scene.first, scene.second)]
    one, two = (free[place] for place in generator.choice(len(free), 2, replace=False))
    return replace(scene, second=one) if grade == 1 else replace(scene, first=one, second=two)


def reworded(scene: Scene, rewording: Rewording, split: HeldOut, seed: int) -> tuple[str, str] | None:
    """Return a sentence that is true of the scene and the same said in another way, or None if there is none.

    The first is in one of the phrasings that training knows. The second has synonyms of the things' names
    (`synonym`), a reserved order of the same words (`order`), one word more (`word`), or a long sentence in
    which each thing is called a kind of its hypernym (`expansion`).

    Args:
        scene: The scene.
        rewording: What changes.
        split: Whose reserved ways to use.
        seed: The same seed gives the same sentences.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    generator = seeded(seed)
    known = PHRASINGS[scene.relation]
    phrasing = known[0] if rewording == "word" else known[generator.integers(len(known))]
    plain = describe(scene, phrasing)
    things = (scene.first, scene.colour_first), (scene.second, scene.colour_second)
    if rewording == "order":
        other = describe(scene, _one(generator, RESERVED[split][scene.relation]))
    elif rewording == "word":
        other = describe(scene, phrasing.replace("{a}", "{a} " + _one(generator, WORDS[split])))
    elif rewording == "expansion":
        longer = _one(generator, EXPANSIONS[split]).replace("{where}", SCENE_TEXTS["where"][scene.relation])
        names = [_expanded(*thing) for thing in things]
        other = describe(scene, longer, *names)
    else:
        names = [_renamed(*thing, generator) for thing in things]
        other = describe(scene, phrasing, *names)
    return None if other == plain else (plain, other)


def synonyms(concept: str) -> tuple[str, ...]:
    """Return other names of a thing of scenes: lemmas of its synset whose first sense as a noun it is.

    Names with capitals, of several things, and the thing's own are left out.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    return _wordnet_names(data_folder())[concept][0]


def hypernym(concept: str) -> str:
    """Return what a thing of scenes is a kind of, in plain words, or "" where WordNet has no such word."""
    return _wordnet_names(data_folder())[concept][1]


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"scene-{place:05d}" for place in range(count))


def _askable(made: Sequence[Scene]) -> tuple[Scene, ...]:
    """Leave out scenes of which another kind of scene shows the same, and those the image tower has seen."""
    seen = _seen_by_the_image_tower(data_folder())
    kinds: dict[tuple[str, ...], str] = {}
    chosen = []
    for scene in made:
        fact = _fact(scene)
        if kinds.setdefault(fact[:3], scene.kind) == scene.kind and fact not in seen:
            chosen.append(scene)
    return tuple(chosen)


def _fact(scene: Scene) -> tuple[str, ...]:
    """Return what a scene shows, said of its left or upper thing: things, relation, colours."""
    if scene.relation in ("left of", "above"):
        return scene.first, scene.second, scene.relation, scene.colour_first, scene.colour_second
    other = OPPOSITE[scene.relation]
    return scene.second, scene.first, other, scene.colour_second, scene.colour_first


@lru_cache(maxsize=4)
def _seen_by_the_image_tower(_folder: Path) -> frozenset[tuple[str, ...]]:
    return frozenset(_fact(scene) for scene in make_scenes(IMAGE_TOWER_SEED, IMAGE_TOWER_SCENES))


def _captions(scene: Scene, split: HeldOut, generator: np.random.Generator) -> list[str]:
    chosen = []
    for phrasings, most in ((PHRASINGS, _KNOWN), (RESERVED[split], _NEW)):
        options = phrasings[scene.relation]
        places = generator.choice(len(options), most, replace=False)
        chosen += [describe(scene, options[place]) for place in sorted(places)]
    return chosen


def _queries(made: Sequence[Scene], split: HeldOut, generator: np.random.Generator) -> QueryPairs:
    rows = []
    for name, scene in zip(_names(len(made)), made, strict=True):
        for rewording in REWORDINGS:
            pair = reworded(scene, rewording, split, int(generator.integers(2**31)))
            if pair:
                rows.append((*pair, name, rewording))
    a, b, images, kinds = zip(*rows, strict=True)
    return QueryPairs(f"scenes-{split}", a, b, images, kinds)


def _swaps(made: Sequence[Scene], kind: Kind, split: HeldOut, generator: np.random.Generator) -> CaptionTests:
    rows = []
    for name, scene in zip(_names(len(made)), made, strict=True):
        if scene.kind == kind:
            other, place = swapped(scene), generator.integers(len(_ways(scene, split)))
            true, false = (describe(one, _ways(one, split)[place]) for one in (scene, other))
            colours = "_".join(sorted((scene.colour_first, scene.colour_second)))
            group = scene.relation if kind == "relation" else colours
            rows.append((name, true, false, group))
    images, truths, falsehoods, groups = zip(*rows, strict=True)
    return CaptionTests(f"scene-{kind}s-{split}", images, truths, falsehoods, groups)


def _one(generator: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[generator.integers(len(options))]


def _renamed(concept: str, colour: str, generator: np.random.Generator) -> str:
    others = synonyms(concept)
    return with_article(f"{colour} {_one(generator, others)}".strip()) if others else ""


def _expanded(concept: str, colour: str) -> str:
    name, kind = objects()[concept], hypernym(concept)
    if not kind:
        return ""
    return f"{with_article(f'{colour} {kind}'.strip())} known as {with_article(name)}"


@lru_cache(maxsize=4)
def _wordnet_names(_folder: Path) -> Mapping[str, tuple[tuple[str, ...], str]]:
    wordnet, named, synsets = load_wordnet(), objects(), column("synset")
    ids = {concept: wordnet.index(synsets[concept]) for concept in named}
    own = {normalise(name) for name in named.values()}
    lemmas = [{normalise(lemma) for lemma in wordnet.lemmas[synset]} for synset in ids.values()]
    names = {}
    for concept, synset in ids.items():
        others = tuple(
            lemma
            for lemma in _plain(wordnet, synset)
            if normalise(lemma) not in own and sum(normalise(lemma) in of for of in lemmas) == 1
        )
        above = [kind for parent in wordnet.hypernyms.of(synset) for kind in _plain(wordnet, int(parent))]
        names[concept] = others, next(iter(above), "")
    return MappingProxyType(names)


def _plain(wordnet: WordNet, synset: int) -> list[str]:
    """Return the lemmas of a synset that a person would say: lower case, and meaning it first of all."""
    unfit = SCENE_TEXTS["unfit"]["lemmas"]
    texts = [lemma.replace("_", " ") for lemma in wordnet.lemmas[synset] if lemma.islower()]
    return [text for text in texts if text not in unfit and wordnet.synsets(text, "n")[:1] == (synset,)]
