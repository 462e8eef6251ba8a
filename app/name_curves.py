"""Accuracy against the number of classes: what a study here measured, and what the blog reports."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from lexclip_core import storage
from lexclip_core.papers import reported

KINDS: tuple[reported.BlogKind, ...] = ("synonym", "hypernym", "mixed")
NOTEBOOK = "12"
"""The number of the notebook that measures every kind."""
MEASURED = ["kind", "K", "tower", "names", "mean", "low", "high"]
X, Y = "number of classes", "accuracy"

logger = logging.getLogger(__name__)


def folder() -> Path:
    """Return where studies leave their curves: `data/name_study`."""
    return storage.data_folder() / "name_study"


def notebook() -> str:
    """Return the notebook that measures every kind, without its ending; its number where it is not here."""
    found = sorted((storage.project_root() / "notebooks").glob(f"{NOTEBOOK}_*.ipynb"))
    return found[0].stem if found else NOTEBOOK


def measured(kind: str, place: Path | None = None) -> pd.DataFrame:
    """Return our curve of one kind: number of classes, accuracy, low, high, line; empty where there is none.

    Files of other columns are skipped; one that cannot be read is named in the log.

    Args:
        kind: What names were replaced by.
        place: The folder; by default `folder()`.
    """
    parts = []
    for path in sorted((place or folder()).glob("*.csv")):
        try:
            table = pd.read_csv(path)
        except (OSError, ValueError) as error:
            logger.warning("%s is skipped: %s", path, error)
            continue
        if set(MEASURED) <= set(table.columns):
            parts.append(table[table["kind"] == kind])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=MEASURED)
    return _lines(rows.rename(columns={"K": X, "mean": Y}))[[X, Y, "low", "high", "line"]]


def blog(kind: reported.BlogKind) -> pd.DataFrame:
    """Return the blog's curve of one kind on ImageNet: number of classes, accuracy, low, high, line.

    Raises:
        MissingResourceError: The table of reported numbers is not there.
        DamagedFileError: It is damaged.
    """
    rows = reported.blog_curve(kind).rename(columns={"classes": X, "accuracy": Y})
    spread = rows.pop("uncertainty")
    return _lines(rows.assign(low=rows[Y] - spread, high=rows[Y] + spread))[[X, Y, "low", "high", "line"]]


def _lines(rows: pd.DataFrame) -> pd.DataFrame:
    line = rows["tower"].astype(str) + " tower, " + rows["names"].astype(str) + " names"
    return rows.assign(line=line).sort_values(["line", X], kind="stable", ignore_index=True)
