"""How a measurement is judged against the number or the claim that it was made to test.

A claim is judged by the quantities that it names, on the towers and the data that it speaks of: reproduced
where the whole interval lies where it supports the claim, contradicted where it lies against it, within noise
otherwise. A number is judged by value on the paper's own model and data: reproduced if ours lies within what
the paper may have meant, within noise if only our interval reaches that, contradicted beyond; and by
direction where something else differs, such as the number of classes. An effect without an interval over
items decides nothing. On other towers or data nothing is judged: what is seen there is shown, with the way
that it points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.claims import Claim, ClaimTest, tower_groups
from lexclip_core.papers.measurement import Conditions, Measurement
from lexclip_core.papers.reported import Place, ReportedUnit, places, reported_at

Verdict = Literal[
    "reproduced",
    "within noise",
    "contradicted",
    "implemented",
    "undefined",
    "not judged here",
    "not runnable here",
]
Direction = Literal["for", "against", "open", ""]
JudgedBy = Literal["value", "direction", "test", "elsewhere", "level", ""]

SYMBOLS: dict[Verdict, str] = {
    "reproduced": "✓",
    "within noise": "≈",
    "contradicted": "✗",
    "implemented": "◆",
    "undefined": "?",
    "not judged here": "○",
    "not runnable here": "·",
}
"""A sign for each verdict that needs no colour."""
MEANINGS: dict[Verdict, str] = {
    "reproduced": "what was made to test it, on the tower and the data it speaks of, agrees",
    "within noise": "it was tested, and the interval leaves it open",
    "contradicted": "what was made to test it, on the tower and the data it speaks of, disagrees",
    "implemented": "it describes a data set, a formula or a setting, which a test shows",
    "undefined": "its source does not say what is meant: each reading is listed with its number",
    "not judged here": "it speaks of another tower or other data; what is seen here is shown",
    "not runnable here": "nothing here measures it",
}

_EXACT = ("cosine", "count", "number")
ROUNDING: dict[ReportedUnit, float] = {
    "percent": 0.05,
    "change": 0.05,
    "cosine": 0.005,
    "count": 0.0,
    "number": 0.0,
}
_TINY = 1e-9
_BY_DIRECTION: dict[Direction, Verdict] = {
    "for": "reproduced",
    "against": "contradicted",
    "open": "within noise",
}

_DATA = {  # the first words of a column -> a word that the name of the data must have
    "AO@10": "coco",
    "JS@10": "coco",
    "VG-R": "vg",
    "VG-A": "vg",
    "STS": "sts",
    "classification": "imagenet",
    "ImageNet": "imagenet",
    "text": "coco",
    "image": "coco",
    "COCO": "coco",
    "FER2013": "fer2013",
}
_NEARER = {"cosine with sad": "cosine with cheerful", "cosine with dumb": "cosine with intelligent"}


@dataclass(frozen=True)
class Judgement:
    """What a measurement says of a number or a claim.

    Attributes:
        comparison: `value` or `direction` on the paper's own model and data, `test` where a claim names the
            quantity; `elsewhere` on other towers or data, `level` a number there that has no direction.
        verdict: Elsewhere `not judged here`, whatever is seen; empty for what is only shown.
        direction: Which way the effect points, seen from what is stated; empty where it has none.
        reason: Why, in words.
    """

    measurement: Measurement
    comparison: JudgedBy
    verdict: Verdict | Literal[""]
    direction: Direction
    reason: str


def judge_number(measured: Measurement) -> Judgement:
    """Compare a measurement with the reported number at the first of its places."""
    place = measured.places[0]
    reported = reported_at(place)
    own = same_setting(place, measured.conditions)
    if own and not measured.differs:
        tolerance = reported.uncertainty + ROUNDING[reported.unit]
        verdict = by_value(in_unit_of(place, measured.value), reported.value, tolerance)
        return Judgement(measured, "value", verdict, "", "the same model and data, by value")
    theirs, uncertainty = effect(place)
    change = measured.value if reported.unit == "change" else measured.change
    elsewhere = measured.differs if own else f"on {_on(measured)}, not on {_theirs(place)}"
    if change is None or theirs is None:
        reason = f"{elsewhere}: a level has no direction to compare"
        return Judgement(measured, "level", "not judged here", "", reason)
    direction = by_direction(change, theirs, uncertainty, known=_known(measured))
    reason = f"{elsewhere}: {_why(measured, direction, small=abs(theirs) <= uncertainty + _TINY)}"
    if own:
        return Judgement(measured, "direction", _BY_DIRECTION[direction], direction, reason)
    return Judgement(measured, "elsewhere", "not judged here", direction, reason)


def judge_claim(measured: Measurement, claim: Claim) -> Judgement:
    """Compare a measurement with a claim; without a verdict where the claim does not name it as a test."""
    tests = [one for one in claim.tests if one.quantity == measured.quantity]
    if not tests:
        return Judgement(measured, "", "", "", "shown, no ground for a verdict")
    direction = by_test(measured, tests[0])
    reason = f"on {_on(measured)}: {_why(measured, direction)}"
    if _speaks_of(claim, tests[0], measured.conditions):
        return Judgement(measured, "test", _BY_DIRECTION[direction], direction, reason)
    return Judgement(measured, "elsewhere", "not judged here", direction, reason)


def _speaks_of(claim: Claim, test: ClaimTest, made: Conditions) -> bool:
    """Return whether a measurement was made on the towers and the data that a claim speaks of."""
    names = [one for group in claim.towers for one in tower_groups()[group]]
    towers = made.text_tower.startswith(tuple(names)) if names else not made.text_tower
    return towers and made.verified and claim.data_of(test) in made.data.casefold()


def _known(measured: Measurement) -> bool:
    """Return whether an effect can decide: a count, one pair's cosine, or one with an interval over items."""
    estimate = measured.effect
    exact = measured.unit in _EXACT and estimate.low is None and estimate.n in (None, 1)
    return exact or bool(measured.over and estimate.low is not None)


