"""What a run holds, and the checks that its parts fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError

HISTORY_COLUMNS = ("step", "epoch", "seconds", "total")
PAIR_COLUMNS = ("word_a", "word_b", "relation", "pos", "split", "cosine_before", "cosine_after")
LAYOUT_COLUMNS = (
    "subtree",
    "word",
    "synset",
    "parent",
    "gloss",
    "x_before",
    "y_before",
    "x_after",
    "y_after",
    "trustworthiness_before",
    "trustworthiness_after",
)
TEXT_COLUMNS = (
    "word_a",
    "word_b",
    "relation",
    "pos",
    "split",
    "subtree",
    "word",
    "synset",
    "parent",
    "gloss",
)


@dataclass(frozen=True, eq=False)
class RunContent:
    """What one experiment leaves behind.

    Args:
        run_id: Folder name: letters, digits, dot, underscore, hyphen.
        config: Flat settings; `config["preset"]` names the preset.
        metrics: "split/name" to a dict with "value" and, where known, "low", "high", "n", "before", "note".
        history: Columns `HISTORY_COLUMNS` and one a loss term.
        words: n distinct words, in the order of the rows of `before` and `after`.
        before: (n, dim) unit rows of the base tower.
        after: (n, dim) unit rows of the tuned tower.
        pairs: Columns `PAIR_COLUMNS`; cosines in [-1, 1].
        layout: Columns `LAYOUT_COLUMNS`, or None where no map was drawn.
        provenance: Versions, seeds, checksums, wall time, "command".
    """

    run_id: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    history: pd.DataFrame
    words: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    pairs: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PAIR_COLUMNS)))
    layout: pd.DataFrame | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Run(RunContent):
    """A run as read from its folder: float32 unit rows, and where its files are."""

    path: Path = Path()
    tuned_path: Path | None = None


def validate(content: RunContent) -> None:
    """Check that the parts of a run fit each other.

    Raises:
        InputError: Naming the part that does not.
    """
    shape = (len(content.words), content.before.shape[-1])
    if not content.words:
        raise InputError("a run needs at least one word")
    if len(set(content.words)) != len(content.words):
        twice = next(word for i, word in enumerate(content.words) if word in content.words[:i])
        raise InputError(f"words: {twice!r} stands twice")
    for name in ("before", "after"):
        matrix = getattr(content, name)
        if matrix.shape != shape:
            raise InputError(f"embeddings: {name} has shape {matrix.shape}, but the words ask for {shape}")
        if not np.allclose(np.linalg.norm(matrix.astype(np.float32), axis=1), 1, atol=5e-3):
            raise InputError(f"embeddings: {name} holds rows that are not of length 1")
    _check_columns("history", content.history, HISTORY_COLUMNS)
    _check_columns("pairs", content.pairs, PAIR_COLUMNS)
    if content.layout is not None:
        _check_columns("layout", content.layout, LAYOUT_COLUMNS)
    check_metrics(content.metrics)


def _check_columns(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(f"{name}: column {missing[0]!r} is missing; it has {list(table.columns)}")
    for column in columns:
        if column not in TEXT_COLUMNS and len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{name}: column {column!r} holds something that is not a number")


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check that every metric has a number under "value" and numbers or nothing elsewhere.

    Raises:
        InputError: Naming the metric that does not.
    """
    for name, entry in metrics.items():
        numbers = (
            {key: entry.get(key) for key in ("low", "high", "n", "before")} if isinstance(entry, dict) else {}
        )
        if not isinstance(entry, dict) or not _is_number(entry.get("value")):
            raise InputError(f"metrics: {name!r} has no number under 'value'")
        for key, value in numbers.items():
            if value is not None and not _is_number(value):
                raise InputError(f"metrics: {name!r} has {value!r} under {key!r}, which is not a number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
