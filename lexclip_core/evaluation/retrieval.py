"""Retrieval among pictures and their captions: how often the right one is among the k nearest.

All are functions of unit rows. Of two equally near, the one listed first counts as nearer. How far two
phrasings of one intent retrieve the same is average overlap (AO) and Jaccard similarity (JS) of rankings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import check_rows, cosine_blocks, listed_before, nearest, own_ranks
from lexclip_core.evaluation.intervals import Estimate, bootstrap_interval, grouped_mean, metric_name

K = 10
"""The depth that ParaCLIP reports AO and JS at."""


@dataclass(frozen=True)
class RankingOverlaps:
    """What two phrasings of each intent retrieve.

    Attributes:
        rankings_a: (pairs, k) places of the pictures nearest to the first phrasing, the nearest first.
        rankings_b: The same for the second phrasing.
        average_overlap: (pairs,) AO@k.
        jaccard: (pairs,) JS@k.
    """

    rankings_a: np.ndarray
    rankings_b: np.ndarray
    average_overlap: np.ndarray
    jaccard: np.ndarray

    def chosen(self, rows: np.ndarray) -> RankingOverlaps:
        """Return the pairs at some places."""
        parts = (self.rankings_a, self.rankings_b, self.average_overlap, self.jaccard)
        return RankingOverlaps(*(part[rows] for part in parts))


def average_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return AO@k = 1/k sum over d = 1 .. k of |a[:d] & b[:d]| / d, shape (pairs,), in [0, 1].

    1 for equal rankings, 0 for rankings that share nothing, and higher where the first places agree.
    Equation 1 of ParaCLIP, appendix B (claim P9).

    Args:
        a: Rankings, (pairs, k) integers; one ranking may be given as (k,).
        b: Rankings of the same shape.

    Raises:
        InputError: Shapes that differ, or a ranking that lists something twice.

    >>> average_overlap(np.array([1, 2]), np.array([2, 1]))  # nothing shared at depth 1, both at depth 2
    array([0.5])
    """
    first, second = _rankings(a, b)
    equal = first[:, :, None] == second[:, None, :]
    # A match at places i and j is within both lists from depth max(i, j) on.
    entering = np.tril(equal).sum(axis=2) + np.triu(equal, 1).sum(axis=1)
    depths = np.arange(1, first.shape[1] + 1)
    overlap: np.ndarray = (entering.cumsum(axis=1) / depths).mean(axis=1)
    return overlap


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return JS@k = |a[:k] & b[:k]| / |a[:k] or b[:k]|, shape (pairs,), in [0, 1]; order counts for nothing.

    Equation 2 of ParaCLIP, appendix B (claim P9).

    Args:
        a: Rankings, (pairs, k) integers; one ranking may be given as (k,).
        b: Rankings of the same shape.

    Raises:
        InputError: As in `average_overlap`.

    >>> jaccard(np.array([1, 2]), np.array([2, 3]))
    array([0.33333333])
    """
    first, second = _rankings(a, b)
    shared = (first[:, :, None] == second[:, None, :]).sum(axis=(1, 2))
    similarity: np.ndarray = shared / (2 * first.shape[1] - shared)
    return similarity


def overlaps(queries_a: np.ndarray, queries_b: np.ndarray, items: np.ndarray, k: int = K) -> RankingOverlaps:
    """Return both rankings of every pair of queries, and their AO@k and JS@k.

    Args:
        queries_a: Unit rows of the first phrasings, (pairs, dim).
        queries_b: Unit rows of the second phrasings, (pairs, dim).
        items: Unit rows of the pictures, (pictures, dim).
        k: Between 1 and the number of pictures.

    Raises:
        InputError: As in `nearest`, or the phrasings do not pair.

    >>> pictures = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> overlaps(pictures[:1], pictures[2:], pictures, k=2).jaccard
    array([0.33333333])
    """
    if np.shape(queries_a) != np.shape(queries_b):
        raise InputError(
            f"queries of shapes {np.shape(queries_a)} and {np.shape(queries_b)} do not pair",
            "encode both phrasings of every intent",
        )
    (a, _), (b, _) = (nearest(queries, items, k) for queries in (queries_a, queries_b))
    return RankingOverlaps(a, b, average_overlap(a, b), jaccard(a, b))


def paraphrased_retrieval(
    measured: RankingOverlaps,
    *,
    split: str,
    name: str = "paraphrased",
    intents: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Return "split/name/ao@k" and "split/name/js@k": the means over query pairs, with intervals.

    Args:
        measured: What `overlaps` gave.
        split: What the queries are to the tower.
        name: Name of the set.
        intents: (pairs,) which intent each pair phrases; pairs of one intent are then resampled together.

    Raises:
        InputError: There is no pair, or `intents` is not one for each.

    >>> rankings = np.array([[0, 1], [1, 2]])
    >>> same = RankingOverlaps(rankings, rankings, np.ones(2), np.ones(2))
    >>> list(paraphrased_retrieval(same, split="test"))
    ['test/paraphrased/ao@2', 'test/paraphrased/js@2']
    """
    k = measured.rankings_a.shape[1]
    return {
        metric_name(split, name, f"{kind}@{k}"): (
            bootstrap_interval(values) if intents is None else grouped_mean(values, intents, over="intents")
        )
        for kind, values in (("ao", measured.average_overlap), ("js", measured.jaccard))
    }


