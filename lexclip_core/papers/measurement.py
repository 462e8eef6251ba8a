"""What the notebooks measured: values with their conditions, in `data/measured/NOTEBOOK.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from pydantic import TypeAdapter

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers.claims import claims_by_quantity
from lexclip_core.papers.reported import Place, ReportedUnit, reported_at
from lexclip_core.towers.registry import TowerSpec, titled

MeasuredUnit = Literal["share", "cosine", "count", "number"]
MEASURED_AS: dict[ReportedUnit, MeasuredUnit] = {
    "percent": "share",
    "change": "share",
    "cosine": "cosine",
    "count": "count",
    "number": "number",
}
_COLLECTED = {"notebook", "profile", "commit"}  # once for all measurements of a notebook


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def verified(self) -> bool: ...


class _Text(_Named, Protocol):
    @property
    def spec(self) -> TowerSpec: ...


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
        activation: What the text tower computed with.
        verified: Whether every checksum is the one published under the tower's name. Other weights are not
            what a paper speaks of, whatever they are called, and are not judged by its numbers.
    """

    data: str
    split: str
    text_tower: str = ""
    image_tower: str = ""
    seeds: tuple[int, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)
    activation: str = ""
    verified: bool = True

    @property
    def towers(self) -> str:
        """Return the towers in words, "(unverified)" behind weights of unknown origin; empty without one."""
        image = self.image_tower and f"pictures by {self.image_tower}"
        said = " and ".join(filter(None, (self.text_tower, image)))
        return titled(said, verified=self.verified) if said else ""

    def measured(
        self,
        what: str,
        value: Any,
        quantity: str = "",
        *,
        at: Place | Sequence[Place] = (),
        change: Any = None,
        **options: Any,
    ) -> Measurement:
        """Return a measurement made under these conditions.

        Args:
            what: What was measured, in words, with what a reader must know to repeat it (K, template, ...).
            value: A number, an `Estimate`, or a mapping with value (or mean), low, high and n.
            quantity: Which quantity of `data/claims.toml` it is; the claims that name it are judged by it.
                Empty for a number that is only shown next to a reported one.
            at: The place of the reported number that it is compared with; of several, the nearest first.
            change: A paired change, as `value` is given: tuned minus base, or replaced minus original names,
                on the same items.
            **options: `over`, the items that the interval is over, such as words or pictures: without it an
                interval decides nothing. `by_seed`, the same effect over training seeds or draws. `unit`
                (`share` of 1 unless given; cosine, count, number). `differs`, what is not as the paper has it
                besides tower and data.

        Raises:
            InputError: Unknown quantity or place, a number that is not finite or lies outside its interval.

        >>> rate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 98}
        >>> made = Conditions("WordNet 3.0", "all", "MiniLM").measured(
        ...     "triples with the antonym nearer", rate, "inversion_rate", over="triples"
        ... )
        >>> made.claims, made.value.ends
        (('B5',), (0.4, 0.6))
        """
        places = (at,) if isinstance(at, Place) else tuple(at)
        return Measurement(what, value, self, quantity, places, change, **options)


@dataclass(frozen=True)
class Measurement:
    """A value with what it is of; made by `Conditions.measured`, read from an executed notebook.

    Attributes:
        places: Where the papers have such a number; it is compared with the first, the others are neighbours.
        over: The items that the interval of its effect is over; empty where there is none.
        by_seed: Its effect over training seeds or draws: shown, and no ground for a verdict.
        differs: What is not as the paper has it besides tower and data, such as another number of classes;
            then only the direction is compared.
        notebook: Stem of the notebook, `profile` the parameters it ran with, `commit` the code; all three
            are filled in by whoever collects.
    """

    what: str
    value: Estimate
    conditions: Conditions
    quantity: str = ""
    places: tuple[Place, ...] = ()
    change: Estimate | None = None
    by_seed: Estimate | None = None
    over: str = ""
    unit: MeasuredUnit = "share"
    differs: str = ""
    notebook: str = ""
    profile: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "change", "by_seed"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Estimate.of(getattr(self, name)))
        if not self.what.strip():
            raise InputError("a measurement says not what it is of", "name it in a few words")
        if self.unit not in get_args(MeasuredUnit):
            raise InputError(
                f"unknown unit {self.unit!r}", f"choose one of {', '.join(get_args(MeasuredUnit))}"
            )
        for place in self.places:
            if self.unit != (unit := MEASURED_AS[reported_at(place).unit]):
                raise InputError(
                    f"{self.what!r} is a {self.unit}, what is reported there a {unit}", f"give unit={unit!r}"
                )
        if not self.places and not self.quantity:
            raise InputError(f"{self.what!r} stands next to nothing", "name a quantity or a place")
        if self.quantity and self.quantity not in claims_by_quantity():
            raise InputError(
                f"no claim names a quantity {self.quantity!r}", "data/claims.toml lists them; add it there"
            )

    @property
    def claims(self) -> tuple[str, ...]:
        """Return the claims next to which it stands."""
        return claims_by_quantity()[self.quantity] if self.quantity else ()

    @property
    def effect(self) -> Estimate:
        """Return the change where there is one, else the value."""
        return self.value if self.change is None else self.change

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON file; what is empty is left out."""
        entry: dict[str, Any] = _form().dump_python(
            self, mode="json", exclude_defaults=True, exclude=_COLLECTED
        )
        return entry

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any], **collected: str) -> Measurement:
        """Read what `as_dict` gave back; `collected` fills in notebook, profile and commit.

        Raises:
            InputError: A part is missing or is not what it must be.
        """
        try:
            return replace(_form().validate_python(entry), **collected)  # type: ignore[arg-type]
        except ValueError as error:
            raise InputError(f"a measurement cannot be read: {error}", "collect it again") from error


@lru_cache(maxsize=1)
def _form() -> TypeAdapter[Measurement]:
    return TypeAdapter(Measurement)


def conditions(
    data: str,
    *,
    split: str,
    text: _Text | None = None,
    image: _Named | None = None,
    seeds: Sequence[int] = (),
) -> Conditions:
    """Return the conditions of a notebook's measurements, what its towers are read off them.

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
        activation=text.spec.activation if text is not None else "",
        verified=all(tower.verified for tower in towers.values()),
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
            if not isinstance(content, dict) or set(content) != {*_COLLECTED, "measured"}:
                raise InputError("it has other keys than a file of measurements", "collect it again")
            stem, profile = content["notebook"], content["profile"]
            measurements += recorded_measurements(content, notebook=stem, profile=profile)
        except (ValueError, InputError) as error:
            raise DamagedFileError(f"{path} cannot be read: {error}", "collect it again") from error
    return tuple(measurements)
