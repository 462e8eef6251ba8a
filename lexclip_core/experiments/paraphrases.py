"""Training on paraphrases: pictures, captions and two paraphrases of each caption, and how it is measured."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexclip_core.cache import JSON, cached, cached_file, look_up
from lexclip_core.datasets import composition, sentence_similarity
from lexclip_core.datasets.captions import CaptionSet, QueryPairs
from lexclip_core.datasets.emoji import scene_sets, sprites
from lexclip_core.datasets.emoji.scene_sets import HeldOut, scene_sentences
from lexclip_core.datasets.emoji.scenes import make_scenes as scenes_of
from lexclip_core.datasets.emoji.scenes import scene_captions, scene_pictures
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.files import SUFFIXES, digests, open_picture
from lexclip_core.datasets.pictures.picture_set import PictureSet, without_classes
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.evaluation import retrieval, table1
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.table1 import ItemScores, PictureClasses, Table1Tests, item_scores
from lexclip_core.paraphrase.provider import SHARD, Caption, Made, make_records, make_shards, read_captions
from lexclip_core.paraphrase.records import (
    LAYOUTS,
    ParaphraseRecord,
    PictureRows,
    RecordTable,
    ShardPictures,
    iterate_records,
    open_records,
    read_arrow_blocks,
    write_records,
)
from lexclip_core.paraphrase.registry import PROVIDERS, ProviderOptions, open_provider
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.images import ImageTower
from lexclip_core.towers.tower import Tower
from lexclip_core.training.settings import ParaphraseSettings

logger = logging.getLogger(__name__)

Features = Callable[[PictureSet], np.ndarray]

SCENE_STYLES = ("noto", "openmoji")
CONCEPT_STYLES = (*SCENE_STYLES, "openmoji_black")
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
        pictures: The unit row of each record's picture; None where only texts are trained on.
        provider: What made the paraphrases.
    """

    records: RecordTable
    pictures: PictureRows | None
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
            model are made beforehand, and read by `own_material`.
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
        records = list(make_records([group[0] for group in asked], provider, _WORDS).records)
        name = provider.name
    most = settings.max_records
    if most and most < len(records):
        generator = np.random.default_rng([settings.seed, 21])
        records = [records[place] for place in np.sort(generator.choice(len(records), most, replace=False))]
    table, keys = RecordTable.of(records), [group[0].image for group in asked]
    return Material(table, PictureRows.matched(table, keys, np.asarray(rows, np.float32)), name)


# --- captions of one's own ---

_HELD_OUT, _MOST_HELD_OUT = 10, 500  # per cent of the pictures that are tested on, and at most so many


def own_material(
    settings: ParaphraseSettings, features: Features, folder: Path | None = None, *, shard: int = SHARD
) -> tuple[Material, Tests]:
    """Return one's own records to train on, and tests on a tenth of their pictures, which is held out.

    Records that have no paraphrases yet get them from the settings' provider, once: they are cached, so many
    at a time, and shared out among the processes of torchrun. A picture is held out, with all its captions,
    by a digest of its name, so always the same one; at most 500 are.

    Args:
        settings: Their records, pictures, provider, weights, seed and `max_records` are used.
        features: Picture set -> unit rows, such as `features_by(tower)`.
        folder: A folder with `sts` and `sugarcrepe_pp`; a part that is not there is left out.
        shard: Captions paraphrased between two writes: what a kill can cost.

    Raises:
        InputError: There are no records or no paraphrases of them, or a picture is missing.
        DamagedFileError: A record or a picture cannot be read.
    """
    source = Path(settings.records)
    records, provider = _own_records(settings, source, shard)
    names = np.unique(records.images)
    held = np.isin(records.images, names[names % 100 < _HELD_OUT][:_MOST_HELD_OUT])
    train = np.flatnonzero(~held)
    if settings.max_records and settings.max_records < len(train):
        drawn = np.random.default_rng([settings.seed, 21]).choice(train, settings.max_records, replace=False)
        train = np.sort(drawn)
    tested, sentences, swaps = (
        np.flatnonzero(held),
        sentence_tasks(folder),
        composition.attribute_swaps(folder),
    )
    if not any("image" in term for term in settings.weights) and not settings.pictures:
        tests = Tests("test", Table1Tests(np.zeros((0, 1), np.float32)), sentences, swaps)
        return Material(records.take(train), None, provider), tests
    used = np.sort(np.concatenate([train, tested]))
    shown = _own_pictures(settings, source, records.take(used))
    whole = PictureRows.matched(records.take(used), shown.titles, features(shown))
    places = np.searchsorted(used, train), np.searchsorted(used, tested)
    rows = PictureRows(whole.features, whole.of_record[places[0]])
    tests = Tests("test", _own_tests(records.take(tested), whole, places[1]), sentences, swaps)
    return Material(records.take(train), rows, provider), tests