def _rankings(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.atleast_2d(a), np.atleast_2d(b)
    if first.shape != second.shape or first.ndim != 2 or 0 in first.shape:
        raise InputError(
            f"rankings of shapes {np.shape(a)} and {np.shape(b)} do not pair", "give (pairs, k) twice"
        )
    for rankings in (first, second):
        ordered = np.sort(rankings, axis=1)
        twice = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
        if len(twice):
            row, place = twice[0]
            raise InputError(f"ranking {row} lists {ordered[row, place]} twice", "rank every picture once")
    return first, second


def text_to_image_ranks(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return how many pictures are nearer to each text than its own, (texts,) int64: 0 is best.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.

    Raises:
        InputError: Shapes that do not fit, a row that is not finite, or a picture that is not there.

    >>> pictures = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> text_to_image_ranks(np.array([[0.8, 0.6], [0.8, 0.6]]), pictures, np.array([0, 1]))
    array([0, 1])
    """
    return own_ranks(texts, pictures, _owners(texts, pictures, owners))


def image_to_text_ranks(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return how many texts are nearer to each picture than the nearest of its own, (pictures,) int64.

    A picture without captions has rank -1: there is nothing to find.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.

    Raises:
        InputError: As in `text_to_image_ranks`.

    >>> pictures = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> image_to_text_ranks(np.array([[0.8, 0.6]]), pictures, np.array([0]))
    array([ 0, -1])
    """
    owners = _owners(texts, pictures, owners)
    ranks = np.full(len(pictures), -1, dtype=np.int64)
    by_picture = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(pictures))
    ends = counts.cumsum()
    for block, cosines in cosine_blocks(pictures, texts):
        captioned = np.flatnonzero(counts[block])
        if not len(captioned):
            continue
        mine = by_picture[ends[block][0] - counts[block][0] : ends[block][-1]]
        rows = np.repeat(captioned, counts[block][captioned])
        own = cosines[rows, mine]
        # The nearest of its own captions, and of equally near ones the first, is what has to be found.
        order = np.lexsort((mine, -own, rows))
        first = order[np.searchsorted(rows, captioned)]
        ranks[block.start + captioned] = listed_before(
            cosines[captioned], own[first, None], mine[first, None]
        )
    return ranks


def recall_at_k(
    texts: np.ndarray,
    pictures: np.ndarray,
    owners: np.ndarray,
    *,
    split: str,
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, Estimate]:
    """Return "split/retrieval/image_r@k" and "split/retrieval/text_r@k" for captions of pictures.

    Image retrieval asks of every caption whether its picture is among the k nearest. Text retrieval asks of
    every picture that has captions whether any of them is among the k nearest texts, as open_clip and CLIP
    benchmark count (claim P12). Both are resampled by picture, with all its captions.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.
        split: What the captions are to the tower.
        ks: The depths.

    Raises:
        InputError: As in `text_to_image_ranks`, or a k below 1.

    >>> pictures = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> measured = recall_at_k(np.array([[0.8, 0.6]]), pictures, np.array([0]), split="test", ks=(1,))
    >>> {name: estimate.value for name, estimate in measured.items()}
    {'test/retrieval/image_r@1': 1.0, 'test/retrieval/text_r@1': 1.0}
    """
    wrong = [k for k in ks if k < 1]
    if wrong or not len(ks):
        raise InputError(f"the depths are {list(ks)}", "choose whole numbers of at least 1")
    image, text = (find(texts, pictures, owners) for find in (text_to_image_ranks, image_to_text_ranks))
    captioned = np.flatnonzero(text >= 0)
    parts = (("image", image, np.asarray(owners)), ("text", text[captioned], captioned))
    return {
        metric_name(split, "retrieval", f"{kind}_r@{k}"): grouped_mean(ranks < k, groups, over="pictures")
        for kind, ranks, groups in parts
        for k in ks
    }


def _owners(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    check_rows(texts, pictures)
    places = np.asarray(owners)
    if places.shape != (len(texts),) or not np.issubdtype(places.dtype, np.integer):
        raise InputError(
            f"owners of shape {places.shape} and type {places.dtype} for {len(texts)} texts",
            "give the place of each text's picture, a whole number",
        )
    wrong = places[(places < 0) | (places >= len(pictures))]
    if len(wrong):
        raise InputError(
            f"a text's picture is {int(wrong[0])} of {len(pictures)}", "number the pictures from 0"
        )
    return places
