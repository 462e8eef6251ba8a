"""The columns of ParaCLIP's Table 1 for one text encoder: all texts encoded once, values with intervals.

The same tests serve the embedded scenes and the official sets: what differs is whose rows are passed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from lexclip_core.datasets.captions import QueryPairs
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scene_sets import SceneEvaluation
from lexclip_core.datasets.sentence_similarity import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.evaluation import retrieval, zero_shot
from lexclip_core.evaluation.composition import measure_pictures, picture_hits
from lexclip_core.evaluation.intervals import (
    RESAMPLES,
    CountedStatistic,
    Estimate,
    interval_of,
    metric_name,
)
from lexclip_core.evaluation.similarity import counted_rho, macro_mean, sentence_rho, text_cosines
from lexclip_core.towers.encoder import Encoder, TextRows

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "AO@10": "paraphrased/ao@10",
        "JS@10": "paraphrased/js@10",
        "VG-R": "vg-relation/macro",
        "VG-A": "vg-attribution/macro",
        "STS": "sts_mean/spearman",
        "Clsf.": "zero-shot/top-1",
        "T R@5": "retrieval/text_r@5",
        "I R@5": "retrieval/image_r@5",
    }
)
"""The columns in the paper's order, and the metric of each without its split."""
_TOGETHER = 50  # resamples at a time


@dataclass(frozen=True)
class PictureClasses:
    """Pictures to sort by the names of their classes.

    Attributes:
        features: Unit rows of the pictures, (pictures, dim).
        labels: Each picture's class, (pictures,).
        names: The classes' names.
        templates: Sentences with `{}` where the name stands.
    """

    features: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    templates: tuple[str, ...] = zero_shot.NAME_ALONE


@dataclass(frozen=True)
class Table1Tests:
    """What an encoder is asked; a part that is None or empty gives no column.

    Attributes:
        pictures: Unit rows of the pictures that queries and captions are about, (pictures, dim).
        queries: Pairs of queries to find pictures by.
        captions: Captions of the pictures.
        owners: (captions,) the place of each caption's picture.
        relations: Captions with places exchanged, and the unit row of each item's picture, (items, dim).
        attributes: The same for attributes exchanged.
        sts: Scored sentence pairs, a task each.
        classes: Pictures to classify.
    """

    pictures: np.ndarray
    queries: QueryPairs | None = None
    captions: tuple[str, ...] = ()
    owners: np.ndarray | None = None
    relations: tuple[CaptionTests, np.ndarray] | None = None
    attributes: tuple[CaptionTests, np.ndarray] | None = None
    sts: tuple[SentencePairs, ...] = ()
    classes: PictureClasses | None = None

    def texts(self) -> Iterator[str]:
        """Yield every text that will be encoded."""
        if self.queries:
            yield from (*self.queries.queries_a, *self.queries.queries_b)
        yield from self.captions
        for tests in (self.relations, self.attributes):
            yield from tests[0].texts() if tests else ()
        for pairs in self.sts:
            yield from (*pairs.sentences_a, *pairs.sentences_b)
        if self.classes:
            yield from (
                template.format(name) for name in self.classes.names for template in self.classes.templates
            )


def scene_tests(
    evaluation: SceneEvaluation,
    pictures: np.ndarray,
    *,
    sts: Sequence[SentencePairs] = (),
    classes: PictureClasses | None = None,
) -> Table1Tests:
    """Return the tests on scenes.

    Args:
        evaluation: From `datasets.emoji.scene_sets.scene_evaluation`.
        pictures: Unit rows of its pictures, (pictures, dim).
        sts: The seven tasks where they are at hand, else `scene_sentences`.
        classes: Pictures to classify.

    Raises:
        InputError: There is not one row per picture.
    """
    if len(pictures) != len(evaluation.scenes):
        raise InputError(
            f"{len(pictures)} rows for {len(evaluation.scenes)} scenes", "encode `evaluation.pictures()`"
        )
    places = {name: place for place, name in enumerate(evaluation.names())}
    relations, attributes = (
        (tests, pictures[[places[image] for image in tests.images]])
        for tests in (evaluation.relations, evaluation.attributes)
    )
    return Table1Tests(
        pictures=pictures,
        queries=evaluation.queries,
        captions=evaluation.captions,
        owners=evaluation.owners,
        relations=relations,
        attributes=attributes,
        sts=tuple(sts),
        classes=classes,
    )


