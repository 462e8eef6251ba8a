"""The join: one row for each claim and each reported number, with ours beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from lexclip_core.datasets.reported import Place, places
from lexclip_core.ledger.claims import Claim, read_claims
from lexclip_core.ledger.files import read_measurements
from lexclip_core.ledger.judging import Judgement, effect, in_unit_of, judge_claim, judge_number
from lexclip_core.ledger.measurement import Measurement
from lexclip_core.ledger.quantity import Quantity, percent
from lexclip_core.ledger.references import notebook_of
from lexclip_core.ledger.verdicts import combined

TEXT_COLUMNS = (
    "kind",
    "id",
    "paper",
    "claims",
    "statement",
    "unit",
    "measured",
    "text_tower",
    "image_tower",
    "data",
    "split",
    "comparison",
    "verdict",
    "tests",
    "reason",
    "notebook",
    "profile",
)
NUMBER_COLUMNS = (
    "reported",
    "uncertainty",
    "reported_change",
    "ours",
    "low",
    "high",
    "n",
    "change",
    "change_low",
    "change_high",
)
_PREFERRED = ("value", "direction", "statement", "level")


def table(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return the ledger: a row for each claim, B1 to P26, then for each reported number.

    Args:
        measurements: Ours; those committed in `data/measured` unless given.

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


def details(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return every measurement that bears on a claim, one row a measurement and claim, with its verdict.

    Columns: claim, then those of `table` that say what was measured, on what, and what came of it.
    """
    ours = read_measurements() if measurements is None else tuple(measurements)
    rows = []
    for claim in read_claims():
        for found in _judged_claims(claim, ours):
            entry = _ours(found, _plain_unit(found.measurement))
            rows.append({"claim": claim, "verdict": found.verdict, "reason": found.reason} | entry)
    columns = ["claim", "measured", "unit", *NUMBER_COLUMNS[3:], "text_tower", "image_tower", "data", "split"]
    return pd.DataFrame(rows, columns=[*columns, "comparison", "verdict", "reason", "notebook", "profile"])


def _claim_row(claim: Claim, ours: Sequence[Measurement]) -> dict[str, Any]:
    found = _judged_claims(claim.id, ours)
    row = {
        "kind": "claim",
        "id": claim.id,
        "paper": claim.paper,
        "claims": claim.id,
        "statement": claim.statement,
    }
    row["verdict"] = combined([one.verdict for one in found])
    if not found:
        return row | {"reason": _missing(claim.needs, claim.notebook), "notebook": claim.notebook}
    best = next((one for one in found if one.verdict == row["verdict"]), found[0])
    return row | _ours(best, _plain_unit(best.measurement)) | {"tests": _tally(found), "reason": best.reason}


def _number_row(place: Place, ours: Sequence[Measurement]) -> dict[str, Any]:
    reported, claims = places()[place], read_claims()
    theirs, _ = effect(place)
    row: dict[str, Any] = {
        "kind": "number",
        "id": " | ".join(place),
        "paper": place.paper,
        "claims": " ".join(reported.claims),
        "statement": f"{place.where}: {place.row}, {place.column} ({place.setting})",
        "unit": reported.unit,
        "reported": reported.value,
        "uncertainty": reported.uncertainty,
        "reported_change": theirs,
    }
    needs = claims[reported.claims[0]].needs
    notebook = notebook_of(place) or claims[reported.claims[0]].notebook
    found = _preferred([judge_number(one, place) for one in ours if one.place == place])
    if not found:
        reason = _missing(needs, notebook)
        return row | {"verdict": "not runnable here", "reason": reason, "notebook": notebook}
    row["verdict"] = combined([one.verdict for one in found])
    best = next((one for one in found if one.verdict == row["verdict"]), found[0])
    row |= _ours(best, reported.unit) | {"tests": _tally(found), "reason": best.reason}
    if best.comparison == "level":
        row["reason"] = f"{best.reason}; {_missing(needs, best.measurement.notebook or notebook)}"
    return row


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


def _preferred(found: Sequence[Judgement]) -> list[Judgement]:
    """Keep the judgements of the best kind: one on the paper's own setting outweighs all others."""
    best = min((_PREFERRED.index(one.comparison) for one in found), default=0)
    return [one for one in found if _PREFERRED.index(one.comparison) == best]


def _ours(found: Judgement, unit: str) -> dict[str, Any]:
    measured = found.measurement
    in_unit = percent if unit in ("percent", "change") else _same
    if measured.place is not None:
        value = in_unit_of(measured.place, measured.value)
    else:
        value = in_unit(measured.value)
    change = in_unit(measured.change) if measured.change is not None else None
    about = measured.conditions
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
        "comparison": found.comparison,
        "notebook": measured.notebook,
        "profile": measured.profile,
    }


def _same(value: Quantity) -> Quantity:
    return value


def _plain_unit(measured: Measurement) -> str:
    return "percent" if measured.unit == "share" else measured.unit


def _tally(found: Sequence[Judgement]) -> str:
    counts = Counter(one.verdict for one in found)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())


def _missing(needs: str, notebook: str) -> str:
    return f"needs {needs}: notebook {notebook}, profile paper" if notebook else f"needs {needs}"
