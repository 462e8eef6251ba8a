"""Spearman's rho of cosines with people's scores: of word pairs by what tuning saw, of sentences by task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import RESAMPLES, Estimate, bootstrap_interval, metric_name
from lexclip_core.words import normalise

PairExposure = Literal["seen", "half", "heldout"]
StsAggregation = Literal["all", "mean", "weighted_mean"]

_FEWEST = 3  # two pairs correlate perfectly, whatever they are


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
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/name/spearman": rho of cosines with people's scores, bootstrapped over pairs.

    Of a task of sentence similarity this is the "all" aggregation, one rho over all pairs of all subsets, as
    SimCSE (Gao et al. 2021, appendix B) and ParaCLIP (claims P11) have it. On sentence embeddings it equals
    sentence-transformers' EmbeddingSimilarityEvaluator, `spearman_cosine`.

    Args:
        cosines: (n,) cosines in [-1, 1].
        scores: (n,) what people said; only its order matters.
        split: Which words the pairs are made of (heldout, seen, all, ...), or what sentences are to the
            tower: usually "test".
        name: Name of the set or task; left out of the key where empty.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: Fewer than three pairs, lengths that differ, or a value that is not finite.

    >>> spearman(np.array([0.1, 0.5, 0.9]), np.array([1, 2, 3]), split="test", name="sts-b")[
    ...     "test/sts-b/spearman"
    ... ].value
    1.0
    """
    _check_count(len(cosines))
    estimate = bootstrap_interval((cosines, scores), spearman_rho, resamples=resamples, seed=seed)
    return {metric_name(split, name, "spearman"): estimate}


def spearman_change(
    cosines: tuple[np.ndarray, np.ndarray], scores: np.ndarray, *, split: str, name: str = "", seed: int = 0
) -> dict[str, Estimate]:
    """Return "split/name/spearman_change": rho after minus rho before, the same pairs resampled for both.

    Args:
        cosines: Before and after, (n,) each.
        scores: (n,) what people said.
        split: As in `spearman`.
        name: As in `spearman`.
        seed: Seed of the bootstrap.

    Raises:
        InputError: As in `spearman`.

    >>> before, after = np.array([0.9, 0.5, 0.1]), np.array([0.1, 0.5, 0.9])
    >>> spearman_change((before, after), np.array([1, 2, 3]), split="all")["all/spearman_change"].value
    2.0
    """
    _check_count(len(scores))

    def change(x: np.ndarray, y: np.ndarray, z: np.ndarray, axis: int = -1) -> np.ndarray | float:
        return spearman_rho(y, z, axis) - spearman_rho(x, z, axis)

    estimate = bootstrap_interval((*cosines, scores), change, seed=seed)
    return {metric_name(split, name, "spearman_change"): estimate}


def _check_count(pairs: int) -> None:
    if pairs < _FEWEST:
        raise InputError(f"{pairs} pairs cannot be ranked", f"give at least {_FEWEST} pairs")


def split_by_words(pairs: Sequence[tuple[str, str]], seen_words: Collection[str]) -> tuple[PairExposure, ...]:
    """Say of each pair whether tuning used both of its words ("seen"), one ("half"), or neither ("heldout").

    Words are compared after normalisation.

    >>> split_by_words([("hot", "Ice_Cream"), ("hot", "cold")], {"ice cream", "hot"})
    ('seen', 'half')
    """
    seen = {normalise(word) for word in seen_words}
    names: tuple[PairExposure, ...] = ("heldout", "half", "seen")
    return tuple(names[(normalise(a) in seen) + (normalise(b) in seen)] for a, b in pairs)


