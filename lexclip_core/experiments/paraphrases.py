"""What ParaCLIP is trained on here: encoded pictures, their captions, and two paraphrases of each caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lexclip_core.datasets.emoji import scene_sets, sprites
from lexclip_core.datasets.emoji.scenes import make_scenes as scenes_of
from lexclip_core.datasets.emoji.scenes import scene_captions, scene_pictures
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.provider import Caption, make_records
from lexclip_core.paraphrase.record_table import PictureRows, RecordTable
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.paraphrase.registry import PROVIDERS, ProviderOptions, open_provider
from lexclip_core.towers.images import ImageTower
from lexclip_core.training.settings import ParaphraseSettings

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


def emoji_material(settings: ParaphraseSettings, features: Features, size: Size | None = None) -> Material:
    """Return records about emoji in the styles that may be trained on: scenes, and single things by name.

    Scenes are made of the training things alone (`datasets.emoji.scene_sets`), and no single thing is one
    that development or test scenes are made of. The pictures are the same for every seed; which phrasing
    and style is taken, and how it is paraphrased, change with the settings' seed.

    Args:
        settings: Their provider, seed and `max_records` are used.
        features: Picture set -> unit rows, such as `features_by(tower)`.
        size: How much; 1,000 scenes and all concepts by default.

    Raises:
        InputError: The provider is unknown, or it made no record.
        MissingResourceError: The emoji are not there.
    """
    size = size or Size()
    generator = np.random.default_rng([settings.seed, 20])
    scene_captions, scene_rows = _scenes(size.scenes, generator, features)
    concept_captions, concept_rows = _concepts(size.concepts, generator, features)
    asked = [*scene_captions, *concept_captions]
    rows = np.concatenate([part for part in (scene_rows, concept_rows) if len(part)])
    return captioned_material(settings, asked, rows)


def captioned_material(
    settings: ParaphraseSettings, asked: Sequence[Sequence[Caption]], rows: np.ndarray
) -> Material:
    """Return records of captioned pictures: the first caption of each, paraphrased by the settings' provider.

    What a provider takes the other captions of a picture for is said in `paraphrase.rules`.

    Args:
        settings: Their provider, seed and `max_records` are used.
        asked: The captions of each picture, (pictures,), each caption naming its picture.
        rows: Unit rows of the pictures, float32 (pictures, dim).

    Raises:
        InputError: The provider is unknown, or it made no record. Paraphrases by a service or a language
            model are made beforehand, and passed to `recorded_material`.
    """
    entry = PROVIDERS.get(settings.provider)
    if entry is None or entry.beforehand:
        names = ", ".join(name for name, one in PROVIDERS.items() if not one.beforehand)
        raise InputError(
            f"provider {settings.provider!r} makes no paraphrases here",
            f"choose one of {names}, or make records with `lexclip paraphrase`",
        )
    among = [caption for group in asked for caption in group]
    with open_provider(settings.provider, ProviderOptions(seed=settings.seed, among=among)) as provider:
        records = make_records([group[0] for group in asked], provider, _WORDS).records
        return recorded_material(settings, records, [group[0].image for group in asked], rows, provider.name)


def recorded_material(
    settings: ParaphraseSettings,
    records: Sequence[ParaphraseRecord] | RecordTable,
    keys: Sequence[str],
    rows: np.ndarray,
    provider: str,
) -> Material:
    """Return records that were made before, each matched with its picture's row.

    Args:
        settings: Their `max_records` bounds them; a seed draws which.
        records: In memory, or a table opened from a file.
        keys: What the records call the pictures, in the order of the rows.
        rows: Unit rows of the pictures, float32 (pictures, dim).
        provider: What made the paraphrases.

    Raises:
        InputError: There are no records, or a picture is missing.
    """
    if not isinstance(records, RecordTable):
        kept = list(records)
        most = settings.max_records
        if most and most < len(kept):
            generator = np.random.default_rng([settings.seed, 21])
            kept = [kept[place] for place in np.sort(generator.choice(len(kept), most, replace=False))]
        records = RecordTable.of(kept)
    return Material(records, PictureRows.matched(records, list(keys), np.asarray(rows, np.float32)), provider)


def features_by(tower: ImageTower) -> Features:
    """Return the function that gives an image tower's rows of a picture set, each encoded once, ever."""
    return lambda pictures: picture_features(tower, pictures)


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
        told = scene_captions(scene)
        order = generator.permutation(len(told))
        asked.append([Caption(told[one], f"scene-{place}") for one in order])
    return asked, features(scene_pictures(made))


def _concepts(
    count: int, generator: np.random.Generator, features: Features
) -> tuple[list[list[Caption]], np.ndarray]:
    if not count:
        return [], np.empty((0, 0), np.float32)
    reserved = {*scene_sets.split_objects("development"), *scene_sets.split_objects("test")}
    table = sprites.concepts()
    free = np.flatnonzero(~table["concept"].isin(reserved).to_numpy())
    chosen = free if count < 0 else np.sort(generator.choice(free, min(count, len(free)), replace=False))
    by_style = [features(sprites.picture_set(style, "all")) for style in CONCEPT_STYLES]
    asked, rows = [], []
    for place in chosen:
        label, key = table["label"].iloc[place], table["concept"].iloc[place]
        told = [_TEMPLATES[one].format(label) for one in generator.permutation(len(_TEMPLATES))]
        asked.append([Caption(text, key) for text in (*told, label)])
        rows.append(by_style[generator.integers(len(by_style))][place])
    return asked, np.stack(rows)
