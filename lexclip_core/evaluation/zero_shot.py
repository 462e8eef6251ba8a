"""Pictures sorted by the words they are nearest to: accuracy, comparison, confusion, and what renaming costs.

All are functions of arrays: unit rows of pictures, unit rows of classes, and the pictures' classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.evaluation.hits import Difference, Groups, accuracy_of, difference
from lexclip_core.evaluation.statistics import Estimate, metric_name
from lexclip_core.evaluation.zero_shot_weights import TEMPLATES, class_weights

__all__ = [
    "TEMPLATES",
    "Difference",
    "Drop",
    "accuracy",
    "accuracy_of",
    "class_weights",
    "confusion",
    "correct",
    "difference",
    "lexical_drop",
    "zero_shot_grid",
]

_BLOCK = 8192


@dataclass(frozen=True)
class Drop:
    """What is lost when names are replaced.

    Args:
        absolute: Accuracy with the original names minus accuracy with the others.
        relative: The same as a share of the accuracy with the original names; NaN where that is 0.
    """

    absolute: float
    relative: float


def correct(features: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int = 1) -> np.ndarray:
    """Return whether a picture's class is among the k nearest, shape (pictures,), bool.

    Of two classes equally near, the one listed first counts as nearer, as in `argmax`.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        weights: Unit rows of the classes, (classes, dim).
        labels: Each picture's class, places in `weights`.
        k: Between 1 and the number of classes.

    Raises:
        InputError: Shapes or values that do not fit, a picture without a class, or an impossible k.
    """
    labels = _checked(features, weights, labels)
    if not 1 <= k <= len(weights):
        raise InputError(f"k is {k} with {len(weights)} classes", f"choose 1 to {len(weights)}")
    ranks = np.empty(len(labels), dtype=np.int64)
    for start in range(0, len(labels), _BLOCK):
        block = slice(start, start + _BLOCK)
        cosines, mine = features[block] @ weights.T, labels[block, None]
        own = np.take_along_axis(cosines, mine, axis=1)
        before = (cosines == own) & (np.arange(len(weights)) < mine)
        ranks[block] = ((cosines > own) | before).sum(axis=1)
    return ranks < k


def accuracy(
    features: np.ndarray,
    weights: np.ndarray,
    labels: np.ndarray,
    *,
    k: int = 1,
    groups: Groups = "classes",
    seed: int = 0,
) -> Estimate:
    """Return the share of pictures whose class is among the k nearest, with its 95 % bootstrap interval.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        weights: Unit rows of the classes, (classes, dim).
        labels: Each picture's class, places in `weights`.
        k: Between 1 and the number of classes.
        groups: What is drawn: `classes`, each with all its pictures (another set of classes could have been
            chosen), or `pictures` (these classes are the question).
        seed: Seed of the draw.

    Raises:
        InputError: As in `correct`, or `groups` is unknown.
    """
    return accuracy_of(correct(features, weights, labels, k), labels, groups=groups, seed=seed)


def confusion(features: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many pictures of each class (rows) were nearest to each class (columns), int64.

    Raises:
        InputError: As in `correct`.
    """
    labels = _checked(features, weights, labels)
    blocks = [
        (features[start : start + _BLOCK] @ weights.T).argmax(axis=1)
        for start in range(0, len(labels), _BLOCK)
    ]
    size = len(weights)
    return np.bincount(labels * size + np.concatenate(blocks), minlength=size**2).reshape(size, size)


def zero_shot_grid(
    features: np.ndarray,
    labels: np.ndarray,
    weights: Mapping[str, Mapping[str, np.ndarray]],
    *,
    split: str = "all",
    ks: Sequence[int] = (1, 5),
    seed: int = 0,
) -> pd.DataFrame:
    """Return the accuracy of every tower under every set of names, one row a measurement.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        labels: Each picture's class.
        weights: Tower -> names -> unit rows of the classes.
        split: What the metrics' names begin with.
        ks: Which top-k to measure; those that reach the number of classes are left out.
        seed: Seed of the intervals, drawn over classes.

    Returns:
        Columns tower, names, metric, value, low, high, n.

    Raises:
        InputError: As in `correct`.
    """
    rows: list[dict[str, Any]] = []
    for tower, by_names in weights.items():
        for names, classes in by_names.items():
            for k in (k for k in ks if k == 1 or k < len(classes)):
                found = accuracy(features, classes, labels, k=k, seed=seed)
                metric = metric_name(split, "zero-shot", f"top-{k}")
                measured = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
                rows.append({"tower": tower, "names": names, "metric": metric, **measured})
    return pd.DataFrame(rows, columns=["tower", "names", "metric", "value", "low", "high", "n"])


def lexical_drop(original: float, replaced: float) -> Drop:
    """Return how much accuracy is lost when original names give way to others.

    Raises:
        InputError: An accuracy outside [0, 1].
    """
    for value in (original, replaced):
        if not 0 <= value <= 1:
            raise InputError(f"{value} is no accuracy", "give shares between 0 and 1, not per cent")
    lost = original - replaced
    return Drop(lost, lost / original if original > 0 else math.nan)


def _checked(features: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shapes = np.shape(features), np.shape(weights), np.shape(labels)
    fits = [len(shape) for shape in shapes] == [2, 2, 1]
    if not fits or shapes[0][1] != shapes[1][1] or shapes[0][0] != shapes[2][0]:
        raise InputError(
            f"pictures {shapes[0]}, classes {shapes[1]} and labels {shapes[2]} do not fit together",
            "give (pictures, dim), (classes, dim) of the same dim, and (pictures,)",
        )
    _check_labels(labels, shapes[1][0])
    for what, rows in (("pictures", features), ("classes", weights)):
        if not np.isfinite(rows).all():
            raise InputError(f"a row of the {what} is not finite", "encode them again")
    return np.asarray(labels, dtype=np.int64)


def _check_labels(labels: np.ndarray, classes: int) -> None:
    if not len(labels):
        raise InputError("there are no pictures", "give at least one")
    if not np.issubdtype(np.asarray(labels).dtype, np.integer):
        raise InputError(f"labels of type {np.asarray(labels).dtype}", "give whole numbers")
    wrong = [int(label) for label in (np.min(labels), np.max(labels)) if not 0 <= label < classes]
    if wrong:
        raise InputError(
            f"label {wrong[0]} is none of the {classes} classes",
            "leave out pictures whose class is unknown" if wrong[0] < 0 else "number the classes from 0",
        )
