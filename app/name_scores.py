"""Unit rows of pictures and of names -> the tables of the Names page: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lexclip_core.evaluation import intervals, zero_shot

ORIGINAL, NOW = "original names", "names now"
RIGHT, WRONG = "✓", "✗"
TOP = 5
Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Measured:
    """How often each tower is right with the original names and with the names now.

    Args:
        rows: A row per tower and set of names: run (the names), metric (the tower), value, low, high, n; the
            names now are left out where they are the original ones.
        changes: Tower -> accuracy with the names now minus accuracy with the original ones.
    """

    rows: pd.DataFrame
    changes: dict[str, intervals.Estimate]


def measure(
    features: np.ndarray,
    labels: np.ndarray,
    original: Rows,
    now: Rows | None,
    *,
    groups: intervals.ResampledBy = "classes",
) -> Measured:
    """Return each tower's accuracy with both sets of names, with 95 % intervals.

    Args:
        features: Unit rows of the pictures.
        labels: Each picture's class.
        original: Tower -> unit rows of the classes under their original names.
        now: The same for the names now; None where they are the same names.
        groups: What intervals draw.
    """
    rows, changes = [], {}
    for tower, weights in original.items():
        before = zero_shot.correct(features, weights, labels)
        hits = {ORIGINAL: before}
        if now is not None:
            hits[NOW] = zero_shot.correct(features, now[tower], labels)
            changes[tower] = intervals.accuracy_change(before, hits[NOW], labels, groups=groups)
        for names, right in hits.items():
            found = intervals.accuracy_of(right, labels, groups=groups)
            rows.append((names, f"{tower} tower", found.value, found.low, found.high, found.n))
    return Measured(pd.DataFrame(rows, columns=["run", "metric", "value", "low", "high", "n"]), changes)


def ranking(feature: np.ndarray, weights: Rows, names: Sequence[str], label: int) -> pd.DataFrame:
    """Return the names nearest to one picture for `figures.rankings`, the right one too where it is lower.

    Args:
        feature: The picture's unit row.
        weights: Tower -> unit rows of the names.
        names: The names.
        label: The place of the picture's own name, -1 where unknown.
    """
    rows = []
    for tower, classes in weights.items():
        cosines = classes @ feature
        order = np.argsort(-cosines, kind="stable")
        for rank, place in enumerate(order.tolist(), start=1):
            if rank <= TOP or place == label:
                rows.append((tower, rank, names[place], float(cosines[place]), place == label))
    return pd.DataFrame(rows, columns=["tower", "rank", "name", "cosine", "correct"])


def overview(
    features: np.ndarray, weights: Rows, names: Sequence[str], labels: np.ndarray, titles: Sequence[str]
) -> pd.DataFrame:
    """Return a row per picture: picture, its name, what each tower calls it, and the nearest names in words.

    Columns: picture; name where classes are known; for each tower TOWER (with ✓ or ✗ where known) and
    `TOWER rank` (of the own name, where known); last, for each tower, `TOWER nearest` with cosines.
    """
    known = bool((labels >= 0).all())
    table = pd.DataFrame({"picture": list(titles)})
    if known:
        table["name"] = [names[label] for label in labels]
    details = {}
    for tower, classes in weights.items():
        cosines = features @ classes.T
        order = np.argsort(-cosines, axis=1, kind="stable")
        first = order[:, 0]
        table[tower] = [names[place] for place in first]
        if known:
            signs = [RIGHT if place == label else WRONG for place, label in zip(first, labels, strict=True)]
            table[tower] = [f"{sign} {name}" for sign, name in zip(signs, table[tower], strict=True)]
            table[f"{tower} rank"] = 1 + (order == labels[:, None]).argmax(axis=1)
        details[f"{tower} nearest"] = [
            " · ".join(f"{names[place]} {row[place]:.2f}" for place in places[:TOP])
            for row, places in zip(cosines, order, strict=True)
        ]
    return table.assign(**details)


def confusions(features: np.ndarray, weights: Rows, labels: np.ndarray) -> pd.DataFrame:
    """Return which classes are taken for which: own, other (places of classes), one column of counts a tower.

    The commonest come first; pairs that no tower confuses are left out.
    """
    counts = {tower: zero_shot.confusion(features, rows, labels) for tower, rows in weights.items()}
    total = np.sum(list(counts.values()), axis=0)
    np.fill_diagonal(total, 0)
    own, other = np.nonzero(total)
    table = pd.DataFrame({"own": own, "other": other})
    for tower, count in counts.items():
        table[tower] = count[own, other]
    order = np.argsort(-total[own, other], kind="stable")
    return table.iloc[order].reset_index(drop=True)


def shares(
    features: np.ndarray, weights: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> pd.DataFrame:
    """Return the share of each class's pictures (rows) that is given each name (columns)."""
    counts = zero_shot.confusion(features, weights, labels)
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return pd.DataFrame(rows, index=list(names), columns=list(names))
