"""Semantic textual similarity: Spearman's rho of cosines with people's scores, as papers aggregate it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import RESAMPLES, Estimate, metric_name
from lexclip_core.evaluation.word_similarity import spearman, spearman_rho

Aggregation = Literal["all", "mean", "weighted_mean"]

_FEWEST = 3


def sts(
    cosines: np.ndarray,
    scores: np.ndarray,
    *,
    split: str,
    task: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/task/spearman" in the "all" aggregation: one rho over all pairs of all subsets.

    The aggregation of SimCSE (Gao et al. 2021, appendix B) and ParaCLIP (claims P11). On sentence embeddings
    it equals sentence-transformers' EmbeddingSimilarityEvaluator, `spearman_cosine`.

    Args:
        cosines: (n,) cosines of the sentence pairs.
        scores: (n,) what people said.
        split: What the sentences are to the tower: usually "test".
        task: Name of the task: sts12, ..., sts-b, sick-r.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: Fewer than three pairs, lengths that differ, or a value that is not finite.
    """
    return spearman(cosines, scores, split=split, name=task, resamples=resamples, seed=seed)


def sts_by_subset(
    cosines: np.ndarray, scores: np.ndarray, subsets: Sequence[str], *, split: str, task: str, seed: int = 0
) -> dict[str, Estimate]:
    """Return "split/task/subset/spearman" for each subset, in order of first appearance.

    Args:
        cosines: (n,) cosines of the sentence pairs.
        scores: (n,) what people said.
        subsets: (n,) the part that each pair is from.
        split: As in `sts`.
        task: As in `sts`.
        seed: Seed of the bootstrap.

    Raises:
        InputError: The lengths differ, or a subset has fewer than three pairs.
    """
    result: dict[str, Estimate] = {}
    for subset, chosen in _members(cosines, scores, subsets):
        name = f"{task}/{subset}"
        result |= spearman(cosines[chosen], scores[chosen], split=split, name=name, seed=seed)
    return result


def aggregate(
    cosines: np.ndarray, scores: np.ndarray, subsets: Sequence[str], aggregation: Aggregation = "all"
) -> float:
    """Return one rho of a task: over all pairs at once, or the (weighted) mean of its subsets' rhos.

    Papers that print "mean" or "weighted mean" cannot be held against those that print "all".

    Raises:
        InputError: Unknown aggregation, lengths that differ, or a subset of fewer than three pairs.
    """
    if aggregation not in _AGGREGATIONS:
        raise InputError(f"unknown aggregation {aggregation!r}", f"choose from {', '.join(_AGGREGATIONS)}")
    members = [chosen for _, chosen in _members(cosines, scores, subsets)]
    return _AGGREGATIONS[aggregation](np.asarray(cosines), np.asarray(scores), members)


def macro_mean(
    tasks: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    split: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/sts_mean/spearman": the plain mean of the tasks' rhos, each task resampled by itself.

    Args:
        tasks: Name of each task to its cosines and scores.
        split: As in `sts`.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap; task number i of the mapping uses seed + i.

    Raises:
        InputError: No task, or as in `sts`.
    """
    if not tasks:
        raise InputError("there is no task to average", "give at least one")
    estimates = [
        spearman(*arrays, split=split, name=name, resamples=resamples, seed=seed + number)
        for number, (name, arrays) in enumerate(tasks.items())
    ]
    return macro_of({key: value for one in estimates for key, value in one.items()}, split=split)


def macro_of(measured: Mapping[str, Estimate], *, split: str) -> dict[str, Estimate]:
    """Return `macro_mean` of tasks that `sts` has measured, nothing resampled again.

    Args:
        measured: "split/task/spearman" to its estimate, a task each.
        split: As in `sts`.

    Raises:
        InputError: No task.
    """
    if not measured:
        raise InputError("there is no task to average", "give at least one")
    flat = list(measured.values())
    value = float(np.mean([estimate.value for estimate in flat]))
    # Tasks are independent samples, so the variances of their rhos add.
    half = [np.array([estimate.value - estimate.low, estimate.high - estimate.value]) for estimate in flat]
    below, above = np.sqrt(np.sum(np.square(half), axis=0)) / len(flat)
    tasks = ", ".join(name.split("/")[1] for name in measured)
    note = f"mean of {tasks}; intervals combined in quadrature"
    n = sum(estimate.n for estimate in flat)
    name = metric_name(split, "sts_mean", "spearman")
    return {name: Estimate(value, value - float(below), value + float(above), n, note)}


def _members(cosines: np.ndarray, scores: np.ndarray, subsets: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    if not len(cosines) == len(scores) == len(subsets):
        raise InputError(f"{len(cosines)} cosines, {len(scores)} scores, {len(subsets)} subsets do not pair")
    labels = np.asarray(subsets)
    members = [(subset, np.flatnonzero(labels == subset)) for subset in dict.fromkeys(subsets)]
    small = next((subset for subset, chosen in members if len(chosen) < _FEWEST), None)
    if small is not None or not members:
        raise InputError(f"subset {small!r} has fewer than {_FEWEST} pairs", "they cannot be ranked")
    return members


def _mean(cosines: np.ndarray, scores: np.ndarray, members: list[np.ndarray]) -> float:
    return float(np.mean([spearman_rho(cosines[chosen], scores[chosen]) for chosen in members]))


def _weighted_mean(cosines: np.ndarray, scores: np.ndarray, members: list[np.ndarray]) -> float:
    rhos = [float(spearman_rho(cosines[chosen], scores[chosen])) for chosen in members]
    return float(np.average(rhos, weights=[len(chosen) for chosen in members]))


_AGGREGATIONS: dict[str, Callable[[np.ndarray, np.ndarray, list[np.ndarray]], float]] = {
    "all": lambda cosines, scores, _: float(spearman_rho(cosines, scores)),
    "mean": _mean,
    "weighted_mean": _weighted_mean,
}
