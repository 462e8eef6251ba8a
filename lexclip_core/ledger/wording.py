"""The numbers of a row in words, for a terminal, a page or a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

SYMBOLS = {"reproduced": "✓", "within noise": "≈", "contradicted": "✗", "not runnable here": "·"}
"""A sign for each verdict that needs no colour."""


def theirs(row: Mapping[str, Any]) -> str:
    """Return what the paper has, "63.5 ± 0.3, change +7.9"; empty for a claim, which has no number."""
    if row["kind"] != "number":
        return ""
    said = _number(row["reported"], row["unit"])
    if row["uncertainty"]:
        said += f" ± {row['uncertainty']:g}"
    if row["unit"] == "change" or pd.isna(row["reported_change"]):
        return said
    return f"{said}, change {_signed(row['reported_change'], row['unit'])}"


def ours(row: Mapping[str, Any]) -> str:
    """Return what was measured here, "60.0 (55.0 to 65.0), change +8.0 (+2.0 to +14.0)"; empty if nothing."""
    if pd.isna(row["ours"]):
        return ""
    if row["unit"] == "check":
        return "holds" if row["ours"] else "does not hold"
    said = _interval(row["ours"], row["low"], row["high"], row["unit"], _number)
    if pd.isna(row["change"]):
        return said
    change = _interval(row["change"], row["change_low"], row["change_high"], row["unit"], _signed)
    return f"{said}, change {change}"


def made_on(row: Mapping[str, Any]) -> str:
    """Return the model and the data of what was measured here, "all-MiniLM-L6-v2 + emoji, first domain"."""
    towers = [row[name] for name in ("text_tower", "image_tower") if row[name]]
    return "; ".join(filter(None, [" + ".join(towers), row["data"]]))


def _interval(value: float, low: float, high: float, unit: str, written: Any) -> str:
    if pd.isna(low) or pd.isna(high):
        return str(written(value, unit))
    return f"{written(value, unit)} ({written(low, unit)} to {written(high, unit)})"


def _number(value: float, unit: str) -> str:
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "number":
        return f"{value:g}"
    return f"{value:.3f}" if unit == "cosine" else f"{value:.1f}"


def _signed(value: float, unit: str) -> str:
    return f"{value:+.3f}" if unit == "cosine" else f"{value:+.1f}"
