"""The synset of every boxable OpenImages class, or why it has none: this project's own map.

`openimages_proposal` proposed each row from the class's name and Google's tree of classes. All 601 rows were
then read beside WordNet's glosses, and decided before any other map was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError

Decided = Literal["one sense", "below", "first sense", "by hand", "left out"]


@dataclass(frozen=True)
class Mapped:
    """One class of the map.

    Args:
        name: Google's name.
        synset: Its sense, such as `dog.n.01`, or "" where it is left out.
        decided: How: a rule of `openimages_proposal.Rule` whose proposal the reader kept, `by hand`
            where the reader chose otherwise, `left out` where no one synset is what the class shows.
        why: The class above that decided, or the reader's reason, or "".
    """

    name: str
    synset: str
    decided: Decided
    why: str


@dataclass(frozen=True)
class Agreement:
    """How far another map says the same.

    Args:
        shared: Labels to which both maps give a synset.
        same: Labels to which they give the same one.
        differing: The labels to which they do not.
    """

    shared: int
    same: int
    differing: tuple[str, ...]

    @property
    def rate(self) -> float:
        """The share of the same among the shared, from 0 to 1."""
        return self.same / self.shared


def map_path() -> Path:
    """Return the committed map."""
    return storage.data_folder() / "openimages" / "synsets.csv"


@cache
def synset_map() -> dict[str, Mapped]:
    """Return label -> what the map says of it, for all 601 boxable classes.

    Raises:
        DamagedFileError: The committed file is damaged.
    """
    try:
        rows = pd.read_csv(map_path(), dtype=str, keep_default_na=False)
        found = {row.pop("label"): Mapped(**row) for row in rows.to_dict("records")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{map_path()} is damaged: {error}", "restore it: git checkout") from error
    wrong = [label for label, one in found.items() if one.decided not in get_args(Decided)]
    if wrong or len(found) < len(rows):
        reason = f"{wrong[0]} is decided in no known way" if wrong else "a label stands twice"
        raise DamagedFileError(f"{map_path()} is damaged: {reason}", "restore it: git checkout")
    return found


def agreement(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Agreement:
    """Compare two maps of label -> synset or wnid; a label with "" is left out of the comparison.

    Raises:
        DamagedFileError: The maps share no label.
    """
    shared = [label for label, synset in ours.items() if synset and theirs.get(label)]
    if not shared:
        raise DamagedFileError("the two maps share no label", "compare maps of the same classes")
    differing = tuple(label for label in shared if ours[label] != theirs[label])
    return Agreement(len(shared), len(shared) - len(differing), differing)
