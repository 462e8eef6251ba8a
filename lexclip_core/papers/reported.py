"""The numbers that the two papers report, one by one, to compare our own results with.

`data/reported.csv` has the columns paper, where (figure, table or part of the text), row, column, value,
uncertainty, setting, unit, claims. The first four and the setting are a number's place. Values are as
printed, in the unit `percent` (for STS 100 times Spearman's rho), `change` (a difference or a loss, in
percent), `cosine`, `count` or `number`; the uncertainty is what reading a value off a figure adds (0.3
points), printed numbers have 0; `claims` names the claims that a number belongs to. The blog's readers return
shares of 1, as every accuracy of this project.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

BlogKind = Literal["synonym", "hypernym", "mixed"]
BlogSet = Literal["ImageNet", "OpenImages"]
ReportedUnit = Literal["percent", "change", "cosine", "count", "number"]

_LIMITS: dict[ReportedUnit, tuple[float, float]] = {
    "percent": (0, 100),
    "change": (-100, 100),
    "cosine": (-1, 1),
    "count": (0, np.inf),
    "number": (-np.inf, np.inf),
}


_REMEDY = "restore it from the repository"


class Place(NamedTuple):
    """Where a paper has a number: the key that measurements of it carry."""

    paper: str
    where: str
    row: str
    column: str
    setting: str


_COLUMNS = ("paper", "where", "row", "column", "value", "uncertainty", "setting", "unit", "claims")
_TEXT = (*Place._fields, "unit", "claims")


def read(path: Path | None = None) -> pd.DataFrame:
    """Return all reported numbers, one per row: value and uncertainty are floats, the rest is text.

    `paper` is `blog`, `paraclip`, or `open_clip` and `clip_benchmark` for the tables of results that these
    projects publish with their code.

    Args:
        path: Another file of the same columns, instead of the one that is shipped.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: Columns are missing, or a value is impossible in its unit.
    """
    path = path or storage.data_folder() / "reported.csv"
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)
        if tuple(table.columns) != _COLUMNS:
            raise ValueError(f"columns {list(table.columns)}")
        table = table.astype({"value": float, "uncertainty": float})
        _check_values(table)
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", _REMEDY) from error
    except ValueError as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", _REMEDY) from error
    return table


def _check_values(table: pd.DataFrame) -> None:
    for unit, rows in table.groupby("unit"):
        if unit not in get_args(ReportedUnit):
            raise ValueError(f"unknown unit {unit!r}")
        low, high = _LIMITS[unit]
        wrong = rows[~rows["value"].between(low, high)]
        if len(wrong):
            raise ValueError(f"{wrong['value'].iloc[0]:g} lies outside {low:g} to {high:g}, {unit}")
    if not table["uncertainty"].between(0, 5).all():
        raise ValueError("an uncertainty outside 0 to 5")


class Reported(NamedTuple):
    """A reported number, and the claims that it bears on."""

    value: float
    uncertainty: float
    unit: ReportedUnit
    claims: tuple[str, ...]


@lru_cache(maxsize=1)
def places() -> dict[Place, Reported]:
    """Return every reported number by its place, in the order of the file."""
    return {
        Place(row.paper, row.where, row.row, row.column, row.setting): Reported(
            row.value, row.uncertainty, row.unit, tuple(row.claims.split())
        )
        for row in read().itertuples(index=False)
    }


def reported_at(place: Place) -> Reported:
    """Return the number that a paper has at a place.

    Raises:
        InputError: There is none.

    >>> reported_at(Place("paraclip", "Table 1", "OpenAI", "STS", "base")).value
    65.1
    """
    try:
        return places()[place]
    except KeyError as error:
        raise InputError(
            f"no number is reported at {tuple(place)}", "take the place from lexclip_core.papers.reported"
        ) from error


def blog_curve(kind: BlogKind, dataset: BlogSet = "ImageNet") -> pd.DataFrame:
    """Return the blog's accuracies against the number of classes, read off its figures.

    Columns: kind, classes (int), names (`original`, `replaced`), tower (`base`, `tuned`), accuracy and
    uncertainty as shares of 1.

    Raises:
        InputError: The blog has no such figure.
    """
    if dataset not in get_args(BlogSet):
        raise InputError(f"unknown data set {dataset!r}", f"choose one of {', '.join(get_args(BlogSet))}")
    rows = _rows("blog", dataset)
    known = list(dict.fromkeys(rows["setting"]))
    if kind not in known:
        raise InputError(f"the blog has no figure of {dataset} {kind!r}", f"choose one of {', '.join(known)}")
    rows = rows[rows["setting"] == kind]
    return _accuracies(rows, "kind", kind)


def blog_transfer() -> pd.DataFrame:
    """Return the blog's accuracies on OpenImages with text towers tuned on ImageNet words.

    Columns: kind (of the replaced names), classes, names, tower (`base`, or the words it was tuned on),
    accuracy and uncertainty as shares of 1.
    """
    rows = _rows("blog", "OpenImages comparison")
    kinds, tuned_on = zip(*(setting.split(" / ") for setting in rows["setting"]), strict=True)
    columns = [" ".join(parts) for parts in zip(tuned_on, rows["column"], strict=True)]
    return _accuracies(rows.assign(column=columns), "kind", kinds)


def blog_emotions() -> pd.DataFrame:
    """Return the blog's accuracies on FER2013's seven classes, printed in its figures.

    Columns: template (`no template`, `with template`), classes, names, tower, accuracy and uncertainty
    as shares of 1.
    """
    rows = _rows("blog", "FER2013")
    return _accuracies(rows, "template", rows["setting"])


def paraclip_table() -> pd.DataFrame:
    """Return ParaCLIP's main table in percent: a row for each model and state (`base`, `ParaCLIP`)."""
    return _wide(_rows("paraclip", "Table 1"), ["row", "setting"]).rename_axis(index=["model", "state"])


def paraclip_ablation() -> pd.DataFrame:
    """Return ParaCLIP's table of loss terms on OpenAI's weights, in percent; indexed by the choice of terms.

    L1 is the image-text term on captions, L1' on their paraphrases, L1'' on paraphrases of those.
    """
    return _wide(_rows("paraclip", "Table 2"), ["row"]).rename_axis(index="terms")


def _rows(paper: str, where: str) -> pd.DataFrame:
    table = read()
    return table[(table["paper"] == paper) & (table["where"] == where)]


def _accuracies(rows: pd.DataFrame, label: str, labels: Any) -> pd.DataFrame:
    parts = rows["column"].str.rpartition(" ")
    made = pd.DataFrame({"classes": rows["row"].astype(int), "names": parts[2], "tower": parts[0]})
    made.insert(0, label, labels)
    made["accuracy"] = np.round(rows["value"] / 100, 6)
    made["uncertainty"] = np.round(rows["uncertainty"] / 100, 6)
    return made.reset_index(drop=True)


def _wide(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    columns = list(dict.fromkeys(rows["column"]))
    order = rows.drop_duplicates(index).set_index(index).index
    return rows.pivot(index=index, columns="column", values="value").loc[order, columns]
