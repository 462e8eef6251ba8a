"""Scenes parted into train, development and test by their things, and the evaluation sets made of them.

No thing of a test scene stands in a development or training scene, so no caption is shared either; test and
development also have phrasings of their own. What is true of which picture is known by construction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scene_objects import objects
from lexclip_core.datasets.emoji.scene_queries import RESERVED, REWORDINGS, HeldOut, reworded
from lexclip_core.datasets.emoji.scene_words import PHRASINGS
from lexclip_core.datasets.emoji.scenes import (
    IMAGE_TOWER_SCENES,
    IMAGE_TOWER_SEED,
    KINDS,
    OPPOSITE,
    Kind,
    Scene,
    scene_pictures,
    scenes,
    swapped,
    told,
)
from lexclip_core.datasets.emoji.sprites import HELD_OUT, data_folder
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.datasets.query_pairs import QueryPairs
from lexclip_core.errors import InputError
from lexclip_core.words import normalise

Split = Literal["train", "development", "test"]

COUNT = 800
_DEVELOPMENT, _TEST = 25, 45  # things; the rest train
_KNOWN, _NEW = 3, 2  # captions of a picture in known and in reserved phrasings: five, as COCO has


@dataclass(frozen=True)
class SceneEvaluation:
    """Pictures of scenes and all that is asked about them.

    Args:
        split: `development` or `test`.
        scenes: What the pictures show; picture number i is `names()[i]`.
        queries: Pairs of phrasings that ask for one of the pictures, a pair of each rewording a picture.
        relations: A true caption and one with the places exchanged: the counterpart of VG-Relation.
        attributes: A true caption and one with the colours exchanged: the counterpart of VG-Attribution.
        captions: Several captions a picture; each is true of that picture alone.
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
        asked = (*self.queries.queries_a, *self.queries.queries_b)
        told_of = (*self.relations.texts(), *self.attributes.texts())
        return tuple(dict.fromkeys((*asked, *told_of, *self.captions)))


def split_objects(split: Split) -> tuple[str, ...]:
    """Return the things that scenes of a split are made of; no thing is in two splits.

    Raises:
        InputError: No such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    if split not in get_args(Split):
        raise InputError(f"no split {split!r}", f"choose one of {', '.join(get_args(Split))}")
    ranked = sorted(objects(), key=lambda concept: hashlib.sha256(f"scene {concept}".encode()).digest())
    held = {"test": ranked[:_TEST], "development": ranked[_TEST : _TEST + _DEVELOPMENT]}
    return tuple(sorted(held.get(split, ranked[_TEST + _DEVELOPMENT :])))


def split_scenes(
    split: Split, seed: int, count: int, kinds: Sequence[Kind] = KINDS, *, style: str = HELD_OUT
) -> tuple[Scene, ...]:
    """Return `scenes` made of a split's things.

    Raises:
        InputError: As in `scenes`, or no such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    return scenes(seed, count, kinds, style=style, among=split_objects(split))


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
        raise InputError(f"{split!r} is no held-out split", f"choose one of {', '.join(get_args(HeldOut))}")
    if count < 2:
        raise InputError(f"{count} scenes were asked for", "ask for at least one of each kind")
    askable = _askable(split_scenes(split, seed, count + count // 2 + 8))
    halves = [
        [scene for scene in askable if scene.kind == kind][: count // 2 + odd]
        for kind, odd in zip(KINDS, (count % 2, 0), strict=True)
    ]
    made = tuple(scene for half in halves for scene in half)
    if len(made) < count:
        raise InputError(
            f"{count:,} scenes were asked for; {len(made):,} can be asked about", "ask for fewer"
        )
    generator = np.random.default_rng([seed, 2])
    told_of = [_captions(scene, split, generator) for scene in made]
    return SceneEvaluation(
        split=split,
        scenes=made,
        queries=_queries(made, split, generator),
        relations=_swaps(made, "relation", split, generator),
        attributes=_swaps(made, "attribute", split, generator),
        captions=tuple(text for texts in told_of for text in texts),
        owners=np.repeat(np.arange(len(made), dtype=np.int64), [len(texts) for texts in told_of]),
    )


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"scene-{place:05d}" for place in range(count))


def _askable(made: Sequence[Scene]) -> tuple[Scene, ...]:
    """Leave out scenes of which another kind of scene shows the same, and those the image tower has seen."""
    seen = _seen_by_the_image_tower(data_folder())
    kept: dict[tuple[str, ...], str] = {}
    chosen = []
    for scene in made:
        fact = _fact(scene)
        if kept.setdefault(fact[:3], scene.kind) == scene.kind and fact not in seen:
            chosen.append(scene)
    return tuple(chosen)


def _fact(scene: Scene) -> tuple[str, ...]:
    """Return what a scene shows, said of its left or upper thing: things, relation, colours."""
    if scene.relation in ("left of", "above"):
        return scene.first, scene.second, scene.relation, scene.colour_first, scene.colour_second
    other = OPPOSITE[scene.relation]
    return scene.second, scene.first, other, scene.colour_second, scene.colour_first


@lru_cache(maxsize=4)
def _seen_by_the_image_tower(folder: Path) -> frozenset[tuple[str, ...]]:
    return frozenset(_fact(scene) for scene in scenes(IMAGE_TOWER_SEED, IMAGE_TOWER_SCENES))


def _captions(scene: Scene, split: HeldOut, generator: np.random.Generator) -> list[str]:
    chosen = []
    for phrasings, most in ((PHRASINGS, _KNOWN), (RESERVED[split], _NEW)):
        options = phrasings[scene.relation]
        places = generator.choice(len(options), most, replace=False)
        chosen += [told(scene, options[place]) for place in sorted(places)]
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
            known, new = PHRASINGS[scene.relation], RESERVED[split][scene.relation]
            place = generator.integers(len(known) + len(new))
            other = swapped(scene)
            true = told(scene, (*known, *new)[place])
            false = told(other, (*PHRASINGS[other.relation], *RESERVED[split][other.relation])[place])
            colours = "_".join(sorted((scene.colour_first, scene.colour_second)))
            group = scene.relation if kind == "relation" else colours
            rows.append((name, true, false, group))
    images, truths, falsehoods, groups = zip(*rows, strict=True)
    return CaptionTests(f"scene-{kind}s-{split}", images, truths, falsehoods, groups)
