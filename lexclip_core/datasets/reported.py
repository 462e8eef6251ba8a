"""What the two papers report, number by number, to hold our own results against.

`data/reported.csv` has the columns paper, where (figure or table), row, column, value, uncertainty, setting.
Values are as printed: percent, and for STS 100 times Spearman's rho. The uncertainty is what reading a value
off a figure adds (0.3 points); printed numbers have 0. The blog's readers return shares of 1, as every
accuracy of this project.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

BlogKind = Literal["synonym", "hypernym", "mixed"]
BlogSet = Literal["ImageNet", "OpenImages"]

_COLUMNS = ("paper", "where", "row", "column", "value", "uncertainty", "setting")


def read(path: Path | None = None) -> pd.DataFrame:
    """Return all reported numbers, one a row: value and uncertainty are floats, the rest is text.

    `paper` is `blog`, `paraclip`, or `open_clip` and `clip_benchmark` for the tables of results that these
    projects publish with their code.

    Args:
        path: Another file of the same columns, instead of the one that is shipped.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: Columns are missing, or a value is no percentage.
    """
    path = path or storage.data_folder() / "reported.csv"
    text = dict.fromkeys(("paper", "where", "row", "column", "setting"), str)
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False)
        if tuple(table.columns) != _COLUMNS:
            raise ValueError(f"columns {list(table.columns)}")
        table = table.astype({"value": float, "uncertainty": float})
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", "restore it from the repository") from error
    except ValueError as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "restore it from the repository") from error
    if not (table["value"].between(0, 100) & table["uncertainty"].between(0, 5)).all():
        raise DamagedFileError(f"{path} holds a value outside 0 to 100", "restore it from the repository")
    return table


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
    return _accuracies(rows, {"kind": kind} | _sides(rows))


def blog_transfer() -> pd.DataFrame:
    """Return the blog's accuracies on OpenImages with text towers tuned on ImageNet words.

    Columns: kind (of the replaced names), classes, names, tower (`base`, or the words it was tuned on),
    accuracy and uncertainty as shares of 1.
    """
    rows = _rows("blog", "OpenImages comparison")
    kinds, tuned_on = zip(*(setting.split(" / ") for setting in rows["setting"]), strict=True)
    return _accuracies(rows, {"kind": kinds, "names": rows["column"], "tower": tuned_on})


def blog_emotions() -> pd.DataFrame:
    """Return the blog's accuracies on FER2013's seven classes, printed in its figures.

    Columns: template (`no template`, `with template`), classes, names, tower, accuracy and uncertainty
    as shares of 1.
    """
    rows = _rows("blog", "FER2013")
    return _accuracies(rows, {"template": rows["setting"]} | _sides(rows))


def paraclip_table() -> pd.DataFrame:
    """Return ParaCLIP's main table in percent: a row for each model and state (`base`, `ParaCLIP`)."""
    return _wide(_rows("paraclip", "Table 1"), ["row", "setting"]).rename_axis(index=["model", "state"])


def paraclip_ablation() -> pd.DataFrame:
    """Return ParaCLIP's table of loss terms on OpenAI's weights, in percent; an index row a choice of terms.

    L1 is the image-text term on captions, L1' on their paraphrases, L1'' on paraphrases of those.
    """
    return _wide(_rows("paraclip", "Table 2"), ["row"]).rename_axis(index="terms")


def _rows(paper: str, where: str) -> pd.DataFrame:
    table = read()
    return table[(table["paper"] == paper) & (table["where"] == where)]


def _sides(rows: pd.DataFrame) -> dict[str, pd.Series]:
    sides = rows["column"].str.split(" ", expand=True)
    return {"names": sides[1], "tower": sides[0]}


def _accuracies(rows: pd.DataFrame, labels: dict) -> pd.DataFrame:
    made = pd.DataFrame({"classes": rows["row"].astype(int)}).assign(**labels)
    made["accuracy"] = np.round(rows["value"] / 100, 6)
    made["uncertainty"] = np.round(rows["uncertainty"] / 100, 6)
    order = [*(name for name in ("kind", "template") if name in labels), "classes", "names", "tower"]
    return made[[*order, "accuracy", "uncertainty"]].reset_index(drop=True)


def _wide(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    columns = list(dict.fromkeys(rows["column"]))
    order = rows.drop_duplicates(index).set_index(index).index
    return rows.pivot(index=index, columns="column", values="value").loc[order, columns]
