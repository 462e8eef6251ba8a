"""How a measurement is judged against the number or the claim that it bears on.

On the paper's own model and data a number is compared by value: reproduced if ours lies within what the
paper may have meant, within noise if only our interval reaches that, contradicted beyond. On other models
or data only the direction of an effect is: reproduced if our interval lies on the paper's side of 0,
contradicted if on the other, within noise if it includes 0. A claim that predicts something of a value is
judged by that. What nothing here measures, or is a level without direction, is not runnable here. A claim
with several tests is general: one against it contradicts it, and at least half must reproduce it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.measurement import Conditions, Expectation, ExpectedRelation, Measurement
from lexclip_core.papers.reported import Place, ReportedUnit, places, reported_at

Verdict = Literal["reproduced", "within noise", "contradicted", "not runnable here"]

JudgedBy = Literal["value", "direction", "statement", "level", ""]

_EXACT = ("cosine", "count", "number", "check")
ROUNDING: dict[ReportedUnit, float] = {
    "percent": 0.05,
    "change": 0.05,
    "cosine": 0.005,
    "count": 0.0,
    "number": 0.0,
}
_TINY = 1e-9

_PARACLIP_TOWERS = {  # beginnings of names: of the base, and of the authors' own tuned weights
    "OpenAI": ("ViT-B-32-quickgelu/openai", "ViT-B-32/openai", "ParaCLIP/openai"),
    "OpenCLIP (400M)": ("ViT-B-32/laion400m_e32", "ParaCLIP/laion400m_e32"),
    "OpenCLIP (2B)": ("ViT-B-32/laion2b_s34b_b79k", "ParaCLIP/laion2b_s34b_b79k"),
    "OpenCLIP-RoBERTa (2B)": ("roberta-ViT-B-32/laion2b_s12b_b32k", "ParaCLIP/laion2b_s12b_b32k"),
    "LaCLIP (400M)": ("LaCLIP/", "ParaCLIP/laion400m_laclip"),
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
_NOTEBOOKS = {
    "OpenImages": "15_second_domain",
    "OpenImages comparison": "16_transfer",
    "FER2013": "11_emotions",
    "Table 1": "22_table1",
    "Table 2": "23_table2_ablation",
}


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
    comparison: JudgedBy
    verdict: Verdict
    reason: str


def judge_number(measured: Measurement, place: Place) -> Judgement:
    """Compare a measurement with the reported number at its place."""
    reported = reported_at(place)
    if same_setting(place, measured.conditions) and not measured.differs:
        tolerance = reported.uncertainty + ROUNDING[reported.unit]
        verdict = by_value(in_unit_of(place, measured.value), reported.value, tolerance)
        return Judgement(measured, "value", verdict, "the same model and data, by value")
    theirs, uncertainty = effect(place)
    change = measured.value if reported.unit == "change" else measured.change
    if change is not None and change.low is None and measured.unit in _EXACT:
        change = replace(change, low=change.value, high=change.value)
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
    """Compare a measurement with what its claims state; None where it decides nothing of them."""
    if measured.expected is not None:
        verdict = by_statement(measured.value, measured.expected, exact=measured.unit in _EXACT)
        relation, bound = measured.expected
        said = "computed" if measured.unit == "check" else f"predicted: {relation} {bound:g}"
        return Judgement(measured, "statement", verdict, f"{said}, on {_on(measured)}")
    if measured.place is None:
        return None
    judged = judge_number(measured, measured.place)
    return None if judged.comparison == "level" else judged


def _on(measured: Measurement) -> str:
    about = measured.conditions
    towers = " and ".join(
        filter(None, (about.text_tower, about.image_tower and f"pictures by {about.image_tower}"))
    )
    return f"{about.data} ({towers})" if towers else about.data


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


def by_direction(change: Estimate, theirs: float, uncertainty: float) -> Verdict:
    """Judge an effect on another model or other data by its sign alone.

    Without an interval, or where the paper's own effect is not beyond its uncertainty, it is within noise.

    Args:
        change: Our effect, in any unit.
        theirs: The paper's effect.
        uncertainty: What its reading may be off by.

    >>> by_direction(Estimate(0.1, 0.05, 0.2), theirs=7.9, uncertainty=0.6)
    'reproduced'
    """
    if abs(theirs) <= uncertainty + _TINY or change.low is None or change.high is None:
        return "within noise"
    low, high = (change.low, change.high) if theirs > 0 else (-change.high, -change.low)
    return "reproduced" if low > 0 else "contradicted" if high < 0 else "within noise"


def by_statement(value: Estimate, expected: Expectation, *, exact: bool) -> Verdict:
    """Judge a value by what a claim predicts of it.

    Args:
        value: What was measured.
        expected: Above or below a bound: reproduced if the whole interval is, contradicted if none of it is,
            within noise if it includes the bound. Equal to a bound: reproduced if the interval includes it,
            else contradicted.
        exact: A number without an interval counts as known exactly (a count, a cosine); otherwise it
            decides nothing.

    >>> by_statement(Estimate(0.5, 0.4, 0.6), Expectation("above", 0.25), exact=False)
    'reproduced'
    """
    if value.low is None and not exact:
        return "within noise"
    return _RELATIONS[expected.relation](*value.ends, expected.bound)


def _above(low: float, high: float, bound: float) -> Verdict:
    return "reproduced" if low > bound else "contradicted" if high < bound else "within noise"


def _below(low: float, high: float, bound: float) -> Verdict:
    return _above(-high, -low, -bound)


def _equals(low: float, high: float, bound: float) -> Verdict:
    return "reproduced" if low - _TINY <= bound <= high + _TINY else "contradicted"


_RELATIONS: dict[ExpectedRelation, Callable[[float, float, float], Verdict]] = {
    "above": _above,
    "below": _below,
    "equals": _equals,
}


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict for a claim that several tests bear on; without a test it is not runnable here.

    >>> combined(["reproduced", "reproduced", "within noise", "contradicted"])
    'contradicted'
    """
    counts = Counter(one for one in verdicts if one != "not runnable here")
    if not counts:
        return "not runnable here"
    if counts["contradicted"]:
        return "contradicted"
    return "reproduced" if 2 * counts["reproduced"] >= counts.total() else "within noise"


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


