"""The statements of both papers, B1 to B30 and P1 to P26, and what it takes to test each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError

_COLUMNS = ["id", "statement", "notebook", "needs"]
IDS = (*(f"B{number}" for number in range(1, 31)), *(f"P{number}" for number in range(1, 27)))


@dataclass(frozen=True)
class Claim:
    """One statement of a paper.

    Attributes:
        id: B (the blog) or P (ParaCLIP) and a number.
        statement: What is stated, in one sentence.
        notebook: Stem of the notebook that measures it; empty where nothing can be run.
        needs: What the paper's own setting needs.
    """

    id: str
    statement: str
    notebook: str
    needs: str

    @property
    def paper(self) -> str:
        """Return `blog` or `paraclip`."""
        return "blog" if self.id.startswith("B") else "paraclip"


def read_claims(path: Path | None = None) -> dict[str, Claim]:
    """Return all claims by their id, in order, from `data/claims.csv` unless another file is named.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: Columns are missing, or a claim is missing, stands twice or is unknown.
    """
    return _shipped() if path is None else _read(path)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Claim]:
    return _read(storage.data_folder() / "claims.csv")


def _read(path: Path) -> dict[str, Claim]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", "restore it from the repository") from error
    if reader.fieldnames != _COLUMNS:
        raise DamagedFileError(
            f"{path} has the columns {reader.fieldnames}", "restore it from the repository"
        )
    found = [row["id"] for row in rows]
    if tuple(found) != IDS:
        odd = sorted(set(found) ^ set(IDS)) or [one for one in found if found.count(one) > 1] or ["an order"]
        raise DamagedFileError(f"{path} lacks or repeats {odd[0]}", "restore it from the repository")
    return {row["id"]: Claim(**row) for row in rows}