def spearman_by_part(
    cosines: np.ndarray, scores: np.ndarray, parts: Sequence[PairExposure], *, name: str = "", seed: int = 0
) -> dict[str, Estimate]:
    """Return `spearman` of all pairs ("all/...") and of each part that has at least three pairs.

    Args:
        cosines: (n,) cosines.
        scores: (n,) what people said.
        parts: (n,) as `split_by_words` gives them.
        name: Name of the set.
        seed: Seed of the bootstrap.

    Raises:
        InputError: The lengths differ, or there are fewer than three pairs in all.

    >>> cosines = np.array([0.1, 0.5, 0.9, 0.2])
    >>> list(spearman_by_part(cosines, cosines, ("heldout", "heldout", "heldout", "seen"), name="men"))
    ['all/men/spearman', 'heldout/men/spearman']
    """
    if not len(cosines) == len(scores) == len(parts):
        raise InputError(
            f"{len(cosines)} cosines, {len(scores)} scores and {len(parts)} parts do not pair",
            "give one of each per pair",
        )
    result = spearman(cosines, scores, split="all", name=name, seed=seed)
    labels = np.asarray(parts)
    for part in get_args(PairExposure):
        chosen = labels == part
        if chosen.sum() >= _FEWEST:
            result |= spearman(cosines[chosen], scores[chosen], split=part, name=name, seed=seed)
    return result


def aggregated_rho(
    cosines: np.ndarray, scores: np.ndarray, subsets: Sequence[str], aggregation: StsAggregation = "all"
) -> float:
    """Return one rho of a task: over all pairs at once, or the (weighted) mean of its subsets' rhos.

    Papers that print "mean" or "weighted mean" cannot be compared with those that print "all".

    Args:
        cosines: (n,) cosines of the sentence pairs.
        scores: (n,) what people said.
        subsets: (n,) the part that each pair is from.
        aggregation: all, mean or weighted_mean (by pairs).

    Raises:
        InputError: Unknown aggregation, lengths that differ, or a subset of fewer than three pairs.

    >>> cosines, scores = np.array([0.7, 0.8, 0.9, 0.1, 0.2, 0.3]), np.array([1, 2, 3, 3, 4, 5])
    >>> aggregated_rho(cosines, scores, "xxxyyy", "mean"), aggregated_rho(cosines, scores, "xxxyyy") < 0
    (1.0, True)
    """
    if aggregation not in _AGGREGATIONS:
        raise InputError(f"unknown aggregation {aggregation!r}", f"choose from {', '.join(_AGGREGATIONS)}")
    members = _members(cosines, scores, subsets)
    return _AGGREGATIONS[aggregation](np.asarray(cosines), np.asarray(scores), members)


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


def _members(cosines: np.ndarray, scores: np.ndarray, subsets: Sequence[str]) -> list[np.ndarray]:
    if not len(cosines) == len(scores) == len(subsets):
        raise InputError(
            f"{len(cosines)} cosines, {len(scores)} scores, {len(subsets)} subsets do not pair",
            "give one of each per pair",
        )
    labels = np.asarray(list(subsets))
    members = {subset: np.flatnonzero(labels == subset) for subset in dict.fromkeys(subsets)}
    small = next((subset for subset, chosen in members.items() if len(chosen) < _FEWEST), None)
    if small is not None or not members:
        raise InputError(f"subset {small!r} has fewer than {_FEWEST} pairs", "they cannot be ranked")
    return list(members.values())


def _rhos(cosines: np.ndarray, scores: np.ndarray, members: list[np.ndarray]) -> list[float]:
    return [float(spearman_rho(cosines[chosen], scores[chosen])) for chosen in members]


_AGGREGATIONS: dict[str, Callable[[np.ndarray, np.ndarray, list[np.ndarray]], float]] = {
    "all": lambda cosines, scores, _: float(spearman_rho(cosines, scores)),
    "mean": lambda cosines, scores, members: float(np.mean(_rhos(cosines, scores, members))),
    "weighted_mean": lambda cosines, scores, members: float(
        np.average(_rhos(cosines, scores, members), weights=[len(chosen) for chosen in members])
    ),
}
