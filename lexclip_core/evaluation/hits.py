"""Which pictures were named right, as a share with its interval, and two namings of them compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import (
    RESAMPLES,
    Estimate,
    bootstrap_interval,
    paired_permutation,
)

Groups = Literal["pictures", "classes"]
Scores = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Difference(Estimate):
    """A change of accuracy with its 95 % interval.

    Args:
        p: Two-sided p-value of the paired permutation test.
    """

    p: float = math.nan

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the entry that a run's metrics.json holds, `p` included."""
        return {**super().as_dict(), "p": self.p}


def accuracy_of(
    hits: np.ndarray, labels: np.ndarray, *, groups: Groups = "classes", seed: int = 0
) -> Estimate:
    """Return the share of hits with its 95 % bootstrap interval; as `accuracy`, from what `correct` gave.

    Raises:
        InputError: Lengths that differ, no picture, or an unknown `groups`.
    """
    sums, counts = _grouped(groups, labels, hits)
    estimate = bootstrap_interval((sums, counts), _ratio, seed=seed)
    return dataclasses.replace(estimate, n=len(hits), note=_note(groups, estimate, len(sums)))


def difference(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    labels: np.ndarray,
    *,
    groups: Groups = "classes",
    seed: int = 0,
) -> Difference:
    """Return accuracy b minus accuracy a on the same pictures, its 95 % interval and a paired p-value.

    Both resample `groups`: the interval draws them with replacement; the test swaps a and b in each, all
    pictures of a class together, because pictures of one class share its name's luck.

    Args:
        correct_a: What `correct` gave before, (pictures,).
        correct_b: What it gave after.
        labels: Each picture's class.
        groups: `classes` or `pictures`.
        seed: Seed of both draws.

    Raises:
        InputError: Lengths that differ, no picture, or an unknown `groups`.
    """
    before, counts = _grouped(groups, labels, correct_a)
    after, _ = _grouped(groups, labels, correct_b)
    estimate = bootstrap_interval((after - before, counts), _ratio, seed=seed)
    changed = before != after  # what did not change is the same either way round
    p = paired_permutation(before[changed], after[changed], seed=seed) if changed.any() else 1.0
    note = _note(groups, estimate, len(counts))
    return Difference(estimate.value, estimate.low, estimate.high, len(correct_a), note, p)


def _by_picture(labels: np.ndarray, values: np.ndarray) -> Scores:
    return values, np.ones(len(values))


def _by_class(labels: np.ndarray, values: np.ndarray) -> Scores:
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.bincount(place, weights=values), counts.astype(np.float64)


_GROUPS: dict[str, Callable[[np.ndarray, np.ndarray], Scores]] = {
    "pictures": _by_picture,
    "classes": _by_class,
}


def _grouped(groups: str, labels: np.ndarray, hits: np.ndarray) -> Scores:
    """Return (hits, pictures) of each group that has pictures."""
    if groups not in _GROUPS:
        raise InputError(f"unknown groups {groups!r}", f"choose one of: {', '.join(_GROUPS)}")
    if np.ndim(hits) != 1 or np.shape(hits) != np.shape(labels):
        raise InputError(
            f"hits {np.shape(hits)} and labels {np.shape(labels)} do not fit", "give one of each a picture"
        )
    return _GROUPS[groups](np.asarray(labels), np.asarray(hits, dtype=np.float64))


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def _note(groups: str, estimate: Estimate, count: int) -> str:
    if count == 1:
        return estimate.note
    return f"bootstrap over {count} {groups}, {RESAMPLES} resamples"
