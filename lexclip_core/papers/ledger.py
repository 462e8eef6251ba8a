"""The ledger: every claim and reported number of both papers with ours, as a table, in words, as one page.

`page.html` is the template of the page, which needs nothing but a browser.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from lexclip_core import storage
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.claims import Claim, read_claims
from lexclip_core.papers.measurement import Measurement, read_measurements
from lexclip_core.papers.reported import Place, places
from lexclip_core.papers.verdicts import (
    MEANINGS,
    SYMBOLS,
    Direction,
    Judgement,
    Verdict,
    combined,
    effect,
    judge_claim,
    judge_number,
)

TEXT_COLUMNS = (
    *("kind", "id", "paper", "claims", "statement", "neighbours", "unit", "measured", "over"),
    *("text_tower", "image_tower", "data", "split", "comparison", "direction", "verdict", "tests", "reason"),
    *("notebook", "profile"),
)
NUMBER_COLUMNS = (
    *("reported", "uncertainty", "reported_change", "ours", "low", "high", "n"),
    *("change", "change_low", "change_high", "seeds", "by_seed", "by_seed_low", "by_seed_high"),
)
_PREFERRED = ("value", "direction", "elsewhere", "level")
_STRICTEST = ("contradicted", "within noise", "reproduced", "not judged here")
_LISTED = 3  # measurements that a claim's reason gives in full


def ledger_table(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return the ledger: a row for each claim, B1 to P26, then for each reported number.

    Reported numbers next to which one and the same measurement stands are one row, of the nearest.

    Args:
        measurements: Ours; those of `data/measured` unless given.

    Returns:
        Text columns `TEXT_COLUMNS`, empty where there is nothing to say: `kind` (claim, number), `id` (the
        claim, or paper, where, row, column and setting joined by " | "), `claims` (that a number belongs to),
        `neighbours` (the other reported numbers of the row), `over` (the items that the interval is over),
        `direction` (for, against, open: which way ours points), `verdict`, `tests` (how many measurements say
        what), `reason`. Number columns `NUMBER_COLUMNS`, NaN where there is none, in the unit of `unit`:
        percent, change (percent), cosine, count, number, share; `by_seed` is the effect over training seeds
        or draws. `measured` to `split` and the numbers are those of the measurement that decides most.
    """
    ours = read_measurements() if measurements is None else tuple(measurements)
    rows = [_claim_row(claim, ours) for claim in read_claims().values()]
    first = {one.places[0] for one in ours if one.places}
    joined = {place for one in ours for place in one.places[1:]} - first
    rows += [_number_row(place, ours) for place in places() if place not in joined]
    empty: dict[str, Any] = dict.fromkeys(TEXT_COLUMNS, "") | dict.fromkeys(NUMBER_COLUMNS)
    made = pd.DataFrame([empty | row for row in rows], columns=list(empty))
    return made.astype(dict.fromkeys(NUMBER_COLUMNS, float))


def claim_details(measurements: Sequence[Measurement] | None = None) -> pd.DataFrame:
    """Return every measurement that stands next to a claim, one row per measurement and claim.

    Columns: claim, then those of `ledger_table` that say what was measured, on what, and what came of it.
    What is only shown has no verdict.
    """
    ours = read_measurements() if measurements is None else tuple(measurements)
    rows = [
        {"claim": claim.id} | _ours(one, _plain_unit(one.measurement)) | {"reason": one.reason}
        for claim in read_claims().values()
        for part in _next_to(claim, ours)
        for one in part
    ]
    columns = ["claim", "measured", "unit", *NUMBER_COLUMNS[3:], "over", "text_tower", "image_tower", "data"]
    columns += ["split", "comparison", "direction", "verdict", "reason", "notebook", "profile"]
    return pd.DataFrame(rows, columns=columns)


def judgements(measurements: Sequence[Measurement]) -> pd.DataFrame:
    """Return what a notebook's measurements say of the claims next to which they stand, for a reader.

    Columns: claim, statement, measured, here (with its interval), verdict (with its sign), why.

    Args:
        measurements: What the notebook is about to record.
    """
    details, claims = claim_details(measurements), read_claims()
    table = ledger_table(measurements).set_index("id")["verdict"]
    verdicts = [one or table[claim] for one, claim in zip(details["verdict"], details["claim"], strict=True)]
    made = {
        "claim": details["claim"],
        "statement": [claims[claim].statement for claim in details["claim"]],
        "measured": details["measured"],
        "here": [measured_text(one) for one in details.to_dict("records")],
        "verdict": [f"{SYMBOLS[one]} {one}" for one in verdicts],
        "why": details["reason"],
    }
    return pd.DataFrame(made)


