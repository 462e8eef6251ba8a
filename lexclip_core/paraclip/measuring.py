"""What is measured of a text tower before and after: Table 1, sentences, composition without pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lexclip_core.datasets import composition, emoji, sts
from lexclip_core.datasets.emoji import scene_sets
from lexclip_core.datasets.emoji.scene_queries import HeldOut
from lexclip_core.datasets.emoji.scene_sentences import scene_sentences
from lexclip_core.evaluation import table1
from lexclip_core.evaluation.caption_tests import measure_text_only
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.evaluation.table1 import PictureClasses, Table1Tests
from lexclip_core.paraclip.material import Features

Encode = Callable[[Sequence[str]], np.ndarray]
Metrics = dict[str, dict[str, Any]]

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
    sentences: tuple[sts.SentencePairs, ...] = ()
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
    table = emoji.concepts()
    chosen = np.flatnonzero((table["synset"] == "").to_numpy())
    rows = features(emoji.picture_set(emoji.HELD_OUT, "all"))[chosen]
    names = tuple(table["label"].iloc[chosen])
    return replace(tests, others=PictureClasses(rows, np.arange(len(chosen)), names, _BARE))


def _nouns(features: Features) -> PictureClasses:
    nouns = emoji.picture_set(emoji.HELD_OUT, "mapped")
    label_of = emoji.concepts().set_index("concept")["label"]
    names = tuple(label_of[one.key] for one in nouns.classes)
    return PictureClasses(features(nouns), nouns.labels, names, _BARE)


def sentence_tasks(folder: Path | None, sample: int = 0) -> tuple[sts.SentencePairs, ...]:
    """Return the seven STS tasks of a folder's `sts`, or () where it does not hold all of them.

    Args:
        folder: Holds `sts`.
        sample: Pairs of each task, drawn by a seed; 0 takes all.
    """
    place = folder / "sts" if folder else None
    if place is None or not set(sts.SEVEN) <= set(sts.available(place)):
        return ()
    return tuple(_sampled(sts.read(name, place), sample) for name in sts.SEVEN)


def swap_tests(folder: Path | None) -> composition.CaptionTests | None:
    """Return SugarCrepe++'s items on attributes from a folder's `sugarcrepe_pp`, None without them."""
    place = folder / "sugarcrepe_pp" if folder else None
    if place is None or not all((place / f"{kind}.json").is_file() for kind in _SWAPS):
        return None
    return composition.read("sugarcrepe-pp", place, _SWAPS)


def measure(encode: Encode, tests: Tests) -> dict[str, Estimate]:
    """Return every metric of an encoder by name.

    Columns of Table 1 keep their names under the tests' split; the STS tasks are "sts/...": they are neither
    scenes nor chosen by. All metrics are shares or correlations, and more is better.
    """
    found = table1.measure(encode, tests.table, split=tests.split)
    if tests.sentences:
        asked = Table1Tests(pictures=tests.table.pictures, sts=tests.sentences)
        found |= table1.measure(encode, asked, split="outside")
    if tests.others is not None:
        asked = Table1Tests(pictures=tests.table.pictures, classes=tests.others)
        accuracy = table1.measure(encode, asked, split=tests.split)[f"{tests.split}/zero-shot/top-1"]
        found[f"{tests.split}/zero-shot-others/top-1"] = accuracy
    if tests.swaps is not None:
        found |= measure_text_only(encode, tests.swaps, split="outside")
    return found


def beside(before: Mapping[str, Estimate], after: Mapping[str, Estimate]) -> Metrics:
    """Return each estimate after tuning with the value before it under "before"."""
    return {name: estimate.as_dict() | {"before": before[name].value} for name, estimate in after.items()}


def _sampled(pairs: sts.SentencePairs, count: int) -> sts.SentencePairs:
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
