"""How far tuning moved the words: neighbourhoods kept, and cosine to where each word was."""

from __future__ import annotations

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import RESAMPLES, Estimate, bootstrap_interval, metric_name

_BLOCK = 1024


def neighbour_overlaps(before: np.ndarray, after: np.ndarray, *, k: int = 10) -> np.ndarray:
    """Return the share of each word's k nearest words that tuning kept, (n,) float64 in [0, 1].

    Exact, by cosine in the original space; a word is not its own neighbour.

    Args:
        before: (n, dim) unit rows.
        after: (n, dim') unit rows of the same words.
        k: Neighbours looked at, from 1 to n - 1.

    Raises:
        InputError: The rows do not pair, or k is out of range.
    """
    if before.ndim != 2 or after.ndim != 2 or len(before) != len(after):
        raise InputError(
            f"rows of shapes {before.shape} and {after.shape} do not pair", "encode the same words"
        )
    n = len(before)
    if not 1 <= k < n:
        raise InputError(f"k is {k} for {n} words", f"k lies between 1 and {n - 1}")
    kept = np.empty(n)
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        member = np.zeros((len(rows), n), bool)
        np.put_along_axis(member, _nearest(before, rows, k), values=True, axis=1)
        kept[rows] = np.take_along_axis(member, _nearest(after, rows, k), axis=1).sum(axis=1) / k
    return kept


def _nearest(vectors: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -np.inf
    return np.argpartition(-cosines, k - 1, axis=1)[:, :k]


def neighbour_overlap(
    before: np.ndarray,
    after: np.ndarray,
    *,
    k: int = 10,
    split: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/neighbour_overlap@k": the mean of `neighbour_overlaps`, bootstrapped over words.

    Args:
        before: (n, dim) unit rows.
        after: (n, dim') unit rows of the same words.
        k: Neighbours looked at.
        split: Which words: heldout, seen, all, ...
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: As in `neighbour_overlaps`.
    """
    kept = neighbour_overlaps(before, after, k=k)
    estimate = bootstrap_interval(kept, np.mean, resamples=resamples, seed=seed)
    return {metric_name(split, f"neighbour_overlap@{k}"): estimate}


def drift(
    before: np.ndarray, after: np.ndarray, *, split: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """Return "split/drift": the mean of 1 - cosine of each word with its own vector before, in [0, 2].

    Args:
        before: (n, dim) unit rows.
        after: (n, dim) unit rows of the same words.
        split: Which words: heldout, seen, all, ...
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: The shapes differ, or there is no word.
    """
    if before.shape != after.shape:
        raise InputError(
            f"rows of shapes {before.shape} and {after.shape} do not pair", "encode the same words"
        )
    moved = 1 - np.einsum("nd,nd->n", before, after, dtype=np.float64).clip(-1, 1)
    estimate = bootstrap_interval(moved, np.mean, resamples=resamples, seed=seed)
    return {metric_name(split, "drift"): estimate}
