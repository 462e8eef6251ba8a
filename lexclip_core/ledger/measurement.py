"""One measurement: a number, its interval, what it was measured on, and the claims it bears on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, get_args

from lexclip_core.datasets import reported
from lexclip_core.datasets.reported import Place, Reported, places
from lexclip_core.errors import InputError
from lexclip_core.ledger.quantity import Quantity, quantity

Unit = Literal["share", "cosine", "count", "number", "check"]
Relation = Literal["above", "below", "equals"]
MEASURED_AS: dict[reported.Unit, Unit] = {
    "percent": "share",
    "change": "share",
    "cosine": "cosine",
    "count": "count",
    "number": "number",
}

_CLAIM = re.compile(r"B([1-9]|[12]\d|30)|P([1-9]|1\d|2[0-6])")


class Expectation(NamedTuple):
    """What a claim predicts of a value: that it lies above, lies below, or equals a bound."""

    relation: Relation
    bound: float


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    sha256: str


@dataclass(frozen=True)
class Conditions:
    """What a measurement was made on.

    Attributes:
        data: The pictures, words or sentences, by the name of the set.
        split: Which part: heldout, seen, all, dev, ...
        text_tower: Name it was loaded by; empty where no tower was asked.
        image_tower: Name it was loaded by; empty where no picture was looked at.
        seeds: Seeds of all that was random.
        weights: sha256 of the weights, by `text` and `image`.
    """

    data: str
    split: str
    text_tower: str = ""
    image_tower: str = ""
    seeds: tuple[int, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)

    def measured(
        self,
        what: str,
        value: Any,
        of: str | Place,
        *,
        change: Any = None,
        **options: Any,
    ) -> Measurement:
        """Return a measurement made under these conditions.

        Args:
            what: What was measured, in words, with what a reader must know to repeat it (K, template, ...).
            value: A number, or an estimate: a mapping or an object with value (or mean), low, high and n.
            of: The claims it bears on (`"B4 B5"`), or the place of the reported number it is held against,
                whose claims it then bears on.
            change: The effect that gives a direction, as `value` is given: tuned minus base, or replaced
                minus original names, on the same pictures. A place measured on other data is judged by it.
            **options: `unit` (`share` of 1 unless given; cosine, count, number, or check: 1 holds, 0 does
                not); `expected`, what a claim predicts of the value, such as `("above", 0)`; `differs`, what
                is not as the paper has it besides tower and data.

        Raises:
            InputError: No such claim or place, a number that is not finite or lies outside its interval.
        """
        place = of if isinstance(of, Place) else None
        claims = reported_at(place).claims if place else tuple(str(of).split())
        expected = options.pop("expected", None)
        return Measurement(
            what=what,
            value=quantity(value),
            claims=claims,
            place=place,
            change=None if change is None else quantity(change),
            expected=Expectation(*expected) if expected else None,
            conditions=self,
            **options,
        )


@dataclass(frozen=True)
class Measurement:
    """A value with what it is of; made by `Conditions.measured`, read from an executed notebook.

    Attributes:
        differs: What is not as the paper has it besides tower and data, such as another number of classes;
            then only the direction is compared.
        notebook: Stem of the notebook, `profile` the parameters it ran with, `commit` the code; all three
            are filled in by whoever collects.
    """

    what: str
    value: Quantity
    claims: tuple[str, ...]
    conditions: Conditions
    place: Place | None = None
    change: Quantity | None = None
    expected: Expectation | None = None
    unit: Unit = "share"
    differs: str = ""
    notebook: str = ""
    profile: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        if not self.what.strip():
            raise InputError("a measurement says not what it is of", "name it in a few words")
        if self.unit not in get_args(Unit):
            raise InputError(f"unknown unit {self.unit!r}", f"choose one of {', '.join(get_args(Unit))}")
        if self.place and self.unit != (unit := MEASURED_AS[reported_at(self.place).unit]):
            raise InputError(
                f"{self.what!r} is a {self.unit}, what is reported there a {unit}", f"give unit={unit!r}"
            )
        if self.place is None and not self.claims:
            raise InputError(f"{self.what!r} bears on no claim", "name one, such as B4 or P11")
        for claim in self.claims:
            if not _CLAIM.fullmatch(claim):
                raise InputError(f"there is no claim {claim!r}", "claims are B1 to B30 and P1 to P26")
        if self.expected and self.expected.relation not in get_args(Relation):
            raise InputError(
                f"unknown relation {self.expected.relation!r}", f"one of {', '.join(get_args(Relation))}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON file; what is empty is left out."""
        about = self.conditions
        made: dict[str, Any] = {
            "what": self.what,
            "claims": list(self.claims),
            "place": list(self.place) if self.place else None,
            **self.value._asdict(),
            "unit": self.unit,
            "change": self.change._asdict() if self.change else None,
            "expected": list(self.expected) if self.expected else None,
            "differs": self.differs,
            "data": about.data,
            "split": about.split,
            "text_tower": about.text_tower,
            "image_tower": about.image_tower,
            "seeds": list(about.seeds),
            "weights": dict(about.weights),
        }
        return {name: value for name, value in made.items() if value not in (None, "", [], {})}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any], **collected: str) -> Measurement:
        """Read what `as_dict` gave back; `collected` fills in notebook, profile and commit.

        Raises:
            InputError: A part is missing or is not what it must be.
        """
        try:
            conditions = Conditions(
                data=entry["data"],
                split=entry["split"],
                text_tower=entry.get("text_tower", ""),
                image_tower=entry.get("image_tower", ""),
                seeds=tuple(entry.get("seeds", ())),
                weights=dict(entry.get("weights", {})),
            )
            place = Place(*entry["place"]) if "place" in entry else None
            return conditions.measured(
                entry["what"],
                entry,
                place or " ".join(entry["claims"]),
                change=entry.get("change"),
                expected=entry.get("expected"),
                unit=entry.get("unit", "share"),
                differs=entry.get("differs", ""),
                **collected,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a measurement cannot be read: {error}", "collect it again") from error


def conditions(
    data: str,
    *,
    split: str,
    text: _Named | None = None,
    image: _Named | None = None,
    seeds: Sequence[int] = (),
) -> Conditions:
    """Return the conditions of a notebook's measurements, names and checksums read off its towers.

    Args:
        data: The pictures, words or sentences, by the name of the set.
        split: Which part: heldout, seen, all, dev, ...
        text: The text tower, if one was asked.
        image: The image tower, if pictures were looked at.
        seeds: Seeds of all that was random.
    """
    named = {side: tower for side, tower in (("text", text), ("image", image)) if tower is not None}
    return Conditions(
        data=data,
        split=split,
        text_tower=text.name if text is not None else "",
        image_tower=image.name if image is not None else "",
        seeds=tuple(int(seed) for seed in seeds),
        weights={side: tower.sha256 for side, tower in named.items()},
    )


def reported_at(place: Place) -> Reported:
    """Return the number that a paper has at a place.

    Raises:
        InputError: There is none.
    """
    try:
        return places()[place]
    except KeyError as error:
        raise InputError(
            f"no number is reported at {tuple(place)}", "take the place from lexclip_core.datasets.reported"
        ) from error
