"""Print measurements as a table, and judge them by their targets."""

from __future__ import annotations

import operator
import platform
import sys
from typing import Any

Row = dict[str, Any]

COLUMNS = ("name", "value", "unit", "baseline", "ratio", "target", "met")
_TESTS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}


def met(row: Row) -> bool | None:
    """Return whether a measurement reached its target; None without a target.

    A target ending in x is about the ratio, any other about the value.
    """
    if row["target"] is None:
        return None
    sign, bound = str(row["target"]).split()
    judged = row["ratio"] if bound.endswith("x") else row["value"]
    return bool(_TESTS[sign](judged, float(bound.removesuffix("x").replace(",", ""))))


def _shown(value: object, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, (int, float)):
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return text + ("x" if column == "ratio" else "")
    return str(value)


def cells(row: Row) -> list[str]:
    """Return a measurement as the texts of `COLUMNS`."""
    return [_shown({**row, "met": met(row)}[column], column) for column in COLUMNS]


def show(rows: list[Row]) -> None:
    """Write the measurements to the standard output, one a line."""
    lines = [cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *lines, strict=True)]
    for line in ([*COLUMNS], ["-" * width for width in widths], *lines):
        padded = (
            cell.ljust(width) if column in ("name", "unit", "target", "met") else cell.rjust(width)
            for cell, width, column in zip(line, widths, COLUMNS, strict=True)
        )
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.split(":")[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
