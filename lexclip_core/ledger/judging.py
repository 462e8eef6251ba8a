"""One measurement against the number or the claim that it bears on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lexclip_core.datasets.reported import Place
from lexclip_core.ledger.measurement import Measurement, reported_at
from lexclip_core.ledger.quantity import Quantity, percent
from lexclip_core.ledger.references import data_of, reference, same_setting, tower_of
from lexclip_core.ledger.verdicts import ROUNDING, Verdict, by_direction, by_statement, by_value

Comparison = Literal["value", "direction", "statement", "level", ""]
_EXACT = ("cosine", "count", "number", "check")


@dataclass(frozen=True)
class Judgement:
    """What a measurement says of a number or a claim.

    Attributes:
        comparison: `value` on the paper's own model and data, `direction` on others, `statement` where a
            claim predicts something of the value; `level` is a number on other data that has no direction.
        verdict: A level has none here: `not runnable here`.
        reason: Why, in words.
    """

    measurement: Measurement
    comparison: Comparison
    verdict: Verdict
    reason: str


def judge_number(measured: Measurement, place: Place) -> Judgement:
    """Hold a measurement against the reported number at its place."""
    reported = reported_at(place)
    if same_setting(place, measured.conditions) and not measured.differs:
        tolerance = reported.uncertainty + ROUNDING[reported.unit]
        verdict = by_value(in_unit_of(place, measured.value), reported.value, tolerance)
        return Judgement(measured, "value", verdict, "the same model and data, by value")
    theirs, uncertainty = effect(place)
    change = measured.value if reported.unit == "change" else measured.change
    if change is not None and change.low is None and measured.unit in _EXACT:
        change = change._replace(low=change.value, high=change.value)
    elsewhere = f"on {_on(measured)}, not on {_theirs(place)}"
    if same_setting(place, measured.conditions):
        elsewhere = measured.differs
    if change is None or theirs is None:
        reason = f"{elsewhere}: a level has no direction to compare"
        return Judgement(measured, "level", "not runnable here", reason)
    verdict = by_direction(change, theirs, uncertainty)
    small = abs(theirs) <= uncertainty + 1e-9
    why = "the paper's own change is within its reading error" if small else "direction compared, not value"
    return Judgement(measured, "direction", verdict, f"{elsewhere}: {why}")


def judge_claim(measured: Measurement) -> Judgement | None:
    """Hold a measurement against what its claims state, or None where it decides nothing of them."""
    if measured.expected is not None:
        verdict = by_statement(measured.value, measured.expected, exact=measured.unit in _EXACT)
        relation, bound = measured.expected
        said = "computed" if measured.unit == "check" else f"predicted: {relation} {bound:g}"
        return Judgement(measured, "statement", verdict, f"{said}, on {_on(measured)}")
    if measured.place is None:
        return None
    found = judge_number(measured, measured.place)
    return None if found.comparison == "level" else found


def effect(place: Place) -> tuple[float | None, float]:
    """Return the change that a reported number is, in its unit, and by how much its reading may be off."""
    reported = reported_at(place)
    if reported.unit == "change":
        return reported.value, reported.uncertainty
    against = reference(place)
    if against is None:
        return None, 0.0
    other = reported_at(against)
    return reported.value - other.value, reported.uncertainty + other.uncertainty


def in_unit_of(place: Place, value: Quantity) -> Quantity:
    """Return a measured value in the unit of the reported number: shares become percent."""
    return percent(value) if reported_at(place).unit in ("percent", "change") else value


def _on(measured: Measurement) -> str:
    about = measured.conditions
    towers = " and ".join(
        filter(None, (about.text_tower, about.image_tower and f"pictures by {about.image_tower}"))
    )
    return f"{about.data} ({towers})" if towers else about.data


def _theirs(place: Place) -> str:
    towers, data = tower_of(place), data_of(place)
    return " and ".join(filter(None, (towers[0] if towers else "", data)))
