"""The ledger: every claim and reported number of both papers with ours, as a table and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.measurement import Measurement, read_measurements
from lexclip_core.papers.reported import Claim, Place, places, read_claims
from lexclip_core.papers.verdicts import (
    Judgement,
    combined,
    effect,
    in_unit_of,
    judge_claim,
    judge_number,
    notebook_of,
)

TEXT_COLUMNS = (
    *("kind", "id", "paper", "claims", "statement", "unit", "measured", "text_tower", "image_tower"),
    *("data", "split", "comparison", "verdict", "tests", "reason", "notebook", "profile"),
)
NUMBER_COLUMNS = (
    *("reported", "uncertainty", "reported_change", "ours", "low", "high", "n"),
    *("change", "change_low", "change_high"),
)
_PREFERRED = ("value", "direction", "statement", "level")


def ledger_table(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return the ledger: a row for each claim, B1 to P26, then for each reported number.

    Args:
        measurements: Ours; those of `data/measured` unless given.

    Returns:
        Text columns `TEXT_COLUMNS`, empty where there is nothing to say: `kind` (claim, number), `id` (the
        claim, or paper, where, row, column and setting joined by " | "), `claims` (that a number bears on),
        `verdict`, `tests` (how many measurements say what), `reason`. Number columns `NUMBER_COLUMNS`, NaN
        where there is none, in the unit of `unit`: percent, change (percent), cosine, count, number, share,
        check. `measured` to `split` and the numbers are those of the measurement that decides most.
    """
    ours = read_measurements() if measurements is None else tuple(measurements)
    rows = [_claim_row(claim, ours) for claim in read_claims().values()]
    rows += [_number_row(place, ours) for place in places()]
    empty: dict[str, Any] = dict.fromkeys(TEXT_COLUMNS, "") | dict.fromkeys(NUMBER_COLUMNS)
    made = pd.DataFrame([empty | row for row in rows], columns=list(empty))
    return made.astype(dict.fromkeys(NUMBER_COLUMNS, float))