def _why(measured: Measurement, direction: Direction, *, small: bool = False) -> str:
    if small:
        return "the paper's own change is within its rounding or reading error"
    if not _known(measured):
        return "no interval over items was recorded, so it decides nothing"
    said = {"for": "it points the stated way", "against": "it points the other way", "open": "it is open"}
    interval = f", interval over {measured.over}" if measured.over and measured.effect.low is not None else ""
    return said[direction] + interval


def _on(measured: Measurement) -> str:
    about = measured.conditions
    return f"{about.data} ({about.towers})" if about.towers else about.data


def _theirs(place: Place) -> str:
    towers, data = tower_of(place), data_of(place)
    return " and ".join(filter(None, (towers[0] if towers else "", data)))


def by_value(ours: Estimate, theirs: float, tolerance: float) -> Verdict:
    """Judge a number that was measured on the paper's own model and data.

    Args:
        ours: In the unit of theirs.
        theirs: As reported.
        tolerance: Half the width of what the paper may have meant: reading a figure, and rounding.

    >>> by_value(Estimate(63.0, 62.5, 63.5), theirs=63.5, tolerance=0.3)
    'within noise'
    """
    low, high = theirs - tolerance - _TINY, theirs + tolerance + _TINY
    if low <= ours.value <= high:
        return "reproduced"
    reaches = ours.low is not None and ours.high is not None and ours.low <= high and low <= ours.high
    return "within noise" if reaches else "contradicted"


def by_direction(change: Estimate, theirs: float, uncertainty: float, *, known: bool = True) -> Direction:
    """Compare the sign of an effect with that of the paper's.

    It is open without an interval over items, and where the paper's own effect is not beyond what rounding
    and reading may have done to it.

    Args:
        change: Our effect, in any unit; an exact one has no interval.
        theirs: The paper's effect.
        uncertainty: What rounding both numbers, and reading them off a figure, may have added or taken.
        known: Whether ours has an interval over items, or is exact.

    >>> by_direction(Estimate(0.1, 0.05, 0.2), theirs=7.9, uncertainty=0.7)
    'for'
    """
    if abs(theirs) <= uncertainty + _TINY or not known:
        return "open"
    low, high = change.ends if theirs > 0 else (-change.ends[1], -change.ends[0])
    return "for" if low > 0 else "against" if high < 0 else "open"


def by_test(measured: Measurement, test: ClaimTest) -> Direction:
    """Return which way a measurement points, by what its claim counts for and against itself."""
    estimate = measured.change if test.supports.part == "change" else measured.value
    if estimate is None or not _known(measured):
        return "open"
    ends = estimate.ends
    return "for" if test.supports.holds(*ends) else "against" if test.against.holds(*ends) else "open"


