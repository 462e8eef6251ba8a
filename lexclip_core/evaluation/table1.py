"""The columns of ParaCLIP's Table 1 for one text encoder: all texts encoded once, numbers with intervals.

The same tests serve the embedded scenes and the official sets: what differs is whose rows are passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scene_sets import SceneEvaluation
from lexclip_core.datasets.query_pairs import QueryPairs
from lexclip_core.datasets.sts import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.evaluation import retrieval, zero_shot
from lexclip_core.evaluation.caption_tests import measure_pictures
from lexclip_core.evaluation.statistics import Estimate, metric_name
from lexclip_core.evaluation.sts import macro_of, sts
from lexclip_core.evaluation.text_rows import TextRows
from lexclip_core.evaluation.word_similarity import row_cosines

Encode = Callable[[Sequence[str]], np.ndarray]

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

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        labels: Each picture's class, (pictures,).
        names: The classes' names.
        templates: Sentences with `{}` where the name stands.
    """

    features: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    templates: tuple[str, ...] = zero_shot.TEMPLATES["name"]


@dataclass(frozen=True)
class Table1Tests:
    """What an encoder is asked; a part that is None or empty gives no column.

    Args:
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
        InputError: Not one row a picture.
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


def measure(
    encode: Encode, tests: Table1Tests, *, split: str = "test", k: int = retrieval.K, seed: int = 0
) -> dict[str, Estimate]:
    """Return every metric of an encoder on the tests, by name, encoding each distinct text once.

    Beside the columns of Table 1: AO and JS by kind of rewording, R@1 and R@10, micro accuracy and that of
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
        result |= _sts(rows, tests.sts, split=split, seed=seed)
    if tests.classes:
        weights = zero_shot.class_weights(rows, tests.classes.names, tests.classes.templates)
        found = zero_shot.accuracy(tests.classes.features, weights, tests.classes.labels, seed=seed)
        result[metric_name(split, "zero-shot", "top-1")] = found
    if tests.captions and tests.owners is not None:
        result |= retrieval.recall_at_k(
            rows(tests.captions), tests.pictures, tests.owners, split=split, seed=seed
        )
    return result


def table1(measured: Mapping[str, Estimate], *, split: str = "test") -> dict[str, Estimate]:
    """Return the columns of Table 1 that were measured, in the paper's order; shares, not per cent.

    Args:
        measured: What `measure` gave.
        split: The split that it was given.
    """
    names = {column: metric_name(split, metric) for column, metric in COLUMNS.items()}
    return {column: measured[name] for column, name in names.items() if name in measured}


def _paraphrased(
    rows: TextRows, queries: QueryPairs, pictures: np.ndarray, *, split: str, k: int, seed: int
) -> dict[str, Estimate]:
    found = retrieval.overlaps(rows(queries.queries_a), rows(queries.queries_b), pictures, k)
    wishes = queries.wishes()
    result = retrieval.paraphrased_retrieval(found, split=split, wishes=wishes, seed=seed)
    kinds = np.array(queries.kinds)
    for kind in (kind for kind in dict.fromkeys(queries.kinds) if kind):
        chosen = np.flatnonzero(kinds == kind)
        part = retrieval.Overlaps(
            found.rankings_a[chosen],
            found.rankings_b[chosen],
            found.average_overlap[chosen],
            found.jaccard[chosen],
        )
        result |= retrieval.paraphrased_retrieval(
            part, split=split, name=f"paraphrased-{kind}", wishes=wishes[chosen], seed=seed
        )
    return result


def _sts(rows: TextRows, tasks: Sequence[SentencePairs], *, split: str, seed: int) -> dict[str, Estimate]:
    result: dict[str, Estimate] = {}
    for pairs in tasks:
        cosines = row_cosines(rows(pairs.sentences_a), rows(pairs.sentences_b))
        result |= sts(cosines, pairs.scores, split=split, task=pairs.name, seed=seed)
    return result | macro_of(result, split=split)
