"""Spearman's rho of cosines with people's scores: of pairs of words, of sentences by task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import (
    RESAMPLES,
    Estimate,
    bootstrap_interval,
    drawn_words,
    interval_of,
    metric_name,
)
from lexclip_core.words import normalise

FEWEST_PAIRS = 3  # two pairs correlate perfectly, whatever they are


def spearman_rho(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray | float:
    """Return Spearman's rho along an axis: Pearson's correlation of average ranks; nan for constant input.

    Args:
        x: (..., n) values.
        y: Values of the same shape.
        axis: The axis of length n, which is reduced.

    >>> float(spearman_rho(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4])))
    0.8
    """
    from scipy import stats  # most of a second, and only needed here

    ranks_x, ranks_y = (stats.rankdata(values, axis=axis) for values in (x, y))
    ranks_x -= ranks_x.mean(axis=axis, keepdims=True)
    ranks_y -= ranks_y.mean(axis=axis, keepdims=True)
    scale = np.sqrt((ranks_x**2).sum(axis=axis) * (ranks_y**2).sum(axis=axis))
    with np.errstate(invalid="ignore"):
        rho: np.ndarray = (ranks_x * ranks_y).sum(axis=axis) / scale
    return rho


def spearman(
    cosines: np.ndarray,
    scores: np.ndarray,
    *,
    split: str,
    name: str = "",
    words: Sequence[tuple[str, str]] | None = None,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/name/spearman": rho of cosines with people's scores, bootstrapped over pairs or words.

    Of a task of sentence similarity this is the "all" aggregation, one rho over all pairs of all subsets, as
    SimCSE (Gao et al. 2021, appendix B) and ParaCLIP (claims P11) have it. On sentence embeddings it equals
    sentence-transformers' EmbeddingSimilarityEvaluator, `spearman_cosine`.

    Args:
        cosines: (n,) cosines in [-1, 1]; (2, n) of two towers, before and after tuning: then the value is the
            paired change, the second rho minus the first on the same resamples.
        scores: (n,) what people said; only its order matters.
        split: Which words the pairs are made of (heldout, seen, all, ...), or what sentences are to the
            tower: usually "test".
        name: Name of the set or task; left out of the key where empty.
        words: Both words of each pair, which are then resampled at both ends; None resamples pairs.
        seed: Seed of the bootstrap.

    Raises:
        InputError: Fewer than three pairs, lengths that differ, or a value that is not finite.

    >>> spearman(np.array([0.1, 0.5, 0.9]), np.array([1, 2, 3]), split="test", name="sts-b")[
    ...     "test/sts-b/spearman"
    ... ].value
    1.0
    """
    if len(scores) < FEWEST_PAIRS:
        raise InputError(f"{len(scores)} pairs cannot be ranked", f"give at least {FEWEST_PAIRS} pairs")

    def rho(*columns: np.ndarray, axis: int = -1) -> np.ndarray | float:
        *before, after = (spearman_rho(one, columns[-1], axis) for one in columns[:-1])
        return after - before[0] if before else after

    arrays = (*np.atleast_2d(cosines), np.asarray(scores))
    estimate = bootstrap_interval(arrays, rho, resamples=RESAMPLES if words is None else 2, seed=seed)
    if words is not None:
        counts, number = drawn_words(words, seed=seed)
        taken = [np.repeat(np.arange(len(scores)), count) for count in counts]
        drawn = [float(rho(*(one[rows] for one in arrays))) if len(rows) > 1 else np.nan for rows in taken]
        low, high = interval_of(np.array(drawn), estimate.value)
        note = f"bootstrap over {number} words at both ends, {RESAMPLES} resamples"
        estimate = replace(estimate, low=low, high=high, note=note)
    return {metric_name(split, name, "spearman"): estimate}


def heldout_pairs(pairs: Sequence[tuple[str, str]], seen_words: Collection[str]) -> np.ndarray:
    """Return of which pairs tuning used neither word, (n,) bool; words are compared after normalisation.

    >>> heldout_pairs([("hot", "Ice_Cream"), ("warm", "cold")], {"ice cream", "hot"}).tolist()
    [False, True]
    """
    seen = {normalise(word) for word in seen_words}
    return np.array([not seen & {normalise(word) for word in pair} for pair in pairs], bool)


def macro_mean(measured: Mapping[str, Estimate], *, split: str) -> dict[str, Estimate]:
    """Return "split/sts_mean/spearman": the plain mean of the tasks' rhos, each task resampled by itself.

    Args:
        measured: "split/task/spearman" to its estimate, a task each, as `spearman` returns them.
        split: As in `spearman`.

    Raises:
        InputError: No task.

    >>> measured = {"test/sts12/spearman": Estimate(0.25, 0.2, 0.3, 9), "test/sts-b/spearman": Estimate(0.75)}
    >>> macro_mean(measured, split="test")["test/sts_mean/spearman"].value
    0.5
    """
    if not measured:
        raise InputError("there is no task to average", "give at least one")
    flat = list(measured.values())
    value = float(np.mean([estimate.value for estimate in flat]))
    # Tasks are independent samples, so the variances of their rhos add.
    half = [(estimate.value - estimate.ends[0], estimate.ends[1] - estimate.value) for estimate in flat]
    below, above = np.sqrt(np.sum(np.square(half), axis=0)) / len(flat)
    tasks = ", ".join(name.split("/")[1] for name in measured)
    note = f"mean of {tasks}; intervals combined in quadrature"
    n = sum(estimate.n or 0 for estimate in flat)
    name = metric_name(split, "sts_mean", "spearman")
    return {name: Estimate(value, value - float(below), value + float(above), n, note)}
