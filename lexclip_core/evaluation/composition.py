"""Tests of composition: is a picture nearer to its true caption than to one with a part exchanged?

All are functions of unit rows. A tie is a miss, as in the published evaluations.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import (
    RESAMPLES,
    Estimate,
    interval_of,
    metric_name,
    wilson_interval,
)
from lexclip_core.evaluation.word_similarity import row_cosines

ARO_FEWEST_ATTRIBUTES = 25
"""The fewest items of a pair of attributes that counts in ARO's macro accuracy of VG-A."""

_RELATIONS = """
above, at, behind, below, beneath, in, in front of, inside, on, on top of, to the left of, to the right of,
under, carrying, covered by, covered in, covered with, covering, cutting, eating, feeding, grazing on,
hanging on, holding, leaning against, leaning on, looking at, lying in, lying on, parked on, pulled by,
pulling, reflected in, resting on, riding, sitting at, sitting in, sitting on, sitting on top of, standing
by, standing in, standing on, surrounded by, using, walking in, walking on, watching, wearing
"""
ARO_RELATIONS = frozenset(relation.strip() for relation in _RELATIONS.split(","))
"""The 48 relations that count in ARO's macro accuracy of VG-R: its file also has symmetric and rare ones."""


def prefers_true(pictures: np.ndarray, true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Return whether each picture is nearer to its true caption, (n,) bool: ARO and SugarCrepe (claim P10).

    Args:
        pictures: Unit rows, (n, dim).
        true: Unit rows of the true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.
    """
    return row_cosines(pictures, true) > row_cosines(pictures, false)


def prefers_both(
    pictures: np.ndarray, true: np.ndarray, paraphrase: np.ndarray, false: np.ndarray
) -> np.ndarray:
    """Return whether a picture is nearer to both true captions than to the false one, (n,) bool.

    The image-text test (ITT) of SugarCrepe++.

    Args:
        pictures: Unit rows, (n, dim).
        true: Unit rows of the first true captions, (n, dim).
        paraphrase: Unit rows of the second true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.
    """
    return prefers_true(pictures, true, false) & prefers_true(pictures, paraphrase, false)


def prefers_paraphrase(true: np.ndarray, paraphrase: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Return whether the two true captions are nearer to each other than either is to the false, (n,) bool.

    The text-only test (TOT) of SugarCrepe++; no picture is looked at.

    Args:
        true: Unit rows of the first true captions, (n, dim).
        paraphrase: Unit rows of the second true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.
    """
    together = row_cosines(true, paraphrase)
    return (together > row_cosines(true, false)) & (together > row_cosines(paraphrase, false))


def composition_accuracy(
    hits: np.ndarray,
    groups: Sequence[str],
    *,
    split: str,
    name: str,
    fewest: int = 1,
    macro_over: Collection[str] | None = None,
) -> dict[str, Estimate]:
    """Return "split/name/micro", the share of hits, and "split/name/macro", the mean of the groups' shares.

    ARO reports macro, over `ARO_RELATIONS` (VG-R) and over pairs of attributes with at least 25 items (VG-A);
    ParaCLIP does not say which it prints (claim D26). The interval of macro resamples within each group.

    Args:
        hits: (n,) bool.
        groups: (n,) the relation, attributes or kind of each item.
        split: What the captions are to the tower.
        name: Name of the set.
        fewest: Groups with fewer items count in micro alone.
        macro_over: The groups that macro is the mean of; None takes all.

    Raises:
        InputError: No item, lengths that differ, or no group is large enough.
    """
    names, sums, counts = _tally(hits, groups)
    kept = counts >= fewest
    if macro_over is not None:
        kept &= np.isin(names, list(macro_over))
    if not kept.any():
        raise InputError(
            f"{name}: none of {len(names)} groups counts in macro; the largest has {counts.max()} items",
            f"lower `fewest`, which is {fewest}, or widen `macro_over`",
        )
    return {
        metric_name(split, name, "micro"): wilson_interval(int(sums.sum()), int(counts.sum())),
        metric_name(split, name, "macro"): _macro(sums[kept], counts[kept]),
    }


def accuracy_by_group(
    hits: np.ndarray, groups: Sequence[str], *, split: str, name: str
) -> dict[str, Estimate]:
    """Return "split/name/group/accuracy" of every group, in alphabetical order, with Wilson intervals.

    Args:
        hits: (n,) bool.
        groups: (n,) the relation, attributes or kind of each item.
        split: What the captions are to the tower.
        name: Name of the set.

    Raises:
        InputError: No item, or lengths that differ.
    """
    return {
        metric_name(split, name, str(group), "accuracy"): wilson_interval(int(right), int(count))
        for group, right, count in zip(*_tally(hits, groups), strict=True)
    }


def _tally(hits: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if np.ndim(hits) != 1 or len(hits) != len(groups) or not len(hits):
        raise InputError(
            f"hits of shape {np.shape(hits)} and {len(groups)} groups do not pair", "give one of each an item"
        )
    names, place, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return names, np.bincount(place, weights=np.asarray(hits, np.float64)).astype(np.int64), counts


def _macro(sums: np.ndarray, counts: np.ndarray) -> Estimate:
    shares = sums / counts
    value = float(shares.mean())
    # Resampling n hits of which a share p is right draws a binomial count.
    drawn = np.random.default_rng(0).binomial(counts, shares, size=(RESAMPLES, len(counts))) / counts
    low, high = interval_of(drawn.mean(axis=1), value)
    note = f"mean of {len(counts)} groups; bootstrap within each, {RESAMPLES} resamples"
    return Estimate(value, low, high, int(counts.sum()), note)