def measure_table1(
    encode: Encoder, tests: Table1Tests, *, split: str = "test", k: int = retrieval.K
) -> dict[str, Estimate]:
    """Return every metric of an encoder on the tests, by name, encoding each distinct text once.

    With the columns of Table 1 come AO and JS by kind of rewording, R@1 and R@10, micro accuracy and that of
    every relation and pair of attributes, and rho of each STS task.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        tests: What to ask.
        split: What the texts are to the encoder: `test`, or `development`.
        k: The depth of AO and JS.

    Raises:
        InputError: As the metrics raise it.
    """
    rows = TextRows(encode, tests.texts())
    result: dict[str, Estimate] = {}
    if tests.queries:
        result |= _paraphrased(rows, tests.queries, tests.pictures, split=split, k=k)
    for name, swaps in (("vg-relation", tests.relations), ("vg-attribution", tests.attributes)):
        if swaps:
            result |= measure_pictures(rows, *swaps, split=split, name=name)
    if tests.sts:
        by_task: dict[str, Estimate] = {}
        for pairs in tests.sts:
            by_task |= sentence_rho(rows, pairs, split=split)
        result |= by_task | macro_mean(by_task, split=split)
    if tests.classes:
        weights = zero_shot.class_weights(rows, tests.classes.names, tests.classes.templates)
        result[metric_name(split, "zero-shot", "top-1")] = zero_shot.accuracy(
            tests.classes.features, weights, tests.classes.labels
        )
    if tests.captions and tests.owners is not None:
        result |= retrieval.recall_at_k(rows(tests.captions), tests.pictures, tests.owners, split=split)
    return result