def tally(rows: pd.DataFrame | None = None) -> str:
    """Return how many claims have which verdict, as one sentence for the documents.

    Args:
        rows: What `ledger_table` gave; the shipped one unless given.
    """
    rows = ledger_table() if rows is None else rows
    claims = rows[rows["kind"] == "claim"]
    counts = Counter(claims["verdict"])
    said = ", ".join(f"{counts[one]} {one}" for one in get_args(Verdict) if counts[one])
    points = Counter(claims.loc[claims["verdict"] == "not judged here", "direction"])
    ways = f"{points['for']} point the stated way here, {points['against']} the other way"
    return f"Of {len(claims)} claims: {said}. Of those not judged here {ways}, the rest is open or mixed."


def _claim_row(claim: Claim, ours: Sequence[Measurement]) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "claim", "id": claim.id, "paper": claim.paper, "claims": claim.id}
    tests, shown = _next_to(claim, ours)
    verdict = combined(claim, tests)
    row |= {"statement": claim.statement, "notebook": claim.notebook, "verdict": verdict}
    chosen = [one for one in tests if one.verdict == verdict] or tests or shown
    if chosen:
        row |= _ours(chosen[0], _plain_unit(chosen[0].measurement)) | {"verdict": verdict}
        row["direction"] = _points(claim, tests) if verdict == "not judged here" else chosen[0].direction
    row["tests"] = _counts(tests)
    reasons: dict[Verdict, str] = {
        "implemented": f"shown by {', '.join(claim.shown_by)}",
        "undefined": f"readings: {_seen(shown) or 'none measured'}",
        "not judged here": f"a claim about {claim.about}; here we see: {_seen(tests)}",
        "not runnable here": _missing(claim.needs, claim.notebook),
    }
    row["reason"] = reasons.get(verdict) or (chosen[0].reason if chosen else "")
    return row


def _points(claim: Claim, tests: Sequence[Judgement]) -> Direction:
    """Return which way what is seen elsewhere points, test by test as `combined` goes.

    A test points where at least half of its measurements do and none the other way. All must be for; one
    against is enough. A claim of the rule `some` is for with one measurement, and against with all.
    """
    every = Counter(one.direction for one in tests)
    if claim.rule == "some":
        return "for" if every["for"] else "against" if every["against"] == len(tests) > 0 else "open"
    by_test = [
        [one.direction for one in tests if one.measurement.quantity == test.quantity] for test in claim.tests
    ]

    def points(way: Direction, other: Direction) -> list[bool]:
        return [2 * found.count(way) >= len(found) > 0 and other not in found for found in by_test]

    if any(points("against", "for")):
        return "against"
    return "for" if all(points("for", "against")) else "open"


def _seen(judged: Sequence[Judgement]) -> str:
    said = []
    for one in judged[:_LISTED]:
        ours = _ours(one, _plain_unit(one.measurement))
        said.append(f"{one.measurement.what}: {measured_text(ours)}, on {conditions_text(ours)}")
    return "; ".join([*said, *([f"{len(judged) - _LISTED} more"] if len(judged) > _LISTED else [])])


def _number_row(place: Place, ours: Sequence[Measurement]) -> dict[str, Any]:
    reported, claims = places()[place], read_claims()
    first = claims[reported.claims[0]]
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
        "notebook": first.notebook,
    }
    if place.column in first.settings:
        return row | {"verdict": "implemented", "reason": f"a setting, shown by {', '.join(first.shown_by)}"}
    every = [judge_number(one) for one in ours if place in one.places[:1]]
    ranks = [_PREFERRED.index(one.comparison) for one in every]  # the paper's own setting comes first
    tests = [one for one, rank in zip(every, ranks, strict=True) if rank == min(ranks)]
    if not tests:
        return row | {"verdict": "not runnable here", "reason": _missing(first.needs, first.notebook)}
    best = min(tests, key=lambda one: _STRICTEST.index(one.verdict))
    others = dict.fromkeys(other for one in tests for other in one.measurement.places[1:])
    row |= _ours(best, reported.unit)
    row["neighbours"] = "; ".join(
        f"{other.row}, {other.column}: {places()[other].value:g}" for other in others
    )
    row["tests"] = _counts(tests)
    if best.comparison in ("elsewhere", "level"):
        row["reason"] += f"; {_missing(first.needs, best.measurement.notebook or first.notebook)}"
    return row


def _counts(tests: Sequence[Judgement]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(one.verdict for one in tests).most_common())


def _next_to(claim: Claim, ours: Sequence[Measurement]) -> tuple[list[Judgement], list[Judgement]]:
    """Return what tests a claim, and what is only shown next to it, in the claim's order."""
    every = [judge_claim(one, claim) for name in claim.quantities for one in ours if one.quantity == name]
    return [one for one in every if one.comparison], [one for one in every if not one.comparison]


