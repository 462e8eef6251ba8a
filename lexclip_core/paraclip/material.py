"""What ParaCLIP is trained on here: encoded pictures, their captions, and two paraphrases of each caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from lexclip_core import picture_features
from lexclip_core.config import ParaclipExperiment
from lexclip_core.datasets import emoji
from lexclip_core.datasets.emoji import scene_sets
from lexclip_core.datasets.emoji.scenes import captions, scene_pictures
from lexclip_core.datasets.emoji.scenes import scenes as scenes_of
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.errors import InputError
from lexclip_core.pairs import PictureRows, RecordTable
from lexclip_core.pairs.records import ParaphraseRecord
from lexclip_core.paraphrase import Caption, RuleProvider, make_records
from lexclip_core.paraphrase.siblings import SiblingProvider
from lexclip_core.towers import ImageTower

ProviderName = Literal["rules", "siblings", "siblings-rules"]
Features = Callable[[PictureSet], np.ndarray]

SCENE_STYLES = ("noto", "openmoji")
CONCEPT_STYLES = ("noto", "openmoji", "openmoji_black")
"""Styles that the image tower was trained on as well; the held-out one teaches nothing here either."""

_SCENES_SEED = 20_261_125  # evaluations draw from other seeds, and from other things
_TEMPLATES = ("this is a {}", "a picture of a {}", "a drawing of a {}", "an emoji of a {}")
_WORDS = (1, 60)  # names of single things are shorter than the released filter allows


@dataclass(frozen=True)
class Size:
    """How much material is made.

    Args:
        scenes: Two-object scenes, half in each of two styles; 0 trains on single things alone.
        concepts: Single things; 0 leaves them out, -1 takes all that no evaluation scene is made of.
    """

    scenes: int = 1_000
    concepts: int = -1


@dataclass(frozen=True, eq=False)
class Material:
    """Records and the picture of each.

    Args:
        records: Captions and paraphrases by row.
        pictures: The unit row of each record's picture.
        provider: What made the paraphrases.
    """

    records: RecordTable
    pictures: PictureRows
    provider: str


def emoji_material(experiment: ParaclipExperiment, features: Features, size: Size | None = None) -> Material:
    """Return records about emoji in the styles that may be trained on: scenes, and single things by name.

    Scenes are made of the training things alone (`datasets.emoji.scene_sets`), and no single thing is one
    that development or test scenes are made of. The pictures are the same for every seed; which phrasing
    and style is taken, and how it is paraphrased, change with the experiment's seed.

    Args:
        experiment: Its provider, seed and `max_records` are used.
        features: Picture set -> unit rows, such as `features_by(tower)`.
        size: How much; 1,000 scenes and all concepts by default.

    Raises:
        InputError: The provider is unknown, or it made no record.
        MissingResourceError: The emoji are not there.
    """
    size = size or Size()
    generator = np.random.default_rng([experiment.seed, 20])
    scene_captions, scene_rows = _scenes(size.scenes, generator, features)
    concept_captions, concept_rows = _concepts(size.concepts, generator, features)
    asked = [*scene_captions, *concept_captions]
    rows = np.concatenate([part for part in (scene_rows, concept_rows) if len(part)])
    return captioned_material(experiment, asked, rows)


def captioned_material(
    experiment: ParaclipExperiment, asked: Sequence[Sequence[Caption]], rows: np.ndarray
) -> Material:
    """Return records of captioned pictures, one a picture, paraphrased by the experiment's provider.

    `rules` paraphrases the first caption of a picture. `siblings` takes three captions of a picture.
    `siblings-rules` takes two, and makes the second paraphrase of the second one by rules; of a single thing,
    whose captions end with its bare name, that name is the second paraphrase.

    Args:
        experiment: Its provider, seed and `max_records` are used.
        asked: The captions of each picture, (pictures,), each caption naming its picture.
        rows: Unit rows of the pictures, float32 (pictures, dim).

    Raises:
        InputError: The provider is unknown, or it made no record. Paraphrases by a service or a language
            model are made beforehand, and passed to `recorded_material`.
    """
    if experiment.provider not in _RECORDS:
        raise InputError(
            f"provider {experiment.provider!r} makes no paraphrases here",
            f"choose one of {', '.join(get_args(ProviderName))}, or make records with `lexclip paraphrase`",
        )
    made = _RECORDS[experiment.provider](asked, experiment.seed)
    firsts = {record.image: record for record in reversed(made)}
    kept = [firsts[group[0].image] for group in asked if group[0].image in firsts]
    name = f"{experiment.provider}, seed {experiment.seed}"
    return recorded_material(experiment, kept, [group[0].image for group in asked], rows, name)


def _by_rules(asked: Sequence[Sequence[Caption]], seed: int) -> Sequence[ParaphraseRecord]:
    return make_records([group[0] for group in asked], RuleProvider(seed), _WORDS).records


def _by_siblings(asked: Sequence[Sequence[Caption]], seed: int) -> Sequence[ParaphraseRecord]:
    return make_records(
        [caption for group in asked for caption in group], SiblingProvider(seed), _WORDS
    ).records


def _by_both(asked: Sequence[Sequence[Caption]], seed: int) -> Sequence[ParaphraseRecord]:
    others = {record.image: record for record in _by_rules([group[1:] for group in asked], seed)}
    found = []
    for group in asked:
        one, made = group[0], others[group[0].image]
        if len(group[-1].text.split()) < len(one.text.split()) and group[-1].text in one.text:
            found.append(ParaphraseRecord(one.image, made.paraphrase_2, made.paraphrase_1, group[-1].text))
        else:
            found.append(ParaphraseRecord(one.image, one.text, made.caption, made.paraphrase_2))
    return found


_RECORDS: dict[str, Callable[[Sequence[Sequence[Caption]], int], Sequence[ParaphraseRecord]]] = {
    "rules": _by_rules,
    "siblings": _by_siblings,
    "siblings-rules": _by_both,
}


def recorded_material(
    experiment: ParaclipExperiment,
    records: Sequence[ParaphraseRecord] | RecordTable,
    keys: Sequence[str],
    rows: np.ndarray,
    provider: str,
) -> Material:
    """Return records that were made before, each matched with its picture's row.

    Args:
        experiment: `max_records` bounds them; a seed draws which.
        records: In memory, or a table opened from a file.
        keys: What the records call the pictures, in the order of the rows.
        rows: Unit rows of the pictures, float32 (pictures, dim).
        provider: What made the paraphrases.

    Raises:
        InputError: There are no records, or a picture is missing.
    """
    if not isinstance(records, RecordTable):
        kept = list(records)
        most = experiment.max_records
        if most and most < len(kept):
            generator = np.random.default_rng([experiment.seed, 21])
            kept = [kept[place] for place in np.sort(generator.choice(len(kept), most, replace=False))]
        records = RecordTable.of(kept)
    return Material(records, PictureRows.matched(records, list(keys), np.asarray(rows, np.float32)), provider)


def features_by(tower: ImageTower) -> Features:
    """Return the function that gives an image tower's rows of a picture set, each encoded once, ever."""
    return lambda pictures: picture_features.features(tower, pictures)


