"""The columns of ParaCLIP's Table 1 for one text encoder: all texts encoded once, values with intervals.

The same tests serve the embedded scenes and the official sets: what differs is whose rows are passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lexclip_core.datasets.captions import QueryPairs
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scene_sets import SceneEvaluation
from lexclip_core.datasets.sentence_similarity import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.evaluation import retrieval, zero_shot
from lexclip_core.evaluation.composition import measure_pictures
from lexclip_core.evaluation.intervals import Estimate, metric_name
from lexclip_core.evaluation.similarity import macro_mean
from lexclip_core.evaluation.suite import sentence_rho
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
    encode: Encoder, tests: Table1Tests, *, split: str = "test", k: int = retrieval.K, seed: int = 0
) -> dict[str, Estimate]:
    """Return every metric of an encoder on the tests, by name, encoding each distinct text once.

    With the columns of Table 1 come AO and JS by kind of rewording, R@1 and R@10, micro accuracy and that of
    every relation and pair of attributes, and rho of each STS task.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        tests: What to ask.
        split: What the texts are to the encoder: `test`, or `development`.
        k: The depth of AO and JS.
        seed: Seed of the intervals.

    Raises:
        InputError: As the metrics raise it.
    """
    rows = TextRows(encode, tests.texts())
    result: dict[str, Estimate] = {}
    if tests.queries:
        result |= _paraphrased(rows, tests.queries, tests.pictures, split=split, k=k, seed=seed)
    for name, swaps in (("vg-relation", tests.relations), ("vg-attribution", tests.attributes)):
        if swaps:
            result |= measure_pictures(rows, *swaps, split=split, name=name)
    if tests.sts:
        by_task: dict[str, Estimate] = {}
        for pairs in tests.sts:
            by_task |= sentence_rho(rows, pairs, split=split, seed=seed)
        result |= by_task | macro_mean(by_task, split=split)
    if tests.classes:
        weights = zero_shot.class_weights(rows, tests.classes.names, tests.classes.templates)
        result[metric_name(split, "zero-shot", "top-1")] = zero_shot.accuracy(
            tests.classes.features, weights, tests.classes.labels, seed=seed
        )
    if tests.captions and tests.owners is not None:
        result |= retrieval.recall_at_k(
            rows(tests.captions), tests.pictures, tests.owners, split=split, seed=seed
        )
    return result


def table1_columns(measured: Mapping[str, Estimate], *, split: str = "test") -> dict[str, Estimate]:
    """Return the columns of Table 1 that were measured, in the paper's order; shares, not per cent.

    Args:
        measured: What `measure_table1` gave.
        split: The split that it was given.

    >>> table1_columns({"test/sts_mean/spearman": Estimate(0.75)})["STS"].value
    0.75
    """
    names = {column: metric_name(split, metric) for column, metric in COLUMNS.items()}
    return {column: measured[name] for column, name in names.items() if name in measured}


def _paraphrased(
    rows: TextRows, queries: QueryPairs, pictures: np.ndarray, *, split: str, k: int, seed: int
) -> dict[str, Estimate]:
    overlaps = retrieval.overlaps(rows(queries.queries_a), rows(queries.queries_b), pictures, k)
    intents, kinds = queries.intents(), np.array(queries.kinds)
    result = retrieval.paraphrased_retrieval(overlaps, split=split, intents=intents, seed=seed)
    for kind in filter(None, dict.fromkeys(queries.kinds)):
        chosen = np.flatnonzero(kinds == kind)
        name, part = f"paraphrased-{kind}", overlaps.chosen(chosen)
        result |= retrieval.paraphrased_retrieval(
            part, split=split, name=name, intents=intents[chosen], seed=seed
        )
    return result