def claim_details(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return every measurement that bears on a claim, one row per measurement and claim, with its verdict.

    Columns: claim, then those of `ledger_table` that say what was measured, on what, and what came of it.
    """
    ours = read_measurements() if measurements is None else tuple(measurements)
    rows = [
        {"claim": claim, "verdict": one.verdict, "reason": one.reason}
        | _ours(one, _plain_unit(one.measurement))
        for claim in read_claims()
        for one in _judged_claims(claim, ours)
    ]
    columns = ["claim", "measured", "unit", *NUMBER_COLUMNS[3:], "text_tower", "image_tower", "data", "split"]
    return pd.DataFrame(rows, columns=[*columns, "comparison", "verdict", "reason", "notebook", "profile"])


def _claim_row(claim: Claim, ours: Sequence[Measurement]) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "claim", "id": claim.id, "paper": claim.paper, "claims": claim.id}
    row["statement"] = claim.statement
    tests = _judged_claims(claim.id, ours)
    if not tests:
        missing = {"reason": _missing(claim.needs, claim.notebook), "notebook": claim.notebook}
        return row | {"verdict": combined([])} | missing
    best = _decisive(tests)
    return row | _decided(best, tests, _plain_unit(best.measurement))


def _number_row(place: Place, ours: Sequence[Measurement]) -> dict[str, Any]:
    reported, claims = places()[place], read_claims()
    row: dict[str, Any] = {
        "kind": "number",
        "id": " | ".join(place),
        "paper": place.paper,
        "claims": " ".join(reported.claims),
        "statement": f"{place.where}: {place.row}, {place.column} ({place.setting})",
        "unit": reported.unit,
        "reported": reported.value,
        "uncertainty": reported.uncertainty,
        "reported_change": effect(place)[0],
    }
    first = claims[reported.claims[0]]
    notebook = notebook_of(place) or first.notebook
    tests = _preferred([judge_number(one, place) for one in ours if one.place == place])
    if not tests:
        return row | {
            "verdict": combined([]),
            "reason": _missing(first.needs, notebook),
            "notebook": notebook,
        }
    best = _decisive(tests)
    row |= _decided(best, tests, reported.unit)
    if best.comparison == "level":
        row["reason"] = f"{best.reason}; {_missing(first.needs, best.measurement.notebook or notebook)}"
    return row


def _decisive(tests: Sequence[Judgement]) -> Judgement:
    """Return the first test that says what all together say."""
    verdict = combined([one.verdict for one in tests])
    return next((one for one in tests if one.verdict == verdict), tests[0])


def _decided(best: Judgement, tests: Sequence[Judgement], unit: str) -> dict[str, Any]:
    counts = Counter(one.verdict for one in tests)
    tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    verdict = combined([one.verdict for one in tests])
    return _ours(best, unit) | {"verdict": verdict, "tests": tally, "reason": best.reason}


def _judged_claims(claim: str, ours: Sequence[Measurement]) -> list[Judgement]:
    """Judge each measurement once, though it may stand at several of the paper's places."""
    judged = [
        one for one in map(judge_claim, (one for one in ours if claim in one.claims)) if one is not None
    ]
    distinct = {
        (one.measurement.notebook, one.measurement.what, one.measurement.value, one.verdict): one
        for one in reversed(judged)
    }
    return list(reversed(distinct.values()))


def _preferred(judged: Sequence[Judgement]) -> list[Judgement]:
    """Keep the judgements of the best kind: one on the paper's own setting outweighs all others."""
    best = min((_PREFERRED.index(one.comparison) for one in judged), default=0)
    return [one for one in judged if _PREFERRED.index(one.comparison) == best]


def _ours(judged: Judgement, unit: str) -> dict[str, Any]:
    measured, about = judged.measurement, judged.measurement.conditions

    def in_unit(value: Estimate) -> Estimate:
        return value.scaled(100) if unit in ("percent", "change") else value

    value = in_unit_of(measured.place, measured.value) if measured.place else in_unit(measured.value)
    change = in_unit(measured.change) if measured.change is not None else None
    return {
        "measured": measured.what,
        "unit": unit,
        "ours": value.value,
        "low": value.low,
        "high": value.high,
        "n": value.n,
        "change": change.value if change else None,
        "change_low": change.low if change else None,
        "change_high": change.high if change else None,
        "text_tower": about.text_tower,
        "image_tower": about.image_tower,
        "data": about.data,
        "split": about.split,
        "comparison": judged.comparison,
        "notebook": measured.notebook,
        "profile": measured.profile,
    }


def _plain_unit(measured: Measurement) -> str:
    return "percent" if measured.unit == "share" else measured.unit


def _missing(needs: str, notebook: str) -> str:
    return f"needs {needs}: notebook {notebook}, profile paper" if notebook else f"needs {needs}"


SYMBOLS = {"reproduced": "✓", "within noise": "≈", "contradicted": "✗", "not runnable here": "·"}
"""A sign for each verdict that needs no colour."""


def reported_text(row: Mapping[str, Any]) -> str:
    """Return what the paper has, "63.5 ± 0.3, change +7.9"; empty for a claim, which has no number."""
    if row["kind"] != "number":
        return ""
    said = _number(row["reported"], row["unit"])
    if row["uncertainty"]:
        said += f" ± {row['uncertainty']:g}"
    if row["unit"] == "change" or pd.isna(row["reported_change"]):
        return said
    return f"{said}, change {_signed(row['reported_change'], row['unit'])}"


def measured_text(row: Mapping[str, Any]) -> str:
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


def conditions_text(row: Mapping[str, Any]) -> str:
    """Return the model and the data of what was measured here, "all-MiniLM-L6-v2 + emoji, first domain"."""
    towers = [row[name] for name in ("text_tower", "image_tower") if row[name]]
    return "; ".join(filter(None, [" + ".join(towers), row["data"]]))


def _interval(value: float, low: float, high: float, unit: str, written: Callable[[float, str], str]) -> str:
    if pd.isna(low) or pd.isna(high):
        return written(value, unit)
    return f"{written(value, unit)} ({written(low, unit)} to {written(high, unit)})"


def _number(value: float, unit: str) -> str:
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "number":
        return f"{value:g}"
    return f"{value:.3f}" if unit == "cosine" else f"{value:.1f}"


def _signed(value: float, unit: str) -> str:
    return f"{value:+.3f}" if unit == "cosine" else f"{value:+.1f}"