def _scenes(
    count: int, generator: np.random.Generator, features: Features
) -> tuple[list[list[Caption]], np.ndarray]:
    if not count:
        return [], np.empty((0, 0), np.float32)
    things = scene_sets.split_objects("train")
    made = scenes_of(_SCENES_SEED, count, among=things, style=SCENE_STYLES[0])
    # One draw of things in two hands: every other scene of things in colour takes the second style.
    made = tuple(
        replace(scene, style=SCENE_STYLES[place // 2 % 2]) if scene.kind == "relation" else scene
        for place, scene in enumerate(made)
    )
    asked = []
    for place, scene in enumerate(made):
        told = captions(scene)
        order = generator.permutation(len(told))
        asked.append([Caption(told[one], f"scene-{place}") for one in order])
    return asked, features(scene_pictures(made))


def _concepts(
    count: int, generator: np.random.Generator, features: Features
) -> tuple[list[list[Caption]], np.ndarray]:
    if not count:
        return [], np.empty((0, 0), np.float32)
    reserved = {*scene_sets.split_objects("development"), *scene_sets.split_objects("test")}
    table = emoji.concepts()
    free = np.flatnonzero(~table["concept"].isin(reserved).to_numpy())
    chosen = free if count < 0 else np.sort(generator.choice(free, min(count, len(free)), replace=False))
    by_style = [features(emoji.picture_set(style, "all")) for style in CONCEPT_STYLES]
    asked, rows = [], []
    for place in chosen:
        label, key = table["label"].iloc[place], table["concept"].iloc[place]
        told = [_TEMPLATES[one].format(label) for one in generator.permutation(len(_TEMPLATES))]
        asked.append([Caption(text, key) for text in (*told, label)])
        rows.append(by_style[generator.integers(len(by_style))][place])
    return asked, np.stack(rows)