def combined(claim: Claim, judged: Sequence[Judgement]) -> Verdict:
    """Return the verdict of a claim, of everything that was measured to test it.

    Where a test has several measurements, at least half must support it and none be against. A claim of the
    rule `all` is reproduced if each of its tests is, and contradicted by one; of the rule `some` it is
    reproduced by one measurement, and contradicted only by all of them.
    """
    if claim.kind != "measured":
        kinds: dict[str, Verdict] = {"described": "implemented", "undefined": "undefined"}
        return kinds.get(claim.kind, "not runnable here")
    if not judged:
        return "not runnable here"
    by_quantity = {
        test.quantity: [
            one.verdict
            for one in judged
            if one.measurement.quantity == test.quantity and one.comparison != "elsewhere"
        ]
        for test in claim.tests
    }
    every = [one for verdicts in by_quantity.values() for one in verdicts]
    if not every:
        return "not judged here"
    if claim.rule == "some":
        if "reproduced" in every:
            return "reproduced"
        return (
            "contradicted" if set(every) == {"contradicted"} and all(by_quantity.values()) else "within noise"
        )
    if "contradicted" in every:
        return "contradicted"
    supported = [2 * one.count("reproduced") >= len(one) > 0 for one in by_quantity.values()]
    return "reproduced" if all(supported) else "within noise"


def effect(place: Place) -> tuple[float | None, float]:
    """Return the change that a reported number is, and how far rounding and reading may be off."""
    reported = reported_at(place)
    error = reported.uncertainty + ROUNDING[reported.unit]
    if place.column.startswith("accuracy swing"):
        return None, 0.0  # a largest difference is never below 0: its sign says nothing
    if reported.unit == "change":
        return reported.value, error
    against = reference(place)
    if against is None:
        return None, 0.0
    other = reported_at(against)
    return reported.value - other.value, error + other.uncertainty + ROUNDING[other.unit]


def in_unit_of(place: Place, value: Estimate) -> Estimate:
    """Return a measured value in the unit of the reported number: shares become percent."""
    return value.scaled(100) if reported_at(place).unit in ("percent", "change") else value


def reference(place: Place) -> Place | None:
    """Return the place of the number that this one is an effect against, or None for a level.

    Tuned against base, replaced against original names, ParaCLIP against its base, losses against none, an
    antonym's cosine against the synonym's, QuickGELU against GELU for weights trained with it.
    """
    tower, _, names = place.column.rpartition(" ")
    kind, _, tuned_on = place.setting.partition(" / ")
    against: dict[str, str] = {}
    if place.paper == "blog":
        if tuned_on:
            against = {"setting": f"{kind} / base"} if tuned_on != "base" else {}
        if tower == "tuned":
            against = {"column": f"base {names}"}
        elif names == "replaced" and not against:
            against = {"column": f"{tower} original".strip()}
        elif place.column in _NEARER:
            against = {"column": _NEARER[place.column]}
    elif (place.where, place.setting) == ("Table 1", "ParaCLIP"):
        against = {"setting": "base"}
    elif place.where == "Table 2":
        against = {"row": "base"}
    elif place.row == "ViT-B-32-quickgelu":
        against = {"row": "ViT-B-32"}
    other = place._replace(**against)
    return other if other != place and other in places() else None


def tower_of(place: Place) -> tuple[str, ...]:
    """Return the names of the tower that a number was measured on; none for a number without one."""
    if place.paper in ("open_clip", "clip_benchmark"):
        return (f"{place.row}/{place.setting}",)
    if reported_at(place).unit in ("count", "number"):
        return ()
    groups = tower_groups()
    return groups["the blog"] if place.paper == "blog" else groups.get(place.row, groups["OpenAI"])


def data_of(place: Place) -> str:
    """Return a word, lower case, that the name of the data must have; empty where words are all the data."""
    if place.paper == "blog":
        named = place.where.split()[0].casefold()
        return "" if place.column.startswith("cosine") else "imagenet" if named == "text" else named
    return _DATA.get(place.column.split()[0], "")


def same_setting(place: Place, made: Conditions) -> bool:
    """Return whether a measurement was made on the tower, of verified weights, and the data of a number.

    A count or a setting has no tower; it is the same wherever it is counted. What the blog says of accuracy
    in its text ("up to 8 %", "more than 25 %") and of relations over templates (B6) is never the same: it
    does not say on what.
    """
    towers = tower_of(place)
    if not towers:
        return not made.text_tower and not made.image_tower
    if place.setting in ("templates", "classification"):
        return False
    named = made.verified and made.text_tower.startswith(towers)
    return named and data_of(place) in made.data.casefold()
