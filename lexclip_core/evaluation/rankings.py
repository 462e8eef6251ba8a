"""How alike the rankings are that two phrasings of one wish retrieve: average overlap and Jaccard similarity.

A ranking is an array of integers that lists pictures, the nearest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.hits import accuracy_of
from lexclip_core.evaluation.nearest import top_k
from lexclip_core.evaluation.statistics import Estimate, bootstrap_interval, metric_name

K = 10
"""The depth that ParaCLIP reports AO and JS at."""


@dataclass(frozen=True)
class Overlaps:
    """What two phrasings of each wish retrieve.

    Args:
        rankings_a: (pairs, k) places of the pictures nearest to the first phrasing, the nearest first.
        rankings_b: The same for the second phrasing.
        average_overlap: (pairs,) AO@k.
        jaccard: (pairs,) JS@k.
    """

    rankings_a: np.ndarray
    rankings_b: np.ndarray
    average_overlap: np.ndarray
    jaccard: np.ndarray


def average_overlap(a: np.ndarray, b: np.ndarray, k: int | None = None) -> np.ndarray:
    """Return AO@k = 1/k sum over d = 1 .. k of |a[:d] & b[:d]| / d, shape (pairs,), in [0, 1].

    1 for equal rankings, 0 for rankings that share nothing, and higher where the first places agree.
    Equation 1 of ParaCLIP, appendix B (claim P9).

    Args:
        a: Rankings, (pairs, depth) integers; one ranking may be given as (depth,).
        b: Rankings of the same shape.
        k: How deep to compare; None takes the whole depth.

    Raises:
        InputError: Shapes that differ, an impossible k, or a ranking that lists something twice.
    """
    first, second = _rankings(a, b, k)
    equal = first[:, :, None] == second[:, None, :]
    # A match at places i and j is within both lists from depth max(i, j) on.
    entering = np.tril(equal).sum(axis=2) + np.triu(equal, 1).sum(axis=1)
    depths = np.arange(1, first.shape[1] + 1)
    return (entering.cumsum(axis=1) / depths).mean(axis=1)


def jaccard(a: np.ndarray, b: np.ndarray, k: int | None = None) -> np.ndarray:
    """Return JS@k = |a[:k] & b[:k]| / |a[:k] or b[:k]|, shape (pairs,), in [0, 1]; order counts for nothing.

    Equation 2 of ParaCLIP, appendix B (claim P9).

    Args:
        a: Rankings, (pairs, depth) integers; one ranking may be given as (depth,).
        b: Rankings of the same shape.
        k: How deep to compare; None takes the whole depth.

    Raises:
        InputError: As in `average_overlap`.
    """
    first, second = _rankings(a, b, k)
    shared = (first[:, :, None] == second[:, None, :]).sum(axis=(1, 2))
    return shared / (2 * first.shape[1] - shared)


def overlaps(queries_a: np.ndarray, queries_b: np.ndarray, items: np.ndarray, k: int = K) -> Overlaps:
    """Return both rankings of every pair of queries, and their AO@k and JS@k.

    Args:
        queries_a: Unit rows of the first phrasings, (pairs, dim).
        queries_b: Unit rows of the second phrasings, (pairs, dim).
        items: Unit rows of the pictures, (pictures, dim).
        k: Between 1 and the number of pictures.

    Raises:
        InputError: As in `top_k`, or the phrasings do not pair.
    """
    if np.shape(queries_a) != np.shape(queries_b):
        raise InputError(
            f"queries of shapes {np.shape(queries_a)} and {np.shape(queries_b)} do not pair",
            "encode both phrasings of every wish",
        )
    a, b = top_k(queries_a, items, k), top_k(queries_b, items, k)
    return Overlaps(a, b, average_overlap(a, b), jaccard(a, b))


def paraphrased_retrieval(
    found: Overlaps, *, split: str, name: str = "paraphrased", wishes: np.ndarray | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """Return "split/name/ao@k" and "split/name/js@k": the means over query pairs, with intervals.

    Args:
        found: What `overlaps` gave.
        split: What the queries are to the tower.
        name: Name of the set.
        wishes: (pairs,) which wish each pair phrases; pairs of one wish are then resampled together.
        seed: Seed of the bootstrap.

    Raises:
        InputError: There is no pair, or `wishes` is not one for each.
    """
    k = found.rankings_a.shape[1]
    result = {}
    for kind, values in (("ao", found.average_overlap), ("js", found.jaccard)):
        if wishes is None:
            estimate = bootstrap_interval(values, seed=seed)
        else:
            estimate = accuracy_of(values, wishes, groups="classes", seed=seed)
            estimate = replace(estimate, note=estimate.note.replace("classes", "wishes"))
        result[metric_name(split, name, f"{kind}@{k}")] = estimate
    return result


def _rankings(a: np.ndarray, b: np.ndarray, k: int | None) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.atleast_2d(a), np.atleast_2d(b)
    if first.shape != second.shape or first.ndim != 2 or 0 in first.shape:
        raise InputError(
            f"rankings of shapes {np.shape(a)} and {np.shape(b)} do not pair", "give (pairs, depth) twice"
        )
    depth = first.shape[1]
    if k is not None and not 1 <= k <= depth:
        raise InputError(f"k is {k} with rankings of depth {depth}", f"choose 1 to {depth}")
    cut = first[:, :k], second[:, :k]
    for rankings in cut:
        ordered = np.sort(rankings, axis=1)
        twice = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
        if len(twice):
            row, place = twice[0]
            raise InputError(f"ranking {row} lists {ordered[row, place]} twice", "rank every picture once")
    return cut