def _own_tests(records: RecordTable, pictures: PictureRows, places: np.ndarray) -> Table1Tests:
    """Return tests of held-out pictures: captions retrieve them, and so do second paraphrases."""
    shown, owners = np.unique(pictures.of_record[places], return_inverse=True)
    every = range(len(records))
    captions, others = tuple(records.column("caption", every)), tuple(records.column("paraphrase_2", every))
    images = tuple(str(owner) for owner in owners)
    queries = QueryPairs("own-captions", captions, others, images, ("",) * len(images))
    enough = len(shown) > retrieval.K  # to rank so many
    return Table1Tests(
        pictures=np.asarray(pictures.features)[shown],
        queries=queries if enough else None,
        captions=captions if len(shown) > 1 else (),
        owners=owners if len(shown) > 1 else None,
    )


def _own_records(settings: ParaphraseSettings, source: Path, shard: int) -> tuple[RecordTable, str]:
    parts = sorted(source.glob("*.tar")) if source.is_dir() else [source]
    if _has_paraphrases(parts):
        return open_records(source), f"records of {source.name}"
    entry, place = PROVIDERS[settings.provider], f"{source} has captions and no paraphrases"
    if entry.beforehand:
        remedy = f"make them with `lexclip paraphrase {source} --provider {settings.provider}`"
        raise InputError(
            f"{place}, and {settings.provider!r} makes none here", f"{remedy}, or set provider=rules"
        )
    logger.info("%s: %s makes them", place, settings.provider)
    captions = read_captions(source)
    about = [(str(part.resolve()), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    content = {"captions": about, "provider": settings.provider, "seed": settings.seed, "shard": shard}

    def records(shards: Iterator[Made]) -> Iterator[ParaphraseRecord]:
        for made in shards:
            for failure in made.failures[:1]:
                logger.warning("%d captions got none, the first: %s", len(made.failures), failure.reason)
            yield from made.records

    with open_provider(settings.provider, ProviderOptions(seed=settings.seed, among=captions)) as provider:
        shards = make_shards(captions, provider, _WORDS, shard=shard)
    path = cached_file("records", content, lambda path: write_records(path, records(shards)), suffix=".arrow")
    return RecordTable(read_arrow_blocks(path)), settings.provider


def _has_paraphrases(parts: Sequence[Path]) -> bool:
    """Return whether the first record is whole; what else is wrong with it is said by whoever reads on."""
    if not parts or not parts[0].is_file():
        raise InputError("there is no file of records, and no folder with .tar files", "check the path")
    if parts[0].suffix not in LAYOUTS:
        return False
    try:
        return next(iterate_records(parts[0]), None) is not None
    except DamagedFileError:
        return False


def _own_pictures(settings: ParaphraseSettings, source: Path, records: RecordTable) -> PictureSet:
    """Return the pictures that records name: files of a folder, or members of the records' shards."""
    _, first = np.unique(records.images, return_index=True)
    names = records.column("image", first)
    if any(not name for name in names):
        raise InputError("a record names no picture", "name one in each, or give image terms the weight 0")
    title = f"pictures of {source.name}"
    if not settings.pictures and source.suffix != ".tar" and not source.is_dir():
        raise InputError("the folder of the pictures is not named", "set pictures (--pictures FOLDER)")
    if settings.pictures:
        folder = Path(settings.pictures)
        files = [_picture_file(folder, name) for name in names]
        return without_classes(
            "own-pictures", title, digests(files), names, lambda place: open_picture(files[place])
        )
    shards = ShardPictures(source if source.is_dir() else source.parent)
    sums = [hashlib.sha256(shards.read(name)).hexdigest() for name in names]
    return without_classes(
        "own-pictures",
        title,
        sums,
        names,
        lambda place: open_picture(shards.read(names[place]), name=names[place]),
    )


def _picture_file(folder: Path, name: str) -> Path:
    """Return the file of a picture by its name or path in a folder, with or without its ending."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"the picture {name!r} is outside of {folder}", "name pictures by paths below it")
    found = next((file for end in ("", *SUFFIXES) if (file := folder / f"{name}{end}").is_file()), None)
    if found is None:
        raise InputError(
            f"there is no picture {name!r} in {folder}", "name the folder that the records name files of"
        )
    return found


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
    # Every other scene of a relation takes the second style.
    made = tuple(
        replace(scene, style=SCENE_STYLES[place // 2 % 2]) if scene.kind == "relation" else scene
        for place, scene in enumerate(made)
    )
    asked = []
    for place, scene in enumerate(made):
        texts = scene_captions(scene)
        order = generator.permutation(len(texts))
        asked.append([Caption(texts[one], f"scene-{place}") for one in order])
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
        texts = [_TEMPLATES[one].format(label) for one in generator.permutation(len(_TEMPLATES))]
        asked.append([Caption(text, key) for text in (*texts, label)])
        rows.append(by_style[generator.integers(len(by_style))][place])
    return asked, np.stack(rows)


# --- what is measured before and after ---

_BARE = ("{}",)
SCENES = 300
"""Scenes of a split that are asked about."""
PAIRS = 200
"""Pairs of each STS task that are measured; 0 takes all."""


@dataclass(frozen=True)
class Tests:
    """Everything that a text tower is asked.

    Args:
        split: `test`, or `development` to choose settings by.
        table: The tests of Table 1's columns.
        sentences: Sentence-similarity tasks that are not part of `table`, () where they are not at hand.
        swaps: SugarCrepe++ in its text-only form, None where it is not at hand.
        others: Pictures to classify that no setting was chosen by.
    """

    split: HeldOut
    table: Table1Tests
    sentences: tuple[sentence_similarity.SentencePairs, ...] = ()
    swaps: composition.CaptionTests | None = None
    others: PictureClasses | None = None


def emoji_tests(
    features: Features,
    split: HeldOut = "test",
    *,
    count: int = SCENES,
    folder: Path | None = None,
    sample: int = PAIRS,
) -> Tests:
    """Return the tests on scenes of held-out things, and on the held-out style's nouns by their CLDR names.

    Args:
        features: Picture set -> unit rows.
        split: `test`, or `development`.
        count: Scenes.
        folder: A folder with `sts` and `sugarcrepe_pp`; a part that is not there is left out.
        sample: Pairs of each sentence task, drawn by a seed; 0 takes all.

    Raises:
        MissingResourceError: The emoji are not there.
    """
    scenes = scene_sets.scene_evaluation(split, count=count)
    table = table1.scene_tests(
        scenes,
        features(scenes.pictures()),
        sts=[scene_sentences(split, count=count)],
        classes=_nouns(features),
    )
    return Tests(split, table, sentence_tasks(folder, sample), composition.attribute_swaps(folder))


def with_other_concepts(tests: Tests, features: Features) -> Tests:
    """Return tests that also ask for the concepts that are no nouns of WordNet, by their CLDR names.

    Args:
        tests: What is asked already.
        features: Picture set -> unit rows.
    """
    table = sprites.concepts()
    chosen = np.flatnonzero((table["synset"] == "").to_numpy())
    rows = features(sprites.picture_set(sprites.HELD_OUT, "all"))[chosen]
    names = tuple(table["label"].iloc[chosen])
    return replace(tests, others=PictureClasses(rows, np.arange(len(chosen)), names, _BARE))


def _nouns(features: Features) -> PictureClasses:
    nouns = sprites.picture_set(sprites.HELD_OUT, "mapped")
    label_of = sprites.concepts().set_index("concept")["label"]
    names = tuple(label_of[one.key] for one in nouns.classes)
    return PictureClasses(features(nouns), nouns.labels, names, _BARE)


def sentence_tasks(folder: Path | None, sample: int = 0) -> tuple[sentence_similarity.SentencePairs, ...]:
    """Return the seven STS tasks of a folder's `sts`, or () where it does not hold all of them.

    Args:
        folder: Holds `sts`.
        sample: Pairs of each task, drawn by a seed; 0 takes all.
    """
    place = folder / "sts" if folder else None
    if place is None or not set(sentence_similarity.SEVEN) <= set(sentence_similarity.available(place)):
        return ()
    return tuple(
        _sampled(sentence_similarity.read(name, place), sample) for name in sentence_similarity.SEVEN
    )


def measure_tower(encode: Encoder, tests: Tests) -> dict[str, Estimate]:
    """Return every metric of an encoder by name.

    Columns of Table 1 keep their names under the tests' split; the STS tasks are "sts/...": they are neither
    scenes nor chosen by. All metrics are shares or correlations, and more is better.
    """
    found = table1.measure_table1(encode, tests.table, split=tests.split)
    if tests.sentences:
        asked = Table1Tests(pictures=tests.table.pictures, sts=tests.sentences)
        found |= table1.measure_table1(encode, asked, split="outside")
    if tests.others is not None:
        asked = Table1Tests(pictures=tests.table.pictures, classes=tests.others)
        accuracy = table1.measure_table1(encode, asked, split=tests.split)[f"{tests.split}/zero-shot/top-1"]
        found[f"{tests.split}/zero-shot-others/top-1"] = accuracy
    if tests.swaps is not None:
        found |= measure_text_only(encode, tests.swaps, split="outside")
    return found


def measure_items(encode: Encoder, tests: Tests) -> dict[str, ItemScores]:
    """Return what every item scored in the columns of Table 1; STS by people's judgements where given."""
    return item_scores(encode, replace(tests.table, sts=tests.sentences or tests.table.sts))


def _sampled(pairs: sentence_similarity.SentencePairs, count: int) -> sentence_similarity.SentencePairs:
    if not count or count >= len(pairs):
        return pairs
    kept = np.sort(np.random.default_rng(0).choice(len(pairs), count, replace=False))
    return replace(pairs.chosen(kept), name=f"{pairs.name}-{count}")


def caption_material(settings: ParaphraseSettings, shown: CaptionSet, features: Features) -> Material:
    """Return one record a picture, of its captions and what the settings' provider makes of them.

    Args:
        settings: Their provider, seed and `max_records` are used.
        shown: Pictures to train on; those measured on must be others.
        features: Picture set -> unit rows.

    Raises:
        InputError: As in `captioned_material`.
    """
    generator = np.random.default_rng([settings.seed, 20])
    asked = []
    for place, texts in enumerate(shown.captions):
        order = generator.permutation(len(texts))
        asked.append([Caption(texts[one], f"{shown.name}-{place}") for one in order])
    return captioned_material(settings, asked, features(shown.pictures))


def caption_tests(
    shown: CaptionSet,
    features: Features,
    *,
    queries: QueryPairs | None = None,
    classes: PictureClasses | None = None,
    aro: Path | None = None,
    folder: Path | None = None,
) -> Tests:
    """Return the tests on captioned pictures.

    Args:
        shown: Pictures that nothing was trained on.
        features: Picture set -> unit rows.
        queries: Pairs of queries; by default two captions of each picture ask for it.
        classes: Pictures to classify.
        aro: A folder with ARO's two files, and Visual Genome's pictures in it or in its `images`.
        folder: A folder with `sts` and `sugarcrepe_pp`; a part that is not there is left out.

    Raises:
        MissingResourceError: A file or a picture of ARO is not there.
    """
    table = Table1Tests(
        pictures=features(shown.pictures),
        queries=queries or _two_captions(shown),
        captions=shown.texts,
        owners=shown.picture_of,
        relations=_boxed("vg-relation", aro, features) if aro else None,
        attributes=_boxed("vg-attribution", aro, features) if aro else None,
        classes=classes,
    )
    return Tests("test", table, sentence_tasks(folder), composition.attribute_swaps(folder))


def _boxed(name: str, folder: Path, features: Features) -> tuple[composition.CaptionTests, np.ndarray]:
    """Return a test of ARO and the row of the part of a picture that each item is about."""
    tests = composition.read(name, folder)
    place = folder / "images" if (folder / "images").is_dir() else folder
    named = sorted(set(tests.images))
    if missing := [one for one in named if not (place / one).is_file()]:
        raise composition.CARDS[name].missing(place / missing[0])
    of = dict(zip(named, digests([place / one for one in named]), strict=True))
    boxes = tests.boxes.tolist() if tests.boxes is not None else [None] * len(tests)
    parts = [f"{of[image]} {box}" for image, box in zip(tests.images, boxes, strict=True)]
    known = tuple(hashlib.sha256(part.encode()).hexdigest() for part in parts)
    shown = without_classes(
        name, name, known, tests.images, lambda item: composition.read_picture(tests, item, place)
    )
    return tests, features(shown)


def _two_captions(shown: CaptionSet) -> QueryPairs | None:
    pairs = [(texts[0], texts[1], str(place)) for place, texts in enumerate(shown.captions) if len(texts) > 1]
    if not pairs:
        return None
    one, other, images = zip(*pairs, strict=True)
    return QueryPairs(f"{shown.name}-captions", one, other, images, ("",) * len(pairs))


class Measured(NamedTuple):
    """What a tower was found to do: every metric, and what each item scored in the columns of Table 1."""

    metrics: dict[str, Estimate]
    items: dict[str, ItemScores]


def measured_base(base: Tower, tests: Tests) -> Measured:
    """Return what an untouched tower does, from the cache where the same was measured before."""
    return measured_setting(None, base, tests, base.encode_texts)


def measured_setting(
    settings: ParaphraseSettings | None, base: Tower, tests: Tests, encode: Encoder
) -> Measured:
    """Return what a tower tuned by settings does, from the cache where the same was measured before.

    Args:
        settings: How it was tuned; the preset's name does not matter. None is the base itself.
        base: From what.
        tests: Their texts and pictures all count.
        encode: The tuned tower's function of texts.
    """

    def make() -> dict[str, Any]:
        parts = measure_items(rows := TextRows(encode, _texts(tests)), tests), measure_tower(rows, tests)
        items, metrics = ({name: one.as_dict() for name, one in part.items()} for part in parts)
        return {"metrics": metrics, "items": items}

    return _read(cached("measurements", _content(settings, base, tests), make, codec=JSON))


def known_setting(settings: ParaphraseSettings, base: Tower, tests: Tests) -> Measured | None:
    """Return what `measured_setting` measured before, None where it did not."""
    known = look_up("measurements", _content(settings, base, tests), codec=JSON)
    return None if known is None else _read(known)


def _read(values: Mapping[str, Mapping[str, Any]]) -> Measured:
    return Measured(
        {name: Estimate(**value) for name, value in values["metrics"].items()},
        {name: ItemScores.from_dict(value) for name, value in values["items"].items()},
    )


def _content(settings: ParaphraseSettings | None, base: Tower, tests: Tests) -> dict[str, Any]:
    """Return all that decides what is measured: the towers, and the tests' texts and pictures."""
    return {
        "settings": settings.replace(preset="any").flat() if settings else None,
        "base": [base.sha256, str(base.dtype)],
        "texts": list(_texts(tests)),
        "pictures": tests.table.pictures,
        "classes": [part.features if part else None for part in (tests.table.classes, tests.others)],
    }


def _texts(tests: Tests) -> Iterator[str]:
    yield tests.split
    yield from tests.table.texts()
    for task in tests.sentences:
        yield from (*task.sentences_a, *task.sentences_b)
    yield from tests.swaps.texts() if tests.swaps else ()
    yield from tests.others.names if tests.others else ()
