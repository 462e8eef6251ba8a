"""What is measured before and after a training on paraphrases: its tests, and their results in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lexclip_core.cache import JSON, cached, look_up
from lexclip_core.datasets import composition, sentence_similarity
from lexclip_core.datasets.captions import CaptionSet
from lexclip_core.datasets.emoji import scene_sets, sprites
from lexclip_core.datasets.emoji.scene_sets import HeldOut, scene_sentences
from lexclip_core.datasets.query_pairs import QueryPairs
from lexclip_core.evaluation import table1
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.table1 import PictureClasses, Table1Tests
from lexclip_core.experiments.paraphrases import Features, Material, captioned_material
from lexclip_core.paraphrase.provider import Caption
from lexclip_core.towers.encoder import Encoder
from lexclip_core.towers.tower import Tower
from lexclip_core.training.settings import ParaphraseSettings

_SWAPS = ("replace_att", "swap_att")
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
    return Tests(split, table, sentence_tasks(folder, sample), swap_tests(folder))


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


def swap_tests(folder: Path | None) -> composition.CaptionTests | None:
    """Return SugarCrepe++'s items on attributes from a folder's `sugarcrepe_pp`, None without them."""
    place = folder / "sugarcrepe_pp" if folder else None
    if place is None or not all((place / f"{kind}.json").is_file() for kind in _SWAPS):
        return None
    return composition.read("sugarcrepe-pp", place, _SWAPS)


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


def _sampled(pairs: sentence_similarity.SentencePairs, count: int) -> sentence_similarity.SentencePairs:
    if not count or count >= len(pairs):
        return pairs
    kept = np.sort(np.random.default_rng(0).choice(len(pairs), count, replace=False))
    return replace(
        pairs,
        name=f"{pairs.name}-{count}",
        sentences_a=tuple(pairs.sentences_a[place] for place in kept),
        sentences_b=tuple(pairs.sentences_b[place] for place in kept),
        scores=pairs.scores[kept],
        subsets=tuple(pairs.subsets[place] for place in kept),
    )


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
    folder: Path | None = None,
) -> Tests:
    """Return the tests on captioned pictures.

    Args:
        shown: Pictures that nothing was trained on.
        features: Picture set -> unit rows.
        queries: Pairs of queries; by default two captions of each picture ask for it.
        classes: Pictures to classify.
        folder: A folder with `sts` and `sugarcrepe_pp`; a part that is not there is left out.
    """
    table = Table1Tests(
        pictures=features(shown.pictures),
        queries=queries or _two_captions(shown),
        captions=shown.texts,
        owners=shown.picture_of,
        classes=classes,
    )
    return Tests("test", table, sentence_tasks(folder), swap_tests(folder))


def _two_captions(shown: CaptionSet) -> QueryPairs | None:
    pairs = [(texts[0], texts[1], str(place)) for place, texts in enumerate(shown.captions) if len(texts) > 1]
    if not pairs:
        return None
    one, other, images = zip(*pairs, strict=True)
    return QueryPairs(f"{shown.name}-captions", one, other, images, ("",) * len(pairs))


Estimates = dict[str, Estimate]


def measured_base(base: Tower, tests: Tests) -> Estimates:
    """Return every metric of an untouched tower, from the cache where the same was measured before."""
    return _read(
        cached("measurements", _content(None, base, tests), _maker(base.encode_texts, tests), codec=JSON)
    )


def measured_setting(settings: ParaphraseSettings, base: Tower, tests: Tests, encode: Encoder) -> Estimates:
    """Return every metric of a tower tuned by settings, from the cache where the same was measured before.

    Args:
        settings: How it was tuned; the preset's name does not matter.
        base: From what.
        tests: Their texts and pictures all count.
        encode: The tuned tower's function of texts.
    """
    return _read(cached("measurements", _content(settings, base, tests), _maker(encode, tests), codec=JSON))


def known_setting(settings: ParaphraseSettings, base: Tower, tests: Tests) -> Estimates | None:
    """Return what `measured_setting` measured before, None where it did not."""
    known = look_up("measurements", _content(settings, base, tests), codec=JSON)
    return None if known is None else _read(known)


def _maker(encode: Encoder, tests: Tests) -> Callable[[], dict[str, Any]]:
    return lambda: {name: estimate.as_dict() for name, estimate in measure_tower(encode, tests).items()}


def _read(values: Mapping[str, Any]) -> Estimates:
    return {name: Estimate(**value) for name, value in values.items()}


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