def _ours(judged: Judgement, unit: str) -> dict[str, Any]:
    measured, about = judged.measurement, judged.measurement.conditions
    percent = unit in ("percent", "change")

    def numbers(name: str, estimate: Estimate | None) -> dict[str, float | None]:
        if estimate is None:
            return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
        scaled = estimate.scaled(100) if percent else estimate
        return {name: scaled.value, f"{name}_low": scaled.low, f"{name}_high": scaled.high}

    value = measured.value.scaled(100) if percent else measured.value
    row = {name: getattr(about, name) for name in ("text_tower", "image_tower", "data", "split")}
    row |= {name: getattr(judged, name) for name in ("comparison", "direction", "verdict", "reason")}
    row |= {"measured": measured.what, "unit": unit, "ours": value.value, "low": value.low}
    row |= {"high": value.high, "n": measured.effect.n if value.n is None else value.n}
    row |= numbers("change", measured.change) | numbers("by_seed", measured.by_seed)
    row |= {name: getattr(measured, name) for name in ("over", "notebook", "profile")}
    return row | {"seeds": len(about.seeds) or None}


def _plain_unit(measured: Measurement) -> str:
    return "percent" if measured.unit == "share" else measured.unit


def _missing(needs: str, notebook: str) -> str:
    return f"needs {needs}: notebook {notebook}, profile paper" if notebook else f"needs {needs}"


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
    """Return what was measured here, "60.0 (55.0 to 65.0), paired change +8.0 (+2.0 to +14.0)".

    It is empty where nothing was. What varies over training seeds or draws follows. An interval without a
    width, or with none once rounded, is not written.
    """
    if pd.isna(row["ours"]):
        return ""
    unit, changed = row["unit"], not pd.isna(row["change"])
    said = _number(row["ours"], unit) + _interval(row["low"], row["high"], unit, _number)
    if changed:
        interval = _interval(row["change_low"], row["change_high"], unit, _signed)
        said += f", paired change {_signed(row['change'], unit)}{interval}"
    spread = _interval(row["by_seed_low"], row["by_seed_high"], unit, _signed if changed else _number)
    return f"{said}; over seeds or draws{spread}" if spread else said


def conditions_text(row: Mapping[str, Any]) -> str:
    """Return the model and the data of what was measured here, "all-MiniLM-L6-v2 + emoji, first domain"."""
    towers = [row[name] for name in ("text_tower", "image_tower") if row[name]]
    return "; ".join(filter(None, [" + ".join(towers), row["data"]]))


def _interval(low: float, high: float, unit: str, written: Callable[[float, str], str]) -> str:
    if pd.isna(low) or pd.isna(high) or written(low, unit) == written(high, unit):
        return ""
    return f" ({written(low, unit)} to {written(high, unit)})"


def _number(value: float, unit: str) -> str:
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "number":
        return f"{value:.4g}"
    return f"{value:.3f}" if unit == "cosine" else f"{value:.1f}"


def _signed(value: float, unit: str) -> str:
    if unit == "number":
        return f"{value:+.3g}"
    return f"{value:+.3f}" if unit == "cosine" else f"{value:+.1f}"


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
    counts = rows[rows["kind"] == "number"]["verdict"].value_counts()
    numbers = ", ".join(f"{count} {one}" for one, count in counts.items())
    verdicts: tuple[Verdict, ...] = get_args(Verdict)
    by_claim = {claim: group.to_dict("records") for claim, group in tests.groupby("claim")}
    choices = (
        _select("kind", "rows", {"claim": "claims", "number": "numbers"}),
        _select("paper", "paper", _PAPERS),
        _select("verdict", "verdict", {one: f"{SYMBOLS[one]} {one}" for one in verdicts}),
    )
    parts = {
        "summary": escape(f"{tally(rows)} Of {counts.sum()} rows of numbers: {numbers}."),
        "meanings": "".join(
            f"<li><b>{SYMBOLS[one]} {one}</b>: {escape(MEANINGS[one])}</li>" for one in verdicts
        ),
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
    cells = (row["claims"], reported_text(row) + _neighbours(row), here, on)
    verdict = f"{SYMBOLS[row['verdict']]} {row['verdict']}"
    listed = _tests(row, tests) if row["kind"] == "claim" else ""
    return (
        f'<tr {attributes}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + f'<td class="verdict">{escape(verdict)}</td><td>{escape(row["reason"])}{listed}</td></tr>'
    )


def _neighbours(row: Mapping[str, Any]) -> str:
    return f"; next to it also {row['neighbours']}" if row["neighbours"] else ""


def _tests(row: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    if not tests:
        return ""
    said = [f"{one['measured']}: {measured_text(one)} ({one['reason']})" for one in tests]
    signs = [SYMBOLS.get(one["verdict"], "-") for one in tests]
    items = "".join(f"<li>{sign} {escape(one)}</li>" for sign, one in zip(signs, said, strict=True))
    return f"<details><summary>{escape(row['tests'] or 'shown')}</summary><ul>{items}</ul></details>"
