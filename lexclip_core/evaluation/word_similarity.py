"""Agreement with people on word pairs: Spearman's rho, its change under tuning, held-out by word."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, get_args

import numpy as np
from scipy import stats

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import RESAMPLES, Estimate, bootstrap_interval, metric_name
from lexclip_core.words import normalise

Part = Literal["seen", "half", "heldout"]

_FEWEST = 3  # two pairs correlate perfectly, whatever they are


def row_cosines(rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
    """Return the cosine of each row of one matrix with the same row of another, (n,) float64 in [-1, 1].

    Args:
        rows_a: (n, dim) unit rows.
        rows_b: (n, dim) unit rows.

    Raises:
        InputError: The shapes differ.
    """
    if rows_a.shape != rows_b.shape or rows_a.ndim != 2:
        raise InputError(f"rows of shapes {rows_a.shape} and {rows_b.shape} do not pair", "encode both sides")
    return np.einsum("nd,nd->n", rows_a, rows_b, dtype=np.float64).clip(-1, 1)


def spearman_rho(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray | float:
    """Return Spearman's rho along an axis: Pearson's correlation of average ranks; nan for constant input."""
    ranks_x, ranks_y = (stats.rankdata(values, axis=axis) for values in (x, y))
    ranks_x -= ranks_x.mean(axis=axis, keepdims=True)
    ranks_y -= ranks_y.mean(axis=axis, keepdims=True)
    scale = np.sqrt((ranks_x**2).sum(axis=axis) * (ranks_y**2).sum(axis=axis))
    with np.errstate(invalid="ignore"):
        return (ranks_x * ranks_y).sum(axis=axis) / scale


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

    Args:
        cosines: (n,) cosines in [-1, 1].
        scores: (n,) what people said; only its order matters.
        split: Which words the pairs are made of: heldout, seen, all, ...
        name: Name of the set; left out of the key where empty.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: Fewer than three pairs, lengths that differ, or a value that is not finite.
    """
    if len(cosines) < _FEWEST:
        raise InputError(f"{len(cosines)} pairs cannot be ranked", f"give at least {_FEWEST} pairs")
    estimate = bootstrap_interval((cosines, scores), spearman_rho, resamples=resamples, seed=seed)
    return {metric_name(split, name, "spearman"): estimate}


def spearman_change(
    cosines: tuple[np.ndarray, np.ndarray],
    scores: np.ndarray,
    *,
    split: str,
    name: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/name/spearman_change": rho after minus rho before, the same pairs resampled for both.

    Args:
        cosines: Before and after, (n,) each.
        scores: (n,) what people said.
        split: As in `spearman`.
        name: As in `spearman`.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: As in `spearman`.
    """
    before, after = cosines
    if len(scores) < _FEWEST:
        raise InputError(f"{len(scores)} pairs cannot be ranked", f"give at least {_FEWEST} pairs")

    def change(x: np.ndarray, y: np.ndarray, z: np.ndarray, axis: int = -1) -> np.ndarray | float:
        return spearman_rho(y, z, axis) - spearman_rho(x, z, axis)

    estimate = bootstrap_interval((before, after, scores), change, resamples=resamples, seed=seed)
    return {metric_name(split, name, "spearman_change"): estimate}


def split_by_words(pairs: Sequence[tuple[str, str]], seen_words: Collection[str]) -> tuple[Part, ...]:
    """Say of each pair whether tuning used both of its words ("seen"), one ("half"), or neither ("heldout").

    Words are compared after normalisation, so "Ice_Cream" is "ice cream".
    """
    seen = {normalise(word) for word in seen_words}
    names: tuple[Part, ...] = ("heldout", "half", "seen")
    return tuple(names[(normalise(a) in seen) + (normalise(b) in seen)] for a, b in pairs)


def spearman_by_part(
    cosines: np.ndarray,
    scores: np.ndarray,
    parts: Sequence[Part],
    *,
    name: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return `spearman` of all pairs ("all/...") and of each part that has at least three pairs.

    Args:
        cosines: (n,) cosines.
        scores: (n,) what people said.
        parts: (n,) as `split_by_words` gives them.
        name: Name of the set.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        InputError: The lengths differ, or there are fewer than three pairs in all.
    """
    if not len(cosines) == len(scores) == len(parts):
        raise InputError(f"{len(cosines)} cosines, {len(scores)} scores and {len(parts)} parts do not pair")
    result = spearman(cosines, scores, split="all", name=name, resamples=resamples, seed=seed)
    labels = np.asarray(parts)
    for part in get_args(Part):
        chosen = labels == part
        if chosen.sum() >= _FEWEST:
            result |= spearman(
                cosines[chosen], scores[chosen], split=part, name=name, resamples=resamples, seed=seed
            )
    return result
