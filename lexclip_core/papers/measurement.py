"""What the notebooks measured: values with their conditions, in `data/measured/NOTEBOOK.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.reported import CLAIM_IDS, Place, ReportedUnit, reported_at

MeasuredUnit = Literal["share", "cosine", "count", "number", "check"]
ExpectedRelation = Literal["above", "below", "equals"]
MEASURED_AS: dict[ReportedUnit, MeasuredUnit] = {
    "percent": "share",
    "change": "share",
    "cosine": "cosine",
    "count": "count",
    "number": "number",
}
_KEYS = {"notebook", "profile", "commit", "measured"}


class Expectation(NamedTuple):
    """What a claim predicts of a value: that it lies above, lies below, or equals a bound."""

    relation: ExpectedRelation
    bound: float


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...


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
        self, what: str, value: Any, of: str | Place, *, change: Any = None, **options: Any
    ) -> Measurement:
        """Return a measurement made under these conditions.

        Args:
            what: What was measured, in words, with what a reader must know to repeat it (K, template, ...).
            value: A number, an `Estimate`, or a mapping with value (or mean), low, high and n.
            of: The claims it bears on (`"B4 B5"`), or the place of the reported number it is compared with,
                whose claims it then bears on.
            change: The effect that gives a direction, as `value` is given: tuned minus base, or replaced
                minus original names, on the same pictures. A place measured on other data is judged by it.
            **options: `unit` (`share` of 1 unless given; cosine, count, number, or check: 1 holds, 0 does
                not); `expected`, what a claim predicts of the value, such as `("above", 0)`; `differs`, what
                is not as the paper has it besides tower and data.

        Raises:
            InputError: Unknown claim or place, a number that is not finite or lies outside its interval.

        >>> rate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 98}
        >>> made = Conditions("WordNet 3.0", "all", "MiniLM").measured("inversion rate", rate, "B5")
        >>> made.claims, made.value.ends
        (('B5',), (0.4, 0.6))
        """
        place = of if isinstance(of, Place) else None
        claims = reported_at(place).claims if place else tuple(str(of).split())
        expected = options.pop("expected", None)
        return Measurement(
            what=what,
            value=Estimate.of(value),
            claims=claims,
            place=place,
            change=None if change is None else Estimate.of(change),
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
    value: Estimate
    claims: tuple[str, ...]
    conditions: Conditions
    place: Place | None = None
    change: Estimate | None = None
    expected: Expectation | None = None
    unit: MeasuredUnit = "share"
    differs: str = ""
    notebook: str = ""
    profile: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        if not self.what.strip():
            raise InputError("a measurement says not what it is of", "name it in a few words")
        if self.unit not in get_args(MeasuredUnit):
            raise InputError(
                f"unknown unit {self.unit!r}", f"choose one of {', '.join(get_args(MeasuredUnit))}"
            )
        if self.place and self.unit != (unit := MEASURED_AS[reported_at(self.place).unit]):
            raise InputError(
                f"{self.what!r} is a {self.unit}, what is reported there a {unit}", f"give unit={unit!r}"
            )
        if self.place is None and not self.claims:
            raise InputError(f"{self.what!r} bears on no claim", "name one, such as B4 or P11")
        for claim in self.claims:
            if claim not in CLAIM_IDS:
                raise InputError(f"unknown claim {claim!r}", "claims are B1 to B30 and P1 to P26")
        if self.expected and self.expected.relation not in get_args(ExpectedRelation):
            raise InputError(
                f"unknown relation {self.expected.relation!r}",
                f"one of {', '.join(get_args(ExpectedRelation))}",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON file; what is empty is left out."""
        about = self.conditions
        made: dict[str, Any] = {
            "what": self.what,
            "claims": list(self.claims),
            "place": list(self.place) if self.place else None,
            **_numbers(self.value),
            "unit": self.unit,
            "change": _numbers(self.change) if self.change else None,
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
            about = Conditions(
                data=entry["data"],
                split=entry["split"],
                text_tower=entry.get("text_tower", ""),
                image_tower=entry.get("image_tower", ""),
                seeds=tuple(entry.get("seeds", ())),
                weights=dict(entry.get("weights", {})),
            )
            place = Place(*entry["place"]) if "place" in entry else None
            return about.measured(
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


def _numbers(estimate: Estimate) -> dict[str, float | int | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


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
    towers = {kind: tower for kind, tower in (("text", text), ("image", image)) if tower is not None}
    return Conditions(
        data=data,
        split=split,
        text_tower=text.name if text is not None else "",
        image_tower=image.name if image is not None else "",
        seeds=tuple(int(seed) for seed in seeds),
        weights={kind: tower.sha256 for kind, tower in towers.items()},
    )


def measured_folder() -> Path:
    """Return the folder of the measurements that come with the project."""
    return storage.data_folder() / "measured"


def recorded_measurements(
    recorded: Mapping[str, Any], *, notebook: str, profile: str
) -> tuple[Measurement, ...]:
    """Return the measurements that a notebook recorded, given as `execution.read_measured` reads them.

    Raises:
        InputError: One cannot be read.
    """
    commit = str(recorded.get("commit", ""))
    return tuple(
        Measurement.from_dict(entry, notebook=notebook, profile=profile, commit=commit)
        for entry in recorded.get("measured", ())
    )


def write_measurements(measurements: Sequence[Measurement], folder: Path) -> list[Path]:
    """Write measurements as one JSON file per notebook, which replaces what stood there.

    Raises:
        InputError: A measurement does not say its notebook.
        StorageError: A file cannot be written.
    """
    by_notebook: dict[str, list[Measurement]] = {}
    for one in measurements:
        by_notebook.setdefault(one.notebook, []).append(one)
    if "" in by_notebook:
        raise InputError("a measurement says not its notebook", "collect it from an executed notebook")
    written = []
    for notebook, members in sorted(by_notebook.items()):
        content = {
            "notebook": notebook,
            "profile": members[0].profile,
            "commit": members[0].commit,
            "measured": [one.as_dict() for one in members],
        }
        path = folder / f"{notebook}.json"
        with storage.atomic_write(path) as temporary:
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        written.append(path)
    return written


def read_measurements(folder: Path | None = None) -> tuple[Measurement, ...]:
    """Return the measurements of a folder, in the order of its notebooks; `data/measured` unless given.

    Raises:
        MissingResourceError: There is no such folder.
        DamagedFileError: A file is not what `write_measurements` writes.
    """
    folder = folder or measured_folder()
    if not folder.is_dir():
        raise MissingResourceError(f"{folder} is not there", "run `lexclip notebooks collect`")
    measurements: list[Measurement] = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or set(content) != _KEYS:
                raise InputError("it has other keys than a file of measurements", "collect it again")
            stem, profile = content["notebook"], content["profile"]
            measurements += recorded_measurements(content, notebook=stem, profile=profile)
        except (ValueError, InputError) as error:
            raise DamagedFileError(f"{path} cannot be read: {error}", "collect it again") from error
    return tuple(measurements)
