"""What the two papers state, and which measurements give each statement a verdict: `data/claims.toml`.

A claim names the quantities that test it, what of them counts for and against it, and the towers and the data
that it speaks of. Nothing else can give it a verdict. A claim that describes a data set, a formula or a
setting names the tests that show it implemented; one that its source leaves undefined names its readings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, TypeAdapter

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import RESTORE, read_toml

ClaimKind = Literal["measured", "described", "undefined", "outside"]
ClaimRule = Literal["all", "some"]
Part = Literal["value", "change"]
Relation = Literal["above", "below", "equals", "differs"]

CLAIM_IDS = (*(f"B{number}" for number in range(1, 31)), *(f"P{number}" for number in range(1, 27)))
_TINY = 1e-9

_HOLDS: dict[Relation, Callable[[float, float, float], bool]] = {
    "above": lambda low, high, bound: low > bound,
    "below": lambda low, high, bound: high < bound,
    "equals": lambda low, high, bound: low - _TINY <= bound <= high + _TINY,
    "differs": lambda low, high, bound: not low - _TINY <= bound <= high + _TINY,
}


class Criterion(NamedTuple):
    """Where the 95 % interval of a value, or of a change, must lie as a whole."""

    part: Part
    relation: Relation
    bound: float

    @classmethod
    def read(cls, text: str) -> Criterion:
        """Read a criterion as `data/claims.toml` writes it.

        Raises:
            InputError: It is not a part, a relation and a number.

        >>> Criterion.read("change above 0").holds(0.1, 0.3)
        True
        """
        words = text.split()
        if len(words) != 3 or words[0] not in get_args(Part) or words[1] not in get_args(Relation):
            raise InputError(
                f"{text!r} is not a criterion",
                f"write one of {', '.join(get_args(Part))}, one of {', '.join(get_args(Relation))}, a number",
            )
        try:
            return cls(words[0], words[1], float(words[2]))  # type: ignore[arg-type]
        except ValueError as error:
            raise InputError(f"{text!r} is not a criterion: {error}", "end it with a number") from error

    def holds(self, low: float, high: float) -> bool:
        """Return whether the whole interval lies there; "equals" needs the bound inside it."""
        return _HOLDS[self.relation](low, high, self.bound)


@dataclass(frozen=True)
class ClaimTest:
    """A quantity that tests a claim, and what of it counts for and against the claim; data may be its own."""

    quantity: str
    supports: Annotated[Criterion, BeforeValidator(Criterion.read)]
    against: Annotated[Criterion, BeforeValidator(Criterion.read)]
    data: str = ""


@dataclass(frozen=True)
class Claim:
    """One statement of a paper.

    Attributes:
        id: B (the blog) or P (ParaCLIP) and a number.
        statement: What is stated, in one sentence.
        notebook: Stem of the notebook that measures it; empty where nothing can be run.
        needs: What the paper's own setting needs.
        kind: Whether a measurement decides it, or what it is instead.
        towers: Groups of towers (`tower_groups`) that it speaks of; empty for a fact about data.
        data: A word that the name of the data must have.
        tests: What decides it.
        rule: Whether every test must support it or one is enough.
        shown: Quantities that stand next to it and decide nothing; of an undefined claim, its readings.
        shown_by: "test_file.py::test" that show it implemented.
        settings: Columns of reported numbers that are settings of this project.
    """

    id: str
    statement: str
    needs: str
    notebook: str = ""
    kind: ClaimKind = "measured"
    towers: tuple[str, ...] = ()
    data: str = ""
    tests: tuple[ClaimTest, ...] = ()
    rule: ClaimRule = "all"
    shown: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lacking = {"measured": self.tests, "described": self.shown_by, "undefined": self.shown}
        if not lacking.get(self.kind, True):
            raise InputError(f"{self.id} is {self.kind} and names nothing that shows it", RESTORE)

    @property
    def paper(self) -> str:
        """Return `blog` or `paraclip`."""
        return "blog" if self.id.startswith("B") else "paraclip"

    @property
    def quantities(self) -> tuple[str, ...]:
        """Return every quantity that stands next to the claim, those that test it first."""
        return (*(one.quantity for one in self.tests), *self.shown)

    @property
    def about(self) -> str:
        """Return the towers and the data that it speaks of, in words."""
        data = " and ".join(dict.fromkeys(self.data_of(one) for one in self.tests))
        towers = [tower_groups()[name][0] for name in self.towers]
        said = towers[0] if len(towers) == 1 else f"{len(towers)} CLIPs" if towers else ""
        return " on ".join(filter(None, (said, data)))

    def data_of(self, test: ClaimTest) -> str:
        """Return the word that the name of a test's data must have."""
        return test.data or self.data


def read_claims(path: Path | None = None) -> dict[str, Claim]:
    """Return all claims by their id, in order.

    Args:
        path: Another file of the same form, instead of the `data/claims.toml` that is shipped.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not TOML, an entry is not a claim, or one is missing or unknown.

    >>> read_claims()["B21"].tests[0].supports
    Criterion(part='change', relation='above', bound=0.0)
    """
    return _read(path or storage.data_folder() / "claims.toml")[1]


def tower_groups() -> dict[str, tuple[str, ...]]:
    """Return the beginnings of names of each group of towers, by the group's name.

    >>> tower_groups()["the blog"]
    ('ViT-B-32/laion400m_e31',)
    """
    return _read(storage.data_folder() / "claims.toml")[0]


@lru_cache(maxsize=1)
def claims_by_quantity() -> dict[str, tuple[str, ...]]:
    """Return the claims next to which each quantity stands.

    >>> claims_by_quantity()["gain.imagenet"]
    ('B21',)
    """
    found: dict[str, tuple[str, ...]] = {}
    for claim in read_claims().values():
        for quantity in dict.fromkeys(claim.quantities):
            found[quantity] = (*found.get(quantity, ()), claim.id)
    return found


@lru_cache(maxsize=2)
def _read(path: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, Claim]]:
    content = read_toml(path)
    try:
        groups = TypeAdapter(dict[str, tuple[str, ...]]).validate_python(content.pop("towers", {}))
        entries = {name: {"id": name} | entry for name, entry in content.items()}
        claims = TypeAdapter(dict[str, Claim]).validate_python(entries)
    except (TypeError, ValueError, InputError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", RESTORE) from error
    unknown = {name for claim in claims.values() for name in claim.towers} - set(groups)
    odd = sorted(unknown or set(claims) ^ set(CLAIM_IDS))
    if odd or tuple(claims) != CLAIM_IDS:
        raise DamagedFileError(f"{path} lacks or adds {(odd or ['an order'])[0]}", RESTORE)
    return groups, claims