def table1_columns(measured: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Return the columns of Table 1 that were measured, in the paper's order; shares, not per cent.

    Args:
        measured: What `measure_table1` gave, of the split `test`.

    >>> table1_columns({"test/sts_mean/spearman": Estimate(0.75)})["STS"].value
    0.75
    """
    names = {column: metric_name("test", metric) for column, metric in COLUMNS.items()}
    return {column: measured[name] for column, name in names.items() if name in measured}


@dataclass(frozen=True, eq=False)
class ItemScores:
    """What each item of a column scored, so that towers can be compared on the same resamples of items.

    Attributes:
        values: (n,) overlaps or hits, or the cosines of sentence pairs.
        groups: (n,) which items are drawn together, numbered from 0.
        over: What the groups are called.
        parts: (n,) the relation, attributes or task of each item, numbered from 0: a column is the plain mean
            over them. Empty where it is the mean over items.
        scores: (n,) what people said of each pair; the column is then a Spearman's rho. Empty elsewhere.
    """

    values: np.ndarray
    groups: np.ndarray
    over: str
    parts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    scores: np.ndarray = field(default_factory=lambda: np.empty(0))

    def as_dict(self) -> dict[str, Any]:
        """Return plain lists for a JSON file."""
        return {name: one if isinstance(one, str) else one.tolist() for name, one in vars(self).items()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ItemScores:
        """Read what `as_dict` gave back."""
        parts: dict[str, Any] = {
            name: one if isinstance(one, str) else np.asarray(one) for name, one in entry.items()
        }
        return cls(**parts)


def item_scores(encode: Encoder, tests: Table1Tests) -> dict[str, ItemScores]:
    """Return what every item scored in each column of Table 1, by the columns of `COLUMNS`.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        tests: What to ask; a part that is missing gives no column.

    Raises:
        InputError: As the metrics raise it.
    """
    rows = TextRows(encode, tests.texts())
    found: dict[str, ItemScores] = {}
    if tests.queries:
        of = retrieval.overlaps(rows(tests.queries.queries_a), rows(tests.queries.queries_b), tests.pictures)
        for column, values in (("AO@10", of.average_overlap), ("JS@10", of.jaccard)):
            found[column] = ItemScores(values, tests.queries.intents(), "intents")
    for column, swaps in (("VG-R", tests.relations), ("VG-A", tests.attributes)):
        if swaps:
            hits, counted = picture_hits(rows, *swaps)
            pictures, relations = (
                np.unique(np.asarray(names)[counted], return_inverse=True)[1]
                for names in (swaps[0].images, swaps[0].groups)
            )
            found[column] = ItemScores(hits[counted].astype(float), pictures, "pictures", relations)
    if tests.sts:
        cosines = [text_cosines(rows, one.sentences_a, one.sentences_b) for one in tests.sts]
        tasks = np.repeat(np.arange(len(cosines)), [len(one) for one in cosines])
        scores = np.concatenate([one.scores for one in tests.sts])
        pairs = np.arange(len(tasks))
        found["STS"] = ItemScores(np.concatenate(cosines), pairs, "sentence pairs", tasks, scores)
    if (asked := tests.classes) is not None:
        weights = zero_shot.class_weights(rows, asked.names, asked.templates)
        hits = zero_shot.correct(asked.features, weights, asked.labels)
        found["Clsf."] = ItemScores(
            hits.astype(float), np.unique(asked.labels, return_inverse=True)[1], "classes"
        )
    if tests.captions and tests.owners is not None:
        texts = rows(tests.captions)
        image = retrieval.text_to_image_ranks(texts, tests.pictures, tests.owners)
        text = retrieval.image_to_text_ranks(texts, tests.pictures, tests.owners)
        captioned, owners = np.unique(tests.owners, return_inverse=True)
        text_hits = (text[captioned] < 5).astype(float)
        found["T R@5"] = ItemScores(text_hits, np.arange(len(captioned)), "pictures")
        found["I R@5"] = ItemScores((image < 5).astype(float), owners, "pictures")
    return found


def over_items(runs: Sequence[ItemScores], *, resamples: int = RESAMPLES) -> np.ndarray:
    """Return a column, the mean over runs, as it is and on each resample of its items, (1 + resamples,).

    Items are drawn by group, once for all runs. Columns whose groups are called the same and are as many are
    drawn alike, so differences of what this returns are paired changes; `interval` reads them.

    Args:
        runs: The same column of one tower, or of a tower tuned under several seeds.
        resamples: How many resamples to draw.

    Raises:
        InputError: The runs are not of the same items, or there is none.

    >>> hits = np.array([[0, 0, 1], [1, 0, 1]])
    >>> before, after = (ItemScores(one, np.arange(3), "pictures") for one in hits)
    >>> change = over_items([after]) - over_items([before])
    >>> round(float(change[0]), 3), interval(change, 3, "pictures").low
    (0.333, 0.0)
    """
    if not runs or any(not np.array_equal(one.groups, runs[0].groups) for one in runs):
        raise InputError("runs of other items cannot be compared", "give the scores of the same tests")
    first = runs[0]
    number = int(first.groups.max()) + 1
    counts = _resamples(number, first.over, resamples)
    parts = first.parts if len(first.parts) else np.zeros(len(first.groups), np.int64)
    if len(first.scores):
        blocks = (counts[start : start + _TOGETHER] for start in range(0, len(counts), _TOGETHER))
        rhos = _mean_rho(runs, parts)
        return np.concatenate([rhos(block.T[first.groups].astype(np.float64)) for block in blocks])
    sums, sizes = np.zeros((2, number, int(parts.max()) + 1))
    np.add.at(sums, (first.groups, parts), np.mean([one.values for one in runs], axis=0))
    np.add.at(sizes, (first.groups, parts), 1)
    with np.errstate(invalid="ignore"):  # a relation of which no item is drawn counts for nothing
        means: np.ndarray = np.nanmean((counts @ sums) / (counts @ sizes), axis=1)
    return means


@lru_cache(maxsize=4)
def _resamples(number: int, over: str, resamples: int) -> np.ndarray:
    """Return how often each group counts, (1 + resamples, number): once each, then as on each resample."""
    generator = np.random.default_rng([0, zlib.crc32(over.encode())])
    drawn = generator.multinomial(number, np.full(number, 1 / number), size=resamples)
    counts = np.concatenate([np.ones((1, number), drawn.dtype), drawn])
    return counts.astype(np.min_scalar_type(int(counts.max())))


def _mean_rho(runs: Sequence[ItemScores], parts: np.ndarray) -> CountedStatistic:
    """Return the mean of rho over runs and parts; a part of which one pair is drawn, or none, is left out."""
    places = [np.flatnonzero(parts == part) for part in range(int(parts.max()) + 1)]
    rhos = [(at, counted_rho(run.values[at], run.scores[at])) for run in runs for at in places]

    def mean(counts: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # constant input has no rho
            found = [np.ma.array(rho(counts[at]), mask=counts[at].sum(axis=0) < 2) for at, rho in rhos]
        means: np.ndarray = np.ma.mean(found, axis=0).filled(np.nan)
        return means

    return mean


def interval(drawn: np.ndarray, n: int, over: str) -> Estimate:
    """Return the first of `over_items`, or of a difference of such, with the 95 % interval of the others.

    Args:
        drawn: (1 + resamples,) the value, then that of each resample.
        n: How many items there are.
        over: What was drawn, for the note.

    >>> interval(np.array([0.5, 0.25, 0.75]), 2, "pictures").value
    0.5
    """
    value = float(drawn[0])
    low, high = interval_of(drawn[1:], value)
    note = f"bootstrap over {over}, {len(drawn) - 1} resamples"
    return Estimate(value, min(low, value), max(high, value), n, note)


def _paraphrased(
    rows: TextRows, queries: QueryPairs, pictures: np.ndarray, *, split: str, k: int
) -> dict[str, Estimate]:
    overlaps = retrieval.overlaps(rows(queries.queries_a), rows(queries.queries_b), pictures, k)
    intents, kinds = queries.intents(), np.array(queries.kinds)
    result = retrieval.paraphrased_retrieval(overlaps, split=split, intents=intents)
    for kind in filter(None, dict.fromkeys(queries.kinds)):
        chosen = np.flatnonzero(kinds == kind)
        name, part = f"paraphrased-{kind}", overlaps.chosen(chosen)
        result |= retrieval.paraphrased_retrieval(part, split=split, name=name, intents=intents[chosen])
    return result