def in_unit_of(place: Place, value: Estimate) -> Estimate:
    """Return a measured value in the unit of the reported number: shares become percent."""
    return value.scaled(100) if reported_at(place).unit in ("percent", "change") else value


BLOG_TOWER = "ViT-B-32/laion400m_e31"


def reference(place: Place) -> Place | None:
    """Return the place of the number that this one is an effect against, or None for a level.

    Tuned against base, replaced against original names, ParaCLIP against its base, losses against none, an
    antonym's cosine against the synonym's, QuickGELU against GELU for weights trained with it.
    """
    against = _BY_PAPER[place.paper](place)
    return against if against in places() else None


def _blog(place: Place) -> Place | None:
    tower, _, names = place.column.rpartition(" ")
    if place.where == "OpenImages comparison" and not place.setting.endswith(" / base"):
        return place._replace(setting=f"{place.setting.split(' / ')[0]} / base")
    if tower == "tuned":
        return place._replace(column=f"base {names}")
    if names == "replaced":
        return place._replace(column=f"{tower} original".strip())
    return place._replace(column=_NEARER[place.column]) if place.column in _NEARER else None


def _paraclip(place: Place) -> Place | None:
    if place.where == "Table 1" and place.setting == "ParaCLIP":
        return place._replace(setting="base")
    return place._replace(row="base") if place.where == "Table 2" and place.row != "base" else None


def _open_clip(place: Place) -> Place | None:
    return place._replace(row="ViT-B-32") if place.row == "ViT-B-32-quickgelu" else None


_BY_PAPER: dict[str, Callable[[Place], Place | None]] = {
    "blog": _blog,
    "paraclip": _paraclip,
    "open_clip": _open_clip,
    "clip_benchmark": lambda place: None,
}


def tower_of(place: Place) -> tuple[str, ...]:
    """Return the names of the tower that a number was measured on; none for a number without one."""
    if place.paper in ("open_clip", "clip_benchmark"):
        return (f"{place.row}/{place.setting}",)
    if reported_at(place).unit in ("count", "number"):
        return ()
    if place.paper == "blog":
        return (BLOG_TOWER,)
    return _PARACLIP_TOWERS.get(
        "OpenAI" if place.where == "Table 2" else place.row, _PARACLIP_TOWERS["OpenAI"]
    )


def data_of(place: Place) -> str:
    """Return a word, lower case, that the name of the data must have; empty where words are all the data."""
    if place.paper == "blog":
        named = place.where.split()[0].casefold()
        return "" if place.column.startswith("cosine") else "imagenet" if named == "text" else named
    return _DATA.get(place.column.split()[0], "")


def same_setting(place: Place, made: Conditions) -> bool:
    """Return whether a measurement was made on the tower and the data of the reported number.

    A count or a setting has no tower; it is the same wherever it is counted. What the blog says of accuracy
    in its text ("up to 8 %", "more than 25 %") and of relations over templates (B6) is never the same: it
    does not say on what.
    """
    towers = tower_of(place)
    if not towers:
        return not made.text_tower and not made.image_tower
    if place.setting in ("templates", "classification"):
        return False
    return made.text_tower.startswith(towers) and data_of(place) in made.data.casefold()


def notebook_of(place: Place) -> str:
    """Return the stem of the notebook that measures a number, or "" where its claim says it."""
    by_setting = {"hypernym": "13_hypernyms", "mixed": "14_mixed"}
    return by_setting.get(place.setting, "") if place.where == "ImageNet" else _NOTEBOOKS.get(place.where, "")
