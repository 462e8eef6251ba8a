"""The rules that make a verdict: by value, by direction, or by what a claim predicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from lexclip_core.datasets.reported import Unit
from lexclip_core.ledger.measurement import Expectation, Relation
from lexclip_core.ledger.quantity import Quantity

Verdict = Literal["reproduced", "within noise", "contradicted", "not runnable here"]

ROUNDING: dict[Unit, float] = {"percent": 0.05, "change": 0.05, "cosine": 0.005, "count": 0.0, "number": 0.0}
_TINY = 1e-9


def by_value(ours: Quantity, theirs: float, tolerance: float) -> Verdict:
    """Judge a number that was measured on the paper's own model and data.

    Reproduced if it lies within the tolerance (reading a figure, and rounding) of theirs; within noise if
    only its interval reaches that; contradicted beyond.

    Args:
        ours: In the unit of theirs.
        theirs: As reported.
        tolerance: Half the width of what the paper may have meant.
    """
    low, high = theirs - tolerance - _TINY, theirs + tolerance + _TINY
    if low <= ours.value <= high:
        return "reproduced"
    reaches = ours.low is not None and ours.high is not None and ours.low <= high and low <= ours.high
    return "within noise" if reaches else "contradicted"


def by_direction(change: Quantity, theirs: float, uncertainty: float) -> Verdict:
    """Judge an effect on another model or other data by its sign alone.

    Reproduced if its interval lies on the paper's side of 0, contradicted if on the other, within noise if
    it holds 0, if there is no interval, or if the paper's own effect is not beyond its uncertainty.

    Args:
        change: Our effect, in any unit.
        theirs: The paper's effect.
        uncertainty: What its reading may be off by.
    """
    if abs(theirs) <= uncertainty + _TINY or change.low is None or change.high is None:
        return "within noise"
    low, high = (change.low, change.high) if theirs > 0 else (-change.high, -change.low)
    return "reproduced" if low > 0 else "contradicted" if high < 0 else "within noise"


def by_statement(value: Quantity, expected: Expectation, *, exact: bool) -> Verdict:
    """Judge a value by what a claim predicts of it.

    Args:
        value: What was measured.
        expected: Above or below a bound: reproduced if the whole interval is, contradicted if none of it is,
            within noise if it holds the bound. Equal to a bound: reproduced if the interval holds it, else
            contradicted.
        exact: A number without an interval counts as known exactly (a count, a cosine); otherwise it
            decides nothing.
    """
    low, high = value.low, value.high
    if low is None or high is None:
        if not exact:
            return "within noise"
        low = high = value.value
    return _RELATIONS[expected.relation](low, high, expected.bound)


def _above(low: float, high: float, bound: float) -> Verdict:
    return "reproduced" if low > bound else "contradicted" if high < bound else "within noise"


def _below(low: float, high: float, bound: float) -> Verdict:
    return _above(-high, -low, -bound)


def _equals(low: float, high: float, bound: float) -> Verdict:
    return "reproduced" if low - _TINY <= bound <= high + _TINY else "contradicted"


_RELATIONS: dict[Relation, Callable[[float, float, float], Verdict]] = {
    "above": _above,
    "below": _below,
    "equals": _equals,
}


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict for a claim that several tests bear on.

    A claim is general, so that one test against it contradicts it; it is reproduced if at least half of the
    tests reproduce it and none is against; else it is within noise. Without a test it is not runnable here.
    """
    counts = Counter(one for one in verdicts if one != "not runnable here")
    if not counts:
        return "not runnable here"
    if counts["contradicted"]:
        return "contradicted"
    return "reproduced" if 2 * counts["reproduced"] >= counts.total() else "within noise"
