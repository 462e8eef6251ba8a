"""The ledger as one HTML file that needs nothing but a browser; `page.html` is its template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from lexclip_core import storage
from lexclip_core.papers.ledger import (
    SYMBOLS,
    claim_details,
    conditions_text,
    ledger_table,
    measured_text,
    reported_text,
)
from lexclip_core.papers.measurement import Measurement
from lexclip_core.papers.verdicts import Verdict

_PAPERS = {
    "blog": "the blog (Gao, 2025)",
    "paraclip": "ParaCLIP (Kim et al., 2024)",
    "open_clip": "open_clip's own results",
    "clip_benchmark": "CLIP_benchmark's results",
}
_HEADER = ("row", "claims", "the paper", "here", "measured on", "verdict", "why")


def write_page(path: Path, measurements: Sequence[Measurement] | None = None) -> Path:
    """Write the ledger as one HTML file and return its path.

    Args:
        path: The file.
        measurements: Ours; those of `data/measured` unless given.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary:
        temporary.write_text(
            page_html(ledger_table(measurements), claim_details(measurements)), encoding="utf-8"
        )
    return path


def page_html(rows: pd.DataFrame, tests: pd.DataFrame) -> str:
    """Return the page of a ledger: what `ledger_table` and `claim_details` gave."""
    counts = rows.groupby("kind")["verdict"].value_counts()
    summary = "; ".join(
        f"{kind}s: " + ", ".join(f"{counts.get((kind, one), 0)} {one}" for one in get_args(Verdict))
        for kind in ("claim", "number")
    )
    by_claim = {claim: group.to_dict("records") for claim, group in tests.groupby("claim")}
    choices = (
        _select("kind", "rows", {"claim": "claims", "number": "numbers"}),
        _select("paper", "paper", _PAPERS),
        _select("verdict", "verdict", {one: f"{SYMBOLS[one]} {one}" for one in get_args(Verdict)}),
    )
    parts = {
        "summary": escape(summary),
        "choices": "\n".join(choices),
        "count": str(len(rows)),
        "header": "".join(f'<th scope="col">{name}</th>' for name in _HEADER),
        "rows": "\n".join(_row(row, by_claim.get(row["id"], [])) for row in rows.to_dict("records")),
    }
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], template)


def _select(name: str, label: str, options: Mapping[str, str]) -> str:
    listed = "".join(
        f'<option value="{escape(key)}">{escape(said)}</option>' for key, said in options.items()
    )
    select = f'<select name="{name}" id="{name}"><option value="">all</option>{listed}</select>'
    return f'<div><label for="{name}">{label}</label>{select}</div>'


def _row(row: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    data = {name: row[name] for name in ("kind", "paper", "verdict", "claims")}
    attributes = " ".join(f'data-{name}="{escape(str(value))}"' for name, value in data.items())
    first = f"{row['id']}: {row['statement']}" if row["kind"] == "claim" else row["statement"]
    on = ", ".join(
        filter(None, [conditions_text(row), row["split"], row["notebook"] if row["measured"] else ""])
    )
    here = ": ".join(filter(None, [row["measured"], measured_text(row)]))
    cells = (row["claims"], reported_text(row), here, on)
    verdict = f"{SYMBOLS[row['verdict']]} {row['verdict']}"
    listed = _tests(row, tests) if row["kind"] == "claim" else ""
    return (
        f'<tr {attributes}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + f'<td class="verdict">{escape(verdict)}</td><td>{escape(row["reason"])}{listed}</td></tr>'
    )


def _tests(row: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    if len(tests) < 2:
        return ""
    said = [f"{one['measured']}: {measured_text(one)} ({one['reason']})" for one in tests]
    signs = [SYMBOLS[one["verdict"]] for one in tests]
    items = "".join(f"<li>{sign} {escape(one)}</li>" for sign, one in zip(signs, said, strict=True))
    return f"<details><summary>{escape(row['tests'])}</summary><ul>{items}</ul></details>"
